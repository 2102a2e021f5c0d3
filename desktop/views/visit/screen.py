"""The page of one visit: charge it, take the payment, hand over the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.ledger import METHODS, method_label
from desktop.domain.locale_format import money as spelled
from desktop.domain.messages import _
from desktop.domain.receipt import ReceiptDetails
from desktop.domain.statuses import Status
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Card, EmptyState, KeyHint, button, label, row, scaled
from desktop.reports import receipt as paper
from desktop.services.finance_types import ChargeLine, PaymentPart, Visit
from desktop.views.visit.amounts import amount_label
from desktop.views.visit.charges import AddLine, ChargesTable
from desktop.views.visit.header import VisitHeader
from desktop.views.visit.output import Output
from desktop.views.visit.paid import Paid
from desktop.views.visit.payment_panel import KEYS, PaymentPanel
from desktop.views.visit.reason import ask_reason
from desktop.views.visit.receipts import Receipts

TABLES = frozenset(
    {
        "citas_cita",
        "citas_tiposervicio",
        "finanzas_asignacion",
        "finanzas_cargo",
        "finanzas_pago",
        "finanzas_recibo",
        "pacientes_cliente",
    }
)
"""What the page shows of; it is read again when one of these changes."""


class VisitScreen(QWidget):
    """A visit from charge to receipt. ``open({"appointment_id": …})`` shows one."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._finance: Any = context.services.finance
        self._clinic: Any = context.services.clinic
        self._appointment_id: int | None = None
        self.visit: Visit | None = None
        self._advancing = False
        self.output = Output(context, self)
        self.setProperty("surface", "canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._build()
        self._connect()
        self._shortcuts()
        context.changed.connect(self._changed)

    # Putting it together -------------------------------------------------------------------------
    def _build(self) -> None:
        currency, zone = self._clinic.currency, self._clinic.zone
        space = current_theme().spacing
        self.header = VisitHeader(zone)
        self.charges = ChargesTable(currency)
        self.no_charges = label(
            _("Nothing is charged yet. Add the service that was given."), "muted", wrap=True
        )
        self.adding = AddLine(currency)
        self.totals = amount_label("heading")
        self.receipts = Receipts(currency, zone)
        self.receipts_card = Card()
        self.receipts_card.body.addWidget(label(_("Receipts"), "heading"))
        self.receipts_card.body.addWidget(self.receipts)
        charges = Card()
        self.reverse_charge = button(_("Reverse charge…"), "quiet", icon="undo")
        self.reverse_charge.setToolTip(_("Del"))
        charges.body.addLayout(row(label(_("Charges"), "heading"), KeyHint("F2"), stretch=True))
        charges.body.addWidget(self.charges)
        charges.body.addWidget(self.no_charges)
        charges.body.addWidget(self.adding)
        foot = QHBoxLayout()
        foot.addWidget(self.reverse_charge)
        self.totals.setWordWrap(True)
        foot.addWidget(self.totals, 1)
        charges.body.addLayout(foot)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(space.m)
        for card in (self.header, charges, self.receipts_card):
            column.addWidget(card)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(left)
        self.left = scroll
        self.content = QWidget()
        layout = QHBoxLayout(self.content)
        layout.setContentsMargins(space.l, space.l, space.l, space.l)
        layout.setSpacing(space.l)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._money_card())
        self.gone = EmptyState(
            "money",
            _("No visit is open"),
            _("Choose an appointment in the agenda and open its visit to charge it."),
            self._agenda_button(),
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.gone)
        self.pages.addWidget(self.content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)

    def _agenda_button(self) -> QPushButton:
        made = button(_("Go to the agenda"), "primary", icon="agenda")
        made.clicked.connect(lambda: self._context.navigate("agenda"))
        return made

    def _money_card(self) -> Card:
        card = Card()
        scaled(card, 352)
        self.panel = PaymentPanel(self._clinic.currency)
        self.paid = Paid(self._finance.header())
        self.nothing_due = self._nothing_due()
        self.money = QStackedWidget()
        for page in (self.panel, self.paid, self.nothing_due):
            self.money.addWidget(page)
        self.balance = label("", "muted", wrap=True)
        self.credit = button("", icon="money")
        self.paper = QComboBox()
        self.paper.setAccessibleName(_("Paper of the receipts"))
        for name, words in (
            (paper.HALF_LETTER, _("Half letter")),
            (paper.A5, "A5"),
            (paper.TICKET, _("80 mm ticket")),
        ):
            self.paper.addItem(words, name)
        self.paper.setCurrentIndex(self.paper.findData(self.output.layout))
        self.paper.currentIndexChanged.connect(self._paper_chosen)
        card.body.addWidget(self.money, 1)
        card.body.addWidget(self.credit)
        card.body.addWidget(self.balance)
        card.body.addLayout(row(label(_("Paper"), "small"), self.paper))
        return card

    def _nothing_due(self) -> QWidget:
        self.advance = button(_("Take an advance"), icon="plus")
        return EmptyState(
            "success",
            _("Nothing to pay"),
            _("Add a service to charge it, or take an advance."),
            self.advance,
        )

    def _connect(self) -> None:
        self.header.left.connect(lambda: self._context.navigate("agenda"))
        self.header.stepped.connect(self._step)
        self.adding.adding.connect(self._charge)
        self.charges.reversing.connect(self._ask_charge_reversal)
        self.reverse_charge.clicked.connect(self._reverse_chosen)
        self.charges.itemSelectionChanged.connect(self._enable)
        self.panel.confirmed.connect(self._take)
        self.credit.clicked.connect(self._use_credit)
        self.advance.clicked.connect(self._take_advance)
        self.paid.closed.connect(self._paid_closed)
        self.paid.printing.connect(lambda receipt: self._with(receipt, self._print_first))
        self.paid.saving.connect(lambda receipt: self._with(receipt, self._save_first))
        self.receipts.printing.connect(lambda receipt: self._with(receipt, self._print_copy))
        self.receipts.saving.connect(lambda receipt: self._with(receipt, self._save_copy))
        self.receipts.reversing.connect(self._ask_receipt_reversal)

    def _shortcuts(self) -> None:
        keys = {
            "F2": self.adding.picker.setFocus,
            "F4": self.pay,
            "Ctrl+Return": self.panel.confirm,
            "Ctrl+Enter": self.panel.confirm,
        } | {KEYS[method]: self._pays(method) for method in METHODS}
        for key, act in keys.items():
            made = QShortcut(QKeySequence(key), self)
            made.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            made.activated.connect(act)

    def _pays(self, method: str) -> Any:
        def take() -> None:
            if self.money.currentWidget() is self.panel:
                self.panel.pay_with(method)

        return take

    def shortcuts(self) -> list[tuple[str, str]]:
        """Keys and what they do."""
        methods = [
            (KEYS[method], _("Pay what is left: {method}").format(method=method_label(method)))
            for method in METHODS
        ]
        return [
            ("F2", _("Add a service")),
            ("Del", _("Reverse the chosen charge")),
            ("F4", _("To the amount")),
            *methods,
            ("F6 / F6", _("Cash handed over")),
            ("Ctrl+Enter", _("Take payment")),
            ("Ctrl+P", _("Print the receipt")),
            ("Ctrl+S", _("Save PDF")),
            ("F9", _("Complete visit")),
            ("Alt+Left", _("Back to the agenda")),
        ]

    # Showing -------------------------------------------------------------------------------------
    def open(self, arguments: dict[str, Any]) -> None:
        """Show the visit ``arguments["appointment_id"]``."""
        appointment_id = arguments.get("appointment_id")
        if appointment_id != self._appointment_id:
            self.visit = None
            self._advancing = False
            self.money.setCurrentWidget(self.panel)
            self.adding.reset()
        self._appointment_id = appointment_id
        self._reload()

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self._reload()

    def _reload(self) -> None:
        wanted = self._appointment_id
        if wanted is None:
            self.pages.setCurrentWidget(self.gone)
            return
        self._context.jobs.read(
            self,
            lambda _progress: (self._finance.visit(wanted), self._finance.services()),
            done=self._show,
            failed=self._failed,
            lane_key="visit",
        )

    def _failed(self, _error: Exception) -> None:
        self.visit = None
        self.pages.setCurrentWidget(self.gone)

    def _show(self, loaded: tuple[Visit, Sequence[Any]]) -> None:
        visit, services = loaded
        first = self.visit is None
        self.visit = visit
        actor, currency = self._context.actor, self._clinic.currency
        today = visit.appointment.starts_at.astimezone(self._clinic.zone).date()
        self.header.show_visit(visit, actor, today)
        self.charges.show_rows(visit.charges)
        self.charges.setVisible(bool(visit.charges))
        self.no_charges.setVisible(not visit.charges)
        self.adding.offer(services)
        self.adding.setVisible(actor.may("finance.charge"))
        totals = _("Total {charged}   ·   Paid {paid}").format(
            charged=spelled(visit.charged, currency), paid=spelled(visit.paid, currency)
        )
        # Where it is narrow it breaks between the two, not inside of one.
        halves = (half.strip().replace(" ", "\N{NO-BREAK SPACE}") for half in totals.split("·"))
        self.totals.setText("   ·   ".join(halves))
        self.receipts_card.setVisible(bool(visit.receipts))
        self.receipts.show_rows(visit.receipts, may_reverse=actor.may("finance.reverse"))
        self.panel.show_visit(visit)
        self._show_money(visit)
        self._enable()
        self.pages.setCurrentWidget(self.content)
        if first:
            self._first_focus(visit, services)

    def _first_focus(self, visit: Visit, services: Sequence[Any]) -> None:
        """Straight to work: the booked service is ready to be charged, or the amount to be taken."""
        if visit.due > 0:
            self.panel.focus()
            return
        booked = next((s for s in services if s.id == visit.appointment.service_id), None)
        if booked is not None and not visit.charges:
            self.adding.picker.choose(booked)
        self.adding.picker.setFocus()

    def _show_money(self, visit: Visit) -> None:
        currency = self._clinic.currency
        page = self.money.currentWidget()
        owing = visit.due > 0 or visit.other_due > 0
        if page is not self.paid:
            paying = owing or self._advancing
            self.money.setCurrentWidget(self.panel if paying else self.nothing_due)
        may_pay = self._context.actor.may("finance.pay")
        self.panel.setEnabled(may_pay)
        self.advance.setVisible(may_pay and visit.client is not None)
        usable = min(visit.credit, visit.due)
        self.credit.setText(
            _("Use {amount} of the advance").format(amount=spelled(usable, currency))
        )
        self.credit.setVisible(may_pay and usable > 0 and page is not self.paid)
        if visit.overpaid > 0:
            words = _(
                "{amount} was paid twice, at workstations without a connection, and is in the"
                " client's favour. Use it for a charge, or reverse one of the receipts to give it"
                " back."
            )
            self.balance.setText(words.format(amount=spelled(visit.overpaid, currency)))
        elif visit.balance < 0:
            words = _("The client has {amount} in their favour.")
            self.balance.setText(words.format(amount=spelled(-visit.balance, currency)))
        elif visit.other_due > 0:
            words = _("The client owes {amount} in all.")
            self.balance.setText(words.format(amount=spelled(visit.balance, currency)))
        else:
            self.balance.setText("")
        self.balance.setVisible(bool(self.balance.text()))

    def _enable(self) -> None:
        chosen = next(
            (
                charge
                for charge in (self.visit.charges if self.visit else ())
                if charge.id == self.charges.charge_id
            ),
            None,
        )
        self.reverse_charge.setVisible(self._context.actor.may("finance.reverse"))
        self.reverse_charge.setEnabled(chosen is not None and not chosen.reversed)

    def pay(self) -> None:
        """The cursor goes to the amount (F4)."""
        if self.money.currentWidget() is self.nothing_due:
            return
        self.money.setCurrentWidget(self.panel)
        self.panel.focus()

    # Doing ---------------------------------------------------------------------------------------
    def _write(self, work: Any, done: Any, failed: Any) -> None:
        self._context.jobs.write(self, lambda _progress: work(), done=done, failed=failed)

    def _charge(self, line: ChargeLine) -> None:
        if self.visit is None:
            return
        appointment_id = self.visit.appointment.id
        self._write(
            lambda: self._finance.charge(self._context.actor, appointment_id, [line]),
            self._charged,
            self.adding.show_error,
        )

    def _charged(self, _ids: tuple[int, ...]) -> None:
        self.adding.reset()
        self.adding.picker.setFocus()
        if self.money.currentWidget() is self.paid:
            self._paid_closed()
        self._reload()

    def _take(
        self,
        parts: list[PaymentPart],
        tendered: Decimal | None,
        advance: Decimal,
        with_older: bool,
    ) -> None:
        visit = self.visit
        if visit is None or not self._context.actor.may("finance.pay"):
            return
        own = [charge.id for charge in visit.charges if charge.open > 0]
        client_id = visit.client.id if visit.client else None
        chosen = None if with_older or client_id is None else own
        self.panel.set_busy(True)
        self._write(
            lambda: self._finance.take_payment(
                self._context.actor,
                client_id,
                visit.appointment.id,
                parts,
                charge_ids=chosen,
                tendered=tendered,
                advance=advance,
            ),
            self._taken,
            self.panel.show_error,
        )

    def _taken(self, receipt: ReceiptDetails) -> None:
        self._advancing = False
        self.panel.set_busy(False)
        self.panel.tender.start(Decimal(0))
        self.money.setCurrentWidget(self.paid)
        self.credit.hide()
        self.paid.show_receipt(receipt)
        self._reload()

    def _paid_closed(self) -> None:
        self.money.setCurrentWidget(self.panel)
        if self.visit is not None:
            self.panel.start()
            self._show_money(self.visit)
        self.adding.picker.setFocus()

    def _take_advance(self) -> None:
        self._advancing = True
        self.money.setCurrentWidget(self.panel)
        self.panel.start(advancing=True)
        self.panel.focus()

    def _use_credit(self) -> None:
        visit = self.visit
        if visit is None or visit.client is None:
            return
        client_id = visit.client.id
        own = [charge.id for charge in visit.charges if charge.open > 0]
        self._write(
            lambda: self._finance.use_credit(self._context.actor, client_id, own),
            lambda used: self._context.notify(
                _("{amount} of the advance was used.").format(
                    amount=spelled(used, self._clinic.currency)
                ),
                "success",
            ),
            self.panel.show_error,
        )

    def _step(self, status: Status) -> None:
        if self.visit is None:
            return
        appointment_id = self.visit.appointment.id
        agenda: Any = self._context.services.agenda
        self._context.jobs.write(
            self,
            lambda _progress: agenda.set_status(self._context.actor, appointment_id, status),
            done=lambda _undo: self._reload(),
        )

    def _with(self, receipt_id: int, act: Any) -> None:
        self._context.jobs.read(
            self, lambda _progress: self._finance.receipt(receipt_id), done=act, lane_key="receipt"
        )

    def _print_first(self, receipt: ReceiptDetails) -> None:
        self.output.print(receipt, copy=False)

    def _save_first(self, receipt: ReceiptDetails) -> None:
        self.output.save(receipt, copy=False)

    def _print_copy(self, receipt: ReceiptDetails) -> None:
        self.output.print(receipt, copy=True)

    def _save_copy(self, receipt: ReceiptDetails) -> None:
        self.output.save(receipt, copy=True)

    def _paper_chosen(self, _index: int) -> None:
        self.output.layout = self.paper.currentData()

    # Reversing -----------------------------------------------------------------------------------
    def _reverse_chosen(self) -> None:
        if self.charges.charge_id is not None:
            self._ask_charge_reversal(self.charges.charge_id)

    def _ask_charge_reversal(self, charge_id: int) -> None:
        if not self._context.actor.may("finance.reverse"):
            return
        ask_reason(
            self,
            self._context.jobs,
            _("Reverse charge"),
            _("The charge stays in sight, struck out, and nothing more is owed for it."),
            lambda reason: self._finance.reverse_charge(self._context.actor, charge_id, reason),
            done=self._reload,
        )

    def _ask_receipt_reversal(self, receipt_id: int) -> None:
        ask_reason(
            self,
            self._context.jobs,
            _("Reverse receipt"),
            _("A receipt with the negative amount is issued, and what was paid is owed again."),
            lambda reason: self._finance.reverse_receipt(self._context.actor, receipt_id, reason),
            done=self._reload,
        )
