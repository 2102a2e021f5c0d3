"""Lays a server's answer over the cache, in one SQLite transaction.

What holds before and after, for every synced row::

    row in the cache = the server's image + the operations that wait in the outbox, in order

``sync_base`` keeps the server's image of the rows that have operations waiting, so that a pull never
waits for the queue, and a refused operation can be taken back at any time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync import acked, codec, later, store
from sync.capture import image_sql
from sync.errors import MassDeletion
from sync.schema import SyncSchema, device_of
from sync.store import Execute, LocalTransaction, Operation
from sync.wire import ExchangeAnswer, Result, TableChanges

FEW_ROWS = 100
"""Fewer rows than this are never taken for a table that is emptied by mistake."""

DELETION_ALLOWED = "deletion_allowed"

Key = tuple[str, int]
Image = dict[str, Any] | None
Fault = Callable[[str], None]


def no_fault(_point: str) -> None:
    """The fault hook that does nothing."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an answer did to the cache.

    :ivar tables: synced tables whose rows were written.
    :ivar acknowledged: local transactions that the server has applied.
    :ivar rejected: local transactions that went to the rejections.
    :ivar rows: server images laid down; ``gone``: rows that the server has no more.
    :ivar deferred: local transactions that the server wants to be pushed again.
    """

    tables: frozenset[str] = frozenset()
    acknowledged: int = 0
    rejected: int = 0
    rows: int = 0
    gone: int = 0
    deferred: int = 0


@dataclass(slots=True)
class _Work:
    """The pending part of the cache while an answer is laid over it."""

    images: dict[Key, Image]
    waiting: list[LocalTransaction]
    dirty: set[Key] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    left: set[Key] = field(default_factory=set)
    acknowledged: int = 0
    rejected: int = 0
    deferred: int = 0


def apply_answer(
    connection: Any,
    schema: SyncSchema,
    answer: ExchangeAnswer,
    now: dt.datetime,
    fault: Fault = no_fault,
) -> Applied:
    """Apply an ``ok`` answer whole, or (where anything fails) not at all.

    Raises :class:`~sync.errors.MassDeletion` where it would take most of a table away and nobody
    has allowed it.

    :param connection: a DB-API connection in autocommit mode, with no transaction open.
    :param now: aware; becomes the moment of the last sync.
    """
    with Transaction(connection, fault):
        execute = store.executor(connection)
        work = load(execute)
        settle_results(execute, schema, work, answer.results, now)
        fault("results_settled")
        rows = gone = 0
        for change in answer.changes:
            if change.table in schema:
                lay_down(connection, schema, work, change)
                rows += len(change.rows)
                gone += len(change.gone)
        fault("rows_laid_down")
        rebuild(connection, work)
        fault("pending_laid_over")
        for key, value in (
            ("nonce", answer.nonce),
            ("generation", str(answer.generation)),
            ("cursor", answer.cursor),
            ("exchange", None),
            (DELETION_ALLOWED, None),
            ("last_sync", codec.instant_to_text(now)),
            ("server_time", answer.server_time),
        ):
            store.set_state(execute, key, value)
    return Applied(
        frozenset(work.tables), work.acknowledged, work.rejected, rows, gone, work.deferred
    )


def lay_down_rows(
    connection: Any, schema: SyncSchema, change: TableChanges, key: str, value: str | None
) -> None:
    """Lay down rows that came beside an exchange, and set a state with them, in one transaction."""
    with Transaction(connection, no_fault):
        execute = store.executor(connection)
        work = load(execute)
        lay_down(connection, schema, work, change)
        rebuild(connection, work)
        store.set_state(execute, key, value)


class Transaction:
    """One write transaction in which edits are not captured."""

    def __init__(self, connection: Any, fault: Fault) -> None:
        self._connection = connection
        self._fault = fault

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("UPDATE sync_context SET capturing = 0 WHERE id = 1")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._connection.execute("ROLLBACK")
            return
        try:
            self._connection.execute("UPDATE sync_context SET capturing = 1 WHERE id = 1")
            self._fault("before_commit")
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._fault("after_commit")


def load(execute: Execute) -> _Work:
    """The outbox, and the server's image of every row in it."""
    images: dict[Key, Image] = {
        (table, row_id): None if image is None else json.loads(image)
        for table, row_id, image in execute("SELECT tbl, row_id, image FROM sync_base")
    }
    return _Work(images, store.outbox(execute))


