"""SQLAlchemy with the two databases that the program speaks to, and no other's driver."""

# ruff: noqa: INP001, N999 - PyInstaller finds a hook by this name

hiddenimports = [
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.sql.default_comparator",
]
excludedimports = ["sqlalchemy.testing"]
