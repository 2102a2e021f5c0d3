"""Rows that an answer named and did not bring (``sync_later``): they are read beside, later.

Of such a row the cache holds an older image, or none. It is fresh when it was read, or when another
answer brings it or says that it is gone.
"""

from __future__ import annotations

from typing import Any

from sync.schema import SyncSchema
from sync.wire import TableChanges


def follow(connection: Any, change: TableChanges) -> None:
    """Keep what of ``change`` comes later, and forget what it brings or says to be gone.

    Inside the write transaction in which the change is laid down.
    """
    table = change.table
    if change.whole:
        connection.execute("DELETE FROM sync_later WHERE tbl = ?", (table,))
    elif _any(connection, table):
        key_at = change.columns.index("id")
        forget(connection, table, [row[key_at] for row in change.rows])
        forget(connection, table, change.gone)
    connection.executemany(
        "INSERT OR IGNORE INTO sync_later (tbl, row_id) VALUES (?, ?)",
        ((table, row_id) for row_id in change.later),
    )


def forget(connection: Any, table: str, ids: Any) -> None:
    """These rows do not wait any more."""
    connection.executemany(
        "DELETE FROM sync_later WHERE tbl = ? AND row_id = ?", ((table, row_id) for row_id in ids)
    )


def waiting(connection: Any, schema: SyncSchema) -> str | None:
    """The first table, parents before children, of which rows are to be read."""
    return next((table.name for table in schema.tables if _any(connection, table.name)), None)


def ids(connection: Any, table: str, limit: int) -> list[int]:
    """The first of a table's rows that are to be read, in the order of ids."""
    rows = connection.execute(
        "SELECT row_id FROM sync_later WHERE tbl = ? ORDER BY row_id LIMIT ?", (table, limit)
    )
    return [row_id for (row_id,) in rows]


def coming(connection: Any, table: str) -> int:
    """How many of a table's rows are to be read that the cache does not have at all."""
    count: int = connection.execute(
        "SELECT count(*) FROM sync_later WHERE tbl = ?"
        f' AND row_id NOT IN (SELECT id FROM "{table}")',
        (table,),
    ).fetchone()[0]
    return count


def _any(connection: Any, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sync_later WHERE tbl = ? LIMIT 1", (table,))
    return found.fetchone() is not None
