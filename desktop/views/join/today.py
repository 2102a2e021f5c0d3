"""Today's agenda while the rest of the clinic's data is received: to be read and searched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.domain.locale_format import date_long, time_of_day
from desktop.domain.messages import _
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Badge, Banner, Card, button, label, scaled
from desktop.services.agenda_records import DayAppointment
from desktop.services.first_day import Today
from desktop.views.agenda.finder import DayFinder
from desktop.views.agenda.frame import GridFrame
from desktop.views.agenda.grid import Grid
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.side import DetailsCard, KeysCard, WaitingList

TICK_MS = 20_000


class TodayView(QWidget):
    """A day by practitioner that can't be changed; whom it shows is in sight beside it.

    :ivar lockWanted: hide it until somebody signs in. :ivar since: the moment that it shows.
    """

    lockWanted = Signal()

    def __init__(self, today: Today, now: Callable[[], dt.datetime]) -> None:
        super().__init__()
        self._now = now
        self.since = today.since
        self.model = DayModel.of(today.agenda, show_cancelled=False)
        self.grid = Grid(slot=today.clinic.slot_minutes, now=now, may_edit=False)
        self.frame = GridFrame(self.grid, now)
        self.details = DetailsCard()
        self.waiting = WaitingList()
        self.buttons = (
            self._button(_("Find on this day"), "search", ("Ctrl+F", "/"), self.find_on_day),
            self._button(_("Now"), "clock", ("T",), self.go_to_now),
            self._button(_("Lock"), "lock", ("Ctrl+L",), self.lockWanted.emit),
        )
        self._action(("Ctrl++", "Ctrl+="), partial(self.frame.zoom_by, 1))
        self._action(("Ctrl+-",), partial(self.frame.zoom_by, -1))
        since = time_of_day(today.since, today.clinic.zone)
        self.banner = Banner(
            _(
                "Read only while the rest of the clinic's data is received: today's agenda as it was "
                "at {time}. Booking, changing and charging come by themselves when everything is here."
            ).format(time=since)
        )
        self._lay_out(today.agenda.day.date)
        self.grid.selected.connect(self._selected)
        self.waiting.chosen.connect(self.grid.select)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self.setFocusProxy(self.grid)
        self.grid.show_day(self.model)
        self.frame.refresh()
        self.waiting.show_day(self.model, now())
        self.go_to_now()

    def _button(
        self, text: str, icon: str, keys: tuple[str, ...], run: Callable[[], object]
    ) -> QWidget:
        made = button(text, icon=icon)
        made.setToolTip(f"{text} ({keys[0]})")
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(lambda _checked=False: run())
        self._action(keys, run)
        return made

    def _action(self, keys: tuple[str, ...], run: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked=False: run())
        self.addAction(action)

    def _lay_out(self, date: dt.date) -> None:
        space = current_theme().spacing
        words = date_long(date)
        top = QHBoxLayout()
        top.setSpacing(space.s)
        top.addWidget(label(words[:1].upper() + words[1:], "title"))
        self._badge = Badge(_("Today"), "accent")
        top.addWidget(self._badge)
        top.addStretch(1)
        for made in self.buttons:
            top.addWidget(made)
        waiting = Card()
        waiting.body.setSpacing(space.xs)
        waiting.body.addWidget(label(_("Waiting room"), "heading"))
        waiting.body.addWidget(self.waiting)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(space.m)
        column.addWidget(self.details)
        column.addWidget(waiting)
        column.addWidget(
            KeysCard(
                (
                    ("←↑↓→", _("walk through the day")),
                    ("Ctrl F", _("find a name")),
                    ("T", _("now")),
                    ("Ctrl + −", _("larger or smaller")),
                    ("Ctrl L", _("lock")),
                )
            )
        )
        column.addStretch(1)
        side = QScrollArea()
        side.setFrameShape(QFrame.Shape.NoFrame)
        side.setWidgetResizable(True)
        side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side.setWidget(inside)
        scaled(side, 276)
        body = QHBoxLayout()
        body.setSpacing(space.m)
        body.addWidget(self.frame, 1)
        body.addWidget(side)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space.m)
        layout.addWidget(self.banner)
        layout.addLayout(top)
        layout.addLayout(body, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard works at once."""
        super().showEvent(event)
        self.grid.setFocus()

    def go_to_now(self) -> None:
        """Stand where the day has come to, a little above the middle."""
        now = self._now()
        self.grid.select(*self.model.first_place(now, self.grid.slot))
        self.frame.show_minute(max(0, self.model.first_minute(now) - 15))

    def find_on_day(self) -> None:
        """Look for a name or a phone among the day's visits."""
        DayFinder(self, self.model, self._now(), self.grid.select).open()

    def close_dialogs(self) -> None:
        """Nothing of the day is to be seen any more."""
        for finder in self.findChildren(DayFinder):
            finder.close()

    def _selected(self, item: DayAppointment | None) -> None:
        self.details.show_item(item, self.model, self._now(), [])

    def _tick(self) -> None:
        self.grid.tick()
        self.frame.refresh()
        self.waiting.show_day(self.model, self._now())
        day = self.model.agenda.day
        self._badge.setVisible(day.start <= self._now() < day.end)
        self._selected(self.grid.current())
