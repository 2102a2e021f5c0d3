"""What of the tenant schema is synced, and by which device profile."""

from __future__ import annotations

from functools import cache

from desktop.models.base import Base
from sync.schema import SyncSchema, TableSpec, build

SCHEMA_VERSION = 2
"""Raised with every migration that changes a synced table or the protocol."""

RECEPTION = "reception"
PRACTITIONER = "practitioner"
OFFICE = "office"
PROFILES = (RECEPTION, PRACTITIONER, OFFICE)

_ALL = frozenset(PROFILES)
_DESK = frozenset({RECEPTION, OFFICE})
_CLINICAL = frozenset({PRACTITIONER, OFFICE})
_OFFICE = frozenset({OFFICE})
_NOBODY: frozenset[str] = frozenset()
_STAMPS = frozenset({"actualizada_el", "actualizado_el", "actualizado_por_id"})
# When and with whom: another practitioner at the old hour is not what anybody chose.
_PLACE = frozenset({"fecha_hora", "fin", "dentista_id"})

SPECS = (
    TableSpec(
        "auth_user",
        _ALL,
        _NOBODY,
        hidden=frozenset({"password", "last_login"}),
        born_on_server=True,
    ),
    TableSpec("personal_perfil", _ALL, _OFFICE),
    TableSpec("configuracion_informacionclinica", _ALL, _OFFICE, stamps=_STAMPS),
    TableSpec("configuracion_ajuste", _ALL, _OFFICE, stamps=_STAMPS),
    TableSpec("agenda_sala", _ALL, _OFFICE),
    TableSpec("citas_tiposervicio", _ALL, _OFFICE, stamps=_STAMPS),
    TableSpec("citas_horariodentista", _ALL, _OFFICE, stamps=_STAMPS),
    TableSpec("pacientes_cliente", _ALL, _ALL),
    TableSpec("cuentas_perfilcliente", _ALL, _NOBODY, born_on_server=True),
    TableSpec("citas_cita", _ALL, _ALL, stamps=_STAMPS, groups=(_PLACE,)),
    TableSpec("finanzas_cargo", _ALL, _ALL, append_only=True),
    TableSpec("finanzas_recibo", _ALL, _DESK, append_only=True),
    TableSpec("finanzas_pago", _ALL, _DESK, append_only=True),
    TableSpec("finanzas_asignacion", _ALL, _DESK, append_only=True),
    TableSpec("caja_movimiento", _DESK, _DESK, append_only=True),
    TableSpec("finanzas_ingresomanual", _DESK, _DESK),
    TableSpec("finanzas_egresomanual", _DESK, _DESK),
    TableSpec("clinica_notasesion", _CLINICAL, _CLINICAL, stamps=_STAMPS),
)


@cache
def sync_schema() -> SyncSchema:
    """The clinic's sync schema; the same on the server and in every cache."""
    return build(Base.metadata, SPECS, version=SCHEMA_VERSION)
