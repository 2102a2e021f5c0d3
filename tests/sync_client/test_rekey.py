"""A copied cache goes on under its own number; nothing is overwritten and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from sync import store
from sync.apply import Fault, apply_answer, no_fault
from sync.calls import Recover
from sync.recovery import recovering
from sync.schema import device_of
from sync.wire import ExchangeAnswer, TableChanges
from tests.sync_client.world import NOW, SCHEMA, Desk, Maker, Tenant


def become(
    desk: Desk, device: int, results: Sequence[dict[str, Any]] = (), fault: Fault = no_fault
) -> None:
    """The server has told the copies apart, and has given this one a number."""
    conversation = recovering(desk.connection, SCHEMA, lambda: NOW, fault)
    assert isinstance(next(conversation), Recover)
    answer = {
        "status": "ok",
        "device": device,
        "nonce": "n2",
        "generation": 1,
        "epoch": "e",
        "cursor": "1:1:",
        "mode": "offer",
        "results": list(results),
        "known": [],
    }
    with pytest.raises(StopIteration):
        conversation.send(json.dumps(answer))


def serve_person(desk: Desk, name: str) -> int:
    """A row that came from the server."""
    desk.execute("UPDATE sync_context SET capturing = 0")
    desk.execute("INSERT INTO person (id, name) VALUES (5, ?)", (name,))
    desk.execute("UPDATE sync_context SET capturing = 1")
    return 5


def test_waiting_rows_and_all_references_get_new_ids(desk: Desk) -> None:
    with desk.doing() as known:
        known_row = desk.insert("person", name="known")
    settled = serve_person(desk, "settled")
    with desk.doing():
        parent = desk.insert("person", name="parent")
        child = desk.insert("person", name="child", friend_id=parent)
        visit = desk.insert("visit", person_id=child, room=parent)
    with desk.doing():
        desk.update("person", parent, friend_id=child)
        desk.update("person", settled, friend_id=parent)
        desk.delete("visit", visit)
    with desk.doing() as refused:
        draft = desk.insert("person", name="draft", friend_id=parent)
    by_another_copy = (8 << 39) + 1
    become(
        desk,
        9,
        [
            {"tx": known, "status": "applied", "made": [by_another_copy]},
            {"tx": refused, "status": "rejected", "code": "rule"},
        ],
    )
    assert store.device(desk.execute) == 9
    assert store.get_state(desk.execute, "nonce") == "n2"
    rows = {row["name"]: row for row in desk.rows("person").values()}
    # What the server knows already has the id by which it is known there.
    assert known_row not in desk.rows("person")
    assert set(rows) == {"settled", "parent", "child", "known"}
    assert rows["known"]["id"] == by_another_copy
    assert rows["settled"]["id"] == settled
    new_parent, new_child = rows["parent"]["id"], rows["child"]["id"]
    assert {device_of(new_parent), device_of(new_child)} == {9}
    assert rows["child"]["friend_id"] == rows["settled"]["friend_id"] == new_parent
    assert rows["parent"]["friend_id"] == new_child
    assert desk.rows("visit") == {}
    operations = [o for t in store.outbox(desk.execute) for o in t.operations]
    new_visit = operations[2].row_id
    assert device_of(new_visit) == 9
    # A number that merely equals an id is no reference.
    assert operations[2].new == {
        "id": new_visit,
        "person_id": new_child,
        "room": parent,
        "at": None,
        "note": None,
    }
    assert [(o.row_id, o.new) for o in operations[3:5]] == [
        (new_parent, {"friend_id": new_child}),
        (settled, {"friend_id": new_parent}),
    ]
    assert operations[5].old["person_id"] == new_child
    assert {row for (row,) in desk.execute("SELECT row_id FROM sync_base")} == {
        settled,
        new_parent,
        new_child,
        new_visit,
    }
    (rejection,) = store.rejections(desk.execute)
    assert device_of(rejection.operations[0].row_id) == 9
    assert rejection.operations[0].row_id != draft
    assert rejection.operations[0].new["friend_id"] == new_parent
    with desk.doing():
        fresh_id = desk.insert("person", name="new")
    assert device_of(fresh_id) == 9
    assert fresh_id not in {new_parent, new_child, new_visit, rejection.operations[0].row_id}


@pytest.mark.parametrize(
    "point", ["recovery_settled", "recovery_renamed", "recovery_kept", "before_commit"]
)
def test_a_fork_that_fails_half_way_leaves_everything_as_it_was(desk: Desk, point: str) -> None:
    with desk.doing():
        desk.insert("person", name="A")

    def fail(at: str) -> None:
        if at == point:
            raise sqlcipher.OperationalError("database or disk is full")

    before = (desk.everything(), store.outbox(desk.execute), store.device(desk.execute))
    with pytest.raises(sqlcipher.OperationalError):
        become(desk, 9, fault=fail)
    assert (desk.everything(), store.outbox(desk.execute), store.device(desk.execute)) == before


def test_a_copied_workstation_and_its_original_both_keep_everything(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    tenant.query("INSERT INTO person (name) VALUES ('Ana')")
    a = station()
    (ana,) = a.desk.rows("person")
    with a.desk.doing():
        shared = a.desk.insert("person", name="shared", friend_id=ana)
    b = a.copied(tmp_path / "twin.db")
    for who, desk in (("a", a.desk), ("b", b.desk)):
        with desk.doing():
            mine = desk.insert("person", name=f"of {who}", friend_id=shared)
            desk.insert("visit", person_id=mine, room=1 if who == "a" else 2, at="10:00:00")
            desk.update("person", ana, **({"phone": "1"} if who == "a" else {"active": 1}))
    old_number = a.device
    for one in (a, b, a, b):
        assert one.engine.sync_once().rejected == 0
    assert a.device == old_number != b.device
    rows = tenant.everything()
    assert sorted(row["name"] for row in rows["person"].values()) == [
        "Ana",
        "of a",
        "of b",
        "shared",
    ]
    assert a.desk.everything() == b.desk.everything() == rows
    people = {row["name"]: row for row in rows["person"].values()}
    assert people["Ana"]["phone"] == "1"
    assert people["Ana"]["active"] == 1
    assert people["of b"]["friend_id"] == people["shared"]["id"] == shared
    assert {v["person_id"] for v in rows["visit"].values()} == {
        people["of a"]["id"],
        people["of b"]["id"],
    }
    b.close()


def test_copies_show_nothing_that_the_server_knows_by_another_id(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    """What the third copy has waiting was applied under the ids that the second had given it."""
    second = station()
    first = second.copied(tmp_path / "first.db")
    with second.desk.doing():
        parent = second.desk.insert("person", name="once")
        second.desk.insert("visit", person_id=parent, room=1)
    third = second.copied(tmp_path / "third.db")
    with third.desk.doing():
        third.desk.insert("person", name="builds on it", friend_id=parent)
    for one in (first, second, third, second):
        one.engine.sync_once()
    rows = tenant.everything()
    people = {row["name"]: row for row in rows["person"].values()}
    assert set(people) == {"once", "builds on it"}
    assert people["builds on it"]["friend_id"] == people["once"]["id"]
    assert second.desk.everything() == third.desk.everything() == rows
    assert third.desk.pending() == []
    assert store.rejected_count(third.desk.execute) == 0
    first.close()
    third.close()


def test_what_builds_on_a_copys_row_waits_until_it_is_called_what_the_server_calls_it(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    """Both go on under numbers of their own before either has pushed what both have waiting."""
    tenant.query("INSERT INTO person (name) VALUES ('friend')")
    second = station()
    ((friend,),) = second.desk.execute("SELECT id FROM person", ())
    first = second.copied(tmp_path / "first.db")
    with second.desk.doing():
        parent = second.desk.insert("person", name="once")
        second.desk.update("person", friend, friend_id=parent)
    third = second.copied(tmp_path / "third.db")
    with third.desk.doing():
        third.desk.update("person", friend, friend_id=None)
    with third.desk.doing():
        third.desk.insert("visit", person_id=parent, room=1)
    first.engine.sync_once()
    between = iter([second.engine.sync_once])

    def others(point: str) -> None:
        if point == "recovery_renamed":
            next(between)()

    with closing(third.make_engine(fault=others)) as engine:
        engine.sync_once()
    assert not list(between)
    assert store.rejected_count(third.desk.execute) == 0
    for one in (third, second, third):
        one.engine.sync_once()
    rows = tenant.everything()
    people = {row["name"]: row for row in rows["person"].values()}
    assert set(people) == {"friend", "once"}
    assert people["friend"]["friend_id"] is None
    assert [row["person_id"] for row in rows["visit"].values()] == [people["once"]["id"]]
    assert second.desk.everything() == third.desk.everything() == rows
    assert third.desk.pending() == []
    first.close()
    third.close()


def test_an_id_that_a_copy_has_given_is_not_given_again(desk: Desk) -> None:
    """A row of this very device that is not from here: the copy is told apart only later."""
    with desk.doing():
        mine = desk.insert("person", name="mine")
    theirs = mine + 1
    columns = tuple(SCHEMA["person"].column_names)
    row = [{"id": theirs, "name": "theirs"}.get(name) for name in columns]
    answer = ExchangeAnswer(
        "ok", nonce="n", cursor="1:1:", changes=(TableChanges("person", columns, [row], ()),)
    )
    apply_answer(desk.connection, SCHEMA, answer, NOW)
    with desk.doing():
        fresh = desk.insert("person", name="fresh")
    assert fresh == theirs + 1
