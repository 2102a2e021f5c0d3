"""Tables that take the places of others, in one short moment in which nobody writes.

The schema stays, with its functions, its rights, the engine's own tables and its name: the live tables
move out of it and the others in. What stood on the live ones (triggers, rights, foreign keys of
other tables, views) stands on the new ones afterwards.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from desktop.backup import administrators, catalog
from desktop.backup.administrators import Merged
from desktop.backup.catalog import put
from desktop.backup.following import Following
from desktop.backup.staging import never
from desktop.domain.errors import EnvironmentTrouble, RuleError
from sync.sqltext import channel

WAIT_MS = 80
"""How long the locks may be waited for at a time: whoever comes after us waits as long."""
_TIDYING_MS = 5_000
"""How long whatever tidies a table up may be waited for at a time: it is called off after a second."""
PATIENCE = 120.0
"""Seconds after which a restore gives up where somebody never lets go."""
_GIVES_WAY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)
_MARK = "consultorio: replaced "
_SERVER_IDS = 1 << 39
_INTRODUCED = ("sync_device", "respaldo_")
"""Tables of the engine whose rows go with the clinic to another server."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Tables that a restore, or its undoing, replaced.

    :ivar until: when they may go. :ivar revision: the migration that they are of.
    :ivar safety: the name of the safety copy that the restore took. :ivar undone: they are what was
        restored, and the restore was undone: who takes them back, restores again.
    """

    schema: str
    live: str
    at: dt.datetime
    until: dt.datetime
    revision: str
    safety: str = ""
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Swapped:
    """What happened.

    :ivar began: when writers began to wait, by :func:`time.perf_counter`; they do until the commit.
    :ivar attempts: how often the locks were asked for.
    """

    merged: Merged
    began: float
    attempts: int


@dataclass
class Swap:
    """Tables of ``staged`` for those of ``live``; the live ones go to ``away``, which exists.

    :ivar names: the tables. :ivar aside: staged tables whose rows are added to those of live ones.
    :ivar sequences: sequence → a value that it has passed.
    :ivar fresh: the clinic's UUID, where the tenant was made for its archive.
    """

    connection: psycopg.Connection
    live: str
    staged: str
    away: str
    names: Sequence[str]
    aside: Sequence[str] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    fresh: str | None = None
    cancelled: Callable[[], bool] = never

    def __post_init__(self) -> None:
        catalog.plain_settings(self.connection)
        self.following = Following(self.connection, self.live, self.staged, self.names)

    def run(self) -> Swapped:
        """Do it in the open transaction; writers wait from a moment in here until its commit.

        Raises ``RuleError``: ``restore.in_the_way`` where something depends on the tables that could
        not follow, ``restore.orphans``, ``restore.cancelled``; and :class:`EnvironmentTrouble`:
        ``restore.busy`` where somebody did not let go of a table, ``restore.changed``.
        """
        standing = catalog.dependents(self.connection, self.live, self.names)
        if standing:
            raise RuleError("restore.in_the_way", what=", ".join(standing))
        self.following.prepare()
        self.following.unheld()
        self._forget_known()
        columns = {name: catalog.columns(self.connection, self.staged, name) for name in self.aside}
        deadline = time.monotonic() + PATIENCE
        self._keep_vacuum_out(deadline)
        before = catalog.fingerprint(self.connection, self.live, self.names)
        attempts = 0
        while True:
            attempts += 1
            if self.cancelled():
                raise RuleError("restore.cancelled")
            began = time.perf_counter()
            try:
                with self.connection.transaction():
                    self._lock()
                    if catalog.fingerprint(self.connection, self.live, self.names) != before:
                        raise EnvironmentTrouble("restore.changed")
                    return Swapped(self._change(columns), began, attempts)
            except _GIVES_WAY as error:
                if time.monotonic() > deadline:
                    raise EnvironmentTrouble("restore.busy") from error
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - so that two do not meet again

    def _keep_vacuum_out(self, deadline: float) -> None:
        """Have whatever tidies the live tables up end, while everybody goes on reading and writing.

        The server calls its autovacuum off for somebody who has waited for a second, which is longer
        than we may wait for the locks that hold writers: a large table would be in use for minutes.
        """
        while True:
            if self.cancelled():
                raise RuleError("restore.cancelled")
            try:
                with self.connection.transaction():
                    self._hold(_TIDYING_MS, "SHARE UPDATE EXCLUSIVE")
                    return
            except _GIVES_WAY as error:
                if time.monotonic() > deadline:
                    raise EnvironmentTrouble("restore.busy") from error

    def _lock(self) -> None:
        """Nobody but us: workstations and migrations stay out, other writers wait or are waited for."""
        alone = sql.SQL("SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext({}))")
        self._hold(WAIT_MS, "ACCESS EXCLUSIVE", alone.format(sql.Literal(self.live)))

    def _hold(self, limit: int, mode: str, *before: sql.Composable) -> None:
        """Lock the tables; the limit is each statement's, as the server has it since its version 13."""
        ours = [sql.Identifier(self.live, name).as_string() for name in (*self.names, *self.aside)]
        locked = sorted({*ours, *self.following.others})
        lock = f"LOCK TABLE {', '.join(locked)} IN {mode} MODE".encode()
        catalog.put_all(self.connection, [_limit(limit), *before, lock, _limit(0)])

    def _change(self, columns: Mapping[str, Sequence[catalog.Column]]) -> Merged:
        merged = administrators.merge(self.connection, self.live, self.staged, self.names)
        self.following.let_go()
        moves = [
            sql.SQL("ALTER TABLE {} SET SCHEMA {}; ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(self.live, name),
                sql.Identifier(self.away),
                sql.Identifier(self.staged, name),
                sql.Identifier(self.live),
            )
            for name in self.names
        ]
        catalog.put_all(self.connection, [*moves, *self.following.take_hold()])
        if self.fresh is not None:
            self._introduce()
        self._add_aside(columns)
        tell = sql.SQL("SELECT pg_notify({}, '')").format(sql.Literal(channel(self.live)))
        catalog.put_all(self.connection, [*self._past(), *self._new_epoch(), tell])
        return merged

    def _forget_known(self) -> None:
        """Of the rows to be added, those that are there already; before anybody waits."""
        if catalog.AUDIT in self.aside:
            put(
                self.connection,
                "DELETE FROM {staged} s USING {live} l WHERE l.id = s.id",
                staged=sql.Identifier(self.staged, catalog.AUDIT),
                live=sql.Identifier(self.live, catalog.AUDIT),
            )

    def _add_aside(self, columns: Mapping[str, Sequence[catalog.Column]]) -> None:
        added: list[sql.Composable | bytes] = []
        for name in self.aside:
            if name != catalog.AUDIT and not (
                self.fresh is not None and name.startswith(_INTRODUCED)
            ):
                continue
            added.append(
                sql.SQL(
                    "INSERT INTO {live} ({columns}) OVERRIDING SYSTEM VALUE"
                    " SELECT {columns} FROM {staged} ON CONFLICT DO NOTHING"
                ).format(
                    live=sql.Identifier(self.live, name),
                    staged=sql.Identifier(self.staged, name),
                    columns=sql.SQL(", ").join(
                        sql.Identifier(column.name) for column in columns[name]
                    ),
                )
            )
        catalog.put_all(self.connection, [*added, b"SET CONSTRAINTS ALL IMMEDIATE"])

    def _introduce(self) -> None:
        """A tenant that was made for the archive is the archive's clinic, with its office key."""
        meta = sql.Identifier(self.live, "sync_meta")
        put(
            self.connection,
            "UPDATE {meta} SET tenant_uuid = {uuid}",
            meta=meta,
            uuid=sql.Literal(self.fresh),
        )
        if "sync_meta" in self.aside:
            put(
                self.connection,
                "UPDATE {meta} l SET office_key = s.office_key, office_identity = s.office_identity"
                " FROM {staged} s WHERE s.office_identity IS NOT NULL",
                meta=meta,
                staged=sql.Identifier(self.staged, "sync_meta"),
            )

    def _past(self) -> list[sql.Composable]:
        """No id of either table is given again. Ids of 2³⁹ and above are workstations' own."""
        names = dict.fromkeys(self.names, self.away) | dict.fromkeys(self.aside, self.live)
        rows = self.connection.execute(
            "SELECT a.relname, q.oid::regclass::text, q.relname, pg_sequence_last_value("
            "  pg_get_serial_sequence(format('%%I.%%I', b.schema, a.relname), 'id')::regclass)"
            " FROM unnest(%(names)s::text[], %(schemas)s::text[]) b (name, schema)"
            " JOIN pg_namespace n ON n.nspname = %(live)s"
            " JOIN pg_class a ON a.relnamespace = n.oid AND a.relname = b.name"
            " JOIN pg_attribute k ON k.attrelid = a.oid AND k.attname = 'id'"
            " JOIN pg_class q ON q.oid ="
            "  pg_get_serial_sequence(a.oid::regclass::text, 'id')::regclass",
            {"names": list(names), "schemas": list(names.values()), "live": self.live},
        ).fetchall()
        return [
            sql.SQL(
                "SELECT setval({sequence}::regclass, top.reached) FROM (SELECT greatest("
                " (SELECT max(id) FROM {new} WHERE id < {end}),"
                " (SELECT max(id) FROM {old} WHERE id < {end}), {last}, {given})::bigint"
                " AS reached) top WHERE top.reached >= 1"
            ).format(
                sequence=sql.Literal(sequence),
                new=sql.Identifier(self.live, name),
                old=sql.Identifier(names[name], name),
                end=sql.Literal(_SERVER_IDS),
                last=sql.Literal(last),
                given=sql.Literal(self.sequences.get(sequence_name)),
            )
            for name, sequence, sequence_name, last in rows
        ]

    def _new_epoch(self) -> Iterator[sql.Composable]:
        meta = sql.Identifier(self.live, "sync_meta")
        if self.fresh is not None:
            # Numbers may have been given after the archive was taken; they are passed over.
            yield sql.SQL("SELECT {}(m) FROM {} m").format(
                sql.Identifier(self.live, "sync_new_epoch"), meta
            )
        yield sql.SQL("UPDATE {} SET epoch = gen_random_uuid(), on_restore = 'review'").format(meta)


