"""Which tables are synced, in what order, and by whom they may be read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

DEVICE_BITS = 39
MAX_DEVICE = (1 << 14) - 1
COLUMN_LIMIT = 62
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Column:
    """One synced column.

    :ivar kind: ``int``, ``bool``, ``units`` (a decimal, as integer units), ``text``, ``instant``,
        ``date`` or ``time``.
    :ivar scale: for ``units``, how many decimals.
    :ivar stamp: set by programs and typed by nobody (when and by whom the row was last changed):
        two people changing the row are in no conflict over it, the later one stays.
    :ivar hidden_from: device profiles that have the table and never get this column.
    """

    name: str
    kind: str
    scale: int = 0
    nullable: bool = True
    stamp: bool = False
    hidden_from: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SyncTable:
    """A table and what the engine must know of it.

    :ivar read_by: device profiles that receive its rows.
    :ivar write_by: device profiles that may change them.
    :ivar references: column name → table that it points at.
    :ivar born_on_server: rows are inserted in PostgreSQL only.
    :ivar append_only: rows are inserted and never changed.
    :ivar groups: columns that mean something only together: who changes one of them has seen, and
        wants, all of them.
    """

    name: str
    order: int
    columns: tuple[Column, ...]
    read_by: frozenset[str]
    write_by: frozenset[str]
    references: Mapping[str, str] = field(default_factory=dict)
    born_on_server: bool = False
    append_only: bool = False
    groups: tuple[frozenset[str], ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The synced columns' names, in the table's order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called ``name``; ``KeyError`` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def together(self, name: str) -> tuple[str, ...]:
        """The columns that travel with ``name`` when it changes: itself, or its whole group."""
        for group in self.groups:
            if name in group:
                return tuple(column for column in self.column_names if column in group)
        return (name,)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What a product says of one of its tables; the rest is read from the metadata.

    :ivar hidden: columns that are not synced at all.
    :ivar hidden_from: device profile → columns that it never gets and may not name; what it inserts
        has their defaults.
    """

    name: str
    read_by: frozenset[str]
    write_by: frozenset[str]
    hidden: frozenset[str] = frozenset()
    stamps: frozenset[str] = frozenset()
    born_on_server: bool = False
    append_only: bool = False
    groups: tuple[frozenset[str], ...] = ()
    hidden_from: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SyncSchema:
    """Every synced table, parents before children.

    :ivar version: the product's schema version; both sides say theirs in every exchange.
    """

    version: int
    tables: tuple[SyncTable, ...]

    def __getitem__(self, name: str) -> SyncTable:
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(table.name == name for table in self.tables)

    def readable_by(self, profile: str) -> tuple[SyncTable, ...]:
        """The tables whose rows a device of ``profile`` receives, parents first."""
        return tuple(table for table in self.tables if profile in table.read_by)


def _kind(column: sa.Column[object]) -> tuple[str, int]:
    kind: object = column.type
    while isinstance(kind, sa.types.TypeDecorator):
        kind = kind.load_dialect_impl(_POSTGRESQL)
    if isinstance(kind, sa.Boolean):
        return "bool", 0
    if isinstance(kind, sa.Integer):
        return "int", 0
    if isinstance(kind, sa.Numeric):
        return "units", int(kind.scale or 0)
    if isinstance(kind, sa.DateTime):
        return "instant", 0
    if isinstance(kind, sa.Date):
        return "date", 0
    if isinstance(kind, sa.Time):
        return "time", 0
    return "text", 0


def _check_groups(spec: TableSpec, columns: list[Column]) -> None:
    synced = {column.name for column in columns if not column.stamp}
    grouped = [name for group in spec.groups for name in group]
    if len(set(grouped)) != len(grouped) or not synced.issuperset(grouped):
        raise ValueError(f"{spec.name}: a group names what is not synced, or a column twice")


def _check_scope(spec: TableSpec, columns: list[Column]) -> None:
    if not spec.write_by <= spec.read_by:
        raise ValueError(f"{spec.name}: a conflict would show its rows to who may not read them")
    names = {column.name for column in columns} - {"id"}
    for profile, hidden in spec.hidden_from.items():
        if not hidden <= names:
            raise ValueError(
                f"{spec.name}: hidden from {profile} is what is not synced, or the key"
            )
        if any(hidden & group and not group <= hidden for group in spec.groups):
            raise ValueError(f"{spec.name}: {profile} gets only a part of a group")


def build(metadata: sa.MetaData, specs: Iterable[TableSpec], *, version: int) -> SyncSchema:
    """The sync schema of ``metadata``'s tables, in the order of ``specs``.

    Raises ``ValueError`` where a table's key is not one integer called ``id``, where it has more
    synced columns than the change log can name, where a parent comes after its child, where a group
    or what is hidden from a profile is of columns that it has not, where a profile would get a part
    of a group, or where one may write what it may not read.
    """
    tables: list[SyncTable] = []
    seen: set[str] = set()
    specs = tuple(specs)
    names = {spec.name for spec in specs}
    for order, spec in enumerate(specs, start=1):
        table = metadata.tables[spec.name]
        if [column.name for column in table.primary_key] != ["id"]:
            raise ValueError(f"{spec.name}: the key must be one column called id")
        columns = []
        references: dict[str, str] = {}
        for column in table.columns:
            if column.name in spec.hidden:
                continue
            kind, scale = _kind(column)
            columns.append(
                Column(
                    column.name,
                    kind,
                    scale,
                    bool(column.nullable),
                    stamp=column.name in spec.stamps,
                    hidden_from=frozenset(
                        profile
                        for profile, names in spec.hidden_from.items()
                        if column.name in names
                    ),
                )
            )
            for key in column.foreign_keys:
                target = key.column.table.name
                if target in names:
                    references[column.name] = target
                    if target != spec.name and target not in seen:
                        raise ValueError(f"{spec.name} comes before {target}, which it refers to")
        if len(columns) > COLUMN_LIMIT:
            raise ValueError(f"{spec.name} has more than {COLUMN_LIMIT} synced columns")
        seen.add(spec.name)
        _check_groups(spec, columns)
        _check_scope(spec, columns)
        tables.append(
            SyncTable(
                name=spec.name,
                order=order,
                columns=tuple(columns),
                read_by=spec.read_by,
                write_by=spec.write_by,
                references=references,
                born_on_server=spec.born_on_server,
                append_only=spec.append_only,
                groups=spec.groups,
            )
        )
    return SyncSchema(version=version, tables=tuple(tables))


def device_of(row_id: int) -> int:
    """The device that numbered a row; 0 where PostgreSQL's own sequence did."""
    return row_id >> DEVICE_BITS


def first_id(device: int) -> int:
    """The id before the first that ``device`` may give; ``ValueError`` outside 1…16383."""
    if not 1 <= device <= MAX_DEVICE:
        raise ValueError(f"device number {device} is outside 1…{MAX_DEVICE}")
    return device << DEVICE_BITS
