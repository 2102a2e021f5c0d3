"""A clinic with services, a practitioner, clients and visits, in a real encrypted cache."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from desktop.domain.actor import Actor
from desktop.models import Appointment, Client, Service, StaffMember
from desktop.services.cache import Cache, executor
from desktop.services.clinic import ClinicSettings
from desktop.services.finance import Finance

NINE = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
"""09:00 in Santiago."""

CLINIC = ClinicSettings(
    name="Clínica Dental Ñuñoa",
    address="Av. Irarrázaval 3456, of. 21, Ñuñoa",
    phone="+56 2 2345 6789",
    email="hola@clinicanunoa.cl",
    zone=ZoneInfo("America/Santiago"),
    currency="CLP",
    country="CL",
    language="es",
    slot_minutes=15,
)

CONTROL, CLEANING, CROWN, ODD = 11, 12, 13, 14
MARIA, PEDRO = 21, 22
VISIT, NEXT_VISIT, PEDROS, WALK_IN, SLOT = 31, 32, 33, 34, 35


@dataclass
class World:
    cache: Cache
    finance: Finance
    actor: Actor


def client(row_id: int, name: str, **more: Any) -> Client:
    return Client(
        id=row_id,
        full_name=name,
        email=f"c{row_id}@example.com",
        phone="+56987654321",
        registered_at=NINE,
        active=True,
        **more,
    )


def service(row_id: int, name: str, price: str, *, active: bool = True) -> Service:
    return Service(
        id=row_id,
        name=name,
        category="general",
        base_price=Decimal(price),
        active=active,
        needs_practitioner=True,
        duration_minutes=30,
        created_at=NINE,
        updated_at=NINE,
    )


def appointment(row_id: int, **more: Any) -> Appointment:
    values = {
        "starts_at": NINE,
        "ends_at": NINE + dt.timedelta(minutes=30),
        "status": "en_progreso",
        "practitioner_id": 2,
        "service_id": CONTROL,
        "created_at": NINE,
        "updated_at": NINE,
    }
    return Appointment(id=row_id, **(values | more))


def staff(row_id: int, name: str, role: str) -> StaffMember:
    return StaffMember(
        id=row_id,
        full_name=name,
        phone="",
        email=f"s{row_id}@example.com",
        role=role,
        registered_at=NINE,
        active=True,
        needs_system_access=True,
        may_manage_appointments=True,
        may_manage_clients=True,
        may_manage_supplies=False,
        may_manage_staff=False,
        may_see_reports=False,
        may_create_odontograms=False,
    )


@contextmanager
def pulled(cache: Cache) -> Iterator[Session]:
    """Rows as a pull lays them down: the outbox keeps nothing of them."""
    with cache.writing_local() as session:
        execute = executor(session)
        execute("UPDATE sync_context SET capturing = 0")
        yield session
        session.flush()
        execute("UPDATE sync_context SET capturing = 1")


def furnish(cache: Cache) -> None:
    with pulled(cache) as session:
        session.add_all(
            [
                staff(1, "Ana Admin", "general"),
                staff(2, "Dra. Josefa Muñoz", "dentista"),
                service(CONTROL, "Control", "25000"),
                service(CLEANING, "Limpieza dental", "38500"),
                service(CROWN, "Corona de porcelana", "289990"),
                service(ODD, "Radiografía", "12500.50"),
                service(15, "Servicio antiguo", "1000", active=False),
                client(
                    MARIA,
                    "María José González Pérez",
                    rut="12345678-5",
                    allergies="Penicilina, látex",
                ),
                client(PEDRO, "Pedro Soto"),
                appointment(VISIT, client_id=MARIA),
                appointment(NEXT_VISIT, client_id=MARIA, starts_at=NINE + dt.timedelta(days=7)),
                appointment(PEDROS, client_id=PEDRO),
                appointment(WALK_IN, client_id=None, client_name="Visita sin ficha"),
                appointment(SLOT, client_id=None, status="disponible"),
            ]
        )


@pytest.fixture
def world(cache: Cache, administrator: Actor) -> World:
    furnish(cache)
    return World(cache, Finance(cache, CLINIC), administrator)
