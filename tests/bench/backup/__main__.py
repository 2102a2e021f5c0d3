"""``make bench-backup``: what is promised of backups, as ratios in one run on one server.

Prints a table as it goes and writes ``build/bench-backup.json``: a list of ``name, value, unit,
limit, ok``. What misses its limit is said, and is no failure of the program.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

os.environ["PGTZ"] = "UTC"

import psycopg
from psycopg import conninfo

from desktop.backup.copying import copied
from desktop.backup.places.base import never
from desktop.backup.reading import snapshot
from desktop.backup.restore import KEEP_DAYS, purge_expired
from tests.bench.backup import world
from tests.bench.backup.floor import Floor
from tests.bench.figures import Figure, report
from tests.bench.running import ground, measured
from tests.bench.world import settle
from tests.support import cluster
from tests.support.clinic import Clinic
from tests.support.embedded import Server

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Scale:
    """How big the clinics are. :ivar day: of how many rows one is changed in a day."""

    rows: int = 1_000_000
    more: int = 5_000_000
    neighbours: int = 400
    day: int = 100
    rounds: int = 5


class Bench:
    """A clinic that grows while it is measured."""

    def __init__(self, server: Server, folder: Path, scale: Scale, stack: ExitStack) -> None:
        self._folder = folder
        self._server = server
        self._scale = scale
        self.clinic: Clinic = stack.enter_context(
            world.clinic_of(server, folder / "clinic", scale.rows)
        )
        self._parameters = self.clinic.station(
            "oficina", "office"
        ).workstation.connection_parameters()
        self._files = 0
        self._full = 0.0
        self._last: dict[str, Any] = {}

    def _take(
        self, since: dict[str, Any] | None = None, keep: Path | None = None
    ) -> dict[str, Any]:
        self._files += 1
        path = keep or self._folder / f"{self._files}.consultorio"
        task = {
            "server": self._parameters,
            "schema": self.clinic.schema,
            "path": str(path),
            "since": since,
        }
        found = _in_its_own_process("taking", task)
        if keep is None:
            path.unlink()
        return found

    def _restore(self, path: Path, taken: dict[str, Any]) -> dict[str, Any]:
        """A restore of the clinic, of which nothing is kept."""
        settle(self.clinic)
        found = _in_its_own_process(
            "restoring",
            {
                "dsn": self.clinic.dsn,
                "schema": self.clinic.schema,
                "path": str(path),
                "identity": taken["identity"],
                "signer": taken["signer"],
            },
        )
        later = dt.datetime.now(dt.UTC) + dt.timedelta(days=KEEP_DAYS + 1)
        with self.clinic.admin() as connection:
            purge_expired(connection, self.clinic.schema, later)
            # As the server's own vacuum would in the midst of the next turn.
            connection.execute("VACUUM ANALYZE")
        return found

    def _filled(self, floor: Floor) -> dict[str, float]:
        """The same rows by COPY into bare tables."""
        with self.clinic.admin() as connection:
            floor.make(connection, self.clinic.schema)
            settle(self.clinic)
            began = time.monotonic()
            seconds = floor.fill(connection)
            floor.drop(connection)
        return {"began": began, "ended": began + seconds, "seconds": seconds}

    @contextmanager
    def _somebody(self, *, writes: bool) -> Iterator[list[tuple[float, float]]]:
        """Somebody who works in the clinic; what was noted is there at the end."""
        noted: list[tuple[float, float]] = []
        task = {"dsn": self.clinic.dsn, "schema": self.clinic.schema, "writes": writes}
        with _process("using") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
            yield noted
            noted.extend(json.loads(process.communicate()[0]))

    def _raw(self) -> float:
        """Every table by COPY, and nothing done with it."""
        with psycopg.connect(**self._parameters, autocommit=True) as connection:
            with snapshot(connection, self.clinic.schema) as moment:
                begun = time.perf_counter()
                for table in moment.tables:
                    with copied(connection, moment.copy_of(table), never) as rows:
                        for _row in rows:
                            pass
                return time.perf_counter() - begun

    def _dump(self) -> float:
        """What pg_dump takes for its own compressed format, as an administrator."""
        programs = cluster.binaries(self._server.version)
        assert programs is not None
        path = self._folder / "dump"
        given = conninfo.conninfo_to_dict(self.clinic.dsn)
        quoted = '"' + self.clinic.schema.replace('"', '""') + '"'
        begun = time.perf_counter()
        subprocess.run(
            [str(programs / "pg_dump"), "-Fc", "-n", quoted, "-f", str(path),
             "-h", str(given["host"]), "-U", str(given["user"]), "-d", str(given["dbname"])],
            check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        path.unlink()
        return seconds

    # The measurements, in the order in which they run ------------------------------------------

    def full(self) -> list[Figure]:
        """Turn by turn, so that a busy moment of the computer is everybody's."""
        raws, dumps, takes = [], [], []
        self._raw()
        for _round in range(self._scale.rounds):
            raws.append(self._raw())
            takes.append(self._take())
            dumps.append(self._dump())
        raw, dump = median(raws), median(dumps)
        self._full = median(each["seconds"] for each in takes)
        self._last = takes[-1]
        return [
            Figure("full backup: rows", self._last["rows"], "rows"),
            Figure("full backup: raw COPY of all tables", raw, "s"),
            Figure("full backup: pg_dump -Fc", dump, "s"),
            Figure("full backup: encrypted and read back", self._full, "s"),
            Figure("full backup: size", self._last["size"] / 1e6, "MB"),
            Figure("full backup / raw COPY", self._full / raw, "×", 2.0),
            Figure("full backup / pg_dump -Fc", self._full / dump, "×", 0.7),
            Figure(
                f"memory of the process: {self._scale.rows:,} rows",
                max(each["memory"] for each in takes),
                "MB",
                100,
            ),
        ]

    def day(self) -> list[Figure]:
        """What changed in a day of one row in a hundred."""
        takes = []
        full = self._last
        last = full["since"]
        for _round in range(self._scale.rounds):
            with self.clinic.admin() as connection:
                connection.execute("DELETE FROM pacientes_cliente WHERE email LIKE 'nuevo%'")
                last = self._take(last)["since"]
                world.a_day(connection, self._scale.rows // self._scale.day)
            takes.append(self._take(last))
            last = takes[-1]["since"]
            assert takes[-1]["kind"] == "incremental"
        seconds = median(each["seconds"] for each in takes)
        size = median(each["size"] for each in takes)
        return [
            Figure("incremental of a 1 % day: time", seconds * 1000, "ms"),
            Figure("incremental of a 1 % day: size", size / 1e6, "MB"),
            Figure("incremental of a 1 % day / full: time", seconds / self._full, "×", 0.02),
            Figure("incremental of a 1 % day / full: size", size / full["size"], "×", 0.02),
        ]

    def restore(self) -> list[Figure]:
        """Each between two times of COPY into bare tables, while somebody writes and somebody reads."""
        path = self._folder / "restored"
        taken = self._take(keep=path)
        floor = Floor(path, taken["identity"], self._folder / "plain")
        copies, restores = [], []
        with self._somebody(writes=True) as writes, self._somebody(writes=False) as reads:
            self._filled(floor)
            copies.append(self._filled(floor))
            for _round in range(self._scale.rounds):
                restores.append(self._restore(path, taken))
                copies.append(self._filled(floor))
        path.unlink()
        parts = {
            name: median(each[name] for each in restores)
            for name in ("seconds", "verify", "load", "finish", "held")
        }
        copy = median(each["seconds"] for each in copies)
        # What the computer does faster or slower at times, it does so for a while.
        around = [(one["seconds"] + next_["seconds"]) / 2 for one, next_ in pairwise(copies)]
        turns = zip(restores, around, strict=True)
        ratio = median(each["seconds"] / beside for each, beside in turns)
        held = _longest(writes, restores)
        return [
            Figure("restore: rows", restores[-1]["rows"], "rows"),
            Figure("restore: COPY of its rows into bare tables", copy, "s"),
            Figure("restore: of a verified archive", parts["seconds"] - parts["verify"], "s"),
            Figure("restore: of it loading rows", parts["load"], "s"),
            Figure("restore: of it keys, indexes, checks and change", parts["finish"], "s"),
            Figure("restore: the archive's verification before it", parts["verify"], "s"),
            Figure("restore / COPY into bare tables", ratio, "×", 2.0),
            Figure("restore: the tables were locked", parts["held"], "ms"),
            Figure("restore: a writer was held", held.milliseconds, "ms", 250),
            Figure("restore: that change was begun after", held.after, "s"),
            Figure("restore: a reader was held", _longest(reads, restores).milliseconds, "ms", 250),
            Figure(
                "COPY into bare tables: a writer was held",
                _longest(writes, copies).milliseconds,
                "ms",
            ),
            Figure(
                f"memory of the restoring process: {self._scale.rows:,} rows",
                max(each["memory"] for each in restores),
                "MB",
                100,
            ),
        ]

    def neighbours(self) -> list[Figure]:
        """With the tables of many tenants in the same database."""
        path = self._folder / "alone"
        kept = self._take(keep=path)
        others = f"beside {self._scale.neighbours} other tenants"

        def both() -> tuple[float, float]:
            rounds = range(self._scale.rounds)
            taken = median(self._take()["seconds"] for _round in rounds)
            return taken, median(self._restore(path, kept)["seconds"] for _round in rounds)

        with self.clinic.admin() as connection:
            alone = both()
            world.neighbours(connection, self._scale.neighbours)
        beside = both()
        path.unlink()
        return [
            figure
            for what, here, there in zip(("full backup", "restore"), alone, beside, strict=True)
            for figure in (
                Figure(f"{what} {others}", there, "s"),
                Figure(f"{what} {others} / alone", there / here, "×", 1.2),
            )
        ]

    def more(self) -> list[Figure]:
        """A clinic of five times the rows."""
        with self.clinic.admin() as connection:
            connection.execute("DELETE FROM pacientes_cliente WHERE email LIKE 'nuevo%'")
            world.grow(connection, self._scale.rows, self._scale.more)
        path = self._folder / "more"
        found = self._take(keep=path)
        restored = self._restore(path, found)
        path.unlink()
        rows = f"{self._scale.more:,} rows"
        return [
            Figure(f"memory of the process: {rows}", found["memory"], "MB", 100),
            Figure(f"full backup: {rows}", found["seconds"], "s"),
            Figure(f"memory of the restoring process: {rows}", restored["memory"], "MB", 100),
            Figure(f"restore: {rows}", restored["seconds"], "s"),
        ]


NAMES = ("full", "day", "restore", "neighbours", "more")


@dataclass(frozen=True, order=True)
class Held:
    """How long one thing took that somebody did, and when it was begun in what went on meanwhile."""

    milliseconds: float
    after: float


def _longest(noted: list[tuple[float, float]], turns: Sequence[dict[str, Any]]) -> Held:
    """The longest thing that somebody did while one of them was going on."""
    return max(
        Held(1000 * (ended - began), began - each["began"])
        for began, ended in noted
        for each in turns
        if began <= each["ended"] and ended >= each["began"]
    )


@contextmanager
def _process(name: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.backup.{name}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        assert process.wait() == 0


def _in_its_own_process(name: str, task: dict[str, Any]) -> dict[str, Any]:
    with _process(name) as process:
        found: dict[str, Any] = json.loads(process.communicate(json.dumps(task) + "\n")[0])
    return found


def run(bench: Bench, names: tuple[str, ...]) -> list[Figure]:
    """The figures of the named measurements, shown one by one as they come."""
    return measured(bench, [name for name in NAMES if name in names])


@contextmanager
def prepared(scale: Scale) -> Iterator[Bench]:
    """A bench on ground of its own."""
    with ground() as (server, folder), ExitStack() as stack:
        yield Bench(server, folder, scale, stack)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.backup", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}"
    )
    parser.add_argument("--rows", type=int, default=Scale.rows)
    parser.add_argument("--out", type=Path, default=Path("build/bench-backup.json"))
    chosen = parser.parse_args()
    with prepared(Scale(rows=chosen.rows)) as bench:
        figures = run(bench, tuple(chosen.only or NAMES))
    report(figures, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
