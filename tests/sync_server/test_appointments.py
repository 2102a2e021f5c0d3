"""A practitioner has one active appointment at a time, whoever writes."""

from __future__ import annotations

import datetime as dt
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from desktop.services import migrations
from tests.sync_server.conftest import (
    CLIENT,
    SCHEMA,
    SLOT,
    Tenant,
    Workstation,
    appointment_row,
    op,
    transaction,
)

NINE = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
ACTIVE = ("reservada", "confirmada", "en_espera", "listo_para_atender", "en_progreso")
PASSIVE = ("disponible", "finalizada", "completada", "cancelada", "no_show")
BOOK = (
    "UPDATE citas_cita SET cliente_id = %s, paciente_nombre = 'W', paciente_email = 'w@x.cl',"
    " paciente_telefono = '+569', estado = 'reservada', notas = '' WHERE id = %s"
)


def minutes(tenant: Tenant, appointment: int) -> float:
    return tenant.one(
        "SELECT extract(epoch FROM fin - fecha_hora) / 60 FROM citas_cita WHERE id = %s",
        appointment,
    )


@pytest.mark.parametrize(("duration", "expected"), [(45, 45), (None, 30), (0, 30), (-5, 30)])
def test_the_end_is_kept_for_programs_that_know_of_none(
    tenant: Tenant, duration: int | None, expected: int
) -> None:
    """Catches an end that is left empty, that ignores the service, or that precedes the start."""
    slot = tenant.one(
        "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el, tipo_servicio_id)"
        " VALUES (%s, 'disponible', now(), now(), %s) RETURNING id",
        NINE,
        service(tenant, duration),
    )
    assert minutes(tenant, slot) == expected
    tenant.db.execute("UPDATE citas_cita SET fin = fecha_hora + interval '10 minutes'")
    tenant.db.execute("UPDATE citas_cita SET fecha_hora = fecha_hora + interval '3 days'")
    assert minutes(tenant, slot) == 10
    tenant.db.execute("UPDATE citas_cita SET fin = NULL")
    assert minutes(tenant, slot) == expected


def service(tenant: Tenant, duration: int | None) -> int:
    found: int = tenant.one(
        "INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,"
        " duracion_estimada, creado_el, actualizado_el)"
        " VALUES (%s, 'x', 1, true, true, %s, now(), now()) RETURNING id",
        uuid.uuid4().hex,
        duration,
    )
    return found


def test_another_programs_service_brings_its_duration(tenant: Tenant) -> None:
    """Catches an end that stays behind when the service changes: the next half hour would be sold."""
    staff = tenant.staff()
    hour, half, none = service(tenant, 60), service(tenant, 30), service(tenant, None)
    slot = tenant.appointment(NINE, "disponible", staff)
    assert minutes(tenant, slot) == 30

    def change(assignment: str, *values: object) -> float:
        tenant.db.execute(f"UPDATE citas_cita SET {assignment} WHERE id = %s", (*values, slot))
        return minutes(tenant, slot)

    assert change("tipo_servicio_id = %s", hour) == 60
    # Django saves every column that it knows, changed or not.
    assert change("tipo_servicio_id = %s, fecha_hora = fecha_hora", half) == 30
    later = NINE + dt.timedelta(hours=3)
    assert change("tipo_servicio_id = %s, fecha_hora = %s", hour, later) == 60
    assert tenant.one("SELECT fecha_hora FROM citas_cita") == later
    assert change("notas = 'x', tipo_servicio_id = tipo_servicio_id, fecha_hora = %s", NINE) == 60
    assert change("fin = fecha_hora + interval '10 minutes', tipo_servicio_id = %s", half) == 10
    # Without a duration there is none to take over: what was sold keeps its length.
    assert change("tipo_servicio_id = %s", none) == 10
    assert change("tipo_servicio_id = %s", hour) == 60
    tenant.db.execute("DELETE FROM citas_tiposervicio WHERE id = %s", (hour,))
    assert tenant.one("SELECT tipo_servicio_id FROM citas_cita") is None
    assert minutes(tenant, slot) == 60
    tenant.db.execute(BOOK, (tenant.client(), slot))
    with pytest.raises(psycopg.errors.ExclusionViolation):
        tenant.appointment(NINE + dt.timedelta(minutes=30), "reservada", staff)


