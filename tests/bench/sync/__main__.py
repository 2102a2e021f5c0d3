"""``make bench-sync``: what is promised of the sync, on one server, in one run.

Prints a table as it goes and writes ``build/bench-sync.json``: a list of ``name, value, unit,
limit, ok``. What misses its limit is said, and is no failure of the program.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ["PGTZ"] = "UTC"


from tests.bench import capture, world
from tests.bench.figures import Figure, report
from tests.bench.running import ground, measured
from tests.bench.sync import first, hour, pushing, screen
from tests.support import clinic as clinics
from tests.support.clinic import Clinic, Station
from tests.support.embedded import Server

BUSY = hour.Hour(stations=25, edits=60, web=120, seconds=240)


@dataclass(frozen=True)
class Scale:
    """How big the clinics are and how often each thing is done.

    :ivar first, work: of the product's sizes, for a first sync and for everything else; ``None`` is
        the tests' own clinic of two practitioners.
    :ivar seconds: in which an hour's work is done.
    """

    first: str | None = "large"
    work: str | None = "medium"
    rounds: int = 1
    screen_rounds: int = 3
    transactions: int = 1_000
    pushes: int = 5
    log_rows: int = 2_000_000
    polls: int = 300
    captured: int = 100_000
    capture_rounds: int = 9
    hour: hour.Hour = BUSY


class Bench:
    """Makes what a measurement needs when the first one asks for it."""

    def __init__(self, server: Server, folder: Path, scale: Scale, stack: ExitStack) -> None:
        self.server = server
        self.folder = folder
        self.scale = scale
        self._stack = stack
        self._clinics: dict[str | None, Clinic] = {}
        self._stations: dict[str, Station] = {}

    def clinic(self, size: str | None) -> Clinic:
        if size not in self._clinics:
            folder = self.folder / (size or "tests")
            folder.mkdir()
            made = (
                clinics.clinic(self.server, folder)
                if size is None
                else world.generated(self.server, folder, size)
            )
            self._clinics[size] = self._stack.enter_context(made)
        world.settle(self._clinics[size])
        return self._clinics[size]

    @property
    def work(self) -> Clinic:
        return self.clinic(self.scale.work)

    def station(self, label: str) -> Station:
        if label not in self._stations:
            self._stations[label] = self.work.station(label)
        return self._stations[label]

    # The measurements, in the order in which they run ------------------------------------------

    def first(self) -> list[Figure]:
        return first.measure(self.clinic(self.scale.first), self.scale.rounds)

    def cut(self) -> list[Figure]:
        return first.used_and_cut(self.clinic(self.scale.first))

    def screen(self) -> list[Figure]:
        held = self.scale.first is None
        return screen.seen(self.clinic(self.scale.first), self.scale.screen_rounds, held=held)

    def push(self) -> list[Figure]:
        scale = self.scale
        return pushing.offline(self.work, self.station("one"), scale.transactions, scale.pushes)

    def poll(self) -> list[Figure]:
        scale = self.scale
        return pushing.idle(self.work, self.station("one"), scale.log_rows, scale.polls)

    def capture(self) -> list[Figure]:
        return capture.server(self.work, self.scale.captured, self.scale.capture_rounds)

    def hour(self) -> list[Figure]:
        return hour.worked(self.work, self.scale.hour)


NAMES = ("first", "cut", "screen", "push", "poll", "capture", "hour")


def run(bench: Bench, names: tuple[str, ...]) -> list[Figure]:
    """The figures of the named measurements, shown one by one as they come."""
    return measured(bench, [name for name in NAMES if name in names])


@contextmanager
def prepared(scale: Scale) -> Iterator[Bench]:
    """A bench on ground of its own."""
    with ground() as (server, folder), ExitStack() as stack:
        yield Bench(server, folder, scale, stack)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sync", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench-sync.json"))
    chosen = parser.parse_args()
    with prepared(Scale()) as bench:
        figures = run(bench, tuple(chosen.only or NAMES))
    report(figures, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
