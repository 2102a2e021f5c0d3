"""What a restore would change: the archive is loaded, compared with what is there, and let go again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from desktop.backup import administrators, catalog, staging
from desktop.backup.administrators import Merged
from desktop.backup.following import Following
from desktop.backup.restore import alone, check_clinic
from desktop.backup.staging import Source, Tenancy, never, unheard
from desktop.domain.errors import RuleError
from sync.identifiers import with_parameters

APPOINTMENTS = "citas_cita"
ON_OFFER = "disponible"


@dataclass(frozen=True, slots=True)
class TableChange:
    """What becomes of a table's rows. :ivar back: rows that are in the archive alone; :ivar gone: those
    that are here alone; :ivar different: those that become what they were; :ivar rows: in the archive.
    """

    table: str
    rows: int
    back: int
    gone: int
    different: int

    @property
    def all(self) -> int:
        """Rows that change at all."""
        return self.back + self.gone + self.different


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would do.

    :ivar fresh: the clinic is not there and would be made. :ivar taken_at: of the newest archive.
    :ivar tables: those in which anything changes. :ivar days: days of the clinic's calendar whose
        appointments change, slots on offer left out. :ivar newest: when the newest work here was done
        that would go to review. :ivar rows: in the archive. :ivar left: see ``Restored``.
    :ivar people: who may sign in afterwards.
    """

    clinic: str
    taken_at: dt.datetime
    fresh: bool
    rows: int
    tables: tuple[TableChange, ...]
    days: tuple[dt.date, ...]
    newest: dt.datetime | None
    left: dict[str, int]
    people: Merged

    def table(self, name: str) -> TableChange:
        """What becomes of one table."""
        for change in self.tables:
            if change.table == name:
                return change
        return TableChange(name, 0, 0, 0, 0)


class _Done(Exception):
    """The comparison is made; nothing of it stays."""


def plan(
    connection: psycopg.Connection,
    schema: str,
    sources: Sequence[Source],
    tenancy: Tenancy,
    zone: ZoneInfo,
    *,
    progress: Callable[[int, int], None] = unheard,
    cancelled: Callable[[], bool] = never,
) -> Plan:
    """What :func:`desktop.backup.restore.restore` would do now; nothing is changed, nobody waits.

    :param zone: the clinic's, for its days.
    Raises what a restore raises before it changes anything.
    """
    found: list[Plan] = []
    try:
        with alone(connection, schema):
            fresh = not check_clinic(connection, schema, sources, tenancy)
            if fresh:
                tenancy.tenant(connection, schema)
            staged = staging.load(
                connection,
                schema,
                sources,
                tenancy,
                fresh=fresh,
                progress=progress,
                cancelled=cancelled,
            )
            found.append(_compared(connection, schema, sources, staged, zone, fresh))
            raise _Done
    except _Done:
        return found[0]


def _compared(
    connection: psycopg.Connection,
    schema: str,
    sources: Sequence[Source],
    staged: staging.Staging,
    zone: ZoneInfo,
    fresh: bool,
) -> Plan:
    changes: list[TableChange] = []
    newest, merged = None, Merged()
    if not fresh:
        standing = catalog.dependents(connection, schema, staged.names)
        if standing:
            raise RuleError("restore.in_the_way", what=", ".join(standing))
        Following(connection, schema, staged.schema, staged.names).unheld()
        if staged.without_passwords:
            administrators.keep_passwords(connection, schema, staged.schema)
        merged = administrators.merge(connection, schema, staged.schema, staged.names)
        newest = connection.execute(
            sql.SQL("SELECT max(at) FROM {}").format(sql.Identifier(schema, "sync_log"))
        ).fetchall()[0][0]
        created = sources[-1].contents.manifest.created_at
        newest = newest if newest is not None and newest > created else None
    for name in staged.names:
        if name in catalog.MOVED_ENGINE_TABLES:
            continue
        changes.append(_table(connection, schema, staged.schema, name))
    manifest = sources[-1].contents.manifest
    return Plan(
        clinic=manifest.clinic,
        taken_at=manifest.created_at,
        fresh=fresh,
        rows=sum(change.rows for change in changes),
        tables=tuple(change for change in changes if change.all),
        days=_days(connection, schema, staged, zone),
        newest=newest,
        left=staged.left,
        people=merged,
    )


def _joined(connection: psycopg.Connection, live: str, staged: str, name: str) -> sql.Composed:
    """Live and staged rows of one id beside each other, where they are not the same."""
    columns = [column.name for column in catalog.columns(connection, staged, name)]
    rows = [
        sql.SQL("ROW({})").format(
            sql.SQL(", ").join(sql.SQL(f"{side}.{{}}").format(with_parameters(c)) for c in columns)
        )
        for side in ("l", "s")
    ]
    return sql.SQL(
        "{} l FULL JOIN {} s ON s.id = l.id"
        " WHERE l.id IS NULL OR s.id IS NULL OR {} IS DISTINCT FROM {}"
    ).format(with_parameters(live, name), with_parameters(staged, name), *rows)


def _table(connection: psycopg.Connection, live: str, staged: str, name: str) -> TableChange:
    counts = connection.execute(
        sql.SQL(
            "SELECT (SELECT count(*) FROM {staged}), count(*) FILTER (WHERE l.id IS NULL),"
            " count(*) FILTER (WHERE s.id IS NULL),"
            " count(*) FILTER (WHERE l.id IS NOT NULL AND s.id IS NOT NULL) FROM {joined}"
        ).format(
            staged=with_parameters(staged, name),
            joined=_joined(connection, live, staged, name),
        ),
        (),
    ).fetchall()[0]
    return TableChange(name, *counts)


def _days(
    connection: psycopg.Connection, live: str, staged: staging.Staging, zone: ZoneInfo
) -> tuple[dt.date, ...]:
    if APPOINTMENTS not in staged.names:
        return ()
    rows = connection.execute(
        sql.SQL(
            "SELECT DISTINCT (v.moment AT TIME ZONE %(zone)s)::date FROM ("
            " SELECT unnest(ARRAY[CASE WHEN l.estado <> %(free)s THEN l.fecha_hora END,"
            "                     CASE WHEN s.estado <> %(free)s THEN s.fecha_hora END]) AS moment"
            " FROM {}) v WHERE isfinite(v.moment) ORDER BY 1"
        ).format(_joined(connection, live, staged.schema, APPOINTMENTS)),
        {"zone": zone.key, "free": ON_OFFER},
    ).fetchall()
    return tuple(row[0] for row in rows)
