"""Appointments, services, weekly hours (shared tables) and rooms (ours)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from desktop.models.base import (
    NOW,
    At,
    Base,
    ContractMoney,
    Id,
    OptionalAt,
    OptionalContractMoney,
    reference,
)
from desktop.models.types import BigId, TimeOfDay

STAFF = "personal_perfil"


class Room(Base):
    """A room or chair where visits take place."""

    __tablename__ = "agenda_sala"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column("nombre", sa.String(100), unique=True)
    position: Mapped[int] = mapped_column("orden", server_default=sa.text("0"))
    active: Mapped[bool] = mapped_column("activa", server_default=sa.true())
    created_at: Mapped[At] = mapped_column("creada_el", server_default=NOW)


class Service(Base):
    """A kind of visit, with its price and how long it usually takes."""

    __tablename__ = "citas_tiposervicio"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column("nombre", sa.String(150), unique=True)
    description: Mapped[str | None] = mapped_column("descripcion", sa.Text)
    category: Mapped[str] = mapped_column("categoria", sa.String(20))
    base_price: Mapped[ContractMoney] = mapped_column("precio_base")
    active: Mapped[bool] = mapped_column("activo")
    needs_practitioner: Mapped[bool] = mapped_column("requiere_dentista")
    duration_minutes: Mapped[int | None] = mapped_column("duracion_estimada")
    created_at: Mapped[At] = mapped_column("creado_el")
    updated_at: Mapped[At] = mapped_column("actualizado_el")
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )


class WorkingHours(Base):
    """One stretch of a practitioner's week; weekday 0 is Monday, times are the clinic's own."""

    __tablename__ = "citas_horariodentista"
    __table_args__ = (sa.UniqueConstraint("dentista_id", "dia_semana", "hora_inicio", "hora_fin"),)

    id: Mapped[Id]
    practitioner_id: Mapped[int] = mapped_column(
        "dentista_id", BigId, reference(STAFF, on_delete="CASCADE")
    )
    weekday: Mapped[int] = mapped_column("dia_semana")
    starts: Mapped[dt.time] = mapped_column("hora_inicio", TimeOfDay)
    ends: Mapped[dt.time] = mapped_column("hora_fin", TimeOfDay)
    active: Mapped[bool] = mapped_column("activo")
    created_at: Mapped[At] = mapped_column("creado_el")
    updated_at: Mapped[At] = mapped_column("actualizado_el")


class Appointment(Base):
    """A visit that was booked, or a slot on offer.

    ``ends_at`` is ours: other programs never write it, a trigger keeps it (start plus the service's
    duration, or 30 minutes). ``overbooking_reason`` exempts a deliberate double booking from the
    rule that a practitioner has one active appointment at a time.
    """

    __tablename__ = "citas_cita"
    __table_args__ = (
        sa.CheckConstraint("fin IS NULL OR fin > fecha_hora", name="fin_despues"),
        sa.Index("ix_citas_cita_dentista_id_fecha_hora", "dentista_id", "fecha_hora"),
        sa.Index("ix_citas_cita_cliente_id_fecha_hora", "cliente_id", "fecha_hora"),
    )

    id: Mapped[Id]
    starts_at: Mapped[At] = mapped_column("fecha_hora", index=True)
    client_id: Mapped[int | None] = mapped_column(
        "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL")
    )
    client_name: Mapped[str | None] = mapped_column("paciente_nombre", sa.String(150))
    client_email: Mapped[str | None] = mapped_column("paciente_email", sa.String(254))
    client_phone: Mapped[str | None] = mapped_column("paciente_telefono", sa.String(20))
    status: Mapped[str] = mapped_column("estado", sa.String(20))
    reason: Mapped[str | None] = mapped_column("tipo_consulta", sa.String(100))
    service_id: Mapped[int | None] = mapped_column(
        "tipo_servicio_id", BigId, reference("citas_tiposervicio", on_delete="SET NULL")
    )
    price_charged: Mapped[OptionalContractMoney] = mapped_column("precio_cobrado")
    notes: Mapped[str | None] = mapped_column("notas", sa.Text)
    client_notes: Mapped[str | None] = mapped_column("notas_paciente", sa.Text)
    arrived_at: Mapped[OptionalAt] = mapped_column("hora_llegada")
    absence_reason: Mapped[str | None] = mapped_column("motivo_no_asistencia", sa.Text)
    payment_method: Mapped[str | None] = mapped_column("metodo_pago", sa.String(20))
    price_change_reason: Mapped[str | None] = mapped_column("motivo_ajuste_precio", sa.Text)
    closing_notes: Mapped[str | None] = mapped_column("notas_finalizacion", sa.Text)
    created_at: Mapped[At] = mapped_column("creada_el")
    updated_at: Mapped[At] = mapped_column("actualizada_el")
    created_by_id: Mapped[int | None] = mapped_column(
        "creada_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    completed_by_id: Mapped[int | None] = mapped_column(
        "completada_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    completed_at: Mapped[OptionalAt] = mapped_column("fecha_completada")
    practitioner_id: Mapped[int | None] = mapped_column(
        "dentista_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    treatment_plan_id: Mapped[int | None] = mapped_column("plan_tratamiento_id", BigId)
    treatment_phase_id: Mapped[int | None] = mapped_column("fase_tratamiento_id", BigId)
    whatsapp_sid: Mapped[str | None] = mapped_column("whatsapp_message_sid", sa.String(100))
    ends_at: Mapped[OptionalAt] = mapped_column("fin")
    room_id: Mapped[int | None] = mapped_column(
        "sala_id", BigId, reference("agenda_sala", on_delete="SET NULL")
    )
    overbooking_reason: Mapped[str | None] = mapped_column("sobrecupo_motivo", sa.Text)
