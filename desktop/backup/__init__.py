"""Archives of a clinic: how they are written, read, kept, taken and put back.

Knows the tenant schema and the sync engine's tables; knows no screen and no service.
"""
