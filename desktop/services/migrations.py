"""One history of migrations, run on a clinic's schema in PostgreSQL or on a workstation's cache."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic import command
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.resources import migrations_path
from desktop.models import Base
from desktop.models.cache_form import cache_metadata

_alembic = threading.Lock()
"""Alembic keeps the migration under way in a module: one at a time in a process."""


def migrations_dir() -> Path:
    """Where ``env.py`` and ``versions/`` are: in a checkout, a wheel or a frozen bundle."""
    return migrations_path()


def head_revision() -> str:
    """The newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the program carries no migrations")
    return head


def cache_version(connection: sa.Connection) -> str | None:
    """The revision of a cache; ``None`` for a file without tables."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade_cache(
    connection: sa.Connection, *, indexes: bool = True, revision: str = "head"
) -> None:
    """Bring a cache to ``revision``, whole or not at all.

    A transaction that the caller began is used and left open.

    :param connection: of an encrypted SQLite file that was opened with its key.
    :param indexes: ``False`` leaves the secondary indexes of a *fresh* file out, for a bulk load;
        :func:`create_cache_indexes` makes them afterwards.
    :raises EnvironmentTrouble: ``cache.too_new`` where a newer program has upgraded the file.
    """
    with _Transaction(connection):
        current = cache_version(connection)
        _refuse_newer(current, "cache.too_new")
        if not indexes and current is not None:
            raise ValueError("indexes are left out of a fresh file only")
        _run(command.upgrade, connection, revision, indexes=indexes)


def downgrade_cache(connection: sa.Connection, revision: str = "base") -> None:
    """Take a cache back to ``revision``, whole or not at all."""
    with _Transaction(connection):
        _run(command.downgrade, connection, revision)


def create_cache_indexes(connection: sa.Connection) -> None:
    """Make the secondary indexes that a bulk load did without; those that exist are kept."""
    with _Transaction(connection):
        for table in cache_metadata(Base.metadata).sorted_tables:
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                index.create(connection, checkfirst=True)


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    return config


def _run(step: Any, connection: sa.Connection, revision: str, **attributes: Any) -> None:
    with _alembic:
        step(_config(connection=connection, **attributes), revision)


def _refuse_newer(current: str | None, code: str, **params: object) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise EnvironmentTrouble(code, **params)


class _Transaction:
    """The caller's transaction where there is one, else one of our own around the block."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._own: sa.RootTransaction | None = None

    def __enter__(self) -> None:
        if self._connection.in_transaction():
            return
        self._own = self._connection.begin()
        if self._connection.dialect.name == "sqlite":
            raw = self._connection.connection.driver_connection
            if raw is not None and not raw.in_transaction:
                self._connection.exec_driver_sql("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if self._own is None:
            return
        if kind is None:
            self._own.commit()
        else:
            self._own.rollback()
