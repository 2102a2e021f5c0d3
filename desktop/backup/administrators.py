"""Who may sign in after a restore: whoever administers the clinic now still does, and whoever was shut
out stays so.

Everything else about people is the archive's. Accounts are known by their name: another program's
backup numbers them as it likes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from desktop.backup import catalog
from desktop.domain.errors import RuleError
from sync.identifiers import with_parameters

ACCOUNTS, STAFF = "auth_user", "personal_perfil"
_RIGHTS = (
    "rol",
    "activo",
    "requiere_acceso_sistema",
    "puede_gestionar_citas",
    "puede_gestionar_clientes",
    "puede_gestionar_insumos",
    "puede_gestionar_personal",
    "puede_ver_reportes",
    "puede_crear_odontogramas",
)
IS_ADMINISTRATOR = (
    "u.is_active AND coalesce(p.activo, true) AND (u.is_superuser OR (p.id IS NOT NULL AND"
    " (coalesce(nullif(p.rol, ''), 'general') = 'general' OR p.puede_gestionar_personal)))"
)
"""The condition on an account ``u`` and its staff row ``p``, where it has one."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of people.

    :ivar kept: administrators of now, who still are. :ivar shut_out: accounts that stay shut out.
    :ivar returning: accounts of the staff that are not there now and come back with the archive.
    """

    kept: tuple[str, ...] = ()
    shut_out: tuple[str, ...] = ()
    returning: tuple[str, ...] = ()


def administrators(connection: psycopg.Connection, schema: str) -> tuple[str, ...]:
    """The names by which administrators of a schema sign in."""
    rows = connection.execute(
        sql.SQL(
            "SELECT u.username FROM {} u LEFT JOIN {} p ON p.user_id = u.id WHERE {} ORDER BY 1"
        ).format(
            sql.Identifier(schema, ACCOUNTS),
            sql.Identifier(schema, STAFF),
            sql.SQL(IS_ADMINISTRATOR),
        )
    ).fetchall()
    return tuple(row[0] for row in rows)


def with_password(connection: psycopg.Connection, schema: str) -> bool:
    """Whether any administrator of a schema has a password that signs in."""
    rows = connection.execute(
        sql.SQL(
            "SELECT FROM {} u LEFT JOIN {} p ON p.user_id = u.id"
            " WHERE {} AND u.password LIKE 'pbkdf2%' LIMIT 1"
        ).format(
            sql.Identifier(schema, ACCOUNTS),
            sql.Identifier(schema, STAFF),
            sql.SQL(IS_ADMINISTRATOR),
        )
    ).fetchall()
    return bool(rows)


def merge(connection: psycopg.Connection, live: str, staged: str, names: Collection[str]) -> Merged:
    """Give the staged tables the people who may sign in to the live ones now.

    :param names: the tables that take the places of live ones. Without people among them nothing is
        done; with but half of what makes them, ``RuleError('restore.columns')`` is raised.
    """
    missing = {ACCOUNTS, STAFF} - set(names)
    if len(missing) == 2:
        return Merged()
    if missing:
        raise RuleError("restore.columns", table=missing.pop())
    rows = connection.execute(
        sql.SQL(
            "SELECT u.id, u.username, p.id FROM {} u LEFT JOIN {} p ON p.user_id = u.id WHERE {}"
            " ORDER BY u.id"
        ).format(
            sql.Identifier(live, ACCOUNTS), sql.Identifier(live, STAFF), sql.SQL(IS_ADMINISTRATOR)
        )
    ).fetchall()
    merging = _Merging(connection, live, staged)
    returning = merging.returning()
    shut_out = merging.shut_out()
    for account, _name, staff in rows:
        there = merging.account(account)
        if staff is not None:
            merging.staff(staff, there)
    return Merged(tuple(row[1] for row in rows), shut_out, returning)


def keep_passwords(connection: psycopg.Connection, live: str, staged: str) -> None:
    """Give staged accounts the live ones' passwords, for an archive that has none."""
    connection.execute(
        sql.SQL(
            "UPDATE {} s SET password = l.password FROM {} l WHERE l.username = s.username"
        ).format(sql.Identifier(staged, ACCOUNTS), sql.Identifier(live, ACCOUNTS))
    )


def give_password(connection: psycopg.Connection, schema: str, username: str, encoded: str) -> None:
    """Give an administrator of a schema a password; nobody else of a tenant made anew may have one.

    Raises ``RuleError('restore.no_administrator')``.
    """
    found = administrators(connection, schema)
    if username not in found:
        raise RuleError("restore.no_administrator", username=username, found=", ".join(found))
    connection.execute(
        sql.SQL("UPDATE {} SET password = %s WHERE username = %s").format(
            with_parameters(schema, ACCOUNTS)
        ),
        (encoded, username),
    )


