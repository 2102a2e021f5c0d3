"""What an answer is too small for comes later, in chunks, and the cache ends with the same rows."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from sync import calls, fetch, later, store, wire
from sync.compare import BEFORE_ALL
from sync.errors import GreetingWanted, MassDeletion, ProtocolError, Unreachable
from sync.exchange import Outcome, checking, exchange_once, exchanging, polling
from sync.schema import TableSpec, build
from sync.transport import Transport
from tests.sync_client.world import (
    EVERYBODY,
    NOW,
    SCHEMA,
    Maker,
    Station,
    Tenant,
    metadata,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes answers small: bytes that come inline, ids asked for, bytes that come at a time."""

    def limit(inline: int = 200, rows: int = 7, volume: int = 300) -> None:
        monkeypatch.setattr(wire, "INLINE", inline)
        monkeypatch.setattr(fetch, "ROWS", rows)
        monkeypatch.setattr(calls, "VOLUME", volume)

    limit()
    return limit


def people(tenant: Tenant, count: int = 60) -> None:
    tenant.query("INSERT INTO person (name) SELECT 'p' || n FROM generate_series(1, %s) n", count)


def exchange(one: Station) -> Outcome:
    with closing(one.server.connect()) as transport:
        return exchange_once(one.connection, transport, SCHEMA, lambda: NOW)


def waiting(one: Station, table: str = "person") -> list[int]:
    return later.ids(one.connection, table, 1 << 30)


def test_what_was_read_is_told_though_the_exchange_after_it_fails(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """Catches a screen that goes on showing what the cache does not hold any more."""
    told: list[frozenset[str]] = []
    one = station(on_changes=told.append)
    people(tenant)
    exchange(one)
    assert waiting(one)
    number = one.device

    def broken(point: str) -> None:
        if point == "before_send":
            raise Unreachable

    engine = one.make_engine(on_changes=told.append, fault=broken)
    with pytest.raises(Unreachable):
        engine.sync_once()
    engine.close()
    assert told == [frozenset({"person"})]
    assert one.device == number


class Cut:
    """A connection that breaks when so many calls were answered."""

    def __init__(self, transport: Transport, after: int) -> None:
        self._transport = transport
        self._left = after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._transport, name)

        def answered(*arguments: Any) -> Any:
            answer = call(*arguments)
            if self._left == 0:
                raise Unreachable
            self._left -= 1
            return answer

        return answered


def in_pieces(one: Station, rng: random.Random) -> None:
    """Exchange over connections that break, until both sides are in step."""
    for _attempt in range(400):
        with closing(one.server.connect()) as transport:
            cut: Any = Cut(transport, rng.randrange(4))
            try:
                if not exchange_once(one.connection, cut, SCHEMA, lambda: NOW).more:
                    return
            except Unreachable:
                continue
    raise AssertionError("it makes no progress")


def some_edit(tenant: Tenant, rng: random.Random) -> None:
    which = rng.choice(["id % 2 = 0", "id % 3 = 0", "id < 40", "true"])
    tenant.query(
        rng.choice(
            [
                f"UPDATE person SET phone = '{rng.random()}' WHERE {which}",
                "INSERT INTO person (name) SELECT 'new' FROM generate_series(1, 20)",
                f"DELETE FROM person WHERE id IN (SELECT id FROM person WHERE {which} LIMIT 15)",
                "UPDATE visit SET note = repeat('n', 250) WHERE id < 12",
                "TRUNCATE visit",
                "INSERT INTO visit (room) SELECT 5 FROM generate_series(1, 30)",
            ]
        )
    )


LIMITS = [(1, 1, 1), (200, 7, 300), (1500, 100, 10**6), (10**6, 7, 50)]


@pytest.mark.parametrize(("inline", "rows", "volume"), LIMITS)
def test_whatever_the_limits_both_sides_end_alike(
    station: Maker, tenant: Tenant, small: Callable[..., None], inline: int, rows: int, volume: int
) -> None:
    """Over connections that break anywhere, while the rows go on changing on both sides."""
    people(tenant)
    tenant.query("INSERT INTO visit (room) SELECT n FROM generate_series(1, 30) n")
    small(inline, rows, volume)
    a, plain = station(), station()
    rng = random.Random(inline + rows)
    for round_ in range(12):
        some_edit(tenant, rng)
        with a.desk.doing():
            here = a.desk.rows("person")
            a.desk.update("person", rng.choice([*here]), name=f"typed {round_}")
        if rng.random() < 0.5:
            exchange(a)  # and more changes before the rest of it comes
        else:
            in_pieces(a, rng)
    in_pieces(a, rng)
    assert a.desk.pending() == []
    assert waiting(a) == waiting(a, "visit") == []
    assert a.desk.everything() == tenant.everything()
    small(10**9, 5000, 10**9)
    plain.engine.sync_once()
    assert plain.desk.everything() == tenant.everything()


