"""The layers of an archive, taken off one at a time: file, age, tar, zstd."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

import pyrage
import zstandard

from desktop.backup import archive_format as form
from desktop.backup import keys
from desktop.backup.archive import Progress
from desktop.backup.archive_limits import Limits
from desktop.backup.errors import ArchiveError

_READ = 256 << 10


class Source:
    """The stored file as pyrage reads it: counted, hashed, and its own errors kept.

    :ivar ended: whether the file's end was met. :ivar error: what the file itself, or ``progress``, raised.
    """

    def __init__(self, source: BinaryIO, progress: Progress | None = None) -> None:
        self.hash = hashlib.sha256()
        self.size = 0
        self.ended = False
        self.error: BaseException | None = None
        self._source = source
        self._progress = progress
        self._data = b""
        self._at = 0

    def head(self) -> bytes:
        """The first bytes, in which an age header must end."""
        while not self.ended and len(self._data) < form.AGE_HEADER_LIMIT:
            self._data += self._more()
        return self._data[: form.AGE_HEADER_LIMIT]

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the file's end."""
        try:
            if self._at >= len(self._data):
                self._data, self._at = self._more(), 0
        except BaseException as error:
            self.error = error
            raise
        cut = self._data[self._at : self._at + size]
        self._at += len(cut)
        return cut

    def _more(self) -> bytes:
        if self.ended:
            return b""
        data = self._source.read(_READ)
        self.ended = not data
        self.hash.update(data)
        self.size += len(data)
        if data and self._progress is not None:
            self._progress(self.size)
        return data


class Unpacker:
    """Takes the tar's bytes in any cuts, and gives each member whole.

    :param member: called with name and content. :ivar error: what it, or the tar's layout, raised.
    """

    def __init__(self, member: Callable[[str, bytes], None], limits: Limits) -> None:
        self.error: BaseException | None = None
        self._member = member
        self._limits = limits
        self._buffer = bytearray()
        self._members = 0
        self._name = ""
        self._size = -1
        self._ended = False

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        try:
            self._buffer += data
            while self._step():
                pass
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def finish(self) -> None:
        """The tar's end was met, and nothing after it; ``archive.malformed``."""
        if not self._ended or self._buffer != bytes(form.BLOCK):
            raise ArchiveError("archive.malformed", what="end")

    def _step(self) -> bool:
        if self._ended:
            if len(self._buffer) > form.BLOCK or any(self._buffer):
                raise ArchiveError("archive.malformed", what="end")
            return False
        if self._size < 0:
            return self._header()
        padded = self._size + form.padding(self._size)
        if len(self._buffer) < padded:
            return False
        content = bytes(self._buffer[: self._size])
        if any(self._buffer[self._size : padded]):
            raise ArchiveError("archive.malformed", what="tar")
        del self._buffer[:padded]
        self._size = -1
        self._member(self._name, content)
        return True

    def _header(self) -> bool:
        if len(self._buffer) < form.BLOCK:
            return False
        block = bytes(self._buffer[: form.BLOCK])
        del self._buffer[: form.BLOCK]
        if not any(block):
            self._ended = True
            return True
        self._name, self._size = form.read_tar_header(block)
        self._members += 1
        if self._size > form.size_limit(self._name) or self._members > self._limits.members:
            raise ArchiveError("archive.too_big")
        return True


def decrypt(file: Source, unpacker: Unpacker, identities: Sequence[str]) -> None:
    """Pass all that ``file`` holds to ``unpacker``; age lets nothing through that was changed.

    Raises :class:`ArchiveError`, and what the file itself or the unpacker raise.
    """
    opened = [keys.read_identity(identity) for identity in identities]
    if not opened:
        raise ArchiveError("backup_key.missing")
    head = file.head()
    if not head.startswith(form.AGE_MAGIC):
        cut = form.AGE_MAGIC.startswith(head)
        raise ArchiveError("archive.truncated" if cut else "archive.not_an_archive")
    if b"\n--- " not in head:
        raise ArchiveError("archive.truncated" if file.ended else "archive.damaged")
    try:
        pyrage.decrypt_io(file, unpacker, opened)
    except (pyrage.DecryptError, OSError) as error:
        for own in (file.error, unpacker.error):
            if own is not None:
                raise own from None
        if "No matching keys" in str(error):
            raise ArchiveError("archive.wrong_key") from error
        raise ArchiveError("archive.truncated" if file.ended else "archive.damaged") from error
    unpacker.finish()


def expanded_size(content: bytes) -> int:
    """How long a piece says that its plain text is; ``archive.bomb`` where that is too much."""
    return int(_frame(content).content_size)


def expand(content: bytes, *, by_checksum: bool = False) -> bytes:
    """A piece's plain text; ``archive.bomb`` where it would be larger than a piece may be.

    :param by_checksum: refuse what has no checksum of its text; zstd looks at one that is there.
    """
    frame = _frame(content)
    if by_checksum and not frame.has_checksum:
        raise ArchiveError("archive.malformed", what="zstd")
    try:
        plain: bytes = zstandard.ZstdDecompressor(max_window_size=form.PIECE).decompress(
            content, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise ArchiveError("archive.malformed", what="zstd") from error
    if len(plain) != frame.content_size:
        raise ArchiveError("archive.malformed", what="zstd")
    return plain


def _frame(content: bytes) -> zstandard.FrameParameters:
    try:
        frame = zstandard.get_frame_parameters(content)
    except zstandard.ZstdError as error:
        raise ArchiveError("archive.malformed", what="zstd") from error
    if frame.content_size > form.PIECE:  # an unknown size counts as the largest
        raise ArchiveError("archive.bomb")
    if not frame.content_size:  # zstd would look no further; no piece is empty
        raise ArchiveError("archive.malformed", what="zstd")
    return frame
