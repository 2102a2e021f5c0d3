"""A backup taken, sent to every place, and read back from each."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop.backup import schedule, take
from desktop.backup.history import Entry
from desktop.backup.manifest import FOREIGN, FULL, SERVER
from desktop.backup.places.copies import put_everywhere
from desktop.backup.places.naming import Kind, archive_name
from desktop.backup.reading import begin
from desktop.backup.take_cache import take_cache
from desktop.backup.take_incremental import CAPTURE, Since, take_incremental
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from desktop.services import backups_history as histories
from desktop.services import backups_server as server
from desktop.services import backups_steps as words
from desktop.services.backups_desk import Desk
from desktop.services.backups_steps import Steps
from desktop.services.cache import translated as translated_cache
from desktop.services.server import translated

_NO_FAILURE = frozenset({"backup.running", "backup_key.missing", "backup.forbidden"})
_KINDS = {histories.SAFETY: Kind.SAFETY, histories.IMPORT: Kind.FOREIGN}


def since(entry: Entry) -> Since | None:
    """What an incremental needs to know of an archive; ``None`` where the history doesn't say it."""
    if not (entry.manifest and entry.cursor and entry.epoch and entry.revision):
        return None
    return Since(
        entry.manifest, entry.cursor, entry.epoch, entry.schema_version or 0, entry.revision
    )


def create(
    desk: Desk,
    actor: str,
    *,
    reason: str,
    steps: Steps,
    full: bool = False,
    every_days: int = 7,
    of: str | None = None,
) -> Entry:
    """Take a backup, keep it in every place, read it back from each; in somebody's turn.

    It counts when one place gave back the bytes that were written. Raises what stands in the way
    of all places; a failure is in the history, too.

    :param full: even where what changed would do. :param every_days: after so long it is a full
        one in any case. :param of: another schema, with another program's rows.
    """
    if not desk.places:
        raise RuleError("backup.no_place")
    began = desk.now()
    before = None if full or reason in _KINDS else _to_go_on_from(desk, every_days)
    try:
        with desk.scratch() as folder:
            steps.begin(words.READING)
            taken = _take(desk, folder / "archive", actor, before, of, steps)
            return keep(desk, taken, actor, reason, steps)
    except (RuleError, EnvironmentTrouble) as error:
        if error.code not in _NO_FAILURE:
            _failed(desk, actor, reason, began, error)
        raise


def _take(
    desk: Desk, path: Path, actor: str, before: Since | None, of: str | None, steps: Steps
) -> take.Taken:
    who, heard = take.Who(actor, desk.program), _heard(steps)
    with desk.connect() as connection, translated(), steps.watched():
        begun = begin(connection, desk.schema)
        desk.remember(begun.recipients)
        server.introduce(connection, desk.schema, desk.signer.public)
        sealing = take.Sealing(desk.signer, begun.recipients)
        if before is not None:
            return take_incremental(
                connection,
                desk.schema,
                path,
                sealing,
                who,
                before,
                progress=heard,
                cancelled=steps.cancelled,
                now=desk.now,
            )
        return take.take_full(
            connection,
            of or desk.schema,
            path,
            sealing,
            who,
            source=SERVER if of is None else FOREIGN,
            progress=heard,
            cancelled=steps.cancelled,
            now=desk.now,
        )


def create_from_cache(
    desk: Desk, cache: Any, recipients: Sequence[str], actor: str, steps: Steps
) -> Entry:
    """A backup of a workstation's own cache, for when the server is gone.

    :param cache: the driver's connection to it. :param recipients: whom archives are sealed for, as the
        server said it last. Raises ``backup_key.missing`` where it never did.
    """
    if not desk.places:
        raise RuleError("backup.no_place")
    with desk.scratch() as folder:
        steps.begin(words.READING)
        with translated_cache(), steps.watched():
            taken = take_cache(
                cache,
                folder / "archive",
                take.Sealing(desk.signer, tuple(recipients)),
                take.Who(actor, desk.program),
                progress=_heard(steps),
                cancelled=steps.cancelled,
                now=desk.now,
            )
        return keep(desk, taken, actor, histories.MANUAL, steps)


def _heard(steps: Steps) -> Callable[[take.Progress], None]:
    def heard(each: take.Progress) -> None:
        steps.step = words.READING if each.stage == take.COPYING else words.CHECKING
        steps.counted(round(each.share * 1000), 1000)

    return heard


def _to_go_on_from(desk: Desk, every_days: int) -> Since | None:
    """The archive that an incremental would stand on; ``None`` where a full one is due."""
    entries = desk.entries()
    links: tuple[Entry, ...] = ()
    for each in sorted(entries, key=lambda one: one.taken_at, reverse=True):
        if histories.own(each) and since(each) is not None:
            links = histories.chain_of(each, entries)
            break
    if not links or schedule.full_due(
        schedule.Schedule(full_every_days=every_days), links[0].taken_at, desk.now()
    ):
        return None
    ours = set(desk.places)
    return since(links[-1]) if all(ours & histories.places_of(link) for link in links) else None


def _to_be_told(taken: take.Taken) -> str | None:
    """The code of what somebody has to know of a good backup; what is missing in it comes first."""
    if taken.unsaved:
        return "backup.not_saved"
    return "backup.not_recorded" if taken.full_because == CAPTURE else None


def keep(desk: Desk, taken: take.Taken, actor: str, reason: str, steps: Steps) -> Entry:
    """Send a verified archive to every place; success is what one of them gave back."""
    manifest, receipt = taken.receipt.manifest, taken.receipt
    kind = _KINDS.get(reason) or Kind(taken.kind)
    name = archive_name(
        uuid.UUID(manifest.tenant), manifest.created_at, kind, manifest.device, receipt.sha256
    )
    entry = Entry(
        id=manifest.id,
        name=name,
        size=receipt.size,
        reason=reason,
        kind=taken.kind,
        source=manifest.source,
        scope=manifest.extra.get("scope", "clinic"),
        device=manifest.device,
        actor=actor,
        taken_at=manifest.created_at,
        manifest=receipt.manifest_hash,
        base=manifest.base,
        sha256=receipt.sha256,
        cursor=manifest.cursor,
        epoch=manifest.epoch,
        revision=manifest.revision,
        schema_version=manifest.schema_version,
        rows=taken.contents.rows,
        state=histories.TAKEN,
        error=_to_be_told(taken),
    )
    steps.begin(words.KEEPING)
    with ExitStack() as stack, steps.watched():
        copies = put_everywhere(
            {
                id_: stack.enter_context(contextlib.closing(each.open()))
                for id_, each in desk.places.items()
            },
            name,
            taken.path,
            progress=steps.again(words.KEEPING_AGAIN),
            cancelled=steps.cancelled,
        )
    desk.troubles[:] = copies.errors.values()
    if not copies.verified:
        raise next(iter(copies.errors.values()))
    now = desk.now()
    entry = replace(
        entry,
        state=histories.VERIFIED,
        verified_at=now,
        places={
            id_: {
                "path": desk.places[id_].label,
                "at": now.isoformat(),
                "verified_at": now.isoformat(),
            }
            for id_ in copies.receipts
        },
    )
    desk.record(entry)
    return entry


def _failed(desk: Desk, actor: str, reason: str, began: dt.datetime, error: AppError) -> None:
    entry = Entry(
        id=str(uuid.uuid4()),
        name="",
        size=0,
        reason=reason,
        kind=FULL,
        source=SERVER,
        device=desk.device,
        actor=actor,
        taken_at=began,
        state=histories.FAILED,
        error=error.code,
    )
    desk.record(entry)
