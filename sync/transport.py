"""The way to the server: psycopg connections that call the protocol's functions.

Failures leave here as :mod:`sync.errors`, without the server's own words, which may hold a row's
values.
"""

from __future__ import annotations

import re
import selectors
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import sql

from sync.errors import (
    AccessRefused,
    AnothersTurn,
    Busy,
    GreetingWanted,
    Revoked,
    ServerError,
    SyncError,
    TimedOut,
    Unreachable,
    Untrusted,
    WrongServer,
)
from sync.identifiers import with_parameters
from sync.sqltext import channel

CONNECTION_DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "consultorio-sync",
    "options": "-c statement_timeout=60000",
}
"""Connection parameters (libpq's names) that hold where the caller passes none of its own."""

SILENCE = 75.0
"""Seconds without a byte, after which a server that owes an answer is taken for gone: somebody on the
way may keep the connection up. Longer than a statement may take."""

T = TypeVar("T")
_REFUSED_OPTIONS = re.compile(r"unsupported startup parameter")
"""What a pooler says to ``options``."""

_UNTRUSTED = re.compile(
    r"certificate|SSL|channel binding|sslmode|root cert|authentication method requirement",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"starting up|shutting down|recovery|too many|remaining connection"
    r"|login has been failing|query_wait_timeout|no more connections allowed|server connection crashed"
    r"|inici[áa]ndose|apag[áa]ndose|recuperaci|demasiad|conexiones restantes",
    re.IGNORECASE,
)
"""What a server (in English or Spanish) or a pooler says that would let us in a moment later."""
_SHUT_OUT = re.compile(r"not permitted to log in|no se le permite conectarse")
"""What it says, once the password was right, of a role that was shut out."""
_NO_DATABASE = re.compile(r'database ".*" does not exist|no existe la base de datos', re.DOTALL)


class Transport(Protocol):
    """A connection to the server, for one caller at a time. Every call raises ``SyncError``."""

    @property
    def session(self) -> int:
        """The server's number for this connection, as wake-ups name their sender."""
        ...

    def hello(self, request: str) -> str:
        """Call ``sync_hello``."""
        ...

    def start(self, request: str) -> str:
        """Call ``sync_start``."""
        ...

    def exchange(self, request: str) -> str:
        """Call ``sync_exchange``."""
        ...

    def read(self, device: int, table: str, after: int, limit: int, volume: int) -> str:
        """Up to ``limit`` rows with an id above ``after``, in id order: a JSON array of arrays.

        The row that brings the text to ``volume`` bytes is the last one; what comes after it is no
        array then (:func:`sync.wire.read_rows`).
        """
        ...

    def read_ids(self, device: int, table: str, ids: Sequence[int], volume: int) -> str:
        """The rows with these ids, likewise."""
        ...

    def poll(
        self, device: int, nonce: str, generation: int, epoch: str, version: int, cursor: str
    ) -> bool:
        """Whether an exchange would bring or say anything."""
        ...

    def recover(self, request: str) -> str:
        """Call ``sync_recover``."""
        ...

    def sums(self, device: int, table: str, after: int, limit: int) -> str:
        """Sums over up to ``limit`` rows above an id: a JSON array of arrays, one a bucket."""
        ...

    def hashes(self, device: int, table: str, after: int, upto: int, cursor: str) -> str:
        """The hashes of the rows in ``(after, upto]``: a JSON array of arrays."""
        ...

    def upkeep(self) -> str:
        """Call ``sync_upkeep``: keeps the server's log short; not having done it is no failure."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Wakeups(Protocol):
    """A connection on which the server says that something has changed."""

    def fileno(self) -> int:
        """What to wait on until it is readable."""
        ...

    def senders(self) -> list[int]:
        """The sessions whose wake-ups have arrived; ``Unreachable`` where the connection broke."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Server(Protocol):
    """Where transports come from."""

    def connect(self) -> Transport:
        """A new connection for exchanges."""
        ...

    def listen(self) -> Wakeups:
        """A new connection for wake-ups."""
        ...


