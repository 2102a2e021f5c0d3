"""Where a workstation keeps its secrets: the cache's key and the password of its database role.

In the computer's keyring, under the workstation's UUID. Where there is no keyring, in
``secrets.bin``: a SQLCipher file whose key is made from a passphrase by argon2id, with the file's own
salt. Nothing is ever kept in the clear.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import os
import secrets as random
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keyring
import keyring.errors
from argon2.low_level import Type, hash_secret_raw
from sqlcipher3 import dbapi2 as sqlcipher

from desktop.domain.errors import EnvironmentTrouble, RuleError

KEYRING = "keyring"
PASSPHRASE = "passphrase"  # noqa: S105 - a way of keeping, no secret
SERVICE = "consultorio"
MIN_PASSPHRASE = 10
_ROUNDS, _MEMORY = 3, 64 << 10
"""Of argon2id: passes, and KiB."""
_SALT_BYTES = 16
_KEY_BYTES = 32

AskPassphrase = Callable[[], str | None]
"""Asks a person or reads a file; ``None`` where there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens a workstation. Never printed, never logged.

    :ivar cache_key: 32 random bytes. :ivar password: of the workstation's database role.
    """

    cache_key: bytes
    password: str

    def __repr__(self) -> str:
        return "Secrets(…)"

    @classmethod
    def fresh(cls) -> Secrets:
        """New random secrets."""
        return cls(random.token_bytes(_KEY_BYTES), random.token_urlsafe(32))

    def dump(self) -> str:
        """As one line of text."""
        return f"{base64.b64encode(self.cache_key).decode('ascii')} {self.password}"

    @classmethod
    def load(cls, text: str) -> Secrets:
        """From :meth:`dump`'s text; raises ``EnvironmentTrouble('secrets.damaged')``."""
        key, _, password = text.partition(" ")
        try:
            decoded = base64.b64decode(key, validate=True)
        except ValueError as error:
            raise EnvironmentTrouble("secrets.damaged") from error
        if len(decoded) != _KEY_BYTES or not password:
            raise EnvironmentTrouble("secrets.damaged")
        return cls(decoded, password)


def has_keyring() -> bool:
    """Whether this computer offers a keyring (a headless Linux has none)."""
    return float(keyring.get_keyring().priority) > 0


def save_in_keyring(workstation: str, secrets: Secrets) -> None:
    """Keep the secrets in the keyring.

    Raises :class:`EnvironmentTrouble`: ``secrets.no_keyring``, ``secrets.keyring_locked``.
    """
    try:
        keyring.set_password(SERVICE, workstation, secrets.dump())
    except keyring.errors.NoKeyringError as error:
        raise EnvironmentTrouble("secrets.no_keyring") from error
    except keyring.errors.KeyringError as error:
        raise EnvironmentTrouble("secrets.keyring_locked") from error


def load_from_keyring(workstation: str) -> Secrets:
    """The secrets that :func:`save_in_keyring` kept.

    Raises :class:`EnvironmentTrouble`: ``secrets.key_missing``, ``secrets.no_keyring``,
    ``secrets.keyring_locked``, ``secrets.damaged``.
    """
    try:
        text = keyring.get_password(SERVICE, workstation)
    except keyring.errors.NoKeyringError as error:
        raise EnvironmentTrouble("secrets.no_keyring") from error
    except keyring.errors.KeyringError as error:
        raise EnvironmentTrouble("secrets.keyring_locked") from error
    if text is None:
        raise EnvironmentTrouble("secrets.key_missing")
    return Secrets.load(text)


def remove_from_keyring(workstation: str) -> None:
    """Take a workstation's secrets out of the keyring, where they are there."""
    with contextlib.suppress(keyring.errors.KeyringError):
        keyring.delete_password(SERVICE, workstation)


def destroy_in_keyring(workstation: str) -> None:
    """Take a workstation's secrets out of the keyring for good.

    Raises ``EnvironmentTrouble('secrets.keyring_locked')`` where they may still be there.
    """
    try:
        if keyring.get_password(SERVICE, workstation) is not None:
            keyring.delete_password(SERVICE, workstation)
    except keyring.errors.NoKeyringError as error:
        raise EnvironmentTrouble("secrets.no_keyring") from error
    except keyring.errors.KeyringError as error:
        raise EnvironmentTrouble("secrets.keyring_locked") from error


def save_with_passphrase(path: Path, secrets: Secrets, passphrase: str) -> None:
    """Keep the secrets in an encrypted file, mode 0600, replacing an older one whole.

    Raises ``RuleError('secrets.passphrase_short')``.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise RuleError("secrets.passphrase_short", length=MIN_PASSPHRASE)
    salt = random.token_bytes(_SALT_BYTES)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    vault = _open_vault(fresh, passphrase, salt)
    try:
        vault.execute("CREATE TABLE secret (line TEXT NOT NULL)")
        vault.execute("INSERT INTO secret VALUES (?)", (secrets.dump(),))
    finally:
        vault.close()
    fresh.replace(path)


def load_with_passphrase(path: Path, passphrase: str) -> Secrets:
    """The secrets that :func:`save_with_passphrase` kept.

    Raises :class:`EnvironmentTrouble`: ``secrets.key_missing`` where there is no file,
    ``secrets.passphrase_wrong`` where the passphrase doesn't open it (or the file was altered).
    """
    try:
        with path.open("rb") as file:
            salt = file.read(_SALT_BYTES)
    except FileNotFoundError as error:
        raise EnvironmentTrouble("secrets.key_missing") from error
    if len(salt) != _SALT_BYTES:
        raise EnvironmentTrouble("secrets.damaged")
    vault = _open_vault(path, passphrase, salt)
    try:
        rows = vault.execute("SELECT line FROM secret").fetchall()
    except sqlcipher.DatabaseError as error:
        raise EnvironmentTrouble("secrets.passphrase_wrong") from error
    finally:
        vault.close()
    return Secrets.load(rows[0][0])


def _open_vault(path: Path, passphrase: str, salt: bytes) -> sqlcipher.Connection:
    """SQLCipher keeps the salt in the file's first 16 bytes, where it is read again."""
    key = hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=_ROUNDS,
        memory_cost=_MEMORY,
        parallelism=4,
        hash_len=_KEY_BYTES,
        type=Type.ID,
    )
    vault = sqlcipher.connect(str(path), isolation_level=None)
    vault.execute("PRAGMA cipher_log_level = NONE")
    vault.execute(f"PRAGMA key = \"x'{key.hex()}{salt.hex()}'\"")
    vault.execute("PRAGMA temp_store = MEMORY")
    return vault


def read_secret_file(path: Path) -> str:
    """The first line of a file that only its owner can read.

    Raises :class:`RuleError`: ``secret_file.missing``, ``secret_file.open`` where others can read
    it, ``secret_file.empty``.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RuleError("secret_file.missing", path=str(path)) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RuleError("secret_file.open", path=str(path))
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise RuleError("secret_file.empty", path=str(path))
    return lines[0]


def ask(prompt: str) -> str | None:
    """What a person types unseen; ``None`` where no terminal is attached."""
    return getpass.getpass(f"{prompt}: ") if sys.stdin is not None and sys.stdin.isatty() else None
