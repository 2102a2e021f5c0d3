"""A poll says whether an exchange is worth while, and never no where it is."""

from __future__ import annotations

import psycopg
import pytest

from sync import store
from sync.calls import drive
from sync.errors import Revoked
from sync.exchange import polling
from tests.sync_client.world import NOW, SCHEMA, Maker, Station, Tenant


def news(one: Station) -> bool:
    transport = one.server.connect()
    try:
        return drive(polling(one.connection, SCHEMA), transport)
    finally:
        transport.close()


@pytest.mark.usefixtures("only_ours")
def test_where_nothing_happened_nothing_is_written(station: Maker, tenant: Tenant) -> None:
    a, b = station(), station()
    a.engine.sync_once()
    b.engine.sync_once()
    before = tenant.query("SELECT nonce, generation, last_seen FROM sync_device ORDER BY number")
    xid = tenant.value("SELECT pg_snapshot_xmax(pg_current_snapshot())")
    for _ in range(3):
        assert not news(a)
        assert not news(b)
    assert tenant.value("SELECT pg_snapshot_xmax(pg_current_snapshot())") == xid
    assert before == tenant.query(
        "SELECT nonce, generation, last_seen FROM sync_device ORDER BY number"
    )
    # What a wrote is news to b alone.
    with a.desk.doing():
        a.desk.insert("person", name="x")
    assert news(a)
    a.engine.sync_once()
    assert not news(a)
    assert news(b)
    b.engine.sync_once()
    assert not news(b)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO person (name) VALUES ('x')",
        "TRUNCATE visit",
        "UPDATE sync_device SET revoked_at = now()",
        "UPDATE sync_device SET nonce = gen_random_uuid()",
        "UPDATE sync_device SET generation = generation - 1",
        "UPDATE sync_device SET generation = generation + 1",
        "UPDATE sync_device SET role_name = 'somebody'",
        "UPDATE sync_meta SET epoch = gen_random_uuid()",
        "UPDATE sync_meta SET schema_version = schema_version + 1",
        "UPDATE sync_meta SET horizon = pg_snapshot_xmax(pg_current_snapshot())::text::xid8",
    ],
)
def test_whatever_an_exchange_would_say_is_worth_one(
    station: Maker, tenant: Tenant, change: str
) -> None:
    a = station()
    a.engine.sync_once()
    assert not news(a)
    if "horizon" in change:
        tenant.query("CREATE TABLE other AS SELECT 1")  # a transaction that is nobody's business
    tenant.query(change)
    assert news(a)


def test_a_transaction_that_commits_late_is_news_then(station: Maker, tenant: Tenant) -> None:
    a = station()
    with psycopg.connect(tenant.dsn) as late:
        late.execute(f'SET search_path = "{tenant.name}"'.encode())
        late.execute("INSERT INTO person (name) VALUES ('late')")
        tenant.query("INSERT INTO person (name) VALUES ('early')")
        a.engine.sync_once()
        late.commit()
    assert news(a)
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()
    assert not news(a)


@pytest.mark.usefixtures("only_ours")
def test_what_was_at_work_before_an_edit_of_ones_own_is_news_then(
    station: Maker, tenant: Tenant
) -> None:
    """Its number is below the edit's, which the end of the log shows."""
    a = station()
    a.engine.sync_once()
    with psycopg.connect(tenant.dsn) as late:
        late.execute(f'SET search_path = "{tenant.name}"'.encode())
        late.execute("INSERT INTO person (name) VALUES ('late')")
        with a.desk.doing():
            a.desk.insert("person", name="x")
        a.engine.sync_once()
        seen, _, own = (store.get_state(a.desk.execute, "cursor") or "").partition("|")
        lowest, edge = seen.split(":")[:2]
        assert lowest == edge
        assert int(own) > int(edge)
        assert not news(a)
        late.commit()
    assert news(a)
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()
    assert not news(a)


def test_while_the_schema_is_migrated_the_exchange_says_so(station: Maker, tenant: Tenant) -> None:
    a = station()
    with psycopg.connect(tenant.dsn) as migration:
        migration.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))", (tenant.name,)
        )
        assert news(a)
    a.engine.sync_once()
    assert not news(a)


@pytest.mark.parametrize("key", ["exchange", "refetch", "comparing"])
def test_what_is_unfinished_goes_on_without_asking(station: Maker, key: str) -> None:
    a = station()
    a.engine.sync_once()
    store.set_state(a.desk.execute, key, "x")
    with pytest.raises(StopIteration) as ended:
        next(polling(a.connection, SCHEMA))
    assert ended.value.value is True


def test_a_workstation_that_was_shut_out_learns_it_by_the_next_exchange(
    station: Maker, tenant: Tenant
) -> None:
    a = station()
    a.engine.sync_once()
    tenant.query("UPDATE sync_device SET revoked_at = now()")
    assert news(a)
    with pytest.raises(Revoked):
        a.engine.sync_once()
    assert a.engine.status().last_sync == NOW
