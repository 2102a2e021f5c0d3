"""The agenda: what reception and practitioners do with appointments, offline first.

Every action is one local transaction and gives back an :class:`Undo`. What stands in the way is
raised as ``RuleError``; what should only be seen comes as warnings of the ``Undo``. The server
holds the same rule against double bookings for every writer, so what is allowed here may still be
refused there: until it has answered, an appointment is provisional.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import date_short, time_of_day
from desktop.domain.messages import N_, _
from desktop.domain.statuses import Status
from desktop.models import Appointment, Client, Room, Service
from desktop.services import agenda_day, agenda_search
from desktop.services.agenda_day import DEFAULT_MINUTES
from desktop.services.agenda_records import (
    DayAgenda,
    DayAppointment,
    Details,
    Draft,
    FreeSlot,
    Option,
    Options,
    Placement,
    ServiceOption,
)
from desktop.services.agenda_rules import check_overlap, check_times, clashes, warnings
from desktop.services.agenda_undo import COLUMNS, Undo, changed, snapshot
from desktop.services.cache import Cache
from desktop.services.clinic import ClinicSettings

EDIT = "agenda.edit"
OVERBOOK = "agenda.overbook"
SEARCH_DAYS = 90

_LIMITS = {
    "reason": (100, N_("Reason for the visit")),
    "client_name": (150, N_("Client")),
    "client_email": (254, N_("Email")),
    "client_phone": (20, N_("Phone")),
}
_STATUS_LABELS = {
    Status.BOOKED: N_("{client} is booked again"),
    Status.CONFIRMED: N_("{client} is confirmed"),
    Status.ARRIVED: N_("{client} has arrived"),
    Status.READY: N_("{client} is ready"),
    Status.IN_PROGRESS: N_("{client} was called in"),
    Status.FINISHED: N_("The visit of {client} is finished"),
    Status.COMPLETED: N_("The visit of {client} is complete"),
    Status.CANCELLED: N_("The appointment of {client} is cancelled"),
    Status.NO_SHOW: N_("{client} did not come"),
}


class _Edit:
    """A row being changed in an open transaction; ``undo`` is there once it is closed."""

    undo: Undo

    def __init__(self, session: Session, row: Appointment) -> None:
        self.session = session
        self.row = row

    @property
    def placement(self) -> Placement:
        """Where the row stands; where it says no end, the service's duration tells."""
        row = self.row
        ends_at = row.ends_at
        if ends_at is None:
            minutes = self.session.scalar(
                sa.select(Service.duration_minutes).where(Service.id == row.service_id)
            )
            ends_at = row.starts_at + dt.timedelta(minutes=minutes or DEFAULT_MINUTES)
        return Placement(row.starts_at, ends_at, row.practitioner_id)

    @property
    def status(self) -> Status:
        """The row's status; raises ``agenda.unknown_status`` where it isn't one of ours."""
        status = statuses.read(self.row.status)
        if status is None:
            raise RuleError("agenda.unknown_status", status=self.row.status)
        return status


