"""Rows read beside the exchanges, in chunks: each is laid down whole, and the next goes on from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sync import calls, later, store, wire
from sync.apply import Fault, Transaction, lay_down, lay_down_rows, load, no_fault, rebuild
from sync.calls import Conversation
from sync.errors import GreetingWanted
from sync.schema import SyncSchema

ROWS = 5_000
"""Rows in one chunk, at most; wide ones are fewer (:data:`sync.calls.VOLUME`)."""

CHUNKS = 10
"""Chunks of :func:`fetching` between two exchanges: a second or two."""


def refetching(connection: Any, schema: SyncSchema) -> Conversation[frozenset[str]]:
    """Read whole tables whose new columns no delta would bring; the tables that were written.

    Raises :class:`~sync.errors.GreetingWanted` where rows come in other columns than the server said.
    """
    execute = store.executor(connection)
    read: set[str] = set()
    while state := store.get_state(execute, "refetch"):
        tables = json.loads(state)
        table, after = next(iter(tables.items()))
        columns = store.columns(execute)[table]
        device = store.device(execute)
        rows, more = wire.read_rows((yield calls.Read(device, table, after, ROWS)))
        _check_width(rows, columns)
        if more or len(rows) == ROWS:
            tables[table] = rows[-1][columns.index("id")]
        else:
            del tables[table]
        change = wire.TableChanges(table, tuple(columns), rows, ())
        left = json.dumps(tables) if tables else None
        lay_down_rows(connection, schema, change, "refetch", left)
        read.add(table)
    return frozenset(read)


def fetching(
    connection: Any, schema: SyncSchema, fault: Fault = no_fault
) -> Conversation[frozenset[str]]:
    """Read some of the rows that an answer left for later; the tables that were written.

    Some chunks, or one where there is something to push. A row that does not come is not there any
    more, or not for this device: it stays until the next exchange says which. Raises as
    :func:`refetching`.
    """
    execute = store.executor(connection)
    written: set[str] = set()
    for _chunk in range(CHUNKS):
        table = later.waiting(connection, schema)
        if table is None:
            break
        ids = later.ids(connection, table, ROWS)
        columns = store.columns(execute)[table]
        device = store.device(execute)
        rows, more = wire.read_rows((yield calls.ReadIds(device, table, ids)))
        _check_width(rows, columns)
        if more:
            last = rows[-1][columns.index("id")]
            ids = [row_id for row_id in ids if row_id <= last]
        with Transaction(connection, fault):
            work = load(execute)
            lay_down(connection, schema, work, wire.TableChanges(table, tuple(columns), rows, ()))
            rebuild(connection, work)
            later.forget(connection, table, ids)
            fault("chunk_laid_down")
        if rows:
            written.add(table)
        if store.pending(execute).count:
            break
    return frozenset(written)


def _check_width(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
    if any(len(row) != len(columns) for row in rows):
        # A copy of this cache, with another program, has greeted the server under the same number.
        raise GreetingWanted
