"""Connections that stand and carry nothing, that break all the time, that break at a bad moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync import store
from sync.bootstrap import bootstrap, finished
from sync.core import Timing
from sync.errors import Unreachable
from sync.transport import PostgresServer
from tests.failures.site import Site
from tests.failures.wire import wired
from tests.sync_client.proxy import proxied
from tests.sync_client.test_engine import Events
from tests.sync_client.world import (
    NOW,
    SCHEMA,
    Desk,
    Maker,
    Tenant,
    connect,
    create_indexes,
    create_tables,
)

QUICK = Timing(poll=0.2, first_pause=0.02, longest_pause=0.05)


def test_crash_of_the_server_between_commit_and_answer(site: Site) -> None:
    """The work is done and nobody was told: the repeat is answered, and done no second time."""
    a = site.station()
    with a.desk.doing():
        a.desk.insert("entry", amount=500)
    with proxied(a.params) as proxy:
        proxy.on_answer = lambda: site.stop(crash=True)
        engine = a.make_engine(server=PostgresServer(proxy.params, site.tenant.name))
        with pytest.raises(Unreachable):
            engine.sync_once()
        assert len(a.desk.pending()) == 1
        site.start()
        assert site.tenant.value("SELECT count(*) FROM entry") == 1
        assert engine.sync_once().pending == 0
        engine.close()
    assert site.tenant.value("SELECT count(*) FROM entry") == 1
    assert a.desk.everything() == site.tenant.everything()


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_half_open_tcp(station: Maker, tenant: Tenant, lost: str) -> None:
    """The connection stands and carries nothing: it is given up in bounded time, and made anew."""
    a = station()
    events = Events()
    with wired(a.params) as wire:
        server = PostgresServer(wire.params, tenant.name, silence=0.3)
        engine = a.make_engine(server=server, timing=QUICK, **events.options())
        engine.start()
        events.wait_state("in_step")
        with a.desk.doing():
            a.desk.insert("entry", amount=500)
        wire.half_open(lost)
        engine.poke()
        events.wait(lambda: "sync.unreachable" in {status.code for status in events.statuses})
        events.wait(lambda: events.statuses[-1].pending == 0)
        events.wait_state("in_step")
        engine.close()
    assert tenant.value("SELECT count(*) FROM entry") == 1
    assert tenant.value("SELECT count(*) FROM sync_device") == 1
    assert a.desk.everything() == tenant.everything()


def test_flapping(station: Maker, tenant: Tenant) -> None:
    """Everything is cut every 50 ms while people work; afterwards all of it is there once."""
    a, b = station(), station()
    events = Events()
    with wired(a.params) as wire:
        engine = a.make_engine(
            server=PostgresServer(wire.params, tenant.name), timing=QUICK, **events.options()
        )
        engine.start()
        with wire.flapping(0.05):
            for number in range(12):
                with a.desk.doing():
                    a.desk.insert("entry", amount=number)
                tenant.query("INSERT INTO person (name) VALUES (%s)", f"web {number}")
                engine.poke(urgent=True)
                cuts = wire.cuts
                events.wait(lambda cuts=cuts: wire.cuts > cuts)
        engine.poke(urgent=True)
        events.wait(lambda: bool(events.statuses) and events.statuses[-1].pending == 0)
        events.wait_state("in_step")
        assert wire.cuts >= 12
        engine.close()
    a.engine.sync_once()
    b.engine.sync_once()
    assert [row["amount"] for row in tenant.everything()["entry"].values()] == list(range(12))
    assert store.rejections(a.desk.execute) == []
    assert tenant.value("SELECT count(*) FROM sync_device") == 2
    assert a.desk.everything() == b.desk.everything() == tenant.everything()


CHUNK = 500
CHUNKS = 30
HANDSHAKE = 16_000
"""Bytes of logging in and of the hello, which come again."""


def load(path: Path, tenant: Tenant, params: dict[str, Any], device: int) -> Any:
    connection = connect(path)
    try:
        bootstrap(
            connection,
            PostgresServer(params, tenant.name),
            SCHEMA,
            device,
            create_tables=create_tables,
            create_indexes=create_indexes,
            clock=lambda: NOW,
            chunk=CHUNK,
        )
    except BaseException:
        connection.close()
        raise
    return connection


@pytest.mark.parametrize("percent", [1, 50, 99])
def test_first_sync_cut(tenant: Tenant, tmp_path: Path, percent: int) -> None:
    """What came over the wire before and after the cut is the whole, and at most one chunk again."""
    tenant.query(
        "INSERT INTO person (name, phone) SELECT 'p' || n, repeat(md5(n::text), 6)"
        " FROM generate_series(1, %s) n",
        CHUNK * CHUNKS,
    )
    device, params = tenant.enroll()
    with wired(params) as wire:
        load(tmp_path / "whole.db", tenant, wire.params, device).close()
        whole = wire.received
    device, params = tenant.enroll()
    path = tmp_path / "cut.db"
    with wired(params) as wire:
        wire.until = whole * percent // 100
        with pytest.raises(Unreachable):
            load(path, tenant, wire.params, device)
        assert wire.until is None
        tenant.query("UPDATE person SET phone = 'changed' WHERE id IN (1, 7000, 14999)")
        with load(path, tenant, wire.params, device) as connection:
            assert finished(connection)
            assert Desk(connection).everything() == tenant.everything()
        connection.close()
        again = wire.received - whole
    assert again <= whole // CHUNKS + HANDSHAKE, (again, whole)
