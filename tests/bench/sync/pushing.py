"""What the server takes: a day's offline work at once, and a poll that brings nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from desktop.models import sync_schema
from sync import store
from sync.calls import drive
from sync.exchange import exchange_once, greet, polling
from sync.transport import PostgresServer, PostgresTransport
from tests.bench.exchange import LONG_LOG, SHORT_LOG
from tests.bench.figures import Figure
from tests.bench.sync.receptionist import Receptionist
from tests.support.clinic import Clinic, Station

BARE = """
SELECT true WHERE (%s::integer, %s::uuid, %s::bigint, %s::uuid, %s::integer, %s::text) IS NOT NULL
"""
"""Asks nothing, and is sent as a poll is: over such a connection, with a poll's parameters."""


class Timed:
    """A transport that notes how long each exchange's statement took, nothing of the client in it.

    The request was written before and the answer is parsed afterwards: what is left is the server's
    work, and the bytes on a local socket.
    """

    def __init__(self, transport: PostgresTransport) -> None:
        self._transport = transport
        self.seconds: list[float] = []
        self.asked: tuple[object, ...] = ()
        self._process = psutil.Process(transport.session)
        self._before = self._cpu()

    def _cpu(self) -> float:
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)

    def cpu(self) -> float:
        """Seconds that a processor worked for this connection, on the server's side."""
        return self._cpu() - self._before

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def exchange(self, request: str) -> str:
        started = time.perf_counter()
        answer = self._transport.exchange(request)
        self.seconds.append(time.perf_counter() - started)
        return answer

    def poll(
        self, device: int, nonce: str, generation: int, epoch: str, version: int, cursor: str
    ) -> bool:
        self.asked = (device, nonce, generation, epoch, version, cursor)
        started = time.perf_counter()
        news = self._transport.poll(device, nonce, generation, epoch, version, cursor)
        self.seconds.append(time.perf_counter() - started)
        return news


@dataclass(frozen=True)
class _Pushed:
    """One return to the server. :ivar server, processor: seconds, for a thousand transactions."""

    transactions: int
    operations: int
    refused: int
    exchanges: int
    server: float
    processor: float
    whole: float


def _pushed(clinic: Clinic, station: Station, transactions: int, seed: int) -> _Pushed:
    station.sync()
    desk = Receptionist(station.cache, station.clinic, station.actor, seed=seed)
    execute = store.executor(connection := station.cache.connect())
    made = 0
    while store.pending(execute).count < transactions:
        desk.act(f"o{seed}-{made}")
        made += 1
    count = store.pending(execute).count
    operations = execute("SELECT count(*) FROM sync_op")[0][0]
    before = store.rejected_count(execute)
    server = PostgresServer(station.workstation.connection_parameters(), clinic.schema)
    with closing(connection), closing(server.connect()) as transport:
        greet(connection, transport, sync_schema())
        timed = Timed(transport)
        started = time.perf_counter()
        while store.pending(execute).count:
            exchange_once(connection, timed, sync_schema(), station.cache.now)
        whole = time.perf_counter() - started
        refused = store.rejected_count(execute) - before
        worked = timed.cpu()
    each = 1000 / count
    spent = sum(timed.seconds)
    return _Pushed(
        count, operations, refused, len(timed.seconds), spent * each, worked * each, whole
    )


def offline(clinic: Clinic, station: Station, transactions: int, rounds: int) -> list[Figure]:
    """A workstation that worked on its own comes back with everything in its outbox, now and again."""
    pushed = [_pushed(clinic, station, transactions, seed) for seed in range(1, rounds + 1)]

    def middle(name: str) -> float:
        return statistics.median(getattr(one, name) for one in pushed)

    return [
        Figure("offline work: transactions pushed", middle("transactions"), "edits"),
        Figure("offline work: operations in them", middle("operations"), "rows"),
        Figure("offline work: refused", sum(one.refused for one in pushed), "edits", 0),
        Figure("offline work: exchanges", max(one.exchanges for one in pushed), "trips"),
        Figure("offline work: on the server, for 1,000", middle("server"), "s", 0.5),
        Figure("offline work: on the server, quickest", min(one.server for one in pushed), "s"),
        Figure("offline work: on the server, slowest", max(one.server for one in pushed), "s"),
        Figure("offline work: of it a processor's time", middle("processor"), "s"),
        Figure("offline work: until it is acknowledged here", middle("whole"), "s"),
    ]


def idle(clinic: Clinic, station: Station, rows: int, polls: int) -> list[Figure]:
    """Polls that bring nothing, by turns with bare round trips: each finds the server doing
    something else, as it does at an idle workstation.
    """
    schema = sync_schema()
    server = PostgresServer(station.workstation.connection_parameters(), clinic.schema)
    station.sync()
    with (
        clinic.admin() as admin,
        psycopg.connect(
            **station.workstation.connection_parameters(), autocommit=True, prepare_threshold=None
        ) as plain,
        closing(server.connect()) as other,
        closing(server.connect()) as transport,
        closing(station.cache.connect()) as cache,
    ):
        admin.execute(LONG_LOG, (rows,))
        try:
            admin.execute("VACUUM ANALYZE sync_log")
            admin.execute("CHECKPOINT")
            greet(cache, transport, schema)
            exchange_once(cache, transport, schema, station.cache.now)
            timed = Timed(transport)
            bare = other._connection
            drive(polling(cache, schema), timed)
            timed.seconds.clear()
            least, trips, whole = [], [], []
            for _poll in range(polls + 20):
                least.append(_seconds(lambda: plain.execute("SELECT 1")))
                trips.append(_seconds(lambda: bare.execute(BARE, timed.asked)))
                started = time.perf_counter()
                news = drive(polling(cache, schema), timed)
                whole.append(time.perf_counter() - started)
                if news:
                    raise AssertionError("an idle poll found something")
            worked = timed.cpu() / len(timed.seconds)
        finally:
            admin.execute(SHORT_LOG)
    shortest, trip, server_side, all_of_it = (
        statistics.median(values[20:]) for values in (least, trips, timed.seconds, whole)
    )
    return [
        Figure("idle poll: rows in the server's log", rows, "rows"),
        Figure("idle poll: a bare round trip", trip * 1000, "ms"),
        Figure("idle poll: SELECT 1 by the simplest protocol", shortest * 1000, "ms"),
        Figure("idle poll: answered", server_side * 1000, "ms"),
        Figure("idle poll: of it a processor's time", worked * 1000, "ms"),
        Figure("idle poll: asked and answered in the client, too", all_of_it * 1000, "ms"),
        Figure("idle poll: answered / bare round trip", server_side / trip, "ratio", 3),
        Figure("idle poll: answered / SELECT 1", server_side / shortest, "ratio"),
    ]


def _seconds(ask: Callable[[], psycopg.Cursor[Any]]) -> float:
    started = time.perf_counter()
    ask().fetchone()
    return time.perf_counter() - started
