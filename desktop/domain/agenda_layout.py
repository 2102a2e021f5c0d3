"""Where the blocks of a column stand: clusters, a sweep, and greedy lanes.

Pure functions over minutes. Blocks that overlap stand side by side; a cluster (blocks connected by
overlaps) is cut into as many lanes as blocks ever overlap at once, which is the fewest possible,
and a block widens over the lanes to its right that stay free beside it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Something to place: ``start`` up to but without ``end``, in minutes of the day."""

    key: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A block with its place in the column.

    :ivar lane: from 0, left to right.
    :ivar span: how many lanes it covers, at least 1.
    :ivar lanes: how many lanes its cluster has.
    :ivar before: part of it lies before the day; ``after``: part of it lies after.
    """

    key: int
    start: int
    end: int
    lane: int
    span: int
    lanes: int
    before: bool = False
    after: bool = False


def place(blocks: Iterable[Block], *, day_minutes: int, shortest: int = 1) -> list[Placed]:
    """Lanes for the blocks of one column, sorted by start.

    :param day_minutes: how long the day is; a block is cut at midnight, one outside it is left out.
    :param shortest: a block is drawn at least this long, so that it can be read and hit.
    """
    drawn = sorted(
        (
            block
            for block in (_cut(block, day_minutes, shortest) for block in blocks)
            if block is not None
        ),
        key=lambda item: (item.start, -item.end, item.key),
    )
    placed: list[Placed] = []
    cluster: list[Placed] = []
    reach = 0
    for block in drawn:
        if cluster and block.start >= reach:
            placed += _lanes(cluster)
            cluster = []
        reach = max(reach, block.end) if cluster else block.end
        cluster.append(block)
    return placed + _lanes(cluster)


def _cut(block: Block, day_minutes: int, shortest: int) -> Placed | None:
    """The part of a block inside the day, at least ``shortest`` long where the day has room."""
    if block.start >= day_minutes or (block.end <= 0 and block.start < 0):
        return None
    start = max(0, block.start)
    end = min(day_minutes, max(block.end, start + shortest))
    start = max(0, min(start, end - shortest))
    return Placed(
        block.key, start, end, 0, 1, 1, before=block.start < 0, after=block.end > day_minutes
    )


def _lanes(cluster: list[Placed]) -> list[Placed]:
    """The greedy sweep: each block takes the leftmost lane whose last block has ended."""
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    lane_of: list[int] = []
    count = 0
    for block in cluster:
        while busy and busy[0][0] <= block.start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, count = count, count + 1
        heapq.heappush(busy, (block.end, lane))
        lane_of.append(lane)
    return [
        Placed(
            block.key,
            block.start,
            block.end,
            lane,
            _span(cluster, lane_of, index, count),
            count,
            block.before,
            block.after,
        )
        for index, (block, lane) in enumerate(zip(cluster, lane_of, strict=True))
    ]


def _span(cluster: list[Placed], lane_of: list[int], index: int, count: int) -> int:
    """How many lanes are free beside a block, its own included."""
    if count == 1:
        return 1
    block, lane = cluster[index], lane_of[index]
    beside = [
        lane_of[other]
        for other, neighbour in enumerate(cluster)
        if lane_of[other] > lane and neighbour.start < block.end and block.start < neighbour.end
    ]
    return min(beside, default=count) - lane
