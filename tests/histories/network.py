"""The way from workstations to the server, in a process of its own, with what goes wrong on it.

Each connection is given its fate when it comes: nothing, delays, a cut after some bytes of either
direction, an answer that is lost, a time in which bytes of one direction go nowhere though the
connection seems to stand (half-open), or a request that is held back, its client cut off, until
another connection of the same workstation has brought a later one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
from collections import Counter
from dataclasses import dataclass, field

CALLS = (b"sync_exchange", b"sync_recover", b"sync_start", b"sync_hello")
FATES = {
    "plain": 40,
    "delay": 14,
    "cut_up": 8,
    "cut_down": 8,
    "answer_lost": 8,
    "half_open_up": 5,
    "half_open_down": 5,
    "late": 12,
}


@dataclass(slots=True)
class Line:
    """The way of one workstation.

    :ivar asked: set when a request has gone by on a later connection than those that are held back.
    :ivar answered: the same of an answer.
    """

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Cut(Exception):
    """The connection is to end here."""


class Network:
    """One proxy: a listener for each workstation, and one server behind."""

    def __init__(self, upstream: str, seed: int) -> None:
        self._upstream = upstream
        self._rng = random.Random(seed)
        self._healed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self.happened: Counter[str] = Counter()

    async def serve(self, listeners: list[socket.socket], control: socket.socket) -> None:
        """Until the control connection says so; then nothing is under way any more."""
        servers = []
        for listener in listeners:
            line = Line()

            async def come(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line = line
            ) -> None:
                task = asyncio.current_task()
                assert task is not None
                self._running.add(task)
                with contextlib.suppress(OSError):
                    await Connection(self, line, self._rng).carry(reader, writer)
                writer.transport.abort()
                self._running.discard(task)

            servers.append(await asyncio.start_server(come, sock=listener))
        control.setblocking(False)
        await asyncio.get_running_loop().sock_recv(control, 1)
        self._healed.set()
        for server in servers:
            server.close()
        while self._running:
            await asyncio.wait(self._running)
        await asyncio.get_running_loop().sock_sendall(control, json.dumps(self.happened).encode())

    async def pause(self, seconds: float) -> None:
        """So long, or until the network is healed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._healed.wait(), seconds)

    async def either(self, *events: asyncio.Event) -> None:
        """Until one of them is set, or the network is healed."""
        waits = [asyncio.ensure_future(e.wait()) for e in (*events, self._healed)]
        _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in left:
            one.cancel()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self._upstream)

    @property
    def healed(self) -> asyncio.Event:
        return self._healed


class Connection:
    """A workstation's connection and its fate."""

    def __init__(self, network: Network, line: Line, rng: random.Random) -> None:
        self._network = network
        self._line = line
        self._fate = rng.choices(list(FATES), list(FATES.values()))[0]
        self._after = rng.choice((rng.randrange(400, 1500), rng.randrange(400, 12000)))
        self._pause = rng.uniform(0.001, 0.02) if self._fate == "delay" else rng.uniform(0.02, 0.2)
        self._overtaken_by = rng.choice(("asked", "answered"))
        self._asked = False
        self._done = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All of the connection's life."""
        from_server, to_server = await self._network.connect()
        tasks = [
            asyncio.ensure_future(self._up(reader, writer, to_server)),
            asyncio.ensure_future(self._down(from_server, writer)),
            asyncio.ensure_future(self._network.healed.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._fate == "late" and self._asked:
                await asyncio.wait(tasks[:1])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            to_server.transport.abort()

    async def _up(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        to_server: asyncio.StreamWriter,
    ) -> None:
        passed = 0
        while data := await reader.read(1 << 16):
            call = any(name in data for name in CALLS)
            if call and self._fate == "late":
                await self._bring_late(data, reader, writer, to_server)
                return
            if self._fate in {"cut_up", "half_open_up"} and passed + len(data) > self._after:
                await self._break(to_server, data[: self._after - passed])
                return
            passed += len(data)
            if self._fate == "delay":
                self._network.happened["delay"] += not self._asked and call
                await self._network.pause(self._pause)
            self._asked = self._asked or call
            to_server.write(data)
            await to_server.drain()
            if call:
                self._line.asked.set()

    async def _bring_late(
        self,
        data: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        to_server: asyncio.StreamWriter,
    ) -> None:
        """Cut the client off, and pass its request on when another connection has overtaken it."""
        self._asked = True
        rest = b""
        with contextlib.suppress(TimeoutError, OSError):
            # A long request comes in several parts; its end is where nothing more follows at once.
            while more := await asyncio.wait_for(reader.read(1 << 16), 0.005):
                rest += more
        self._line.asked.clear()
        self._line.answered.clear()
        writer.transport.abort()
        await self._network.either(getattr(self._line, self._overtaken_by))
        self._network.happened["late"] += not self._network.healed.is_set()
        self._network.happened["very_late"] += self._network.healed.is_set()
        to_server.write(data + rest)
        await to_server.drain()
        await self._done.wait()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass_down(reader, writer)
        finally:
            # The server has done what came late, or is gone: by an end, or by a reset.
            self._done.set()

    async def _pass_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while True:
            data = await reader.read(1 << 16)
            if self._fate == "late" and self._asked:
                return  # nobody hears its answer
            if not data:
                return
            if self._fate == "answer_lost" and self._asked:
                self._network.happened["answer_lost"] += 1
                return
            if self._fate in {"cut_down", "half_open_down"} and passed + len(data) > self._after:
                await self._break(writer, data[: self._after - passed])
                return
            passed += len(data)
            if self._fate == "delay":
                await self._network.pause(self._pause)
            writer.write(data)
            await writer.drain()
            if self._asked:
                self._line.answered.set()

    async def _break(self, to: asyncio.StreamWriter, data: bytes) -> None:
        self._network.happened[self._fate] += 1
        to.write(data)
        await to.drain()
        if self._fate.startswith("half_open"):
            await self._network.pause(self._pause)


class Proxy:
    """The network's process, as its parent sees it."""

    def __init__(self, upstream: str, workstations: int, seed: int) -> None:
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(workstations)]
        self.ports = [listener.getsockname()[1] for listener in listeners]
        self._control, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                self._control.close()
                asyncio.run(Network(upstream, seed).serve(listeners, theirs))
                code = 0
            finally:
                os._exit(code)
        theirs.close()
        for listener in listeners:
            listener.close()

    def heal(self) -> Counter[str]:
        """Bring what is late, end every connection; what went wrong until now, by kind."""
        self._control.send(b"h")
        said = b""
        while part := self._control.recv(4096):
            said += part
        self._control.close()
        os.waitpid(self.pid, 0)
        return Counter(json.loads(said))
