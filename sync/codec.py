"""How a value looks on the wire and in the cache.

=====================  =======================================  ==============================
PostgreSQL type        wire (JSON)                              SQLite
=====================  =======================================  ==============================
integer types          number                                   INTEGER
boolean                true / false                             INTEGER 0 / 1
numeric(p, s)          integer in units of 10**-s               INTEGER, the same
text, varchar, inet    string                                   TEXT
timestamptz            ``YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00``   TEXT, the same
date                   ISO string                               TEXT, the same
time                   ``HH:MM:SS[.ffffff]``                    TEXT, the same
=====================  =======================================  ==============================

Instants and times carry no trailing zeros in the fraction, instants always the offset ``+00:00``, which is what
PostgreSQL's ``to_json`` prints under ``TimeZone = UTC``. In that form the order of the texts is the
order of the instants (``+`` sorts before ``.``, and ``.5+`` before ``.55+``).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

_FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)


def instant_to_text(value: dt.datetime) -> str:
    """The canonical text of an aware ``datetime``; ``ValueError`` for a naive one."""
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    utc = value.astimezone(dt.UTC)
    whole = utc.strftime("%Y-%m-%dT%H:%M:%S") if utc.year >= 1000 else utc.isoformat()[:19]
    if utc.microsecond:
        return f"{whole}.{utc.microsecond:06d}".rstrip("0") + "+00:00"
    return f"{whole}+00:00"


def text_to_instant(text: str) -> dt.datetime:
    """An aware UTC ``datetime`` from ISO text.

    PostgreSQL's ``infinity`` becomes the last and ``-infinity`` the first instant that Python knows.
    """
    if text.endswith("infinity"):
        return _FIRST if text.startswith("-") else _LAST
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def time_to_text(value: dt.time) -> str:
    """The canonical text of a time of day: seconds always, a fraction only where there is one."""
    text = value.replace(tzinfo=None).isoformat()
    return text.rstrip("0") if value.microsecond else text


def decimal_to_units(value: Decimal, scale: int) -> int:
    """``Decimal('12.50')`` at scale 2 is 1250; a finer or non-finite value raises ``ValueError``."""
    if not value.is_finite():
        raise ValueError("an amount must be a finite number")
    scaled = value.scaleb(scale)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more than {scale} decimals")
    return whole


def units_to_decimal(units: int, scale: int) -> Decimal:
    """1250 at scale 2 is ``Decimal('12.50')``."""
    return Decimal(units).scaleb(-scale)


def units_to_text(units: int, scale: int) -> str:
    """1250 at scale 2 is ``'12.50'``: the form in which amounts travel to the server."""
    return f"{units_to_decimal(units, scale):f}"
