"""Drafts that were applied once, before the server was put back on purpose.

They neither return by themselves nor disappear: an administrator brings each back, whole or in part,
or leaves it out. What is brought back is done over again on today's rows, under its own transaction
id and its rows' own ids: the server applies it once, whichever workstation or copy of it brings it,
and what others keep of the same rows still fits. What comes back from a kept image, or has another
record in its place, changes ids, and every other draft that speaks of it follows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from desktop.services import inbox_graves
from desktop.services.inbox_records import Way
from desktop.services.inbox_replay import Key, row
from sync import codec, store
from sync.recovery import RESTORED
from sync.rekey import renamed
from sync.schema import SyncSchema
from sync.store import Execute, Operation, Rejection

PERMISSION = "admin"
REOPENABLE = (Way.KEEP_THEIRS, Way.LEAVE_OUT)


class Needs:
    """Which drafts others need: a visit comes back with the client that was made before it."""

    def __init__(self, schema: SyncSchema, waiting: list[Rejection]) -> None:
        self._schema = schema
        self._place = {one.tx: place for place, one in enumerate(waiting)}
        self._maker: dict[Key, Rejection] = {}
        for one in waiting:
            if one.code == RESTORED:
                for operation in one.operations:
                    if operation.kind == "I":
                        self._maker.setdefault((operation.table, operation.row_id), one)

    def of(
        self, execute: Execute, draft: Rejection, there: Mapping[Key, int] | None = None
    ) -> list[Rejection]:
        """The drafts that have to come back before ``draft``, in the order they were made.

        :param there: rows that need nothing, for others stand for them.
        """
        if draft.code != RESTORED:
            return []
        found = {draft.tx: draft}
        ahead = [draft]
        while ahead:
            for key in self._keys(ahead.pop().operations):
                maker = self._maker.get(key)
                if maker is None or maker.tx in found or key in (there or ()):
                    continue
                if row(execute, self._schema, key) is None:
                    found[maker.tx] = maker
                    ahead.append(maker)
        del found[draft.tx]
        return sorted(found.values(), key=lambda one: self._place[one.tx])

    def _keys(self, operations: tuple[Operation, ...]) -> set[Key]:
        """The rows that operations change or refer to."""
        keys: set[Key] = set()
        for operation in operations:
            if operation.table not in self._schema:
                continue
            if operation.kind != "I":
                keys.add((operation.table, operation.row_id))
            for column, target in self._schema[operation.table].references.items():
                value = operation.new.get(column)
                if value is not None:
                    keys.add((target, value))
        return keys


def follow(
    execute: Execute, schema: SyncSchema, moved: Mapping[Key, int], now: dt.datetime
) -> bool:
    """Have every draft that may still be sent speak of rows by the ids under which they came back.

    A restored draft that made such a row has nothing left to do for it. Says whether any row took
    another id.
    """
    changed = {
        key: new
        for key, new in moved.items()
        if key[1] != new and row(execute, schema, key) is None
    }
    if not changed:
        return False
    inbox_graves.follow(execute, schema, changed)
    ways = ", ".join(f"'{way.value}'" for way in REOPENABLE)
    for key in changed:
        for tx, code, text in execute(
            "SELECT tx, code, ops FROM sync_rejection WHERE instr(ops, ?)"
            f" AND (settled_at IS NULL OR settled_how IN ({ways}))",
            (str(key[1]),),
        ):
            before = store.operations_from_json(text)
            after = [
                renamed(operation, schema, changed) if operation.table in schema else operation
                for operation in before
                if not (code == RESTORED and _makes(operation, key))
            ]
            if tuple(after) == before:
                continue
            if after:
                execute(
                    "UPDATE sync_rejection SET ops = ? WHERE tx = ?",
                    (store.operations_to_json(after), tx),
                )
            else:
                execute(
                    "UPDATE sync_rejection SET settled_at = ?, settled_how = ? WHERE tx = ?",
                    (codec.instant_to_text(now), Way.BRING_BACK.value, tx),
                )
    return True


def _makes(operation: Operation, key: Key) -> bool:
    return operation.kind == "I" and (operation.table, operation.row_id) == key
