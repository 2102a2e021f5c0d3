from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
def station(tenant: Tenant, tmp_path: Path) -> Iterator[Maker]:
    """Makes workstations that joined the tenant."""
    made: list[Station] = []

    def make(**options: Any) -> Station:
        made.append(Station(tenant, tmp_path / f"cache{len(made)}.db", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
