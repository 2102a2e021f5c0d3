"""The agenda's screen: reads a day, shows it, and asks the services for what a person wants."""

from __future__ import annotations

import datetime as dt
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QCursor, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain import statuses
from desktop.domain.clinic_time import Day, local_date
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Card, EmptyState, label, scaled
from desktop.services.agenda import EDIT
from desktop.services.agenda_day import DEFAULT_MINUTES
from desktop.services.agenda_records import (
    DayAgenda,
    DayAppointment,
    FreeSlot,
    Option,
    Options,
    Placement,
)
from desktop.services.agenda_undo import Undo
from desktop.services.inbox_records import BookingDraft
from desktop.views.agenda import commands, menus
from desktop.views.agenda.actions import Actions
from desktop.views.agenda.booking import BookingDialog, Proposal
from desktop.views.agenda.client_picker import Chosen
from desktop.views.agenda.finder import DayFinder
from desktop.views.agenda.frame import GridFrame
from desktop.views.agenda.grid import DEFAULT_ZOOM, Grid
from desktop.views.agenda.interaction import Move
from desktop.views.agenda.marks import Held
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.placing import Placing
from desktop.views.agenda.printing import save_day
from desktop.views.agenda.side import DetailsCard, KeysCard, WaitingList
from desktop.views.agenda.toolbar import Toolbar

TABLES = frozenset(
    {
        "citas_cita",
        "pacientes_cliente",
        "personal_perfil",
        "citas_horariodentista",
        "citas_tiposervicio",
        "agenda_sala",
    }
)
TICK_MS = 20_000
FIRST_FREE_MINUTES = 30


