"""``python -m tests.trouble_backup --runs N --seed S --versions 15,16,18``.

Backups, uploads, restores and undos of which client or server is killed, the network cut or a disk
filled at a moment of chance: never a mixed state, never a success without what was promised.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.support import cluster
from tests.trouble_backup.runs import many
from tests.trouble_backup.site import Broken, can_mount


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.trouble_backup")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--versions", type=lambda text: tuple(map(int, text.split(","))), default=(18,)
    )
    chosen = parser.parse_args(arguments)
    if not can_mount():
        print("Only root may mount small disks: the runs with a full one do nothing.")
    for version in chosen.versions:
        if cluster.binaries(version) is None:
            print(f"PostgreSQL {version} is not installed: no runs on it")
            continue
        began = time.monotonic()
        try:
            report = many(chosen.runs, chosen.seed, version)
        except Broken as error:
            print(f"PostgreSQL {version}: BROKEN: {error}")
            return 1
        print(f"PostgreSQL {version}: {chosen.runs} runs in {time.monotonic() - began:.0f} s")
        for what, count in sorted(report.counts.items()):
            print(f"  {count:4} {what}")
    print("never a mixed state, never a success that was none")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
