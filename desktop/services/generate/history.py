"""The days of a clinic: who comes when, what becomes of it, and what everybody wrote down."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from desktop.services.generate import sizes
from desktop.services.generate.bookings import Bookings
from desktop.services.generate.calendar import Packer, Slot, offset, thin, working_days
from desktop.services.generate.clinic import Clinic
from desktop.services.generate.ledger import Ledger
from desktop.services.generate.loading import Loader
from desktop.services.generate.people import ClientRow
from desktop.services.generate.records import Fate, Records
from desktop.services.generate.sizes import Size

GAP_SECONDS = 7
"""Between two receipts at least: their numbers follow their times."""


@dataclass(slots=True)
class Quotas:
    """What is still to come of each end that a past visit may have: the mix is met exactly."""

    left: dict[Fate, int]

    def draw(self, rng: random.Random) -> Fate:
        """One of the ends, as likely as there are of it."""
        place = int(rng.random() * sum(self.left.values()))
        for fate, count in self.left.items():
            if place < count:
                self.left[fate] -= 1
                return fate
            place -= count
        return Fate.COMPLETED


class History:
    """Simulates day after day and writes it down."""

    def __init__(
        self,
        loader: Loader,
        rng: random.Random,
        clinic: Clinic,
        size: Size,
        clients: list[ClientRow],
        opened: dt.date,
        today: dt.date,
        now: int,
    ) -> None:
        self._rng = rng
        self._clinic = clinic
        self._size = size
        self._opened = opened
        self._today = today
        self._now = now
        self._bookings = Bookings(rng, size, clients)
        self._packer = Packer(rng, clinic.practitioners)
        self._records = Records(loader, rng, clinic, clients, today, now)
        self._ledger = Ledger(loader, rng, clinic, size, clients)
        self._written = 0

    def write(self) -> None:
        """The whole history, today, and what is booked and on offer from tomorrow on."""
        ahead = min(
            round(self._size.appointments * sizes.AHEAD),
            self._size.practitioners * sizes.AHEAD_OF_EACH,
        )
        self._write_past(self._size.appointments - ahead)
        self._write_today()
        self._write_future()

    def _write_past(self, total: int) -> None:
        yesterday = self._today - dt.timedelta(days=1)
        days = list(working_days(self._opened, yesterday))
        everything = sum(
            each.minutes(day.weekday()) for day in days for each in self._clinic.practitioners
        )
        quotas = self._quotas(total)
        passed = 0
        for day in days:
            slots: list[Slot] = []
            for index, each in enumerate(self._clinic.practitioners):
                passed += each.minutes(day.weekday())
                wanted = round(total * passed / everything) - self._written - len(slots)
                windows = each.windows.get(day.weekday(), ())
                packed = self._packer.pack(index, windows, self._bookings.due(day, index))
                slots += thin(self._rng, packed, max(0, wanted))
            self._bookings.fill(day, slots, passed / everything)
            self._write_day(day, [(slot, self._end_of(slot, quotas)) for slot in slots])

    def _end_of(self, slot: Slot, quotas: Quotas) -> Fate:
        """What became of a past slot; what a series or a regular had was taken."""
        fate = quotas.draw(self._rng)
        if fate is Fate.AVAILABLE and (slot.session or slot.client < self._size.regulars):
            quotas.left[Fate.AVAILABLE] += 1
            quotas.left[Fate.COMPLETED] -= 1
            return Fate.COMPLETED
        return fate

    def _quotas(self, total: int) -> Quotas:
        attended = round(self._size.appointments * sizes.ATTENDED)
        no_show = round(self._size.appointments * sizes.NO_SHOW)
        cancelled = round(self._size.appointments * sizes.CANCELLED)
        open_ = round(self._size.appointments * sizes.NEVER_CLOSED)
        finished = attended // 50
        return Quotas(
            {
                Fate.COMPLETED: attended - finished,
                Fate.FINISHED: finished,
                Fate.NO_SHOW: no_show,
                Fate.CANCELLED: cancelled,
                Fate.CONFIRMED: open_,
                Fate.AVAILABLE: max(0, total - attended - no_show - cancelled - open_),
            }
        )

    def _write_today(self) -> None:
        slots = self._open_day(self._today)
        self._bookings.fill(self._today, slots)
        fates: list[tuple[Slot, Fate]] = []
        by_practitioner: dict[int, list[Slot]] = defaultdict(list)
        for slot in slots:
            by_practitioner[slot.practitioner].append(slot)
        for practitioner, own in by_practitioner.items():
            fates += self._today_of(practitioner, own)
        self._write_day(self._today, fates)

    def _today_of(self, practitioner: int, slots: list[Slot]) -> Iterable[tuple[Slot, Fate]]:
        """A practitioner's day caught in the middle: behind, in the room, in the waiting room, ahead."""
        behind = [slot for slot in slots if slot.end <= self._now - 10]
        ahead = [slot for slot in slots if slot.end > self._now - 10]
        missed = Fate.NO_SHOW if practitioner % 2 == 0 else Fate.CANCELLED
        for place, slot in enumerate(behind):
            last = place == len(behind) - 1
            yield slot, Fate.FINISHED if last else missed if place == 1 else Fate.COMPLETED
        following = (Fate.IN_PROGRESS, Fate.READY, Fate.ARRIVED)
        later = (Fate.CONFIRMED, Fate.BOOKED, Fate.CONFIRMED, Fate.AVAILABLE)
        for place, slot in enumerate(ahead):
            if place < len(following) and slot.start <= self._now + 75:
                yield slot, following[place]
            elif slot.session is None:
                yield slot, later[place % len(later)]
            else:
                yield slot, Fate.CONFIRMED

    def _write_future(self) -> None:
        day = self._today + dt.timedelta(days=1)
        rng = self._rng
        while self._written < self._size.appointments:
            distance = (day - self._today).days
            density = 1.0 if distance == 1 else max(0.35, 0.9 - distance / 90)
            slots = self._open_day(day)
            slots = thin(rng, slots, round(len(slots) * density))
            slots = slots[: self._size.appointments - self._written]
            self._bookings.fill(day, slots)
            confirmed = 0.75 if distance <= 2 else 0.3
            fates: list[tuple[Slot, Fate]] = []
            for slot in slots:
                draw = rng.random()
                if draw < 0.22 and slot.session is None:
                    fates.append((slot, Fate.AVAILABLE))
                elif draw > 0.94:
                    fates.append((slot, Fate.CANCELLED))
                else:
                    booked = Fate.CONFIRMED if rng.random() < confirmed else Fate.BOOKED
                    fates.append((slot, booked))
            self._write_day(day, fates)
            day += dt.timedelta(days=1)

    def _open_day(self, day: dt.date) -> list[Slot]:
        slots: list[Slot] = []
        usual = day in {self._today, self._today + dt.timedelta(days=1)}
        open_ = usual or any(True for _ in working_days(day, day))
        for index, each in enumerate(self._clinic.practitioners if open_ else ()):
            windows = (each.open_windows if usual else each.windows).get(day.weekday(), ())
            slots += self._packer.pack(index, windows, self._bookings.due(day, index))
        return slots

    def _write_day(self, day: dt.date, fates: list[tuple[Slot, Fate]]) -> None:
        fates.sort(key=lambda each: (each[0].start, each[0].practitioner))
        records, ledger = self._records, self._ledger
        records.begin(day)
        iso, zone = day.isoformat(), offset(day)
        paid_until = 0
        ends: list[tuple[int, int, Slot, Fate]] = []
        first = records.next_appointment()
        for place, (slot, fate) in enumerate(fates):
            if fate in {Fate.COMPLETED, Fate.FINISHED}:
                ends.append((slot.end, first + place, slot, fate))
        ends.sort(key=lambda each: each[:2])
        bills: dict[int, tuple[int, str | None]] = {}
        for end, appointment, slot, fate in ends:
            records.note(slot, appointment)
            if fate is Fate.FINISHED and day == self._today:
                continue
            paid_until = max(end * 60 + 60, paid_until + GAP_SECONDS)
            at = f"{iso} {paid_until // 3600:02d}:{paid_until // 60 % 60:02d}:{paid_until % 60:02d}{zone}"
            bills[appointment] = ledger.visit(slot, appointment, iso, at)
        for place, (slot, fate) in enumerate(fates):
            records.appointment(slot, fate, bills.get(first + place))
        self._written += len(fates)