class AgendaScreen(QWidget):
    """A day of the clinic."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._zone = context.services.clinic.zone
        self.date = self._today()
        self._ids: frozenset[int] | None = self._remembered_filter()
        self._cancelled = context.settings.get("agenda.cancelled", False)
        self._agenda: DayAgenda | None = None
        self._options = Options((), (), ())
        self._wanted: int | None = None
        self._landing: BookingDraft | None = None
        self._scrolled: dt.date | None = None
        self.may_edit = context.actor.may(EDIT)
        self.appointments = Actions(context, self)
        self.appointments.did.connect(self._did)
        self.placing = Placing(context, self)
        self.named = commands.make_actions(self, self._handlers(), may_edit=self.may_edit)
        self._build()
        self._connect()
        context.changed.connect(self._changed)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self.setFocusProxy(self.grid)
        self.refresh()

    # Building -------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Any]:
        step = dt.timedelta
        return {
            "today": lambda: self.go_to(self._today()),
            "previous": lambda: self.go_to(self.date - step(days=1)),
            "next": lambda: self.go_to(self.date + step(days=1)),
            "previous_week": lambda: self.go_to(self.date - step(days=7)),
            "next_week": lambda: self.go_to(self.date + step(days=7)),
            "pick_day": lambda: self.toolbar.pick_day(),  # noqa: PLW0108  (not built yet)
            "first_free": self.find_free,
            "find": self.find_on_day,
            "new": self.new_appointment,
            "print": self.print_day,
            "undo": self.appointments.undo,
            "redo": self.appointments.redo,
            "zoom_in": lambda: self.frame.zoom_by(1),
            "zoom_out": lambda: self.frame.zoom_by(-1),
            "check_in": lambda: self._set_status(Status.ARRIVED),
            "step": self._step,
            "open": self._open_selected,
            "take": self._take_selected,
            "edit": self._edit_selected,
            "no_show": lambda: self._set_status(Status.NO_SHOW),
            "cancel": self._cancel_selected,
            "reinstate": lambda: self._set_status(Status.BOOKED),
        }

    def _build(self) -> None:
        space = current_theme().spacing
        clinic = self._context.services.clinic
        self.toolbar = Toolbar(self.named)
        self.grid = Grid(slot=clinic.slot_minutes, now=self._now, may_edit=self.may_edit)
        self.grid.set_zoom(self._context.settings.get("agenda.zoom", DEFAULT_ZOOM))
        self.frame = GridFrame(self.grid, self._now)
        self.empty = EmptyState(
            "agenda",
            _("Nobody to show yet"),
            _("Enter the practitioners and their working hours, and their day appears here."),
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.frame)
        self.pages.addWidget(self.empty)
        self.details = DetailsCard()
        self.waiting = WaitingList()
        waiting = Card()
        waiting.body.setSpacing(space.xs)
        waiting.body.addWidget(label(_("Waiting room"), "heading"))
        waiting.body.addWidget(self.waiting)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(space.m)
        column.addWidget(self.details)
        column.addWidget(waiting)
        column.addWidget(KeysCard())
        column.addStretch(1)
        self.side = QScrollArea()
        self.side.setFrameShape(QFrame.Shape.NoFrame)
        self.side.setWidgetResizable(True)
        self.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.side.setWidget(side)
        scaled(self.side, 276)
        body = QHBoxLayout()
        body.setSpacing(space.m)
        body.addWidget(self.pages, 1)
        body.addWidget(self.side)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space.l, space.m, space.l, space.l)
        layout.setSpacing(space.m)
        layout.addWidget(self.toolbar)
        layout.addWidget(self.placing.strip)
        layout.addLayout(body, 1)

    def _connect(self) -> None:
        self.toolbar.dayPicked.connect(self.go_to)
        self.toolbar.filter.chosen.connect(self._filter)
        self.toolbar.filter.cancelledShown.connect(self._show_cancelled)
        self.grid.selected.connect(self._selected)
        self.grid.createAsked.connect(self._create)
        self.grid.moveAsked.connect(self._move)
        self.grid.openAsked.connect(self._open_visit)
        self.grid.menuAsked.connect(self._menu)
        self.frame.zoomed.connect(lambda zoom: self._context.settings.set("agenda.zoom", zoom))
        self.waiting.chosen.connect(self.grid.select)
        self.placing.bookAsked.connect(self.new_appointment)
        self.placing.placed.connect(self._placed)
        self.placing.ended.connect(lambda: self.grid.hold(None))

    def _remembered_filter(self) -> frozenset[int] | None:
        ids = self._context.settings.get("agenda.practitioners", [])
        return frozenset(ids) if ids else None

    # The day --------------------------------------------------------------------------------

    def _now(self) -> dt.datetime:
        moment: dt.datetime = self._context.services.cache.now()
        return moment

    def _today(self) -> dt.date:
        return local_date(self._now(), self._zone)

    def open(self, arguments: dict[str, Any]) -> None:
        """Called by the main window.

        :param arguments: ``date`` (ISO), ``appointment_id``, ``client_id``, or ``draft``: a refused
            booking (:class:`BookingDraft`) for which a time is to be chosen.
        """
        if "draft" in arguments:
            self._place(arguments["draft"])
        if "date" in arguments:
            self.go_to(dt.date.fromisoformat(str(arguments["date"])))
        if "appointment_id" in arguments:
            self._find(arguments["appointment_id"])
        if "client_id" in arguments:
            self._find_for_client(arguments["client_id"])

    def _place(self, draft: BookingDraft) -> None:
        """Stand where the draft was wanted, holding it."""
        self.placing.begin(draft)
        if self._ids is not None and draft.practitioner_id not in self._ids:
            self._filter(None)
        self.grid.hold(Held(draft.client_name or _("No name"), draft.minutes))
        self._landing = draft
        self.go_to(local_date(draft.starts_at, self._zone))

    def _placed(self, appointment_id: int) -> None:
        self._wanted = appointment_id
        self.refresh()
        self.grid.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves a booking that was to be placed where it was."""
        if event.key() == Qt.Key.Key_Escape and self.placing.draft is not None:
            self.placing.leave()
        else:
            super().keyPressEvent(event)

    def shortcuts(self) -> list[tuple[str, str]]:
        """For the sheet of shortcuts."""
        return commands.shortcuts()

    def find_on_day(self) -> None:
        """Look for a name among the visits of the day."""
        DayFinder(self, self.grid.model, self._now(), self.grid.select).open()

    def _find(self, appointment_id: int) -> None:
        agenda = self._context.services.agenda

        def done(item: DayAppointment) -> None:
            self._wanted = item.id
            self.go_to(local_date(item.starts_at, self._zone))

        self._context.jobs.read(
            self, lambda _progress: agenda.appointment(appointment_id), done=done
        )

    def _find_for_client(self, client_id: int) -> None:
        clients = self._context.services.clients

        def done(hits: list[Any]) -> None:
            if hits:
                hit = hits[0]
                self._find_free(Chosen(hit.id, hit.full_name, hit.allergies))

        self._context.jobs.read(self, lambda _progress: clients.hits([client_id]), done=done)

    def go_to(self, date: dt.date) -> None:
        """Show another day."""
        self.date = date
        self.refresh()

    def refresh(self) -> None:
        """Read the day again."""
        agenda, date, ids = self._context.services.agenda, self.date, self._ids
        self.toolbar.show_date(date, self._today())
        self._context.jobs.read(
            self,
            lambda _progress: (agenda.day(date, ids), agenda.options()),
            done=self._show,
            lane_key="day",
        )

    @Slot(object)
    def _show(self, read: tuple[DayAgenda, Options]) -> None:
        self._agenda, self._options = read
        people = tuple(Option(one.id, one.name) for one in self._options.practitioners)
        self.toolbar.filter.show_state(people, self._ids, cancelled=self._cancelled)
        self.pages.setCurrentWidget(self.frame if self._agenda.columns else self.empty)
        self._show_model()

    def _show_model(self) -> None:
        if self._agenda is None:
            return
        model = DayModel.of(self._agenda, show_cancelled=self._cancelled)
        self.grid.show_day(model)
        self.frame.refresh()
        self.waiting.show_day(model, self._now())
        for finder in self.findChildren(DayFinder):
            finder.show_model(model)
        landing, self._landing = self._landing, None
        if landing is not None:
            self._scrolled = self.date
            self._land(landing, model)
        elif self._wanted is not None and self._wanted in model.by_id:
            self._scrolled = self.date
            self.grid.select(self._wanted)
            self._wanted = None
        elif self._scrolled != self.date:
            self._scrolled = self.date
            self._scroll_to_start(model)

    def _land(self, draft: BookingDraft, model: DayModel) -> None:
        people = [column.practitioner_id for column in model.agenda.columns]
        column = people.index(draft.practitioner_id) if draft.practitioner_id in people else 0
        minute = model.agenda.day.minute_of(draft.starts_at)
        self.grid.select(None, (column, minute // self.grid.slot * self.grid.slot))
        self.frame.show_minute(max(0, minute - 60))
        self.grid.setFocus()

    def _scroll_to_start(self, model: DayModel) -> None:
        first = model.first_minute(self._now())
        self.grid.select(*model.first_place(self._now(), self.grid.slot))
        self.frame.show_minute(max(0, first - 15))

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self.refresh()

    @Slot()
    def _tick(self) -> None:
        self.grid.tick()
        self.frame.refresh()
        if self.grid.model is not None:
            self.waiting.show_day(self.grid.model, self._now())
            self._selected(self.grid.current())
        self.toolbar.show_date(self.date, self._today())

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard works at once."""
        super().showEvent(event)
        self.grid.setFocus()

    def _filter(self, ids: frozenset[int] | None) -> None:
        self._ids = ids
        self._context.settings.set("agenda.practitioners", sorted(ids or ()))
        self.refresh()

    def _show_cancelled(self, shown: bool) -> None:
        self._cancelled = shown
        self._context.settings.set("agenda.cancelled", shown)
        self._show_model()

    # Selection ------------------------------------------------------------------------------

    @Slot(object)
    def _selected(self, item: DayAppointment | None) -> None:
        commands.fit_actions(self.named, item, may_edit=self.may_edit)
        if self.grid.model is not None:
            offered = commands.offered(self.named, item) if item is not None else []
            self.details.show_item(item, self.grid.model, self._now(), offered)

    @Slot(object, QPoint)
    def _menu(self, item: DayAppointment | None, position: QPoint) -> None:
        asked = self._set_status if self.may_edit else None
        menu = menus.build(self, self.named, item, asked, self._cancel_selected)
        menu.popup(position if not position.isNull() else QCursor.pos())

    # Doing ----------------------------------------------------------------------------------

    def _placement(self, column: int, start: int, end: int) -> Placement | None:
        if self._agenda is None or column >= len(self._agenda.columns):
            return None
        day: Day = self._agenda.day
        practitioner = self._agenda.columns[column].practitioner_id
        return Placement(day.instant_at(start), day.instant_at(end), practitioner)

    @Slot(object)
    def _move(self, move: Move) -> None:
        placement = self._placement(move.column, move.start, move.end)
        if placement is not None:
            self.appointments.move(move.appointment_id, placement, move.expected)

    @Slot(int, int, int, bool)
    def _create(self, column: int, start: int, end: int, dragged: bool) -> None:
        if not self.may_edit:
            return
        if self.placing.draft is not None:
            wanted = self._placement(column, start, end)
            if wanted is not None:
                self.placing.place(wanted)
            return
        if not dragged and self._agenda is not None:
            end = min(self._agenda.day.minutes, start + max(DEFAULT_MINUTES, self.grid.slot))
        placement = self._placement(column, start, end)
        item = self.grid.current()
        slot = item if item is not None and item.status is Status.AVAILABLE else None
        if slot is not None:
            placement = slot.placement
        if placement is not None:
            self._book(Proposal(placement, (end - start) if dragged else None, slot))

    def _book(self, proposal: Proposal) -> None:
        BookingDialog(self, self._context, self._options, self._booked, proposal=proposal).start()

    def _booked(self, undo: Undo) -> None:
        self._wanted = undo.appointment_id
        self.appointments.accept(undo)

    def new_appointment(self) -> None:
        """Book where the keyboard stands."""
        item = self.grid.current()
        column, minute = self.grid.place
        if item is not None and item.status is not Status.AVAILABLE:
            self.grid.select(None, (column, minute))
        self._create(column, minute, minute + self.grid.slot, dragged=False)

    def find_free(self) -> None:
        """The first free time of whom is shown, offered for booking."""
        self._find_free(None)

    def _find_free(self, client: Chosen | None) -> None:
        agenda, ids, now = self._context.services.agenda, self._ids, self._now()
        day = Day(self.date, self._zone)
        from_ = now if self.date <= self._today() else day.start

        def done(slot: FreeSlot) -> None:
            placement = Placement(slot.starts_at, slot.ends_at, slot.practitioner_id)
            self.go_to(local_date(slot.starts_at, self._zone))
            if self.may_edit:
                self._offer(slot, placement, client)

        self._context.jobs.read(
            self,
            lambda _progress: agenda.first_free_slot(
                minutes=FIRST_FREE_MINUTES, from_=from_, practitioner_ids=ids
            ),
            done=done,
            lane_key="first-free",
        )

    def _offer(self, slot: FreeSlot, placement: Placement, client: Chosen | None) -> None:
        if slot.published_id is None:
            self._book(Proposal(placement, client=client))
            return
        agenda, published = self._context.services.agenda, slot.published_id
        self._context.jobs.read(
            self,
            lambda _progress: agenda.appointment(published),
            done=lambda item: self._book(Proposal(item.placement, slot=item, client=client)),
        )

    @Slot(object)
    def _did(self, undo: Undo | None) -> None:
        if undo is None:
            self.grid.settle()
        else:
            self._wanted = undo.appointment_id
        self.refresh()

    def _set_status(self, status: Status) -> None:
        item = self.grid.current()
        if item is not None:
            self.appointments.set_status(item, status)

    def _step(self) -> None:
        item = self.grid.current()
        step = statuses.usual_next(item.status) if item is not None and item.status else None
        if step is not None:
            self._set_status(step)

    def _cancel_selected(self) -> None:
        item = self.grid.current()
        if item is not None:
            self.appointments.cancel(item)

    def _open_selected(self) -> None:
        if self.grid.selection is not None:
            self._open_visit(self.grid.selection)

    @Slot(object)
    def _open_visit(self, appointment_id: int) -> None:
        if self.placing.draft is not None:
            self._context.notify(_("This time is taken"))
            return
        self._context.navigate("visit", {"appointment_id": appointment_id})

    def _take_selected(self) -> None:
        item = self.grid.current()
        if item is not None:
            self._book(Proposal(item.placement, slot=item))

    def _edit_selected(self) -> None:
        item = self.grid.current()
        if item is not None:
            BookingDialog(self, self._context, self._options, self._booked, item=item).start()

    def print_day(self) -> None:
        """The day's list as a PDF."""
        if self.grid.model is not None:
            save_day(self, self._context, self.grid.model)
