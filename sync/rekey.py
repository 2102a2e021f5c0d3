"""A cache goes on under another number (:mod:`sync.recovery`), or by the ids that a copy of it gave.

Its rows that the server never saw may carry ids that another cache gave as well, so they get new
ones, and so does everything here that points at them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sync import apply, store
from sync.apply import Fault, no_fault
from sync.schema import SyncSchema, device_of
from sync.store import Execute, Operation
from sync.wire import Result

Key = tuple[str, int]


def follow(
    connection: Any, schema: SyncSchema, results: Iterable[Result], fault: Fault = no_fault
) -> None:
    """Call the rows that wait here what the server calls them.

    Where another copy of this cache was first to push a transaction, it may have given its rows other
    ids. What waits here, or was refused, may point at them.

    In a transaction of its own, before the results are applied: as long as they are not, the
    transaction is pushed again, and answered the same.
    """
    execute = store.executor(connection)
    made = {result.tx: result.made for result in results if result.applied and result.made}
    if not made:
        return
    new_ids: dict[Key, int] = {}
    for transaction in store.outbox(execute):
        inserts = [o for o in transaction.operations if o.kind == "I"]
        for operation, row_id in zip(inserts, made.get(transaction.id, ()), strict=False):
            if operation.row_id != row_id:
                new_ids[operation.table, operation.row_id] = row_id
    if new_ids:
        with apply.Transaction(connection, fault):
            _rename_rows(connection, execute, schema, new_ids)
            fault("copy_followed")


def take_number(connection: Any, schema: SyncSchema, device: int) -> None:
    """Go on as ``device``, in the caller's transaction; what waits to be inserted gets its ids."""
    execute = store.executor(connection)
    store.set_device(execute, device)
    execute("UPDATE sync_counter SET value = 0 WHERE id = 1")
    _rename_rows(connection, execute, schema, _number_anew(execute, device))


def _number_anew(execute: Execute, device: int) -> dict[Key, int]:
    """Row → new id, for each row that waits to be inserted or stands in a refused draft."""
    found: dict[Key, int] = {}
    waiting = [o for transaction in store.outbox(execute) for o in transaction.operations]
    drafts = [o for rejection in store.rejections(execute) for o in rejection.operations]
    for operation in (*waiting, *drafts):
        key = (operation.table, operation.row_id)
        foreign = device_of(operation.row_id) != device
        if operation.kind == "I" and foreign and key not in found:
            found[key] = store.next_id(execute)
    return found


def _rename_rows(
    connection: Any, execute: Execute, schema: SyncSchema, new_ids: Mapping[Key, int]
) -> None:
    images = apply.load(execute).images
    for key, new in new_ids.items():
        if key in images:
            _release(connection, key, images[key])
            # What a copy pushed may have come here already.
            apply.keep_images(execute, schema, [(key[0], new)])
    for (table, row_id), new in new_ids.items():
        execute(
            "UPDATE sync_adopted_row SET new_id = ? WHERE tbl = ? AND new_id = ?",
            (new, table, row_id),
        )
    for seq, table, row_id, kind, before, after in execute(
        "SELECT seq, tbl, row_id, op, old, new FROM sync_op ORDER BY seq"
    ):
        operation = Operation(
            table, row_id, kind, json.loads(before or "{}"), json.loads(after or "{}")
        )
        moved = renamed(operation, schema, new_ids)
        execute(
            "UPDATE sync_op SET row_id = ?, old = ?, new = ? WHERE seq = ?",
            (
                moved.row_id,
                json.dumps(moved.old, ensure_ascii=False),
                json.dumps(moved.new, ensure_ascii=False),
                seq,
            ),
        )
    for rejection in store.rejections(execute):
        operations = [renamed(o, schema, new_ids) for o in rejection.operations]
        execute(
            "UPDATE sync_rejection SET ops = ? WHERE tx = ?",
            (store.operations_to_json(operations), rejection.tx),
        )
    work = apply.load(execute)
    work.dirty = set(work.images)
    apply.rebuild(connection, work)


def _release(connection: Any, key: Key, image: apply.Image) -> None:
    """Give an id back to whoever else has a row of that id: to nobody, as a rule."""
    table, row_id = key
    connection.execute("DELETE FROM sync_base WHERE tbl = ? AND row_id = ?", key)
    connection.execute(f'DELETE FROM "{table}" WHERE id = ?', (row_id,))
    if image is not None:
        connection.execute(apply.upsert_sql(table, list(image)), list(image.values()))


def renamed(operation: Operation, schema: SyncSchema, new_ids: Mapping[Key, int]) -> Operation:
    """An operation whose row, and whose references, have the ids that ``new_ids`` gives them."""
    references = schema[operation.table].references

    def values(old: dict[str, Any]) -> dict[str, Any]:
        out = dict(old)
        for column, value in old.items():
            target = operation.table if column == "id" else references.get(column)
            if target is not None and value is not None:
                out[column] = new_ids.get((target, value), value)
        return out

    return Operation(
        table=operation.table,
        row_id=new_ids.get((operation.table, operation.row_id), operation.row_id),
        kind=operation.kind,
        old=values(operation.old),
        new=values(operation.new),
    )