def test_a_service_that_takes_longer_overruns_no_booking(tenant: Tenant) -> None:
    """Catches an end that is moved behind the constraint's back."""
    staff, hour = tenant.staff(), service(tenant, 60)
    first = tenant.appointment(NINE, "reservada", staff)
    tenant.appointment(NINE + dt.timedelta(minutes=30), "reservada", staff)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        tenant.db.execute(
            "UPDATE citas_cita SET tipo_servicio_id = %s WHERE id = %s", (hour, first)
        )
    assert minutes(tenant, first) == 30


def test_a_workstation_says_itself_which_end_a_service_has(tenant: Tenant) -> None:
    """Catches a server that moves the end which a workstation saw and kept."""
    slot = tenant.appointment(NINE, "reservada", tenant.staff())
    desk = tenant.device("reception").join()
    change = op(
        "U",
        "citas_cita",
        slot,
        {"tipo_servicio_id": None},
        {"tipo_servicio_id": service(tenant, 60)},
    )
    assert desk.push(change)["status"] == "applied"
    assert minutes(tenant, slot) == 30


def test_two_active_appointments_of_a_practitioner_do_not_overlap(tenant: Tenant) -> None:
    """Catches a status that is left out of the constraint or is in it without being active."""
    staff, colleague = tenant.staff(), tenant.staff()
    for number, status in enumerate(ACTIVE):
        day = NINE + dt.timedelta(days=number)
        tenant.appointment(day, status, staff)
        with pytest.raises(psycopg.errors.ExclusionViolation):
            tenant.appointment(day + dt.timedelta(minutes=29), "reservada", staff)
        tenant.appointment(day + dt.timedelta(minutes=30), "reservada", staff)
        tenant.appointment(day, "reservada", colleague)
        tenant.appointment(day, "reservada", None)
        for other in PASSIVE:
            tenant.appointment(day, other, staff)


def test_a_deliberate_overbooking_carries_a_reason(tenant: Tenant) -> None:
    """Catches an empty reason that counts as one."""
    staff = tenant.staff()
    tenant.appointment(NINE, "reservada", staff)
    statement = (
        "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el, dentista_id,"
        " sobrecupo_motivo) VALUES (%s, 'reservada', now(), now(), %s, %s)"
    )
    for blank in (None, "", "  "):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            tenant.db.execute(statement, (NINE, staff, blank))
    tenant.db.execute(statement, (NINE, staff, "urgencia"))


def test_a_push_that_overlaps_is_told_so_by_name(tenant: Tenant) -> None:
    """Catches ON CONFLICT DO NOTHING that drops an appointment without a word."""
    staff = tenant.staff()
    tenant.appointment(NINE, "reservada", staff)
    moved = tenant.appointment(NINE + dt.timedelta(hours=1), "reservada", staff)
    desk = tenant.device("reception").join()
    new = op("I", "citas_cita", desk.new_id(), new=appointment_row(staff, NINE.isoformat()))
    move = op("U", "citas_cita", moved, {}, {"fecha_hora": NINE.isoformat(), "fin": None})
    move["old"] = {
        "fecha_hora": (NINE + dt.timedelta(hours=1)).isoformat(),
        "fin": (NINE + dt.timedelta(hours=1, minutes=30)).isoformat(),
    }
    for edit in (new, move):
        result = desk.push(edit)
        assert (result["status"], result["code"]) == ("rejected", "overlap")
        assert result["constraint"] == "citas_cita_sin_solape"


