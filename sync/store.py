"""The engine's own tables inside a cache, and what is asked of them.

==================  ================================================================================
``sync_state``      key → value: device, nonce, cursor, epoch, the exchange under way, last sync …
``sync_context``    one row: the local transaction that is open, and whether edits are captured
``sync_tx``         the outbox: local transactions that the server has not yet answered, in order
``sync_op``         what each of them did to which row
``sync_base``       the server's image of every row that has an operation in the outbox
                    (``NULL``: the server has no such row)
``sync_later``      ids of rows that are still to be read (:mod:`sync.later`)
``sync_rejection``  local transactions that the server refused, with their whole draft
``sync_acked``      local transactions that the server applied, for 35 days (:mod:`sync.acked`)
``sync_again``      which of the outbox were applied before the server was put back
``sync_adopted``    local transactions taken in from another workstation's file
                    (``sync_adopted_row``: the ids that their rows were given here)
``sync_counter``    how many ids this device has given
==================  ================================================================================

Every function takes ``execute``: a callable ``(sql, parameters=()) → list of rows`` on the connection
whose transaction it shall be part of (:func:`executor` makes one). None of them commits.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sync import codec
from sync.capture import install_capture
from sync.schema import DEVICE_BITS, SyncSchema, first_id


class Execute(Protocol):
    """Runs one statement; the rows that it returned, or an empty list."""

    def __call__(self, sql: str, parameters: tuple[Any, ...] = (), /) -> list[tuple[Any, ...]]:
        """Run ``sql``, which has a ``?`` for each of ``parameters``."""
        ...


def executor(connection: Any) -> Execute:
    """How to run statements on a DB-API connection to SQLite."""

    def execute(sql: str, parameters: tuple[Any, ...] = (), /) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = connection.execute(sql, parameters).fetchall()
        return rows

    return execute


TABLES = (
    "CREATE TABLE IF NOT EXISTS sync_state (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS sync_context (
        id INTEGER PRIMARY KEY CHECK (id = 1), tx TEXT, capturing INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS sync_tx (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, actor INTEGER,
        label TEXT NOT NULL, at TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS sync_op (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, tx TEXT NOT NULL, tbl TEXT NOT NULL,
        row_id INTEGER NOT NULL, op TEXT NOT NULL, old TEXT, new TEXT)""",
    "CREATE INDEX IF NOT EXISTS ix_sync_op_row ON sync_op (tbl, row_id)",
    "CREATE INDEX IF NOT EXISTS ix_sync_op_tx ON sync_op (tx)",
    """CREATE TABLE IF NOT EXISTS sync_base (
        tbl TEXT NOT NULL, row_id INTEGER NOT NULL, image TEXT,
        PRIMARY KEY (tbl, row_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS sync_later (
        tbl TEXT NOT NULL, row_id INTEGER NOT NULL, PRIMARY KEY (tbl, row_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS sync_rejection (
        tx TEXT PRIMARY KEY, label TEXT NOT NULL, actor INTEGER, made_at TEXT NOT NULL,
        rejected_at TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, ops TEXT NOT NULL,
        settled_at TEXT, settled_how TEXT)""",
    """CREATE TABLE IF NOT EXISTS sync_acked (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, tx TEXT NOT NULL UNIQUE, actor INTEGER,
        label TEXT NOT NULL, at TEXT NOT NULL, acked_at TEXT NOT NULL, ops TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS sync_again (tx TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sync_adopted (tx TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS sync_adopted_row (
        tbl TEXT NOT NULL, row_id INTEGER NOT NULL, new_id INTEGER NOT NULL,
        PRIMARY KEY (tbl, row_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS sync_counter (
        id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL)""",
    "INSERT OR IGNORE INTO sync_context (id, tx, capturing) VALUES (1, NULL, 1)",
    "INSERT OR IGNORE INTO sync_counter (id, value) VALUES (1, 0)",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row's part in a local transaction.

    :ivar kind: ``I``, ``U`` or ``D``.
    :ivar old: column → value before, as SQLite holds it; of an update the changed columns only.
    :ivar new: column → value after, likewise; empty for a delete.
    """

    table: str
    row_id: int
    kind: str
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LocalTransaction:
    """One thing that a person did: applied whole by the server, or refused whole.

    :ivar at: when, canonical UTC text.
    :ivar again: the server had applied it before it was put back.
    """

    seq: int
    id: str
    actor: int | None
    label: str
    at: str
    operations: tuple[Operation, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Rejection:
    """A local transaction that the server refused, and why.

    :ivar code: ``conflict``, ``gone``, ``overlap``, ``duplicate``, ``parent_missing``,
        ``in_use``, ``forbidden``, ``foreign_id``, ``append_only``, ``invalid``, ``rule`` or
        ``depends``; ``restored`` (:mod:`sync.recovery`) was applied once.
    :ivar detail: what the server said beside the code: ``table``, ``id``, ``columns``, ``theirs``,
        ``by``, ``constraint``, ``message``; ``on`` (a transaction) where the code is ``depends``.
    """

    tx: str
    label: str
    actor: int | None
    made_at: dt.datetime
    rejected_at: dt.datetime
    code: str
    detail: dict[str, Any]
    operations: tuple[Operation, ...]
    settled_at: dt.datetime | None
    settled_how: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """The outbox in figures: how many local transactions, and since when (aware, UTC)."""

    count: int
    oldest: dt.datetime | None


def create_tables(execute: Execute) -> None:
    """Make the engine's tables where they are missing."""
    for statement in TABLES:
        execute(statement)


