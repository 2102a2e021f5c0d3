"""Killed or cut off anywhere, a workstation loses nothing and does nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sync import store
from sync.bootstrap import bootstrap, finished
from sync.engine import SyncEngine
from sync.errors import Cancelled, IncompleteLoad, Unreachable
from sync.transport import PostgresServer, PostgresTransport
from sync.wire import read_rows
from tests.sync_client.proxy import proxied
from tests.sync_client.world import (
    NOW,
    SCHEMA,
    Desk,
    Maker,
    Station,
    Tenant,
    connect,
    create_indexes,
    create_tables,
)

ROOT = Path(__file__).parents[2]
EXCHANGE_POINTS = [
    "before_send",
    "after_receive",
    "results_settled",
    "rows_laid_down",
    "pending_laid_over",
    "before_commit",
    "after_commit",
]


def start(**task: Any) -> subprocess.Popen[bytes]:
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.sync_client.victim"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert victim.stdin is not None
    victim.stdin.write(json.dumps({"times": 1, "point": "", **task}).encode())
    victim.stdin.close()
    victim.stdin = None
    return victim


def killed(victim: subprocess.Popen[bytes]) -> None:
    _, errors = victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL, errors.decode()


def day(a: Station, tenant: Tenant) -> dict[str, str]:
    """An applied, a refused and a dependent transaction wait; the server has news."""
    tenant.query("INSERT INTO person (name) VALUES ('Ana')")
    a.engine.sync_once()
    (ana,) = a.desk.rows("person")
    tenant.query("INSERT INTO visit (room, at) VALUES (1, '10:00')")
    tenant.query("UPDATE person SET phone = '1'")
    with a.desk.doing() as good:
        bruno = a.desk.insert("person", name="Bruno", friend_id=ana)
        a.desk.insert("entry", person_id=bruno, amount=5000)
        a.desk.update("person", ana, active=1)
    with a.desk.doing() as taken:
        visit = a.desk.insert("visit", room=1, at="10:00:00", note="draft")
    with a.desk.doing() as built_on:
        a.desk.update("visit", visit, note="draft 2")
    return {good: "applied", taken: "duplicate", built_on: "depends"}


def all_is_well(a: Station, tenant: Tenant, made: dict[str, str]) -> None:
    epoch = tenant.value("SELECT epoch FROM sync_meta")
    status = a.engine.sync_once()
    assert (status.state, status.pending, status.rejected) == ("in_step", 0, 2)
    refused = {r.tx: r.code for r in store.rejections(a.desk.execute)}
    assert refused == {tx: code for tx, code in made.items() if code != "applied"}
    assert a.desk.everything() == tenant.everything()
    assert tenant.query("SELECT amount FROM entry") == [(50,)]
    assert tenant.query("SELECT name, phone, active FROM person ORDER BY name") == [
        ("Ana", "1", True),
        ("Bruno", None, None),
    ]
    assert tenant.value("SELECT count(*) FROM sync_device") == 1
    assert (
        tenant.value(
            "SELECT max(n) FROM (SELECT count(*) n FROM sync_log WHERE op = 'I' GROUP BY tbl, row_id)"
        )
        == 1
    )
    with a.desk.doing():
        a.desk.insert("person", name="later")
    assert a.engine.sync_once().pending == 0
    assert tenant.value("SELECT epoch FROM sync_meta") == epoch


@pytest.mark.parametrize("point", EXCHANGE_POINTS)
def test_killed_at_any_point_of_an_exchange(station: Maker, tenant: Tenant, point: str) -> None:
    a = station()
    made = day(a, tenant)
    killed(start(work="sync", point=point, path=str(a.path), params=a.params, schema=tenant.name))
    all_is_well(a, tenant, made)


def test_killed_while_the_answer_is_under_way(station: Maker, tenant: Tenant) -> None:
    a = station()
    made = day(a, tenant)
    with proxied(a.params) as proxy:
        victim: list[subprocess.Popen[bytes]] = []
        proxy.on_answer = lambda: victim[0].kill()  # noqa: PLW0108 it does not live yet
        victim.append(start(work="sync", path=str(a.path), params=proxy.params, schema=tenant.name))
        killed(victim[0])
        assert proxy.answers_lost == 1
    assert len(a.desk.pending()) == 3
    assert tenant.value("SELECT count(*) FROM entry") == 1
    all_is_well(a, tenant, made)


@pytest.mark.parametrize("edit_between", [False, True])
def test_the_connection_is_cut_between_commit_and_answer(
    station: Maker, tenant: Tenant, edit_between: bool
) -> None:
    a = station()
    made = day(a, tenant)
    with proxied(a.params) as proxy:
        engine = a.make_engine(server=PostgresServer(proxy.params, tenant.name))
        for _ in range(3):
            proxy.on_answer = lambda: None
            with pytest.raises(Unreachable):
                engine.sync_once()
            if edit_between:
                with a.desk.doing():
                    a.desk.update("person", max(a.desk.rows("person")), phone="2")
                    a.desk.update("person", max(a.desk.rows("person")), phone=None)
        assert proxy.answers_lost == 3
        engine.close()
    all_is_well(a, tenant, made)


def twin_takes_over(a: Station) -> None:
    """Another cache with this device's nonce was here first."""
    store.set_state(a.desk.execute, "nonce", "00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    "point",
    [
        "after_receive",
        "recovery_received",
        "recovery_settled",
        "recovery_renamed",
        "recovery_kept",
        "before_commit",
        "after_commit",
    ],
)
def test_killed_while_it_takes_a_new_number(station: Maker, tenant: Tenant, point: str) -> None:
    a = station()
    with a.desk.doing():
        parent = a.desk.insert("person", name="parent")
        a.desk.insert("person", name="child", friend_id=parent)
    twin_takes_over(a)
    killed(start(work="sync", point=point, path=str(a.path), params=a.params, schema=tenant.name))
    assert a.engine.sync_once().pending == 0
    assert a.device != 1
    people = {row["name"]: row for row in tenant.everything()["person"].values()}
    assert set(people) == {"parent", "child"}
    assert people["child"]["friend_id"] == people["parent"]["id"]
    assert a.desk.everything() == tenant.everything()


