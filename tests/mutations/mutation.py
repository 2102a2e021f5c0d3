"""What a mutation is, and where it may be applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class DoesNotApply(Exception):
    """The text that a mutation replaces is not there (once) any more."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One defect.

    :ivar name: what is broken, in a few words.
    :ivar file: where, relative to the repository.
    :ivar old: text that stands there once; ``new`` takes its place.
    :ivar tests: test files of which one has to fail.
    :ivar more: further replacements in the same file, where one alone would not break anything.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    more: tuple[tuple[str, str], ...] = ()

    def applied(self, text: str) -> str:
        """The file's text with the defect; :class:`DoesNotApply` where it does not fit."""
        for old, new in ((self.old, self.new), *self.more):
            if text.count(old) != 1:
                raise DoesNotApply(f"{self.name}: {self.file} has {text.count(old)} of {old!r}")
            text = text.replace(old, new)
        return text

    def apply(self, root: Path) -> str:
        """Break the copy of the tree in ``root``; the text that was there before."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        path.write_text(self.applied(before), encoding="utf-8")
        return before
