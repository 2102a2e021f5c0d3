"""Each failure case names its tests, and each test of a failure is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
CASES = [
    re.findall(r"\[(\w+)\]\(([^)]+)\)", line)
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| case", "| ---"))
]
NAMED = {(name, (DOCUMENT.parent / path).resolve()) for links in CASES for name, path in links}


def functions_in(path: Path) -> set[str]:
    return set(re.findall(r"^ *def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_case_has_a_test() -> None:
    assert len(CASES) > 30
    assert all(CASES)


@pytest.mark.parametrize(
    ("name", "path"), sorted(NAMED), ids=lambda value: getattr(value, "name", value)
)
def test_every_named_test_exists(name: str, path: Path) -> None:
    assert name in functions_in(path)


def test_every_test_of_a_failure_is_named() -> None:
    folder = DOCUMENT.parents[1] / "tests" / "failures"
    there = {(name, path) for path in folder.glob("test_*.py") for name in functions_in(path)}
    assert there
    assert there - NAMED == set()
