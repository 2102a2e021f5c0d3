"""Reads a day of the agenda out of the cache: one statement for columns, one for appointments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain.clinic_time import Day
from desktop.domain.intervals import Interval, union
from desktop.domain.permissions import PRACTITIONER
from desktop.domain.statuses import Status
from desktop.models import Appointment, Client, Room, Service, StaffMember, WorkingHours
from desktop.services.agenda_records import Column, DayAgenda, DayAppointment

DEFAULT_MINUTES = 30
"""How long an appointment lasts that says neither its end nor a service with a duration."""

LONGEST = dt.timedelta(hours=12)
"""No appointment lasts longer; a day's appointments start at most this long before it."""

_outbox = sa.table("sync_op", sa.column("tbl"), sa.column("row_id"))


def practitioners() -> sa.Select[int, str, str | None]:
    """Active staff who see clients: practitioners, and whoever has working hours."""
    works = sa.exists().where(
        WorkingHours.practitioner_id == StaffMember.id, WorkingHours.active.is_(True)
    )
    return (
        sa.select(StaffMember.id, StaffMember.full_name, StaffMember.specialty)
        .where(StaffMember.active.is_(True), sa.or_(StaffMember.role == PRACTITIONER, works))
        .order_by(StaffMember.full_name, StaffMember.id)
    )


def working_hours(
    session: Session, days: Collection[Day], practitioner_ids: Collection[int] | None = None
) -> dict[tuple[int, dt.date], tuple[Interval[dt.datetime], ...]]:
    """(practitioner, date) → stretches of work in UTC, sorted and joined."""
    query = sa.select(
        WorkingHours.practitioner_id, WorkingHours.weekday, WorkingHours.starts, WorkingHours.ends
    ).where(
        WorkingHours.active.is_(True),
        WorkingHours.weekday.in_({day.date.weekday() for day in days}),
    )
    if practitioner_ids is not None:
        query = query.where(WorkingHours.practitioner_id.in_(practitioner_ids))
    week: dict[tuple[int, int], list[tuple[dt.time, dt.time]]] = {}
    for practitioner_id, weekday, starts, ends in session.execute(query):
        if starts < ends or ends == dt.time():
            week.setdefault((practitioner_id, weekday), []).append((starts, ends))
    return {
        (practitioner_id, day.date): tuple(
            union(Interval(*_stretch(day, starts, ends)) for starts, ends in stretches)
        )
        for day in days
        for (practitioner_id, weekday), stretches in week.items()
        if weekday == day.date.weekday()
    }


def _stretch(day: Day, starts: dt.time, ends: dt.time) -> tuple[dt.datetime, dt.datetime]:
    first = day.minute_of_clock(starts)
    last = day.minutes if ends == dt.time() else day.minute_of_clock(ends)
    return day.instant_at(first), day.instant_at(max(first, last))


_PENDING = sa.exists().where(
    _outbox.c.tbl == Appointment.__tablename__, _outbox.c.row_id == Appointment.id
)
_FIELDS = (
    Appointment.id,
    Appointment.starts_at,
    Appointment.ends_at,
    Service.duration_minutes,
    Appointment.practitioner_id,
    Appointment.status,
    Appointment.client_id,
    Client.full_name,
    Appointment.client_name,
    Client.phone,
    Appointment.client_phone,
    Client.email,
    Appointment.client_email,
    Client.allergies,
    Appointment.service_id,
    Service.name,
    Appointment.room_id,
    Room.name,
    Appointment.reason,
    Appointment.notes,
    Appointment.client_notes,
    Appointment.absence_reason,
    Appointment.arrived_at,
    Appointment.overbooking_reason,
    _PENDING,
)


def appointments(session: Session, *conditions: sa.ColumnElement[bool]) -> list[DayAppointment]:
    """The appointments that fulfil ``conditions``, by start."""
    query = (
        sa.select(*_FIELDS)
        .outerjoin(Client, Client.id == Appointment.client_id)
        .outerjoin(Service, Service.id == Appointment.service_id)
        .outerjoin(Room, Room.id == Appointment.room_id)
        .where(*conditions)
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return [_record(tuple(row)) for row in session.execute(query)]


def _record(row: Sequence[Any]) -> DayAppointment:
    (
        appointment_id, starts_at, ends_at, minutes, practitioner_id, status, client_id,
        full_name, typed_name, phone, typed_phone, email, typed_email, allergies,
        service_id, service, room_id, room, reason, notes, client_notes, absence,
        arrived_at, overbooking, pending,
    ) = row  # fmt: skip
    on_offer = status == Status.AVAILABLE
    return DayAppointment(
        id=appointment_id,
        starts_at=starts_at,
        ends_at=ends_at or starts_at + dt.timedelta(minutes=minutes or DEFAULT_MINUTES),
        practitioner_id=practitioner_id,
        status_value=status,
        client_id=None if on_offer else client_id,
        client_name="" if on_offer else (full_name or typed_name or ""),
        client_phone="" if on_offer else (phone or typed_phone or ""),
        client_email="" if on_offer else (email or typed_email or ""),
        allergies="" if on_offer else (allergies or "").strip(),
        service_id=service_id,
        service_name=service or "",
        room_id=room_id,
        room_name=room or "",
        reason=reason or "",
        notes=notes or "",
        client_notes=client_notes or "",
        absence_reason=absence or "",
        arrived_at=arrived_at,
        overbooking_reason=overbooking or "",
        provisional=bool(pending),
    )


def within(start: dt.datetime, end: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions for appointments that may touch the time from ``start`` to ``end``, by index.

    An appointment without an end is let through; the caller looks at the record.
    """
    return (
        Appointment.starts_at < end,
        Appointment.starts_at > start - LONGEST,
        sa.or_(Appointment.ends_at.is_(None), Appointment.ends_at > start),
    )


def load_day(
    session: Session,
    date: dt.date,
    zone: ZoneInfo,
    practitioner_ids: Collection[int | None] | None,
) -> DayAgenda:
    """The agenda of ``date``.

    A column for everybody who sees clients, and for whoever else has an appointment that day.

    :param practitioner_ids: only these columns; ``None`` for all.
    """
    day = Day(date, zone)
    found = [
        item
        for item in appointments(session, *within(day.start, day.end))
        if item.ends_at > day.start
    ]
    people = {row.id: row for row in session.execute(practitioners())}
    others = {item.practitioner_id for item in found} - people.keys() - {None}
    if others:
        query = sa.select(StaffMember.id, StaffMember.full_name, StaffMember.specialty)
        people |= {row.id: row for row in session.execute(query.where(StaffMember.id.in_(others)))}
    hours = working_hours(session, [day])
    columns = [
        Column(row.id, row.full_name, row.specialty or "", hours.get((row.id, date), ()))
        for row in sorted(people.values(), key=lambda row: (row.full_name.casefold(), row.id))
    ]
    known = people.keys()
    if any(item.practitioner_id not in known for item in found):
        columns.append(Column(None, ""))
    if practitioner_ids is not None:
        columns = [column for column in columns if column.practitioner_id in practitioner_ids]
    shown = {column.practitioner_id for column in columns}
    return DayAgenda(
        day,
        tuple(columns),
        tuple(
            item
            for item in found
            if (item.practitioner_id if item.practitioner_id in known else None) in shown
        ),
    )
