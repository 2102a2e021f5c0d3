"""Runs the mutations, two at a time, each on a copy of the tree with a server of its own.

``python -m tests.mutations [WORD …]`` runs those whose name or file has one of the words. First the
tests run on the copy as it is, and have to pass. Exit 0: every mutation was killed; 1: one survived,
or could not be judged.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mutation import DoesNotApply, Mutation
from tests.mutations.table import MUTATIONS
from tests.support import embedded

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("alembic", "desktop", "sync", "tests", "resources", "pyproject.toml", "README.md")
WORKERS = 2
LIMIT = 240
WELL_LIMIT = 3600
"""Seconds for the tests of a mutation, and for all of them on the copy as it is."""
_starting = threading.Lock()
"""Servers are started one at a time."""
_FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of a mutation: ``killed`` by a test, ``survived``, or ``broken`` (no test ran)."""

    mutation: Mutation
    verdict: str
    by: str
    seconds: float


class Worker:
    """A copy of the tree and a server."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutation-")))
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, self.root / name, ignore=ignored)
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, self.root / name)
        self._server = stack.enter_context(embedded.temporary())

    def run(self, tests: Sequence[str], limit: float = LIMIT) -> tuple[int | None, str]:
        """pytest's exit code (``None``: longer than ``limit`` seconds) and what it wrote."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "-x",
            "--tb=line",
        ]
        environment = os.environ | {
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CONSULTORIO_TEST_DSN": self._server.dsn,
            "QT_QPA_PLATFORM": "offscreen",
        }
        try:
            done = subprocess.run(
                [*command, "-rf", *tests],
                cwd=self.root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            # What it left behind on the server must not fail the next.
            with _starting:
                self._server = self._stack.enter_context(embedded.temporary())
            return None, ""
        return done.returncode, done.stdout + done.stderr

    def judge(self, mutation: Mutation) -> Outcome:
        """Break the copy, run the tests, mend the copy."""
        started = time.monotonic()
        try:
            before = mutation.apply(self.root)
        except DoesNotApply as error:
            return Outcome(mutation, "broken", str(error), 0)
        try:
            code, text = self.run(mutation.tests)
        finally:
            (self.root / mutation.file).write_text(before, encoding="utf-8")
        failed = _FAILED.search(text)
        if code == 0:
            verdict, by = "survived", ""
        elif code is None:
            verdict, by = "killed", "(it never ended)"
        elif failed is not None:
            verdict, by = "killed", failed[1].removeprefix("tests/")
        else:
            verdict, by = "broken", (text.strip().splitlines() or ["no output"])[-1]
        return Outcome(mutation, verdict, by, time.monotonic() - started)


def main(words: Sequence[str]) -> int:
    """Run the chosen mutations and print the table."""
    chosen = [m for m in MUTATIONS if not words or any(w in f"{m.name} {m.file}" for w in words)]
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    started = time.monotonic()
    outcomes: list[Outcome] = []
    unwell: list[str] = []
    waiting: queue.SimpleQueue[Mutation] = queue.SimpleQueue()
    for mutation in chosen:
        waiting.put(mutation)

    def work(worker: Worker, own_tests: Sequence[str]) -> None:
        code, text = worker.run(own_tests, WELL_LIMIT) if own_tests else (0, "")
        if code != 0:
            unwell.append(text)
            return
        while not unwell:
            try:
                mutation = waiting.get_nowait()
            except queue.Empty:
                return
            outcome = worker.judge(mutation)
            outcomes.append(outcome)
            line = f"{outcome.verdict:9} {outcome.seconds:5.1f} s  {mutation.name}  {outcome.by}"
            print(line, flush=True)

    with ExitStack() as stack:
        workers = [Worker(stack) for _ in range(WORKERS)]
        threads = [
            threading.Thread(target=work, args=(worker, tests[number::WORKERS]))
            for number, worker in enumerate(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if unwell:
        print("the tests fail without any mutation:\n" + unwell[0])
        return 1
    outcomes.sort(key=lambda outcome: chosen.index(outcome.mutation))
    print("\n| mutation | in | killed by |\n| --- | --- | --- |")
    for outcome in outcomes:
        by = outcome.by if outcome.verdict == "killed" else f"**{outcome.verdict}** {outcome.by}"
        print(f"| {outcome.mutation.name} | `{outcome.mutation.file}` | `{by}` |")
    killed = sum(outcome.verdict == "killed" for outcome in outcomes)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{killed} of {len(chosen)} killed in {minutes:.1f} minutes")
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
