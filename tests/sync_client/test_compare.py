"""The cache is compared with the server by sums and hashes; what differs is mended, and said."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import compare, store
from sync.calls import Sums, drive
from sync.errors import MassDeletion
from sync.exchange import CHECK_EVERY, checking
from sync.wire import decoded_rows
from tests.sync_client.world import NOW, SCHEMA, Desk, Maker, Station, Tenant

TABLES = [table.name for table in SCHEMA.tables]


def check(one: Station, now: dt.datetime = NOW) -> dict[str, int]:
    """A whole comparison; how many rows were mended in which table."""
    transport = one.server.connect()
    store.set_state(one.desk.execute, "verified_at", None)
    try:
        drive(checking(one.connection, SCHEMA, lambda: now), transport)
        while store.get_state(one.desk.execute, "checking") is not None:
            drive(checking(one.connection, SCHEMA, lambda: now), transport)
    finally:
        transport.close()
    mended: dict[str, int] = json.loads(
        store.get_state(one.desk.execute, "checking_mended") or "{}"
    )
    return mended


def fill(tenant: Tenant, people: int = 300) -> None:
    tenant.query(
        "INSERT INTO person (name, phone, born, active, balance, seen_at)"
        " SELECT 'p' || i, CASE WHEN i %% 3 = 0 THEN NULL ELSE E'a\"\\\\\\tñ' || i END,"
        " date '1980-01-01' + i::integer, i %% 2 = 0, i / 7.0, timestamptz '2026-01-01' + i * interval '1.5 s'"
        " FROM generate_series(1, %s) i",
        people,
    )
    tenant.query("INSERT INTO visit (person_id, room, at) SELECT id, id, '10:30' FROM person")


def behind_the_log(tenant: Tenant, statement: str) -> None:
    """What a superuser does whose triggers rest."""
    with psycopg.connect(tenant.dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f'SET search_path = "{tenant.name}"'.encode())
        connection.execute(statement.encode())


def test_what_is_the_same_is_the_same_on_both_sides(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    with a.desk.doing():
        a.desk.insert("person", name="'\"\\/\b\f\n\r\t\x01\x7f€😀", active=True, balance=-5)
    a.engine.sync_once()
    assert check(a) == {}
    status = a.engine.sync_once()
    assert (status.verified, status.mended) == (NOW, 0)


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_text_of_a_row_is_rebuilt_byte_by_byte(text: str, one_server: Any) -> None:
    (there,) = one_server.execute(
        "SELECT ('x' || encode(substr(sha256(convert_to("
        "json_build_array(1, %s::text, true, NULL, -5)::text, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint",
        (text,),
    ).fetchone()
    assert compare._hash([1, text, True, None, -5]) == there


@pytest.fixture(scope="module")
def one_server(postgres: Any) -> Any:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE person SET name = 'other' WHERE id = 7",
        "UPDATE person SET name = (CASE id WHEN 7 THEN 'p8' ELSE 'p7' END) WHERE id IN (7, 8)",
        "UPDATE person SET active = NOT active WHERE id = 9",
        "UPDATE person SET phone = '' WHERE id = 3",
        "UPDATE person SET seen_at = seen_at + interval '1 us' WHERE id = 10",
        "DELETE FROM visit WHERE person_id = 12",
        "INSERT INTO person (id, name) OVERRIDING SYSTEM VALUE VALUES (-4, 'below'), (90000, 'far')",
    ],
)
def test_what_the_log_does_not_know_is_found_mended_and_said(
    station: Maker, tenant: Tenant, damage: str
) -> None:
    fill(tenant)
    a = station()
    behind_the_log(tenant, damage)
    a.engine.sync_once()
    assert a.desk.everything() != tenant.everything()
    assert sum(check(a).values()) in {1, 2}
    assert a.desk.everything() == tenant.everything()
    assert a.engine.sync_once().mended in {1, 2}
    assert check(a) == {}


def test_a_cache_that_was_damaged_is_mended(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    a.connection.execute("BEGIN")
    a.connection.execute("UPDATE sync_context SET capturing = 0")
    a.connection.execute("UPDATE person SET name = 'damaged' WHERE id = 5")
    a.connection.execute("DELETE FROM visit WHERE id = 6")
    a.connection.execute("INSERT INTO visit (id, room) VALUES (7000000, 1)")
    a.connection.execute("UPDATE sync_context SET capturing = 1")
    a.connection.execute("COMMIT")
    assert check(a) == {"person": 1, "visit": 2}
    assert a.desk.everything() == tenant.everything()
    assert a.desk.pending() == []


def test_what_is_merely_new_is_no_difference(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    tenant.query("UPDATE person SET name = 'new' WHERE id = 5")
    tenant.query("DELETE FROM visit WHERE id = 6")
    tenant.query("INSERT INTO person (name) VALUES ('new')")
    assert check(a) == {}
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()


def test_edits_that_wait_are_not_compared_and_stay(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    with a.desk.doing():
        a.desk.update("person", 5, name="mine")
        a.desk.delete("visit", 6)
        mine = a.desk.insert("person", name="made here")
    behind_the_log(tenant, "UPDATE person SET name = 'theirs', phone = '9' WHERE id = 5")
    assert check(a) == {"person": 1}
    rows = a.desk.rows("person")
    assert (rows[5]["name"], rows[5]["phone"], rows[mine]["name"]) == ("mine", "9", "made here")
    assert 6 not in a.desk.rows("visit")
    a.engine.sync_once()
    (refused,) = store.rejections(a.desk.execute)
    assert (refused.code, refused.detail["theirs"]) == ("conflict", {"name": "theirs"})


def test_it_goes_piece_by_piece_and_goes_on_after_a_cut(
    station: Maker, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tenant, 1000)
    a = station()
    monkeypatch.setattr(compare, "UNIT_ROWS", 90)
    behind_the_log(tenant, "UPDATE person SET name = 'x' || id WHERE id % 100 = 0")
    behind_the_log(tenant, "DELETE FROM visit WHERE id % 250 = 0")
    asked: list[tuple[str, int]] = []
    transport = a.server.connect()
    answered = transport.sums

    def sums(device: int, table: str, after: int, limit: int) -> str:
        asked.append((table, after))
        return answered(device, table, after, limit)

    transport.sums = sums  # type: ignore[method-assign]
    while store.get_state(a.desk.execute, "verified_at") is None:
        conversation = checking(a.connection, SCHEMA, lambda: NOW)
        next(conversation)
        conversation.close()  # cut: nothing happened
        drive(checking(a.connection, SCHEMA, lambda: NOW), transport)
    transport.close()
    assert [after for table, after in asked if table == "person"][:3] == [
        compare.BEFORE_ALL,
        90,
        180,
    ]
    assert store.get_state(a.desk.execute, "checking_mended") == json.dumps(
        {"person": 10, "visit": 4}
    )
    assert a.desk.everything() == tenant.everything()


def test_a_proof_holds_for_hours_but_not_where_nobody_watches(
    station: Maker, tenant: Tenant
) -> None:
    fill(tenant)
    a = station()
    assert check(a) == {}

    def first(now: dt.datetime) -> str | None:
        conversation = checking(a.connection, SCHEMA, lambda: now)
        try:
            call = next(conversation)
        except StopIteration:
            return None
        assert isinstance(call, Sums)
        conversation.close()
        store.set_state(a.desk.execute, "checking", None)
        return call.table

    assert first(NOW + CHECK_EVERY * 0.99) is None
    assert first(NOW + CHECK_EVERY * 1.01) == TABLES[0]
    problem = [{"table": "visit", "problem": "trigger_disabled"}]
    store.set_state(a.desk.execute, "problems", json.dumps(problem))
    assert first(NOW) == "visit"


def test_sums_of_a_bucket_add_up(station: Maker, tenant: Tenant) -> None:
    fill(tenant, 5000)
    a = station()
    transport = a.server.connect()
    lines = decoded_rows(transport.sums(a.device, "person", 0, 100_000))
    transport.close()
    assert [(bucket, rows, last) for bucket, rows, _, last in lines] == [
        (0, 4095, 4095),
        (1, 905, 5000),
    ]
    here = compare.local_hashes(
        a.connection, SCHEMA["person"], list(SCHEMA["person"].column_names), 0, 5000
    )
    for bucket, _, total, _ in lines:
        ours = 0
        for row_id, value in here.items():
            ours ^= value if row_id >> 12 == bucket else 0
        assert ours == total


# Mass deletion ----------------------------------------------------------------------------------


def test_most_of_a_table_does_not_go_without_a_person(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    tenant.query("DELETE FROM visit WHERE id <= 200")
    with a.desk.doing():
        mine = a.desk.insert("person", name="typed meanwhile")
    with pytest.raises(MassDeletion) as stopped:
        a.engine.sync_once()
    assert stopped.value.params == {"table": "visit", "gone": 200, "rows": 300}
    assert len(a.desk.rows("visit")) == 300
    assert mine in a.desk.rows("person")
    # Again and again, until somebody has looked.
    with pytest.raises(MassDeletion):
        a.engine.sync_once()
    # What was allowed is that much, and no more.
    tenant.query("DELETE FROM visit WHERE id <= 210")
    a.engine.allow_deletion("visit", 200)
    with pytest.raises(MassDeletion) as stopped:
        a.engine.sync_once()
    a.engine.allow_deletion("visit", stopped.value.params["gone"])
    status = a.engine.sync_once()
    assert (status.pending, status.rejected) == (0, 0)
    assert a.desk.everything() == tenant.everything()
    # Once, though now fewer go than were allowed then.
    tenant.query("INSERT INTO visit (room) SELECT 1000 + i FROM generate_series(1, 100) i")
    a.engine.sync_once()
    tenant.query("DELETE FROM visit")
    with pytest.raises(MassDeletion) as stopped:
        a.engine.sync_once()
    assert stopped.value.params["gone"] == 190


def test_a_server_that_is_suddenly_empty_takes_nothing_with_it(
    station: Maker, tenant: Tenant
) -> None:
    fill(tenant)
    a = station()
    before = a.desk.everything()
    behind_the_log(tenant, "TRUNCATE visit, person, entry")
    a.engine.sync_once()
    with pytest.raises(MassDeletion):
        check(a)
    assert a.desk.everything() == before
    tenant.query("TRUNCATE person CASCADE")
    with pytest.raises(MassDeletion):
        a.engine.sync_once()
    assert a.desk.everything() == before


def test_a_few_rows_and_less_than_half_go_without_a_word(station: Maker, tenant: Tenant) -> None:
    fill(tenant)
    a = station()
    tenant.query("DELETE FROM visit WHERE id <= 150")
    a.engine.sync_once()
    tenant.query("DELETE FROM visit WHERE id <= 249")
    a.engine.sync_once()
    assert a.desk.everything() == tenant.everything()
    assert len(a.desk.rows("visit")) == 51


# Stale ------------------------------------------------------------------------------------------


def test_a_workstation_that_was_away_for_too_long_comes_back_with_its_work(
    station: Maker, tenant: Tenant
) -> None:
    fill(tenant)
    a, b = station(), station()
    with a.desk.doing():
        a.desk.update("person", 5, phone="typed while away")
        mine = a.desk.insert("person", name="made while away", friend_id=5)
    tenant.query("UPDATE person SET name = 'changed meanwhile' WHERE id BETWEEN 4 AND 60")
    tenant.query("DELETE FROM visit WHERE id < 50")
    tenant.query("INSERT INTO visit (room) SELECT 5000 + i FROM generate_series(1, 40) i")
    b.engine.sync_once()
    tenant.query("UPDATE sync_meta SET horizon = pg_snapshot_xmax(pg_current_snapshot())")
    tenant.query("DELETE FROM sync_log")
    number = a.device
    status = a.engine.sync_once()
    assert (status.state, status.pending, status.rejected) == ("in_step", 0, 0)
    assert a.device == number
    b.engine.sync_once()
    assert a.desk.everything() == b.desk.everything() == tenant.everything()
    rows = tenant.everything()["person"]
    assert (rows[5]["name"], rows[5]["phone"]) == ("changed meanwhile", "typed while away")
    assert rows[mine]["friend_id"] == 5


def test_a_copy_that_was_away_for_too_long_gets_a_number_of_its_own(
    station: Maker, tenant: Tenant, desk: Desk
) -> None:
    a = station()
    kept = {key: store.get_state(a.desk.execute, key) for key in ("nonce", "generation", "cursor")}
    a.engine.sync_once()
    tenant.query("INSERT INTO person (name) VALUES ('x')")
    a.engine.sync_once()
    tenant.query("UPDATE sync_meta SET horizon = pg_snapshot_xmax(pg_current_snapshot())")
    for key, value in kept.items():
        store.set_state(a.desk.execute, key, value)
    with a.desk.doing():
        mine = a.desk.insert("person", name="the copy's")
    number = a.device
    a.engine.sync_once()
    assert a.device != number
    assert a.desk.everything() == tenant.everything()
    rows = tenant.everything()["person"]
    assert mine not in rows
    assert len(rows) == 2


def test_progress_is_kept_as_it_is() -> None:
    progress = compare.Progress([("a", -1), ("b", compare.BEFORE_ALL)], 4, {"a": 2})
    assert compare.Progress.read(progress.text()) == progress
    assert dataclasses.asdict(compare.Progress.of(["x"]))["lost"] == 0


def test_progress_that_an_older_program_kept_is_gone_on_from() -> None:
    progress = compare.Progress.read('[[["a", 7]], 4, {"a": 2}]')
    assert progress == compare.Progress([("a", 7)], 4, {"a": 2}, compare.UNIT_ROWS)
