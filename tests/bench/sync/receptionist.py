"""A receptionist who works from a seed: what is done at a desk in a busy hour, by the services."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from desktop.domain import ledger, statuses
from desktop.domain.actor import Actor
from desktop.domain.clinic_time import local_date
from desktop.domain.errors import RuleError
from desktop.domain.statuses import Status
from desktop.models import Client
from desktop.services.agenda import Agenda, details_of
from desktop.services.agenda_records import DayAppointment, Details, Draft, Placement
from desktop.services.cache import Cache
from desktop.services.clients import Clients
from desktop.services.clients_records import Change, ClientFields
from desktop.services.clinic import ClinicSettings
from desktop.services.finance import Finance
from desktop.services.finance_types import ChargeLine, PaymentPart

DAYS = 7
"""Bookings are for today and the days after it."""

MINUTES = 30
MIX: dict[str, int] = {
    "book": 20,
    "step": 30,
    "note": 20,
    "cancel": 5,
    "client": 5,
    "phone": 5,
    "pay": 15,
}
"""Of a hundred things that are done, so many are each of these."""

TRIES = 200
_DONE = frozenset({Status.FINISHED, Status.COMPLETED})


class Receptionist:
    """Does one thing after another, each through the service that the screen calls.

    :ivar did: how often each.
    :ivar refused: what the services would not do, as a person is told at once: nothing was written.
    """

    def __init__(self, cache: Cache, clinic: ClinicSettings, actor: Actor, seed: int) -> None:
        self._cache = cache
        self._zone = clinic.zone
        self._actor = actor
        self._chance = random.Random(seed)
        self._agenda = Agenda(cache, clinic)
        self._people = Clients(cache, clinic)
        self._finance = Finance(cache, clinic)
        self._services = self._finance.services()
        with cache.reading() as session:
            self._clients = list(session.scalars(sa.select(Client.id).order_by(Client.id)))
        self.today = local_date(cache.now(), clinic.zone)
        self.did: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def act(self, mark: str) -> str:
        """Do the next thing; which it was.

        :param mark: what is written into the notes of a visit that is booked or described.
        """
        kind = self._chance.choices(list(MIX), list(MIX.values()))[0]
        work: dict[str, Callable[[str], bool]] = {
            "book": self._book,
            "step": self._step,
            "note": self._note,
            "cancel": self._cancel,
            "client": self._client,
            "phone": self._phone,
            "pay": self._pay,
        }
        for _try in range(TRIES):
            try:
                if work[kind](mark):
                    self.did[kind] += 1
                    return kind
            except RuleError as error:
                self.refused[error.code] += 1
            kind = self._chance.choices(list(MIX), list(MIX.values()))[0]
        raise AssertionError("nothing was left to be done")

    def _visits(self, wanted: Callable[[DayAppointment], bool]) -> list[DayAppointment]:
        day = self.today + dt.timedelta(days=self._chance.randrange(DAYS))
        return [item for item in self._agenda.day(day).appointments if wanted(item)]

    def _one(self, wanted: Callable[[DayAppointment], bool]) -> DayAppointment | None:
        found = self._visits(wanted)
        return self._chance.choice(found) if found else None

    def _book(self, mark: str) -> bool:
        start = self._cache.now() + dt.timedelta(days=self._chance.randrange(DAYS))
        slots = self._agenda.free_slots(
            minutes=MINUTES, from_=start, until=start + dt.timedelta(days=DAYS), limit=40
        )
        if not slots:
            return False
        slot = self._chance.choice(slots)
        self._agenda.book(
            self._actor,
            Draft(
                Placement(slot.starts_at, slot.ends_at, slot.practitioner_id),
                Details(
                    client_id=self._chance.choice(self._clients),
                    service_id=self._chance.choice(self._services).id,
                    notes=mark,
                ),
                slot_id=slot.published_id,
            ),
        )
        return True

    def _step(self, _mark: str) -> bool:
        visit = self._one(lambda item: item.client_id is not None and item.status not in _DONE)
        following = (
            None if visit is None or visit.status is None else statuses.usual_next(visit.status)
        )
        if visit is None or following is None:
            return False
        self._agenda.set_status(self._actor, visit.id, following)
        return True

    def _note(self, mark: str) -> bool:
        visit = self._one(lambda item: item.client_id is not None)
        if visit is None:
            return False
        seen = details_of(visit)
        self._agenda.edit(self._actor, visit.id, replace(seen, notes=mark), seen=seen)
        return True

    def _cancel(self, _mark: str) -> bool:
        visit = self._one(lambda item: item.status in {Status.BOOKED, Status.CONFIRMED})
        if visit is None:
            return False
        self._agenda.cancel(self._actor, visit.id, "No puede venir")
        return True

    def _client(self, mark: str) -> bool:
        self._people.create(
            self._actor,
            ClientFields(
                full_name=f"Nueva Persona {mark}",
                phone=f"+569{self._chance.randrange(10**8):08}",
                email=f"{mark}@example.com",
            ),
        )
        return True

    def _phone(self, _mark: str) -> bool:
        client = self._chance.choice(self._clients)
        before = self._people.get(client).fields.phone
        phone = f"+569{self._chance.randrange(10**8):08}"
        self._people.save(self._actor, client, {"phone": Change(before, phone)})
        return True

    def _pay(self, _mark: str) -> bool:
        visit = self._one(lambda item: item.client_id is not None and item.holds_time)
        if visit is None:
            return False
        service = self._chance.choice(self._services)
        charges = self._finance.charge(self._actor, visit.id, [ChargeLine(service.id)])
        self._finance.take_payment(
            self._actor,
            visit.client_id,
            visit.id,
            [PaymentPart(ledger.CARD, service.price)],
            charge_ids=charges,
        )
        return True
