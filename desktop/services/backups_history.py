"""The history of a clinic's backups, of what the server, this workstation and the places know."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from desktop.backup.history import STATES, Entry
from desktop.backup.manifest import FOREIGN, FULL, INCREMENTAL, SERVER
from desktop.backup.places.base import Stored
from desktop.backup.places.naming import Kind, parse
from desktop.backup.retention import SAFETY_DAYS, Held
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import sentence
from desktop.domain.sentences import all_sentences
from desktop.services.backups_records import ArchiveItem, Kept

AUTOMATIC, MANUAL, SAFETY, IMPORT = "automatico", "manual", "seguridad", "importacion"
REASONS = {AUTOMATIC: "automatic", MANUAL: "manual", SAFETY: "safety", IMPORT: "import"}
"""The history's words → those of :class:`ArchiveItem`."""

FAILED, TAKEN, KEPT, VERIFIED, DAMAGED, DELETED = STATES
_FOUND = uuid.UUID("5d0e5c54-5f0f-4f7a-9f43-0e6f2b6f7a11")
"""The namespace of archives that lie in a place and stand in no history."""

_KIND_REASONS = {
    Kind.FULL: MANUAL,
    Kind.INCREMENTAL: AUTOMATIC,
    Kind.SAFETY: SAFETY,
    Kind.FOREIGN: IMPORT,
}


def found(
    entries: Sequence[Entry], tenant: str, listed: Mapping[str, tuple[str, Sequence[Stored]]]
) -> list[Entry]:
    """Archives of this clinic that a place lists and ``entries`` do not know: after a new start.

    :param listed: place id → its label and what it lists.
    """
    known = {entry.name for entry in entries}
    clinic = uuid.UUID(tenant).hex[:12]
    made: dict[str, Entry] = {}
    for place, (label, stored) in listed.items():
        for each in stored:
            said = parse(each.name)
            if said is None or said.clinic != clinic or each.name in known:
                continue
            before = made.get(each.name)
            made[each.name] = Entry(
                id=str(uuid.uuid5(_FOUND, each.name)),
                name=each.name,
                size=each.size,
                reason=_KIND_REASONS[said.kind],
                kind=INCREMENTAL if said.kind is Kind.INCREMENTAL else FULL,
                source=FOREIGN if said.kind is Kind.FOREIGN else SERVER,
                device=said.device,
                actor="",
                taken_at=said.at,
                places={
                    **({} if before is None else before.places),
                    place: {"path": label, "at": said.at.isoformat()},
                },
                state=KEPT,
            )
    return list(made.values())


def seen(entries: Iterable[Entry], listed: Mapping[str, set[str]], now: dt.datetime) -> list[Entry]:
    """What is known, by what places list now: an archive that somebody removed by hand is not there.

    Nothing of it is kept: a drive that is not mounted lists nothing, and is back tomorrow.

    :param listed: place → the names in it.
    """
    after = []
    for entry in entries:
        gone = {
            place: {**entry.places[place], "gone_at": now.isoformat()}
            for place in places_of(entry)
            if place in listed and entry.name not in listed[place]
        }
        left = replace(entry, places={**entry.places, **gone}) if gone else entry
        after.append(replace(left, state=DELETED) if gone and not places_of(left) else left)
    return after


