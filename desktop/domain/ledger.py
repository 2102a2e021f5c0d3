"""The arithmetic of the ledger: what is open, who owes what, and where a payment goes.

Pure functions over entries; no table, no clock. Entries are only ever added: a mistake is reversed
by an entry with the negative amount that names the one it reverses.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money
from desktop.domain.messages import N_, _

ZERO = Decimal(0)

CASH = "efectivo"
TRANSFER = "transferencia"
CARD = "tarjeta"
METHODS = (CASH, TRANSFER, CARD)
"""How people pay; the words are the shared tables'."""

_METHOD_LABELS = {CASH: N_("Cash"), TRANSFER: N_("Transfer"), CARD: N_("Card")}

TILL_PAYMENT = "pago"
TILL_REVERSAL = "reversa"
"""Why money moved at a desk."""


def method_label(method: str) -> str:
    """The word for a method in the language in use; one not known here as it stands."""
    known = _METHOD_LABELS.get(method)
    return _(known) if known else method


@dataclass(frozen=True, slots=True)
class ChargeEntry:
    """What somebody owes, or (``reverses`` set, amount negative) the reversal of it."""

    id: int
    amount: Decimal
    date: dt.date
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class PaymentEntry:
    """What somebody paid, or (``reverses`` set, amount negative) the reversal of it."""

    id: int
    amount: Decimal
    at: dt.datetime
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class AllocationEntry:
    """How much of a payment settles a charge; negative where it was taken back."""

    payment_id: int
    charge_id: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A charge of which something is still to be paid, or a payment not wholly used."""

    id: int
    open: Decimal


def balance(charges: Iterable[ChargeEntry], payments: Iterable[PaymentEntry]) -> Decimal:
    """What is owed: positive a debt, negative money in the client's favour."""
    owed = sum((charge.amount for charge in charges), ZERO)
    return owed - sum((payment.amount for payment in payments), ZERO)


def paid_by_charge(allocations: Iterable[AllocationEntry]) -> dict[int, Decimal]:
    """Charge → what was allocated to it, net of what was taken back."""
    paid: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for allocation in allocations:
        paid[allocation.charge_id] += allocation.amount
    return dict(paid)


def used_by_payment(allocations: Iterable[AllocationEntry]) -> dict[int, Decimal]:
    """Payment → how much of it settles charges, net of what was taken back."""
    used: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for allocation in allocations:
        used[allocation.payment_id] += allocation.amount
    return dict(used)


def open_charges(
    charges: Sequence[ChargeEntry], allocations: Iterable[AllocationEntry]
) -> list[OpenItem]:
    """The charges that are not wholly paid, oldest first; reversed ones are not among them."""
    paid = paid_by_charge(allocations)
    reversed_ids = {charge.reverses for charge in charges if charge.reverses is not None}
    items = []
    for charge in sorted(charges, key=lambda charge: (charge.date, charge.id)):
        if charge.reverses is not None or charge.id in reversed_ids:
            continue
        remaining = charge.amount - paid.get(charge.id, ZERO)
        if remaining > 0:
            items.append(OpenItem(charge.id, remaining))
    return items


def open_payments(
    payments: Sequence[PaymentEntry], allocations: Iterable[AllocationEntry]
) -> list[OpenItem]:
    """The payments of which something settles no charge yet (advances), oldest first."""
    used = used_by_payment(allocations)
    reversed_ids = {payment.reverses for payment in payments if payment.reverses is not None}
    items = []
    for payment in sorted(payments, key=lambda payment: (payment.at, payment.id)):
        if payment.reverses is not None or payment.id in reversed_ids:
            continue
        remaining = payment.amount - used.get(payment.id, ZERO)
        if remaining > 0:
            items.append(OpenItem(payment.id, remaining))
    return items


def settle(payments: Sequence[OpenItem], charges: Sequence[OpenItem]) -> list[AllocationEntry]:
    """Allocations that use the payments, in their order, on the charges, in theirs.

    Every allocation is positive; none uses more than its payment has or its charge lacks; and they
    stop only when the payments are used up or the charges settled.
    """
    allocations = []
    left = {payment.id: payment.open for payment in payments}
    for charge in charges:
        missing = charge.open
        for payment in payments:
            amount = min(left[payment.id], missing)
            if amount > 0:
                allocations.append(AllocationEntry(payment.id, charge.id, amount))
                left[payment.id] -= amount
                missing -= amount
    return allocations


def reverse_payments(
    allocations: Iterable[AllocationEntry], counters: Mapping[int, int]
) -> list[AllocationEntry]:
    """The counter-entries of what payments settle now; the charges are open again.

    :param counters: payment → the payment that reverses it, which carries the counter-entries.
    """
    net = _net(allocations, {})
    return [
        AllocationEntry(counters[payment], charge, -amount)
        for (payment, charge), amount in net.items()
        if payment in counters
    ]


