"""COPY by libpq itself: each statement's own rows, and a connection that can be gone on with."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from desktop.backup.copying import copied, copied_each
from desktop.backup.places.base import never
from sync.errors import Cancelled

FEW = sql.SQL("COPY (SELECT n FROM generate_series(1, 3) n) TO STDOUT")
NONE = sql.SQL("COPY (SELECT WHERE false) TO STDOUT")
MANY = sql.SQL("COPY (SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n) TO STDOUT")
ENDLESS = sql.SQL("COPY (SELECT generate_series(1, 1000000000000)) TO STDOUT")
SLOW = sql.SQL("COPY (SELECT pg_sleep(600)) TO STDOUT")
WRONG = sql.SQL("COPY (SELECT 1 / (n - 2) FROM generate_series(1, 3) n) TO STDOUT")
NO_COPY = sql.SQL("SELECT 1")


def goes_on(connection: psycopg.Connection) -> bool:
    return connection.execute("SELECT 1").fetchall() == [(1,)]


def test_several_in_one_journey_are_each_their_own(owner: psycopg.Connection) -> None:
    found = []
    with copied_each(owner, [FEW, NONE, MANY, FEW], never) as each:
        for rows in each:
            lines = [bytes(row) for row in rows]
            found.append((len(lines), rows.count, lines[:1]))
    few = (3, 3, [b"1\n"])
    assert found[:2] == [few, (0, 0, [])]
    assert [count for count, _sent, _lines in found] == [3, 0, 100_000, 3]
    assert all(count == sent for count, sent, _lines in found)
    assert found[3] == few
    assert goes_on(owner)


def test_none_is_no_journey(owner: psycopg.Connection) -> None:
    with copied_each(owner, [], never) as each:
        assert list(each) == []
    assert goes_on(owner)


def test_what_fails_on_the_way_ends_those_behind_it(owner: psycopg.Connection) -> None:
    counts = []
    with pytest.raises(psycopg.errors.DivisionByZero):
        with copied_each(owner, [FEW, WRONG, FEW], never) as each:
            for rows in each:
                for _row in rows:
                    pass
                counts.append(rows.count)
    assert counts == [3]
    assert goes_on(owner)


@pytest.mark.parametrize("before", [0, 1])
def test_what_is_no_copy_is_refused(owner: psycopg.Connection, before: int) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="a COPY"):
        with copied_each(owner, [FEW] * before + [NO_COPY, FEW], never) as each:
            for rows in each:
                for _row in rows:
                    pass
    assert goes_on(owner)


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_left_on_the_way_the_rest_is_stopped(owner: psycopg.Connection, whole: int) -> None:
    """Within one, and between two."""
    with copied_each(owner, [MANY, MANY, ENDLESS], never) as each:
        for _number in range(whole):
            for _row in next(each):
                pass
        if whole < 2:
            next(iter(next(each)))
    assert goes_on(owner)


def test_a_wish_to_stop_is_heard_while_the_server_is_silent(owner: psycopg.Connection) -> None:
    wishes = iter([False, False, False])
    with pytest.raises(Cancelled):
        with copied_each(owner, [FEW, SLOW], lambda: next(wishes, True)) as each:
            for rows in each:
                for _row in rows:
                    pass
    assert goes_on(owner)


def test_one_alone(owner: psycopg.Connection) -> None:
    with copied(owner, FEW, never) as rows:
        assert [bytes(row) for row in rows] == [b"1\n", b"2\n", b"3\n"]
    assert rows.count == 3
    assert goes_on(owner)
