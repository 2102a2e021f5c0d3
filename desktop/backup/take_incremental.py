"""What changed in a clinic since its last archive, by the sync log; or all of it, where that can't be said.

Three ways in which a table is in an incremental (``manifest.extra['parts']``):

* ``changes``: the rows that the log names, and the keys of those that are gone;
* ``whole``: all of it, where it is small, was truncated, or most of it changed;
* ``added``: a large table that is not synced, or not with all of its columns: the rows that were written
  since, by the number of their transaction. Which of the former are still there stands in
  ``manifest.extra['kept']`` as ranges of ids; without them (results, which end by their age) none is
  taken away.

A synced table without changes is not in the archive.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from desktop.backup.archive import ArchiveWriter
from desktop.backup.copying import Rows, copied, copied_each
from desktop.backup.manifest import ADDED, CHANGES, INCREMENTAL, WHOLE
from desktop.backup.places.base import Cancelled, never
from desktop.backup.reading import SavedTable, Snapshot, column_list, snapshot
from desktop.backup.take import (
    Heard,
    Meter,
    Sealing,
    Taken,
    Who,
    archive_file,
    described,
    recipients,
    take_full,
    unheard,
    utc_now,
)

CAPTURE = "capture"
"""See :attr:`Taken.full_because`."""

SMALL = 128 << 10
"""Bytes on the server's disk up to which a table that is not synced is saved whole each time."""
_MOST = 0.5
"""Where a larger share of a table's rows changed, all of it is read, which is faster."""
_KEPT_LIMIT = 900_000
_INTEGERS = {"bigint", "integer", "smallint"}
RESULTS = "sync_result"

# A trigger that was off, or gone, and is there again has a row in the catalog from after the cursor:
# what was written meanwhile is not logged. (One that an upgrade made anew has, too: nobody can tell.)
# The row's xmin is the lower half of a transaction's number, or of one within it, which no snapshot
# names: whatever is not below all that ran counts as after.
_REACHES = """
SELECT pg_snapshot_xmax({since}) > pg_snapshot_xmax(pg_current_snapshot()), {stale}({cursor}),
       {inventory}() <> '[]', EXISTS (
           SELECT FROM {tables} s
             JOIN pg_trigger t ON t.tgrelid = to_regclass(format('%I.%I', {schema}::text, s.name))
            CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) n (next)
            CROSS JOIN LATERAL (SELECT n.next >> 32 << 32 | t.xmin::text::bigint) x (xid)
            WHERE s.active AND starts_with(t.tgname, 'sync_capture_')
              AND x.xid - CASE WHEN x.xid < n.next THEN 0 ELSE 1::bigint << 32 END
                  >= pg_snapshot_xmin({since})::text::bigint)
"""

_CAPTURED = """
SELECT s.name, array_agg(c.value ->> 'name')
  FROM {tables} s, jsonb_array_elements(s.columns) c
 WHERE s.active AND (c.value ->> 'live')::boolean
 GROUP BY s.name
"""

# Ids go as text: they are many, they go back as they came, and nobody here looks at one.
_CHANGED = """
SELECT s.name, k.truncated, k.kept, coalesce(k.kept_ids, ''), k.doubtful, coalesce(k.doubtful_ids, '')
  FROM (SELECT tbl, bool_or(truncated) AS truncated,
               count(*) FILTER (WHERE named AND NOT deleted) AS kept,
               string_agg(row_id::text, ',') FILTER (WHERE named AND NOT deleted) AS kept_ids,
               count(*) FILTER (WHERE deleted) AS doubtful,
               string_agg(row_id::text, ',') FILTER (WHERE deleted) AS doubtful_ids
          FROM (SELECT tbl, row_id, bool_or(op = 'T') AS truncated,
                       bool_or(op IN ('I', 'U', 'D')) AS named, bool_or(op = 'D') AS deleted
                  FROM (SELECT tbl, row_id, op FROM {log} WHERE xid >= pg_snapshot_xmax({since})
                        UNION ALL
                        SELECT tbl, row_id, op FROM {log}
                         WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip({since})))) l
                 GROUP BY tbl, row_id) r
         GROUP BY tbl) k
  JOIN {tables} s ON s.id = k.tbl
 WHERE s.active
"""

_RANGES = """
SELECT string_agg(CASE WHEN low = high THEN low::text ELSE low || '-' || high END, ',' ORDER BY low)
  FROM (SELECT min(id) AS low, max(id) AS high
          FROM (SELECT {key}::bigint AS id, {key} - row_number() OVER (ORDER BY {key}) AS run
                  FROM {table}) each GROUP BY run) runs
"""


@dataclass(frozen=True, slots=True)
class Since:
    """The archive that an incremental goes on from: its manifest says all of this."""

    manifest_hash: str
    cursor: str
    epoch: str
    schema_version: int
    revision: str


