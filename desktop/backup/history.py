"""The history of a clinic's backups: on its server, and in a file of the program that takes them.

Several know of one archive: who took it, who read it back, who removed it somewhere. What they know adds
up, in whichever order it is put together (:func:`merge`, and ``backup_record`` on the server).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from desktop.backup.places import local as disk
from desktop.domain.durable import sync_folder
from desktop.domain.errors import RuleError

VERIFIED, DAMAGED = "verified", "damaged"
STATES = ("failed", "taken", "kept", VERIFIED, DAMAGED, "deleted")
"""How far an archive came; no state goes back, but that what was damaged may be found whole later."""

MOST = 2000
"""So many of the newest entries are asked for."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_COLUMNS = {
    "id": "id",
    "name": "nombre",
    "size": "bytes",
    "reason": "motivo",
    "kind": "tipo",
    "source": "origen",
    "scope": "alcance",
    "device": "dispositivo",
    "actor": "actor",
    "taken_at": "tomado_el",
    "places": "lugares",
    "verified_at": "verificado_el",
    "drilled_at": "probado_el",
    "report": "informe",
    "manifest": "manifiesto",
    "base": "base",
    "sha256": "sha256",
    "cursor": "cursor",
    "epoch": "epoca",
    "revision": "revision",
    "schema_version": "version_esquema",
    "rows": "filas",
    "state": "estado",
    "error": "error",
}
_MOMENTS = frozenset({"taken_at", "verified_at", "drilled_at"})
_UNDONE = "undone_at"
"""Stands in the server's column of reports."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An archive, or an attempt at one that failed.

    :ivar id: the manifest's. :ivar reason: ``manual``, ``automatico``, ``seguridad`` or
        ``importacion``. :ivar kind: ``full`` or ``incremental``. :ivar source: ``server``, ``cache``
        or ``foreign``. :ivar taken_at: aware, UTC, as are the other moments.
    :ivar places: place → ``path``, ``at``, ``verified_at``, ``altered_at`` when it was last found to be
        other bytes, and ``gone_at`` where it was removed.
    :ivar report: of the last drill. :ivar undone_at: of a safety copy, when the restore that it was
        taken for was undone. :ivar manifest: its hash; :ivar base: that of the archive which an
        incremental stands on. :ivar cursor, epoch, revision, schema_version: of the manifest, for the next
        incremental. :ivar error: a code, of why it failed or of what else to know.
    :ivar state: one of :data:`STATES`.
    """

    id: str
    name: str
    size: int
    reason: str
    kind: str
    source: str
    taken_at: dt.datetime
    state: str
    scope: str = "clinic"
    device: int = 0
    actor: str = ""
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING)
    verified_at: dt.datetime | None = None
    drilled_at: dt.datetime | None = None
    report: Mapping[str, Any] | None = None
    manifest: str | None = None
    base: str | None = None
    sha256: str | None = None
    cursor: str | None = None
    epoch: str | None = None
    revision: str | None = None
    schema_version: int | None = None
    rows: int = 0
    error: str | None = None
    undone_at: dt.datetime | None = None

    def to_row(self) -> dict[str, Any]:
        """As the server's table has it; what is not known is left out."""
        row: dict[str, Any] = {}
        for name, column in _COLUMNS.items():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, dt.datetime):
                value = value.astimezone(dt.UTC).isoformat()
            elif name == "places":
                value = {place: dict(told) for place, told in value.items()}
            elif name == "report":
                value = dict(value)
            row[column] = value
        if self.undone_at is not None:
            undone = {_UNDONE: self.undone_at.astimezone(dt.UTC).isoformat()}
            row["informe"] = row.get("informe", {}) | undone
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Entry:
        """From :meth:`to_row`'s; raises ``ValueError``, ``KeyError`` or ``TypeError`` for another."""
        given: dict[str, Any] = {}
        for name, column in _COLUMNS.items():
            value = row.get(column)
            if value is None:
                continue
            given[name] = dt.datetime.fromisoformat(value) if name in _MOMENTS else value
        report = dict(given.pop("report", {}))
        if _UNDONE in report:
            given["undone_at"] = dt.datetime.fromisoformat(report.pop(_UNDONE))
        return cls(**given, report=report or None)

    def with_what(self, other: Entry) -> Entry:
        """What both say of one archive."""
        newer = max((self, other), key=lambda one: (one.drilled_at or _LONG_AGO, one.taken_at))
        places = _joined(self.places, other.places)
        verified = _later(self.verified_at, other.verified_at)
        return replace(
            self,
            name=self.name or other.name,
            size=max(self.size, other.size),
            rows=max(self.rows, other.rows),
            places=places,
            verified_at=verified,
            drilled_at=_later(self.drilled_at, other.drilled_at),
            report=newer.report or self.report or other.report,
            manifest=self.manifest or other.manifest,
            base=self.base or other.base,
            sha256=self.sha256 or other.sha256,
            cursor=self.cursor or other.cursor,
            epoch=self.epoch or other.epoch,
            revision=self.revision or other.revision,
            schema_version=self.schema_version or other.schema_version,
            state=_state(max(self.state, other.state, key=STATES.index), verified, places),
            error=self.error or other.error,
            undone_at=_later(self.undone_at, other.undone_at),
        )


_LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def merge(*known: Iterable[Entry]) -> list[Entry]:
    """What several know, the newest first."""
    found: dict[str, Entry] = {}
    for entry in (each for entries in known for each in entries):
        before = found.get(entry.id)
        found[entry.id] = entry if before is None else before.with_what(entry)
    return sorted(found.values(), key=lambda one: (one.taken_at, one.id), reverse=True)


class ServerHistory:
    """The history on the clinic's server, for an office workstation or the schema's owner."""

    def __init__(self, connection: psycopg.Connection, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def list(self) -> list[Entry]:
        """The newest first. Raises ``RuleError``: ``backup.revoked``, ``backup.outdated``."""
        answer = self._ask("backup_history", MOST)
        if answer is None:
            raise RuleError("backup.revoked")
        return [Entry.from_row(row) for row in answer]

    def record(self, entry: Entry) -> None:
        """Keep what is known of an archive.

        Raises ``RuleError``: ``backup.revoked``, ``backup.forbidden``, ``backup.outdated``.
        """
        answer = self._ask("backup_record", Jsonb(entry.to_row()))
        if answer["status"] != "ok":
            raise RuleError(f"backup.{answer['status']}")

    def _ask(self, function: str, value: Any) -> Any:
        statement = sql.SQL("SELECT {}(%s)").format(sql.Identifier(self._schema, function))
        try:
            return self._connection.execute(statement, (value,)).fetchall()[0][0]
        except psycopg.errors.UndefinedFunction as error:
            raise RuleError("backup.outdated") from error


class LocalHistory:
    """The history in a file: a line of JSON for each thing that was learnt, never changed.

    A line that a power cut left half-written is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def list(self) -> list[Entry]:
        """The newest first. Raises :class:`EnvironmentTrouble` where the disk refuses."""
        with disk.in_words(str(self._path.parent)):
            try:
                lines = self._path.read_bytes().split(b"\n")
            except FileNotFoundError:
                return []
        entries = []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entries.append(Entry.from_row(json.loads(line)))
        return merge(entries)

    def record(self, *entries: Entry) -> None:
        """Write them down, on the disk when this returns. Raises as :meth:`list`."""
        if not entries:
            return
        line = b"\n".join(
            json.dumps(entry.to_row(), ensure_ascii=False, sort_keys=True).encode()
            for entry in entries
        )
        with self._lock, disk.in_words(str(self._path.parent)):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    if file.read(1) != b"\n":
                        line = b"\n" + line
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._path.parent)


def _state(
    furthest: str, verified: dt.datetime | None, places: Mapping[str, Mapping[str, Any]]
) -> str:
    """Of an archive that somebody found damaged and somebody whole, the later finding counts."""
    altered = [str(told["altered_at"]) for told in places.values() if told.get("altered_at")]
    if furthest != DAMAGED or verified is None or not altered:
        return furthest
    return VERIFIED if verified > max(map(dt.datetime.fromisoformat, altered)) else DAMAGED


def _later(one: dt.datetime | None, other: dt.datetime | None) -> dt.datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _joined(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Of a place that both know: all that they say of it; that it was removed there is not taken back."""
    joined: dict[str, Mapping[str, Any]] = {}
    for place in (*one, *other):
        mine, theirs = one.get(place, {}), other.get(place, {})
        joined[place] = {
            key: max(str(mine.get(key, "")), str(theirs.get(key, ""))) for key in {**mine, **theirs}
        }
    return joined
