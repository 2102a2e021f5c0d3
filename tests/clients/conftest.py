"""A clinic with a few clients in a real encrypted cache."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from desktop.domain.actor import Actor
from desktop.models import Appointment, Client, StaffMember, WebAccount
from desktop.services import clinic
from desktop.services.cache import Cache
from desktop.services.clients import Clients
from desktop.services.clients_records import NewClient

ANA = NewClient(
    full_name="Ana Íñiguez Soto",
    rut="12.345.678-5",
    phone="9 8765 4321",
    email="ana@CLINICA.cl",
    birth_date="23-11-1990",
    allergies="Penicilina",
    notes="Prefiere la mañana",
)


@pytest.fixture
def clients(cache: Cache) -> Clients:
    return Clients(cache, clinic.load(cache))


@pytest.fixture
def ana(clients: Clients, administrator: Actor) -> int:
    """A client with every field filled in."""
    return clients.create(administrator, ANA)


class Chart:
    """Puts rows into the cache as a pull from the server would."""

    def __init__(self, cache: Cache, actor: Actor) -> None:
        self.cache = cache
        self.actor = actor

    def add(self, row: Any) -> int:
        with self.cache.writing(self.actor, "test.add") as session:
            row.id = self.cache.new_id(session)
            session.add(row)
            return int(row.id)

    def visit(
        self, client: int | None, hours: float, status: str = "completada", **more: Any
    ) -> int:
        """A visit so many hours from now."""
        now = self.cache.now()
        return self.add(
            Appointment(
                client_id=client,
                starts_at=now + dt.timedelta(hours=hours),
                ends_at=now + dt.timedelta(hours=hours + 0.5),
                status=status,
                created_at=now,
                updated_at=now,
                **more,
            )
        )

    def client(self, name: str, **more: Any) -> int:
        values = {
            "email": f"{name.replace(' ', '.').lower()}@x.cl",
            "rut": None,
            "phone": "+56911112222",
            "registered_at": self.cache.now(),
            "active": True,
        } | more
        return self.add(Client(full_name=name, **values))

    def practitioner(self, name: str, *, active: bool = True) -> int:
        flags = dict.fromkeys(
            (
                "needs_system_access",
                "may_manage_appointments",
                "may_manage_clients",
                "may_manage_supplies",
                "may_manage_staff",
                "may_see_reports",
                "may_create_odontograms",
            ),
            False,
        )
        return self.add(
            StaffMember(
                full_name=name,
                phone="+56911110000",
                email="p@x.cl",
                role="dentista",
                registered_at=self.cache.now(),
                active=active,
                **flags,
            )
        )

    def web_account(self, name: str, **more: Any) -> None:
        values = {"phone": "+56933334444", "email": "web@x.cl", "phone_verified": False} | more
        capturing = sa.text("UPDATE sync_context SET capturing = :on WHERE id = 1")
        with self.cache.writing_local() as session:  # such rows are born on the server
            session.execute(capturing, {"on": 0})
            session.add(WebAccount(id=1, account_id=7, full_name=name, **values))
            session.flush()
            session.execute(capturing, {"on": 1})


@pytest.fixture
def chart(cache: Cache, administrator: Actor) -> Chart:
    return Chart(cache, administrator)
