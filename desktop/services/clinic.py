"""The clinic's own settings, as every workstation reads them from the shared tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from desktop.models import ClinicInfo, Setting

if TYPE_CHECKING:
    from desktop.services.cache import Cache

DEFAULTS = {
    "zona_horaria": "America/Santiago",
    "moneda": "CLP",
    "pais": "CL",
    "idioma": "es",
    "minutos_agenda": "15",
}


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """What the clinic decided once for everybody.

    :ivar zone: the clinic's time zone; every time on screen is in it.
    :ivar currency: ISO 4217 code.
    :ivar country: ISO 3166 code, the default region of phones and identity numbers.
    :ivar slot_minutes: the agenda's grid.
    """

    name: str
    address: str
    phone: str
    email: str
    zone: ZoneInfo
    currency: str
    country: str
    language: str
    slot_minutes: int


def load(cache: Cache) -> ClinicSettings:
    """The settings in the cache; a value that is missing or unreadable takes its default."""
    with cache.reading() as session:
        stored = session.execute(sa.select(Setting.key, Setting.value)).all()
        values = DEFAULTS | dict(stored)
        info = session.execute(sa.select(ClinicInfo).order_by(ClinicInfo.id).limit(1)).scalar()
        return ClinicSettings(
            name=info.name if info else "",
            address=info.address if info else "",
            phone=info.phone if info else "",
            email=info.email if info else "",
            zone=_zone(values["zona_horaria"]),
            currency=values["moneda"],
            country=values["pais"],
            language=values["idioma"],
            slot_minutes=_minutes(values["minutos_agenda"]),
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULTS["zona_horaria"])


def _minutes(text: str) -> int:
    try:
        minutes = int(text)
    except ValueError:
        minutes = 0
    return minutes if 5 <= minutes <= 60 else int(DEFAULTS["minutos_agenda"])
