"""One edit on its way: pushed, and seen on another workstation, against what a bare write costs."""

from __future__ import annotations

import datetime as dt
import statistics
import threading
import time
from contextlib import closing
from dataclasses import replace

import psycopg

from desktop.models import sync_schema
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.syncing import Syncing
from sync.exchange import exchange_once, greet
from sync.transport import PostgresServer
from tests.bench.figures import Figure, percentile, timed
from tests.support.clinic import Clinic, Station

WARM_UP = 5
PATIENCE = 20.0
"""Seconds after which something that should come at once is given up."""

LONG_LOG = """
INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
SELECT (3 + n %% 700)::text::xid8, t.id, n, 'U', 1, 0, NULL, now()
FROM generate_series(1, %s) n, (SELECT id FROM sync_table WHERE name = 'citas_cita') t
"""
"""Log rows of transactions that ended long ago: all are older than every workstation's cursor."""

SHORT_LOG = "DELETE FROM sync_log WHERE xid < '703'"


def _next_free_day(clinic: Clinic) -> dt.datetime:
    latest = clinic.value("SELECT coalesce(max(fecha_hora), now()) FROM citas_cita")
    day = (latest + dt.timedelta(days=30)).date()
    return dt.datetime.combine(day, dt.time(13), dt.UTC)


def _round_trip(connection: psycopg.Connection) -> float:
    started = time.perf_counter()
    connection.execute("SELECT 1")
    return time.perf_counter() - started


def pushed(clinic: Clinic, station: Station, edits: int = 200) -> list[Figure]:
    """Each edit alone, over a connection that stays open as the engine's does.

    One exchange carries it there, and the acknowledgement with the server's row back into the
    cache; between the exchanges a bare UPDATE of the same row by a plain connection.
    """
    agenda = Agenda(station.cache, station.clinic)
    start = _next_free_day(clinic)
    placement = Placement(start, start + dt.timedelta(minutes=30), clinic.practitioners[0])
    undo = agenda.book(
        station.actor, Draft(placement, Details(client_id=clinic.clients[0], notes="0"))
    )
    station.sync()
    visit = undo.appointment_id
    exchange, update, trips = [], [], []
    schema = sync_schema()
    parameters = station.workstation.connection_parameters()
    with (
        psycopg.connect(clinic.dsn) as connection,
        closing(PostgresServer(parameters, clinic.schema).connect()) as transport,
        closing(station.cache.connect()) as cache,
    ):
        greet(cache, transport, schema)
        connection.execute("SELECT set_config('search_path', %s, false)", (clinic.schema,))
        for number in range(edits + WARM_UP):
            seen = Details(client_id=clinic.clients[0], notes=str(number))
            agenda.edit(
                station.actor,
                visit,
                Details(client_id=clinic.clients[0], notes=str(number + 1)),
                seen=seen,
            )
            started = time.perf_counter()
            exchange_once(cache, transport, schema, station.cache.now)
            exchange.append(time.perf_counter() - started)
            started = time.perf_counter()
            connection.execute(
                "UPDATE citas_cita SET whatsapp_message_sid = %s WHERE id = %s",
                (str(number), visit),
            )
            connection.commit()
            update.append(time.perf_counter() - started)
            trips.append(_round_trip(connection))
            connection.rollback()
            exchange_once(cache, transport, schema, station.cache.now)
    exchange, update, trips = exchange[WARM_UP:], update[WARM_UP:], trips[WARM_UP:]
    one, bare, trip = map(statistics.median, (exchange, update, trips))
    return [
        Figure("edit pushed: a bare round trip", trip * 1000, "ms"),
        Figure("edit pushed: a bare UPDATE and commit", bare * 1000, "ms"),
        Figure("edit pushed: acknowledged and applied", one * 1000, "ms"),
        Figure("edit pushed: beyond a round trip", (one - trip) * 1000, "ms", 5),
        Figure("edit pushed: beyond the bare UPDATE", (one - bare) * 1000, "ms"),
        Figure("edit pushed: ours / bare UPDATE", one / bare, "ratio"),
    ]


