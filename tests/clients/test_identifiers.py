"""What people type becomes the stored form, or they are told what is wrong with it."""

from __future__ import annotations

import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.domain import identifiers, names
from desktop.domain.errors import RuleError

TODAY = dt.date(2026, 11, 23)
bodies = st.integers(min_value=100_000, max_value=99_999_999)


def check_digit(body: int) -> str:
    """The RUT's check digit by its definition: weights 2 to 7 from the right, modulo 11."""
    total = sum(
        int(digit) * (2 + position % 6) for position, digit in enumerate(reversed(str(body)))
    )
    return "0123456789K0"[11 - total % 11]


def dotted(body: int) -> str:
    return f"{body:,}".replace(",", ".")


@given(bodies, st.booleans(), st.sampled_from(["-", "", " - ", "‑"]), st.booleans())
def test_a_valid_rut_is_stored_in_one_form_however_it_is_typed(
    body: int, dots: bool, dash: str, lower: bool
) -> None:
    digit = check_digit(body)
    typed = (dotted(body) if dots else str(body)) + dash + (digit.lower() if lower else digit)
    assert identifiers.rut(f"  {typed} ") == f"{body}-{digit}"
    assert identifiers.rut(identifiers.rut_for_reading(f"{body}-{digit}")) == f"{body}-{digit}"


@given(bodies, st.sampled_from("0123456789K"))
def test_a_wrong_check_digit_is_caught(body: int, digit: str) -> None:
    if digit == check_digit(body):
        return
    with pytest.raises(RuleError) as caught:
        identifiers.rut(f"{body}-{digit}")
    assert caught.value.code == "rut.check_digit"


@given(bodies, st.integers(min_value=0, max_value=7), st.integers(min_value=1, max_value=9))
def test_one_mistyped_digit_is_caught(body: int, place: int, by: int) -> None:
    text = str(body)
    place %= len(text)
    wrong = text[:place] + str((int(text[place]) + by) % 10) + text[place + 1 :]
    with pytest.raises(RuleError) as caught:
        identifiers.rut(f"{wrong}-{check_digit(body)}")
    assert caught.value.code in {"rut.check_digit", "rut.invalid"}


@pytest.mark.parametrize("text", ["12345", "123456789012", "hola", "12.345.67x-5", "١٢٣٤٥٦٧٨-5"])
def test_what_is_no_rut_is_refused(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        identifiers.rut(text)
    assert caught.value.code == "rut.invalid"


def test_other_countries_keep_their_documents() -> None:
    assert identifiers.identity_number("  ", "CL") is None
    assert identifiers.identity_number("20.345.678", "AR") == "20345678"
    assert identifiers.identity_number("ab-123", "PE") == "AB-123"
    with pytest.raises(RuleError):
        identifiers.identity_number("12345678901234", "AR")
    with pytest.raises(RuleError) as caught:
        identifiers.identity_number("12.345.678-9", "CL")
    assert caught.value.code == "rut.check_digit"


@given(st.integers(min_value=30_000_000, max_value=99_999_999))
def test_a_chilean_mobile_is_stored_as_e164_however_it_is_typed(number: int) -> None:
    text = str(number)
    stored = f"+569{text}"
    for typed in (f"9{text}", f"9 {text[:4]} {text[4:]}", f"+56 9 {text}", f"(56) 9-{text}"):
        assert identifiers.phone(typed, "CL") == stored
    assert identifiers.phone(identifiers.phone_for_reading(stored), "CL") == stored


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("llamar", "phone.not_a_number"),
        ("9876", "phone.too_short"),
        ("9 8765 4321 000000", "phone.too_long"),
        ("000000000", "phone.invalid"),
    ],
)
def test_a_wrong_phone_says_what_is_wrong(typed: str, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        identifiers.phone(typed, "CL")
    assert caught.value.code == code


def test_a_phone_of_another_country_needs_its_prefix() -> None:
    assert identifiers.phone("+54 9 11 2345-6789", "CL") == "+5491123456789"


def test_no_phone_is_the_contract_s_stand_in_and_never_shown() -> None:
    assert identifiers.phone("  ", "CL") == "+56900000000"
    assert identifiers.phone("+56900000000", "CL") == "+56900000000"
    assert identifiers.phone_for_reading("+56900000000") == ""
    assert identifiers.phone_for_reading("anexo 12") == "anexo 12"


@given(st.from_regex(r"[a-z][a-z0-9._]{0,10}[a-z0-9]", fullmatch=True), st.booleans())
def test_an_email_keeps_its_name_and_lowers_its_domain(name: str, upper: bool) -> None:
    if ".." in name:
        return
    domain = "CLINICA.CL" if upper else "clinica.cl"
    assert identifiers.email(f" {name.title()}@{domain} ") == f"{name.title()}@clinica.cl"


@pytest.mark.parametrize("typed", ["ana", "ana@", "ana@x", "a b@c.cl", "ñandú@c.cl", "a@b@c.cl"])
def test_a_wrong_email_is_refused(typed: str) -> None:
    with pytest.raises(RuleError) as caught:
        identifiers.email(typed)
    assert caught.value.code == "email.invalid"


def test_no_email_has_a_stand_in_that_nobody_can_type_or_write_to() -> None:
    stored = identifiers.placeholder_email(549755813889)
    assert identifiers.is_placeholder_email(stored)
    assert identifiers.email_for_reading(stored) == ""
    assert not identifiers.is_placeholder_email("ana@clinica.cl")
    with pytest.raises(RuleError):
        identifiers.email(stored)


def test_names_are_trimmed_and_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "  José   Núñez ")
    assert identifiers.full_name(decomposed) == "José Núñez"
    for typed, code in (
        (" ", "name.empty"),
        ("123", "name.no_letters"),
        ("a" * 151, "name.too_long"),
    ):
        with pytest.raises(RuleError) as caught:
            identifiers.full_name(typed)
        assert caught.value.code == code


@given(st.dates(min_value=dt.date(1905, 1, 1), max_value=TODAY))
def test_birth_dates_are_read_as_they_are_written(day: dt.date) -> None:
    for form in ("%d-%m-%Y", "%d/%m/%Y", "%d%m%Y", "%Y-%m-%d", "%d.%m.%Y"):
        assert identifiers.birth_date(day.strftime(form), TODAY) == day


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("31-02-1990", "birth_date.invalid"),
        ("12-03-25", "birth_date.invalid"),
        ("24-11-2026", "birth_date.future"),
        ("01-01-1890", "birth_date.too_long_ago"),
    ],
)
def test_a_wrong_birth_date_says_what_is_wrong(typed: str, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        identifiers.birth_date(typed, TODAY)
    assert caught.value.code == code


def test_age_changes_on_the_birthday() -> None:
    born = dt.date(1990, 11, 23)
    assert identifiers.age(born, dt.date(2026, 11, 22)) == 35
    assert identifiers.age(born, dt.date(2026, 11, 23)) == 36
    assert identifiers.age(dt.date(2000, 2, 29), dt.date(2001, 2, 28)) == 0


def test_names_fold_and_compare() -> None:
    assert names.fold("  ÑUÑOA  Ünïcode ") == "nunoa unicode"
    assert names.similar("José Pérez", "PEREZ Soto, Jose Antonio")
    assert names.similar("Cristian Gonzales", "Christian González")
    assert not names.similar("Ana Pérez", "Juan Pérez")
    assert not names.similar("María", "María González")
    assert not names.similar("", "María")