def test_the_second_buyer_of_a_slot_on_the_web_is_refused(tenant: Tenant) -> None:
    """Catches WHERE id = … that takes a slot from the client who has it; cancelling frees it."""
    slot = tenant.appointment(NINE, "disponible", tenant.staff())
    first, second = tenant.client(), tenant.client()
    tenant.db.execute(BOOK, (first, slot))
    with pytest.raises(psycopg.errors.ExclusionViolation, match="already booked"):
        tenant.db.execute(BOOK, (second, slot))
    tenant.db.execute(BOOK, (first, slot))
    tenant.db.execute(
        "UPDATE citas_cita SET paciente_nombre = NULL, paciente_email = NULL,"
        " paciente_telefono = NULL, estado = 'disponible' WHERE id = %s",
        (slot,),
    )
    tenant.db.execute(BOOK, (second, slot))
    assert tenant.one("SELECT cliente_id FROM citas_cita") == second
    tenant.db.execute("DELETE FROM pacientes_cliente WHERE id = %s", (second,))
    assert tenant.one("SELECT cliente_id FROM citas_cita") is None


def test_the_web_takes_no_slot_from_a_walk_in_or_a_visit_that_is_over(tenant: Tenant) -> None:
    """Catches a guard that knows of clients only, and one that looks at active statuses only."""
    buyer, patient = tenant.client(), tenant.client()
    slot = tenant.appointment(NINE, "reservada", tenant.staff())
    tenant.db.execute("UPDATE citas_cita SET paciente_nombre = 'Don Luis'")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        tenant.db.execute(BOOK, (buyer, slot))
    # The same person becomes a client: a back office links the two.
    tenant.db.execute(
        "UPDATE citas_cita SET cliente_id = %s, paciente_nombre = 'don luis ' WHERE id = %s",
        (patient, slot),
    )
    for over in ("finalizada", "completada"):
        tenant.db.execute("UPDATE citas_cita SET estado = %s", (over,))
        with pytest.raises(psycopg.errors.ExclusionViolation):
            tenant.db.execute(BOOK, (buyer, slot))
    assert tenant.one("SELECT cliente_id FROM citas_cita") == patient


def test_a_workstation_may_change_the_client_of_a_booked_appointment(tenant: Tenant) -> None:
    """Catches a guard against the web that also refuses what reception saw and meant."""
    first, second = tenant.client(), tenant.client()
    slot = tenant.appointment(NINE, "disponible", tenant.staff())
    tenant.db.execute(BOOK, (first, slot))
    desk = tenant.device("reception").join()
    change = op("U", "citas_cita", slot, {"cliente_id": first}, {"cliente_id": second})
    assert desk.push(change)["status"] == "applied"


@contextmanager
def waiting_push(
    tenant: Tenant, holder: psycopg.Connection, desk: Workstation, *ops: dict
) -> Iterator[Future[dict]]:
    """A push that waits for what the holder's transaction has locked, until the block ends."""
    desk.connection.execute("SET statement_timeout = '20s'")
    pids = (holder.info.backend_pid, desk.connection.info.backend_pid)
    waits = "SELECT %s = ANY (pg_blocking_pids(%s))"
    with ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(desk.push, *ops)
        try:
            while not pushed.done() and not tenant.one(waits, *pids):
                pass
            assert not pushed.done(), pushed.result()
            yield pushed
        finally:
            holder.rollback()


def test_a_push_that_waits_for_a_row_holds_none_with_a_higher_id(tenant: Tenant) -> None:
    """Catches rows that are locked in the order of the operations, or in that of the table."""
    low, high = 5, 9
    for row in (high, low):
        tenant.db.execute(
            "INSERT INTO citas_cita (id, fecha_hora, estado, creada_el, actualizada_el)"
            " VALUES (%s, %s, 'disponible', now(), now())",
            (row, NINE),
        )
    desk, holder = tenant.device("reception").join(), tenant.connect(autocommit=False)
    holder.execute("SELECT FROM citas_cita WHERE id = %s FOR UPDATE", (low,))
    cancel = ({"estado": "disponible"}, {"estado": "cancelada"})
    edits = [op("U", "citas_cita", row, *cancel) for row in (high, low)]
    with waiting_push(tenant, holder, desk, *edits) as pushed:
        tenant.db.execute("SELECT FROM citas_cita WHERE id = %s FOR UPDATE NOWAIT", (high,))
    assert pushed.result()["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM citas_cita WHERE estado = 'cancelada'") == 2


