"""Many histories, by a few processes with a server each."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.histories.clinic import prepared
from tests.histories.history import Report, run

KEPT = Path("build/histories")


def many(seeds: dict[int, list[int]], jobs: int) -> int:
    """Live through histories and print what they came to; 1 where a rule was broken."""
    failed = 0
    for version, those in seeds.items():
        started = time.monotonic()
        faults: Counter[str] = Counter()
        total = Report(0, version)
        parts = [those[first::jobs] for first in range(jobs) if those[first::jobs]]
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            for reports in pool.imap_unordered(_some, [(version, part) for part in parts]):
                for report in reports:
                    faults += report.faults
                    total.applied += report.applied
                    total.refused += report.refused
                    total.web += report.web
                    failed += report.broken is not None
        seconds = time.monotonic() - started
        print(
            f"PostgreSQL {version}: {len(those)} histories in {seconds:.0f} s,"
            f" {total.applied} local transactions applied, {total.refused} refused,"
            f" {total.web} of the web"
        )
        print("  faults: " + ", ".join(f"{n} {kind}" for kind, n in sorted(faults.items())))
    print("every rule held" if not failed else f"{failed} histories broke a rule")
    return 1 if failed else 0


def _some(task: tuple[int, list[int]]) -> list[Report]:
    """A worker's share, on a cluster of its own."""
    version, seeds = task
    reports = []
    folder = Path(tempfile.mkdtemp(prefix="consultorio-histories-"))
    try:
        (folder / "template").mkdir()
        with prepared(version, folder / "template") as template:
            for seed in seeds:
                report = run(template, seed, folder / f"{seed}")
                reports.append(report)
                if report.broken is not None:
                    _tell(report, folder / f"{seed}")
                shutil.rmtree(folder / f"{seed}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return reports


def _tell(report: Report, folder: Path) -> None:
    kept = KEPT / f"{report.version}-{report.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    print(
        f"seed {report.seed} on PostgreSQL {report.version}: {report.broken}\n"
        f"  again: python -m tests.histories --seed {report.seed} --version {report.version}"
        f" --times 10   (files: {kept})",
        flush=True,
    )
