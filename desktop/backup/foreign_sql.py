"""The words of an SQL file, one after another, as psql and PostgreSQL would see them.

A lexer and no more: it knows where strings, dollar quotes, comments, identifiers and psql's own
commands begin and end, and keeps at most one of them in memory. Nothing is ever executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from desktop.backup.foreign_file import LARGEST_ROW, Feed
from desktop.domain.errors import RuleError


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    COMMAND = "command"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """:ivar value: an unquoted word in lower case, a name or text without its quotes and escapes.
    ``None`` for a text that is too large, or of a kind that no row holds.
    """

    kind: Kind
    value: bytes | None

    def sign(self, sign: bytes) -> bool:
        """Whether it is this sign."""
        return self.kind is Kind.SIGN and self.value == sign

    def word(self, *words: bytes) -> bool:
        """Whether it is one of these key words."""
        return self.kind is Kind.WORD and self.value in words


END = Token(Kind.END, None)

_LONGEST_WORD = 8192
_BLANK = re.compile(rb"[ \t\r\n\f\v]*")
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*")
_NUMBER = re.compile(rb"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DOLLAR = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_COMMENT = re.compile(rb"/\*|\*/")
_ESCAPE = re.compile(
    rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL
)
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_TEXT_SIGN = re.compile(rb"['\\]")


class Lexer:
    """Tokens from a file.

    :ivar conforming: ``standard_conforming_strings``, which the file itself may set.
    :ivar announced, completed: the dumps that began, and that ended, by pg_dump's own comments.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.data = b""
        self.at = 0
        self.ended = False
        self.conforming = True
        self.announced = 0
        self.completed = 0
        self._before = 0

    # The window over the file --------------------------------------------------------------------
    def fill(self) -> bool:
        """Reads on; ``False`` at the end. What lies before ``at`` is given up."""
        piece = b"" if self.ended else self._feed.more()
        if not piece:
            self.ended = True
            return False
        self._before += self.at
        self.data = self.data[self.at :] + piece
        self.at = 0
        return True

    def place(self) -> int:
        """How many bytes of the plain text lie behind."""
        return self._before + self.at

    def _ahead(self, count: int) -> bytes:
        while len(self.data) - self.at < count and self.fill():
            pass
        return self.data[self.at : self.at + count]

    def _match(self, pattern: re.Pattern[bytes]) -> bytes:
        """What ``pattern`` finds here, at most :data:`_LONGEST_WORD` long."""
        while True:
            match = pattern.match(self.data, self.at)
            if match is None:
                return b""
            long = match.end() - self.at > _LONGEST_WORD
            if match.end() < len(self.data) or long or not self.fill():
                self.at = match.end()
                return match[0][:_LONGEST_WORD]

    def upto(self, sign: bytes, keep: int = LARGEST_ROW) -> bytes | None:
        """Goes behind ``sign``; the bytes before it, ``None`` where they are more than ``keep``.

        Raises ``foreign.truncated`` where the file ends before.
        """
        parts: list[bytes] = []
        held = 0
        while True:
            found = self.data.find(sign, self.at)
            stop = found if found >= 0 else max(self.at, len(self.data) - len(sign) + 1)
            if held <= keep:
                parts.append(self.data[self.at : min(stop, self.at + keep + 1)])
            held += stop - self.at
            self.at = stop
            if found >= 0:
                self.at += len(sign)
                return b"".join(parts) if held <= keep else None
            if not self.fill():
                raise RuleError("foreign.truncated")

    def line(self, keep: int = LARGEST_ROW) -> bytes | None:
        """The rest of the line, its end passed; at the end of the file what there is."""
        parts: list[bytes] = []
        held = 0
        while True:
            found = self.data.find(b"\n", self.at)
            stop = found if found >= 0 else len(self.data)
            if held <= keep:
                parts.append(self.data[self.at : min(stop, self.at + keep + 1)])
            held += stop - self.at
            self.at = stop
            if found >= 0:
                self.at += 1
            if found >= 0 or not self.fill():
                return b"".join(parts) if held <= keep else None

    # Tokens --------------------------------------------------------------------------------------
    def token(self) -> Token:
        """The next token; :data:`END` behind the last one."""
        while True:
            self._blanks()
            sign = self._ahead(2)
            if not sign:
                return END
            if sign == b"--":
                self._note(self.line(keep=200))
            elif sign == b"/*":
                self.at += 2
                self._block_comment()
            else:
                return self._token(sign)

    def _blanks(self) -> None:
        while True:
            match = _BLANK.match(self.data, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.data) or not self.fill():
                return

    def _note(self, comment: bytes | None) -> None:
        if comment is None:
            return
        if re.fullmatch(rb"-- PostgreSQL database (?:cluster )?dump\s*", comment):
            self.announced += 1
        elif re.fullmatch(rb"-- PostgreSQL database (?:cluster )?dump complete\s*", comment):
            self.completed += 1

    def _block_comment(self) -> None:
        depth = 1
        while depth:
            match = _COMMENT.search(self.data, self.at)
            if match is None:
                self.at = max(self.at, len(self.data) - 1)
                if not self.fill():
                    raise RuleError("foreign.truncated")
                continue
            self.at = match.end()
            depth += 1 if match[0] == b"/*" else -1

    def _token(self, sign: bytes) -> Token:
        first, second = sign[:1], sign[1:]
        if first == b"'":
            self.at += 1
            return Token(Kind.TEXT, self._text(escapes=not self.conforming))
        if second == b"'" and first in b"eE":
            self.at += 2
            return Token(Kind.TEXT, self._text(escapes=True))
        if second == b"'" and first in b"bBxXnN":
            self.at += 2
            return Token(Kind.TEXT, self._text(escapes=False))
        if first == b'"':
            self.at += 1
            return Token(Kind.NAME, self._quoted(b'"', _LONGEST_WORD))
        if first == b"$":
            return self._dollar()
        if first == b"\\":
            return Token(Kind.COMMAND, self.line(keep=1000))
        word = self._match(_WORD)
        if word:
            return Token(Kind.WORD, word.lower())
        number = self._match(_NUMBER)
        if number:
            return Token(Kind.NUMBER, number)
        self.at += 1
        return Token(Kind.SIGN, first)

    def _dollar(self) -> Token:
        tag = self._match(_DOLLAR)
        if not tag:
            self.at += 1
            return Token(Kind.SIGN, b"$")
        return Token(Kind.TEXT, self.upto(tag))

    def _quoted(self, quote: bytes, keep: int) -> bytes | None:
        """What stands up to the closing quote; a doubled one stands for itself."""
        parts: list[bytes] = []
        held = 0
        while True:
            part = self.upto(quote, keep)
            held += keep + 1 if part is None else len(part) + 1
            if held <= keep and part is not None:
                parts.append(part)
            if self._ahead(1) != quote:
                return quote.join(parts) if held <= keep else None
            self.at += 1

    def _text(self, *, escapes: bool) -> bytes | None:
        if not escapes:
            return self._quoted(b"'", LARGEST_ROW)
        parts: list[bytes] = []
        held = 0
        while True:
            match = _TEXT_SIGN.search(self.data, self.at)
            stop = match.start() if match else len(self.data)
            if held <= LARGEST_ROW:
                parts.append(self.data[self.at : stop])
            held += stop - self.at
            self.at = stop
            if match is None:
                if not self.fill():
                    raise RuleError("foreign.truncated")
            elif match[0] == b"\\":
                pair = self._ahead(10)
                escape = _ESCAPE.match(pair)
                if escape is None:
                    raise RuleError("foreign.truncated")
                if held <= LARGEST_ROW:
                    parts.append(_unescaped(escape[1]))
                held += 1
                self.at += escape.end()
            elif self._ahead(2) == b"''":
                if held <= LARGEST_ROW:
                    parts.append(b"'")
                held += 1
                self.at += 2
            else:
                self.at += 1
                return b"".join(parts) if held <= LARGEST_ROW else None


def _unescaped(escape: bytes) -> bytes:
    first = escape[:1]
    if first in b"01234567":
        return bytes([int(escape, 8) & 0xFF])
    if first == b"x" and len(escape) > 1:
        return bytes([int(escape[1:], 16)])
    if first in b"uU" and len(escape) > 1:
        try:
            return chr(int(escape[1:], 16)).encode(errors="replace")
        except ValueError:
            return b"?"
    return _ESCAPES.get(first, escape)