class PostgresServer:
    """A tenant schema on a PostgreSQL server.

    :param params: libpq connection parameters; off loopback the caller's include TLS
        (``sslmode=verify-full`` and ``sslrootcert``).
    :param schema: the tenant schema's name.
    :param silence: seconds without a byte of an answer, after which the connection counts as broken.
    """

    def __init__(self, params: Mapping[str, Any], schema: str, *, silence: float = SILENCE) -> None:
        self._params = {**CONNECTION_DEFAULTS, **params}
        self._schema = schema
        self._silence = silence

    def connect(self) -> PostgresTransport:
        """A new connection for exchanges."""
        return PostgresTransport(self._open(), self._schema)

    def listen(self) -> PostgresWakeups:
        """A new connection for wake-ups."""
        return PostgresWakeups(self._open(), self._schema)

    def _open(self) -> _Connection:
        try:
            return self._connected()
        except psycopg.Error as error:
            ours = self._params.get("options") == CONNECTION_DEFAULTS["options"]
            if not (ours and _REFUSED_OPTIONS.search(str(error))):
                raise connect_failure(str(error)) from None
        # A pooler shares its connections and takes no options; statements end by its own settings.
        del self._params["options"]
        return self._open()

    def _connected(self) -> _Connection:
        # Prepared statements would break behind a pooler that shares connections.
        made = _Connection.connect(autocommit=True, prepare_threshold=None, **self._params)
        made.silence = self._silence
        return made


class _Connection(psycopg.Connection[Any]):
    """A connection that is closed where the server is silent for too long.

    TCP notices a peer that is gone, but not a tunnel or a pooler that stands and passes nothing on.
    """

    silence = SILENCE

    def wait(
        self,
        gen: Generator[Any, Any, T],
        interval: float = 0.0,
        timeout: float | None = None,
    ) -> T:
        """Runs one of psycopg's generators to its end."""
        if timeout is not None:  # a wait for what need not come
            return super().wait(gen, interval, timeout)
        try:
            wanted = next(gen)
            with selectors.DefaultSelector() as selector:
                selector.register(self.fileno(), wanted)
                while ready := selector.select(self.silence):
                    wanted = gen.send(ready[0][1])
                    selector.modify(self.fileno(), wanted)
        except StopIteration as end:
            result: T = end.value
            return result
        self.close()
        raise psycopg.OperationalError("the server is silent")


