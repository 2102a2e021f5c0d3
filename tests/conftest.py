"""What every test may ask for, and what no test may do."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
import keyring.backends.fail
import psycopg
import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
os.environ.setdefault("LANG", "C.UTF-8")
os.environ["PGTZ"] = "UTC"

from desktop.domain import messages
from desktop.domain.actor import Actor
from tests.support import cluster, embedded
from tests.support.memory_keyring import MemoryKeyring
from tests.support.offences import Forbidden, Offences
from tests.support.strict_keyring import no_real_keyring
from tests.support.strict_network import loopback_only
from tests.support.strict_qt import watching_qt
from tests.support.strictness import Collector, hushed_loggers, log_lines, no_thread_left

settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=int(os.environ.get("CONSULTORIO_EXAMPLES", "60")),
    derandomize=True,
)
settings.load_profile("default")


PATIENCE_SECONDS = 5.0


@pytest.fixture(scope="session", autouse=True)
def _offences() -> Iterator[Offences]:
    """Keeps the network and the keyring out of reach from the first fixture to the last."""
    offences = Offences()
    own_server = os.environ.get("CONSULTORIO_TEST_DSN")
    with loopback_only(offences, own_server), no_real_keyring(offences):
        yield offences
    found = offences.take()
    if found:
        raise Forbidden("\n".join(found))


@pytest.fixture(autouse=True)
def strict(request: pytest.FixtureRequest, _offences: Offences) -> Iterator[Collector]:
    """Fails on unexpected log lines, connections that leave the computer, use of its keyring, and
    leaked threads, timers and windows.

    Ask for it by name to announce log lines: ``strict.expect("sync", "gone")``.
    """
    node, failures = request.node, request.session.testsfailed
    with (
        log_lines() as collector,
        watching_qt() as watch,
        no_thread_left(_offences, PATIENCE_SECONDS),
    ):
        yield collector
        # The traceback of a failed test keeps its widgets alive: no second accusation.
        if request.session.testsfailed == failures:
            for left in watch.left(PATIENCE_SECONDS, node.funcargs.clear):
                _offences.add(left)
    for hushed in hushed_loggers():
        _offences.add(hushed)
    found = _offences.take()
    if found:
        raise Forbidden("\n".join(found))
    collector.verify()


@pytest.fixture(autouse=True)
def _spanish() -> Iterator[None]:
    messages.set_language("es")
    yield
    messages.set_language("es")


@pytest.fixture(autouse=True)
def memory_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring(memory_keyring: MemoryKeyring) -> None:
    """This computer has nowhere to keep a secret."""
    keyring.set_keyring(keyring.backends.fail.Keyring())


@pytest.fixture(scope="session")
def postgres() -> Iterator[embedded.Server]:
    """A real server (PostgreSQL 18, or your own by ``CONSULTORIO_TEST_DSN``)."""
    with embedded.temporary() as server:
        yield server


@contextmanager
def offered(version: int, postgres: embedded.Server) -> Iterator[embedded.Server]:
    """A server of that version; a test is skipped where there is none."""
    if postgres.version == version:
        yield postgres
        return
    if os.environ.get("CONSULTORIO_TEST_DSN"):
        pytest.skip(f"PostgreSQL {version} is not the server given by CONSULTORIO_TEST_DSN")
    if cluster.binaries(version) is None:
        pytest.skip(f"Debian's package postgresql-{version} is not installed")
    with embedded.temporary(version) as server:
        yield server


@pytest.fixture(scope="session", params=embedded.OFFERED)
def any_postgres(
    request: pytest.FixtureRequest, postgres: embedded.Server
) -> Iterator[embedded.Server]:
    """Each server version that is at hand."""
    with offered(request.param, postgres) as server:
        yield server


@pytest.fixture
def pg_database(postgres: embedded.Server) -> Iterator[str]:
    """The DSN of a fresh, empty database."""
    with postgres.database() as dsn:
        yield dsn


@pytest.fixture
def pg(pg_database: str) -> Iterator[psycopg.Connection]:
    """A superuser's autocommit connection to a fresh database."""
    with psycopg.connect(pg_database, autocommit=True) as connection:
        yield connection


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def forward(self, **amount: float) -> None:
        self.moment += dt.timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    """Monday 23 November 2026, 09:00 in Santiago, until moved."""
    return Clock()


@pytest.fixture
def key() -> bytes:
    return secrets.token_bytes(32)


@pytest.fixture
def cache(tmp_path: Path, key: bytes, clock: Clock) -> Iterator[object]:
    """A fresh encrypted cache of device 1, profile office, empty but for its schema."""
    from desktop.services.cache import Cache, executor
    from sync import store

    path = tmp_path / "cache.db"
    opened = Cache.open(path, key, clock=clock)
    with opened.writing_local() as session:
        store.set_device(executor(session), 1)
    yield opened
    opened.close()


@pytest.fixture
def administrator() -> Actor:
    from desktop.domain.permissions import ALL

    return Actor(
        staff_id=1, name="Ana Admin", username="admin", role="general", permissions=frozenset(ALL)
    )
