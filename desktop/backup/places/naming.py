"""What an archive is called where it is kept.

``<clinic>-<moment>-<kind>-d<device>-<digest>.consultorio``: the first twelve digits of the clinic's
UUID, the moment in UTC, what it is, the workstation's number, and the first sixteen digits of the
file's SHA-256. So a name says nothing of a patient, sorts by time, is never given twice to different
bytes, and needs no quoting in any file system, address or log.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

from desktop.domain.errors import RuleError

SUFFIX = ".consultorio"
PART = ".part"
_MOMENT = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<clinic>[0-9a-f]{12})-(?P<at>[0-9]{8}T[0-9]{6}Z)-(?P<kind>[a-z]{4,11})"
    r"-d(?P<device>0|[1-9][0-9]{0,4})-(?P<digest>[0-9a-f]{16})\.consultorio"
)
_PART = re.compile(r"\.(?P<name>[0-9a-zTZ.-]{1,100})\.[0-9a-f]{16}\.part")


class Kind(StrEnum):
    """What an archive is taken for.

    ``safety`` is the copy that a restore makes first; ``foreign`` came from another program.
    """

    FULL = "full"
    INCREMENTAL = "incremental"
    SAFETY = "safety"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class ArchiveName:
    """What a name says.

    :ivar clinic: the first twelve hexadecimal digits of the clinic's UUID. :ivar at: aware, UTC.
    :ivar digest: the first sixteen hexadecimal digits of the file's SHA-256.
    """

    clinic: str
    at: dt.datetime
    kind: Kind
    device: int
    digest: str


def archive_name(tenant: uuid.UUID, at: dt.datetime, kind: Kind, device: int, sha256: str) -> str:
    """The name of an archive.

    :param at: an aware moment. :param sha256: of the whole file, in hexadecimal digits.
    """
    moment = at.astimezone(dt.UTC).strftime(_MOMENT)
    name = f"{tenant.hex[:12]}-{moment}-{kind}-d{device}-{sha256[:16]}{SUFFIX}"
    return checked(name)


def parse(name: str) -> ArchiveName | None:
    """What ``name`` says; ``None`` where it is no archive's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        at = dt.datetime.strptime(match["at"], _MOMENT).replace(tzinfo=dt.UTC)
        kind = Kind(match["kind"])
    except ValueError:
        return None
    return ArchiveName(match["clinic"], at, kind, int(match["device"]), match["digest"])


def checked(name: str) -> str:
    """``name``, which is an archive's; raises ``RuleError('place.bad_name')`` for another."""
    if parse(name) is None:
        raise RuleError("place.bad_name", name=name[:120])
    return name


def part_name(name: str, token: str) -> str:
    """What an archive is called until it is complete. :param token: 16 hexadecimal digits."""
    return f".{name}.{token}{PART}"


def is_part(name: str) -> bool:
    """Whether ``name`` is an archive's that is not complete: what a killed upload leaves behind."""
    match = _PART.fullmatch(name)
    return match is not None and parse(match["name"]) is not None