class PostgresTransport:
    """A connection to a tenant schema; see :class:`Transport`."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._connection = connection
        self._schema = schema
        # Asked so often that putting the text together anew would be a fifth of what it takes.
        self._poll = (
            sql.SQL("SELECT {}(%s, %s, %s, %s, %s, %s)")
            .format(with_parameters(schema, "sync_poll"))
            .as_bytes(connection)
        )

    @property
    def session(self) -> int:
        """The server's number for this connection."""
        return self._connection.info.backend_pid

    def hello(self, request: str) -> str:
        """Call ``sync_hello``."""
        return self._call("sync_hello", request)

    def start(self, request: str) -> str:
        """Call ``sync_start``."""
        return self._call("sync_start", request)

    def exchange(self, request: str) -> str:
        """Call ``sync_exchange``."""
        return self._call("sync_exchange", request)

    def upkeep(self) -> str:
        """Call ``sync_upkeep``."""
        return self._asked(sql.SQL("SELECT {}()::text"), "sync_upkeep")

    def _call(self, function: str, request: str) -> str:
        return self._asked(sql.SQL("SELECT {}(%s::jsonb)::text"), function, request)

    def _asked(self, call: sql.SQL, function: str, *arguments: str) -> str:
        query = call.format(with_parameters(self._schema, function))
        return self._one(query, arguments)

    def _one(self, query: sql.Composed, arguments: Sequence[str] | None = None) -> str:
        with translated(self._connection):
            row = self._connection.execute(query, arguments).fetchone()
        if row is None or row[0] is None:
            raise ServerError(sqlstate="")
        text: str = row[0]
        return text

    def read(self, device: int, table: str, after: int, limit: int, volume: int) -> str:
        """Up to ``limit`` rows with an id above ``after``, until their text has ``volume`` bytes."""
        return self._listed("sync_read", (device, table, after, limit, volume))

    def read_ids(self, device: int, table: str, ids: Sequence[int], volume: int) -> str:
        """The rows with these ids, likewise."""
        return self._listed("sync_read_ids", (device, table, list(ids), volume))

    def poll(
        self, device: int, nonce: str, generation: int, epoch: str, version: int, cursor: str
    ) -> bool:
        """Whether an exchange would bring or say anything."""
        with translated(self._connection):
            asked = (device, nonce, generation, epoch, version, cursor)
            row = self._connection.execute(self._poll, asked).fetchone()
        return row is None or row[0] is not False

    def recover(self, request: str) -> str:
        """Call ``sync_recover``."""
        return self._call("sync_recover", request)

    def sums(self, device: int, table: str, after: int, limit: int) -> str:
        """Sums over up to ``limit`` rows above an id: a JSON array of arrays, one a bucket."""
        return self._listed("sync_sums", (device, table, after, limit))

    def hashes(self, device: int, table: str, after: int, upto: int, cursor: str) -> str:
        """The hashes of the rows in ``(after, upto]``: a JSON array of arrays."""
        return self._listed("sync_hashes", (device, table, after, upto, cursor))

    def _listed(self, function: str, arguments: Sequence[Any]) -> str:
        """A function's lines as one JSON array.

        Put together by the server: a message a row (a plain query's, or COPY's) was a fifth of the
        time of a first sync.
        """
        query = sql.SQL(
            "SELECT '[' || coalesce(string_agg(line, ','), '') || ']' FROM {}({}) AS lines (line)"
        ).format(
            sql.Identifier(self._schema, function),
            sql.SQL(", ").join(sql.Literal(argument) for argument in arguments),
        )
        return self._one(query)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class PostgresWakeups:
    """``LISTEN`` on a connection of its own; see :class:`Wakeups`."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._connection = connection
        try:
            with translated(connection):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel(schema))))
        except BaseException:
            connection.close()
            raise

    def fileno(self) -> int:
        """What to wait on until it is readable."""
        with translated(self._connection):
            return self._connection.fileno()

    def senders(self) -> list[int]:
        """The sessions whose wake-ups have arrived."""
        with translated(self._connection):
            return [notification.pid for notification in self._connection.notifies(timeout=0)]

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@contextmanager
def translated(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Turns psycopg's errors into ours."""
    try:
        yield
    except psycopg.Error as error:
        raise failure(error, broken=bool(connection.closed)) from None


def failure(error: psycopg.Error, *, broken: bool) -> SyncError:
    """What an error of an open connection means."""
    state = error.sqlstate or ""
    if state[:2] == "40" or state == "55P03":
        return Busy()
    if state[:2] == "28":
        return AccessRefused(reason="auth")
    if state == "42501":
        return AccessRefused(reason="permission")
    if state == "SY002":
        return GreetingWanted()
    if state == "SY003":
        return AnothersTurn()
    if state == "57014":
        return TimedOut(sqlstate=state)
    if state == "3F000":
        return WrongServer()  # there is no such schema
    if broken or state[:2] == "08" or state in {"57P01", "57P02", "57P03", "57P05", "53300"}:
        return Unreachable()
    return ServerError(sqlstate=state)


def connect_failure(message: str) -> SyncError:
    """What it means that no connection came about; libpq gives nothing but its message."""
    if "FATAL:" in message:
        if _NOT_NOW.search(message):
            return Unreachable()
        if _SHUT_OUT.search(message):
            return Revoked()
        return WrongServer() if _NO_DATABASE.search(message) else AccessRefused(reason="auth")
    return Untrusted() if _UNTRUSTED.search(message) else Unreachable()
