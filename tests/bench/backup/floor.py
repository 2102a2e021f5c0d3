"""What a restore is measured against: the same rows by COPY into bare tables of the same server."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
from psycopg import sql

from desktop.backup.archive_reader import ArchiveReader, verify

BLOCK = 1 << 20
SCHEMA = "desnudas"


class Floor:
    """An archive's rows as plain COPY text in files of ``folder``, a file to a table."""

    def __init__(self, path: Path, identity: str, folder: Path) -> None:
        folder.mkdir()
        self.tables: dict[str, tuple[str, ...]] = {}
        self._folder = folder
        with path.open("rb") as file:
            contents = verify(file, [identity], trusted=None)
            with ArchiveReader(file, [identity], contents) as reader:
                for part in reader.tables():
                    columns = contents.manifest.table(part.name).columns
                    self.tables[part.name] = tuple(column.name for column in columns)
                    with (folder / part.name).open("wb") as plain:
                        for chunk in part.chunks:
                            plain.write(chunk)

    def make(self, connection: psycopg.Connection, schema: str) -> None:
        """Tables with those columns and nothing else: no key, index, rule, default or trigger."""
        with connection.transaction():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
            for name, columns in self.tables.items():
                connection.execute(
                    sql.SQL("CREATE TABLE {} AS SELECT {} FROM {} LIMIT 0").format(
                        sql.Identifier(SCHEMA, name),
                        sql.SQL(", ").join(map(sql.Identifier, columns)),
                        sql.Identifier(schema, name),
                    )
                )

    def fill(self, connection: psycopg.Connection) -> float:
        """Seconds that all tables take, to the commit's return."""
        began = time.monotonic()
        with connection.transaction():
            for name in self.tables:
                statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(SCHEMA, name))
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    with (self._folder / name).open("rb") as plain:
                        while block := plain.read(BLOCK):
                            copy.write(block)
        return time.monotonic() - began

    def drop(self, connection: psycopg.Connection) -> None:
        """For the next turn."""
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))
