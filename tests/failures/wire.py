"""A way to the server that loses packets, breaks again and again, or breaks after so many bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.sync_client.proxy import Proxy


class Wire(Proxy):
    """A proxy with more ways to fail.

    :ivar until: cut everything when so many bytes were received.
    :ivar cuts: how many connections flapping has cut.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self.until: int | None = None
        self.cuts = 0
        self._losing = ""
        self._lost: set[socket.socket] = set()
        super().__init__(params)

    def half_open(self, lost: str) -> None:
        """With the next exchange, the connections stay up and pass nothing on.

        :param lost: ``request`` or ``answer``: what of the exchange does not arrive any more.
        """
        self._losing = lost

    @contextmanager
    def flapping(self, seconds: float) -> Iterator[None]:
        """Every so often, all connections are cut."""
        stop = threading.Event()

        def flap() -> None:
            while not stop.wait(seconds):
                self.cuts += len(self._clients)
                self.cut()

        thread = threading.Thread(target=flap, name="flapping")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _pass_on(self, source: socket.socket) -> None:
        if self._losing and b"sync_exchange" in source.recv(1 << 16, socket.MSG_PEEK):
            self._lost = {self._pairs[source]} if self._losing == "answer" else set(self._pairs)
            self._losing = ""
        if source in self._lost:
            if not source.recv(1 << 16):
                self._cut(source)
            return
        if self.until is not None and self.received >= self.until:
            self.until = None
            for one in list(self._clients):
                self._cut(one)
            return
        super()._pass_on(source)


@contextmanager
def wired(params: dict[str, Any]) -> Iterator[Wire]:
    wire = Wire(params)
    try:
        yield wire
    finally:
        wire.close()
