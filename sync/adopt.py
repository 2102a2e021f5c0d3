"""Takes in another workstation's unsent work: of one that was shut out, or will never start again.

The local transactions keep their ids, so that the server applies each once, whoever brings it: this
workstation, or the other one whose answer was lost. Rows that they insert get ids of this
workstation, for the server takes no others from it, and references follow. What was given to which
row is remembered in ``sync_adopted_row``: a later file of the same workstation may go on with it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync import apply, codec, store
from sync.rekey import renamed
from sync.schema import SyncSchema, device_of
from sync.store import Execute, LocalTransaction, Operation, Rejection
from sync.wire import Result

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the transactions.

    :ivar waiting: now in this outbox. :ivar refused: now among the rejections.
    :ivar applied: the server has them already. :ivar repeated: were taken in before.
    :ivar tables: whose rows were written.
    """

    waiting: int = 0
    refused: int = 0
    applied: int = 0
    repeated: int = 0
    tables: frozenset[str] = frozenset()


def adopt(
    connection: Any,
    schema: SyncSchema,
    transactions: Sequence[LocalTransaction],
    rejections: Sequence[Rejection],
    results: Mapping[str, Result],
    now: dt.datetime,
    *,
    review: bool = False,
) -> Adopted:
    """Put unsent transactions behind those that wait here, in one local transaction.

    :param connection: a DB-API connection in autocommit mode, with no transaction open.
    :param transactions: in the order in which they were made.
    :param rejections: what the server refused the other workstation and nobody settled there.
    :param results: what the server has answered of them, as far as it was asked.
    :param review: a person shall look at what the server does not know before it is sent: it goes
        to the rejections with the code ``review``.
    """
    with apply.Transaction(connection, apply.no_fault):
        execute = store.executor(connection)
        here = _here(execute)
        fresh = [t for t in transactions if t.id not in here]
        drafts = [r for r in rejections if r.tx not in here]
        applied = [t for t in fresh if t.id in results and results[t.id].applied]
        waiting = [t for t in fresh if t.id not in results or not results[t.id].applied]
        ids = _new_ids(execute, waiting, drafts)
        waiting = [_moved(t, schema, ids) for t in waiting]
        for transaction in waiting:
            store.enqueue(execute, transaction)
        for draft in drafts:
            _keep_draft(execute, draft, schema, ids)
        _remember(execute, [*(t.id for t in fresh), *(r.tx for r in drafts)], now)
        known = [
            replace(result, detail=_detail(result.detail, ids))
            for transaction in waiting
            if (result := results.get(transaction.id)) is not None
        ]
        if review:
            asked = {result.tx for result in known}
            known += [
                Result(t.id, applied=False, code="review") for t in waiting if t.id not in asked
            ]
        keys = {(o.table, o.row_id) for t in waiting for o in t.operations}
        apply.keep_images(execute, schema, keys)
        work = apply.load(execute)
        work.dirty |= keys
        apply.settle_results(execute, schema, work, known, now)
        apply.rebuild(connection, work)
    return Adopted(
        waiting=len(waiting) - work.rejected,
        refused=len(drafts) + work.rejected,
        applied=len(applied),
        repeated=len(transactions) + len(rejections) - len(fresh) - len(drafts),
        tables=frozenset(work.tables),
    )


def _here(execute: Execute) -> frozenset[str]:
    rows = execute(
        "SELECT id FROM sync_tx UNION SELECT tx FROM sync_rejection UNION SELECT tx FROM sync_adopted"
    )
    return frozenset(tx for (tx,) in rows)


def _new_ids(
    execute: Execute, transactions: Iterable[LocalTransaction], drafts: Iterable[Rejection]
) -> dict[Key, int]:
    """Row → its id here: of rows of earlier files, and of every row that is inserted now."""
    ids: dict[Key, int] = {}
    for table, row_id, new_id in execute("SELECT tbl, row_id, new_id FROM sync_adopted_row"):
        # Where the other workstation's own insert won, its row is here and ours is not.
        if _stands(execute, table, new_id) or not _stands(execute, table, row_id):
            ids[table, row_id] = new_id
    own = store.device(execute)
    groups = [*(t.operations for t in transactions), *(d.operations for d in drafts)]
    for operation in (o for operations in groups for o in operations):
        key = (operation.table, operation.row_id)
        if operation.kind == "I" and device_of(operation.row_id) != own and key not in ids:
            ids[key] = store.next_id(execute)
            execute(
                "INSERT INTO sync_adopted_row (tbl, row_id, new_id) VALUES (?, ?, ?)",
                (*key, ids[key]),
            )
    return ids


def _stands(execute: Execute, table: str, row_id: int) -> bool:
    return bool(execute(f'SELECT 1 FROM "{table}" WHERE id = ?', (row_id,)))


def _moved(
    transaction: LocalTransaction, schema: SyncSchema, ids: Mapping[Key, int]
) -> LocalTransaction:
    return replace(
        transaction, operations=tuple(renamed(o, schema, ids) for o in transaction.operations)
    )


def _keep_draft(
    execute: Execute, draft: Rejection, schema: SyncSchema, ids: Mapping[Key, int]
) -> None:
    operations = [renamed(operation, schema, ids) for operation in draft.operations]
    execute(
        "INSERT INTO sync_rejection (tx, label, actor, made_at, rejected_at, code, detail, ops)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            draft.tx,
            draft.label,
            draft.actor,
            codec.instant_to_text(draft.made_at),
            codec.instant_to_text(draft.rejected_at),
            draft.code,
            json.dumps(_detail(draft.detail, ids), ensure_ascii=False),
            store.operations_to_json(operations),
        ),
    )


def _detail(detail: Mapping[str, Any], ids: Mapping[Key, int]) -> dict[str, Any]:
    """What the server said of a refusal, about the row as it is called here."""
    out = dict(detail)
    key = (out.get("table"), out.get("id"))
    if isinstance(key[0], str) and isinstance(key[1], int) and (key[0], key[1]) in ids:
        out["id"] = ids[key[0], key[1]]
    return out


def _remember(execute: Execute, txs: Iterable[str], now: dt.datetime) -> None:
    for tx in txs:
        execute("INSERT INTO sync_adopted (tx, at) VALUES (?, ?)", (tx, codec.instant_to_text(now)))


def readable(schema: SyncSchema, operation: Operation) -> bool:
    """Whether this program knows the table, the columns and the kind of an operation."""
    if operation.table not in schema or operation.kind not in {"I", "U", "D"}:
        return False
    names = set(schema[operation.table].column_names)
    return names.issuperset(operation.old) and names.issuperset(operation.new)