class _Merging:
    def __init__(self, connection: psycopg.Connection, live: str, staged: str) -> None:
        self._connection = connection
        self._live, self._staged = live, staged

    def _ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on ``{lu}``, ``{lp}``, ``{su}``, ``{sp}``: live and staged, users and people."""
        text = sql.SQL(statement).format(
            lu=with_parameters(self._live, ACCOUNTS),
            lp=with_parameters(self._live, STAFF),
            su=with_parameters(self._staged, ACCOUNTS),
            sp=with_parameters(self._staged, STAFF),
        )
        cursor = self._connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def returning(self) -> tuple[str, ...]:
        rows = self._ask(
            "SELECT s.username FROM {su} s JOIN {sp} p ON p.user_id = s.id"
            " WHERE s.is_active AND p.activo AND NOT EXISTS"
            " (SELECT FROM {lu} l WHERE l.username = s.username) ORDER BY 1 LIMIT %s",
            100,
        )
        return tuple(row[0] for row in rows)

    def shut_out(self) -> tuple[str, ...]:
        """Whoever may not sign in now, may not after an old state is back either."""
        rows = self._ask(
            "UPDATE {su} s SET is_active = false FROM {lu} l LEFT JOIN {lp} p ON p.user_id = l.id"
            " WHERE l.username = s.username AND s.is_active"
            " AND NOT (l.is_active AND coalesce(p.activo, true)) AND %s RETURNING s.username",
            True,
        )
        return tuple(sorted(row[0] for row in rows))

    def account(self, account: int) -> int:
        """The staged account of a live one's name, which is as the live one; made where it is missing."""
        found = self._ask(
            "UPDATE {su} s SET password = l.password, is_active = true, is_superuser = l.is_superuser,"
            " is_staff = l.is_staff FROM {lu} l WHERE l.id = %s AND s.username = l.username"
            " RETURNING s.id",
            account,
        )
        return int(found[0][0]) if found else self._bring(ACCOUNTS, account, {})

    def staff(self, staff: int, account: int) -> None:
        """The staff row of a staged account has the live one's rights; made where it is missing."""
        rights = sql.SQL(", ").join(
            sql.SQL("{0} = l.{0}").format(sql.Identifier(name)) for name in _RIGHTS
        )
        updated = self._connection.execute(
            sql.SQL("UPDATE {} s SET {} FROM {} l WHERE l.id = %s AND s.user_id = %s").format(
                with_parameters(self._staged, STAFF), rights, with_parameters(self._live, STAFF)
            ),
            (staff, account),
        )
        if updated.rowcount == 0:
            self._bring(STAFF, staff, {"user_id": account})

    def _bring(self, table: str, row_id: int, given: dict[str, int]) -> int:
        """Copy a live row; under its own id where that is free, else under one that nobody has had."""
        fresh = self._connection.execute(
            sql.SQL(
                "SELECT CASE WHEN EXISTS (SELECT FROM {staged} WHERE id = %(id)s) THEN 1 + greatest("
                " (SELECT max(id) FROM {staged} WHERE id < 1::bigint << 39),"
                " (SELECT max(id) FROM {live} WHERE id < 1::bigint << 39),"
                " pg_sequence_last_value(pg_get_serial_sequence(%(live)s, 'id')::regclass))"
                " ELSE %(id)s END"
            ).format(
                staged=with_parameters(self._staged, table), live=with_parameters(self._live, table)
            ),
            {"id": row_id, "live": sql.Identifier(self._live, table).as_string(self._connection)},
        ).fetchall()[0][0]
        there = catalog.columns(self._connection, self._staged, table)
        columns = [column.name for column in there]
        values = [
            sql.Placeholder(name) if name in {"id", *given} else sql.SQL("l.{}").format(_name(name))
            for name in columns
        ]
        self._connection.execute(
            sql.SQL(
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} l WHERE l.id = %(row)s"
            ).format(
                with_parameters(self._staged, table),
                sql.SQL(", ").join(map(_name, columns)),
                sql.SQL(", ").join(values),
                with_parameters(self._live, table),
            ),
            {"id": fresh, "row": row_id, **given},
        )
        return int(fresh)


def _name(name: str) -> sql.Identifier:
    return with_parameters(name)
