"""What must hold in every history, judged from what was done and what is there, not by the engine.

Each rule has a name; :class:`~tests.simulation.rules.Broken` says which one was broken and by what.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tests.simulation import drafts, ending
from tests.simulation.devices import View
from tests.simulation.reference import ReferenceServer
from tests.simulation.rules import hold
from tests.simulation.schemas import CANCELLED
from tests.simulation.storage import Row
from tests.simulation.workstation import Intent, Workstation

Key = tuple[str, int]


# At every answer --------------------------------------------------------------------------------


def after_answer(
    station: Workstation, server: ReferenceServer, status: str, *, restored: bool
) -> None:
    """What must hold in a cache each time that an answer was applied."""
    images, operations = pending(station)
    if not station.comparing():
        layers(station, images, operations)
    if status == "ok" and not station.unsure:
        view(station, images, server.views[station.device])
    drafts.nothing_builds_on_a_refusal(station)
    none_vanished(station, server, restored=restored, remembered=True)


def pending(
    station: Workstation,
) -> tuple[dict[Key, dict[str, Any] | None], dict[Key, list[tuple[str, dict[str, Any]]]]]:
    """The images that a cache keeps aside, and what waits for the server, by row."""
    images = {
        (table, row_id): None if image is None else json.loads(image)
        for table, row_id, image in station.execute("SELECT tbl, row_id, image FROM sync_base")
    }
    operations: dict[Key, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for table, row_id, kind, new in station.execute(
        "SELECT o.tbl, o.row_id, o.op, o.new FROM sync_op o JOIN sync_tx t ON t.id = o.tx"
        " ORDER BY t.seq, o.seq"
    ):
        operations[table, row_id].append((kind, json.loads(new or "{}")))
    return images, operations


def layers(
    station: Workstation,
    images: dict[Key, dict[str, Any] | None],
    operations: dict[Key, list[tuple[str, dict[str, Any]]]],
) -> None:
    """A row in the cache is the server's image and what waits, in order."""
    hold("layers", set(images) == set(operations), (station.name, set(images) ^ set(operations)))
    for key, done in operations.items():
        row = images[key]
        for kind, new in done:
            if kind == "D":
                row = None
            elif kind == "I":
                row = {**(row or {}), **new}
            elif row is not None:
                row = {**row, **new}
        table, row_id = key
        names = ", ".join(f'"{name}"' for name in row) if row else "id"
        found = station.execute(f'SELECT {names} FROM "{table}" WHERE id = ?', (row_id,))
        expected = [] if row is None else [tuple(row.values())]
        hold("layers", found == expected, (station.name, key))


def view(station: Workstation, images: dict[Key, dict[str, Any] | None], expected: View) -> None:
    """A cache without what waits in it is what the server showed in its last answer.

    But for rows of which the answer brought the ids: those are read later.
    """
    for table, shown in expected.items():
        found: dict[int, Any] = dict(station.rows(table))
        for (name, row_id), image in images.items():
            if name == table:
                if image is None:
                    found.pop(row_id, None)
                else:
                    found[row_id] = image
        rows = dict(shown)
        for (row_id,) in station.execute("SELECT row_id FROM sync_later WHERE tbl = ?", (table,)):
            hold("convergent", row_id in rows, (station.name, table, row_id))
            found.pop(row_id, None)
            rows.pop(row_id)
        compare(station, table, found, rows)


def compare(
    station: Workstation, table: str, found: dict[int, Any], expected: dict[int, Row]
) -> None:
    """The same rows with the same values in the columns that the device gets."""
    differing = found.keys() ^ expected.keys()
    hold("convergent", not differing, (station.name, table, sorted(differing)))
    for row_id, row in expected.items():
        have = found[row_id]
        wrong = [name for name, value in row.items() if have.get(name) != value]
        hold("convergent", not wrong, (station.name, table, row_id, wrong))


def none_vanished(
    station: Workstation, server: ReferenceServer, *, restored: bool, remembered: bool
) -> None:
    """Every finished local transaction waits, is refused and kept, or is applied.

    :param restored: the server was put back, so that what it refused once may come about.
    :param remembered: it may not have heard again of what it had applied: that is remembered.
    """
    waiting = set(station.waiting())
    refused = station.refused()
    known = server.storage.state.results
    recalled = station.acknowledged() if restored and remembered else set()
    for tx, intent in station.carried.items():
        applied = tx in known and known[tx]["status"] == "applied"
        if tx in refused:
            hold("none vanishes", tx not in waiting, (station.name, intent, "waits and is refused"))
            once = restored or not applied
            hold("exactly once", once, (station.name, intent, "applied and refused"))
            hold("none vanishes", refused[tx][2] != "[]", (station.name, intent, "no draft"))
        else:
            kept = applied or tx in waiting or tx in recalled
            hold("none vanishes", kept, (station.name, intent))


