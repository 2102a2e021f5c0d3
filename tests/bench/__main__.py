"""``make bench``: every figure of the design, on one server, in one run.

Prints a table as it goes and writes ``build/bench.json``: a list of ``name, value, unit, limit,
ok``. What misses its limit is said, and is no failure of the program. What is compared is measured
by turns, so that a busy computer strikes both sides.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PGTZ"] = "UTC"

from PySide6.QtWidgets import QApplication

from tests.bench import capture, exchange, first_sync, screens, world
from tests.bench.figures import Figure, report
from tests.bench.running import ground, measured
from tests.support import clinic as clinics
from tests.support.clinic import Clinic, Station
from tests.support.embedded import Server


@dataclass(frozen=True)
class Scale:
    """How big the clinics are and how often each thing is done.

    :ivar size: of the product's sizes; ``None`` is the tests' own clinic of two practitioners.
    """

    size: str | None = "medium"
    rounds: int = 3
    edits: int = 200
    seen: int = 400
    log_rows: int = 2_000_000
    captured: int = 20_000
    capture_rounds: int = 5
    bookings: int = 100
    clients: int = 40_000
    visits_each: int = 10
    people: int = 12
    practitioners: int = 20
    turns: int = 15


class Bench:
    """Makes what a measurement needs when the first one asks for it."""

    def __init__(self, server: Server, folder: Path, scale: Scale) -> None:
        self.server = server
        self.folder = folder
        self.scale = scale
        self._clinic: Clinic | None = None
        self._stations: dict[str, Station] = {}

    @contextmanager
    def working(self) -> Iterator[None]:
        """The clinic of the chosen size stands as long as the block."""
        folder = self.folder / "clinic"
        folder.mkdir()
        made = (
            clinics.clinic(self.server, folder)
            if self.scale.size is None
            else world.generated(self.server, folder, self.scale.size)
        )
        with made as clinic:
            self._clinic = clinic
            yield

    @property
    def clinic(self) -> Clinic:
        if self._clinic is None:
            raise RuntimeError("no clinic stands")
        return self._clinic

    def station(self, label: str) -> Station:
        if label not in self._stations:
            self._stations[label] = self.clinic.station(label)
        return self._stations[label]

    # The measurements, in the order in which they run ------------------------------------------

    def agenda(self) -> list[Figure]:
        scale = self.scale
        return screens.agenda(self.folder, practitioners=scale.practitioners, turns=scale.turns)

    def search(self) -> list[Figure]:
        scale = self.scale
        with world.crowded(
            self.server, self.folder / "crowd", scale.clients, scale.visits_each
        ) as clinic:
            return screens.search(clinic.station("search"), people=scale.people)

    def first_sync(self) -> list[Figure]:
        return first_sync.measure(self.clinic, self.clinic.folder, self.scale.rounds)

    def push(self) -> list[Figure]:
        return exchange.pushed(self.clinic, self.station("one"), self.scale.edits)

    def seen(self) -> list[Figure]:
        return exchange.seen_elsewhere(
            self.clinic, self.station("one"), self.station("other"), self.scale.seen
        )

    def poll(self) -> list[Figure]:
        return exchange.asked_again(self.clinic, self.station("one"), self.scale.log_rows)

    def capture(self) -> list[Figure]:
        scale = self.scale
        return capture.server(self.clinic, scale.captured, scale.capture_rounds)

    def local(self) -> list[Figure]:
        return capture.cache(self.clinic, self.station("one"), self.scale.bookings)


ALONE = ("agenda", "search")
WITH_CLINIC = ("first_sync", "push", "seen", "poll", "capture", "local")
NAMES = ALONE + WITH_CLINIC


def run(bench: Bench, names: tuple[str, ...]) -> list[Figure]:
    """The figures of the named measurements, shown one by one as they come."""
    figures = measured(bench, [name for name in ALONE if name in names])
    if set(names) & set(WITH_CLINIC):
        with bench.working():
            for name in WITH_CLINIC:
                if name in names:
                    world.settle(bench.clinic)
                    figures += measured(bench, [name])
    return figures


@contextmanager
def prepared(scale: Scale) -> Iterator[Bench]:
    """A bench on ground of its own."""
    with ground() as (server, folder):
        yield Bench(server, folder, scale)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    chosen = parser.parse_args()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    with prepared(Scale()) as bench:
        figures = run(bench, tuple(chosen.only or NAMES))
    application.quit()
    report(figures, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
