"""A clinic's schema as it was at one moment: which tables there are, and their rows.

All tables are locked against being changed in form or truncated *before* the snapshot is taken: a
TRUNCATE that commits afterwards would leave an old snapshot an empty table. People work on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from desktop.backup.archive_format import TABLE_NAME
from desktop.backup.manifest import COLUMN_NAME, COLUMN_TYPE, Column, Table
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import Base

OURS = ("sync_", "acceso_", "respaldo_")
"""What the names of the engine's and the server's own tables begin with; the rest is the clinic's."""

NEVER = ("sync_log", "alembic_version")
"""The log is of this server and of now; the revision stands in the manifest."""

LOCKED_BY_VIEW = ("auth_user", "sync_meta")
_ATTEMPTS = 5

SETTINGS = (
    "datestyle = 'ISO, YMD'",
    "timezone = 'UTC'",
    "intervalstyle = 'postgres'",
    "extra_float_digits = 1",
    "bytea_output = 'hex'",
    "client_encoding = 'UTF8'",
    "search_path = 'pg_catalog'",
    "row_security = off",
    "synchronize_seqscans = off",
    "statement_timeout = 0",
    "lock_timeout = '10s'",
    "idle_in_transaction_session_timeout = 0",
)
"""Under these a value has one text, whoever reads it and wherever; and nobody's habits cut a reading."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_NAMES = """
SELECT c.relname, c.relkind = 'S',
       CASE WHEN c.relkind <> 'S' THEN has_table_privilege({role}, c.oid, 'SELECT') END
  FROM pg_class c
 WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = {schema})
   AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND c.relname <> ALL ({never})
 ORDER BY c.relname
"""

# Who may read a table may read each of its columns: to ask for every one of them is the dearest part.
_TABLES = """
SELECT c.relname, c.relkind = 'p',
       (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
                                         CASE WHEN c.whole THEN true ELSE
                                         has_column_privilege({role}, c.oid, a.attnum, 'SELECT') END)
                        ORDER BY a.attnum)
          FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       (SELECT json_agg(a.attname ORDER BY k.place) FROM pg_index i
         CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
         WHERE i.indrelid = c.oid AND i.indisprimary),
       pg_table_size(c.oid), c.reltuples
  FROM (SELECT c.oid, c.relname, c.relkind, c.reltuples,
               has_table_privilege({role}, c.oid, 'SELECT') AS whole
          FROM pg_class c
         WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = {schema})
           AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ({never})
        OFFSET 0) c
 ORDER BY c.relname
"""

_COUNTERS = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = {schema})
   AND c.relkind = 'S'
 ORDER BY c.relname
"""

_MOMENT = """
SELECT pg_current_snapshot()::text, m.epoch::text, m.schema_version, v.version_num
  FROM {meta} m, {revision} v
"""


@dataclass(frozen=True, slots=True)
class SavedTable:
    """A table of the snapshot and what of it is read.

    :ivar partitioned: its rows are in partitions. :ivar left_out: columns that the reader may not see;
        with no columns in ``table``, all of it.
    :ivar size: bytes on the server's disk. :ivar estimate: of its rows; below 0 where nobody counted.
    """

    table: Table
    partitioned: bool
    left_out: tuple[str, ...]
    size: int
    estimate: float

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def known(self) -> bool:
        """Whether a migration of this program makes it."""
        return self.name.startswith(OURS) or self.name in Base.metadata.tables


@dataclass(frozen=True, slots=True)
class Begun:
    """What the server says before a backup.

    :ivar role: to become for it; ``None`` for an owner.
    :ivar recipients: the clinic's key and the recovery key; none where nobody made them.
    :ivar moved: the schema came from another cluster, and no workstation has noticed yet.
    """

    tenant: str
    clinic: str
    device: int
    label: str
    role: str | None
    recipients: tuple[str, ...]
    moved: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a clinic, open to be read until its ``with`` ends.

    :ivar tables: what is saved. :ivar cursor: as :mod:`sync` understands one.
    :ivar odd: tables that no archive can hold, for their names.
    :ivar left_out: table → columns that the reader may not see; all of them where the table is not
        among ``tables``.
    """

    connection: psycopg.Connection
    schema: str
    begun: Begun
    cursor: str
    epoch: str
    schema_version: int
    revision: str
    server_version: int
    tables: tuple[SavedTable, ...]
    odd: tuple[SavedTable, ...]
    left_out: Mapping[str, tuple[str, ...]]
    sequences: Mapping[str, int]

    @property
    def unsaved(self) -> tuple[str, ...]:
        """The names of tables that no archive can hold."""
        return tuple(table.name for table in self.odd)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Tables that no migration of this program makes."""
        return tuple(table.name for table in self.tables if not table.known)

    def name(self, table: str) -> sql.Identifier:
        """A table's name in a statement."""
        return sql.Identifier(self.schema, table)

    def copy_of(self, table: SavedTable) -> sql.Composable:
        """The statement that reads a table whole."""
        columns = column_list(table.table)
        if table.partitioned:
            return sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
                columns, self.name(table.name)
            )
        return sql.SQL("COPY {} ({}) TO STDOUT").format(self.name(table.name), columns)


