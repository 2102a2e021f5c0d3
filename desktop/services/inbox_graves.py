"""Keeps for a while what others deleted, so that a refused draft can bring it back.

Triggers note a row when a pull takes it out of the cache; what a person deletes here is in the
outbox anyway. Of a row that leaves this workstation's scope nothing stays.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from sync import codec
from sync.schema import SyncSchema
from sync.store import Execute

Key = tuple[str, int]

KEPT = dt.timedelta(days=35)

_TABLE = """CREATE TABLE IF NOT EXISTS inbox_grave (
    tbl TEXT NOT NULL, row_id INTEGER NOT NULL, image TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (tbl, row_id)) WITHOUT ROWID"""


def prepare(execute: Execute, schema: SyncSchema, now: dt.datetime) -> None:
    """Make the table and the triggers (anew, so that they follow a migration); forget old rows."""
    execute(_TABLE)
    execute("DELETE FROM inbox_grave WHERE at < ?", (codec.instant_to_text(now - KEPT),))
    for table in schema.tables:
        if table.born_on_server:
            continue
        trigger = f"inbox_grave_{table.name}"
        pairs = ", ".join(f"'{name}', OLD.\"{name}\"" for name in table.column_names)
        execute(f'DROP TRIGGER IF EXISTS "{trigger}"')
        execute(
            f'CREATE TRIGGER "{trigger}" AFTER DELETE ON "{table.name}"'
            " WHEN (SELECT capturing FROM sync_context WHERE id = 1) = 0"
            f" BEGIN DELETE FROM inbox_grave WHERE tbl = '{table.name}' AND row_id = OLD.id;"
            " INSERT INTO inbox_grave (tbl, row_id, image, at)"
            f" SELECT '{table.name}', OLD.id, json_object({pairs}),"
            " strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')"
            " WHERE NOT EXISTS (SELECT 1 FROM sync_state WHERE key = 'leaving'); END"
        )


def find(execute: Execute, table: str, row_id: int) -> dict[str, Any] | None:
    """The last image of a deleted row, as the cache held it; ``None`` where none is kept."""
    rows = execute("SELECT image FROM inbox_grave WHERE tbl = ? AND row_id = ?", (table, row_id))
    if not rows:
        return None
    image: dict[str, Any] = json.loads(rows[0][0])
    return image


def follow(execute: Execute, schema: SyncSchema, moved: Mapping[Key, int]) -> None:
    """Have the kept rows refer to rows that came back by the ids under which they did."""
    targets = {table for table, _row_id in moved}
    for table in schema.tables:
        for column, target in table.references.items():
            if target not in targets:
                continue
            for row_id, value in execute(
                f"SELECT row_id, json_extract(image, '$.{column}') FROM inbox_grave WHERE tbl = ?",
                (table.name,),
            ):
                if (target, value) in moved:
                    execute(
                        f"UPDATE inbox_grave SET image = json_set(image, '$.{column}', ?)"
                        " WHERE tbl = ? AND row_id = ?",
                        (moved[target, value], table.name, row_id),
                    )
