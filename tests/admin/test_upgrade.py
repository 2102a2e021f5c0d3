"""A clinic that an older program made: an upgrade loses nothing of it, and its workstations go on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop.models import SCHEMA_VERSION, sync_schema
from desktop.services import migrations
from tests.admin.test_migrations import FROZEN, differences
from tests.support import embedded

SCHEMA = "clinica"
COLUMNS = {table.name: list(table.column_names) for table in sync_schema().tables}
ANA = (1 << 39) + 1


@pytest.fixture
def old(any_postgres: embedded.Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The frozen clinic's connection, and what its workstation holds."""
    text = Path(FROZEN / f"tenant-{getattr(request, 'param', '0001')}.sql").read_text("utf-8")
    held = json.loads(text.splitlines()[0].partition("holds: ")[2])
    with any_postgres.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as loading:
            loading.execute(text)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"SET search_path = {SCHEMA}; SET timezone = 'UTC'")
            connection.execute("UPDATE sync_device SET role_name = session_user")
            yield connection, held


def contents(connection: psycopg.Connection, columns: dict[str, list[str]]) -> dict[str, list]:
    return {
        table: sorted(
            connection.execute(
                sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
                )
            ).fetchall(),
            key=repr,
        )
        for table, names in columns.items()
    }


def columns_there(connection: psycopg.Connection) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)"
        " FROM information_schema.columns WHERE table_schema = %s"
        " AND table_name <> %s GROUP BY 1",
        (SCHEMA, migrations.VERSION_TABLE),
    ).fetchall()
    return dict(rows)


def call(connection: psycopg.Connection, function: str, **request: Any) -> dict[str, Any]:
    """As the program of version 1 asks."""
    whole = {"protocol": 1, "schema_version": 1, "device": 1} | request
    row = connection.execute(
        sql.SQL("SELECT {}(%s::jsonb)::text").format(sql.Identifier(SCHEMA, function)),
        (json.dumps(whole),),
    ).fetchone()
    assert row is not None
    answer: dict[str, Any] = json.loads(row[0])
    return answer


@pytest.mark.parametrize("old", ["0001", "0002"], indirect=True)
def test_an_upgrade_loses_no_row_of_any_table(old: Any) -> None:
    """Catches a log, results or devices that an upgrade makes anew instead of keeping."""
    connection, _ = old
    columns = columns_there(connection)
    columns["sync_meta"].remove("schema_version")
    columns["sync_table"].remove("columns")
    before = contents(connection, columns)
    assert len(before["sync_log"]) >= 6
    assert len(before["pacientes_cliente"]) == 3
    migrations.upgrade_tenant(connection, SCHEMA)
    connection.execute(f"SET search_path = {SCHEMA}")
    assert contents(connection, columns) == before
    assert migrations.tenant_version(connection, SCHEMA) == migrations.head_version()
    assert differences(connection, SCHEMA) == []
    meta = connection.execute("SELECT schema_version, min_client_version FROM sync_meta").fetchone()
    assert meta == (SCHEMA_VERSION, 1)


def test_a_cursor_taken_before_the_upgrade_still_brings_what_it_has_not_seen(old: Any) -> None:
    """By a program of version 1, too. Catches log rows that an upgrade gives another number."""
    connection, held = old
    migrations.upgrade_tenant(connection, SCHEMA)
    asked = {key: held[key] for key in ("nonce", "epoch", "cursor")}

    def exchange(**more: Any) -> dict[str, Any]:
        return call(connection, "sync_exchange", **(asked | {"exchange": str(uuid.uuid4())} | more))

    assert exchange()["status"] == "hello"
    assert call(connection, "sync_hello", columns=COLUMNS)["status"] == "ok"
    again = {"tx": held["tx"], "actor": None, "label": "client.create"}
    operation = {"t": "pacientes_cliente", "id": ANA, "k": "I", "old": {}, "new": {"email": "x"}}
    connection.execute("DELETE FROM pacientes_cliente WHERE id = %s", (ANA,))
    answer = exchange(push=[again | {"ops": [operation]}])
    assert answer["status"] == "ok"
    assert answer["results"] == [{"tx": held["tx"], "status": "applied"}]
    brought = {c["t"]: ({row[0] for row in c["rows"]}, c["gone"]) for c in answer["changes"]}
    assert brought == {"agenda_sala": (set(), [1]), "pacientes_cliente": ({1, 2}, [ANA])}
    asked |= {"nonce": answer["nonce"], "cursor": answer["cursor"]}
    assert exchange()["changes"] == []
    assert connection.execute("SELECT count(*) FROM pacientes_cliente").fetchone() == (2,)


def test_an_upgrade_is_taken_back_with_all_that_the_old_form_holds(old: Any) -> None:
    """Catches a way back that loses the log."""
    connection, _ = old
    columns = columns_there(connection)
    columns["sync_meta"].remove("schema_version")
    columns["sync_table"].remove("columns")
    before = contents(connection, columns)
    migrations.upgrade_tenant(connection, SCHEMA)
    migrations.downgrade_tenant(connection, SCHEMA, "0001")
    connection.execute(f"SET search_path = {SCHEMA}")
    assert columns_there(connection).keys() == columns.keys()
    assert contents(connection, columns) == before


def test_every_revision_before_the_newest_has_its_frozen_clinic() -> None:
    frozen = {path.stem.removeprefix("tenant-") for path in FROZEN.glob("tenant-*.sql")}
    assert frozen == migrations.known_versions() - {migrations.head_version()}
