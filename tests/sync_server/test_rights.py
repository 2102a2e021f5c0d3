"""A workstation's role may call a few functions and nothing else."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo, sql

from desktop.models import sync_schema
from sync.server import executor, install_functions
from sync.sqltext import channel, device_group, quote_identifier, quote_literal, render
from tests.sync_server.conftest import SCHEMA, Tenant, Workstation, client_row, op


@pytest.fixture
def stranger(tenant: Tenant) -> Iterator[Workstation]:
    """A workstation that has logged in with a role of its own, and whose role is dropped later."""
    name, password = f"w_{secrets.token_hex(4)}", secrets.token_hex(16)
    role, group = sql.Identifier(name), sql.Identifier(device_group(SCHEMA))
    tenant.db.execute(sql.SQL("CREATE ROLE {}").format(group))
    tenant.db.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
            role, sql.Literal(password), group
        )
    )
    import sqlalchemy as sa

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(tenant.dsn))
    with engine.begin() as connection:
        install_functions(executor(connection), SCHEMA, sync_schema())
    engine.dispose()
    number = tenant.one(
        "INSERT INTO sync_device (role_name, profile) VALUES (%s, 'office') RETURNING number", name
    )
    dsn = conninfo.make_conninfo(tenant.dsn, user=name, password=password)
    connection = psycopg.connect(dsn, autocommit=True)
    yield Workstation(connection, number)
    connection.close()
    tenant.db.execute(sql.SQL("DROP OWNED BY {0}, {1}; DROP ROLE {0}, {1}").format(role, group))


def test_a_device_role_syncs_and_can_do_nothing_else(tenant: Tenant, stranger: Workstation) -> None:
    """Catches every grant too many, in every table, sequence and function of the schema."""
    tenant.client()
    stranger.join()
    row = stranger.new_id()
    assert stranger.push(op("I", "pacientes_cliente", row, new=client_row()))["status"] == "applied"
    assert len(stranger.read("pacientes_cliente")) == 2
    role = stranger.connection.info.user
    relations = tenant.db.execute(
        "SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'S', 'v')",
        (SCHEMA,),
    ).fetchall()
    assert len(relations) > 30
    for relation, kind in relations:
        check = "has_sequence_privilege" if kind == "S" else "has_any_column_privilege"
        wanted = "USAGE, SELECT, UPDATE" if kind == "S" else "SELECT, INSERT, UPDATE, REFERENCES"
        assert not tenant.one(f"SELECT {check}(%s, %s::oid, %s)", role, relation, wanted)
        if kind == "r":
            assert not tenant.one(
                "SELECT has_table_privilege(%s, %s::oid, 'DELETE, TRUNCATE, TRIGGER')",
                role,
                relation,
            )
    callable_ = tenant.db.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND has_function_privilege(%s, p.oid, 'EXECUTE')"
        " AND (p.proname LIKE 'sync%%' OR p.proname LIKE 'clinic%%') ORDER BY 1",
        (SCHEMA, role),
    ).fetchall()
    assert [name for (name,) in callable_] == [
        "sync_exchange",
        "sync_hashes",
        "sync_hello",
        "sync_poll",
        "sync_read",
        "sync_read",
        "sync_read_ids",
        "sync_read_ids",
        "sync_recover",
        "sync_start",
        "sync_sums",
        "sync_upkeep",
    ]
    assert not tenant.one("SELECT has_schema_privilege(%s, %s, 'CREATE')", role, SCHEMA)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.connection.execute(
            sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, "pacientes_cliente"))
        )


def test_a_device_cannot_speak_for_another(tenant: Tenant, stranger: Workstation) -> None:
    """Catches functions that believe the number in the request."""
    other = tenant.device().join()
    stranger.join()
    own = stranger.number
    stranger.number = other.number
    # For its own number was given again, as far as the server can tell: it may recover, as itself.
    assert stranger.hello()["status"] == "epoch"
    assert stranger.start()["status"] == "epoch"
    before = tenant.one("SELECT to_jsonb(d) FROM sync_device d WHERE number = %s", other.number)
    assert stranger.exchange()["status"] == "epoch"
    answer = stranger.call("sync_recover", exchange=str(uuid.uuid4()), acked=[])
    assert answer["device"] not in {own, other.number}
    assert before == tenant.one(
        "SELECT to_jsonb(d) FROM sync_device d WHERE number = %s", other.number
    )
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        stranger.read("pacientes_cliente")
    stranger.number = own
    tenant.db.execute("UPDATE sync_device SET revoked_at = now() WHERE number = %s", (own,))
    assert stranger.exchange()["status"] == "revoked"
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        stranger.read("pacientes_cliente")


def test_a_temporary_table_hijacks_nothing(tenant: Tenant, stranger: Workstation) -> None:
    """Catches a search path without pg_temp at its end."""
    note = tenant.client()
    stranger.join()
    db = stranger.connection
    db.execute(
        "CREATE TEMP TABLE sync_device (number int, role_name text, profile text);"
        "INSERT INTO sync_device VALUES (1, session_user, 'office');"
        "CREATE TEMP TABLE pacientes_cliente (id bigint, nombre_completo text);"
        "CREATE TEMP TABLE sync_log (xid xid8);"
        "CREATE TEMP TABLE sync_result (tx uuid, result jsonb);"
        "CREATE TEMP TABLE sync_table (name text);"
        "CREATE FUNCTION pg_temp.sync_before_push(jsonb) RETURNS void LANGUAGE sql AS 'SELECT 1/0';"
        "CREATE FUNCTION pg_temp.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1';"
        "SET search_path = pg_temp"
    )
    assert [row[0] for row in stranger.read("pacientes_cliente")] == [note]
    row = stranger.new_id()
    assert stranger.push(op("I", "pacientes_cliente", row, new=client_row()))["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 2
    assert tenant.one("SELECT count(*) FROM sync_result") == 1


def test_every_function_that_runs_as_the_owner_pins_its_path(tenant: Tenant) -> None:
    """Catches the next SECURITY DEFINER function that forgets."""
    paths = tenant.db.execute(
        "SELECT p.proname, (SELECT c FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%%')"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND p.prosecdef",
        (SCHEMA,),
    ).fetchall()
    assert len(paths) > 20
    for name, path in paths:
        assert path, name
        assert path.startswith("search_path=pg_catalog, "), name
        assert path.endswith(", pg_temp"), name


def test_a_tenant_depends_on_nothing_outside_its_schema(tenant: Tenant) -> None:
    """Catches a reference that would keep a schema from moving to another server."""
    foreign = tenant.db.execute(
        "WITH mine AS (SELECT oid FROM pg_namespace WHERE nspname = %s),"
        " objects AS ("
        "   SELECT 'pg_class'::regclass AS classid, oid AS objid, relnamespace AS nsp FROM pg_class"
        "   UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc"
        "   UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type"
        "   UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator"
        "   UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace FROM pg_opclass"
        "   UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation"
        "   UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace FROM pg_constraint"
        "   UNION ALL SELECT 'pg_trigger'::regclass, t.oid, c.relnamespace FROM pg_trigger t"
        "             JOIN pg_class c ON c.oid = t.tgrelid"
        "   UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, c.relnamespace FROM pg_attrdef d"
        "             JOIN pg_class c ON c.oid = d.adrelid)"
        " SELECT pg_describe_object(d.classid, d.objid, d.objsubid),"
        "        pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)"
        " FROM pg_depend d"
        " JOIN objects o ON (o.classid, o.objid) = (d.classid, d.objid) AND o.nsp IN (TABLE mine)"
        " LEFT JOIN objects r ON (r.classid, r.objid) = (d.refclassid, d.refobjid)"
        " WHERE (r.nsp IS NOT NULL AND r.nsp NOT IN (TABLE mine) AND r.nsp <> 'pg_catalog'::regnamespace)"
        "    OR d.refclassid = 'pg_extension'::regclass"
        "    OR (d.refclassid = 'pg_namespace'::regclass AND d.refobjid NOT IN (TABLE mine))",
        (SCHEMA,),
    ).fetchall()
    assert foreign == []
    outside = tenant.db.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', %s)",
        (SCHEMA,),
    ).fetchall()
    assert outside == []


def test_numbers_of_tables_and_columns_stay_when_tables_and_columns_come(tenant: Tenant) -> None:
    """Catches a log whose old rows change meaning with an upgrade."""
    spec = tenant.one(
        "SELECT jsonb_build_object('version', 2, 'tables', jsonb_agg(to_jsonb(t) || jsonb_build_object("
        " 'references', t.refs, 'ord', t.ord + 1, 'columns', (SELECT jsonb_agg(c - 'bit' - 'live')"
        " FROM jsonb_array_elements(t.columns) c WHERE c ->> 'name' <> 'notas'))))"
        " FROM sync_table t WHERE name <> 'agenda_sala'"
    )
    before = dict(tenant.db.execute("SELECT name, id FROM sync_table").fetchall())
    bits = "SELECT c ->> 'name', (c ->> 'bit')::int FROM sync_table, jsonb_array_elements(columns) c WHERE sync_table.name = 'citas_cita'"
    old_bits = dict(tenant.db.execute(bits).fetchall())
    for table in spec["tables"]:
        if table["name"] == "citas_cita":
            fresh = {"name": "color", "kind": "text", "scale": 0, "nullable": True, "stamp": False}
            table["columns"].insert(1, fresh)
    tenant.db.execute("ALTER TABLE citas_cita ADD color text")
    tenant.db.execute("SELECT sync_register(%s)", (psycopg.types.json.Jsonb(spec),))
    assert dict(tenant.db.execute("SELECT name, id FROM sync_table").fetchall()) == before
    new_bits = dict(tenant.db.execute(bits).fetchall())
    assert new_bits.pop("color") == max(old_bits.values()) + 1
    assert new_bits == old_bits
    assert tenant.one("SELECT active FROM sync_table WHERE name = 'agenda_sala'") is False
    tenant.appointment("2026-11-24T12:00Z")
    tenant.db.execute("UPDATE citas_cita SET notas = 'no longer synced'")
    tenant.db.execute("UPDATE citas_cita SET color = 'red'")
    assert tenant.db.execute("SELECT op, cols FROM sync_log WHERE op = 'U'").fetchall() == [
        ("U", 1 << max(new_bits.values()) + 1)
    ]


@pytest.mark.parametrize(
    "name", ['a"b', "a'b", "{body}", "$body$", "Ñ", "a\\b", "x" * 63, "ñ" * 31]
)
def test_any_name_is_quoted_and_named_after(name: str, tenant: Tenant) -> None:
    """Catches quoting that PostgreSQL reads as something else, and names that it would cut."""
    assert tenant.one(f"SELECT {quote_literal(name)}") == name
    assert tenant.db.execute(f"SELECT 1 AS {quote_identifier(name)}").description[0].name == name
    assert tenant.one(render("SELECT {body}{schema_literal}{body}", name)) == quote_literal(name)
    for derived in (channel(name), device_group(name)):
        assert len(derived.encode()) <= 63
        assert derived.startswith(name[:10])


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 64, "ñ" * 32])
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        quote_identifier(name)