def test_a_push_that_waits_for_a_practitioner_holds_no_later_one(tenant: Tenant) -> None:
    """Catches practitioners that are locked one after the other, as the operations name them."""

    def key(practitioner: int) -> int:
        found: int = tenant.one(
            "SELECT hashtextextended(%s || '/' || %s::bigint, 0)", SCHEMA, practitioner
        )
        return found

    first, later = sorted((tenant.staff() for _ in range(2)), key=key)
    desk, holder = tenant.device("reception").join(), tenant.connect(autocommit=False)
    # That the push waits for it shows that this is the key.
    holder.execute("SELECT pg_advisory_xact_lock(%s)", (key(first),))
    books = [
        op("I", "citas_cita", desk.new_id(), new=appointment_row(staff, NINE.isoformat()))
        for staff in (later, first)
    ]
    with waiting_push(tenant, holder, desk, *books) as pushed:
        assert tenant.one("SELECT pg_try_advisory_xact_lock(%s)", key(later))
    assert pushed.result()["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM citas_cita WHERE estado = 'reservada'") == 2


def test_eight_writers_race_for_the_same_slots(tenant: Tenant) -> None:
    """Workstations insert, update and move; the web books and back offices insert.

    Catches a missing advisory lock or lock order (deadlocks), a missing constraint (overlaps) and
    losers who are told that they won: every success is a row, every row a success.
    """
    staff = [tenant.staff() for _ in range(2)]
    starts = [NINE + dt.timedelta(minutes=20 * n) for n in range(12)]
    slots = [tenant.appointment(start, "disponible", s) for start in starts for s in staff]
    clients = [tenant.client() for _ in range(8)]
    wins: list[tuple[int, int]] = []
    losses: list[str] = []
    broken: list[BaseException] = []
    barrier = threading.Barrier(8)

    def workstation(number: int) -> None:
        chance = random.Random(number)
        station = stations[number]
        for _ in range(20):
            if chance.random() < 0.5:
                row = station.new_id()
                new = appointment_row(
                    chance.choice(staff),
                    chance.choice(starts).isoformat(),
                    cliente_id=clients[number],
                )
                edits = [op("I", "citas_cita", row, new=new)]
            else:
                # two slots in one transaction, in any order
                edits = [
                    op(
                        "U",
                        "citas_cita",
                        row,
                        {"estado": "disponible", "cliente_id": None},
                        {"estado": "reservada", "cliente_id": clients[number]},
                    )
                    for row in chance.sample(slots, 2)
                ]
            result = station.push(*edits)
            if result["status"] == "applied":
                wins.extend((edit["id"], clients[number]) for edit in edits)
            else:
                losses.append(result["code"])

    def web(number: int) -> None:
        chance = random.Random(number)
        connection = connections[number]
        for _ in range(20):
            try:
                if chance.random() < 0.3:
                    row = connection.execute(
                        SLOT, (chance.choice(starts), "reservada", chance.choice(staff))
                    ).fetchone()[0]
                else:
                    row = chance.choice(slots)
                    with connection.transaction():
                        connection.execute(CLIENT, ("W", f"{uuid.uuid4()}@x.cl"))
                        connection.execute(BOOK, (clients[number], row))
                wins.append((row, clients[number]))
            except psycopg.errors.ExclusionViolation:
                losses.append("web")

    def run(number: int) -> None:
        barrier.wait()
        try:
            (workstation if number < 4 else web)(number)
        except BaseException as error:
            broken.append(error)

    stations = {number: tenant.device("reception").join() for number in range(4)}
    connections = {number: tenant.connect() for number in range(4, 8)}
    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert (
        tenant.one(
            "SELECT count(*) FROM citas_cita a JOIN citas_cita b ON a.id < b.id"
            " AND a.dentista_id = b.dentista_id AND a.estado = 'reservada' AND b.estado = 'reservada'"
            " AND tstzrange(a.fecha_hora, a.fin) && tstzrange(b.fecha_hora, b.fin)"
        )
        == 0
    )
    booked = {
        row[0] for row in tenant.db.execute("SELECT id FROM citas_cita WHERE estado = 'reservada'")
    }
    assert {row for row, _ in wins} == booked
    assert set(losses) <= {"overlap", "conflict", "web"}
    assert "web" in losses
    assert losses.count("web") < len(losses)