# The first sync ---------------------------------------------------------------------------------


def load(path: Path, tenant: Tenant, params: dict[str, Any], device: int, **more: Any) -> Any:
    connection = connect(path)
    bootstrap(
        connection,
        more.pop("server", None) or PostgresServer(params, tenant.name),
        SCHEMA,
        device,
        create_tables=create_tables,
        create_indexes=create_indexes,
        clock=lambda: NOW,
        **{"chunk": 10, **more},
    )
    return connection


@pytest.mark.parametrize(
    ("point", "times"),
    [
        ("tables_made", 1),
        ("load_begun", 1),
        ("priority_read", 1),
        ("chunk_written", 3),
        ("chunk_committed", 3),
        ("chunk_committed", 5),
        ("indexes_made", 1),
        *((point, 1) for point in EXCHANGE_POINTS if point != "before_send"),
        ("before_send", 1),
    ],
)
def test_a_first_sync_goes_on_where_it_was_killed(
    tenant: Tenant, tmp_path: Path, point: str, times: int
) -> None:
    fill(tenant)
    device, params = tenant.enroll()
    path = tmp_path / "new.db"
    killed(
        start(
            work="bootstrap",
            point=point,
            times=times,
            path=str(path),
            params=params,
            schema=tenant.name,
            device=device,
        )
    )
    half = connect(path)
    assert not finished(half)
    read = people_read(half)
    half.close()
    tenant.query("UPDATE person SET phone = 'new' WHERE id IN (3, 25)")
    tenant.query("DELETE FROM person WHERE id IN (14, 26)")
    tenant.query("INSERT INTO person (name) VALUES ('new')")
    left = tenant.value("SELECT count(*) FROM person WHERE id > %s", read)
    server = Counting(params, tenant.name)
    connection = load(path, tenant, params, device, server=server)
    assert finished(connection)
    desk = Desk(connection)
    assert desk.everything() == tenant.everything()
    # A chunk that was committed is not read again.
    assert server.people == (0 if read == 35 else left)
    with desk.doing():
        desk.insert("person", name="captured")
    assert len(desk.pending()) == 1
    assert desk.execute("SELECT 1 FROM sqlite_schema WHERE name = 'ix_visit_person'")
    assert tenant.value("SELECT count(*) FROM sync_device") == 1
    connection.close()


