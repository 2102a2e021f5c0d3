"""Archives loaded into a schema of their own, beside the live one, and proved there.

The tables are made by our migrations or after the live ones, never by what an archive says. They are
filled while they are bare, as nobody sees them before the commit, and get their constraints and
indexes afterwards: what does not satisfy one is found here, and nothing has changed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import psycopg
from psycopg import sql

from desktop.backup import catalog
from desktop.backup.archive_reader import Contents, TablePart
from desktop.backup.catalog import put
from desktop.backup.channel import ahead
from desktop.backup.manifest import ADDED, CHANGES, INCREMENTAL, WHOLE, Table
from desktop.backup.structure import Structure, build, finish, strip
from desktop.domain.errors import EnvironmentTrouble, RuleError

ROWS = "rows"
_DELTA = "entre_tanto"
_BLOCK = 1 << 17
"""Bytes given to the connection at a time: it keeps a copy of them, and twice the room."""
FILLED = {("auth_user", "password"): "'!'"}
"""Required columns that a workstation's archive has not got, and what stands for them: nobody signs in
by the password that Django calls unusable."""


class Source(Protocol):
    """An archive that was verified to its end; :class:`~desktop.backup.archive_reader.ArchiveReader`."""

    contents: Contents

    def tables(self) -> Iterator[TablePart]:
        """The tables' rows as COPY text, in the order of the file.

        At a text's end :class:`~desktop.backup.errors.ArchiveError` where it is not the one that was signed.
        """
        ...


class Tenancy(Protocol):
    """The migrations, from above: who makes a tenant's tables."""

    def head(self) -> str:
        """The revision that this program makes."""
        ...

    def known(self) -> Collection[str]:
        """Every revision that this program can make."""
        ...

    def version(self, connection: psycopg.Connection, schema: str) -> str | None:
        """A tenant's revision; ``None`` where the schema is none."""
        ...

    def tables(self, connection: psycopg.Connection, schema: str, revision: str) -> None:
        """Bring an existing schema's tables to a revision, without functions and triggers."""
        ...

    def tenant(self, connection: psycopg.Connection, schema: str) -> None:
        """Make a schema that is not there: a whole tenant without rows, in the caller's transaction."""
        ...


def never() -> bool:
    """Nobody cancels."""
    return False


def unheard(_done: int, _total: int) -> None:
    """Nobody listens."""


@dataclass
class Staging:
    """A schema with an archive's rows, inside a transaction that has not ended.

    :ivar names: its tables that would take the place of live ones. :ivar rows: how many rows each has.
    :ivar aside: tables whose rows are added to the live ones.
    :ivar left: tables of the archive that have no place here, and their rows.
    :ivar without_passwords: whoever took the archive may not read them.
    """

    connection: psycopg.Connection
    schema: str
    live: str
    names: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    without_passwords: bool = False


def check_chain(sources: Sequence[Source], tenancy: Tenancy) -> None:
    """Refuse archives that do not follow one another, or that a newer program made.

    Raises :class:`RuleError`: ``restore.chain``, ``restore.newer``.
    """
    manifests = [source.contents.manifest for source in sources]
    if not manifests or manifests[0].kind == INCREMENTAL:
        raise RuleError("restore.chain")
    for before, source in pairwise(sources):
        after = source.contents.manifest
        linked = after.kind == INCREMENTAL and after.base == before.contents.manifest_hash
        same = (after.tenant, after.revision) == (manifests[0].tenant, manifests[0].revision)
        if not linked or not same:
            raise RuleError("restore.chain")
    if manifests[0].revision not in tenancy.known():
        raise RuleError("restore.newer", revision=manifests[0].revision)


