"""What must hold in the end, judged from the records, the journal and what is there."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sync import store
from tests.histories.clinic import SCHEMA, Clinic, Office
from tests.histories.work import Intent, Mark

MARKED = {
    "account": ("login",),
    "person": ("name", "phone"),
    "visit": ("note",),
    "booking": ("note",),
    "entry": ("amount",),
}
"""The columns in which every value is written once."""


class Broken(AssertionError):
    """A rule that did not hold."""


def hold(rule: str, truth: object, *what: object) -> None:
    if not truth:
        raise Broken(f"{rule}: {' '.join(map(str, what))}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal."""

    seq: int
    xid: int
    table: str
    op: str
    row_id: int
    before: Any
    after: Any


def _read(text: str | None) -> Any:
    """A row's version; amounts keep their decimals."""
    return None if text is None else json.loads(text, parse_float=Decimal)


class Journal:
    """Everything that was ever committed, and what of it a restore took away."""

    def __init__(self, clinic: Clinic) -> None:
        self.all = [
            Entry(*row, _read(before), _read(after))
            for *row, before, after in clinic.query(
                "SELECT seq, xid::text::bigint, tbl, op, id, before::text, after::text"
                " FROM judge.journal ORDER BY seq"
            )
        ]
        self._kept = {
            kept: {seq for (seq,) in clinic.query(f"SELECT seq FROM judge.{kept}")}
            for kept in clinic.backups
        }
        self.restores = sum(entry.op == "R" for entry in self.all)
        self.lineage = self._line({entry.seq for entry in self.all})
        self.ever = self._written(self.all)
        self.written = self._written(self.lineage)

    def _line(self, seen: set[int]) -> list[Entry]:
        """Of what was seen, that which made the rows as they were then."""
        line: list[Entry] = []
        for entry in self.all:
            if entry.seq not in seen:
                continue
            if entry.op == "R":
                line = self._line(self._kept[entry.after])
            else:
                line.append(entry)
        return line

    @staticmethod
    def _written(entries: Iterable[Entry]) -> dict[Mark, list[Entry]]:
        found: dict[Mark, list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.op in "IU":
                for column in MARKED[entry.table]:
                    value = entry.after[column]
                    if value is not None and (entry.before or {}).get(column) != value:
                        found[entry.table, column, str(value)].append(entry)
        return found


def in_step(clinic: Clinic, name: str, office: Office) -> None:
    """A cache holds what the server holds, and nothing waits in it."""
    for table in ("sync_tx", "sync_op", "sync_base", "sync_again"):
        left = office.execute(f"SELECT count(*) FROM {table}")[0][0]
        hold("queues drain", left == 0, name, table, left)
    ours, theirs = office.everything(), clinic.everything()
    for table in SCHEMA.tables:
        here, there = ours[table.name], theirs[table.name]
        hold("same rows", here.keys() == there.keys(), name, table.name, here.keys() ^ there.keys())
        for row_id, row in here.items():
            hold("same values", row == there[row_id], name, table.name, row, there[row_id])
    hold("nothing was mended", store.mended(office.execute) == 0, name)


def whole(journal: Journal, clinic: Clinic) -> None:
    """The journal has all that there is: else it is no witness."""
    rows: dict[str, dict[int, Any]] = {table.name: {} for table in SCHEMA.tables}
    for entry in journal.lineage:
        if entry.op == "T":
            rows[entry.table] = {}
        elif entry.op == "D":
            rows[entry.table].pop(entry.row_id, None)
        else:
            rows[entry.table][entry.row_id] = entry.after
    for table, expected in rows.items():
        texts = clinic.query(f"SELECT id, to_jsonb(r)::text FROM {table} r")
        found = {row_id: _read(text) for row_id, text in texts}
        hold("the journal is whole", found == expected, table, found, expected)


def web(journal: Journal, intents: Iterable[Intent]) -> None:
    """What the web committed was there, once; what it did not, never."""
    for intent in intents:
        times = {len(journal.ever.get(mark, ())) for mark in intent.marks}
        allowed: list[set[int]] = {
            "done": [{1}, set()],
            "failed": [{0}, set()],
            "about": [{0}, {1}, set()],
        }[intent.state]
        hold("the web is whole", times in allowed, intent, times)


def workstation(journal: Journal, name: str, office: Office, intents: Iterable[Intent]) -> None:
    """Every local transaction was applied once and whole, or is a draft and left no trace."""
    acked = {tx for (tx,) in office.execute("SELECT tx FROM sync_acked")}
    drafts = dict(office.execute("SELECT tx, ops FROM sync_rejection"))
    for intent in intents:
        applied, refused = intent.name in acked, intent.name in drafts
        hold("applied or refused", not (applied and refused), name, intent)
        known = applied or refused
        hold("none vanishes", known or intent.state == "about", name, intent)
        found = [journal.written.get(mark, []) for mark in intent.marks]
        ever = [len(journal.ever.get(mark, ())) for mark in intent.marks]
        most = 1 + journal.restores
        hold("exactly once", all(times <= most for times in ever), name, intent, ever)
        hold("exactly once", all(len(f) <= 1 for f in found), name, intent, found)
        if applied:
            hold("acknowledged and there", all(found), name, intent, found)
            hold("atomic", len({f[0].xid for f in found}) <= 1, name, intent, found)
            _nobody_overwritten(journal, name, intent)
        else:
            hold("refused and not there", not any(found), name, intent, found)
        if refused:
            hold("refused with its draft", drafts[intent.name] != "[]", name, intent)


def _nobody_overwritten(journal: Journal, name: str, intent: Intent) -> None:
    """What was changed held what the person saw, or already what the person wanted."""
    for mark, seen in intent.seen:
        entry = journal.written[mark][0]
        for column, value in seen.items():
            was = entry.before[column]
            hold(
                "nobody is overwritten",
                was in (value, entry.after[column]),
                name,
                intent,
                f"{column} was {was!r}, and {value!r} was seen",
            )


def nobody_else(journal: Journal, intents: Iterable[Intent]) -> None:
    """All that was ever written is somebody's."""
    known = {mark for intent in intents for mark in intent.marks}
    for mark in journal.ever:
        of_the_template = mark[2].startswith(("seed-", "0."))
        hold("somebody wrote it", mark in known or of_the_template, mark)


def rules(journal: Journal, clinic: Clinic) -> None:
    """Money is never changed, nothing is there twice, and nobody has two bookings at a time."""
    changed = [e for e in journal.lineage if e.table == "entry" and e.op != "I"]
    hold("no money changed", not changed, changed)
    amounts = [amount for (amount,) in clinic.query("SELECT amount FROM entry")]
    hold("no money twice", len(set(amounts)) == len(amounts), amounts)
    days = sorted(clinic.query("SELECT staff, starts, ends, id FROM booking"))
    for one, other in itertools.pairwise(days):
        hold("no overlap", one[0] != other[0] or one[2] <= other[1], one, other)
    for table in SCHEMA.tables:
        for column, target in table.references.items():
            orphans = clinic.query(
                f"SELECT id FROM {table.name} r WHERE {column} IS NOT NULL"
                f" AND NOT EXISTS (SELECT FROM {target} t WHERE t.id = r.{column})"
            )
            hold("parents are there", not orphans, table.name, column, orphans)


def told(paths: Iterable[Path]) -> Iterator[str]:
    """What processes told that should not have happened."""
    for path in paths:
        if path.exists():
            yield f"{path.stem}:\n{path.read_text()}"


def evidence(clinic: Clinic, path: Path) -> None:
    """Keep what the server knows, for whoever looks into a failure."""
    tables = ["judge.journal", "sync_device", "sync_meta", "sync_result", "sync_log"]
    tables += [f"judge.{kept}" for kept in clinic.backups]
    with path.open("w") as file:
        for table in tables:
            for (row,) in clinic.query(f"SELECT to_jsonb(r)::text FROM {table} r"):
                file.write(f"{table} {row}\n")
