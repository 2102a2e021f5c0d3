"""What people do: rows of chance at a workstation, and in the web."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sync import codec, store
from sync.schema import Column, SyncTable
from tests.simulation import schemas
from tests.simulation.schemas import CANCELLED, LONGEST, PRACTITIONER, Product
from tests.simulation.storage import Storage, Transaction, Violation, Waits
from tests.simulation.workstation import Intent, Workstation

Marks = list[tuple[str, str, str]]


class Chooser:
    """Chooses values of chance for one table's rows.

    :param ids: the rows of a table that there are to refer to.
    :param token: a text that was never written before.
    """

    def __init__(
        self,
        rng: random.Random,
        product: Product,
        ids: Callable[[str], list[int]],
        token: Callable[[], str],
        now: dt.datetime,
        practitioner: int | None,
    ) -> None:
        self.rng = rng
        self.product = product
        self._ids = ids
        self._token = token
        self._now = now
        self._practitioner = practitioner

    def fresh(self, table: SyncTable) -> dict[str, Any] | None:
        """A new row without its id; ``None`` where a parent that it needs is not there."""
        row = {column.name: self._value(table, column) for column in table.columns}
        del row["id"]
        row["mark"] = self._token()
        if any(row.get(c.name) is None and not c.nullable for c in table.columns if c.name != "id"):
            return None
        if self.product.rules[table.name].overlap:
            row.update(self._place(row["practitioner_id"]))
        return row

    def changes(self, table: SyncTable) -> dict[str, Any]:
        """New values for some columns."""
        free = [c for c in table.columns if c.name != "id" and not c.stamp]
        picked = self.rng.sample(free, min(len(free), self.rng.choice((1, 1, 2, 3))))
        values = {column.name: self._value(table, column) for column in picked}
        for column in table.columns:
            if column.stamp:
                values[column.name] = codec.instant_to_text(self._now)
            elif column.name in values and column.kind == "text" and column.name != "status":
                # Each change has its own words, by which the history knows it again.
                values[column.name] = self._token()
            elif values.get(column.name, self) is None and not column.nullable:
                del values[column.name]
        if "starts" in values or "ends" in values:
            values.update(self._place(values.get("practitioner_id")))
            values = {name: value for name, value in values.items() if value is not None}
        return values

    def _place(self, practitioner: int | None) -> dict[str, Any]:
        begins = self.rng.randrange(14)
        return {
            "practitioner_id": practitioner,
            "starts": schemas.hour(begins),
            "ends": schemas.hour(begins + self.rng.randint(1, 2)),
        }

    def _value(self, table: SyncTable, column: Column) -> Any:
        target = table.references.get(column.name)
        if target is not None:
            ids = self._ids(target)
            if not ids or (column.nullable and self.rng.random() < 0.2):
                return None
            return self.rng.choice(ids)
        if column.stamp:
            return codec.instant_to_text(self._now)
        if column.name == "owner":
            owned = self._practitioner is not None and self.rng.random() < 0.9
            return self._practitioner if owned else self.rng.randint(1, 2)
        if column.name == "status":
            return self.rng.choice(("reservada", "reservada", "atendida", CANCELLED))
        if column.kind == "text" and self.rng.random() < 0.01:
            return "x" * (LONGEST + 1)
        return schemas.value(self.rng, column)


def marked(table: str, values: Mapping[str, Any], tokens: str) -> Marks:
    """Which of the values are words that nobody else ever writes."""
    return [
        (table, name, value)
        for name, value in values.items()
        if isinstance(value, str) and value.startswith(tokens)
    ]


class Person:
    """Somebody at a workstation.

    :param tokens: what the texts of this world begin with that are written only once.
    """

    def __init__(self, station: Workstation, chooser: Chooser, tokens: str) -> None:
        self.station = station
        self.chooser = chooser
        self.tokens = tokens

    def work(self, intent: Intent) -> None:
        """A few edits in the local transaction that is open."""
        rng = self.chooser.rng
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
            self._edit(intent, rng)

    def _edit(self, intent: Intent, rng: random.Random) -> None:
        station = self.station
        tables = [
            table
            for table in station.product.schema.tables
            if station.profile in table.write_by or rng.random() < 0.01
        ]
        if not tables:
            return
        table = rng.choice(tables)
        ids = station.ids(table.name)
        what = rng.random()
        if table.append_only or not ids or what < 0.4:
            if not table.born_on_server:
                self._insert(intent, table)
        elif what < 0.87:
            self._update(intent, table, rng.choice(ids))
        else:
            station.execute(f'DELETE FROM "{table.name}" WHERE id = ?', (rng.choice(ids),))

    def _insert(self, intent: Intent, table: SyncTable) -> None:
        row = self.chooser.fresh(table)
        if row is None or (self._taken(table, row) and self.chooser.rng.random() < 0.7):
            return
        row = {"id": store.next_id(self.station.execute), **row}
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" * len(row))
        self.station.execute(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', tuple(row.values())
        )
        intent.marks += marked(table.name, row, self.tokens)

    def _update(self, intent: Intent, table: SyncTable, row_id: int) -> None:
        values = self.chooser.changes(table)
        if values:
            sets = ", ".join(f'"{name}" = ?' for name in values)
            self.station.execute(
                f'UPDATE "{table.name}" SET {sets} WHERE id = ?', (*values.values(), row_id)
            )
            intent.marks += marked(table.name, values, self.tokens)

    def _taken(self, table: SyncTable, row: Mapping[str, Any]) -> bool:
        """Whether this cache knows already that the server will not take a row."""
        if not self.station.product.rules[table.name].overlap or row["status"] == CANCELLED:
            return False
        return bool(
            self.station.execute(
                f'SELECT 1 FROM "{table.name}" WHERE practitioner_id = ? AND status <> ?'
                " AND starts < ? AND ? < ends",
                (row["practitioner_id"], CANCELLED, row["ends"], row["starts"]),
            )
        )


class Visit:
    """A transaction of the web site, which may stay open for long."""

    def __init__(self, storage: Storage, tokens: str) -> None:
        self.storage = storage
        self.tokens = tokens
        self.transaction: Transaction = storage.begin()
        self.marks: Marks = []

    def write(self, chooser: Chooser) -> bool:
        """One statement; ``False`` where it failed or would wait, and all is rolled back."""
        try:
            self._write(chooser)
        except (Violation, Waits):
            self.storage.rollback(self.transaction)
            return False
        return True

    def _write(self, chooser: Chooser) -> None:
        rng = chooser.rng
        table = rng.choice(chooser.product.schema.tables)
        ids = sorted(self.storage.rows(self.transaction, table.name))
        what = rng.random()
        if table.append_only and ids and what < 0.1:
            # The site has no business here, and must not get through.
            self.change(chooser, table, [rng.choice(ids)])
        elif table.append_only or not ids or what < 0.4:
            row = chooser.fresh(table)
            if row is not None:
                self.storage.sequence += 1
                self._mark(table, row)
                row = {"id": self.storage.sequence, **row}
                self.storage.insert(self.transaction, table.name, served(table, row))
        elif what < 0.85:
            self.change(chooser, table, [rng.choice(ids)])
        else:
            self.storage.delete(self.transaction, table.name, rng.choice(ids))

    def change(self, chooser: Chooser, table: SyncTable, ids: Iterable[int]) -> None:
        """Change rows, each in its own way."""
        for row_id in ids:
            values = chooser.changes(table)
            if values and self.storage.row(self.transaction, table.name, row_id) is not None:
                self._mark(table, values)
                values = served(table, values)
                self.storage.update(self.transaction, table.name, row_id, values)

    def _mark(self, table: SyncTable, values: Mapping[str, Any]) -> None:
        self.marks += marked(table.name, values, self.tokens)


def served(table: SyncTable, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the server holds them: a truth is ``True``, not 1."""
    kinds = {column.name: column.kind for column in table.columns}
    return {
        name: bool(value) if kinds[name] == "bool" and value is not None else value
        for name, value in values.items()
    }


def profile_practitioner(profile: str) -> int | None:
    """Whose rows a device of a profile gets."""
    return 1 if profile == PRACTITIONER else None
