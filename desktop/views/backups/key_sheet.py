"""The recovery key on the screen and on paper: 24 words and a code."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPageLayout, QPageSize, QPainter, QPaintEvent
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import date_long
from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import label
from desktop.services.backups_records import Setup

COLUMNS = 3
QUIET = 4
"""Modules of white around a code, without which scanners miss it."""
_PAPER, _INK, _MUTED, _WARNING = "#ffffff", "#16232b", "#52636e", "#b3261e"
_MM = 72 / 25.4

Modules = Sequence[Sequence[bool]]


def paint_code(painter: QPainter, modules: Modules, room: QRectF) -> None:
    """Draw dark on white whatever the theme: cameras read nothing else."""
    count = len(modules) + 2 * QUIET
    side = min(room.width(), room.height()) / count
    painter.fillRect(QRectF(room.topLeft(), room.size()), QColor(_PAPER))
    for down, row in enumerate(modules):
        for across, dark in enumerate(row):
            if dark:
                corner = room.topLeft() + QPointF((across + QUIET) * side, (down + QUIET) * side)
                # A hair larger, so that no light line is left between two modules.
                painter.fillRect(
                    QRectF(corner.x(), corner.y(), side + 0.2, side + 0.2), QColor(_INK)
                )


class Code(QWidget):
    """A QR code."""

    def __init__(self, modules: Modules, name: str) -> None:
        super().__init__()
        self._modules = modules
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme_switch().themeChanged.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Each module some whole dots wide: so it is sharp, and large enough for a camera."""
        count = len(self._modules) + 2 * QUIET
        side = max(3, round(current_theme().px(176) / count)) * count
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The code on white."""
        painter = QPainter(self)
        paint_code(painter, self._modules, QRectF(self.rect()))
        painter.end()


class WordGrid(QWidget):
    """Words with their numbers, in columns read downwards."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.setAccessibleName(_("Recovery words"))
        space = current_theme().spacing
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(space.s)
        grid.setVerticalSpacing(space.xs)
        rows = -(-len(words) // COLUMNS)
        for at, word in enumerate(words):
            column, row = divmod(at, rows)
            number = label(f"{at + 1}.", "small")
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            said = label(word, "strong")
            said.setAccessibleName(f"{at + 1}: {word}")
            said.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            grid.addWidget(number, row, 2 * column)
            grid.addWidget(said, row, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1)


def print_sheet(printer: QPrinter, setup: Setup, made_on: str = "") -> None:
    """Send the sheet to a printer, on A4. Nothing of it stays on this computer.

    Raises :class:`EnvironmentTrouble` with ``sheet.not_printed``.
    """
    printer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    printer.setPageOrientation(QPageLayout.Orientation.Portrait)
    printer.setFullPage(True)
    painter = QPainter()
    if not painter.begin(printer):
        raise EnvironmentTrouble("sheet.not_printed")
    painter.scale(printer.logicalDpiX() / 72, printer.logicalDpiY() / 72)
    _Sheet(painter).draw(setup, made_on or date_long(setup.made_at.date()))
    if not painter.end():
        raise EnvironmentTrouble("sheet.not_printed")


class _Sheet:
    """Draws downwards, in points; ``y`` is where the next thing goes."""

    LEFT, WIDTH = 22 * _MM, 166 * _MM

    def __init__(self, painter: QPainter) -> None:
        self.painter, self.y = painter, 22 * _MM

    def draw(self, setup: Setup, day: str) -> None:
        self.write(setup.clinic, 11, _MUTED)
        self.write(_("Recovery key for backups"), 20, bold=True)
        self.write(_("Made on {day}").format(day=day), 10, space=8)
        self.write(
            _(
                "These words open every backup of the clinic, also when the server and all "
                "workstations are gone."
            ),
            11,
            space=6,
        )
        self.write(
            _(
                "Who has this sheet can read all of the clinic's data. Keep it as you keep money: "
                "locked away, outside the clinic, and not as a photograph."
            ),
            11,
            _WARNING,
            space=14,
        )
        self.write(_("In words, in this order"), 12, bold=True, space=4)
        rows = -(-len(setup.words) // COLUMNS)
        top, step = self.y, 7.2 * _MM
        for at, word in enumerate(setup.words):
            column, row = divmod(at, rows)
            x = self.LEFT + column * self.WIDTH / COLUMNS
            self._text(x, top + row * step, f"{at + 1}.", 10, _MUTED)
            self._text(x + 9 * _MM, top + row * step - 3, word, 14, _INK, bold=True)
        self.y = top + rows * step + 14
        self.write(_("The same as a code, to be scanned"), 12, bold=True, space=4)
        side = 56 * _MM
        paint_code(self.painter, setup.qr, QRectF(self.LEFT, self.y, side, side))
        self.y += side + 10
        self.write(_("To be recognised by"), 10, _MUTED)
        self.write(setup.fingerprint, 8.5, space=8)
        self.write(
            _(
                "The program has not kept these words and can't show them again. If this sheet is "
                "lost, make new keys under “Backups”."
            ),
            10,
            _MUTED,
        )

    def write(
        self, text: str, size: float, colour: str = _INK, *, bold: bool = False, space: float = 3
    ) -> None:
        self._use(size, colour, bold)
        room = QRectF(self.LEFT, self.y, self.WIDTH, 400)
        flags = int(Qt.TextFlag.TextWordWrap)
        taken = self.painter.boundingRect(room, flags, text)
        self.painter.drawText(room, flags, text)
        self.y += taken.height() + space

    def _text(
        self, x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False
    ) -> None:
        self._use(size, colour, bold)
        self.painter.drawText(QRectF(x, y, 160, 40), 0, text)

    def _use(self, size: float, colour: str, bold: bool) -> None:
        font = QFont(current_theme().font())
        font.setPixelSize(round(size))
        font.setBold(bold)
        self.painter.setFont(font)
        self.painter.setPen(QColor(colour))
