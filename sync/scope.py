"""What a device may have: rows and columns that it loses, and what it does not say of them.

A row that leaves a device's scope is taken out of the cache. It was not deleted: nobody is told so,
and no copy of it is kept here (:func:`sync.store.leaving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sync import apply, store
from sync.schema import Column, SyncSchema
from sync.store import LocalTransaction, Operation
from sync.wire import TableChanges

Columns = Mapping[str, Sequence[str]]


def outgoing(
    transactions: Iterable[LocalTransaction], columns: Columns
) -> tuple[LocalTransaction, ...]:
    """``transactions`` without what this device has no say in: columns that it does not get.

    A new row leaves them at the server's default, a deletion says nothing of them. What somebody
    typed into one goes out, for the server to refuse: it is not dropped silently.

    :param columns: table → columns that the server sends.
    """
    return tuple(
        replace(one, operations=tuple(_outgoing(o, columns) for o in one.operations))
        for one in transactions
    )


def _outgoing(operation: Operation, columns: Columns) -> Operation:
    given = columns.get(operation.table)
    if given is None:
        return operation
    if operation.kind == "I":
        new = {name: v for name, v in operation.new.items() if name in given or v}
        return replace(operation, new=new)
    if operation.kind == "D":
        return replace(operation, old={n: v for n, v in operation.old.items() if n in given})
    return operation


def narrow(connection: Any, schema: SyncSchema, before: Columns, after: Columns) -> None:
    """Take out of the cache what the server does not send any more, tables and columns.

    Inside a write transaction. Work that waits stays in the outbox, for the server to refuse.

    :param before: table → columns that it sent so far, ``after``: that it sends from now on.
    """
    execute = store.executor(connection)
    lost = {
        name: set(names) - set(after.get(name, ()))
        for name, names in before.items()
        if name in schema and not set(names) <= set(after.get(name, ()))
    }
    if not lost:
        return
    execute("UPDATE sync_context SET capturing = 0 WHERE id = 1")
    work = apply.load(execute)
    for table, names in lost.items():
        if table not in after:
            empty = TableChanges(table, ("id",), (), (), whole=True, rescoped=True)
            apply.lay_down(connection, schema, work, empty)
        else:
            for column in schema[table].columns:
                if column.name in names:
                    _blank(execute, work.images, table, column)
            work.dirty.update(key for key in work.images if key[0] == table)
    apply.rebuild(connection, work)
    execute("UPDATE sync_context SET capturing = 1 WHERE id = 1")


def _blank(
    execute: store.Execute, images: Mapping[apply.Key, apply.Image], table: str, column: Column
) -> None:
    empty = None if column.nullable else "" if column.kind in _TEXTS else 0
    execute(f'UPDATE "{table}" SET "{column.name}" = ?', (empty,))
    for (name, _row_id), image in images.items():
        if name == table and image is not None:
            image[column.name] = empty


_TEXTS = frozenset({"text", "instant", "date", "time"})
