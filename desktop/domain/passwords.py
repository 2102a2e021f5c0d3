"""Passwords: Django's encoding, which the other programs share, and the offline verifier.

An encoded password is ``pbkdf2_sha256$iterations$salt$hash``, the hash in base64. Whoever knows the
salt and the iterations can derive the hash from the password without having seen the encoding.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from desktop.domain.errors import RuleError

ALGORITHM = "pbkdf2_sha256"
ITERATIONS = 1_000_000
MIN_LENGTH = 8
_SALT_LENGTH = 22
_SALT_LETTERS = string.ascii_letters + string.digits
_argon2 = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Encoded:
    """The parts of an encoded password.

    :ivar digest: the derived key in base64.
    """

    iterations: int
    salt: str
    digest: str

    def __str__(self) -> str:
        return f"{ALGORITHM}${self.iterations}${self.salt}${self.digest}"


def derive(password: str, salt: str, iterations: int) -> str:
    """The derived key of ``password``, 32 bytes in base64."""
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return base64.b64encode(key).decode("ascii")


def encode(password: str, *, iterations: int = ITERATIONS) -> str:
    """``password`` with a fresh salt, as Django stores it."""
    salt = "".join(secrets.choice(_SALT_LETTERS) for _ in range(_SALT_LENGTH))
    return str(Encoded(iterations, salt, derive(password, salt, iterations)))


def parse(encoded: str) -> Encoded | None:
    """The parts of an encoding; ``None`` for another algorithm or an unusable password."""
    parts = encoded.split("$")
    if len(parts) != 4 or parts[0] != ALGORITHM or not parts[1].isdecimal():
        return None
    return Encoded(int(parts[1]), parts[2], parts[3])


def verify(password: str, encoded: str) -> bool:
    """Whether ``password`` is the encoded one; ``False`` for an encoding that is not understood."""
    parts = parse(encoded)
    if parts is None:
        return False
    return hmac.compare_digest(derive(password, parts.salt, parts.iterations), parts.digest)


def check_strength(password: str, *, username: str = "") -> None:
    """Refuse a password that is too short, only digits, or the username.

    Raises :class:`RuleError`: ``password.short``, ``password.digits``, ``password.username``.
    """
    if len(password) < MIN_LENGTH:
        raise RuleError("password.short", length=MIN_LENGTH)
    if password.isdecimal():
        raise RuleError("password.digits")
    if username and password.casefold() == username.casefold():
        raise RuleError("password.username")


def offline_verifier(password: str) -> str:
    """An argon2id hash by which this workstation knows the password again without a network."""
    return _argon2.hash(password)


def matches_offline(password: str, verifier: str) -> bool:
    """Whether ``password`` is the one of :func:`offline_verifier`."""
    try:
        return _argon2.verify(verifier, password)
    except (VerificationError, InvalidHashError):
        return False
