"""What is painted over the day from moment to moment: selection, pointer, previews."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from desktop.domain.messages import _
from desktop.views.agenda import describe
from desktop.views.agenda.interaction import Ghost, Hit, Part
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.paint import Painter, clock_span


@dataclass(frozen=True, slots=True)
class Held:
    """A booking that a person holds and looks for a place for: whose, and how many minutes."""

    title: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Marks:
    """How things stand at one moment.

    :ivar slot: minutes of a free place.
    :ivar hovered: what lies under the pointer. :ivar books: whether a free place can be booked.
    :ivar selection: the chosen appointment. :ivar place: column and minute where the keyboard
        stands. :ivar focused: whether it works here.
    :ivar moving: what is being dragged, or waits to be stored.
    """

    model: DayModel
    slot: int
    hovered: Hit | None
    books: bool
    selection: int | None
    place: tuple[int, int]
    focused: bool
    moving: Ghost | None
    held: Held | None

    def paint(self, painter: QPainter, draw: Painter) -> None:
        """Paint them over the day."""
        self._paint_places(painter, draw)
        ghost = self.moving or self._held_ghost()
        if ghost is not None:
            self._paint_ghost(painter, draw, ghost)

    def _block(self, draw: Painter, appointment_id: int) -> QRect:
        model = self.model
        return draw.geometry.block(model.column_of[appointment_id], model.place_of[appointment_id])

    def _paint_places(self, painter: QPainter, draw: Painter) -> None:
        day, hovered, slot = self.model.agenda.day, self.hovered, self.slot
        if hovered is not None and hovered.appointment_id in self.model.place_of:
            rect = self._block(draw, hovered.appointment_id)
            draw.outline(painter, rect, "border_strong", 1.0)
        elif hovered is not None and hovered.part is Part.FREE and self.books:
            start = hovered.minute // slot * slot
            rect = draw.geometry.span(hovered.column, start, start + slot)
            draw.cursor(painter, rect, f"+ {day.clock_at(start)}")
        if self.selection is not None:
            draw.outline(painter, self._block(draw, self.selection), "focus", 2.5)
        elif self.focused and self.model.agenda.columns and self.moving is None:
            column, minute = self.place
            rect = draw.geometry.span(column, minute, minute + slot)
            draw.cursor(painter, rect, day.clock_at(minute))

    def _held_ghost(self) -> Ghost | None:
        if self.held is None:
            return None
        column, start = self.place
        return Ghost(column, start, min(self.model.agenda.day.minutes, start + self.held.minutes))

    def _paint_ghost(self, painter: QPainter, draw: Painter, ghost: Ghost) -> None:
        model = self.model
        item = model.by_id.get(ghost.appointment_id) if ghost.appointment_id is not None else None
        title = _("New appointment") if self.held is None else self.held.title
        if item is not None:
            draw.dim(painter, self._block(draw, item.id))
            title = describe.title(item)
        holds = item is None or item.holds_time
        start, end = ghost.start, ghost.end
        draw.ghost(
            painter,
            draw.geometry.span(ghost.column, start, end),
            title,
            clock_span(model, start, end),
            clashes=holds and model.clashes(ghost.column, start, end, ghost.appointment_id),
        )
