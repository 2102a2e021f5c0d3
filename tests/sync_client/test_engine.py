"""Two real caches and a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlcipher3 import dbapi2 as sqlcipher

from sync import fetch, store, wire
from sync.core import Timing
from sync.engine import SyncEngine, SyncStatus
from sync.errors import (
    AccessRefused,
    ClientTooOld,
    Migrating,
    ProtocolError,
    Revoked,
    ServerError,
    ServerTooOld,
    SyncError,
    Unreachable,
    Untrusted,
    WrongServer,
)
from sync.exchange import PUSH_LIMIT, exchange_once
from sync.schema import TableSpec, build
from sync.transport import PostgresServer, connect_failure
from tests.support.strictness import Collector
from tests.sync_client.proxy import proxied
from tests.sync_client.world import (
    EVERYBODY,
    NOW,
    SCHEMA,
    Maker,
    Station,
    Tenant,
    connect,
    fresh,
    metadata,
)


def test_an_edit_reaches_the_server_and_the_other_cache(station: Maker, tenant: Tenant) -> None:
    tenant.query("INSERT INTO person (name, balance, active) VALUES ('Ana', 12.5, true)")
    a, b = station(), station()
    assert a.desk.everything() == tenant.everything()
    (ana,) = a.desk.rows("person")
    with a.desk.doing():
        bruno = a.desk.insert(
            "person",
            name="Bruno",
            balance=-350,
            active=0,
            born="2001-02-03",
            seen_at="2026-11-23T12:00:00.5+00:00",
            friend_id=ana,
        )
        a.desk.insert("visit", person_id=bruno, room=1, at="09:30:00")
        a.desk.insert("entry", person_id=bruno, amount=99900)
        a.desk.update("person", ana, phone='+56 "\\', name="Ana María\n")
    status = a.engine.sync_once()
    assert (status.state, status.pending, status.rejected) == ("in_step", 0, 0)
    assert b.engine.sync_once().state == "in_step"
    assert a.desk.everything() == b.desk.everything() == tenant.everything()
    assert len(tenant.everything()["person"]) == 2


FAR = Timing(poll=1000.0)


class Events:
    """What an engine reported, to be waited for."""

    def __init__(self) -> None:
        self.statuses: list[SyncStatus] = []
        self.changes: list[frozenset[str]] = []
        self.points: list[str] = []
        self._condition = threading.Condition()

    def options(self) -> dict[str, Any]:
        return {
            "on_status": lambda status: self._note(self.statuses, status),
            "on_changes": lambda tables: self._note(self.changes, tables),
            "fault": lambda point: self._note(self.points, point),
        }

    def _note(self, events: list[Any], event: Any) -> None:
        with self._condition:
            events.append(event)
            self._condition.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._condition:
            assert self._condition.wait_for(condition, 20), (self.statuses, self.points)

    def wait_state(self, state: str, code: str | None = None) -> None:
        self.wait(
            lambda: (
                bool(self.statuses)
                and (self.statuses[-1].state, self.statuses[-1].code) == (state, code)
            )
        )

    def exchanges(self) -> int:
        return self.points.count("after_commit")


def test_a_wake_up_brings_an_edit_without_polling(station: Maker) -> None:
    ears, mouth = Events(), Events()
    a, b = station(timing=FAR, **mouth.options()), station(timing=FAR, **ears.options())
    a.engine.start()
    b.engine.start()
    listening(ears)
    listening(mouth)
    for number in range(3):
        with a.desk.doing():
            a.desk.insert("person", name=str(number))
        a.engine.poke()
        ears.wait(lambda n=number: len(b.desk.rows("person")) == n + 1)
    assert ears.changes[-1] == {"person"}
    assert a.engine.stop()
    assert b.engine.stop()


def listening(events: Events) -> None:
    """The exchange that follows the ear's arrival was made."""
    events.wait(lambda: events.exchanges() >= 2)
    events.wait_state("in_step")


