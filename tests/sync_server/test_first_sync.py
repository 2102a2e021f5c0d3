"""A new workstation reads everything, in chunks, and goes on from the cursor."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal

from psycopg import sql

from sync import codec
from tests.sync_server.conftest import SCHEMA, Tenant, client_row, op


def test_start_then_read_then_delta_is_the_whole(tenant: Tenant) -> None:
    """Catches a cursor that is taken after the reading, and chunks that skip or repeat."""
    ids = [tenant.client() for _ in range(25)]
    station = tenant.device("reception").join()
    during = tenant.client()
    read: list[int] = []
    while chunk := station.read("pacientes_cliente", read[-1] if read else 0, 7):
        read += [row[0] for row in chunk]
    assert read == [*ids, during]
    after = tenant.client()
    station.exchange()
    assert set(station.rows["pacientes_cliente"]) >= {during, after}
    assert not set(station.rows["pacientes_cliente"]) & set(ids)


def test_values_look_as_the_codec_says(tenant: Tenant) -> None:
    """Catches a session's time zone, a decimal as a float, and NaN that stops a pull."""
    tenant.db.execute("SET timezone = 'America/Santiago'")
    moment = dt.datetime(2026, 11, 24, 12, 30, 0, 500000, tzinfo=dt.UTC)
    insert = (
        "INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,"
        " creado_el, actualizado_el) VALUES (%s, %s, %s, true, false, %s, %s)"
    )
    text = 'Ñ "q" \\ back\tslash\nline'
    tenant.db.execute(insert, (text, "x", Decimal("99999999.99"), moment, moment))
    tenant.db.execute(insert, ("NaN", "x", Decimal("NaN"), "infinity", "infinity"))
    station = tenant.device()
    station.connection.execute("SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'")
    station.join()
    names = next(t for t in station.hello()["tables"] if t["name"] == "citas_tiposervicio")[
        "columns"
    ]
    good, odd = (dict(zip(names, row, strict=True)) for row in station.read("citas_tiposervicio"))
    assert good["nombre"] == text
    assert good["precio_base"] == codec.decimal_to_units(Decimal("99999999.99"), 2)
    assert good["creado_el"] == codec.instant_to_text(moment) == "2026-11-24T12:30:00.5+00:00"
    assert (good["activo"], good["duracion_estimada"]) == (True, None)
    assert (odd["precio_base"], odd["creado_el"]) == (0, "infinity")


def test_copy_carries_the_same_rows(tenant: Tenant) -> None:
    """Catches a function that COPY can't read."""
    tenant.client("Back\\slash")
    station = tenant.device().join()
    statement = sql.SQL("COPY (SELECT * FROM {}({}, 'pacientes_cliente', 0, 10)) TO STDOUT").format(
        sql.Identifier(SCHEMA, "sync_read"), station.number
    )
    with station.connection.cursor().copy(statement) as copy:
        copy.set_types(["text"])
        rows = [json.loads(row[0]) for row in copy.rows()]
    assert rows == station.read("pacientes_cliente")


def test_todays_agenda_comes_first_in_the_clinics_day(tenant: Tenant) -> None:
    """Catches a day by UTC: at any moment one of these zones has another date than UTC."""
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "America/Santiago", "no such zone"):
        tenant.db.execute("DELETE FROM citas_cita; DELETE FROM pacientes_cliente")
        tenant.db.execute(
            "INSERT INTO configuracion_ajuste (clave, valor) VALUES ('zona_horaria', %s)"
            " ON CONFLICT (clave) DO UPDATE SET valor = excluded.valor",
            (zone,),
        )
        effective = "America/Santiago" if " " in zone else zone
        midnight = tenant.one(
            "SELECT date_trunc('day', now() AT TIME ZONE %s) AT TIME ZONE %s", effective, effective
        )
        client = tenant.client()
        today = [
            tenant.appointment(midnight + shift, "completada")
            for shift in (dt.timedelta(), dt.timedelta(hours=22, minutes=59))
        ]
        # Half an hour each: the first of these goes on past midnight, the second doesn't.
        today.append(tenant.appointment(midnight - dt.timedelta(seconds=1), "completada"))
        tenant.appointment(midnight - dt.timedelta(hours=1), "completada")
        tenant.appointment(midnight + dt.timedelta(hours=25), "completada")
        tenant.db.execute("UPDATE citas_cita SET cliente_id = %s", (client,))
        station = tenant.device()
        station.hello()
        first = {item["table"]: item["ids"] for item in station.start()["priority"]}
        assert first["pacientes_cliente"] == [client]
        assert first["citas_cita"] == today
    rows = station.connection.execute(
        sql.SQL("SELECT {}(%s, 'citas_cita', %s)").format(sql.Identifier(SCHEMA, "sync_read_ids")),
        (station.number, today),
    ).fetchall()
    assert [json.loads(row[0])[0] for row in rows] == today


def test_what_the_agenda_is_made_of_comes_before_the_day_and_parents_before_children(
    tenant: Tenant,
) -> None:
    """Catches a day that can't be shown: whose practitioners, services, rooms or hours come last."""
    tenant.db.execute("INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 1', 1)")
    tenant.db.execute(
        "INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,"
        " creado_el, actualizado_el) VALUES ('Control', 'x', 1, true, false, now(), now())"
    )
    tenant.db.execute(
        "INSERT INTO citas_horariodentista (dentista_id, dia_semana, hora_inicio, hora_fin, activo,"
        " creado_el, actualizado_el) VALUES (%s, 0, '09:00', '19:00', true, now(), now())",
        (tenant.staff(),),
    )
    tenant.appointment(tenant.one("SELECT begins + interval '1 hour' FROM clinic_today()"))
    station = tenant.device()
    station.hello()
    answer = station.start()
    first = answer["priority"]
    for item in first:
        every = tenant.db.execute(
            sql.SQL("SELECT id FROM {} ORDER BY id").format(sql.Identifier(item["table"]))
        ).fetchall()
        assert item["ids"] == [row_id for (row_id,) in every]
    places = [table["name"] for table in answer["tables"]]
    names = [item["table"] for item in first]
    assert names[-1] == "citas_cita"
    assert {"personal_perfil", "agenda_sala", "citas_tiposervicio", "citas_horariodentista"} <= set(
        names
    )
    assert names.index("personal_perfil") < names.index("citas_horariodentista")
    assert all(name in places for name in names)


def test_a_new_cache_of_a_device_goes_on_counting_where_the_old_one_stopped(tenant: Tenant) -> None:
    """Catches ids that are given twice, also those of rows that were deleted; the old cache forks."""
    station = tenant.device().join()
    assert station.start()["counter"] == 0
    rows = [station.new_id() for _ in range(3)]
    for row in rows:
        station.push(op("I", "pacientes_cliente", row, new=client_row()))
    tenant.db.execute("DELETE FROM pacientes_cliente WHERE id = %s", (rows[-1],))
    old = station.nonce
    assert station.start()["counter"] == 3
    station.nonce = old
    assert station.exchange()["status"] == "forked"
    assert station.start(nonce=str(uuid.uuid4()))["status"] == "forked"


def test_start_wants_a_hello_first(tenant: Tenant) -> None:
    """Catches a first sync without known columns."""
    assert tenant.device().start()["status"] == "hello"
