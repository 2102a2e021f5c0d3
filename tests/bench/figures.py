"""A figure, its limit, and the table and file that a bench leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WIDTH = 58
COUNTED = {"rows", "edits", "keys", "chunks", "caches", "times", "trips"}
"""Units of things that are counted, not measured."""


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


def heading(name: str, seconds: float) -> None:
    """Announces the figures of a measurement that took so long, all its preparations included."""
    print(f"\n{name} ({seconds:.0f} s)", flush=True)


def show(figures: list[Figure]) -> None:
    """Prints one line for each figure."""
    for figure in figures:
        limit = verdict = ""
        if figure.limit is not None:
            limit = f"{'≥' if figure.at_least else '≤'} {figure.limit:g}"
            verdict = "ok" if figure.ok else "MISSED"
        whole = figure.unit in COUNTED
        value = f"{figure.value:,.0f}" if whole else f"{figure.value:,.3f}"
        print(
            f"  {figure.name:<{WIDTH}} {value:>10} {figure.unit:<6} {limit:>8}  {verdict}".rstrip()
        )


def report(figures: list[Figure], path: Path) -> bool:
    """Writes the file and says how many limits hold; whether all do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "name": figure.name,
            "value": figure.value,
            "unit": figure.unit,
            "limit": figure.limit,
            "ok": figure.ok,
        }
        for figure in figures
    ]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    limited = [figure for figure in figures if figure.limit is not None]
    missed = [figure.name for figure in limited if not figure.ok]
    print(f"\n{len(limited) - len(missed)} of {len(limited)} limits hold; written to {path}")
    for name in missed:
        print(f"MISSED: {name}")
    return not missed
