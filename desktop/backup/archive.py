"""Writing an archive: age around a tar of compressed COPY text (docs/archive-format.md).

Memory stays the same whatever the size: a table is cut into pieces, and three threads pass them on
(whoever reads the rows; hashing and compression; encryption and the file), a few pieces at a time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

import pyrage
import zstandard

from desktop.backup import archive_format as form
from desktop.backup.archive_format import PIECE, Named, Part
from desktop.backup.channel import Channel, Left
from desktop.backup.errors import ArchiveError
from desktop.backup.keys import Signer, check_recipient
from desktop.backup.manifest import INCREMENTAL, Manifest, digest
from desktop.backup.trailer import Member, TableCount, Trailer

LEVEL = 1
"""zstd's: higher ones cost more than they save (docs/archive-format.md has the figures)."""
CUT = 512 << 10
"""Bytes of plain text in a member: what several threads hold several of stays small, and in their
processor's cache, and of a small archive each has its part. Readers take up to :data:`PIECE`."""
CUTS = 2_000
"""After so many members they are twice as large each time, so that the trailer has room for all."""
WAITING = 2
"""Pieces that wait between two threads."""
_BUFFER = 64 << 10

Progress = Callable[[int], None]
"""Is told how many bytes of the stored file are done; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A written archive. :ivar sha256: of the file as stored. :ivar tables: those that have rows. :ivar blobs: SHA-256 of attachments."""

    sha256: str
    size: int
    manifest: Manifest
    manifest_hash: str
    tables: tuple[TableCount, ...]
    blobs: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables if table.part == Part.ROWS)


