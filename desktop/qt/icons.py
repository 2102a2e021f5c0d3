"""The program's icons: line drawings, coloured by the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.domain.resources import resource_path

_SIZES = (16, 20, 24, 32)


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """The drawing ``resources/icons/<name>.svg`` in a colour (``#rrggbb``), ``size`` points wide."""
    svg = resource_path("icons", f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    drawn = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, drawn.width(), drawn.height()))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn


def icon(name: str, colour: QColor, active: QColor | None = None) -> QIcon:
    """An icon in ``colour``; in ``active`` where it is switched on."""
    made = QIcon()
    for size in _SIZES:
        for ratio in (1.0, 2.0):
            made.addPixmap(pixmap(name, colour.name(), size, ratio))
            if active is not None:
                made.addPixmap(
                    pixmap(name, active.name(), size, ratio), QIcon.Mode.Normal, QIcon.State.On
                )
    return made
