"""Which archives stay: grandfather, father, son, and never the one that a restore needs.

Pure functions. Days, weeks, months and years are counted by the archives that there are, not by the
calendar back from today: who was away for a year, or whose clock was wrong, loses nothing by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desktop.backup.places.naming import Kind
from desktop.backup.schedule import CLOCK_TOLERANCE

SAFETY_DAYS = 7
"""A restore's safety copy stays at least so long, as long as the restore can be undone."""

YOUNG = dt.timedelta(hours=48)
"""What is younger stays: it may still be on its way to another place, or be verified."""

RED_AFTER = dt.timedelta(hours=26)
"""So long after the last verified success the screens show the red banner."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days, weeks, months and years with an archive keep one, and manual ones how long."""

    daily: int = 14
    weekly: int = 8
    monthly: int = 12
    yearly: int = 5
    manual_days: int = 90

    def __post_init__(self) -> None:
        counts = (self.daily, self.weekly, self.monthly, self.yearly, self.manual_days)
        if self.daily < 1 or min(counts) < 0 or max(counts) > 10_000:
            raise ValueError("no such retention")


@dataclass(frozen=True, slots=True)
class Held:
    """An archive that is kept somewhere.

    :ivar at: when it was taken, aware. :ivar verified: when it was last read back and found whole,
        ``None`` where never. :ivar base: the name of the archive that an incremental stands on.
    :ivar manual: a person asked for it.
    """

    name: str
    at: dt.datetime
    kind: Kind
    verified: dt.datetime | None = None
    base: str | None = None
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each.

    :ivar keep: name → why, in fixed words: ``last``, ``day``, ``week``, ``month``, ``year``,
        ``safety``, ``young``, ``manual``, ``clock`` (taken in the future, as it seems), ``base``.
    :ivar remove: names, in an order in which at any point nothing that is left stands on something
        removed.
    """

    keep: Mapping[str, frozenset[str]]
    remove: tuple[str, ...]


def plan(held: Sequence[Held], keep: Keep, zone: ZoneInfo, now: dt.datetime) -> Plan:
    """Which archives stay and which may go, at an aware ``now``.

    :param held: in the order in which they were taken, as the history knows it: where a clock was
        wrong, their own moments don't say it.
    """
    archives = {each.name: each for each in held}
    days = {each.name: each.at.astimezone(zone).date() for each in held}
    followed = _days_that_followed(held, days)
    reasons: dict[str, set[str]] = {}

    def stay(why: str, those: Iterable[Held]) -> None:
        for each in those:
            reasons.setdefault(each.name, set()).add(why)

    usable = [each for each in held if restorable(each, archives)]
    limit = now + CLOCK_TOLERANCE
    stay("clock", (each for each in held if each.at > limit))
    stay("last", _last_of(usable or held, now))
    regular = [each for each in usable if each.kind is not Kind.SAFETY and each.at <= limit]
    regular.sort(key=lambda each: (each.at, each.name), reverse=True)
    for why, many, period in _periods(keep):
        keys = {each.name: period(days[each.name]) for each in regular}
        stay(why, _one_of_each(regular, keys, many, prefer_full=why != "day"))
    for why, age, those in (
        ("safety", dt.timedelta(days=SAFETY_DAYS), [e for e in held if e.kind is Kind.SAFETY]),
        ("manual", dt.timedelta(days=keep.manual_days), [e for e in held if e.manual]),
        ("young", YOUNG, [e for e in held if e.at <= limit]),
    ):
        need = min(SAFETY_DAYS, max(1, age.days))
        stay(why, (e for e in those if now <= e.at + age or followed[e.name] < need))
    for name in list(reasons):
        stay("base", chain(archives[name], archives)[1:])
    gone = [each for each in held if each.name not in reasons]
    return Plan(
        {name: frozenset(whys) for name, whys in reasons.items()},
        tuple(each.name for each in _dependents_first(gone, archives)),
    )


def chain(archive: Held, archives: Mapping[str, Held]) -> list[Held]:
    """``archive`` and what it stands on, down to the full one, as far as that is there."""
    found = [archive]
    seen = {archive.name}
    while (base := found[-1].base) is not None and base in archives and base not in seen:
        seen.add(base)
        found.append(archives[base])
    return found


def restorable(archive: Held, archives: Mapping[str, Held]) -> bool:
    """Whether it and all that it stands on are there and were verified."""
    links = chain(archive, archives)
    whole = links[-1].base is None and links[-1].kind is not Kind.INCREMENTAL
    return whole and all(link.verified is not None for link in links)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whether the red banner shows.

    :ivar why: ``never`` (there is no verified archive), ``old``, ``clock`` (the last one lies in
        the future: a clock is wrong, and nobody knows its age), or nothing.
    :ivar age: of the last verified success, where it is known.
    """

    red: bool
    why: str = ""
    age: dt.timedelta | None = None


def alarm(last_verified: dt.datetime | None, now: dt.datetime) -> Alarm:
    """The state at an aware ``now``. :param last_verified: when an archive was last found whole."""
    if last_verified is None:
        return Alarm(red=True, why="never")
    age = now - last_verified
    if age < -CLOCK_TOLERANCE:
        return Alarm(red=True, why="clock")
    if age > RED_AFTER:
        return Alarm(red=True, why="old", age=age)
    return Alarm(red=False, age=max(age, dt.timedelta(0)))


def _periods(keep: Keep) -> tuple[tuple[str, int, Callable[[dt.date], object]], ...]:
    return (
        ("day", keep.daily, lambda day: day),
        ("week", keep.weekly, lambda day: day.isocalendar()[:2]),
        ("month", keep.monthly, lambda day: (day.year, day.month)),
        ("year", keep.yearly, lambda day: day.year),
    )


def _one_of_each(
    newest_first: list[Held], periods: Mapping[str, object], many: int, *, prefer_full: bool
) -> list[Held]:
    """The newest archive of each of the last ``many`` periods that have one.

    Of longer periods the newest full one, where there is one: it needs no others beside it.
    """
    found: dict[object, Held] = {}
    for each in newest_first:
        key = periods[each.name]
        if key not in found and len(found) >= many:
            break
        better = prefer_full and key in found and found[key].base is not None and each.base is None
        if key not in found or better:
            found[key] = each
    return list(found.values())


def _last_of(usable: Sequence[Held], now: dt.datetime) -> list[Held]:
    """The last archive; and, where clocks disagree, every claim to that.

    The last in the order of taking, the newest that is not from the future, and the one that was
    verified last.
    """
    if not usable:
        return []
    past = [each for each in usable if each.at <= now + CLOCK_TOLERANCE]
    return [
        usable[-1],
        max(past or usable, key=lambda each: each.at),
        max(usable, key=lambda each: each.verified or each.at),
    ]


def _days_that_followed(held: Sequence[Held], days: Mapping[str, dt.date]) -> dict[str, int]:
    """On how many other days an archive was taken after each one.

    Age is counted by this, too: a clock that jumps ages nothing by itself.
    """
    later: set[dt.date] = set()
    followed = {}
    for each in reversed(held):
        day = days[each.name]
        followed[each.name] = len(later) - (day in later)
        later.add(day)
    return followed


def _dependents_first(gone: list[Held], archives: Mapping[str, Held]) -> list[Held]:
    """Longer chains first, then the oldest: what stands on another goes before it."""
    return sorted(gone, key=lambda each: (-len(chain(each, archives)), each.at, each.name))
