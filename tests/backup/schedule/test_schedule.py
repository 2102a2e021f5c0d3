"""When a backup is due: by the wall clock, once a day, whatever clocks and people do."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.backup import schedule
from desktop.backup.schedule import Past, Schedule, drill_due, due, full_due, last_slot, next_run

SANTIAGO = ZoneInfo("America/Santiago")
ZONES = ["America/Santiago", "America/Sao_Paulo", "Europe/Madrid", "Australia/Lord_Howe", "UTC"]
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc]


def test_it_is_due_at_its_hour_on_the_wall_summer_and_winter() -> None:
    plan = Schedule(hour=13)
    assert last_slot(plan, SANTIAGO, utc(2026, 1, 15, 23)) == utc(2026, 1, 15, 16)  # summer, -3
    assert last_slot(plan, SANTIAGO, utc(2026, 7, 15, 23)) == utc(2026, 7, 15, 17)  # winter, -4


def test_before_the_hour_it_is_not_due_and_after_it_once() -> None:
    plan, yesterday = Schedule(hour=13), Past(done=utc(2026, 7, 14, 17, 3))
    assert due(plan, SANTIAGO, yesterday, utc(2026, 7, 15, 16, 59)) is None
    slot = due(plan, SANTIAGO, yesterday, utc(2026, 7, 15, 17))
    assert slot is not None
    assert (slot.planned, slot.missed) == (utc(2026, 7, 15, 17), 0)
    assert due(plan, SANTIAGO, Past(done=utc(2026, 7, 15, 17, 2)), utc(2026, 7, 15, 23)) is None


def test_three_weeks_of_holidays_are_caught_up_by_one_run() -> None:
    slot = due(Schedule(), SANTIAGO, Past(done=utc(2026, 7, 1, 17, 3)), utc(2026, 7, 22, 12))
    assert slot is not None
    assert slot.missed == 19
    assert (
        due(Schedule(), SANTIAGO, Past(done=utc(2026, 7, 22, 12, 4)), utc(2026, 7, 22, 13)) is None
    )


def test_a_clinic_that_never_had_one_gets_it_now() -> None:
    slot = due(Schedule(hour=23), SANTIAGO, Past(), utc(2026, 7, 22, 12))
    assert slot is not None
    assert slot.missed == 0


def test_an_hour_that_the_clock_skips_is_the_moment_of_the_change() -> None:
    # On 6 September 2026 the clock of Santiago goes from 00:00 to 01:00, at 04:00 UTC.
    assert last_slot(Schedule(hour=0, minute=30), SANTIAGO, utc(2026, 9, 6, 12)) == utc(
        2026, 9, 6, 4
    )


def test_an_hour_that_comes_twice_runs_the_first_time_only() -> None:
    # On 4 April 2026 the clock of Santiago shows 23:00 to 24:00 twice, from 02:00 UTC on the 5th.
    plan = Schedule(hour=23, minute=15)
    first, second = utc(2026, 4, 5, 2, 15), utc(2026, 4, 5, 3, 15)
    slot = due(plan, SANTIAGO, Past(done=utc(2026, 4, 4, 2, 20)), first)
    assert slot is not None
    assert slot.planned == first
    assert due(plan, SANTIAGO, Past(done=first + MINUTE), second + MINUTE) is None


def test_a_clock_set_back_a_little_repeats_nothing() -> None:
    done = Past(done=utc(2026, 7, 15, 17, 4))
    assert due(Schedule(hour=13), SANTIAGO, done, utc(2026, 7, 15, 16, 58)) is None
    assert due(Schedule(hour=13), SANTIAGO, done, utc(2026, 7, 15, 17, 1)) is None


def test_a_success_from_the_future_keeps_nobody_from_backing_up() -> None:
    assert due(Schedule(), SANTIAGO, Past(done=utc(2031, 1, 1)), utc(2026, 7, 15, 20)) is not None
    failed = Past(tried=utc(2031, 1, 1), failures=9)
    assert due(Schedule(), SANTIAGO, failed, utc(2026, 7, 15, 20)) is not None


def test_after_a_failure_it_waits_longer_and_longer_up_to_two_hours() -> None:
    now = utc(2026, 7, 15, 18)
    one = Past(done=utc(2026, 7, 14, 18), tried=now, failures=1)
    assert due(Schedule(), SANTIAGO, one, now + 4 * MINUTE) is None
    assert due(Schedule(), SANTIAGO, one, now + 5 * MINUTE) is not None
    many = Past(done=utc(2026, 7, 14, 18), tried=now, failures=5000)
    assert due(Schedule(), SANTIAGO, many, now + 119 * MINUTE) is None
    assert due(Schedule(), SANTIAGO, many, now + 120 * MINUTE) is not None


def test_the_drill_comes_once_a_week() -> None:
    plan = Schedule(drill_weekday=6, drill_hour=14)
    sunday = utc(2026, 7, 19, 18)
    assert drill_due(plan, SANTIAGO, Past(done=utc(2026, 7, 12, 18, 5)), sunday - MINUTE) is None
    assert drill_due(plan, SANTIAGO, Past(done=utc(2026, 7, 12, 18, 5)), sunday) is not None
    late = drill_due(plan, SANTIAGO, Past(done=utc(2026, 7, 12, 18, 5)), sunday + 3 * DAY)
    assert late is not None
    assert late.missed == 0
    assert drill_due(plan, SANTIAGO, Past(done=sunday + 3 * DAY), sunday + 6 * DAY) is None


def test_a_full_archive_every_seventh_day() -> None:
    plan, last = Schedule(full_every_days=7), utc(2026, 7, 1, 17)
    assert full_due(plan, None, last)
    assert not full_due(plan, last, last + 6 * DAY)
    assert full_due(plan, last, last + 7 * DAY)
    assert full_due(plan, last + 4000 * DAY, last)
    assert full_due(Schedule(full_every_days=1), last, last + DAY)


@pytest.mark.parametrize(
    "given",
    [{"hour": 24}, {"hour": -1}, {"minute": 60}, {"drill_weekday": 7}, {"full_every_days": 0}],
)
def test_a_schedule_without_sense_is_none(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="schedule"):
        Schedule(**given)


moments = st.integers(0, 60 * 24 * 365 * 16).map(lambda count: utc(2020, 1, 1) + count * MINUTE)
schedules = st.builds(Schedule, hour=st.integers(0, 23), minute=st.integers(0, 59))


@given(schedules, st.sampled_from(ZONES), moments)
def test_every_date_has_one_slot_and_slots_follow_one_another(
    plan: Schedule, name: str, now: dt.datetime
) -> None:
    zone = ZoneInfo(name)
    last, following = last_slot(plan, zone, now), next_run(plan, zone, now)
    assert last <= now < following
    assert dt.timedelta(hours=22) < following - last < dt.timedelta(hours=26)
    assert last_slot(plan, zone, following) == following
    assert next_run(plan, zone, last) == following
    days = (last.astimezone(zone).date(), following.astimezone(zone).date())
    assert days[0] < days[1] <= days[0] + 2 * DAY


@given(
    schedules,
    st.sampled_from(ZONES),
    moments,
    st.lists(st.integers(1, 60 * 24 * 40), min_size=1, max_size=40),
)
def test_however_a_program_is_used_a_day_has_one_run_and_no_slot_is_left_out(
    plan: Schedule, name: str, now: dt.datetime, waits: list[int]
) -> None:
    """It looks at the clock now and then; whenever it does, a slot that passed has been served."""
    zone, past = ZoneInfo(name), Past()
    runs: list[dt.datetime] = []
    for wait in waits:
        slot = due(plan, zone, past, now)
        if slot is not None:
            runs.append(slot.planned)
            past = Past(done=now + MINUTE)
        assert past.done is not None
        assert past.done >= last_slot(plan, zone, now)
        now += wait * MINUTE
    assert len(set(runs)) == len(runs)


@given(st.integers(1, 10_000))
def test_waits_between_tries_grow_and_end(failures: int) -> None:
    assert schedule.repeat_after(failures) <= schedule.repeat_after(failures + 1)
    assert schedule.repeat_after(failures) <= dt.timedelta(hours=2)