def test_a_workstation_is_not_woken_by_itself(station: Maker) -> None:
    a_events, b_events = Events(), Events()
    a = station(timing=FAR, **a_events.options())
    b = station(timing=FAR, **b_events.options())
    a.engine.start()
    b.engine.start()
    listening(a_events)
    listening(b_events)
    before = a_events.exchanges()
    with a.desk.doing():
        a.desk.insert("person", name="of a")
    a.engine.poke()
    b_events.wait(lambda: len(b.desk.rows("person")) == 1)
    with b.desk.doing():
        b.desk.insert("person", name="of b")
    b.engine.poke()
    a_events.wait(lambda: len(a.desk.rows("person")) == 2)
    a.engine.stop()
    b.engine.stop()
    # One to push, one to fetch; the wake-up of its own push came between the two.
    assert a_events.exchanges() - before == 2


def test_both_connections_are_made_again_after_they_broke(station: Maker, tenant: Tenant) -> None:
    events = Events()
    a = station(timing=FAR, **events.options())
    a.engine.start()
    listening(events)
    seen = events.exchanges()
    tenant.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
        a.params["user"],
    )
    events.wait(lambda: events.exchanges() >= seen + 2)
    events.wait_state("in_step")
    tenant.query("INSERT INTO person (name) VALUES ('after')")
    events.wait(lambda: len(a.desk.rows("person")) == 1)
    a.engine.stop()


def test_a_forgotten_transaction_holds_up_the_push_and_not_the_pull(
    station: Maker, tenant: Tenant
) -> None:
    """Catches an outbox that keeps a workstation from seeing what the others do."""
    ana = tenant.value("INSERT INTO person (name) VALUES ('Ana') RETURNING id")
    a = station()
    events = Events()
    impatient = {**a.params, "options": "-c lock_timeout=20ms"}
    engine = a.make_engine(
        server=PostgresServer(impatient, tenant.name),
        timing=Timing(poll=0.1, first_pause=0.05, longest_pause=0.1),
        **events.options(),
    )
    with psycopg.connect(tenant.dsn) as forgotten:
        forgotten.execute(
            sql.SQL("UPDATE {} SET phone = '1' WHERE id = %s").format(
                sql.Identifier(tenant.name, "person")
            ),
            (ana,),
        )
        with a.desk.doing():
            a.desk.update("person", ana, name="Ana María")
        engine.start()
        tenant.query("INSERT INTO person (name) VALUES ('Luz')")
        events.wait(lambda: len(a.desk.rows("person")) == 2)
        assert len(a.desk.pending()) == 1
        events.wait_state("trouble", "sync.busy")
    events.wait(lambda: events.statuses[-1].pending == 0)
    assert tenant.query("SELECT name, phone FROM person WHERE id = %s", ana) == [("Ana María", "1")]
    engine.close()


def test_the_server_goes_away_and_comes_back(station: Maker, tenant: Tenant) -> None:
    a = station()
    events = Events()
    with proxied(a.params) as proxy:
        engine = a.make_engine(
            server=PostgresServer(proxy.params, tenant.name),
            timing=Timing(poll=0.2, first_pause=0.05, longest_pause=0.2),
            **events.options(),
        )
        engine.start()
        events.wait_state("in_step")
        proxy.set_down(True)
        events.wait_state("offline", "sync.unreachable")
        with a.desk.doing():
            a.desk.insert("person", name="offline")
        engine.poke()
        events.wait(lambda: events.statuses[-1].pending == 1)
        assert events.statuses[-1].oldest_pending == NOW
        proxy.set_down(False)
        events.wait(lambda: events.statuses[-1].state == "in_step")
        assert events.statuses[-1].pending == 0
        assert tenant.value("SELECT count(*) FROM person") == 1
        engine.close()


def test_what_is_asked_after_the_end_is_no_error(station: Maker) -> None:
    """A screen's last write may come after the engine was closed; the next start sends it."""
    a = station()
    engine = a.make_engine()
    engine.start()
    engine.close()
    engine.poke()
    engine.set_offline(True)
    engine.close()


