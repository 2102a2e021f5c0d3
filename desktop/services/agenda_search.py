"""Finds time that can be booked: within working hours, beside what is booked already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.clinic_time import Day, crosses_clock_change, local_date
from desktop.domain.intervals import Interval, starts_within, subtract
from desktop.domain.statuses import Status
from desktop.models import Appointment
from desktop.services.agenda_day import appointments, practitioners, within, working_hours
from desktop.services.agenda_records import DayAppointment, FreeSlot, Placement
from desktop.services.clinic import ClinicSettings


def free_slots(
    session: Session,
    clinic: ClinicSettings,
    *,
    duration: dt.timedelta,
    from_: dt.datetime,
    until: dt.datetime,
    practitioner_ids: Collection[int] | None = None,
) -> Iterator[FreeSlot]:
    """Every start on the clinic's grid where ``duration`` is free, earliest first.

    What is on offer on the web is found at its own start, and nothing that would cut into it.

    A start on the grid may be close to the one before it: they are choices, not a partition.

    :param practitioner_ids: whose time; ``None`` for everybody who works.
    """
    names = {
        row.id: row.full_name
        for row in session.execute(practitioners())
        if practitioner_ids is None or row.id in practitioner_ids
    }
    step = dt.timedelta(minutes=clinic.slot_minutes)
    date = local_date(from_, clinic.zone)
    while (day := Day(date, clinic.zone)).start < until:
        found = list(appointments(session, *within(day.start, day.end)))
        hours = working_hours(session, [day], names)
        slots: list[FreeSlot] = []
        for practitioner_id, name in names.items():
            own = [item for item in found if item.practitioner_id == practitioner_id]
            offers = [item for item in own if item.status is Status.AVAILABLE]
            published = {item.starts_at: item for item in offers}
            for free in subtract(hours.get((practitioner_id, date), ()), _taken(own)):
                for start in starts_within(free, duration, step, day.start):
                    end = start + duration
                    if start < from_ or end > until:
                        continue
                    if crosses_clock_change(start, end, clinic.zone):
                        continue
                    offer = published.get(start)
                    wanted = Interval(start, end)
                    if offer is None and any(wanted.overlaps(_held(other)) for other in offers):
                        continue  # the web would go on offering what can't be had any more
                    slots.append(
                        FreeSlot(practitioner_id, name, start, end, offer.id if offer else None)
                    )
        yield from sorted(slots, key=lambda slot: (slot.starts_at, slot.practitioner_name))
        date += dt.timedelta(days=1)


def _held(item: DayAppointment) -> Interval[dt.datetime]:
    return Interval(item.starts_at, max(item.starts_at, item.ends_at))


def _taken(own: Collection[DayAppointment]) -> list[Interval[dt.datetime]]:
    """What a practitioner can't be booked over: visits that hold time, or did."""
    return [
        _held(item) for item in own if item.status not in statuses.CALLED_OFF | {Status.AVAILABLE}
    ]


def slot_on_offer(session: Session, placement: Placement) -> int | None:
    """The slot that is published for this practitioner and start."""
    if placement.practitioner_id is None:
        return None
    return session.scalars(
        sa.select(Appointment.id)
        .where(
            Appointment.practitioner_id == placement.practitioner_id,
            Appointment.starts_at == placement.starts_at,
            Appointment.status == Status.AVAILABLE.value,
        )
        .order_by(Appointment.id)
        .limit(1)
    ).first()
