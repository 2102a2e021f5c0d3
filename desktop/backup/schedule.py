"""When a backup is due: by the clinic's wall clock, caught up once after an absence.

Pure functions of moments. A *slot* is the moment of a planned run. On a day when the clock skips the
hour, the slot is the moment when it is put forward; where it shows the hour twice, the first of the
two. What counts is whether something was done since the last slot, so that a day has one run,
however often a program starts or the clock is put back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desktop.domain.clinic_time import Day

CLOCK_TOLERANCE = dt.timedelta(minutes=10)
"""How far clocks may differ before a moment in the future is taken for a wrong clock's."""

FIRST_REPEAT = dt.timedelta(minutes=5)
LAST_REPEAT = dt.timedelta(hours=2)
"""After a failure it is tried again after the first, then after twice as long, up to the last."""

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When archives are made, on the clinic's wall.

    :ivar hour, minute: of every day's backup. :ivar drill_weekday: of the weekly trial restore,
        0 is Monday. :ivar drill_hour: the same for it. :ivar full_every_days: after so many days the
        next archive is a full one again; 1 makes each a full one.
    """

    hour: int = 13
    minute: int = 0
    drill_weekday: int = 6
    drill_hour: int = 14
    full_every_days: int = 7

    def __post_init__(self) -> None:
        fine = (
            0 <= self.hour < 24
            and 0 <= self.minute < 60
            and 0 <= self.drill_weekday < 7
            and 0 <= self.drill_hour < 24
            and 1 <= self.full_every_days <= 366
        )
        if not fine:
            raise ValueError("no such schedule")


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of earlier runs of one kind; moments are aware.

    :ivar done: the last success. :ivar tried: the last try, whatever became of it.
    :ivar failures: tries in a row that failed since.
    """

    done: dt.datetime | None = None
    tried: dt.datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """A run that is due.

    :ivar planned: the slot, in UTC. :ivar missed: earlier slots that nothing was done for, which
        this one run makes up for.
    """

    planned: dt.datetime
    missed: int


def slot_of(day: dt.date, hour: int, minute: int, zone: ZoneInfo) -> dt.datetime:
    """The moment, in UTC, when the clock of ``zone`` first shows that time on ``day``, or skips it."""
    there = Day(day, zone)
    return there.instant_at(there.minute_of_clock(dt.time(hour, minute)))


def last_slot(schedule: Schedule, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The last daily slot that is not after ``now``."""
    day = now.astimezone(zone).date()
    slot = slot_of(day, schedule.hour, schedule.minute, zone)
    return slot if slot <= now else slot_of(day - _DAY, schedule.hour, schedule.minute, zone)


def next_run(schedule: Schedule, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The first daily slot after ``now``."""
    day = now.astimezone(zone).date()
    slot = slot_of(day, schedule.hour, schedule.minute, zone)
    return slot if slot > now else slot_of(day + _DAY, schedule.hour, schedule.minute, zone)


def due(schedule: Schedule, zone: ZoneInfo, past: Past, now: dt.datetime) -> Slot | None:
    """The backup that is to be made now, if one is."""
    return _due(past, last_slot(schedule, zone, now), _DAY, now)


def last_drill_slot(schedule: Schedule, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The last weekly slot of the trial restore that is not after ``now``."""
    day = now.astimezone(zone).date()
    day -= dt.timedelta(days=(day.weekday() - schedule.drill_weekday) % 7)
    slot = slot_of(day, schedule.drill_hour, 0, zone)
    return slot if slot <= now else slot_of(day - 7 * _DAY, schedule.drill_hour, 0, zone)


def drill_due(schedule: Schedule, zone: ZoneInfo, past: Past, now: dt.datetime) -> Slot | None:
    """The trial restore that is to be made now, if one is."""
    return _due(past, last_drill_slot(schedule, zone, now), 7 * _DAY, now)


def full_due(schedule: Schedule, last_full: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the next archive has to be a full one, by age of the last (half a day's slack).

    :param last_full: of the last *verified* full archive; ``None``: there is none.
    """
    if last_full is None or last_full > now + CLOCK_TOLERANCE:
        return True
    return now - last_full > schedule.full_every_days * _DAY - dt.timedelta(hours=12)


def _due(past: Past, slot: dt.datetime, every: dt.timedelta, now: dt.datetime) -> Slot | None:
    done = _believed(past.done, now)
    if done is not None and done >= slot:
        return None
    tried = _believed(past.tried, now)
    if tried is not None and past.failures and now - tried < repeat_after(past.failures):
        return None
    missed = 0 if done is None else max(0, round((slot - done) / every) - 1)
    return Slot(slot, missed)


def repeat_after(failures: int) -> dt.timedelta:
    """How long to wait after so many failures in a row (1 or more)."""
    return min(LAST_REPEAT, FIRST_REPEAT * (1 << min(max(failures - 1, 0), 16)))


def _believed(moment: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """``moment``, unless it lies in the future: then a clock was wrong, and it says nothing."""
    if moment is None or moment > now + CLOCK_TOLERANCE:
        return None
    return moment
