"""No test reads or writes the keyring of the person who runs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.offences import Offences

# Each can be imported on every system: what it needs is only looked for when it is used.
_REAL = ("SecretService", "Windows", "chainer", "kwallet", "libsecret", "macOS")
_ACCESS = ("get_password", "get_credential", "set_password", "delete_password")


def _refusing(offences: Offences, name: str) -> Callable[..., Any]:
    def refused(*arguments: Any, **named: Any) -> Any:
        offences.refuse(f"a test used the real keyring {name}")

    return refused


@contextmanager
def no_real_keyring(offences: Offences) -> Iterator[None]:
    """Every access to a backend that belongs to the computer is refused."""
    before: list[tuple[type, str, Any]] = []
    for short in _REAL:
        module = importlib.import_module(f"keyring.backends.{short}")
        for backend in vars(module).values():
            if not isinstance(backend, type) or backend.__module__ != module.__name__:
                continue
            for access in _ACCESS:
                if access in vars(backend):
                    before.append((backend, access, vars(backend)[access]))
                    setattr(backend, access, _refusing(offences, f"{short}.{access}"))
    try:
        yield
    finally:
        for backend, access, plain in before:
            setattr(backend, access, plain)
