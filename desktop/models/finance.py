"""The ledger: charges, receipts, payments, allocations and till movements.

Rows here are inserted and never changed or deleted; a mistake is mended by a counter-entry whose
``reverses_id`` names the row that it reverses and whose amount is the negative.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from desktop.models.base import NOW, At, Base, ContractMoney, Id, Money, reference
from desktop.models.types import Amount, BigId

STAFF = "personal_perfil"


class Charge(Base):
    """What a client owes for one service of a visit: quantity times unit price less discount."""

    __tablename__ = "finanzas_cargo"
    __table_args__ = (
        sa.CheckConstraint("cantidad > 0", name="cantidad"),
        sa.CheckConstraint("descuento >= 0", name="descuento"),
        sa.CheckConstraint(
            "(reversa_de_id IS NULL AND monto = cantidad * precio_unitario - descuento AND monto >= 0)"
            " OR (reversa_de_id IS NOT NULL AND monto = descuento - cantidad * precio_unitario AND monto <= 0)",
            name="monto",
        ),
    )

    id: Mapped[Id]
    client_id: Mapped[int | None] = mapped_column(
        "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
    )
    client_name: Mapped[str] = mapped_column("cliente_nombre", sa.String(150))
    appointment_id: Mapped[int | None] = mapped_column(
        "cita_id", BigId, reference("citas_cita", on_delete="SET NULL"), index=True
    )
    service_id: Mapped[int | None] = mapped_column(
        "servicio_id", BigId, reference("citas_tiposervicio", on_delete="SET NULL")
    )
    practitioner_id: Mapped[int | None] = mapped_column(
        "profesional_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    description: Mapped[str] = mapped_column("descripcion", sa.String(200))
    quantity: Mapped[int] = mapped_column("cantidad", server_default=sa.text("1"))
    unit_price: Mapped[Money] = mapped_column("precio_unitario")
    discount: Mapped[Decimal] = mapped_column("descuento", Amount(12), server_default=sa.text("0"))
    discount_reason: Mapped[str | None] = mapped_column("descuento_motivo", sa.Text)
    amount: Mapped[Money] = mapped_column("monto")
    date: Mapped[dt.date] = mapped_column("fecha")
    reverses_id: Mapped[int | None] = mapped_column(
        "reversa_de_id", BigId, reference("finanzas_cargo", on_delete="RESTRICT"), unique=True
    )
    reversal_reason: Mapped[str | None] = mapped_column("motivo_reversa", sa.Text)
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el", server_default=NOW)
    device: Mapped[int] = mapped_column("dispositivo", server_default=sa.text("0"))


class Receipt(Base):
    """What was handed over on one occasion. Numbered without gaps within a series (a device)."""

    __tablename__ = "finanzas_recibo"
    __table_args__ = (sa.UniqueConstraint("serie", "numero"),)

    id: Mapped[Id]
    series: Mapped[int] = mapped_column("serie")
    number: Mapped[int] = mapped_column("numero")
    client_id: Mapped[int | None] = mapped_column(
        "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
    )
    client_name: Mapped[str] = mapped_column("cliente_nombre", sa.String(150))
    total: Mapped[Money] = mapped_column("total")
    issued_at: Mapped[At] = mapped_column("emitido_el")
    reverses_id: Mapped[int | None] = mapped_column(
        "reversa_de_id", BigId, reference("finanzas_recibo", on_delete="RESTRICT"), unique=True
    )
    reversal_reason: Mapped[str | None] = mapped_column("motivo_reversa", sa.Text)
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el", server_default=NOW)
    device: Mapped[int] = mapped_column("dispositivo", server_default=sa.text("0"))


class Payment(Base):
    """One method's part of a receipt.

    ``tendered`` is the cash that was handed over, where it was more than ``amount``: the difference
    was given back, and a copy of the receipt says so as the first one did.
    """

    __tablename__ = "finanzas_pago"
    __table_args__ = (sa.CheckConstraint("monto <> 0", name="monto"),)

    id: Mapped[Id]
    receipt_id: Mapped[int] = mapped_column(
        "recibo_id", BigId, reference("finanzas_recibo", on_delete="RESTRICT"), index=True
    )
    client_id: Mapped[int | None] = mapped_column(
        "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
    )
    method: Mapped[str] = mapped_column("metodo", sa.String(20))
    amount: Mapped[Money] = mapped_column("monto")
    external_reference: Mapped[str | None] = mapped_column("referencia", sa.String(100))
    tendered: Mapped[Decimal | None] = mapped_column("recibido", Amount(12))
    paid_at: Mapped[At] = mapped_column("pagado_el", index=True)
    reverses_id: Mapped[int | None] = mapped_column(
        "reversa_de_id", BigId, reference("finanzas_pago", on_delete="RESTRICT"), unique=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el", server_default=NOW)
    device: Mapped[int] = mapped_column("dispositivo", server_default=sa.text("0"))


class Allocation(Base):
    """How much of a payment settles a charge. A counter-entry carries the negative."""

    __tablename__ = "finanzas_asignacion"
    __table_args__ = (sa.CheckConstraint("monto <> 0", name="monto"),)

    id: Mapped[Id]
    payment_id: Mapped[int] = mapped_column(
        "pago_id", BigId, reference("finanzas_pago", on_delete="RESTRICT"), index=True
    )
    charge_id: Mapped[int] = mapped_column(
        "cargo_id", BigId, reference("finanzas_cargo", on_delete="RESTRICT"), index=True
    )
    amount: Mapped[Money] = mapped_column("monto")
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el", server_default=NOW)
    device: Mapped[int] = mapped_column("dispositivo", server_default=sa.text("0"))


class TillMovement(Base):
    """Money that entered (positive) or left (negative) a desk, by method."""

    __tablename__ = "caja_movimiento"
    __table_args__ = (sa.CheckConstraint("monto <> 0", name="monto"),)

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column("tipo", sa.String(20))
    method: Mapped[str] = mapped_column("metodo", sa.String(20))
    amount: Mapped[Money] = mapped_column("monto")
    payment_id: Mapped[int | None] = mapped_column(
        "pago_id", BigId, reference("finanzas_pago", on_delete="RESTRICT"), unique=True
    )
    concept: Mapped[str | None] = mapped_column("concepto", sa.String(200))
    at: Mapped[At] = mapped_column("ocurrido_el", index=True)
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el", server_default=NOW)
    device: Mapped[int] = mapped_column("dispositivo", server_default=sa.text("0"))


class OtherIncome(Base):
    """Income that is no visit's (shared table)."""

    __tablename__ = "finanzas_ingresomanual"

    id: Mapped[Id]
    amount: Mapped[ContractMoney] = mapped_column("monto")
    description: Mapped[str] = mapped_column("descripcion", sa.String(200))
    date: Mapped[dt.date] = mapped_column("fecha")
    notes: Mapped[str | None] = mapped_column("notas", sa.Text)
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el")


class Expense(Base):
    """Money spent (shared table)."""

    __tablename__ = "finanzas_egresomanual"

    id: Mapped[Id]
    amount: Mapped[ContractMoney] = mapped_column("monto")
    description: Mapped[str] = mapped_column("descripcion", sa.String(200))
    date: Mapped[dt.date] = mapped_column("fecha")
    notes: Mapped[str | None] = mapped_column("notas", sa.Text)
    created_by_id: Mapped[int | None] = mapped_column(
        "creado_por_id", BigId, reference(STAFF, on_delete="SET NULL")
    )
    created_at: Mapped[At] = mapped_column("creado_el")
