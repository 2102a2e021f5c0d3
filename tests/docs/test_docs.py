"""What the documentation says can be done, can be done; where it points, something is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from desktop.cli import parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _commands() -> list[str]:
    found: list[str] = []
    for document in DOCUMENTS:
        for block in re.findall(
            r"```sh\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL
        ):
            found += [line for line in block.splitlines() if line.startswith("consultorio ")]
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_two_commands_of_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "```sh\nmake demo\nmake test\n```" in text


@pytest.mark.parametrize("command", _commands())
def test_every_command_that_is_shown_is_understood(command: str) -> None:
    parser().parse_args(shlex.split(command)[1:])


def test_decisions_are_numbered_and_say_where_they_stand() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:3]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:3]} — ")
        for part in ("**Decision.**", "**Why.**", "**Where it stands.**"):
            assert part in text, f"{path.name} lacks {part}"
