"""SQLite triggers that write every local edit of a synced table into the outbox.

They run in the transaction of the edit itself. An edit outside an open local transaction is
refused, and so is what the server could only refuse: a new row in a table whose rows are born there,
a change of a row that is only ever added, a change of a row's id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.schema import SyncSchema, SyncTable

PREFIX = "sync_capture_"

_CAPTURING = "(SELECT capturing FROM sync_context WHERE id = 1)"
_TX = "(SELECT tx FROM sync_context WHERE id = 1)"
_OPEN_TX = f"SELECT RAISE(ABORT, 'sync: no local transaction is open') WHERE {_TX} IS NULL;"


# PostgreSQL keeps no NUL in a text and refuses a whole request that has one, which would hold up the
# queue for ever. In JSON it is \\u0000, unless the backslash is itself escaped.
_NO_NUL = f"""
CREATE TRIGGER "{PREFIX}no_nul" BEFORE INSERT ON sync_op
WHEN instr(replace(coalesce(NEW.new, ''), '\\\\', ''), '\\u0000') > 0
BEGIN SELECT RAISE(ABORT, 'sync: a text holds a NUL character'); END"""


def install_capture(execute: Callable[..., list[tuple[Any, ...]]], schema: SyncSchema) -> None:
    """Make the capture triggers of every synced table anew from ``schema``."""
    remove_capture(execute)
    for table in schema.tables:
        for statement in triggers(table):
            execute(statement)
    execute(_NO_NUL)


def remove_capture(execute: Callable[..., list[tuple[Any, ...]]]) -> None:
    """Drop every capture trigger, of tables that are no longer synced too."""
    for (name,) in execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        f" AND substr(name, 1, {len(PREFIX)}) = '{PREFIX}'"
    ):
        execute(f'DROP TRIGGER "{name}"', ())


def triggers(table: SyncTable) -> tuple[str, ...]:
    """The statements that create one table's capture triggers."""
    name = table.name
    changed = " OR ".join(f"{_differs(column)}" for column in table.column_names)
    insert_body = (
        _refuse(f"rows of {name} are born on the server")
        if table.born_on_server
        else _base(name, "NEW.id", "NULL")
        + _operation(name, "NEW.id", "I", "NULL", image_sql(table, "NEW"))
    )
    never = _refuse(f"rows of {name} are only ever added")
    update_body = (
        never
        if table.append_only
        else "SELECT RAISE(ABORT, 'sync: a row keeps its id') WHERE OLD.id IS NOT NEW.id;"
        + _base(name, "OLD.id", image_sql(table, "OLD"))
        + _operation(name, "OLD.id", "U", _changes(table, "OLD"), _changes(table, "NEW"))
    )
    delete_body = (
        never
        if table.append_only
        else _base(name, "OLD.id", image_sql(table, "OLD"))
        + _operation(name, "OLD.id", "D", image_sql(table, "OLD"), "NULL")
    )
    return (
        _trigger(name, "insert", "INSERT", _CAPTURING, insert_body),
        _trigger(name, "update", "UPDATE", f"{_CAPTURING} AND ({changed})", update_body),
        _trigger(name, "delete", "DELETE", _CAPTURING, delete_body),
    )


def _trigger(table: str, suffix: str, event: str, when: str, body: str) -> str:
    return (
        f'CREATE TRIGGER "{PREFIX}{table}_{suffix}" AFTER {event} ON "{table}"'
        f" WHEN {when} BEGIN {_OPEN_TX}{body} END"
    )


def _refuse(message: str) -> str:
    return f"SELECT RAISE(ABORT, 'sync: {message}');"


def _base(table: str, row_id: str, image: str) -> str:
    # Not INSERT OR IGNORE: the conflict clause of the statement that fires a trigger would win.
    return (
        f"INSERT INTO sync_base (tbl, row_id, image) SELECT '{table}', {row_id}, {image}"
        f" WHERE NOT EXISTS (SELECT 1 FROM sync_base WHERE tbl = '{table}' AND row_id = {row_id});"
    )


def _operation(table: str, row_id: str, kind: str, old: str, new: str) -> str:
    return (
        "INSERT INTO sync_op (tx, tbl, row_id, op, old, new)"
        f" VALUES ({_TX}, '{table}', {row_id}, '{kind}', {old}, {new});"
    )


def image_sql(table: SyncTable, side: str) -> str:
    """The SQL of a row as ``sync_op`` and ``sync_base`` keep it; ``side`` names where it stands."""
    pairs = ", ".join(f"'{column}', {side}.\"{column}\"" for column in table.column_names)
    return f"json_object({pairs})"


def _differs(column: str) -> str:
    return f'OLD."{column}" IS NOT NEW."{column}" COLLATE BINARY'


def _changes(table: SyncTable, side: str) -> str:
    def any_differs(column: str) -> str:
        return " OR ".join(_differs(other) for other in table.together(column))

    parts = " || ".join(
        f"CASE WHEN {any_differs(column)}"
        f" THEN ',\"{column}\":' || json_quote({side}.\"{column}\") ELSE '' END"
        for column in table.column_names
    )
    return f"'{{' || substr({parts}, 2) || '}}'"
