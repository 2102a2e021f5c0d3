"""A clinic put back as an archive has it: one tenant, all or nothing, and undone for seven days.

Everything happens in one transaction: the archive is loaded beside the live tables, proved, and takes
their place at the end, while nobody writes, for a moment. Whatever is killed or cut before its commit,
nothing has happened and nothing is left. The tables that were replaced stay in a schema beside the
clinic's until :func:`purge_expired`.

The connection is an owner's of the clinic's schema, who may make schemas, in autocommit.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from desktop.backup import administrators, catalog, staging
from desktop.backup.catalog import put
from desktop.backup.following import Following
from desktop.backup.staging import Source, Tenancy, never, unheard
from desktop.backup.swap import Replaced, Swap, go_away, replaced
from desktop.domain.errors import RuleError

__all__ = ["KEEP_DAYS", "Replaced", "Restored", "purge_expired", "replaced", "restore", "undo"]

KEEP_DAYS = 7


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    :ivar replaced: the schema with what was there before; ``None`` for a clinic that was made anew.
    :ivar rows: table → rows that it has now. :ivar left: tables of the archive that have no place
        here, and their rows. :ivar seconds: how long it took; :ivar held_ms: of it, how long nobody
        could write. :ivar attempts: how often the tables were asked for.
    :ivar kept: administrators who still are. :ivar shut_out: who stays shut out.
    :ivar returning: accounts of the staff that were not there before.
    """

    schema: str
    replaced: str | None
    rows: dict[str, int]
    seconds: float
    held_ms: float
    attempts: int
    left: dict[str, int] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    shut_out: tuple[str, ...] = ()
    returning: tuple[str, ...] = ()


@contextmanager
def alone(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """A transaction in which nobody else restores the same clinic. ``RuleError('restore.running')``."""
    with connection.transaction():
        free = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('consultorio restore'), hashtext(%s))",
            (schema,),
        ).fetchall()[0][0]
        if not free:
            raise RuleError("restore.running")
        if connection.info.server_version >= 170000:
            connection.execute("SET LOCAL transaction_timeout = 0")
        yield


def check_clinic(
    connection: psycopg.Connection, schema: str, sources: Sequence[Source], tenancy: Tenancy
) -> bool:
    """Whether the archive's clinic is the one in ``schema``; ``False`` where that has to be made.

    Raises :class:`RuleError`: ``restore.wrong_clinic`` (``archive``, ``clinic``), ``restore.elsewhere``
    where the clinic is in another schema, ``restore.no_clinic`` where the schema is something else,
    ``restore.part_only`` where the archive is of one workstation's part of a clinic that is there, and
    ``restore.outdated`` where the clinic waits for a migration.
    """
    manifest = sources[0].contents.manifest
    here = catalog.exists(connection, schema)
    if here and manifest.extra.get("scope", "clinic") != "clinic":
        raise RuleError("restore.part_only")
    if not here:
        for (other,) in connection.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relname = 'sync_meta' AND c.relkind = 'r'"
        ).fetchall():
            if tenant_uuid(connection, other) == manifest.tenant:
                raise RuleError("restore.elsewhere", schema=other)
        return False
    version = tenancy.version(connection, schema)
    if version is None:
        raise RuleError("restore.no_clinic", schema=schema)
    if tenant_uuid(connection, schema) != manifest.tenant:
        raise RuleError("restore.wrong_clinic", archive=manifest.clinic, schema=schema)
    if version != tenancy.head():
        raise RuleError("restore.outdated", schema=schema)
    return True


def tenant_uuid(connection: psycopg.Connection, schema: str) -> str:
    """The UUID of the clinic in a schema."""
    rows = connection.execute(
        sql.SQL("SELECT tenant_uuid::text FROM {}").format(sql.Identifier(schema, "sync_meta"))
    ).fetchall()
    return str(rows[0][0]) if rows else ""


