"""Accounts, staff, clients and their web accounts (shared tables)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from desktop.models.base import NOW, At, Base, Id, OptionalAt, reference
from desktop.models.types import BigId


class Account(Base):
    """A login of Django's ``auth`` application. The password hash never leaves the server."""

    __tablename__ = "auth_user"

    id: Mapped[int] = mapped_column(sa.Integer, sa.Identity(), primary_key=True)
    password: Mapped[str] = mapped_column(sa.String(128))
    last_login: Mapped[OptionalAt]
    is_superuser: Mapped[bool]
    username: Mapped[str] = mapped_column(sa.String(150), unique=True)
    first_name: Mapped[str] = mapped_column(sa.String(150))
    last_name: Mapped[str] = mapped_column(sa.String(150))
    email: Mapped[str] = mapped_column(sa.String(254))
    is_staff: Mapped[bool]
    is_active: Mapped[bool]
    date_joined: Mapped[At]


class StaffMember(Base):
    """Somebody who works at the clinic; a practitioner where ``role`` says so."""

    __tablename__ = "personal_perfil"

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(
        "user_id", sa.Integer, reference("auth_user", on_delete="CASCADE"), unique=True
    )
    full_name: Mapped[str] = mapped_column("nombre_completo", sa.String(150))
    phone: Mapped[str] = mapped_column("telefono", sa.String(20))
    email: Mapped[str] = mapped_column("email", sa.String(254))
    role: Mapped[str] = mapped_column("rol", sa.String(20))
    registered_at: Mapped[At] = mapped_column("fecha_registro")
    active: Mapped[bool] = mapped_column("activo")
    photo: Mapped[str | None] = mapped_column("foto", sa.String(100))
    needs_system_access: Mapped[bool] = mapped_column("requiere_acceso_sistema")
    specialty: Mapped[str | None] = mapped_column("especialidad", sa.String(100))
    licence_number: Mapped[str | None] = mapped_column("numero_colegio", sa.String(50))
    may_manage_appointments: Mapped[bool] = mapped_column("puede_gestionar_citas")
    may_manage_clients: Mapped[bool] = mapped_column("puede_gestionar_clientes")
    may_manage_supplies: Mapped[bool] = mapped_column("puede_gestionar_insumos")
    may_manage_staff: Mapped[bool] = mapped_column("puede_gestionar_personal")
    may_see_reports: Mapped[bool] = mapped_column("puede_ver_reportes")
    may_create_odontograms: Mapped[bool] = mapped_column("puede_crear_odontogramas")


class Client(Base):
    """A person whom the clinic treats."""

    __tablename__ = "pacientes_cliente"

    id: Mapped[Id]
    full_name: Mapped[str] = mapped_column("nombre_completo", sa.String(150))
    email: Mapped[str] = mapped_column("email", sa.String(254), unique=True)
    rut: Mapped[str | None] = mapped_column("rut", sa.String(12), unique=True)
    phone: Mapped[str] = mapped_column("telefono", sa.String(20))
    birth_date: Mapped[dt.date | None] = mapped_column("fecha_nacimiento")
    allergies: Mapped[str | None] = mapped_column("alergias", sa.Text)
    registered_at: Mapped[At] = mapped_column("fecha_registro")
    active: Mapped[bool] = mapped_column("activo")
    notes: Mapped[str | None] = mapped_column("notas", sa.Text)
    account_id: Mapped[int | None] = mapped_column(
        "user_id", sa.Integer, reference("auth_user", on_delete="SET NULL"), unique=True
    )
    practitioner_id: Mapped[int | None] = mapped_column(
        "dentista_asignado_id",
        BigId,
        reference("personal_perfil", on_delete="SET NULL"),
        index=True,
    )


class WebAccount(Base):
    """A client's account on the public booking site."""

    __tablename__ = "cuentas_perfilcliente"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(
        "user_id", sa.Integer, reference("auth_user", on_delete="CASCADE"), unique=True
    )
    full_name: Mapped[str] = mapped_column("nombre_completo", sa.String(150))
    phone: Mapped[str] = mapped_column("telefono", sa.String(20))
    email: Mapped[str] = mapped_column("email", sa.String(254))
    phone_verified: Mapped[bool] = mapped_column("telefono_verificado")
    rut: Mapped[str | None] = mapped_column("rut", sa.String(12))
    birth_date: Mapped[dt.date | None] = mapped_column("fecha_nacimiento")
    allergies: Mapped[str | None] = mapped_column("alergias", sa.Text)


class SessionNote(Base):
    """A clinical note of one visit. Never sent to a reception device."""

    __tablename__ = "clinica_notasesion"

    id: Mapped[Id]
    client_id: Mapped[int] = mapped_column(
        "cliente_id", BigId, reference("pacientes_cliente", on_delete="CASCADE"), index=True
    )
    appointment_id: Mapped[int | None] = mapped_column(
        "cita_id", BigId, reference("citas_cita", on_delete="SET NULL"), index=True
    )
    practitioner_id: Mapped[int | None] = mapped_column(
        "profesional_id", BigId, reference("personal_perfil", on_delete="SET NULL"), index=True
    )
    text: Mapped[str] = mapped_column("texto", sa.Text)
    signed_at: Mapped[OptionalAt] = mapped_column("firmada_el")
    created_at: Mapped[At] = mapped_column("creada_el", server_default=NOW)
    updated_at: Mapped[At] = mapped_column("actualizada_el", server_default=NOW)
