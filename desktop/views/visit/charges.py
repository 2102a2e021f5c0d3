"""What a visit costs: the charges in a table, and the line in which another is added."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSpinBox,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain import money
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money as spelled
from desktop.domain.messages import _, sentence
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import button, inset, label, scaled, set_property
from desktop.services.finance_types import ChargeLine, ChargeRow, PricedService
from desktop.views.visit.amounts import RIGHT, AmountEdit, cell, fit_rows, row_height, tabulate
from desktop.views.visit.service_picker import ServicePicker

MOST_ROWS = 9
NARROW = 580
"""Below this width (in pixels at the usual text size) the parts are put closer together."""
NARROWEST = 480
"""Below this width only what was done and what it costs is seen of a charge."""


class ChargesTable(QTableWidget):
    """The charges of a visit; a reversed one stays in sight, struck out.

    :ivar reversing: id of the charge that somebody wants to reverse (Del).
    """

    reversing = Signal(object)

    def __init__(self, currency: str) -> None:
        super().__init__(0, 6)
        self._currency = currency
        self._rows: tuple[ChargeRow, ...] = ()
        self.setAccessibleName(_("Charges"))
        self.setHorizontalHeaderLabels(
            [_("Service"), _("Qty."), _("Price"), _("Discount"), _("Total"), _("To pay")]
        )
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, 6):
            title = self.horizontalHeaderItem(column)
            if title is not None:
                title.setTextAlignment(Qt.AlignmentFlag.AlignRight)
        first = self.horizontalHeaderItem(0)
        if first is not None:
            first.setTextAlignment(Qt.AlignmentFlag.AlignLeft)
        tabulate(self)
        theme_switch().themeChanged.connect(self._draw)

    def show_rows(self, rows: Sequence[ChargeRow]) -> None:
        """Replace what is shown."""
        chosen = self.charge_id
        self._rows = tuple(rows)
        self._draw()
        for index, row in enumerate(self._rows):
            if row.id == chosen:
                self.selectRow(index)

    @property
    def charge_id(self) -> int | None:
        """The chosen charge."""
        indexes = self.selectionModel().selectedRows()
        return self._rows[indexes[0].row()].id if indexes else None

    def _draw(self) -> None:
        self.verticalHeader().setDefaultSectionSize(row_height(self))
        self.setRowCount(len(self._rows))
        muted = QColor(current_theme().color("text_muted"))
        for index, row in enumerate(self._rows):
            words = [
                self._named(row),
                str(row.quantity),
                self._amount(row.unit_price),
                self._amount(row.discount) if row.discount else "",
                self._amount(row.amount),
                _("Reversed") if row.reversed else self._open(row),
            ]
            for column, text in enumerate(words):
                item = cell(text, right=column > 0)
                if row.reversed:
                    font = self.font()
                    font.setStrikeOut(column < 5)
                    item.setFont(font)
                    item.setForeground(muted)
                item.setToolTip(self._hint(row))
                self.setItem(index, column, item)
        fit_rows(self, most=MOST_ROWS)

    def _named(self, row: ChargeRow) -> str:
        several = row.quantity > 1 and self.isColumnHidden(1)
        return f"{row.quantity} × {row.description}" if several else row.description

    def _open(self, row: ChargeRow) -> str:
        return _("Paid") if row.open == 0 else self._amount(row.open)

    def _hint(self, row: ChargeRow) -> str:
        parts = [row.description, f"{row.quantity} × {self._amount(row.unit_price)}"]
        if row.discount:
            parts.append(_("Discount: {amount}").format(amount=self._amount(row.discount)))
        if row.by:
            parts.append(_("Charged by {name}").format(name=row.by))
        if row.reason:
            parts.append(_("Reason: {reason}").format(reason=row.reason))
        if row.reversal_reason:
            parts.append(_("Reversed: {reason}").format(reason=row.reversal_reason))
        return "\n".join(parts)

    def _amount(self, value: Decimal) -> str:
        return spelled(value, self._currency)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow the price goes to make room for the name, then more; the hint has it."""
        super().resizeEvent(event)
        theme, width = current_theme(), self.width()
        self.setColumnHidden(2, width < theme.px(NARROW))
        scarce = width < theme.px(NARROWEST)
        if scarce != self.isColumnHidden(1):
            for column in (1, 3):
                self.setColumnHidden(column, scarce)
            self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del reverses the chosen charge."""
        if event.key() == Qt.Key.Key_Delete and self.charge_id is not None:
            self.reversing.emit(self.charge_id)
        else:
            super().keyPressEvent(event)


class AddLine(QWidget):
    """A line to be charged: service, quantity, price, discount and, where they differ, why.

    :ivar adding: a :class:`ChargeLine` that somebody confirmed.
    """

    adding = Signal(object)

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency
        theme = current_theme()
        self.picker = ServicePicker(currency)
        self.quantity = QSpinBox()
        inset(self.quantity)
        self.quantity.setRange(1, 999)
        self.quantity.setAccessibleName(_("Quantity"))
        scaled(self.quantity, 66)
        self.quantity.setAlignment(RIGHT)
        self.price = AmountEdit(currency, _("Unit price"), _("Price"))
        self.discount = AmountEdit(
            currency, _("Discount, an amount or a percentage"), _("Disc. or %")
        )
        scaled(self.price, 96)
        scaled(self.discount, 110)
        self.add = button(_("Add"), icon="plus")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText(_("Why another price or a discount"))
        self.reason.setAccessibleName(self.reason.placeholderText())
        self.reason.hide()
        self.note = label("", "error", wrap=True)
        self.note.hide()
        self._line = QHBoxLayout()
        self._line.setSpacing(theme.spacing.s)
        for part in (self.quantity, self.price, self.discount, self.add):
            self._line.addWidget(part)
        self._direction = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._direction.setSpacing(theme.spacing.s)
        self._direction.addWidget(self.picker, 1)
        self._direction.addLayout(self._line)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.spacing.xs)
        layout.addLayout(self._direction)
        layout.addWidget(self.reason)
        layout.addWidget(self.note)
        self.picker.picked.connect(self._picked)
        self.picker.confirmed.connect(self._confirm)
        self.add.clicked.connect(self._confirm)
        self.quantity.valueChanged.connect(self._edited)
        for editor in (self.price, self.discount, self.reason):
            editor.returnPressed.connect(self._confirm)
            editor.textEdited.connect(self._edited)
        self.quantity.lineEdit().returnPressed.connect(self._confirm)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow the service has a line of its own."""
        super().resizeEvent(event)
        narrow = self.width() < current_theme().px(NARROW)
        ways = QBoxLayout.Direction
        self._direction.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the second line, whichever way the parts are put."""
        return QSize(self._line.minimumSize().width(), super().minimumSizeHint().height())

    def offer(self, services: Sequence[PricedService]) -> None:
        """The services to choose from."""
        self.picker.offer(services)

    def reset(self) -> None:
        """Empty, ready for the next line."""
        self.picker.reset()
        self.quantity.setValue(1)
        for editor in (self.price, self.discount, self.reason):
            editor.clear()
        self._tell("")
        self.reason.hide()

    def show_error(self, error: BaseException) -> None:
        """What was wrong with the line; it stays as it is."""
        self._tell(sentence(error))

    def line(self) -> ChargeLine:
        """What is written; raises ``RuleError`` where it can't be read."""
        service = self.picker.service
        if service is None:
            raise RuleError("finance.service_unknown")
        price = self._price(service)
        quantity = self.quantity.value()
        discount = money.parse_discount(self.discount.text(), quantity * price, self._currency)
        return ChargeLine(
            service_id=service.id,
            quantity=quantity,
            unit_price=price,
            discount=discount,
            reason=self.reason.text(),
        )

    def _price(self, service: PricedService) -> Decimal:
        text = self.price.text()
        return money.parse(text, self._currency) if text.strip() else service.price

    def _picked(self, service: PricedService) -> None:
        self.price.setText(money.plain(service.price, self._currency))
        self._edited()

    def _edited(self) -> None:
        self._tell("")
        try:
            line = self.line()
        except RuleError:
            return
        service = self.picker.service
        differs = service is not None and (line.unit_price != service.price or line.discount > 0)
        self.reason.setVisible(differs)

    def _confirm(self) -> None:
        try:
            line = self.line()
        except RuleError as error:
            self.show_error(error)
            return
        if self.reason.isVisible() and not self.reason.text().strip():
            self.reason.setFocus()
            self.show_error(RuleError("finance.reason_needed"))
            return
        self.adding.emit(line)

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))
        set_property(self.reason, "invalid", bool(text) and self.reason.isVisible())
