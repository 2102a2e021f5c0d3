"""What must hold of refusals: that there was a reason, and that nothing goes on building on them."""

from __future__ import annotations

import json
from typing import Any

from sync.recovery import RESTORED
from sync.schema import SyncSchema, device_of
from tests.simulation.reference import ReferenceServer
from tests.simulation.rules import hold
from tests.simulation.schemas import OFFICE
from tests.simulation.workstation import Workstation


def nothing_builds_on_a_refusal(station: Workstation) -> None:
    """No waiting operation touches, or refers to, a row or a change that was refused."""
    drafts = station.refused()
    waiting = station.execute("SELECT tbl, row_id, op, old, new FROM sync_op")
    _groups_travel_together(station, waiting)
    if not drafts or not waiting:
        return
    made: set[tuple[str, int]] = set()
    changed: set[tuple[str, int, str, str]] = set()
    for code, _detail, ops in drafts.values():
        # What was applied until a person put the server back: the server refuses what built on it.
        for op in json.loads(ops) if code != RESTORED else ():
            if op["k"] == "I":
                made.add((op["t"], op["id"]))
            # Texts that are written only once tell whose work an operation builds on.
            for name, value in op["new"].items():
                own = isinstance(value, str) and value[:1] == "#"
                if own and op["old"].get(name) != value:
                    changed.add((op["t"], op["id"], name, value))
    for table, row_id, _kind, old, new in waiting:
        hangs = (table, row_id) in made
        for name, value in json.loads(old or "{}").items():
            hangs = hangs or (table, row_id, name, value) in changed
        references = station.product.schema[table].references
        for name, value in json.loads(new or "{}").items():
            hangs = hangs or (name in references and (references[name], value) in made)
        hold("refusals spread", not hangs, (station.name, table, row_id))


def _groups_travel_together(station: Workstation, waiting: list[tuple[Any, ...]]) -> None:
    for table, row_id, kind, _old, new in waiting:
        for group in station.product.schema[table].groups if kind == "U" else ():
            sent = group.intersection(json.loads(new))
            hold("groups", sent in (set(), group), (station.name, table, row_id, sent))


CODES = frozenset(
    [
        "conflict",
        "gone",
        "overlap",
        "duplicate",
        "parent_missing",
        "in_use",
        "forbidden",
        "invalid",
        "rule",
        "depends",
        "restored",
        "foreign_id",
        "append_only",
    ]
)


def refused_for_a_reason(station: Workstation, twins: set[int], *, restored: bool) -> None:
    """No refusal was the engine's own fault."""
    schema = station.product.schema
    refused = station.refused()
    for tx, (code, text, ops) in refused.items():
        detail = json.loads(text)
        operations = json.loads(ops)
        what = (station.name, tx, code, detail)
        own_fault = code in {"foreign_id", "append_only"} or code not in CODES
        hold("refused for a reason", not own_fault, what)
        if code == "duplicate":
            fork = device_of(detail["id"]) in twins
            own_key = detail["constraint"].endswith("_pkey")
            hold("refused for a reason", fork or not own_key, what)
        elif code == "invalid":
            hold("refused for a reason", detail["sqlstate"] == "22001", what)
        elif code == "forbidden" and station.profile == OFFICE:
            writable = all(OFFICE in schema[op["t"]].write_by for op in operations)
            hold("refused for a reason", not writable, what)
        elif code == "conflict":
            _conflict(schema, detail, operations, what)
        elif code == "parent_missing":
            _parent(schema, detail, operations, what)


def _conflict(
    schema: SyncSchema, detail: dict[str, Any], operations: list[dict[str, Any]], what: object
) -> None:
    """What stands there is neither what was seen nor what was wanted."""
    touching = [o for o in operations if (o["t"], o["id"]) == (detail["table"], detail["id"])]
    if not touching:
        return  # the draft was given ids of another device since
    for name, theirs in detail["theirs"].items():
        stamp = schema[detail["table"]].column(name).stamp
        differs = any(
            theirs != o["old"].get(name, theirs) and theirs != o["new"].get(name, not theirs)
            for o in touching
        )
        hold("refused for a reason", differs and not stamp, what)


