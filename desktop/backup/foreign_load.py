"""Loads another program's rows: line by line into tables that sort them out, then into ours."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from desktop.backup import catalog
from desktop.backup.catalog import AUDIT
from desktop.backup.foreign_dump import Block
from desktop.backup.foreign_json import Entry
from desktop.backup.foreign_programs import CLINIC, Source
from desktop.backup.foreign_report import Findings
from desktop.backup.foreign_rows import Lines
from desktop.backup.foreign_sort import ORDER, Sorting

_PIECE = 256 * 1024
_CARRIED = ("configuracion_ajuste", "agenda_sala")
"""What the other programs have no notion of, and the clinic would not be itself without."""

_INFORMATION = "configuracion_informacionclinica"


class Loading:
    """Brings rows into the bare tables of a throwaway schema, beside the clinic ``live``.

    :ivar seen: our table → rows of it in the file. :ivar taken: rows of it that were taken.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        schema: str,
        live: str,
        sources: Mapping[str, Source],
        zone: ZoneInfo,
        now: dt.datetime,
    ) -> None:
        self.findings = Findings()
        self.seen: Counter[str] = Counter({source.target: 0 for source in sources.values()})
        self.taken: dict[str, int] = {}
        self._connection = connection
        self._schema = schema
        self._live = live
        by_target = {source.target: source for source in CLINIC.sources} | {
            source.target: source for source in sources.values()
        }
        self._lines = {table: Lines(by_target[table], zone, now, self.findings) for table in ORDER}
        self._of_name = {name: self._lines[source.target] for name, source in sources.items()}
        self._sorting = Sorting(connection, self._lines, self.findings)
        self._held: dict[str, list[bytes]] = {table: [] for table in ORDER}
        self._sizes: Counter[str] = Counter()
        self._places: dict[tuple[str, tuple[str, ...]], list[int | None]] = {}

    def make_tables(self) -> None:
        """The tables that the rows lie in until they are sorted out."""
        self._sorting.make_tables()

    def block(self, block: Block) -> None:
        """Takes the rows of a dump's block."""
        lines = self._of_name[block.table]
        columns = block.columns or ()
        key = (block.table, columns)
        if key not in self._places:
            self._places = {key: lines.places(columns)}
        places = self._places[key]
        for row in block.rows():
            self.seen[lines.table] += 1
            self._add(lines.table, lines.of_row(self.seen[lines.table], row, places))

    def entries(self, entries: Iterator[Entry]) -> None:
        """Takes the objects of ``dumpdata``."""
        for entry in entries:
            lines = self._of_name.get(entry.label)
            if lines is not None:
                self.seen[lines.table] += 1
                self._add(lines.table, lines.of_entry(self.seen[lines.table], entry))

    def recoded(self, count: int) -> None:
        """Notes values that were not of the encoding that the file claims."""
        if count:
            self.findings.note("recoded", "", count=count)

    def finish(self, step: Callable[[], None] = lambda: None) -> None:
        """Sorts everything out, and moves what holds together into our tables.

        :param step: called before each table's turn; what it raises ends the work.
        """
        for table in ORDER:
            self._flush(table)
        for table in ORDER:
            if self.seen[table]:
                step()
                self._sorting.sort_out(table)
        if self.seen[AUDIT]:
            self._sorting.fit_to_live(AUDIT, self._live)
        for table in ORDER:
            if self.seen[table]:
                step()
                self.taken[table] = self._sorting.move(table, self._schema)

    def _set_sequences(self) -> None:
        for table in (*ORDER, *_CARRIED):
            self._connection.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({name}, 'id'), max(id)) FROM {table}"
                    " HAVING max(id) IS NOT NULL"
                ).format(
                    name=sql.Literal(sql.Identifier(self._schema, table).as_string()),
                    table=sql.Identifier(self._schema, table),
                )
            )

    def carry_over(self) -> None:
        """Gives the schema the identity of the live clinic, and what the file knows nothing of."""
        live = self._live
        carried = [*_CARRIED, *([] if self.taken.get(_INFORMATION) else [_INFORMATION])]
        for table in carried:
            ours = {
                column.name for column in catalog.columns(self._connection, self._schema, table)
            }
            names = [
                sql.Identifier(column.name)
                for column in catalog.columns(self._connection, live, table)
                if column.name in ours
            ]
            catalog.put(
                self._connection,
                "INSERT INTO {there} ({columns}) SELECT {columns} FROM {live} ORDER BY id",
                there=sql.Identifier(self._schema, table),
                columns=sql.SQL(", ").join(names),
                live=sql.Identifier(live, table),
            )
        self._set_sequences()
        catalog.put(
            self._connection,
            "UPDATE {there} m SET tenant_uuid = l.tenant_uuid, epoch = l.epoch,"
            " schema_version = l.schema_version, min_client_version = l.min_client_version"
            " FROM {live} l",
            there=sql.Identifier(self._schema, "sync_meta"),
            live=sql.Identifier(live, "sync_meta"),
        )

    def _add(self, table: str, line: bytes | None) -> None:
        if line is None:
            return
        self._held[table].append(line)
        self._sizes[table] += len(line)
        if self._sizes[table] >= _PIECE:
            self._flush(table)

    def _flush(self, table: str) -> None:
        if self._held[table]:
            self._sorting.copy(table, b"".join(self._held[table]))
            self._held[table] = []
            self._sizes[table] = 0
