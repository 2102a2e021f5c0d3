"""Exact amounts: what people type, the currency's smallest unit, and parts that add up.

Amounts are ``Decimal`` throughout; nothing here goes through a float. A currency has the decimals
that CLDR gives it, at most the two that the ledger holds: pesos of Chile none, dollars two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from functools import cache

from babel import numbers

from desktop.domain.errors import RuleError

ZERO = Decimal(0)
LEDGER_DECIMALS = 2
LARGEST = Decimal("99999999.99")
"""The most that the shared tables' ``numeric(10, 2)`` holds."""

_SIGNS = "-−–"
_SPACES = re.compile(r"\s")
_SPACED = re.compile(r"[0-9]{1,3}(\s[0-9]{3})+([.,][0-9]+)?")
_DIGITS = re.compile(r"[0-9]+")
_WRITTEN = re.compile(r"[0-9.,]+")
_PERCENT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,2})?)\s*%")


@cache
def decimals(currency: str) -> int:
    """How many decimals amounts of ``currency`` (ISO 4217) have."""
    return min(int(numbers.get_currency_precision(currency)), LEDGER_DECIMALS)


def unit(currency: str) -> Decimal:
    """The smallest amount: ``1`` for CLP, ``0.01`` for USD."""
    return Decimal(1).scaleb(-decimals(currency))


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether ``amount`` is a whole number of the currency's smallest unit."""
    return amount.is_finite() and amount == amount.quantize(unit(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """``amount`` in whole smallest units, halves away from zero."""
    return amount.quantize(unit(currency), rounding=ROUND_HALF_UP)


# What people type --------------------------------------------------------------------------------
def parse(text: str, currency: str) -> Decimal:
    """The amount that somebody typed: ``12500``, ``12.500``, ``$ 12.500``, ``12.500,50``, ``-500``.

    Dots and commas both are understood, because both habits meet at one desk: what stands before
    exactly three digits groups thousands, what stands before fewer is the decimal sign. As no
    currency here has three decimals, no text has two readings.

    Raises ``money.empty``, ``money.not_an_amount``, ``money.too_fine`` (more decimals than the
    currency has) or ``money.too_large``.
    """
    bare = text.strip()
    for word in sorted(_words(currency), key=len, reverse=True):
        bare = bare.replace(word, "", 1)
    bare = bare.strip()
    negative = bare[:1] in tuple(_SIGNS)
    bare = bare[1:].strip() if negative else bare
    if _SPACED.fullmatch(bare):
        bare = _SPACES.sub("", bare)
    if not bare:
        raise RuleError("money.empty")
    if not _WRITTEN.fullmatch(bare):
        raise RuleError("money.not_an_amount", text=text.strip())
    whole, fraction = _halves(bare, text)
    places = decimals(currency)
    if len(fraction.rstrip("0")) > places:
        raise RuleError("money.too_fine", currency=currency, decimals=places)
    amount = Decimal(f"{whole}.{fraction or '0'}").quantize(unit(currency))
    if amount > LARGEST:
        raise RuleError("money.too_large", text=text.strip())
    return -amount if negative and amount else amount


def parse_positive(text: str, currency: str) -> Decimal:
    """As :func:`parse`, and ``money.not_positive`` for zero or less."""
    amount = parse(text, currency)
    if amount <= 0:
        raise RuleError("money.not_positive")
    return amount


def parse_discount(text: str, base: Decimal, currency: str) -> Decimal:
    """A discount typed as an amount or as ``10 %`` of ``base``; nothing typed is no discount.

    Raises what :func:`parse` raises, and ``money.discount_range`` below zero or above ``base``.
    """
    if not text.strip():
        return ZERO
    share = _PERCENT.fullmatch(text.strip())
    if share:
        percent = Decimal(share.group(1).replace(",", "."))
        discount = rounded(base * percent / 100, currency)
    else:
        discount = parse(text, currency)
    if not 0 <= discount <= base:
        raise RuleError("money.discount_range")
    return discount


def plain(amount: Decimal, currency: str) -> str:
    """``amount`` as it stands in a field to be edited: grouped, no symbol (``12.500``)."""
    pattern = "#,##0" + ("." + "0" * decimals(currency) if decimals(currency) else "")
    return str(numbers.format_decimal(amount, format=pattern, locale="es_CL"))


@cache
def _words(currency: str) -> frozenset[str]:
    symbol = str(numbers.get_currency_symbol(currency, "es_CL"))
    return frozenset({"$", currency, currency.lower(), symbol})


def _halves(bare: str, text: str) -> tuple[str, str]:
    """Digits before and after the decimal sign."""
    wrong = RuleError("money.not_an_amount", text=text.strip())
    marks = [character for character in bare if character in ".,"]
    if not marks:
        return bare, ""
    last = marks[-1]
    head, _, tail = bare.rpartition(last)
    mixed = len(set(marks)) == 2
    groups = marks.count(last) > 1 or (not mixed and len(tail) == 3)
    if groups:
        if mixed:
            raise wrong
        return _ungrouped(bare, last, wrong), ""
    if not tail:
        raise wrong
    other = "," if last == "." else "."
    return (_ungrouped(head, other, wrong) if mixed else (head or "0")), tail


def _ungrouped(digits: str, mark: str, wrong: RuleError) -> str:
    first, *rest = digits.split(mark)
    if not _DIGITS.fullmatch(first) or len(first) > 3 or first.startswith("0"):
        raise wrong
    if any(len(group) != 3 or not _DIGITS.fullmatch(group) for group in rest):
        raise wrong
    return first + "".join(rest)


# Parts that add up -------------------------------------------------------------------------------
def line_amount(quantity: int, unit_price: Decimal, discount: Decimal = ZERO) -> Decimal:
    """Quantity times price less discount, exactly."""
    return quantity * unit_price - discount


def allocate(total: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """``total`` in shares proportional to ``weights``, to the last unit.

    Every share is a whole number of units within one unit of its exact proportion, and the shares
    add up to ``total``: the units that rounding down leaves over go to the largest remainders, the
    earlier of two equal ones first. ``ValueError`` for a total that is no whole number of units,
    for a negative weight, or where all are zero.
    """
    if not is_exact(total, currency):
        raise ValueError(f"{total} is no whole number of units of {currency}")
    parts = [Decimal(weight) for weight in weights]
    if not parts or any(part < 0 for part in parts) or not any(parts):
        raise ValueError("weights must be positive or zero, and one at least positive")
    with localcontext() as context:
        context.prec = 60
        units = int(abs(total) / unit(currency))
        numerators = _integers(parts)
        whole = sum(numerators)
        shares = [units * numerator // whole for numerator in numerators]
        remainders = [units * numerator % whole for numerator in numerators]
        order = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))
        for index in order[: units - sum(shares)]:
            shares[index] += 1
        sign = -1 if total < 0 else 1
        return [sign * share * unit(currency) for share in shares]


def split(total: Decimal, count: int, currency: str) -> list[Decimal]:
    """``total`` in ``count`` shares that differ by one unit at most; the larger ones first."""
    return allocate(total, [1] * count, currency)


def _integers(parts: Sequence[Decimal]) -> list[int]:
    exponent = min(int(part.as_tuple().exponent) for part in parts)
    return [int(part.scaleb(-exponent)) if exponent < 0 else int(part) for part in parts]


def tender_suggestions(due: Decimal, currency: str, *, limit: int = 4) -> list[Decimal]:
    """Round amounts of cash that people are likely to hand over for ``due``, smallest first.

    ``due`` itself comes first; for 12.300 pesos then 13.000, 15.000 and 20.000.
    """
    if due <= 0:
        return []
    steps = (1000, 5000, 10000, 20000) if decimals(currency) == 0 else (5, 10, 20, 50)
    offers = {due}
    for step in steps:
        offers.add((due / step).to_integral_value(rounding=ROUND_CEILING) * step)
    return sorted(offers)[:limit]
