"""Who can open an archive, and who signs it.

Archives are encrypted to two age keys: the clinic's and the recovery key. Their private halves are
made at the first backup and lie nowhere in the clear: the clinic's is kept sealed under the password
of each administrator, the recovery key is printed and forgotten. A workstation knows the public
halves alone, so it can take a backup and cannot read one. Each device signs with a key of its own.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

import pyrage
from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from desktop.backup.errors import ArchiveError

_SEALED = "argon2id"
_MEMORY, _ROUNDS = 64 << 10, 4
_SALT, _NONCE = 16, 12


class Signer:
    """A device's Ed25519 key. ``private`` belongs into the device's keyring and nowhere else.

    :param private: as :attr:`private` gave it; ``backup_key.signer_wrong`` for any other text.
    """

    def __init__(self, private: str) -> None:
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
        except ValueError as error:
            raise ArchiveError("backup_key.signer_wrong") from error

    @classmethod
    def generate(cls) -> Signer:
        """A new one."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw().hex())

    @property
    def private(self) -> str:
        """For the keyring: 64 hexadecimal digits."""
        return self._key.private_bytes_raw().hex()

    @property
    def public(self) -> str:
        """For the clinic's list of signers: 64 hexadecimal digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """The signature's 64 bytes."""
        return self._key.sign(message)


def signature_holds(public: str, signature: bytes, message: bytes) -> bool:
    """Whether the owner of ``public`` signed ``message``."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: str) -> str:
    """A signer as people compare it: 16 letters and digits in fours."""
    text = base64.b32encode(hashlib.sha256(bytes.fromhex(public)).digest()[:10]).decode()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


@dataclass(frozen=True, slots=True)
class NewKeys:
    """A clinic's new pair of keys: the private halves are sealed or printed, and forgotten."""

    recipient: str
    recovery_recipient: str
    identity: str = field(repr=False)
    recovery_identity: str = field(repr=False)


def new_clinic_keys() -> NewKeys:
    """Keys for a clinic's first backup, or to go on with after a rotation."""
    clinic, recovery = (pyrage.x25519.Identity.generate() for _ in range(2))
    return NewKeys(
        recipient=str(clinic.to_public()),
        recovery_recipient=str(recovery.to_public()),
        identity=str(clinic),
        recovery_identity=str(recovery),
    )


def check_recipient(text: str) -> str:
    """``text`` where it is the public half of a key; ``backup_key.wrong``."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except pyrage.RecipientError as error:
        raise ArchiveError("backup_key.wrong") from error


def read_identity(text: str) -> pyrage.x25519.Identity:
    """The private half of a key as pyrage takes it; ``backup_key.wrong``."""
    try:
        return pyrage.x25519.Identity.from_str(text.strip().upper())
    except pyrage.IdentityError as error:
        raise ArchiveError("backup_key.wrong") from error


def recipient_of(identity: str) -> str:
    """The public half of a key. Raises ``backup_key.wrong``."""
    return str(read_identity(identity).to_public())


def seal(identity: str, password: str) -> str:
    """A private half that only ``password`` opens: ``argon2id$salt$sealed``, in base64.

    Argon2id makes each guess cost :data:`_MEMORY` KiB and some tenths of a second. (age's own way
    with passwords measures the computer's mood once and asks for up to 1 GB of memory.)
    """
    salt = secrets.token_bytes(_SALT)
    sealed = ChaCha20Poly1305(_stretched(password, salt)).encrypt(
        bytes(_NONCE), str(read_identity(identity)).encode(), _SEALED.encode()
    )
    return "$".join((_SEALED, *(base64.b64encode(part).decode() for part in (salt, sealed))))


def unseal(sealed: str, password: str) -> str:
    """What :func:`seal` was given; ``backup_key.password``."""
    try:
        kind, salt, content = sealed.split("$")
        if kind != _SEALED:
            raise ValueError("sealed in another way")
        key = _stretched(password, base64.b64decode(salt, validate=True))
        opened = ChaCha20Poly1305(key).decrypt(
            bytes(_NONCE), base64.b64decode(content, validate=True), _SEALED.encode()
        )
    except (InvalidTag, ValueError, HashingError) as error:
        raise ArchiveError("backup_key.password") from error
    return str(read_identity(opened.decode()))


def _stretched(password: str, salt: bytes) -> bytes:
    """A key of its own for each salt, so that a nonce of zeros is used once."""
    return hash_secret_raw(
        password.encode(), salt, _ROUNDS, _MEMORY, parallelism=1, hash_len=32, type=Type.ID
    )
