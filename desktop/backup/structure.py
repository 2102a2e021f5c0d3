"""Constraints and indexes of tables that are filled before they have any."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from desktop.backup import catalog
from desktop.backup.catalog import put
from desktop.domain.errors import RuleError

Structure = tuple[list[catalog.Constraint], list[catalog.Index]]


def strip(connection: psycopg.Connection, schema: str) -> Structure:
    """Take constraints and indexes off the tables of a schema; returns them to be put back."""

    def ours(table: str) -> bool:
        return table == catalog.AUDIT or not catalog.is_kept(table)

    constraints = [one for one in catalog.constraints(connection, schema) if ours(one.table)]
    indexes = [one for one in catalog.indexes(connection, schema) if ours(one.table)]
    for one in reversed(constraints):
        put(
            connection,
            "ALTER TABLE {table} DROP CONSTRAINT {name}",
            table=sql.Identifier(schema, one.table),
            name=one.name,
        )
    for index in indexes:
        put(connection, "DROP INDEX {index}", index=sql.Identifier(schema, index.name))
    return constraints, indexes


def build(
    connection: psycopg.Connection,
    schema: str,
    structure: Structure,
    names: Collection[str],
    cancelled: Callable[[], bool] = lambda: False,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Give tables constraints and indexes whose definitions name tables of ``schema``.

    Those of one table in one statement: it is looked through once for all of them. Foreign keys come
    when everything that they point at has its key, and ``between`` was called.
    """
    constraints, indexes = structure
    for foreign in (False, True):
        if foreign:
            between()
        for name in names:
            if cancelled():
                raise RuleError("restore.cancelled")
            clauses = [
                sql.SQL("ADD CONSTRAINT {} {}").format(
                    sql.Identifier(one.name), sql.SQL(one.definition)
                )
                for one in constraints
                if one.table == name and (one.kind == "f") == foreign
            ]
            steps: list[sql.Composable | bytes] = []
            if clauses:
                table = sql.Identifier(schema, name)
                steps.append(
                    sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(", ").join(clauses))
                )
            if not foreign:
                steps += [one.definition.encode() for one in indexes if one.table == name]
            catalog.put_all(connection, steps)


def finish(
    connection: psycopg.Connection,
    live: str,
    schema: str,
    tables: Sequence[str],
    cancelled: Callable[[], bool],
) -> None:
    """What the live tables have and the staged ones have not, above all what no migration makes.

    What the server knows of the columns comes before the foreign keys, which it looks up by that.
    """
    names = set(tables)
    here = {(one.table, one.name) for one in catalog.constraints(connection, schema)}
    have = {(one.table, one.name) for one in catalog.indexes(connection, schema)}
    before = catalog.qualified(connection, live)
    after = catalog.qualified(connection, schema)

    def moved(definition: str, table: str, word: str) -> str:
        """A definition that names the staged table where it named the live one, after ``word``."""
        if word + before[table] not in definition:
            raise RuntimeError(f"a definition of {table} does not name its table")
        return definition.replace(word + before[table], word + after[table], 1)

    constraints = []
    for one in catalog.constraints(connection, live):
        if one.table in names and (one.table, one.name) not in here:
            if one.kind != "f":
                constraints.append(one)
            elif one.target in names:
                definition = moved(one.definition, one.target, " REFERENCES ")
                constraints.append(replace(one, definition=definition))
            # One that points at a table that stays is made when the tables change places.
    indexes = [
        replace(one, definition=moved(one.definition, one.table, " ON "))
        for one in catalog.indexes(connection, live)
        if one.table in names and (one.table, one.name) not in have
    ]

    def analyze() -> None:
        if tables:
            each = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
            put(connection, "ANALYZE {tables}", tables=each)

    build(connection, schema, (constraints, indexes), tables, cancelled, analyze)
