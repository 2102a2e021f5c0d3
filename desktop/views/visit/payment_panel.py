"""Taking a payment: what is due, who much by which method, the cash handed over and the change."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.domain import ledger, money
from desktop.domain.locale_format import money as spelled
from desktop.domain.messages import _, sentence
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, KeyHint, button, label, line, scaled, set_property
from desktop.services.finance_types import PaymentPart, Visit
from desktop.views.visit.amounts import AmountEdit, amount_label
from desktop.views.visit.tender import TENDERED, Outlook, Tender

KEYS = {ledger.CASH: "F6", ledger.TRANSFER: "F7", ledger.CARD: "F8"}
"""The key with which a method takes what is left to pay."""


class PaymentPanel(QWidget):
    """The fields of a payment and what they come to.

    :ivar confirmed: ``(parts, tendered, advance, with_older)`` of a payment that can be recorded.
    """

    confirmed = Signal(object, object, object, bool)

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency
        self.tender = Tender(currency)
        self._visit: Visit | None = None
        self._busy = False
        self._tried = False
        self._advancing = False
        space = current_theme().spacing
        self.due = amount_label("display")
        self.due.setAccessibleName(_("To pay"))
        self.older = QCheckBox()
        self.older.toggled.connect(self._older_changed)
        self.amounts: dict[str, AmountEdit] = {}
        self.references: dict[str, QLineEdit] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(space.s)
        grid.setVerticalSpacing(space.s)
        grid.setColumnStretch(1, 1)
        for index, method in enumerate(ledger.METHODS):
            self._method_row(grid, index * 2, method)
        self.tendered = AmountEdit(currency, _("Cash handed over"), _("Exact"))
        self.tendered.written.connect(self._tendered_edited)
        self.tendered.returnPressed.connect(self.confirm)
        self.offers = QHBoxLayout()
        self.offers.setSpacing(space.xs)
        self._offered: list[tuple[Decimal, QWidget]] = []
        self.change = amount_label("title")
        self.change.setAccessibleName(_("Change due"))
        self._cash = self._cash_part()
        self.keep_excess = QCheckBox()
        self.keep_excess.toggled.connect(self._keep_changed)
        self.summary = label("", "muted", wrap=True)
        self.note = label("", "error", wrap=True)
        self.banner = Banner("", "danger")
        self.take = button("", "primary", icon="money")
        self.take.setObjectName("take")
        self.take.clicked.connect(self.confirm)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space.m)
        due = QHBoxLayout()
        due.setSpacing(space.s)
        due.addWidget(label(_("To pay"), "heading"))
        due.addWidget(KeyHint("F4"))
        due.addWidget(self.due, 1)
        layout.addLayout(due)
        layout.addWidget(self.older)
        layout.addWidget(line())
        layout.addLayout(grid)
        layout.addWidget(self._cash)
        layout.addWidget(self.keep_excess)
        layout.addWidget(self.summary)
        layout.addWidget(self.note)
        layout.addWidget(self.banner)
        layout.addStretch(1)
        layout.addWidget(self.take)
        keys = QHBoxLayout()
        keys.addStretch(1)
        keys.addWidget(KeyHint("Ctrl + Enter"))
        keys.addStretch(1)
        layout.addLayout(keys)

    # Putting it together -------------------------------------------------------------------------
    def _method_row(self, grid: QGridLayout, row: int, method: str) -> None:
        name = button(ledger.method_label(method), "quiet")
        name.setToolTip(_("Pays what is left ({key})").format(key=KEYS[method]))
        name.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has a key, and Tab goes by the amounts
        name.clicked.connect(lambda: self.pay_with(method))
        words = _("Paid by {method}").format(method=ledger.method_label(method))
        amount = AmountEdit(self._currency, words, "—")
        amount.written.connect(lambda text: self._written(method, text))
        amount.returnPressed.connect(self.confirm)
        self.amounts[method] = amount
        grid.addWidget(KeyHint(KEYS[method]), row, 0)
        grid.addWidget(name, row, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(amount, row, 2)
        scaled(amount, 140)
        if method == ledger.CASH:
            return
        reference = QLineEdit()
        reference.setMaxLength(100)
        reference.setPlaceholderText(
            _("Transfer number (optional)")
            if method == ledger.TRANSFER
            else _("Voucher number (optional)")
        )
        reference.setAccessibleName(reference.placeholderText())
        reference.returnPressed.connect(self.confirm)
        reference.hide()
        self.references[method] = reference
        grid.addWidget(reference, row + 1, 1, 1, 2)

    def _cash_part(self) -> QWidget:
        part = QWidget()
        space = current_theme().spacing
        grid = QGridLayout(part)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(space.s)
        grid.setVerticalSpacing(space.xs)
        grid.setColumnStretch(0, 1)
        given = label(_("Cash handed over"), "muted")
        given.setBuddy(self.tendered)
        grid.addWidget(given, 0, 0)
        grid.addWidget(self.tendered, 0, 1)
        scaled(self.tendered, 140)
        grid.addLayout(self.offers, 1, 0, 1, 2)
        grid.addWidget(label(_("Change due"), "strong"), 2, 0)
        grid.addWidget(self.change, 2, 1)
        return part

    # What the page asks --------------------------------------------------------------------------
    def show_visit(self, visit: Visit) -> None:
        """What is due now; what was typed stays while it is the same visit."""
        same = self._visit is not None and self._visit.appointment.id == visit.appointment.id
        self._visit = visit
        self.older.setText(
            _("Add {amount} from earlier visits").format(
                amount=spelled(visit.other_due, self._currency)
            )
        )
        self.older.setVisible(visit.other_due > 0)
        if visit.other_due <= 0:
            self.older.setChecked(False)
        if same and self.tender.texts:
            self.tender.owe(self._due())
        else:
            self.start()
            return
        self._show()

    def start(self, *, advancing: bool = False) -> None:
        """Empty fields: cash pays all.

        :param advancing: what is paid beyond what is due is meant as an advance from the start.
        """
        self._tried = False
        self._advancing = advancing
        self.banner.show_text("")
        for reference in self.references.values():
            reference.clear()
        self.tender.start(self._due())
        self.tender.keep_excess = advancing
        self.keep_excess.setChecked(advancing)
        self._show()

    def focus(self) -> None:
        """The cursor goes to the amount that pays."""
        method = self.tender.automatic or next(iter(self.tender.texts), ledger.CASH)
        self.amounts[method].setFocus()
        self.amounts[method].selectAll()

    def pay_with(self, method: str) -> None:
        """The method takes what is left, and the cursor.

        Asked again, cash goes on to what was handed over.
        """
        again = method == self.tender.automatic == ledger.CASH
        if again and self.amounts[method].hasFocus() and self._cash.isVisible():
            self.tendered.setFocus()
            self.tendered.selectAll()
            return
        self.tender.pay_with(method)
        self._show()
        self.amounts[method].setFocus()
        self.amounts[method].selectAll()

    def set_busy(self, busy: bool) -> None:
        """While a payment is being recorded nothing more can be confirmed."""
        self._busy = busy
        self._show()

    def show_error(self, error: BaseException) -> None:
        """What stood in the way; everything typed is still here."""
        self.set_busy(False)
        self.banner.show_text(sentence(error), "danger")

    def confirm(self) -> None:
        """Record the payment, or say why it can't be."""
        outlook = self.tender.outlook()
        self._tried = True
        if self._busy or not outlook.valid:
            self._show()
            return
        parts = [
            PaymentPart(
                method,
                amount,
                self.references[method].text() if method in self.references else "",
            )
            for method, amount in outlook.amounts.items()
        ]
        self.confirmed.emit(parts, outlook.tendered, outlook.excess, self.older.isChecked())

    # What people do ------------------------------------------------------------------------------
    def _due(self) -> Decimal:
        if self._visit is None:
            return Decimal(0)
        extra = self._visit.other_due if self.older.isChecked() else Decimal(0)
        return self._visit.due + extra

    def _older_changed(self) -> None:
        if self.tender.texts:
            self.tender.owe(self._due())
        else:
            self.tender.start(self._due())
        self._show()

    def _keep_changed(self, checked: bool) -> None:
        self.tender.keep_excess = checked
        self._show()

    def _written(self, method: str, text: str) -> None:
        self.tender.write(method, text)
        self._show()

    def _tendered_edited(self, text: str) -> None:
        self.tender.tendered = text
        self._show()

    def _offer(self, amount: Decimal) -> Callable[[], None]:
        def hand_over() -> None:
            text = money.plain(amount, self._currency)
            self.tendered.setText(text)
            self._tendered_edited(text)
            self.take.setFocus()

        return hand_over

    # What is shown -------------------------------------------------------------------------------
    def _show(self) -> None:
        outlook = self.tender.outlook()
        self.due.setText(self._amount(self._due()))
        for method, editor in self.amounts.items():
            editor.show_text(self.tender.text(method))
            set_property(editor, "invalid", outlook.where == method)
        for method, reference in self.references.items():
            reference.setVisible(method in self.tender.texts)
        self.tendered.show_text(self.tender.tendered)
        set_property(self.tendered, "invalid", outlook.where == TENDERED)
        cash = outlook.amounts.get(ledger.CASH, Decimal(0))
        self._cash.setVisible(cash > 0)
        self._show_offers(cash)
        self.change.setText(self._amount(outlook.change))
        self._show_excess(outlook)
        self.summary.setText(self._summary(outlook))
        self.summary.setVisible(bool(self.summary.text()))
        self.note.setText(self._problem(outlook))
        self.note.setVisible(bool(self.note.text()))
        self.take.setText(
            _("Take {amount}").format(amount=self._amount(outlook.total))
            if outlook.total
            else _("Take payment")
        )
        self.take.setToolTip("Ctrl+Enter")
        self.take.setEnabled(outlook.valid and not self._busy)

    def _show_offers(self, cash: Decimal) -> None:
        wanted = money.tender_suggestions(cash, self._currency)[1:] if cash > 0 else []
        if wanted == [amount for amount, _shown in self._offered]:
            return
        for _amount, shown in self._offered:
            self.offers.removeWidget(shown)
            shown.hide()
            shown.deleteLater()
        self._offered = []
        for amount in wanted:
            offer = button(self._amount(amount))
            offer.setAccessibleName(_("Handed over {amount}").format(amount=self._amount(amount)))
            offer.clicked.connect(self._offer(amount))
            self.offers.addWidget(offer)
            self._offered.append((amount, offer))

    def _show_excess(self, outlook: Outlook) -> None:
        possible = outlook.excess > 0 and self._visit is not None and self._visit.client is not None
        self.keep_excess.setText(
            _("Keep {amount} as an advance").format(amount=self._amount(outlook.excess))
        )
        self.keep_excess.setVisible(possible)
        if not possible and self.keep_excess.isChecked() and not self._advancing:
            self.keep_excess.setChecked(False)

    def _summary(self, outlook: Outlook) -> str:
        if outlook.problem is None and outlook.missing > 0:
            return _("{amount} will be left to pay.").format(amount=self._amount(outlook.missing))
        return ""

    def _problem(self, outlook: Outlook) -> str:
        problem = outlook.problem
        if problem is None or (problem.code == "finance.no_parts" and not self._tried):
            return ""
        return sentence(problem)

    def _amount(self, value: Decimal) -> str:
        return spelled(value, self._currency)
