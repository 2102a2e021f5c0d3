"""A TCP proxy before PostgreSQL that can lose an answer on its way."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Proxy:
    """Passes bytes on until told otherwise.

    :ivar on_answer: called once when the server answers the next ``sync_exchange``; the answer is
        not passed on, and both connections are cut.
    :ivar received: bytes that came from the server.
    :ivar down: refuse new connections and cut those that there are.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self._upstream = params
        self.on_answer: Callable[[], None] | None = None
        self.answers_lost = 0
        self.received = 0
        self._down = False
        self._stop = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._asked: set[socket.socket] = set()
        self._bell, self._ear = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._thread.start()

    @property
    def params(self) -> dict[str, Any]:
        return {**self._upstream, "host": "127.0.0.1", "hostaddr": "127.0.0.1", "port": self.port}

    def set_down(self, down: bool) -> None:
        self._down = down
        self._bell.send(b"\0")

    def cut(self) -> None:
        """Cut the connections that there are; new ones are let through."""
        self._bell.send(b"x")

    def close(self) -> None:
        self._stop = True
        self._bell.send(b"\0")
        self._thread.join()
        for one in (self._bell, self._ear):
            one.close()

    def _run(self) -> None:
        while not self._stop:
            for key, _ in self._selector.select():
                where = key.fileobj
                if where is self._ear:
                    if b"x" in self._ear.recv(100) or self._down:
                        for one in list(self._clients):
                            self._cut(one)
                elif where is self._listener:
                    self._accept()
                elif isinstance(where, socket.socket) and where in self._pairs:
                    self._pass_on(where)
        for one in list(self._clients):
            self._cut(one)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._down:
            client.close()
            return
        try:
            server = self._reach()
        except OSError:  # nobody listens: the server is down
            client.close()
            return
        self._clients.add(client)
        self._pairs[client], self._pairs[server] = server, client
        self._selector.register(client, selectors.EVENT_READ)
        self._selector.register(server, selectors.EVENT_READ)

    def _reach(self) -> socket.socket:
        host = str(self._upstream.get("host") or "127.0.0.1")
        port = int(self._upstream.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            server.close()
            raise
        return server

    def _pass_on(self, source: socket.socket) -> None:
        target = self._pairs[source]
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._cut(source)
            return
        if source not in self._clients:
            self.received += len(data)
        if source in self._clients:
            if b"sync_exchange" in data:
                self._asked.add(source)
        elif target in self._asked:
            self._asked.discard(target)
            if self.on_answer is not None:
                call, self.on_answer = self.on_answer, None
                self.answers_lost += 1
                call()
                self._cut(source)
                return
        try:
            target.sendall(data)
        except OSError:
            self._cut(source)

    def _cut(self, one: socket.socket) -> None:
        other = self._pairs.pop(one)
        del self._pairs[other]
        self._clients -= {one, other}
        self._asked -= {one, other}
        for end in (one, other):
            self._selector.unregister(end)
            end.close()


@contextmanager
def proxied(params: dict[str, Any]) -> Iterator[Proxy]:
    proxy = Proxy(params)
    try:
        yield proxy
    finally:
        proxy.close()
