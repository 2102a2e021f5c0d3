"""The clinic's tables are upgraded while workstations work, some of them with an older program."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from sync import server as sync_server
from sync import store
from sync.engine import SyncEngine
from sync.errors import Migrating, Unreachable
from sync.schema import TableSpec, build
from sync.transport import PostgresServer
from tests.sync_client.proxy import proxied
from tests.sync_client.world import (
    EVERYBODY,
    NOW,
    SCHEMA,
    Maker,
    Station,
    Tenant,
    connect,
    metadata,
)


def newer() -> sa.MetaData:
    """The product's tables a version later: a client has a nickname."""
    made = sa.MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(made)
    made.tables["person"].append_column(sa.Column("nickname", sa.Text))
    return made


NEWER = build(
    newer(),
    [
        TableSpec("account", EVERYBODY, frozenset(), born_on_server=True),
        TableSpec("person", EVERYBODY, EVERYBODY),
        TableSpec("visit", EVERYBODY, EVERYBODY),
        TableSpec("entry", EVERYBODY, frozenset({"office"}), append_only=True),
    ],
    version=SCHEMA.version + 1,
)


def migrate(tenant: Tenant) -> None:
    """Upgrade the schema, as the product's migrations do: alone, and in one transaction."""
    with psycopg.connect(tenant.dsn) as db:
        db.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))", (tenant.name,)
        )
        db.execute(f'SET LOCAL search_path = "{tenant.name}"'.encode())
        db.execute("ALTER TABLE person ADD COLUMN nickname text DEFAULT 'none'")

        def run(statement: str) -> object:
            return db.execute(statement.encode())

        sync_server.install_functions(run, tenant.name, NEWER)


def upgrade(one: Station) -> SyncEngine:
    """The workstation starts the newer program: its cache gets the column, its engine knows it."""
    one.engine.close()
    one.connection.execute('ALTER TABLE person ADD COLUMN "nickname" TEXT')
    store.prepare(one.connection, NEWER)
    return SyncEngine(lambda: connect(one.path), one.server, NEWER, clock=lambda: NOW)


def test_migration_between_commit_and_answer(station: Maker, tenant: Tenant) -> None:
    """The answer is lost and the tables change: greeted anew, the repeat does nothing twice."""
    a = station()
    with a.desk.doing():
        ana = a.desk.insert("person", name="Ana")
        a.desk.insert("entry", person_id=ana, amount=500)
    with proxied(a.params) as proxy:
        proxy.on_answer = lambda: migrate(tenant)
        engine = a.make_engine(server=PostgresServer(proxy.params, tenant.name))
        with pytest.raises(Unreachable):
            engine.sync_once()
        with a.desk.doing():
            a.desk.update("person", ana, phone="typed during the migration")
        status = engine.sync_once()
        engine.close()
    assert (status.pending, status.rejected) == (0, 0)
    assert tenant.value("SELECT count(*) FROM entry") == 1
    assert tenant.query("SELECT phone, nickname FROM person") == [
        ("typed during the migration", "none")
    ]
    assert tenant.value("SELECT count(*) FROM sync_device") == 1
    assert a.desk.everything() == tenant.everything()


def test_migration_while_an_exchange_is_on_its_way(station: Maker, tenant: Tenant) -> None:
    """Who arrives during it is told to come back, and finds the new tables then."""
    a = station()
    with a.desk.doing():
        a.desk.insert("person", name="Ana")
    migration = psycopg.connect(tenant.dsn)
    started: list[bool] = []

    def begin(point: str) -> None:
        if point == "before_send" and not started:
            started.append(True)
            migration.execute(
                "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))",
                (tenant.name,),
            )

    engine = a.make_engine(fault=begin)
    with pytest.raises(Migrating):
        engine.sync_once()
    assert len(a.desk.pending()) == 1
    migration.close()
    migrate(tenant)
    assert engine.sync_once().pending == 0
    engine.close()
    assert tenant.query("SELECT name, nickname FROM person") == [("Ana", "none")]


def test_older_client_newer_column(station: Maker, tenant: Tenant) -> None:
    """It never blanks what it does not know, and has all of it once it is upgraded."""
    tenant.query(
        "INSERT INTO person (name, phone) SELECT n::text, '1' FROM generate_series(1, 5) n"
    )
    old, new = station(), station()
    migrate(tenant)
    tenant.query("UPDATE person SET nickname = 'nick ' || id")
    engine = upgrade(new)
    engine.sync_once()
    first, second, third, fourth, _ = old.desk.rows("person")
    with old.desk.doing():
        old.desk.update("person", first, name="edited by the older", phone=None)
        mine = old.desk.insert("person", name="made by the older")
        old.desk.delete("person", second)
    with new.desk.doing():
        new.desk.update("person", first, nickname="edited by the newer")
        new.desk.update("person", third, nickname="other", phone="2")
    engine.sync_once()
    assert old.engine.sync_once().rejected == 0
    with old.desk.doing():
        old.desk.update("person", third, name="after the newer's")
        old.desk.update("person", fourth, phone="3")
    assert old.engine.sync_once().rejected == 0
    engine.sync_once()
    there = dict(tenant.query("SELECT id, nickname FROM person"))
    assert there == {
        first: "edited by the newer",
        third: "other",
        fourth: "nick 4",
        5: "nick 5",
        mine: "none",
    }
    # The older program's rows have everything else, and the upgraded one's have all.
    assert old.desk.everything() == tenant.everything()
    engine.close()
    for one in (old, new):
        upgraded = upgrade(old) if one is old else engine
        if one is old:
            assert upgraded.sync_once().pending == 0
            upgraded.close()
        here = dict(one.connection.execute("SELECT id, nickname FROM person").fetchall())
        assert here == there
    new.engine = engine
    old.engine = old.make_engine()
