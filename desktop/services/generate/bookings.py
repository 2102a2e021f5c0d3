"""Who gets which slot: regulars, series, newcomers, and everybody else at their own practitioner's."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict, deque

from desktop.services.generate.calendar import Slot
from desktop.services.generate.people import ClientRow
from desktop.services.generate.sizes import RECURRING, Size

TRIES = 6


class Bookings:
    """Gives each day's slots to clients, nobody twice on one day."""

    def __init__(self, rng: random.Random, size: Size, clients: list[ClientRow]) -> None:
        self._rng = rng
        self._size = size
        self._clients = clients
        self._newcomers: deque[int] = deque()
        self._known = 0
        low, high = size.regular_visits
        self._targets = [rng.randint(low, high) for _ in range(size.regulars)]
        self._came = [0] * size.regulars
        self._series: dict[tuple[int, int], list[Slot]] = defaultdict(list)
        self._in_series = 0
        self._given = 0

    def due(self, day: dt.date, practitioner: int) -> list[Slot]:
        """The sessions of running series that fall on a practitioner's ``day``."""
        slots = self._series.pop((day.toordinal(), practitioner), [])
        self._in_series -= len(slots)
        return slots

    def fill(self, day: dt.date, slots: list[Slot], passed: float = 1.0) -> None:
        """Gives every slot of ``day`` a client.

        :param passed: how much of the history has passed with this day; regulars have come as much
            of their visits.
        """
        self._meet(day.toordinal())
        rng = self._rng
        busy: set[int] = set()
        free: list[Slot] = []
        for slot in slots:
            if slot.client >= 0 and slot.client not in busy:
                busy.add(slot.client)
                self._in_series += 1
            else:
                slot.client, slot.session = -1, None
                free.append(slot)
        self._given += len(slots)
        rng.shuffle(free)
        for slot in self._regulars(free, busy, passed):
            slot.client = self._somebody(slot.practitioner, busy)
            busy.add(slot.client)
            if self._in_series < RECURRING * self._given:
                self._begin_series(day, slot)

    def _meet(self, ordinal: int) -> None:
        clients = self._clients
        while self._known < len(clients) and clients[self._known].since <= ordinal:
            if self._known >= self._size.regulars:
                self._newcomers.append(self._known)
            self._known += 1

    def _regulars(self, free: list[Slot], busy: set[int], share: float) -> list[Slot]:
        """Lets every regular who is behind take a slot, at their own practitioner's if there is one."""
        for index, target in enumerate(self._targets):
            if index in busy or self._came[index] >= round(target * share) or not free:
                continue
            home = index % self._size.practitioners
            place = next((i for i, slot in enumerate(free) if slot.practitioner == home), 0)
            slot = free.pop(place)
            slot.client = index
            busy.add(index)
            self._came[index] += 1
        return free

    def _somebody(self, practitioner: int, busy: set[int]) -> int:
        rng, clinic = self._rng, self._size.practitioners
        if self._newcomers and self._newcomers[0] not in busy and rng.random() < 0.5:
            return self._newcomers.popleft()
        own = (self._known - 1 - practitioner) // clinic + 1
        for _ in range(TRIES):
            index = practitioner + clinic * int(rng.random() ** 1.6 * own)
            if index >= self._size.regulars and index not in busy:
                return index
        return next(index for index in range(self._size.regulars, self._known) if index not in busy)

    def _begin_series(self, day: dt.date, slot: Slot) -> None:
        sessions = 5 + int(self._rng.random() * 8)
        step = 7 if self._rng.random() < 0.8 else 14
        slot.session = (1, sessions)
        self._in_series += sessions
        for number in range(2, sessions + 1):
            ordinal = day.toordinal() + step * (number - 1)
            self._series[ordinal, slot.practitioner].append(
                Slot(slot.practitioner, slot.start, slot.service, slot.client, (number, sessions))
            )
