"""Where a change of a synced table might not be logged, somebody is told."""

from __future__ import annotations

import json

import pytest

from desktop.models import sync_schema
from desktop.services import migrations
from sync import wire
from tests.sync_server.conftest import SCHEMA, Tenant

ROOMS = "agenda_sala"


def problems(tenant: Tenant) -> list[tuple[str, str]]:
    found = tenant.one("SELECT sync_inventory()")
    return [(each["table"], each["problem"]) for each in found]


def test_a_sound_tenant_has_no_problem(tenant: Tenant) -> None:
    """Catches an inventory that cries wolf; and one that looks at no table."""
    assert problems(tenant) == []
    tenant.db.execute("DELETE FROM pg_trigger WHERE tgname LIKE 'sync_capture_%'")
    every = [(table.name, "not_captured") for table in sync_schema().tables]
    assert sorted(problems(tenant)) == sorted(every)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update", "trigger_disabled"),
        ("ALTER TABLE agenda_sala DISABLE TRIGGER ALL", "trigger_disabled"),
        ("ALTER TABLE agenda_sala ENABLE REPLICA TRIGGER sync_capture_insert", "trigger_disabled"),
        ("DROP TRIGGER sync_capture_delete ON agenda_sala", "trigger_missing"),
        ("DROP TRIGGER sync_capture_truncate ON agenda_sala", "trigger_missing"),
        (
            "CREATE TABLE copia (LIKE agenda_sala); ALTER TABLE agenda_sala RENAME TO vieja;"
            " ALTER TABLE copia RENAME TO agenda_sala",
            "not_captured",
        ),
        ("ALTER TABLE agenda_sala RENAME TO sala", "table_missing"),
        ("DROP TABLE agenda_sala CASCADE", "table_missing"),
        (
            "ALTER TABLE agenda_sala RENAME TO sala; CREATE VIEW agenda_sala AS SELECT * FROM sala",
            "table_missing",
        ),
        (
            "CREATE OR REPLACE TRIGGER sync_capture_insert AFTER INSERT ON agenda_sala"
            " REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
            " EXECUTE FUNCTION sync_capture_1()",
            "trigger_replaced",
        ),
        (
            "DO $$ BEGIN EXECUTE replace(replace((SELECT pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgname = 'sync_capture_truncate' AND tgrelid = 'agenda_sala'::regclass),"
            " 'BEFORE TRUNCATE', 'AFTER TRUNCATE'), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER');"
            " END $$",
            "trigger_replaced",
        ),
    ],
)
def test_what_is_wrong_is_found_and_said_to_workstations(
    tenant: Tenant, damage: str, problem: str
) -> None:
    """A disabled trigger, a table without capture and every other way around it."""
    desk = tenant.device().join()
    tenant.db.execute(damage)
    assert problems(tenant) == [(ROOMS, problem)]
    answer = desk.hello()
    assert answer["status"] == "ok"
    assert answer["problems"] == [{"table": ROOMS, "problem": problem}]
    read = wire.hello_answer(json.dumps(answer))
    assert read.problems == (wire.CaptureProblem(ROOMS, problem),)


def test_a_table_that_is_no_longer_synced_is_nobodys_problem(tenant: Tenant) -> None:
    """Catches an inventory of what was registered once and for all."""
    tenant.db.execute("UPDATE sync_table SET active = false WHERE name = 'agenda_sala'")
    tenant.db.execute("DROP TABLE agenda_sala CASCADE")
    assert problems(tenant) == []


def test_a_migration_mends_what_can_be_mended(tenant: Tenant) -> None:
    """Catches an upgrade that keeps a disabled or replaced trigger as it is."""
    tenant.db.execute(
        "ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update;"
        "DROP TRIGGER sync_capture_delete ON agenda_sala;"
        "CREATE OR REPLACE TRIGGER sync_capture_insert AFTER INSERT ON agenda_sala"
        " REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sync_capture_1()"
    )
    kinds = {problem for _, problem in problems(tenant)}
    assert kinds == {"trigger_disabled", "trigger_missing", "trigger_replaced"}
    migrations.upgrade_tenant(tenant.db, SCHEMA)
    assert problems(tenant) == []


def test_an_old_servers_hello_has_no_problems() -> None:
    """Catches a program that needs what a server of version 1 does not say."""
    whole = {"status": "ok", "tenant": "t", "epoch": "e", "profile": "office", "tables": []}
    assert wire.hello_answer(json.dumps(whole)).problems == ()
    with pytest.raises(Exception, match="hello"):
        wire.hello_answer(json.dumps(whole | {"problems": [{"table": "x"}]}))


def test_the_truncation_of_a_table_is_in_the_log(tenant: Tenant) -> None:
    """Catches a TRUNCATE that leaves no trace, also of a table that is empty to whoever empties it."""
    tenant.db.execute(
        "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
        " VALUES (1, 'a', '2026-01-01', now()), (2, 'b', '2026-01-01', now())"
    )
    before = tenant.one("SELECT max(xid)::text::bigint FROM sync_log")
    tenant.db.execute("TRUNCATE finanzas_ingresomanual, finanzas_egresomanual")
    logged = tenant.db.execute(
        "SELECT t.name, l.op, count(*) FROM sync_log l JOIN sync_table t ON t.id = l.tbl"
        " WHERE l.xid::text::bigint > %s GROUP BY 1, 2",
        (before,),
    ).fetchall()
    assert sorted(logged) == [
        ("finanzas_egresomanual", "T", 1),
        ("finanzas_ingresomanual", "D", 2),
        ("finanzas_ingresomanual", "T", 1),
    ]


def test_a_temporary_table_does_not_pass_for_the_tenants(tenant: Tenant) -> None:
    """Catches a look-up by a name that a session's own table answers to."""
    tenant.db.execute("ALTER TABLE agenda_sala RENAME TO sala")
    tenant.db.execute("CREATE TEMP TABLE agenda_sala (id bigint)")
    assert problems(tenant) == [(ROOMS, "table_missing")]
