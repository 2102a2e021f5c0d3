"""The small form of ``make restore-race``."""

from __future__ import annotations

from tests.restore_race.race import STATIONS, STEPS, many


def test_everybody_works_while_a_restore_runs() -> None:
    """Catches ghost rows, ids that are given twice, work that is nowhere, and a neighbour's change."""
    report = many(1, 3, 18)
    assert report.rounds == 1
    assert report.made >= STATIONS * STEPS