def test_the_rest_comes_in_chunks_that_are_kept(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """What was laid down is not asked for again; a chunk that was cut is."""
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called'")
    small(inline=1, rows=7, volume=10**6)
    assert exchange(a).more
    assert waiting(a) == list(range(2, 61))
    asked: list[int] = []
    with closing(a.server.connect()) as transport:
        for wanted in itertools.count(2, 7):
            if not waiting(a):
                break
            conversation = fetch.fetching(a.connection, SCHEMA)
            call = next(conversation)
            assert isinstance(call, calls.ReadIds)
            conversation.close()  # cut: nothing happened
            assert waiting(a)[0] == wanted
            asked += call.ids

            def stop(point: str) -> None:
                if point == "after_commit":
                    raise Unreachable

            with pytest.raises(Unreachable):
                calls.drive(fetch.fetching(a.connection, SCHEMA, stop), transport)
    assert asked == list(range(2, 61))
    assert a.desk.everything() == tenant.everything()


@pytest.mark.parametrize("point", ["chunk_laid_down", "before_commit"])
def test_a_chunk_is_laid_down_whole_or_not_at_all(
    station: Maker, tenant: Tenant, small: Callable[..., None], point: str
) -> None:
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called'")
    exchange(a)
    before = a.desk.everything(), waiting(a)

    def stop(reached: str) -> None:
        if reached == point:
            raise Unreachable

    with closing(a.server.connect()) as transport:
        with pytest.raises(Unreachable):
            calls.drive(fetch.fetching(a.connection, SCHEMA, stop), transport)
        assert (a.desk.everything(), waiting(a)) == before
        assert calls.drive(polling(a.connection, SCHEMA), transport)
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_what_is_pushed_comes_with_its_answer(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    people(tenant)
    a = station()
    small(inline=1)
    tenant.query("UPDATE person SET phone = 'called'")
    with a.desk.doing():
        a.desk.update("person", 50, name="typed")
        a.desk.update("person", 51, name="typed")
    assert exchange(a).applied.acknowledged == 1
    assert not {50, 51}.intersection(waiting(a))
    row = a.desk.rows("person")[50]
    assert (row["name"], row["phone"]) == ("typed", "called")
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_an_edit_of_a_row_that_comes_later_stays_on_top(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called' WHERE id > 1")
    exchange(a)
    with a.desk.doing():
        a.desk.update("person", 60, name="typed")
    with closing(a.server.connect()) as transport:
        while waiting(a):
            calls.drive(fetch.fetching(a.connection, SCHEMA), transport)
    row = a.desk.rows("person")[60]
    assert (row["name"], row["phone"]) == ("typed", "called")
    a.engine.sync_once()
    assert a.desk.pending() == []
    assert a.desk.everything() == tenant.everything()


def test_work_does_not_wait_until_all_is_read(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called'")
    small(inline=1, rows=7, volume=10**6)
    exchange(a)
    with a.desk.doing():
        a.desk.update("person", 60, name="typed")
    outcome = exchange(a)
    assert outcome.applied.acknowledged == 1
    assert outcome.more
    assert len(waiting(a)) > 40


def test_what_another_answer_brings_or_takes_does_not_come_later(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called'")
    small(inline=1)
    exchange(a)
    small(inline=10**6, rows=1, volume=1)
    tenant.query("UPDATE person SET phone = 'again' WHERE id = 40")
    tenant.query("DELETE FROM person WHERE id = 41")
    left = set(waiting(a))
    assert {40, 41} <= left
    fetched = fetch.CHUNKS
    exchange(a)
    assert set(waiting(a)) == left - {40, 41} - set(range(2, 2 + fetched))
    assert a.desk.rows("person")[40]["phone"] == "again"
    assert 41 not in a.desk.rows("person")


def test_a_row_that_went_before_it_was_read(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """The next exchange says that it is gone; until then it stays, whole."""
    people(tenant)
    a = station()
    tenant.query("UPDATE person SET phone = 'called'")
    exchange(a)
    tenant.query("DELETE FROM person WHERE id > 50")
    with closing(a.server.connect()) as transport:
        while waiting(a):
            calls.drive(fetch.fetching(a.connection, SCHEMA), transport)
    assert len(a.desk.rows("person")) == 60
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_a_table_that_was_emptied_and_filled_again(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """Rows that have yet to come count as there: most of the table did not go."""
    people(tenant, 150)
    a = station()
    tenant.query("CREATE TEMP TABLE kept AS SELECT * FROM person")
    tenant.query("TRUNCATE person CASCADE")
    tenant.query("INSERT INTO person OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE id > 20")
    tenant.query("INSERT INTO person (name) SELECT 'new' FROM generate_series(1, 60)")
    exchange(a)
    assert {row for row in a.desk.rows("person") if row <= 150} == set(range(21, 151))
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()
    tenant.query("TRUNCATE person CASCADE")
    people(tenant, 210)
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()
    tenant.query("DELETE FROM person WHERE id % 4 <> 0")
    with pytest.raises(MassDeletion):
        a.engine.sync_once()


def test_a_comparison_reads_what_differs_later(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    people(tenant)
    a = station()
    small(inline=1)
    tenant.query("UPDATE person SET phone = 'called'")
    exchange(a)
    # What is known to be old is no fault.
    with closing(a.server.connect()) as transport:
        while store.get_state(a.desk.execute, "verified_at") is None:
            calls.drive(checking(a.connection, SCHEMA, lambda: NOW), transport)
    assert store.mended(a.desk.execute) == 0
    assert a.desk.everything() == tenant.everything()


def test_a_first_sync_of_wide_rows_is_read_in_small_pieces(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    tenant.query(
        "INSERT INTO visit (room, note) SELECT n, repeat('n', 200) FROM generate_series(1, 50) n"
    )
    a = station()
    assert a.desk.everything() == tenant.everything()


def test_a_table_that_is_read_again_is_read_to_its_end(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """Pieces that are full of bytes have fewer rows than were asked for."""
    people(tenant)
    a = station()
    a.desk.execute("UPDATE sync_context SET capturing = 0")
    a.desk.execute("UPDATE person SET phone = 'not what the server has'")
    a.desk.execute("UPDATE sync_context SET capturing = 1")
    small(rows=40, volume=300)
    store.set_state(a.desk.execute, "refetch", json.dumps({"person": BEFORE_ALL}))
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


# Columns ----------------------------------------------------------------------------------------


@contextmanager
def another_program(one: Station) -> Iterator[None]:
    """A copy of the cache, whose program knows other columns, greets under the same number."""
    other = build(
        metadata,
        [
            TableSpec("account", EVERYBODY, frozenset(), born_on_server=True),
            TableSpec("person", EVERYBODY, EVERYBODY, hidden=frozenset({"phone"})),
        ],
        version=3,
    )
    with closing(one.server.connect()) as transport:
        answer = wire.hello_answer(transport.hello(wire.hello_request(other, one.device)))
        assert answer.status == "ok"
        yield


@pytest.mark.parametrize("state", ["refetch", "later"])
def test_rows_of_another_width_are_not_laid_down(
    station: Maker, tenant: Tenant, state: str
) -> None:
    people(tenant)
    a = station()
    before = a.desk.everything()
    if state == "refetch":
        store.set_state(a.desk.execute, "refetch", json.dumps({"person": BEFORE_ALL}))
    else:
        a.desk.execute("INSERT INTO sync_later (tbl, row_id) VALUES ('person', 5)")
    with another_program(a), closing(a.server.connect()) as transport:
        with pytest.raises(GreetingWanted):
            calls.drive(exchanging(a.connection, SCHEMA, lambda: NOW), transport)
    assert a.desk.everything() == before
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_another_profile_is_greeted_before_anything_is_read(
    station: Maker, tenant: Tenant, small: Callable[..., None]
) -> None:
    """The columns that it had are not known any more: no reading fails for that."""
    people(tenant)
    a = station(profile="desk")
    tenant.query("UPDATE person SET phone = 'called'")
    exchange(a)
    assert waiting(a)
    tenant.query("UPDATE sync_device SET profile = 'office'")
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_an_answer_that_ends_before_it_begins_is_none() -> None:
    assert wire.read_rows("[]") == ([], False)
    assert wire.read_rows("[[1]]") == ([[1]], False)
    assert wire.read_rows('[[1],{"more": true}]') == ([[1]], True)
    for text in ('[{"more": true}]', "[[1]", "", '{"more": true}'):
        with pytest.raises(ProtocolError):
            wire.read_rows(text)
