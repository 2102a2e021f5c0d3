"""What the agenda's services take in and give back: frozen records, no database behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from desktop.domain import statuses
from desktop.domain.clinic_time import Day
from desktop.domain.intervals import Interval
from desktop.domain.statuses import Status


@dataclass(frozen=True, slots=True)
class Placement:
    """When and with whom: what a drag changes. Aware datetimes, UTC."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner_id: int | None


@dataclass(frozen=True, slots=True)
class DayAppointment:
    """An appointment, or a slot on offer, as the agenda shows it.

    :ivar status_value: the database's own word; :attr:`status` is ``None`` where it is not known.
    :ivar client_name: empty for a slot on offer.
    :ivar provisional: made or changed here and not yet confirmed by the server.
    """

    id: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner_id: int | None
    status_value: str
    client_id: int | None = None
    client_name: str = ""
    client_phone: str = ""
    client_email: str = ""
    allergies: str = ""
    service_id: int | None = None
    service_name: str = ""
    room_id: int | None = None
    room_name: str = ""
    reason: str = ""
    notes: str = ""
    client_notes: str = ""
    absence_reason: str = ""
    arrived_at: dt.datetime | None = None
    overbooking_reason: str = ""
    provisional: bool = False

    @property
    def status(self) -> Status | None:
        """The status, ``None`` where another program wrote its own word."""
        return statuses.read(self.status_value)

    @property
    def placement(self) -> Placement:
        """Where it stands; passed back when it is moved, so that a stale move is refused."""
        return Placement(self.starts_at, self.ends_at, self.practitioner_id)

    @property
    def holds_time(self) -> bool:
        """Whether its practitioner is taken for as long as it lasts."""
        return self.status in statuses.ACTIVE

    def waited(self, now: dt.datetime) -> dt.timedelta | None:
        """How long the client has been waiting at ``now``; ``None`` who is not in the room."""
        if self.arrived_at is None or self.status not in statuses.WAITING:
            return None
        return max(dt.timedelta(), now - self.arrived_at)


@dataclass(frozen=True, slots=True)
class Column:
    """A practitioner's day.

    :ivar practitioner_id: ``None`` gathers what has no practitioner.
    :ivar working: hours of work that day, UTC, sorted.
    """

    practitioner_id: int | None
    name: str
    specialty: str = ""
    working: tuple[Interval[dt.datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class DayAgenda:
    """Everything on the agenda of one day: columns by name, appointments by start."""

    day: Day
    columns: tuple[Column, ...]
    appointments: tuple[DayAppointment, ...]

    def appointment(self, appointment_id: int) -> DayAppointment | None:
        """The appointment with this id, if it is on this day."""
        for appointment in self.appointments:
            if appointment.id == appointment_id:
                return appointment
        return None


@dataclass(frozen=True, slots=True)
class Details:
    """What a person may change of an appointment besides its place."""

    client_id: int | None = None
    client_name: str = ""
    client_phone: str = ""
    client_email: str = ""
    service_id: int | None = None
    room_id: int | None = None
    reason: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A booking to be made.

    :ivar slot_id: a published slot that it takes; ``None`` makes a new appointment.
    :ivar overbooking_reason: not empty: a deliberate double booking, and why.
    """

    placement: Placement
    details: Details
    status: Status = Status.BOOKED
    slot_id: int | None = None
    overbooking_reason: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know of what was done; ``code`` has a sentence."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """Time that can be booked; ``published_id`` where it is already on offer on the web."""

    practitioner_id: int
    practitioner_name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    published_id: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceOption:
    """A kind of visit to choose from; ``minutes`` is how long it usually takes."""

    id: int
    name: str
    minutes: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose by its name."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a booking may be made of: active services, practitioners and rooms, by name."""

    services: tuple[ServiceOption, ...]
    practitioners: tuple[Option, ...]
    rooms: tuple[Option, ...]
