"""When backups are taken (the clinic decides) and where they are kept (each workstation its own).

The schedule and how long archives stay are a setting of the clinic that every workstation shares. The
places stand in ``backups.json`` in the workstation's folder, what opens them in the keyring, and the
key with which the workstation signs in its encrypted cache.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import keyring
import keyring.errors
import sqlalchemy as sa

from desktop.backup import keys
from desktop.backup.places.base import Place
from desktop.backup.places.retrying import Breaker, Patience
from desktop.backup.places.secrets import keep_secret, secret_of
from desktop.backup.places.settings import BackupSettings, PlaceSettings, open_place
from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.domain import durable
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import Setting
from desktop.services import clinic as clinic_settings
from desktop.services import secrets
from desktop.services.backups_desk import Open
from desktop.services.backups_drills import Proof
from desktop.services.backups_records import Settings
from desktop.services.cache import Cache, executor
from sync import store

CLINIC_KEY = "respaldos"
FILE = "backups.json"
FOLDER = "backups"
AT_A_FORM = Patience(tries=2)
"""While a person waits."""
_SIGNER = "backup_signer"
_RECIPIENTS = "backup_recipients"


class Store(Protocol):
    """What a program knows of the clinic's backups: a workstation, or an administrator's commands."""

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""

    @property
    def clinic(self) -> str:
        """The clinic's name."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom archives are sealed for, as was said last; empty where it never was."""

    def now(self) -> dt.datetime:
        """The moment, aware, in UTC."""

    def load(self) -> Settings:
        """The settings of now."""

    def save(self, actor: Actor, settings: Settings, /) -> None:
        """Keep other settings."""

    def try_out(self, place: PlaceSettings, secret: str | None, /) -> None:
        """Raise what stands in a place's way. :param secret: ``None``: the one that is kept."""

    def keep_secret(self, place: PlaceSettings, secret: str, /) -> None:
        """Keep what opens a place."""

    def proof(self) -> Proof | None:
        """What an administrator left for trial restores; ``None`` where nothing."""

    def keep_proof(self, proof: Proof | None, /) -> None:
        """Keep it, or forget it."""

    def remember(self, recipients: tuple[str, ...]) -> None:
        """Keep whom archives are sealed for."""

    def cache(self) -> AbstractContextManager[Any]:
        """The driver's connection to the workstation's own data."""


