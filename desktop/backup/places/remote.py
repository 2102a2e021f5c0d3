"""What all places share that are reached over a network: send, read back, go on after a cut."""

from __future__ import annotations

import builtins
import contextlib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from desktop.backup.places import local, naming
from desktop.backup.places.base import (
    Cancelled,
    Fingerprint,
    Progress,
    Receipt,
    Stored,
    chunks_of,
    fingerprint,
    fresh_token,
    from_,
    go_on,
    never,
    silent,
)
from desktop.backup.places.retrying import Retrying
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError


class Taken(Exception):
    """The name has a file already: somebody's, or ours whose answer was lost."""


class Absent(Exception):
    """There is no such file to be read."""


class Shipment:
    """A file on its way: what a protocol sends of it, and how far it is.

    :ivar print: size and SHA-256 of the whole file.
    """

    def __init__(
        self, path: Path, print_: Fingerprint, progress: Progress, cancelled: Cancelled
    ) -> None:
        self.path = path
        self.print = print_
        self.cancelled = cancelled
        self._progress = progress
        self.done = 0

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.print.size

    def arrived(self, done: int) -> None:
        """So many bytes, from the beginning, are on their way or there."""
        self.done = done
        self._progress(done, self.size)

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` on, as they are sent; a person may cancel between two."""
        at = start
        for chunk in chunks_of(self.path, start, length):
            go_on(self.cancelled)
            yield chunk
            at += len(chunk)
            self.arrived(at)


class RemotePlace(ABC):
    """A place over a network; a protocol fills in the abstract methods.

    These raise :class:`~desktop.backup.places.retrying.Passing` for what may pass by itself.
    """

    def __init__(self, label: str, retrying: Retrying) -> None:
        self.label = label
        self._retrying = retrying

    # What a protocol does

    @abstractmethod
    def _find(self, name: str) -> Stored | None:
        """One archive; ``None`` where it is not there."""

    @abstractmethod
    def _send(self, name: str, shipment: Shipment) -> None:
        """Send a file whole, with tries of its own; raises :class:`Taken` and overwrites nothing."""

    @abstractmethod
    def _open(self, name: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        """An archive's bytes from ``offset`` on; raises :class:`Absent`."""

    @abstractmethod
    def _remove(self, name: str) -> None:
        """Remove an archive; one that is not there is as good as removed."""

    @abstractmethod
    def _list(self) -> builtins.list[Stored]:
        """The archives, in any order."""

    @abstractmethod
    def check(self) -> None:
        """Raise what stands in the way of using the place."""

    @abstractmethod
    def sweep(self) -> int:
        """Remove what killed uploads left behind; how many."""

    @abstractmethod
    def close(self) -> None:
        """Give connections back."""

    def free_space(self) -> int | None:
        """See :meth:`~desktop.backup.places.base.Place.free_space`."""
        return None

    # What every place does with it

    def put(
        self,
        name: str,
        path: Path,
        *,
        progress: Progress = silent,
        cancelled: Cancelled = never,
    ) -> Receipt:
        """See :meth:`~desktop.backup.places.base.Place.put`."""
        naming.checked(name)
        wanted = fingerprint(path, cancelled)
        reading = from_(progress, wanted.size, 2 * wanted.size)
        ours = False
        if self._retrying.run(lambda: self._find(name), cancelled) is None:
            sending = from_(progress, 0, 2 * wanted.size)
            try:
                self._ask_for_room(wanted.size)
                self._send(name, Shipment(path, wanted, sending, cancelled))
                ours = True
            except Taken:
                pass
        try:
            return self.verify(name, wanted, progress=reading, cancelled=cancelled)
        except AppError as error:
            if error.code not in {"place.altered", "place.missing"}:
                raise
            if not ours:
                raise RuleError("place.exists", place=self.label, name=name) from error
            with contextlib.suppress(EnvironmentTrouble):
                self.delete(name)
            raise EnvironmentTrouble("place.altered", place=self.label, name=name) from error

    def get(
        self,
        name: str,
        path: Path,
        *,
        expected: Fingerprint | None = None,
        progress: Progress = silent,
        cancelled: Cancelled = never,
    ) -> Receipt:
        """See :meth:`~desktop.backup.places.base.Place.get`."""
        naming.checked(name)
        local.refuse_taken(path)
        folder = str(path.parent)
        found = self._retrying.run(lambda: self._find(name), cancelled)
        if found is None:
            raise RuleError("place.missing", place=self.label, name=name)
        if expected is not None and found.size != expected.size:
            raise EnvironmentTrouble("place.altered", place=self.label, name=name)
        local.ask_for_room(path.parent, found.size, folder)
        beside = path.with_name(naming.part_name(name, fresh_token()))
        digest = hashlib.sha256()
        with local.in_words(folder), local.arriving(beside, path):
            with local.create(beside) as file:

                def keep(chunk: bytes) -> None:
                    digest.update(chunk)
                    file.write(chunk)

                size = self._read(name, found.size, keep, progress, cancelled)
                local.put_on_disk(file)
            got = Fingerprint(size, digest.hexdigest())
            if got != (expected or Fingerprint(found.size, got.sha256)):
                raise EnvironmentTrouble("place.altered", place=self.label, name=name)
        return Receipt(name, got.size, got.sha256)

    def verify(
        self,
        name: str,
        expected: Fingerprint,
        *,
        progress: Progress = silent,
        cancelled: Cancelled = never,
    ) -> Receipt:
        """See :meth:`~desktop.backup.places.base.Place.verify`."""
        naming.checked(name)
        digest = hashlib.sha256()
        size = self._read(name, expected.size, digest.update, progress, cancelled)
        if Fingerprint(size, digest.hexdigest()) != expected:
            raise EnvironmentTrouble("place.altered", place=self.label, name=name)
        return Receipt(name, expected.size, expected.sha256)

    def list(self) -> builtins.list[Stored]:
        """See :meth:`~desktop.backup.places.base.Place.list`."""
        return sorted(self._retrying.run(self._list), key=lambda each: each.name)

    def delete(self, name: str) -> None:
        """See :meth:`~desktop.backup.places.base.Place.delete`."""
        naming.checked(name)
        self._retrying.run(lambda: self._remove(name))

    def _ask_for_room(self, size: int) -> None:
        """Raise ``place.full`` before anything is sent, where the place says how much is free."""
        free = self.free_space()
        if free is not None and free < size:
            raise EnvironmentTrouble("place.full", place=self.label)

    def _read(
        self,
        name: str,
        size: int,
        take: Callable[[bytes], None],
        progress: Progress,
        cancelled: Cancelled,
    ) -> int:
        """Read an archive from end to end, going on after a cut; bytes read.

        Ends early where there are more than ``size``: no longer file is what was asked for.
        """
        done = 0

        def step() -> None:
            nonlocal done
            if done > size:
                return
            with self._open(name, done) as chunks:
                for chunk in chunks:
                    go_on(cancelled)
                    take(chunk)
                    done += len(chunk)
                    progress(min(done, size), size)
                    if done > size:
                        return

        try:
            self._retrying.run(step, cancelled, gained=lambda: done)
        except Absent:
            raise RuleError("place.missing", place=self.label, name=name) from None
        return done
