"""Another program's backup file: what it is, by its content, and its bytes a piece at a time.

Nothing of such a file is trusted: neither its name nor what it says of itself. It may be packed with
gzip and written in UTF-16 (as PowerShell does); the readers get plain bytes in which ASCII is ASCII.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from desktop.domain.errors import EnvironmentTrouble, RuleError

PIECE = 256 * 1024
"""Bytes that are read at once."""

LARGEST_ROW = 512 * 1024
"""A row with more than this is left out, and said; none of the programs' rows comes near it."""

_RATIO = 250
_RATIO_GRACE = 64 * 1024 * 1024
_LOOKED_AT = 64 * 1024
_GZIP = b"\x1f\x8b"
_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_OTHER_KINDS = {
    b"PGDMP": "foreign.custom_format",
    b"age-encryption.org/": "foreign.own_archive",
    b"PK\x03\x04": "foreign.packed",
    b"BZh": "foreign.packed",
    b"\xfd7zXZ": "foreign.packed",
    b"7z\xbc\xaf": "foreign.packed",
    b"Rar!": "foreign.packed",
    b"\x28\xb5\x2f\xfd": "foreign.packed",
    b"SQLite format 3": "foreign.unknown",
}
_SQL = re.compile(
    rb"^-- PostgreSQL database|^\s*(?:COPY\s+\S+.*\sFROM\s+stdin|INSERT\s+INTO\s|CREATE\s+TABLE\s"
    rb"|SET\s+\w+\s*=|CREATE\s+SCHEMA\s|SELECT\s+pg_catalog\.)",
    re.IGNORECASE | re.MULTILINE,
)

Progress = Callable[[int, int], None]
"""Called with the bytes of the file that are done, and its size; what it raises ends the work."""


class Form(StrEnum):
    """How a file is written."""

    DJANGO = "django"
    PG_DUMP = "pg_dump"


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file whose form is known.

    :ivar size: bytes on disk; :ivar packed: by gzip; :ivar wide: the UTF-16 codec, where it is one.
    """

    path: Path
    form: Form
    size: int
    packed: bool
    wide: str | None

    @contextmanager
    def feed(self, progress: Progress | None = None) -> Iterator[Feed]:
        """The file's bytes from the beginning."""
        with _opened(self.path) as raw:
            yield Feed(raw, self, progress)


class Feed:
    """The plain bytes of a file, a piece at a time."""

    def __init__(self, raw: BufferedReader, file: ForeignFile, progress: Progress | None) -> None:
        self._raw = raw
        self._file = file
        self._progress = progress
        self._source: BufferedIOBase = gzip.GzipFile(fileobj=raw) if file.packed else raw
        self._given = 0
        self._first = True
        self._wide = codecs.getincrementaldecoder(file.wide)() if file.wide else None

    def more(self) -> bytes:
        """The next piece; nothing at the end.

        Raises ``foreign.truncated``, ``foreign.damaged``, ``foreign.bomb``, ``foreign.encoding`` and
        ``foreign.unreadable``.
        """
        while True:
            piece = self._read()
            ended = not piece
            if self._wide is not None:
                try:
                    piece = self._wide.decode(piece, final=ended).encode()
                except UnicodeError as error:
                    raise RuleError("foreign.encoding", encoding="UTF-16") from error
            if self._first and piece:
                self._first = False
                piece = piece.removeprefix(codecs.BOM_UTF8)
            if piece or ended:
                return piece

    def _read(self) -> bytes:
        try:
            piece = self._source.read(PIECE)
        except EOFError as error:
            raise RuleError("foreign.truncated") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise RuleError("foreign.damaged", place=self._given) from error
        except OSError as error:
            raise EnvironmentTrouble("foreign.unreadable", path=str(self._file.path)) from error
        self._given += len(piece)
        done = self._raw.tell()
        if self._given > _RATIO_GRACE and self._given > done * _RATIO:
            raise RuleError("foreign.bomb")
        if self._progress is not None:
            self._progress(min(done, self._file.size), self._file.size)
        return piece


def identify(path: Path) -> ForeignFile:
    """What a file is, by its first bytes.

    Raises :class:`RuleError`: ``foreign.empty``, ``foreign.custom_format`` (pg_dump's own),
    ``foreign.own_archive`` (one of ours), ``foreign.packed``, ``foreign.unknown``,
    ``foreign.truncated``, ``foreign.damaged``; :class:`EnvironmentTrouble`: ``foreign.unreadable``.
    """
    with _opened(path) as raw:
        size = raw.seek(0, 2)
        raw.seek(0)
        head = raw.read(512)
        if not head:
            raise RuleError("foreign.empty", path=str(path))
        _refuse_other_kinds(head, path)
    packed = head.startswith(_GZIP)
    probe = ForeignFile(path, Form.PG_DUMP, size, packed, None)
    with probe.feed() as feed:
        start = feed.more()
    wide = next((codec for mark, codec in _UTF16 if start.startswith(mark)), None)
    if wide:
        start = start[: _LOOKED_AT * 2].decode(wide, errors="replace").encode().lstrip()
    start = start[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8)
    _refuse_other_kinds(start, path)
    if not start.strip():
        raise RuleError("foreign.empty", path=str(path))
    return ForeignFile(path, _form(start, path), size, packed, wide)


def _refuse_other_kinds(start: bytes, path: Path) -> None:
    kind = next((mark for mark in _OTHER_KINDS if start.startswith(mark)), None)
    if kind is not None:
        raise RuleError(_OTHER_KINDS[kind], path=str(path))
    if start[257:262] == b"ustar":
        raise RuleError("foreign.packed", path=str(path))


def _form(start: bytes, path: Path) -> Form:
    if start.lstrip()[:1] in (b"[", b"{"):
        return Form.DJANGO
    if b"\x00" not in start and _SQL.search(start):
        return Form.PG_DUMP
    raise RuleError("foreign.unknown", path=str(path))


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise EnvironmentTrouble("foreign.unreadable", path=str(path)) from error
    with raw:
        yield raw
