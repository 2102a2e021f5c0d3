"""A workstation's folder: what it belongs to, its lock, its secrets, the way to its server.

=====================  =============================================================================
``workstation.json``   the clinic, the server, the role, the profile; no secret
``ca.pem``             what the server's certificate is verified against, off this computer
``cache.db``           the encrypted cache
``cache.lock``         held by the process that has the cache open
``secrets.bin``        only without a keyring: the secrets under a passphrase
``logs/, receipts/``   what their names say
``for-the-office/``    unsent work of a workstation that was shut out, encrypted for the office
=====================  =============================================================================
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import platformdirs
import psycopg
from filelock import FileLock, Timeout

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.table_words import spoken
from desktop.services import secrets, server
from desktop.services.cache import Cache, Clock, utc_now
from desktop.services.enrolment import Address, Enrolment
from desktop.services.secrets import AskPassphrase, Secrets
from sync.errors import SyncError
from sync.transport import PostgresServer

FORMAT = 1
_DESCRIPTION = "workstation.json"


@dataclass(frozen=True, slots=True)
class ShutOut:
    """That the server shut this workstation out, and how far its end has come.

    :ivar at: when it was heard, canonical UTC text.
    :ivar count: local transactions that were never sent. :ivar file: where they are, encrypted for
        the office; empty where there are none, or they could not be written yet.
    :ivar sealed: all that the cache holds and the server does not is in the file.
    :ivar destroyed: the key is destroyed and the cache gone.
    """

    at: str
    count: int = 0
    file: str = ""
    sealed: bool = False
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """What ``workstation.json`` says. The device number stands in the cache: a fork changes it.

    :ivar id: names the secrets in the keyring. :ivar vault: ``keyring`` or ``passphrase``.
    :ivar enrolment: the fingerprint of the enrolment that made this workstation.
    :ivar shut_out: ``None`` while the server lets it in.
    """

    id: str
    schema: str
    tenant: str
    clinic: str
    host: str
    port: int
    dbname: str
    role: str
    profile: str
    practitioner_id: int | None
    label: str
    vault: str
    enrolment: str
    shut_out: ShutOut | None = None

    @classmethod
    def of(cls, enrolment: Enrolment, vault: str) -> Description:
        """A new workstation, as its enrolment says."""
        address: Address = enrolment.server
        return cls(
            id=str(uuid.uuid4()),
            schema=enrolment.schema,
            tenant=enrolment.tenant,
            clinic=enrolment.clinic,
            host=address.host,
            port=address.port,
            dbname=address.dbname,
            role=enrolment.role,
            profile=enrolment.profile,
            practitioner_id=enrolment.practitioner_id,
            label=enrolment.label,
            vault=vault,
            enrolment=enrolment.fingerprint,
        )

    def save(self, folder: Path) -> None:
        """Write it into a workstation's folder, whole."""
        path = folder / _DESCRIPTION
        fresh = path.with_suffix(".new")
        content = {"format": FORMAT} | asdict(self)
        if self.shut_out is None:
            del content["shut_out"]
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=2))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @classmethod
    def load(cls, folder: Path) -> Description:
        """Read it from a workstation's folder.

        Raises :class:`EnvironmentTrouble`: ``workstation.none``, ``workstation.damaged``,
        ``workstation.too_new``.
        """
        path = folder / _DESCRIPTION
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") > FORMAT:
                raise EnvironmentTrouble("workstation.too_new", folder=str(folder))
            shut_out = content.pop("shut_out", None)
            return cls(**content, shut_out=ShutOut(**shut_out) if shut_out else None)
        except FileNotFoundError as error:
            raise EnvironmentTrouble("workstation.none", folder=str(folder)) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EnvironmentTrouble("workstation.damaged", folder=str(folder)) from error


def default_folder() -> Path:
    """Where this person's workstation is kept unless another folder is named."""
    return Path(platformdirs.user_data_dir("consultorio", appauthor=False))


