"""Django's passwords verify here, and ours in Django."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from desktop.domain import passwords
from desktop.domain.errors import RuleError

DJANGO = PBKDF2PasswordHasher()
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def test_the_usual_iterations_are_djangos_own() -> None:
    assert DJANGO.iterations == passwords.ITERATIONS


def test_ours_verify_in_django_at_full_strength() -> None:
    encoded = passwords.encode("Ñandú con sed 7")
    assert DJANGO.verify("Ñandú con sed 7", encoded)
    assert not DJANGO.verify("ñandú con sed 7", encoded)
    assert not DJANGO.must_update(encoded)


@given(WORDS, WORDS)
def test_both_ways(password: str, other: str) -> None:
    ours = passwords.encode(password, iterations=10)
    theirs = DJANGO.encode(password, DJANGO.salt(), 10)
    assert DJANGO.verify(password, ours)
    assert passwords.verify(password, theirs)
    assert passwords.verify(other, theirs) == (other == password)
    assert passwords.parse(theirs) == passwords.parse(str(passwords.parse(theirs)))


def test_every_encoding_has_a_salt_of_its_own() -> None:
    assert passwords.encode("x", iterations=1) != passwords.encode("x", iterations=1)


@pytest.mark.parametrize(
    "encoded",
    ["", "!", "!unusable$1$x$y", "argon2$argon2id$v=19$x", "pbkdf2_sha256$x$y$z", "a$b$c"],
)
def test_what_is_not_understood_verifies_nothing(encoded: str) -> None:
    assert passwords.parse(encoded) is None
    assert not passwords.verify("", encoded)


def test_the_offline_verifier_knows_its_password_only() -> None:
    verifier = passwords.offline_verifier("una clave larga")
    assert verifier.startswith("$argon2id$")
    assert "una clave" not in verifier
    assert passwords.matches_offline("una clave larga", verifier)
    assert not passwords.matches_offline("otra clave", verifier)
    assert not passwords.matches_offline("una clave larga", "garbage")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("corta", "password.short"),
        ("1234567890", "password.digits"),
        ("Recepcion", "password.username"),
    ],
)
def test_weak_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(RuleError, match=code.replace(".", r"\.")):
        passwords.check_strength(password, username="recepcion")
