"""Which tables, and which of their columns, belong to the contract with the other programs."""

from __future__ import annotations

from collections.abc import Mapping

from desktop.models.base import Base

SHARED_TABLES = (
    "auth_user",
    "personal_perfil",
    "pacientes_cliente",
    "cuentas_perfilcliente",
    "citas_cita",
    "citas_tiposervicio",
    "citas_horariodentista",
    "finanzas_ingresomanual",
    "finanzas_egresomanual",
    "configuracion_informacionclinica",
    "citas_auditorialog",
)

OURS: Mapping[str, frozenset[str]] = {
    "citas_cita": frozenset({"fin", "sala_id", "sobrecupo_motivo"}),
}
"""Columns that we added to shared tables; the other programs don't know them."""


def contract_columns(table: str) -> tuple[str, ...]:
    """The columns of a shared table that the other programs may write, in order."""
    ours = OURS.get(table, frozenset())
    columns = Base.metadata.tables[table].columns
    return tuple(column.name for column in columns if column.name not in ours)
