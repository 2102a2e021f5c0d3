"""Backups taken, kept, read back, fetched and removed: what a workstation and an administrator share.

Nobody is asked for leave here; that is :class:`desktop.services.backups.Backups` and the command line.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from desktop.backup import keys, retention, turn
from desktop.backup.history import Entry, LocalHistory, ServerHistory, merge
from desktop.backup.places.base import Fingerprint, Place, Stored
from desktop.backup.places.copies import get_from_any
from desktop.backup.reading import begin
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from desktop.domain.messages import N_, _, sentence
from desktop.services import backups_history as histories
from desktop.services import backups_server as server
from desktop.services import backups_steps as words
from desktop.services.backups_opening import Signer
from desktop.services.backups_records import Pruned
from desktop.services.backups_steps import Steps
from desktop.services.server import translated

Connect = Callable[[], psycopg.Connection]
Clock = Callable[[], dt.datetime]


_SCRATCH = "under-way-"
_KEEP_WORDS = {
    "last": N_("the last that was verified"),
    "day": N_("of its day"),
    "week": N_("of its week"),
    "month": N_("of its month"),
    "year": N_("of its year"),
    "safety": N_("safety copy of a restore"),
    "young": N_("just taken"),
    "manual": N_("taken by hand"),
    "base": N_("others stand on it"),
    "clock": N_("from the future, as it seems: a clock is wrong"),
}


@dataclass(frozen=True, slots=True)
class Open:
    """A place that is used. :ivar label: for people."""

    id: str
    label: str
    open: Callable[[], Place]


def _forget(_recipients: tuple[str, ...]) -> None:
    """Nobody wants to know the clinic's keys without its server."""


