"""The clinic's own key pair, to which workstations encrypt what they could not send.

An age key (https://age-encryption.org). The public half goes to every workstation with the server's
greeting. The private half is in ``sync_meta.office_identity``, which the schema's owner reads and no
workstation's role.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pyrage
from psycopg import sql

from desktop.domain.errors import RuleError
from desktop.services.server import translated
from sync import wire
from sync.identifiers import with_parameters


def ensure(connection: psycopg.Connection, schema: str) -> None:
    """Give a clinic its key pair, where it has none; in the caller's transaction."""
    identity = pyrage.x25519.Identity.generate()
    connection.execute(
        sql.SQL(
            "UPDATE {} SET office_key = %s, office_identity = %s WHERE office_identity IS NULL"
        ).format(with_parameters(schema, "sync_meta")),
        (str(identity.to_public()), str(identity)),
    )


def identity(connection: psycopg.Connection, schema: str) -> tuple[str, str]:
    """The clinic's UUID and the private half of its key, for its administrator.

    Raises ``RuleError('office.no_key')`` where the clinic was not brought up to this program yet,
    and :class:`EnvironmentTrouble`: ``server.not_allowed``, ``server.no_clinic``.
    """
    with translated():
        rows = connection.execute(
            sql.SQL("SELECT tenant_uuid::text, office_identity FROM {}").format(
                with_parameters(schema, "sync_meta")
            )
        ).fetchall()
    if not rows[0][1]:
        raise RuleError("office.no_key")
    return rows[0][0], rows[0][1]


def public(connection: psycopg.Connection, schema: str) -> str:
    """The public half of the clinic's key. Raises as :func:`identity`."""
    _tenant, private = identity(connection, schema)
    return str(pyrage.x25519.Identity.from_str(private).to_public())


def results(
    connection: psycopg.Connection, schema: str, txs: Sequence[str]
) -> dict[str, wire.Result]:
    """What the server has answered of these local transactions; those it never saw are left out."""
    with translated():
        rows = connection.execute(
            sql.SQL("SELECT result FROM {} WHERE tx = ANY (%s::uuid[])").format(
                with_parameters(schema, "sync_result")
            ),
            (list(txs),),
        ).fetchall()
    return {result.tx: result for result in (wire.read_result(row[0]) for row in rows)}
