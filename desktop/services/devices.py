"""Workstations as the administrator sees them: admitted, listed, shut out.

A workstation is a PostgreSQL login role of its own, a member of the tenant's group role, which may
call the tenant's functions and nothing else.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from desktop.backup import rights
from desktop.domain.errors import RuleError
from desktop.models import OFFICE, PRACTITIONER, PROFILES
from desktop.services import tenants
from desktop.services.enrolment import Address, Enrolment
from desktop.services.server import translated
from sync.identifiers import with_parameters

VALID_HOURS = 72
_CONNECTIONS = 12
"""A workstation uses three; a few more may linger after a network cut."""


@dataclass(frozen=True, slots=True)
class Device:
    """A workstation of a clinic.

    :ivar forked_from: the device whose cache was copied, where this one is such a copy.
    """

    number: int
    label: str
    profile: str
    practitioner_id: int | None
    practitioner: str
    role: str
    enrolled_at: dt.datetime
    last_seen: dt.datetime | None
    revoked_at: dt.datetime | None
    forked_from: int | None


def enroll(
    connection: psycopg.Connection,
    tenant: str,
    *,
    profile: str,
    practitioner_id: int | None = None,
    label: str = "",
    valid_hours: int = VALID_HOURS,
    address: Address | None = None,
) -> Enrolment:
    """Admit a workstation: the next device number, a role with a random secret.

    :param address: where the workstation finds the server; as this connection does by default.
    Raises :class:`RuleError`: ``tenant.unknown``, ``device.profile``, ``device.practitioner_needed``,
    ``device.practitioner_unknown``, ``device.no_numbers``.
    """
    found = tenants.find(connection, tenant)
    if profile not in PROFILES:
        raise RuleError("device.profile", profile=profile, profiles=", ".join(PROFILES))
    secret = secrets.token_urlsafe(32)
    expires = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=valid_hours)
    with translated(), connection.transaction():
        practitioner = _practitioner(connection, tenant, profile, practitioner_id)
        number = _next_number(connection, tenant)
        role = _role_name(tenant, number)
        label = label.strip() or practitioner or f"{profile} {number}"
        _create_role(connection, tenant, role, secret, expires)
        connection.execute(
            sql.SQL(
                "INSERT INTO {} (number, role_name, profile, practitioner_id, label)"
                " VALUES (%s, %s, %s, %s, %s)"
            ).format(with_parameters(tenant, "sync_device")),
            (number, role, profile, practitioner_id, label),
        )
        if profile == OFFICE:
            rights.members(connection, tenant)
    return Enrolment(
        schema=tenant,
        tenant=found.uuid,
        clinic=found.clinic,
        server=address or address_of(connection),
        role=role,
        device=number,
        profile=profile,
        practitioner_id=practitioner_id,
        label=label,
        secret=secret,
        expires=expires,
    )


def address_of(connection: psycopg.Connection) -> Address:
    """Where ``connection`` found the server, with the CA file that it was verified against."""
    info = connection.info
    ca = info.get_parameters().get("sslrootcert", "")
    return Address(
        host=info.host or "localhost",
        port=info.port,
        dbname=info.dbname,
        ca=Path(ca).read_text(encoding="ascii") if ca else "",
    )


def listed(connection: psycopg.Connection, tenant: str) -> list[Device]:
    """Every workstation that was ever admitted, by number. ``RuleError('tenant.unknown')``."""
    tenants.find(connection, tenant)
    with translated():
        rows = connection.execute(
            sql.SQL(
                "SELECT d.number, d.label, d.profile, d.practitioner_id,"
                " coalesce(p.nombre_completo, ''), d.role_name, d.enrolled_at, d.last_seen,"
                " d.revoked_at, d.forked_from"
                " FROM {0}.sync_device d LEFT JOIN {0}.personal_perfil p ON p.id = d.practitioner_id"
                " ORDER BY d.number"
            ).format(sql.Identifier(tenant))
        ).fetchall()
    return [Device(*row) for row in rows]


def revoke(connection: psycopg.Connection, tenant: str, number: int) -> list[int]:
    """Shut a workstation out, at once and for good; returns the device numbers that it had.

    Its copies (forks) share its role and go with it. What it has not sent stays on it. The role keeps
    its password: only to who shows it does the server say that the role was shut out.
    Raises :class:`RuleError`: ``tenant.unknown``, ``device.unknown``, ``device.already_revoked``.
    """
    for device in listed(connection, tenant):
        if device.number == number:
            break
    else:
        raise RuleError("device.unknown", number=number)
    if device.revoked_at is not None:
        raise RuleError("device.already_revoked", number=number)
    role = sql.Identifier(device.role)
    with translated():
        with connection.transaction():
            if connection.execute(
                "SELECT FROM pg_roles WHERE rolname = %s", (device.role,)
            ).fetchall():
                connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
            rows = connection.execute(
                sql.SQL(
                    "UPDATE {} SET revoked_at = now()"
                    " WHERE role_name = %s AND revoked_at IS NULL RETURNING number"
                ).format(with_parameters(tenant, "sync_device")),
                (device.role,),
            ).fetchall()
            rights.members(connection, tenant)
        _end_sessions(connection, device.role)
    return sorted(row[0] for row in rows)


def _end_sessions(connection: psycopg.Connection, role: str) -> None:
    statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
    try:
        connection.execute(statement, (role,))
    except psycopg.errors.InsufficientPrivilege:
        # Who made the role without being a superuser may end its sessions as its member only.
        # Before PostgreSQL 16 every member inherits, and there is no word for it.
        inherits = " WITH INHERIT TRUE" if connection.info.server_version >= 160000 else ""
        connection.execute(
            sql.SQL("GRANT {} TO CURRENT_USER" + inherits).format(sql.Identifier(role))
        )
        connection.execute(statement, (role,))


def scram(connection: psycopg.Connection, role: str, secret: str) -> str:
    """The SCRAM verifier of a password: what the server stores, computed on this side."""
    verifier = connection.pgconn.encrypt_password(secret.encode(), role.encode(), b"scram-sha-256")
    return verifier.decode("ascii")


def _practitioner(
    connection: psycopg.Connection, tenant: str, profile: str, practitioner_id: int | None
) -> str:
    if practitioner_id is None:
        if profile == PRACTITIONER:
            raise RuleError("device.practitioner_needed")
        return ""
    rows = connection.execute(
        sql.SQL("SELECT nombre_completo FROM {} WHERE id = %s AND activo").format(
            with_parameters(tenant, "personal_perfil")
        ),
        (practitioner_id,),
    ).fetchall()
    if not rows:
        raise RuleError("device.practitioner_unknown", practitioner=practitioner_id)
    return str(rows[0][0])


def _next_number(connection: psycopg.Connection, tenant: str) -> int:
    sequence = sql.Identifier(tenant, "sync_device_number").as_string(connection)
    try:
        return int(connection.execute("SELECT nextval(%s)", (sequence,)).fetchall()[0][0])
    except psycopg.errors.SequenceGeneratorLimitExceeded as error:
        raise RuleError("device.no_numbers") from error


def _role_name(tenant: str, number: int) -> str:
    suffix = f"_w{number}_{secrets.token_hex(4)}"
    return tenant.encode()[: 63 - len(suffix)].decode(errors="ignore") + suffix


def _create_role(
    connection: psycopg.Connection, tenant: str, role: str, secret: str, expires: dt.datetime
) -> None:
    connection.execute(
        sql.SQL(
            "CREATE ROLE {} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
            " CONNECTION LIMIT {} PASSWORD {} VALID UNTIL {} IN ROLE {}"
        ).format(
            sql.Identifier(role),
            sql.Literal(_CONNECTIONS),
            sql.Literal(scram(connection, role, secret)),
            sql.Literal(expires.isoformat()),
            sql.Identifier(tenants.ensure_group(connection, tenant)),
        )
    )