def _parent(
    schema: SyncSchema, detail: dict[str, Any], operations: list[dict[str, Any]], what: object
) -> None:
    """A row that is missing was not made by the same transaction."""
    made: dict[tuple[str, int], dict[str, Any]] = {}
    missing: list[bool] = []
    for op in operations:
        if op["k"] == "I":
            made[op["t"], op["id"]] = op["new"]
        elif op["k"] == "D":
            _take_away(schema, made, (op["t"], op["id"]))
        if (op["t"], op["id"]) == (detail["table"], detail["id"]):
            for name, target in schema[op["t"]].references.items():
                named = detail["constraint"] == f"{op['t']}_{name}_fkey"
                if named and op["new"].get(name) is not None:
                    missing.append((target, op["new"][name]) not in made)
    hold("refused for a reason", any(missing) or not missing, what)


def _take_away(
    schema: SyncSchema, made: dict[tuple[str, int], dict[str, Any]], key: tuple[str, int]
) -> None:
    """Without a row and, as the server may delete, without what points at it or at older rows."""
    made.pop(key, None)
    for (table, row_id), new in list(made.items()):
        targets = [
            (target, new[column])
            for column, target in schema[table].references.items()
            if new.get(column) is not None
        ]
        if not made.keys() >= set(targets):
            made.pop((table, row_id), None)
            _take_away(schema, made, (table, row_id))


def depends_is_said(station: Workstation) -> None:
    """What was refused because of another refusal says so."""
    refused = station.refused()
    made = {
        (op["t"], op["id"]): tx
        for tx, (_code, _text, ops) in refused.items()
        for op in json.loads(ops)
        if op["k"] == "I"
    }
    for tx, (code, text, _ops) in refused.items():
        detail = json.loads(text)
        if code == "gone":
            by = made.get((detail["table"], detail["id"]), tx)
            hold("refusals spread", by == tx, (station.name, tx, by))


def made_here(station: Workstation) -> dict[tuple[str, str], int]:
    """(table, mark) → id, of every row whose insert waits or stands in a draft."""
    found: dict[tuple[str, str], int] = {}
    for table, row_id, kind, _old, new in _operations(station):
        if kind == "I":
            found[table, new["mark"]] = row_id
    return found


def _operations(
    station: Workstation,
) -> list[tuple[str, int, str, dict[str, Any], dict[str, Any]]]:
    waiting = [
        (table, row_id, kind, json.loads(old or "{}"), json.loads(new or "{}"))
        for table, row_id, kind, old, new in station.execute(
            "SELECT tbl, row_id, op, old, new FROM sync_op"
        )
    ]
    for (ops,) in station.execute("SELECT ops FROM sync_rejection WHERE settled_at IS NULL"):
        waiting += [(o["t"], o["id"], o["k"], o["old"], o["new"]) for o in json.loads(ops)]
    return waiting


def references_follow(
    station: Workstation, before: dict[tuple[str, str], int], server: ReferenceServer
) -> None:
    """Where a row was given a new id, nothing waits or is kept that knows it by the old one."""
    after = made_here(station)
    moved = {
        (table, row_id): mark
        for (table, mark), row_id in before.items()
        if after.get((table, mark), row_id) != row_id
    }
    for table, row_id, _kind, old, new in _operations(station):
        hold("references follow", (table, row_id) not in moved, (station.name, table, row_id))
        for column, target in station.product.schema[table].references.items():
            for values in (old, new):
                stale = (target, values.get(column)) in moved
                hold("references follow", not stale, (station.name, table, row_id, column))
    for table, row_id, kind, _old, _new in _operations(station):
        own = kind != "I" or device_of(row_id) == station.device
        hold("references follow", own, (station.name, table, row_id, "keeps its number"))
    for (table, row_id), mark in moved.items():
        # A copy may have pushed its row under the old id, and that have come here already.
        if server.storage.row(None, table, row_id) is not None:
            continue
        left = station.execute(f'SELECT mark FROM "{table}" WHERE id = ?', (row_id,))
        hold("references follow", left != [(mark,)], (station.name, table, row_id))
