"""The sheet with the recovery key: 24 words and a code, on one A4 page. Nothing of it is kept."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reportlab.graphics.barcode import qrencoder
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from desktop.domain import locale_format
from desktop.domain.messages import _
from desktop.reports.receipt import BOLD, REGULAR, register_fonts

_WIDTH, _HEIGHT = 210 * mm, 297 * mm
_LEFT, _RIGHT, _TOP = 22 * mm, 188 * mm, 272 * mm
_INK, _MUTED, _WARNING = "#16232b", "#52636e", "#b3261e"
_COLUMNS = 3
_CODE = 52 * mm
_QUIET = 4
"""Modules of white around a code, without which scanners miss it."""


@dataclass(frozen=True, slots=True)
class RecoverySheet:
    """What is printed.

    :ivar words: in their order. :ivar identity: the same key as text, for the code.
    :ivar recipient: its public half, by which the sheet and the program's list are compared.
    :ivar made_on: in the clinic's zone.
    """

    clinic: str
    made_on: dt.date
    recipient: str
    words: tuple[str, ...] = field(repr=False)
    identity: str = field(repr=False)


def code(text: str) -> tuple[tuple[bool, ...], ...]:
    """A QR code's modules by row, dark ones true, without the white around it."""
    made: Any = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.M)
    made.addData(text)
    made.make()
    size = range(made.getModuleCount())
    return tuple(tuple(bool(made.isDark(row, column)) for column in size) for row in size)


def render(sheet: RecoverySheet) -> bytes:
    """The PDF, in the language in use. The same sheet gives the same bytes."""
    register_fonts()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(_WIDTH, _HEIGHT), invariant=1)
    canvas.setTitle(_("Recovery key for backups"))
    canvas.setAuthor(sheet.clinic)
    page = _Page(canvas)
    page.write(sheet.clinic, 11, colour=_MUTED)
    page.write(_("Recovery key for backups"), 20, font=BOLD, space=9 * mm)
    page.write(_("Made on {day}").format(day=locale_format.date_long(sheet.made_on)), 10)
    page.write(
        _(
            "These words open every backup of the clinic, also when the server and all "
            "workstations are gone."
        ),
        11,
        space=9 * mm,
    )
    page.write(
        _(
            "Who has this sheet can read all of the clinic's data. Keep it as you keep money: "
            "locked away, outside the clinic, and not as a photograph."
        ),
        11,
        colour=_WARNING,
        space=8 * mm,
    )
    page.write(_("In words, in this order"), 12, font=BOLD, space=12 * mm)
    page.words(sheet.words)
    page.write(_("The same as a code, to be scanned"), 12, font=BOLD, space=14 * mm)
    page.code(code(sheet.identity))
    page.write(_("To be recognised by"), 10, colour=_MUTED, space=8 * mm)
    page.write(sheet.recipient, 8.5)
    page.write(
        _(
            "The program has not kept these words and can't show them again. If this sheet is "
            "lost, make new keys under “Backups”."
        ),
        10,
        colour=_MUTED,
        space=8 * mm,
    )
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class _Page:
    """Draws downwards; ``y`` is the base line of what was written last."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.y = _TOP

    def write(
        self,
        text: str,
        size: float,
        *,
        font: str = REGULAR,
        colour: str = _INK,
        space: float = 6 * mm,
    ) -> None:
        self.y -= space - size * 1.35
        for line in simpleSplit(text, font, size, _RIGHT - _LEFT):
            self.y -= size * 1.35
            self._text(_LEFT, line, size, font, colour)

    def words(self, words: Sequence[str]) -> None:
        rows = -(-len(words) // _COLUMNS)
        top = self.y - 2 * mm
        for place, word in enumerate(words):
            column, row = divmod(place, rows)
            x = _LEFT + column * (_RIGHT - _LEFT) / _COLUMNS
            self.y = top - (row + 1) * 7.2 * mm
            self._text(x, f"{place + 1}.", 10, REGULAR, _MUTED)
            self._text(x + 9 * mm, word, 14, BOLD, _INK)

    def code(self, rows: Sequence[Sequence[bool]]) -> None:
        side = _CODE / (len(rows) + 2 * _QUIET)
        top = self.y - 2 * mm - _QUIET * side
        self.canvas.setFillColor(_INK)
        for down, row in enumerate(rows):
            for across, dark in enumerate(row):
                if dark:
                    self.canvas.rect(
                        _LEFT + across * side, top - (down + 1) * side, side, side, 0, 1
                    )
        self.y = top - _CODE + _QUIET * side

    def _text(self, x: float, text: str, size: float, font: str, colour: str) -> None:
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(colour)
        self.canvas.drawString(x, self.y, text)
