"""The line above the grid: which day, whose columns, and what can be looked for."""

from __future__ import annotations

import datetime as dt

from PySide6.QtCore import QDate, QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCalendarWidget,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.locale_format import date_brief, date_long, date_medium
from desktop.domain.messages import _, ngettext
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Badge, IconButton, button
from desktop.services.agenda_records import Option
from desktop.views.agenda.side import Tool


class DayPicker(QWidget):
    """A calendar in a popup.

    :ivar picked: a ``datetime.date``.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.calendar = QCalendarWidget()
        self.calendar.setFirstDayOfWeek(Qt.DayOfWeek.Monday)
        self.calendar.setGridVisible(False)
        self.calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.calendar)
        self.calendar.clicked.connect(self._pick)
        self.calendar.activated.connect(self._pick)

    def show_under(self, widget: QWidget, day: dt.date) -> None:
        """Open under a button, on ``day``."""
        self.calendar.setSelectedDate(QDate(day.year, day.month, day.day))
        self.move(widget.mapToGlobal(QPoint(0, widget.height() + 4)))
        self.show()
        self.calendar.setFocus()

    def _pick(self, day: QDate) -> None:
        self.hide()
        self.picked.emit(dt.date(day.year(), day.month(), day.day()))


class Filter(QToolButton):
    """Whose columns are shown.

    :ivar chosen: a frozenset of practitioner ids, ``None`` for all.
    :ivar cancelledShown: whether cancelled appointments are to be seen.
    """

    chosen = Signal(object)
    cancelledShown = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._people: tuple[Option, ...] = ()
        self._ids: frozenset[int] | None = None
        self._cancelled = False
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMenu(QMenu(self))
        self.menu().aboutToShow.connect(self._fill)
        self._name()

    def show_state(
        self, people: tuple[Option, ...], ids: frozenset[int] | None, *, cancelled: bool
    ) -> None:
        """What there is to choose from, and what is chosen."""
        self._people, self._ids, self._cancelled = people, ids, cancelled
        self._name()

    def _name(self) -> None:
        if self._ids is None:
            text = _("Everybody")
        elif len(self._ids) == 1:
            text = next((one.name for one in self._people if one.id in self._ids), "")
        else:
            count = len(self._ids)
            text = ngettext("{n} practitioner", "{n} practitioners", count).format(n=count)
        self.setText(f"{text}  ▾")
        self.setAccessibleName(_("Practitioners shown: {names}").format(names=text))

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()
        everybody = menu.addAction(_("Everybody"))
        everybody.setCheckable(True)
        everybody.setChecked(self._ids is None)
        everybody.triggered.connect(lambda: self._choose(None))
        menu.addSeparator()
        for person in self._people:
            action = menu.addAction(person.name)
            action.setCheckable(True)
            action.setChecked(self._ids is None or person.id in self._ids)
            action.triggered.connect(lambda _on=False, id_=person.id: self._toggle(id_))
        menu.addSeparator()
        cancelled = menu.addAction(_("Show cancelled appointments"))
        cancelled.setCheckable(True)
        cancelled.setChecked(self._cancelled)
        cancelled.triggered.connect(self.cancelledShown)

    def _toggle(self, person_id: int) -> None:
        """From everybody, a click leaves only that one; from some, it adds or takes away."""
        ids = frozenset({person_id}) if self._ids is None else self._ids ^ {person_id}
        self._choose(None if not ids or len(ids) == len(self._people) else ids)

    def _choose(self, ids: frozenset[int] | None) -> None:
        self._ids = ids
        self._name()
        self.chosen.emit(ids)


class Toolbar(QWidget):
    """Buttons over actions that the screen owns.

    :ivar dayPicked: a ``datetime.date``.
    """

    dayPicked = Signal(object)

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        space = current_theme().spacing
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space.s)
        self.today = button(actions["today"].text())
        self.today.clicked.connect(actions["today"].trigger)
        self.today.setToolTip(f"{actions['today'].text()} (T)")
        self.title = QToolButton()
        self.title.setMinimumWidth(current_theme().px(80))
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._restyle()
        theme_switch().themeChanged.connect(self._restyle)
        self.title.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.title.clicked.connect(self.pick_day)
        self.title.setToolTip(_("Choose a day (G)"))
        self.badge = Badge("", "accent")
        self.filter = Filter()
        self.picker = DayPicker(self)
        self.picker.picked.connect(self.dayPicked)
        self._date = dt.date.min
        self.first = IconButton(actions["first_free"].text(), icon="clock")
        self.first.setAutoDefault(False)
        self.first.clicked.connect(actions["first_free"].trigger)
        self.first.setToolTip(f"{actions['first_free'].text()} (F)")
        self.first.setAccessibleName(actions["first_free"].text())
        self.new = IconButton(actions["new"].text(), "primary", icon="plus")
        self.new.setAutoDefault(False)
        self.new.clicked.connect(actions["new"].trigger)
        self.new.setEnabled(actions["new"].isEnabled())
        self.new.setToolTip(f"{actions['new'].text()} (N)")
        self.new.setAccessibleName(actions["new"].text())
        for widget in (
            self.today,
            Tool("chevron-left", actions["previous"]),
            Tool("chevron-right", actions["next"]),
            self.title,
            self.badge,
        ):
            layout.addWidget(widget)
        layout.addStretch(1)
        for widget in (
            self.filter,
            Tool("undo", actions["undo"]),
            Tool("print", actions["print"]),
            self.first,
            self.new,
        ):
            layout.addWidget(widget)

    def _restyle(self) -> None:
        size = current_theme().size("title")
        self.title.setStyleSheet(f"QToolButton {{ font-size: {size}px; font-weight: 600; }}")

    def show_date(self, date: dt.date, today: dt.date) -> None:
        """Name the day that is shown."""
        self._date = date
        self._name_day()
        days = (date - today).days
        words = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}
        self.badge.show_text(words.get(days, ""), "accent" if days == 0 else "neutral")

    def _name_day(self) -> None:
        """The day as fully as there is room; where there is little, buttons go without words."""
        first, new = self.first.accessibleName(), self.new.accessibleName()
        for on_first, on_new, spell in (
            (first, new, date_long),
            (first, new, date_medium),
            ("", new, date_medium),
            ("", new, date_brief),
            ("", "", date_medium),
            ("", "", date_brief),
        ):
            day = spell(self._date)
            day = day[:1].upper() + day[1:]
            if self._takes(on_first, on_new, day) <= self.width():
                break
        for made, text, icon in ((self.first, on_first, "clock"), (self.new, on_new, "plus")):
            if text != made.text():
                made.setText(text)
                made.set_icon(icon)
        self.title.setText(day)

    def _takes(self, on_first: str, on_new: str, day: str) -> int:
        """The width of the line with other words on its buttons and another name of the day."""
        self.title.ensurePolished()
        took = self.sizeHint().width()
        for part, text in ((self.first, on_first), (self.new, on_new), (self.title, day)):
            metrics = part.fontMetrics()
            took += metrics.horizontalAdvance(text) - metrics.horizontalAdvance(part.text())
        return took

    def event(self, event: QEvent) -> bool:
        """Name the day anew whenever the room for it is another."""
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._name_day()
        return done

    def pick_day(self) -> None:
        """Open the calendar."""
        self.picker.show_under(self.title, self._date)
