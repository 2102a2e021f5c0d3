"""How a table of the tenant schema looks in a workstation's cache.

The cache takes whatever the server says, in whatever order it arrives: so its tables carry no
unique, check or foreign-key constraint and no default. What is unique on the server is an ordinary
index here, and what the server never sends may be missing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem

from desktop.models.base import NAMING

NEVER_SENT = frozenset({("auth_user", "password")})
"""Columns that stay on the server although they may not be empty there."""


def create_table(op: Any, name: str, *items: SchemaItem) -> None:
    """Create a table by a migration: whole in PostgreSQL, in its cache form in SQLite.

    :param op: alembic's ``op``.
    :param items: columns and constraints as for PostgreSQL; ``unique`` and ``index`` are understood.
    """
    context = op.get_context()
    if context.dialect.name != "sqlite":
        op.create_table(name, *items)
        return
    table = cache_table(
        sa.Table(name, sa.MetaData(naming_convention=NAMING), *items),
        sa.MetaData(naming_convention=NAMING),
    )
    indexes = list(table.indexes)
    op.execute(sa.schema.CreateTable(table))
    if context.config.attributes.get("indexes", True):
        for index in sorted(indexes, key=lambda index: str(index.name)):
            op.execute(sa.schema.CreateIndex(index))


def cache_table(table: sa.Table, metadata: sa.MetaData) -> sa.Table:
    """``table`` as the cache has it, in ``metadata``."""
    columns = [
        sa.Column(
            column.name,
            column.type,
            primary_key=column.primary_key,
            nullable=column.nullable or (table.name, column.name) in NEVER_SENT,
        )
        for column in table.columns
    ]
    copy = sa.Table(table.name, metadata, *columns)
    indexed = {tuple(column.name for column in index.columns) for index in table.indexes}
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            indexed.add(tuple(column.name for column in constraint.columns))
    for names in sorted(indexed):
        sa.Index(f"ix_{table.name}_{'_'.join(names)}", *(copy.c[name] for name in names))
    return copy


def cache_metadata(metadata: sa.MetaData) -> sa.MetaData:
    """Every table of ``metadata`` in its cache form."""
    form = sa.MetaData(naming_convention=NAMING)
    for table in metadata.sorted_tables:
        cache_table(table, form)
    return form
