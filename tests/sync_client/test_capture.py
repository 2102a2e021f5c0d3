"""Every local edit of a synced table lands in the outbox, in its own transaction."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlcipher

from sync import capture, store
from tests.sync_client.world import NOW, SCHEMA, Desk, create_tables, fresh


def test_an_insert_says_the_whole_row_and_an_update_only_what_changed(desk: Desk) -> None:
    with desk.doing("person.add") as tx:
        row_id = desk.insert("person", name='A "b" \\ ñ', balance=1250, active=1)
        desk.update("person", row_id, phone=None, active=0, name="B")
        desk.update("person", row_id, active=0)
        desk.delete("person", row_id)
    (transaction,) = store.outbox(desk.execute)
    assert (transaction.id, transaction.actor, transaction.label) == (tx, 7, "person.add")
    insert, update, delete = transaction.operations
    image = {
        **dict.fromkeys(SCHEMA["person"].column_names),
        "id": row_id,
        "name": 'A "b" \\ ñ',
        "balance": 1250,
        "active": 1,
    }
    assert (insert.kind, insert.old, insert.new) == ("I", {}, image)
    assert (update.kind, update.old, update.new) == (
        "U",
        {"name": 'A "b" \\ ñ', "active": 1},
        {"name": "B", "active": 0},
    )
    assert (delete.kind, delete.old, delete.new) == ("D", {**image, "name": "B", "active": 0}, {})


def test_columns_of_a_group_travel_together(desk: Desk) -> None:
    group = frozenset({"name", "phone"})
    tables = tuple(
        dataclasses.replace(table, groups=(group,)) if table.name == "person" else table
        for table in SCHEMA.tables
    )
    capture.install_capture(desk.execute, dataclasses.replace(SCHEMA, tables=tables))
    with desk.doing():
        row_id = desk.insert("person", name="A", phone="1")
    with desk.doing():
        desk.update("person", row_id, phone="2")
        desk.update("person", row_id, active=0)
        desk.update("person", row_id, name="A", phone="2")
    grouped, alone = store.outbox(desk.execute)[-1].operations
    assert (grouped.old, grouped.new) == ({"name": "A", "phone": "1"}, {"name": "A", "phone": "2"})
    assert (alone.old, alone.new) == ({"active": None}, {"active": 0})


def test_a_local_transaction_is_not_sent_before_it_is_whole(desk: Desk) -> None:
    with desk.doing():
        desk.insert("person", name="half")
        assert store.outbox(desk.execute) == []
        desk.insert("person", name="whole")
    assert [len(one.operations) for one in store.outbox(desk.execute)] == [2]


def test_an_edit_outside_a_local_transaction_is_refused(desk: Desk) -> None:
    with desk.doing():
        row_id = desk.insert("person", name="A")
    for statement in (
        "INSERT INTO person (id, name) VALUES (5, 'B')",
        f"UPDATE person SET name = 'B' WHERE id = {row_id}",
        f"DELETE FROM person WHERE id = {row_id}",
    ):
        with pytest.raises(sqlcipher.IntegrityError, match="no local transaction is open"):
            desk.connection.execute(statement)
    assert desk.rows("person")[row_id]["name"] == "A"


def test_what_the_server_could_only_refuse_is_refused_at_once(desk: Desk) -> None:
    with desk.doing():
        person = desk.insert("person", name="A")
        entry = desk.insert("entry", person_id=person, amount=100)
    for statement, words in (
        ("INSERT INTO account (id, login) VALUES (1, 'x')", "born on the server"),
        (f"UPDATE entry SET amount = 200 WHERE id = {entry}", "only ever added"),
        (f"DELETE FROM entry WHERE id = {entry}", "only ever added"),
        (f"UPDATE person SET id = 9 WHERE id = {person}", "keeps its id"),
    ):
        with pytest.raises(sqlcipher.IntegrityError, match=words), desk.doing():
            desk.connection.execute(statement)
    assert len(desk.pending()) == 1


def test_a_statement_that_replaces_on_conflict_keeps_the_server_image(desk: Desk) -> None:
    with desk.doing():
        row_id = desk.insert("person", name="A")
    with desk.doing():
        desk.connection.execute("UPDATE OR REPLACE person SET name = 'B' WHERE id = ?", (row_id,))
    assert desk.execute("SELECT image FROM sync_base") == [(None,)]


def test_a_transaction_that_changes_nothing_is_dropped(desk: Desk) -> None:
    with desk.doing():
        row_id = desk.insert("person", name="A")
    with desk.doing():
        desk.update("person", row_id, name="A")
    with desk.doing():
        pass
    assert len(desk.pending()) == 1
    assert store.pending(desk.execute) == store.Pending(1, NOW)


def test_a_rolled_back_edit_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError), desk.doing():
        desk.insert("person", name="A")
        raise ZeroDivisionError
    assert (desk.pending(), desk.rows("person"), desk.execute("SELECT * FROM sync_base")) == (
        [],
        {},
        [],
    )
    with desk.doing():
        assert desk.insert("person", name="B") == (1 << 39) + 1


def test_local_transactions_do_not_nest(desk: Desk) -> None:
    with desk.doing(), pytest.raises(RuntimeError, match="open already"):
        store.begin(desk.execute, None, "x", NOW)
    with pytest.raises(RuntimeError, match="no local transaction"):
        store.finish(desk.execute)


def test_triggers_follow_the_schema_and_are_made_once(desk: Desk) -> None:
    def names() -> list[str]:
        return [
            row[0]
            for row in desk.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1"
            )
        ]

    before = names()
    assert len(before) == 3 * len(SCHEMA.tables) + 1
    store.prepare(desk.connection, SCHEMA)
    assert names() == before
    capture.remove_capture(desk.execute)
    assert names() == []


def test_the_triggers_cover_the_widest_table(tmp_path: object) -> None:
    from sync.schema import Column, SyncSchema, SyncTable

    columns = (Column("id", "int"), *(Column(f"c{i}", "text") for i in range(61)))
    wide = SyncSchema(1, (SyncTable("wide", 1, columns, frozenset(), frozenset()),))
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    connection.execute(
        f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {', '.join(f'c{i}' for i in range(61))})"
    )
    store.prepare(connection, wide, 1)
    desk = Desk(connection)
    with desk.doing():
        row_id = desk.insert("wide", c60="x")
        desk.update("wide", row_id, c0="y", c60=None)
    _, update = store.outbox(desk.execute)[0].operations
    assert (update.old, update.new) == ({"c0": None, "c60": "x"}, {"c0": "y", "c60": None})
    connection.close()


values = st.one_of(
    st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)


@given(before=values, after=values, number=st.integers(-(2**53), 2**53))
def test_any_value_survives_capture(before: str | None, after: str | None, number: int) -> None:
    connection = fresh(":memory:")
    desk = Desk(connection)
    with desk.doing():
        row_id = desk.insert("person", name="x", phone=before, balance=number)
    with desk.doing():
        desk.update("person", row_id, phone=after)
    insert, *updates = (o for t in store.outbox(desk.execute) for o in t.operations)
    assert (insert.new["phone"], insert.new["balance"]) == (before, number)
    if before == after:
        assert updates == []
    else:
        assert [(o.old, o.new) for o in updates] == [({"phone": before}, {"phone": after})]
    connection.close()


def test_ids_are_numbered_by_device(desk: Desk) -> None:
    store.set_device(desk.execute, 16383)
    assert store.next_id(desk.execute) == (16383 << 39) + 1
    store.raise_counter(desk.execute, (16383 << 39) + 40)
    assert store.next_id(desk.execute) == (16383 << 39) + 41
    store.raise_counter(desk.execute, 7)
    assert store.next_id(desk.execute) == (16383 << 39) + 42
    with pytest.raises(ValueError, match="outside"):
        store.set_device(desk.execute, 16384)


def test_a_cache_without_a_number_gives_no_ids(tmp_path: object) -> None:
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    create_tables(connection)
    store.prepare(connection, SCHEMA)
    with pytest.raises(LookupError):
        store.next_id(store.executor(connection))
    connection.close()


def test_a_nul_is_refused_at_entry_and_what_looks_like_one_is_not(desk: Desk) -> None:
    with desk.doing():
        row_id = desk.insert("person", name="\\u0000")
    for name in ("a\0b", "\\\0"):
        with pytest.raises(sqlcipher.IntegrityError, match="NUL"), desk.doing():
            desk.update("person", row_id, name=name)
    assert desk.rows("person")[row_id]["name"] == "\\u0000"
