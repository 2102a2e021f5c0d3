"""A clinic planned, put back, put right again, and tried for a drill, on an administrator's connection.

Nobody is asked for leave here; that is :class:`desktop.services.backups.Backups` and the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from psycopg import sql

from desktop.backup import keys, restore_plan, restore_words, rights
from desktop.backup import restore as restoring
from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import ArchiveReader
from desktop.backup.reading import begin
from desktop.domain.locale_format import number
from desktop.domain.messages import _, ngettext
from desktop.domain.table_words import several
from desktop.services import backups_history as histories
from desktop.services import backups_server as server
from desktop.services import backups_steps as words
from desktop.services import backups_taking as taking
from desktop.services.backups_desk import Desk
from desktop.services.backups_opening import Signer, opened, warnings
from desktop.services.backups_records import (
    Opened,
    PlanLine,
    Restored,
    RestorePlan,
    UndoItem,
)
from desktop.services.backups_steps import Steps
from desktop.services.clinic import DEFAULTS
from desktop.services.server import translated
from desktop.services.tenancy import Migrations


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a clinic is restored.

    :ivar connection: of its schema's owner, in autocommit. :ivar tenant: the clinic's UUID, and
        :ivar signers: whom it trusts; both ``None`` where the clinic is not there and is made anew.
    """

    connection: psycopg.Connection
    schema: str
    tenant: str | None
    clinic: str
    zone: ZoneInfo
    signers: Sequence[Signer] | None


def ground(connection: psycopg.Connection, schema: str) -> Ground:
    """What stands in ``schema``, seen by its owner.

    Raises ``EnvironmentTrouble('server.not_allowed')`` and ``RuleError('backup.wrong_profile')``.
    """
    with translated():
        rows = connection.execute(
            "SELECT FROM pg_namespace WHERE nspname = %s", (schema,)
        ).fetchall()
    if not rows:
        return Ground(connection, schema, None, "", ZoneInfo(DEFAULTS["zona_horaria"]), None)
    with translated():
        leave = begin(connection, schema)
    with translated():
        zones = connection.execute(
            sql.SQL("SELECT valor FROM {} WHERE clave = 'zona_horaria'").format(
                sql.Identifier(schema, "configuracion_ajuste")
            )
        ).fetchall()
    return Ground(
        connection,
        schema,
        leave.tenant,
        leave.clinic,
        zone_of(zones[0][0] if zones else ""),
        server.signers(connection, schema),
    )


