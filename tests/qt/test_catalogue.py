"""Every word of the program is there in Spanish, in every area, and says what the English says."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from desktop.domain import messages

DESKTOP = Path(__file__).parents[2] / "desktop"
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
_PLACE = re.compile(r"\{[^{}]*\}")

Word = str | tuple[str, str]


@cache
def said() -> dict[Word, str]:
    """Every text that the code marks for translation, and where."""
    found: dict[Word, str] = {}
    for path in sorted(DESKTOP.rglob("*.py")):
        if path == DESKTOP / "domain" / "messages.py":
            continue  # where the marks themselves are defined
        for number, text, _comments, _context in extract_from_file("python", path, KEYWORDS):
            word: Word = text if isinstance(text, str) else (text[0], text[1])
            found.setdefault(word, f"{path.relative_to(DESKTOP)}:{number}")
    return found


@cache
def translated() -> dict[Word, list[tuple[str, Message]]]:
    found: dict[Word, list[tuple[str, Message]]] = {}
    for path in messages.catalogues("es"):
        with path.open("rb") as file:
            for message in read_po(file, locale="es"):
                if message.id:
                    word = message.id if isinstance(message.id, str) else tuple(message.id)
                    found.setdefault(word, []).append((path.name, message))
    return found


def test_the_code_says_something() -> None:
    assert len(said()) > 200


def test_every_text_has_its_spanish() -> None:
    missing = [
        f"{where}: {word!r}"
        for word, where in said().items()
        if word not in translated()
        or not all(_strings(message) for _name, message in translated()[word])
    ]
    assert missing == []


def test_nothing_is_translated_that_nobody_says() -> None:
    left = [
        f"{name}: {word!r}"
        for word, entries in translated().items()
        for name, _message in entries
        if word not in said()
    ]
    assert left == []


def test_the_same_english_has_the_same_spanish_everywhere() -> None:
    differing = [
        f"{word!r}: {sorted(name for name, _ in entries)}"
        for word, entries in translated().items()
        if len({_strings(message) for _, message in entries}) > 1
    ]
    assert differing == []


def test_every_translation_fills_in_the_same_places() -> None:
    wrong = []
    for word, entries in translated().items():
        wanted = {
            frozenset(_PLACE.findall(one)) for one in ([word] if isinstance(word, str) else word)
        }
        for name, message in entries:
            got = {frozenset(_PLACE.findall(one)) for one in _strings(message)}
            if not got <= wanted:
                wrong.append(f"{name}: {word!r}")
    assert wrong == []


def test_nothing_is_marked_as_doubtful() -> None:
    fuzzy = [f"{n}: {w!r}" for w, e in translated().items() for n, m in e if m.fuzzy]
    assert fuzzy == []


@pytest.mark.parametrize("word", ["Cancel", "Inbox"])
def test_words_come_in_the_language_in_use(word: str) -> None:
    messages.set_language("es")
    assert messages._(word) != word
    messages.set_language("en")
    assert messages._(word) == word


def _strings(message: Message) -> tuple[str, ...]:
    strings = (message.string,) if isinstance(message.string, str) else tuple(message.string)
    return strings if all(strings) else ()