def column_list(table: Table, prefix: str = "") -> sql.Composed:
    """A table's columns in a statement, in the archive's order."""
    parts = (prefix,) if prefix else ()
    return sql.SQL(", ").join(sql.Identifier(*parts, column.name) for column in table.columns)


def begin(connection: psycopg.Connection, schema: str) -> Begun:
    """Ask the server whether this connection may take a backup.

    Raises :class:`RuleError` ``backup.revoked``, ``backup.forbidden``, ``backup.outdated`` (the
    clinic was not brought up to this program yet).
    """
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise ValueError("a backup begins a transaction of its own")
    try:
        answer: dict[str, Any] = connection.execute(
            sql.SQL("SELECT {}()").format(sql.Identifier(schema, "backup_begin"))
        ).fetchall()[0][0]
    except psycopg.errors.UndefinedFunction as error:
        raise RuleError("backup.outdated") from error
    if answer["status"] != "ok":
        raise RuleError(f"backup.{answer['status']}")
    return Begun(
        tenant=answer["tenant"],
        clinic=answer["clinic"],
        device=answer["device"],
        label=answer["label"],
        role=answer["role"],
        recipients=tuple(key for key in (answer["recipient"], answer["recovery"]) if key),
        moved=answer["moved"],
    )


@contextmanager
def snapshot(
    connection: psycopg.Connection, schema: str, *, log: bool = False
) -> Iterator[Snapshot]:
    """Lock the tables of ``schema``, take a snapshot, and hold both until the ``with`` ends.

    No migration runs meanwhile. The session becomes the readers' role inside, and is itself again
    afterwards.

    :param connection: in autocommit, of an office workstation or of the schema's owner.
    :param log: whether the change log is read, too: its upkeep then waits.
    Raises those of :func:`begin`, :class:`EnvironmentTrouble` ``backup.migrating`` and
    ``backup.changing``, ``RuleError('backup.unreadable')``, ``psycopg.Error``.
    """
    begun = begin(connection, schema)
    lock = sql.SQL("SELECT {}(hashtext('consultorio'), hashtext({}))")
    taking = lock.format(sql.SQL("pg_try_advisory_lock_shared"), sql.Literal(schema))
    names = _catalog(_NAMES, schema, begun)
    # The lock last: it stays where what comes behind it fails.
    [found, [(held,)]] = _asked(connection, [names, taking])
    if not held:
        raise EnvironmentTrouble("backup.migrating")
    try:
        for _attempt in range(_ATTEMPTS):
            taken = _locked(connection, schema, begun, found, log=log)
            if taken is not None:
                break
            [found] = _asked(connection, [sql.SQL("ROLLBACK"), names], silent=1)
        else:
            raise EnvironmentTrouble("backup.changing")
        yield taken
    finally:
        if not connection.closed:
            leaving = lock.format(sql.SQL("pg_advisory_unlock_shared"), sql.Literal(schema))
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                leaving = sql.SQL("ROLLBACK; ") + leaving
            connection.execute(leaving)


def _locked(
    connection: psycopg.Connection,
    schema: str,
    begun: Begun,
    found: Sequence[tuple[str, bool, bool]],
    *,
    log: bool,
) -> Snapshot | None:
    """The moment; ``None`` where tables came or went on the way.

    :param found: the names of tables and sequences, which are the latter, and what may be locked.
    """
    names = [(name, may) for name, counter, may in found if not counter]
    counters = [name for name, counter, _may in found if counter]
    statements = _before_snapshot(connection, schema, begun, names, log=log)
    questions = [_catalog(question, schema, begun) for question in (_TABLES, _COUNTERS)]
    questions += [_moment(schema), _last_numbers(schema, counters)]
    try:
        tables, there, moment, last = _asked(
            connection, [*statements, *questions], silent=len(statements)
        )
    except psycopg.errors.UndefinedTable:
        return None
    if [row[0] for row in tables] != [name for name, _may in names]:
        return None
    if [row[0] for row in there] != counters:
        return None
    return _described(connection, schema, begun, tables, moment[0], dict(last))


