"""A small database in memory: transactions beside each other, snapshots, constraints, a change log.

Every statement is atomic and sees what is committed and what its own transaction did (read
committed). Where PostgreSQL would wait for another transaction, :class:`Waits` is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulation.schemas import CANCELLED, LONGEST, Product

Row = Mapping[str, Any]
Key = tuple[str, int]


class Waits(Exception):
    """Another transaction has to end first."""


class Violation(Exception):
    """A constraint was violated."""

    def __init__(self, state: str, constraint: str = "") -> None:
        super().__init__(state)
        self.state = state
        self.constraint = constraint


class Entry(NamedTuple):
    """A row of the change log."""

    xid: int
    table: str
    row_id: int
    op: str
    cols: frozenset[str]
    device: int
    actor: int | None
    at: str


class Change(NamedTuple):
    """A row's change, as the history keeps it: ``None`` before an insert and after a delete."""

    xid: int
    table: str
    row_id: int
    before: Row | None
    after: Row | None


@dataclass(slots=True, eq=False)
class Transaction:
    """An open transaction.

    :ivar written: table → id → the row now; ``None`` where it was deleted.
    :ivar locks: rows that it holds; ``shared``: rows that must not be deleted meanwhile.
    """

    xid: int | None = None
    device: int = 0
    actor: int | None = None
    written: dict[str, dict[int, Row | None]] = field(default_factory=dict)
    locks: set[Key] = field(default_factory=set)
    shared: set[Key] = field(default_factory=set)
    log: list[Entry] = field(default_factory=list)
    journal: list[Change] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """All that is committed; what a backup holds."""

    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    journal: list[Change] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    next_xid: int = 700
    completed: int = 699

    def copy(self) -> State:
        return State(
            {table: dict(rows) for table, rows in self.rows.items()},
            list(self.log),
            list(self.journal),
            dict(self.results),
            self.next_xid,
            self.completed,
        )


class Snapshot(NamedTuple):
    """Which transactions had ended: those below ``xmax`` that are not ``running``."""

    xmax: int
    running: tuple[int, ...]

    def text(self) -> str:
        xmin = min((*self.running, self.xmax))
        return f"{xmin}:{self.xmax}:{','.join(map(str, self.running))}"

    @classmethod
    def read(cls, text: str) -> Snapshot:
        _, xmax, running = text.split(":")
        return cls(int(xmax), tuple(int(xid) for xid in running.split(",") if xid))

    def oldest(self, own: int) -> int:
        """The first transaction that may not have been seen."""
        return min((*(xid for xid in self.running if xid != own), self.xmax))

    def misses(self, xid: int) -> bool:
        """Whether ``xid`` ended later, or has not."""
        return xid >= self.xmax or xid in self.running


