"""The bench of backups works and says what it should; how fast things are is not judged here."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.backup.__main__ import NAMES, Bench, Scale, run
from tests.bench.figures import report
from tests.bench.test_bench import _general
from tests.support.embedded import Server

SMALL = Scale(rows=3_000, more=4_000, neighbours=2, rounds=1)
PROMISED = {
    "full backup / raw COPY": 2.0,
    "full backup / pg_dump -Fc": 0.7,
    "incremental of a 1 % day / full: time": 0.02,
    "incremental of a 1 % day / full: size": 0.02,
    "restore / COPY into bare tables": 2.0,
    "restore: a writer was held": 250,
    "restore: a reader was held": 250,
    "full backup beside 2 other tenants / alone": 1.2,
    "restore beside 2 other tenants / alone": 1.2,
    "memory of the process: 3,000 rows": 100,
    "memory of the process: 4,000 rows": 100,
    "memory of the restoring process: 3,000 rows": 100,
    "memory of the restoring process: 4,000 rows": 100,
}


def test_every_measurement_runs_and_is_written_explained_and_limited(
    postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        figures = run(Bench(postgres, tmp_path, SMALL, stack), NAMES)
    path = tmp_path / "build" / "bench-backup.json"
    report(figures, path)
    rows = json.loads(path.read_text("utf-8"))
    assert all(list(row) == ["name", "value", "unit", "limit", "ok"] for row in rows)
    limits = {row["name"]: row["limit"] for row in rows}
    assert len(limits) == len(rows)
    assert limits.items() >= PROMISED.items()
    values = {row["name"]: row["value"] for row in rows}
    assert values["full backup: rows"] > 3_000
    assert values["restore: rows"] > 3_000
    assert 0 < values["restore: a writer was held"] < 60_000
    table = capsys.readouterr().out
    explained = _general(Path("docs/measurements.md").read_text("utf-8"))
    for row in rows:
        assert row["name"] in table
        assert _general(row["name"]) in explained
