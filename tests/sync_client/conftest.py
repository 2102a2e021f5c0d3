from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import Server
from tests.sync_client.world import Desk, Maker, Station, Tenant, fresh


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A prepared cache of device 1 that was never synced."""
    connection = fresh(tmp_path / "cache.db")
    yield Desk(connection)
    connection.close()


@pytest.fixture
def tenant(pg_database: str) -> Iterator[Tenant]:
    made = Tenant(pg_database)
    yield made
    made.close()


@pytest.fixture
def only_ours(postgres: Server) -> Iterator[None]:
    """Transactions get their numbers from us alone: the server does not tidy up meanwhile."""
    with postgres.connect() as admin:
        admin.execute("ALTER SYSTEM SET autovacuum = off")
        admin.execute("SELECT pg_reload_conf()")
        while admin.execute(
            "SELECT FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum %'"
        ).fetchone():
            pass
        yield
        admin.execute("ALTER SYSTEM RESET autovacuum")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture
def station(tenant: Tenant, tmp_path: Path) -> Iterator[Maker]:
    """Makes workstations that joined the tenant."""
    made: list[Station] = []

    def make(**options: Any) -> Station:
        made.append(Station(tenant, tmp_path / f"cache{len(made)}.db", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
