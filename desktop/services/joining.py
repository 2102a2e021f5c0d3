"""A new workstation joins its clinic: from the enrolment file to a folder that is ready to work.

Everything is made in a folder beside the one that was asked for, which takes its name only when the
first sync is complete. What was interrupted goes on where it stopped when it is asked for again. A
workstation that was shut out by mistake joins again in its old folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from filelock import FileLock
from psycopg import sql

from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from desktop.models import sync_schema
from desktop.services import enrolment as files
from desktop.services import migrations, revocation, search, secrets
from desktop.services import workstation as stations
from desktop.services.cache import Clock, utc_now
from desktop.services.cache import connect as connect_cache
from desktop.services.cache import translated as cache_translated
from desktop.services.devices import scram
from desktop.services.enrolment import Enrolment
from desktop.services.first_day import FirstDay, read_today
from desktop.services.secrets import AskPassphrase, Secrets
from desktop.services.server import translated
from desktop.services.workstation import Description
from sync import store
from sync.bootstrap import bootstrap
from sync.errors import CacheMismatch
from sync.identifiers import with_parameters
from sync.transport import PostgresServer

Progress = Callable[[str, int, int], None]
"""Told the table under way, the rows that came and about how many there are."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who hears of a first sync, in the thread that does it.

    :ivar progress: see :data:`Progress`.
    :ivar day: given today's agenda as soon as it is here.
    """

    progress: Progress = lambda _table, _rows, _total: None
    day: Callable[[FirstDay], None] | None = None


def join(
    file: Path,
    folder: Path,
    *,
    passphrase: AskPassphrase | None = None,
    watch: Watch | None = None,
    clock: Clock = utc_now,
) -> Description:
    """Make the workstation that ``file`` admits, in ``folder``.

    :param passphrase: asked where this computer has no keyring.
    :param watch: told how far it has come.
    Raises :class:`RuleError`: ``enrolment.unreadable``, ``enrolment.altered``,
    ``enrolment.expired``, ``enrolment.too_new``, ``enrolment.used``, ``enrolment.other_clinic``,
    ``workstation.exists``, ``workstation.folder_used``; and :class:`EnvironmentTrouble`: those of
    the server, the secrets and the cache.
    """
    enrolment = files.read(file, now=clock())
    _check_free(folder)
    staging = _staging(folder)
    try:
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EnvironmentTrouble("workstation.read_only", folder=str(staging)) from error
    lock = stations.take_lock(staging)
    try:
        with cache_translated():
            begun = _begun(staging, enrolment, passphrase)
            description, kept = begun or _begin(staging, enrolment, passphrase)
        with _nothing_left(staging, description, lock):
            if begun is None or not _taken_over(staging, description, kept):
                _take_over(staging, description, enrolment, kept)
        _load(staging, description, enrolment.device, kept, watch, clock)
    finally:
        lock.release()
    _take_name(staging, folder)
    return description


def begun(folder: Path) -> Description | None:
    """The workstation that was coming to be in ``folder`` when its first sync was cut."""
    staging = _staging(folder)
    if not (staging / "cache.db").exists():
        return None
    try:
        _check_free(folder)
        return Description.load(staging)
    except AppError:
        return None


def resume(
    folder: Path,
    *,
    passphrase: AskPassphrase | None = None,
    watch: Watch | None = None,
    clock: Clock = utc_now,
) -> Description:
    """Go on with what :func:`begun` found; the enrolment file is not needed again.

    Raises as :func:`join` does, and :class:`RuleError` with ``enrolment.needed`` where it was cut so
    early that the file is.
    """
    _check_free(folder)
    staging = _staging(folder)
    lock = stations.take_lock(staging)
    try:
        description = Description.load(staging)
        kept = stations.load_secrets(staging, description, passphrase)
        with _nothing_left(staging, description, lock, revoked_only=True):
            taken_over = _taken_over(staging, description, kept)
        device = _device(staging, kept)
        if not taken_over or not device:
            raise RuleError("enrolment.needed")
        _load(staging, description, device, kept, watch, clock)
    finally:
        lock.release()
    _take_name(staging, folder)
    return description


def _staging(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.joining")


@contextmanager
def _nothing_left(
    staging: Path, description: Description, lock: FileLock, *, revoked_only: bool = False
) -> Iterator[None]:
    """Where this workstation can't come to be, nothing of it is left here."""
    try:
        yield
    except AppError as error:
        hopeless = isinstance(error, RuleError) and not revoked_only
        if hopeless or error.code == "device.revoked":
            stations.forget_secrets(description)
            lock.release()
            shutil.rmtree(staging)
        raise


def _device(staging: Path, kept: Secrets) -> int:
    """The device number that the load was begun under; 0 where it had not got so far."""
    connection = connect_cache(staging / "cache.db", kept.cache_key, read_only=True)
    try:
        execute = store.executor(connection)
        with cache_translated():
            made = execute("SELECT count(*) FROM sqlite_master WHERE name = 'sync_state'")[0][0]
            return store.device(execute) if made else 0
    finally:
        connection.close()


