"""What people type is read one way only, and parts add up to the last peso."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from desktop.domain import money
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money as spelled

CURRENCIES = st.sampled_from(["CLP", "USD", "PEN", "MXN", "PYG"])


@st.composite
def amounts(draw: st.DrawFn) -> tuple[str, Decimal]:
    currency = draw(CURRENCIES)
    units = draw(st.integers(min_value=-9_999_999_999, max_value=9_999_999_999))
    amount = units * money.unit(currency)
    assume(abs(amount) <= money.LARGEST)
    return currency, amount


@given(amounts())
def test_what_is_shown_can_be_typed_again(case: tuple[str, Decimal]) -> None:
    currency, amount = case
    assert money.parse(spelled(amount, currency), currency) == amount
    assert money.parse(money.plain(amount, currency), currency) == amount
    assert money.parse(str(amount), currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("12500", "CLP", "12500"),
        ("12.500", "CLP", "12500"),
        ("12,500", "CLP", "12500"),
        ("$ 12.500", "CLP", "12500"),
        ("$12.500", "CLP", "12500"),
        ("12 500", "CLP", "12500"),
        ("12.500,00", "CLP", "12500"),
        ("12,500.00", "CLP", "12500"),
        ("1.234.567", "CLP", "1234567"),
        ("CLP 500", "CLP", "500"),
        ("-500", "CLP", "-500"),
        ("−500", "CLP", "-500"),
        ("0", "CLP", "0"),
        ("007", "CLP", "7"),
        ("12.500,50", "USD", "12500.50"),
        ("12,500.50", "USD", "12500.50"),
        ("US$ 12,5", "USD", "12.50"),
        ("12.5", "USD", "12.50"),
        ("12.500", "USD", "12500"),
        (",50", "USD", "0.50"),
        ("\u00a0$\u00a012.500", "CLP", "12500"),
    ],
)
def test_every_habit_is_read(text: str, currency: str, expected: str) -> None:
    assert money.parse(text, currency) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("", "CLP", "money.empty"),
        ("  $ ", "CLP", "money.empty"),
        ("doce", "CLP", "money.not_an_amount"),
        ("12.50.0", "CLP", "money.not_an_amount"),
        ("1.2345", "CLP", "money.too_fine"),
        ("1.23.456", "CLP", "money.not_an_amount"),
        ("0.500", "CLP", "money.not_an_amount"),
        ("1234.567", "CLP", "money.not_an_amount"),
        ("12.500,", "CLP", "money.not_an_amount"),
        ("1.000,00.000", "CLP", "money.not_an_amount"),
        ("1 2", "CLP", "money.not_an_amount"),
        ("5-", "CLP", "money.not_an_amount"),
        ("--5", "CLP", "money.not_an_amount"),
        ("1e5", "CLP", "money.not_an_amount"),
        ("NaN", "CLP", "money.not_an_amount"),
        ("١٢", "CLP", "money.not_an_amount"),
        ("12.500,50", "CLP", "money.too_fine"),
        ("12,50", "CLP", "money.too_fine"),
        ("100000000", "CLP", "money.too_large"),
        ("US$ 100", "CLP", "money.not_an_amount"),
    ],
)
def test_what_is_no_amount_is_refused_by_name(text: str, currency: str, code: str) -> None:
    with pytest.raises(RuleError) as refused:
        money.parse(text, currency)
    assert refused.value.code == code


@given(st.text(max_size=20), CURRENCIES)
def test_any_text_is_an_exact_amount_or_a_rule_error(text: str, currency: str) -> None:
    try:
        amount = money.parse(text, currency)
    except RuleError:
        return
    assert money.is_exact(amount, currency)
    assert abs(amount) <= money.LARGEST


def test_zero_and_less_are_no_payment() -> None:
    assert money.parse_positive("1", "CLP") == 1
    for text in ("0", "-1"):
        with pytest.raises(RuleError, match="not_positive"):
            money.parse_positive(text, "CLP")


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("", 25000, 0),
        ("10%", 25000, 2500),
        ("12,5 %", 999, 125),
        ("100%", 999, 999),
        ("5.000", 9000, 5000),
    ],
)
def test_a_discount_is_an_amount_or_a_share(text: str, base: int, expected: int) -> None:
    assert money.parse_discount(text, Decimal(base), "CLP") == expected


@pytest.mark.parametrize("text", ["101%", "-1", "25.001"])
def test_a_discount_stays_within_its_line(text: str) -> None:
    with pytest.raises(RuleError, match=r"money\.discount_range"):
        money.parse_discount(text, Decimal(25000), "CLP")


@given(amounts(), st.lists(st.integers(0, 10**9), min_size=1, max_size=12))
def test_shares_add_up_and_are_within_one_unit(
    case: tuple[str, Decimal], weights: list[int]
) -> None:
    currency, total = case
    assume(any(weights))
    shares = money.allocate(total, weights, currency)
    unit = money.unit(currency)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert money.is_exact(share, currency)
        assert abs(share * sum(weights) - total * weight) < unit * sum(weights)
        if weight == 0:
            assert share == 0


@given(amounts(), st.integers(1, 40))
def test_equal_shares_differ_by_a_unit_at_most(case: tuple[str, Decimal], count: int) -> None:
    currency, total = case
    shares = money.split(total, count, currency)
    assert len(shares) == count
    assert sum(shares) == total
    assert max(shares) - min(shares) <= money.unit(currency)


def test_fractional_weights_keep_their_proportion() -> None:
    assert money.allocate(Decimal(100), [Decimal("0.5"), Decimal("1.5")], "CLP") == [25, 75]
    assert money.allocate(Decimal(10), [1, 1, 1], "CLP") == [4, 3, 3]


@pytest.mark.parametrize(
    ("total", "weights"), [("1.5", [1]), ("10", []), ("10", [0, 0]), ("10", [2, -1])]
)
def test_shares_of_nothing_sensible_are_a_bug(total: str, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"."):
        money.allocate(Decimal(total), weights, "CLP")


@given(st.integers(1, 2_000_000))
def test_suggested_cash_is_enough_and_in_order(due: int) -> None:
    offers = money.tender_suggestions(Decimal(due), "CLP")
    assert offers == sorted(set(offers))
    assert offers[0] == due
    assert 1 <= len(offers) <= 4


def test_people_hand_over_round_notes() -> None:
    assert money.tender_suggestions(Decimal(12300), "CLP") == [12300, 13000, 15000, 20000]
    assert money.tender_suggestions(Decimal(0), "CLP") == []


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("-25000", "CLP", "-$25.000"),
        ("25000", "CLP", "$25.000"),
        ("0", "CLP", "$0"),
        ("-0.20", "CLP", "$0"),
        ("-1234.50", "PEN", "-PEN\N{NO-BREAK SPACE}1.234,50"),
        ("-1234.50", "USD", "-US$1.234,50"),
    ],
)
def test_the_sign_stands_before_the_symbol(amount: str, currency: str, text: str) -> None:
    assert spelled(Decimal(amount), currency) == text
