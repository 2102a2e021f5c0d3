"""A folder: of this computer, on a memory stick, on a shared drive."""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
import hashlib
import os
import shutil
import stat
from pathlib import Path

from desktop.backup.places import local, naming
from desktop.backup.places.base import (
    ABANDONED,
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
from desktop.domain.durable import publish, sync_folder
from desktop.domain.errors import EnvironmentTrouble, RuleError


class FolderPlace:
    """Archives as files of one folder, which must be there: a stick that is out is no success.

    A file is written beside its name, put on the disk, read back and only then named, so that
    under an archive's name there is nothing or all of it, whatever is cut.
    """

    def __init__(self, folder: Path) -> None:
        self.label = str(folder)
        self._folder = folder

    def put(
        self,
        name: str,
        path: Path,
        *,
        progress: Progress = silent,
        cancelled: Cancelled = never,
    ) -> Receipt:
        """See :meth:`~desktop.backup.places.base.Place.put`."""
        target = self._path(name)
        self.check()
        size = path.stat().st_size
        if target.exists():
            return self._already_there(name, fingerprint(path, cancelled), progress, cancelled)
        local.ask_for_room(self._folder, size, self.label)
        beside = self._folder / naming.part_name(name, fresh_token())
        with local.in_words(self.label):
            try:
                wanted = self._copy(path, beside, size, progress, cancelled)
                reading = from_(progress, size, 2 * size)
                self._compare(beside, wanted, name, reading, cancelled)
                publish(beside, target)
            except FileExistsError:
                return self._already_there(name, wanted, progress, cancelled)
            finally:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)
            sync_folder(self._folder)
        return Receipt(name, wanted.size, wanted.sha256)

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
        source = self._there(name)
        local.refuse_taken(path)
        size = source.stat().st_size
        local.ask_for_room(path.parent, size, str(path.parent))
        beside = path.with_name(naming.part_name(name, fresh_token()))
        with local.in_words(str(path.parent)), local.arriving(beside, path):
            found = self._copy(source, beside, size, progress, cancelled, twice=False)
            if expected is not None and found != expected:
                raise EnvironmentTrouble("place.altered", place=self.label, name=name)
        return Receipt(name, found.size, found.sha256)

    def verify(
        self,
        name: str,
        expected: Fingerprint,
        *,
        progress: Progress = silent,
        cancelled: Cancelled = never,
    ) -> Receipt:
        """See :meth:`~desktop.backup.places.base.Place.verify`."""
        with local.in_words(self.label):
            self._compare(self._there(name), expected, name, progress, cancelled)
        return Receipt(name, expected.size, expected.sha256)

    def list(self) -> builtins.list[Stored]:
        """See :meth:`~desktop.backup.places.base.Place.list`."""
        found = []
        with local.in_words(self.label), os.scandir(self._folder) as entries:
            for entry in entries:
                if naming.parse(entry.name) and entry.is_file(follow_symlinks=False):
                    seen = entry.stat(follow_symlinks=False)
                    changed = dt.datetime.fromtimestamp(seen.st_mtime, dt.UTC)
                    found.append(Stored(entry.name, seen.st_size, changed))
        return sorted(found, key=lambda each: each.name)

    def delete(self, name: str) -> None:
        """See :meth:`~desktop.backup.places.base.Place.delete`."""
        path = self._path(name)
        self.check()
        with local.in_words(self.label):
            path.unlink(missing_ok=True)
            sync_folder(self._folder)

    def free_space(self) -> int | None:
        """See :meth:`~desktop.backup.places.base.Place.free_space`."""
        with local.in_words(self.label):
            return shutil.disk_usage(self._folder).free

    def check(self) -> None:
        """Raise ``place.no_folder`` or ``place.refused`` where nothing can be written."""
        with local.in_words(self.label):
            if not stat.S_ISDIR(self._folder.stat().st_mode):
                raise EnvironmentTrouble("place.no_folder", place=self.label)
        if not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
            raise EnvironmentTrouble("place.refused", place=self.label)

    def sweep(self) -> int:
        """Remove what killed uploads left: unfinished, old by the folder's clock, held by nobody."""
        self.check()
        swept = 0
        with local.in_words(self.label):
            oldest = self._clock() - ABANDONED.total_seconds()
            for path in builtins.list(self._folder.iterdir()):
                seen = path.lstat()
                left = naming.is_part(path.name) or (
                    naming.parse(path.name) is not None and seen.st_size == 0
                )
                if left and stat.S_ISREG(seen.st_mode) and seen.st_mtime < oldest:
                    swept += self._remove_if_free(path)
        return swept

    def close(self) -> None:
        """Nothing is held between two calls."""

    def _path(self, name: str) -> Path:
        return self._folder / naming.checked(name)

    def _there(self, name: str) -> Path:
        path = self._path(name)
        self.check()
        if not path.is_file() or path.is_symlink():
            raise RuleError("place.missing", place=self.label, name=name)
        return path

    def _already_there(
        self, name: str, wanted: Fingerprint, progress: Progress, cancelled: Cancelled
    ) -> Receipt:
        reading = from_(progress, wanted.size, 2 * wanted.size)
        try:
            return self.verify(name, wanted, progress=reading, cancelled=cancelled)
        except EnvironmentTrouble as error:
            if error.code != "place.altered":
                raise
            raise RuleError("place.exists", place=self.label, name=name) from error

    def _copy(
        self,
        source: Path,
        beside: Path,
        size: int,
        progress: Progress,
        cancelled: Cancelled,
        *,
        twice: bool = True,
    ) -> Fingerprint:
        """Copy to a new file that is on the disk when this returns; what was copied."""
        digest, done = hashlib.sha256(), 0
        with local.create(beside) as file:
            for chunk in chunks_of(source):
                go_on(cancelled)
                digest.update(chunk)
                file.write(chunk)
                done += len(chunk)
                progress(done, 2 * size if twice else size)
            local.put_on_disk(file)
        return Fingerprint(done, digest.hexdigest())

    def _compare(
        self,
        path: Path,
        wanted: Fingerprint,
        name: str,
        progress: Progress,
        cancelled: Cancelled,
    ) -> None:
        """Read a file from the disk; raise ``place.altered`` where it is not what was wanted."""
        with path.open("rb") as file:
            local.forget_cached(file)
        digest, done = hashlib.sha256(), 0
        for chunk in chunks_of(path):
            go_on(cancelled)
            digest.update(chunk)
            done += len(chunk)
            progress(done, wanted.size)
        if Fingerprint(done, digest.hexdigest()) != wanted:
            raise EnvironmentTrouble("place.altered", place=self.label, name=name)

    def _clock(self) -> float:
        """The time by whoever stamps the folder's files: on a share, not by this computer."""
        probe = self._folder / f".{fresh_token()}.clock"
        try:
            with local.create(probe) as file:
                file.write(b"0")
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)

    def _remove_if_free(self, path: Path) -> bool:
        try:
            with path.open("r+b") as file:
                if not local.hold(file):
                    return False
            path.unlink()
        except OSError:  # in use (Windows), or swept by another workstation meanwhile
            return False
        return True
