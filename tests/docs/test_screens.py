"""The page of screens shows every picture that ``make screenshots`` takes, and no other."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screens"
DEMO = FOLDER.parents[1] / "tests" / "demo"


def test_every_picture_is_shown_and_there_at_both_densities() -> None:
    shown = set(re.findall(r"\]\(([^)]+\.png)\)", (FOLDER / "README.md").read_text("utf-8")))
    there = {path.name for path in FOLDER.glob("*.png")}
    assert shown
    assert there == shown | {name.replace(".png", "@2x.png") for name in shown}


def test_every_picture_is_taken_by_the_demo() -> None:
    shown = re.findall(r"\]\(([^)]+)-light\.png\)", (FOLDER / "README.md").read_text("utf-8"))
    code = "".join(path.read_text("utf-8") for path in DEMO.glob("*.py"))
    assert sorted(shown) == sorted(re.findall(r"camera\.take\(\s*\"([^\"]+)\"", code))