class StationSettings:
    """What one workstation knows of the clinic's backups."""

    def __init__(self, cache: Cache, folder: Path, workstation: str) -> None:
        """:param workstation: the id under which its secrets are kept."""
        self._cache = cache
        self._folder = folder
        self._id = workstation
        self._breakers: dict[str, Breaker] = {}

    @property
    def work(self) -> Path:
        """For files under way."""
        return self._folder / FOLDER

    def now(self) -> dt.datetime:
        """The moment by the cache's clock, aware, in UTC."""
        return self._cache.now()

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return clinic_settings.load(self._cache).zone

    @property
    def clinic(self) -> str:
        """The clinic's name."""
        return clinic_settings.load(self._cache).name

    # The schedule and the places ------------------------------------------------------------------

    def load(self) -> Settings:
        """The settings of now; what is missing or can't be read takes its default."""
        with self._cache.reading() as session:
            text = session.scalar(sa.select(Setting.value).where(Setting.key == CLINIC_KEY))
        rule, keep = read_rule(text)
        here = self._read()
        return Settings(
            schedule=rule,
            keep=keep,
            places=here.places,
            automatic=here.automatic,
            drills=self.proof() is not None,
        )

    def save(self, actor: Actor, settings: Settings) -> None:
        """Keep other settings. The places are written first: they can be refused by the disk."""
        here = BackupSettings(places=settings.places, automatic=settings.automatic)
        here.check()
        try:
            durable.replace(self._folder / FILE, here.to_json().encode())
        except OSError as error:
            raise EnvironmentTrouble("backup.settings_not_kept", path=str(self._folder)) from error
        before = self.load()
        if (before.schedule, before.keep) == (settings.schedule, settings.keep):
            return
        text = write_rule(settings.schedule, settings.keep)
        with self._cache.writing(actor, "backup.settings") as session:
            row = session.scalar(sa.select(Setting).where(Setting.key == CLINIC_KEY))
            if row is None:
                row = Setting(id=self._cache.new_id(session), key=CLINIC_KEY)
                session.add(row)
            row.value = text
            row.updated_at = self.now()

    def places(self) -> dict[str, Open]:
        """This workstation's places, ready to be used."""

        def opener(place: PlaceSettings) -> Callable[[], Place]:
            return lambda: open_place(
                place,
                self._secret(place),
                breaker=self._breakers.setdefault(place.id, Breaker()),
                unfinished=self._unfinished(place),
            )

        return {
            each.id: Open(each.id, each.label or each.address, opener(each))
            for each in self.load().places
        }

    def try_out(self, place: PlaceSettings, secret: str | None) -> None:
        """Raise what stands in a place's way, soon: somebody waits for it at a form.

        Failures of before don't count here, as its description may be another now. Where it can be
        reached they don't count elsewhere either.
        """
        found = self._secret(place) if secret is None else secret
        with contextlib.closing(open_place(place, found, patience=AT_A_FORM)) as opened:
            opened.check()
        self._breakers.pop(place.id, None)

    def _secret(self, place: PlaceSettings) -> str | None:
        return secret_of(self._id, place.id) if place.needs_secret else None

    def keep_secret(self, place: PlaceSettings, secret: str) -> None:
        """Keep in the keyring what opens a place."""
        keep_secret(self._id, place.id, secret, allow_service_key=place.allow_service_key)

    def cache(self) -> AbstractContextManager[Any]:
        """The driver's connection to the workstation's own data."""
        return contextlib.closing(self._cache.connect())

    def _unfinished(self, place: PlaceSettings) -> Path | None:
        if not place.needs_secret:
            return None
        self.work.mkdir(parents=True, exist_ok=True)
        return self.work / f"{place.id}.uploads"

    def _read(self) -> BackupSettings:
        path = self._folder / FILE
        try:
            return BackupSettings.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return BackupSettings(automatic=False)
        except (OSError, ValueError, RuleError) as error:
            raise EnvironmentTrouble("backup.settings_damaged", path=str(path)) from error

    # Keys -----------------------------------------------------------------------------------------

    def signer(self) -> keys.Signer:
        """The key with which this workstation signs, made where there is none yet."""
        with self._cache.reading() as session:
            kept = store.get_state(executor(session), _SIGNER)
        if kept is not None:
            return keys.Signer(kept)
        with self._cache.writing_local() as session:
            execute = executor(session)
            kept = store.get_state(execute, _SIGNER) or keys.Signer.generate().private
            store.set_state(execute, _SIGNER, kept)
        return keys.Signer(kept)

    def proof(self) -> Proof | None:
        """What an administrator left here for trial restores; ``None`` where nothing, or no keyring."""
        try:
            text = keyring.get_password(secrets.SERVICE, f"{self._id}:drills")
        except keyring.errors.KeyringError:
            return None
        return Proof.load(text) if text else None

    def keep_proof(self, proof: Proof | None) -> None:
        """Keep it in the keyring, or forget it. Raises ``EnvironmentTrouble``: ``secrets.no_keyring``,
        ``secrets.keyring_locked``.
        """
        entry = f"{self._id}:drills"
        if proof is None:
            secrets.remove_from_keyring(entry)
            return
        try:
            keyring.set_password(secrets.SERVICE, entry, proof.dump())
        except keyring.errors.NoKeyringError as error:
            raise EnvironmentTrouble("secrets.no_keyring") from error
        except keyring.errors.KeyringError as error:
            raise EnvironmentTrouble("secrets.keyring_locked") from error

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom archives are sealed for, as the server said it last; empty where it never did."""
        with self._cache.reading() as session:
            text = store.get_state(executor(session), _RECIPIENTS)
        return tuple(text.split()) if text else ()

    def remember(self, recipients: tuple[str, ...]) -> None:
        """Keep the public halves, for a backup without the server."""
        if recipients == self.recipients:
            return
        with self._cache.writing_local() as session:
            store.set_state(executor(session), _RECIPIENTS, " ".join(recipients))


def read_rule(text: str | None) -> tuple[Schedule, Keep]:
    """The clinic's schedule and retention, of the setting's text; defaults for what is no such text."""
    try:
        content = json.loads(text or "{}")
        return Schedule(**content.get("schedule", {})), Keep(**content.get("keep", {}))
    except (ValueError, TypeError, AttributeError):
        return Schedule(), Keep()


def write_rule(rule: Schedule, keep: Keep) -> str:
    """The setting's text."""
    return json.dumps(
        {"schedule": dataclasses.asdict(rule), "keep": dataclasses.asdict(keep)}, sort_keys=True
    )
