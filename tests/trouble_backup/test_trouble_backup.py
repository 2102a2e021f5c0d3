"""The small form of ``make trouble-backup``."""

from __future__ import annotations

from tests.trouble_backup.runs import FAULTS, WORKS, many
from tests.trouble_backup.site import can_mount

RUNS = 3


def test_whatever_is_cut_the_clinic_is_whole() -> None:
    """Catches a restore that is seen half done, an archive that is none under an archive's name, and
    a success that was none."""
    report = many(RUNS, 7, 18)
    assert sum(report.counts.values()) >= RUNS + len(WORKS)
    assert set(report.seconds) == set(WORKS)
    assert len(FAULTS) == 5 or not can_mount()
