"""Parts that show and take amounts: right-aligned, in figures of one width."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontInfo
from PySide6.QtWidgets import QLabel, QLineEdit, QTableWidget, QTableWidgetItem, QWidget

from desktop.domain import money
from desktop.domain.errors import RuleError
from desktop.qt.widgets import label

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def tabular(font: QFont) -> QFont:
    """``font`` with figures of one width, where it has them."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def tabulate(widget: QWidget) -> None:
    """Give a widget figures of one width."""
    widget.ensurePolished()
    widget.setFont(tabular(widget.font()))


def amount_label(role: str = "") -> QLabel:
    """A label for an amount."""
    made = label("", role)
    made.setAlignment(RIGHT)
    tabulate(made)
    return made


class AmountEdit(QLineEdit):
    """A line for an amount; all of it is marked when it gets the focus, so typing replaces it.

    What was typed is grouped when the line is left, as every amount on the page is.

    :ivar written: the text that a person typed, at every key and when it is grouped.
    """

    written = Signal(str)

    def __init__(self, currency: str, name: str, placeholder: str = "") -> None:
        super().__init__()
        self._currency = currency
        self.textEdited.connect(self.written)
        self.editingFinished.connect(self._group)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setAlignment(RIGHT)
        self.setMaxLength(20)
        tabulate(self)

    def _group(self) -> None:
        try:
            text = money.plain(money.parse(self.text(), self._currency), self._currency)
        except RuleError:
            return
        if text != self.text():
            self.setText(text)
            self.written.emit(text)

    def show_text(self, text: str) -> None:
        """Change what stands here, unless it says so already."""
        if self.text() != text:
            self.setText(text)
            if self.hasFocus():
                self.selectAll()


def cell(text: str, *, right: bool = False) -> QTableWidgetItem:
    """A cell that is read, not edited."""
    item = QTableWidgetItem(text)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    if right:
        item.setTextAlignment(RIGHT)
    return item


def fit_rows(table: QTableWidget, *, most: int) -> None:
    """As high as its rows, up to ``most`` of them."""
    row = table.verticalHeader().defaultSectionSize()
    rows = max(1, min(table.rowCount(), most))
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + rows * row + 8)


def row_height(widget: QWidget) -> int:
    """The height of a row of a table in ``widget``'s font."""
    return int(QFontInfo(widget.font()).pixelSize() * 2.4)
