"""A place's password or key, in the computer's keyring and nowhere else."""

from __future__ import annotations

import contextlib

import keyring
import keyring.errors

from desktop.backup.places.supabase_api import is_service_key
from desktop.domain.errors import EnvironmentTrouble, RuleError

SERVICE = "consultorio"


def keep_secret(
    workstation: str, place: str, secret: str, *, allow_service_key: bool = False
) -> None:
    """Keep a place's secret on this workstation, replacing an earlier one.

    :param workstation: its UUID. :param place: the id in the settings.
    Raises ``RuleError('place.service_key')`` for a Supabase project's service key, and
    :class:`EnvironmentTrouble`: ``secrets.no_keyring``, ``secrets.keyring_locked``.
    """
    if is_service_key(secret) and not allow_service_key:
        raise RuleError("place.service_key")
    try:
        keyring.set_password(SERVICE, _entry(workstation, place), secret)
    except keyring.errors.NoKeyringError as error:
        raise EnvironmentTrouble("secrets.no_keyring") from error
    except keyring.errors.KeyringError as error:
        raise EnvironmentTrouble("secrets.keyring_locked") from error


def secret_of(workstation: str, place: str) -> str | None:
    """A place's secret; ``None`` where it was never given here.

    Raises :class:`EnvironmentTrouble`: ``secrets.no_keyring``, ``secrets.keyring_locked``.
    """
    try:
        return keyring.get_password(SERVICE, _entry(workstation, place))
    except keyring.errors.NoKeyringError as error:
        raise EnvironmentTrouble("secrets.no_keyring") from error
    except keyring.errors.KeyringError as error:
        raise EnvironmentTrouble("secrets.keyring_locked") from error


def forget_secret(workstation: str, place: str) -> None:
    """Take a place's secret out of the keyring, where it is there."""
    with contextlib.suppress(keyring.errors.KeyringError):
        keyring.delete_password(SERVICE, _entry(workstation, place))


def _entry(workstation: str, place: str) -> str:
    return f"{workstation}/place/{place}"