def keep_images(execute: Execute, schema: SyncSchema, keys: Iterable[Key]) -> None:
    """What stands in the cache of rows that had nothing waiting is the server's image of them."""
    for table, row_id in sorted(keys):
        image = image_sql(schema[table], f'"{table}"')
        execute(
            "INSERT OR IGNORE INTO sync_base (tbl, row_id, image)"
            f' SELECT ?, ?, (SELECT {image} FROM "{table}" WHERE id = ?)',
            (table, row_id, row_id),
        )


def settle_results(
    execute: Execute,
    schema: SyncSchema,
    work: _Work,
    results: Iterable[Result],
    now: dt.datetime,
    *,
    beside_rows: bool = True,
) -> None:
    """Take answered transactions, and what depends on refused ones, out of the outbox.

    :param beside_rows: the rows that they touched come with the results.
    """
    answered = {result.tx: result for result in results}
    refused = _Refused(schema)
    left: list[LocalTransaction] = []
    for transaction in work.waiting:
        result = answered.get(transaction.id)
        if result is None or result.deferred:
            on = refused.stands_under(transaction)
            if on is None:
                left.append(transaction)
                work.deferred += result is not None
                continue
            result = Result(transaction.id, applied=False, code="depends", detail={"on": on})
        work.dirty.update((o.table, o.row_id) for o in transaction.operations)
        if result.applied:
            # The answer normally brings the image too; this holds where it doesn't. What was applied
            # some time ago may have been changed since, and is here or comes, by whatever id it has.
            old_news = result.made is not None and beside_rows
            for operation in () if old_news else transaction.operations:
                key = (operation.table, operation.row_id)
                work.images[key] = play(work.images.get(key), operation)
            store.forget(execute, [transaction.id])
            acked.keep(execute, transaction, now)
            work.acknowledged += 1
        else:
            refused.add(transaction)
            store.reject(execute, transaction, result.code, dict(result.detail), now)
            work.rejected += 1
    work.waiting = left


class _Refused:
    """What refused transactions would have made: rows, and columns of rows."""

    def __init__(self, schema: SyncSchema) -> None:
        self._schema = schema
        self._inserted: dict[Key, str] = {}
        self._changed: dict[tuple[str, int, str], str] = {}

    def add(self, transaction: LocalTransaction) -> None:
        for operation in transaction.operations:
            if operation.kind == "I":
                self._inserted[operation.table, operation.row_id] = transaction.id
            for column in operation.new:
                self._changed[operation.table, operation.row_id, column] = transaction.id

    def stands_under(self, transaction: LocalTransaction) -> str | None:
        """The refused transaction that ``transaction`` builds on; ``None`` where there is none."""
        for operation in transaction.operations:
            on = self._inserted.get((operation.table, operation.row_id))
            if on is not None:
                return on
            for column in operation.new if operation.kind == "U" else operation.old:
                on = self._changed.get((operation.table, operation.row_id, column))
                if on is not None:
                    return on
            references = self._schema[operation.table].references
            for column, value in operation.new.items():
                if value is not None and column in references:
                    on = self._inserted.get((references[column], value))
                    if on is not None:
                        return on
        return None


def lay_down(connection: Any, schema: SyncSchema, work: _Work, change: TableChanges) -> None:
    """Write a table's changes, of rows that no operation waits for; the others' become dirty."""
    table = schema[change.table]
    known = set(table.column_names)
    places = [i for i, column in enumerate(change.columns) if column in known]
    columns = [change.columns[i] for i in places]
    whole = len(places) == len(change.columns)
    key_at = change.columns.index("id")
    pending = {row_id for name, row_id in work.images if name == change.table}
    later.follow(connection, change)
    free: list[Sequence[Any]] = []
    for row in change.rows:
        picked = row if whole else [row[i] for i in places]
        if row[key_at] in pending:
            key = (change.table, row[key_at])
            work.images[key] = {
                **(work.images[key] or {}),
                **{name: _as_stored(value) for name, value in zip(columns, picked, strict=True)},
            }
            work.dirty.add(key)
        else:
            free.append(picked)
    if free:
        connection.executemany(upsert_sql(change.table, columns), free)
    _pass_over_used_ids(connection, change, key_at)
    lost: list[tuple[int]] = []
    left: list[tuple[int]] = []
    leaving = frozenset(change.left)
    for row_id in _gone(connection, change, key_at, pending):
        leaves = change.rescoped or row_id in leaving
        if row_id in pending:
            key = (change.table, row_id)
            work.images[key] = None
            work.dirty.add(key)
            if leaves:
                work.left.add(key)
        else:
            (left if leaves else lost).append((row_id,))
    delete = f'DELETE FROM "{change.table}" WHERE id = ?'
    if lost:
        stop_mass_deletion(connection, change.table, len(lost))
        connection.executemany(delete, lost)
    if left:
        with store.leaving(store.executor(connection)):
            connection.executemany(delete, left)
    if free or lost or left:
        work.tables.add(change.table)


