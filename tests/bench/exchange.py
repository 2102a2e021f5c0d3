"""One edit on its way: pushed, and seen on another workstation, against what a bare write costs."""

from __future__ import annotations

import datetime as dt
import statistics
import threading
import time
from contextlib import closing

import psycopg

from desktop.models import sync_schema
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from sync.exchange import exchange_once, greet
from sync.transport import PostgresServer
from tests.bench.figures import Figure, percentile, timed
from tests.support.clinic import Clinic, Station


def _next_free_day(clinic: Clinic) -> dt.datetime:
    latest = clinic.value("SELECT max(fecha_hora) FROM citas_cita") or dt.datetime.now(dt.UTC)
    day = (latest + dt.timedelta(days=30)).date()
    return dt.datetime.combine(day, dt.time(13), dt.UTC)


def _round_trip(connection: psycopg.Connection) -> float:
    started = time.perf_counter()
    connection.execute("SELECT 1")
    return time.perf_counter() - started


def pushed(clinic: Clinic, station: Station, edits: int = 60) -> list[Figure]:
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
        for number in range(edits + 5):
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
    exchange, update, trips = exchange[5:], update[5:], trips[5:]
    one, bare, trip = map(statistics.median, (exchange, update, trips))
    return [
        Figure("round trip", trip * 1000, "ms"),
        Figure("bare UPDATE and commit", bare * 1000, "ms"),
        Figure("edit pushed, acknowledged and applied", one * 1000, "ms"),
        Figure("edit pushed: beyond a round trip", (one - trip) * 1000, "ms", 5),
        Figure("edit pushed / bare UPDATE and commit", one / bare, "ratio"),
    ]


def seen_elsewhere(clinic: Clinic, one: Station, other: Station, edits: int = 200) -> list[Figure]:
    """From the commit in one cache to the listener of the other, both engines running."""
    agenda = Agenda(one.cache, one.clinic)
    start = _next_free_day(clinic)
    arrived = threading.Event()

    def heard(tables: frozenset[str]) -> None:
        if "citas_cita" in tables:
            arrived.set()

    stop = other.cache.listen(heard)
    poke = one.cache.listen(lambda _tables: one.engine.poke())
    one.engine.start()
    other.engine.start()
    try:
        placement = Placement(start, start + dt.timedelta(minutes=30), clinic.practitioners[0])
        undo = agenda.book(
            one.actor, Draft(placement, Details(client_id=clinic.clients[0], notes="0"))
        )
        arrived.wait(20)
        delays = []
        for number in range(edits):
            arrived.clear()
            started = time.perf_counter()
            agenda.edit(
                one.actor,
                undo.appointment_id,
                Details(client_id=clinic.clients[0], notes=str(number + 1)),
                seen=Details(client_id=clinic.clients[0], notes=str(number)),
            )
            if not arrived.wait(20):
                raise AssertionError("an edit never reached the other workstation")
            delays.append(time.perf_counter() - started)
    finally:
        stop()
        poke()
        one.engine.stop()
        other.engine.stop()
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        trip = statistics.median(timed(lambda: connection.execute("SELECT 1"), 50))
    median = statistics.median(delays)
    return [
        Figure("edit seen on the other screen, median", median * 1000, "ms"),
        Figure("edit seen on the other screen, p99", percentile(delays, 0.99) * 1000, "ms", 250),
        Figure("edit seen on the other screen / round trip", median / trip, "ratio"),
    ]
