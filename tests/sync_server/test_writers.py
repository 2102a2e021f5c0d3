"""How a push writes: by statements that a connection keeps, and to the same end as by any others."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from desktop.models import sync_schema
from tests.sync_server.conftest import Tenant, Workstation, client_row, op

CLIENTS = "pacientes_cliente"


def whole_row(**more: Any) -> dict:
    """A new client as a workstation sends it: every column that it knows."""
    columns = {column.name for column in sync_schema()[CLIENTS].columns}
    return dict.fromkeys(columns - {"id"}) | client_row(**more)


def added(station: Workstation, row: dict) -> int:
    number = station.new_id()
    assert station.push(op("I", CLIENTS, number, new=row))["status"] == "applied"
    return number


def registered(tenant: Tenant, *without: str) -> None:
    """What an upgrade does at its end, for clients with some columns less."""
    spec = tenant.one(
        "SELECT jsonb_build_object('version', schema_version, 'tables', (SELECT jsonb_agg("
        " to_jsonb(t) || jsonb_build_object('references', t.refs, 'columns',"
        " (SELECT jsonb_agg(c - 'bit' - 'live') FROM jsonb_array_elements(t.columns) c"
        "   WHERE NOT (t.name = %s AND c ->> 'name' = ANY (%s)))))"
        " FROM sync_table t)) FROM sync_meta",
        CLIENTS,
        list(without),
    )
    tenant.db.execute("SELECT sync_register(%s)", (Jsonb(spec),))


def test_what_a_row_leaves_out_gets_its_default_and_what_it_names_does_not(tenant: Tenant) -> None:
    tenant.db.execute("ALTER TABLE pacientes_cliente ALTER notas SET DEFAULT 'of the server'")
    station = tenant.device().join()
    some = client_row()
    assert "notas" not in some
    kept = "SELECT notas FROM pacientes_cliente WHERE id = %s"
    assert tenant.one(kept, added(station, whole_row())) is None
    assert tenant.one(kept, added(station, some)) == "of the server"
    assert tenant.one(kept, added(station, whole_row(notas="x"))) == "x"


@pytest.mark.parametrize("row", [client_row, whole_row])
def test_a_row_that_is_in_the_way_is_named_whichever_columns_are_given(
    tenant: Tenant, row: Any
) -> None:
    tenant.client(email="a@correo.cl")
    station = tenant.device().join()
    told = station.push(op("I", CLIENTS, station.new_id(), new=row(email="a@correo.cl")))
    assert (told["code"], told["constraint"]) == ("duplicate", "uq_pacientes_cliente_email")


def test_triggers_of_a_column_fire_for_that_column_alone(tenant: Tenant) -> None:
    """Catches an UPDATE that names columns which nobody changed."""
    tenant.db.execute("CREATE TABLE calls (id bigint)")
    tenant.db.execute(
        "CREATE FUNCTION called() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN INSERT INTO calls VALUES (NEW.id); RETURN NEW; END $$"
    )
    tenant.db.execute(
        "CREATE TRIGGER of_the_phone BEFORE UPDATE OF telefono ON pacientes_cliente"
        " FOR EACH ROW EXECUTE FUNCTION called()"
    )
    client = tenant.client()
    station = tenant.device().join()
    notes = op("U", CLIENTS, client, {"notas": None}, {"notas": "x"})
    assert station.push(notes)["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM calls") == 0
    phone = op("U", CLIENTS, client, {"telefono": "+56900000000"}, {"telefono": "+56911111111"})
    assert station.push(phone)["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM calls") == 1


@pytest.mark.parametrize(
    "fresh",
    [
        {"notas": "x"},
        {"email": "b@correo.cl"},
        {"email": "b@correo.cl", "notas": "x"},
        {"notas": None, "telefono": "+56900000000", "alergias": "x"},
    ],
)
def test_a_change_is_written_whole_and_nothing_else(tenant: Tenant, fresh: dict) -> None:
    """Catches a column that the kept statement leaves out, or empties."""
    station = tenant.device().join()
    row = whole_row(email="a@correo.cl", rut="1-9", notas="n", alergias="a")
    number = added(station, row)
    kept = "SELECT to_jsonb(r) FROM pacientes_cliente r WHERE id = %s"
    before = tenant.one(kept, number)
    seen = {name: row[name] for name in fresh}
    assert station.push(op("U", CLIENTS, number, seen, fresh))["status"] == "applied"
    assert tenant.one(kept, number) == before | fresh


def test_a_change_without_what_was_seen_holds_only_where_nothing_was_there(tenant: Tenant) -> None:
    """Catches a column that is not compared because no old value of it came."""
    client = tenant.client()
    station = tenant.device().join()
    assert station.push(op("U", CLIENTS, client, {}, {"notas": "first"}))["status"] == "applied"
    told = station.push(op("U", CLIENTS, client, {}, {"notas": "second"}))
    assert (told["code"], told["theirs"]) == ("conflict", {"notas": "first"})
    # One column of two: what another changed of the second is told, and the first is not written.
    tenant.db.execute("UPDATE pacientes_cliente SET rut = '1-9'")
    told = station.push(
        op("U", CLIENTS, client, {"notas": "first"}, {"notas": "third", "rut": "2-7"})
    )
    assert (told["code"], told["columns"]) == ("conflict", ["rut"])
    assert tenant.one("SELECT notas FROM pacientes_cliente") == "first"


@pytest.mark.parametrize(
    ("column", "stored", "seen"),
    [
        ("precio_base", "12.50", "12.5"),
        ("precio_base", "0", "-0.00"),
        ("creado_el", "2026-11-23T12:00:00+00:00", "2026-11-23T09:00:00-03:00"),
    ],
)
def test_a_value_is_compared_and_not_how_it_is_written(
    tenant: Tenant, column: str, stored: str, seen: str
) -> None:
    row = {"nombre": "Control", "categoria": "general", "precio_base": "1", "activo": True}
    row |= {"requiere_dentista": True, "duracion_estimada": 30}
    row |= dict.fromkeys(("creado_el", "actualizado_el"), "2026-11-23T12:00:00+00:00")
    station = tenant.device().join()
    number = station.new_id()
    made = station.push(op("I", "citas_tiposervicio", number, new=row | {column: stored}))
    assert made["status"] == "applied"
    change = op("U", "citas_tiposervicio", number, {column: seen}, {column: row[column]})
    assert station.push(change)["status"] == "applied"


def test_a_unique_column_is_written_only_where_it_holds_what_was_seen(tenant: Tenant) -> None:
    client = tenant.client(email="nueva@correo.cl")
    station = tenant.device().join()
    kept = f"SELECT email FROM {CLIENTS} WHERE id = {client}"
    told = station.push(op("U", CLIENTS, client, {"email": "vieja@correo.cl"}, {"email": "x@y.cl"}))
    assert (told["code"], told["columns"]) == ("conflict", ["email"])
    assert tenant.one(kept) == "nueva@correo.cl"
    seen = op("U", CLIENTS, client, {"email": "nueva@correo.cl"}, {"email": "x@y.cl"})
    assert station.push(seen)["status"] == "applied"
    assert tenant.one(kept) == "x@y.cl"


def test_a_stamp_is_written_and_not_compared(tenant: Tenant) -> None:
    """Catches a change that is refused, or taken the long way, because two wrote at two moments."""
    staff = tenant.staff()
    visit = tenant.appointment("2026-11-24T12:00Z", staff=staff)
    station = tenant.device().join()
    stamps = [f"2026-11-23T12:0{minute}:00+00:00" for minute in range(3)]
    for old, new in ((None, "a"), ("a", "b")):
        change = op(
            "U",
            "citas_cita",
            visit,
            {"notas": old, "actualizada_el": stamps[0]},
            {"notas": new, "actualizada_el": stamps[1 if old is None else 2]},
        )
        assert station.push(change)["status"] == "applied"
    assert tenant.one("SELECT actualizada_el = %s::timestamptz FROM citas_cita", stamps[2])
    only = op(
        "U", "citas_cita", visit, {"actualizada_el": stamps[0]}, {"actualizada_el": stamps[1]}
    )
    assert station.push(only)["status"] == "applied"
    assert tenant.one("SELECT actualizada_el = %s::timestamptz FROM citas_cita", stamps[1])


def test_a_table_that_is_altered_under_an_open_connection_is_written_as_it_is(
    tenant: Tenant,
) -> None:
    """Catches a statement that was kept from before."""
    station = tenant.device().join()
    first = added(station, whole_row(notas="as long as it likes"))
    tenant.db.execute("ALTER TABLE pacientes_cliente ADD extra text DEFAULT 'there'")
    assert tenant.one(
        "SELECT extra FROM pacientes_cliente WHERE id = %s", added(station, whole_row())
    )
    tenant.db.execute("UPDATE pacientes_cliente SET notas = 'short'")
    tenant.db.execute("ALTER TABLE pacientes_cliente ALTER notas TYPE varchar(5)")
    for change in (
        op("U", CLIENTS, first, {"notas": "short"}, {"notas": "longer"}),
        op("I", CLIENTS, station.new_id(), new=whole_row(notas="longer")),
    ):
        told = station.push(change)
        assert (told["code"], told["sqlstate"]) == ("invalid", "22001")
    change = op("U", CLIENTS, first, {"notas": "short"}, {"notas": "5char"})
    assert station.push(change)["status"] == "applied"


def test_an_upgrade_gives_open_connections_the_new_functions(tenant: Tenant) -> None:
    """Catches columns that are gone, and columns that came, in the statements of before."""
    station, other = tenant.device().join(), tenant.device().join()
    for one in (station, other):
        added(one, whole_row())
    tenant.db.execute("ALTER TABLE pacientes_cliente DROP notas")
    registered(tenant, "notas")
    for one in (station, other):
        assert one.hello()["status"] == "ok"
        row = whole_row()
        told = one.push(op("I", CLIENTS, one.new_id(), new=row))
        assert told["code"] == "invalid"
        del row["notas"]
        number = added(one, row)
        change = op("U", CLIENTS, number, {"rut": None}, {"rut": f"{one.number}-k"})
        assert one.push(change)["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 4


def test_writers_are_for_the_functions_of_the_engine_alone(tenant: Tenant) -> None:
    found = tenant.one(
        "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = current_schema()"
        " AND proname ~ '^sync_(insert|update)' AND NOT prosecdef"
        " AND NOT EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee <> proowner)"
    )
    written = tenant.one("SELECT count(*) FROM sync_table WHERE active AND write_by <> '{}'")
    assert found == 2 * written + 2


@pytest.mark.parametrize("mode", ["auto", "force_custom_plan"])
def test_only_a_pushs_own_statements_are_planned_for_any_values(tenant: Tenant, mode: str) -> None:
    """Catches an answer that is read by a plan for any cursor, which may be one over all of the log."""
    station = tenant.device().join()
    asked = "SELECT current_setting('plan_cache_mode')"
    tenant.db.execute(
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.notas := current_setting(''plan_cache_mode''); RETURN NEW; END';"
        f"CREATE TRIGGER noted BEFORE INSERT ON {CLIENTS} FOR EACH ROW EXECUTE FUNCTION noted()"
    )
    with station.connection.transaction():
        station.connection.execute("SELECT set_config('plan_cache_mode', %s, true)", (mode,))
        number = added(station, whole_row())
        assert station.connection.execute(asked).fetchone() == (mode,)
    assert tenant.one(f"SELECT notas FROM {CLIENTS} WHERE id = %s", number) == "force_generic_plan"