def prepare(connection: Any, schema: SyncSchema, device: int | None = None) -> None:
    """Make a cache ready for local work: the engine's tables and the capture triggers.

    Idempotent; the triggers are made anew from ``schema``, so that they follow a migration. Does
    not commit.

    :param connection: a DB-API connection whose synced tables exist.
    :param device: this workstation's number; ``None`` leaves the one that the cache knows.
    """
    execute = executor(connection)
    create_tables(execute)
    if device is not None:
        set_device(execute, device)
    install_capture(execute, schema)


# The state --------------------------------------------------------------------------------------


def get_state(execute: Execute, key: str) -> str | None:
    """The value of ``key``; ``None`` where it was never set."""
    rows = execute("SELECT value FROM sync_state WHERE key = ?", (key,))
    return rows[0][0] if rows else None


def set_state(execute: Execute, key: str, value: str | None) -> None:
    """Set ``key``; ``None`` forgets it."""
    if value is None:
        execute("DELETE FROM sync_state WHERE key = ?", (key,))
    else:
        execute(
            "INSERT INTO sync_state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )


@contextmanager
def leaving(execute: Execute) -> Iterator[None]:
    """Rows that are deleted inside leave this device's scope, and are there all the same.

    Inside a write transaction. Meanwhile ``sync_state`` has the key ``leaving``, by which a
    product's own triggers tell the one from the other.
    """
    set_state(execute, "leaving", "1")
    yield
    set_state(execute, "leaving", None)


def device(execute: Execute) -> int:
    """The workstation's device number; ``LookupError`` in a cache that was never given one."""
    value = get_state(execute, "device")
    if value is None:
        raise LookupError("this cache has no device number")
    return int(value)


def set_device(execute: Execute, number: int) -> None:
    """Make this the cache of device ``number``; ``ValueError`` outside 1…16383."""
    first_id(number)
    set_state(execute, "device", str(number))


def generation(execute: Execute) -> int:
    """How often the server has changed this cache's nonce, as far as the cache knows."""
    return int(get_state(execute, "generation") or 0)


def unwatched(execute: Execute) -> frozenset[str]:
    """The tables of which the server said that it does not record every change."""
    problems = json.loads(get_state(execute, "problems") or "[]")
    return frozenset(problem["table"] for problem in problems)


def exchange(execute: Execute) -> str:
    """The name of the exchange under way, kept before it is sent: a repeat has the same."""
    name = get_state(execute, "exchange")
    if name is None:
        name = str(uuid.uuid4())
        set_state(execute, "exchange", name)
    return name


def columns(execute: Execute) -> dict[str, list[str]]:
    """Table → columns that the server sends, as it last said; empty before the first greeting."""
    known: dict[str, list[str]] = json.loads(get_state(execute, "columns") or "{}")
    return known


def verified(execute: Execute) -> dt.datetime | None:
    """When the cache was last proved to hold what the server holds (aware, UTC)."""
    value = get_state(execute, "verified_at")
    return None if value is None else codec.text_to_instant(value)


def mended(execute: Execute) -> int:
    """Rows that the last proof found to differ without a reason, and that were fetched anew."""
    return sum(json.loads(get_state(execute, "checking_mended") or "{}").values())


def last_sync(execute: Execute) -> dt.datetime | None:
    """When the last exchange was applied (aware, UTC, this workstation's clock)."""
    value = get_state(execute, "last_sync")
    return None if value is None else codec.text_to_instant(value)


# Local transactions -----------------------------------------------------------------------------


def begin(
    execute: Execute, actor: int | None, label: str, now: dt.datetime, tx: str | None = None
) -> str:
    """Open a local transaction; the edits that follow become its operations.

    ``RuntimeError`` where one is open already.

    :param actor: the id of the person's account; ``None`` where the program acts for nobody.
    :param label: what is being done, such as ``appointment.book``.
    :param now: aware.
    :param tx: the id of one that is done over again, and that the server shall apply only once.
    :returns: the transaction's id.
    """
    if _open_tx(execute) is not None:
        raise RuntimeError("a local transaction is open already")
    tx = tx or str(uuid.uuid4())
    execute(
        "INSERT INTO sync_tx (id, actor, label, at) VALUES (?, ?, ?, ?)",
        (tx, actor, label, codec.instant_to_text(now)),
    )
    execute("UPDATE sync_context SET tx = ? WHERE id = 1", (tx,))
    return tx


def finish(execute: Execute) -> frozenset[str]:
    """Close the open local transaction; one that changed nothing is dropped.

    :returns: the tables that it changed. ``RuntimeError`` where none is open.
    """
    tx = _open_tx(execute)
    if tx is None:
        raise RuntimeError("no local transaction is open")
    execute("UPDATE sync_context SET tx = NULL WHERE id = 1")
    touched = execute("SELECT DISTINCT tbl FROM sync_op WHERE tx = ?", (tx,))
    if not touched:
        execute("DELETE FROM sync_tx WHERE id = ?", (tx,))
    return frozenset(table for (table,) in touched)


def _open_tx(execute: Execute) -> str | None:
    tx: str | None = execute("SELECT tx FROM sync_context WHERE id = 1")[0][0]
    return tx


def next_id(execute: Execute) -> int:
    """A row id that nobody else gives: the device number above a counter."""
    execute("UPDATE sync_counter SET value = value + 1 WHERE id = 1")
    count = int(execute("SELECT value FROM sync_counter WHERE id = 1")[0][0])
    if count >> DEVICE_BITS:
        raise OverflowError("this device has given all its ids")
    return first_id(device(execute)) | count


def raise_counter(execute: Execute, row_id: int) -> None:
    """Never again give an id up to ``row_id``, which this device is known to have given."""
    count = row_id & ((1 << DEVICE_BITS) - 1)
    execute("UPDATE sync_counter SET value = ?1 WHERE id = 1 AND value < ?1", (count,))


# The outbox -------------------------------------------------------------------------------------


def pending(execute: Execute) -> Pending:
    """How much the server has not yet answered, and since when."""
    ((count, oldest),) = execute("SELECT count(*), min(at) FROM sync_tx")
    return Pending(count, None if oldest is None else codec.text_to_instant(oldest))


def pending_rows(execute: Execute, table: str) -> frozenset[int]:
    """The ids of ``table``'s rows that carry edits the server has not yet answered."""
    return frozenset(i for (i,) in execute("SELECT row_id FROM sync_base WHERE tbl = ?", (table,)))


def outbox(execute: Execute, limit: int | None = None) -> list[LocalTransaction]:
    """The local transactions that wait for the server, oldest first.

    :param limit: at most so many operations in all, but always one transaction.
    """
    open_tx = _open_tx(execute)
    found: list[LocalTransaction] = []
    count = 0
    for seq, tx, actor, label, at, again in execute(
        "SELECT seq, id, actor, label, at, id IN (SELECT tx FROM sync_again)"
        " FROM sync_tx ORDER BY seq"
    ):
        if tx == open_tx:
            continue
        operations = _operations(execute, tx)
        count += len(operations)
        if limit is not None and found and count > limit:
            break
        found.append(LocalTransaction(seq, tx, actor, label, at, operations, bool(again)))
    return found


def _operations(execute: Execute, tx: str) -> tuple[Operation, ...]:
    rows = execute("SELECT tbl, row_id, op, old, new FROM sync_op WHERE tx = ? ORDER BY seq", (tx,))
    return tuple(
        Operation(table, row_id, kind, json.loads(old or "{}"), json.loads(new or "{}"))
        for table, row_id, kind, old, new in rows
    )


def enqueue(execute: Execute, transaction: LocalTransaction, seq: int | None = None) -> None:
    """Put a whole local transaction into the outbox: behind all that waits, or at ``seq``."""
    execute(
        "INSERT INTO sync_tx (seq, id, actor, label, at) VALUES (?, ?, ?, ?, ?)",
        (seq, transaction.id, transaction.actor, transaction.label, transaction.at),
    )
    for operation in transaction.operations:
        execute(
            "INSERT INTO sync_op (tx, tbl, row_id, op, old, new) VALUES (?, ?, ?, ?, ?, ?)",
            (
                transaction.id,
                operation.table,
                operation.row_id,
                operation.kind,
                json.dumps(operation.old, ensure_ascii=False) if operation.old else None,
                json.dumps(operation.new, ensure_ascii=False) if operation.new else None,
            ),
        )


def forget(execute: Execute, txs: Sequence[str]) -> None:
    """Take local transactions out of the outbox."""
    for tx in txs:
        execute("DELETE FROM sync_op WHERE tx = ?", (tx,))
        execute("DELETE FROM sync_tx WHERE id = ?", (tx,))
        execute("DELETE FROM sync_again WHERE tx = ?", (tx,))


# Rejections -------------------------------------------------------------------------------------


def operations_to_json(operations: Sequence[Operation]) -> str:
    """Operations as the text that ``sync_rejection.ops`` keeps."""
    return json.dumps(
        [
            {"t": o.table, "id": o.row_id, "k": o.kind, "old": o.old, "new": o.new}
            for o in operations
        ],
        ensure_ascii=False,
    )


def operations_from_json(text: str) -> tuple[Operation, ...]:
    """The reverse of :func:`operations_to_json`."""
    return tuple(Operation(o["t"], o["id"], o["k"], o["old"], o["new"]) for o in json.loads(text))


def reject(
    execute: Execute,
    transaction: LocalTransaction,
    code: str,
    detail: dict[str, Any],
    now: dt.datetime,
) -> None:
    """Move a local transaction from the outbox to the rejections, with its whole draft."""
    # One that was brought back under its own id may be refused anew: it waits again.
    execute("DELETE FROM sync_rejection WHERE tx = ?", (transaction.id,))
    execute(
        "INSERT INTO sync_rejection (tx, label, actor, made_at, rejected_at, code, detail, ops)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            transaction.id,
            transaction.label,
            transaction.actor,
            transaction.at,
            codec.instant_to_text(now),
            code,
            json.dumps(detail, ensure_ascii=False),
            operations_to_json(transaction.operations),
        ),
    )
    forget(execute, [transaction.id])


