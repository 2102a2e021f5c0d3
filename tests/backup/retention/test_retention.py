"""Which archives stay: over ten years, with gaps, with clocks that jump, whatever fails."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.backup.places.naming import Kind
from desktop.backup.retention import (
    RED_AFTER,
    SAFETY_DAYS,
    Held,
    Keep,
    Plan,
    alarm,
    chain,
    plan,
    restorable,
)

ZONE = ZoneInfo("America/Santiago")
MONDAY = dt.datetime(2026, 11, 23, 16, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
YEARS = 10


def full(name: str, at: dt.datetime, **given: object) -> Held:
    return replace(Held(name, at, Kind.FULL, verified=at), **given)  # type: ignore[arg-type]


def daily(count: int, until: dt.datetime = MONDAY) -> list[Held]:
    return [full(f"d{i:05}", until - i * DAY) for i in reversed(range(count))]


def kept(held: list[Held], keep: Keep, now: dt.datetime = MONDAY) -> set[str]:
    decided = plan(held, keep, ZONE, now)
    assert set(decided.keep) | set(decided.remove) == {each.name for each in held}
    assert not set(decided.keep) & set(decided.remove)
    return set(decided.keep)


def test_ten_years_of_days_leave_days_weeks_months_and_years() -> None:
    held = daily(3650)
    names = kept(held, Keep(7, 4, 12, 10))
    stayed = sorted((each for each in held if each.name in names), key=lambda each: each.at)
    local = [each.at.astimezone(ZONE).date() for each in stayed]
    assert {d.year for d in local} >= set(range(2017, 2027))
    assert {(d.year, d.month) for d in local[-20:]} >= {(2026, 11), (2026, 10), (2026, 9)}
    assert local[-7:] == [(MONDAY - i * DAY).astimezone(ZONE).date() for i in reversed(range(7))]
    assert len(stayed) <= 7 + 4 + 12 + 10


def test_an_absence_costs_nothing() -> None:
    held = daily(30, until=MONDAY - dt.timedelta(days=800))
    before = kept(held, Keep(), MONDAY - dt.timedelta(days=800))
    assert kept([each for each in held if each.name in before], Keep()) == before


def test_a_clock_that_jumps_ahead_removes_nothing_by_itself() -> None:
    held = daily(20)
    safety = Held("safety", MONDAY - 2 * DAY, Kind.SAFETY, verified=MONDAY)
    held.append(safety)
    far = MONDAY + dt.timedelta(days=2000)
    held.append(full("wrong", far))
    assert "safety" in kept(held, Keep(), far)


def test_a_clock_that_is_years_behind_removes_nothing() -> None:
    held = daily(400)
    assert kept(held, Keep(), MONDAY - dt.timedelta(days=3000)) == {each.name for each in held}


def test_the_last_that_was_verified_stays_however_many_were_not_since() -> None:
    good = full("good", MONDAY - 400 * DAY)
    bad = [replace(each, verified=None) for each in daily(300)]
    assert "good" in kept([good, *bad], Keep(daily=1, weekly=0, monthly=0, yearly=0))


def test_what_was_never_verified_counts_for_no_day() -> None:
    morning = full("morning", MONDAY - 10 * DAY)
    evening = full("evening", MONDAY - 10 * DAY + dt.timedelta(hours=5), verified=None)
    held = [*daily(300, MONDAY - 11 * DAY), morning, evening, *daily(9)]
    stayed = kept(held, Keep(daily=10, weekly=0, monthly=0, yearly=0))
    assert "morning" in stayed
    assert "evening" not in stayed


def test_a_chain_stays_whole_and_is_removed_from_its_end() -> None:
    first = full("f1", MONDAY - 30 * DAY)
    links = [first]
    for number in range(1, 5):
        links.append(
            Held(
                f"i{number}",
                first.at + number * DAY,
                Kind.INCREMENTAL,
                verified=first.at,
                base=links[-1].name,
            )
        )
    other = daily(3)
    assert kept(links, Keep(1, 0, 0, 0)) == {"f1", "i1", "i2", "i3", "i4"}
    decided = plan([*links, *other], Keep(1, 0, 0, 0), ZONE, MONDAY)
    assert decided.remove == ("i4", "i3", "i2", "i1", "f1")


def test_a_broken_chain_is_no_last_archive() -> None:
    old = full("old", MONDAY - 90 * DAY)
    orphan = Held("orphan", MONDAY - DAY, Kind.INCREMENTAL, verified=MONDAY, base="lost")
    unproven = full("unproven", MONDAY - 3 * DAY, verified=None)
    above = Held("above", MONDAY - 2 * DAY, Kind.INCREMENTAL, verified=MONDAY, base="unproven")
    assert plan([old, unproven, above, orphan], Keep(), ZONE, MONDAY).keep["old"] >= {"last"}
    assert not restorable(orphan, {"orphan": orphan})


def test_where_nothing_is_proven_the_newest_stays() -> None:
    held = [replace(each, verified=None) for each in daily(60)]
    assert "d00000" in kept(held, Keep(1, 0, 0, 0))


def test_what_a_person_asked_for_stays_for_a_while() -> None:
    held = [full("mine", MONDAY - 60 * DAY - dt.timedelta(hours=3), manual=True), *daily(60)]
    assert "mine" in kept(held, Keep(2, 0, 0, 0, manual_days=90))
    assert "mine" not in kept(held, Keep(2, 0, 0, 0, manual_days=30))


@pytest.mark.parametrize("given", [{"daily": 0}, {"weekly": -1}, {"yearly": 10_001}])
def test_a_retention_that_keeps_nothing_is_none(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="retention"):
        Keep(**given)


# Ten years of a clinic whose computers do what computers do --------------------------------------


@dataclass
class Clinic:
    """Archives as they are taken, verified, retained; the true time beside what clocks say."""

    chance: random.Random
    keep: Keep
    today: dt.datetime = dt.datetime(2026, 1, 1, 16, 0, tzinfo=dt.UTC)
    wrong: dt.timedelta = dt.timedelta(0)
    held: list[Held] = field(default_factory=list)
    taken_on: dict[str, dt.datetime] = field(default_factory=dict)
    """When each was really taken."""
    most: int = 0
    removed: int = 0

    @property
    def clock(self) -> dt.datetime:
        return self.today + self.wrong

    def live(self, days: int) -> None:
        end = self.today + days * DAY
        while self.today < end:
            self._weather()
            if self.chance.random() < 0.9:
                self._backup()
            if self.chance.random() < 0.01:
                self._take(Kind.SAFETY, None)
            self._retain()
            self.today += DAY

    def _weather(self) -> None:
        luck = self.chance.random()
        if luck < 0.004:  # away: holidays, a broken computer
            self.today += dt.timedelta(days=self.chance.randrange(2, 120))
        elif luck < 0.008:  # somebody sets the clock, or a battery is empty
            self.wrong = dt.timedelta(days=self.chance.randrange(-4000, 4000))
        elif luck < 0.05:
            self.wrong = dt.timedelta(0)

    def _backup(self) -> None:
        last = self.held[-1] if self.held else None
        usable = last is not None and last.kind is not Kind.SAFETY and last.verified is not None
        links = chain(last, {each.name: each for each in self.held}) if last else []
        if usable and last and len(links) < 7 and self.chance.random() < 0.95:
            self._take(Kind.INCREMENTAL, last.name)
        else:
            self._take(Kind.FULL, None)

    def _take(self, kind: Kind, base: str | None) -> None:
        name = f"{len(self.taken_on):05}"
        good = kind is Kind.SAFETY or self.chance.random() < 0.95
        verified = self.clock if good else None
        manual = kind is Kind.FULL and self.chance.random() < 0.02
        self.held.append(Held(name, self.clock, kind, verified, base, manual))
        self.taken_on[name] = self.today

    def _retain(self) -> None:
        before = {each.name: each for each in self.held}
        decided = plan(self.held, self.keep, ZONE, self.clock)
        self._hold(before, decided)
        self.held = [each for each in self.held if each.name in decided.keep]
        self.removed += len(decided.remove)
        self.most = max(self.most, len(self.held))

    def _hold(self, before: dict[str, Held], decided: Plan) -> None:
        assert set(decided.keep) | set(decided.remove) == set(before)
        left = dict(before)
        for name in decided.remove:  # killed after any of them, what is left stands
            del left[name]
            assert all(each.base != name for each in left.values())
            age = self.today - self.taken_on[name]
            if before[name].kind is Kind.SAFETY:
                assert age >= dt.timedelta(days=SAFETY_DAYS - 1), "a safety copy went too early"
        usable = [each for each in before.values() if restorable(each, before)]
        if usable:
            last = max(usable, key=lambda each: (self.taken_on[each.name], each.name))
            assert last.name in left, "the last verified archive went"
            assert restorable(last, left)


@settings(max_examples=settings().max_examples // 20)
@given(
    seed=st.integers(0, 2**32),
    keep=st.builds(
        Keep,
        daily=st.integers(1, 20),
        weekly=st.integers(0, 10),
        monthly=st.integers(0, 12),
        yearly=st.integers(0, 10),
        manual_days=st.integers(0, 120),
    ),
)
def test_ten_years_with_gaps_and_clock_changes(seed: int, keep: Keep) -> None:
    clinic = Clinic(random.Random(seed), keep)
    clinic.live(365 * YEARS)
    assert clinic.removed > 1000
    ahead = sum(each.at > clinic.clock for each in clinic.held)
    whole = keep.daily + keep.weekly + keep.monthly + keep.yearly + keep.manual_days + 40
    assert len(clinic.held) - ahead <= 7 * whole


def test_the_property_sees_a_retention_that_forgets_bases() -> None:
    clinic = Clinic(random.Random(1), Keep())
    clinic.live(20)
    before = {each.name: each for each in clinic.held}
    base = next(each.base for each in clinic.held if each.base)
    with pytest.raises(AssertionError):
        clinic._hold(before, Plan({n: frozenset() for n in before if n != base}, (base,)))


# The red banner ---------------------------------------------------------------------------------


def test_red_when_the_last_verified_success_is_older_than_26_hours() -> None:
    assert alarm(None, MONDAY).why == "never"
    just = alarm(MONDAY - RED_AFTER, MONDAY)
    assert (just.red, just.age) == (False, dt.timedelta(hours=26))
    old = alarm(MONDAY - RED_AFTER - dt.timedelta(seconds=1), MONDAY)
    assert (old.red, old.why) == (True, "old")


def test_red_where_the_clock_was_set_back_and_nobody_knows_the_age() -> None:
    assert not alarm(MONDAY + dt.timedelta(minutes=5), MONDAY).red
    assert alarm(MONDAY + dt.timedelta(hours=2), MONDAY).why == "clock"
