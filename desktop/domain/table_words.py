"""Tables in the plural words of the people who use them, for sentences about many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from desktop.domain.locale_format import number
from desktop.domain.messages import N_, _

SEVERAL = {
    "auth_user": N_("user accounts"),
    "cuentas_perfilcliente": N_("clients' web accounts"),
    "personal_perfil": N_("staff members"),
    "configuracion_informacionclinica": N_("clinic details"),
    "configuracion_ajuste": N_("settings"),
    "agenda_sala": N_("rooms"),
    "citas_tiposervicio": N_("services"),
    "citas_horariodentista": N_("working hours"),
    "pacientes_cliente": N_("clients"),
    "citas_cita": N_("appointments"),
    "finanzas_cargo": N_("charges"),
    "finanzas_recibo": N_("receipts"),
    "finanzas_pago": N_("payments"),
    "finanzas_asignacion": N_("payments of charges"),
    "caja_movimiento": N_("till movements"),
    "finanzas_ingresomanual": N_("other income"),
    "finanzas_egresomanual": N_("expenses"),
    "clinica_notasesion": N_("clinical notes"),
    "citas_auditorialog": N_("entries of the other programs' audit trail"),
}

MASS_DELETION = "sync.mass_deletion"


def several(table: str) -> str:
    """What people call the rows of a table; an unknown one's are records."""
    words = SEVERAL.get(table)
    return _("records") if words is None else _(words)


def listed(tables: Iterable[str]) -> str:
    """Several tables in words, each once."""
    return ", ".join(dict.fromkeys(several(table) for table in tables))


def spoken(code: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an error of the engine as its sentence says them."""
    said = dict(params)
    if code == MASS_DELETION:
        said |= {
            "table": several(params["table"]),
            "gone": number(params["gone"]),
            "rows": number(params["rows"]),
        }
    return said
