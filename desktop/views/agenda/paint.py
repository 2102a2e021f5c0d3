"""How the agenda is drawn: background, blocks, previews. Colours come from the theme alone."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QStaticText,
    QTransform,
)

from desktop.domain import statuses
from desktop.domain.agenda_layout import Placed
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.qt import icons
from desktop.qt.theme import Theme
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import describe
from desktop.views.agenda.geometry import Geometry
from desktop.views.agenda.model import DayModel

RADIUS = 5.0
BAR = 4
REMEMBERED = 4096
"""Cut texts that are kept, and eight times as many as block shapes."""
NARROW = 58
"""Pixels below which a lane holds initials and the hour, not names."""
STATUS_ICONS = {
    Status.AVAILABLE: "plus",
    Status.BOOKED: "agenda",
    Status.CONFIRMED: "check",
    Status.ARRIVED: "clock",
    Status.READY: "person",
    Status.IN_PROGRESS: "door",
    Status.FINISHED: "success",
    Status.COMPLETED: "lock",
    Status.CANCELLED: "close",
    Status.NO_SHOW: "warning",
}


def clock_span(model: DayModel, start: int, end: int) -> str:
    """``09:00–09:30``."""
    day = model.agenda.day
    return f"{day.clock_at(start)}–{day.clock_at(end)}"


def minutes_waited(item: DayAppointment, now: dt.datetime) -> int | None:
    """Whole minutes in the waiting room; ``None`` who isn't there."""
    waited = item.waited(now)
    return None if waited is None else waited // dt.timedelta(minutes=1)


class _Look(NamedTuple):
    """What makes a block's shape; blocks of one look share a picture."""

    token: str
    width: int
    height: int
    ratio: float
    on_offer: bool
    provisional: bool
    overbooked: bool


