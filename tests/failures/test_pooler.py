"""PgBouncer in transaction mode between the workstations and the server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync.core import Timing
from sync.errors import AccessRefused
from sync.transport import PostgresServer
from tests.failures.site import Site
from tests.support.cluster import UNPRIVILEGED
from tests.sync_client.test_engine import Events
from tests.sync_client.world import Station

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

Pooler = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def pooler(site: Site, tmp_path: Path) -> Iterator[Pooler]:
    """Starts the pooler for one role; the parameters that lead through it."""
    if PROGRAM is None:
        pytest.skip("Debian's package pgbouncer is not installed")
    running: list[subprocess.Popen[bytes]] = []

    def start(params: dict[str, Any]) -> dict[str, Any]:
        folder = site.cluster.folder / "pooler"
        folder.mkdir()
        folder.chmod(0o777)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "users").write_text(f'"{params["user"]}" "{params["password"]}"\n')
        (folder / "ini").write_text(
            f"[databases]\n{params['dbname']} = host={params['host']}\n"
            f"[pgbouncer]\npool_mode = transaction\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {folder}/users\n"
            f"default_pool_size = 2\nserver_login_retry = 0.1\nquery_wait_timeout = 1\n"
        )
        as_user = ["setpriv", f"--reuid={UNPRIVILEGED}", "--clear-groups"]
        running.append(
            subprocess.Popen(
                [*(as_user if os.geteuid() == 0 else []), str(PROGRAM), str(folder / "ini")],
                stderr=subprocess.PIPE,
            )
        )
        log = running[-1].stderr
        assert log is not None
        for line in iter(log.readline, b""):
            if b"process up" in line:
                return {**params, "host": "127.0.0.1", "hostaddr": "127.0.0.1", "port": port}
        raise AssertionError("pgbouncer did not start")

    yield start
    for one in running:
        one.send_signal(signal.SIGTERM)
        one.communicate(timeout=10)


def through(site: Site, pooler: Pooler, **options: Any) -> Station:
    """A workstation that joined and works through the pooler."""
    number, params = site.tenant.enroll()
    return site.station(enrolled=(number, pooler(params)), **options)


def test_pooler_in_between(site: Site, pooler: Pooler) -> None:
    """No wake-up comes through it; polling carries, and work goes both ways."""
    events = Events()
    a = through(site, pooler, timing=Timing(poll=0.1), **events.options())
    b = site.station()
    a.engine.start()
    events.wait_state("in_step")
    with a.desk.doing():
        ana = a.desk.insert("person", name="Ana")
        a.desk.insert("entry", person_id=ana, amount=500)
    a.engine.poke()
    events.wait(lambda: site.tenant.value("SELECT count(*) FROM entry") == 1)
    b.engine.sync_once()
    for number in range(5):
        with b.desk.doing():
            b.desk.update("person", ana, phone=str(number))
        b.engine.sync_once()
        seen = str(number)
        events.wait(lambda seen=seen: a.desk.rows("person")[ana]["phone"] == seen)
    a.engine.stop()
    b.engine.sync_once()
    assert a.desk.everything() == b.desk.everything() == site.tenant.everything()


def test_pooler_leaves_nothing_behind_on_its_connections(site: Site, pooler: Pooler) -> None:
    """Connections are shared with others: no setting, no lock and no prepared statement stays."""
    a = through(site, pooler)
    with a.desk.doing():
        a.desk.insert("person", name="Ana")
    a.engine.sync_once()
    with psycopg.connect(autocommit=True, **a.params) as shared:
        left = shared.execute(
            "SELECT current_setting('sync.device', true), current_setting('sync.actor', true),"
            " current_setting('lock_timeout'), current_setting('search_path'),"
            " (SELECT count(*) FROM pg_prepared_statements),"
            " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
        ).fetchone()
    assert left is not None
    assert (left[0] or "", left[1] or "", *left[2:]) == ("", "", "0", '"$user", public', 0, 0)


def test_pooler_whose_server_is_away(site: Site, pooler: Pooler) -> None:
    """The pooler answers that nobody is behind it: that is no refusal, and work goes on after it."""
    events = Events()
    a = through(
        site,
        pooler,
        timing=Timing(poll=0.1, first_pause=0.1, longest_pause=0.2),
        **events.options(),
    )
    a.engine.start()
    events.wait_state("in_step")
    site.stop()
    events.wait_state("offline", "sync.unreachable")
    with a.desk.doing():
        a.desk.insert("person", name="Ana")
    # A new login, too, is kept waiting by the pooler and then refused.
    refused = len(events.statuses)
    a.engine.poke()
    events.wait(lambda: len(events.statuses) > refused and events.statuses[-1].pending == 1)
    assert {status.code for status in events.statuses} <= {None, "sync.unreachable"}
    site.start()
    events.wait(lambda: events.statuses[-1].pending == 0)
    events.wait_state("in_step")
    assert {status.code for status in events.statuses} <= {None, "sync.unreachable"}
    a.engine.stop()
    assert site.tenant.value("SELECT count(*) FROM person") == 1


def test_an_option_of_ones_own_is_not_dropped_for_a_pooler(site: Site, pooler: Pooler) -> None:
    _, params = site.tenant.enroll()
    given = {**pooler(params), "options": "-c lock_timeout=20ms"}
    with pytest.raises(AccessRefused):
        PostgresServer(given, site.tenant.name).connect()
