"""Who may read a clinic whole: the roles of :mod:`desktop.models.backup_roles`, and their members.

An administrator's connection makes them; taking a backup only uses them.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from desktop.models import OFFICE
from desktop.models.backup_roles import FILE, door, readers
from sync.sqltext import load, quote_literal


def ensure(connection: psycopg.Connection, schema: str) -> None:
    """Make the roles where they are missing, let them read what there is, and see to their members.

    In one transaction; the caller's, where there is one. A tenant of before backups gets the roles, and
    what they may read with its upgrade. Waits for a backup that is under way.

    :param connection: may make roles, and owns the schema.
    """
    with connection.transaction():
        for role, options in ((readers(schema), ""), (door(schema), "NOINHERIT")):
            if not _there(connection, role):
                connection.execute(
                    sql.SQL("CREATE ROLE {} NOLOGIN {}").format(
                        sql.Identifier(role), sql.SQL(options)
                    )
                )
                if role == door(schema):
                    connection.execute(
                        sql.SQL("GRANT {} TO {}").format(
                            sql.Identifier(readers(schema)), sql.Identifier(role)
                        )
                    )
        known = connection.execute(
            "SELECT to_regprocedure(%s) IS NOT NULL",
            (sql.Identifier(schema, "backup_grant").as_string(connection) + "()",),
        ).fetchall()[0][0]
        if known:
            grant(connection, schema)
        members(connection, schema)


def grant(connection: psycopg.Connection, schema: str, roles_of: str | None = None) -> None:
    """Put the functions of backups in place again, and let the roles read what is in ``schema``.

    :param roles_of: the tenant whose roles they are, where the schema is to take its place.
    """
    tokens = {"{readers_literal}": quote_literal(readers(roles_of or schema))}
    connection.execute(load("desktop.models", FILE, schema, tokens).encode())


def members(connection: psycopg.Connection, schema: str) -> None:
    """Let the live *office* devices become the readers, and nobody else. It waits for no backup."""
    if not _there(connection, door(schema)):
        return
    rows = connection.execute(
        sql.SQL(
            "WITH wanted AS (SELECT DISTINCT r.oid, r.rolname FROM {}.sync_device d"
            "   JOIN pg_roles r ON r.rolname = d.role_name AND NOT r.rolsuper"
            "  WHERE d.revoked_at IS NULL AND d.profile = {}),"
            " there AS (SELECT r.oid, r.rolname FROM pg_auth_members m"
            "   JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member"
            "  WHERE g.rolname = {} AND NOT r.rolsuper AND r.oid <> g.oid)"
            " SELECT coalesce(w.rolname, t.rolname), w.oid IS NOT NULL"
            " FROM wanted w FULL JOIN there t ON t.oid = w.oid"
            " WHERE w.oid IS NULL OR t.oid IS NULL"
        ).format(sql.Identifier(schema), sql.Literal(OFFICE), sql.Literal(door(schema)))
    ).fetchall()
    mine = connection.execute("SELECT current_user").fetchall()[0][0]
    for role, wanted in rows:
        if role == mine:
            # Who made a role without being a superuser is its member, to administer it.
            continue
        words = "GRANT {} TO {}" if wanted else "REVOKE {} FROM {}"
        connection.execute(
            sql.SQL(words).format(sql.Identifier(door(schema)), sql.Identifier(role))
        )


def _there(connection: psycopg.Connection, role: str) -> bool:
    return bool(connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchall())
