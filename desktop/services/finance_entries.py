"""Writing the ledger: the rows of a charge, a receipt and what belongs to it. Inserts only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import ledger, money
from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money as spelled
from desktop.models import (
    PRACTITIONER,
    Allocation,
    Appointment,
    Charge,
    Client,
    Payment,
    Receipt,
    Service,
    TillMovement,
)
from desktop.services import finance_reading as reading
from desktop.services.cache import Cache, executor
from desktop.services.clinic import ClinicSettings
from desktop.services.finance_types import ChargeLine, PaymentPart
from sync import store

MOST_OF_A_LINE = 999
REASON_LENGTH = 500
REFERENCE_LENGTH = 100
RECEIPTS: str = Receipt.__tablename__


@dataclass(frozen=True, slots=True)
class Entry:
    """One local transaction on the ledger: who, where and when stand on every row of it."""

    cache: Cache
    session: Session
    clinic: ClinicSettings
    actor: Actor
    device: int
    now: dt.datetime

    @classmethod
    def begin(cls, cache: Cache, session: Session, clinic: ClinicSettings, actor: Actor) -> Entry:
        """For a transaction that is open."""
        return cls(cache, session, clinic, actor, store.device(executor(session)), cache.now())

    @property
    def today(self) -> dt.date:
        """The day on the clinic's calendar."""
        return self.now.astimezone(self.clinic.zone).date()

    def id(self) -> int:
        """The next id."""
        return self.cache.new_id(self.session)

    def add(self, rows: Iterable[object]) -> None:
        """Insert at once: the outbox keeps the order, parents first."""
        self.session.add_all(rows)
        self.session.flush()


def require_desk(session: Session) -> None:
    """Receipts are issued at a desk; a practitioner's own device may only charge."""
    if store.get_state(executor(session), "profile") == PRACTITIONER:
        raise RuleError("finance.not_at_this_device")


def reason_of(text: str) -> str:
    """A reason as stored; ``finance.reason_needed`` where there is none."""
    reason = " ".join(text.split())
    if not reason:
        raise RuleError("finance.reason_needed")
    return reason[:REASON_LENGTH]


def charge(entry: Entry, appointment: Appointment, lines: Sequence[ChargeLine]) -> list[Charge]:
    """The rows of the lines, checked; not inserted."""
    client = entry.session.get(Client, appointment.client_id) if appointment.client_id else None
    name = client.full_name if client else (appointment.client_name or "")
    return [
        _charge_row(
            entry,
            appointment=appointment,
            client_name=name,
            line=line,
        )
        for line in lines
    ]


def _charge_row(
    entry: Entry, *, appointment: Appointment, client_name: str, line: ChargeLine
) -> Charge:
    currency = entry.clinic.currency
    service = entry.session.get(Service, line.service_id)
    if service is None:
        raise RuleError("finance.service_unknown")
    if not 1 <= line.quantity <= MOST_OF_A_LINE:
        raise RuleError("finance.quantity_range", most=MOST_OF_A_LINE)
    listed = money.rounded(service.base_price, currency)
    price = listed if line.unit_price is None else line.unit_price
    for amount in (price, line.discount):
        require_exact(amount, currency)
    if price < 0:
        raise RuleError("finance.price_negative")
    if not 0 <= line.discount <= line.quantity * price:
        raise RuleError("money.discount_range")
    amount = money.line_amount(line.quantity, price, line.discount)
    if amount > money.LARGEST:
        raise RuleError("money.too_large", text=spelled(amount, currency))
    changed = price != listed or line.discount > 0
    if changed:
        entry.actor.require("finance.discount")
    return Charge(
        id=entry.id(),
        client_id=appointment.client_id,
        client_name=client_name,
        appointment_id=appointment.id,
        service_id=service.id,
        practitioner_id=appointment.practitioner_id,
        description=service.name,
        quantity=line.quantity,
        unit_price=price,
        discount=line.discount,
        discount_reason=reason_of(line.reason) if changed else None,
        amount=amount,
        date=entry.today,
        reverses_id=None,
        reversal_reason=None,
        created_by_id=entry.actor.staff_id,
        created_at=entry.now,
        device=entry.device,
    )


def reversed_charge(entry: Entry, original: Charge, reason: str) -> Charge:
    """The counter-entry of a charge; not inserted."""
    return Charge(
        id=entry.id(),
        client_id=original.client_id,
        client_name=original.client_name,
        appointment_id=original.appointment_id,
        service_id=original.service_id,
        practitioner_id=original.practitioner_id,
        description=original.description,
        quantity=original.quantity,
        unit_price=original.unit_price,
        discount=original.discount,
        discount_reason=original.discount_reason,
        amount=-original.amount,
        date=entry.today,
        reverses_id=original.id,
        reversal_reason=reason,
        created_by_id=entry.actor.staff_id,
        created_at=entry.now,
        device=entry.device,
    )


def require_exact(amount: Decimal, currency: str) -> None:
    """``money.too_fine`` for an amount that the currency can't pay."""
    if not money.is_exact(amount, currency):
        raise RuleError("money.too_fine", currency=currency, decimals=money.decimals(currency))


