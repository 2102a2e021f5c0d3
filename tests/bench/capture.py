"""What capture costs: on the server by triggers on every writer, in the cache on every edit."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from tests.bench.figures import Figure
from tests.support.clinic import Clinic, Station

TABLE = "pacientes_cliente"
OPERATIONS = ("insert", "update", "delete")
FIRST = 1 << 37
"""Ids of the rows that are made here: above every other that was born on the server."""

INSERT = f"""
INSERT INTO {TABLE} (id, nombre_completo, email, telefono, fecha_registro, activo)
SELECT n, 'Nombre Apellido ' || n, 'c' || n || '@example.com', '+569' || n, now(), true
FROM generate_series({FIRST}::bigint, {FIRST} + %s - 1) n
"""
UPDATE = f"UPDATE {TABLE} SET notas = %s WHERE id >= {FIRST}"
ONE = f"UPDATE {TABLE} SET notas = %s WHERE id = {FIRST}"
EMPTY = f"DELETE FROM {TABLE} WHERE id >= {FIRST}"


def _captured(connection: psycopg.Connection, *, on: bool) -> None:
    """Switches the capture triggers of the one table; everything else of it stays."""
    for operation in OPERATIONS:
        connection.execute(
            sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                sql.Identifier(TABLE),
                sql.SQL("ENABLE" if on else "DISABLE"),
                sql.Identifier(f"sync_capture_{operation}"),
            )
        )


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def server(clinic: Clinic, rows: int = 20_000, rounds: int = 5, commits: int = 60) -> list[Figure]:
    """The same writes with and without the triggers, by turns; each is a transaction of its own."""
    inserts: dict[bool, list[float]] = {True: [], False: []}
    updates: dict[bool, list[float]] = {True: [], False: []}
    single: dict[bool, list[float]] = {True: [], False: []}
    with clinic.admin() as connection:
        try:
            for number in range(2 * rounds):
                on = number % 2 == 0
                _captured(connection, on=on)
                inserts[on].append(_seconds(lambda: connection.execute(INSERT, (rows,))))
                note = f"nota {number}"
                updates[on].append(_seconds(lambda note=note: connection.execute(UPDATE, (note,))))
                singles = [
                    _seconds(lambda step=step: connection.execute(ONE, (str(step),)))
                    for step in range(commits + 5)
                ]
                single[on] += singles[5:]
                connection.execute(EMPTY)
                connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(TABLE)))
        finally:
            _captured(connection, on=True)
    median = statistics.median
    pairs = zip(inserts[True], inserts[False], strict=True)
    insert = median(ours / bare for ours, bare in pairs)
    update = median(o / b for o, b in zip(updates[True], updates[False], strict=True))
    one, bare = median(single[True]), median(single[False])
    return [
        Figure(f"capture: INSERT of {rows:,} rows, with / without", insert, "ratio", 1.5),
        Figure(f"capture: UPDATE of {rows:,} rows, with / without", update, "ratio", 1.5),
        Figure("capture: UPDATE of one row and commit, without", bare * 1000, "ms"),
        Figure("capture: UPDATE of one row and commit, with", one * 1000, "ms"),
        Figure("capture: what it adds to a commit", (one - bare) * 1000, "ms", 0.1),
    ]


def cache(clinic: Clinic, station: Station, bookings: int = 100) -> list[Figure]:
    """A booking by the agenda's service, against an INSERT of such a row without its triggers.

    Both commit into the same encrypted file, by turns; nothing of it is sent meanwhile.
    """
    agenda = Agenda(station.cache, station.clinic)
    latest = clinic.value("SELECT coalesce(max(fecha_hora), now()) FROM citas_cita")
    first = dt.datetime.combine(latest.date() + dt.timedelta(days=60), dt.time(12), dt.UTC)
    details = Details(client_id=clinic.clients[0])
    columns = "fecha_hora, fin, dentista_id, estado, cliente_id, creada_el, actualizada_el"
    booked, bare = [], []
    connection = station.cache.connect()
    try:
        connection.execute(
            f"CREATE TABLE bench_bare AS SELECT id, {columns} FROM citas_cita LIMIT 0"
        )
        for number in range(bookings + 5):
            start = first + dt.timedelta(days=number // 12, minutes=30 * (number % 12))
            placement = Placement(start, start + dt.timedelta(minutes=30), clinic.practitioners[0])
            draft = Draft(placement, details)
            booked.append(_seconds(lambda draft=draft: agenda.book(station.actor, draft)))
            bare.append(
                _seconds(
                    lambda number=number: connection.execute(
                        f"INSERT INTO bench_bare SELECT id, {columns} FROM citas_cita"
                        " LIMIT 1 OFFSET ?",
                        (number,),
                    )
                )
            )
        connection.execute("DROP TABLE bench_bare")
    finally:
        connection.close()
    ours, floor = statistics.median(booked[5:]), statistics.median(bare[5:])
    return [
        Figure("local commit: a bare INSERT", floor * 1000, "ms"),
        Figure("local commit: a booking with its rules and capture", ours * 1000, "ms"),
        Figure("local commit: a booking / bare INSERT", ours / floor, "ratio"),
    ]
