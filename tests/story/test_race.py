"""Eight writers want the same slots at the same moment: four workstations, four web visitors.

Whoever comes first has the slot; everybody else is told; nobody sees a deadlock. The short form
runs with the tests, ``make race`` runs 200 rounds.

Catches: no exclusion constraint, one without the web guard (a slot sold twice in one row), no
advisory lock, locks in another order than the web's, a rejection that is not told.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg

from desktop.domain.errors import RuleError
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from tests.support.clinic import Clinic, Station, local

ROUNDS = int(os.environ.get("CONSULTORIO_RACE_ROUNDS", "6"))
DAY = dt.date(2027, 3, 1)
HALF_HOUR = dt.timedelta(minutes=30)

OVERLAPS = """
SELECT count(*) FROM citas_cita a JOIN citas_cita b
    ON a.id < b.id AND a.dentista_id = b.dentista_id
    AND a.fecha_hora < b.fin AND b.fecha_hora < a.fin
WHERE a.estado IN ('reservada', 'confirmada', 'en_espera', 'listo_para_atender', 'en_progreso')
  AND b.estado IN ('reservada', 'confirmada', 'en_espera', 'listo_para_atender', 'en_progreso')
  AND a.sobrecupo_motivo IS NULL AND b.sobrecupo_motivo IS NULL
"""


def _web_visitor(dsn: str, number: int, slots: list[int], start: threading.Barrier) -> Counter[str]:
    """Books every slot in a random order with the contract's own statements."""
    outcome: Counter[str] = Counter()
    email = f"visita{number}@example.com"
    order = random.Random(number).sample(slots, len(slots))
    with psycopg.connect(dsn) as connection:
        start.wait(30)
        for slot in order:
            try:
                with connection.transaction():
                    found = connection.execute(
                        "SELECT id FROM pacientes_cliente WHERE email = %s", (email,)
                    ).fetchone()
                    if found is None:
                        found = connection.execute(
                            "INSERT INTO pacientes_cliente"
                            " (nombre_completo, email, telefono, activo, fecha_registro)"
                            " VALUES (%s, %s, '+56900000000', true, now()) RETURNING id",
                            (f"Visita {number}", email),
                        ).fetchone()
                    assert found is not None
                    connection.execute(
                        "UPDATE citas_cita SET cliente_id = %s, paciente_nombre = %s,"
                        " paciente_email = %s, paciente_telefono = '+56900000000',"
                        " estado = 'reservada', notas = 'web' WHERE id = %s",
                        (found[0], f"Visita {number}", email, slot),
                    )
                outcome["won"] += 1
            except psycopg.errors.ExclusionViolation:
                outcome["told"] += 1
    return outcome


def _workstation(
    station: Station,
    number: int,
    slots: list[tuple[int, dt.datetime, int]],
    client: int,
    start: threading.Barrier,
) -> Counter[str]:
    """Books on its own cache (the slot itself, or a new appointment over it), then exchanges."""
    outcome: Counter[str] = Counter()
    agenda = Agenda(station.cache, station.clinic)
    before = station.engine.status().rejected
    chooser = random.Random(1000 + number)
    start.wait(30)
    for slot, moment, practitioner in chooser.sample(slots, len(slots)):
        taken = slot if chooser.random() < 0.5 else None
        draft = Draft(
            Placement(moment, moment + HALF_HOUR, practitioner),
            Details(client_id=client),
            slot_id=taken,
        )
        try:
            agenda.book(station.actor, draft)
        except RuleError:
            outcome["told"] += 1
            continue
        outcome["tried"] += 1
        station.sync()
    station.sync()
    rejected = station.engine.status().rejected - before
    outcome["told"] += rejected
    outcome["won"] += outcome.pop("tried", 0) - rejected
    return outcome


def test_eight_writers_race_for_the_same_slots(clinic: Clinic) -> None:
    web = clinic.web_dsn()
    stations = [clinic.station(f"equipo-{number}", "office") for number in range(4)]
    total: Counter[str] = Counter()
    with ThreadPoolExecutor(8) as pool:
        for number in range(ROUNDS):
            moments = [
                local(DAY.year, DAY.month, DAY.day, 10) + dt.timedelta(days=number, hours=hour)
                for hour in range(3)
            ]
            slots = [
                (clinic.publish(practitioner, moment), moment.astimezone(dt.UTC), practitioner)
                for moment in moments
                for practitioner in clinic.practitioners
            ]
            for station in stations:
                station.sync()
            start = threading.Barrier(8)
            racing = [
                pool.submit(_web_visitor, web, visitor, [slot[0] for slot in slots], start)
                for visitor in range(4)
            ] + [
                pool.submit(_workstation, station, place, slots, clinic.clients[place % 2], start)
                for place, station in enumerate(stations)
            ]
            outcomes: Counter[str] = sum((job.result(120) for job in racing), Counter())
            assert outcomes["won"] == len(slots), outcomes
            assert outcomes["won"] + outcomes["told"] == 8 * len(slots), outcomes
            assert clinic.value(OVERLAPS) == 0
            total += outcomes
    assert total["won"] == 6 * ROUNDS
    for station in stations:
        assert station.sync().pending == 0