@dataclass(frozen=True, slots=True)
class Ids:
    """Some rows' ids. :ivar text: them, with commas between."""

    count: int = 0
    text: str = field(default="", repr=False)

    def array(self, *more: Ids) -> sql.Composable:
        """These ids, and those of others, in a statement."""
        text = ",".join(ids.text for ids in (self, *more) if ids.text)
        return sql.SQL("{}::bigint[]").format(sql.Literal("{" + text + "}"))


@dataclass(frozen=True, slots=True)
class Changed:
    """What the log says of a table. :ivar deleted: ids of rows that were; they may have come again."""

    truncated: bool = False
    written: Ids = Ids()
    deleted: Ids = Ids()

    @property
    def count(self) -> int:
        """How many ids the log names."""
        return self.written.count + self.deleted.count


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log says since a cursor.

    :ivar ahead: the cursor is of a server that was further. :ivar stale: what it needs is no longer
        kept. :ivar problems: some changes are not logged. :ivar renewed: a trigger is younger than the
        cursor, and some may not have been for a while.
    :ivar captured: table → the columns whose changes are. :ivar changed: table → what was.
    """

    ahead: bool
    stale: bool
    problems: bool
    renewed: bool
    captured: Mapping[str, frozenset[str]]
    changed: Mapping[str, Changed]


@dataclass(frozen=True, slots=True)
class Part:
    """How a table is in the incremental. :ivar changed: the rows. :ivar kept: ranges of ids."""

    table: SavedTable
    way: str
    changed: Changed = Changed()
    kept: str | None = field(default=None, repr=False)


def take_incremental(
    connection: psycopg.Connection,
    schema: str,
    path: Path,
    sealing: Sealing,
    who: Who,
    since: Since,
    *,
    progress: Heard = unheard,
    cancelled: Cancelled = never,
    now: Callable[[], dt.datetime] = utc_now,
) -> Taken:
    """Save what changed since an archive; everything, where that can't be said: ``full_because``.

    Raises as :func:`desktop.backup.take.take_full`.
    """
    with ExitStack() as open_moment:
        moment = open_moment.enter_context(snapshot(connection, schema, log=True))
        said = logged(moment, since)
        because = why_full(moment, since, said)
        if said is not None and because is None:
            # What changed first: it is compressed while the server is asked for the rest.
            parts = sorted(plan(moment, said), key=lambda part: part.way != CHANGES)
            extra = {"parts": json.dumps({part.table.name: part.way for part in parts})}
            kept = {part.table.name: part.kept for part in parts if part.kept is not None}
            if kept:
                extra["kept"] = json.dumps(kept)
            manifest = described(
                moment,
                who,
                now(),
                kind=INCREMENTAL,
                tables=sorted((part.table for part in parts), key=lambda table: table.name),
                base=since.manifest_hash,
                previous=since.manifest_hash,
                extra=extra,
            )
            for_whom = recipients(moment, sealing)
            asking = open_moment.enter_context(ExitStack())
            # The server looks the rows up while the file is begun.
            answers = asking.enter_context(
                copied_each(moment.connection, _questions(moment, since, parts), cancelled)
            )
            with archive_file(path, for_whom, sealing, manifest) as made:
                found = _copy(parts, answers, made.writer, progress)
                asking.close()
                for part in parts:
                    if part.way == CHANGES:
                        _keep_gone(moment, part, *found[part.table.name], made.writer, cancelled)
                open_moment.close()
                receipt, contents = made.finish(progress, cancelled)
            return Taken(path, receipt, contents, moment.unknown, moment.unsaved, moment.left_out)
    return take_full(
        connection,
        schema,
        path,
        sealing,
        who,
        previous=since.manifest_hash,
        progress=progress,
        cancelled=cancelled,
        now=now,
        full_because=because,
    )


def why_full(moment: Snapshot, since: Since, said: Logged | None) -> str | None:
    """Why the log does not say what changed since: see :attr:`Taken.full_because`.

    :param said: what the log says; it is not asked for another epoch, nor for another schema.
    """
    if moment.epoch != since.epoch:
        return "epoch"
    if said is None:
        return "schema"
    if said.ahead or moment.begun.moved:
        return "server"
    if said.stale:
        return "horizon"
    if said.problems:
        return CAPTURE
    return "renewed" if said.renewed else None


def plan(moment: Snapshot, said: Logged) -> list[Part]:
    """How each table is saved; those that did not change are left out."""
    parts = []
    for table in moment.tables:
        if table.name in said.captured and _columns(table) <= said.captured[table.name]:
            found = said.changed.get(table.name, Changed())
            if found.truncated or _is_most(table, found.count):
                parts.append(Part(table, WHOLE))
            elif found.count:
                parts.append(Part(table, CHANGES, found))
        else:
            parts.append(_uncaptured(moment, table))
    return parts


def _columns(table: SavedTable) -> frozenset[str]:
    return frozenset(column.name for column in table.table.columns) | set(table.left_out)


def logged(moment: Snapshot, since: Since) -> Logged | None:
    """What the log says, in one journey; ``None`` where it can't be of what is asked for."""
    there = (moment.epoch, moment.schema_version, moment.revision)
    if there != (since.epoch, since.schema_version, since.revision):
        return None
    answers = moment.connection.execute(
        sql.SQL(f"{_REACHES}; {_CAPTURED}; {_CHANGED}").format(
            log=moment.name("sync_log"),
            tables=moment.name("sync_table"),
            schema=sql.Literal(moment.schema),
            stale=moment.name("sync_stale"),
            inventory=moment.name("sync_inventory"),
            cursor=sql.Literal(since.cursor),
            since=sql.SQL("{}::pg_snapshot").format(sql.Literal(since.cursor)),
        )
    )
    ahead, stale, problems, renewed = answers.fetchall()[0]
    answers.nextset()
    captured = {name: frozenset(columns) for name, columns in answers.fetchall()}
    answers.nextset()
    changed = {
        name: Changed(truncated, Ids(written, ids), Ids(deleted, deleted_ids))
        for name, truncated, written, ids, deleted, deleted_ids in answers.fetchall()
    }
    return Logged(ahead, stale, problems, renewed, captured, changed)