def seen_elsewhere(clinic: Clinic, one: Station, other: Station, edits: int = 300) -> list[Figure]:
    """From a commit in one cache to the moment when the other's screens are told to read again.

    Both run as the program runs them: an engine in a thread, woken by the server's notification.
    Each edit waits for the one before. What the other cache then holds is looked at every time.
    """
    agenda = Agenda(one.cache, one.clinic)
    elsewhere = Agenda(other.cache, other.clinic)
    start = _next_free_day(clinic)
    day = start.astimezone(one.clinic.zone).date()
    placement = Placement(start, start + dt.timedelta(minutes=30), clinic.practitioners[0])
    arrived = threading.Event()

    def heard(tables: frozenset[str]) -> None:
        if "citas_cita" in tables:
            arrived.set()

    def shown() -> str:
        return "".join(item.notes for item in elsewhere.day(day).appointments)

    engines = [
        Syncing(
            station.cache,
            PostgresServer(station.workstation.connection_parameters(), clinic.schema),
        )
        for station in (one, other)
    ]
    stop = other.cache.listen(heard)
    commits, delays, trips = [], [], []
    plain = psycopg.connect(clinic.dsn, autocommit=True)
    try:
        for engine in engines:
            engine.start()
        details = Details(client_id=clinic.clients[0], notes="0")
        visit = agenda.book(one.actor, Draft(placement, details)).appointment_id
        for number in range(edits + WARM_UP):
            if not arrived.wait(PATIENCE):
                raise AssertionError("an edit never reached the other workstation")
            if shown() != details.notes:
                raise AssertionError("the other workstation was told too early")
            arrived.clear()
            changed = replace(details, notes=str(number + 1))
            started = time.perf_counter()
            agenda.edit(one.actor, visit, changed, seen=details)
            commits.append(time.perf_counter())
            details = changed
            if not arrived.wait(PATIENCE):
                raise AssertionError("an edit never reached the other workstation")
            delays.append(time.perf_counter() - started)
            commits[-1] -= started
            trips.append(_round_trip(plain))
    finally:
        stop()
        for engine in engines:
            engine.close()
        plain.close()
    delays = delays[WARM_UP:]
    median, trip = statistics.median(delays), statistics.median(trips[WARM_UP:])
    return [
        Figure("other screen: an edit is seen, samples", len(delays), "edits"),
        Figure("other screen: an edit is seen, p50", median * 1000, "ms"),
        Figure("other screen: an edit is seen, p99", percentile(delays, 0.99) * 1000, "ms", 250),
        Figure("other screen: p50 / round trip", median / trip, "ratio"),
        Figure(
            "other screen: of it the commit here, p50",
            statistics.median(commits[WARM_UP:]) * 1000,
            "ms",
        ),
    ]


def asked_again(clinic: Clinic, station: Station, rows: int = 2_000_000) -> list[Figure]:
    """An exchange that brings nothing, with the server's log as it is and longer by ``rows``."""
    schema = sync_schema()
    server = PostgresServer(station.workstation.connection_parameters(), clinic.schema)
    with closing(server.connect()) as transport, closing(station.cache.connect()) as cache:
        greet(cache, transport, schema)
        station.sync()

        def ask() -> None:
            exchange_once(cache, transport, schema, station.cache.now)

        with clinic.admin() as connection:
            connection.execute("VACUUM ANALYZE sync_log")
            before = timed(ask, 100, warm_up=50)
            connection.execute(LONG_LOG, (rows,))
            connection.execute("VACUUM ANALYZE sync_log")
            connection.execute("CHECKPOINT")
            long = statistics.median(timed(ask, 200, warm_up=50))
            connection.execute(SHORT_LOG)
            connection.execute("VACUUM FULL ANALYZE sync_log")
            connection.execute("CHECKPOINT")
            after = timed(ask, 100, warm_up=50)
        short = statistics.median(before + after)
    return [
        Figure("poll: nothing new", short * 1000, "ms"),
        Figure(f"poll: nothing new, log {rows:,} rows longer", long * 1000, "ms"),
        Figure("poll: what the longer log costs", (long - short) * 1000, "ms", 0.25),
    ]
