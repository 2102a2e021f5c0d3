"""What the server says and keeps about backups, by its functions: see ``desktop/models/sql/backup.sql``."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
from psycopg import sql

from desktop.domain.errors import RuleError
from desktop.services.backups_opening import Signer
from desktop.services.server import translated


def introduce(connection: psycopg.Connection, schema: str, public: str) -> None:
    """Make known with which key this workstation, or this administrator, signs.

    Raises :class:`RuleError`: ``backup.revoked``, ``backup.forbidden``, ``backup.outdated``.
    """
    answer = _ask(connection, schema, "backup_signer", public)
    if answer["status"] != "ok":
        raise RuleError(f"backup.{answer['status']}")


def signers(connection: psycopg.Connection, schema: str) -> list[Signer]:
    """Whose signatures count. Raises ``backup.revoked``, ``backup.outdated``."""
    answer = _ask(connection, schema, "backup_signers")
    if answer is None:
        raise RuleError("backup.revoked")
    return [
        Signer(
            each["public"],
            each["label"],
            None if each["until"] is None else dt.datetime.fromisoformat(each["until"]),
            each["device"],
        )
        for each in answer
    ]


def purge(connection: psycopg.Connection, schema: str) -> list[str]:
    """Drop what restores replaced and is kept no longer, by the server's clock; the schemas that went.

    Raises :class:`RuleError`: ``backup.revoked``, ``backup.forbidden``, ``backup.outdated``.
    """
    answer = _ask(connection, schema, "backup_purge")
    if answer["status"] != "ok":
        raise RuleError(f"backup.{answer['status']}")
    return list(answer["gone"])


def _ask(connection: psycopg.Connection, schema: str, function: str, *values: Any) -> Any:
    statement = sql.SQL("SELECT {}({})").format(
        sql.Identifier(schema, function), sql.SQL(", ").join(sql.Placeholder() * len(values))
    )
    try:
        with translated():
            return connection.execute(statement, values or None).fetchall()[0][0]
    except psycopg.errors.UndefinedFunction as error:
        raise RuleError("backup.outdated") from error
