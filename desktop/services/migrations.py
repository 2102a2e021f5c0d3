"""One history of migrations, run on a clinic's schema in PostgreSQL or on a workstation's cache.

An upgrade is one transaction, on either side: it happens whole or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql

from alembic import command
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.resources import migrations_path
from desktop.models import Base, backup_roles, sync_schema
from desktop.models.cache_form import cache_metadata
from desktop.models.server import install
from sync import server
from sync.sqltext import load

VERSION_TABLE = "alembic_version"

_alembic = threading.Lock()
"""Alembic keeps the migration under way in a module: one at a time in a process."""


def migrations_dir() -> Path:
    """Where ``env.py`` and ``versions/`` are: in a checkout, a wheel or a frozen bundle."""
    return migrations_path()


@cache
def known_versions() -> frozenset[str]:
    """Every revision that this program carries."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


@cache
def head_version() -> str:
    """The newest revision that this program carries."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the program carries no migrations")
    return head


def cache_version(connection: Any) -> str | None:
    """The revision of a cache; ``None`` for a file without tables.

    :param connection: the driver's connection to an encrypted file, opened with its key.
    """
    with _wrapped(connection) as wrapped:
        return MigrationContext.configure(wrapped).get_current_revision()


def upgrade_cache(connection: Any, *, indexes: bool = True, revision: str = "head") -> None:
    """Bring a cache to ``revision``.

    A transaction that the caller began is used and left open.

    :param connection: the driver's connection to an encrypted file, opened with its key.
    :param indexes: ``False`` leaves the secondary indexes of a *fresh* file out, for a bulk load;
        :func:`create_cache_indexes` makes them afterwards.
    Raises :class:`EnvironmentTrouble` with ``cache.too_new`` where a newer program upgraded the file.
    """
    with _whole(connection) as wrapped:
        current = MigrationContext.configure(wrapped).get_current_revision()
        if current is not None and current not in known_versions():
            raise EnvironmentTrouble("cache.too_new")
        if not indexes and current not in {None, head_version()}:
            raise ValueError("indexes are left out of a fresh file only")
        _run(command.upgrade, wrapped, revision, indexes=indexes)


def downgrade_cache(connection: Any, revision: str = "base") -> None:
    """Take a cache back to ``revision``."""
    with _whole(connection) as wrapped:
        _run(command.downgrade, wrapped, revision)


def create_cache_indexes(connection: Any) -> None:
    """Make the secondary indexes that a bulk load did without; those that exist are kept."""
    with _whole(connection) as wrapped:
        for table in cache_metadata(Base.metadata).sorted_tables:
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                index.create(wrapped, checkfirst=True)


def tenant_version(connection: psycopg.Connection, schema: str) -> str | None:
    """The revision of a tenant schema; ``None`` where ``schema`` is no tenant."""
    table = sql.Identifier(schema, VERSION_TABLE).as_string(connection)
    known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchall()
    if not known[0][0]:
        return None
    rows = connection.execute(
        sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema, VERSION_TABLE))
    ).fetchall()
    return str(rows[0][0]) if rows else None


def upgrade_tenant(connection: psycopg.Connection, schema: str, revision: str = "head") -> None:
    """Bring a tenant schema to ``revision`` and put every function and trigger in place again.

    Waits for the exchanges under way and holds the others off until it ends. A transaction that the
    caller began is used and left open.

    :param schema: the bare name of a schema that exists; a fresh one becomes a tenant.
    Raises :class:`EnvironmentTrouble` with ``tenant.too_new`` where a newer program upgraded it.
    """
    with _tenant(connection, schema) as wrapped:
        current = tenant_version(connection, schema)
        if current is not None and current not in known_versions():
            raise EnvironmentTrouble("tenant.too_new", tenant=schema)
        _run(command.upgrade, wrapped, revision, schema=schema)
        execute = server.executor(wrapped)
        server.install_functions(execute, schema, sync_schema())
        install(execute, schema)
        execute(load("desktop.models", "accounts.sql", schema))
        if revision == "head":
            backup_roles.install(execute, schema)


def upgrade_tables(connection: psycopg.Connection, schema: str, revision: str) -> None:
    """Bring the tables of a schema to ``revision`` and leave functions and triggers out.

    For rows that are looked at, changed by migrations, and never worked on in this schema. A
    transaction that the caller began is used and left open.
    """
    with _tenant(connection, schema) as wrapped:
        _run(command.upgrade, wrapped, revision, schema=schema)


def downgrade_tenant(connection: psycopg.Connection, schema: str, revision: str = "base") -> None:
    """Take a tenant schema back to ``revision``; a person asks for this, never the program."""
    with _tenant(connection, schema) as wrapped:
        _run(command.downgrade, wrapped, revision, schema=schema)


@contextmanager
def _tenant(connection: psycopg.Connection, schema: str) -> Iterator[sa.Connection]:
    path = sql.Identifier(schema).as_string(connection)
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s)),"
            " set_config('search_path', %s, true)",
            (schema, path),
        )
        with _wrapped(connection, "postgresql+psycopg://", use_native_hstore=False) as wrapped:
            yield wrapped


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    return config


def _run(step: Any, connection: sa.Connection, revision: str, **attributes: Any) -> None:
    with _alembic:
        step(_config(connection=connection, **attributes), revision)


class _Borrowed:
    """A driver's connection whose transaction belongs to somebody else."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Left to the owner."""

    def rollback(self) -> None:
        """Left to the owner."""

    def close(self) -> None:
        """Left to the owner."""


@contextmanager
def _wrapped(
    connection: Any, url: str = "sqlite+pysqlite://", **options: Any
) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        url,
        creator=lambda: _Borrowed(connection),
        poolclass=sa.pool.StaticPool,
        module=psycopg if url.startswith("postgresql") else _cache_driver(),
        **options,
    )
    try:
        with engine.connect() as wrapped:
            yield wrapped
    finally:
        engine.dispose()


def _cache_driver() -> Any:
    # Where it is used alone: it is large, and a restore has no cache.
    from sqlcipher3 import dbapi2

    return dbapi2


@contextmanager
def _whole(connection: Any) -> Iterator[sa.Connection]:
    """One transaction: the caller's where there is one, else one of our own."""
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN IMMEDIATE")
    try:
        with _wrapped(connection) as wrapped:
            yield wrapped
    except BaseException:
        if own:
            connection.rollback()
        raise
    if own:
        connection.commit()
