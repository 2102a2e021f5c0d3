"""The two roles by which a clinic's rows are read for a backup.

The *readers'* role may select from every table of the tenant. It lies behind a *door*, a role that is
its member and inherits nothing: so who is a member of the door reads nothing in an ordinary session,
and everything after ``SET ROLE``. (Where inheritance is a property of the role, up to PostgreSQL 15, as
where it is one of the membership.)
"""

from __future__ import annotations

from sync.sqltext import Execute, load, named_after, quote_literal

FILE = "backup.sql"


def readers(schema: str) -> str:
    """The role that may select from every table of the tenant in ``schema``."""
    return named_after(schema, "_backup")


def door(schema: str) -> str:
    """The role whose members may become :func:`readers`."""
    return named_after(schema, "_backups")


def install(execute: Execute, schema: str) -> None:
    """Create or replace what backups ask of the server, with its rights; may be repeated.

    :param execute: runs SQL text without parameters, e.g. ``sync.server.executor(connection)``.
    """
    tokens = {"{readers_literal}": quote_literal(readers(schema))}
    execute(load("desktop.models", FILE, schema, tokens))
