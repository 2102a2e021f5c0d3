"""Does a refused draft over again, as edits of today on today's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from desktop.domain.errors import RuleError
from desktop.services import inbox_graves
from sync.schema import SyncSchema, device_of
from sync.store import Execute, Operation

Key = tuple[str, int]


def row(execute: Execute, schema: SyncSchema, key: Key) -> dict[str, Any] | None:
    """A row of the cache as it is stored; ``None`` where it is not there."""
    names = schema[key[0]].column_names
    columns = ", ".join(f'"{name}"' for name in names)
    rows = execute(f'SELECT {columns} FROM "{key[0]}" WHERE id = ?', (key[1],))
    return dict(zip(names, rows[0], strict=True)) if rows else None


def missing_parents(
    execute: Execute, schema: SyncSchema, operations: tuple[Operation, ...]
) -> list[tuple[Operation, str, Key]]:
    """The references of a draft that lead nowhere: (operation, column, the missing row)."""
    made = {(o.table, o.row_id) for o in operations if o.kind == "I"}
    found = []
    for operation in operations:
        for column, target in schema[operation.table].references.items():
            value = operation.new.get(column)
            if value is None or (target, value) in made:
                continue
            if not execute(f'SELECT 1 FROM "{target}" WHERE id = ?', (value,)):
                found.append((operation, column, (target, value)))
    return found


def missing_rows(
    execute: Execute, schema: SyncSchema, operations: tuple[Operation, ...]
) -> list[Key]:
    """The rows that a draft changes and that are not there any more."""
    made = {(o.table, o.row_id) for o in operations if o.kind == "I"}
    keys = dict.fromkeys((o.table, o.row_id) for o in operations if o.kind == "U")
    return [key for key in keys if key not in made and row(execute, schema, key) is None]


@dataclass
class Replay:
    """One doing-over, inside an open local transaction.

    :ivar skip: ``(table, row id, column)`` whose change is left out.
    :ivar values: other values for columns of a row, instead of the draft's.
    :ivar moved: rows that take another id; references follow.
    :ivar kept: rows that come back under the id that they had, whosever number it carries.
    :ivar there: rows that are not made: they are there, under this id or the one in ``moved``.
    """

    execute: Execute
    schema: SyncSchema
    device: int
    new_id: Callable[[], int]
    skip: frozenset[tuple[str, int, str]] = frozenset()
    values: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    moved: dict[Key, int] = field(default_factory=dict)
    kept: frozenset[Key] = frozenset()
    there: frozenset[Key] = frozenset()

    def run(self, operations: tuple[Operation, ...]) -> None:
        """Do the operations; ``RuleError('inbox.row_gone')`` where a row to change is not there."""
        for operation in operations:
            key = (operation.table, operation.row_id)
            if operation.kind == "D":
                self.execute(f'DELETE FROM "{key[0]}" WHERE id = ?', (key[1],))
                continue
            if operation.kind == "I" and key in self.there:
                continue
            known = set(self.schema[operation.table].column_names)
            new = {
                column: value
                for column, value in operation.new.items()
                if column in known and (*key, column) not in self.skip
            }
            new |= self.values.get(key, {})
            if operation.kind == "I":
                self.insert(key, new)
            else:
                self.update(key, new)

    def insert(self, key: Key, new: dict[str, Any]) -> int:
        """Make the row (or bring the one that is there up to the draft); its id."""
        row_id = self.moved.get(key)
        if row_id is None:
            own = device_of(key[1]) == self.device or key in self.kept
            row_id = key[1] if own else self.new_id()
            self.moved[key] = row_id
        new = self._followed(key[0], new) | {"id": row_id}
        if row(self.execute, self.schema, (key[0], row_id)) is not None:
            self._set(key[0], row_id, new)
        else:
            names = ", ".join(f'"{name}"' for name in new)
            marks = ", ".join("?" * len(new))
            self.execute(f'INSERT INTO "{key[0]}" ({names}) VALUES ({marks})', tuple(new.values()))
        return row_id

    def update(self, key: Key, new: dict[str, Any]) -> None:
        """Change the row; ``RuleError('inbox.row_gone')`` where it is not there."""
        row_id = self.moved.get(key, key[1])
        if row(self.execute, self.schema, (key[0], row_id)) is None:
            raise RuleError("inbox.row_gone")
        self._set(key[0], row_id, self._followed(key[0], new))

    def bring_back(self, key: Key) -> int:
        """Restore a deleted row from what was kept of it, its own missing parents left out.

        A row of another device's (or the server's) numbering gets an id of this one.
        Raises ``RuleError('inbox.no_copy')`` where nothing is kept.
        """
        if key in self.moved:
            return self.moved[key]
        image = inbox_graves.find(self.execute, *key)
        if image is None:
            raise RuleError("inbox.no_copy")
        table = self.schema[key[0]]
        for column, target in table.references.items():
            value = image.get(column)
            if value is not None and row(self.execute, self.schema, (target, value)) is None:
                if not table.column(column).nullable:
                    image[column] = self.bring_back((target, value))
                else:
                    image[column] = None
        return self.insert(key, {name: image[name] for name in table.column_names if name in image})

    def _set(self, table: str, row_id: int, new: dict[str, Any]) -> None:
        columns = {name: value for name, value in new.items() if name != "id"}
        if columns:
            changes = ", ".join(f'"{name}" = ?' for name in columns)
            self.execute(
                f'UPDATE "{table}" SET {changes} WHERE id = ?', (*columns.values(), row_id)
            )

    def _followed(self, table: str, new: dict[str, Any]) -> dict[str, Any]:
        references = self.schema[table].references
        return {
            name: self.moved.get((references[name], value), value)
            if name in references and value is not None
            else value
            for name, value in new.items()
        }
