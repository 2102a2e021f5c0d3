"""What must hold in the end of the server's rows, and of who wrote what over what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sync.schema import device_of
from tests.simulation.reference import ReferenceServer
from tests.simulation.rules import hold
from tests.simulation.storage import Change
from tests.simulation.workstation import Intent, Workstation

Marks = dict[tuple[str, str, str], list[int]]


def constraints(server: ReferenceServer) -> None:
    """Every row's parents are there, and what may be there once is."""
    rows = server.storage.state.rows
    for table in server.product.schema.tables:
        for row in rows[table.name].values():
            for column, target in table.references.items():
                parent = row[column]
                there = parent is None or parent in rows[target]
                hold("parents are there", there, (table.name, row["id"], column))
        for columns in server.product.rules[table.name].unique:
            seen: set[tuple[object, ...]] = set()
            for row in rows[table.name].values():
                values = tuple(row[column] for column in columns)
                hold("unique", None in values or values not in seen, (table.name, columns, values))
                seen.add(values)


def nobody_is_overwritten(
    server: ReferenceServer, intents: Iterable[Intent], written: Marks
) -> None:
    """What was changed held what the person had seen, or already what the person wanted."""
    changes: dict[tuple[int, str, int], list[Change]] = defaultdict(list)
    for change in server.storage.state.journal:
        if change.before is not None and change.after is not None:
            changes[change.xid, change.table, change.row_id].append(change)
    for intent in intents:
        times = {xid for mark in intent.marks for xid in written.get(mark, ())}
        for xid in times:
            for table, row_id, old, new in intent.updates:
                stamps = {c.name for c in server.product.schema[table].columns if c.stamp}
                names = old.keys() - stamps
                points = server.product.schema[table].references
                done = [
                    change
                    for change in changes[xid, table, row_id]
                    if change.after is not None
                    and all(change.after[name] == new[name] for name in names)
                ]
                seen = [
                    all(
                        (c.before or {})[name] in (old[name], new[name])
                        or (name in points and _numbered(old[name]))
                        for name in names
                    )
                    for c in done
                ]
                hold("nobody is overwritten", not seen or any(seen), (intent.tx, table, row_id))


def _numbered(row_id: object) -> bool:
    """Whether a workstation gave an id: then the row may have got another before it was pushed."""
    return isinstance(row_id, int) and device_of(row_id) > 0


def permitted(server: ReferenceServer, intents: Iterable[Intent]) -> None:
    """Nothing was applied that a device's profile may not write."""
    known = server.storage.state.results
    for intent in intents:
        if intent.tx in known and known[intent.tx]["status"] == "applied":
            for table in intent.tables:
                allowed = intent.profile in server.product.schema[table].write_by
                hold("profiles", allowed, (intent.profile, table))


def told_apart(server: ReferenceServer, stations: Iterable[Workstation]) -> None:
    """No two caches go under one number, and each knows every column that there is for it."""
    numbers: dict[int, str] = {}
    for station in stations:
        other = numbers.setdefault(station.device, station.name)
        hold("copies are told apart", other == station.name, (station.device, other, station.name))
        device = server.devices[station.device]
        for table in server.product.schema.readable_by(station.profile):
            columns = set((device.columns or {}).get(table.name, ()))
            complete = columns == set(table.column_names)
            hold("columns", complete, (station.name, table.name, columns))
