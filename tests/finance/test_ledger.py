"""The ledger's arithmetic: nothing is paid twice, nothing gets lost, a reversal brings back zero."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.domain import ledger
from desktop.domain.errors import RuleError
from desktop.domain.messages import set_language

DAY = dt.date(2026, 11, 23)
NOON = dt.datetime(2026, 11, 23, 15, tzinfo=dt.UTC)

AMOUNTS = st.integers(1, 10**8).map(Decimal)


@st.composite
def items(draw: st.DrawFn, first: int) -> list[ledger.OpenItem]:
    amounts = draw(st.lists(AMOUNTS, max_size=8))
    return [ledger.OpenItem(first + index, amount) for index, amount in enumerate(amounts)]


@given(items(1), items(100))
def test_settling_never_uses_more_than_there_is(
    payments: list[ledger.OpenItem], charges: list[ledger.OpenItem]
) -> None:
    allocations = ledger.settle(payments, charges)
    used, paid = ledger.used_by_payment(allocations), ledger.paid_by_charge(allocations)
    assert all(allocation.amount > 0 for allocation in allocations)
    assert all(used.get(item.id, 0) <= item.open for item in payments)
    assert all(paid.get(item.id, 0) <= item.open for item in charges)
    available, owed = sum(item.open for item in payments), sum(item.open for item in charges)
    assert sum(allocation.amount for allocation in allocations) == min(available, owed)


@given(items(1), items(100))
def test_the_older_charge_is_paid_before_the_younger(
    payments: list[ledger.OpenItem], charges: list[ledger.OpenItem]
) -> None:
    paid = ledger.paid_by_charge(ledger.settle(payments, charges))
    missing = [item.open - paid.get(item.id, 0) for item in charges]
    first_open = next((index for index, rest in enumerate(missing) if rest), len(charges))
    assert all(item.id not in paid for item in charges[first_open + 1 :])


@st.composite
def histories(
    draw: st.DrawFn,
) -> tuple[list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]]:
    """Charges and payments, settled oldest first, some of both reversed as the service does it."""
    charges = [
        ledger.ChargeEntry(index, draw(AMOUNTS), DAY + dt.timedelta(days=draw(st.integers(0, 3))))
        for index in range(1, draw(st.integers(0, 6)) + 1)
    ]
    payments = [
        ledger.PaymentEntry(100 + index, draw(AMOUNTS), NOON)
        for index in range(1, draw(st.integers(0, 6)) + 1)
    ]
    allocations = ledger.settle(
        ledger.open_payments(payments, []), ledger.open_charges(charges, [])
    )
    chosen = [entry for entry in (*charges, *payments) if draw(st.booleans())]
    for entry in draw(st.permutations(chosen)):
        reverse(entry, charges, payments, allocations)
    return charges, payments, allocations


def reverse(
    entry: ledger.ChargeEntry | ledger.PaymentEntry,
    charges: list[ledger.ChargeEntry],
    payments: list[ledger.PaymentEntry],
    allocations: list[ledger.AllocationEntry],
) -> None:
    counter = entry.id + 50
    if isinstance(entry, ledger.ChargeEntry):
        originals = {row.id: row.reverses for row in payments if row.reverses is not None}
        allocations += ledger.release_charge(allocations, entry.id, originals)
        charges.append(ledger.ChargeEntry(counter, -entry.amount, DAY, entry.id))
    else:
        allocations += ledger.reverse_payments(allocations, {entry.id: counter})
        payments.append(ledger.PaymentEntry(counter, -entry.amount, NOON, entry.id))


@given(histories())
def test_what_is_open_less_what_is_unused_is_the_balance(
    history: tuple[
        list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]
    ],
) -> None:
    charges, payments, allocations = history
    owed = sum(item.open for item in ledger.open_charges(charges, allocations))
    unused = sum(item.open for item in ledger.open_payments(payments, allocations))
    assert owed - unused == ledger.balance(charges, payments)


@given(histories())
def test_reversing_everything_brings_back_to_zero(
    history: tuple[
        list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]
    ],
) -> None:
    charges, payments, allocations = history
    undone = {entry.reverses for entry in (*charges, *payments)}
    for entry in (*payments, *charges):
        if entry.reverses is None and entry.id not in undone:
            reverse(entry, charges, payments, allocations)
    assert ledger.balance(charges, payments) == 0
    assert not any(ledger.paid_by_charge(allocations).values())
    assert ledger.open_charges(charges, allocations) == []
    assert ledger.open_payments(payments, allocations) == []


def test_a_charge_paid_at_two_desks_counts_as_paid() -> None:
    charges = [ledger.ChargeEntry(1, Decimal(500), DAY)]
    payments = [
        ledger.PaymentEntry(7, Decimal(500), NOON),
        ledger.PaymentEntry(8, Decimal(500), NOON),
    ]
    twice = [ledger.AllocationEntry(7, 1, Decimal(500)), ledger.AllocationEntry(8, 1, Decimal(500))]
    assert ledger.open_charges(charges, twice) == []
    assert ledger.balance(charges, payments) == -500


@pytest.mark.parametrize(
    ("paid", "owed", "advance", "code"),
    [
        (501, 500, 0, "finance.more_than_owed"),
        (601, 500, 100, "finance.more_than_owed"),
        (599, 500, 100, "finance.advance_not_needed"),
        (500, 500, -1, "finance.advance_negative"),
    ],
)
def test_money_beyond_what_is_owed_must_be_meant(
    paid: int, owed: int, advance: int, code: str
) -> None:
    with pytest.raises(RuleError) as refused:
        ledger.check_total(Decimal(paid), Decimal(owed), Decimal(advance), "CLP")
    assert refused.value.code == code


@pytest.mark.parametrize(("paid", "owed", "advance"), [(1, 500, 0), (500, 500, 0), (600, 500, 100)])
def test_part_all_and_a_meant_advance_are_fine(paid: int, owed: int, advance: int) -> None:
    ledger.check_total(Decimal(paid), Decimal(owed), Decimal(advance), "CLP")


def test_the_main_method_is_the_one_that_paid_most() -> None:
    cash, card = (ledger.CASH, Decimal(300)), (ledger.CARD, Decimal(200))
    assert ledger.main_method([cash, card]) == ledger.CASH
    assert ledger.main_method([cash, card, card]) == ledger.CARD
    assert ledger.main_method([cash, (ledger.CASH, Decimal(-300))]) is None
    assert ledger.main_method([]) is None


def test_methods_have_words_in_both_languages() -> None:
    set_language("en")
    assert [ledger.method_label(method) for method in ledger.METHODS] == [
        "Cash",
        "Transfer",
        "Card",
    ]
    assert ledger.method_label("cheque") == "cheque"


@st.composite
def tangles(
    draw: st.DrawFn,
) -> tuple[list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]]:
    """What desks without a network may leave between them: allocations of any amount and sign."""
    charges = [
        ledger.ChargeEntry(index, draw(AMOUNTS), DAY + dt.timedelta(days=draw(st.integers(0, 3))))
        for index in range(1, draw(st.integers(1, 4)) + 1)
    ]
    payments = [
        ledger.PaymentEntry(100 + index, draw(AMOUNTS), NOON)
        for index in range(1, draw(st.integers(1, 4)) + 1)
    ]
    charges += [
        ledger.ChargeEntry(entry.id + 50, -entry.amount, DAY, entry.id)
        for entry in tuple(charges)
        if draw(st.booleans())
    ]
    payments += [
        ledger.PaymentEntry(entry.id + 50, -entry.amount, NOON, entry.id)
        for entry in tuple(payments)
        if draw(st.booleans())
    ]
    allocations = [
        ledger.AllocationEntry(
            draw(st.sampled_from(payments)).id,
            draw(st.sampled_from([entry for entry in charges if entry.reverses is None])).id,
            draw(AMOUNTS) * draw(st.sampled_from([1, 1, -1])),
        )
        for _index in range(draw(st.integers(0, 8)))
    ]
    return charges, payments, allocations


@given(tangles())
def test_whatever_two_desks_settled_the_corrections_make_every_sum_hold(
    tangle: tuple[
        list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]
    ],
) -> None:
    charges, payments, allocations = tangle
    mended = [*allocations, *ledger.corrections(charges, payments, allocations)]
    undone = {entry.reverses for entry in (*charges, *payments)}
    paid, used = ledger.paid_by_charge(mended), ledger.used_by_payment(mended)
    for reversal in payments:
        if reversal.reverses is not None:
            used[reversal.reverses] = used.get(reversal.reverses, 0) + used.pop(reversal.id, 0)
    for charge in charges:
        if charge.reverses is None:
            most = 0 if charge.id in undone else charge.amount
            assert 0 <= paid.get(charge.id, 0) <= most
    for payment in payments:
        if payment.reverses is None:
            most = 0 if payment.id in undone else payment.amount
            assert 0 <= used.get(payment.id, 0) <= most
    owed = sum(item.open for item in ledger.open_charges(charges, mended))
    unused = sum(item.open for item in ledger.open_payments(payments, mended))
    assert owed - unused == ledger.balance(charges, payments)
    assert ledger.corrections(charges, payments, mended) == []


@given(histories())
def test_what_one_desk_settles_needs_no_correction(
    history: tuple[
        list[ledger.ChargeEntry], list[ledger.PaymentEntry], list[ledger.AllocationEntry]
    ],
) -> None:
    assert ledger.corrections(*history) == []


def test_what_was_paid_twice_is_set_free_from_the_later_payment() -> None:
    charges = [ledger.ChargeEntry(1, Decimal(500), DAY)]
    payments = [
        ledger.PaymentEntry(8, Decimal(500), NOON),
        ledger.PaymentEntry(7, Decimal(300), NOON + dt.timedelta(minutes=1)),
    ]
    twice = [ledger.AllocationEntry(7, 1, Decimal(300)), ledger.AllocationEntry(8, 1, Decimal(500))]
    freed = ledger.corrections(charges, payments, twice)
    assert freed == [ledger.AllocationEntry(7, 1, Decimal(-300))]
    assert ledger.open_payments(payments, [*twice, *freed]) == [ledger.OpenItem(7, Decimal(300))]
