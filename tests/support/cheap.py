"""Passwords that are derived in no time, for tests whose matter is something else.

What a guess really costs is looked at in ``tests/admin/test_passwords.py`` and
``tests/backup/format/test_keys.py``. Use it in a ``conftest.py``::

    from tests.support.cheap import cheap_passwords

    __all__ = ["cheap_passwords"]
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from desktop.backup import keys
from desktop.domain import passwords
from desktop.services import secrets

ITERATIONS = 1000


@pytest.fixture(scope="package", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """For all tests of the package, and for the clinics that they share."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passwords.encode.__kwdefaults__, "iterations", ITERATIONS)
        patch.setattr(passwords, "_argon2", hasher)
        for module in (keys, secrets):
            patch.setattr(module, "_ROUNDS", 1)
            patch.setattr(module, "_MEMORY", 32)
        yield
