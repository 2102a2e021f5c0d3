"""COPY … TO STDOUT as fast as the wire brings it, and stopped at any moment.

psycopg's own ``copy`` goes through its machinery for each row, which takes about as long as the server
takes to make it; this asks libpq for one row after the other.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from desktop.backup.places.base import Cancelled, go_on

_LOOK_SECONDS = 0.2
"""How often a person's wish to stop is looked for while the server is silent."""
_CANCEL_SECONDS = 5.0


class Rows:
    """The COPY text of one statement, a row at a time.

    :ivar count: how many rows the server said it sent; known at the end. :ivar ended: whether all came.
    :param following: how many statements come after this one, and were sent with it.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        waiting: selectors.BaseSelector,
        cancelled: Cancelled,
        following: int = 0,
    ) -> None:
        self.count = 0
        self.ended = False
        self._connection = connection
        self._pg = connection.pgconn
        self._waiting = waiting
        self._cancelled = cancelled
        self.done = False
        self._copying = False
        self._following = following

    def send(self, statement: bytes) -> None:
        """Send the statement, and those that follow."""
        self._pg.send_query(statement)
        while self._pg.flush():
            self._wait(selectors.EVENT_READ | selectors.EVENT_WRITE)

    def hear(self) -> None:
        """Hear that it is a COPY."""
        self._await_result()
        result = self._pg.get_result()
        if result is None or result.status != ExecStatus.COPY_OUT:
            self._drain()
            if result is not None:
                self._raise_error(result)
            raise psycopg.ProgrammingError("a COPY to the client was expected")
        self._copying = True

    def __iter__(self) -> Iterator[memoryview]:
        take = self._pg.get_copy_data
        while True:
            size, data = take(1)
            if size > 0:
                yield data
            elif size == 0:
                self._more()
            else:
                break
        self._end(size)

    def into(self, buffer: bytearray, room: int) -> int:
        """Append rows until ``buffer`` has ``room`` bytes, or the last one came; how many did.

        In one loop: a row handed on through two iterators took twice as long as taking it.
        """
        take = self._pg.get_copy_data
        count = 0
        room -= len(buffer)
        while room > 0:
            size, data = take(1)
            if size > 0:
                buffer += data
                room -= size
                count += 1
            elif size == 0:
                self._more()
            else:
                self._end(size)
                break
        return count

    def _more(self) -> None:
        self._wait(selectors.EVENT_READ)
        self._pg.consume_input()

    def _end(self, size: int) -> None:
        self._await_result()
        result = self._pg.get_result()
        self._copying = False
        if not self._following or result is None or result.status != ExecStatus.COMMAND_OK:
            self._drain()
        if result is None or size == -2:
            raise psycopg.OperationalError("the connection was lost during a COPY")
        self._raise_error(result)
        self.count = result.command_tuples or 0
        self.ended = True

    def stop(self) -> None:
        """Have the server end an unfinished statement; a connection that does not obey is closed."""
        if self.done:
            return
        try:
            self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
            self._cancelled = lambda: False
            self._drain()
        except psycopg.Error:
            pass
        except BaseException:
            self._connection.close()
            raise
        if not self.done:
            self._connection.close()

    def _raise_error(self, result: psycopg.pq.abc.PGresult) -> None:
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result, self._connection.info.encoding)

    def _await_result(self) -> None:
        while self._pg.is_busy():
            self._more()

    def _drain(self) -> None:
        """Take what the server still sends, of this statement and all that follow."""
        while not self.done:
            while self._copying:
                size, _data = self._pg.get_copy_data(1)
                self._copying = size >= 0
                if size == 0:
                    self._more()
            self._await_result()
            result = self._pg.get_result()
            self._copying = result is not None and result.status == ExecStatus.COPY_OUT
            self.done = result is None

    def _wait(self, events: int) -> None:
        self._waiting.modify(self._pg.socket, events)
        while not self._waiting.select(_LOOK_SECONDS):
            go_on(self._cancelled)
        go_on(self._cancelled)


@contextmanager
def copied(
    connection: psycopg.Connection,
    statement: sql.Composable,
    cancelled: Cancelled,
) -> Iterator[Rows]:
    """The rows of ``COPY (…) TO STDOUT``. Left before their end, the statement is cancelled.

    Raises what the server says (``psycopg.Error``) and :class:`sync.errors.Cancelled`.
    """
    with copied_each(connection, [statement], cancelled) as each:
        yield next(each)


@contextmanager
def copied_each(
    connection: psycopg.Connection,
    statements: Sequence[sql.Composable],
    cancelled: Cancelled,
) -> Iterator[Iterator[Rows]]:
    """The rows of one ``COPY (…) TO STDOUT`` after the other, in one journey to the server.

    The server begins at once. All of one are taken before the next is asked for. Left and raises as
    :func:`copied`.
    """
    with selectors.DefaultSelector() as waiting, connection.lock:
        waiting.register(connection.pgconn.socket, selectors.EVENT_READ)
        begun: list[Rows] = []

        def following(count: int) -> Rows:
            begun.append(Rows(connection, waiting, cancelled, following=count))
            return begun[-1]

        def each() -> Iterator[Rows]:
            begun[0].hear()
            yield begun[0]
            for count in reversed(range(len(statements) - 1)):
                rows = following(count)
                rows.hear()
                yield rows

        if not statements:
            yield iter(())
            return
        try:
            following(len(statements) - 1).send(sql.SQL("; ").join(statements).as_bytes(connection))
            yield each()
        finally:
            with contextlib.suppress(socket.error, OSError):
                begun[-1].stop()
