"""Clinics on the server: a schema each, with its group role, its clinic data and its administrator.

Every function takes an administrator's connection to the database and does its work in one
transaction.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from babel.core import get_global
from psycopg import sql

from desktop.backup import rights
from desktop.domain import passwords
from desktop.domain.errors import RuleError
from desktop.models.contract import SHARED_TABLES, contract_columns
from desktop.services import migrations, office_key
from desktop.services.accounts import NewAccount, normal_username
from desktop.services.server import translated
from sync.identifiers import with_parameters
from sync.sqltext import device_group

MAX_NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class NewClinic:
    """What a clinic starts with; all of it can be changed later on a workstation."""

    name: str
    zone: str = "America/Santiago"
    currency: str = "CLP"
    country: str = "CL"
    language: str = "es"
    slot_minutes: int = 15
    email: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A clinic's schema.

    :ivar version: its revision; :ivar head: the one that this program carries.
    :ivar known: ``False`` where a newer program upgraded it.
    """

    name: str
    uuid: str
    version: str
    head: str
    known: bool
    clinic: str
    devices: int

    @property
    def current(self) -> bool:
        """Whether no migration is due."""
        return self.version == self.head


def check_name(name: str) -> str:
    """``name`` where a schema may be called so.

    Raises :class:`RuleError`: ``tenant.name_empty``, ``tenant.name_long``, ``tenant.name_reserved``.
    """
    if not name.strip() or "\x00" in name:
        raise RuleError("tenant.name_empty")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise RuleError("tenant.name_long", limit=MAX_NAME_BYTES)
    if name.lower().startswith("pg_") or name.lower() in {"public", "information_schema"}:
        raise RuleError("tenant.name_reserved", tenant=name)
    return name


def create(
    connection: psycopg.Connection,
    name: str,
    clinic: NewClinic,
    administrator: NewAccount,
    password: str,
) -> Tenant:
    """Make a clinic: its schema, its group role, its data and its first account.

    Raises :class:`RuleError`: those of :func:`check_name`, ``tenant.exists``, ``tenant.zone``,
    ``tenant.currency``, ``account.invalid``, and those of a weak password.
    """
    check_name(name)
    _check_clinic(clinic)
    passwords.check_strength(password, username=administrator.username)
    encoded = passwords.encode(password)
    with translated(), connection.transaction():
        if _exists(connection, name):
            raise RuleError("tenant.exists", tenant=name)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        ensure_group(connection, name)
        migrations.upgrade_tenant(connection, name)
        office_key.ensure(connection, name)
        rights.ensure(connection, name)
        _lay_down(connection, name, clinic)
        _add_account(connection, name, administrator, encoded)
    return find(connection, name)


def ensure_group(connection: psycopg.Connection, name: str) -> str:
    """The group role of a tenant's workstations, made where it is missing; returns its name."""
    group = device_group(name)
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (group,)).fetchall()
    if not found:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
    connection.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
            sql.Identifier(name), sql.Identifier(group)
        )
    )
    return group


def names(connection: psycopg.Connection) -> list[str]:
    """The schemas of this database that are clinics, in order."""
    with translated():
        rows = connection.execute(
            "SELECT n.nspname FROM pg_namespace n"
            " WHERE EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid"
            "               AND c.relname = 'sync_meta' AND c.relkind = 'r')"
            "   AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid"
            "               AND c.relname = %s AND c.relkind = 'r')"
            " ORDER BY n.nspname",
            (migrations.VERSION_TABLE,),
        ).fetchall()
    return [row[0] for row in rows]


def find(connection: psycopg.Connection, name: str) -> Tenant:
    """The clinic called ``name``; ``RuleError('tenant.unknown')`` where there is none."""
    if name not in names(connection):
        raise RuleError("tenant.unknown", tenant=name)
    where = sql.Identifier(name)
    with translated():
        uuid, clinic, devices = connection.execute(
            sql.SQL(
                "SELECT tenant_uuid::text,"
                " coalesce((SELECT nombre_clinica FROM {0}.configuracion_informacionclinica"
                "           ORDER BY id LIMIT 1), ''),"
                " (SELECT count(DISTINCT role_name) FROM {0}.sync_device WHERE revoked_at IS NULL)"
                " FROM {0}.sync_meta"
            ).format(where)
        ).fetchall()[0]
        version = migrations.tenant_version(connection, name) or ""
    return Tenant(
        name=name,
        uuid=uuid,
        version=version,
        head=migrations.head_version(),
        known=version in migrations.known_versions(),
        clinic=clinic,
        devices=devices,
    )


def migrate(connection: psycopg.Connection, name: str) -> Tenant:
    """Bring a clinic to this program's schema; functions and triggers are renewed in any case.

    Raises :class:`RuleError` ``tenant.unknown`` and :class:`EnvironmentTrouble` ``tenant.too_new``.
    """
    find(connection, name)
    with translated(), connection.transaction():
        ensure_group(connection, name)
        migrations.upgrade_tenant(connection, name)
        office_key.ensure(connection, name)
        rights.ensure(connection, name)
    return find(connection, name)


