"""Where an arrow key leads: over blocks and free places, through lanes and columns."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.views.agenda.model import DayModel


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the keyboard stands: on a block, or on the free place at ``minute``."""

    column: int
    minute: int
    appointment_id: int | None = None
    lane: int = 0


def spot_of(model: DayModel, appointment_id: int) -> Spot:
    """The spot of a block."""
    placed = model.place_of[appointment_id]
    return Spot(model.column_of[appointment_id], placed.start, appointment_id, placed.lane)


def across(model: DayModel, spot: Spot, step: int, slot: int) -> Spot:
    """To the right (1) or left (-1): the next lane of an overlap, then the next column."""
    if spot.appointment_id is not None:
        beside = model.beside(spot.appointment_id, step)
        if beside is not None:
            return spot_of(model, beside.key)
    column = max(0, min(len(model.placed) - 1, spot.column + step))
    if column == spot.column:
        return spot
    lane = 0 if step > 0 else max((item.lanes for item in model.placed[column]), default=0)
    return _at(model, Spot(column, _floor(model, spot.minute, slot), lane=lane), slot)


def along(model: DayModel, spot: Spot, step: int, slot: int) -> Spot:
    """Down (1) or up (-1) by a block or a free place; the spot itself at the day's edge."""
    placed = None if spot.appointment_id is None else model.place_of[spot.appointment_id]
    if placed is None:
        minute = spot.minute + step * slot
    elif step > 0:
        minute = placed.end
    else:
        minute = placed.start - 1
    if not 0 <= minute < model.agenda.day.minutes:
        return spot
    found = _at(model, Spot(spot.column, _floor(model, minute, slot), lane=spot.lane), slot)
    if found.appointment_id is None or found.appointment_id != spot.appointment_id:
        return found
    # A block that begins or ends inside a slot would catch the arrow for ever.
    minute = found.minute - slot if step < 0 else _floor(model, minute, slot) + slot
    if not 0 <= minute < model.agenda.day.minutes:
        return spot
    return _at(model, Spot(spot.column, _floor(model, minute, slot), lane=spot.lane), slot)


def edge(model: DayModel, spot: Spot, *, last: bool) -> Spot:
    """The first or last block of the column."""
    blocks = model.placed[spot.column]
    return spot_of(model, blocks[-1 if last else 0].key) if blocks else spot


def _at(model: DayModel, spot: Spot, slot: int) -> Spot:
    block = model.block_at(spot.column, spot.minute, slot, spot.lane)
    return spot if block is None else spot_of(model, block.key)


def _floor(model: DayModel, minute: int, slot: int) -> int:
    return max(0, min(minute, model.agenda.day.minutes - slot)) // slot * slot
