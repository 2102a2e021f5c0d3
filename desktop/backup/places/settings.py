"""Where and when a clinic's backups are made, as it is stored; and a place made from it.

The settings hold no secret: passwords and keys are in each workstation's keyring
(:mod:`desktop.backup.places.secrets`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from desktop.backup.places.base import Place
from desktop.backup.places.folder import FolderPlace
from desktop.backup.places.http import checked_address
from desktop.backup.places.retrying import Breaker, Patience, Retrying
from desktop.backup.places.supabase_api import is_service_key
from desktop.backup.places.unfinished import Unfinished
from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.domain.errors import EnvironmentTrouble, RuleError

FORMAT = 1

T = TypeVar("T")

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}")
_PREFIX = re.compile(r"([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?")
_REGION = re.compile(r"[a-z0-9-]{0,40}")
_LINE = re.compile(r"[^\x00-\x1f\x7f]{0,500}")
_MOST_PLACES = 8


class PlaceKind(StrEnum):
    """What a place is."""

    FOLDER = "folder"
    WEBDAV = "webdav"
    S3 = "s3"
    SUPABASE = "supabase"


@dataclass(frozen=True, slots=True)
class PlaceSettings:
    """One place, without its secret.

    :ivar id: of small letters, digits and hyphens; the secret is kept under it. :ivar label: for
        people. :ivar address: a folder's absolute path, or an address without user and password.
    :ivar bucket, prefix: of S3 and Supabase; the prefix is a folder in it. :ivar region: of S3.
    :ivar user: WebDAV's user, S3's access key id, Supabase's user's email.
    :ivar public_key: Supabase's publishable key. :ivar ca_file: certificates of the clinic's own
        authority. :ivar allow_service_key: Supabase's secret is the project's service key; never on
        a workstation, unless somebody decided so on purpose.
    """

    id: str
    kind: PlaceKind
    address: str
    label: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = ""
    user: str = ""
    public_key: str = ""
    ca_file: str = ""
    allow_service_key: bool = False

    def check(self) -> None:
        """Raise :class:`RuleError`: ``place.bad_setting``, ``place.bad_address``,
        ``place.plain_http``, ``place.service_key``.
        """
        for name, form in (("id", _ID), ("prefix", _PREFIX), ("region", _REGION)):
            if not form.fullmatch(getattr(self, name)):
                raise RuleError("place.bad_setting", field=name)
        for name in ("address", "label", "user", "public_key", "ca_file"):
            if not _LINE.fullmatch(getattr(self, name)):
                raise RuleError("place.bad_setting", field=name)
        if self.kind is PlaceKind.FOLDER:
            if not Path(self.address).is_absolute():
                raise RuleError("place.bad_setting", field="address")
            return
        checked_address(self.address)
        if self.kind is not PlaceKind.WEBDAV and not _BUCKET.fullmatch(self.bucket):
            raise RuleError("place.bad_setting", field="bucket")
        if is_service_key(self.public_key):
            raise RuleError("place.service_key")
        if not self.user and not self.allow_service_key:
            raise RuleError("place.bad_setting", field="user")
        if self.kind is PlaceKind.SUPABASE and not (self.public_key or self.allow_service_key):
            raise RuleError("place.bad_setting", field="public_key")

    @property
    def needs_secret(self) -> bool:
        """Whether a password or key belongs to it."""
        return self.kind is not PlaceKind.FOLDER


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """What a clinic decided about its backups."""

    places: tuple[PlaceSettings, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    keep: Keep = field(default_factory=Keep)
    automatic: bool = True

    def check(self) -> None:
        """Raise :class:`RuleError` where a place is not usable, or two have one id."""
        for each in self.places:
            each.check()
        ids = {each.id for each in self.places}
        if len(ids) != len(self.places) or len(ids) > _MOST_PLACES:
            raise RuleError("place.bad_setting", field="id")

    def to_json(self) -> str:
        """As one line of JSON, without secrets."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> BackupSettings:
        """From :meth:`to_json`'s text; what a newer version added is left out.

        Raises ``RuleError('place.bad_setting')``.
        """
        try:
            given = json.loads(text)
            made = cls(
                tuple(
                    _made(PlaceSettings, {**each, "kind": PlaceKind(each["kind"])})
                    for each in given.get("places", ())
                ),
                _made(Schedule, given.get("schedule", {})),
                _made(Keep, given.get("keep", {})),
                automatic=given.get("automatic", True) is True,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RuleError("place.bad_setting", field="json") from error
        made.check()
        return made


def open_place(
    settings: PlaceSettings,
    secret: str | None,
    *,
    breaker: Breaker | None = None,
    patience: Patience | None = None,
    unfinished: Path | None = None,
) -> Place:
    """The place; nothing is asked of it yet.

    :param secret: the password, secret access key or service key; never logged nor kept.
    :param breaker: shared by everything that uses this place. :param unfinished: a file of the
        workstation's that remembers uploads that were cut.
    Raises what :meth:`PlaceSettings.check` does, ``place.no_secret``, ``place.service_key``.
    """
    settings.check()
    if settings.kind is PlaceKind.FOLDER:
        return FolderPlace(Path(settings.address))
    if not secret:
        raise EnvironmentTrouble("place.no_secret", place=settings.label or settings.address)
    retrying = Retrying(settings.label or settings.address, patience, breaker=breaker)
    ca_file = Path(settings.ca_file) if settings.ca_file else None
    if settings.kind is PlaceKind.WEBDAV:
        from desktop.backup.places.webdav import WebDavPlace

        return WebDavPlace(settings.address, settings.user, secret, retrying, ca_file=ca_file)
    if settings.kind is PlaceKind.S3:
        from desktop.backup.places.s3 import S3Place

        return S3Place(
            settings.address,
            settings.bucket,
            settings.prefix,
            settings.region,
            settings.user,
            secret,
            retrying,
            ca_file=ca_file,
        )
    from desktop.backup.places.supabase import SupabasePlace

    return SupabasePlace(
        settings.address,
        settings.bucket,
        settings.prefix,
        secret if settings.allow_service_key else settings.public_key,
        settings.user,
        secret,
        retrying,
        ca_file=ca_file,
        allow_service_key=settings.allow_service_key,
        unfinished=Unfinished(unfinished),
    )


def _made(kind: type[T], given: Mapping[str, Any]) -> T:
    """A dataclass of what is given; each value has the type of the default that it replaces."""
    known = {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name in given:
            value = given[each.name]
            wanted = {"int": int, "bool": bool, "str": str}.get(str(each.type))
            if wanted is not None and type(value) is not wanted:
                raise TypeError(each.name)
            known[each.name] = value
    return kind(**known)
