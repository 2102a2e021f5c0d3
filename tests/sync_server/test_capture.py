"""Every change of a synced table is logged, whoever makes it and however."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest
from psycopg import sql

from sync.sqltext import channel
from tests.sync_server.conftest import CLIENT, SCHEMA, Tenant


def log(tenant: Tenant) -> list[tuple]:
    return tenant.db.execute(
        "SELECT t.name, l.row_id, l.op FROM sync_log l JOIN sync_table t ON t.id = l.tbl"
        " ORDER BY l.xid, t.name, l.row_id, l.op"
    ).fetchall()


def columns_logged(tenant: Tenant) -> set[str]:
    """The columns that the last log row names."""
    return {
        row[0]
        for row in tenant.db.execute(
            "SELECT c ->> 'name' FROM (SELECT * FROM sync_log ORDER BY xid DESC LIMIT 1) l"
            " JOIN sync_table t ON t.id = l.tbl CROSS JOIN jsonb_array_elements(t.columns) c"
            " WHERE l.cols & (1::bigint << (c ->> 'bit')::int) <> 0"
        )
    }


def test_every_way_of_writing_is_logged(tenant: Tenant) -> None:
    """Catches a missing trigger of any kind, and an UPDATE's and DELETE's row that isn't named."""
    db = tenant.db
    ana = tenant.client("Ana", "ana@x.cl")
    with db.cursor().copy(
        "COPY pacientes_cliente (id, nombre_completo, email, telefono, activo, fecha_registro)"
        " FROM STDIN"
    ) as copy:
        copy.write_row((900, "Luz", "luz@x.cl", "+569", True, "2026-01-01"))
    db.execute("UPDATE pacientes_cliente SET notas = 'x'")
    db.execute(
        "INSERT INTO pacientes_cliente (id, nombre_completo, email, telefono, activo, fecha_registro)"
        " VALUES (901, 'Eva', 'ana@x.cl', '+569', true, now())"
        " ON CONFLICT (email) DO UPDATE SET nombre_completo = excluded.nombre_completo"
    )
    db.execute(
        "MERGE INTO pacientes_cliente c USING (VALUES (900), (902)) v (id) ON c.id = v.id"
        " WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT (id, nombre_completo, email, telefono, activo, fecha_registro)"
        " VALUES (v.id, 'Ivo', 'ivo@x.cl', '+569', true, now())"
    )
    db.execute("UPDATE pacientes_cliente SET id = 903 WHERE id = 902")
    db.execute("DELETE FROM pacientes_cliente WHERE id = 903")
    table = "pacientes_cliente"
    assert log(tenant) == [
        (table, ana, "I"),
        (table, 900, "I"),
        (table, ana, "U"),
        (table, 900, "U"),
        (table, ana, "U"),
        (table, 900, "D"),
        (table, 902, "I"),
        (table, 902, "D"),
        (table, 903, "I"),
        (table, 903, "D"),
    ]


def test_what_the_database_does_by_itself_is_logged(tenant: Tenant) -> None:
    """Catches capture that sees statements of clients only and not those of foreign keys."""
    staff, client = tenant.staff(), tenant.client()
    slot = tenant.appointment("2026-11-24T12:00Z", "disponible", staff)
    tenant.db.execute("UPDATE citas_cita SET cliente_id = %s", (client,))
    tenant.db.execute(
        "INSERT INTO clinica_notasesion (cliente_id, texto) VALUES (%s, 'x')", (client,)
    )
    before = len(log(tenant))
    tenant.db.execute("DELETE FROM pacientes_cliente")
    assert {row[::2] for row in log(tenant)[before:]} == {
        ("pacientes_cliente", "D"),
        ("clinica_notasesion", "D"),
        ("citas_cita", "U"),
    }
    assert columns_logged(tenant) >= {"cliente_id"}
    assert slot


def test_an_update_logs_the_columns_that_changed_and_nothing_where_none_did(tenant: Tenant) -> None:
    """Catches a mask of assigned instead of changed columns, and log rows for hidden columns."""
    tenant.client()
    tenant.db.execute("UPDATE pacientes_cliente SET notas = 'n', rut = NULL, activo = activo")
    assert columns_logged(tenant) == {"notas"}
    before = len(log(tenant))
    tenant.db.execute("UPDATE pacientes_cliente SET notas = 'n', telefono = telefono")
    tenant.db.execute(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email,"
        " is_staff, is_active, date_joined) VALUES ('p', false, 'u', '', '', '', false, true, now())"
    )
    tenant.db.execute("UPDATE auth_user SET password = 'q', last_login = now()")
    assert [row[2] for row in log(tenant)[before:]] == ["I"]


