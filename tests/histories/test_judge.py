"""Each rule of the judge is broken by what it is there for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync import store
from tests.histories import judge
from tests.histories.clinic import SCHEMA, Office, create_tables
from tests.histories.judge import Broken, Entry, Journal
from tests.histories.work import Intent
from tests.sync_client.world import NOW, connect

MARK = ("person", "name", "w1.0-1")
OTHER = ("person", "phone", "w1.0-2")


def entry(seq: int, before: dict[str, Any] | None, xid: int = 1, **after: Any) -> Entry:
    row = {"name": "", "phone": "", **(before or {}), **after}
    return Entry(seq, xid, "person", "U" if before else "I", 1, before, row)


def journal(*entries: Entry, restores: int = 0) -> Journal:
    made = Journal.__new__(Journal)
    made.all = made.lineage = list(entries)
    made.restores = restores
    made.ever = made.written = Journal._written(entries)
    return made


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    connection = connect(tmp_path / "cache.db")
    create_tables(connection)
    store.prepare(connection, SCHEMA, 1)
    yield Office(connection)
    connection.close()


def settle(office: Office, *, applied: bool = False, refused: bool = False) -> Intent:
    """A local transaction of the marks, and what the cache says came of it."""
    with office.doing() as tx:
        office.insert("person", name=MARK[2], phone=OTHER[2])
    (transaction,) = store.outbox(office.execute)
    if applied:
        office.execute(
            "INSERT INTO sync_acked (tx, label, at, acked_at, ops) VALUES (?, '', '', '', '[]')",
            (tx,),
        )
    if refused:
        store.reject(office.execute, transaction, "conflict", {}, NOW)
    store.forget(office.execute, [tx])
    return Intent(tx, [MARK, OTHER], state="done")


WRITTEN = entry(1, None, name=MARK[2], phone=OTHER[2])


def test_what_is_as_it_should_be_passes(office: Office) -> None:
    intent = settle(office, applied=True)
    judge.workstation(journal(WRITTEN), "a", office, [intent])
    judge.web(journal(WRITTEN), [intent])
    judge.nobody_else(journal(WRITTEN), [intent])


@pytest.mark.parametrize(
    ("rule", "fate", "entries"),
    [
        ("none vanishes", {}, []),
        ("none vanishes", {}, [WRITTEN]),
        ("acknowledged and there", {"applied": True}, []),
        ("refused and not there", {"refused": True}, [WRITTEN]),
        ("applied or refused", {"applied": True, "refused": True}, [WRITTEN]),
        (
            "exactly once",
            {"applied": True},
            [WRITTEN, entry(2, {"name": "x"}, name=MARK[2])],
        ),
        (
            "atomic",
            {"applied": True},
            [entry(1, None, name=MARK[2]), entry(2, {"name": MARK[2]}, xid=2, phone=OTHER[2])],
        ),
    ],
)
def test_a_local_transaction_gone_wrong_is_seen(
    office: Office, rule: str, fate: dict[str, bool], entries: list[Entry]
) -> None:
    intent = settle(office, **fate)
    with pytest.raises(Broken, match=rule):
        judge.workstation(journal(*entries), "a", office, [intent])


def test_who_is_overwritten_is_seen(office: Office) -> None:
    intent = settle(office, applied=True)
    intent.seen.append((MARK, {"name": "what was seen"}))
    before = {"name": "what another wrote", "phone": ""}
    written = entry(1, before, name=MARK[2], phone=OTHER[2])
    with pytest.raises(Broken, match="nobody is overwritten"):
        judge.workstation(journal(written), "a", office, [intent])


@pytest.mark.parametrize(
    ("state", "entries"),
    [
        ("done", []),
        ("failed", [WRITTEN]),
        ("about", [entry(1, None, name=MARK[2])]),
        ("done", [WRITTEN, entry(2, {"name": "x"}, name=MARK[2])]),
    ],
)
def test_the_web_gone_wrong_is_seen(state: str, entries: list[Entry]) -> None:
    intent = Intent("web", [MARK, OTHER], state=state)
    with pytest.raises(Broken, match="the web is whole"):
        judge.web(journal(*entries), [intent])


def test_what_nobody_wrote_is_seen() -> None:
    with pytest.raises(Broken, match="somebody wrote it"):
        judge.nobody_else(journal(WRITTEN), [])
