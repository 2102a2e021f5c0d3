"""Whatever comes in whatever order: a row is the server's image and the waiting edits over it."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync import store
from sync.apply import apply_answer, play
from sync.store import LocalTransaction, Operation
from sync.wire import ExchangeAnswer, Result, TableChanges
from tests.sync_client.world import NOW, SCHEMA, Desk, fresh

COLUMNS = SCHEMA["person"].column_names
Rows = dict[int, dict[str, Any]]


def person(row_id: int, **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "id": row_id, "name": "x", **values}


def answer(
    rows: list[dict[str, Any]] | None = None,
    gone: list[int] | None = None,
    results: list[Result] | None = None,
    columns: tuple[str, ...] = COLUMNS,
    whole: bool = False,
) -> ExchangeAnswer:
    images = [[row[c] for c in columns] for row in rows or []]
    return ExchangeAnswer(
        "ok",
        nonce=str(uuid.uuid4()),
        cursor="c",
        epoch="e",
        results=tuple(results or ()),
        changes=(TableChanges("person", columns, images, gone or [], whole),),
    )


class Model(RuleBasedStateMachine):
    """A server that is a dictionary, and a real cache."""

    ids = st.integers(1, 4)
    names = st.sampled_from(["a", "b", "c"])
    fields = st.sampled_from(["name", "phone"])

    @initialize()
    def start(self) -> None:
        self.connection = fresh(":memory:")
        self.desk = Desk(self.connection)
        self.server: Rows = {}
        self.seen: Rows = {}
        self.changed: set[int] = set()
        self.sent: list[LocalTransaction] | None = None
        self.results: dict[str, Result] = {}
        self.made: set[str] = set()
        self.acknowledged: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()

    # What the other side does.

    @rule(row_id=ids, field=fields, value=names)
    def server_writes(self, row_id: int, field: str, value: str) -> None:
        self.server[row_id] = {**self.server.get(row_id, person(row_id)), field: value}
        self.changed.add(row_id)

    @rule(data=st.data())
    def server_deletes(self, data: st.DataObject) -> None:
        if self.server:
            row_id = data.draw(st.sampled_from(sorted(self.server)))
            del self.server[row_id]
            self.changed.add(row_id)

    # What a person does.

    @rule(names=st.lists(names, min_size=1, max_size=2))
    def adds(self, names: list[str]) -> None:
        with self.desk.doing() as tx:
            friend = None
            for name in names:
                friend = self.desk.insert("person", name=name, friend_id=friend)
        self.made.add(tx)

    @rule(data=st.data(), changes=st.lists(st.tuples(fields, names), min_size=1, max_size=3))
    def edits(self, data: st.DataObject, changes: list[tuple[str, str]]) -> None:
        here = sorted(self.desk.rows("person"))
        if not here:
            return
        with self.desk.doing() as tx:
            for field, value in changes:
                self.desk.update("person", data.draw(st.sampled_from(here)), **{field: value})
        if tx in self.desk.pending():
            self.made.add(tx)

    @rule(data=st.data())
    def deletes(self, data: st.DataObject) -> None:
        here = sorted(self.desk.rows("person"))
        if here:
            with self.desk.doing() as tx:
                self.desk.delete("person", data.draw(st.sampled_from(here)))
            self.made.add(tx)

    # An exchange: sent, answered, and between the two more may be edited.

    @rule(limit=st.sampled_from([1, 3, None]), verdicts=st.lists(st.booleans(), max_size=12))
    def sends(self, limit: int | None, verdicts: list[bool]) -> None:
        self.sent = store.outbox(self.desk.execute, limit)
        for transaction, verdict in zip(self.sent, verdicts + [True] * 99, strict=False):
            if transaction.id in self.results:
                continue
            good = verdict
            after = copy.deepcopy(self.server)
            for operation in transaction.operations:
                good = good and self.fits(after, operation)
                image = play(after.pop(operation.row_id, None), operation)
                if image is not None:
                    after[operation.row_id] = image
            if good:
                self.server = after
                self.changed |= {o.row_id for o in transaction.operations}
            self.results[transaction.id] = Result(
                transaction.id, good, "" if good else "conflict", {}
            )

    @staticmethod
    def fits(rows: Rows, operation: Operation) -> bool:
        if operation.kind == "I":
            return operation.row_id not in rows
        row = rows.get(operation.row_id)
        if row is None:
            return operation.kind == "D"
        return all(row[c] == v for c, v in operation.old.items())

    @precondition(lambda self: self.sent is not None)
    @rule(whole=st.booleans(), leave_out=st.booleans())
    def answers(self, whole: bool, leave_out: bool) -> None:
        assert self.sent is not None
        touched = {o.row_id for t in self.sent for o in t.operations}
        keys = set(self.changed) | touched
        rows = [self.server[i] for i in sorted(self.server) if whole or i in keys]
        gone = [i for i in sorted(keys) if i not in self.server]
        before = {t.id: t for t in store.outbox(self.desk.execute)}
        apply_answer(
            self.connection,
            SCHEMA,
            answer(rows, gone, [self.results[t.id] for t in self.sent], whole=whole),
            NOW,
        )
        answered = {t.id for t in self.sent}
        self.acknowledged |= {tx for tx in answered if self.results[tx].applied}
        self.seen = copy.deepcopy(self.server)
        self.changed = set()
        self.sent = None
        refused = {r.tx: r for r in store.rejections(self.desk.execute)}
        for tx in before.keys() & refused.keys():
            assert refused[tx].operations == before[tx].operations
            # One whose own answer was lost goes with what it builds on, when that is refused.
            assert refused[tx].code == ("conflict" if tx in answered else "depends")

    @precondition(lambda self: self.sent is not None)
    @rule()
    def loses_the_answer(self) -> None:
        self.sent = None

    # What holds at all times.

    @invariant()
    def a_row_is_its_image_and_the_edits_over_it(self) -> None:
        if not hasattr(self, "connection"):
            return
        expected: Rows = copy.deepcopy(self.seen)
        for transaction in store.outbox(self.desk.execute):
            for operation in transaction.operations:
                image = play(expected.pop(operation.row_id, None), operation)
                if image is not None:
                    expected[operation.row_id] = image
        assert self.desk.rows("person") == expected

    @invariant()
    def nothing_is_lost_and_nothing_is_twice(self) -> None:
        if not hasattr(self, "connection"):
            return
        pending = set(self.desk.pending())
        refused = {r.tx for r in store.rejections(self.desk.execute)}
        assert pending | refused | self.acknowledged == self.made
        assert len(pending) + len(refused) + len(self.acknowledged) == len(self.made)

    @invariant()
    def images_are_kept_for_waiting_rows_only(self) -> None:
        if not hasattr(self, "connection"):
            return
        bases = {row for (row,) in self.desk.execute("SELECT row_id FROM sync_base")}
        waiting = {row for (row,) in self.desk.execute("SELECT DISTINCT row_id FROM sync_op")}
        assert bases == waiting


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_pull_lies_under_a_waiting_edit(desk: Desk) -> None:
    apply_answer(desk.connection, SCHEMA, answer([person(5, phone="1")]), NOW)
    with desk.doing():
        desk.update("person", 5, name="mine")
    apply_answer(desk.connection, SCHEMA, answer([person(5, name="theirs", phone="2")]), NOW)
    assert desk.rows("person")[5] == person(5, name="mine", phone="2")
    (transaction,) = store.outbox(desk.execute)
    assert transaction.operations[0].old == {"name": "x"}


def test_a_refused_edit_gives_way_to_an_image_that_came_before_the_refusal(desk: Desk) -> None:
    apply_answer(desk.connection, SCHEMA, answer([person(5)]), NOW)
    with desk.doing() as tx:
        desk.update("person", 5, name="mine")
    apply_answer(desk.connection, SCHEMA, answer([person(5, name="theirs")]), NOW)
    applied = apply_answer(
        desk.connection,
        SCHEMA,
        answer(results=[Result(tx, applied=False, code="conflict", detail={"columns": ["name"]})]),
        NOW,
    )
    assert applied.rejected == 1
    assert desk.rows("person")[5]["name"] == "theirs"
    (rejection,) = store.rejections(desk.execute)
    assert rejection.operations[0].new == {"name": "mine"}
    assert (rejection.code, rejection.detail) == ("conflict", {"columns": ["name"]})
    assert store.settle(desk.execute, tx, "keep_theirs", NOW)
    assert not store.settle(desk.execute, tx, "keep_mine", NOW)
    assert store.rejected_count(desk.execute) == 0
    assert store.rejections(desk.execute, settled=True)[0].settled_how == "keep_theirs"


def test_what_was_built_on_a_refused_row_is_refused_with_it(desk: Desk) -> None:
    with desk.doing() as first:
        parent = desk.insert("person", name="A")
    with desk.doing() as second:
        visit = desk.insert("visit", person_id=parent, room=1)
    with desk.doing() as third:
        desk.update("visit", visit, note="later")
    with desk.doing() as other:
        free = desk.insert("person", name="B")
    apply_answer(
        desk.connection,
        SCHEMA,
        answer(gone=[parent], results=[Result(first, applied=False, code="duplicate")]),
        NOW,
    )
    assert desk.pending() == [other]
    assert (list(desk.rows("person")), desk.rows("visit")) == ([free], {})
    codes = {r.tx: (r.code, r.detail.get("on")) for r in store.rejections(desk.execute)}
    assert codes == {
        first: ("duplicate", None),
        second: ("depends", first),
        third: ("depends", second),
    }


def test_columns_and_tables_that_this_program_does_not_know_are_passed_over(desk: Desk) -> None:
    columns = ("novelty", *COLUMNS)
    rows = [{"novelty": 1, **person(5)}]
    with desk.doing():
        mine = desk.insert("person", name="m")
    both = answer([*rows, {"novelty": 2, **person(mine)}], columns=columns)
    strange = TableChanges("unheard_of", ("id",), [[1]], [])
    apply_answer(
        desk.connection,
        SCHEMA,
        ExchangeAnswer("ok", nonce="n", cursor="c", changes=(*both.changes, strange)),
        NOW,
    )
    assert desk.rows("person") == {5: person(5), mine: person(mine, name="m")}


def test_an_older_server_never_blanks_a_column_that_it_does_not_send(desk: Desk) -> None:
    apply_answer(desk.connection, SCHEMA, answer([person(5, phone="1")]), NOW)
    apply_answer(
        desk.connection, SCHEMA, answer([person(5, name="y")], columns=("id", "name")), NOW
    )
    assert desk.rows("person")[5] == person(5, name="y", phone="1")


@pytest.mark.parametrize(
    "point", ["results_settled", "rows_laid_down", "pending_laid_over", "before_commit"]
)
def test_an_answer_that_fails_half_way_leaves_everything_as_it_was(desk: Desk, point: str) -> None:
    apply_answer(desk.connection, SCHEMA, answer([person(5)]), NOW)
    with desk.doing() as tx:
        desk.update("person", 5, name="mine")

    def fail(at: str) -> None:
        if at == point:
            raise OSError(28, "No space left on device")

    def picture() -> list[Any]:
        return [
            list(desk.execute(f"SELECT * FROM {table} ORDER BY 1"))
            for table in (
                "person",
                "sync_tx",
                "sync_op",
                "sync_base",
                "sync_state",
                "sync_context",
                "sync_rejection",
            )
        ]

    before = picture()
    with pytest.raises(OSError, match="space"):
        apply_answer(
            desk.connection,
            SCHEMA,
            answer([person(6)], gone=[5], results=[Result(tx, applied=False, code="gone")]),
            NOW,
            fail,
        )
    assert picture() == before
    with desk.doing():
        desk.insert("person", name="still captured")
    assert len(desk.pending()) == 2


def test_of_a_truncated_table_what_does_not_come_is_gone(desk: Desk) -> None:
    apply_answer(desk.connection, SCHEMA, answer([person(i) for i in (5, 6, 7)]), NOW)
    with desk.doing():
        mine = desk.insert("person", name="mine")
        desk.update("person", 5, name="edited")
    apply_answer(desk.connection, SCHEMA, answer([person(7)], whole=True), NOW)
    assert set(desk.rows("person")) == {7, mine}


def test_what_waits_for_another_workstation_falls_with_a_refusal_that_it_builds_on(
    desk: Desk,
) -> None:
    """The server answers ``deferred`` for one of its reasons; the refusal beside it is final."""
    with desk.doing() as refused:
        row = desk.insert("person", name="refused")
    with desk.doing() as child:
        desk.insert("visit", person_id=row, room=1)
    with desk.doing() as alone:
        desk.insert("visit", room=2)
    results = [
        Result(refused, applied=False, code="rule"),
        Result(child, applied=False, deferred=True),
        Result(alone, applied=False, deferred=True),
    ]
    applied = apply_answer(desk.connection, SCHEMA, answer(results=results), NOW)
    assert (applied.rejected, applied.deferred) == (2, 1)
    assert desk.pending() == [alone]
    assert {one.tx: one.code for one in store.rejections(desk.execute)} == {
        refused: "rule",
        child: "depends",
    }