class Counting(PostgresServer):
    """Counts the people that a first sync reads table-wise."""

    people = 0

    def connect(self) -> PostgresTransport:
        transport = super().connect()
        read = transport.read

        def counted(device: int, table: str, after: int, limit: int, volume: int) -> str:
            answer = read(device, table, after, limit, volume)
            self.people += len(read_rows(answer)[0]) if table == "person" else 0
            return answer

        transport.read = counted  # type: ignore[method-assign]
        return transport


def people_read(half: Any) -> int:
    """The id up to which a half-done load has everybody."""
    if not half.execute("SELECT 1 FROM sqlite_master WHERE name = 'person'").fetchall():
        return 0
    here = {row_id for (row_id,) in half.execute("SELECT id FROM person")}
    return next(n for n in range(36) if n + 1 not in here)


def fill(tenant: Tenant) -> None:
    tenant.query(
        "INSERT INTO person (name, phone) SELECT 'p' || n, E'a\\tb\\\\\"' || n"
        " FROM generate_series(1, 35) n"
    )
    tenant.query("INSERT INTO visit (room, person_id) SELECT n, n FROM generate_series(1, 10) n")
    tenant._run("""CREATE FUNCTION sync_priority(device integer)
        RETURNS TABLE (tbl text, ids bigint[]) LANGUAGE sql
        AS $$ SELECT 'person', ARRAY[17, 33, 999]::bigint[] $$""")


def rows_loaded(connection: Any) -> dict[str, int]:
    return {
        t.name: connection.execute(f'SELECT count(*) FROM "{t.name}"').fetchone()[0]
        for t in SCHEMA.tables
    }


def test_what_changes_while_a_first_sync_reads_is_in_it(tenant: Tenant, tmp_path: Path) -> None:
    fill(tenant)
    device, params = tenant.enroll()
    step = iter(range(100))

    def meanwhile(point: str) -> None:
        if point == "chunk_committed":
            n = next(step)
            tenant.query("INSERT INTO person (name) VALUES (%s)", f"new {n}")
            tenant.query("UPDATE person SET phone = %s WHERE id IN (2, 34)", str(n))
            tenant.query("DELETE FROM person WHERE id IN (%s, %s)", 11 + n, 35 - n)

    tenant.query("DELETE FROM visit")
    connection = load(tmp_path / "new.db", tenant, params, device, fault=meanwhile)
    assert Desk(connection).everything() == tenant.everything()
    connection.close()