def test_two_pushes_of_several_practitioners_do_not_deadlock(tenant: Tenant) -> None:
    """Catches practitioners that are locked in the order of the operations."""
    staff = [tenant.staff() for _ in range(6)]
    stations = [tenant.device("reception").join() for _ in range(4)]
    broken: list[BaseException] = []
    codes: list[str | None] = []
    barrier = threading.Barrier(4)

    def book(number: int) -> None:
        chance = random.Random(number)
        barrier.wait()
        try:
            for turn in range(15):
                order = chance.sample(staff, 6)
                start = (NINE + dt.timedelta(hours=turn)).isoformat()
                rows = [
                    op("I", "citas_cita", stations[number].new_id(), new=appointment_row(s, start))
                    for s in order
                ]
                answer = stations[number].exchange(*(transaction(row) for row in rows))
                codes.extend(r.get("code") for r in answer["results"])
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=book, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert (codes.count(None), codes.count("overlap")) == (15 * 6, 15 * 6 * 3)


def test_bookings_of_one_practitioner_wait_for_each_other_and_for_nobody_else(
    tenant: Tenant,
) -> None:
    """Catches writers that meet in the constraint's index, where each would wait for the other."""
    staff, colleague = tenant.staff(), tenant.staff()
    first, second = tenant.connect(autocommit=False), tenant.connect()
    first.execute(SLOT, (NINE, "reservada", staff))
    # Other times and other practitioners: no constraint is in the way.
    tenant.appointment(NINE, "reservada", colleague)
    tenant.appointment(NINE, "disponible", staff)
    later = (NINE + dt.timedelta(hours=3), "reservada", staff)
    waiting = threading.Thread(target=second.execute, args=(SLOT, later))
    waiting.start()
    waits = "SELECT locktype FROM pg_locks WHERE NOT granted AND pid = %s"
    try:
        while waiting.is_alive() and not tenant.one(waits, second.info.backend_pid):
            pass
        assert tenant.one(waits, second.info.backend_pid) == "advisory"
    finally:
        first.commit()
        waiting.join()
    assert tenant.one("SELECT count(*) FROM citas_cita WHERE dentista_id = %s", staff) == 3


def test_odd_moments_of_other_programs_are_accepted(tenant: Tenant) -> None:
    """Catches a trigger that fails where a date has no end."""
    slot = tenant.appointment("infinity", "disponible", tenant.staff())
    assert tenant.one("SELECT fin FROM citas_cita WHERE id = %s", slot) is None


def test_pages_keep_room_for_what_an_appointment_becomes(tenant: Tenant) -> None:
    """Catches an upgrade that leaves the pages full, and one that undoes what somebody else chose."""
    told = "SELECT reloptions FROM pg_class WHERE oid = 'citas_cita'::regclass"
    assert tenant.one(told) == ["fillfactor=90"]
    tenant.db.execute("ALTER TABLE citas_cita RESET (fillfactor)")
    migrations.upgrade_tenant(tenant.db, SCHEMA)
    assert tenant.one(told) == ["fillfactor=90"]
    tenant.db.execute("ALTER TABLE citas_cita SET (fillfactor = 70)")
    migrations.upgrade_tenant(tenant.db, SCHEMA)
    assert tenant.one(told) == ["fillfactor=70"]