def chain_of(entry: Entry, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """What a restore of ``entry`` needs, the full archive first; empty where a link is missing."""
    by_manifest = {each.manifest: each for each in entries if each.manifest and usable(each)}
    links = [entry]
    while links[0].kind == INCREMENTAL:
        base = by_manifest.get(links[0].base or "")
        if base is None or base in links:
            return ()
        links.insert(0, base)
    return tuple(links)


def places_of(entry: Entry) -> frozenset[str]:
    """Where an archive lies, as far as is known."""
    return frozenset(place for place, told in entry.places.items() if not told.get("gone_at"))


def usable(entry: Entry) -> bool:
    """Whether an archive is, as far as is known, still whole somewhere."""
    return entry.state in {KEPT, VERIFIED}


def items(
    entries: Sequence[Entry],
    labels: Mapping[str, str],
    now: dt.datetime,
    devices: Mapping[int, str] | None = None,
) -> tuple[ArchiveItem, ...]:
    """The history for a screen, newest first.

    :param labels: this workstation's places by id. :param devices: what workstations are called.
    """
    newest = sorted(entries, key=lambda each: (each.taken_at, each.id), reverse=True)
    return tuple(item(each, entries, labels, now, devices) for each in newest)


def item(
    entry: Entry,
    entries: Sequence[Entry],
    labels: Mapping[str, str],
    now: dt.datetime,
    devices: Mapping[int, str] | None = None,
) -> ArchiveItem:
    """A line of the history."""
    links = chain_of(entry, entries)
    within_reach = bool(links) and all(places_of(link) & set(labels) for link in links)
    until = entry.taken_at + dt.timedelta(days=SAFETY_DAYS)
    return ArchiveItem(
        id=entry.id,
        name=entry.name,
        size=entry.size,
        rows=entry.rows,
        reason=REASONS[entry.reason],
        kind=entry.kind,
        source=entry.source,
        scope=entry.scope,
        who=entry.actor,
        device_label=(devices or {}).get(entry.device, str(entry.device or "")),
        taken_at=entry.taken_at,
        kept=tuple(
            Kept(
                place,
                labels.get(place, str(told.get("path", place))),
                _whole_at(told),
                place in labels,
                _moment(told.get("altered_at")),
            )
            for place, told in sorted(entry.places.items())
            if not told.get("gone_at")
        ),
        verified_at=entry.verified_at,
        drilled_at=entry.drilled_at,
        drill_ok=None if entry.report is None else bool(entry.report.get("ok")),
        undone_at=entry.undone_at,
        state=entry.state,
        chain=tuple(link.id for link in links) if within_reach else (),
        error=why(entry.error),
        pinned_until=until if entry.reason == SAFETY and until > now else None,
    )


def why(code: str | None) -> str:
    """The sentence of a failure that the history keeps as a code."""
    if not code:
        return ""
    if code not in all_sentences() or "{" in all_sentences()[code]:
        return sentence(EnvironmentTrouble("backup.failed"))
    return sentence(EnvironmentTrouble(code))


def own(entry: Entry) -> bool:
    """Whether it is a verified backup of the clinic's own data: no safety copy, no other program's."""
    return (
        entry.state == VERIFIED
        and entry.source == SERVER
        and entry.reason in {AUTOMATIC, MANUAL}
        and entry.scope == "clinic"
    )


def last_verified(entries: Iterable[Entry]) -> dt.datetime | None:
    """When an archive of the clinic's own data was last taken that is still known to be whole."""
    return max((each.taken_at for each in entries if own(each)), default=None)


def held(entries: Iterable[Entry], places: Iterable[str]) -> list[Held]:
    """What retention decides on: what lies in one of ``places``, the oldest first."""
    wanted = set(places)
    whole = sorted(filter(usable, entries), key=lambda each: (each.taken_at, each.id))
    names = {each.manifest: each.name for each in whole if each.manifest}
    kinds = {SAFETY: Kind.SAFETY, IMPORT: Kind.FOREIGN}
    return [
        Held(
            name=each.name,
            at=each.taken_at,
            kind=kinds.get(each.reason, Kind(each.kind)),
            verified=each.verified_at,
            base=names.get(each.base, each.base) if each.base else None,
            manual=each.reason in {MANUAL, IMPORT},
        )
        for each in whole
        if wanted & places_of(each)
    ]


def _whole_at(told: Mapping[str, Any]) -> dt.datetime | None:
    """When a copy was last read back and found the same; ``None`` where it was not, later."""
    verified, altered = _moment(told.get("verified_at")), _moment(told.get("altered_at"))
    return None if verified and altered and altered >= verified else verified


def _moment(text: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if isinstance(text, str) and text else None