_REJECTION = (
    "SELECT tx, label, actor, made_at, rejected_at, code, detail, ops, settled_at, settled_how"
    " FROM sync_rejection"
)


def rejections(execute: Execute, *, settled: bool = False) -> list[Rejection]:
    """The refused local transactions that wait for a person (or those settled), oldest first."""
    rows = execute(
        f"{_REJECTION} WHERE settled_at IS {'NOT ' if settled else ''}NULL"
        " ORDER BY rejected_at, rowid"
    )
    return [_rejection(row) for row in rows]


def rejection(execute: Execute, tx: str) -> Rejection | None:
    """A refused local transaction that waits for a person; ``None`` where none such does."""
    rows = execute(f"{_REJECTION} WHERE tx = ? AND settled_at IS NULL", (tx,))
    return _rejection(rows[0]) if rows else None


def _rejection(row: tuple[Any, ...]) -> Rejection:
    return Rejection(
        tx=row[0],
        label=row[1],
        actor=row[2],
        made_at=codec.text_to_instant(row[3]),
        rejected_at=codec.text_to_instant(row[4]),
        code=row[5],
        detail=json.loads(row[6]),
        operations=operations_from_json(row[7]),
        settled_at=None if row[8] is None else codec.text_to_instant(row[8]),
        settled_how=row[9],
    )


def rejected_count(execute: Execute) -> int:
    """How many refused local transactions wait for a person."""
    return int(execute("SELECT count(*) FROM sync_rejection WHERE settled_at IS NULL")[0][0])


def settle(execute: Execute, tx: str, how: str, now: dt.datetime) -> bool:
    """Mark a rejection as settled by a person; ``False`` where none such waits.

    :param how: the way out that was taken, such as ``keep_mine``.
    """
    waiting = execute("SELECT 1 FROM sync_rejection WHERE tx = ? AND settled_at IS NULL", (tx,))
    execute(
        "UPDATE sync_rejection SET settled_at = ?, settled_how = ?"
        " WHERE tx = ? AND settled_at IS NULL",
        (codec.instant_to_text(now), how, tx),
    )
    return bool(waiting)