def _asked(
    connection: psycopg.Connection, statements: Sequence[sql.Composable], silent: int = 0
) -> list[list[Any]]:
    """The rows of the statements behind the first ``silent`` ones, all in one journey."""
    answers = connection.execute(sql.SQL("; ").join(statements))
    rows = []
    for number in range(len(statements)):
        if number >= silent:
            rows.append(answers.fetchall())
        answers.nextset()
    return rows


def _catalog(question: str, schema: str, begun: Begun) -> sql.Composed:
    return sql.SQL(question).format(
        role=sql.SQL("current_user") if begun.role is None else sql.Literal(begun.role),
        schema=sql.Literal(schema),
        never=sql.Literal(list(NEVER)),
    )


def _moment(schema: str) -> sql.Composed:
    return sql.SQL(_MOMENT).format(
        meta=sql.Identifier(schema, "sync_meta"), revision=sql.Identifier(schema, "alembic_version")
    )


def _before_snapshot(
    connection: psycopg.Connection,
    schema: str,
    begun: Begun,
    tables: Sequence[tuple[str, bool]],
    *,
    log: bool,
) -> list[sql.Composable]:
    """What comes before the first question; nothing in it takes a snapshot.

    :param tables: their names, and whether the reader may lock them.
    """
    statements: list[sql.Composable] = [sql.SQL(_BEGIN)]
    settings = list(SETTINGS)
    if connection.info.server_version >= 170000:
        settings.append("transaction_timeout = 0")
    statements += [sql.SQL("SET LOCAL " + setting) for setting in settings]
    if begun.role is not None:
        statements.append(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(begun.role)))
    locked = [name for name, whole_rights in tables if whole_rights]
    if len(locked) < len(tables):
        locked.append("respaldo_candado")
    if log:
        statements.append(
            sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(
                sql.Identifier(schema, "sync_log")
            )
        )
    statements.append(
        sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(
            sql.SQL(", ").join(sql.Identifier(schema, name) for name in sorted(locked))
        )
    )
    return statements


def _saved(rows: Sequence[Any]) -> tuple[list[SavedTable], list[SavedTable]]:
    """The tables that can be saved, and those that no archive can hold."""
    found: list[SavedTable] = []
    odd: list[SavedTable] = []
    for name, partitioned, columns, key, size, estimate in rows:
        readable = tuple(Column(column, kind) for column, kind, may in columns or () if may)
        hidden = tuple(column for column, _kind, may in columns or () if not may)
        fits = TABLE_NAME.fullmatch(name) and all(
            COLUMN_NAME.fullmatch(column.name) and COLUMN_TYPE.fullmatch(column.type)
            for column in readable
        )
        known_key = tuple(key or ()) if set(key or ()).isdisjoint(hidden) else ()
        table = Table(name, readable, known_key)
        saved = SavedTable(table, partitioned, hidden, size, estimate)
        (found if fits else odd).append(saved)
    return found, odd


def _described(
    connection: psycopg.Connection,
    schema: str,
    begun: Begun,
    rows: Sequence[Any],
    moment: tuple[str, str, int, str],
    last: Mapping[str, int],
) -> Snapshot:
    tables, odd = _saved(rows)
    refused = [table.name for table in tables if table.left_out and not table.name.startswith(OURS)]
    refused = [name for name in refused if name not in LOCKED_BY_VIEW]
    if refused:
        raise RuleError("backup.unreadable", tables=", ".join(refused))
    cursor, epoch, version, revision = moment
    return Snapshot(
        connection=connection,
        schema=schema,
        begun=begun,
        cursor=cursor,
        epoch=epoch,
        schema_version=version,
        revision=revision,
        server_version=connection.info.server_version,
        tables=tuple(table for table in tables if table.table.columns),
        odd=tuple(odd),
        left_out={table.name: table.left_out for table in tables if table.left_out},
        sequences=last,
    )


def _last_numbers(schema: str, counters: Sequence[str]) -> sql.Composed:
    """The last number that each sequence gave; below its first where it gave none.

    Numbers are given outside of transactions: what is asked after the snapshot is above all it shows.
    """
    if not counters:
        return sql.Composed([sql.SQL("SELECT WHERE false")])
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(
            "SELECT {}, CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}"
        ).format(sql.Literal(name), sql.Identifier(schema, name))
        for name in counters
    )
