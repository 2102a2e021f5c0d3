"""The dialog in which an appointment is booked or changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QDate, QTime
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QTimeEdit,
    QWidget,
)

from desktop.domain.clinic_time import local_date, to_utc
from desktop.domain.errors import AppError, RuleError
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Field, inset, row
from desktop.services.agenda import OVERBOOK, details_of
from desktop.services.agenda_records import DayAppointment, Details, Draft, Options, Placement
from desktop.services.agenda_undo import Undo
from desktop.views.agenda.client_picker import Chosen, ClientPicker

Work = Callable[[], Undo]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the dialog opens with.

    :ivar minutes: how long; ``None`` follows the service.
    :ivar slot: a published slot to take.
    """

    placement: Placement
    minutes: int | None = None
    slot: DayAppointment | None = None
    client: Chosen | None = None


class BookingDialog(Dialog):
    """Books a :class:`Proposal`, or changes an appointment.

    With the keyboard alone: type a name, Enter takes the first hit, Enter books.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        options: Options,
        done: Callable[[Undo], None],
        *,
        proposal: Proposal | None = None,
        item: DayAppointment | None = None,
    ) -> None:
        title = _("New appointment") if item is None else _("Change the appointment")
        super().__init__(parent, title, action=_("Book") if item is None else _("Save"), width=600)
        if proposal is None:
            if item is None:
                raise ValueError("a booking needs a proposal or an appointment")
            proposal = Proposal(item.placement)
        self._context = context
        self._options = options
        self._proposal = proposal
        self._item = item
        self._done = done
        self._saved_parts: list[Undo] = []
        self._fixed_minutes = proposal.minutes is not None or item is not None
        self.client = ClientPicker(context)
        self.service = QComboBox()
        self.practitioner = QComboBox()
        self.room = QComboBox()
        self.date = QDateEdit()
        self.time = QTimeEdit()
        self.minutes = QSpinBox()
        self.reason = QLineEdit()
        self.notes = QPlainTextEdit()
        self.overbooking = QLineEdit()
        self.overbooking_field = Field(_("Reason to overbook"), self.overbooking)
        self._build()
        self._fill()
        self.primary.clicked.connect(self._accept)
        self.client.picked.connect(self._picked)
        self.service.currentIndexChanged.connect(self._service_changed)

    # Building -------------------------------------------------------------------------------

    def _build(self) -> None:
        self.date.setCalendarPopup(True)
        self.date.setDisplayFormat("ddd dd-MM-yyyy")
        self.time.setDisplayFormat("HH:mm")
        inset(self.time)
        inset(self.minutes)
        self.minutes.setRange(5, 12 * 60)
        self.minutes.setSingleStep(self._context.services.clinic.slot_minutes)
        self.minutes.setSuffix(_(" min"))
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(current_theme().px(62))
        self.reason.setMaxLength(100)
        for box, empty in (
            (self.service, _("Choose")),
            (self.practitioner, _("No practitioner")),
            (self.room, _("No room")),
        ):
            box.addItem(empty, None)
            box.setMinimumContentsLength(12)
        for service in self._options.services:
            self.service.addItem(f"{service.name} ({service.minutes} min)", service.id)
        for person in self._options.practitioners:
            self.practitioner.addItem(person.name, person.id)
        for room in self._options.rooms:
            self.room.addItem(room.name, room.id)
        self.body.addWidget(Field(_("Client"), self.client))
        self.body.addLayout(
            row(Field(_("Service"), self.service), Field(_("Practitioner"), self.practitioner))
        )
        when = row(
            Field(_("Date"), self.date),
            Field(_("Time"), self.time),
            Field(_("Duration"), self.minutes),
        )
        for index, share in enumerate((5, 3, 3)):
            when.setStretch(index, share)
        self.body.addLayout(when)
        what = row(Field(_("Reason for the visit"), self.reason), Field(_("Room"), self.room))
        what.setStretch(0, 2)
        what.setStretch(1, 1)
        self.body.addLayout(what)
        self.body.addWidget(Field(_("Notes"), self.notes))
        self.overbooking_field.hide()
        self.body.addWidget(self.overbooking_field)

    def _fill(self) -> None:
        placement, item = self._proposal.placement, self._item or self._proposal.slot
        zone = self._context.services.clinic.zone
        local = placement.starts_at.astimezone(zone)
        self.date.setDate(QDate(local.year, local.month, local.day))
        self.time.setTime(QTime(local.hour, local.minute))
        length = (placement.ends_at - placement.starts_at) // dt.timedelta(minutes=1)
        self.minutes.setValue(self._proposal.minutes or length)
        self._choose(self.practitioner, placement.practitioner_id)
        if item is not None:
            self._choose(self.service, item.service_id, item.service_name)
            self._choose(self.room, item.room_id, item.room_name)
            self.reason.setText(item.reason)
            self.notes.setPlainText(item.notes)
        if self._item is not None and self._item.client_name:
            self.client.choose(
                Chosen(self._item.client_id, self._item.client_name, self._item.allergies)
            )
        elif self._proposal.client is not None:
            self.client.choose(self._proposal.client)

    @staticmethod
    def _choose(box: QComboBox, value: int | None, name: str = "") -> None:
        """Take the entry of ``value``; one that is no longer offered is added."""
        index = next((n for n in range(box.count()) if box.itemData(n) == value), -1)
        if index < 0:
            box.addItem(name, value)
            index = box.count() - 1
        box.setCurrentIndex(index)

    def start(self) -> None:
        """Open with the cursor where the first word is expected."""
        self.open()
        if self.client.chosen is None:
            self.client.search.setFocus()
        else:
            self.service.setFocus()

    # While it is filled in ------------------------------------------------------------------

    def _picked(self) -> None:
        self.clear_error()
        self.service.setFocus()

    def _service_changed(self) -> None:
        """The service says how long, unless the length was drawn on the agenda."""
        if self._fixed_minutes:
            return
        chosen = self.service.currentData()
        for service in self._options.services:
            if service.id == chosen:
                self.minutes.setValue(service.minutes)

    # Booking --------------------------------------------------------------------------------

    def _placement(self) -> Placement:
        zone = self._context.services.clinic.zone
        date, time = self.date.date(), self.time.time()
        day = dt.date(date.year(), date.month(), date.day())
        clock = dt.time(time.hour(), time.minute())
        seen = self._proposal.placement
        local = seen.starts_at.astimezone(zone)
        if local_date(seen.starts_at, zone) == day and local.time().replace(second=0) == clock:
            start = seen.starts_at
        else:
            start = to_utc(day, clock, zone)
        end = start + dt.timedelta(minutes=self.minutes.value())
        return Placement(start, end, self.practitioner.currentData())

    def _details(self) -> Details:
        chosen = self.client.chosen
        if chosen is None:
            raise RuleError("agenda.client_missing")
        known = details_of(self._item) if self._item is not None else Details()
        if chosen.client_id != known.client_id or chosen.client_id is None:
            known = replace(known, client_id=chosen.client_id, client_name=chosen.name)
        return replace(
            known,
            service_id=self.service.currentData(),
            room_id=self.room.currentData(),
            reason=self.reason.text().strip(),
            notes=self.notes.toPlainText().strip(),
        )

    def _accept(self) -> None:
        try:
            works = self._works()
        except RuleError as error:
            self.show_error(error)
            if error.code == "agenda.client_missing":
                self.client.setFocus()
            return
        if not works:
            self.accept()
            return
        self.clear_error()
        self.set_busy(True)
        self._context.jobs.write(
            self,
            lambda _progress: self._saved_parts.extend(work() for work in works),
            done=lambda _nothing: self._saved(),
            failed=self._refused,
        )

    def _works(self) -> list[Work]:
        """What must be done: one booking, or the changes of details and of place."""
        agenda, actor = self._context.services.agenda, self._context.actor
        placement, details = self._placement(), self._details()
        overbooking = self.overbooking.text().strip()
        item, slot = self._item, self._proposal.slot
        if item is None:
            draft = Draft(
                placement,
                details,
                slot_id=slot.id if slot is not None else None,
                overbooking_reason=overbooking,
            )
            return [lambda: agenda.book(actor, draft)]
        works: list[Work] = []
        seen = details_of(item)
        if details != seen:
            works.append(lambda: agenda.edit(actor, item.id, details, seen=seen))
        if placement != item.placement:
            works.append(
                lambda: agenda.move(
                    actor,
                    item.id,
                    placement,
                    expected=item.placement,
                    overbooking_reason=overbooking,
                )
            )
        return works

    def _saved(self) -> None:
        self.accept()
        for undo in self._saved_parts:
            self._done(undo)

    def _refused(self, error: Exception) -> None:
        self.show_error(error)
        overlaps = isinstance(error, AppError) and error.code == "agenda.overlap"
        if overlaps and self._context.actor.may(OVERBOOK):
            self.overbooking_field.show()
            self.overbooking.setFocus()
