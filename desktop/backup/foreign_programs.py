"""The programs whose backups are understood, and what of them is taken: the allow-list.

What is not named here is never read into the database. Column names of the other programs are those
of the contract; in ``dumpdata`` a reference is called by its field (``cliente``), in SQL by its
column (``cliente_id``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from desktop.domain.messages import N_
from desktop.models.contract import SHARED_TABLES, contract_columns


@dataclass(frozen=True, slots=True)
class Source:
    """A table of another program.

    :ivar names: its table and its ``dumpdata`` models, the ones to prefer first: where several of
        one target are in a file, the first is taken and the others are the same rows again.
    :ivar target: our table. :ivar columns: our column → the names it may have there.
    """

    target: str
    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """:ivar label: what a person calls it. :ivar known: its other tables, and what they hold: said
    in the report, not taken.
    """

    code: str
    label: str
    sources: tuple[Source, ...]
    known: Mapping[str, str]
    marks: frozenset[str]


def _contract(target: str, *names: str) -> Source:
    columns = {
        column: (column, column.removesuffix("_id")) if column.endswith("_id") else (column,)
        for column in contract_columns(target)
        if column != "id"
    }
    return Source(target, names, columns)


def _accounts(*names: str) -> Source:
    """A user model of a program's own: Django's fields, and names in Spanish."""
    columns: dict[str, tuple[str, ...]] = {
        column: (column,) for column in contract_columns("auth_user") if column != "id"
    }
    columns |= {
        "username": ("username", "email", "correo"),
        "first_name": ("first_name", "nombre", "nombres"),
        "last_name": ("last_name", "apellido", "apellidos"),
        "email": ("email", "correo"),
        "is_active": ("is_active", "activo"),
    }
    return Source("auth_user", names, columns)


CLINIC = Program(
    "clinic",
    N_("gestion_clinica and cliente_web"),
    (
        _contract("auth_user", "auth_user", "auth.user"),
        _contract("personal_perfil", "personal_perfil", "personal.perfil"),
        _contract(
            "pacientes_cliente",
            *("pacientes_cliente", "pacientes.cliente", "reservas.clientedocumento"),
            *("citas_cliente", "citas.cliente"),
        ),
        _contract("cuentas_perfilcliente", "cuentas_perfilcliente", "cuentas.perfilcliente"),
        _contract("citas_tiposervicio", "citas_tiposervicio", "citas.tiposervicio"),
        _contract("citas_horariodentista", "citas_horariodentista", "citas.horariodentista"),
        _contract("citas_cita", "citas_cita", "citas.cita", "reservas.cita"),
        _contract("finanzas_ingresomanual", "finanzas_ingresomanual", "finanzas.ingresomanual"),
        _contract("finanzas_egresomanual", "finanzas_egresomanual", "finanzas.egresomanual"),
        _contract(
            "configuracion_informacionclinica",
            *("configuracion_informacionclinica", "configuracion.informacionclinica"),
        ),
        _contract("citas_auditorialog", "citas_auditorialog", "citas.auditorialog"),
    ),
    {},
    frozenset(SHARED_TABLES) - {"auth_user"},
)

TENANTS = Program(
    "tenants",
    N_("the clinic system with tenants (apps usuarios and backups)"),
    (_accounts("usuarios_usuario", "usuarios.usuario"),),
    {"backups_backuprecord": N_("the other program's list of its own backups")},
    frozenset({"usuarios_usuario", "backups_backuprecord"}),
)

PSYCHOLOGY = Program(
    "psychology",
    N_("the psychology system with tenants (apps users, appointments and chat)"),
    (_accounts("users_customuser", "users.customuser"),),
    {
        "appointments_appointment": N_("appointments in a form that is not published"),
        "chat_chatmessage": N_("chat messages, which this program does not keep"),
    },
    frozenset({"users_customuser", "appointments_appointment", "chat_chatmessage"}),
)

PROGRAMS = (CLINIC, TENANTS, PSYCHOLOGY)

OF_DJANGO = frozenset(
    {
        *("auth_group", "auth_permission", "auth_group_permissions", "auth_user_groups"),
        *("auth_user_user_permissions", "django_content_type", "contenttypes_contenttype"),
        *("django_migrations", "django_session", "sessions_session", "django_admin_log"),
        *("admin_logentry", "django_site", "sites_site", "authtoken_token"),
        *("token_blacklist_outstandingtoken", "token_blacklist_blacklistedtoken"),
    }
)
"""What Django keeps for itself: rights and sessions of the other program, which mean nothing here."""


def as_table(name: str) -> str:
    """``app.model`` as Django calls its table; a table's name as it is."""
    return name.replace(".", "_").lower()


def recognise(names: Iterable[str]) -> Program | None:
    """The program with the most of its marks among ``names`` (tables or models)."""
    tables = {as_table(name) for name in names}
    tables |= {
        source.target for source in CLINIC.sources if tables & {as_table(n) for n in source.names}
    }
    score, best = max(
        ((len(tables & program.marks), program) for program in PROGRAMS), key=lambda pair: pair[0]
    )
    return best if score else None


def wanted() -> frozenset[str]:
    """Every name, of tables and of models, that some program's rows may be taken from."""
    return frozenset(
        name for program in PROGRAMS for source in program.sources for name in source.names
    )


def chosen(program: Program, rows: Mapping[str, int]) -> dict[str, Source]:
    """What is taken of a file: name → how; the rest is left.

    :param rows: its tables and models, and how many rows each has.
    """
    taken: dict[str, Source] = {}
    for source in program.sources:
        there = [name for name in source.names if name in rows]
        filled = [name for name in there if rows[name]]
        for name in (filled or there)[:1]:
            taken[name] = source
    return taken
