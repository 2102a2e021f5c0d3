"""A wire to PostgreSQL that notes what is read through it and can be cut in the middle of that."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import conninfo

Told = Callable[[bytes], int]
_READ = re.compile(rb'"sync_read"\(\d+, \'(\w+)\', \s*(-?\d+), \d+, \d+\)')
BLOCK = 1 << 16


class Wire:
    """Passes on what workstations and the server say to each other, byte for byte.

    :ivar asked: of every chunk that was asked for, its table and the id before it.
    """

    def __init__(self, dsn: str) -> None:
        server = conninfo.conninfo_to_dict(dsn)
        folder, port = str(server["host"]), server.get("port") or 5432
        self._socket = str(Path(folder) / f".s.PGSQL.{port}")
        self.asked: list[tuple[str, int]] = []
        self._cut_next = False
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, name="wire", daemon=True)]
        self._threads[0].start()

    def cut_soon(self) -> None:
        """Lose every connection in the middle of what comes next from the server."""
        with self._lock:
            self._cut_next = True

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
                pump = threading.Thread(
                    target=self._pump, args=(source, target, told), name="wire", daemon=True
                )
                self._threads.append(pump)
                pump.start()

    def _pump(self, source: socket.socket, target: socket.socket, told: Told) -> None:
        try:
            while block := source.recv(BLOCK):
                passed = told(block)
                target.sendall(block[:passed])
                if passed < len(block):
                    self._cut()
        except OSError:
            pass  # cut, or ended on the other side
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _sent(self, block: bytes) -> int:
        self.asked += [(table.decode(), int(after)) for table, after in _READ.findall(block)]
        return len(block)

    def _got(self, block: bytes) -> int:
        """How much of it is passed on."""
        with self._lock:
            cut, self._cut_next = self._cut_next, False
        return len(block) // 2 if cut else len(block)

    def _cut(self) -> None:
        with self._lock:
            ends = list(self._open)
        for one in ends:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._cut()
        for thread in self._threads[1:]:
            thread.join()
        for one in (self._listener, *self._open):
            one.close()


@contextmanager
def laid(dsn: str) -> Iterator[Wire]:
    """A wire as long as the block."""
    wire = Wire(dsn)
    try:
        yield wire
    finally:
        wire.close()
