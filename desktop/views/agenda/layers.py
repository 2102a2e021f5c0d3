"""The grid's static layer: tiles that are painted once and kept while nothing on them changes."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from typing import NamedTuple

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPixmap

from desktop.views.agenda.paint import Painter

SIDE = 128
"""What lies beyond the view on a tile that is half in it is painted too: larger tiles waste more."""
BUDGET = 96 * 1024 * 1024
"""Bytes of tiles that are kept; the least recently shown go first."""


class Tiles:
    """Squares of the static layer, at one device pixel ratio."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[tuple[int, int], QPixmap] = OrderedDict()
        self._sheet: _Sheet | None = None
        self._ratio = 1.0

    def clear(self) -> None:
        """Everything has changed."""
        self._tiles.clear()
        self._sheet = None

    def discard(self, area: QRect) -> None:
        """What is drawn in ``area`` has changed."""
        self._cut()
        for key in _under(area):
            self._tiles.pop(key, None)

    def draw(
        self, target: QPainter, area: QRect, painter: Painter, now: dt.datetime, ratio: float
    ) -> None:
        """Show the tiles of ``area``, painting those that are missing."""
        if ratio != self._ratio:
            self.clear()
            self._ratio = ratio
        self._cut()
        wanted = _under(area)
        missing = [key for key in wanted if key not in self._tiles]
        for key in wanted:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                target.drawPixmap(key[0] * SIDE, key[1] * SIDE, tile)
        if missing:
            self._sheet = sheet = self._paint(missing, painter, now)
            target.drawPixmap(sheet.left * SIDE, sheet.top * SIDE, sheet.picture)
        limit = max(len(wanted), int(BUDGET / (SIDE * SIDE * 4 * ratio * ratio)))
        while len(self._tiles) > limit:
            self._tiles.popitem(last=False)

    def _paint(self, missing: list[tuple[int, int]], painter: Painter, now: dt.datetime) -> _Sheet:
        """Paints what is missing at once, so that a block on two tiles is drawn once."""
        columns, rows = [key[0] for key in missing], [key[1] for key in missing]
        left, top = min(columns), min(rows)
        across, down = max(columns) - left + 1, max(rows) - top + 1
        side = round(SIDE * self._ratio)
        picture = QPixmap(across * side, down * side)
        picture.setDevicePixelRatio(self._ratio)
        area = QRect(left * SIDE, top * SIDE, across * SIDE, down * SIDE)
        brush = QPainter(picture)
        brush.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
        )
        brush.translate(-area.left(), -area.top())
        painter.background(brush, area)
        painter.blocks(brush, area, now)
        brush.end()
        return _Sheet(picture, left, top, missing)

    def _cut(self) -> None:
        """Makes tiles of what was painted last: when it is needed again, not while it is awaited."""
        sheet, self._sheet = self._sheet, None
        if sheet is None:
            return
        side = round(SIDE * self._ratio)
        for key in sheet.keys:
            column, row = key[0] - sheet.left, key[1] - sheet.top
            self._tiles[key] = sheet.picture.copy(column * side, row * side, side, side)


class _Sheet(NamedTuple):
    """Tiles that were painted together: ``left`` and ``top`` of the first, in tiles."""

    picture: QPixmap
    left: int
    top: int
    keys: list[tuple[int, int]]


def _under(area: QRect) -> list[tuple[int, int]]:
    """The tiles that ``area`` touches: (column, row)."""
    return [
        (column, row)
        for row in range(max(0, area.top()) // SIDE, max(0, area.bottom()) // SIDE + 1)
        for column in range(max(0, area.left()) // SIDE, max(0, area.right()) // SIDE + 1)
    ]