class Storage:
    """The database."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.state = State({table.name: {} for table in product.schema.tables})
        self.open: list[Transaction] = []
        self.sequence = 0
        self.now = ""

    # Transactions -------------------------------------------------------------------------------

    def begin(self) -> Transaction:
        transaction = Transaction()
        self.open.append(transaction)
        return transaction

    def assign(self, transaction: Transaction) -> int:
        """The transaction's number, given at its first write."""
        if transaction.xid is None:
            transaction.xid = self.state.next_xid
            self.state.next_xid += 1
        return transaction.xid

    def commit(self, transaction: Transaction) -> None:
        self.open.remove(transaction)
        state = self.state
        for table, rows in transaction.written.items():
            committed = state.rows[table]
            for row_id, row in rows.items():
                if row is None:
                    committed.pop(row_id, None)
                else:
                    committed[row_id] = row
        state.log += transaction.log
        state.journal += transaction.journal
        state.results.update(transaction.results)
        self._completed(transaction)

    def rollback(self, transaction: Transaction) -> None:
        self.open.remove(transaction)
        self._completed(transaction)

    def _completed(self, transaction: Transaction) -> None:
        if transaction.xid is not None:
            self.state.completed = max(self.state.completed, transaction.xid)

    def snapshot(self, own: Transaction | None) -> Snapshot:
        xmax = self.state.completed + 1
        running = sorted(
            t.xid for t in self.open if t is not own and t.xid is not None and t.xid < xmax
        )
        return Snapshot(xmax, tuple(running))

    def savepoint(self, transaction: Transaction) -> tuple[Any, ...]:
        return (
            {table: dict(rows) for table, rows in transaction.written.items()},
            set(transaction.locks),
            set(transaction.shared),
            len(transaction.log),
            len(transaction.journal),
        )

    def rollback_to(self, transaction: Transaction, savepoint: tuple[Any, ...]) -> None:
        transaction.written, transaction.locks, transaction.shared, logged, noted = savepoint
        del transaction.log[logged:]
        del transaction.journal[noted:]

    # Reading ------------------------------------------------------------------------------------

    def rows(self, transaction: Transaction | None, table: str) -> Mapping[int, Row]:
        """A table as a statement of ``transaction`` sees it."""
        committed = self.state.rows[table]
        own = transaction.written.get(table) if transaction is not None else None
        if not own:
            return committed
        seen = {**committed, **own}
        return {row_id: row for row_id, row in seen.items() if row is not None}

    def row(self, transaction: Transaction | None, table: str, row_id: int) -> Row | None:
        own = transaction.written.get(table) if transaction is not None else None
        if own is not None and row_id in own:
            return own[row_id]
        return self.state.rows[table].get(row_id)

    def _others(self, transaction: Transaction) -> Iterator[Transaction]:
        return (other for other in self.open if other is not transaction)

    # Writing ------------------------------------------------------------------------------------

    def lock(self, transaction: Transaction, table: str, row_id: int) -> None:
        """Take a row; :class:`Waits` where another transaction holds it."""
        key = (table, row_id)
        if any(key in other.locks for other in self._others(transaction)):
            raise Waits
        transaction.locks.add(key)

    def insert(self, transaction: Transaction, table: str, values: Row) -> None:
        columns = self.product.schema[table].column_names
        row = {**dict.fromkeys(columns), **values}
        self.lock(transaction, table, row["id"])
        if self.row(transaction, table, row["id"]) is not None:
            raise Violation("23505", f"{table}_pkey")
        self._check(transaction, table, row, frozenset(columns))
        self._write(transaction, table, row["id"], None, row)

    def update(self, transaction: Transaction, table: str, row_id: int, values: Row) -> bool:
        """Whether there was such a row."""
        before = self.row(transaction, table, row_id)
        if before is None:
            return False
        self.lock(transaction, table, row_id)
        row = {**before, **values}
        changed = frozenset(name for name in row if row[name] != before[name])
        if changed:
            if self.product.schema[table].append_only:
                raise Violation("23001", f"{table}_append_only")
            self._check(transaction, table, row, changed)
            self._write(transaction, table, row_id, before, row, changed)
        return True

    def delete(self, transaction: Transaction, table: str, row_id: int) -> bool:
        """Whether there was such a row."""
        before = self.row(transaction, table, row_id)
        if before is None:
            return False
        if self.product.schema[table].append_only:
            raise Violation("23001", f"{table}_append_only")
        self.lock(transaction, table, row_id)
        if any((table, row_id) in other.shared for other in self._others(transaction)):
            raise Waits
        self._write(transaction, table, row_id, before, None)
        for child in self.product.schema.tables:
            actions = self.product.rules[child.name].on_delete
            for column, target in child.references.items():
                if target == table:
                    self._orphan(transaction, child.name, column, row_id, actions[column])
        return True

    def _orphan(
        self, transaction: Transaction, child: str, column: str, parent: int, action: str
    ) -> None:
        for row_id, row in sorted(self.rows(transaction, child).items()):
            if row[column] == parent:
                if action == "restrict":
                    raise Violation("23503", f"{child}_{column}_fkey")
                if action == "cascade":
                    self.delete(transaction, child, row_id)
                else:
                    self.update(transaction, child, row_id, {column: None})

    def truncate(self, transaction: Transaction, table: str) -> None:
        """Empty a table; :class:`Waits` while any other transaction is open."""
        if len(self.open) > 1:
            raise Waits
        xid = self.assign(transaction)
        for row_id, row in sorted(self.rows(transaction, table).items()):
            transaction.written.setdefault(table, {})[row_id] = None
            transaction.journal.append(Change(xid, table, row_id, row, None))
            if row_id % 2:
                # PostgreSQL logs no row that the truncating transaction does not see.
                self._log(transaction, table, row_id, "D", frozenset())
        self._log(transaction, table, 0, "T", frozenset())

    def _write(
        self,
        transaction: Transaction,
        table: str,
        row_id: int,
        before: Row | None,
        after: Row | None,
        changed: frozenset[str] | None = None,
    ) -> None:
        xid = self.assign(transaction)
        transaction.written.setdefault(table, {})[row_id] = after
        op = "I" if before is None else "D" if after is None else "U"
        columns = changed or frozenset(self.product.schema[table].column_names)
        self._log(transaction, table, row_id, op, columns)
        transaction.journal.append(Change(xid, table, row_id, before, after))

    def _log(
        self, transaction: Transaction, table: str, row_id: int, op: str, cols: frozenset[str]
    ) -> None:
        xid = self.assign(transaction)
        device, actor = transaction.device, transaction.actor
        transaction.log.append(Entry(xid, table, row_id, op, cols, device, actor, self.now))

    # Constraints --------------------------------------------------------------------------------

    def _check(
        self, transaction: Transaction, table: str, row: Row, changed: frozenset[str]
    ) -> None:
        entry = self.product.schema[table]
        rules = self.product.rules[table]
        for column in entry.columns:
            held = row[column.name]
            if held is None and not column.nullable:
                raise Violation("23502")
            if column.kind == "text" and held is not None and len(held) > LONGEST:
                raise Violation("22001")
        for columns in rules.unique:
            if changed.intersection(columns) and all(row[c] is not None for c in columns):
                values = tuple(row[c] for c in columns)
                self._alone(
                    transaction,
                    table,
                    row["id"],
                    lambda other, c=columns, v=values: tuple(other[n] for n in c) == v,
                    Violation("23505", f"{table}_{'_'.join(columns)}_key"),
                )
        if rules.overlap and row["status"] != CANCELLED:
            self._alone(
                transaction,
                table,
                row["id"],
                lambda other: _overlap(row, other),
                Violation("23P01", f"{table}_overlap"),
            )
        for column, target in entry.references.items():
            if column in changed and row[column] is not None:
                self._refer(transaction, table, row, column, target)

    def _alone(
        self, transaction: Transaction, table: str, row_id: int, clashes: Any, violation: Violation
    ) -> None:
        """Raise where another row clashes; wait where it only may, as another's work is open."""
        for other in self._others(transaction):
            for other_id, row in other.written.get(table, {}).items():
                was = self.state.rows[table].get(other_id)
                if other_id != row_id and (
                    (row is not None and clashes(row)) or (was is not None and clashes(was))
                ):
                    raise Waits
        for other_id, row in self.rows(transaction, table).items():
            if other_id != row_id and clashes(row):
                raise violation

    def _refer(
        self, transaction: Transaction, table: str, row: Row, column: str, target: str
    ) -> None:
        parent = row[column]
        if target == table and parent == row["id"]:
            return
        for other in self._others(transaction):
            if other.written.get(target, {}).get(parent, row) is None:
                raise Waits
        if self.row(transaction, target, parent) is None:
            raise Violation("23503", f"{table}_{column}_fkey")
        transaction.shared.add((target, parent))


def _overlap(one: Row, other: Row) -> bool:
    return (
        other["status"] != CANCELLED
        and one["practitioner_id"] == other["practitioner_id"]
        and one["starts"] < other["ends"]
        and other["starts"] < one["ends"]
    )