def test_switched_off_it_sends_nothing_until_switched_on(station: Maker, tenant: Tenant) -> None:
    events = Events()
    a = station(timing=Timing(poll=0.05), **events.options())
    a.engine.set_offline(True)
    a.engine.start()
    events.wait_state("offline", "sync.switched_off")
    with a.desk.doing():
        a.desk.insert("person", name="A")
    a.engine.poke()
    events.wait(lambda: events.statuses[-1].pending == 1)
    assert events.exchanges() == 0
    assert tenant.value("SELECT count(*) FROM person") == 0
    a.engine.set_offline(False)
    events.wait_state("in_step")
    assert tenant.value("SELECT count(*) FROM person") == 1
    a.engine.stop()
    assert a.engine.status().pending == 0


def test_a_conflict_keeps_the_draft_and_says_what_stood_in_the_way(
    station: Maker, tenant: Tenant
) -> None:
    tenant.query("INSERT INTO person (name, balance) VALUES ('Ana', 10)")
    a, b = station(), station()
    (ana,) = a.desk.rows("person")
    with a.desk.doing():
        a.desk.update("person", ana, balance=1100, phone="1")
    with b.desk.doing() as lost:
        b.desk.update("person", ana, balance=1200, name="Anita")
    with b.desk.doing():
        b.desk.update("person", ana, active=1)
    a.engine.sync_once()
    status = b.engine.sync_once()
    assert (status.pending, status.rejected) == (0, 1)
    (rejection,) = store.rejections(b.desk.execute)
    assert (rejection.tx, rejection.code) == (lost, "conflict")
    assert rejection.operations[0].new == {"balance": 1200, "name": "Anita"}
    assert rejection.detail["columns"] == ["balance"]
    assert rejection.detail["theirs"] == {"balance": 1100}
    assert rejection.detail["by"]["device"] == a.device
    a.engine.sync_once()
    assert a.desk.everything() == b.desk.everything() == tenant.everything()
    assert b.desk.rows("person")[ana]["active"] == 1


def test_eight_workstations_race_for_the_same_rooms(station: Maker, tenant: Tenant) -> None:
    stations = [station(timing=Timing(first_pause=0.01)) for _ in range(8)]
    hours = [f"{hour:02}:00:00" for hour in range(9, 15)]
    for number, one in enumerate(stations):
        for hour in hours if number % 2 else reversed(hours):
            with one.desk.doing():
                one.desk.insert("visit", room=1, at=hour, note=str(number))
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda one: one.engine.sync_once(), stations))
    assert {status.pending for status in statuses} == {0}
    assert sum(status.rejected for status in statuses) == 7 * len(hours)
    assert tenant.value("SELECT count(*) FROM visit") == len(hours)
    for one in stations:
        one.engine.sync_once()
        assert one.desk.everything() == tenant.everything()
        assert {r.code for r in store.rejections(one.desk.execute)} <= {"duplicate"}


