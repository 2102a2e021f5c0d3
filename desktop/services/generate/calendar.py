"""Which days the clinic works, and how a practitioner's day fills with slots."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desktop.services.generate.clinic import Practitioner, PricedService

ZONE = ZoneInfo("America/Santiago")
CLOSED = frozenset({(1, 1), (5, 1), (5, 21), (9, 18), (9, 19), (11, 1), (12, 8), (12, 25)})
"""Month and day of the holidays whose date is fixed."""

GRID = 15

Windows = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Slot:
    """A stretch of a practitioner's day, in minutes of the clinic's clock.

    :ivar client: index of the client, -1 while nobody has it.
    :ivar session: which one of how many of a series, ``None`` outside one.
    """

    practitioner: int
    start: int
    service: PricedService
    client: int = -1
    session: tuple[int, int] | None = None

    @property
    def end(self) -> int:
        """The minute when it is over."""
        return self.start + self.service.minutes


def first_day(today: dt.date, years: int) -> dt.date:
    """The day on which a history of ``years`` begins."""
    return today - dt.timedelta(days=round(365.25 * years))


def working_days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """The days from ``first`` to ``last`` that are neither Sundays nor holidays."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        if day.weekday() != 6 and (day.month, day.day) not in CLOSED:
            yield day


def offset(day: dt.date) -> str:
    """The clinic's distance from UTC during the hours of work, ``-03`` or ``-04``.

    In Chile the clock is changed at midnight: a working day has one offset.
    """
    distance = dt.datetime.combine(day, dt.time(12), ZONE).utcoffset() or dt.timedelta()
    return f"{distance // dt.timedelta(hours=1):+03d}"


class Packer:
    """Fills a practitioner's day with services, one after the other."""

    def __init__(self, rng: random.Random, practitioners: tuple[Practitioner, ...]) -> None:
        self._rng = rng
        self._services = [practitioner.services for practitioner in practitioners]
        self._weights = [
            list(itertools.accumulate(practitioner.weights)) for practitioner in practitioners
        ]

    def pack(self, practitioner: int, windows: Windows, reserved: list[Slot]) -> list[Slot]:
        """``reserved`` and, in every gap that they leave, slots back to back; in order of time.

        What is reserved outside ``windows`` or over another slot is left out.
        """
        kept: list[Slot] = []
        for slot in sorted(reserved, key=lambda slot: slot.start):
            inside = any(start <= slot.start and slot.end <= end for start, end in windows)
            if inside and (not kept or kept[-1].end <= slot.start):
                kept.append(slot)
        slots: list[Slot] = []
        for start, end in windows:
            here = [slot for slot in kept if start <= slot.start < end]
            for slot in here:
                slots += self._fill(practitioner, start, slot.start)
                slots.append(slot)
                start = slot.end  # noqa: PLW2901 - the rest of the window
            slots += self._fill(practitioner, start, end)
        return slots

    def _fill(self, practitioner: int, start: int, end: int) -> Iterator[Slot]:
        services, weights = self._services[practitioner], self._weights[practitioner]
        random_ = self._rng.random
        while end - start >= GRID:
            service = services[bisect.bisect_right(weights, random_() * weights[-1])]
            if start + service.minutes > end:
                fitting = [each for each in services if start + each.minutes <= end]
                if not fitting:
                    return
                service = fitting[0]
            yield Slot(practitioner, start, service)
            start += service.minutes


def thin(rng: random.Random, slots: list[Slot], wanted: int) -> list[Slot]:
    """``wanted`` of the slots, in the same order; those that nobody has go first."""
    surplus = len(slots) - wanted
    if surplus <= 0:
        return slots
    free = [index for index, slot in enumerate(slots) if slot.client < 0]
    gone = set(rng.sample(free, min(surplus, len(free))))
    left = [slot for index, slot in enumerate(slots) if index not in gone]
    return left[:wanted]
