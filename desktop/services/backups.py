"""Backups as people use them at a workstation: who may do what, with which password, in which order.

A backup is taken by an office workstation's own role. What replaces a clinic, or opens an archive,
asks for the person's password again and for the database's administrator; neither is kept.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from desktop.backup import retention, rights, schedule
from desktop.backup.places.settings import PlaceSettings
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.messages import _, sentence
from desktop.models import OFFICE
from desktop.services import backups_history as histories
from desktop.services import backups_keys as clinic_keys
from desktop.services import backups_recovering as recovering
from desktop.services import backups_server as server
from desktop.services import backups_taking as taking
from desktop.services.backups_desk import Desk
from desktop.services.backups_putting_back import PuttingBack
from desktop.services.backups_records import (
    CREATE,
    DELETE,
    EXPORT,
    RESTORE,
    SETTINGS,
    VIEW,
    ArchiveItem,
    Banner,
    Database,
    Overview,
    PlaceItem,
    Pruned,
    Secret,
    Settings,
    Setup,
    Tell,
    UndoItem,
    silent,
)
from desktop.services.backups_steps import Steps
from desktop.services.status import ago

_WEEK = dt.timedelta(days=7)


class Backups(PuttingBack):
    """The use cases of one workstation.

    Everything here may take long, and is called from a worker thread. Each raises
    ``RuleError('permission.denied')`` where the person may not, and what :class:`Desk` raises.
    """

    # What there is ------------------------------------------------------------------------------

    def overview(self, *, refresh: bool = True) -> Overview:
        """Everything that the screen shows. :param refresh: ask the server and the places, too."""
        desk, settings, now = self._desk(), self._station.load(), self._station.now()
        entries = desk.entries(ask=refresh, places=refresh)
        if refresh and not desk.troubles:
            self._learn(desk)
        last = histories.last_verified(entries)
        red = retention.alarm(last, now)
        set_up = bool(self._station.recipients) or any(map(histories.own, entries))
        zone, rule = self._station.zone, settings.schedule
        return Overview(
            set_up=set_up,
            archives=histories.items(entries, desk.labels, now, self._devices),
            alarm=red.why,
            last_verified=last,
            banners=banners(red, set_up=set_up, now=now),
            next_run=schedule.next_run(rule, zone, now) if settings.automatic else None,
            next_drill=schedule.last_drill_slot(rule, zone, now + _WEEK)
            if settings.drills
            else None,
            undo=self._replaced(desk, ask=refresh),
            places=tuple(
                PlaceItem(
                    each.id,
                    each.kind.value,
                    each.label or each.address,
                    each.address,
                    *desk.states.get(each.id, ("", None)),
                )
                for each in settings.places
            ),
            may_take=self._profile == OFFICE,
            why_not="" if self._profile == OFFICE else sentence(RuleError("backup.forbidden")),
            running=self.running,
            troubles=tuple(sentence(error) for error in desk.troubles),
        )

    def _learn(self, desk: Desk) -> None:
        if self._profile == OFFICE:
            desk.learn()
        with contextlib.suppress(EnvironmentTrouble, RuleError):
            self._devices = {each.device: each.label for each in desk.signers() if each.device}

    def _replaced(self, desk: Desk, *, ask: bool) -> UndoItem | None:
        if ask:
            with contextlib.suppress(EnvironmentTrouble), desk.connect() as connection:
                self._undo = recovering.undoable(connection, self._schema)
        until = None if self._undo is None else self._undo.until
        return self._undo if until is not None and until > self._station.now() else None

    def show(self, actor: Actor, id_: str) -> ArchiveItem:
        """One archive of the history. Raises ``backup.unknown``."""
        actor.require(VIEW)
        desk = self._desk()
        entry, entries = desk.find(id_)
        return histories.item(entry, entries, desk.labels, desk.now())

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return self._station.zone

    def last_done(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """When the last verified backup was taken, and the last trial restore made, by anybody."""
        entries = self._desk().entries()
        drilled = [e.drilled_at for e in entries if e.drilled_at and (e.report or {}).get("ok")]
        return histories.last_verified(entries), max(drilled, default=None)

    # Keys -----------------------------------------------------------------------------------------

    def begin_setup(self, actor: Actor) -> Setup:
        """New keys, to be written down; nothing is kept of them yet."""
        actor.require(RESTORE)
        return clinic_keys.new_setup(self._station.clinic, self._station.now())

    def recovery_sheet(self, setup: Setup) -> bytes:
        """The page to print, as PDF."""
        return clinic_keys.sheet(setup, setup.made_at.astimezone(self._station.zone).date())

    def finish_setup(
        self, actor: Actor, setup: Setup, database: Database, password: str, *, rotate: bool = False
    ) -> None:
        """Use the keys from now on. :param rotate: in the place of others, which stay for their archives.

        Raises ``backup.set_up_already``.
        """
        self._again(actor, RESTORE, password)
        with self._database(database) as connection:
            rights.ensure(connection, self._schema)
            clinic_keys.put(
                connection, self._schema, setup, actor.username, password, rotate=rotate
            )
        self._station.remember((setup.recipient, setup.recovery_recipient))

    def adopt_key(self, actor: Actor, database: Database, secret: Secret) -> None:
        """Let one's own password open archives from now on: by the recovery words, once.

        For one more administrator, or after one's password was changed.
        """
        self._again(actor, RESTORE, secret.password)
        with self._database(database) as connection:
            for identity in clinic_keys.identities(
                connection, self._schema, actor.username, secret
            ):
                clinic_keys.adopt(
                    connection, self._schema, actor.username, secret.password, identity
                )

    # Taking and keeping ---------------------------------------------------------------------------

    def create(self, actor: Actor, *, full: bool = False, tell: Tell = silent) -> ArchiveItem:
        """Take a backup now. Raises ``backup.forbidden``, ``backup.running``,
        ``backup_key.missing``, ``backup.no_place``.
        """
        actor.require(CREATE)
        return self.take(actor.name, histories.MANUAL, full=full, tell=tell)

    def take(
        self, who: str, reason: str, *, full: bool = False, tell: Tell = silent
    ) -> ArchiveItem:
        """A backup in this workstation's turn, for a person or by the clock."""
        if self._profile != OFFICE:
            raise RuleError("backup.forbidden")
        desk, steps = self._desk(), Steps(tell)
        with desk.turn():
            entry = taking.create(
                desk,
                who,
                reason=reason,
                full=full,
                every_days=self._station.load().schedule.full_every_days,
                steps=steps,
            )
        return histories.item(entry, desk.entries(), desk.labels, desk.now())

    def take_from_here(self, actor: Actor, *, tell: Tell = silent) -> ArchiveItem:
        """A backup of this workstation's own data, for when the server is gone.

        Raises ``backup_key.missing`` where this workstation never learnt whom to seal it for, and
        ``backup.cache_incomplete``.
        """
        actor.require(CREATE)
        desk = self._desk()
        with self._station.cache() as cache:
            entry = taking.create_from_cache(
                desk, cache, self._station.recipients, actor.name, Steps(tell)
            )
        return histories.item(entry, desk.entries(ask=False), desk.labels, desk.now())

    def verify(self, actor: Actor, id_: str, *, tell: Tell = silent) -> ArchiveItem:
        """Read every copy of an archive back."""
        actor.require(CREATE)
        desk = self._desk()
        entry = desk.verify(id_, Steps(tell))
        return histories.item(entry, desk.entries(), desk.labels, desk.now())

    def download(
        self, actor: Actor, id_: str, path: Path, password: str, *, tell: Tell = silent
    ) -> Path:
        """Fetch an archive as it is, encrypted, to a new file. Raises ``backup.file_exists``."""
        self._again(actor, EXPORT, password)
        desk = self._desk()
        entry, _entries = desk.find(id_)
        return desk.download(entry, path, Steps(tell))

    def delete(self, actor: Actor, id_: str, password: str, *, tell: Tell = silent) -> None:
        """Remove an archive from every place within reach. Raises ``backup.last``,
        ``backup.safety``, ``backup.needed``.
        """
        self._again(actor, DELETE, password)
        desk = self._desk()
        with desk.turn():
            desk.delete(id_, Steps(tell))

    def prune(self, actor: Actor, *, dry_run: bool) -> Pruned:
        """Remove what retention lets go."""
        actor.require(DELETE)
        return self.prune_by_rule(dry_run=dry_run)

    def sweep(self) -> None:
        """Remove what a killed program left under way."""
        self._desk().sweep()

    def prune_by_rule(self, *, dry_run: bool) -> Pruned:
        """The same, by the clock."""
        desk, keep, zone = self._desk(), self._station.load().keep, self._station.zone
        if dry_run:
            return desk.prune(keep, zone, dry_run=True)
        with desk.turn():
            done = desk.prune(keep, zone, dry_run=False)
        desk.sweep_places()
        return done

    def drop_replaced(self) -> list[str]:
        """Drop the tables that restores replaced, when their days to be undone are over; their schemas.

        Raises ``backup.forbidden``, ``backup.running``, ``backup.outdated``.
        """
        desk = self._desk()
        with desk.turn(), desk.connect() as connection:
            return server.purge(connection, self._schema)

    # Settings -------------------------------------------------------------------------------------

    def settings(self) -> Settings:
        """When backups are taken and where they are kept."""
        return self._station.load()

    def save_settings(self, actor: Actor, settings: Settings) -> None:
        """Keep other settings: the schedule is the clinic's, the places are this workstation's."""
        actor.require(SETTINGS)
        if settings.automatic and self._profile != OFFICE:
            raise RuleError("backup.forbidden")
        self._station.save(actor, settings)

    def keep_place_secret(self, actor: Actor, place: PlaceSettings, secret: str) -> None:
        """Keep what opens a place in this computer's keyring. Raises ``place.service_key``."""
        actor.require(SETTINGS)
        self._station.keep_secret(place, secret)

    def test_place(self, actor: Actor, place: PlaceSettings, secret: str | None = None) -> None:
        """Try a place before it is kept: raises what stands in its way.

        :param secret: ``None``: the one that is kept for it.
        """
        actor.require(SETTINGS)
        self._station.try_out(place, secret)


def banners(red: retention.Alarm, *, set_up: bool, now: dt.datetime) -> tuple[Banner, ...]:
    """What has to be said above the screens of an office workstation."""
    if not red.red:
        return ()
    if not set_up:
        text = _("There is no backup of the clinic yet. An administrator sets them up.")
    elif red.why == "clock":
        text = _("This computer's clock or another's is wrong: the last backup lies in the future.")
    elif red.why == "never":
        text = _("There is no backup of the clinic that was read back and found whole.")
    else:
        last = now - (red.age or dt.timedelta(0))
        text = _("The last backup that was verified is from {when}.").format(when=ago(last, now))
    return (Banner(f"backup.alarm_{red.why}", "danger", text),)
