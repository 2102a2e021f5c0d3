"""Commits out of order, transactions that never seem to end, clocks that are wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from sync import acked, store
from tests.sync_client.world import NOW, Desk, Maker, Station, Tenant

HOURS = dt.timedelta(hours=1)


def names(one: Station) -> set[str]:
    return {row["name"] for row in one.desk.rows("person").values()}


def add(db: psycopg.Connection, name: str) -> None:
    db.execute("INSERT INTO person (name) VALUES (%s)", (name,))


def test_late_commit_below_the_cursor(
    station: Maker, tenant: Tenant, other: psycopg.Connection
) -> None:
    """A transaction with a lower number than what was seen commits after it was seen."""
    a = station()
    add(other, "late")
    tenant.query("INSERT INTO person (name) VALUES ('early')")
    a.engine.sync_once()
    assert names(a) == {"early"}
    tenant.query("INSERT INTO person (name) VALUES ('next')")
    a.engine.sync_once()
    other.commit()
    a.engine.sync_once()
    assert names(a) == {"early", "next", "late"}
    assert a.desk.everything() == tenant.everything()


def test_a_transaction_open_for_an_hour(
    station: Maker, tenant: Tenant, other: psycopg.Connection
) -> None:
    """Pulls and pushes go on, the log is kept short meanwhile, and nothing is missed at its end."""
    a, b = station(), station()
    add(other, "written an hour ago")
    other.execute("INSERT INTO visit (room, note) VALUES (9, 'written an hour ago')")
    for minute in range(60):
        tenant.query("INSERT INTO person (name) VALUES (%s)", f"web {minute}")
        if minute % 10 == 0:
            with a.desk.doing():
                a.desk.insert("person", name=f"a {minute}")
            a.engine.sync_once()
            b.engine.sync_once()
            assert {f"web {minute}", f"a {minute}"} <= names(b)
        if minute == 30:
            # Even what would be old enough to go is kept for it.
            tenant.query("UPDATE sync_log SET at = at - interval '40 days'")
            tenant.query("UPDATE sync_meta SET upkeep_at = NULL")
            assert tenant.value("SELECT sync_upkeep() ->> 'status'") in {"ok", "busy"}
    assert "written an hour ago" not in names(a) | names(b)
    other.commit()
    for one in (a, b):
        assert one.engine.sync_once().state == "in_step"
        assert "written an hour ago" in names(one)
        assert one.desk.everything() == tenant.everything()


@contextmanager
def at(one: Station, now: dt.datetime) -> Iterator[Desk]:
    """An edit by a workstation whose clock says ``now``; it is in step afterwards."""
    desk = one.desk
    desk.connection.execute("BEGIN IMMEDIATE")
    store.begin(desk.execute, 7, "test.edit", now)
    yield desk
    store.finish(desk.execute)
    desk.connection.execute("COMMIT")
    one.engine._clock = lambda: now
    one.engine.sync_once()


@pytest.mark.parametrize("wrong", [2 * HOURS, -2 * HOURS], ids=["ahead", "behind"])
def test_wrong_clocks(station: Maker, tenant: Tenant, wrong: dt.timedelta) -> None:
    """Who comes later wins, whatever the clocks say; and who has not seen the other is told so."""
    tenant.query("INSERT INTO person (name, phone) VALUES ('Ana', '0')")
    a, b, c = station(), station(), station()
    (ana,) = a.desk.rows("person")
    with at(a, NOW + wrong) as desk:
        desk.update("person", ana, phone="1")
    b.engine.sync_once()
    with at(b, NOW - wrong) as desk:
        desk.update("person", ana, phone="2")
    with at(c, NOW + wrong) as desk:
        desk.update("person", ana, phone="3")
    a.engine.sync_once()
    assert tenant.value("SELECT phone FROM person") == "2"
    assert a.desk.everything() == b.desk.everything() == c.desk.everything() == tenant.everything()
    (refused,) = store.rejections(c.desk.execute)
    assert (refused.code, refused.detail["theirs"]) == ("conflict", {"phone": "2"})
    # The log's times, by which it is pruned, are the server's own.
    assert tenant.value("SELECT max(abs(extract(epoch FROM now() - at))) < 600 FROM sync_log")


def test_a_clock_that_goes_back_during_work(station: Maker, tenant: Tenant) -> None:
    """The order is that of the work, and what is kept for a time is not forgotten before."""
    a, b = station(), station()
    with at(a, NOW) as desk:
        ana = desk.insert("person", name="first")
    a.engine._clock = lambda: NOW
    waiting: list[str] = []
    for step in range(3):
        a.connection.execute("BEGIN IMMEDIATE")
        waiting.append(store.begin(a.desk.execute, 7, "test.edit", NOW - step * HOURS))
        a.desk.update("person", ana, name=f"step {step}")
        a.desk.insert("entry", person_id=ana, amount=step)
        store.finish(a.desk.execute)
        a.connection.execute("COMMIT")
    assert a.desk.pending() == waiting
    a.engine._clock = lambda: NOW - 2 * HOURS
    status = a.engine.sync_once()
    assert (status.pending, status.rejected, status.last_sync) == (0, 0, NOW - 2 * HOURS)
    b.engine.sync_once()
    assert b.desk.rows("person")[ana]["name"] == "step 2"
    assert [row["amount"] for row in b.desk.rows("entry").values()] == [0, 1, 2]
    assert acked.ids(a.desk.execute)[1:] == waiting
    acked.prune(a.desk.execute, NOW + acked.KEPT - 2 * HOURS)
    assert len(acked.ids(a.desk.execute)) == 4
    with at(a, NOW - 2 * HOURS) as desk:
        desk.update("person", ana, phone="after")
    assert a.desk.everything() == tenant.everything()
