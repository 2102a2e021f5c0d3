"""The enrolment file: what a new workstation needs to join a clinic, once.

JSON, readable by its owner alone. ``tag`` is an HMAC-SHA256 over all the rest, keyed with the secret
that the file carries: a file that was cut, mistyped or altered is recognised before it is used.
Whoever holds the file can join in its stead; that is why it expires, and works only once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop.domain.errors import EnvironmentTrouble, RuleError

FORMAT = 1
_KIND = "consultorio-enrolment"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is.

    :ivar ca: the certificate authority that it is verified against, PEM; empty on this computer.
    """

    host: str
    port: int
    dbname: str
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A workstation that has been admitted and has not joined yet.

    :ivar schema: the tenant schema. :ivar tenant: its UUID. :ivar clinic: its name for people.
    :ivar role: the PostgreSQL role of the workstation. :ivar secret: its password, until it joins.
    :ivar expires: from then on neither the file nor the secret is accepted.
    """

    schema: str
    tenant: str
    clinic: str
    server: Address
    role: str
    device: int
    profile: str
    practitioner_id: int | None
    label: str
    secret: str
    expires: dt.datetime

    @property
    def fingerprint(self) -> str:
        """Tells this enrolment from every other, and says nothing of its secret."""
        return hashlib.sha256(f"{_KIND}:{self.role}:{self.secret}".encode()).hexdigest()


def write(enrolment: Enrolment, path: Path) -> None:
    """Write the file, mode 0600; an existing file is never overwritten.

    Raises :class:`EnvironmentTrouble`: ``file.exists``, ``file.not_written``.
    """
    content: dict[str, Any] = {"kind": _KIND, "format": FORMAT} | asdict(enrolment)
    content["expires"] = enrolment.expires.astimezone(dt.UTC).isoformat()
    content["tag"] = _tag(content)
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise EnvironmentTrouble("file.exists", path=str(path)) from error
    except OSError as error:
        raise EnvironmentTrouble("file.not_written", path=str(path)) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        path.unlink()
        raise EnvironmentTrouble("file.not_written", path=str(path)) from error


def read(path: Path, *, now: dt.datetime) -> Enrolment:
    """The enrolment in a file.

    Raises :class:`RuleError`: ``enrolment.unreadable``, ``enrolment.altered``,
    ``enrolment.too_new``, ``enrolment.expired``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuleError("enrolment.unreadable", path=str(path)) from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise RuleError("enrolment.unreadable", path=str(path))
    tag = content.pop("tag", "")
    if not hmac.compare_digest(str(tag), _tag(content)):
        raise RuleError("enrolment.altered")
    if content["format"] > FORMAT:
        raise RuleError("enrolment.too_new")
    enrolment = Enrolment(
        schema=content["schema"],
        tenant=content["tenant"],
        clinic=content["clinic"],
        server=Address(**content["server"]),
        role=content["role"],
        device=content["device"],
        profile=content["profile"],
        practitioner_id=content["practitioner_id"],
        label=content["label"],
        secret=content["secret"],
        expires=dt.datetime.fromisoformat(content["expires"]),
    )
    if enrolment.expires <= now:
        raise RuleError("enrolment.expired", expires=f"{enrolment.expires:%Y-%m-%d %H:%M} UTC")
    return enrolment


def _tag(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    key = str(content.get("secret", "")).encode()
    return hmac.new(key, canonical, hashlib.sha256).hexdigest()
