"""What an archive says of itself, before its content."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from desktop.backup import strict_json
from desktop.backup.archive_format import FORMAT, TABLE_NAME
from desktop.backup.errors import ArchiveError

FULL, INCREMENTAL = "full", "incremental"
CHANGES, WHOLE, ADDED = "changes", "whole", "added"
"""How an incremental has a table."""
KINDS = (FULL, INCREMENTAL)
SERVER, CACHE, FOREIGN = "server", "cache", "foreign"
SOURCES = (SERVER, CACHE, FOREIGN)

TABLES_LIMIT, COLUMNS_LIMIT, TEXT_LIMIT, CURSOR_LIMIT = 2000, 1600, 500, 1 << 20
_SIGN = "[^\x00-\x1f\x7f\ud800-\udfff]"
COLUMN_NAME, COLUMN_TYPE = re.compile(_SIGN + "{1,63}"), re.compile(_SIGN + "{1,200}")
"""Whatever PostgreSQL and other programs call a column and its type: they are in no member's name."""
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RANGE = re.compile(r"(-?\d{1,19})(?:-(-?\d{1,19}))?", re.ASCII)
_RANGES = re.compile(rf"(?:{_RANGE.pattern}(?:,{_RANGE.pattern})*)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z", re.ASCII)
_NUMBER = range(-(1 << 63), 1 << 63)
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Column:
    """A column in the order of its COPY text. :ivar type: as PostgreSQL's ``format_type`` says it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the archive. :ivar key: the columns by which a row is known."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known before the rows are read; the counts and hashes are in the trailer.

    :ivar tenant: the clinic's UUID. :ivar clinic: its name, for people.
    :ivar created_at: aware, UTC. :ivar kind: one of :data:`KINDS`. :ivar source: where the rows were
        read, one of :data:`SOURCES`.
    :ivar schema_version: the version that workstations exchange. :ivar revision: the migration at
        which the tables stood: the tables are made by it, never by the archive.
    :ivar epoch: the server's, while the rows were read. :ivar cursor: up to where the change log is
        in the rows; an incremental goes on from there.
    :ivar base: the manifest hash of the archive that an incremental stands on.
    :ivar previous: the manifest hash of the archive taken before this one.
    :ivar server_version: PostgreSQL's, as ``server_version_num``; none from a cache.
    :ivar sequences: sequence → its last value.
    :ivar device: the workstation's number; 0 without one. :ivar actor: who asked for it.
    :ivar extra: what else whoever took it wants back, as text.
    :ivar id: given by the writer. :ivar signer: public key, given by the writer.
    """

    tenant: str
    clinic: str
    created_at: dt.datetime
    kind: str
    source: str
    schema_version: int
    revision: str
    tables: tuple[Table, ...]
    epoch: str | None = None
    cursor: str | None = None
    base: str | None = None
    previous: str | None = None
    server_version: int | None = None
    sequences: Mapping[str, int] = field(default_factory=lambda: _EMPTY)
    device: int = 0
    device_label: str = ""
    actor: str = ""
    program: str = ""
    note: str = ""
    extra: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    id: str = ""
    signer: str = ""

    def table(self, name: str) -> Table:
        """The table of this name; ``KeyError`` where the archive has none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def unsaved(self) -> tuple[str, ...]:
        """Tables that stood in the schema and that no archive can hold, as their program calls them."""
        return _names(self.extra, "unsaved")

    def ways(self) -> dict[str, str]:
        """Table → how an incremental has it: :data:`CHANGES`, :data:`WHOLE` or :data:`ADDED`."""
        return _of_tables(self.extra, "parts")

    def kept(self) -> dict[str, list[tuple[int, int]]]:
        """Table → first and last ids of the rows that are still there; where none went, no table."""
        return {
            table: [(int(each[1]), int(each[2] or each[1])) for each in _RANGE.finditer(text)]
            for table, text in _of_tables(self.extra, "kept").items()
        }

    def signed_by(self, signer: str) -> Manifest:
        """This manifest with an id of its own, for an archive that ``signer`` is about to write."""
        return replace(self, id=str(uuid.uuid4()), signer=signer)

    def to_json(self) -> bytes:
        """The bytes of ``manifest.json``. Whatever :meth:`from_json` would refuse is refused here."""
        content = strict_json.dumps(
            {
                "format": FORMAT,
                "id": self.id,
                "tenant": self.tenant,
                "clinic": self.clinic,
                "created_at": _instant_to_text(self.created_at),
                "kind": self.kind,
                "source": self.source,
                "schema_version": self.schema_version,
                "revision": self.revision,
                "epoch": self.epoch,
                "cursor": self.cursor,
                "base": self.base,
                "previous": self.previous,
                "server_version": self.server_version,
                "sequences": dict(self.sequences),
                "device": self.device,
                "device_label": self.device_label,
                "actor": self.actor,
                "program": self.program,
                "note": self.note,
                "extra": dict(self.extra),
                "signer": self.signer,
                "tables": [
                    {
                        "name": table.name,
                        "columns": [{"name": c.name, "type": c.type} for c in table.columns],
                        "key": list(table.key),
                    }
                    for table in self.tables
                ],
            }
        )
        self.from_json(content)
        return content

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """What ``manifest.json`` says; ``archive.newer`` or ``archive.malformed``."""
        said = strict_json.loads(content, "manifest")
        version = said.get("format")
        if type(version) is int and version > FORMAT:
            raise ArchiveError("archive.newer")
        try:
            return cls(**_Reading(said).manifest())
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ArchiveError("archive.malformed", what="manifest") from error


def digest(manifest: bytes) -> str:
    """The manifest hash, by which one archive names another: SHA-256 of ``manifest.json``, hex."""
    return hashlib.sha256(manifest).hexdigest()


class _Reading:
    """The manifest's fields, each looked at; any exception of :meth:`manifest` is a refusal."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said

    def manifest(self) -> dict[str, Any]:
        said = self._said
        _hold(type(said["format"]) is int and said["format"] == FORMAT)
        tables = tuple(_table(entry) for entry in _list(said["tables"], TABLES_LIMIT))
        _hold(len({table.name for table in tables}) == len(tables))
        made: dict[str, Any] = {
            "tables": tables,
            "tenant": str(uuid.UUID(_text(said["tenant"]))),
            "id": str(uuid.UUID(_text(said["id"]))),
            "created_at": _text_to_instant(_text(said["created_at"])),
            "cursor": None if said["cursor"] is None else _text(said["cursor"], CURSOR_LIMIT),
            "sequences": {
                _text(name): _number(last) for name, last in _map(said["sequences"]).items()
            },
            "extra": {
                _text(name): _text(text, CURSOR_LIMIT) for name, text in _map(said["extra"]).items()
            },
            "signer": _digest(said["signer"]),
            "epoch": None if said["epoch"] is None else _text(said["epoch"]),
        }
        for name in ("clinic", "kind", "source", "revision", "actor", "program", "note"):
            made[name] = _text(said[name])
        made["device_label"] = _text(said["device_label"])
        for name in ("schema_version", "device"):
            made[name] = _number(said[name])
        for name in ("base", "previous"):
            made[name] = None if said[name] is None else _digest(said[name])
        version = said["server_version"]
        made["server_version"] = None if version is None else _number(version)
        _hold(made["kind"] in KINDS and made["source"] in SOURCES)
        _hold((made["kind"] == INCREMENTAL) == (made["base"] is not None))
        _hold(said.keys() == made.keys() | {"format"})
        _names(made["extra"], "unsaved")
        _hold(set(_of_tables(made["extra"], "parts").values()) <= {CHANGES, WHOLE, ADDED})
        _hold(all(map(_RANGES.fullmatch, _of_tables(made["extra"], "kept").values())))
        return made