def test_a_device_that_joins_anew_goes_on_above_its_old_ids_and_the_old_cache_gets_a_number(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    a = station()
    with a.desk.doing():
        first = a.desk.insert("person", name="first")
    a.engine.sync_once()
    tenant.query("DELETE FROM person")
    with a.desk.doing():
        a.desk.insert("person", name="waiting")
    connection = load(tmp_path / "again.db", tenant, a.params, a.device)
    desk = Desk(connection)
    with desk.doing():
        assert desk.insert("person", name="anew") == first + 1
    assert a.engine.sync_once().pending == 0
    assert a.device != store.device(desk.execute)
    engine = SyncEngine(lambda: connect(tmp_path / "again.db"), a.server, SCHEMA, clock=lambda: NOW)
    assert engine.sync_once().rejected == 0
    engine.close()
    assert {p["name"] for p in tenant.everything()["person"].values()} == {"waiting", "anew"}
    connection.close()


def test_a_server_that_wants_to_be_greeted_in_the_middle_of_a_first_sync_is(
    tenant: Tenant, tmp_path: Path
) -> None:
    """It was upgraded, or put back to before the greeting; what has come is gone on from."""
    fill(tenant)
    device, params = tenant.enroll()
    chunks = 0

    def forget(point: str) -> None:
        nonlocal chunks
        chunks += point == "chunk_committed"
        if point == "chunk_committed" and chunks == 2:
            tenant.query("UPDATE sync_device SET columns = NULL WHERE number = %s", device)

    connection = load(tmp_path / "new.db", tenant, params, device, fault=forget)
    assert Desk(connection).everything() == tenant.everything()
    connection.close()


def test_of_two_first_syncs_of_one_device_the_later_keeps_its_number(
    tenant: Tenant, tmp_path: Path
) -> None:
    fill(tenant)
    device, params = tenant.enroll()
    path = tmp_path / "late.db"
    first = load(tmp_path / "first.db", tenant, params, device)
    late = load(path, tenant, params, device)
    server = PostgresServer(params, tenant.name)
    engine = SyncEngine(lambda: connect(tmp_path / "first.db"), server, SCHEMA, clock=lambda: NOW)
    assert engine.sync_once().device == device + 1
    engine.close()
    assert store.device(store.executor(late)) == device
    assert Desk(first).everything() == Desk(late).everything() == tenant.everything()
    first.close()
    late.close()


def test_a_cancelled_first_sync_keeps_what_it_loaded(tenant: Tenant, tmp_path: Path) -> None:
    fill(tenant)
    device, params = tenant.enroll()
    told: list[int] = []
    path = tmp_path / "new.db"
    with pytest.raises(Cancelled):
        load(
            path,
            tenant,
            params,
            device,
            progress=lambda table, rows, total: told.append(rows),
            cancelled=lambda: max(told, default=0) >= 20,
        )
    half = connect(path)
    assert rows_loaded(half)["person"] >= 20
    half.close()
    connection = load(path, tenant, params, device)
    assert Desk(connection).everything() == tenant.everything()
    connection.close()


def test_a_load_that_does_not_add_up_is_refused(tenant: Tenant, tmp_path: Path) -> None:
    fill(tenant)
    device, params = tenant.enroll()
    path = tmp_path / "new.db"

    def lose(point: str) -> None:
        if point == "chunk_committed":
            with closing(connect(path)) as thief:
                thief.execute("DELETE FROM person WHERE id = 5")

    with pytest.raises(IncompleteLoad) as caught:
        load(path, tenant, params, device, fault=lose)
    assert caught.value.params == {"table": "person", "expected": 35, "found": 34}


# Requests that come late ------------------------------------------------------------------------


class BroughtAgain(PostgresTransport):
    """The network brings a request once more, when its answer has been heard."""

    def exchange(self, request: str) -> str:
        answer = super().exchange(request)
        super().exchange(request)
        return answer

    def start(self, request: str) -> str:
        answer = super().start(request)
        super().start(request)
        return answer

    def recover(self, request: str) -> str:
        answer = super().recover(request)
        super().recover(request)
        return answer


class BringsAgain(PostgresServer):
    def connect(self) -> BroughtAgain:
        return BroughtAgain(self._open(), self._schema)


def test_a_request_that_comes_after_its_repeat_makes_no_copy(
    station: Maker, tenant: Tenant
) -> None:
    a = station()
    made = day(a, tenant)
    engine = a.make_engine(server=BringsAgain(a.params, tenant.name))
    engine.sync_once()
    engine.close()
    all_is_well(a, tenant, made)
    assert a.device == 1


def test_a_first_request_that_comes_after_its_repeat_makes_no_copy(
    tenant: Tenant, tmp_path: Path
) -> None:
    number, params = tenant.enroll()
    path = tmp_path / "cache.db"
    with closing(load(path, tenant, params, number, server=BringsAgain(params, tenant.name))):
        engine = SyncEngine(
            lambda: connect(path), PostgresServer(params, tenant.name), SCHEMA, clock=lambda: NOW
        )
        status = engine.sync_once()
        engine.close()
    assert (status.state, status.device) == ("in_step", number)
    assert tenant.value("SELECT count(*) FROM sync_device") == 1


def test_a_recovery_that_comes_after_its_repeat_makes_no_copy(
    station: Maker, tenant: Tenant
) -> None:
    a = station()
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    engine = a.make_engine(server=BringsAgain(a.params, tenant.name))
    engine.sync_once()
    engine.close()
    device = a.device
    a.engine.sync_once()
    assert a.device == device
    assert tenant.value("SELECT count(*) FROM sync_device") == 2
