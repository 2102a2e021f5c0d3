"""Names, identity numbers, phones, addresses and birth dates: checked and put in the stored form.

The stored forms are the contract's, because other programs compare them as text: a RUT is
``12345678-9``, a phone E.164, the domain of an email address lower case. Every function here takes
what a person typed and either returns the stored form or raises :class:`RuleError` with the code
that says what is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from stdnum.cl import rut as chilean_rut

from desktop.domain.errors import RuleError

NAME_LENGTH = 150
RUT_LENGTH = 12
PHONE_LENGTH = 20
EMAIL_LENGTH = 254
OLDEST_YEARS = 125

NO_PHONE = "+56900000000"
"""What the other programs store where nobody gave a phone; the column may not be empty."""

NO_EMAIL_DOMAIN = "sin-correo.invalid"
"""``.invalid`` is reserved (RFC 2606): no server anywhere accepts mail for it."""

_SPACES = re.compile(r"\s+")
_DATE = re.compile(r"(?P<day>\d{1,2})[-/. ](?P<month>\d{1,2})[-/. ](?P<year>\d{4})")
_DATE_DIGITS = re.compile(r"(?P<day>\d{2})(?P<month>\d{2})(?P<year>\d{4})")
_DATE_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")


def full_name(text: str) -> str:
    """A person's name with single spaces, composed characters and its case as typed.

    Raises ``name.empty``, ``name.no_letters`` or ``name.too_long``.
    """
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not name:
        raise RuleError("name.empty")
    if not any(character.isalpha() for character in name):
        raise RuleError("name.no_letters")
    if len(name) > NAME_LENGTH:
        raise RuleError("name.too_long", limit=NAME_LENGTH)
    return name


def identity_number(text: str, country: str) -> str | None:
    """The identity number in stored form; ``None`` for an empty text.

    :param country: ISO 3166 code. In Chile it is a RUT; elsewhere letters, digits and dashes are
        kept as they are (capitals), because each country has several kinds of document.
    Raises ``rut.invalid``, ``rut.check_digit`` or ``identity.invalid``.
    """
    if not text.strip():
        return None
    if country == "CL":
        return rut(text)
    number = _SPACES.sub("", text).replace(".", "").upper()
    if len(number) > RUT_LENGTH or not re.fullmatch(r"[0-9A-Z]+(-[0-9A-Z]+)*", number):
        raise RuleError("identity.invalid")
    return number


def rut(text: str) -> str:
    """A Chilean RUT as ``12345678-9``, typed with or without dots, dash and leading zeros.

    Raises ``rut.invalid`` where it can't be one, ``rut.check_digit`` where a digit was mistyped.
    """
    # ASCII only: \d and isdigit() would also let other scripts' digits through.
    compact = re.sub(r"[\s.\-‐‑–]", "", text).upper().lstrip("0")
    if not re.fullmatch(r"[0-9]{6,8}[0-9K]", compact):
        raise RuleError("rut.invalid")
    if chilean_rut.calc_check_digit(compact[:-1]) != compact[-1]:
        raise RuleError("rut.check_digit")
    return f"{compact[:-1]}-{compact[-1]}"


def rut_for_reading(stored: str | None) -> str:
    """``12345678-9`` → ``12.345.678-9``; anything else, and other documents, as they are."""
    if stored is None:
        return ""
    match = re.fullmatch(r"([0-9]{6,8})-([0-9Kk])", stored)
    if match is None:
        return stored
    return f"{int(match[1]):,}".replace(",", ".") + f"-{match[2].upper()}"


def comparable_rut(stored: str) -> str:
    """A stored RUT without its signs, to be compared with one that another program spelt otherwise."""
    return re.sub(r"[^0-9A-Z]", "", stored.upper()).lstrip("0")


def phone(text: str, country: str) -> str:
    """A phone in E.164, ``+56987654321``; an empty text gives :data:`NO_PHONE`.

    :param country: ISO 3166 code whose numbers may be typed without their prefix.
    Raises ``phone.not_a_number``, ``phone.too_short``, ``phone.too_long`` or ``phone.invalid``.
    """
    if not text.strip() or text.strip() == NO_PHONE:
        return NO_PHONE
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise RuleError("phone.not_a_number") from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT or (
        reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY
    ):
        raise RuleError("phone.too_short")
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise RuleError("phone.too_long")
    if not phonenumbers.is_valid_number(number):
        raise RuleError("phone.invalid")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_for_reading(stored: str) -> str:
    """``+56987654321`` → ``+56 9 8765 4321``; nothing for :data:`NO_PHONE`; else as stored."""
    if stored == NO_PHONE:
        return ""
    try:
        number = phonenumbers.parse(stored)
    except phonenumbers.NumberParseException:
        return stored
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def email(text: str) -> str | None:
    """An address with its domain in lower case; ``None`` for an empty text.

    Letters outside ASCII before the ``@`` are refused, as the other programs do. Nothing is looked
    up: the address may still not exist. Raises ``email.invalid`` or ``email.too_long``.
    """
    address = text.strip()
    if not address:
        return None
    if len(address) > EMAIL_LENGTH:
        raise RuleError("email.too_long", limit=EMAIL_LENGTH)
    try:
        result = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise RuleError("email.invalid") from error
    return result.ascii_email or result.normalized


def placeholder_email(client_id: int) -> str:
    """What is stored for a client without an email, whose column may be neither empty nor shared.

    ``sin-correo-<id>@sin-correo.invalid``: the id makes it unique, the reserved domain makes it
    impossible to write to, and :func:`is_placeholder_email` recognises it everywhere.
    """
    return f"sin-correo-{client_id}@{NO_EMAIL_DOMAIN}"


def is_placeholder_email(stored: str) -> bool:
    """Whether the address stands for "no email"."""
    return not stored or stored.lower().endswith(f"@{NO_EMAIL_DOMAIN}")


def email_for_reading(stored: str) -> str:
    """The address, or nothing where it only stands for "no email"."""
    return "" if is_placeholder_email(stored) else stored


def birth_date(text: str, today: dt.date) -> dt.date | None:
    """A birth date typed as day, month and four-digit year (or ISO); ``None`` for an empty text.

    Raises ``birth_date.invalid``, ``birth_date.future`` or ``birth_date.too_long_ago``.
    """
    typed = text.strip()
    if not typed:
        return None
    match = _DATE.fullmatch(typed) or _DATE_DIGITS.fullmatch(typed) or _DATE_ISO.fullmatch(typed)
    if match is None:
        raise RuleError("birth_date.invalid")
    try:
        day = dt.date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError as error:
        raise RuleError("birth_date.invalid") from error
    if day > today:
        raise RuleError("birth_date.future")
    if today.year - day.year > OLDEST_YEARS:
        raise RuleError("birth_date.too_long_ago", years=OLDEST_YEARS)
    return day


def age(born: dt.date, today: dt.date) -> int:
    """Whole years from ``born`` to ``today``."""
    before_birthday = (today.month, today.day) < (born.month, born.day)
    return today.year - born.year - before_birthday
