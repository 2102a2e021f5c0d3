"""What is synced in a simulated world: tables of chance, or a small clinic's."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync.schema import Column, SyncSchema, SyncTable

OFFICE = "office"
DESK = "desk"
PRACTITIONER = "practitioner"
PROFILES = (OFFICE, DESK, PRACTITIONER)
ALL = frozenset(PROFILES)
LONGEST = 60
"""Characters in a text; the server takes none that is longer."""

KINDS = ("int", "bool", "units", "text", "instant", "date", "time")
_WORDS = ("", "sí", "Ñandú", 'dice "no"', "a\\b", "o'clock", "línea\nnueva", "🦷", "null", "x" * 40)
CANCELLED = "cancelada"
DAY = "2026-11-23"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the server asks of a table's rows, beside what the engine must know.

    :ivar unique: groups of columns of which no two rows hold the same (``None`` never counts).
    :ivar on_delete: reference column → ``restrict``, ``cascade`` or ``null``.
    :ivar overlap: rows are appointments, and no practitioner has two at a time.
    :ivar owner: column whose value must be the practitioner's, for a device of that profile.
    """

    unique: tuple[tuple[str, ...], ...] = ()
    on_delete: Mapping[str, str] = field(default_factory=dict)
    overlap: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A version of what is synced.

    :ivar filled: what rows that were there get in a column that this version added.
    """

    schema: SyncSchema
    rules: Mapping[str, Rules]
    filled: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def version(self) -> int:
        return self.schema.version


def value(rng: random.Random, column: Column) -> Any:
    """A value of few, as the cache holds it."""
    if column.nullable and rng.random() < 0.15:
        return None
    if column.kind == "bool":
        return rng.randrange(2)
    if column.kind == "int":
        return rng.choice((0, 1, 2, 3, -1, 2**31 - 1))
    if column.kind == "units":
        return rng.choice((0, 1, 5, 99, 100, 1250, -300, 10**8 + 1))
    if column.kind == "text":
        return rng.choice(_WORDS)
    if column.kind == "instant":
        return rng.choice(
            (f"{DAY}T09:00:00+00:00", f"{DAY}T09:00:00.5+00:00", hour(rng.randrange(8)))
        )
    if column.kind == "date":
        return rng.choice((DAY, "1999-12-31", "2026-02-28"))
    return rng.choice(("08:00:00", "08:30:00.25", "23:59:59"))


def hour(number: int) -> str:
    """Half hours of one day, from eight o'clock, as an instant's text."""
    return f"{DAY}T{8 + number // 2:02d}:{30 * (number % 2):02d}:00+00:00"


def product(rng: random.Random) -> Product:
    """A clinic, or tables of chance."""
    return clinic() if rng.random() < 0.4 else of_chance(rng)


# Tables of chance -------------------------------------------------------------------------------


def of_chance(rng: random.Random) -> Product:
    """Two to five tables with columns of every kind, references and rules of chance."""
    tables: list[SyncTable] = []
    rules: dict[str, Rules] = {}
    for order in range(1, rng.randint(2, 5) + 1):
        table, rule = _table(rng, f"t{order}", order, tables)
        tables.append(table)
        rules[table.name] = rule
    return Product(SyncSchema(1, tuple(tables)), rules)


def _table(
    rng: random.Random, name: str, order: int, before: list[SyncTable]
) -> tuple[SyncTable, Rules]:
    columns = [Column("id", "int", nullable=False), Column("mark", "text", nullable=False)]
    for number in range(rng.randint(1, 5)):
        kind = rng.choice(KINDS)
        columns.append(Column(f"c{number}", kind, 2 if kind == "units" else 0))
    plain = [column.name for column in columns[2:]]
    if rng.random() < 0.5:
        columns.append(Column("note", "text"))
    if rng.random() < 0.4:
        columns.append(Column("changed_at", "instant", stamp=True))
    append_only = order > 1 and rng.random() < 0.2
    references: dict[str, str] = {}
    actions: dict[str, str] = {}
    for number in range(rng.randint(0, 2)):
        targets = [table.name for table in before] + ([] if append_only else [name])
        if targets:
            column = f"r{number}_id"
            columns.append(Column(column, "int"))
            references[column] = rng.choice(targets)
            choices = ("restrict",) if append_only else ("restrict", "cascade", "null")
            actions[column] = rng.choice(choices)
    owner = None
    if not append_only and rng.random() < 0.25:
        columns.append(Column("owner", "int"))
        owner = "owner"
    groups: tuple[frozenset[str], ...] = ()
    if len(plain) >= 2 and rng.random() < 0.3:
        groups = (frozenset(rng.sample(plain, 2)),)
    unique = ((rng.choice(plain),),) if plain and rng.random() < 0.25 else ()
    if unique and len(plain) >= 2 and rng.random() < 0.5:
        unique = (tuple(rng.sample(plain, 2)),)
    read_by = ALL if order == 1 or rng.random() < 0.8 else frozenset({OFFICE, DESK})
    write_by = read_by if rng.random() < 0.8 else frozenset({OFFICE})
    born = not append_only and rng.random() < 0.1
    table = SyncTable(
        name=name,
        order=order,
        columns=tuple(columns),
        read_by=read_by,
        write_by=frozenset() if born and rng.random() < 0.5 else write_by,
        references=references,
        born_on_server=born,
        append_only=append_only,
        groups=groups,
    )
    return table, Rules(unique, actions, owner=owner)


# A clinic ---------------------------------------------------------------------------------------


def clinic() -> Product:
    """Clients, practitioners, appointments that must not overlap, charges and payments."""
    key = Column("id", "int", nullable=False)
    mark = Column("mark", "text", nullable=False)
    money = Column("amount", "units", 2, nullable=False)
    desk = frozenset({OFFICE, DESK})
    tables = (
        SyncTable("practitioner", 1, (key, mark), ALL, frozenset(), born_on_server=True),
        SyncTable(
            "client",
            2,
            (key, mark, Column("phone", "text"), Column("born", "date"), Column("code", "int")),
            ALL,
            ALL,
        ),
        SyncTable(
            "appointment",
            3,
            (
                key,
                mark,
                Column("client_id", "int"),
                Column("practitioner_id", "int", nullable=False),
                Column("starts", "instant", nullable=False),
                Column("ends", "instant", nullable=False),
                Column("status", "text", nullable=False),
                Column("note", "text"),
                Column("changed_at", "instant", stamp=True),
            ),
            ALL,
            ALL,
            {"client_id": "client", "practitioner_id": "practitioner"},
            groups=(frozenset({"starts", "ends", "practitioner_id"}),),
        ),
        SyncTable(
            "charge",
            4,
            (key, mark, Column("appointment_id", "int"), money),
            ALL,
            ALL,
            {"appointment_id": "appointment"},
            append_only=True,
        ),
        SyncTable(
            "payment",
            5,
            (key, mark, Column("charge_id", "int"), money),
            desk,
            desk,
            {"charge_id": "charge"},
            append_only=True,
        ),
    )
    rules = {
        "practitioner": Rules(),
        "client": Rules(unique=(("code",),)),
        "appointment": Rules(
            on_delete={"client_id": "restrict", "practitioner_id": "restrict"}, overlap=True
        ),
        "charge": Rules(on_delete={"appointment_id": "restrict"}),
        "payment": Rules(on_delete={"charge_id": "restrict"}),
    }
    return Product(SyncSchema(1, tables), rules)


# Versions ---------------------------------------------------------------------------------------


def upgraded(before: Product, rng: random.Random) -> Product:
    """The next version: a column more in one table, which rows that are there have filled."""
    version = before.version + 1
    grown = rng.choice(before.schema.tables)
    kind = rng.choice(KINDS)
    column = Column(f"v{version}", kind, 3 if kind == "units" else 0)
    filling = value(rng, replace(column, nullable=False))
    if kind == "bool":
        filling = bool(filling)
    tables = tuple(
        replace(table, columns=(*table.columns, column)) if table is grown else table
        for table in before.schema.tables
    )
    filled = {**before.filled, (grown.name, column.name): filling}
    return Product(SyncSchema(version, tables), before.rules, filled)
