"""What tests did that they may not do, kept also where the tested code swallowed the error."""

from __future__ import annotations

from typing import NoReturn


class Forbidden(AssertionError):
    """A test, or what it tests, did what no test may do."""


class Offences:
    """Collects from any thread; ``list.append`` is atomic."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, text: str) -> None:
        self._found.append(text)

    def refuse(self, text: str) -> NoReturn:
        self.add(text)
        raise Forbidden(text)

    def take(self) -> list[str]:
        """What was found since the last call."""
        found, self._found = self._found, []
        return list(dict.fromkeys(found))