def _names(extra: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The names of tables in ``extra``, under this name."""
    return tuple(map(_text, _list(json.loads(extra.get(name, "[]")), TABLES_LIMIT)))


def _of_tables(extra: Mapping[str, str], name: str) -> dict[str, str]:
    """What ``extra`` says of each table, under this name."""
    said = strict_json.loads(extra.get(name, "{}").encode(), "manifest")
    return {table: _text(text, CURSOR_LIMIT) for table, text in said.items()}


def _table(entry: Any) -> Table:
    _hold(entry.keys() == {"name", "columns", "key"})
    columns = tuple(
        Column(_matched(COLUMN_NAME, column["name"]), _matched(COLUMN_TYPE, column["type"]))
        for column in _list(entry["columns"], COLUMNS_LIMIT)
        if _hold(column.keys() == {"name", "type"})
    )
    names = {column.name for column in columns}
    key = tuple(_matched(COLUMN_NAME, name) for name in _list(entry["key"], COLUMNS_LIMIT))
    _hold(bool(columns) and len(names) == len(columns) and names.issuperset(key))
    return Table(_matched(TABLE_NAME, entry["name"]), columns, key)


def _hold(truth: bool) -> bool:
    if not truth:
        raise ValueError("the manifest is not as it has to be")
    return True


def _matched(pattern: re.Pattern[str], value: Any) -> str:
    _hold(type(value) is str and pattern.fullmatch(value) is not None)
    return str(value)


def _digest(value: Any) -> str:
    return _matched(_DIGEST, value)


def _text(value: Any, limit: int = TEXT_LIMIT) -> str:
    _hold(type(value) is str and len(value) <= limit and "\0" not in value)
    return str(value)


def _number(value: Any) -> int:
    _hold(type(value) is int and value in _NUMBER)
    return int(value)


def _list(value: Any, limit: int) -> list[Any]:
    _hold(type(value) is list and len(value) <= limit)
    return list(value)


def _map(value: Any) -> dict[str, Any]:
    _hold(type(value) is dict and len(value) <= TABLES_LIMIT)
    return dict(value)


def _instant_to_text(instant: dt.datetime) -> str:
    if instant.utcoffset() != dt.timedelta(0):
        raise ValueError("an instant in UTC is wanted")
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _text_to_instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(_matched(_INSTANT, text))
