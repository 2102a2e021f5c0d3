"""Lives through worlds until a rule is broken: prints the seed and the rule, and exits with 1."""

from __future__ import annotations

import sys

from tests.simulation.world import run


def main(limit: int) -> int:
    """Worlds 1 … ``limit``."""
    for seed in range(1, limit + 1):
        report = run(seed)
        if report.broken is not None:
            what = report.broken.splitlines()[0][:90] if report.rule == "stumbled" else report.rule
            print(f"seed {seed}: {what}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
