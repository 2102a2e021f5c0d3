"""The bench works and says what it should; how fast things are is not judged here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.bench.__main__ import NAMES, Bench, Scale, run
from tests.bench.figures import Figure, percentile, report
from tests.support.embedded import Server

SMALL = Scale(
    size=None,
    rounds=1,
    edits=3,
    seen=3,
    log_rows=100,
    captured=20,
    capture_rounds=1,
    bookings=3,
    clients=300,
    visits_each=1,
    people=2,
    practitioners=2,
    turns=1,
)
PROMISED = {
    "first sync: floor / ours": 0.5,
    "edit pushed: beyond a round trip": 5,
    "other screen: an edit is seen, p99": 250,
    "agenda: repaint (pointer, selection, now-line)": 16,
    "agenda: full repaint, no layer kept": 16,
    "search: answer to a key, p99": 50,
}


def test_every_measurement_runs_and_is_written_explained_and_limited(
    postgres: Server, tmp_path: Path, qtbot: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = run(Bench(postgres, tmp_path, SMALL), NAMES)
    path = tmp_path / "build" / "bench.json"
    report(figures, path)

    rows = json.loads(path.read_text("utf-8"))
    assert all(list(row) == ["name", "value", "unit", "limit", "ok"] for row in rows)
    limits = {row["name"]: row["limit"] for row in rows}
    assert len(limits) == len(rows)
    assert limits.items() >= PROMISED.items()

    table = capsys.readouterr().out
    explained = _general(Path("docs/measurements.md").read_text("utf-8"))
    for row in rows:
        assert row["name"] in table
        assert _general(row["name"]) in explained


def _general(text: str) -> str:
    return re.sub(r"\d[\d,]*", "n", text)


def test_what_misses_its_limit_is_shown_as_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = [
        Figure("quick", 1, "ms", 2),
        Figure("slow", 3, "ms", 2),
        Figure("low", 0.4, "ratio", 0.5, at_least=True),
        Figure("high", 0.6, "ratio", 0.5, at_least=True),
        Figure("shown", 9, "s"),
    ]
    assert report(figures, tmp_path / "bench.json") is False
    rows = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert {row["name"] for row in rows if not row["ok"]} == {"slow", "low"}
    assert "2 of 4 limits hold" in capsys.readouterr().out


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 201)]
    assert percentile(values, 0.5) == 100
    assert percentile(values, 0.99) == 198
    assert percentile([7.0], 0.99) == 7
