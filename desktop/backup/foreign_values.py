"""The other programs' values as PostgreSQL takes them: checked here, so that a load can't fail.

A value is text, ``None``, or what JSON has besides (``bool``, lists, objects). What comes out is
text for COPY, or ``None``.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from desktop.domain import statuses
from desktop.domain.identifiers import NO_PHONE
from desktop.domain.statuses import Status
from desktop.models import Base
from desktop.models.types import Amount, Instant

Note = Callable[[str], None]
"""Called with a finding's code where a value is taken, but not as it stands."""

_LAST_YEAR = 9990
LONGEST_VISIT = 7 * 24 * 60
"""Minutes; a longer duration is a slip, and would block a practitioner's week."""

_TRUE = frozenset({"t", "true", "1", "y", "yes", "on"})
_FALSE = frozenset({"f", "false", "0", "n", "no", "off"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_BOUNDS = {"integer": 2**31, "bigint": 2**63}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_STATUSES = {
    "agendada": Status.BOOKED,
    "agendado": Status.BOOKED,
    "programada": Status.BOOKED,
    "reservado": Status.BOOKED,
    "scheduled": Status.BOOKED,
    "confirmado": Status.CONFIRMED,
    "confirmed": Status.CONFIRMED,
    "en espera": Status.ARRIVED,
    "en_sala": Status.ARRIVED,
    "en curso": Status.IN_PROGRESS,
    "en_curso": Status.IN_PROGRESS,
    "en progreso": Status.IN_PROGRESS,
    "atendida": Status.COMPLETED,
    "atendido": Status.COMPLETED,
    "realizada": Status.COMPLETED,
    "completado": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "finalizado": Status.FINISHED,
    "anulada": Status.CANCELLED,
    "cancelado": Status.CANCELLED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "no asistio": Status.NO_SHOW,
    "no asistió": Status.NO_SHOW,
    "no_asistio": Status.NO_SHOW,
    "ausente": Status.NO_SHOW,
    "no-show": Status.NO_SHOW,
    "noshow": Status.NO_SHOW,
}
"""Words of other programs for our statuses. A word that stands nowhere stays as it is."""

_FILLED: dict[str, str] = {
    "telefono": NO_PHONE,
    "activo": "true",
    "is_active": "true",
    "is_staff": "false",
    "is_superuser": "false",
    "password": "!",
    "first_name": "",
    "last_name": "",
    "direccion": "",
    "horario_atencion": "",
    "categoria": "general",
    "requiere_dentista": "true",
    "requiere_acceso_sistema": "false",
    "telefono_verificado": "false",
    "modulo": "",
}
_MOMENTS = frozenset({"fecha_registro", "date_joined"})
_SHORT_OF_A_NAME = frozenset({("pacientes_cliente", "email")})


class Bad(Exception):
    """The value is not of its column's kind."""


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """How values get into a column of ours.

    :ivar required: it may not be empty, and nothing stands for an empty one where ``filled`` is
        ``None``. :ivar parent: the table that it refers to. :ivar bare: empty text is no value.
    """

    name: str
    required: bool
    filled: str | None
    parent: str | None
    bare: bool
    convert: Callable[[str | bool, Note], str]


def rules(table: str, columns: list[str], zone: ZoneInfo, now: dt.datetime) -> list[ColumnRule]:
    """The rules of a table of ours, column by column.

    :param zone: the clinic's; moments without a zone are meant by its clock. :param now: what
        stands for a moment of making that the file lacks.
    """
    found = Base.metadata.tables[table].columns
    return [_rule(table, found[name], zone, now) for name in columns]


def _rule(table: str, column: sa.Column[Any], zone: ZoneInfo, now: dt.datetime) -> ColumnRule:
    name = column.name
    parent = next((key.column.table.name for key in column.foreign_keys), None)
    if name == "actualizado_por_id":
        parent = "personal_perfil"
    return ColumnRule(
        name,
        not column.nullable,
        None if column.nullable else _standing_for(table, name, now),
        parent,
        not isinstance(column.type, sa.String) or (bool(column.unique) and bool(column.nullable)),
        _converter(table, column, zone),
    )


def _standing_for(table: str, name: str, now: dt.datetime) -> str | None:
    if name in _FILLED:
        return _FILLED[name]
    if name.startswith("puede_"):
        return "false"
    if name in _MOMENTS or name.endswith("_el"):
        return now.isoformat()
    if name == "email" and (table, name) not in _SHORT_OF_A_NAME:
        return ""
    return None


def _converter(
    table: str, column: sa.Column[Any], zone: ZoneInfo
) -> Callable[[str | bool, Note], str]:
    kind = column.type
    if (table, column.name) == ("citas_cita", "estado"):
        return _status
    if column.name == "duracion_estimada":
        return _minutes
    if isinstance(kind, Instant):
        return lambda value, note: _moment(value, zone, note)
    if isinstance(kind, Amount):
        return lambda value, _note: _amount(value, kind.precision)
    if isinstance(kind, sa.Boolean):
        return lambda value, _note: _truth(value)
    if isinstance(kind, sa.Integer):
        size = "bigint" if isinstance(kind, sa.BigInteger) else "integer"
        return lambda value, _note: _integer(value, size)
    if isinstance(kind, sa.Date):
        return lambda value, _note: _day(value)
    if isinstance(kind, sa.Time):
        return lambda value, _note: _time(value)
    if column.name == "ip_address":
        return lambda value, _note: _address(value)
    length = getattr(kind, "length", None)
    return lambda value, note: _text(value, length, note)


def _plain(value: str | bool) -> str:
    if not isinstance(value, str):
        raise Bad
    return value.strip()


def _text(value: str | bool, length: int | None, note: Note) -> str:
    if not isinstance(value, str):
        raise Bad
    if _UNSTORABLE.search(value):
        value = _UNSTORABLE.sub("\ufffd", value)
        note("cleaned")
    if length is not None and len(value) > length:
        note("shortened")
        return value[:length]
    return value


def _status(value: str | bool, note: Note) -> str:
    text = _text(value, 20, note)
    known = statuses.read(text)
    if known is not None:
        return known.value
    mapped = _STATUSES.get(text.strip().lower())
    if mapped is not None:
        note("status_mapped")
        return mapped.value
    note("status_unknown")
    return text


def _moment(value: str | bool, zone: ZoneInfo, note: Note) -> str:
    text = _plain(value)
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            note("no_zone")
            moment = moment.replace(tzinfo=zone)
        moment = moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise Bad from error
    if moment.year > _LAST_YEAR:
        raise Bad
    return moment.isoformat()


def _amount(value: str | bool, precision: int) -> str:
    try:
        amount = Decimal(_plain(value))
        if not amount.is_finite() or abs(amount.adjusted()) > precision:
            raise Bad
        exact = amount.quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise Bad from error
    if exact != amount or abs(exact) >= Decimal(10) ** (precision - 2):
        raise Bad
    return f"{exact:f}"


def _truth(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _plain(value).lower()
    if text in _TRUE:
        return "true"
    if text in _FALSE:
        return "false"
    raise Bad


def _integer(value: str | bool, size: str) -> str:
    text = _plain(value)
    if not _INTEGER.fullmatch(text) or not -_BOUNDS[size] <= int(text) < _BOUNDS[size]:
        raise Bad
    return str(int(text))


def _minutes(value: str | bool, _note: Note) -> str:
    text = _integer(value, "integer")
    if int(text) > LONGEST_VISIT:
        raise Bad
    return text


def _day(value: str | bool) -> str:
    try:
        return dt.date.fromisoformat(_plain(value)[:10]).isoformat()
    except ValueError as error:
        raise Bad from error


def _time(value: str | bool) -> str:
    try:
        return dt.time.fromisoformat(_plain(value)).replace(tzinfo=None).isoformat()
    except ValueError as error:
        raise Bad from error


def _address(value: str | bool) -> str:
    try:
        return str(ipaddress.ip_interface(_plain(value)))
    except ValueError as error:
        raise Bad from error