def load(
    connection: psycopg.Connection,
    live: str,
    sources: Sequence[Source],
    tenancy: Tenancy,
    *,
    fresh: bool = False,
    progress: Callable[[int, int], None] = unheard,
    cancelled: Callable[[], bool] = never,
    compare: bool = False,
) -> Staging:
    """Load a full archive and its incrementals, in order, into a new schema of the open transaction.

    :param live: the tenant whose tables the new ones are like. :param fresh: the tenant was just made;
        the archive's engine tables are loaded, too.
    :param progress: bytes loaded so far, and of how many.
    :param compare: besides what goes in, read each table back and compare it with the archive's hash.
    Raises :class:`RuleError`: those of :func:`check_chain`, ``restore.columns``, ``restore.unfit``,
    ``restore.cancelled``; :class:`EnvironmentTrouble`: ``restore.differs``; and what reading an archive
    raises (:class:`~desktop.backup.errors.ArchiveError`).
    """
    check_chain(sources, tenancy)
    catalog.plain_settings(connection)
    # A smaller sample than usual says enough of columns until the server looks by itself.
    connection.execute(
        "SELECT set_config('maintenance_work_mem', '256MB', true),"
        " set_config('default_statistics_target', '30', true),"
        # What a foreign key is looked through with is a plain join: compiling it costs more than it.
        " set_config('jit', 'off', true)"
    )
    staging = Staging(connection, f"restaurando_{secrets.token_hex(8)}", live)
    put(connection, "CREATE SCHEMA {schema}", schema=staging.schema)
    manifest = sources[0].contents.manifest
    loading = _Loading(
        staging,
        frozenset(table.name for table in manifest.tables),
        fresh,
        progress,
        cancelled,
        compare,
    )
    loading.total = sum(count.bytes for source in sources for count in source.contents.tables)
    stripped: Structure | None = None
    with _fitting():
        if manifest.revision != tenancy.version(connection, live):
            tenancy.tables(connection, staging.schema, manifest.revision)
            catalog.plain_settings(connection)
            stripped = strip(connection, staging.schema)
        loading.make(old=stripped is not None, whole=len(sources) == 1)
        loading.full(sources[0])
        for source in sources[1:]:
            loading.incremental(source)
        loading.end_filling()
        if stripped is not None:
            loaded = {*staging.names, *staging.aside}
            keys = [
                one
                for one in stripped[0]
                # What the archive has not got has no rows here that could be pointed at.
                if one.target is None or one.target in loaded or one.table not in loaded
            ]
            tables = sorted({one.table for one in keys} | {one.table for one in stripped[1]})
            build(connection, staging.schema, (keys, stripped[1]), tables)
            tenancy.tables(connection, staging.schema, tenancy.head())
            catalog.plain_settings(connection)
            loading.upgraded()
        finish(connection, live, staging.schema, staging.names, cancelled)
    return staging


