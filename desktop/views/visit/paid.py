"""What follows a payment: the receipt in sight, the change in large figures, paper or PDF."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.domain.locale_format import money
from desktop.domain.messages import _
from desktop.domain.receipt import ClinicHeader, ReceiptDetails
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, button, label, row
from desktop.reports import receipt as layout
from desktop.views.visit.amounts import amount_label
from desktop.views.visit.paper import Preview


class Paid(QWidget):
    """The receipt that was just issued; each signal carries its id.

    :ivar printing: print it; ``saving`` save it as a PDF.
    :ivar closed: back to what is to be paid.
    """

    printing = Signal(object)
    saving = Signal(object)
    closed = Signal()

    def __init__(self, clinic: ClinicHeader) -> None:
        super().__init__()
        self._clinic = clinic
        self.receipt: ReceiptDetails | None = None
        space = current_theme().spacing
        self.banner = Banner("", "success")
        self.change = amount_label("display")
        self.change.setAccessibleName(_("Change due"))
        self.change_name = label(_("Change due"), "heading")
        self.total = amount_label("heading")
        figures = QGridLayout()
        figures.setColumnStretch(0, 1)
        figures.addWidget(label(_("Paid"), "muted"), 0, 0)
        figures.addWidget(self.total, 0, 1)
        figures.addWidget(self.change_name, 1, 0)
        figures.addWidget(self.change, 1, 1)
        self.preview = Preview()
        self.print = button(_("Print"), "primary", icon="print", shortcut="Ctrl+P")
        self.save = button(_("Save PDF"), icon="file", shortcut="Ctrl+S")
        self.close_page = button(_("Done"), shortcut="Esc")
        self.print.clicked.connect(lambda: self._emit(self.printing))
        self.save.clicked.connect(lambda: self._emit(self.saving))
        self.close_page.clicked.connect(self.closed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(space.m)
        column.addWidget(self.banner)
        column.addLayout(figures)
        column.addWidget(self.preview, 1)
        column.addWidget(self.print)
        column.addLayout(row(self.save, self.close_page))

    def show_receipt(self, receipt: ReceiptDetails) -> None:
        """Show it, and put the cursor on printing."""
        self.receipt = receipt
        words = _("Receipt {number} is recorded.").format(number=receipt.label)
        self.banner.show_text(words, "success")
        self.total.setText(money(receipt.total, self._clinic.currency))
        self.change.setText(money(receipt.change, self._clinic.currency))
        self.change.setVisible(receipt.change > 0)
        self.change_name.setVisible(receipt.change > 0)
        first = layout.pages(receipt, self._clinic, layout=layout.TICKET)[0]
        self.preview.show_page(first, _("Receipt {number}").format(number=receipt.label))
        self.print.setFocus()

    def _emit(self, signal: object) -> None:
        if self.receipt is not None:
            signal.emit(self.receipt.id)  # type: ignore[attr-defined]
