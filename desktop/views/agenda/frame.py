"""The fixed parts around the grid: practitioners above, the clock at the left, and the scrolling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QToolTip, QWidget

from desktop.domain import statuses
from desktop.domain.messages import ngettext
from desktop.domain.statuses import Status
from desktop.qt.theme import current_theme, theme_switch
from desktop.views.agenda import describe
from desktop.views.agenda.grid import Grid
from desktop.views.agenda.model import DayModel


class Header(QWidget):
    """The practitioners' names over their columns."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self._grid = grid
        self._offset = 0
        theme_switch().themeChanged.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        """Two lines of text high."""
        self.setFixedHeight(current_theme().px(46))
        self.update()

    def scroll_to(self, offset: int) -> None:
        """Follow the grid sideways."""
        self._offset = offset
        self.update()

    def event(self, event: QEvent) -> bool:
        """The tooltip has a name whole, where the column is too narrow for it."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            model = self._grid.model
            at = self._grid.geometry_now().column_at(event.x() + self._offset)
            if model is not None and 0 <= at < len(model.agenda.columns):
                column = model.agenda.columns[at]
                words = [describe.column_name(column), column.specialty]
                text = " · ".join(word for word in words if word)
                QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A name, a specialty and how full the day is, for each column."""
        theme, painter = current_theme(), QPainter(self)
        painter.fillRect(self.rect(), theme.color("surface"))
        model = self._grid.model
        if model is not None:
            geometry = self._grid.geometry_now()
            for index in range(len(model.agenda.columns)):
                x = geometry.x(index) - self._offset
                if x < self.width() and x + geometry.column_width > 0:
                    self._paint_column(
                        painter, QRect(x, 0, geometry.column_width, self.height()), index, model
                    )
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _paint_column(self, painter: QPainter, rect: QRect, index: int, model: DayModel) -> None:
        theme = current_theme()
        column = model.agenda.columns[index]
        inside = rect.adjusted(10, 5, -8, -5)
        bold, plain = theme.font("base", bold=True), theme.font("small")
        painter.setFont(bold)
        painter.setPen(theme.color("text"))
        name = painter.fontMetrics().elidedText(
            describe.column_name(column), Qt.TextElideMode.ElideRight, inside.width()
        )
        flags = Qt.AlignmentFlag.AlignLeft
        painter.drawText(inside, flags | Qt.AlignmentFlag.AlignTop, name)
        count = sum(
            1
            for key, place in model.column_of.items()
            if place == index
            and model.by_id[key].status not in statuses.CALLED_OFF | {Status.AVAILABLE}
        )
        visits = ngettext("{n} visit", "{n} visits", count).format(n=count)
        painter.setFont(plain)
        painter.setPen(theme.color("text_muted"))
        small = painter.fontMetrics().elidedText(
            " · ".join(part for part in (visits, column.specialty) if part),
            Qt.TextElideMode.ElideRight,
            inside.width(),
        )
        painter.drawText(inside, flags | Qt.AlignmentFlag.AlignBottom, small)
        painter.setPen(QPen(theme.color("grid_strong"), 1))
        painter.drawLine(rect.right(), rect.top() + 8, rect.right(), rect.bottom())