class Agenda:
    """Use cases over the appointments in the cache."""

    def __init__(self, cache: Cache, clinic: ClinicSettings) -> None:
        self._cache = cache
        self._clinic = clinic

    # Looking --------------------------------------------------------------------------------

    def day(
        self, date: dt.date, practitioner_ids: Collection[int | None] | None = None
    ) -> DayAgenda:
        """Everything on the agenda of ``date``; only these practitioners where given."""
        with self._cache.reading() as session:
            return agenda_day.load_day(session, date, self._clinic.zone, practitioner_ids)

    def appointment(self, appointment_id: int) -> DayAppointment:
        """One appointment; raises ``RuleError('agenda.gone')`` where there is none."""
        with self._cache.reading() as session:
            found = agenda_day.appointments(session, Appointment.id == appointment_id)
        if not found:
            raise RuleError("agenda.gone")
        return found[0]

    def options(self) -> Options:
        """What a booking may be made of."""
        with self._cache.reading() as session:
            services = session.execute(
                sa.select(Service.id, Service.name, Service.duration_minutes, Service.base_price)
                .where(Service.active.is_(True))
                .order_by(Service.name)
            )
            rooms = session.execute(
                sa.select(Room.id, Room.name)
                .where(Room.active.is_(True))
                .order_by(Room.position, Room.name)
            )
            people = session.execute(agenda_day.practitioners())
            return Options(
                tuple(
                    ServiceOption(row.id, row.name, row.duration_minutes or DEFAULT_MINUTES, price)
                    for row in services
                    for price in [row.base_price]
                ),
                tuple(Option(row.id, row.full_name) for row in people),
                tuple(Option(row.id, row.name) for row in rooms),
            )

    def free_slots(
        self,
        *,
        minutes: int,
        from_: dt.datetime,
        until: dt.datetime,
        practitioner_ids: Collection[int] | None = None,
        limit: int = 200,
    ) -> list[FreeSlot]:
        """Starts where a visit of ``minutes`` is free, earliest first, at most ``limit``."""
        with self._cache.reading() as session:
            found = agenda_search.free_slots(
                session,
                self._clinic,
                duration=dt.timedelta(minutes=minutes),
                from_=from_,
                until=until,
                practitioner_ids=practitioner_ids,
            )
            return list(islice(found, limit))

    def first_free_slot(
        self,
        *,
        minutes: int,
        from_: dt.datetime,
        practitioner_ids: Collection[int] | None = None,
    ) -> FreeSlot:
        """The earliest free time; raises ``agenda.no_free_slot`` where the next weeks are full."""
        found = self.free_slots(
            minutes=minutes,
            from_=from_,
            until=from_ + dt.timedelta(days=SEARCH_DAYS),
            practitioner_ids=practitioner_ids,
            limit=1,
        )
        if not found:
            raise RuleError("agenda.no_free_slot", minutes=minutes, days=SEARCH_DAYS)
        return found[0]

    # Doing ----------------------------------------------------------------------------------

    def book(self, actor: Actor, draft: Draft) -> Undo:
        """Makes an appointment, or takes a published slot: the one that was chosen, or one that is
        on offer for that very time, so that nobody else is offered it.

        Raises ``RuleError``: ``permission.denied``, ``agenda.client_missing``,
        ``agenda.slot_taken``, ``agenda.overlap`` without a reason to overbook, or what
        :func:`check_times` says.
        """
        actor.require(EDIT)
        details = draft.details
        if details.client_id is None and not details.client_name.strip():
            raise RuleError("agenda.client_missing")
        label = N_("{client} is booked")
        slot_id = draft.slot_id
        if slot_id is None:
            with self._cache.reading() as session:
                slot_id = agenda_search.slot_on_offer(session, draft.placement)
        if slot_id is not None:
            with self._change(actor, slot_id, "appointment.book", label) as edit:
                if edit.status is not Status.AVAILABLE:
                    raise RuleError("agenda.slot_taken")
                self._fill(edit.session, edit.row, actor, draft)
            return edit.undo
        with self._cache.writing(actor, "appointment.book") as session:
            now = self._cache.now()
            row = Appointment(
                **dict.fromkeys(COLUMNS)
                | {
                    "id": self._cache.new_id(session),
                    "created_at": now,
                    "updated_at": now,
                    "created_by_id": actor.staff_id,
                }
            )
            self._fill(session, row, actor, draft)
            session.add(row)
            session.flush()
            return self._undo(session, row, label, None, snapshot(row), placed=True)

    def move(
        self,
        actor: Actor,
        appointment_id: int,
        placement: Placement,
        *,
        expected: Placement,
        overbooking_reason: str = "",
    ) -> Undo:
        """Gives an appointment another time, length or practitioner.

        :param expected: where the person saw it; raises ``agenda.moved_meanwhile`` where it is
            elsewhere by now. Also raises as :meth:`book` does, and ``agenda.not_movable``.
        """
        actor.require(EDIT)
        with self._change(
            actor,
            appointment_id,
            "appointment.move",
            N_("The appointment of {client} was moved"),
            placed=True,
        ) as edit:
            present = edit.placement
            if present != expected:
                raise RuleError("agenda.moved_meanwhile", **self._said(present))
            if edit.status not in statuses.MOVABLE and (
                present.starts_at != placement.starts_at
                or present.practitioner_id != placement.practitioner_id
                or edit.status is not Status.IN_PROGRESS
            ):
                raise RuleError("agenda.not_movable", status=statuses.label(edit.status))
            self._place(edit.session, edit.row, actor, placement, overbooking_reason, present)
        return edit.undo

    def resize(
        self,
        actor: Actor,
        appointment_id: int,
        ends_at: dt.datetime,
        *,
        expected: Placement,
        overbooking_reason: str = "",
    ) -> Undo:
        """Gives an appointment another end; raises as :meth:`move` does."""
        placement = Placement(expected.starts_at, ends_at, expected.practitioner_id)
        return self.move(
            actor,
            appointment_id,
            placement,
            expected=expected,
            overbooking_reason=overbooking_reason,
        )

    def set_status(
        self, actor: Actor, appointment_id: int, status: Status, *, reason: str = ""
    ) -> Undo:
        """Takes an appointment one step along the flow of :mod:`desktop.domain.statuses`.

        Practitioners may do so with their own appointments. Checking in notes the arrival,
        completing notes by whom and when. Raises ``RuleError``: ``permission.denied``,
        ``agenda.wrong_step``, ``agenda.unknown_status``, and ``agenda.overlap`` where a visit that
        was called off comes back and its time is taken.
        """
        with self._change(
            actor, appointment_id, "appointment.status", _STATUS_LABELS[status]
        ) as edit:
            row, before = edit.row, edit.status
            if not (actor.may("clinical.edit") and row.practitioner_id == actor.staff_id):
                actor.require(EDIT)
            if not statuses.may_follow(before, status):
                raise RuleError(
                    "agenda.wrong_step",
                    status=statuses.label(before),
                    following=statuses.label(status),
                )
            if status in statuses.ACTIVE and before not in statuses.ACTIVE:
                self._check_free(edit, before)
            row.status = status.value
            self._note_times(row, actor, status)
            if status in statuses.CALLED_OFF:
                row.absence_reason = reason.strip() or None
            elif before in statuses.CALLED_OFF:
                row.absence_reason = None
        return edit.undo

    def cancel(self, actor: Actor, appointment_id: int, reason: str) -> Undo:
        """Calls an appointment off, or withdraws a slot on offer; its time is free again.

        Raises ``agenda.reason_missing`` without a reason, else as :meth:`set_status` does.
        """
        if not reason.strip():
            raise RuleError("agenda.reason_missing")
        return self.set_status(actor, appointment_id, Status.CANCELLED, reason=reason)

    def no_show(self, actor: Actor, appointment_id: int, reason: str = "") -> Undo:
        """Notes that the client didn't come; raises as :meth:`set_status` does."""
        return self.set_status(actor, appointment_id, Status.NO_SHOW, reason=reason)

    def edit(self, actor: Actor, appointment_id: int, details: Details, *, seen: Details) -> Undo:
        """Changes what differs between ``seen`` and ``details``, field by field.

        Raises ``RuleError('agenda.edited_meanwhile')`` where somebody changed one of those fields
        since ``seen`` was read.
        """
        actor.require(EDIT)
        label = N_("The appointment of {client} was changed")
        with self._change(actor, appointment_id, "appointment.edit", label, placed=True) as edit:
            current = details_of(agenda_day.appointments(
                edit.session, Appointment.id == appointment_id
            )[0])  # fmt: skip
            for name in Details.__slots__:
                if getattr(seen, name) == getattr(details, name):
                    continue
                if getattr(current, name) not in (getattr(seen, name), getattr(details, name)):
                    raise RuleError("agenda.edited_meanwhile")
            self._describe(edit.session, edit.row, details, seen)
        return edit.undo

    # How it is done -------------------------------------------------------------------------

    @contextmanager
    def _change(
        self, actor: Actor, appointment_id: int, name: str, label: str, *, placed: bool = False
    ) -> Iterator[_Edit]:
        """A transaction on one row, whose differences become an :class:`Undo`."""
        with self._cache.writing(actor, name) as session:
            row = session.get(Appointment, appointment_id)
            if row is None:
                raise RuleError("agenda.gone")
            before = snapshot(row)
            edit = _Edit(session, row)
            with session.no_autoflush:
                yield edit
            old, new = changed(before, snapshot(row))
            if new:
                row.updated_at = self._cache.now()
            session.flush()
            edit.undo = self._undo(session, row, label, old, new, placed=placed or "status" in new)

    def _undo(
        self,
        session: Session,
        row: Appointment,
        label: str,
        before: dict[str, object] | None,
        after: dict[str, object],
        *,
        placed: bool,
    ) -> Undo:
        found = agenda_day.appointments(session, Appointment.id == row.id)[0]
        warned = (
            warnings(
                session,
                found.placement,
                self._clinic,
                self._cache.now(),
                own_id=row.id,
                client_id=found.client_id,
                room_id=row.room_id,
            )
            if placed and found.status in {Status.BOOKED, Status.CONFIRMED}
            else ()
        )
        named = found.client_name or _("the slot")
        return Undo(row.id, warned, label, named, before, after, self._cache, self._clinic)

    def _fill(self, session: Session, row: Appointment, actor: Actor, draft: Draft) -> None:
        if draft.status not in statuses.ACTIVE:
            raise RuleError(
                "agenda.wrong_step",
                status=statuses.label(Status.AVAILABLE),
                following=statuses.label(draft.status),
            )
        row.status = draft.status.value
        row.arrived_at = row.absence_reason = row.client_notes = None
        self._describe(session, row, draft.details, None)
        self._note_times(row, actor, draft.status)
        self._place(session, row, actor, draft.placement, draft.overbooking_reason, None)

    def _describe(
        self, session: Session, row: Appointment, details: Details, seen: Details | None
    ) -> None:
        """Sets what differs from ``seen``; all of it where there is no ``seen``."""
        for name, (limit, word) in _LIMITS.items():
            if len(getattr(details, name)) > limit:
                raise RuleError("agenda.text_too_long", field=_(word), limit=limit)
        if seen is None or details.client_id != seen.client_id:
            row.client_id = details.client_id
            client = session.get(Client, details.client_id) if details.client_id else None
            if client is not None:
                row.client_name, row.client_phone = client.full_name, client.phone
                row.client_email = client.email
        for name in ("client_name", "client_phone", "client_email", "reason", "notes"):
            value = getattr(details, name).strip() or None
            if name.startswith("client_") and details.client_id is not None:
                continue
            if seen is None or getattr(details, name) != getattr(seen, name):
                setattr(row, name, value)
        if seen is None or details.service_id != seen.service_id:
            row.service_id = details.service_id
        if seen is None or details.room_id != seen.room_id:
            row.room_id = details.room_id

    def _place(
        self,
        session: Session,
        row: Appointment,
        actor: Actor,
        placement: Placement,
        overbooking_reason: str,
        present: Placement | None,
    ) -> None:
        check_times(placement, self._clinic)
        overbooking_reason = overbooking_reason.strip()
        if overbooking_reason:
            actor.require(OVERBOOK)
        if statuses.read(row.status) in statuses.ACTIVE:
            before = clashes(session, present, own_id=row.id) if present is not None else []
            beside = [item.id for item in before if item.overbooking_reason]
            clashing = clashes(session, placement, own_id=row.id)
            if not overbooking_reason and row.overbooking_reason:
                beside += [item.id for item in before]
            if not overbooking_reason:
                check_overlap(session, placement, self._clinic, own_id=row.id, already=beside)
            if not clashing:
                row.overbooking_reason = None
            elif overbooking_reason:
                row.overbooking_reason = overbooking_reason
        row.starts_at, row.ends_at = placement.starts_at, placement.ends_at
        row.practitioner_id = placement.practitioner_id

    def _check_free(self, edit: _Edit, before: Status) -> None:
        if before is Status.AVAILABLE:
            raise RuleError("agenda.client_missing")
        if not edit.row.overbooking_reason:
            check_overlap(edit.session, edit.placement, self._clinic, own_id=edit.row.id)

    def _note_times(self, row: Appointment, actor: Actor, status: Status) -> None:
        now = self._cache.now()
        if status in {Status.BOOKED, Status.CONFIRMED}:
            row.arrived_at = None
        elif status in statuses.WAITING | {Status.IN_PROGRESS} and row.arrived_at is None:
            row.arrived_at = now
        if status is Status.COMPLETED:
            row.completed_at, row.completed_by_id = now, actor.staff_id
        else:
            row.completed_at = row.completed_by_id = None

    def _said(self, placement: Placement) -> dict[str, str]:
        zone = self._clinic.zone
        return {
            "day": date_short(placement.starts_at.astimezone(zone).date()),
            "start": time_of_day(placement.starts_at, zone),
            "end": time_of_day(placement.ends_at, zone),
        }


def details_of(appointment: DayAppointment) -> Details:
    """What may be changed of an appointment, as it was read."""
    return Details(**{name: getattr(appointment, name) for name in Details.__slots__})
