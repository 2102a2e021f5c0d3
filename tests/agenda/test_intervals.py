"""Intervals, the clinic's clock and the lanes, by their properties."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop.domain.agenda_layout import Block, place
from desktop.domain.clinic_time import Day, crosses_clock_change, exists, is_ambiguous, to_utc
from desktop.domain.errors import RuleError
from desktop.domain.intervals import Interval, starts_within, subtract, union

SANTIAGO = ZoneInfo("America/Santiago")
FORWARD = dt.date(2026, 9, 6)
"""In Santiago the clock goes from 23:59:59 of the 5th to 01:00: this day has 23 hours."""
BACK = dt.date(2026, 4, 4)
"""In Santiago 23:00 comes twice: this day has 25 hours."""

minutes = st.integers(0, 200)
intervals = st.lists(
    st.tuples(minutes, minutes).map(lambda pair: Interval(*sorted(pair))), max_size=12
)


def members(of: list[Interval[int]]) -> set[int]:
    return {minute for one in of for minute in range(one.start, one.end)}


@given(intervals)
@example([Interval(1, 2), Interval(2, 3)])
def test_a_union_has_the_same_minutes_and_its_parts_neither_overlap_nor_touch(
    some: list[Interval[int]],
) -> None:
    joined = union(some)
    assert members(joined) == members(some)
    assert all(left.end < right.start for left, right in itertools.pairwise(joined))


@given(intervals, intervals)
def test_what_is_subtracted_is_gone_and_the_rest_stays(
    whole: list[Interval[int]], holes: list[Interval[int]]
) -> None:
    assert members(subtract(whole, holes)) == members(whole) - members(holes)


@given(st.tuples(minutes, minutes), st.tuples(minutes, minutes))
def test_two_intervals_overlap_when_they_share_a_minute(
    one: tuple[int, int], two: tuple[int, int]
) -> None:
    left, right = Interval(*sorted(one)), Interval(*sorted(two))
    assert left.overlaps(right) == right.overlaps(left)
    assert left.overlaps(right) == bool(members([left]) & members([right]))


@given(minutes, st.integers(0, 100), st.integers(1, 60), st.integers(1, 60))
def test_starts_are_all_the_grid_moments_where_the_duration_fits(
    begin: int, length: int, duration: int, step: int
) -> None:
    origin = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    minute = dt.timedelta(minutes=1)
    free = Interval(origin + begin * minute, origin + (begin + length) * minute)
    found = list(starts_within(free, duration * minute, step * minute, origin))
    expected = [
        start
        for start in range(0, 400, step)
        if begin <= start and start + duration <= begin + length
    ]
    assert [(start - origin) // minute for start in found] == expected


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        Interval(2, 1)


blocks = st.lists(st.tuples(st.integers(-300, 1700), st.integers(-20, 400)), max_size=25).map(
    lambda pairs: [Block(key, start, start + length) for key, (start, length) in enumerate(pairs)]
)


@given(blocks, st.sampled_from([1380, 1440, 1500]), st.sampled_from([1, 10]))
def test_no_two_blocks_cover_the_same_place(some: list[Block], day: int, shortest: int) -> None:
    placed = place(some, day_minutes=day, shortest=shortest)
    for one, two in itertools.combinations(placed, 2):
        if one.start < two.end and two.start < one.end:
            lanes_one = set(range(one.lane, one.lane + one.span))
            lanes_two = set(range(two.lane, two.lane + two.span))
            assert not lanes_one & lanes_two
            assert one.lanes == two.lanes


@given(blocks, st.sampled_from([1380, 1440, 1500]))
def test_a_cluster_has_as_many_lanes_as_blocks_ever_overlap(some: list[Block], day: int) -> None:
    placed = place(some, day_minutes=day, shortest=5)
    for minute in range(0, day, 3):
        here = [one for one in placed if one.start <= minute < one.end]
        assert all(len(here) <= one.lanes for one in here)
    for one in placed:
        assert one.lane + one.span <= one.lanes
        cluster = _cluster(placed, one)
        depth = max(sum(o.start <= c.start < o.end for o in cluster) for c in cluster)
        assert one.lanes == depth


def _cluster(placed: list, one: object) -> list:  # type: ignore[type-arg]
    members_, grown = [one], True
    while grown:
        grown = False
        for other in placed:
            if other not in members_ and any(
                other.start < member.end and member.start < other.end for member in members_
            ):
                members_.append(other)
                grown = True
    return members_


@given(blocks, st.sampled_from([1380, 1440, 1500]))
def test_blocks_are_cut_at_midnight_and_say_so(some: list[Block], day: int) -> None:
    placed = {one.key: one for one in place(some, day_minutes=day, shortest=5)}
    for block in some:
        one = placed.get(block.key)
        if one is None:
            assert block.start >= day or block.end <= 0
            continue
        assert 0 <= one.start < one.end <= day
        assert one.end - one.start >= 5
        assert one.before == (block.start < 0)
        assert one.after == (block.end > day)


def test_a_day_has_as_many_minutes_as_pass_in_it() -> None:
    assert Day(FORWARD, SANTIAGO).minutes == 23 * 60
    assert Day(BACK, SANTIAGO).minutes == 25 * 60
    assert Day(dt.date(2026, 11, 23), SANTIAGO).minutes == 24 * 60


def test_the_clock_of_a_changed_day_shows_what_hangs_on_the_wall() -> None:
    forward, back = Day(FORWARD, SANTIAGO), Day(BACK, SANTIAGO)
    assert [forward.clock_at(minute) for minute in (0, 60)] == ["01:00", "02:00"]
    assert [back.clock_at(minute) for minute in (23 * 60, 24 * 60)] == ["23:00", "23:00"]
    assert forward.minute_of_clock(dt.time(0, 30)) == 0
    assert forward.minute_of_clock(dt.time(9)) == 8 * 60


def test_a_time_that_the_clock_skips_or_shows_twice_is_told() -> None:
    assert not exists(FORWARD, dt.time(0, 30), SANTIAGO)
    with pytest.raises(RuleError) as skipped:
        to_utc(FORWARD, dt.time(0, 30), SANTIAGO)
    assert skipped.value.code == "agenda.nonexistent_time"
    assert is_ambiguous(BACK, dt.time(23, 30), SANTIAGO)
    with pytest.raises(RuleError) as twice:
        to_utc(BACK, dt.time(23, 30), SANTIAGO)
    assert twice.value.code == "agenda.ambiguous_time"
    first = to_utc(BACK, dt.time(23, 30), SANTIAGO, fold=0)
    assert to_utc(BACK, dt.time(23, 30), SANTIAGO, fold=1) - first == dt.timedelta(hours=1)


def test_an_appointment_crosses_a_change_only_where_it_spans_it() -> None:
    change = Day(FORWARD, SANTIAGO).start
    hour = dt.timedelta(hours=1)
    assert crosses_clock_change(change - hour, change + hour, SANTIAGO)
    assert not crosses_clock_change(change - hour, change, SANTIAGO)
    assert not crosses_clock_change(change, change + hour, SANTIAGO)


ZONES = st.sampled_from(
    [SANTIAGO, ZoneInfo("America/Havana"), ZoneInfo("Europe/Madrid"), ZoneInfo("America/Asuncion"),
     ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")]
)  # fmt: skip


@given(st.dates(dt.date(2015, 1, 1), dt.date(2030, 12, 31)), ZONES)
def test_days_follow_each_other_without_gap(date: dt.date, zone: ZoneInfo) -> None:
    day = Day(date, zone)
    assert day.end == Day(date + dt.timedelta(days=1), zone).start
    assert day.start.astimezone(zone).date() == date
    assert (day.start - dt.timedelta(seconds=1)).astimezone(zone).date() < date


@given(
    st.dates(dt.date(2015, 1, 1), dt.date(2030, 12, 31)),
    st.times().map(lambda time: time.replace(second=0, microsecond=0)),
    ZONES,
)
def test_local_times_come_back_as_they_went(date: dt.date, time: dt.time, zone: ZoneInfo) -> None:
    if exists(date, time, zone):
        for fold in (0, 1):
            local = to_utc(date, time, zone, fold=fold).astimezone(zone)
            assert (local.date(), local.time().replace(fold=0)) == (date, time)
        assert Day(date, zone).clock_at(Day(date, zone).minute_of_clock(time)) == f"{time:%H:%M}"
