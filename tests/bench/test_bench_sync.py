"""The bench of the sync works and says what it should; how fast things are is not judged here."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.figures import report
from tests.bench.sync.__main__ import NAMES, Bench, Scale, run
from tests.bench.sync.hour import Hour
from tests.bench.test_bench import _general
from tests.support.embedded import Server

SMALL = Scale(
    first=None,
    work=None,
    screen_rounds=1,
    transactions=5,
    log_rows=100,
    polls=3,
    captured=20,
    capture_rounds=1,
    hour=Hour(stations=2, edits=4, web=6, seconds=1.5),
)
PROMISED = {
    "first sync: floor / ours": 0.8,
    "first sync: the day's agenda can be read": 2,
    "first sync cut at 99 %: chunks sent again": 1,
    "first sync, on the screen: today's agenda painted": 2,
    "first sync: memory of the process, peak": 300,
    "offline work: on the server, for 1,000": 0.5,
    "idle poll: answered / bare round trip": 3,
    "capture: INSERT of 20 rows, with / without": 1.5,
    "busy hour: trouble that a person was shown": 0,
    "busy hour: caches that differ from the server in the end": 0,
}
TRUE_AT_ANY_SIZE = {
    "first sync cut at 99 %: chunks sent again",
    "offline work: refused",
    "busy hour: trouble that a person was shown",
    "busy hour: caches that differ from the server in the end",
}


def test_every_measurement_runs_and_is_written_explained_and_limited(
    postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        figures = run(Bench(postgres, tmp_path, SMALL, stack), NAMES)
    path = tmp_path / "build" / "bench-sync.json"
    report(figures, path)

    rows = json.loads(path.read_text("utf-8"))
    assert all(list(row) == ["name", "value", "unit", "limit", "ok"] for row in rows)
    limits = {row["name"]: row["limit"] for row in rows}
    assert len(limits) == len(rows)
    assert limits.items() >= PROMISED.items()
    assert all(row["ok"] for row in rows if row["name"] in TRUE_AT_ANY_SIZE)

    table = capsys.readouterr().out
    explained = _general(Path("docs/measurements.md").read_text("utf-8"))
    for row in rows:
        assert row["name"] in table
        assert _general(row["name"]) in explained


def test_chunks_are_counted_where_they_are_sent_again(postgres: Server, tmp_path: Path) -> None:
    """Catches a figure that is nought because nothing was cut, or nothing was noticed."""
    with ExitStack() as stack:
        bench = Bench(postgres, tmp_path, SMALL, stack)
        found = {figure.name: figure.value for figure in bench.cut()}
    assert found["first sync cut at 99 %: chunks sent again"] == 1
