"""Every way in which sync can fail, on a real server and with real encrypted caches.

``docs/failures.md`` says which test shows which case. ``CONSULTORIO_FAILURES=all`` (``make failures``)
runs them on every version of PostgreSQL that is at hand instead of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import offered
from tests.failures.site import Site
from tests.support import cluster, embedded
from tests.sync_client.world import Maker, Station, Tenant

ALL = os.environ.get("CONSULTORIO_FAILURES") == "all"
VERSIONS = embedded.OFFERED if ALL else (embedded.DEFAULT_VERSION,)


@pytest.fixture(scope="session", params=VERSIONS)
def any_postgres(
    request: pytest.FixtureRequest, postgres: embedded.Server
) -> Iterator[embedded.Server]:
    """Each version of the server that this run is about."""
    with offered(request.param, postgres) as server:
        yield server


@pytest.fixture
def pg_database(any_postgres: embedded.Server) -> Iterator[str]:
    """The DSN of a fresh, empty database."""
    with any_postgres.database() as dsn:
        yield dsn


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


@pytest.fixture
def other(tenant: Tenant) -> Iterator[psycopg.Connection]:
    """Another program's connection, whose transactions end when the test ends them."""
    with psycopg.connect(tenant.dsn) as connection:
        connection.execute(f'SET search_path = "{tenant.name}"'.encode())
        connection.commit()
        yield connection


@pytest.fixture(params=VERSIONS)
def new_cluster(request: pytest.FixtureRequest) -> Iterator[Callable[[], cluster.Cluster]]:
    """Makes clusters that a test may stop, copy and put back, all of one version."""
    if cluster.binaries(request.param) is None:
        pytest.skip(f"Debian's package postgresql-{request.param} is not installed")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(cluster.running(request.param, embedded.HBA))


@pytest.fixture
def site(new_cluster: Callable[[], cluster.Cluster], tmp_path: Path) -> Iterator[Site]:
    """A clinic in a cluster of its own."""
    made = Site(new_cluster(), tmp_path)
    yield made
    made.close()
