"""Defects put in on purpose, each of which a named test has to notice: ``python -m tests.mutations``.

Nothing here touches the working tree: every defect goes into a temporary copy of it.
"""