def test_a_long_outbox_goes_in_several_exchanges(station: Maker, tenant: Tenant) -> None:
    events = Events()
    a = station(**events.options())
    for start in range(5):
        with a.desk.doing():
            for number in range(PUSH_LIMIT // 2):
                a.desk.insert("person", name=f"{start}/{number}")
    assert a.engine.sync_once().pending == 0
    assert events.exchanges() == 3
    assert tenant.value("SELECT count(*) FROM person") == 5 * (PUSH_LIMIT // 2)


def expect(one: Station, kind: type[SyncError], **params: Any) -> None:
    with one.desk.doing():
        one.desk.insert("person", name="kept")
    waiting = len(one.desk.pending())
    with pytest.raises(kind) as caught:
        one.engine.sync_once()
    assert {key: caught.value.params.get(key) for key in params} == params
    assert len(one.desk.pending()) == waiting


def test_every_refusal_has_a_name_and_keeps_the_outbox(station: Maker, tenant: Tenant) -> None:
    a = station()
    with psycopg.connect(tenant.dsn) as migration:
        migration.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))", (tenant.name,)
        )
        expect(a, Migrating)
    tenant.query("UPDATE sync_meta SET min_client_version = 9, schema_version = 9")
    expect(a, ClientTooOld, client=3, server=9)
    tenant.query("UPDATE sync_meta SET min_client_version = 1, schema_version = 2")
    expect(a, ServerTooOld, client=3, server=2)
    # A server that was upgraded wants to hear again which columns the program knows.
    tenant.query("UPDATE sync_meta SET schema_version = 4")
    assert a.engine.sync_once().pending == 0
    tenant.query("UPDATE sync_device SET revoked_at = now()")
    expect(a, Revoked)
    tenant.query("UPDATE sync_device SET revoked_at = NULL, role_name = 'somebody'")
    expect(a, AccessRefused, reason="unknown_device")
    tenant.query("UPDATE sync_device SET role_name = %s", a.params["user"])
    tenant.query(f"ALTER ROLE \"{a.params['user']}\" PASSWORD 'other'")
    expect(a, AccessRefused, reason="auth")
    tenant.query(f"ALTER ROLE \"{a.params['user']}\" PASSWORD 'pw'")
    assert a.engine.sync_once().state == "in_step"
    assert a.desk.everything() == tenant.everything()


def test_another_clinics_server_gets_nothing(station: Maker, tenant: Tenant) -> None:
    """Behind the same address stands another clinic. Catches rows of two clinics in one cache."""
    a = station()
    tenant.query("UPDATE sync_meta SET tenant_uuid = gen_random_uuid(), schema_version = 4")
    expect(a, WrongServer)
    assert tenant.value("SELECT count(*) FROM person") == 0


def test_no_cache_without_a_first_sync_exchanges(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    fresh(path).close()
    engine = SyncEngine(lambda: connect(path), PostgresServer({"port": 1}, "x"), SCHEMA)
    assert engine.status().state == "never"
    engine.close()


def test_nobody_answers(station: Maker) -> None:
    a = station()
    engine = a.make_engine(server=PostgresServer({**a.params, "host": "127.0.0.1", "port": 1}, "x"))
    with pytest.raises(Unreachable):
        engine.sync_once()
    assert engine.status().state == "offline"
    engine.close()


def test_a_status_listener_that_raises_does_not_end_the_sync(
    station: Maker, tenant: Tenant, strict: Collector
) -> None:
    strict.expect("sync", "a status listener failed: ZeroDivisionError at test_engine.py:")
    events = Events()
    options = events.options()

    def raising(status: SyncStatus) -> None:
        options["on_status"](status)
        raise ZeroDivisionError("Ana")

    a = station(on_status=raising)
    a.engine.start()
    events.wait_state("in_step")
    with a.desk.doing():
        a.desk.insert("person", name="Ana")
    a.engine.poke(urgent=True)
    events.wait(lambda: tenant.value("SELECT count(*) FROM person") == 1)
    events.wait_state("in_step")
    assert a.engine.stop()
    assert a.engine.sync_once().state == "in_step"
    assert not any("Ana" in record.getMessage() for record in strict.records)


def test_a_cache_that_can_not_be_written_is_said_and_tried_again(
    station: Maker, tenant: Tenant, strict: Collector
) -> None:
    strict.expect("sync", "sync stumbled: SQLITE_FULL at ")
    events = Events()
    options = events.options()
    failing = threading.Event()
    failing.set()

    def fault(point: str) -> None:
        if point == "before_commit" and failing.is_set():
            error = sqlcipher.OperationalError("database or disk is full: Ana")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        options["on_changes"](frozenset({point}))

    a = station(on_status=options["on_status"], fault=fault)
    with a.desk.doing():
        a.desk.insert("person", name="Ana")
    a.engine.start()
    events.wait_state("trouble", "sync.cache_failed")
    assert events.statuses[-1].params == {"kind": "SQLITE_FULL"}
    failing.clear()
    a.engine.poke(urgent=True)
    events.wait_state("in_step")
    assert tenant.value("SELECT count(*) FROM person") == 1
    assert a.device == 1
    a.engine.stop()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('FATAL:  password authentication failed for user "x"', AccessRefused),
        ("FATAL:  la autentificación password falló para el usuario «x»", AccessRefused),
        ('FATAL:  role "x" is not permitted to log in', Revoked),
        ("FATAL:  al rol «x» no se le permite conectarse", Revoked),
        ('FATAL:  database "x" does not exist', WrongServer),
        ("FATAL:  the database system is starting up", Unreachable),
        ("FATAL:  sorry, too many clients already", Unreachable),
        ("FATAL:  el sistema de base de datos está apagándose", Unreachable),
        ("SSL error: certificate verify failed", Untrusted),
        ("server does not support SSL, but SSL was required", Untrusted),
        ('could not translate host name "x" to address', Unreachable),
        ("connection timeout expired", Unreachable),
    ],
)
def test_why_no_connection_came_about(message: str, kind: type[SyncError]) -> None:
    assert type(connect_failure(f"connection failed: {message}")) is kind


