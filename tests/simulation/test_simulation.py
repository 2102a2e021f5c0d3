"""The budgeted form of ``make simulate``: some worlds, and proof that a broken rule is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.mutation import Mutation
from tests.simulation import mutations
from tests.simulation.__main__ import _places, _ranges
from tests.simulation.world import run

ROOT = Path(__file__).resolve().parents[2]
WORLDS = 75
EXPECTED = frozenset(
    {
        "a transaction committed late",
        "answer lost",
        "bulk update",
        "cache begun anew",
        "cache copied",
        "clock wrong",
        "device revoked",
        "disk image put back",
        "killed at before_commit",
        "killed at results_settled",
        "killed while a person worked",
        "log pruned",
        "mass deletion",
        "migration under way",
        "others between an exchange and its commit",
        "request lost",
        "server put back",
        "server upgraded",
        "truncation",
        "workstation upgraded",
    }
)


@pytest.mark.parametrize("first", [1, 1 + WORLDS])
def test_every_rule_holds_in_many_worlds(first: int) -> None:
    faults: Counter[str] = Counter()
    for seed in range(first, first + WORLDS):
        report = run(seed)
        assert report.broken is None, f"seed {seed}: {report.broken}"
        faults += report.faults
    assert faults.keys() >= EXPECTED


def test_a_seed_says_everything() -> None:
    """Another process, in which Python orders its sets otherwise, lives through the same."""
    code = (
        "from tests.simulation.world import run\n"
        "for seed in range(1, 13):\n"
        "    report = run(seed)\n"
        "    print(seed, report.digest, sorted(report.faults.items()))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 12


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_fits(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert mutation.applied(text) != text


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a pull lies over what waits", "layers"),
        ("a refused draft is thrown away", "none vanishes"),
        ("rows that are gone stay", "convergent"),
    ],
)
def test_a_mistake_shows(name: str, rule: str) -> None:
    (mutation,) = (one for one in mutations.MUTATIONS if one.name == name)
    found = mutations.judge(mutation)
    assert found is not None
    assert found.endswith(rule)


def test_names_of_mistakes_are_unique() -> None:
    assert len({one.name for one in mutations.MUTATIONS}) == len(mutations.MUTATIONS)


def test_steps_are_written_as_they_are_read() -> None:
    assert _ranges({1, 2, 3, 7, 9, 10}) == "1-3,7,9-10"
    assert _places("1-3,7,9-10") == {1, 2, 3, 7, 9, 10}