def _take_name(staging: Path, folder: Path) -> None:
    """The finished folder takes its name; what a shut out workstation left there is kept in it."""
    before = folder.with_name(f"{folder.name}.before")
    if (folder / "workstation.json").exists():
        folder.rename(before)
    elif folder.exists():
        folder.rmdir()
    staging.rename(folder)
    if not before.exists():
        return
    for name in (revocation.FOLDER, "logs", "settings.json"):
        if (before / name).exists() and not (folder / name).exists():
            (before / name).rename(folder / name)
    shutil.rmtree(before)


def _check_free(folder: Path) -> None:
    if (folder / "workstation.json").exists():
        shut_out = Description.load(folder).shut_out
        if shut_out is not None and shut_out.destroyed:
            return
        raise RuleError("workstation.exists", folder=str(folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RuleError("workstation.folder_used", folder=str(folder))


def _begun(
    staging: Path, enrolment: Enrolment, passphrase: AskPassphrase | None
) -> tuple[Description, Secrets] | None:
    """What an earlier attempt with this enrolment left; the server is where the file says now."""
    try:
        found = Description.load(staging)
    except EnvironmentTrouble:
        return None
    if found.enrolment != enrolment.fingerprint:
        return None
    address = enrolment.server
    found = replace(found, host=address.host, port=address.port, dbname=address.dbname)
    _keep_address(staging, found, enrolment)
    return found, stations.load_secrets(staging, found, passphrase)


def _begin(
    staging: Path, enrolment: Enrolment, passphrase: AskPassphrase | None
) -> tuple[Description, Secrets]:
    """A clean folder, and the new secrets kept before anybody else hears of them."""
    for path in staging.iterdir():
        if path.name == "cache.lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    vault = secrets.KEYRING if secrets.has_keyring() else secrets.PASSPHRASE
    description = Description.of(enrolment, vault)
    kept = Secrets.fresh()
    words = passphrase() if vault == secrets.PASSPHRASE and passphrase is not None else None
    stations.save_secrets(staging, description, kept, words)
    _keep_address(staging, description, enrolment)
    return description, kept


def _keep_address(staging: Path, description: Description, enrolment: Enrolment) -> None:
    if enrolment.server.ca:
        (staging / "ca.pem").write_text(enrolment.server.ca, encoding="ascii")
    description.save(staging)


def _taken_over(staging: Path, description: Description, kept: Secrets) -> bool:
    try:
        _login(staging, description, kept.password).close()
    except EnvironmentTrouble as error:
        if error.code == "device.refused":
            return False
        raise
    return True


def _take_over(
    staging: Path, description: Description, enrolment: Enrolment, kept: Secrets
) -> None:
    """Give the role a password that only this workstation knows; the file is worth nothing then."""
    try:
        connection = _login(staging, description, enrolment.secret)
    except EnvironmentTrouble as error:
        if error.code == "device.refused":
            raise RuleError("enrolment.used") from error
        raise
    with connection, translated():
        answer = connection.execute(
            sql.SQL("SELECT {}.device_take_over(%s)").format(with_parameters(description.schema)),
            (scram(connection, description.role, kept.password),),
        ).fetchall()[0][0]
    if answer["status"] != "ok":
        raise EnvironmentTrouble("device.revoked")


def _login(staging: Path, description: Description, password: str) -> psycopg.Connection[Any]:
    return stations.connect(stations.connection_parameters(staging, description, password))


def _load(
    staging: Path,
    description: Description,
    device: int,
    kept: Secrets,
    watch: Watch | None,
    clock: Clock,
) -> None:
    """The first sync; begun anew where the server was put back under what had come of it."""
    try:
        _fill(staging, description, device, kept, watch or Watch(), clock)
    except EnvironmentTrouble as error:
        if error.code != CacheMismatch.code:
            raise
        for path in staging.glob("cache.db*"):
            path.unlink()
        _fill(staging, description, device, kept, watch or Watch(), clock)


def _fill(
    staging: Path,
    description: Description,
    device: int,
    kept: Secrets,
    watch: Watch,
    clock: Clock,
) -> None:
    """The first sync, into a file whose indexes are built after it."""
    parameters = stations.connection_parameters(staging, description, kept.password)
    path = staging / "cache.db"
    connection = connect_cache(path, kept.cache_key)

    def first() -> None:
        _check_tenant(connection, description)
        if watch.day is not None:
            today = read_today(path, kept.cache_key, clock=clock)
            watch.day(FirstDay(today, description, lambda: stations.connect(parameters), clock))

    try:
        with cache_translated(), stations.sync_translated():
            bootstrap(
                connection,
                PostgresServer(parameters, description.schema),
                sync_schema(),
                device,
                create_tables=lambda raw: migrations.upgrade_cache(raw, indexes=False),
                create_indexes=_finish,
                clock=clock,
                progress=watch.progress,
                first=first,
            )
            _check_tenant(connection, description)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _check_tenant(connection: Any, description: Description) -> None:
    if store.get_state(store.executor(connection), "tenant") != description.tenant:
        raise RuleError("enrolment.other_clinic")


def _finish(connection: Any) -> None:
    migrations.create_cache_indexes(connection)
    search.prepare(connection)
