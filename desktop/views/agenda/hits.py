"""What lies under a point of the grid."""

from __future__ import annotations

from PySide6.QtCore import QPoint

from desktop.domain import statuses
from desktop.domain.statuses import Status
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda.geometry import EDGE, Geometry
from desktop.views.agenda.interaction import Hit, Part
from desktop.views.agenda.model import DayModel


def hit_at(model: DayModel, geometry: Geometry, point: QPoint, *, may_edit: bool) -> Hit | None:
    """The block, its edge, or the free place under ``point``; ``None`` where there are no columns."""
    if not model.agenda.columns:
        return None
    column, minute = geometry.column_at(point.x()), geometry.minute_at(point.y())
    for placed in reversed(model.placed[column]):
        rect = geometry.block(column, placed)
        if rect.contains(point):
            edge = min(EDGE, rect.height() // 4)
            part = Part.BODY
            if point.y() > rect.bottom() - edge and not placed.after:
                part = Part.BOTTOM
            elif point.y() < rect.top() + edge and not placed.before:
                part = Part.TOP
            item = model.by_id[placed.key]
            return hit_of(model, item, minute, part, may_edit=may_edit)
    return Hit(Part.FREE, column, min(minute, geometry.minutes - 1))


def hit_of(
    model: DayModel, item: DayAppointment, minute: int, part: Part, *, may_edit: bool
) -> Hit:
    """The hit on an appointment; the end of a visit under way may still be moved."""
    day = model.agenda.day
    movable = item.status in statuses.MOVABLE or (
        item.status is Status.IN_PROGRESS and part is Part.BOTTOM
    )
    return Hit(
        part,
        model.column_of[item.id],
        minute,
        item.id,
        item.placement,
        day.minute_of(item.starts_at),
        day.minute_of(item.ends_at),
        may_move=movable and may_edit,
    )
