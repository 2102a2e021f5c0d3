"""Beside the grid: the selected appointment with its next steps, and who is waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop.domain import statuses
from desktop.domain.messages import _, ngettext
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Banner, Card, KeyHint, button, label, line, row, scaled
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import describe
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.paint import STATUS_ICONS, minutes_waited

LONG_WAIT = 20
"""Minutes after which somebody has been waiting for long."""


class StatusPill(QWidget):
    """A status in its colour, its icon and its word."""

    def __init__(self) -> None:
        super().__init__()
        self._item: DayAppointment | None = None
        self._text = ""
        scaled(self, height=26)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_item(self, item: DayAppointment, text: str) -> None:
        """Change what it says."""
        self._item, self._text = item, text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its words."""
        return QSize(200, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A pill."""
        if self._item is None:
            return
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        status = self._item.status
        token = f"status.{status.value}" if status is not None else "status.completada"
        painter.setFont(theme.font("small", bold=True))
        size = theme.px(14)
        words = painter.fontMetrics().horizontalAdvance(self._text)
        width = min(self.width(), words + size + 26)
        pill = QRect(0, 0, width, self.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(token))
        painter.drawRoundedRect(pill, self.height() / 2, self.height() / 2)
        if status is not None:
            icon = theme.icon(STATUS_ICONS[status], f"{token}.text")
            icon.paint(painter, QRect(10, (self.height() - size) // 2, size, size))
        painter.setPen(theme.color(f"{token}.text"))
        painter.drawText(
            pill.adjusted(size + 15, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, self._text
        )


class DetailsCard(Card):
    """The selected appointment, and a button for each thing that can be done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.name = label("", "heading", wrap=True)
        self.pill = StatusPill()
        self.times = label("", "", wrap=True)
        self.lines = label("", "muted", wrap=True)
        self.allergies = Banner("", "danger")
        self.provisional = label(_("Not yet confirmed by the server."), "small", wrap=True)
        self.hint = label(_("Choose an appointment to see it here."), "muted", wrap=True)
        self._shown: tuple[DayAppointment | None, list[str]] = (None, [])
        self._buttons = QVBoxLayout()
        self._buttons.setSpacing(current_theme().spacing.xs)
        for widget in (
            self.name,
            self.pill,
            self.times,
            self.allergies,
            self.lines,
            self.provisional,
            self.hint,
        ):
            self.body.addWidget(widget)
        self.body.addLayout(self._buttons)
        self.body.setSpacing(current_theme().spacing.s)

    def show_item(
        self,
        item: DayAppointment | None,
        model: DayModel,
        now: dt.datetime,
        actions: list[QAction],
    ) -> None:
        """Show ``item``; ``actions`` become buttons, the first the main one."""
        words = [action.text() for action in actions]
        if item is not None and (item, words) == self._shown:
            self.pill.show_item(item, describe.status(item, now))
            return
        self._shown = (item, words)
        shown = item is not None
        for widget in (self.name, self.pill, self.times, self.lines):
            widget.setVisible(shown)
        self.hint.setVisible(not shown)
        self.provisional.setVisible(item is not None and item.provisional)
        self.allergies.show_text("")
        self._clear()
        if item is None:
            return
        column = model.agenda.columns[model.column_of[item.id]]
        self.name.setText(describe.title(item))
        self.pill.show_item(item, describe.status(item, now))
        minutes = (item.ends_at - item.starts_at) // dt.timedelta(minutes=1)
        length = ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
        self.times.setText(
            f"{describe.times(item, model.agenda.day.zone)} · {length}\n"
            f"{describe.column_name(column)}"
        )
        if item.allergies:
            self.allergies.show_text(_("Allergies: {text}").format(text=item.allergies))
        parts = [
            item.service_name,
            describe.reason(item),
            item.room_name,
            describe.phone(item),
            item.notes,
            _("Client's note: {text}").format(text=item.client_notes) if item.client_notes else "",
            _("Overbooked: {text}").format(text=item.overbooking_reason)
            if item.overbooking_reason
            else "",
            _("Reason: {text}").format(text=item.absence_reason) if item.absence_reason else "",
        ]
        self.lines.setText("\n".join(part for part in parts if part))
        self.lines.setVisible(bool(self.lines.text()))
        for index, action in enumerate(actions):
            made = button(action.text(), "primary" if index == 0 else "")
            made.clicked.connect(action.trigger)
            keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
            made.setToolTip(f"{action.text()} ({keys})" if keys else action.text())
            self._buttons.addWidget(made)

    def _clear(self) -> None:
        while (entry := self._buttons.takeAt(0)) is not None:
            widget = entry.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()


class WaitingList(QWidget):
    """Who is in the waiting room, longest first, painted by one widget.

    :ivar chosen: an appointment's id.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._items: list[tuple[DayAppointment, str]] = []
        self._now = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.setAccessibleName(_("Waiting room"))
        theme_switch().themeChanged.connect(self._resize)

    @property
    def ids(self) -> list[int]:
        """The appointments that it shows, in order."""
        return [item.id for item, _column in self._items]

    def show_day(self, model: DayModel, now: dt.datetime) -> None:
        """Show who waits now."""
        waiting = [item for item in model.by_id.values() if item.status in statuses.WAITING]
        waiting.sort(key=lambda item: (item.arrived_at or item.starts_at, item.id))
        columns = model.agenda.columns
        self._items = [
            (item, describe.column_name(columns[model.column_of[item.id]])) for item in waiting
        ]
        self._now = now
        self.setAccessibleDescription(
            "; ".join(f"{describe.title(item)}, {describe.status(item, now)}" for item in waiting)
        )
        self._resize()

    def _resize(self) -> None:
        self.setFixedHeight(max(1, len(self._items)) * self._row())
        self.update()

    @staticmethod
    def _row() -> int:
        return current_theme().px(46)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a line."""
        index = int(event.position().y()) // self._row()
        if 0 <= index < len(self._items):
            self.chosen.emit(self._items[index][0].id)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A line for each: who, for whom, how long."""
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._items:
            painter.setFont(theme.font())
            painter.setPen(theme.color("text_muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, _("Nobody is waiting."))
            return
        for index, (item, column) in enumerate(self._items):
            self._paint_row(
                painter, QRect(0, index * self._row(), self.width(), self._row()), item, column
            )

    def _paint_row(self, painter: QPainter, rect: QRect, item: DayAppointment, column: str) -> None:
        theme = current_theme()
        status = item.status
        token = f"status.{status.value}" if status is not None else "status.en_espera"
        minutes = minutes_waited(item, self._now) or 0
        text = _("{n} min").format(n=minutes)
        painter.setFont(theme.font("small", bold=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 16
        high = theme.px(22)
        pill = QRect(rect.right() - width, rect.y() + (rect.height() - high) // 2, width, high)
        late = minutes >= LONG_WAIT
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("danger_soft" if late else token))
        painter.drawRoundedRect(pill, high / 2, high / 2)
        painter.setPen(theme.color("danger_soft.text" if late else f"{token}.text"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
        size = theme.px(16)
        if status is not None:
            icon = theme.icon(STATUS_ICONS[status], f"{token}.text")
            icon.paint(painter, QRect(0, rect.y() + (rect.height() - size) // 2, size, size))
        left = size + 8
        room = pill.left() - left - 6
        metrics = painter.fontMetrics()
        painter.setPen(theme.color("text"))
        name = metrics.elidedText(describe.title(item), Qt.TextElideMode.ElideRight, room)
        inside = QRect(left, rect.y() + 6, room, rect.height() - 12)
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("text_muted"))
        second = painter.fontMetrics().elidedText(
            f"{statuses.label(item.status_value)} · {column}", Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(inside, Qt.AlignmentFlag.AlignBottom, second)


class KeysCard(Card):
    """Keys and what they do, for who has not yet got them in the fingers.

    :param keys: the agenda's own where none are given.
    """

    def __init__(self, keys: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.body.setSpacing(current_theme().spacing.xs)
        self.body.addWidget(label(_("Keys"), "label"))
        self.body.addWidget(line())
        for shortcut, text in keys or (
            ("Enter", _("open or book")),
            ("Ctrl ←↑↓→", _("move")),
            ("Shift ↑↓", _("longer or shorter")),
            ("C", _("check in")),
            ("S", _("next step")),
            ("Ctrl F", _("find a name")),
            ("Ctrl Z", _("undo")),
        ):
            self.body.addLayout(row(KeyHint(shortcut), label(text, "small"), stretch=True))


class Tool(QToolButton):
    """A small button over an action: an icon that follows the theme, and words in its tooltip."""

    def __init__(self, icon: str, action: QAction) -> None:
        super().__init__()
        self._icon = icon
        text = action.text()
        keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({keys})" if keys else text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)
        theme_switch().themeChanged.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.setIcon(current_theme().icon(self._icon))
