"""The reference server's half of a push: one local transaction, applied whole or refused whole."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sync.schema import SyncTable, device_of
from tests.simulation.storage import Row, Storage, Transaction, Violation

_CODES = {
    "23P01": "overlap",
    "23505": "duplicate",
    "23503": "parent_missing",
    "23001": "append_only",
    "42501": "forbidden",
    "P0001": "rule",
}


class Refused(Exception):
    """The rest of a local transaction is not applied either."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


def incoming(table: SyncTable, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an operation as the server holds them."""
    out: dict[str, Any] = {}
    for name, given in values.items():
        column = table.column(name)
        if column.kind == "units" and given is not None:
            if not isinstance(given, str):
                raise Violation("22P02")
            out[name] = int(Decimal(given).scaleb(column.scale))
        elif column.kind == "bool" and given is not None:
            if not isinstance(given, bool):
                raise Violation("22P02")
            out[name] = given
        else:
            out[name] = given
    return out


def depends(storage: Storage, op: Mapping[str, Any], blocked: Mapping[str, str]) -> str | None:
    """Which refused transaction of this push an operation builds on."""
    table, kind, new = op["t"], op["k"], op["new"]
    row = f"{table}/{op['id']}"
    if row in blocked:
        return blocked[row]
    if kind == "D":
        for key, tx in sorted(blocked.items()):
            if key.startswith(f"{row}/"):
                return tx
    if kind == "U":
        for name in sorted(new):
            if f"{row}/{name}" in blocked:
                return blocked[f"{row}/{name}"]
    if table in storage.product.schema:
        for column, target in storage.product.schema[table].references.items():
            key = f"{target}/{new.get(column)}"
            if key in blocked:
                return blocked[key]
    return None


def blocks(item: Mapping[str, Any]) -> dict[str, str]:
    """What a refused transaction blocks."""
    keys: dict[str, str] = {}
    for op in item["ops"]:
        row = f"{op['t']}/{op['id']}"
        if op["k"] == "I":
            keys[row] = item["tx"]
        elif op["k"] == "U":
            keys.update({f"{row}/{name}": item["tx"] for name in op["new"]})
    return keys


class Push:
    """Applies what one device pushes, in one transaction of the server.

    :param kin: the numbers of the device's login.
    :param sees: whether the device has, and may change, a row.
    """

    def __init__(
        self,
        storage: Storage,
        transaction: Transaction,
        profile: str,
        number: int,
        kin: frozenset[int],
        sees: Any,
    ) -> None:
        self._storage = storage
        self._transaction = transaction
        self._profile = profile
        self._number = number
        self._kin = kin
        self._sees = sees

    def lock(self, items: list[Mapping[str, Any]]) -> None:
        """Take every row that is changed or deleted; raises ``Waits``."""
        for op in (op for item in items for op in item["ops"]):
            known = op["k"] in {"U", "D"} and op["t"] in self._storage.product.schema
            if known and self._storage.row(self._transaction, op["t"], op["id"]) is not None:
                self._storage.lock(self._transaction, op["t"], op["id"])

    def apply(self, item: Mapping[str, Any], blocked: Mapping[str, str]) -> dict[str, Any]:
        """The result of one local transaction."""
        for op in item["ops"]:
            on = depends(self._storage, op, blocked)
            if on is not None:
                return self._refusal(item, op, "depends", {"on": on})
        savepoint = self._storage.savepoint(self._transaction)
        for op in item["ops"]:
            try:
                self._operation(op, again=bool(item.get("again")))
            except Refused as refused:
                self._storage.rollback_to(self._transaction, savepoint)
                return self._refusal(item, op, refused.code, refused.more)
            except Violation as violation:
                self._storage.rollback_to(self._transaction, savepoint)
                code = _CODES.get(violation.state, "invalid")
                if violation.state == "23503" and op["k"] == "D":
                    code = "in_use"
                more = {"constraint": violation.constraint, "sqlstate": violation.state}
                return self._refusal(item, op, code, more)
        return {"tx": item["tx"], "status": "applied"}

    def _refusal(
        self, item: Mapping[str, Any], op: Mapping[str, Any], code: str, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "tx": item["tx"],
            "status": "rejected",
            "code": code,
            "table": op["t"],
            "id": op["id"],
            "message": code,
            **more,
        }

    def _operation(self, op: Mapping[str, Any], *, again: bool) -> None:
        schema = self._storage.product.schema
        if op["t"] not in schema or self._profile not in schema[op["t"]].write_by:
            raise Refused("forbidden")
        table = schema[op["t"]]
        kind, row_id = op["k"], op["id"]
        if table.append_only and kind != "I":
            raise Refused("append_only")
        named = op["old"] if kind == "D" else op["new"]
        if not set(named) <= set(table.column_names) or (kind == "U" and "id" in named):
            raise Refused("invalid")
        old, new = incoming(table, op["old"]), incoming(table, op["new"])
        if kind == "I":
            self._insert(table, row_id, new, again=again)
            return
        row = self._storage.row(self._transaction, table.name, row_id)
        if row is not None and not self._sees(table.name, row):
            raise Refused("forbidden")
        if row is None:
            if kind == "U":
                raise Refused("gone", by=self._blame(table.name, row_id, None))
            return
        self._expect(table, row, sorted(named), old, new if kind == "U" else None)
        if kind == "U":
            self._storage.update(self._transaction, table.name, row_id, new)
        else:
            self._storage.delete(self._transaction, table.name, row_id)

    def _insert(self, table: SyncTable, row_id: int, new: dict[str, Any], *, again: bool) -> None:
        if table.born_on_server:
            raise Refused("forbidden")
        numbers = self._kin if again else {self._number}
        if device_of(row_id) not in numbers:
            raise Refused("foreign_id")
        row = {**dict.fromkeys(table.column_names), **new, "id": row_id}
        if not self._sees(table.name, row):
            raise Refused("forbidden")
        self._storage.insert(self._transaction, table.name, row)

    def _expect(
        self,
        table: SyncTable,
        row: Row,
        names: list[str],
        old: Mapping[str, Any],
        new: Mapping[str, Any] | None,
    ) -> None:
        differing = [
            name
            for name in names
            if not table.column(name).stamp
            and row[name] != old.get(name)
            and (new is None or row[name] != new[name])
        ]
        if differing:
            raise Refused(
                "conflict",
                columns=differing,
                theirs={name: row[name] for name in differing},
                by=self._blame(table.name, row["id"], frozenset(differing)),
            )

    def _blame(
        self, table: str, row_id: int, columns: frozenset[str] | None
    ) -> dict[str, Any] | None:
        for entry in reversed(self._storage.state.log + self._transaction.log):
            if (entry.table, entry.row_id) == (table, row_id) and (
                columns is None or entry.cols & columns
            ):
                return {"device": entry.device, "actor": entry.actor, "at": entry.at}
        return None
