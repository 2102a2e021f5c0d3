"""How names are compared: without case, accents or order."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+")
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "y", "da", "do", "dos", "san"})
SIMILAR = 0.85
"""How alike two words must be to count as one misspelt: one letter in seven."""


def fold(text: str) -> str:
    """``text`` in lower case, without diacritics and with single spaces: ``Ñuñoa`` → ``nunoa``."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(bare.casefold().split())


def words(text: str) -> tuple[str, ...]:
    """The folded words of a name, in order."""
    return tuple(_WORD.findall(fold(text)))


def telling_words(text: str) -> frozenset[str]:
    """The folded words that tell people apart: without ``de``, ``la`` and their like."""
    found = frozenset(words(text))
    return (found - _PARTICLES) or found


def similar(one: str, other: str) -> bool:
    """Whether two names may well be one person's.

    Every word of the shorter name is a word of the longer one, give or take a misspelling
    (``Jose Perez`` and ``José Antonio Pérez Soto``), and they share at least two words, or all of
    them where one name has a single word.
    """
    fewer, more = sorted((telling_words(one), telling_words(other)), key=len)
    if not fewer:
        return False
    left = set(more)
    for word in sorted(fewer):
        match = _closest(word, left)
        if match is None:
            return False
        left.remove(match)
    return len(fewer) >= 2 or len(more) == 1


def _closest(word: str, candidates: set[str]) -> str | None:
    if word in candidates:
        return word
    best = max(sorted(candidates), key=lambda other: _alike(word, other), default=None)
    return best if best is not None and _alike(word, best) >= SIMILAR else None


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