def release_charge(
    allocations: Iterable[AllocationEntry], charge_id: int, originals: Mapping[int, int]
) -> list[AllocationEntry]:
    """The counter-entries that set free what a charge was paid with; it becomes an advance.

    :param originals: reversing payment → the payment that it reverses: the two cancel out.
    """
    net = _net(allocations, originals)
    return [
        AllocationEntry(payment, charge, -amount)
        for (payment, charge), amount in net.items()
        if charge == charge_id
    ]


def _net(
    allocations: Iterable[AllocationEntry], originals: Mapping[int, int]
) -> dict[tuple[int, int], Decimal]:
    net: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
    for allocation in allocations:
        payment = originals.get(allocation.payment_id, allocation.payment_id)
        net[payment, allocation.charge_id] += allocation.amount
    return {pair: amount for pair, amount in net.items() if amount}


def corrections(
    charges: Sequence[ChargeEntry],
    payments: Sequence[PaymentEntry],
    allocations: Iterable[AllocationEntry],
) -> list[AllocationEntry]:
    """The counter-entries after which every allocation holds again; none where all do.

    Desks that work without a network can pay one charge twice, settle with a payment that another
    reverses, or free the same money twice. Nothing of it is wrong by itself, so it is the sum that
    is mended: a charge is paid no more than it amounts to, a payment used no more than it is, and
    what is taken back is taken from the latest. What becomes free is credit, what becomes open is
    owed; the balance stays as it is.
    """
    originals = {entry.id: entry.reverses for entry in payments if entry.reverses is not None}
    net = _net(allocations, originals)
    standing = {pair: max(amount, ZERO) for pair, amount in net.items()}
    by_payment = sorted(payments, key=lambda entry: (entry.at, entry.id))
    by_charge = sorted(charges, key=lambda entry: (entry.date, entry.id))
    payment_age = {entry.id: age for age, entry in enumerate(by_payment)}
    charge_age = {entry.id: age for age, entry in enumerate(by_charge)}
    latest_payment_first = sorted(standing, key=lambda pair: -payment_age.get(pair[0], -1))
    latest_charge_first = sorted(standing, key=lambda pair: -charge_age.get(pair[1], -1))
    for charge, limit in _limits(charges).items():
        _trim(standing, [pair for pair in latest_payment_first if pair[1] == charge], limit)
    for payment, limit in _limits(payments).items():
        _trim(standing, [pair for pair in latest_charge_first if pair[0] == payment], limit)
    return [
        AllocationEntry(payment, charge, standing[payment, charge] - amount)
        for (payment, charge), amount in net.items()
        if standing[payment, charge] != amount
    ]


def _limits(entries: Sequence[ChargeEntry] | Sequence[PaymentEntry]) -> dict[int, Decimal]:
    """Entry → how much may be allocated to it: nothing of what is reversed."""
    undone = {entry.reverses for entry in entries}
    return {
        entry.id: ZERO if entry.reverses is not None or entry.id in undone else entry.amount
        for entry in entries
    }


def _trim(
    standing: dict[tuple[int, int], Decimal], pairs: Sequence[tuple[int, int]], limit: Decimal
) -> None:
    """Take from the pairs, in their order, until they come to no more than ``limit``."""
    over = sum((standing[pair] for pair in pairs), ZERO) - limit
    for pair in pairs:
        taken = min(max(over, ZERO), standing[pair])
        standing[pair] -= taken
        over -= taken


def check_total(paid: Decimal, owed: Decimal, advance: Decimal, currency: str) -> None:
    """``paid`` must fit into what is owed and what is meant as an advance.

    Raises ``finance.more_than_owed`` for money that nobody said to keep in the client's favour, and
    ``finance.advance_not_needed`` for an advance while something would be left unpaid.
    """
    if advance < 0:
        raise RuleError("finance.advance_negative")
    if paid > owed + advance:
        excess = money(paid - owed - advance, currency)
        raise RuleError("finance.more_than_owed", excess=excess, owed=money(owed, currency))
    if advance and paid < owed + advance:
        missing = money(owed + advance - paid, currency)
        raise RuleError("finance.advance_not_needed", missing=missing)


def main_method(amounts: Iterable[tuple[str, Decimal]]) -> str | None:
    """The method that paid most, ``None`` where nothing is paid: the shared tables have room for one."""
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for method, amount in amounts:
        totals[method] += amount
    paid = [(total, method) for method, total in totals.items() if total > 0]
    if not paid:
        return None
    largest = max(total for total, _method in paid)
    return next(method for total, method in paid if total == largest)
