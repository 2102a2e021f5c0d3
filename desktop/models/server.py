"""The clinic's own rules in PostgreSQL, for every program that writes the tenant schema."""

from __future__ import annotations

from sync.sqltext import Execute, load

_FILES = ("appointments.sql", "ledger.sql", "hooks.sql", "scope.sql")


def install(execute: Execute, schema: str) -> None:
    """Create or replace the clinic's triggers, constraint and sync hooks; may be repeated.

    :param execute: runs SQL text without parameters, e.g. ``sync.server.executor(connection)``.
    :param schema: the tenant schema's bare name; its tables exist, nothing outside it is made.
    """
    for name in _FILES:
        execute(load("desktop.models", name, schema))
