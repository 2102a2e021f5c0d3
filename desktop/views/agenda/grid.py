"""The agenda's one widget: paints the day, and turns mouse and keys into what is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from desktop.domain import statuses
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.qt.theme import current_theme, theme_switch
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import describe, walking
from desktop.views.agenda.geometry import Geometry
from desktop.views.agenda.hits import hit_at, hit_of
from desktop.views.agenda.interaction import (
    Create,
    Ghost,
    Hit,
    Interaction,
    Mode,
    Move,
    Part,
    Select,
)
from desktop.views.agenda.layers import Tiles
from desktop.views.agenda.marks import Held, Marks
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.paint import Painter
from desktop.views.agenda.walking import Spot

ZOOMS = (0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2)
"""Pixels a minute, before the text's own scale."""
DEFAULT_ZOOM = 3
NARROWEST = 132


class Grid(QWidget):
    """A day by practitioner.

    :ivar zoom: an index into ``ZOOMS``.
    :ivar pending: where something was dropped, until the day is read again.
    :ivar held: a booking for which a place is looked for.
    :ivar selected: ``DayAppointment`` or ``None`` when the selection changes.
    :ivar createAsked: ``(column, start, end, dragged)`` in minutes of the day.
    :ivar moveAsked: a :class:`Move`.
    :ivar openAsked: an appointment's id.
    :ivar menuAsked: ``(appointment or None, global position)``.
    :ivar zoomAsked: steps up or down, and the y to keep in place.
    :ivar revealAsked: a rectangle that should be in sight.
    :ivar resized: pixels a minute before and after the text's size changed.
    """

    selected = Signal(object)
    createAsked = Signal(int, int, int, bool)
    moveAsked = Signal(object)
    openAsked = Signal(object)
    menuAsked = Signal(object, QPoint)
    zoomAsked = Signal(int, int)
    revealAsked = Signal(QRect)
    resized = Signal(float, float)

    def __init__(self, *, slot: int, now: Callable[[], dt.datetime], may_edit: bool) -> None:
        super().__init__()
        self.slot = slot
        self._now = now
        self.machine = Interaction(snap=slot)
        self.machine.may_edit = may_edit
        self.model: DayModel | None = None
        self.selection: int | None = None
        self._place = (0, 9 * 60)
        self.zoom = DEFAULT_ZOOM
        self._viewport = QSize(800, 600)
        self.pending: Ghost | None = None
        self.held: Held | None = None
        self._tiles = Tiles()
        self._painter: Painter | None = None
        self._pressed = QPoint()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(_("Agenda of the day"))
        theme_switch().themeChanged.connect(self._restyle)

    # What is shown --------------------------------------------------------------------------

    def show_day(self, model: DayModel) -> None:
        """Show a day; the selection stays where the appointment is still there."""
        before, self.model = self.model, model
        columns = len(model.agenda.columns)
        same = before is not None and (
            before.agenda.day == model.agenda.day and before.agenda.columns == model.agenda.columns
        )
        if not same:
            self.machine.cancel()
            self._tiles.clear()
        self.machine.columns, self.machine.minutes = columns, model.agenda.day.minutes
        self.pending = None
        if self.selection is not None and self.selection not in model.by_id:
            self.selection = None
        self._place = (min(self._place[0], max(0, columns - 1)), self._place[1])
        if before is not None and same and self._painter is not None:
            self._painter.model = model
            self._discard_changes(before, model)
        else:
            self._relayout()
        self.update()
        self.selected.emit(self.current())
        self._describe()

    def _discard_changes(self, before: DayModel, after: DayModel) -> None:
        """Only the tiles under a block that came, went or changed are painted again."""
        geometry = self.geometry_now()
        for old, new in ((before, after), (after, before)):
            for key, placed in old.place_of.items():
                column = old.column_of[key]
                if (
                    placed != new.place_of.get(key)
                    or column != new.column_of.get(key)
                    or old.by_id[key] != new.by_id.get(key)
                ):
                    self._tiles.discard(geometry.block(column, placed))

    @property
    def _shown(self) -> DayModel:
        if self.model is None:
            raise RuntimeError("no day is shown")
        return self.model

    def geometry_now(self) -> Geometry:
        """The grid's measures at the present zoom, text scale and width."""
        theme = current_theme()
        agenda = self.model.agenda if self.model is not None else None
        columns = max(1, len(agenda.columns)) if agenda else 1
        width = max(theme.px(NARROWEST), self._viewport.width() // columns)
        minutes = agenda.day.minutes if agenda else 1440
        return Geometry(columns, width, ZOOMS[self.zoom] * theme.scale, minutes)

    def set_viewport(self, size: QSize) -> None:
        """The scroll area's room has changed."""
        if size != self._viewport:
            self._viewport = size
            self._relayout()

    def set_zoom(self, index: int) -> None:
        """Another number of pixels a minute."""
        self.zoom = max(0, min(len(ZOOMS) - 1, index))
        self._relayout()

    def _restyle(self) -> None:
        before = self._painter.geometry.scale if self._painter is not None else None
        self._relayout()
        after = self.geometry_now().scale
        if before is not None and before != after:
            self.resized.emit(before, after)

    def _relayout(self) -> None:
        geometry = self.geometry_now()
        self._tiles.clear()
        if self.model is not None:
            theme, painter = current_theme(), self._painter
            if painter is None or (painter.theme, painter.geometry) != (theme, geometry):
                self._painter = Painter(theme, geometry, self.model, self.slot)
            else:
                painter.model = self.model
        self.setFixedSize(geometry.size)
        self.update()

    def tick(self) -> None:
        """A minute has passed: the now-line and the waiting times move on."""
        if self.model is None or self._painter is None:
            return
        for key, placed in self.model.place_of.items():
            if self.model.by_id[key].status in statuses.WAITING:
                self._tiles.discard(self._painter.geometry.block(self.model.column_of[key], placed))
        self.update()

    def expect(self, move: Move) -> None:
        """Show an appointment where it was dropped until the day is read again."""
        self.pending = Ghost(move.column, move.start, move.end, move.appointment_id)
        self.update()

    def hold(self, held: Held | None) -> None:
        """Show, where the keyboard stands, what would be booked there."""
        self.held = held
        self.update()

    def settle(self) -> None:
        """Show the day as it is: what was expected did not come."""
        self.pending = None
        self.update()

    # Selection ------------------------------------------------------------------------------

    def current(self) -> DayAppointment | None:
        """The selected appointment."""
        if self.model is None or self.selection is None:
            return None
        return self.model.by_id.get(self.selection)

    @property
    def place(self) -> tuple[int, int]:
        """(column, minute) where the keyboard stands."""
        return self._place

    def select(self, appointment_id: int | None, place: tuple[int, int] | None = None) -> None:
        """Take an appointment, or the free place ``(column, minute)``."""
        if self.model is None:
            return
        if appointment_id is not None and appointment_id in self.model.by_id:
            placed = self.model.place_of[appointment_id]
            self.selection = appointment_id
            self._place = (self.model.column_of[appointment_id], placed.start)
        else:
            self.selection = None
            self._place = place or self._place
        self.update()
        self.revealAsked.emit(self._focus_rect())
        self.selected.emit(self.current())
        self._describe()

    def _focus_rect(self) -> QRect:
        geometry = self.geometry_now()
        ghost = self.machine.ghost
        if ghost is not None:
            return geometry.span(ghost.column, ghost.start, ghost.end)
        if self.selection is not None:
            return self.block_rect(self.selection)
        column, minute = self._place
        return geometry.span(column, minute, minute + self.slot)

    def block_rect(self, appointment_id: int) -> QRect:
        """Where an appointment's block is drawn."""
        model = self._shown
        placed = model.place_of[appointment_id]
        return self.geometry_now().block(model.column_of[appointment_id], placed)

    def _describe(self) -> None:
        """Say where the keyboard stands, for a screen reader."""
        if self.model is None or not self.model.agenda.columns:
            return
        item, (column, minute) = self.current(), self._place
        if item is not None:
            text = describe.line(item, self.model, self._now())
        else:
            name = describe.column_name(self.model.agenda.columns[column])
            clock = self.model.agenda.day.clock_at(minute)
            text = _("{time} free, {practitioner}").format(time=clock, practitioner=name)
        self.setAccessibleDescription(text)

    # Painting -------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The layer, and over it what changes from moment to moment."""
        painter = QPainter(self)
        area = event.rect()
        draw = self._painter
        if draw is None or self.model is None:
            painter.fillRect(area, current_theme().color("surface"))
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now = self._now()
        self._tiles.draw(painter, area, draw, now, self.devicePixelRatioF())
        day = self.model.agenda.day
        if day.start <= now < day.end:
            draw.now_line(painter, draw.geometry.y(day.minute_of(now)), area)
        self._marks(self.model).paint(painter, draw)

    def _marks(self, model: DayModel) -> Marks:
        machine = self.machine
        return Marks(
            model=model,
            slot=self.slot,
            hovered=machine.hovered,
            books=machine.may_edit,
            selection=self.selection,
            place=self._place,
            focused=self.hasFocus(),
            moving=machine.ghost or self.pending,
            held=self.held,
        )

    # Mouse ----------------------------------------------------------------------------------

    def hit(self, point: QPoint) -> Hit | None:
        """What lies under ``point``; ``None`` outside the day."""
        if self.model is None or not self.rect().contains(point):
            return None
        return hit_at(self.model, self.geometry_now(), point, may_edit=self.machine.may_edit)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select, and perhaps the beginning of a drag."""
        point = event.position().toPoint()
        hit = self.hit(point)
        if hit is None:
            return
        if event.button() != Qt.MouseButton.LeftButton:
            if not self.machine.busy:
                self._obey(Select(hit.appointment_id, hit.column, self._floor(hit.minute)))
            return
        self._pressed = point
        self._obey(self.machine.press(hit))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover or drag."""
        point = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton:
            geometry = self.geometry_now()
            travelled = (point - self._pressed).manhattanLength()
            minute = int(point.y() / geometry.scale)
            self.machine.drag(geometry.column_at(point.x()), minute, travelled)
            if self.machine.dragging:
                self.revealAsked.emit(QRect(point, QSize(1, 1)))
        else:
            hit = self.hit(point)
            self.machine.hover(hit)
            self._point(hit)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The end of a drag, if there was one."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._obey(self.machine.release())
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open what is there, or book."""
        hit = self.hit(event.position().toPoint())
        if hit is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self.machine.cancel()
        self._activate(hit.appointment_id)

    def leaveEvent(self, _event: QEvent) -> None:
        """Nothing is under the pointer."""
        self.machine.hover(None)
        self.update()

    def _point(self, hit: Hit | None) -> None:
        shapes = Qt.CursorShape
        if hit is None or not hit.may_move:
            self.setCursor(shapes.ArrowCursor)
        else:
            body = hit.part is Part.BODY
            self.setCursor(shapes.OpenHandCursor if body else shapes.SizeVerCursor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ctrl and the wheel zoom around the pointer."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            delta = event.angleDelta().y()
            if delta:
                self.zoomAsked.emit(1 if delta > 0 else -1, event.position().toPoint().y())
            event.accept()
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done here, with its keys."""
        if self.machine.busy:
            return
        position = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.model is not None:
            position = self.mapToGlobal(self._focus_rect().center())
        self.menuAsked.emit(self.current(), position)

    def event(self, event: QEvent) -> bool:
        """Tooltips name what is cut off."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            hit = self.hit(event.pos())
            if hit is None or hit.appointment_id is None or self.model is None:
                QToolTip.hideText()
            else:
                item = self.model.by_id[hit.appointment_id]
                QToolTip.showText(
                    event.globalPos(), describe.tooltip(item, self.model, self._now()), self
                )
            return True
        return super().event(event)

    # Keyboard -------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, with Ctrl or Alt they move, with Shift they stretch."""
        if self.model is None or not self.model.agenda.columns or not self._key(event):
            super().keyPressEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        if key == Qt.Key.Key_Escape:
            if not self.machine.cancel():
                return False
            self.update()
            return True
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self.machine.mode is Mode.KEYBOARD:
                self._obey(self.machine.confirm())
                self.update()
            elif not self.machine.busy:
                self._activate(self.selection)
            return True
        arrows = {
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
        }
        if key in arrows:
            self._arrow(*arrows[key], modifiers)
            return True
        if key in {Qt.Key.Key_Home, Qt.Key.Key_End} and not self.machine.busy:
            last = key == Qt.Key.Key_End
            self._walk_to(walking.edge(self._shown, self._spot, last=last))
            return True
        return False

    def _arrow(self, columns: int, steps: int, modifiers: Qt.KeyboardModifier) -> None:
        moving = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        item = self.current()
        if item is not None and modifiers & moving:
            self.machine.step(self._own_hit(item), columns=columns, steps=steps)
        elif item is not None and modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.machine.stretch(self._own_hit(item, Part.BOTTOM), steps)
        elif not self.machine.busy:
            if columns:
                self._walk_to(walking.across(self._shown, self._spot, columns, self.slot))
            else:
                self._walk_to(walking.along(self._shown, self._spot, steps, self.slot))
            return
        self.revealAsked.emit(self._focus_rect())
        self.update()

    def _walk_to(self, spot: Spot) -> None:
        self.select(spot.appointment_id, (spot.column, spot.minute))

    @property
    def _spot(self) -> Spot:
        if self.selection is not None:
            return walking.spot_of(self._shown, self.selection)
        return Spot(*self._place)

    def _own_hit(self, item: DayAppointment, part: Part = Part.BODY) -> Hit:
        return hit_of(self._shown, item, 0, part, may_edit=self.machine.may_edit)

    def _floor(self, minute: int) -> int:
        return min(minute, self.machine.minutes - self.slot) // self.slot * self.slot

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard stands."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A keyboard move that was not confirmed is given up."""
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.machine.cancel()
        super().focusOutEvent(event)
        self.update()

    # Commands -------------------------------------------------------------------------------

    def _activate(self, appointment_id: int | None) -> None:
        if appointment_id is None:
            column, minute = self._place
            self.createAsked.emit(column, minute, minute + self.slot, False)
            return
        item = self._shown.by_id[appointment_id]
        if item.status is Status.AVAILABLE:
            placed = self._shown.place_of[item.id]
            self.select(item.id)
            self.createAsked.emit(self._place[0], placed.start, placed.end, False)
        else:
            self.openAsked.emit(appointment_id)

    def _obey(self, command: Select | Create | Move | None) -> None:
        if isinstance(command, Select):
            self.select(command.appointment_id, (command.column, command.minute))
        elif isinstance(command, Create):
            self.select(None, (command.column, command.start))
            self.createAsked.emit(command.column, command.start, command.end, command.dragged)
        elif isinstance(command, Move):
            self.expect(command)
            self.moveAsked.emit(command)