class _fitting:  # noqa: N801 - reads as what it does
    """Says of rows that break a rule of the tables that the archive does not fit, and which table."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            diagnosis = error.diag
            raise RuleError(
                "restore.unfit",
                table=diagnosis.table_name or "",
                rule=diagnosis.constraint_name or diagnosis.sqlstate or "",
            ) from error


@dataclass
class _Loading:
    staging: Staging
    wanted: frozenset[str]
    fresh: bool
    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    compare: bool
    done: int = 0
    total: int = 0
    filled: list[tuple[str, str]] = field(default_factory=list)
    before: frozenset[str] = frozenset()

    def make(self, *, old: bool, whole: bool) -> None:
        """Make what is not there yet, as the live tables are; an old archive's are there.

        :param whole: every table comes as it is to be, in one piece.
        """
        staging, connection = self.staging, self.staging.connection
        self.before = frozenset(catalog.tables(connection, staging.schema))
        live = set(catalog.tables(connection, staging.live))
        serials = catalog.with_serials(connection, staging.live)
        made: list[sql.Composable] = []
        for name in sorted(self.wanted & live):
            if name not in self.before and name in serials:
                continue
            if not catalog.is_kept(name):
                staging.names.append(name)
            elif self.fresh or name == catalog.AUDIT:
                staging.aside.append(name)
            else:
                continue
            if name in self.before:
                # A migration may have laid down a row or two.
                made.append(sql.SQL("TRUNCATE {}").format(sql.Identifier(staging.schema, name)))
                continue
            made.append(
                sql.SQL(
                    "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING GENERATED"
                    " INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS"
                    " INCLUDING CONSTRAINTS)"
                ).format(sql.Identifier(staging.schema, name), sql.Identifier(staging.live, name))
            )
        catalog.put_all(connection, made)
        self._store_alike()
        if not old:
            self.before = frozenset()
            if whole:
                self._exclude()

    def _store_alike(self) -> None:
        """Tables keep room in their pages as the live ones do, before they are filled."""
        staging, connection = self.staging, self.staging.connection
        there = catalog.storage_options(connection, staging.live)
        catalog.put_all(
            connection,
            [
                sql.SQL("ALTER TABLE {} SET ({})").format(
                    self._target(table),
                    sql.SQL(", ").join(
                        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                        for name, value in options
                    ),
                )
                for table, options in there.items()
                if table in (*staging.names, *staging.aside)
            ],
        )

    def _exclude(self) -> None:
        """Rules between rows, which the server would otherwise look through all rows for, and again.

        Such an index is filled row by row in either case, and has but few of a table's rows.
        """
        staging, connection = self.staging, self.staging.connection
        there = catalog.constraints(connection, staging.live)
        catalog.put_all(
            connection,
            [
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    self._target(one.table), sql.Identifier(one.name), sql.SQL(one.definition)
                )
                for one in there
                if one.kind == "x" and one.table in staging.names
            ],
        )

    def upgraded(self) -> None:
        """After an old archive's tables were brought up: those that are new belong to them."""
        staging = self.staging
        there = set(catalog.tables(staging.connection, staging.schema)) - self.before
        live = set(catalog.tables(staging.connection, staging.live))
        staging.names += sorted(
            name for name in there & live - set(staging.names) if not catalog.is_kept(name)
        )

    def end_filling(self) -> None:
        """Take back what stood for columns that the archive has not got."""
        self.staging.without_passwords = ("auth_user", "password") in self.filled
        for table, column in self.filled:
            put(
                self.staging.connection,
                "ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT",
                table=sql.Identifier(self.staging.schema, table),
                column=column,
            )

    def full(self, source: Source) -> None:
        """The rows of a full archive."""
        for part in source.tables():
            if part.part == ROWS:
                self._table(source, part)

    def incremental(self, source: Source) -> None:
        """What an incremental archive changes; a table that it does not list stays as it is."""
        staging, manifest = self.staging, source.contents.manifest
        here = {*staging.names, *staging.aside}
        ways, kept = manifest.ways(), manifest.kept()
        for table in manifest.tables:
            if table.name in here:
                self._make_way(table.name, ways.get(table.name, CHANGES), kept.get(table.name))
        for part in source.tables():
            if part.name in here:
                self._apply(source, part, manifest.table(part.name))
            else:
                self._drain(part)
        for table in manifest.tables:
            if table.name in here:
                count = sql.SQL("SELECT count(*) FROM {}").format(self._target(table.name))
                staging.rows[table.name] = staging.connection.execute(count).fetchall()[0][0]

    def _target(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.staging.schema, name)

    def _make_way(self, name: str, way: str, kept: list[tuple[int, int]] | None) -> None:
        """Of a table that comes whole nothing stays; of one that only grew, what is still there."""
        if way == WHOLE:
            put(self.staging.connection, "DELETE FROM {table}", table=self._target(name))
        elif way == ADDED and kept is not None:
            text = ",".join(f"[{low},{high}]" for low, high in kept)
            put(
                self.staging.connection,
                "DELETE FROM {table} WHERE NOT {kept}::int8multirange @> id::bigint",
                table=self._target(name),
                kept=sql.Literal("{" + text + "}"),
            )

    def _apply(self, source: Source, part: TablePart, table: Table) -> None:
        """Rows that are as the archive says, or keys of rows that are gone."""
        connection, target = self.staging.connection, self._target(part.name)
        delta = self._target(_DELTA)
        names = [column.name for column in table.columns] if part.part == ROWS else table.key
        if part.part == ROWS:
            self._check_columns(part.name, names)
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        put(
            connection,
            "CREATE TABLE {delta} AS SELECT {columns} FROM {target} LIMIT 0",
            delta=delta,
            columns=columns,
            target=target,
        )
        self._copy(source, part, delta, names)
        put(
            connection,
            "DELETE FROM {target} t USING {delta} d WHERE {same}",
            target=target,
            delta=delta,
            same=sql.SQL(" AND ").join(
                sql.SQL("t.{0} = d.{0}").format(sql.Identifier(key)) for key in table.key
            ),
        )
        if part.part == ROWS:
            put(
                connection,
                "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {delta}",
                target=target,
                columns=columns,
                delta=delta,
            )
        put(connection, "DROP TABLE {delta}", delta=delta)

    def _table(self, source: Source, part: TablePart) -> None:
        staging = self.staging
        if part.name not in (*staging.names, *staging.aside):
            rows = self._drain(part)
            if not catalog.is_kept(part.name):
                staging.left[part.name] = rows
            return
        target = sql.Identifier(staging.schema, part.name)
        given = [column.name for column in source.contents.manifest.table(part.name).columns]
        self._check_columns(part.name, given)
        staging.rows[part.name] = self._copy(source, part, target, given, freeze=True)
        if self.compare:
            self._compare(source, part, target, given)

    def _check_columns(self, table: str, given: Collection[str]) -> None:
        staging = self.staging
        there = catalog.columns(staging.connection, staging.schema, table)
        if not set(given) <= {column.name for column in there if not column.generated}:
            raise RuleError("restore.columns", table=table)
        for column in there:
            if not column.required or column.name in given:
                continue
            filled = FILLED.get((table, column.name))
            if filled is None:
                raise RuleError("restore.columns", table=table)
            put(
                staging.connection,
                "ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}",
                table=sql.Identifier(staging.schema, table),
                column=column.name,
                value=sql.SQL(filled),
            )
            self.filled.append((table, column.name))

    def _copy(
        self,
        source: Source,
        part: TablePart,
        target: sql.Identifier,
        given: Sequence[str],
        *,
        freeze: bool = False,
    ) -> int:
        statement = sql.SQL("COPY {} ({}) FROM STDIN{}").format(
            target,
            sql.SQL(", ").join(map(sql.Identifier, given)),
            # Frozen rows are seen by transactions that took their snapshot before, too: another
            # backup at this moment would find empty tables otherwise.
            sql.SQL(" WITH (FREEZE)" if freeze else ""),
        )
        size = 0
        # The server never waits for a piece to be expanded. The text needs no hash here: whoever hands
        # it out raises at its end where it is not the one that was signed. (What the server takes for no
        # row it may refuse before that.)
        with self.staging.connection.cursor() as cursor, ahead(part.chunks, 1) as chunks:
            with cursor.copy(statement) as copy:
                for chunk in chunks:
                    size += len(chunk)
                    self._step(len(chunk))
                    for at in range(0, len(chunk), _BLOCK):
                        copy.write(chunk[at : at + _BLOCK])
            rows = cursor.rowcount
        count = source.contents.count(part.name, part.part)
        if (rows, size) != (count.rows, count.bytes):
            raise EnvironmentTrouble("restore.differs", table=part.name)
        return rows

    def _drain(self, part: TablePart) -> int:
        rows = 0
        for chunk in part.chunks:
            self._step(len(chunk))
            rows += chunk.count(b"\n")
        return rows

    def _compare(
        self, source: Source, part: TablePart, target: sql.Identifier, given: Sequence[str]
    ) -> None:
        """Read a table back: its text is the archive's, to the byte."""
        digest = copied_hash(self.staging.connection, target, given, self.cancelled)
        if digest != source.contents.count(part.name, part.part).sha256:
            raise EnvironmentTrouble("restore.differs", table=part.name)

    def _step(self, size: int) -> None:
        if self.cancelled():
            raise RuleError("restore.cancelled")
        self.done += size
        self.progress(self.done, self.total)


def copied_hash(
    connection: psycopg.Connection,
    table: sql.Composable,
    columns: Sequence[str],
    cancelled: Callable[[], bool] = never,
) -> str:
    """The SHA-256 of a table's COPY text in the order in which its rows lie."""
    digest = hashlib.sha256()
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in copy:
            if cancelled():
                raise RuleError("restore.cancelled")
            digest.update(chunk)
    return digest.hexdigest()
