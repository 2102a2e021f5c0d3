"""The clinic itself, its settings, and the other programs' audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from desktop.models.base import NOW, At, Base, Id, reference
from desktop.models.types import BigId, InetText

STAFF = "personal_perfil"


class ClinicInfo(Base):
    """Name, address and how to reach the clinic (shared table)."""

    __tablename__ = "configuracion_informacionclinica"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column("nombre_clinica", sa.String(200))
    address: Mapped[str] = mapped_column("direccion", sa.Text)
    phone: Mapped[str] = mapped_column("telefono", sa.String(20))
    second_phone: Mapped[str | None] = mapped_column("telefono_secundario", sa.String(20))
    email: Mapped[str] = mapped_column("email", sa.String(254))
    second_email: Mapped[str | None] = mapped_column("email_alternativo", sa.String(254))
    opening_hours: Mapped[str] = mapped_column("horario_atencion", sa.Text)
    website: Mapped[str | None] = mapped_column("sitio_web", sa.String(200))
    whatsapp: Mapped[str | None] = mapped_column("whatsapp", sa.String(20))
    facebook: Mapped[str | None] = mapped_column("facebook", sa.String(200))
    instagram: Mapped[str | None] = mapped_column("instagram", sa.String(100))
    notes: Mapped[str | None] = mapped_column("notas_adicionales", sa.Text)
    updated_at: Mapped[At] = mapped_column("actualizado_el")
    updated_by_id: Mapped[int | None] = mapped_column("actualizado_por_id", BigId)


class Setting(Base):
    """A setting of the clinic that every workstation shares, e.g. ``zona_horaria``."""

    __tablename__ = "configuracion_ajuste"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column("clave", sa.String(100), unique=True)
    value: Mapped[str] = mapped_column("valor", sa.Text)
    updated_at: Mapped[At] = mapped_column("actualizado_el", server_default=NOW)


class ForeignAuditEntry(Base):
    """What the other programs write of their users' actions (shared table; never synced)."""

    __tablename__ = "citas_auditorialog"

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(
        "usuario_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    action: Mapped[str] = mapped_column("accion", sa.String(20))
    module: Mapped[str] = mapped_column("modulo", sa.String(20))
    description: Mapped[str] = mapped_column("descripcion", sa.String(500))
    details: Mapped[str | None] = mapped_column("detalles", sa.Text)
    ip_address: Mapped[str | None] = mapped_column("ip_address", InetText)
    at: Mapped[At] = mapped_column("fecha_hora", index=True)
    object_id: Mapped[int | None] = mapped_column("objeto_id", sa.Integer)
    object_type: Mapped[str | None] = mapped_column("tipo_objeto", sa.String(100))