def zone_of(name: str) -> ZoneInfo:
    """A clinic's zone; the default one for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULTS["zona_horaria"])


@contextmanager
def reading(
    where: Ground,
    paths: Sequence[Path],
    identities: Sequence[str],
    steps: Steps,
    texts: Texts = Texts.LEFT,
) -> Iterator[list[ArchiveReader]]:
    """The archives of a chain, found genuine and of this clinic; ``texts`` as in :func:`opened`."""
    with opened(
        paths, identities, tenant=where.tenant, signers=where.signers, steps=steps, texts=texts
    ) as readers:
        yield readers


def described(where: Ground, readers: Sequence[ArchiveReader], id_: str) -> Opened:
    """What an opened archive says of itself."""
    contents = readers[-1].contents
    manifest = contents.manifest
    return Opened(
        id=id_,
        clinic=manifest.clinic,
        taken_at=manifest.created_at,
        who=manifest.actor,
        device_label=manifest.device_label,
        kind=manifest.kind,
        source=manifest.source,
        scope=manifest.extra.get("scope", "clinic"),
        signer=keys.fingerprint(contents.signer),
        signer_known=bool(contents.signer_known),
        tables={
            count.name: count.rows for count in readers[0].contents.tables if count.part == "rows"
        },
        warnings=warnings(contents, where.signers),
    )


def plan(
    where: Ground, paths: Sequence[Path], identities: Sequence[str], id_: str, steps: Steps
) -> RestorePlan:
    """What a restore would change; nothing is changed."""
    with reading(where, paths, identities, steps) as readers:
        steps.begin(words.COMPARING)
        with translated(), steps.watched():
            found = restore_plan.plan(
                where.connection,
                where.schema,
                readers,
                Migrations(),
                where.zone,
                progress=steps.counted,
                cancelled=steps.cancelled,
            )
        return RestorePlan(
            opened=described(where, readers, id_),
            clinic=where.clinic or found.clinic,
            sentences=restore_words.sentences(found, where.zone),
            lines=tuple(
                PlanLine(each.table, several(each.table), each.gone, each.back, each.different)
                for each in found.tables
            ),
        )


def restore(
    where: Ground,
    paths: Sequence[Path],
    identities: Sequence[str],
    steps: Steps,
    *,
    desk: Desk,
    actor: str,
    password: tuple[str, str] | None = None,
) -> Restored:
    """Put the clinic back, after a verified safety copy of what is there; nobody else's turn meanwhile.

    :param desk: takes the safety copy, by the same administrator's connection.
    :param password: an administrator's username and encoded password, for a clinic that is made anew.
    """
    with reading(where, paths, identities, steps) as readers, ExitStack() as stack:
        safety = None
        if where.tenant is not None:
            stack.enter_context(desk.turn())
            copy = taking.create(desk, actor, reason=histories.SAFETY, steps=steps)
            safety = copy.name
        steps.begin(words.LOADING)
        with translated(), steps.watched():
            done = restoring.restore(
                where.connection,
                where.schema,
                readers,
                Migrations(),
                safety=safety,
                password=password,
                now=desk.now(),
                progress=steps.counted,
                cancelled=steps.cancelled,
            )
            rights.ensure(where.connection, where.schema)
            restoring.purge_expired(where.connection, where.schema, desk.now())
            return _restored(where, done, safety or "")


def undo(where: Ground, steps: Steps, *, desk: Desk) -> Restored:
    """Take the newest restore back; nobody else's turn meanwhile."""
    with desk.turn():
        steps.begin(words.LOADING)
        with translated(), steps.watched():
            before = restoring.replaced(where.connection, where.schema)[:1]
            done = restoring.undo(
                where.connection,
                where.schema,
                Migrations(),
                now=desk.now(),
                cancelled=steps.cancelled,
            )
            rights.ensure(where.connection, where.schema)
            restored = _restored(where, done, "", undone=True)
        for each in before:
            if not each.undone:
                desk.note_undone(each.safety)
        return restored


def undoable(connection: psycopg.Connection, schema: str) -> UndoItem | None:
    """What the newest restore replaced, while it is kept; ``None`` where that restore was undone."""
    with translated():
        found = restoring.replaced(connection, schema)[:1]
    return next((UndoItem(one.schema, one.at, one.until) for one in found if not one.undone), None)


def _restored(
    where: Ground, done: restoring.Restored, safety: str, *, undone: bool = False
) -> Restored:
    rows = sum(done.rows.values())
    said = [
        ngettext(
            "{n} record is as in the backup.", "{n} records are as in the backup.", rows
        ).format(n=number(rows))
    ]
    if done.kept:
        said.append(
            _("Administrators keep their access: {names}.").format(names=", ".join(done.kept))
        )
    if done.shut_out:
        said.append(
            _("Accounts that were closed since stay closed: {names}.").format(
                names=", ".join(done.shut_out)
            )
        )
    if undone:
        said.append(
            _(
                "The workstations follow by themselves at their next exchange; what they brought "
                "after the restore waits in their inboxes for review."
            )
        )
    elif done.replaced is not None:
        said.append(
            _(
                "The workstations follow by themselves at their next exchange; what they brought "
                "after the backup waits in their inboxes for review. The restore can be undone for "
                "{days} days."
            ).format(days=restoring.KEEP_DAYS)
        )
    return Restored(
        rows=rows,
        seconds=done.seconds,
        held_ms=done.held_ms,
        safety=safety,
        undo=undoable(where.connection, where.schema),
        sentences=tuple(said),
    )
