"""Reads the JSON of Django's ``dumpdata`` an object at a time, whatever the file's size.

One object is in memory, never more than :data:`~desktop.backup.foreign_file.LARGEST_ROW` characters
of it: a larger one is passed over. Numbers stay the text that they were written in.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from desktop.backup.foreign_file import LARGEST_ROW, Feed
from desktop.domain.errors import RuleError

UTF8 = "utf-8"
WINDOWS = "cp1252"

_SPACE = re.compile(r"[ \t\r\n]*")
_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')
_MODEL = re.compile(r'"model"\s*:\s*"([\w.]{1,200})"')
_LABEL = re.compile(r"\w{1,100}\.\w{1,100}")
_WORDS = ("true", "false", "null")
_LONGEST_ESCAPE = 12
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the file.

    :ivar label: ``app.model`` in lower case; empty where the object is none of ``dumpdata``'s.
    :ivar key: the primary key as text, ``None`` where there is none (``--natural-primary``).
    :ivar fields: empty where the object was too large, and so passed over.
    """

    label: str
    key: str | None
    fields: Mapping[str, Any]
    too_large: bool = False


class NotText(Exception):
    """The file is not written in the encoding that was tried."""


def entries(feed: Feed, encoding: str = UTF8) -> Iterator[Entry]:
    """Every object, in order: of one array, or one after another (``--format jsonl``).

    Raises ``foreign.truncated`` and ``foreign.damaged`` (with the place in characters), and
    :class:`NotText` where ``encoding`` is another.
    """
    return _Reader(feed, encoding).entries()


class _Reader:
    def __init__(self, feed: Feed, encoding: str) -> None:
        self._feed = feed
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._text = ""
        self._at = 0
        self._before = 0
        self._ended = False

    def entries(self) -> Iterator[Entry]:
        array = self._peek() == "["
        if array:
            self._at += 1
        following = False
        while True:
            sign = self._peek()
            if not sign:
                if array:
                    raise RuleError("foreign.truncated")
                return
            if array and sign == "]":
                self._at += 1
                if self._peek():
                    raise self._damaged()
                return
            if array and following:
                if sign != ",":
                    raise self._damaged()
                self._at += 1
                sign = self._peek()
                if not sign:
                    raise RuleError("foreign.truncated")
            if sign != "{":
                raise self._damaged()
            yield self._entry()
            following = True

    def _entry(self) -> Entry:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end - self._at > LARGEST_ROW:
                    return self._pass_over()
                self._at = end
                return _entry(value)
            except RecursionError as error:
                raise RuleError("foreign.too_deep") from error
            except ValueError as error:
                left = len(self._text) - self._at
                if self._ended:
                    raise self._broken(error) from error
                if left > LARGEST_ROW:
                    return self._pass_over()
                self._more(at_least=min(left, LARGEST_ROW + 1 - left))

    def _broken(self, error: ValueError) -> RuleError:
        """Cut off, or wrong in the middle: the end of the file was there when the reading failed."""
        if isinstance(error, json.JSONDecodeError):
            rest = self._text[error.pos :]
            self._at = error.pos
            if (
                any(word.startswith(rest.strip()) for word in _WORDS)
                or error.msg.startswith("Unterminated string")
                or (error.msg.startswith("Invalid \\") and len(rest) < _LONGEST_ESCAPE)
            ):
                return RuleError("foreign.truncated")
        return self._damaged()

    def _pass_over(self) -> Entry:
        """Goes to the object's end and keeps nothing of it but its model's name."""
        found = _MODEL.search(self._text, self._at, self._at + 4096)
        depth, quoted = 0, False
        while True:
            match = (_INSIDE if quoted else _OUTSIDE).search(self._text, self._at)
            if match is None:
                self._at = len(self._text)
                if not self._more():
                    raise RuleError("foreign.truncated")
                continue
            sign = match[0]
            self._at = match.end()
            if sign == '"':
                quoted = not quoted
            elif sign == "\\":
                if self._at == len(self._text) and not self._more():
                    raise RuleError("foreign.truncated")
                self._at += 1
            else:
                depth += 1 if sign in "{[" else -1
                if depth == 0:
                    return Entry(found[1].lower() if found else "", None, {}, too_large=True)

    def _peek(self) -> str:
        """The next sign that is no blank; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self, at_least: int = 0) -> bool:
        """Reads on: once, or until the rest is twice as long. ``False`` at the end."""
        parts = [self._text[self._at :]]
        self._before += self._at
        self._at = 0
        got = 0
        while not self._ended and (got == 0 or got < at_least):
            piece = self._feed.more()
            self._ended = not piece
            try:
                parts.append(self._decoder.decode(piece, final=self._ended))
            except UnicodeDecodeError as error:
                raise NotText from error
            got += len(parts[-1])
        self._text = "".join(parts)
        return got > 0

    def _damaged(self) -> RuleError:
        return RuleError("foreign.damaged", place=self._before + self._at)


def _entry(value: Any) -> Entry:
    label, fields = value.get("model"), value.get("fields")
    if not isinstance(label, str) or not _LABEL.fullmatch(label) or not isinstance(fields, dict):
        return Entry("", None, {})
    key = value.get("pk")
    return Entry(label.lower(), key if isinstance(key, str) else None, fields)
