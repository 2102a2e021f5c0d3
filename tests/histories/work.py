"""What people do in a history, and the record of it that no engine keeps.

A record is a file of one line a local transaction: what it is about to write, and that it is done.
Every text and every amount is written once in all of a history, so that the journal can be asked
who wrote what.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.histories.clinic import DAY, HOURS, ROOMS, STAFF, Office

Mark = tuple[str, str, str]
"""Table, column and the text that the journal has of the value."""


@dataclass(slots=True)
class Intent:
    """A transaction of a workstation or of the web.

    :ivar name: its UUID, or a web transaction's own.
    :ivar marks: what it writes that nobody else does.
    :ivar seen: of each update: table, the mark that tells it, and column → value that was seen.
    :ivar state: ``about`` (nobody knows), ``done`` or ``failed``.
    """

    name: str
    marks: list[Mark] = field(default_factory=list)
    seen: list[tuple[Mark, dict[str, Any]]] = field(default_factory=list)
    state: str = "about"


class Record:
    """Written by one process, in append mode; what was written survives it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, intent: Intent) -> None:
        os.write(self._file, json.dumps(asdict(intent)).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


def intents(path: Path) -> list[Intent]:
    """What a record tells; the last word on each."""
    found: dict[str, Intent] = {}
    if not path.exists():
        return []
    for line in path.read_text().splitlines():
        raw = json.loads(line)
        raw["marks"] = [tuple(mark) for mark in raw["marks"]]
        raw["seen"] = [(tuple(mark), old) for mark, old in raw["seen"]]
        intent = Intent(**raw)
        found[intent.name] = intent
    return list(found.values())


class Marks:
    """Texts and amounts that nobody else in the history writes."""

    def __init__(self, writer: int, life: int) -> None:
        self._writer = f"w{writer}.{life}"
        self._base = (writer * 50 + life) * 10_000
        self._count = 0

    def text(self) -> str:
        self._count += 1
        return f"{self._writer}-{self._count}"

    def cents(self) -> int:
        self._count += 1
        return self._base + self._count


def slot(rng: random.Random) -> dict[str, int]:
    starts = rng.randrange(DAY)
    return {
        "staff": rng.randrange(STAFF) + 1,
        "starts": starts,
        "ends": starts + rng.randrange(1, 4),
    }


def hour(rng: random.Random) -> str:
    return f"{9 + rng.randrange(HOURS):02}:00:00"


class Person:
    """Somebody at a workstation."""

    def __init__(self, desk: Office, record: Record, marks: Marks, rng: random.Random) -> None:
        self._desk = desk
        self._record = record
        self._marks = marks
        self._rng = rng
        self._intent = Intent("")

    def work(self) -> None:
        """One local transaction, or nothing where there is nothing to do it to."""
        things: dict[Callable[[], None], int] = {
            self._new_person: 4,
            self._change_person: 6,
            self._new_visit: 3,
            self._change_visit: 2,
            self._new_booking: 5,
            self._move_booking: 3,
            self._new_entry: 4,
            self._delete: 2,
        }
        with self._desk.doing() as tx:
            self._intent = Intent(tx)
            for thing in self._rng.choices(list(things), list(things.values()), k=self._some()):
                thing()
            self._record.note(self._intent)
        if self._intent.marks:
            self._intent.state = "done"
            self._record.note(self._intent)

    def _some(self) -> int:
        return self._rng.choice((1, 1, 1, 2, 3))

    def _mark(self, table: str, column: str) -> str:
        text = self._marks.text()
        self._intent.marks.append((table, column, text))
        return text

    def _any(self, table: str) -> int | None:
        rows = list(self._desk.rows(table))
        return self._rng.choice(rows) if rows else None

    def _update(self, table: str, row_id: int, marked: str, **more: Any) -> None:
        row = self._desk.rows(table)[row_id]
        values = {marked: self._mark(table, marked), **more}
        seen = {name: row[name] for name, value in values.items() if row[name] != value}
        # What the same transaction wrote before is no view of the server.
        own = {text for _, _, text in self._intent.marks}
        if not own & {value for value in row.values() if isinstance(value, str)}:
            self._intent.seen.append(((table, marked, values[marked]), seen))
        self._desk.update(table, row_id, **values)

    def _new_person(self) -> None:
        self._desk.insert(
            "person",
            name=self._mark("person", "name"),
            phone=self._mark("person", "phone"),
            friend_id=self._any("person") if self._rng.random() < 0.5 else None,
        )

    def _change_person(self) -> None:
        person = self._any("person")
        if person is not None:
            self._update("person", person, self._rng.choice(("name", "phone")))

    def _new_visit(self) -> None:
        self._desk.insert(
            "visit",
            person_id=self._any("person"),
            room=self._rng.randrange(ROOMS) + 1,
            at=hour(self._rng),
            note=self._mark("visit", "note"),
        )

    def _change_visit(self) -> None:
        visit = self._any("visit")
        if visit is not None:
            more = {"at": hour(self._rng)} if self._rng.random() < 0.5 else {}
            self._update("visit", visit, "note", **more)

    def _new_booking(self) -> None:
        self._desk.insert(
            "booking",
            person_id=self._any("person"),
            note=self._mark("booking", "note"),
            **slot(self._rng),
        )

    def _move_booking(self) -> None:
        booking = self._any("booking")
        if booking is not None:
            self._update("booking", booking, "note", **slot(self._rng))

    def _new_entry(self) -> None:
        cents = self._marks.cents()
        self._intent.marks.append(("entry", "amount", str(Decimal(cents).scaleb(-2))))
        self._desk.insert("entry", person_id=self._any("person"), amount=cents)

    def _delete(self) -> None:
        table = self._rng.choice(("visit", "booking", "booking", "person"))
        row = self._any(table)
        if row is not None:
            self._desk.delete(table, row)
