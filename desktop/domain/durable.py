"""Files that are there whole or not at all, and that outlive a power cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def publish(beside: Path, path: Path) -> None:
    """Give a complete file its name for good; a file that has the name keeps it.

    :param beside: the complete file, in the same folder; it is gone afterwards.
    Raises ``FileExistsError`` where the name is taken, ``OSError`` where the disk refuses.
    """
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a memory stick knows no second name for a file
        _rename_to_free(beside, path)
    else:
        beside.unlink()


def _rename_to_free(beside: Path, path: Path) -> None:
    if os.name != "posix":
        beside.rename(path)  # Windows refuses a name that is taken; POSIX would replace the file
        return
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        beside.replace(path)
    except OSError:
        path.unlink()
        raise


def replace(path: Path, content: bytes) -> None:
    """Give a file a new content, whole, for its owner alone. Raises ``OSError``."""
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have a new name outlive a power cut, where the system offers that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
