"""Puts the server half of the engine into a tenant schema.

Everything lands inside the schema and may be done again at any time, except
:func:`install_tables` and :func:`upgrade_tables`, which migrations do once. The statements run in the caller's transaction.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from sync.schema import SyncSchema, SyncTable
from sync.sqltext import Execute, channel, device_group, load, quote_identifier, quote_literal

__all__ = [
    "Execute",
    "channel",
    "device_group",
    "downgrade_tables",
    "executor",
    "install_functions",
    "install_tables",
    "upgrade_tables",
]

_FUNCTION_FILES = (
    "register.sql",
    "scope.sql",
    "rows.sql",
    "inventory.sql",
    "log.sql",
    "device.sql",
    "compare.sql",
    "recover.sql",
    "apply.sql",
    "exchange.sql",
)


def executor(connection: sa.Connection) -> Execute:
    """An :data:`Execute` that runs SQL text in ``connection``'s transaction."""

    def execute(statement: str) -> None:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).close()

    return execute


def install_tables(execute: Execute, schema: str) -> None:
    """Create the engine's own tables in ``schema``, once: a migration calls this.

    :param execute: runs SQL text, e.g. ``executor(op.get_bind())``.
    :param schema: the tenant schema's bare name; it exists, and nothing outside it is made.
    """
    execute(load("sync", "tables.sql", schema))


def upgrade_tables(execute: Execute, schema: str, version: int) -> None:
    """Bring the engine's own tables from the form before to ``version``: a migration calls this.

    :param version: from 2; the first form is :func:`install_tables`'.
    """
    execute(load("sync", f"tables_{version}.sql", schema))


def downgrade_tables(execute: Execute, schema: str, version: int) -> None:
    """Take back what :func:`upgrade_tables` did; what only ``version`` keeps is lost."""
    execute(load("sync", f"tables_{version}_back.sql", schema))


def install_functions(execute: Execute, schema: str, sync_schema: SyncSchema) -> None:
    """Create or replace functions and capture triggers, and register the tables of ``sync_schema``.

    May be repeated, and is at the end of every upgrade, when the tables already have their new
    columns. Numbers of tables and columns that were given once stay. ``EXECUTE`` is taken from
    PUBLIC; where the role :func:`device_group` exists it may call what a workstation calls
    (``sql/rights.sql``), and that is all that it may do in the schema.

    :param execute: runs SQL text, e.g. ``executor(connection)``.
    """
    for name in _FUNCTION_FILES:
        execute(load("sync", name, schema))
    spec = {
        "version": sync_schema.version,
        "tables": [_described(table) for table in sync_schema.tables],
    }
    where = quote_identifier(schema)
    execute(f"SELECT {where}.sync_register({quote_literal(json.dumps(spec))}::jsonb)")
    execute(load("sync", "rights.sql", schema))


def _described(table: SyncTable) -> dict[str, object]:
    return {
        "name": table.name,
        "ord": table.order,
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "scale": column.scale,
                "nullable": column.nullable,
                "stamp": column.stamp,
                "hidden_from": sorted(column.hidden_from),
            }
            for column in table.columns
        ],
        "read_by": sorted(table.read_by),
        "write_by": sorted(table.write_by),
        "references": dict(table.references),
        "born_on_server": table.born_on_server,
        "append_only": table.append_only,
    }
