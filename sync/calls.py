"""What a conversation asks of the server: each call is a value, and somebody else makes it.

A conversation (:mod:`sync.exchange`, :mod:`sync.bootstrap`, :mod:`sync.compare`,
:mod:`sync.recovery`) is a generator. It yields calls and is sent their answers, or has the
``SyncError`` thrown in that a call came to; what it returns is its outcome. It does no I/O but on
the cache's connection that it was given, so a test may play the server, lose an answer, or stop it
anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from sync.errors import SyncError
from sync.transport import Transport

T = TypeVar("T")

VOLUME = 4_000_000
"""Bytes of text after which an answer of rows ends; what is left is asked for again."""


class Call(Protocol):
    """Something for the server to answer."""

    def on(self, transport: Transport) -> Any:
        """Make the call. Raises ``SyncError``."""
        ...


@dataclass(frozen=True, slots=True)
class Hello:
    """``sync_hello``; the answer is its JSON."""

    request: str

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.hello(self.request)


@dataclass(frozen=True, slots=True)
class Start:
    """``sync_start``; the answer is its JSON."""

    request: str

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.start(self.request)


@dataclass(frozen=True, slots=True)
class Exchange:
    """``sync_exchange``; the answer is its JSON."""

    request: str

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.exchange(self.request)


@dataclass(frozen=True, slots=True)
class Poll:
    """``sync_poll``; the answer says whether an exchange would bring or say anything."""

    device: int
    nonce: str
    generation: int
    epoch: str
    version: int
    cursor: str

    def on(self, transport: Transport) -> bool:
        """Make the call."""
        return transport.poll(
            self.device, self.nonce, self.generation, self.epoch, self.version, self.cursor
        )


@dataclass(frozen=True, slots=True)
class Recover:
    """``sync_recover``; the answer is its JSON."""

    request: str

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.recover(self.request)


@dataclass(frozen=True, slots=True)
class Read:
    """Up to ``limit`` rows above an id; the answer is for :func:`sync.wire.read_rows`."""

    device: int
    table: str
    after: int
    limit: int

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.read(self.device, self.table, self.after, self.limit, VOLUME)


@dataclass(frozen=True, slots=True)
class ReadIds:
    """The rows with these ids; the answer is for :func:`sync.wire.read_rows`."""

    device: int
    table: str
    ids: Sequence[int]

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.read_ids(self.device, self.table, self.ids, VOLUME)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over up to ``limit`` rows above an id; a JSON array with ``[bucket, rows, sum, last id]`` a bucket."""

    device: int
    table: str
    after: int
    limit: int

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.sums(self.device, self.table, self.after, self.limit)


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hash of every row in ``(after, upto]``: a JSON array with ``[id, hash, recent]`` a row.

    :ivar cursor: what changed since it is ``recent``, and gone rows that are have ``null`` for a hash.
    """

    device: int
    table: str
    after: int
    upto: int
    cursor: str

    def on(self, transport: Transport) -> str:
        """Make the call."""
        return transport.hashes(self.device, self.table, self.after, self.upto, self.cursor)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """``sync_upkeep``; nothing depends on what comes of it."""

    def on(self, transport: Transport) -> None:
        """Make the call."""
        transport.upkeep()


@dataclass(frozen=True, slots=True)
class Ahead:
    """Begin ``call`` and go on at once; :class:`Awaited` asks for its answer."""

    call: Call


@dataclass(frozen=True, slots=True)
class Awaited:
    """The answer of the call that was begun :class:`Ahead`."""


Conversation = Generator[Call | Ahead | Awaited, Any, T]


def drive(
    conversation: Conversation[T], transport: Transport, workers: Executor | None = None
) -> T:
    """Make a conversation's calls one after the other; its outcome. Raises ``SyncError``.

    :param workers: where calls are begun ahead; without, they are made when they are awaited.
    """

    def begin(call: Call) -> Callable[[], Any]:
        if workers is None:
            return partial(call.on, transport)
        return workers.submit(call.on, transport).result

    ahead: Callable[[], Any] | None = None
    try:
        call = next(conversation)
        while True:
            try:
                answer = None
                if isinstance(call, Ahead):
                    ahead = begin(call.call)
                elif isinstance(call, Awaited):
                    if ahead is None:
                        raise RuntimeError("nothing was begun ahead")
                    answer = ahead()
                else:
                    answer = call.on(transport)
            except SyncError as error:
                call = conversation.throw(error)
            else:
                call = conversation.send(answer)
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    finally:
        conversation.close()