def _pass_over_used_ids(connection: Any, change: TableChanges, key_at: int) -> None:
    """Give no id that a copy of this cache, which has yet to be told from it, has given already."""
    execute = store.executor(connection)
    device = store.device(execute)
    used = [row[key_at] for row in change.rows if device_of(row[key_at]) == device]
    if used:
        store.raise_counter(execute, max(used))


def stop_mass_deletion(connection: Any, table: str, gone: int, before: int = 0) -> None:
    """Raise ``MassDeletion`` where most of ``table`` is to go, unless a person has allowed it.

    :param before: how many more rows went in earlier steps of the same work.
    """
    if gone + before < FEW_ROWS:
        return
    execute = store.executor(connection)
    rows = before + int(execute(f'SELECT count(*) FROM "{table}"')[0][0])
    rows += later.coming(connection, table)
    allowed = json.loads(store.get_state(execute, DELETION_ALLOWED) or "{}")
    if 2 * (gone + before) > rows and allowed.get(table, 0) < gone:
        raise MassDeletion(table=table, gone=gone + before, rows=rows)


def allow_deletion(execute: Execute, table: str, gone: int) -> None:
    """A person has seen that ``gone`` rows of ``table`` are to go, and wants it so, once."""
    allowed = json.loads(store.get_state(execute, DELETION_ALLOWED) or "{}")
    store.set_state(execute, DELETION_ALLOWED, json.dumps({**allowed, table: gone}))


def _gone(connection: Any, change: TableChanges, key_at: int, pending: set[int]) -> Iterable[int]:
    if not change.whole:
        return change.gone
    present = {row[key_at] for row in change.rows}.union(change.later)
    here = {row_id for (row_id,) in connection.execute(f'SELECT id FROM "{change.table}"')}
    return sorted((here | pending) - present)


def _as_stored(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def rebuild(connection: Any, work: _Work) -> None:
    """Write every dirty row anew: its server image, and the waiting operations over it."""
    waiting: dict[Key, list[Operation]] = {}
    for transaction in work.waiting:
        for operation in transaction.operations:
            waiting.setdefault((operation.table, operation.row_id), []).append(operation)
    for key in sorted(work.dirty):
        table, row_id = key
        image = work.images.get(key)
        row = image
        for operation in waiting.get(key, ()):
            row = play(row, operation)
        if row is None:
            delete = f'DELETE FROM "{table}" WHERE id = ?'
            if key in work.left:
                with store.leaving(store.executor(connection)):
                    connection.execute(delete, (row_id,))
            else:
                connection.execute(delete, (row_id,))
        else:
            columns = list(row)
            connection.execute(upsert_sql(table, columns), [row[column] for column in columns])
        if key in waiting:
            connection.execute(
                "INSERT INTO sync_base (tbl, row_id, image) VALUES (?, ?, ?)"
                " ON CONFLICT (tbl, row_id) DO UPDATE SET image = excluded.image",
                (table, row_id, None if image is None else json.dumps(image, ensure_ascii=False)),
            )
        else:
            connection.execute("DELETE FROM sync_base WHERE tbl = ? AND row_id = ?", key)
        work.tables.add(table)


def play(row: Image, operation: Operation) -> Image:
    """A row after an operation; an update of a row that is not there changes nothing."""
    if operation.kind == "D":
        return None
    if operation.kind == "I":
        return {**(row or {}), **operation.new}
    return None if row is None else {**row, **operation.new}


def upsert_sql(table: str, columns: Sequence[str]) -> str:
    """An insert of one row by key that updates the row where it is there."""
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column != "id")
    action = f"DO UPDATE SET {updates}" if updates else "DO NOTHING"
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks}) ON CONFLICT (id) {action}'
