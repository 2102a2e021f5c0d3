"""Reading an archive back while it is written: each stretch once the disk has it.

The reading is never of what waits in the program, and where the system can be told so, not of what it
remembers either: a stretch is put on the disk, forgotten, and read. That the two run side by side is
what makes a verified archive hardly slower than one that nobody looked at.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

from desktop.backup.places import local

STRETCH = 2 << 20
"""Bytes that are put on the disk at a time; less would have it wait more often than it writes."""


class ReadBack:
    """A file with a writer and a reader of what was written, each in a thread of its own.

    The writer calls :meth:`write`, :meth:`flush` and at last :meth:`end`; the reader :meth:`read`, which
    waits for the writer. After :meth:`abort` both raise what it was given.

    :param file: open for writing at ``path``.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._reading = path.open("rb", buffering=0)
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._ended = False
        self._written = 0
        self._on_disk = 0
        self._read = 0

    def close(self) -> None:
        """Let go of the reader's half; the file is whose it was."""
        self._reading.close()

    def write(self, data: bytes) -> int:
        """Add to the file."""
        self._file.write(data)
        with self._changed:
            self._raise()
            self._written += len(data)
            self._changed.notify_all()
        return len(data)

    def flush(self) -> None:
        """Nothing waits here that the reader will not have flushed itself."""

    def end(self) -> None:
        """All was written."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abort(self, error: BaseException) -> None:
        """Wake both sides; the first error is the one that they hear."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes that the disk has; none at the end of what was written."""
        if self._read == self._on_disk and not self._next_stretch():
            return b""
        data = self._reading.read(min(size, self._on_disk - self._read))
        if not data:
            raise OSError("the file is shorter than what was written")
        self._read += len(data)
        return data

    def _next_stretch(self) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or self._ended or self._written - self._on_disk >= STRETCH
            )
            self._raise()
            written = self._written
        if written == self._on_disk:
            return False
        local.put_on_disk(self._file)
        self._on_disk = written
        return True

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
