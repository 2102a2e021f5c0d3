"""Comparing the cache with the server by sums and hashes, and mending what differs.

Used where no delta leads from one to the other: the log was pruned below the cursor, or the server
was put back; and, a piece at a time in the background, to prove that both still hold the same.

A row's hash is of its text as the server sends it (``json_build_array``), which is rebuilt here
byte by byte. What is compared is the server's image: of a row with edits waiting, the one that
``sync_base`` keeps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync import apply, calls, store, wire
from sync.calls import Conversation
from sync.errors import Busy, TimedOut
from sync.schema import SyncSchema, SyncTable
from sync.wire import TableChanges

BUCKET_BITS = 12
UNIT_ROWS = 10_000
"""Rows in one step: half a second on both sides, wide ones too. What people do waits for it to end."""

FEWEST_ROWS = 100
"""Rows in one step of a server whose statements time out with more, at least."""

BEFORE_ALL = -(1 << 62)
AFTER_ALL = (1 << 62) - 1


@dataclass(slots=True)
class Progress:
    """How far a comparison has come; kept in the cache.

    :ivar tables: what is left, the first from an id on.
    :ivar lost: rows of the first table that went so far.
    :ivar mended: rows that differed, by table, though no change since the cursor explains it.
    :ivar rows: how many to ask for in a step: what the server has been quick enough for.
    """

    tables: list[tuple[str, int]]
    lost: int = 0
    mended: dict[str, int] = field(default_factory=dict)
    rows: int = field(default_factory=lambda: UNIT_ROWS)

    def text(self) -> str:
        """As it is kept."""
        return json.dumps([self.tables, self.lost, self.mended, self.rows])

    @classmethod
    def read(cls, text: str) -> Progress:
        """The reverse of :meth:`text`."""
        tables, lost, mended, *rows = json.loads(text)  # an older program kept no rows
        return cls([(table, after) for table, after in tables], lost, mended, *rows)

    @classmethod
    def of(cls, tables: Iterable[str]) -> Progress:
        """The beginning of a comparison of ``tables``."""
        return cls([(table, BEFORE_ALL) for table in tables])


def comparing(connection: Any, schema: SyncSchema, key: str) -> Conversation[frozenset[str]]:
    """One step of the comparison whose progress is kept under ``key``; the tables it wrote.

    Rows that are missing or differ are left for later (:mod:`sync.later`); none is left from an
    earlier step. A step is whole or not at all; it is the last one where ``key`` is not set after
    it. Raises ``MassDeletion`` where most of a table would go, and ``Busy`` where the server was too
    slow: the next step is a smaller one.
    """
    execute = store.executor(connection)
    kept = store.get_state(execute, key)
    progress = Progress.of(()) if kept is None else Progress.read(kept)
    known = store.columns(execute)
    progress.tables = [(t, a) for t, a in progress.tables if t in known and t in schema]
    if not progress.tables:
        _end(execute, key, progress)
        return frozenset()
    try:
        return (yield from _step(connection, schema, key, progress))
    except TimedOut:
        progress.rows = max(FEWEST_ROWS, progress.rows // 2)
        store.set_state(execute, key, progress.text())
        raise Busy from None


def _step(
    connection: Any, schema: SyncSchema, key: str, progress: Progress
) -> Conversation[frozenset[str]]:
    execute = store.executor(connection)
    table, after = progress.tables[0]
    columns = store.columns(execute)[table]
    device = store.device(execute)
    lines = wire.decoded_rows((yield calls.Sums(device, table, after, progress.rows)))
    last = sum(rows for _, rows, _, _ in lines) < progress.rows
    upto = AFTER_ALL if last else max(line[3] for line in lines)
    here = local_hashes(connection, schema[table], columns, after, upto)
    differing = _differing({bucket: (rows, total) for bucket, rows, total, _ in lines}, here)
    found = yield from _look_closer(connection, table, differing, here, after, upto)
    going = len(found.ghosts - store.pending_rows(execute, table))
    apply.stop_mass_deletion(connection, table, going, progress.lost)
    progress.lost += going
    if found.unexplained:
        progress.mended[table] = progress.mended.get(table, 0) + found.unexplained
    if last:
        progress.tables.pop(0)
        progress.lost = 0
        # What made it slow may be over.
        progress.rows = min(UNIT_ROWS, 2 * progress.rows)
    else:
        progress.tables[0] = (table, upto)
    gone = sorted(found.ghosts)
    # Which of them were deleted and which are kept from this device cannot be told any more.
    filtered = table in json.loads(store.get_state(execute, "filtered") or "[]")
    left = gone if filtered else ()
    change = TableChanges(table, ("id",), (), gone, left=left, later=sorted(found.missing))
    apply.lay_down_rows(connection, schema, change, key, progress.text())
    if not progress.tables:
        _end(execute, key, progress)
    return frozenset({table}) if gone else frozenset()


def _end(execute: store.Execute, key: str, progress: Progress) -> None:
    store.set_state(execute, key, None)
    store.set_state(execute, apply.DELETION_ALLOWED, None)
    store.set_state(execute, f"{key}_mended", json.dumps(progress.mended))


@dataclass(slots=True)
class _Found:
    """Ids that are here alone, ids to fetch, and how many of both nothing explains."""

    ghosts: set[int] = field(default_factory=set)
    missing: set[int] = field(default_factory=set)
    unexplained: int = 0


def _look_closer(
    connection: Any,
    table: str,
    buckets: Sequence[int],
    here: dict[int, int],
    after: int,
    upto: int,
) -> Conversation[_Found]:
    execute = store.executor(connection)
    device, cursor = store.device(execute), store.get_state(execute, "cursor") or ""
    found = _Found()
    for bucket in buckets:
        first = bucket << BUCKET_BITS
        call = calls.Hashes(
            device, table, max(after, first - 1), min(upto, first + (1 << BUCKET_BITS) - 1), cursor
        )
        lines = wire.decoded_rows((yield call))
        there = {i: h for i, h, _ in lines if h is not None}
        recent = {i for i, _, new in lines if new}
        ours = {i for i in here if i >> BUCKET_BITS == bucket}
        ghosts = ours - there.keys()
        missing = {i for i, h in there.items() if here.get(i) != h}
        found.ghosts |= ghosts
        found.missing |= missing
        found.unexplained += len((ghosts | missing) - recent)
    return found


def _differing(there: dict[int, tuple[int, int]], here: dict[int, int]) -> list[int]:
    """The buckets whose rows are not the same on both sides."""
    sums: dict[int, tuple[int, int]] = {}
    for row_id, value in here.items():
        rows, total = sums.get(row_id >> BUCKET_BITS, (0, 0))
        sums[row_id >> BUCKET_BITS] = (rows + 1, total ^ value)
    return sorted(b for b in there.keys() | sums.keys() if there.get(b) != sums.get(b))


def local_hashes(
    connection: Any, table: SyncTable, columns: Sequence[str], after: int, upto: int
) -> dict[int, int]:
    """Id → hash of the server's image of every row of the cache in ``(after, upto]``."""
    kinds = [table.column(name).kind for name in columns]
    booleans = [place for place, kind in enumerate(kinds) if kind == "bool"]
    return {
        row_id: _hash(_with_booleans(values, booleans))
        for row_id, values in _images(connection, table.name, columns, after, upto)
    }


def _images(
    connection: Any, table: str, columns: Sequence[str], after: int, upto: int
) -> Iterator[tuple[int, list[Any]]]:
    waiting: dict[int, dict[str, Any] | None] = {
        row_id: None if image is None else json.loads(image)
        for row_id, image in connection.execute(
            "SELECT row_id, image FROM sync_base WHERE tbl = ? AND row_id > ? AND row_id <= ?",
            (table, after, upto),
        )
    }
    for row_id, image in waiting.items():
        if image is not None:
            yield row_id, [image.get(name) for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    for row_id, *values in connection.execute(
        f'SELECT id, {names} FROM "{table}" WHERE id > ? AND id <= ?', (after, upto)
    ):
        if row_id not in waiting:
            yield row_id, values


def _with_booleans(values: list[Any], booleans: Sequence[int]) -> list[Any]:
    for place in booleans:
        if values[place] is not None:
            values[place] = bool(values[place])
    return values


def _hash(values: Sequence[Any]) -> int:
    text = json.dumps(values, ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