@dataclass
class Desk:
    """Where one program takes a clinic's backups.

    :ivar connect: as who may read the clinic whole. :ivar work: a folder for files under way; what a
        killed program left in it is removed by :meth:`sweep`.
    :ivar device: the workstation's number, 0 for the server's administrator.
    :ivar records: whether the server takes down what this program knows of archives.
    :ivar troubles: what could not be asked the last time. :ivar states: place → why it could not be used,
        in a sentence, and bytes that are free there.
    """

    schema: str
    tenant: str
    connect: Connect
    now: Clock
    work: Path
    signer: keys.Signer
    places: Mapping[str, Open]
    local: LocalHistory
    device: int = 0
    label: str = ""
    program: str = ""
    remember: Callable[[tuple[str, ...]], None] = _forget
    records: bool = True
    troubles: list[AppError] = field(default_factory=list)
    states: dict[str, tuple[str, int | None]] = field(default_factory=dict)

    # The history ------------------------------------------------------------------------------

    def entries(self, *, ask: bool = True, places: bool = False) -> list[Entry]:
        """What is known, by the server where it answers, and by the places where asked for.

        What could not be asked stands in :attr:`troubles`.
        """
        self.troubles.clear()
        known = self.local.list()
        if ask:
            try:
                with self.connect() as connection, translated():
                    known = self._put_together(known, ServerHistory(connection, self.schema))
            except (EnvironmentTrouble, RuleError) as error:
                self.troubles.append(error)
        if not places:
            return known
        listed = self._listed()
        there = {place: {each.name for each in stored} for place, (_, stored) in listed.items()}
        known = histories.seen(known, there, self.now())
        return known + histories.found(known, self.tenant, listed)

    def _put_together(self, here: list[Entry], there: ServerHistory) -> list[Entry]:
        """What both know; each learns what it did not know yet."""
        on_server = there.list()
        known = merge(here, on_server)
        before = {entry.id: entry for entry in here}
        self.local.record(*(entry for entry in known if before.get(entry.id) != entry))
        if self.records:
            told = {entry.id: entry for entry in on_server}
            for entry in known:
                if told.get(entry.id) != entry:
                    there.record(entry)
        return known

    @property
    def labels(self) -> dict[str, str]:
        """The places of this program, by id."""
        return {each.id: each.label for each in self.places.values()}

    def find(self, id_: str) -> tuple[Entry, list[Entry]]:
        """An archive by its id or its name, and everything that is known.

        ``RuleError('backup.unknown')``.
        """
        for places in (False, True):
            entries = self.entries(places=places)
            for entry in entries:
                if id_ in {entry.id, entry.name}:
                    return entry, entries
        raise RuleError("backup.unknown")

    def record(self, entry: Entry) -> None:
        """Keep what is known of an archive: here at once, and on the server where it answers."""
        self.local.record(entry)
        with contextlib.suppress(EnvironmentTrouble):
            with self.connect() as connection, translated():
                ServerHistory(connection, self.schema).record(entry)

    def learn(self) -> None:
        """Remember whom archives are sealed for, and say who signs, while the server answers."""
        with contextlib.suppress(RuleError, EnvironmentTrouble):
            with self.connect() as connection, translated():
                self.remember(begin(connection, self.schema).recipients)
                server.introduce(connection, self.schema, self.signer.public)

    def signers(self) -> list[Signer]:
        """Whose signatures count, as the server says it."""
        with self.connect() as connection, translated():
            return server.signers(connection, self.schema)

    def _listed(self) -> dict[str, tuple[str, Sequence[Stored]]]:
        listed: dict[str, tuple[str, Sequence[Stored]]] = {}
        for each in self.places.values():
            try:
                with contextlib.closing(each.open()) as place:
                    listed[each.id] = (each.label, place.list())
                    self.states[each.id] = ("", place.free_space())
            except AppError as error:
                self.troubles.append(error)
                self.states[each.id] = (sentence(error), None)
        return listed

    # Taking -----------------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else takes, restores or proves backups of this clinic meanwhile.

        Raises ``RuleError('backup.running')``.
        """
        with (
            self.connect() as connection,
            translated(),
            turn.turn(connection, uuid.UUID(self.tenant)) as got,
        ):
            if not got:
                raise RuleError("backup.running")
            yield

    # What is kept -----------------------------------------------------------------------------

    def verify(self, id_: str, steps: Steps) -> Entry:
        """Read every copy within reach back and compare it.

        Raises what the last place said where no copy is whole.
        """
        entry, _all = self.find(id_)
        within = self._within(entry)
        steps.begin(words.CHECKING)
        told = {place: dict(entry.places[place]) for place in entry.places}
        last: AppError | None = None
        whole = False
        for each in within:
            with steps.watched(), contextlib.closing(each.open()) as place:
                try:
                    place.verify(
                        entry.name,
                        self._expected(entry),
                        progress=steps.counted,
                        cancelled=steps.cancelled,
                    )
                except AppError as error:
                    last = error
                    if error.code == "place.altered":
                        told[each.id]["altered_at"] = self.now().isoformat()
                    continue
            whole = True
            told[each.id]["verified_at"] = self.now().isoformat()
        if not whole:
            if last is not None and last.code == "place.altered":
                only_here = histories.places_of(entry) <= set(self.places)
                state = histories.DAMAGED if only_here else entry.state
                self.record(replace(entry, places=told, state=state))
            raise last or RuleError("backup.not_here")
        entry = replace(entry, places=told, verified_at=self.now(), state=histories.VERIFIED)
        self.record(entry)
        return entry

    def _get(self, entry: Entry, path: Path, steps: Steps) -> Path:
        """An archive from the first place that has it whole."""
        with ExitStack() as stack, steps.watched():
            get_from_any(
                {
                    each.id: stack.enter_context(contextlib.closing(each.open()))
                    for each in self._within(entry)
                },
                entry.name,
                path,
                expected=self._expected(entry) if entry.sha256 else None,
                progress=steps.counted,
                cancelled=steps.cancelled,
            )
        return path

    def download(self, entry: Entry, path: Path, steps: Steps) -> Path:
        """An archive as it is, to a new file. Raises ``place.file_exists`` and those of the places."""
        steps.begin(words.FETCHING)
        return self._get(entry, path, steps)

    @contextmanager
    def fetched(self, id_: str, steps: Steps) -> Iterator[list[Path]]:
        """The archives that a restore of one needs, the full one first, while the block lasts.

        Raises ``RuleError``: ``backup.unknown``, ``backup.chain_broken``, ``backup.not_here``.
        """
        entry, entries = self.find(id_)
        links = histories.chain_of(entry, entries)
        if not links:
            raise RuleError("backup.chain_broken")
        with self.scratch() as folder:
            yield [self.download(link, folder / link.name, steps) for link in links]

    def note_undone(self, safety: str) -> None:
        """Keep in the history that the restore was undone for which this safety copy was taken.

        It is done by now: where the history can't be written, it is not said there, and that is all.
        """
        with contextlib.suppress(AppError):
            for entry in self.entries():
                if entry.name == safety and entry.reason == histories.SAFETY:
                    self.record(replace(entry, undone_at=self.now()))

    def delete(self, id_: str, steps: Steps) -> None:
        """Remove an archive from every place within reach.

        Never the newest verified one, a safety copy in its week, or one that others stand on:
        ``RuleError``: ``backup.last``, ``backup.safety``, ``backup.needed``.
        """
        entry, entries = self.find(id_)
        week = dt.timedelta(days=retention.SAFETY_DAYS)
        if entry.reason == histories.SAFETY and self.now() - entry.taken_at < week:
            raise RuleError("backup.safety")
        if entry.taken_at == histories.last_verified(entries) and histories.own(entry):
            raise RuleError("backup.last")
        if any(e.base == entry.manifest and histories.usable(e) for e in entries if e.base):
            raise RuleError("backup.needed")
        steps.begin(words.REMOVING)
        self._remove(entry)

    def prune(self, keep: retention.Keep, zone: ZoneInfo, *, dry_run: bool) -> Pruned:
        """Remove what retention lets go, from this program's places; in somebody's turn."""
        entries = self.entries(places=True)
        planned = retention.plan(histories.held(entries, self.places), keep, zone, self.now())
        by_name = {each.name: each for each in entries}
        removed, errors = [], []
        for name in planned.remove:
            if dry_run:
                removed.append(name)
                continue
            try:
                self._remove(by_name[name])
            except AppError as error:
                # What stands on another stays before it: nothing further of the order is touched.
                errors.append(error)
                break
            removed.append(name)
        kept = {
            name: ", ".join(_(_KEEP_WORDS[why]) for why in sorted(whys))
            for name, whys in planned.keep.items()
        }
        return Pruned(tuple(removed), kept, not dry_run, tuple(errors))

    def _remove(self, entry: Entry) -> None:
        gone = {}
        try:
            for each in self._within(entry):
                with contextlib.closing(each.open()) as place:
                    place.delete(entry.name)
                gone[each.id] = dict(entry.places[each.id], gone_at=self.now().isoformat())
        finally:
            after = replace(entry, places={**entry.places, **gone})
            if not histories.places_of(after):
                after = replace(after, state=histories.DELETED)
            if gone:
                self.record(after)

    def _within(self, entry: Entry) -> list[Open]:
        found = [each for id_, each in self.places.items() if id_ in histories.places_of(entry)]
        if not found:
            raise RuleError("backup.not_here")
        return found

    @staticmethod
    def _expected(entry: Entry) -> Fingerprint:
        if not entry.sha256:
            raise RuleError("backup.never_verified")
        return Fingerprint(entry.size, entry.sha256)

    # Files under way --------------------------------------------------------------------------

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder of its own that is gone afterwards."""
        folder = self.work / f"{_SCRATCH}{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise EnvironmentTrouble("backup.no_room", path=str(self.work)) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what a killed program left under way, here and in the places."""
        for left in self.work.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.sweep_places()

    def sweep_places(self) -> None:
        """Remove what uploads that were cut left behind; a place out of reach waits."""
        for each in self.places.values():
            with contextlib.suppress(AppError), contextlib.closing(each.open()) as place:
                place.sweep()
