"""What stands in the way of an appointment, and what a person should know of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.clinic_time import Day, crosses_clock_change, local_date
from desktop.domain.errors import RuleError
from desktop.domain.intervals import Interval
from desktop.domain.locale_format import date_short, time_of_day
from desktop.domain.statuses import Status
from desktop.models import Appointment, StaffMember, WorkingHours
from desktop.services.agenda_day import LONGEST, appointments, within, working_hours
from desktop.services.agenda_records import DayAppointment, Placement, Warned
from desktop.services.clinic import ClinicSettings


def check_times(placement: Placement, clinic: ClinicSettings) -> None:
    """Raises ``RuleError`` where the times can't be: ``agenda.ends_before_start``,
    ``agenda.too_long`` or ``agenda.crosses_clock_change``.
    """
    starts_at, ends_at = placement.starts_at, placement.ends_at
    said = {
        "start": time_of_day(starts_at, clinic.zone),
        "end": time_of_day(ends_at, clinic.zone),
    }
    if ends_at <= starts_at:
        raise RuleError("agenda.ends_before_start", **said)
    if ends_at - starts_at > LONGEST:
        raise RuleError("agenda.too_long", hours=LONGEST // dt.timedelta(hours=1))
    if crosses_clock_change(starts_at, ends_at, clinic.zone):
        day = date_short(local_date(starts_at, clinic.zone))
        raise RuleError("agenda.crosses_clock_change", day=day, **said)


def clashes(
    session: Session, placement: Placement, *, own_id: int | None = None
) -> list[DayAppointment]:
    """The active appointments of the same practitioner that overlap ``placement``, by start."""
    if placement.practitioner_id is None:
        return []
    wanted = Interval(placement.starts_at, placement.ends_at)
    return [
        item
        for item in appointments(
            session,
            *within(placement.starts_at, placement.ends_at),
            Appointment.practitioner_id == placement.practitioner_id,
            Appointment.status.in_([status.value for status in statuses.ACTIVE]),
        )
        if item.id != own_id and Interval(item.starts_at, item.ends_at).overlaps(wanted)
    ]


def check_overlap(
    session: Session,
    placement: Placement,
    clinic: ClinicSettings,
    *,
    own_id: int | None = None,
    already: Iterable[int] = (),
    as_server: bool = False,
) -> None:
    """Raises ``RuleError('agenda.overlap')`` where the practitioner is taken.

    :param already: appointments that it overlapped before, and may go on to.
    :param as_server: be as lenient as the server, for which deliberate overbookings are exempt.
    """
    allowed = set(already)
    for other in clashes(session, placement, own_id=own_id):
        if other.id in allowed or (as_server and other.overbooking_reason):
            continue
        raise RuleError(
            "agenda.overlap",
            practitioner=staff_name(session, placement.practitioner_id),
            client=other.client_name or "—",
            day=date_short(local_date(other.starts_at, clinic.zone)),
            start=time_of_day(other.starts_at, clinic.zone),
            end=time_of_day(other.ends_at, clinic.zone),
        )


def staff_name(session: Session, staff_id: int | None) -> str:
    """A staff member's name; empty where there is none."""
    name = session.scalar(sa.select(StaffMember.full_name).where(StaffMember.id == staff_id))
    return name or ""


def warnings(
    session: Session,
    placement: Placement,
    clinic: ClinicSettings,
    now: dt.datetime,
    *,
    own_id: int,
    client_id: int | None,
    room_id: int | None,
) -> tuple[Warned, ...]:
    """What doesn't stand in the way but should be seen: hours, room, the client's other visits."""
    found: list[Warned] = []
    if placement.ends_at <= now:
        found.append(Warned("agenda.in_the_past"))
    if _outside_hours(session, placement, clinic):
        name = staff_name(session, placement.practitioner_id)
        found.append(Warned("agenda.outside_hours", {"practitioner": name}))
    wanted = Interval(placement.starts_at, placement.ends_at)
    offered = False
    for other in appointments(session, *within(placement.starts_at, placement.ends_at)):
        if other.id == own_id or not Interval(other.starts_at, other.ends_at).overlaps(wanted):
            continue
        said = {
            "start": time_of_day(other.starts_at, clinic.zone),
            "client": other.client_name or "—",
        }
        if other.status is Status.AVAILABLE:
            offered |= other.practitioner_id == placement.practitioner_id
        elif not other.holds_time:
            continue
        elif room_id is not None and other.room_id == room_id:
            found.append(Warned("agenda.room_taken", said | {"room": other.room_name}))
        elif client_id is not None and other.client_id == client_id:
            found.append(Warned("agenda.client_busy", said))
    if offered:
        found.append(Warned("agenda.covers_published"))
    return tuple(found)


def _outside_hours(session: Session, placement: Placement, clinic: ClinicSettings) -> bool:
    """Whether part of it lies outside the hours of a practitioner who has any."""
    practitioner_id = placement.practitioner_id
    if practitioner_id is None:
        return False
    has_hours = sa.select(sa.func.count()).where(
        WorkingHours.practitioner_id == practitioner_id, WorkingHours.active.is_(True)
    )
    if not session.scalar(has_hours):
        return False
    day = Day(local_date(placement.starts_at, clinic.zone), clinic.zone)
    stretches = working_hours(session, [day], [practitioner_id]).get(
        (practitioner_id, day.date), ()
    )
    wanted = Interval(placement.starts_at, placement.ends_at)
    return not any(stretch.contains(wanted) for stretch in stretches)
