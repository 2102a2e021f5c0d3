"""Copies in two places at once: each for itself, and one is enough to be safe."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from desktop.backup.places.base import (
    Cancelled,
    Fingerprint,
    Place,
    Progress,
    Receipt,
    never,
    silent,
)
from desktop.domain.errors import AppError, RuleError
from sync.errors import Cancelled as Stopped


@dataclass(frozen=True, slots=True)
class Copies:
    """What became of an archive, by the place's id.

    :ivar receipts: where it was kept, read back and compared. :ivar errors: where not, and why.
    """

    receipts: Mapping[str, Receipt]
    errors: Mapping[str, AppError]

    @property
    def verified(self) -> bool:
        """Whether there is a copy that was read back."""
        return bool(self.receipts)

    @property
    def complete(self) -> bool:
        """Whether every place has its copy."""
        return not self.errors


def put_everywhere(
    places: Mapping[str, Place],
    name: str,
    path: Path,
    *,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> Copies:
    """Keep a file in every place, at the same time; a place that fails hinders no other.

    ``progress`` is called from several threads, one at a time, with the sums.
    Raises :class:`sync.errors.Cancelled`; what a place had complete by then stays there.
    """
    receipts: dict[str, Receipt] = {}
    errors: dict[str, AppError] = {}
    shown = _Sum(places, progress)
    with ThreadPoolExecutor(max(1, len(places)), thread_name_prefix="copies") as threads:
        running = {
            id_: threads.submit(place.put, name, path, progress=shown.of(id_), cancelled=cancelled)
            for id_, place in places.items()
        }
        stopped = False
        for id_, future in running.items():
            try:
                receipts[id_] = future.result()
            except AppError as error:
                errors[id_] = error
            except Stopped:
                stopped = True
    if stopped:
        raise Stopped
    return Copies(receipts, errors)


def get_from_any(
    places: Mapping[str, Place],
    name: str,
    path: Path,
    *,
    expected: Fingerprint | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> str:
    """Fetch a file from the first place that has it whole; that place's id.

    Raises the last place's error where none has, ``RuleError('place.none')`` without any place.
    """
    last: AppError = RuleError("place.none")
    for id_, place in places.items():
        try:
            place.get(name, path, expected=expected, progress=progress, cancelled=cancelled)
        except AppError as error:
            if error.code == "place.file_exists":
                raise
            last = error
        else:
            return id_
    raise last


class _Sum:
    """One figure of several places' progress."""

    def __init__(self, places: Mapping[str, Place], progress: Progress) -> None:
        self._progress = progress
        self._done = dict.fromkeys(places, (0, 0))
        self._lock = threading.Lock()

    def of(self, id_: str) -> Progress:
        def moved(done: int, total: int) -> None:
            with self._lock:
                self._done[id_] = (done, total)
                most = max(each[1] for each in self._done.values())
                sum_ = sum(each[0] for each in self._done.values())
                self._progress(sum_, most * len(self._done))

        return moved
