"""psycopg's compiled half, with the pure Python modules that it imports by itself."""

# ruff: noqa: INP001, N999 - PyInstaller finds a hook by this name

hiddenimports = ["psycopg_binary._psycopg", "psycopg_binary.pq", "uuid"]
