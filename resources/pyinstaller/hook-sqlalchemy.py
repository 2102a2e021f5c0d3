"""SQLAlchemy with the two databases that the program speaks to, and no other's driver."""

hiddenimports = [
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.sql.default_comparator",
]
excludedimports = ["sqlalchemy.testing"]