def check_parts(
    parts: Sequence[PaymentPart], tendered: Decimal | None, currency: str
) -> tuple[Decimal, Decimal | None]:
    """What the parts add up to, and the cash handed over where change was given.

    Raises ``finance.no_parts``, ``finance.part_not_positive``, ``finance.method_unknown``,
    ``finance.method_twice``, ``finance.tendered_without_cash``, ``finance.tendered_too_little``,
    ``money.too_fine`` or ``money.too_large``.
    """
    if not parts:
        raise RuleError("finance.no_parts")
    methods = [part.method for part in parts]
    for part in parts:
        if part.method not in ledger.METHODS:
            raise RuleError("finance.method_unknown", method=part.method)
        if methods.count(part.method) > 1:
            raise RuleError("finance.method_twice", method=ledger.method_label(part.method))
        if part.amount <= 0:
            raise RuleError("finance.part_not_positive", method=ledger.method_label(part.method))
        require_exact(part.amount, currency)
    total = sum((part.amount for part in parts), Decimal(0))
    if total > money.LARGEST:
        raise RuleError("money.too_large", text=spelled(total, currency))
    if tendered is None:
        return total, None
    require_exact(tendered, currency)
    cash = next((part.amount for part in parts if part.method == ledger.CASH), None)
    if cash is None:
        raise RuleError("finance.tendered_without_cash")
    if tendered < cash:
        raise RuleError("finance.tendered_too_little", missing=spelled(cash - tendered, currency))
    return total, tendered if tendered > cash else None


def next_number(session: Session, series: int) -> int:
    """One more than the series' last: the transaction that asks is the only one that writes.

    A number that stands on paper is not given twice, even where its receipt was refused.
    """
    last = session.execute(
        sa.select(sa.func.max(Receipt.number)).where(Receipt.series == series)
    ).scalar()
    execute = executor(session)
    refused = (*store.rejections(execute), *store.rejections(execute, settled=True))
    printed = (
        int(operation.new["numero"])
        for rejection in refused
        for operation in rejection.operations
        if operation.table == RECEIPTS and operation.kind == "I"
        if operation.new.get("serie") == series
    )
    return max(last or 0, *printed, 0) + 1


@dataclass(frozen=True, slots=True)
class Draft:
    """One payment of a receipt that is about to be written."""

    id: int
    method: str
    amount: Decimal
    reference: str | None
    tendered: Decimal | None = None
    reverses_id: int | None = None


def write_receipt(
    entry: Entry,
    *,
    client_id: int | None,
    client_name: str,
    payments: Sequence[Draft],
    allocations: Sequence[ledger.AllocationEntry],
    reverses: Receipt | None = None,
    reason: str | None = None,
) -> int:
    """Insert a receipt with its payments, allocations and till movements; its id."""
    stamps = {
        "created_by_id": entry.actor.staff_id,
        "created_at": entry.now,
        "device": entry.device,
    }
    allocation_ids = [entry.id() for _allocation in allocations]
    movement_ids = [entry.id() for _payment in payments]
    receipt = Receipt(
        id=entry.id(),
        series=entry.device,
        number=next_number(entry.session, entry.device),
        client_id=client_id,
        client_name=client_name,
        total=sum((payment.amount for payment in payments), Decimal(0)),
        issued_at=entry.now,
        reverses_id=reverses.id if reverses else None,
        reversal_reason=reason,
        **stamps,
    )
    entry.add([receipt])
    entry.add(
        Payment(
            id=payment.id,
            receipt_id=receipt.id,
            client_id=client_id,
            method=payment.method,
            amount=payment.amount,
            external_reference=payment.reference,
            tendered=payment.tendered,
            paid_at=entry.now,
            reverses_id=payment.reverses_id,
            **stamps,
        )
        for payment in payments
    )
    write_allocations(entry, allocations, allocation_ids)
    entry.add(
        TillMovement(
            id=movement_id,
            kind=ledger.TILL_REVERSAL if reverses else ledger.TILL_PAYMENT,
            method=payment.method,
            amount=payment.amount,
            payment_id=payment.id,
            concept=client_name[:200] or None,
            at=entry.now,
            **stamps,
        )
        for movement_id, payment in zip(movement_ids, payments, strict=True)
    )
    return receipt.id


def write_allocations(
    entry: Entry,
    allocations: Sequence[ledger.AllocationEntry],
    ids: Sequence[int] | None = None,
) -> None:
    """Insert allocations."""
    if ids is None:
        ids = [entry.id() for _allocation in allocations]
    entry.add(
        Allocation(
            id=row_id,
            payment_id=allocation.payment_id,
            charge_id=allocation.charge_id,
            amount=allocation.amount,
            created_by_id=entry.actor.staff_id,
            created_at=entry.now,
            device=entry.device,
        )
        for row_id, allocation in zip(ids, allocations, strict=True)
    )


def mirror(entry: Entry, appointment_id: int) -> None:
    """Write what the visit cost and how it was paid where the other programs look for it.

    What they wrote themselves stands where the ledger has nothing to say of it.
    """
    appointment = entry.session.get(Appointment, appointment_id)
    if appointment is None:
        return
    charges = reading.charges_of_visit(entry.session, appointment_id)
    undone = {row.reverses_id for row in charges if row.reverses_id is not None}
    standing = [row for row in charges if row.reverses_id is None and row.id not in undone]
    allocations = reading.allocations_to(entry.session, [row.id for row in charges])
    methods = {
        row.id: row.method
        for row in entry.session.execute(
            sa.select(Payment.id, Payment.method).where(
                Payment.id.in_({allocation.payment_id for allocation in allocations})
            )
        )
    }
    reasons = [row.discount_reason for row in standing if row.discount_reason]
    values: dict[str, object] = {}
    if charges:
        values["price_charged"] = sum((row.amount for row in standing), Decimal(0))
    if allocations:
        values["payment_method"] = ledger.main_method(
            (methods[allocation.payment_id], allocation.amount)
            for allocation in allocations
            if allocation.payment_id in methods
        )
    if reasons:
        values["price_change_reason"] = "; ".join(dict.fromkeys(reasons))
    changed = {name: value for name, value in values.items() if getattr(appointment, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(appointment, name, value)
        appointment.updated_at = entry.now
