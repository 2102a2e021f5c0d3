"""Splitting a payment while typing: what is typed stands, the rest follows by itself."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from desktop.domain import ledger, money
from desktop.views.visit.tender import TENDERED, Tender

CASH, CARD, TRANSFER = ledger.CASH, ledger.CARD, ledger.TRANSFER


def tender(due: int) -> Tender:
    made = Tender("CLP")
    made.start(Decimal(due))
    return made


def test_cash_pays_all_until_something_else_is_said() -> None:
    fields = tender(102000)
    assert fields.text(CASH) == "102.000"
    assert fields.outlook().amounts == {CASH: 102000}
    assert fields.outlook().valid


def test_another_method_takes_over_what_nobody_typed() -> None:
    fields = tender(102000)
    fields.pay_with(CARD)
    assert fields.outlook().amounts == {CARD: 102000}


def test_a_second_method_finds_the_rest_in_it_and_follows() -> None:
    fields = tender(102000)
    fields.write(CASH, "60000")
    assert fields.outlook().missing == 42000
    fields.pay_with(CARD)
    assert fields.text(CARD) == "42.000"
    fields.write(CASH, "50000")
    assert fields.text(CARD) == "52.000"
    fields.owe(Decimal(110000))
    assert fields.text(CARD) == "60.000"
    fields.write(CARD, "10000")
    fields.pay_with(TRANSFER)
    assert fields.outlook().amounts == {CASH: 50000, CARD: 10000, TRANSFER: 50000}


def test_the_change_is_what_is_handed_over_beyond_the_cash() -> None:
    fields = tender(12500)
    fields.tendered = "20.000"
    assert fields.outlook().change == 7500
    fields.tendered = "10.000"
    outlook = fields.outlook()
    assert outlook.problem is not None
    assert (outlook.problem.code, outlook.where) == ("finance.tendered_too_little", TENDERED)


def test_what_cannot_be_read_is_pointed_at() -> None:
    fields = tender(12500)
    fields.write(CARD, "mucho")
    outlook = fields.outlook()
    assert outlook.problem is not None
    assert (outlook.problem.code, outlook.where) == ("money.not_an_amount", CARD)


def test_more_than_is_due_must_be_kept_on_purpose() -> None:
    fields = tender(12500)
    fields.write(CASH, "15000")
    outlook = fields.outlook()
    assert outlook.problem is not None
    assert (outlook.problem.code, outlook.excess) == ("finance.excess", 2500)
    fields.keep_excess = True
    assert fields.outlook().valid


def test_nothing_is_no_payment() -> None:
    outlook = tender(0).outlook()
    assert outlook.problem is not None
    assert outlook.problem.code == "finance.no_parts"


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.sampled_from(ledger.METHODS), st.just(0)),
        st.tuples(st.just("write"), st.sampled_from(ledger.METHODS), st.integers(0, 200_000)),
        st.tuples(st.just("owe"), st.just(""), st.integers(0, 200_000)),
    ),
    max_size=12,
)


@given(st.integers(1, 200_000), ACTS)
def test_with_an_automatic_part_nothing_is_missing(
    due: int, acts: list[tuple[str, str, int]]
) -> None:
    fields = tender(due)
    typed: dict[str, int] = {}
    for act, method, amount in acts:
        if act == "pay":
            fields.pay_with(method)
            typed.pop(method, None)
        elif act == "write":
            fields.write(method, money.plain(Decimal(amount), "CLP") if amount else "")
            typed[method] = amount
        else:
            fields.owe(Decimal(amount))
    outlook = fields.outlook()
    for method, amount in typed.items():
        if method != fields.automatic:
            assert outlook.amounts.get(method, 0) == amount
    if fields.automatic is not None:
        assert outlook.missing == 0
        if outlook.excess:
            assert fields.automatic not in outlook.amounts
    assert outlook.total - outlook.excess + outlook.missing == fields.due
