"""A seeded mistake in each rule, and the first seed whose world shows it.

``make simulate-mutations`` puts each mistake into a copy of the tree, lives through worlds until a
rule is broken, and says which seed broke which. One that no world shows is a failure. Two rules are
broken in :mod:`tests.mutations` alone, where a test shows it each time: refused rows come back as the
server has them (here images do that, as no trigger changes what is written), and a server that was
put back gives no device's number again (several other rules stand behind it).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutations.mutation import Mutation
from tests.simulation import mutations_client, mutations_server

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("sync", "tests/simulation", "tests/mutations")
LIMIT = 2000
"""Seeds in which a mistake has to show."""

MUTATIONS: tuple[Mutation, ...] = (*mutations_client.MUTATIONS, *mutations_server.MUTATIONS)


def judge(mutation: Mutation) -> str | None:
    """``seed N: the rule``, or ``None`` where no world showed the mistake."""
    with tempfile.TemporaryDirectory(prefix="mistake-") as name:
        root = Path(name)
        for folder in COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
        (root / "tests" / "__init__.py").write_text("", encoding="utf-8")
        mutation.apply(root)
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.until_broken", str(LIMIT)],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return None
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return said[-1] if said else "it does not start"


def main(words: Sequence[str], jobs: int) -> int:
    """Put in the mistakes whose name or file has one of the words; 1 where one was not noticed."""
    chosen = [m for m in MUTATIONS if not words or any(w in f"{m.name} {m.file}" for w in words)]
    started = time.monotonic()
    missed = 0
    print("| mistake | in | shown by |\n| --- | --- | --- |")
    with ThreadPoolExecutor(jobs) as workers:
        for mutation, found in zip(chosen, workers.map(judge, chosen), strict=True):
            missed += found is None
            shown = found or f"**nothing in {LIMIT} seeds**"
            print(f"| {mutation.name} | `{mutation.file}` | {shown} |", flush=True)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{len(chosen) - missed} of {len(chosen)} mistakes shown in {minutes:.1f} minutes")
    return 1 if missed else 0
