"""Whatever is charged, paid and reversed, and in whatever order, the books agree with a model."""

from __future__ import annotations

import datetime as dt
import secrets
import tempfile
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from desktop.domain import ledger
from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.models import (
    Allocation,
    Appointment,
    Charge,
    Payment,
    Receipt,
    TillMovement,
)
from desktop.services.cache import Cache, executor
from desktop.services.finance import ChargeLine, Finance, PaymentPart
from sync import store
from tests.finance.conftest import CLEANING, CLINIC, CONTROL, MARIA, NEXT_VISIT, VISIT, furnish

PRICES = {CONTROL: 25000, CLEANING: 38500}
ACTOR = Actor(1, "Ana Admin", "ana", "general", frozenset(ALL))


class Ledger(RuleBasedStateMachine):
    """One client with two visits. The model knows amounts only: charged, paid, by visit."""

    charges = Bundle("charges")
    receipts = Bundle("receipts")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.moment = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
        self.cache = Cache.open(
            Path(self.folder.name) / "cache.db",
            secrets.token_bytes(32),
            clock=lambda: self.moment,
        )
        with self.cache.writing_local() as session:
            store.set_device(executor(session), 3)
        furnish(self.cache)
        self.finance = Finance(self.cache, CLINIC)
        self.charged: dict[int, tuple[int, int]] = {}
        self.paid: dict[int, int] = {}
        self.issued = 0

    def teardown(self) -> None:
        self.cache.close()
        self.folder.cleanup()

    @property
    def balance(self) -> int:
        return sum(amount for _visit, amount in self.charged.values()) - sum(self.paid.values())

    @rule(
        target=charges,
        visit=st.sampled_from([VISIT, NEXT_VISIT]),
        service=st.sampled_from(sorted(PRICES)),
        quantity=st.integers(1, 3),
        discount=st.integers(0, 25000),
    )
    def charge(self, visit: int, service: int, quantity: int, discount: int) -> int:
        line = ChargeLine(
            service, quantity, discount=Decimal(discount), reason="convenio" if discount else ""
        )
        (charge,) = self.finance.charge(ACTOR, visit, [line])
        self.charged[charge] = (visit, PRICES[service] * quantity - discount)
        return charge

    @rule(
        target=receipts,
        share=st.integers(1, 130),
        cash=st.integers(0, 100),
        tendered=st.booleans(),
    )
    def pay(self, share: int, cash: int, tendered: bool) -> int:
        owed = int(sum((row.open for row in self.finance.open_charges(MARIA)), Decimal(0)))
        total = max(owed * share // 100, 1000)
        split = {ledger.CASH: total * cash // 100}
        split[ledger.CARD] = total - split[ledger.CASH]
        parts = [PaymentPart(name, Decimal(amount)) for name, amount in split.items() if amount]
        handed = Decimal(split[ledger.CASH] + 5000) if tendered and split[ledger.CASH] else None
        receipt = self.finance.take_payment(
            ACTOR,
            MARIA,
            VISIT,
            parts,
            tendered=handed,
            advance=Decimal(max(total - owed, 0)),
        )
        self.paid[receipt.id] = total
        self.issued += 1
        assert receipt.total == total
        assert receipt.change == (5000 if handed else 0)
        assert receipt.balance == self.balance
        return receipt.id

    @rule(charge=consumes(charges))
    def reverse_charge(self, charge: int) -> None:
        self.finance.reverse_charge(ACTOR, charge, "no se hizo")
        del self.charged[charge]

    @rule(receipt=consumes(receipts))
    def reverse_receipt(self, receipt: int) -> None:
        reversal = self.finance.reverse_receipt(ACTOR, receipt, "error")
        assert reversal.total == -self.paid.pop(receipt)
        assert reversal.balance == self.balance
        self.issued += 1

    @precondition(
        lambda self: self.finance.visit(VISIT).credit > 0 and self.finance.open_charges(MARIA) != []
    )
    @rule()
    def use_credit(self) -> None:
        before = self.finance.visit(VISIT).credit
        used = self.finance.use_credit(ACTOR, MARIA)
        assert 0 < used <= before

    @rule(seconds=st.integers(1, 3600))
    def time_passes(self, seconds: int) -> None:
        self.moment += dt.timedelta(seconds=seconds)

    @invariant()
    def the_balance_is_the_models(self) -> None:
        assert self.finance.client_balance(MARIA) == self.balance

    @invariant()
    def what_is_open_less_the_credit_is_the_balance(self) -> None:
        visit = self.finance.visit(VISIT)
        open_sum = sum((row.open for row in self.finance.open_charges(MARIA)), Decimal(0))
        assert open_sum == visit.due + visit.other_due
        assert open_sum - visit.credit == self.balance
        if self.balance > 0 and visit.credit:
            assert open_sum > visit.credit

    @invariant()
    def a_visit_costs_what_its_charges_cost(self) -> None:
        for appointment in (VISIT, NEXT_VISIT):
            cost = sum(amount for visit, amount in self.charged.values() if visit == appointment)
            assert self.finance.visit(appointment).charged == cost
            with self.cache.reading() as session:
                row = session.get(Appointment, appointment)
                assert row is not None
                assert (row.price_charged or 0) == cost

    @invariant()
    def receipts_have_no_gap(self) -> None:
        with self.cache.reading() as session:
            numbers = session.execute(
                sa.select(Receipt.number).where(Receipt.series == 3).order_by(Receipt.number)
            ).scalars()
            assert list(numbers) == list(range(1, self.issued + 1))

    @invariant()
    def every_row_keeps_the_tables_rules(self) -> None:
        with self.cache.reading() as session:
            payments = list(session.execute(sa.select(Payment)).scalars())
            receipts = list(session.execute(sa.select(Receipt)).scalars())
            charges = list(session.execute(sa.select(Charge)).scalars())
            movements = list(session.execute(sa.select(TillMovement)).scalars())
            allocations = list(session.execute(sa.select(Allocation)).scalars())
        for receipt in receipts:
            own = [payment.amount for payment in payments if payment.receipt_id == receipt.id]
            assert sum(own) == receipt.total
        used = ledger.used_by_payment(
            ledger.AllocationEntry(row.payment_id, row.charge_id, row.amount) for row in allocations
        )
        for payment in payments:
            assert payment.amount != 0
            assert abs(used.get(payment.id, 0)) <= abs(payment.amount)
        assert all(row.amount != 0 for row in allocations)
        paid = ledger.paid_by_charge(
            ledger.AllocationEntry(row.payment_id, row.charge_id, row.amount) for row in allocations
        )
        for row in charges:
            sign = -1 if row.reverses_id else 1
            assert row.amount == sign * (row.quantity * row.unit_price - row.discount)
            if row.reverses_id is None:
                assert 0 <= paid.get(row.id, 0) <= row.amount
        assert {row.payment_id: row.amount for row in movements} == {
            payment.id: payment.amount for payment in payments
        }
        for model in (charges, receipts, payments):
            undone = [row.reverses_id for row in model if row.reverses_id]
            assert len(undone) == len(set(undone))


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=12, stateful_step_count=18, deadline=None)
