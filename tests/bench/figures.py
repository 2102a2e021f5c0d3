"""A figure, its limit, and the table and file that a bench leaves."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value; ``ok`` compares it with its limit.

    :ivar limit: ``None`` for a figure that is shown for its own sake.
    :ivar at_least: the limit is a floor, not a ceiling.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False

    @property
    def ok(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of the (at least one) values lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def timed(action: Callable[[], object], times: int, *, warm_up: int = 1) -> list[float]:
    """Seconds of each of ``times`` runs, after ``warm_up`` that don't count."""
    for _ in range(warm_up):
        action()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return seconds


def median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def report(figures: list[Figure], path: Path) -> bool:
    """Prints the table, writes the file; whether every limit holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(figure) | {"ok": figure.ok} for figure in figures]
    for row in rows:
        del row["at_least"]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        limit = "" if figure.limit is None else ("≥ " if figure.at_least else "≤ ")
        limit += "" if figure.limit is None else f"{figure.limit:g}"
        verdict = "" if figure.limit is None else ("ok" if figure.ok else "MISSED")
        print(
            f"{figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<6} {limit:>8}  {verdict}"
        )
    return all(figure.ok for figure in figures)
