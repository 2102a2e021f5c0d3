"""Archives in files of this computer: written beside, put on the disk, then named.

Used by the place that is a folder, and by every other place for what it fetches.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from desktop.domain.durable import publish, sync_folder
from desktop.domain.errors import EnvironmentTrouble, RuleError

MARGIN = 16 << 20
"""Bytes that stay free on a disk beside an archive."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.EHOSTDOWN}
_KEPT_OUT = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def in_words(label: str) -> Iterator[None]:
    """What the system refuses inside is raised as :class:`EnvironmentTrouble`.

    ``place.full``, ``place.no_folder``, ``place.refused``, ``place.disk_failed``.
    """
    try:
        yield
    except OSError as error:
        raise trouble(error, label) from error


def trouble(error: OSError, label: str) -> EnvironmentTrouble:
    """A system's error in words of ours."""
    if error.errno in _FULL:
        return EnvironmentTrouble("place.full", place=label)
    if error.errno in _GONE:
        return EnvironmentTrouble("place.no_folder", place=label)
    if error.errno in _KEPT_OUT:
        return EnvironmentTrouble("place.refused", place=label)
    return EnvironmentTrouble("place.disk_failed", place=label)


def ask_for_room(folder: Path, size: int, label: str) -> None:
    """Raise ``EnvironmentTrouble('place.full')`` where ``size`` bytes more would fill the disk."""
    with in_words(label):
        if shutil.disk_usage(folder).free < size + MARGIN:
            raise EnvironmentTrouble("place.full", place=label)


def create(path: Path) -> BinaryIO:
    """A new file of its owner alone, held (:func:`hold`) while it is open."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    file = os.fdopen(handle, "r+b")
    hold(file)
    return file


def hold(file: BinaryIO) -> bool:
    """Take an open file for oneself until it is closed; false where somebody else has it.

    Windows removes no file that is open, and needs no lock.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a share that knows no locks: the file's age alone says whether it is in use
        return True
    return True


def put_on_disk(file: BinaryIO) -> None:
    """Have what was written outlive a power cut, and be read from the disk from now on."""
    file.flush()
    os.fsync(file.fileno())
    forget_cached(file)


def forget_cached(file: BinaryIO) -> None:
    """Have the next reading come from the disk, where the system can be told so."""
    if sys.platform == "linux":
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def refuse_taken(path: Path) -> None:
    """Raise ``RuleError('place.file_exists')`` where a file has that name."""
    if os.path.lexists(path):
        raise RuleError("place.file_exists", file=path.name)


@contextmanager
def arriving(beside: Path, path: Path) -> Iterator[None]:
    """What is written ``beside`` inside is called ``path`` from its end on, for good, or is gone.

    Raises ``RuleError('place.file_exists')`` where a file has got that name meanwhile.
    """
    try:
        yield
        try:
            publish(beside, path)
        except FileExistsError as error:
            raise RuleError("place.file_exists", file=path.name) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    sync_folder(path.parent)
