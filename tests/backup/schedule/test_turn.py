"""One workstation at a time backs up a clinic."""

from __future__ import annotations

import uuid
from contextlib import closing

import psycopg
import pytest

from desktop.backup.turn import turn, turn_key

CLINIC = uuid.UUID("0192f0c8-7d1e-7c43-9a55-0242ac120002")


def test_two_workstations_and_one_turn(pg_database: str) -> None:
    with (
        psycopg.connect(pg_database, autocommit=True) as one,
        psycopg.connect(pg_database, autocommit=True) as two,
    ):
        with turn(one, CLINIC) as mine:
            assert mine
            with turn(two, CLINIC) as yours:
                assert not yours
            with turn(two, uuid.uuid4()) as another_clinic:
                assert another_clinic
        with turn(two, CLINIC) as yours:
            assert yours


def test_a_workstation_that_was_switched_off_holds_up_nobody(pg_database: str) -> None:
    with psycopg.connect(pg_database, autocommit=True) as two:
        with closing(psycopg.connect(pg_database, autocommit=True)) as one:
            with turn(one, CLINIC) as mine:
                assert mine
                pid = one.info.backend_pid
                two.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            with turn(two, CLINIC) as yours:
                assert yours


def test_the_key_is_the_same_for_good() -> None:
    assert turn_key(CLINIC) == turn_key(uuid.UUID(str(CLINIC))) != turn_key(uuid.uuid4())
    assert -(2**63) <= turn_key(CLINIC) < 2**63


def test_a_turn_keeps_no_transaction_open(pg_database: str) -> None:
    with psycopg.connect(pg_database) as open_transactions:
        with pytest.raises(ValueError, match="transaction"), turn(open_transactions, CLINIC):
            pass