class Painter:
    """Draws one day in one theme at one scale. Fonts and measures are made once."""

    def __init__(self, theme: Theme, geometry: Geometry, model: DayModel, slot: int) -> None:
        self.theme = theme
        self.geometry = geometry
        self.model = model
        self.slot = slot
        self.bold = theme.font("small", bold=True)
        self.plain = theme.font("small")
        self.struck = QFont(self.bold)
        self.struck.setStrikeOut(True)
        self._bold_metrics = QFontMetrics(self.bold)
        self._plain_metrics = QFontMetrics(self.plain)
        self.line = self._bold_metrics.height()
        self.icon = theme.px(12)
        self._colours: dict[str, QColor] = {}
        self._shapes: dict[_Look, QPixmap] = {}
        self._cut: dict[tuple[bool, str, int], str] = {}
        self._seen: set[tuple[int, str, int]] = set()
        self._shaped: dict[tuple[int, str, int], QStaticText] = {}
        self._clocks: dict[tuple[dt.datetime, int], str] = {}
        self._words = {status: statuses.label(status) for status in Status}

    # Background -----------------------------------------------------------------------------

    def background(self, painter: QPainter, area: QRect) -> None:
        """Columns, working hours and lines inside ``area``."""
        theme, geometry, day = self.theme, self.geometry, self.model.agenda.day
        painter.fillRect(area, theme.color("non_working"))
        surface = theme.color("surface")
        for index, column in enumerate(self.model.agenda.columns):
            left = geometry.x(index)
            if left > area.right() or left + geometry.column_width < area.left():
                continue
            for stretch in column.working:
                top = geometry.y(day.minute_of(stretch.start))
                bottom = geometry.y(day.minute_of(stretch.end))
                painter.fillRect(left, top, geometry.column_width, bottom - top, surface)
        self._lines(painter, area)

    def _lines(self, painter: QPainter, area: QRect) -> None:
        geometry = self.geometry
        thin, strong = self.theme.color("grid"), self.theme.color("grid_strong")
        painter.setPen(QPen(thin, 1, Qt.PenStyle.DotLine))
        first = geometry.minute_at(area.top()) // self.slot * self.slot
        for minute in range(first, geometry.minute_at(area.bottom()) + self.slot, self.slot):
            y = geometry.y(minute)
            if minute % 30 == 0:
                # A filled rectangle: a smoothed line takes the rasterizer twenty times as long.
                line = QRectF(area.left(), y - 0.5, area.width(), 1)
                painter.fillRect(line, strong if minute % 60 == 0 else thin)
            elif self.slot * geometry.scale >= 14:
                painter.drawLine(area.left(), y, area.right(), y)
        painter.setPen(QPen(strong, 1))
        for index in range(geometry.columns + 1):
            x = geometry.x(index) - 1
            if area.left() <= x <= area.right():
                painter.drawLine(x, area.top(), x, area.bottom())

    # Blocks ---------------------------------------------------------------------------------

    def blocks(self, painter: QPainter, area: QRect, now: dt.datetime) -> None:
        """Every block that touches ``area``."""
        geometry = self.geometry
        first, last = geometry.minute_at(area.top()) - 1, geometry.minute_at(area.bottom()) + 1
        for index, column in enumerate(self.model.placed):
            left = geometry.x(index)
            if left > area.right() or left + geometry.column_width < area.left():
                continue
            for placed in column:
                if placed.start > last or placed.end < first:
                    continue
                rect = geometry.block(index, placed)
                if rect.intersects(area):
                    self.block(painter, rect, placed, self.model.by_id[placed.key], now)

    def block(
        self,
        painter: QPainter,
        rect: QRect,
        placed: Placed,
        item: DayAppointment,
        now: dt.datetime,
    ) -> None:
        """One appointment, or slot on offer."""
        status = item.status
        look = _Look(
            f"status.{status.value}" if status is not None else "status.completada",
            rect.width(),
            rect.height(),
            painter.device().devicePixelRatioF(),
            on_offer=status is Status.AVAILABLE,
            provisional=item.provisional,
            overbooked=bool(item.overbooking_reason),
        )
        shape = self._shapes.get(look)
        if shape is None:
            if len(self._shapes) >= REMEMBERED // 8:
                self._shapes.clear()
            shape = self._shapes[look] = self._shape(look)
        painter.drawPixmap(rect.topLeft(), shape)
        if rect.height() >= self.line - 4:
            colour = self._colour(f"{look.token}.text")
            self._text(painter, rect, placed, item, status, colour, look.ratio, now)

    def _shape(self, look: _Look) -> QPixmap:
        """The block without its words. Few differ: visits are alike in length, columns in width."""
        shape = QPixmap(round(look.width * look.ratio), round(look.height * look.ratio))
        shape.setDevicePixelRatio(look.ratio)
        shape.fill(Qt.GlobalColor.transparent)
        fill, bar = self._colour(look.token), self._colour(f"{look.token}.bar")
        dashed = look.on_offer or look.provisional
        brush = QPainter(shape)
        brush.setRenderHint(QPainter.RenderHint.Antialiasing)
        brush.setPen(QPen(bar, 1, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
        brush.setBrush(fill)
        frame = QRectF(0.5, 0.5, look.width - 1, look.height - 1)
        brush.drawRoundedRect(frame, RADIUS, RADIUS)
        if look.on_offer:
            brush.setBrush(QBrush(_faded(bar, 60), Qt.BrushStyle.BDiagPattern))
            brush.drawRoundedRect(frame, RADIUS, RADIUS)
        else:
            brush.setPen(Qt.PenStyle.NoPen)
            brush.setBrush(bar)
            brush.drawRoundedRect(QRectF(0, 0, BAR, look.height), 2, 2)
        if look.overbooked:
            self._corner(brush, look)
        brush.end()
        return shape

    def _corner(self, brush: QPainter, look: _Look) -> None:
        """A folded corner says that the double booking is meant."""
        side = self.theme.px(9)
        corner = QPointF(look.width, look.height)
        brush.setPen(Qt.PenStyle.NoPen)
        brush.setBrush(self._colour("warning"))
        brush.drawPolygon(QPolygonF([corner, corner - QPointF(side, 0), corner - QPointF(0, side)]))

    def _colour(self, token: str) -> QColor:
        found = self._colours.get(token)
        if found is None:
            found = self._colours[token] = self.theme.color(token)
        return found

    def _clock(self, minute: int) -> str:
        """What the clinic's clock shows; asked for again and again, and slow to work out."""
        day = self.model.agenda.day
        key = (day.start, minute)
        found = self._clocks.get(key)
        if found is None:
            if len(self._clocks) >= REMEMBERED:
                self._clocks.clear()
            found = self._clocks[key] = day.clock_at(minute)
        return found

    def _elided(self, metrics: QFontMetrics, text: str, width: int) -> str:
        """``text``, cut where it doesn't fit; remembered, since names and services come again."""
        key = (metrics is self._bold_metrics, text, width)
        found = self._cut.get(key)
        if found is None:
            if len(self._cut) >= REMEMBERED:
                self._cut.clear()
            found = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, width))
            self._cut[key] = found
        return found

    def _write(
        self,
        painter: QPainter,
        font: QFont,
        metrics: QFontMetrics,
        text: str,
        left: int,
        top: int,
        room: int,
    ) -> None:
        """One line of ``text`` in the painter's colour, cut where it doesn't fit.

        What comes a second time (hours, statuses, services, a day looked at again) is kept shaped,
        which halves its drawing; shaping what comes once would cost more than it saves.
        """
        key = (id(font), text, room)
        shaped = self._shaped.get(key)
        if shaped is None:
            cut = self._elided(metrics, text, room)
            # Shaped, a line through the words would stand a hair lower on a dense screen.
            if font is self.struck or key not in self._seen:
                self._seen.add(key)
                painter.setFont(font)
                painter.drawText(left, top + metrics.ascent(), cut)
                return
            if len(self._shaped) >= REMEMBERED:
                self._shaped.clear()
            shaped = self._shaped[key] = QStaticText(cut)
            shaped.setTextFormat(Qt.TextFormat.PlainText)
            shaped.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            shaped.prepare(QTransform(), font)
        painter.setFont(font)
        painter.drawStaticText(left, top, shaped)

    def _text(
        self,
        painter: QPainter,
        rect: QRect,
        placed: Placed,
        item: DayAppointment,
        status: Status | None,
        colour: QColor,
        ratio: float,
        now: dt.datetime,
    ) -> None:
        left, top = rect.x() + BAR + 5, rect.y() + 2
        right = rect.right() - 4
        roomy = rect.height() >= 2 * self.line + 4
        if not roomy:
            top = rect.y() + max(0, (rect.height() - self.line) // 2)
        for name, token in self._marks(item):
            if right - left < 3 * self.icon:
                break
            right -= self.icon
            self._icon(painter, name, self._colour(token), right, top, ratio)
            right -= 3
        word = self._word(item, status, now)
        on_offer = status is Status.AVAILABLE
        title = item.client_name or (word if on_offer else _("No name"))
        narrow = rect.width() < self.theme.px(NARROW)
        if narrow:
            title = "".join(part[:1] for part in title.split()[:2])
        if not roomy and status is not None and right - left > 2 * self.icon + 12:
            self._icon(painter, STATUS_ICONS[status], colour, left, top, ratio)
            left += self.icon + 4
        painter.setPen(colour)
        font = self.struck if status in statuses.CALLED_OFF else self.bold
        self._write(painter, font, self._bold_metrics, title, left, top, right - left)
        if not roomy:
            self._tail(painter, item, status, word, title, left, right, top)
            return
        clock = self._clock(placed.start)
        second = clock if on_offer or narrow else f"{clock}  {word}"
        self._second_line(painter, rect, item, status, second, colour, ratio)

    def _tail(
        self,
        painter: QPainter,
        item: DayAppointment,
        status: Status | None,
        word: str,
        shown: str,
        left: int,
        right: int,
        top: int,
    ) -> None:
        """What still fits beside the name in a block of one line."""
        used = self._bold_metrics.horizontalAdvance(shown)
        room = right - left - used - 10
        if room < 40:
            return
        tail = " · ".join(part for part in (word, item.service_name) if part)
        if status is Status.AVAILABLE:
            tail = item.service_name
        # On the name's own baseline: bold stands higher than plain.
        top += self._bold_metrics.ascent() - self._plain_metrics.ascent()
        self._write(painter, self.plain, self._plain_metrics, tail, left + used + 8, top, room)

    def _second_line(
        self,
        painter: QPainter,
        rect: QRect,
        item: DayAppointment,
        status: Status | None,
        word: str,
        colour: QColor,
        ratio: float,
    ) -> None:
        left, right = rect.x() + BAR + 5, rect.right() - 4
        top = rect.y() + 2 + self.line
        indent = 0
        if status is not None:
            self._icon(painter, STATUS_ICONS[status], colour, left, top, ratio)
            indent = self.icon + 4
        lines = [word, item.service_name, describe.reason(item), item.room_name]
        if rect.height() < 3 * self.line + 4:
            lines = [" · ".join(part for part in (word, item.service_name) if part)]
        for text in filter(None, lines):
            if top + self.line > rect.bottom():
                break
            room = right - left - indent
            self._write(painter, self.plain, self._plain_metrics, text, left + indent, top, room)
            top, indent = top + self.line, 0

    def _word(self, item: DayAppointment, status: Status | None, now: dt.datetime) -> str:
        word = self._words[status] if status is not None else item.status_value
        waited = minutes_waited(item, now)
        if waited is not None:
            word = _("{status} {n} min").format(status=word, n=waited)
        return word

    @staticmethod
    def _marks(item: DayAppointment) -> list[tuple[str, str]]:
        """Small signs at the upper right: (icon, colour)."""
        marks = []
        if item.allergies:
            marks.append(("alert", "danger"))
        if item.provisional:
            marks.append(("sync", "text_muted"))
        return marks

    def _icon(
        self, painter: QPainter, name: str, colour: QColor, x: int, top: int, ratio: float
    ) -> None:
        drawn: QPixmap = icons.pixmap(name, colour.name(), self.icon, ratio)
        painter.drawPixmap(QPointF(x, top + (self.line - self.icon) / 2), drawn)

    # What changes from moment to moment -----------------------------------------------------

    def outline(self, painter: QPainter, rect: QRect, token: str, width: float) -> None:
        """A frame around a block."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.theme.color(token), width))
        painter.drawRoundedRect(QRectF(rect).adjusted(-0.5, -0.5, 0.5, 0.5), RADIUS, RADIUS)

    def cursor(self, painter: QPainter, rect: QRect, text: str) -> None:
        """The free place where Enter would book."""
        painter.setBrush(_faded(self.theme.color("accent"), 30))
        painter.setPen(QPen(self.theme.color("accent"), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setPen(self.theme.color("accent_soft.text"))
        painter.setFont(self.bold)
        inside = rect.adjusted(8, 0, -4, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def ghost(
        self, painter: QPainter, rect: QRect, title: str, times: str, *, clashes: bool
    ) -> None:
        """The preview of a gesture, in red where the practitioner is taken."""
        tone = "danger" if clashes else "accent"
        fill = self.theme.color(f"{tone}_soft")
        fill.setAlpha(225)
        painter.setBrush(fill)
        painter.setPen(QPen(self.theme.color(tone), 2))
        painter.drawRoundedRect(QRectF(rect), RADIUS, RADIUS)
        painter.setPen(self.theme.color(f"{tone}_soft.text"))
        painter.setFont(self.bold)
        left, room = rect.x() + 9, rect.width() - 14
        text = times if not title else f"{times}  {title}"
        if clashes:
            text = _("{times}  taken").format(times=times)
        top = rect.y() + (2 if rect.height() > 2 * self.line else (rect.height() - self.line) // 2)
        painter.drawText(
            QPointF(left, top + self._bold_metrics.ascent()),
            self._elided(self._bold_metrics, text, room),
        )
        if title and rect.height() > 2 * self.line:
            painter.setFont(self.plain)
            painter.drawText(
                QPointF(left, top + self.line + self._plain_metrics.ascent()),
                self._elided(self._plain_metrics, title, room),
            )

    def dim(self, painter: QPainter, rect: QRect) -> None:
        """What is being moved steps back where it was."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faded(self.theme.color("surface"), 170))
        painter.drawRoundedRect(QRectF(rect), RADIUS, RADIUS)

    def now_line(self, painter: QPainter, y: int, area: QRect) -> None:
        """Where the day stands."""
        painter.setPen(QPen(self.theme.color("now"), 1.5))
        painter.drawLine(area.left(), y, area.right(), y)


def _faded(colour: QColor, alpha: int) -> QColor:
    made = QColor(colour)
    made.setAlpha(alpha)
    return made