def nothing_went_unasked(
    station: Workstation,
    before: dict[str, set[int]],
    edited_before: dict[str, set[int]],
    few_rows: int,
) -> None:
    """Most of a table goes only where a person has allowed it.

    A table's rows are all that were there, all that are, and those that are known to come.

    :param before: table → its rows that nothing waited for; ``edited_before``: the others.
    """
    for table, ids in before.items():
        there = set(station.ids(table))
        edited = {row_id for name, row_id in pending(station)[0] if name == table}
        gone = ids - there - edited
        later = station.execute("SELECT row_id FROM sync_later WHERE tbl = ?", (table,))
        rows = len(there.union(ids, edited_before[table], (row_id for (row_id,) in later)))
        most = len(gone) >= few_rows and 2 * len(gone) > rows + 1
        hold("mass deletion", not most or station.allowed, (station.name, table, len(gone)))


# After healing ----------------------------------------------------------------------------------


def at_rest(station: Workstation, server: ReferenceServer) -> None:
    """What must hold of a workstation that is in step."""
    for table in ("sync_tx", "sync_op", "sync_base"):
        left = station.execute(f"SELECT count(*) FROM {table}")[0][0]
        hold("queues drain", left == 0, (station.name, table, left))
    expected = server.view(station.device)
    for table in station.product.schema.tables:
        compare(station, table.name, station.rows(table.name), expected.get(table.name, {}))


def history(
    server: ReferenceServer,
    stations: Sequence[Workstation],
    intents: Collection[Intent],
    visits: Iterable[tuple[list[tuple[str, str, str]], bool]],
    copied: set[int],
    twins: set[int],
    *,
    restored: bool,
) -> None:
    """What must hold of everything that was ever done.

    :param intents: every local transaction that was ever finished.
    :param visits: of every transaction of the web: its marks, and whether it was committed.
    :param copied: the numbers of devices whose disk was copied or put back, or begun anew.
    :param twins: those of them that may have given an id twice.
    """
    written = transitions(server)
    known = server.storage.state.results
    for intent in intents:
        result = known.get(intent.tx)
        applied = result is not None and result["status"] == "applied"
        whole(written, intent.marks, applied, intent)
    for marks, committed in visits:
        whole(written, marks, committed, ("web", marks))
    for station in stations:
        none_vanished(station, server, restored=restored, remembered=station.revoked)
        drafts.refused_for_a_reason(station, twins, restored=restored)
        if not restored and not station.numbers & twins:
            drafts.depends_is_said(station)
    ending.nobody_is_overwritten(server, intents, written)
    ending.permitted(server, intents)
    ending.told_apart(server, (station for station in stations if not station.revoked))
    ending.constraints(server)
    money(server)
    no_overlap(server)
    for old, new in server.forks:
        cause = copied & server.lineage(old)
        # A lost answer to what the server then forgot makes a copy of the cache, too.
        hold(
            "one cache a device",
            bool(cause) or restored,
            f"{old} was forked to {new} and never copied",
        )


def transitions(server: ReferenceServer) -> dict[tuple[str, str, str], list[int]]:
    """(table, column, text) → the transactions in which a row came to hold it."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for change in server.storage.state.journal:
        for name, value in (change.after or {}).items():
            if isinstance(value, str) and (change.before is None or change.before[name] != value):
                found[change.table, name, value].append(change.xid)
    return found


def whole(
    written: dict[tuple[str, str, str], list[int]],
    marks: list[tuple[str, str, str]],
    applied: bool,
    what: object,
) -> None:
    """All of a transaction is in the history once, together; or nothing of it."""
    found = [written.get(mark, []) for mark in marks]
    hold("exactly once", all(len(times) <= 1 for times in found), what)
    if applied:
        hold("none lost", all(found), what)
    else:
        hold("atomic", not any(found), what)
    hold("atomic", len({xid for times in found for xid in times}) <= 1, what)


def money(server: ReferenceServer) -> None:
    """Rows that are only ever added are never changed."""
    for change in server.storage.state.journal:
        if server.product.schema[change.table].append_only:
            hold("no money changed", change.before is None, change)


def no_overlap(server: ReferenceServer) -> None:
    """At no moment did a practitioner have two appointments at a time."""
    for table, rules in server.product.rules.items():
        if not rules.overlap:
            continue
        standing: dict[int, Row] = {}
        changes = [change for change in server.storage.state.journal if change.table == table]
        for place, change in enumerate(changes):
            if change.after is None or change.after["status"] == CANCELLED:
                standing.pop(change.row_id, None)
            else:
                standing[change.row_id] = change.after
            last = place + 1 == len(changes) or changes[place + 1].xid != change.xid
            if last:
                _apart(sorted(standing.values(), key=lambda r: (r["practitioner_id"], r["starts"])))


def _apart(rows: list[Row]) -> None:
    for one, other in itertools.pairwise(rows):
        hold(
            "no overlap",
            one["practitioner_id"] != other["practitioner_id"] or one["ends"] <= other["starts"],
            (one, other),
        )