def restore(
    connection: psycopg.Connection,
    schema: str,
    sources: Sequence[Source],
    tenancy: Tenancy,
    *,
    safety: str | None = None,
    password: tuple[str, str] | None = None,
    now: dt.datetime | None = None,
    keep_days: int = KEEP_DAYS,
    progress: Callable[[int, int], None] = unheard,
    cancelled: Callable[[], bool] = never,
    compare: bool = False,
) -> Restored:
    """Put a clinic back as a full archive and its incrementals have it.

    Where ``schema`` is not there, the clinic is made anew from the archive.

    :param sources: verified archives in order, the full one first.
    :param safety: the name of the verified safety copy of what is there now. Without it nothing is
        replaced (``RuleError('restore.no_safety_copy')``).
    :param password: an administrator's name and encoded password, for a clinic that is made anew; an
        archive from a workstation has no passwords.
    :param now: aware; the clock by which the replaced tables are kept. :param progress: bytes loaded,
        of how many. :param compare: read each table back, too, and compare it with the archive's hash.
    Raises the errors of :func:`check_clinic`, :func:`desktop.backup.staging.load` and
    :meth:`desktop.backup.swap.Swap.run`, ``restore.running`` and ``restore.no_administrator``.
    """
    began, now = time.perf_counter(), now or dt.datetime.now(dt.UTC)
    with alone(connection, schema):
        fresh = not check_clinic(connection, schema, sources, tenancy)
        if fresh:
            tenancy.tenant(connection, schema)
            catalog.plain_settings(connection)
        elif safety is None:
            raise RuleError("restore.no_safety_copy")
        staged = staging.load(
            connection,
            schema,
            sources,
            tenancy,
            fresh=fresh,
            progress=progress,
            cancelled=cancelled,
            compare=compare,
        )
        if staged.without_passwords and not fresh:
            administrators.keep_passwords(connection, schema, staged.schema)
        if fresh:
            _make_administrator(connection, staged.schema, password)
        until = now + dt.timedelta(days=keep_days)
        away = go_away(connection, schema, tenancy.head(), now, until, safety=safety or "")
        sequences: dict[str, int] = {}
        for source in sources:
            sequences.update(source.contents.manifest.sequences)
        swap = Swap(
            connection,
            schema,
            staged.schema,
            away,
            staged.names,
            aside=staged.aside,
            sequences=sequences,
            fresh=sources[0].contents.manifest.tenant if fresh else None,
            cancelled=cancelled,
        )
        swapped = swap.run()
        put(connection, "DROP SCHEMA {schema} CASCADE", schema=staged.schema)
        if fresh:
            put(connection, "DROP SCHEMA {schema} CASCADE", schema=away)
    held = (time.perf_counter() - swapped.began) * 1000
    _look_through(connection, swap.following)
    return Restored(
        schema,
        None if fresh else away,
        {name: staged.rows.get(name, 0) for name in staged.names},
        time.perf_counter() - began,
        held,
        swapped.attempts,
        staged.left,
        swapped.merged.kept,
        swapped.merged.shut_out,
        swapped.merged.returning,
    )


def undo(
    connection: psycopg.Connection,
    schema: str,
    tenancy: Tenancy,
    *,
    now: dt.datetime | None = None,
    keep_days: int = KEEP_DAYS,
    cancelled: Callable[[], bool] = never,
) -> Restored:
    """Take the newest restore back: its replaced tables take their places again.

    What was there meanwhile is kept in its turn, and so an undo can be undone. Workstations offer what
    they brought meanwhile for review, as after a restore.

    Raises :class:`RuleError`: ``restore.nothing_to_undo``, ``restore.undo_outdated`` where the
    clinic was migrated since, and those of :meth:`desktop.backup.swap.Swap.run`.
    """
    began, now = time.perf_counter(), now or dt.datetime.now(dt.UTC)
    with alone(connection, schema):
        version = tenancy.version(connection, schema)
        if version is None:
            raise RuleError("restore.no_clinic", schema=schema)
        catalog.plain_settings(connection)
        found = replaced(connection, schema)
        if not found:
            raise RuleError("restore.nothing_to_undo")
        before = found[0]
        names = catalog.tables(connection, before.schema)
        if before.revision != version or any(
            catalog.columns(connection, schema, name)
            != catalog.columns(connection, before.schema, name)
            for name in names
        ):
            raise RuleError("restore.undo_outdated")
        away = go_away(
            connection,
            schema,
            version,
            now,
            now + dt.timedelta(days=keep_days),
            safety=before.safety,
            undone=not before.undone,
        )
        swap = Swap(connection, schema, before.schema, away, names, cancelled=cancelled)
        swapped = swap.run()
        put(connection, "DROP SCHEMA {schema}", schema=before.schema)
    held = (time.perf_counter() - swapped.began) * 1000
    _look_through(connection, swap.following)
    rows = {
        name: connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        ).fetchall()[0][0]
        for name in names
    }
    return Restored(
        schema,
        away,
        rows,
        time.perf_counter() - began,
        held,
        swapped.attempts,
        {},
        swapped.merged.kept,
        swapped.merged.shut_out,
        swapped.merged.returning,
    )


def purge_expired(
    connection: psycopg.Connection, schema: str, now: dt.datetime | None = None
) -> list[str]:
    """Drop what restores replaced longer ago than it is kept; returns the schemas that went.

    What somebody is looking at stays for the next time.
    """
    now, gone = now or dt.datetime.now(dt.UTC), []
    for one in replaced(connection, schema):
        if one.until > now:
            continue
        try:
            with alone(connection, schema):
                connection.execute("SET LOCAL lock_timeout = '200ms'")
                put(connection, "DROP SCHEMA {schema} CASCADE", schema=one.schema)
        except (psycopg.errors.LockNotAvailable, RuleError):
            continue
        gone.append(one.schema)
    return gone


def _make_administrator(
    connection: psycopg.Connection, schema: str, password: tuple[str, str] | None
) -> None:
    """Of a clinic that is made anew: somebody has to be able to sign in."""
    if password is not None:
        administrators.give_password(connection, schema, *password)
        return
    if not administrators.with_password(connection, schema):
        found = administrators.administrators(connection, schema)
        raise RuleError("restore.password_needed", found=", ".join(found))


def _look_through(connection: psycopg.Connection, following: Following) -> None:
    """Foreign keys from other programs' rows are looked through when nobody waits any more."""
    with contextlib.suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        following.validate()
