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
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from desktop.backup.archive import ArchiveWriter
from desktop.backup.copying import copied
from desktop.backup.manifest import INCREMENTAL
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

CHANGES, WHOLE, ADDED = "changes", "whole", "added"

SMALL = 128 << 10
"""Bytes on the server's disk up to which a table that is not synced is saved whole each time."""
_MOST = 0.5
"""Where a larger share of a table's rows changed, all of it is read, which is faster."""
_KEPT_LIMIT = 900_000
_INTEGERS = {"bigint", "integer", "smallint"}
RESULTS = "sync_result"

_CHANGED = """
SELECT s.name, coalesce(bool_or(l.op = 'T'), false),
       array_agg(DISTINCT l.row_id) FILTER (WHERE l.op IN ('I', 'U', 'D'))
  FROM (SELECT tbl, row_id, op FROM {log} WHERE xid >= {edge}::xid8
        UNION ALL
        SELECT tbl, row_id, op FROM {log} WHERE xid = ANY ({running}::xid8[])) l
  JOIN {tables} s ON s.id = l.tbl
 WHERE s.active
 GROUP BY s.name
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
class Part:
    """How a table is in the incremental. :ivar ids: of what changed. :ivar kept: ranges of ids."""

    table: SavedTable
    way: str
    ids: tuple[int, ...] = field(default=(), repr=False)
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
        because = why_full(moment, since)
        if because is None:
            parts = plan(moment, since)
            extra = {"parts": json.dumps({part.table.name: part.way for part in parts})}
            kept = {part.table.name: part.kept for part in parts if part.kept is not None}
            if kept:
                extra["kept"] = json.dumps(kept)
            manifest = described(
                moment,
                who,
                now(),
                kind=INCREMENTAL,
                tables=[part.table for part in parts],
                base=since.manifest_hash,
                previous=since.manifest_hash,
                extra=extra,
            )
            with archive_file(path, recipients(moment, sealing), sealing, manifest) as made:
                _copy(moment, since, parts, made.writer, progress, cancelled)
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


def why_full(moment: Snapshot, since: Since) -> str | None:
    """Why the log does not say what changed since: see :attr:`Taken.full_because`."""
    if moment.epoch != since.epoch:
        return "epoch"
    if (moment.schema_version, moment.revision) != (since.schema_version, since.revision):
        return "schema"
    ahead, stale, problems = moment.connection.execute(
        sql.SQL(
            "SELECT pg_snapshot_xmax({since}::pg_snapshot) > pg_snapshot_xmax({now}::pg_snapshot),"
            " {stale}({since}), {inventory}() <> '[]'"
        ).format(
            since=sql.Literal(since.cursor),
            now=sql.Literal(moment.cursor),
            stale=moment.name("sync_stale"),
            inventory=moment.name("sync_inventory"),
        )
    ).fetchall()[0]
    if ahead or moment.begun.moved:
        return "server"
    if stale:
        return "horizon"
    return "capture" if problems else None


def plan(moment: Snapshot, since: Since) -> list[Part]:
    """How each table is saved; those that did not change are left out."""
    captured = _captured(moment)
    changed = _changed(moment, since)
    parts = []
    for table in moment.tables:
        if table.name in captured and _columns(table) <= captured[table.name]:
            truncated, ids = changed.get(table.name, (False, ()))
            if truncated or _is_most(moment, table, len(ids)):
                parts.append(Part(table, WHOLE))
            elif ids:
                parts.append(Part(table, CHANGES, ids))
        else:
            parts.append(_uncaptured(moment, table))
    return parts


def _columns(table: SavedTable) -> frozenset[str]:
    return frozenset(column.name for column in table.table.columns) | set(table.left_out)


def _captured(moment: Snapshot) -> dict[str, frozenset[str]]:
    """Table → the columns whose changes are logged."""
    rows = moment.connection.execute(
        sql.SQL(
            "SELECT s.name, array_agg(c.value ->> 'name') FROM {} s,"
            " jsonb_array_elements(s.columns) c"
            " WHERE s.active AND (c.value ->> 'live')::boolean GROUP BY s.name"
        ).format(moment.name("sync_table"))
    ).fetchall()
    return {name: frozenset(columns) for name, columns in rows}


def _changed(moment: Snapshot, since: Since) -> Mapping[str, tuple[bool, tuple[int, ...]]]:
    """Table → whether it was truncated, and the ids that the log names."""
    edge, running = moment.connection.execute(
        "SELECT pg_snapshot_xmax(%(c)s::pg_snapshot)::text,"
        " ARRAY(SELECT x::text FROM pg_snapshot_xip(%(c)s::pg_snapshot) x)",
        {"c": since.cursor},
    ).fetchall()[0]
    rows = moment.connection.execute(
        sql.SQL(_CHANGED).format(
            log=moment.name("sync_log"),
            tables=moment.name("sync_table"),
            edge=sql.Literal(edge),
            running=sql.Literal("{" + ",".join(running) + "}"),
        )
    ).fetchall()
    return {name: (truncated, tuple(ids or ())) for name, truncated, ids in rows}


def _is_most(moment: Snapshot, table: SavedTable, changed: int) -> bool:
    if changed < 1000:
        return False
    rows = moment.connection.execute(
        "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)",
        (moment.name(table.name).as_string(moment.connection),),
    ).fetchall()[0][0]
    return changed > _MOST * float(rows)


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


def _copy(
    moment: Snapshot,
    since: Since,
    parts: list[Part],
    writer: ArchiveWriter,
    progress: Heard,
    cancelled: Cancelled,
) -> None:
    meter = Meter(sum(part.table.size for part in parts), progress)
    for part in parts:
        statement = _statement(moment, since, part)
        meter.table(part.table.name)
        with writer.table(part.table.name) as sink:
            with copied(moment.connection, statement, cancelled) as rows:
                sink.write_all(meter.through(rows))
        meter.expect(rows.count)
        if part.way == CHANGES and rows.count != len(part.ids):
            with writer.gone(part.table.name) as sink:
                with copied(moment.connection, _gone(moment, part), cancelled) as keys:
                    sink.write_all(keys)
            if rows.count + keys.count != len(part.ids):
                raise AssertionError(f"{part.table.name}: a row is neither there nor gone")
        meter.passed(part.table.size)


def _statement(moment: Snapshot, since: Since, part: Part) -> sql.Composable:
    if part.way == WHOLE:
        return moment.copy_of(part.table)
    if part.way == CHANGES:
        condition = sql.SQL("r.id = ANY ({})").format(_array(part))
    else:
        # Numbers of transactions go round: of what is very old, some may pass for new, and that
        # does no harm. What was written since never passes for old.
        condition = sql.SQL("age(r.xmin) <= age(pg_snapshot_xmin({}::pg_snapshot)::xid)").format(
            sql.Literal(since.cursor)
        )
    return sql.SQL("COPY (SELECT {} FROM {} r WHERE {}) TO STDOUT").format(
        column_list(part.table.table, "r"), moment.name(part.table.name), condition
    )


def _gone(moment: Snapshot, part: Part) -> sql.Composable:
    return sql.SQL(
        "COPY (SELECT i FROM unnest({}) i WHERE NOT EXISTS (SELECT FROM {} r WHERE r.id = i)) TO STDOUT"
    ).format(_array(part), moment.name(part.table.name))


def _array(part: Part) -> sql.Composable:
    return sql.SQL("{}::bigint[]").format(sql.Literal("{" + ",".join(map(str, part.ids)) + "}"))