def test_errors_carry_no_words_of_the_server(station: Maker) -> None:
    a = station()
    transport = a.server.connect()
    with pytest.raises(ServerError) as caught:
        transport.exchange('{"device": "Ana Secreta"}')
    assert "Ana" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with pytest.raises(AccessRefused):
        transport.read(999, "person", 0, 1, 1)
    transport.close()
    with pytest.raises(ProtocolError) as malformed:
        wire.exchange_answer('{"status": "ok", "nonce": "Ana"}')
    assert malformed.value.params == {"what": "exchange"}


def test_nothing_comes_twice(station: Maker, tenant: Tenant) -> None:
    a = station()
    tenant.query("INSERT INTO person (name) SELECT 'p' FROM generate_series(1, 5)")
    with a.desk.doing():
        a.desk.insert("person", name="mine")
    with closing(a.server.connect()) as transport:
        rows = [
            exchange_once(a.connection, transport, SCHEMA, lambda: NOW).applied.rows
            for _ in range(3)
        ]
    assert rows == [6, 0, 0]


def test_an_upgraded_program_gets_what_the_older_one_did_not_know(
    station: Maker, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = build(
        metadata,
        [TableSpec("person", EVERYBODY, EVERYBODY, hidden=frozenset({"phone"}))],
        version=2,
    )
    tenant.query(
        "INSERT INTO person (name, phone) SELECT 'p' || n, n::text FROM generate_series(1, 25) n"
    )
    tenant.query("INSERT INTO visit (room) VALUES (4)")
    a = station(schema=older)
    one, two, *_ = a.desk.rows("person")
    assert {row["phone"] for row in a.desk.rows("person").values()} == {None}
    store.prepare(a.connection, SCHEMA)
    with a.desk.doing():
        a.desk.update("person", one, name="edited before it knew")
    tenant.query("DELETE FROM person WHERE id = %s", two)
    tenant.query("UPDATE person SET phone = 'later' WHERE id = 7")
    monkeypatch.setattr(fetch, "ROWS", 10)
    changes: list[frozenset[str]] = []
    engine = a.make_engine(on_changes=changes.append)
    status = engine.sync_once()
    assert (status.pending, status.rejected) == (0, 0)
    assert changes[0] >= {"person", "visit"}
    assert a.desk.everything() == tenant.everything()
    assert a.desk.rows("person")[one]["name"] == "edited before it knew"
    with closing(a.server.connect()) as transport:
        again = exchange_once(a.connection, transport, SCHEMA, lambda: NOW)
    assert again.applied.tables == frozenset()
    engine.close()
