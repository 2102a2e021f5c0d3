"""A receipt on screen and on a printer: the same drawing as in the PDF."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QPageLayout,
    QPageSize,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.domain.errors import EnvironmentTrouble
from desktop.reports import receipt as layout
from desktop.reports.receipt import Page, Rule, Text

_FINE = 16
"""Fonts are made this many times too large and drawn as much smaller: pixel sizes are whole."""


@cache
def _families() -> dict[str, str]:
    """The paper's fonts, loaded once: name → family."""
    families = {}
    for name, path in layout.font_files().items():
        number = QFontDatabase.addApplicationFont(str(path))
        found = QFontDatabase.applicationFontFamilies(number)
        families[name] = found[-1] if found else "DejaVu Sans"
    return families


def _font(text: Text) -> QFont:
    family = _families()[layout.BOLD if text.bold else layout.REGULAR]
    font = QFont(family)
    font.setStyleName("Condensed Bold" if text.bold else "Condensed")
    font.setStretch(QFont.Stretch.SemiCondensed)
    font.setBold(text.bold)
    font.setPixelSize(round(text.size * _FINE))
    return font


def paint(painter: QPainter, page: Page) -> None:
    """Draw a page in points, from the painter's origin."""
    if page.mark:
        painter.save()
        painter.translate(page.width / 2, page.height * (1 - layout.MARK_AT))
        painter.rotate(-layout.MARK_TILT)
        mark = Text(0, 0, page.mark, layout.MARK_SIZE, True, layout.MARK_COLOUR, "center")
        _write(painter, mark, 0)
        painter.restore()
    for item in page.items:
        if isinstance(item, Rule):
            painter.setPen(QPen(QColor(layout.RULE_COLOUR), 0.6))
            y = page.height - item.y
            painter.drawLine(QPointF(item.left, y), QPointF(item.right, y))
        else:
            _write(painter, item, page.height)


def _write(painter: QPainter, text: Text, height: float) -> None:
    font = _font(text)
    width = QFontMetricsF(font).horizontalAdvance(text.words) / _FINE
    x = text.x - {"left": 0.0, "center": width / 2, "right": width}[text.align]
    painter.save()
    painter.translate(x, height - text.y)
    painter.scale(1 / _FINE, 1 / _FINE)
    painter.setFont(font)
    painter.setPen(QColor(text.colour))
    painter.drawText(QPointF(0, 0), text.words)
    painter.restore()


class Preview(QWidget):
    """The first page of a receipt, as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._page: Page | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(160)

    def show_page(self, page: Page | None, name: str) -> None:
        """Show a page; ``name`` is what a screen reader says of it."""
        self._page = page
        self.setAccessibleName(name)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """White paper with a thin edge; a page higher than the room is cut off below."""
        if self._page is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = (self.width() - 2) / self._page.width
        height = min(self.height() - 2.0, self._page.height * scale)
        painter.fillRect(QRectF(1, 1, self.width() - 2, height), Qt.GlobalColor.white)
        painter.setPen(QPen(QColor(layout.RULE_COLOUR), 1))
        painter.drawRect(QRectF(0.5, 0.5, self.width() - 1, height + 1))
        painter.setClipRect(QRectF(1, 1, self.width() - 2, height))
        painter.translate(1, 1)
        painter.scale(scale, scale)
        paint(painter, self._page)
        painter.end()


def print_pages(printer: QPrinter, pages: Sequence[Page]) -> None:
    """Send pages to a printer, each on paper of its own size.

    Raises :class:`EnvironmentTrouble` with ``finance.printer_failed``.
    """
    printer.setFullPage(True)
    painter = QPainter()
    for index, page in enumerate(pages):
        size = QPageSize(
            QSizeF(page.width, page.height),
            QPageSize.Unit.Point,
            "receipt",
            QPageSize.SizeMatchPolicy.ExactMatch,
        )
        printer.setPageLayout(
            QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0))
        )
        started = printer.newPage() if index else painter.begin(printer)
        if not started:
            raise EnvironmentTrouble("finance.printer_failed")
        painter.save()
        painter.scale(printer.logicalDpiX() / 72, printer.logicalDpiY() / 72)
        paint(painter, page)
        painter.restore()
    if not painter.end():
        raise EnvironmentTrouble("finance.printer_failed")
