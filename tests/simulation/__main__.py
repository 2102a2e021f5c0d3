"""``python -m tests.simulation``: many worlds, or one of them again, or the mistakes put in.

``--seeds N --first-seed M``: worlds M … M + N - 1, on every core; exit 1 where a rule was broken.
``--seed S [--steps 3,7,20-25]``: one world, or some of its steps, and all that happens in it.
``--mutations [WORD …]``: see :mod:`tests.simulation.mutations`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Sequence

from tests.simulation import mutations
from tests.simulation.world import Report, run

SHRINKING = 60.0
"""Seconds that are spent on making a failure shorter."""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--steps", type=_places)
    parser.add_argument("--mutations", nargs="*", metavar="WORD")
    chosen = parser.parse_args(arguments)
    if chosen.mutations is not None:
        return mutations.main(chosen.mutations, chosen.jobs)
    if chosen.seed is not None:
        report = run(chosen.seed, chosen.steps, print)
        print(report.broken or "every rule held")
        return 1 if report.broken else 0
    return many(range(chosen.first_seed, chosen.first_seed + chosen.seeds), chosen.jobs)


def many(seeds: Sequence[int], jobs: int) -> int:
    """Live through worlds and print what they came to; 1 where a rule was broken."""
    started = time.monotonic()
    total = Report(0, 0)
    failed: list[Report] = []
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for report in pool.imap(run, seeds, chunksize=16):
            total.steps += report.steps
            total.transactions += report.transactions
            total.exchanges += report.exchanges
            total.refused += report.refused
            total.faults += report.faults
            if report.broken is not None:
                failed.append(report)
                print(f"seed {report.seed}: {report.broken[:300]}", flush=True)
    seconds = time.monotonic() - started
    print(f"{len(seeds)} seeds from {seeds[0]}, {len(seeds) - len(failed)} histories hold")
    print(
        f"{total.steps} steps, {total.transactions} local transactions ({total.refused} kept as"
        f" refused drafts), {total.exchanges} answers checked, in {seconds:.0f} s"
    )
    print("faults:")
    for kind, count in total.faults.most_common():
        print(f"  {count:7}  {kind}")
    for report in failed[:3]:
        print(f"seed {report.seed} breaks {report.rule!r}; again: {replay(report)}")
    return 1 if failed else 0


def replay(report: Report) -> str:
    """The command that shows a failure again, with as few steps as were found to be enough."""
    kept = shrunk(report)
    command = f"{sys.executable} -m tests.simulation --seed {report.seed}"
    return command if kept is None else f"{command} --steps {_ranges(kept)}"


def shrunk(report: Report) -> frozenset[int] | None:
    """Fewer steps that break the same rule; ``None`` where none were found."""
    ended = time.monotonic() + SHRINKING
    steps = list(range(report.steps))
    found = False
    size = len(steps) // 2
    while size and time.monotonic() < ended:
        start = 0
        while start < len(steps) and time.monotonic() < ended:
            fewer = steps[:start] + steps[start + size :]
            if run(report.seed, frozenset(fewer)).rule == report.rule:
                steps, found = fewer, True
            else:
                start += size
        size //= 2
    return frozenset(steps) if found else None


def _places(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _ranges(places: Iterable[int]) -> str:
    parts: list[list[int]] = []
    for place in sorted(places):
        if parts and parts[-1][1] == place - 1:
            parts[-1][1] = place
        else:
            parts.append([place, place])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
