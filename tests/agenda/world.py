"""A small clinic in a cache, for the agenda's tests: made through SQL models, as a pull would."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.domain.statuses import Status
from desktop.models import Appointment, Client, Room, Service, StaffMember, WorkingHours
from desktop.services.cache import Cache, executor
from desktop.services.clinic import ClinicSettings
from sync import store

SANTIAGO = ZoneInfo("America/Santiago")
MONDAY = dt.date(2026, 11, 23)
NAMES = (
    "Camila González Rojas", "Matías Muñoz Silva", "Antonia Díaz Contreras", "Benjamín Soto Araya",
    "Isidora Morales Vera", "Vicente Fuentes Lagos", "Josefa Núñez Pino", "Tomás Castillo Bravo",
    "Florencia Reyes Ortiz", "Joaquín Herrera Vidal", "Emilia Espinoza Tapia", "Agustín Vega Molina",
    "Martina Carrasco León", "Cristóbal Peña Salinas", "Amanda Figueroa Cruz", "Lucas Ibáñez Godoy",
)  # fmt: skip
PRACTITIONERS = (
    ("Dra. Paula Andrade", "Odontología general"), ("Dr. Rodrigo Bustos", "Ortodoncia"),
    ("Dra. Ximena Cáceres", "Endodoncia"), ("Dr. Felipe Donoso", "Cirugía"),
    ("Dra. Ángela Elgueta", "Periodoncia"),
)  # fmt: skip
SERVICES = (
    ("Control", 30), ("Limpieza dental", 45), ("Ortodoncia, control", 15),
    ("Tratamiento de conducto", 60), ("Evaluación", 30),
)  # fmt: skip


def settings(zone: ZoneInfo = SANTIAGO, slot: int = 15) -> ClinicSettings:
    return ClinicSettings(
        name="Clínica Los Aromos", address="", phone="", email="", zone=zone,
        currency="CLP", country="CL", language="es", slot_minutes=slot,
    )  # fmt: skip


def actor(*permissions: str, staff_id: int | None = 900) -> Actor:
    return Actor(staff_id, "Rosa Recepción", "rosa", "general", frozenset(permissions or ALL))


def at(hour: int, minute: int = 0, day: dt.date = MONDAY, zone: ZoneInfo = SANTIAGO) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), zone).astimezone(dt.UTC)


class World:
    """Rows that came from the server: nothing of them is in the outbox."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self._ids = iter(range(1, 1_000_000))

    def add(self, *rows: Any) -> None:
        with self.cache.writing_local() as session:
            execute = executor(session)
            execute("UPDATE sync_context SET capturing = 0")
            session.add_all(rows)
            session.flush()
            execute("UPDATE sync_context SET capturing = 1")

    def staff(self, count: int = 3, hours: bool = True) -> list[int]:
        rows: list[Any] = []
        ids = []
        stamp = at(0)
        for number in range(count):
            name, specialty = PRACTITIONERS[number % len(PRACTITIONERS)]
            if number >= len(PRACTITIONERS):
                name = f"{name} {number}"
            ids.append(next(self._ids))
            rows.append(
                StaffMember(
                    id=ids[-1], full_name=name, phone="", email="", role="dentista",
                    registered_at=stamp, active=True, needs_system_access=False,
                    specialty=specialty, may_manage_appointments=True, may_manage_clients=True,
                    may_manage_supplies=False, may_manage_staff=False, may_see_reports=False,
                    may_create_odontograms=False,
                )
            )  # fmt: skip
            stretches = [(dt.time(9), dt.time(13)), (dt.time(14), dt.time(19))] if hours else []
            for weekday in range(5):
                for starts, ends in stretches:
                    rows.append(
                        WorkingHours(
                            id=next(self._ids), practitioner_id=ids[-1], weekday=weekday,
                            starts=starts, ends=ends, active=True, created_at=stamp,
                            updated_at=stamp,
                        )
                    )  # fmt: skip
        self.add(*rows)
        return ids

    def services(self) -> list[int]:
        ids = [next(self._ids) for _ in SERVICES]
        stamp = at(0)
        self.add(
            *(
                Service(
                    id=id_, name=name, category="general", base_price=Decimal(25000), active=True,
                    needs_practitioner=True, duration_minutes=minutes, created_at=stamp,
                    updated_at=stamp,
                )
                for id_, (name, minutes) in zip(ids, SERVICES, strict=True)
            )
        )  # fmt: skip
        return ids

    def room(self, name: str = "Box 1") -> int:
        id_ = next(self._ids)
        self.add(Room(id=id_, name=name, position=id_, active=True, created_at=at(0)))
        return id_

    def client(self, name: str = NAMES[0], allergies: str | None = None, **other: Any) -> int:
        id_ = next(self._ids)
        self.add(
            Client(
                id=id_, full_name=name, email=f"c{id_}@example.cl", phone=f"+5691234{id_:04d}",
                registered_at=at(0), active=True, allergies=allergies, **other,
            )
        )  # fmt: skip
        return id_

    def appointment(
        self,
        practitioner: int | None,
        starts: dt.datetime,
        minutes: int | None = 30,
        status: str = Status.BOOKED,
        **other: Any,
    ) -> int:
        id_ = next(self._ids)
        self.add(self.row(id_, practitioner, starts, minutes, status, **other))
        return id_

    def row(
        self,
        id_: int,
        practitioner: int | None,
        starts: dt.datetime,
        minutes: int | None,
        status: str,
        **other: Any,
    ) -> Appointment:
        return Appointment(
            id=id_, starts_at=starts, practitioner_id=practitioner, status=str(status),
            ends_at=None if minutes is None else starts + dt.timedelta(minutes=minutes),
            created_at=at(0), updated_at=at(0), **other,
        )  # fmt: skip

    def outbox(self) -> list[tuple[str, str]]:
        """(table, operation) of what waits to be sent."""
        with self.cache.reading() as session:
            return [
                (operation.table, operation.kind)
                for transaction in store.outbox(executor(session))
                for operation in transaction.operations
            ]

    def busy_day(
        self, practitioners: list[int], services: list[int], *, each: int, now: dt.datetime
    ) -> None:
        """A full day: visits one after the other, some overbooked, some on offer, some off."""
        chance = random.Random(7)
        clients = [
            self.client(name, "Penicilina" if number % 7 == 3 else None)
            for number, name in enumerate(NAMES)
        ]
        rows = []
        room = self.room()
        for practitioner in practitioners:
            minute = 9 * 60
            for number in range(each):
                length = chance.choice([15, 30, 30, 45, 60]) if each < 30 else 15
                if 13 * 60 - length < minute < 14 * 60:
                    minute = 14 * 60
                starts = at(0) + dt.timedelta(minutes=minute)
                status = _status(starts, length, now, chance)
                offered = status is Status.AVAILABLE
                rows.append(
                    self.row(
                        next(self._ids), practitioner, starts, length, status,
                        client_id=None if offered else chance.choice(clients),
                        service_id=chance.choice(services), room_id=room if number % 3 else None,
                        arrived_at=starts - dt.timedelta(minutes=chance.choice([4, 12, 26]))
                        if status in {Status.ARRIVED, Status.READY} else None,
                    )
                )  # fmt: skip
                if chance.random() < 0.06 and not offered:
                    rows.append(
                        self.row(
                            next(self._ids), practitioner, starts + dt.timedelta(minutes=5), 20,
                            Status.CONFIRMED, client_id=chance.choice(clients),
                            overbooking_reason="Urgencia", service_id=services[0],
                        )
                    )  # fmt: skip
                minute += length + (chance.choice([0, 0, 15, 30]) if each < 30 else 0)
                if minute > 23 * 60:
                    minute = 9 * 60
        self.add(*rows)


def _status(starts: dt.datetime, length: int, now: dt.datetime, chance: random.Random) -> Status:
    if starts + dt.timedelta(minutes=length) < now:
        return chance.choice([Status.COMPLETED] * 4 + [Status.FINISHED, Status.NO_SHOW])
    if starts < now:
        return chance.choice([Status.IN_PROGRESS, Status.IN_PROGRESS, Status.ARRIVED])
    if starts < now + dt.timedelta(minutes=40):
        return chance.choice([Status.ARRIVED, Status.READY, Status.CONFIRMED])
    return chance.choice(
        [Status.BOOKED] * 3 + [Status.CONFIRMED] * 3 + [Status.AVAILABLE, Status.CANCELLED]
    )
