"""Fills a tenant with a synthetic clinic."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from desktop.domain import passwords
from desktop.domain.errors import RuleError
from desktop.services.generate import sizes
from desktop.services.generate.calendar import first_day
from desktop.services.generate.clinic import Existing, write_clinic, write_other_money
from desktop.services.generate.history import History
from desktop.services.generate.loading import Loader
from desktop.services.generate.people import write_clients
from desktop.services.server import translated

_MUST_BE_EMPTY = (
    "agenda_sala",
    "citas_tiposervicio",
    "citas_horariodentista",
    "pacientes_cliente",
    "citas_cita",
    "finanzas_cargo",
    "finanzas_recibo",
    "caja_movimiento",
    "clinica_notasesion",
)
DEFAULT_TIME = dt.time(11)
_EARLIEST, _LATEST = 8 * 60, 20 * 60


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """What was made.

    :ivar rows: by table. :ivar usernames: accounts whose password is the one that was given.
    :ivar captured: whether the change log holds the rows (see :func:`generate`).
    """

    schema: str
    size: str
    seed: int
    today: dt.date
    rows: Mapping[str, int]
    usernames: tuple[str, ...]
    seconds: float
    captured: bool


def generate(
    connection: psycopg.Connection,
    schema: str,
    size: str,
    seed: int,
    today: dt.date,
    progress: Callable[[int, int], None] | None = None,
    *,
    password: str | None,
    at: dt.time = DEFAULT_TIME,
) -> GenerateReport:
    """Fills an empty tenant, whole or not at all. The same arguments give the same clinic.

    What a new tenant has (its name, settings and administrator) is kept. Where the connection may
    (a superuser), the rows are loaded without triggers and are not in the change log: they come to
    a workstation by its first sync. Therefore a tenant with workstations is refused.

    :param connection: the owner's, idle or in a transaction (then the caller commits).
    :param size: ``small``, ``medium`` or ``large``.
    :param today: the day, in Santiago, on which the clinic is caught in the middle of its work.
    :param progress: called with the rows sent and the rows expected.
    :param password: of every account that is made; with ``None`` they can't be used until each
        gets one.
    :param at: the time of that day.
    Raises :class:`RuleError`: ``generate.size``, ``generate.tenant``, ``generate.not_empty``,
    ``generate.devices``, and those of a weak password.
    """
    if size not in sizes.SIZES:
        raise RuleError("generate.size", size=size, sizes=", ".join(sizes.SIZES))
    if password is not None:
        passwords.check_strength(password)
    chosen = sizes.SIZES[size]
    started = time.monotonic()
    expected = _expected(chosen)
    sent = 0

    def count(rows: int) -> None:
        nonlocal sent
        sent += rows
        if progress is not None:
            progress(min(sent, expected), expected)

    # Not for secrecy: the same clinic has to come out again.
    rng = random.Random(f"{size} {seed} {today} {at}")  # noqa: S311
    opened = first_day(today, chosen.years)
    with translated(), connection.transaction():
        _check_empty(connection, schema)
        captured = not _skip_triggers(connection)
        loader = Loader(connection, schema, count)
        existing = _existing(connection, schema)
        clinic = write_clinic(loader, rng, chosen, today, opened, password, existing)
        staff_ids = [practitioner.staff_id for practitioner in clinic.practitioners]
        clients = write_clients(loader, rng, chosen, opened, today, staff_ids)
        write_other_money(loader, rng, clinic, opened, today)
        now = max(_EARLIEST, min(_LATEST, at.hour * 60 + at.minute))
        History(loader, rng, clinic, chosen, clients, opened, today, now).write()
        loader.finish()
        if not captured:
            connection.execute("SET LOCAL session_replication_role = origin")
    if progress is not None:
        progress(expected, expected)
    return GenerateReport(
        schema=schema,
        size=size,
        seed=seed,
        today=today,
        rows=dict(loader.counts),
        usernames=clinic.usernames,
        seconds=time.monotonic() - started,
        captured=captured,
    )


def _expected(size: sizes.Size) -> int:
    per_appointment = 1 + sizes.AUDIT_PER_APPOINTMENT
    ledger = size.charges * 2 + size.payments * 3
    return size.appointments * per_appointment + size.clients + size.notes + ledger


def _check_empty(connection: psycopg.Connection, schema: str) -> None:
    found = connection.execute(
        "SELECT to_regclass(format('%%I.citas_cita', %s::text)) IS NOT NULL,"
        " to_regclass(format('%%I.sync_device', %s::text)) IS NOT NULL",
        (schema, schema),
    ).fetchall()
    tenant, has_devices = found[0]
    if not tenant:
        raise RuleError("generate.tenant", tenant=schema)
    if has_devices and _any_row(connection, schema, "sync_device"):
        raise RuleError("generate.devices", tenant=schema)
    if any(_any_row(connection, schema, table) for table in _MUST_BE_EMPTY):
        raise RuleError("generate.not_empty", tenant=schema)


def _any_row(connection: psycopg.Connection, schema: str, table: str) -> bool:
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, table))
    return bool(connection.execute(statement).fetchall()[0][0])


def _skip_triggers(connection: psycopg.Connection) -> bool:
    """Foreign keys, capture and guards cost several times the load; the data keep the rules anyway."""
    allowed = connection.execute(
        "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    ).fetchall()[0][0]
    if allowed:
        connection.execute("SET LOCAL session_replication_role = replica")
    return bool(allowed)


def _existing(connection: psycopg.Connection, schema: str) -> Existing:
    staff = connection.execute(
        sql.SQL("SELECT u.username, p.id FROM {} u JOIN {} p ON p.user_id = u.id").format(
            sql.Identifier(schema, "auth_user"), sql.Identifier(schema, "personal_perfil")
        )
    ).fetchall()
    settings = connection.execute(
        sql.SQL("SELECT clave FROM {}").format(sql.Identifier(schema, "configuracion_ajuste"))
    ).fetchall()
    return Existing(
        staff=dict(staff),
        settings=frozenset(key for (key,) in settings),
        described=_any_row(connection, schema, "configuracion_informacionclinica"),
    )
