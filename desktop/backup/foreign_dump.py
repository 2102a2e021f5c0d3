"""Reads the rows of a plain SQL dump: COPY blocks and INSERTs, and nothing else.

Everything else in the file is passed over and counted by its first words: it is neither executed nor
sent anywhere. Three kinds of statement are *read*, because rows can't be understood without them:
``SET`` of the encoding, the string syntax and the search path, and the column names of
``CREATE TABLE`` for INSERTs that name none.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from desktop.backup.foreign_file import LARGEST_ROW, Feed
from desktop.backup.foreign_sql import END, Kind, Lexer, Token
from desktop.domain.errors import RuleError

ENCODINGS = {
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "SQL_ASCII": "utf-8",
    "LATIN1": "iso8859-1",
    "LATIN9": "iso8859-15",
    "WIN1252": "cp1252",
    "WIN1250": "cp1250",
    "LATIN2": "iso8859-2",
}
"""What ``client_encoding`` may be; in all of them ASCII is ASCII."""

_FALLBACK = "cp1252"
_MOST_KINDS = 60
_MOST_COLUMNS = 100_000
_WIDEST = 1600
_VALUE = re.compile(
    rb"\s*(?:(NULL|null)|'([^']*(?:''[^']*)*)'|(-?[0-9][0-9.]*)|(true|false))\s*([,)])"
)
_BACKSLASH = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NOT_COLUMNS = (b"constraint", b"primary", b"unique", b"check", b"foreign", b"exclude", b"like")


class Unreadable:
    """Stands in a row for a value that is no plain constant, or too large to be one."""


UNREADABLE = Unreadable()

Row = list[str | Unreadable | None]


@dataclass(slots=True)
class Block:
    """Rows of one table, to be read once.

    :ivar schema: empty where the dump names none; :ivar columns: ``None`` where nothing says them.
    """

    database: str
    schema: str
    table: str
    columns: tuple[str, ...] | None
    _reader: DumpReader
    _copied: bool
    done: bool = False

    def rows(self) -> Iterator[Row | None]:
        """Each row; ``None`` for one that can't be read as such a row."""
        self.done = True
        yield from self._reader.copied(self) if self._copied else self._reader.inserted(self)

    def count(self) -> int:
        """Passes the rows over; how many they were."""
        self.done = True
        if self._copied:
            return self._reader.count_copied()
        return sum(1 for _row in self._reader.inserted(self))


