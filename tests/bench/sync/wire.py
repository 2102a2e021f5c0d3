"""A wire to PostgreSQL that notes what is read through it and can be cut in the middle of that."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import conninfo

_READ = re.compile(rb'"sync_read"\(\d+, \'(\w+)\', \s*(-?\d+), \d+\)')
BLOCK = 1 << 16
ENOUGH = 2_000
"""Bytes of an answer after which it is under way."""


class Wire:
    """Passes on what workstations and the server say to each other, byte for byte.

    :ivar asked: of every chunk that was asked for, its table and the id before it.
    :ivar passed: the bytes that came from the server.
    """

    def __init__(self, dsn: str) -> None:
        server = conninfo.conninfo_to_dict(dsn)
        folder, port = str(server["host"]), server.get("port") or 5432
        self._socket = str(Path(folder) / f".s.PGSQL.{port}")
        self.asked: list[tuple[str, int]] = []
        self.passed = 0
        self._cut_in: int | None = None
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut_soon(self) -> None:
        """Lose every connection when the next answer is under way, or with what comes before it."""
        with self._lock:
            self._cut_in = ENOUGH

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._socket)
            with self._lock:
                self._open += [client, server]
            for source, target, told in ((client, server, self._sent), (server, client, self._got)):
                threading.Thread(
                    target=self._pump, args=(source, target, told), name="wire", daemon=True
                ).start()

    def _pump(self, source: socket.socket, target: socket.socket, told: object) -> None:
        try:
            while block := source.recv(BLOCK):
                if told == self._sent:
                    self._sent(block)
                elif not self._got(block):
                    self._cut()
                    return
                target.sendall(block)
        except OSError:
            pass  # cut, or ended on the other side
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _sent(self, block: bytes) -> None:
        self.asked += [(table.decode(), int(after)) for table, after in _READ.findall(block)]

    def _got(self, block: bytes) -> bool:
        with self._lock:
            self.passed += len(block)
            if self._cut_in is None:
                return True
            self._cut_in -= len(block)
            if self._cut_in > 0:
                return True
            self._cut_in = None
            return False

    def _cut(self) -> None:
        with self._lock:
            ends, self._open = self._open, []
        for one in ends:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()


@contextmanager
def laid(dsn: str) -> Iterator[Wire]:
    """A wire as long as the block."""
    wire = Wire(dsn)
    try:
        yield wire
    finally:
        wire.close()