class Ruler(QWidget):
    """The clinic's clock beside the grid."""

    def __init__(self, grid: Grid, now: Callable[[], dt.datetime]) -> None:
        super().__init__()
        self._grid = grid
        self._now = now
        self._offset = 0
        theme_switch().themeChanged.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        """As wide as a time is."""
        self.setFixedWidth(current_theme().px(52))
        self.update()

    def scroll_to(self, offset: int) -> None:
        """Follow the grid up and down."""
        self._offset = offset
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Every hour that passes, by what the clock shows then, and now in its own colour."""
        theme, painter = current_theme(), QPainter(self)
        painter.fillRect(self.rect(), theme.color("surface"))
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawLine(self.width() - 1, 0, self.width() - 1, self.height())
        model = self._grid.model
        if model is None:
            return
        geometry, day = self._grid.geometry_now(), model.agenda.day
        painter.setFont(theme.font("small"))
        high = painter.fontMetrics().height()
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for minute in range(0, day.minutes, 60):
            y = geometry.y(minute) - self._offset
            if -high < y < self.height() + high:
                painter.setPen(theme.color("text_muted"))
                top = y - high // 2 if minute else y + 1
                painter.drawText(QRect(0, top, self.width() - 8, high), flags, day.clock_at(minute))
        now = self._now()
        if day.start <= now < day.end:
            self._paint_now(painter, geometry.y(day.minute_of(now)) - self._offset, high, flags)

    def _paint_now(self, painter: QPainter, y: int, high: int, flags: Qt.AlignmentFlag) -> None:
        theme, model = current_theme(), self._grid.model
        if model is None:
            return
        clock = model.agenda.day.clock_at(model.agenda.day.minute_of(self._now()))
        painter.setFont(theme.font("small", bold=True))
        rect = QRect(3, y - high // 2 - 1, self.width() - 5, high + 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("now"))
        painter.drawRoundedRect(rect, 4, 4)
        painter.setPen(theme.color("surface"))
        painter.drawText(rect.adjusted(0, 0, -5, 0), flags, clock)


class GridFrame(QFrame):
    """The grid in its scroll area, with header and ruler that follow it.

    :ivar zoomed: an index into ``ZOOMS`` when it changes.
    """

    zoomed = Signal(int)

    def __init__(self, grid: Grid, now: Callable[[], dt.datetime]) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.grid = grid
        self.header = Header(grid)
        self.ruler = Ruler(grid, now)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(grid)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setCornerWidget(QWidget())
        layout = QGridLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.header, 0, 1)
        layout.addWidget(self.ruler, 1, 0)
        layout.addWidget(self.area, 1, 1)
        self.area.horizontalScrollBar().valueChanged.connect(self.header.scroll_to)
        self.area.verticalScrollBar().valueChanged.connect(self.ruler.scroll_to)
        self._wanted: int | None = None
        bar = self.area.verticalScrollBar()
        bar.rangeChanged.connect(self._go_on)
        bar.actionTriggered.connect(self._let_go)
        self.area.viewport().installEventFilter(self)
        grid.zoomAsked.connect(self.zoom_by)
        grid.resized.connect(self._keep_minute)
        grid.revealAsked.connect(self._reveal)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Columns share the room that there is."""
        if event.type() == QEvent.Type.Resize:
            self.grid.set_viewport(self.area.viewport().size())
            self.header.update()
            self.ruler.update()
        return False

    def refresh(self) -> None:
        """The day has changed."""
        self.header.update()
        self.ruler.update()

    def zoom_by(self, steps: int, y: int | None = None) -> None:
        """Larger or smaller; the minute at ``y`` of the grid stays where it is."""
        self._let_go()
        bar = self.area.verticalScrollBar()
        if y is None:
            y = bar.value() + self.area.viewport().height() // 2
        above = y - bar.value()
        minute = y / self.grid.geometry_now().scale
        self.grid.set_zoom(self.grid.zoom + steps)
        self.ruler.update()
        bar.setValue(round(minute * self.grid.geometry_now().scale) - above)
        self.zoomed.emit(self.grid.zoom)

    def _keep_minute(self, before: float, after: float) -> None:
        """Another size of the text: the minute at the top stays there."""
        bar = self.area.verticalScrollBar()
        bar.setValue(round(bar.value() * after / before))

    def show_minute(self, minute: int) -> None:
        """Scroll so that ``minute`` is at the top.

        Where there is no such range (the window is not laid out yet, or the day ends too soon),
        the wish stays until there is one or a person goes elsewhere.
        """
        self._wanted = minute
        self._go_on()

    def _go_on(self) -> None:
        """As near to the minute that is waited for as the range allows."""
        if self._wanted is None:
            return
        bar, y = self.area.verticalScrollBar(), self.grid.geometry_now().y(self._wanted)
        if self.isVisible() and y <= bar.maximum():
            self._wanted = None
        bar.setValue(y)

    def _let_go(self) -> None:
        """Nothing is waited for any more: a person has chosen what to see."""
        self._wanted = None

    def _reveal(self, rect: QRect) -> None:
        self._let_go()
        point = rect.center()
        half = min(rect.height() // 2, self.area.viewport().height() // 2 - 12)
        self.area.ensureVisible(
            point.x(), point.y(), min(rect.width() // 2, 200) + 4, max(12, half + 12)
        )