def _is_most(table: SavedTable, changed: int) -> bool:
    return changed >= 1000 and changed > _MOST * table.estimate


def _uncaptured(moment: Snapshot, table: SavedTable) -> Part:
    if table.size <= SMALL or table.partitioned or not table.table.key:
        return Part(table, WHOLE)
    if table.name == RESULTS:
        return Part(table, ADDED)
    types = {column.name: column.type for column in table.table.columns}
    if [types[name] in _INTEGERS for name in table.table.key] != [True]:
        return Part(table, WHOLE)
    kept = (
        moment.connection.execute(
            sql.SQL(_RANGES).format(
                key=sql.Identifier(table.table.key[0]), table=moment.name(table.name)
            )
        ).fetchall()[0][0]
        or ""
    )
    return Part(table, WHOLE) if len(kept) > _KEPT_LIMIT else Part(table, ADDED, kept=kept)


def _doubtful(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.changed.deleted.count]


def _questions(moment: Snapshot, since: Since, parts: Sequence[Part]) -> list[sql.Composable]:
    """For each part its rows; then, where rows were deleted, which of them are no more."""
    return [_statement(moment, since, part) for part in parts] + [
        _gone(moment, part, part.changed.deleted) for part in _doubtful(parts)
    ]


def _copy(
    parts: Sequence[Part], answers: Iterator[Rows], writer: ArchiveWriter, progress: Heard
) -> dict[str, tuple[int, bytes]]:
    """Keep the rows; table → how many, and which of the deleted ones are no more."""
    meter = Meter(sum(part.table.size for part in parts), progress)
    sent = {}
    for part, rows in zip(parts, answers, strict=False):
        meter.table(part.table.name)
        with writer.table(part.table.name) as sink:
            while not rows.ended:
                meter.add(*sink.fill(rows.into))
        meter.expect(rows.count)
        meter.passed(part.table.size)
        sent[part.table.name] = rows.count
    doubtful = zip(_doubtful(parts), answers, strict=True)
    gone = {part.table.name: b"".join(rows) for part, rows in doubtful}
    return {name: (count, gone.get(name, b"")) for name, count in sent.items()}


def _statement(moment: Snapshot, since: Since, part: Part) -> sql.Composable:
    if part.way == WHOLE:
        return moment.copy_of(part.table)
    if part.way == CHANGES:
        condition = sql.SQL("r.id = ANY ({})").format(
            part.changed.written.array(part.changed.deleted)
        )
    else:
        # Numbers of transactions go round: of what is very old, some may pass for new, and that
        # does no harm. What was written since never passes for old.
        condition = sql.SQL("age(r.xmin) <= age(pg_snapshot_xmin({}::pg_snapshot)::xid)").format(
            sql.Literal(since.cursor)
        )
    return sql.SQL("COPY (SELECT {} FROM {} r WHERE {}) TO STDOUT").format(
        column_list(part.table.table, "r"), moment.name(part.table.name), condition
    )


def _keep_gone(
    moment: Snapshot,
    part: Part,
    sent: int,
    keys: bytes,
    writer: ArchiveWriter,
    cancelled: Cancelled,
) -> None:
    """The keys that are no more: nearly always, of those alone whose deletion was logged."""
    if sent + keys.count(b"\n") != part.changed.count:
        statement = _gone(moment, part, part.changed.written)
        with copied(moment.connection, statement, cancelled) as others:
            keys += b"".join(others)
        if sent + keys.count(b"\n") != part.changed.count:
            raise AssertionError(f"{part.table.name}: a row is neither there nor gone")
    if keys:
        with writer.gone(part.table.name) as sink:
            sink.write(keys)


def _gone(moment: Snapshot, part: Part, ids: Ids) -> sql.Composable:
    return sql.SQL(
        "COPY (SELECT i FROM unnest({}) i WHERE NOT EXISTS (SELECT FROM {} r WHERE r.id = i)) TO STDOUT"
    ).format(ids.array(), moment.name(part.table.name))
