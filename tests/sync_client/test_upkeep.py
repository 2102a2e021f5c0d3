"""A workstation sees to the server's log when it is asked to, and no failure comes of it."""

from __future__ import annotations

import json
from contextlib import closing

from sync.transport import PostgresServer
from tests.sync_client.world import Maker, Tenant


def test_a_workstation_does_it_when_it_is_due(station: Maker, tenant: Tenant) -> None:
    """Catches an engine that passes over what it is asked, and a role that may not call it."""
    a = station()
    tenant.query("UPDATE sync_meta SET upkeep_at = NULL")
    a.engine.sync_once()
    assert tenant.value("SELECT upkeep_at > now() - interval '1 minute' FROM sync_meta")
    with closing(a.server.connect()) as transport:
        assert json.loads(transport.upkeep()) == {"status": "recent"}


def test_a_server_that_cannot_is_no_trouble(station: Maker, tenant: Tenant) -> None:
    """Catches a sync that fails for something that nothing depends on."""
    a = station()
    tenant.query("UPDATE sync_meta SET upkeep_at = NULL")
    tenant.query("ALTER FUNCTION sync_upkeep() RENAME TO sync_other")
    assert a.engine.sync_once().state == "in_step"
    with a.desk.doing():
        a.desk.insert("person", name="mine")
    assert a.engine.sync_once().pending == 0
    assert tenant.value("SELECT upkeep_at IS NULL FROM sync_meta")


def test_a_clinics_name_may_hold_anything(pg_database: str) -> None:
    """Catches a name with a percent sign in a call without parameters."""
    tenant = Tenant(pg_database, 'Al 100% "Sano" %s')
    try:
        _, params = tenant.enroll()
        with closing(PostgresServer(params, tenant.name).connect()) as transport:
            assert json.loads(transport.upkeep())["status"] == "ok"
    finally:
        tenant.close()
