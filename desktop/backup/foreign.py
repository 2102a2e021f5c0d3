"""Import of other programs' backups: Django's ``dumpdata`` and plain SQL of pg_dump.

A file is looked at first (:func:`look`): read to its end, executed never. What of it is on the
allow-list then goes into a throwaway tenant schema that *our* migrations make (:func:`brought_in`),
with an account of every row that was taken, changed or left. An archive taken of that schema is
restored like any other.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import psycopg

from desktop.backup import catalog, foreign_words
from desktop.backup.foreign_dump import DumpReader
from desktop.backup.foreign_file import ForeignFile, Form, Progress, identify
from desktop.backup.foreign_json import UTF8, WINDOWS, NotText, entries
from desktop.backup.foreign_load import Loading
from desktop.backup.foreign_programs import (
    OF_DJANGO,
    PROGRAMS,
    Program,
    Source,
    as_table,
    chosen,
    recognise,
    wanted,
)
from desktop.backup.foreign_report import LEAVING, ForeignReport, LeftTable, shown
from desktop.domain.errors import RuleError

_MOST_NAMES = 2000
_MOST_SCHEMAS = 2000
_REST = "…"
_REASONS = 5
PREFIX = "importando_"
"""Throwaway schemas are called so; :func:`sweep` removes those that a killed import left."""


class Tenancy(Protocol):
    """The migrations, from above: who makes a tenant's tables."""

    def head(self) -> str:
        """The revision that this program makes."""
        ...

    def tables(self, connection: psycopg.Connection, schema: str, revision: str) -> None:
        """Bring an existing schema's tables to a revision, without functions and triggers."""
        ...

    def functions(self, connection: psycopg.Connection, schema: str) -> None:
        """Give filled tables what every tenant's have: functions, triggers, the rule on overlaps."""
        ...


@dataclass(frozen=True, slots=True)
class SchemaSeen:
    """One clinic of an SQL file, by its schema. :ivar rows: those that could be taken."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a file holds.

    :ivar program: code of the program, :data:`~desktop.backup.foreign_programs.PROGRAMS`.
    :ivar schemas: clinics in it; one without a name for ``dumpdata``. Where there are several, one
        has to be chosen. :ivar tables: tables or models, and their rows, in all clinics.
    :ivar ignored: statements that were passed over, by their first words.
    """

    file: ForeignFile
    program: str
    label: str
    encoding: str
    schemas: tuple[SchemaSeen, ...]
    tables: dict[str, int]
    ignored: dict[str, int]
    places: dict[tuple[str, str], int] = field(repr=False)

    def choose(self, schema: str | None) -> str:
        """The clinic that is meant.

        Raises ``RuleError``: ``foreign.choose_schema``, ``foreign.no_schema``.
        """
        names = [seen.name for seen in self.schemas]
        if schema is not None and schema not in names:
            raise RuleError("foreign.no_schema", schema=schema, schemas=", ".join(names[:20]))
        if schema is None and len(names) > 1:
            raise RuleError("foreign.choose_schema", schemas=", ".join(names[:20]))
        return names[0] if schema is None else schema


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """A throwaway tenant schema with what was taken, and the account of it."""

    schema: str
    report: ForeignReport


def look(path: Path, *, progress: Progress | None = None) -> Look:
    """Read a file to its end, and say what it holds. Nothing of it is executed or sent anywhere.

    :param progress: called with the bytes that are done and those of the file; what it raises ends
        the reading.
    Raises :class:`RuleError` and :class:`EnvironmentTrouble` with ``foreign.`` codes.
    """
    file = identify(path)
    seeing = _Seeing()
    if file.form is Form.PG_DUMP:
        with file.feed(progress) as feed:
            reader = DumpReader(feed, wanted())
            for block in reader.blocks():
                place = _place(block.database, block.schema, reader.databases)
                seeing.add(place, block.table, block.count())
        encoding, ignored = reader.encoding, dict(reader.ignored)
    else:
        encoding, ignored = UTF8, {}
        try:
            seeing.entries(file, UTF8, progress)
        except NotText:
            encoding, seeing = WINDOWS, _Seeing()
            try:
                seeing.entries(file, WINDOWS, progress)
            except NotText as error:
                raise RuleError("foreign.encoding", encoding="?") from error
    program = recognise(seeing.tables)
    if program is None:
        raise RuleError("foreign.not_a_program")
    return Look(
        file,
        program.code,
        program.label,
        encoding,
        seeing.schemas(program),
        dict(seeing.tables),
        ignored,
        dict(seeing.places),
    )


@contextmanager
def brought_in(
    connection: psycopg.Connection,
    seen: Look,
    *,
    live: str,
    tenancy: Tenancy,
    zone: ZoneInfo,
    now: dt.datetime,
    schema: str | None = None,
    progress: Progress | None = None,
    sorting: Callable[[], None] = lambda: None,
) -> Iterator[BroughtIn]:
    """A throwaway tenant schema with the rows of a file; it is gone afterwards.

    It has the identity, the settings and the rooms of the clinic ``live``, so that an archive of it
    is one of that clinic. Its other tables hold what the file has, and nothing of ``live``.

    :param connection: an administrator's, in autocommit. :param seen: the :func:`look` of the file.
    :param zone: the clinic's: moments without a zone are meant by its clock.
    :param schema: which clinic of the file, where it holds several.
    :param progress: as for :func:`look`. :param sorting: called before each step of what follows the
        reading; what it raises ends the import, too.
    Raises what :meth:`Look.choose` and :func:`look` raise, ``foreign.nothing_taken`` and
    ``foreign.changed``.
    """
    chosen_schema = seen.choose(schema)
    sweep(connection)
    name = f"{PREFIX}{secrets.token_hex(8)}"
    connection.execute("SELECT pg_advisory_lock(hashtext(%s), hashtext(%s))", (PREFIX, name))
    try:
        report = _load(
            connection, seen, chosen_schema, name, live, tenancy, zone, now, progress, sorting
        )
        yield BroughtIn(name, report)
    finally:
        if not connection.closed and not connection.broken:
            _drop(connection, name)
            connection.execute(
                "SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", (PREFIX, name)
            )