def grant_web(connection: psycopg.Connection, name: str, role: str) -> None:
    """Give an existing role what the contract's programs need, and no more.

    USAGE on the schema; SELECT and DELETE on the shared tables, INSERT and UPDATE on the columns of
    the contract. What the role had in the schema before is taken away first.
    Raises :class:`RuleError`: ``tenant.unknown``, ``role.unknown``, ``role.superuser``,
    ``role.device``.
    """
    find(connection, name)
    with translated(), connection.transaction():
        _check_role(connection, name, role)
        schema, grantee = sql.Identifier(name), sql.Identifier(role)
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            connection.execute(
                sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA {} FROM {}").format(
                    sql.SQL(kind), schema, grantee
                )
            )
        connection.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, grantee))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, grantee))
        for table in SHARED_TABLES:
            columns = sql.SQL(", ").join(map(sql.Identifier, contract_columns(table)))
            connection.execute(
                sql.SQL("GRANT SELECT, DELETE, INSERT ({0}), UPDATE ({0}) ON {1} TO {2}").format(
                    columns, sql.Identifier(name, table), grantee
                )
            )


def _check_role(connection: psycopg.Connection, name: str, role: str) -> None:
    found = connection.execute(
        "SELECT r.rolsuper, pg_has_role(r.oid, g.oid, 'MEMBER') FROM pg_roles r"
        " LEFT JOIN pg_roles g ON g.rolname = %s WHERE r.rolname = %s",
        (device_group(name), role),
    ).fetchall()
    if not found:
        raise RuleError("role.unknown", role=role)
    superuser, device = found[0]
    if superuser:
        raise RuleError("role.superuser", role=role)
    if device:
        raise RuleError("role.device", role=role)


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return bool(
        connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (name,)).fetchall()
    )


def _check_clinic(clinic: NewClinic) -> None:
    if not 1 <= len(clinic.name.strip()) <= 200:
        raise RuleError("tenant.clinic_name")
    try:
        ZoneInfo(clinic.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RuleError("tenant.zone", zone=clinic.zone) from error
    if clinic.currency not in get_global("all_currencies"):
        raise RuleError("tenant.currency", currency=clinic.currency)


def _lay_down(connection: psycopg.Connection, name: str, clinic: NewClinic) -> None:
    now = dt.datetime.now(dt.UTC)
    schema = with_parameters(name)
    connection.execute(
        sql.SQL(
            "INSERT INTO {}.configuracion_informacionclinica"
            " (nombre_clinica, direccion, telefono, email, horario_atencion, actualizado_el)"
            " VALUES (%s, %s, %s, %s, '', %s)"
        ).format(schema),
        (clinic.name.strip(), clinic.address, clinic.phone, clinic.email, now),
    )
    settings = {
        "zona_horaria": clinic.zone,
        "moneda": clinic.currency,
        "pais": clinic.country,
        "idioma": clinic.language,
        "minutos_agenda": str(clinic.slot_minutes),
    }
    with connection.cursor() as cursor:
        cursor.executemany(
            sql.SQL("INSERT INTO {}.configuracion_ajuste (clave, valor) VALUES (%s, %s)").format(
                schema
            ),
            list(settings.items()),
        )


def add_account(
    connection: psycopg.Connection, name: str, account: NewAccount, password: str
) -> int:
    """Make an account with its staff row; returns the staff row's id.

    Raises :class:`RuleError`: ``tenant.unknown``, ``account.exists``, ``account.invalid``,
    ``account.no_staff``, and those of a weak password.
    """
    find(connection, name)
    passwords.check_strength(password, username=account.username)
    with translated(), connection.transaction():
        return _add_account(connection, name, account, passwords.encode(password))


def set_password(connection: psycopg.Connection, name: str, username: str, password: str) -> None:
    """Give an account a new password, and open its lock.

    Raises :class:`RuleError`: ``tenant.unknown``, ``account.unknown``, and those of a weak password.
    """
    find(connection, name)
    username = normal_username(username)
    passwords.check_strength(password, username=username)
    with translated(), connection.transaction():
        changed = connection.execute(
            sql.SQL("UPDATE {} SET password = %s WHERE username = %s").format(
                with_parameters(name, "auth_user")
            ),
            (passwords.encode(password), username),
        )
        if changed.rowcount == 0:
            raise RuleError("account.unknown", username=username)
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE usuario = %s").format(
                with_parameters(name, "acceso_intento")
            ),
            (username,),
        )


def _add_account(
    connection: psycopg.Connection, name: str, account: NewAccount, encoded: str
) -> int:
    answer = connection.execute(
        sql.SQL("SELECT {}.account_add(%s)").format(with_parameters(name)),
        (account.asked(encoded),),
    ).fetchall()[0][0]
    if answer["status"] != "created":
        raise RuleError(f"account.{answer['status']}", username=account.username)
    return int(answer["staff_id"])