class DumpReader:
    r"""The rows of a dump.

    :ivar ignored: what was passed over, by its first words. :ivar databases: how many ``\\connect``
    named. :ivar recoded: values that are not of the encoding that the file claims.
    """

    def __init__(self, feed: Feed, wanted: Collection[str]) -> None:
        self.ignored: Counter[str] = Counter()
        self.recoded = 0
        self.databases = 0
        self.encoding = "utf-8"
        self._lexer = Lexer(feed)
        self._wanted = wanted
        self._database = ""
        self._path = ""
        self._known: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._kept = 0

    def blocks(self) -> Iterator[Block]:
        """Every COPY block and INSERT, in order; what is not read of one is passed over.

        Raises ``foreign.truncated`` and ``foreign.encoding``.
        """
        while True:
            token = self._lexer.token()
            if token is END:
                break
            block = self._statement(token)
            if block is not None:
                yield block
                if not block.done:
                    block.count()
        if self._lexer.announced > self._lexer.completed:
            raise RuleError("foreign.truncated")

    # Statements ----------------------------------------------------------------------------------
    def _statement(self, token: Token) -> Block | None:
        if token.kind is Kind.COMMAND:
            self._command(token.value or b"")
            return None
        if token.sign(b";"):
            return None
        if token.word(b"copy"):
            return self._copy()
        if token.word(b"insert"):
            return self._insert()
        if token.word(b"create"):
            self._create()
            return None
        if token.word(b"set", b"select"):
            self._set(token)
            return None
        self._note(token)
        self._skip()
        return None

    def _command(self, line: bytes) -> None:
        words = line.split(None, 1)
        name = re.sub(r"\W", "", words[0][:20].decode("ascii", "replace"))
        self._count("\\" + name)
        if name in ("connect", "c") and len(words) > 1:
            self.databases += 1
            target = words[1].decode("utf-8", "replace").strip()
            named = re.search(r"dbname='((?:[^'\\]|\\.)*)'", target)
            self._database = (named[1] if named else target.split()[-1]).strip('"')[:63]
            self._path = ""

    def _note(self, *tokens: Token) -> None:
        words = [t.value.decode("ascii", "replace").upper() for t in tokens if t.value]
        self._count(" ".join(words)[:40] or "?")

    def _count(self, kind: str) -> None:
        if kind not in self.ignored and len(self.ignored) >= _MOST_KINDS:
            kind = "…"
        self.ignored[kind] += 1

    def _skip(self, token: Token | None = None, *, routine: bool = False) -> None:
        """Goes behind the statement's end, as psql finds it: not inside parentheses, nor inside the
        ``BEGIN ATOMIC`` of a routine.
        """
        depth = inside = 0
        token = token or self._lexer.token()
        while True:
            if token is END:
                raise RuleError("foreign.truncated")
            if token.kind is Kind.SIGN:
                depth += (token.value == b"(") - (token.value == b")" and depth > 0)
                if token.value == b";" and depth == 0 and inside == 0:
                    return
            elif token.kind is Kind.COMMAND:
                self._command(token.value or b"")
            elif routine and depth == 0:
                if token.word(b"begin") or (inside and token.word(b"case")):
                    inside += 1
                elif inside and token.word(b"end"):
                    inside -= 1
            token = self._lexer.token()

    def _copy(self) -> Block | None:
        schema, table, token = self._name()
        columns: tuple[str, ...] | None = None
        if token.sign(b"("):
            columns, token = self._list()
        source = self._lexer.token() if token.word(b"from") else END
        if not table or not source.word(b"stdin"):
            self._count("COPY")
            if token is not END:
                self._skip(token if source is END else source)
            return None
        token = self._lexer.token()
        plain = token.sign(b";")
        if not plain:
            self._skip(token)
        self._lexer.line(keep=0)
        if columns is None:
            columns = self._columns(schema, table)
        if not plain:
            self._count("COPY … WITH")
            columns = None
        return Block(self._database, schema, table, columns, self, True)

    def _insert(self) -> Block | None:
        token = self._lexer.token()
        if not token.word(b"into"):
            self._count("INSERT")
            self._skip(token)
            return None
        schema, table, token = self._name()
        columns: tuple[str, ...] | None = None
        if token.sign(b"("):
            columns, token = self._list()
        if token.word(b"overriding"):
            self._lexer.token()
            self._lexer.token()
            token = self._lexer.token()
        if not table or not token.word(b"values"):
            self._count("INSERT")
            self._skip(token)
            return None
        if columns is None:
            columns = self._columns(schema, table)
        return Block(self._database, schema, table, columns, self, False)

    def _create(self) -> None:
        words = [self._lexer.token()]
        while words[-1].word(
            *(
                b"or",
                b"replace",
                b"unlogged",
                b"temp",
                b"temporary",
                b"global",
                b"local",
                b"foreign",
            )
        ):
            words.append(self._lexer.token())
        last = words[-1]
        if not last.word(b"table"):
            self._note(Token(Kind.WORD, b"create"), last)
            self._skip(last, routine=last.word(b"function", b"procedure"))
            return
        self._count("CREATE TABLE")
        first = self._lexer.token()
        if first.word(b"if"):
            self._lexer.token()
            self._lexer.token()
            first = self._lexer.token()
        schema, table, token = self._name(first)
        if not token.sign(b"("):
            self._skip(token)
            return
        columns = self._definitions()
        self._skip()
        room = self._kept + len(columns) <= _MOST_COLUMNS
        if table in self._wanted and room and len(columns) <= _WIDEST:
            self._kept += len(columns)
            self._known[self._database, schema, table] = tuple(map(sys.intern, columns))

    def _definitions(self) -> list[str]:
        """The column names of a table's definition, up to its closing parenthesis."""
        columns: list[str] = []
        depth, first = 1, True
        while depth:
            token = self._lexer.token()
            if token is END:
                raise RuleError("foreign.truncated")
            named = first and token.kind in (Kind.WORD, Kind.NAME)
            if named and not token.word(*_NOT_COLUMNS) and len(columns) <= _WIDEST:
                columns.append(self._decoded(token.value or b""))
            first = False
            if token.kind is Kind.SIGN:
                depth += (token.value == b"(") - (token.value == b")")
                first = depth == 1 and token.value == b","
        return columns

    def _set(self, token: Token) -> None:
        """``SET name = value, …`` and ``SELECT pg_catalog.set_config('name', 'value', …)``."""
        self._note(token)
        words: list[Token] = []
        while len(words) < 16:
            word = self._lexer.token()
            if word is END or word.sign(b";"):
                break
            words.append(word)
        else:
            self._skip()
        values = [w.value for w in words if w.kind is not Kind.SIGN and w.value is not None]
        if token.word(b"select"):
            if values[:2] != [b"pg_catalog", b"set_config"]:
                return
            values = values[2:]
        elif values[:1] in ([b"session"], [b"local"]):
            values = values[1:]
        if len(values) >= 2 and values[1] == b"to":
            del values[1]
        if len(values) >= 2:
            self._setting(values[0].lower(), values[1])

    def _setting(self, name: bytes, value: bytes) -> None:
        text = value.decode("utf-8", "replace")
        if name == b"client_encoding":
            known = ENCODINGS.get(text.upper().replace("-", ""))
            if known is None:
                raise RuleError("foreign.encoding", encoding=text[:40])
            self.encoding = known
        elif name == b"standard_conforming_strings":
            self._lexer.conforming = text.lower() not in ("off", "false", "0", "no")
        elif name == b"search_path":
            self._path = "" if text == "false" else text.split(",")[0].strip().strip('"')[:63]

    def _name(self, token: Token | None = None) -> tuple[str, str, Token]:
        """Schema and table, and the token behind them; no table where none stands here."""
        token = token or self._lexer.token()
        if token.word(b"only"):
            token = self._lexer.token()
        names: list[str] = []
        while token.kind in (Kind.WORD, Kind.NAME) and len(names) < 3:
            names.append(self._decoded(token.value or b"")[:63])
            token = self._lexer.token()
            if not token.sign(b"."):
                break
            token = self._lexer.token()
        if not names:
            return "", "", token
        return (names[-2] if len(names) > 1 else self._path), names[-1], token

    def _list(self) -> tuple[tuple[str, ...] | None, Token]:
        """The names of a parenthesised list, and the token behind it."""
        names: list[str] = []
        while True:
            token = self._lexer.token()
            if token.kind in (Kind.WORD, Kind.NAME) and len(names) <= _WIDEST:
                names.append(self._decoded(token.value or b"")[:63])
            elif token.sign(b")"):
                return tuple(names) if len(names) <= _WIDEST else None, self._lexer.token()
            elif token is END:
                raise RuleError("foreign.truncated")
            elif not token.sign(b","):
                return None, token

    def _columns(self, schema: str, table: str) -> tuple[str, ...] | None:
        return self._known.get((self._database, schema, table))

    # Rows ----------------------------------------------------------------------------------------
    def copied(self, block: Block) -> Iterator[Row | None]:
        """The rows of a COPY block."""
        columns = block.columns
        while True:
            line = self._line()
            if line == b"\\.":
                return
            if line is None or columns is None:
                yield None
                continue
            fields = self._decoded(line).split("\t")
            if len(fields) != len(columns):
                yield None
                continue
            yield [_field(field) for field in fields] if b"\\" in line else list(fields)

    def _line(self) -> bytes | None:
        lexer = self._lexer
        line = lexer.line()
        if not line and lexer.ended and lexer.at >= len(lexer.data):
            raise RuleError("foreign.truncated")
        return line.removesuffix(b"\r") if line is not None else None

    def count_copied(self) -> int:
        """Passes a COPY block over."""
        lexer = self._lexer
        rows = 0
        while True:
            # Whole lines at once, as far as they are here; what may be the end by itself.
            if not lexer.data.startswith(b"\\.", lexer.at):
                end = lexer.data.find(b"\n\\.", lexer.at)
                end = end if end >= 0 else lexer.data.rfind(b"\n", lexer.at)
                if end >= 0:
                    rows += lexer.data.count(b"\n", lexer.at, end + 1)
                    lexer.at = end + 1
            line = self._line()
            if line == b"\\.":
                return rows
            rows += 1

    def inserted(self, block: Block) -> Iterator[Row | None]:
        """The rows of an INSERT."""
        width = len(block.columns) if block.columns is not None else -1
        while True:
            token = self._lexer.token()
            if not token.sign(b"("):
                yield None
                self._skip(token)
                return
            row = self._tuple()
            yield row if row is not None and len(row) == width else None
            token = self._lexer.token()
            if not token.sign(b","):
                self._skip(token)
                return

    def _tuple(self) -> Row | None:
        """The values up to the closing parenthesis; ``None`` for what no table has."""
        lexer = self._lexer
        row: Row = []
        held = 0
        while True:
            match = _VALUE.match(lexer.data, lexer.at)
            if match and match.end() < len(lexer.data) and (lexer.conforming or not match[2]):
                lexer.at = match.end()
                null, text, number, truth, sign = match.groups()
                if text is not None:
                    value: str | Unreadable | None = self._decoded(text.replace(b"''", b"'"))
                else:
                    value = None if null else (number or truth).decode("ascii")
            else:
                value, sign = self._value()
            held += len(value) + 1 if isinstance(value, str) else 1
            if held <= 2 * LARGEST_ROW and len(row) <= _WIDEST:
                row.append(value)
            if sign == b")":
                return row if held <= 2 * LARGEST_ROW else None

    def _value(self) -> tuple[str | Unreadable | None, bytes]:
        """One value that is not written in the usual way, and the sign behind it."""
        tokens: list[Token] = []
        depth = 0
        while True:
            token = self._lexer.token()
            if token is END:
                raise RuleError("foreign.truncated")
            if token.kind is Kind.SIGN and token.value is not None:
                if depth == 0 and token.value in b",)":
                    return self._constant(tokens), token.value
                depth += (token.value == b"(") - (token.value == b")")
            if len(tokens) < 12:
                tokens.append(token)

    def _constant(self, tokens: list[Token]) -> str | Unreadable | None:
        """What the tokens of one value say: a constant, with a sign before and a type behind it."""
        minus = bool(tokens) and tokens[0].sign(b"-")
        first = tokens[1 if minus else 0] if len(tokens) > minus else END
        rest = tokens[2 if minus else 1 :]
        if rest and not (len(rest) > 2 and rest[0].sign(b":") and rest[1].sign(b":")):
            return UNREADABLE
        if any(t.kind is Kind.TEXT for t in rest):
            return UNREADABLE
        if first.kind is Kind.NUMBER and first.value is not None:
            return ("-" if minus else "") + first.value.decode("ascii")
        if minus or first.value is None:
            return UNREADABLE
        if first.kind is Kind.TEXT:
            return self._decoded(first.value)
        if first.word(b"true", b"false"):
            return first.value.decode("ascii")
        return None if first.word(b"null") else UNREADABLE

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode(self.encoding)
        except UnicodeDecodeError:
            self.recoded += 1
            return data.decode(_FALLBACK, errors="replace")


def _field(field: str) -> str | None:
    """A field of COPY's text format."""
    if field == "\\N":
        return None
    return _BACKSLASH.sub(_unescaped, field) if "\\" in field else field


def _unescaped(match: re.Match[str]) -> str:
    octal, hexadecimal, letter = match.groups()
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if hexadecimal:
        return chr(int(hexadecimal, 16))
    return _LETTERS.get(letter, letter)
