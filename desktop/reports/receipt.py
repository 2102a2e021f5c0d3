"""The receipt on paper: half letter, A5 or an 80 mm ticket, as PDF.

Pure: what it prints is in its arguments, so the same receipt gives the same bytes, and a copy
differs from the first print by its mark alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from desktop.domain import locale_format
from desktop.domain.identifiers import phone_for_reading, rut_for_reading
from desktop.domain.ledger import method_label
from desktop.domain.messages import _
from desktop.domain.receipt import ClinicHeader, ReceiptDetails, ReceiptLine
from desktop.domain.resources import resource_path

HALF_LETTER = "half_letter"
A5 = "a5"
TICKET = "ticket"
LAYOUTS = (HALF_LETTER, A5, TICKET)

_SHEETS = {HALF_LETTER: (139.7 * mm, 215.9 * mm), A5: (148 * mm, 210 * mm)}
_TICKET_WIDTH = 80 * mm
_INK, _MUTED, _WARNING = "#16232b", "#52636e", "#b3261e"
RULE_COLOUR, MARK_COLOUR = "#c3ccd3", "#f6e7e6"
MARK_AT, MARK_TILT, MARK_SIZE = 0.42, 32.0, 84.0
"""How high up the page a mark stands (a share), how far it is turned (degrees), and its size."""

REGULAR, BOLD = "Receipt", "Receipt-Bold"


@dataclass(frozen=True, slots=True)
class Text:
    """Words on a base line; ``x`` is their left end, their right end or their middle (``align``)."""

    x: float
    y: float
    words: str
    size: float
    bold: bool
    colour: str
    align: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A hairline from ``left`` to ``right`` at ``y``."""

    left: float
    right: float
    y: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page: lengths in points, ``y`` upwards from the bottom.

    :ivar mark: a large word behind everything, or nothing.
    """

    width: float
    height: float
    mark: str
    items: tuple[Text | Rule, ...]


def pages(
    receipt: ReceiptDetails, clinic: ClinicHeader, *, layout: str = HALF_LETTER, copy: bool = False
) -> tuple[Page, ...]:
    """What stands where on the paper, in the language in use; for a PDF, a printer or a screen.

    :param layout: one of :data:`LAYOUTS`.
    :param copy: a reprint, marked as such.
    """
    register_fonts()
    paper: _Ticket | _Sheet
    if layout == TICKET:
        height = _Ticket(receipt, clinic).draw(copy=copy)
        paper = _Ticket(receipt, clinic, top=height)
    else:
        paper = _Sheet(receipt, clinic, _SHEETS[layout])
    paper.draw(copy=copy)
    return paper.finished()


def render(
    receipt: ReceiptDetails, clinic: ClinicHeader, *, layout: str = HALF_LETTER, copy: bool = False
) -> bytes:
    """The PDF of :func:`pages`."""
    drawn = pages(receipt, clinic, layout=layout, copy=copy)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(drawn[0].width, drawn[0].height), invariant=1)
    canvas.setTitle(f"{title(receipt)} {receipt.label}")
    canvas.setAuthor(clinic.name)
    for page in drawn:
        _draw(canvas, page)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw(canvas: Canvas, page: Page) -> None:
    if page.mark:
        canvas.saveState()
        canvas.translate(page.width / 2, page.height * MARK_AT)
        canvas.rotate(MARK_TILT)
        canvas.setFillColor(MARK_COLOUR)
        canvas.setFont(BOLD, MARK_SIZE)
        canvas.drawCentredString(0, 0, page.mark)
        canvas.restoreState()
    for item in page.items:
        if isinstance(item, Rule):
            canvas.setStrokeColor(RULE_COLOUR)
            canvas.setLineWidth(0.6)
            canvas.line(item.left, item.y, item.right, item.y)
            continue
        canvas.setFont(BOLD if item.bold else REGULAR, item.size)
        canvas.setFillColor(item.colour)
        {
            "left": canvas.drawString,
            "right": canvas.drawRightString,
            "center": canvas.drawCentredString,
        }[item.align](item.x, item.y, item.words)


@cache
def register_fonts() -> None:
    """Registered once: a font of our own, because the names of people outgrow Latin-1."""
    for name, path in font_files().items():
        pdfmetrics.registerFont(TTFont(name, str(path)))


def font_files() -> dict[str, Path]:
    """The fonts of the paper: name → TrueType file."""
    files = {REGULAR: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}
    return {name: resource_path("fonts", file) for name, file in files.items()}


def title(receipt: ReceiptDetails) -> str:
    """What kind of paper it is."""
    return _("Receipt reversal") if receipt.is_reversal else _("Receipt")


def _width(text: str, font: str, size: float) -> float:
    return float(pdfmetrics.stringWidth(text, font, size))


class _Paper:
    """Draws downwards; ``y`` is the base line of what was written last."""

    def __init__(
        self,
        receipt: ReceiptDetails,
        clinic: ClinicHeader,
        *,
        left: float,
        right: float,
        top: float,
    ) -> None:
        self.receipt, self.clinic = receipt, clinic
        self.left, self.right, self.y = left, right, top
        self.items: list[Text | Rule] = []
        self.done: list[Page] = []

    def end_page(self, width: float, height: float, mark: str = "") -> None:
        """Put what was written on a page of its own."""
        self.done.append(Page(width, height, mark, tuple(self.items)))
        self.items = []

    def finished(self) -> tuple[Page, ...]:
        """Every page."""
        return tuple(self.done)

    def amount(self, value: Decimal) -> str:
        return locale_format.money(value, self.clinic.currency)

    def text(
        self,
        text: str,
        size: float,
        *,
        font: str = REGULAR,
        colour: str = _INK,
        align: str = "left",
        x: float | None = None,
        width: float | None = None,
        gap: float = 1.35,
    ) -> None:
        """Lines of ``text``, wrapped to ``width``, each moving ``y`` down."""
        start = self.left if x is None else x
        room = (self.right - start) if width is None else width
        for part in simpleSplit(text, font, size, room):
            self.y -= size * gap
            self.put(part, size, font=font, colour=colour, align=align, x=start, width=room)

    def put(
        self,
        text: str,
        size: float,
        *,
        x: float,
        width: float = 0,
        font: str = REGULAR,
        colour: str = _INK,
        align: str = "left",
    ) -> None:
        """One line on the base line ``y``."""
        offset = {"left": 0.0, "center": width / 2, "right": width}[align]
        self.items.append(Text(x + offset, self.y, text, size, font == BOLD, colour, align))

    def pair(
        self,
        name: str,
        value: str,
        size: float,
        *,
        font: str = REGULAR,
        colour: str = _INK,
        left: float | None = None,
    ) -> None:
        """A name at the left, its value at the right, on one line (the name wraps)."""
        start = self.left if left is None else left
        value_width = _width(value, font, size)
        room = self.right - start - value_width - 8
        for index, part in enumerate(simpleSplit(name, font, size, room)):
            self.y -= size * 1.45
            self.put(part, size, font=font, colour=colour, x=start)
            if index == 0:
                self.put(
                    value, size, font=font, colour=colour, align="right", x=self.right, width=0
                )

    def rule(self, above: float = 6, below: float = 2) -> None:
        """A hairline."""
        self.y -= above
        self.items.append(Rule(self.left, self.right, self.y))
        self.y -= below

    # What is said, whatever the paper ------------------------------------------------------------
    @property
    def marks(self) -> list[str]:
        """What must not be overlooked: a reversal, or that it was reversed."""
        receipt = self.receipt
        marks = []
        if receipt.reverses:
            marks.append(_("Reverses receipt {number}").format(number=receipt.reverses))
        if receipt.reversed_by:
            marks.append(_("Void: reversed by {number}").format(number=receipt.reversed_by))
        if receipt.reversal_reason:
            marks.append(_("Reason: {reason}").format(reason=receipt.reversal_reason))
        return marks

    @property
    def phone(self) -> str:
        return phone_for_reading(self.clinic.phone) if self.clinic.phone else ""

    @property
    def people(self) -> list[tuple[str, str]]:
        receipt = self.receipt
        rows = [(_("Client"), receipt.client_name or "—")]
        if receipt.client_identity:
            rows.append((_("Identity"), rut_for_reading(receipt.client_identity)))
        if receipt.practitioner:
            rows.append((_("Practitioner"), receipt.practitioner))
        return rows

    @property
    def methods(self) -> list[tuple[str, str]]:
        rows = []
        for payment in self.receipt.payments:
            name = method_label(payment.method)
            if payment.reference:
                name = f"{name} · {payment.reference}"
            rows.append((name, self.amount(payment.amount)))
            if payment.tendered is not None:
                rows.append(("– " + _("Handed over"), self.amount(payment.tendered)))
                rows.append(("– " + _("Change due"), self.amount(payment.change)))
        return rows

    @property
    def balance(self) -> tuple[str, str] | None:
        balance = self.receipt.balance
        if balance is None:
            return None
        if balance < 0:
            return _("In the client's favour"), self.amount(-balance)
        return _("Balance left to pay"), self.amount(balance)

    def detail(self, line: ReceiptLine) -> str:
        """Quantity, price and discount, where they say more than the amount."""
        parts = []
        if line.quantity != 1 or line.discount:
            parts.append(f"{line.quantity} × {self.amount(line.unit_price)}")
        if line.discount:
            parts.append(_("discount {amount}").format(amount=self.amount(line.discount)))
        if abs(line.paid) != line.amount:
            parts.append(_("of {amount}").format(amount=self.amount(line.amount)))
        return " · ".join(parts)

    @property
    def issued(self) -> str:
        return locale_format.date_time(self.receipt.issued_at, self.clinic.zone)

    @property
    def footer(self) -> str:
        who = _("Issued by {name}").format(name=self.receipt.issued_by or "—")
        return f"{who} · " + _("workstation {number}").format(number=self.receipt.device)


class _Sheet(_Paper):
    """Half letter or A5."""

    def __init__(
        self,
        receipt: ReceiptDetails,
        clinic: ClinicHeader,
        size: tuple[float, float],
    ) -> None:
        self.size = size
        super().__init__(
            receipt,
            clinic,
            left=12 * mm,
            right=size[0] - 12 * mm,
            top=size[1] - 12 * mm,
        )

    def draw(self, *, copy: bool) -> None:
        self._head(copy=copy)
        for mark in self.marks:
            self.text(mark, 9, font=BOLD)
        self._people()
        self._lines(copy=copy)
        self._end(copy=copy)

    def _need(self, height: float, *, copy: bool) -> None:
        """Start another page where less than ``height`` is left."""
        if self.y - height < 16 * mm:
            self._end_page(copy=copy)
            self.y = self.size[1] - 12 * mm
            self.text(f"{title(self.receipt)} {self.receipt.label}", 9, font=BOLD)
            self.rule()

    def _end_page(self, *, copy: bool) -> None:
        mark = _("VOID") if self.receipt.reversed_by else (_("COPY") if copy else "")
        self.end_page(*self.size, mark)

    def _head(self, *, copy: bool) -> None:
        top = self.y
        number = 52 * mm
        self.text(self.clinic.name, 13, font=BOLD, width=self.right - self.left - number)
        for words in (self.clinic.address, self._contact()):
            if words:
                self.text(words, 8, colour=_MUTED, width=self.right - self.left - number)
        bottom = self.y
        self.y = top
        at = {"x": self.right - number, "width": number, "align": "right"}
        self._right(title(self.receipt).upper(), 8, _MUTED, at)
        self._right(self.receipt.label, 15, _INK, at)
        self._right(self.issued, 8.5, _MUTED, at)
        if copy:
            self._right(_("COPY"), 9, _WARNING, at)
        self.y = min(self.y, bottom)
        self.rule(8, 4)

    def _right(self, words: str, size: float, colour: str, at: dict[str, object]) -> None:
        font = REGULAR if colour == _MUTED else BOLD
        self.text(words, size, font=font, colour=colour, **at)  # type: ignore[arg-type]

    def _contact(self) -> str:
        return " · ".join(words for words in (self.phone, self.clinic.email) if words)

    def _people(self) -> None:
        for name, value in self.people:
            self.y -= 13
            self.put(name, 8.5, x=self.left, colour=_MUTED)
            font = BOLD if name == _("Client") else REGULAR
            self.y += 9.5 * 1.35
            self.text(value, 9.5, font=font, x=self.left + 26 * mm)
        self.rule(8, 0)

    def _lines(self, *, copy: bool) -> None:
        size = 9.5
        if self.receipt.lines:
            self.y -= 12
            self.put(_("Service"), 8, x=self.left, colour=_MUTED)
            self.put(_("Paid"), 8, x=self.right, colour=_MUTED, align="right")
        for line in self.receipt.lines:
            self._need(34, copy=copy)
            self.y -= 2
            self.pair(line.description, self.amount(line.paid), size)
            detail = self.detail(line)
            if detail:
                self.text(detail, 8, colour=_MUTED)
        if self.receipt.advance:
            self._need(24, copy=copy)
            self.y -= 2
            self.pair(_("Advance"), self.amount(self.receipt.advance), size)
        self.rule(8, 2)

    def _end(self, *, copy: bool) -> None:
        height = 40 + 15 * (len(self.methods) + 2)
        self._need(height, copy=copy)
        self.pair(_("Total"), self.amount(self.receipt.total), 15, font=BOLD)
        self.y -= 6
        for name, value in self.methods:
            self.pair(name, value, 9.5)
        if self.balance:
            self.rule(7, 0)
            self.pair(*self.balance, 10.5, font=BOLD)
        self.y = 12 * mm
        self.put(self.footer, 7.5, x=self.left, colour=_MUTED)
        self.put(self.clinic.name, 7.5, x=self.right, colour=_MUTED, align="right")
        self._end_page(copy=copy)


class _Ticket(_Paper):
    """A roll of 80 mm, as long as what is on it; 72 mm can be printed."""

    def __init__(self, receipt: ReceiptDetails, clinic: ClinicHeader, top: float = 0) -> None:
        super().__init__(
            receipt,
            clinic,
            left=5 * mm,
            right=_TICKET_WIDTH - 5 * mm,
            top=top - 4 * mm,
        )
        self._top = top

    def draw(self, *, copy: bool) -> float:
        """The height that it took."""
        centred = self._centred
        centred(self.clinic.name, 11, BOLD)
        for words in (self.clinic.address, self.phone):
            if words:
                centred(words, 7.5, REGULAR)
        self.rule(5, 1)
        centred(f"{title(self.receipt)} {self.receipt.label}", 10.5, BOLD)
        centred(self.issued, 8, REGULAR)
        if copy:
            centred(f"*** {_('COPY')} ***", 10, BOLD)
        for mark in self.marks:
            centred(mark, 8.5, BOLD)
        self.rule(5, 0)
        for name, value in self.people:
            self.text(f"{name}: {value}", 8.5)
        self.rule(5, 0)
        for line in self.receipt.lines:
            self.pair(line.description, self.amount(line.paid), 8.5)
            detail = self.detail(line)
            if detail:
                self.text(detail, 7.5)
        if self.receipt.advance:
            self.pair(_("Advance"), self.amount(self.receipt.advance), 8.5)
        self.rule(5, 1)
        self.pair(_("Total"), self.amount(self.receipt.total), 13, font=BOLD)
        self.y -= 3
        for name, value in self.methods:
            self.pair(name, value, 8.5)
        if self.balance:
            self.rule(5, 0)
            self.pair(*self.balance, 9, font=BOLD)
        self.rule(6, 1)
        centred(self.footer, 7, REGULAR)
        height = self._top - self.y + 6 * mm
        self.end_page(_TICKET_WIDTH, height)
        return height

    def _centred(self, words: str, size: float, font: str) -> None:
        self.text(words, size, font=font, align="center")
