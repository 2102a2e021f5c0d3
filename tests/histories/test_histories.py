"""A few of the histories of ``make histories``, each with a plan of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import cluster
from tests.support.embedded import OFFERED

ROOT = Path(__file__).parents[2]
COUNTS = {18: 8, 16: 2, 15: 2}


def histories(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In processes of their own: histories fork, and a test's process has threads."""
    return subprocess.run(
        [sys.executable, "-m", "tests.histories", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("version", OFFERED)
def test_histories_hold(version: int) -> None:
    if cluster.binaries(version) is None:
        pytest.skip(f"Debian's package postgresql-{version} is not installed")
    count = COUNTS[version]
    done = histories("--count", str(count), "--first-seed", "1", "--versions", str(version))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PostgreSQL {version}: {count} histories" in done.stdout
    assert done.stderr == ""


def test_a_version_that_is_not_there_is_said() -> None:
    done = histories("--count", "1", "--versions", "9")
    assert done.returncode == 1
    assert "PostgreSQL 9 is not installed" in done.stdout