def sweep(connection: psycopg.Connection) -> int:
    """Remove the schemas of imports that were killed; how many."""
    left = [
        name
        for (name,) in connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname ~ %s ORDER BY 1",
            (f"^{PREFIX}[0-9a-f]{{16}}$",),
        ).fetchall()
        if connection.execute(
            "SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (PREFIX, name)
        ).fetchall()[0][0]
    ]
    for name in left:
        _drop(connection, name)
        connection.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", (PREFIX, name))
    return len(left)


def _drop(connection: psycopg.Connection, name: str) -> None:
    catalog.put(connection, "DROP SCHEMA IF EXISTS {schema} CASCADE", schema=name)


def _load(
    connection: psycopg.Connection,
    seen: Look,
    schema: str,
    name: str,
    live: str,
    tenancy: Tenancy,
    zone: ZoneInfo,
    now: dt.datetime,
    progress: Progress | None,
    sorting: Callable[[], None],
) -> ForeignReport:
    program = next(program for program in PROGRAMS if program.code == seen.program)
    rows = {table: count for (place, table), count in seen.places.items() if place == schema}
    taken = chosen(program, rows)
    loading = Loading(connection, name, live, taken, zone, now)
    with connection.transaction():
        catalog.put(connection, "CREATE SCHEMA {schema}", schema=name)
        tenancy.tables(connection, name, tenancy.head())
        catalog.plain_settings(connection)
        loading.make_tables()
        ignored: dict[str, int] = {}
        with seen.file.feed(progress) as feed:
            if seen.file.form is Form.PG_DUMP:
                reader = DumpReader(feed, wanted())
                for block in reader.blocks():
                    place = _place(block.database, block.schema, reader.databases)
                    if place == schema and block.table in taken:
                        loading.block(block)
                loading.recoded(reader.recoded)
                ignored = dict(reader.ignored)
            else:
                try:
                    loading.entries(entries(feed, seen.encoding))
                except NotText as error:
                    raise RuleError("foreign.changed") from error
        loading.finish(sorting)
        if loading.seen != {
            source.target: seen.places.get((schema, label), 0) for label, source in taken.items()
        }:
            raise RuleError("foreign.changed")
        if not any(loading.taken.values()):
            reasons = [f for f in loading.findings.all() if f.code in LEAVING]
            said = " ".join(foreign_words.finding(reason) for reason in reasons[:_REASONS])
            raise RuleError("foreign.nothing_taken", reasons=said)
        sorting()
        loading.carry_over()
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        sorting()
        tenancy.functions(connection, name)
    return ForeignReport(
        program.label,
        seen.file.form.value,
        seen.encoding,
        schema,
        dict(loading.seen),
        dict(loading.taken),
        loading.findings.all(),
        _left(seen, program, schema, taken),
        ignored,
    )


def _left(
    seen: Look, program: Program, schema: str, taken: dict[str, Source]
) -> tuple[LeftTable, ...]:
    left = []
    others = seen.tables.copy()
    for label in taken:
        rows = seen.places[schema, label]
        others[label] -= rows
        if others[label] == 0:
            del others[label]
    targets = {source.target for source in taken.values()}
    for label, rows in sorted(others.items()):
        table = as_table(label)
        of_ours = {s.target for s in program.sources if label in s.names}
        if label in taken:
            left.append(LeftTable(label, rows, "schema"))
        elif table in program.known:
            left.append(LeftTable(label, rows, "known", program.known[table]))
        elif table in OF_DJANGO:
            left.append(LeftTable(label, rows, "django"))
        elif of_ours & targets:
            left.append(LeftTable(label, rows, "same"))
        else:
            left.append(LeftTable(label, rows, "unknown"))
    return tuple(left)


def _place(database: str, schema: str, databases: int) -> str:
    """How a person tells the clinics of a file apart: by schema, and database where there are more."""
    return shown(f"{database}/{schema}" if databases > 1 else schema)


class _Seeing:
    """Counts tables and rows, and holds a bounded number of names whatever the file says."""

    def __init__(self) -> None:
        self.tables: Counter[str] = Counter()
        self.places: Counter[tuple[str, str]] = Counter()
        self._wanted = wanted()
        self._schemas: set[str] = set()

    def add(self, schema: str, table: str, rows: int) -> None:
        table = shown(table)
        if table in self._wanted and (
            schema in self._schemas or len(self._schemas) < _MOST_SCHEMAS
        ):
            self._schemas.add(schema)
            self.places[schema, table] += rows
        elif len(self.tables) >= _MOST_NAMES and table not in self.tables:
            table = _REST
        self.tables[table] += rows

    def entries(self, file: ForeignFile, encoding: str, progress: Progress | None) -> None:
        with file.feed(progress) as feed:
            for entry in entries(feed, encoding):
                self.add("", entry.label or _REST, 1)

    def schemas(self, program: Program) -> tuple[SchemaSeen, ...]:
        """The clinics: schemas with rows of the program, more than the accounts that all share."""
        found: Counter[str] = Counter()
        marked: set[str] = set()
        for (schema, table), rows in self.places.items():
            if any(table in source.names for source in program.sources):
                found[schema] += rows
                if as_table(table) != "auth_user" and rows:
                    marked.add(schema)
        return tuple(
            SchemaSeen(name, rows)
            for name, rows in sorted(found.items())
            if name in marked or not marked
        )
