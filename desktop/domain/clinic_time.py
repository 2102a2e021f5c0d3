"""The clinic's clock: local time to UTC and back, on the days when the clock is changed too.

Times are stored in UTC and shown in the clinic's zone. A day is drawn by the minutes that really
pass in it, so a day of 23 or 25 hours is as long on screen as it is in life.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from desktop.domain.errors import RuleError
from desktop.domain.intervals import Interval

_MINUTE = dt.timedelta(minutes=1)
_TICK = dt.timedelta(microseconds=1)


def exists(day: dt.date, time: dt.time, zone: ZoneInfo) -> bool:
    """Whether the clock of ``zone`` shows ``time`` at some moment of ``day``."""
    local = dt.datetime.combine(day, time.replace(tzinfo=None), zone)
    back = local.astimezone(dt.UTC).astimezone(zone)
    return back.replace(tzinfo=None) == local.replace(tzinfo=None)


def is_ambiguous(day: dt.date, time: dt.time, zone: ZoneInfo) -> bool:
    """Whether the clock of ``zone`` shows ``time`` twice on ``day``."""
    local = dt.datetime.combine(day, time.replace(tzinfo=None), zone)
    return exists(day, time, zone) and local.utcoffset() != local.replace(fold=1).utcoffset()


def to_utc(day: dt.date, time: dt.time, zone: ZoneInfo, *, fold: int | None = None) -> dt.datetime:
    """The UTC moment when the clinic's clock shows ``time`` on ``day``.

    :param fold: of a time that comes twice, 0 takes the first and 1 the second.
    Raises ``RuleError``: ``agenda.nonexistent_time`` where the clock skips that time,
    ``agenda.ambiguous_time`` where it comes twice and ``fold`` doesn't say which.
    """
    if not exists(day, time, zone):
        raise RuleError("agenda.nonexistent_time", time=f"{time:%H:%M}", day=f"{day:%d-%m-%Y}")
    if fold is None and is_ambiguous(day, time, zone):
        raise RuleError("agenda.ambiguous_time", time=f"{time:%H:%M}", day=f"{day:%d-%m-%Y}")
    local = dt.datetime.combine(day, time.replace(tzinfo=None), zone)
    return local.replace(fold=fold or 0).astimezone(dt.UTC)


def local_date(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The date on the clinic's wall at an aware ``moment``."""
    return moment.astimezone(zone).date()


def crosses_clock_change(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether the clock is changed after ``start`` and before ``end`` (both aware).

    What ends or begins just when it is changed doesn't cross it.
    """
    if end <= start:
        return False
    last = (end - _TICK).astimezone(zone)
    return start.astimezone(zone).utcoffset() != last.utcoffset()


@dataclass(frozen=True)
class Day:
    """One calendar day of the clinic, measured in the minutes that pass in it.

    :ivar date: as on the clinic's wall.
    """

    date: dt.date
    zone: ZoneInfo

    @cached_property
    def start(self) -> dt.datetime:
        """The first moment of the day, in UTC; where midnight is skipped, the moment after it."""
        return self._midnight(self.date)

    @cached_property
    def end(self) -> dt.datetime:
        """The first moment of the next day, in UTC."""
        return self._midnight(self.date + dt.timedelta(days=1))

    def _midnight(self, date: dt.date) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(), self.zone).astimezone(dt.UTC)

    @property
    def interval(self) -> Interval[dt.datetime]:
        """From the first moment of the day to the first of the next, in UTC."""
        return Interval(self.start, self.end)

    @cached_property
    def minutes(self) -> int:
        """How many minutes pass: 1440, and 1380 or 1500 where the clock is changed by an hour."""
        return (self.end - self.start) // _MINUTE

    def minute_of(self, moment: dt.datetime) -> int:
        """Minutes from the start of the day to an aware ``moment``, whole, also outside the day."""
        return (moment - self.start) // _MINUTE

    def instant_at(self, minute: int) -> dt.datetime:
        """The UTC moment that lies ``minute`` minutes after the start of the day."""
        return self.start + minute * _MINUTE

    def clock_at(self, minute: int) -> str:
        """What the clinic's clock shows then: ``09:30``."""
        return f"{self.instant_at(minute).astimezone(self.zone):%H:%M}"

    def minute_of_clock(self, time: dt.time) -> int:
        """The minute when the clock first shows ``time``; a skipped time moves to the change."""
        local = dt.datetime.combine(self.date, time.replace(tzinfo=None), self.zone)
        if exists(self.date, time, self.zone):
            moment = local.astimezone(dt.UTC)
        else:
            moment = self._change_after(local)
        return max(0, min(self.minutes, self.minute_of(moment)))

    def _change_after(self, local: dt.datetime) -> dt.datetime:
        """The moment of the clock change that skips ``local``."""
        low = local.replace(fold=1).astimezone(dt.UTC) - dt.timedelta(hours=3)
        high = local.astimezone(dt.UTC) + dt.timedelta(hours=3)
        before = low.astimezone(self.zone).utcoffset()
        while high - low > _MINUTE:
            middle = low + (high - low) // 2
            if middle.astimezone(self.zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high.replace(second=0, microsecond=0)
