"""Dates, times, money and numbers as people of the clinic's country read them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import dates, numbers

from desktop.domain.messages import language

_REGION = {"es": "es_CL", "en": "en_US"}


def locale_name() -> str:
    """Babel's name of the locale in use: the language with the region that the clinics share."""
    return _REGION[language()]


def money(amount: Decimal, currency: str) -> str:
    """``Decimal('12500.00')``, ``CLP`` → ``$12.500``; below zero ``-$12.500``.

    Always in the currency's own grouping, whatever the language: a receptionist reads one form. The
    sign stands first (the locale's own pattern hides it between symbol and figure), and a symbol
    made of letters stands apart from the figure.
    """
    text = str(numbers.format_currency(abs(amount), currency, locale="es_CL"))
    symbol = str(numbers.get_currency_symbol(currency, locale="es_CL"))
    if symbol[-1:].isalpha():
        text = text.replace(symbol, f"{symbol}\N{NO-BREAK SPACE}", 1)
    spelled_zero = not any(figure in "123456789" for figure in text)
    return f"-{text}" if amount < 0 and not spelled_zero else text


def number(value: int | Decimal) -> str:
    """A number with the language's grouping."""
    return str(numbers.format_decimal(value, locale=locale_name()))


def date_long(day: dt.date) -> str:
    """``sábado, 21 de noviembre de 2026``."""
    return dates.format_date(day, "full", locale=locale_name())


def date_medium(day: dt.date) -> str:
    """``sáb 21 nov 2026``: where a line is too narrow for the whole."""
    return dates.format_date(day, "EEE d MMM y", locale=locale_name())


def date_brief(day: dt.date) -> str:
    """``sáb 21 nov``: where it is narrower still and the year goes without saying."""
    return dates.format_date(day, "EEE d MMM", locale=locale_name())


def date_short(day: dt.date) -> str:
    """``21-11-2026``."""
    return dates.format_date(day, "dd-MM-yyyy", locale=locale_name())


def time_of_day(moment: dt.datetime, zone: ZoneInfo) -> str:
    """``09:30`` in ``zone``; ``moment`` is aware."""
    return moment.astimezone(zone).strftime("%H:%M")


def date_time(moment: dt.datetime, zone: ZoneInfo) -> str:
    """``21-11-2026 09:30`` in ``zone``; ``moment`` is aware."""
    local = moment.astimezone(zone)
    return f"{date_short(local.date())} {local:%H:%M}"