class Workstation:
    """An open workstation. The folder belongs to this process until :meth:`close`."""

    def __init__(
        self, folder: Path, description: Description, opened: Secrets, lock: FileLock | None
    ) -> None:
        self.folder = folder
        self.description = description
        self._secrets = opened
        self._lock = lock

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        passphrase: AskPassphrase | None = None,
        exclusive: bool = True,
        even_shut_out: bool = False,
    ) -> Workstation:
        """Open the workstation in ``folder``.

        :param passphrase: asked where the secrets are kept under one.
        :param exclusive: ``False`` looks without taking the folder, beside the process that has it.
        :param even_shut_out: open also what the server shut out, to take the work from it.
        Raises :class:`EnvironmentTrouble`: ``workstation.none``, ``workstation.damaged``,
        ``workstation.too_new``, ``workstation.already_open``, ``workstation.read_only``,
        ``cache.missing``, ``secrets.passphrase_needed``, ``secrets.passphrase_wrong``,
        ``secrets.key_missing``, ``secrets.no_keyring``, ``secrets.keyring_locked``, and what
        :func:`shut_out_trouble` says.
        """
        description = Description.load(folder)
        if description.shut_out is not None and not even_shut_out:
            raise shut_out_trouble(description.shut_out)
        lock = take_lock(folder) if exclusive else None
        try:
            if not (folder / "cache.db").exists():
                raise EnvironmentTrouble("cache.missing", folder=str(folder))
            opened = load_secrets(folder, description, passphrase)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return cls(folder, description, opened, lock)

    @property
    def cache_path(self) -> Path:
        """The encrypted cache."""
        return self.folder / "cache.db"

    @property
    def cache_key(self) -> bytes:
        """The 32 bytes that open the cache."""
        return self._secrets.cache_key

    def open_cache(self, *, clock: Clock = utc_now) -> Cache:
        """The cache, brought up to this program's schema."""
        return Cache.open(self.cache_path, self.cache_key, clock=clock)

    def connection_parameters(self) -> dict[str, Any]:
        """The libpq parameters of this workstation's connection, the password among them."""
        return connection_parameters(self.folder, self.description, self._secrets.password)

    def connect(self) -> psycopg.Connection:
        """A connection of this workstation's own role; raises as :func:`desktop.services.server.connect`.

        ``device.revoked`` where the workstation was shut out; any other login that the server refuses
        is ``device.refused``: another server, or a folder from before its secret changed.
        """
        return connect(self.connection_parameters())

    def connect_as(self, user: str, password: str) -> psycopg.Connection:
        """A connection to the same database as another user; raises as
        :func:`desktop.services.server.connect`.
        """
        description = replace(self.description, role=user)
        given = connection_parameters(self.folder, description, password)
        return server.connect(given if password else {**given, "password": None})

    def server(self) -> PostgresServer:
        """Where the sync engine gets its connections."""
        return PostgresServer(self.connection_parameters(), self.description.schema)

    def close(self) -> None:
        """Give the folder free."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def shut_out_trouble(shut_out: ShutOut) -> EnvironmentTrouble:
    """What a person is told who opens a workstation that was shut out.

    ``device.shut_out`` (``count``, ``file``), ``device.shut_out_empty`` where everything had been
    sent, ``device.shut_out_unsaved`` while its data is still here.
    """
    if not shut_out.destroyed:
        return EnvironmentTrouble("device.shut_out_unsaved")
    if not shut_out.count:
        return EnvironmentTrouble("device.shut_out_empty")
    return EnvironmentTrouble("device.shut_out", count=shut_out.count, file=shut_out.file)


def take_lock(folder: Path) -> FileLock:
    """Take a workstation's folder for this process.

    Raises :class:`EnvironmentTrouble`: ``workstation.already_open``, ``workstation.read_only``.
    """
    # Taken in the thread that opens the workstation, given free in the one that ends the program.
    lock = FileLock(folder / "cache.lock", timeout=0, is_singleton=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise EnvironmentTrouble("workstation.already_open", folder=str(folder)) from error
    except OSError as error:
        raise EnvironmentTrouble("workstation.read_only", folder=str(folder)) from error
    return lock


@contextmanager
def sync_translated() -> Iterator[None]:
    """Turns what the sync engine says into :class:`EnvironmentTrouble`, under the same code."""
    try:
        yield
    except SyncError as error:
        raise EnvironmentTrouble(error.code, **spoken(error.code, error.params)) from error


def is_open(folder: Path) -> bool:
    """Whether a process has the workstation open just now."""
    try:
        take_lock(folder).release()
    except EnvironmentTrouble:
        return True
    return False


def save_secrets(
    folder: Path, description: Description, kept: Secrets, passphrase: str | None
) -> None:
    """Keep a workstation's secrets where its description says."""
    if description.vault == secrets.KEYRING:
        secrets.save_in_keyring(description.id, kept)
        return
    if passphrase is None:
        raise EnvironmentTrouble("secrets.passphrase_needed")
    secrets.save_with_passphrase(folder / "secrets.bin", kept, passphrase)


def forget_secrets(description: Description) -> None:
    """Take the secrets of a workstation that never came to be out of the keyring."""
    if description.vault == secrets.KEYRING:
        secrets.remove_from_keyring(description.id)


def load_secrets(
    folder: Path, description: Description, passphrase: AskPassphrase | None
) -> Secrets:
    """A workstation's secrets, from where its description says; raises as :meth:`Workstation.open`."""
    if description.vault == secrets.KEYRING:
        return secrets.load_from_keyring(description.id)
    if not (folder / "secrets.bin").exists():
        raise EnvironmentTrouble("secrets.key_missing")
    given = passphrase() if passphrase is not None else None
    if not given:
        raise EnvironmentTrouble("secrets.passphrase_needed")
    return secrets.load_with_passphrase(folder / "secrets.bin", given)


def connection_parameters(folder: Path, description: Description, password: str) -> dict[str, Any]:
    """The libpq parameters for a workstation's role; verified TLS off this computer."""
    ca = folder / "ca.pem"
    return server.parameters(
        host=description.host,
        port=description.port,
        dbname=description.dbname,
        user=description.role,
        password=password,
        **({"sslrootcert": str(ca)} if ca.exists() else {}),
    )


def connect(parameters: dict[str, Any]) -> psycopg.Connection:
    """A connection as a workstation's role; ``device.revoked`` where it was shut out,
    ``device.refused`` where the login is not accepted for another reason.
    """
    try:
        return server.connect(parameters)
    except EnvironmentTrouble as error:
        if error.params.get("closed"):
            raise EnvironmentTrouble("device.revoked") from error
        if error.code in {"server.refused", "server.password_needed"}:
            raise EnvironmentTrouble("device.refused") from error
        raise
