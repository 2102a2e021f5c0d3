"""The workstation's encrypted cache: where everything on screen is read and written.

Every edit happens inside :meth:`Cache.writing`, one local transaction that SQLite triggers capture
into the outbox; the sync engine carries it to the server later. Nothing here needs a network.
"""

from __future__ import annotations

import datetime as dt
import errno
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlcipher3 import dbapi2 as sqlcipher

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble
from desktop.models import sync_schema
from desktop.services import migrations, search
from sync import store

Clock = Callable[[], dt.datetime]
Listener = Callable[[frozenset[str]], None]


def _itself(value: None) -> None:
    return value


# What the driver knows no adapter for it asks for one in three ways, each time: 0.9 µs for every NULL
# and every truth value that is written, which was half of the time of a bulk write.
sqlcipher.register_adapter(type(None), _itself)
sqlcipher.register_adapter(bool, int)

BUSY_SECONDS = 15.0
PAGE_CACHE_KIB = 64 * 1024
"""With SQLite's own 2 MB every bulk write decrypts pages again and takes about five times as long."""


def utc_now() -> dt.datetime:
    """The moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def connect(path: Path, key: bytes, *, read_only: bool = False) -> sqlcipher.Connection:
    """A connection to an encrypted file; transactions are begun and ended by the caller.

    :param key: 32 random bytes.
    Raises :class:`EnvironmentTrouble` with ``cache.key_wrong`` where the key doesn't open the file.
    """
    if len(key) != 32:
        raise ValueError("a cache key has 32 bytes")
    with translated():
        connection = sqlcipher.connect(
            str(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    try:
        with translated():
            # A wrong key is said in words of ours; SQLCipher would also write to standard error.
            connection.execute("PRAGMA cipher_log_level = NONE")
            connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
            connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("SELECT count(*) FROM sqlite_master")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = OFF")
            if read_only:
                connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


_TROUBLE = {
    sqlcipher.SQLITE_FULL: "cache.disk_full",
    sqlcipher.SQLITE_IOERR: "cache.disk_full",
    sqlcipher.SQLITE_CORRUPT: "cache.damaged",
    sqlcipher.SQLITE_NOTADB: "cache.key_wrong",
    sqlcipher.SQLITE_READONLY: "cache.read_only",
    sqlcipher.SQLITE_CANTOPEN: "cache.read_only",
    sqlcipher.SQLITE_BUSY: "cache.busy",
    sqlcipher.SQLITE_LOCKED: "cache.busy",
}

_FILE_TROUBLE = {
    errno.ENOSPC: "cache.disk_full",
    errno.EDQUOT: "cache.disk_full",
    errno.EROFS: "cache.read_only",
    errno.EACCES: "cache.read_only",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the disk does to SQLite, or to a file beside it, into :class:`EnvironmentTrouble`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FILE_TROUBLE:
            raise
        raise EnvironmentTrouble(_FILE_TROUBLE[error.errno]) from error
    except sa.exc.DBAPIError as error:
        trouble = _trouble(error.orig)
        if trouble is None:
            raise
        raise trouble from error
    except sqlcipher.Error as error:
        trouble = _trouble(error)
        if trouble is None:
            raise
        raise trouble from error


def _trouble(error: BaseException | None) -> EnvironmentTrouble | None:
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    primary = code & 0xFF
    return EnvironmentTrouble(_TROUBLE[primary]) if primary in _TROUBLE else None


class Cache:
    """An open cache. Safe to use from several threads; one process at a time owns the file.

    :ivar clock: where "now" comes from; tests pass their own.
    """

    def __init__(self, path: Path, key: bytes, *, clock: Clock = utc_now) -> None:
        self.path = path
        self.clock = clock
        self._key = key
        self._listeners: list[Listener] = []
        self._write_lock = threading.RLock()
        self._readers = self._engine(read_only=True, size=6)
        self._writer = self._engine(read_only=False, size=1)

    @classmethod
    def open(cls, path: Path, key: bytes, *, clock: Clock = utc_now) -> Cache:
        """Opens the cache at ``path``, bringing an older one up to this program's schema first.

        A copy of the file is kept beside it before an upgrade. Raises :class:`EnvironmentTrouble`:
        ``cache.key_wrong``, ``cache.damaged``, ``cache.too_new``, ``cache.read_only``.
        """
        connection = connect(path, key)
        try:
            with translated():
                cls._upgrade(connection, path)
                store.prepare(connection, sync_schema())
                search.prepare(connection)
        finally:
            connection.close()
        return cls(path, key, clock=clock)

    @staticmethod
    def _upgrade(connection: sqlcipher.Connection, path: Path) -> None:
        version = migrations.cache_version(connection)
        head = migrations.head_version()
        if version == head:
            return
        if version is not None:
            if version not in migrations.known_versions():
                raise EnvironmentTrouble("cache.too_new")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy2(path, path.with_name(f"{path.name}.before-{head}"))
        migrations.upgrade_cache(connection)

    def _engine(self, *, read_only: bool, size: int) -> sa.Engine:
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            module=sqlcipher,
            creator=lambda: connect(self.path, self._key, read_only=read_only),
            poolclass=sa.pool.QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_reset_on_return="rollback",
            hide_parameters=True,  # an error's words may come to a log: no patient's data in them
        )

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

        return engine

    def connect(self) -> sqlcipher.Connection:
        """A connection of the caller's own, for the sync engine."""
        return connect(self.path, self._key)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and can't change it."""
        with translated(), Session(self._readers, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, actor: Actor, label: str) -> Iterator[Session]:
        """One local transaction: whole in the cache and in the outbox, or not at all.

        :param actor: who does it.
        :param label: what it is, e.g. ``appointment.book``; the inbox says it in words.
        """
        with self.writing_several(actor) as batch, batch.transaction(label):
            yield batch.session

    @contextmanager
    def writing_several(self, actor: Actor) -> Iterator[Batch]:
        """Several local transactions, kept by the cache together or not at all."""
        with self._write_lock:
            with (
                translated(),
                Session(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                batch = Batch(session, actor, self.clock)
                yield batch
        if batch.touched:
            self.notify(frozenset(batch.touched))

    @contextmanager
    def writing_local(self) -> Iterator[Session]:
        """A transaction on the workstation's own tables: nothing of it is sent."""
        with (
            self._write_lock,
            translated(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def new_id(self, session: Session) -> int:
        """The next id of this device, for a row to be inserted by ``session``."""
        return store.next_id(executor(session))

    @property
    def device(self) -> int:
        """This workstation's device number."""
        with self.reading() as session:
            return store.device(executor(session))

    def now(self) -> dt.datetime:
        """The moment by this cache's clock, aware, in UTC."""
        return self.clock()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """``listener(tables)`` is called after every commit that changed synced tables.

        It is called in the thread that made the change. Returns a function that stops it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def notify(self, tables: frozenset[str]) -> None:
        """Tells the listeners that ``tables`` changed (the sync engine calls this after a pull)."""
        for listener in tuple(self._listeners):
            listener(tables)

    def close(self) -> None:
        """Closes every connection of the pools."""
        self._readers.dispose()
        self._writer.dispose()


class Batch:
    """A write transaction of the cache in which local transactions are made, one after the other.

    :ivar touched: the tables that they changed.
    """

    def __init__(self, session: Session, actor: Actor, clock: Clock) -> None:
        self.session = session
        self.touched: set[str] = set()
        self._actor, self._clock = actor, clock

    @contextmanager
    def transaction(self, label: str, tx: str | None = None) -> Iterator[str]:
        """A local transaction, and its id; one that changes nothing is dropped.

        :param tx: the id of one that is done over again; ``None`` gives it a new one.
        """
        execute = executor(self.session)
        yield store.begin(execute, self._actor.staff_id, label, self._clock(), tx)
        self.session.flush()
        self.touched |= store.finish(execute)


def executor(session: Session) -> store.Execute:
    """How the engine's functions run statements inside a session's transaction."""
    connection = session.connection()

    def execute(sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        result = connection.exec_driver_sql(sql, parameters)
        return [tuple(row) for row in result] if result.returns_rows else []

    return execute
