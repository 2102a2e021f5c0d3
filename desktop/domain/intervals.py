"""Half-open intervals ``[start, end)`` over anything that has an order: instants, minutes.

Two intervals that only touch don't overlap: a visit may begin when the one before it ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Any)


@dataclass(frozen=True, slots=True, order=True)
class Interval(Generic[T]):
    """From ``start`` up to but without ``end``; empty where they are equal.

    Raises ``ValueError`` where it would end before it starts.
    """

    start: T
    end: T

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("an interval ends before it starts")

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        return bool(self.start == self.end)

    def overlaps(self, other: Interval[T]) -> bool:
        """Whether some moment lies in both."""
        return bool(
            self.start < other.end and other.start < self.end and not self.empty and not other.empty
        )

    def contains(self, other: Interval[T]) -> bool:
        """Whether all of ``other`` lies in this one."""
        return bool(self.start <= other.start and other.end <= self.end)


def union(intervals: Iterable[Interval[T]]) -> list[Interval[T]]:
    """The same moments as sorted intervals that neither overlap nor touch."""
    merged: list[Interval[T]] = []
    for interval in sorted(interval for interval in intervals if not interval.empty):
        if merged and interval.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def subtract(whole: Iterable[Interval[T]], holes: Iterable[Interval[T]]) -> list[Interval[T]]:
    """The moments of ``whole`` that lie in none of ``holes``, sorted."""
    taken = union(holes)
    left: list[Interval[T]] = []
    for interval in union(whole):
        start = interval.start
        for hole in taken:
            if hole.end <= start:
                continue
            if hole.start >= interval.end:
                break
            if start < hole.start:
                left.append(Interval(start, hole.start))
            start = max(start, hole.end)
        if start < interval.end:
            left.append(Interval(start, interval.end))
    return left


def starts_within(
    free: Interval[dt.datetime], duration: dt.timedelta, step: dt.timedelta, origin: dt.datetime
) -> Iterator[dt.datetime]:
    """Every moment on the grid ``origin + n * step`` where ``duration`` still fits into ``free``.

    ``duration`` and ``step`` are positive; all moments are aware and in one zone.
    """
    steps = -((origin - free.start) // step)
    start = origin + steps * step
    while start + duration <= free.end:
        yield start
        start += step