def _limit(milliseconds: int) -> sql.Composable:
    return sql.SQL(
        "SELECT set_config('lock_timeout', {0}, true), set_config('statement_timeout', {0}, true)"
    ).format(sql.Literal(str(milliseconds)))


def go_away(
    connection: psycopg.Connection,
    live: str,
    revision: str,
    now: dt.datetime,
    until: dt.datetime,
    *,
    safety: str = "",
    undone: bool = False,
) -> str:
    """Make the schema to which the live tables go; returns its name. See :class:`Replaced`."""
    name = _away_name(connection, live, now)
    said = {
        "live": live,
        "at": now.isoformat(),
        "until": until.isoformat(),
        "revision": revision,
        "safety": safety,
        "undone": undone,
    }
    put(connection, "CREATE SCHEMA {name}", name=name)
    put(
        connection,
        "COMMENT ON SCHEMA {name} IS {text}",
        name=name,
        text=sql.Literal(_MARK + json.dumps(said, sort_keys=True)),
    )
    return name


def replaced(connection: psycopg.Connection, live: str) -> list[Replaced]:
    """What restores replaced in a tenant and is still there, the newest first."""
    rows = connection.execute(
        "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace"
        " WHERE starts_with(obj_description(oid, 'pg_namespace'), %s)",
        (_MARK,),
    ).fetchall()
    found = []
    for name, text in rows:
        said = json.loads(text.removeprefix(_MARK))
        if said["live"] == live:
            at, until = (dt.datetime.fromisoformat(said[key]) for key in ("at", "until"))
            found.append(
                Replaced(
                    name,
                    live,
                    at,
                    until,
                    said["revision"],
                    said.get("safety", ""),
                    said.get("undone", False),
                )
            )
    return sorted(found, key=lambda one: (one.at, one.schema), reverse=True)


def _away_name(connection: psycopg.Connection, live: str, now: dt.datetime) -> str:
    suffix = now.astimezone(dt.UTC).strftime("_antes_%Y%m%d_%H%M%S")
    place = 0
    while True:
        end = suffix + (f"_{place}" if place else "")
        name = live.encode()[: 63 - len(end)].decode(errors="ignore") + end
        if not catalog.exists(connection, name):
            return name
        place += 1
