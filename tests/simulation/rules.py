"""How a broken rule is told."""

from __future__ import annotations


class Broken(AssertionError):
    """A rule was broken."""

    def __init__(self, rule: str, what: object) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


def hold(rule: str, holds: bool, what: object) -> None:
    """Raise :class:`Broken` where ``holds`` is false."""
    if not holds:
        raise Broken(rule, what)
