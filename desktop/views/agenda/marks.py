"""What is painted over the day from moment to moment: selection, pointer, previews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QPainter

from desktop.domain.messages import _
from desktop.views.agenda import describe
from desktop.views.agenda.interaction import Ghost, Part
from desktop.views.agenda.model import DayModel
from desktop.views.agenda.paint import Painter, clock_span

if TYPE_CHECKING:
    from desktop.views.agenda.grid import Grid


@dataclass(frozen=True, slots=True)
class Held:
    """A booking that a person holds and looks for a place for: whose, and how many minutes."""

    title: str
    minutes: int


def paint(painter: QPainter, draw: Painter, grid: Grid) -> None:
    """Paint them over the day of ``grid``, which shows one."""
    if grid.model is None:
        return
    _paint_places(painter, draw, grid, grid.model)
    ghost = grid.machine.ghost or grid.pending or _held_ghost(grid)
    if ghost is not None:
        _paint_ghost(painter, draw, grid, grid.model, ghost)


def _paint_places(painter: QPainter, draw: Painter, grid: Grid, model: DayModel) -> None:
    hovered = grid.machine.hovered
    if hovered is not None and hovered.appointment_id in model.place_of:
        placed = model.place_of[hovered.appointment_id]
        draw.outline(painter, draw.geometry.block(hovered.column, placed), "border_strong", 1.0)
    elif hovered is not None and hovered.part is Part.FREE and grid.machine.may_edit:
        start = hovered.minute // grid.slot * grid.slot
        rect = draw.geometry.span(hovered.column, start, start + grid.slot)
        draw.cursor(painter, rect, f"+ {model.agenda.day.clock_at(start)}")
    if grid.selection is not None:
        draw.outline(painter, grid.block_rect(grid.selection), "focus", 2.5)
    elif grid.hasFocus() and model.agenda.columns and grid.machine.ghost is None:
        column, minute = grid.place
        rect = draw.geometry.span(column, minute, minute + grid.slot)
        draw.cursor(painter, rect, model.agenda.day.clock_at(minute))


def _held_ghost(grid: Grid) -> Ghost | None:
    if grid.held is None:
        return None
    column, start = grid.place
    return Ghost(column, start, min(grid.machine.minutes, start + grid.held.minutes))


def _paint_ghost(
    painter: QPainter, draw: Painter, grid: Grid, model: DayModel, ghost: Ghost
) -> None:
    item = model.by_id.get(ghost.appointment_id) if ghost.appointment_id is not None else None
    title = _("New appointment") if grid.held is None else grid.held.title
    if item is not None:
        draw.dim(painter, grid.block_rect(item.id))
        title = describe.title(item)
    holds = item is None or item.holds_time
    draw.ghost(
        painter,
        draw.geometry.span(ghost.column, ghost.start, ghost.end),
        title,
        clock_span(model, ghost.start, ghost.end),
        clashes=holds and model.clashes(ghost.column, ghost.start, ghost.end, ghost.appointment_id),
    )