class ArchiveWriter:
    """Writes one archive to ``sink``.

    :param recipients: age keys of which each opens the archive; at least two.
    :param progress: told the bytes written to ``sink``; what it raises ends the archive.

    What ``sink`` or ``progress`` raise comes out of the next call, or of :meth:`finish`. Leaving the
    ``with`` without :meth:`finish` leaves a file that nobody can read.
    """

    def __init__(
        self,
        sink: BinaryIO,
        recipients: Sequence[str],
        signer: Signer,
        manifest: Manifest,
        progress: Progress | None = None,
    ) -> None:
        keys = sorted({check_recipient(recipient) for recipient in recipients})
        if len(keys) < 2:
            raise ArchiveError("backup_key.missing")
        self._manifest = manifest.signed_by(signer.public)
        self._manifest_json = self._manifest.to_json()
        if len(self._manifest_json) > form.MANIFEST_LIMIT:
            raise ArchiveError("archive.too_big")
        self._signer = signer
        check = pyrage.x25519.Identity.generate()
        self.check_identity = str(check)
        self._keys = [*(pyrage.x25519.Recipient.from_str(key) for key in keys), check.to_public()]
        self._sink = _Sink(sink, progress)
        self._pieces: Channel[_Piece] = Channel(WAITING)
        self._stored: Channel[bytes] = Channel(WAITING + 1)
        self._packing = _Packing(self._stored)
        self._threads = [
            threading.Thread(target=self._guarded, args=(run,), name=f"archive-{name}", daemon=True)
            for name, run in (("pack", self._pack), ("encrypt", self._encrypt))
        ]
        self._open: TableSink | None = None
        self._begun: set[tuple[Part, str]] = set()
        self._blobs: list[str] = []
        self._cuts = 0
        self._finished = False

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self._pieces.put(_Piece(form.MANIFEST, self._manifest_json, None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            self._abort(Left())
        for thread in self._threads:
            thread.join()

    def table(self, name: str) -> TableSink:
        """Where a table's rows go, as COPY text in the manifest's column order; a ``with`` block.

        One is open at a time, and each table once. ``ValueError`` otherwise.
        """
        return self._begin(Part.ROWS, name)

    def gone(self, name: str) -> TableSink:
        """Where an incremental's deleted keys go, as COPY text of the table's key columns."""
        if self._manifest.kind != INCREMENTAL:
            raise ValueError("only an incremental says what is gone")
        return self._begin(Part.GONE, name)

    def _begin(self, part: Part, name: str) -> TableSink:
        self._manifest.table(name)
        if self._open is not None or (part, name) in self._begun or self._blobs:
            raise ValueError(f"table {name}: one at a time, each once, before the attachments")
        self._begun.add((part, name))
        self._packing.begin(part, name)
        self._open = TableSink(self, part, name)
        return self._open

    def blob(self, sha256: str, stream: BinaryIO) -> None:
        """An attachment, by its content's SHA-256 (hex); ``ValueError`` where it has another."""
        if self._open is not None or sha256 in self._blobs:
            raise ValueError("attachments come after the tables, each once")
        self._blobs.append(sha256)
        found = hashlib.sha256()
        number = 0
        while (data := stream.read(self.cut)) or number == 0:
            number += 1
            found.update(data)
            self._put(_Piece(Named(Part.BLOB, sha256, number).text, data, None))
        if found.hexdigest() != sha256:
            raise ValueError("the attachment's content has another hash")

    def finish(self) -> Receipt:
        """End the archive: counts, hashes and signature. Its bytes are then all in ``sink``."""
        if self._open is not None:
            raise ValueError("a table is still open")
        pack, encrypt = self._threads
        self._pieces.close()
        pack.join()
        manifest_hash = digest(self._manifest_json)
        trailer = Trailer(
            manifest=manifest_hash,
            previous=self._manifest.previous,
            members=tuple(self._packing.members),
            tables=self._packing.counts(),
            blobs=tuple(self._blobs),
        ).to_json()
        if len(trailer) > form.TRAILER_LIMIT:
            raise ArchiveError("archive.too_big")
        self._stored.put(_member(form.TRAILER, trailer))
        signature = self._signer.sign(form.SIGNED + trailer)
        self._stored.put(_member(form.SIGNATURE, signature) + form.END)
        self._stored.close()
        encrypt.join()
        self._stored.check()
        self._finished = True
        return Receipt(
            sha256=self._sink.hash.hexdigest(),
            size=self._sink.size,
            manifest=self._manifest,
            manifest_hash=manifest_hash,
            tables=self._packing.counts(),
            blobs=tuple(self._blobs),
        )

    @property
    def cut(self) -> int:
        """How much the next member holds."""
        return min(PIECE, CUT << self._cuts // CUTS)

    def _put(self, piece: _Piece) -> None:
        self._cuts += 1
        self._pieces.put(piece)

    def _ended(self) -> None:
        self._open = None

    def _abort(self, error: BaseException) -> None:
        self._pieces.abort(error)
        self._stored.abort(error)

    def _guarded(self, run: Callable[[], None]) -> None:
        """Run a thread's work; what it raises reaches the other threads and the caller."""
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - raised again where the caller is
            self._abort(error)

    def _pack(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._packing.pack(piece)

    def _encrypt(self) -> None:
        try:
            pyrage.encrypt_io(_Feed(self._stored), self._sink, self._keys)
            self._sink.flush()
        except (pyrage.EncryptError, OSError) as error:
            raise self._sink.error or error from None


class TableSink:
    """Takes one table's COPY text, in any cuts; the last byte ends a line."""

    def __init__(self, writer: ArchiveWriter, part: Part, name: str) -> None:
        self._writer = writer
        self._part = part
        self._name = name
        self._buffer = bytearray()
        self._room = writer.cut
        self._number = 0
        self._rows = 0
        self._line_ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def write(self, data: bytes | memoryview) -> None:
        """Take some COPY text."""
        self._rows += bytes(data).count(b"\n")
        self._buffer += data
        if len(self._buffer) >= self._room:
            self._cut()

    def write_all(self, chunks: Iterable[bytes | memoryview]) -> None:
        """Take COPY text a row at a time, with little ado."""
        buffer = self._buffer
        for chunk in chunks:
            buffer += chunk
            self._rows += 1
            if len(buffer) >= self._room:
                self._cut()
                buffer = self._buffer

    def fill(self, into: Callable[[bytearray, int], int]) -> tuple[int, int]:
        """Have whole rows appended up to where the next member ends; how many rows and bytes came.

        :param into: appends to what it is given until that has so many bytes; answers how many rows.
        """
        before = len(self._buffer)
        rows = into(self._buffer, self._room)
        size = len(self._buffer) - before
        self._rows += rows
        if len(self._buffer) >= self._room:
            self._cut()
        return rows, size

    def close(self) -> None:
        """End the table; ``ValueError`` where the text ends within a line."""
        while self._buffer:
            self._send(min(self._room, len(self._buffer)))
        if not self._line_ended:
            raise ValueError(f"table {self._name}: the text ends within a line")
        self._writer._ended()  # noqa: SLF001

    def _cut(self) -> None:
        while len(self._buffer) >= self._room:
            self._send(self._room)

    def _send(self, size: int) -> None:
        if size == len(self._buffer):
            data, self._buffer = bytes(self._buffer), bytearray()
        else:
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
        self._line_ended = data.endswith(b"\n")
        self._number += 1
        name = Named(self._part, self._name, self._number).text
        self._writer._put(_Piece(name, data, (self._part, self._name), self._rows))  # noqa: SLF001
        self._rows = 0
        self._room = self._writer.cut


@dataclass(frozen=True, slots=True)
class _Piece:
    """A member to be; ``table`` where it is COPY text, to be compressed, and ``rows`` that came with it.

    (Who takes the rows knows how many; looking for the ends of lines again costs as much as a hash.)
    """

    name: str
    data: bytes
    table: tuple[Part, str] | None
    rows: int = 0


class _Packing:
    """Counts, compresses and hashes pieces, in their order."""

    def __init__(self, stored: Channel[bytes]) -> None:
        self.members: list[Member] = []
        self._stored = stored
        self._hashes: dict[tuple[Part, str], hashlib._Hash] = {}
        self._rows: dict[tuple[Part, str], int] = {}
        self._bytes: dict[tuple[Part, str], int] = {}
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)

    def begin(self, part: Part, name: str) -> None:
        self._hashes[part, name] = hashlib.sha256()
        self._rows[part, name] = self._bytes[part, name] = 0

    def pack(self, piece: _Piece) -> None:
        data = piece.data
        if piece.table is not None:
            self._hashes[piece.table].update(data)
            self._rows[piece.table] += piece.rows
            self._bytes[piece.table] += len(data)
            data = self._zstd.compress(data)
        self.members.append(Member(piece.name, len(data), hashlib.sha256(data).hexdigest()))
        self._stored.put(_member(piece.name, data))

    def counts(self) -> tuple[TableCount, ...]:
        return tuple(
            TableCount(
                name, part, self._rows[part, name], self._bytes[part, name], found.hexdigest()
            )
            for (part, name), found in self._hashes.items()
            if self._bytes[part, name]
        )


def _member(name: str, data: bytes) -> bytes:
    return b"".join((form.tar_header(name, len(data)), data, bytes(form.padding(len(data)))))


class _Feed:
    """What pyrage reads from: it asks for a few kilobytes at a time."""

    def __init__(self, stored: Channel[bytes]) -> None:
        self._stored = stored
        self._data = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        while self._at >= len(self._data):
            data = self._stored.get()
            if data is None:
                return b""
            self._data, self._at = data, 0
        cut = self._data[self._at : self._at + size]
        self._at += len(cut)
        return cut


class _Sink:
    """Where pyrage writes: counts and hashes what is stored.

    :ivar error: what the sink itself, or ``progress``, raised.
    """

    def __init__(self, sink: BinaryIO, progress: Progress | None) -> None:
        self.hash = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None
        self._sink = sink
        self._progress = progress
        self._buffer = bytearray()

    def write(self, data: bytes) -> int:
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            self._pass_on()
        return len(data)

    def flush(self) -> None:
        self._pass_on()
        self._sink.flush()

    def _pass_on(self) -> None:
        try:
            self._store()
        except BaseException as error:
            self.error = error
            raise

    def _store(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        written = self._sink.write(data)
        if written is not None and written != len(data):
            raise OSError("the sink took a part of what it was given")
        self.hash.update(data)
        self.size += len(data)
        if self._progress is not None:
            self._progress(self.size)
