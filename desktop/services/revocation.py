"""The end of a workstation that its clinic shut out.

While the program is open, what was never sent is written to ``for-the-office/``, encrypted to the
clinic's key, and again whenever something is added. At the next start that is made sure of, then the
cache's key is destroyed, then the cache. Decision 009 says why in this order, and what is done where
the key can't be had.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop.domain.errors import AppError, EnvironmentTrouble
from desktop.services import office_file, secrets
from desktop.services import workstation as stations
from desktop.services.cache import Clock, translated, utc_now
from desktop.services.cache import connect as connect_cache
from desktop.services.secrets import AskPassphrase
from desktop.services.workstation import Description, ShutOut
from sync import codec, store

FOLDER = "for-the-office"
_WRITTEN = "for_the_office"
"""The state in the cache that says what was written last: fingerprint and file name."""


class Revocation:
    """Watches over an open workstation that may be shut out. Safe to use from several threads."""

    def __init__(self, folder: Path, description: Description, cache: Any) -> None:
        """:param cache: a :class:`desktop.services.cache.Cache`."""
        self._folder = folder
        self._description = description
        self._cache = cache
        self._lock = threading.Lock()
        self._trouble: EnvironmentTrouble | None = None
        self._kept = description.shut_out

    @property
    def trouble(self) -> EnvironmentTrouble | None:
        """What to tell a person since the server shut the workstation out; ``None`` while it didn't.

        ``device.shut_out_now`` (``count``, ``file``), ``device.shut_out_now_empty``, and
        ``device.shut_out_now_unsaved`` (``folder``) where the work could not be written.
        """
        return self._trouble

    def happened(self) -> EnvironmentTrouble:
        """The server says that the workstation is shut out; called again, it adds what is new."""
        with self._lock:
            shut_out = self._description.shut_out or ShutOut(
                codec.instant_to_text(self._cache.now())
            )
            self._note(replace(shut_out, sealed=False))
            try:
                with (
                    translated(),
                    contextlib.closing(self._cache.connect()) as connection,
                ):
                    count, file = _export(self._folder, connection, self._cache.now())
            except AppError:
                self._trouble = EnvironmentTrouble(
                    "device.shut_out_now_unsaved", folder=str(self._folder / FOLDER)
                )
                return self._trouble
            self._note(replace(shut_out, count=count, file=file, sealed=False))
            self._trouble = (
                EnvironmentTrouble("device.shut_out_now", count=count, file=file)
                if count
                else EnvironmentTrouble("device.shut_out_now_empty")
            )
            return self._trouble

    def over(self) -> None:
        """The server lets the workstation in after all."""
        with self._lock:
            self._trouble = None
            self._note(None)

    def seal(self) -> None:
        """The program ends: from here on nothing is added."""
        if self._trouble is None:
            return
        if self.happened().code != "device.shut_out_now_unsaved":
            with self._lock:
                shut_out = self._description.shut_out
                if shut_out is not None:
                    self._note(replace(shut_out, sealed=True))

    def _note(self, shut_out: ShutOut | None) -> None:
        self._description = replace(self._description, shut_out=shut_out)
        if shut_out == self._kept:
            return
        # A full disk: the server will say it again, and the next start asks for the key then.
        with contextlib.suppress(OSError):
            self._description.save(self._folder)
            self._kept = shut_out


def wants_key(folder: Path, description: Description) -> bool:
    """Whether a workstation can't be opened, or ended, without its key."""
    shut_out = description.shut_out
    if shut_out is None:
        return True
    if shut_out.destroyed:
        return False
    return not _all_written(shut_out) and (folder / "cache.db").exists()


