"""What an answer brings itself, and what it names for later; rows that are read in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg import sql

from tests.sync_server.conftest import SCHEMA, Tenant, Workstation, op, transaction

CLIENTS = "pacientes_cliente"
INCOME = (
    "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
    " SELECT n, 'a', '2026-01-01', now() FROM generate_series(1, {}) n"
)


def clients(tenant: Tenant, count: int) -> list[int]:
    return [tenant.client(f"Persona {n}") for n in range(count)]


def changed(tenant: Tenant, ids: list[int]) -> None:
    tenant.db.execute("UPDATE pacientes_cliente SET notas = 'x' WHERE id = ANY (%s)", (ids,))


def pulled(
    one: Workstation, inline: int | None, *push: dict, table: str = CLIENTS
) -> dict[str, Any]:
    """What an exchange says of a table."""
    request = one.request(*push) | ({} if inline is None else {"inline": inline})
    answer = one.take(one.call("sync_exchange", **request))
    return next(change for change in answer["changes"] if change["t"] == table)


def read(one: Workstation, *, after: int = 0, limit: int = 1000, volume: int | None) -> list[Any]:
    rows = one.connection.execute(
        sql.SQL("SELECT * FROM {}(%s, %s, %s, %s, %s)").format(sql.Identifier(SCHEMA, "sync_read")),
        (one.number, CLIENTS, after, limit, volume),
    ).fetchall()
    return [json.loads(row[0]) for row in rows]


def read_ids(one: Workstation, ids: list[int], volume: int | None) -> list[Any]:
    rows = one.connection.execute(
        sql.SQL("SELECT * FROM {}(%s, %s, %s::bigint[], %s)").format(
            sql.Identifier(SCHEMA, "sync_read_ids")
        ),
        (one.number, CLIENTS, ids, volume),
    ).fetchall()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.parametrize("inline", [None, 0, 1, 900, 2500, 10**9])
def test_what_does_not_come_is_named(tenant: Tenant, inline: int | None) -> None:
    """Catches rows that are left out, that come twice, and answers as large as their rows."""
    one = tenant.device().join()
    ids = clients(tenant, 30)
    one.exchange()
    changed(tenant, ids[:25])
    tenant.db.execute("DELETE FROM pacientes_cliente WHERE id = ANY (%s)", (ids[20:22],))
    change = pulled(one, inline)
    came = [row[0] for row in change["rows"]]
    assert [*came, *change["later"]] == [*ids[:20], *ids[22:25]]
    assert change["gone"] == ids[20:22]
    assert not change["all"]
    text = len(json.dumps(change["rows"]).encode())
    if inline is None or inline > 10**6:
        assert change["later"] == []
    else:
        # The row that reaches the limit is the last one.
        assert text <= inline + 1200
        assert bool(came) == bool(inline)


def test_what_is_pushed_comes_whole_beside_what_does_not(tenant: Tenant) -> None:
    """Catches an acknowledgement without what the server made of the work."""
    one = tenant.device().join()
    ids = clients(tenant, 12)
    one.exchange()
    changed(tenant, ids)
    mine = [ids[3], ids[9]]
    push = transaction(
        *(op("U", CLIENTS, row, {"telefono": "+56900000000"}, {"telefono": "1"}) for row in mine)
    )
    change = pulled(one, 0, push)
    assert [row[0] for row in change["rows"]] == mine
    assert change["later"] == [row for row in ids if row not in mine]
    assert {row["notas"] for row in one.rows[CLIENTS].values() if row} >= {"x"}


def test_the_limit_is_one_for_all_tables(tenant: Tenant) -> None:
    """Catches a limit that begins anew with each table."""
    one = tenant.device().join()
    staff = tenant.staff()
    visits = [tenant.appointment(f"2027-01-{n:02}T10:00Z", staff=staff) for n in range(1, 10)]
    one.exchange()
    changed(tenant, clients(tenant, 9))
    tenant.db.execute("UPDATE citas_cita SET notas = 'x'")
    answer = one.take(one.call("sync_exchange", **one.request(), inline=1))
    by_table = {c["t"]: (len(c["rows"]), len(c["later"])) for c in answer["changes"]}
    assert sorted(rows for rows, _ in by_table.values())[:-1] == [0] * (len(by_table) - 1)
    assert sum(by_table["citas_cita"]) == len(visits)
    assert sum(by_table[CLIENTS]) == 9


def test_a_table_that_comes_whole_is_named_whole(tenant: Tenant) -> None:
    """Catches a truncation after which what is not inline passes for gone."""
    one = tenant.device().join()
    tenant.db.execute(INCOME.format(5))
    one.exchange()
    tenant.db.execute("TRUNCATE finanzas_ingresomanual")
    tenant.db.execute(INCOME.format(8))
    ids = [id_ for (id_,) in tenant.db.execute("SELECT id FROM finanzas_ingresomanual ORDER BY id")]
    cursor = one.cursor
    for inline, here in ((0, 0), (1, 1), (10**9, 8)):
        one.cursor = cursor
        change = pulled(one, inline, table="finanzas_ingresomanual")
        assert change["all"]
        assert [*(row[0] for row in change["rows"]), *change["later"]] == ids
        assert len(change["rows"]) == here


def test_reading_stops_where_the_volume_is_full_and_says_so(tenant: Tenant) -> None:
    """Catches pieces that pass for the whole, and ones without an end."""
    one = tenant.device().join()
    ids = clients(tenant, 7)
    assert [row[0] for row in read(one, volume=None)] == ids
    assert [row[0] for row in read(one, volume=10**9)] == ids
    assert [row[0] for row in read(one, limit=3, volume=10**9)] == ids[:3]
    found: list[int] = []
    while True:
        *rows, last = read(one, after=found[-1] if found else 0, volume=1) or [None]
        if last is None:
            break
        assert last == {"more": True}
        found += [row[0] for row in rows]
        assert len(rows) == 1
    assert found == ids
    first, more = read_ids(one, [ids[5], ids[2]], 1)
    assert (first[0], more) == (ids[2], {"more": True})
    assert [row[0] for row in read_ids(one, [ids[5], ids[2], 999], None)] == [ids[2], ids[5]]
    assert read_ids(one, [], 1) == []
