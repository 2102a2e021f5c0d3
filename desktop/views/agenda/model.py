"""A day as the grid needs it: blocks with their place, and where the keyboard may go."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from desktop.domain import statuses
from desktop.domain.agenda_layout import Block, Placed, place
from desktop.domain.statuses import Status
from desktop.services.agenda_records import DayAgenda, DayAppointment

SHORTEST = 10
"""Minutes that a block is drawn for at least."""


@dataclass(frozen=True)
class DayModel:
    """The blocks of each column, placed, and the appointments by id."""

    agenda: DayAgenda
    placed: tuple[tuple[Placed, ...], ...]
    by_id: dict[int, DayAppointment]
    column_of: dict[int, int]
    place_of: dict[int, Placed]
    holding: tuple[tuple[tuple[int, int, int], ...], ...] = field(default=())

    @classmethod
    def of(cls, agenda: DayAgenda, *, show_cancelled: bool) -> DayModel:
        """Places a day's blocks; cancelled appointments only where asked for."""
        index = {column.practitioner_id: n for n, column in enumerate(agenda.columns)}
        columns: list[list[Block]] = [[] for _ in agenda.columns]
        holding: list[list[tuple[int, int, int]]] = [[] for _ in agenda.columns]
        by_id, column_of = {}, {}
        for item in agenda.appointments:
            column = index.get(item.practitioner_id, index.get(None))
            if column is None or (item.status is Status.CANCELLED and not show_cancelled):
                continue
            start = agenda.day.minute_of(item.starts_at)
            end = agenda.day.minute_of(item.ends_at)
            columns[column].append(Block(item.id, start, end))
            by_id[item.id], column_of[item.id] = item, column
            if item.status in statuses.ACTIVE:
                holding[column].append((start, end, item.id))
        placed = tuple(
            tuple(place(blocks, day_minutes=agenda.day.minutes, shortest=SHORTEST))
            for blocks in columns
        )
        return cls(
            agenda,
            placed,
            by_id,
            column_of,
            {item.key: item for column in placed for item in column},
            tuple(tuple(column) for column in holding),
        )

    def first_minute(self, now: dt.datetime) -> int:
        """Where a person begins to look: an hour before now, on another day where its work begins."""
        day = self.agenda.day
        starts = [stretch.start for column in self.agenda.columns for stretch in column.working]
        starts += [item.starts_at for item in self.by_id.values()]
        first = max(0, day.minute_of(min(starts))) if starts else 8 * 60
        if day.start <= now < day.end:
            first = max(first, day.minute_of(now) - 60)
        return first

    def first_place(self, now: dt.datetime, slot: int) -> tuple[int | None, tuple[int, int]]:
        """Where the keyboard begins: now, or where the day's work does; and who stands there."""
        day = self.agenda.day
        today = day.start <= now < day.end
        minute = day.minute_of(now) if today else self.first_minute(now)
        minute = minute // slot * slot
        there = self.block_at(0, minute, slot) if self.agenda.columns else None
        return (there.key if there is not None else None), (0, minute)

    def clashes(self, column: int, start: int, end: int, own_id: int | None) -> bool:
        """Whether the practitioner of ``column`` is taken then by another appointment."""
        if self.agenda.columns[column].practitioner_id is None:
            return False
        return any(
            first < end and start < last and other != own_id
            for first, last, other in self.holding[column]
        )

    def block_at(self, column: int, minute: int, step: int, lane: int = 0) -> Placed | None:
        """The block that lies in ``[minute, minute + step)``; of several the nearest to ``lane``."""
        found = [
            item for item in self.placed[column] if item.start < minute + step and minute < item.end
        ]
        return min(
            found,
            key=lambda item: (item.start > minute, abs(item.lane - lane), item.start),
            default=None,
        )

    def beside(self, key: int, step: int) -> Placed | None:
        """The block in the lane to the right (``step`` 1) or left (-1) of another, if they overlap."""
        own = self.place_of[key]
        found = [
            item
            for item in self.placed[self.column_of[key]]
            if item.start < own.end and own.start < item.end and (item.lane - own.lane) * step > 0
        ]
        return min(found, key=lambda item: (abs(item.lane - own.lane), item.start), default=None)