def test_a_truncation_reaches_a_workstation_as_rows_that_are_gone(tenant: Tenant) -> None:
    """Catches a missing TRUNCATE trigger, and a truncation by a transaction with an old snapshot."""
    insert = (
        "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
        " VALUES (1, 'a', '2026-01-01', now()) RETURNING id"
    )
    station = tenant.device().join()
    early = tenant.one(insert)
    other = tenant.connect(autocommit=False)
    other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM personal_perfil")
    late = tenant.one(insert)
    station.exchange()
    assert set(station.rows["finanzas_ingresomanual"]) == {early, late}
    other.execute("TRUNCATE finanzas_ingresomanual")
    other.commit()
    last = tenant.one(insert)
    answer = station.exchange()
    (change,) = answer["changes"]
    assert change["all"] is True
    assert change["gone"] == [early]
    assert set(station.rows["finanzas_ingresomanual"]) == {last}


def test_device_and_actor_are_logged_and_others_are_device_0(tenant: Tenant) -> None:
    """Catches a device or actor that outlives its transaction."""
    db = tenant.db
    db.execute(
        "INSERT INTO sync_device (number, role_name, profile) VALUES (9, session_user, 'office')"
    )
    with db.transaction():
        db.execute(
            "SELECT set_config('sync.device', '9', true), set_config('sync.actor', '4', true)"
        )
        db.execute(CLIENT, ("A", "a@x.cl"))
    db.execute(CLIENT, ("B", "b@x.cl"))
    rows = db.execute("SELECT device, actor FROM sync_log ORDER BY xid").fetchall()
    assert rows == [(9, 4), (0, None)]


def test_a_transaction_wakes_listeners_once_with_an_empty_payload(tenant: Tenant) -> None:
    """Catches patient data in a payload, and a NOTIFY for each statement."""
    listener = tenant.connect()
    listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel(SCHEMA))))
    with tenant.db.transaction():
        for number in range(5):
            tenant.db.execute(CLIENT, ("A", f"{number}@x.cl"))
    with tenant.db.transaction():
        tenant.db.execute("UPDATE pacientes_cliente SET notas = notas")
    tenant.db.execute("DELETE FROM pacientes_cliente")
    heard = list(listener.notifies(timeout=5, stop_after=2))
    assert [note.payload for note in heard] == ["", ""]


def test_a_web_role_with_rights_on_columns_only_is_captured(tenant: Tenant) -> None:
    """Catches trigger functions that run with the writer's rights."""
    db = tenant.db
    slot = tenant.appointment("2026-11-24T12:00Z", "disponible", tenant.staff())
    name = f"web_{random.getrandbits(40):x}"
    role, schema = sql.Identifier(name), sql.Identifier(SCHEMA)
    db.execute(sql.SQL("CREATE ROLE {}").format(role))
    try:
        db.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        db.execute(
            sql.SQL(
                "GRANT SELECT (id), UPDATE (cliente_id, estado, notas) ON citas_cita TO {0};"
                "GRANT SELECT (id), INSERT (nombre_completo, email, telefono, activo, fecha_registro)"
                " ON pacientes_cliente TO {0}"
            ).format(role)
        )
        web = tenant.connect()
        web.execute(sql.SQL("SET ROLE {}").format(role))
        client = web.execute(CLIENT, ("Web", "web@x.cl")).fetchone()[0]
        web.execute(
            "UPDATE citas_cita SET cliente_id = %s, estado = 'reservada' WHERE id = %s",
            (client, slot),
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SELECT * FROM sync_log")
        assert log(tenant)[-2:] == [("pacientes_cliente", client, "I"), ("citas_cita", slot, "U")]
    finally:
        web.close()
        db.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_missed_and_nothing_comes_twice(tenant: Tenant, seed: int) -> None:
    """Writers commit in any order, one transaction stays open all along, some roll back.

    Catches a cursor by time, by sequence or by the highest transaction, a delta that reads another
    snapshot than its cursor, and a cursor that forgets the transactions in progress.
    """
    station = tenant.device().join()
    forgotten = tenant.connect(autocommit=False)
    last = forgotten.execute(CLIENT, ("Olvido", "olvido@x.cl")).fetchone()[0]
    committed: set[int] = set()
    guard, polled = threading.Lock(), threading.Condition()
    polls = 0

    def write(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        with tenant.connect(autocommit=False) as connection:
            for step in range(40):
                with polled:  # nobody is so fast that nothing is read in between
                    assert polled.wait_for(lambda: 10 * polls >= step, timeout=60)  # noqa: B023
                made = set()
                for _ in range(chance.randint(1, 3)):
                    email = f"{chance.getrandbits(64):x}@x.cl"
                    made.add(connection.execute(CLIENT, ("X", email)).fetchone()[0])
                    if chance.random() < 0.3:
                        with connection.transaction():
                            email = f"{chance.getrandbits(64):x}@x.cl"
                            made.add(connection.execute(CLIENT, ("Y", email)).fetchone()[0])
                if chance.random() < 0.15:
                    connection.rollback()
                    continue
                connection.commit()
                with guard:
                    committed.update(made)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        answered = station.exchange()["status"] == "ok"
        with polled:
            polls += answered
            polled.notify_all()
    for writer in writers:
        writer.join()
    station.exchange()
    assert polls > 3
    assert last not in station.rows["pacientes_cliente"]
    forgotten.commit()
    station.exchange()
    station.exchange()
    assert sorted(id for _, id in station.seen) == sorted(committed | {last})
