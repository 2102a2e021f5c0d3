"""Many workstations that have to compare all they hold at once, on a server that is slow for it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sync import compare, store
from sync.core import Core, Timing
from sync.engine import SyncStatus
from sync.errors import AnothersTurn, TimedOut, Unreachable
from sync.exchange import exchange_once
from sync.recovery import COMPARING
from sync.transport import PostgresServer, Transport
from tests.sync_client.test_compare import fill
from tests.sync_client.world import NOW, SCHEMA, Maker, Station, Tenant

SLOW = """
CREATE OR REPLACE FUNCTION {}.sync_hash(row_text text) RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT ('x' || encode(substr(sha256(convert_to(row_text, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint
        FROM pg_sleep(0.02) $$
"""
"""A server that takes 20 ms for each row."""


@contextmanager
def copies(one: Station, folder: Path, number: int) -> Iterator[list[Station]]:
    """Copies of a workstation's disk that find out that they are, and have all to compare."""
    made = [one.copied(folder / f"copy-{n}.db") for n in range(number)]
    one.engine.sync_once()
    try:
        for copy in made:
            with closing(copy.server.connect()) as transport:
                assert exchange(copy, transport) == "recovered"
        yield made
    finally:
        for copy in made:
            copy.close()


def exchange(one: Station, transport: Transport) -> str:
    return exchange_once(one.connection, transport, SCHEMA, lambda: NOW).status


def run_with(one: Station, **options: Any) -> None:
    one.engine.close()
    one.engine = one.make_engine(**options)


def impatient(one: Station, tenant: Tenant) -> PostgresServer:
    return PostgresServer({**one.params, "options": "-c statement_timeout=250"}, tenant.name)


def test_statements_that_time_out_are_made_smaller_until_they_do_not(
    station: Maker, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on from where it was, and nobody is told of trouble."""
    fill(tenant, 24)
    monkeypatch.setattr(compare, "UNIT_ROWS", 32)
    monkeypatch.setattr(compare, "FEWEST_ROWS", 2)
    told: list[SyncStatus] = []
    with copies(station(), tmp_path, 1) as (copy,):
        tenant.query("INSERT INTO person (name) VALUES ('meanwhile')")
        tenant.admin.execute(sql.SQL(SLOW).format(sql.Identifier(tenant.name)))
        run_with(copy, server=impatient(copy, tenant), on_status=told.append)
        assert copy.engine.sync_once().state == "in_step"
        assert store.get_state(copy.desk.execute, COMPARING) is None
        assert copy.desk.everything() == tenant.everything()
    assert {status.code for status in told} == {None}


def test_an_exchange_that_times_out_is_tried_again_soon(
    station: Maker, tenant: Tenant, other: psycopg.Connection
) -> None:
    a = station()
    other.execute("LOCK TABLE sync_device IN ACCESS EXCLUSIVE MODE")
    with closing(impatient(a, tenant).connect()) as transport:
        with pytest.raises(TimedOut) as caught:
            exchange(a, transport)
        other.rollback()
        assert exchange(a, transport) == "ok"
    core = Core(random.Random(1))
    core.next(0.0)
    core.failed(caught.value, 0.0)
    assert core.next(0.0).until <= 1.0


def test_copies_do_not_keep_each_other_out(station: Maker, tenant: Tenant, tmp_path: Path) -> None:
    """Their login has connections for one workstation."""
    a = station()
    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT 12").format(sql.Identifier(a.params["user"]))
    tenant.admin.execute(limit)
    with copies(a, tmp_path, 4) as herd, ExitStack() as stack:
        for one in (a, *herd):
            for _connection in range(3):
                stack.callback(one.server.connect().close)
        with pytest.raises(Unreachable):
            while True:
                stack.callback(a.server.connect().close)


def test_one_compares_at_a_time_and_the_others_wait_for_their_turn(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    """Nobody is told of trouble, nobody waits in the server, and all come to be in step."""
    fill(tenant, 50)
    a, b = station(), station()
    told: list[SyncStatus] = []
    with copies(a, tmp_path, 4) as herd:
        with (
            psycopg.connect(**b.params) as turn,
            closing(herd[0].server.connect()) as transport,
        ):
            turn.execute(
                sql.SQL("SELECT {}.sync_sums(%s, 'person', 0, 1)").format(
                    sql.Identifier(tenant.name)
                ),
                (b.device,),
            )
            with pytest.raises(AnothersTurn):
                exchange(herd[0], transport)
        ended = [threading.Event() for _ in herd]
        for one, event in zip(herd, ended, strict=True):

            def on_status(status: SyncStatus, event: threading.Event = event) -> None:
                told.append(status)
                if status.state == "in_step":
                    event.set()

            run_with(one, timing=Timing(turn=0.02), on_status=on_status)
            one.engine.start()
        assert all(event.wait(30) for event in ended)
        assert all(one.engine.stop() for one in herd)
        assert all(one.desk.everything() == tenant.everything() for one in herd)
    assert {status.code for status in told} == {None}
