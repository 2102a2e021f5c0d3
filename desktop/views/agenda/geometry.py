"""Where minutes and columns are on the grid, in device-independent pixels. No widgets in here."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize

from desktop.domain.agenda_layout import Placed

GAP = 3
EDGE = 6
"""How many pixels inside a block's lower or upper edge take hold of that edge."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The grid of one day.

    :ivar scale: pixels a minute.
    """

    columns: int
    column_width: int
    scale: float
    minutes: int

    @property
    def size(self) -> QSize:
        """Of the whole grid."""
        return QSize(self.columns * self.column_width, self.y(self.minutes))

    def x(self, column: int) -> int:
        """Left edge of a column."""
        return column * self.column_width

    def y(self, minute: int) -> int:
        """Where a minute begins."""
        return round(minute * self.scale)

    def column_at(self, x: float) -> int:
        """The column under ``x``, the nearest where there is none."""
        return max(0, min(self.columns - 1, int(x // self.column_width)))

    def minute_at(self, y: float) -> int:
        """The minute under ``y``, within the day."""
        return max(0, min(self.minutes, int(y / self.scale)))

    def block(self, column: int, placed: Placed) -> QRect:
        """Where a block is drawn: its lanes, with a gap to its neighbours."""
        inner = self.column_width - 2 * GAP - 1
        left = self.x(column) + GAP + inner * placed.lane // placed.lanes
        right = self.x(column) + GAP + inner * (placed.lane + placed.span) // placed.lanes
        top, bottom = self.y(placed.start), self.y(placed.end)
        return QRect(left, top + 1, right - left - 1, max(4, bottom - top - 2))

    def span(self, column: int, start: int, end: int) -> QRect:
        """A stretch over a column's whole width."""
        top = self.y(start)
        return QRect(
            self.x(column) + GAP,
            top + 1,
            self.column_width - 2 * GAP - 1,
            max(4, self.y(end) - top - 2),
        )
