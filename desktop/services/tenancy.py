"""The tenant's tables as a restore needs them made."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from desktop.backup import rights
from desktop.services import migrations


class Migrations:
    """Makes a tenant's tables by this program's migrations; a restore's ``Tenancy``."""

    def head(self) -> str:
        """The newest revision that this program carries."""
        return migrations.head_version()

    def known(self) -> Collection[str]:
        """Every revision that this program carries."""
        return migrations.known_versions()

    def version(self, connection: psycopg.Connection, schema: str) -> str | None:
        """The revision of a tenant; ``None`` where the schema is none."""
        return migrations.tenant_version(connection, schema)

    def tables(self, connection: psycopg.Connection, schema: str, revision: str) -> None:
        """Bring the tables of an existing schema to a revision, in the caller's transaction."""
        migrations.upgrade_tables(connection, schema, revision)

    def functions(self, connection: psycopg.Connection, schema: str) -> None:
        """Give filled tables what every tenant's have: functions, triggers, the rule on overlaps."""
        migrations.upgrade_tenant(connection, schema)

    def tenant(self, connection: psycopg.Connection, schema: str) -> None:
        """Make a clinic's schema and all that belongs to it but rows, in the caller's transaction."""
        # Here alone: they bring the rules for what people type, a tenth of a restore's memory.
        from desktop.services import office_key, tenants

        tenants.check_name(schema)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        tenants.ensure_group(connection, schema)
        migrations.upgrade_tenant(connection, schema)
        rights.ensure(connection, schema)
        office_key.ensure(connection, schema)
