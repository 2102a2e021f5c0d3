"""``python -m tests.histories``: many histories on real servers, or one of them again.

``--count N --first-seed M --versions 15,16,18``: histories M … M + N - 1 on each version.
``--seed S --version V [--times T]``: one again, T times: its plan is the seed's, its timing is the
day's. The files of a history that broke a rule are kept in ``build/histories``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.histories.workers import many
from tests.support import cluster


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--versions", type=_numbers, default=(15, 16, 18))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--version", type=int, default=18)
    parser.add_argument("--times", type=int, default=1)
    chosen = parser.parse_args(arguments)
    if chosen.seed is not None:
        return many({chosen.version: [chosen.seed] * chosen.times}, 1)
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.count)
    missing = [v for v in chosen.versions if cluster.binaries(v) is None]
    for version in missing:
        print(f"PostgreSQL {version} is not installed: no histories on it")
    there = {version: list(seeds) for version in chosen.versions if version not in missing}
    return many(there, chosen.jobs) or bool(missing)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
