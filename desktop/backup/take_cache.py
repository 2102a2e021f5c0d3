"""A backup of what a workstation holds, for when there is no server any more.

Saved is what the server last said, in one consistent state: what waits to be sent goes on waiting in the
workstation's outbox, where no server has checked it yet. The results of what was acknowledged here are
saved, too, so that a server that is made anew knows that it has them. Which part of the clinic it is
stands in ``manifest.extra['scope']``: the workstation's profile.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from desktop.backup.archive import ArchiveWriter
from desktop.backup.manifest import CACHE, FULL, Column, Manifest, Table
from desktop.backup.places.base import Cancelled, go_on, never
from desktop.backup.take import (
    Heard,
    Meter,
    Sealing,
    Taken,
    Who,
    archive_file,
    unheard,
    utc_now,
)
from desktop.domain.errors import RuleError
from desktop.models import SCHEMA_VERSION, Base, sync_schema
from sync import bootstrap, store
from sync.schema import Column as Synced
from sync.schema import SyncTable

RESULTS = Table(
    "sync_result",
    (
        Column("tx", "uuid"),
        Column("device", "integer"),
        Column("at", "timestamp with time zone"),
        Column("result", "jsonb"),
    ),
    ("tx",),
)
_AT_ONCE = 2000
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def take_cache(
    connection: Any,
    path: Path,
    sealing: Sealing,
    who: Who,
    *,
    previous: str | None = None,
    progress: Heard = unheard,
    cancelled: Cancelled = never,
    now: Callable[[], dt.datetime] = utc_now,
) -> Taken:
    """Save a workstation's cache in a new file.

    :param connection: the driver's connection to the cache, in no transaction.
    :param sealing: with the recipients as the workstation knows them: there is no server to ask.
    Raises ``RuleError('backup.cache_incomplete')`` before the end of the first sync,
    ``RuleError('backup_key.missing')``, and as :func:`desktop.backup.take.take_full` of the disk.
    """
    if len(sealing.recipients) < 2:
        raise RuleError("backup_key.missing")
    execute = store.executor(connection)
    with _one_state(connection):
        if not bootstrap.finished(connection):
            raise RuleError("backup.cache_incomplete")
        known = store.columns(execute)
        tables = [table for table in sync_schema().tables if table.name in known]
        manifest = _described(execute, tables, known, who, now(), previous)
        with archive_file(path, sealing.recipients, sealing, manifest) as made:
            _copy(connection, tables, known, made.writer, progress, cancelled)
            receipt, contents = made.finish(progress, cancelled)
    return Taken(path, receipt, contents, (), (), {})


@contextmanager
def _one_state(connection: Any) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _described(
    execute: store.Execute,
    tables: list[SyncTable],
    known: dict[str, list[str]],
    who: Who,
    at: dt.datetime,
    previous: str | None,
) -> Manifest:
    def state(key: str) -> str:
        return store.get_state(execute, key) or ""

    clinic = execute("SELECT nombre_clinica FROM configuracion_informacionclinica ORDER BY id")
    extra = {"scope": state("profile")}
    later = dict(execute("SELECT tbl, count(*) FROM sync_later GROUP BY tbl"))
    for name, value in (
        ("filtered", json.loads(state("filtered") or "[]")),
        ("later", later),
    ):
        if value:
            extra[name] = json.dumps(value)
    return Manifest(
        tenant=state("tenant"),
        clinic=clinic[0][0] if clinic else "",
        created_at=at,
        kind=FULL,
        source=CACHE,
        schema_version=SCHEMA_VERSION,
        revision=execute("SELECT version_num FROM alembic_version")[0][0],
        tables=(*(_table(table, known[table.name]) for table in tables), RESULTS),
        epoch=state("epoch") or None,
        cursor=state("cursor") or None,
        previous=previous,
        device=store.device(execute),
        device_label=state("label"),
        actor=who.actor,
        program=who.program,
        note=who.note,
        extra=extra,
    )


def _table(table: SyncTable, names: list[str]) -> Table:
    described = Base.metadata.tables[table.name].columns
    return Table(table.name, tuple(Column(name, _type(described[name])) for name in names))


def _type(column: sa.Column[Any]) -> str:
    """A column's type as the server says it."""
    text = column.type.compile(_DIALECT).lower().replace(", ", ",")
    return text.replace("varchar", "character varying")


def _copy(
    connection: Any,
    tables: list[SyncTable],
    known: dict[str, list[str]],
    writer: ArchiveWriter,
    progress: Heard,
    cancelled: Cancelled,
) -> None:
    counts = [
        connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0] for table in tables
    ]
    meter = Meter(sum(counts), progress)
    for table, count in zip(tables, counts, strict=True):
        meter.table(table.name)
        names = known[table.name]
        lines = connection.execute(_lines(table, names))
        with writer.table(table.name) as sink:
            while rows := lines.fetchmany(_AT_ONCE):
                go_on(cancelled)
                sink.write_all(meter.through(memoryview(line.encode()) for (line,) in rows))
        meter.passed(count)
    with writer.table(RESULTS.name) as sink:
        sink.write_all(_results(store.executor(connection)))


def _results(execute: store.Execute) -> Iterator[bytes]:
    """What the server answered to what was acknowledged here, as it keeps it."""
    device = store.device(execute)
    for tx, at, ops in execute("SELECT tx, acked_at, ops FROM sync_acked ORDER BY seq"):
        made = [op.row_id for op in store.operations_from_json(ops) if op.kind == "I"]
        result = json.dumps({"tx": tx, "made": made, "status": "applied"})
        yield f"{tx}\t{device}\t{at}\t{result}\n".encode()


def _lines(table: SyncTable, names: list[str]) -> str:
    """A query whose rows are a table's COPY text: of a row with edits waiting, the server's image."""
    here = ", ".join(f'"{name}"' for name in names)
    kept = ", ".join(f'json_extract(image, \'$."{name}"\') AS "{name}"' for name in names)
    text = " || char(9) || ".join(
        f"coalesce({_value(table.column(name))}, '\\N')" for name in names
    )
    return (
        f"SELECT {text} || char(10) FROM ("
        f'SELECT {here} FROM "{table.name}"'
        f" WHERE id NOT IN (SELECT row_id FROM sync_base WHERE tbl = '{table.name}')"
        f" UNION ALL SELECT {kept} FROM sync_base WHERE tbl = '{table.name}' AND image IS NOT NULL)"
    )


def _value(column: Synced) -> str:
    """The SQLite expression of a value as PostgreSQL's COPY has it; NULL stays NULL."""
    name = f'"{column.name}"'
    if column.kind == "bool":
        return f"CASE {name} WHEN 1 THEN 't' WHEN 0 THEN 'f' END"
    if column.kind == "units" and column.scale:
        unit = 10**column.scale
        return (
            f"CASE WHEN {name} < 0 THEN '-' ELSE '' END || (abs({name}) / {unit})"
            f" || '.' || printf('%0{column.scale}d', abs({name}) % {unit})"
        )
    if column.kind == "instant":
        return f"replace(replace({name}, 'T', ' '), '+00:00', '+00')"
    if column.kind == "text":
        escaped = name
        for plain, escape in (
            ("char(92)", r"\\"),
            ("char(8)", r"\b"),
            ("char(9)", r"\t"),
            ("char(10)", r"\n"),
            ("char(11)", r"\v"),
            ("char(12)", r"\f"),
            ("char(13)", r"\r"),
        ):
            escaped = f"replace({escaped}, {plain}, '{escape}')"
        return escaped
    return f"CAST({name} AS TEXT)"
