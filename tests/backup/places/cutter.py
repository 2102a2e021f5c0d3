"""A TCP proxy that cuts connections after so many bytes, up or down, as often as it is told."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cutter:
    """Stands before a server on this computer.

    :ivar cuts: what is still to be cut: (direction, bytes), the first one next; ``up`` counts what
        clients send, ``down`` what they are answered, from the cut before on.
    :ivar lose: the answer to the request that this pattern finds is cut off, once, after as many
        others were let through.
    :ivar flip_at: the byte, of all that clients send from now on, that arrives otherwise.
    :ivar wire: called once, when so many bytes were sent or answered from now on.
    :ivar sent, answered: bytes in all.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self.cuts: list[tuple[str, int]] = []
        self.done = 0
        self.lose: tuple[re.Pattern[bytes], int] | None = None
        self._losing: socket.socket | None = None
        self.flip_at: int | None = None
        self.wire: tuple[int, Callable[[], None]] | None = None
        self.sent = 0
        self.answered = 0
        self.down = False
        self._stop = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._passed = {"up": 0, "down": 0}
        self._bell, self._ear = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="cutter")
        self._thread.start()

    def lead_to(self, port: int) -> None:
        """New connections go to another server."""
        self._upstream = port

    def close(self) -> None:
        self._stop = True
        self._bell.send(b"\0")
        self._thread.join()
        for each in (self._bell, self._ear):
            each.close()

    def _run(self) -> None:
        while not self._stop:
            for key, _ in self._selector.select():
                where = key.fileobj
                if where is self._listener:
                    self._accept()
                elif isinstance(where, socket.socket) and where in self._pairs:
                    self._pass_on(where)
        for one in list(self._pairs):
            if one in self._pairs:
                self._end(one)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.down:
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        self._clients.add(client)
        for one, other in ((client, server), (server, client)):
            self._pairs[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket) -> None:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._end(source)
            return
        way = "up" if source in self._clients else "down"
        if way == "up":
            data = self._flipped(data)
            self.sent += len(data)
        else:
            self.answered += len(data)
        if way == "up":
            self._look_at(source, data)
        elif self._pairs[source] is self._losing:
            self._losing = None
            self.done += 1
            self._end(source, cut=True)
            return
        if self.wire is not None:
            left, act = self.wire
            self.wire = (left - len(data), act) if left > len(data) else None
            if self.wire is None:
                act()
        if self._is_cut(way, len(data)):
            self._end(source, cut=True)
            return
        try:
            self._pairs[source].sendall(data)
        except OSError:
            self._end(source)

    def _look_at(self, client: socket.socket, data: bytes) -> None:
        if self.lose is None or not self.lose[0].search(data):
            return
        pattern, left = self.lose
        self.lose = (pattern, left - 1) if left else None
        if not left:
            self._losing = client

    def _flipped(self, data: bytes) -> bytes:
        if self.flip_at is None:
            return data
        at, self.flip_at = self.flip_at, self.flip_at - len(data)
        if at >= len(data):
            return data
        self.flip_at = None
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    def _is_cut(self, way: str, size: int) -> bool:
        if not self.cuts:
            return False
        self._passed[way] += size
        direction, most = self.cuts[0]
        if direction != way or self._passed[way] <= most:
            return False
        self.cuts.pop(0)
        self.done += 1
        self._passed = {"up": 0, "down": 0}
        return True

    def _end(self, one: socket.socket, *, cut: bool = False) -> None:
        other = self._pairs.pop(one)
        del self._pairs[other]
        for end in (one, other):
            self._clients.discard(end)
            self._selector.unregister(end)
            if cut:  # reset: what is on its way is lost, too
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()


@contextmanager
def cutting(port: int) -> Iterator[Cutter]:
    cutter = Cutter(port)
    try:
        yield cutter
    finally:
        cutter.close()
