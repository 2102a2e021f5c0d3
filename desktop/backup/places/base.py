"""Where archives are kept: what every place offers, and what they have in common.

A place is a flat set of archives under names that are written once and never again. To put one is
to send it, to read it back and to compare size and SHA-256; only then is it a success.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sync.errors import Cancelled as Stopped

CHUNK = 1 << 20
"""Bytes that are read and hashed at a time; between two, a person may cancel."""

ABANDONED = dt.timedelta(hours=48)
"""What an upload left behind is swept up when nothing was added to it for so long."""

Progress = Callable[[int, int], None]
"""Called with the bytes that are done and those that there are; a repeat may go back."""

Cancelled = Callable[[], bool]
"""The answer to "was it cancelled?"; a yes ends in :class:`sync.errors.Cancelled`."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which bytes: how many, and their SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was read back and compared."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An archive as a place lists it. :ivar modified: aware, UTC, by the place's clock."""

    name: str
    size: int
    modified: dt.datetime | None


class Place(Protocol):
    """Where archives are kept. One thread at a time uses a place.

    Every method raises :class:`~desktop.domain.errors.AppError` with a code ``place.*``.

    :ivar label: for people and logs; never holds a secret.
    """

    label: str

    def put(
        self,
        name: str,
        path: Path,
        *,
        progress: Progress = ...,
        cancelled: Cancelled = ...,
    ) -> Receipt:
        """Keep the file ``path`` under ``name``, read it back and compare it.

        ``progress`` counts every byte twice: sent, and read back. The same bytes under the same
        name are a success (an answer may have been lost); other bytes are ``place.exists`` and stay
        as they are. What was sent and is read back otherwise is removed: ``place.altered``.
        """

    def get(
        self,
        name: str,
        path: Path,
        *,
        expected: Fingerprint | None = None,
        progress: Progress = ...,
        cancelled: Cancelled = ...,
    ) -> Receipt:
        """Fetch an archive to ``path``, where no file is yet: whole, or not at all."""

    def verify(
        self,
        name: str,
        expected: Fingerprint,
        *,
        progress: Progress = ...,
        cancelled: Cancelled = ...,
    ) -> Receipt:
        """Read an archive from end to end and compare it; raises ``place.altered``."""

    def list(self) -> list[Stored]:
        """The archives, by name; whatever else lies there is left out."""

    def delete(self, name: str) -> None:
        """Remove an archive; one that is not there is as good as removed."""

    def free_space(self) -> int | None:
        """Bytes that are free; ``None`` where the place doesn't say."""

    def check(self) -> None:
        """Raise what stands in the way of using the place."""

    def sweep(self) -> int:
        """Remove what killed uploads left behind; how many. One that still runs is left alone."""

    def close(self) -> None:
        """Give connections back."""


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def never() -> bool:
    """The answer to "was it cancelled?" where nobody can."""
    return False


def go_on(cancelled: Cancelled) -> None:
    """Raise :class:`sync.errors.Cancelled` where a person asked to stop."""
    if cancelled():
        raise Stopped


def from_(progress: Progress, start: int, total: int) -> Progress:
    """``progress`` of one part of the work: it begins at ``start`` of ``total``."""

    def moved(done: int, _size: int) -> None:
        progress(start + done, total)

    return moved


def fingerprint(path: Path, cancelled: Cancelled = never) -> Fingerprint:
    """Size and SHA-256 of a file; raises ``OSError``."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks_of(path):
        go_on(cancelled)
        digest.update(chunk)
        size += len(chunk)
    return Fingerprint(size, digest.hexdigest())


def chunks_of(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """A file's bytes from ``start`` on, ``length`` of them or up to its end."""
    with path.open("rb") as file:
        file.seek(start)
        left = length
        while chunk := file.read(CHUNK if left is None else min(CHUNK, left)):
            yield chunk
            if left is not None:
                left -= len(chunk)


def fresh_token() -> str:
    """Sixteen hexadecimal digits that nobody else draws."""
    return os.urandom(8).hex()