def close_down(
    folder: Path, *, passphrase: AskPassphrase | None = None, clock: Clock = utc_now
) -> EnvironmentTrouble | None:
    """End a workstation that was shut out, as far as that has not been done.

    What was never sent is written for the office first; where that can't be done, nothing is
    destroyed. Returns what to tell the person; ``None`` for a workstation that was not shut out.

    :param passphrase: asked where the secrets are kept under one and the work was not written yet.
    Raises :class:`EnvironmentTrouble`: those of the secrets, the cache and the file (the data is
    left as it is, and nobody reads it without its key), ``office.no_key_here`` where the clinic's key
    never came to this workstation.
    """
    description = Description.load(folder)
    shut_out = description.shut_out
    if shut_out is None:
        return None
    if not shut_out.destroyed:
        lock = stations.take_lock(folder)
        try:
            if wants_key(folder, description):
                shut_out = _write_rest(folder, description, shut_out, passphrase, clock)
            shut_out = _destroy(folder, description, shut_out)
        finally:
            lock.release()
    return stations.shut_out_trouble(shut_out)


def _all_written(shut_out: ShutOut) -> bool:
    return shut_out.sealed and (not shut_out.count or Path(shut_out.file).exists())


def _write_rest(
    folder: Path,
    description: Description,
    shut_out: ShutOut,
    passphrase: AskPassphrase | None,
    clock: Clock,
) -> ShutOut:
    try:
        kept = stations.load_secrets(folder, description, passphrase)
    except EnvironmentTrouble as error:
        if error.code == "secrets.key_missing" and shut_out.sealed:
            return shut_out  # the end was begun, and the file is on its way to the office
        if error.code == "secrets.passphrase_needed":
            raise EnvironmentTrouble("device.shut_out_passphrase") from error
        raise
    with (
        translated(),
        contextlib.closing(connect_cache(folder / "cache.db", kept.cache_key)) as connection,
    ):
        count, file = _export(folder, connection, clock())
    written = replace(shut_out, count=count, file=file, sealed=True)
    with translated():
        replace(description, shut_out=written).save(folder)
    return written


def _destroy(folder: Path, description: Description, shut_out: ShutOut) -> ShutOut:
    """The key first: without it the rest is noise, whatever becomes of its deletion."""
    trouble: EnvironmentTrouble | None = None
    if description.vault == secrets.KEYRING:
        try:
            secrets.destroy_in_keyring(description.id)
        except EnvironmentTrouble as error:
            trouble = error
    with translated():
        for path in (*folder.glob("secrets.bin*"), *folder.glob("cache.db*")):
            path.unlink()
        if (folder / "receipts").exists():
            shutil.rmtree(folder / "receipts")
        if trouble is not None:
            raise trouble
        destroyed = replace(shut_out, destroyed=True)
        replace(description, shut_out=destroyed).save(folder)
    return destroyed


def _export(folder: Path, connection: Any, now: Any) -> tuple[int, str]:
    """Write what the cache holds and the server does not, unless the last file has just that."""
    execute = store.executor(connection)
    store.create_tables(execute)
    unsent = office_file.collect(execute, now)
    before, _, name = (store.get_state(execute, _WRITTEN) or "").partition(" ")
    last = folder / FOLDER / name if name else None
    if not unsent.count:
        return 0, ""
    if before == unsent.fingerprint and last is not None and last.exists():
        return unsent.count, str(last)
    key = store.get_state(execute, "office_key")
    if key is None:
        raise EnvironmentTrouble("office.no_key_here")
    try:
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EnvironmentTrouble("office.not_written", path=str(folder / FOLDER)) from error
    path = _free_name(folder / FOLDER, unsent)
    office_file.write_new(path, office_file.seal(unsent, key))
    store.set_state(execute, _WRITTEN, f"{unsent.fingerprint} {path.name}")
    if last is not None:
        with contextlib.suppress(OSError):
            last.unlink(missing_ok=True)  # all of it is in the new one
    return unsent.count, str(path)


def _free_name(folder: Path, unsent: office_file.Unsent) -> Path:
    plain = unicodedata.normalize("NFKD", unsent.label).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "equipo"
    stem = f"{words}-{unsent.device}-{unsent.written_at:%Y%m%d-%H%M%S}"
    names = (f"{stem}{'' if n == 1 else f'-{n}'}{office_file.SUFFIX}" for n in range(1, 1000))
    return next(folder / name for name in names if not (folder / name).exists())
