"""``python -m tests.restore_race --runs N --seed S --versions 15,16,18``."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

from tests.restore_race.race import many
from tests.support import cluster
from tests.trouble_backup.site import Broken


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.restore_race")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--versions", type=lambda text: tuple(map(int, text.split(","))), default=(18,)
    )
    chosen = parser.parse_args(arguments)
    for version in chosen.versions:
        if cluster.binaries(version) is None:
            print(f"PostgreSQL {version} is not installed: no race on it")
            continue
        began = time.monotonic()
        try:
            report = many(chosen.runs, chosen.seed, version)
        except Broken as error:
            print(f"PostgreSQL {version}: BROKEN: {error}")
            return 1
        print(
            f"PostgreSQL {version}: {report.rounds} rounds in {time.monotonic() - began:.0f} s,"
            f" {report.made} records made; writers held {statistics.median(report.held):.0f} ms,"
            f" {max(report.held):.0f} ms at most; the web waited {report.waited:.0f} ms at most;"
            f" {report.applied} times there, {report.reviewed} times in review;"
            f" {report.asked} times asked whether most of a table may go"
        )
    print(
        "no ghost rows, no id given twice, no partial backup, nothing lost, the neighbour untouched"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
