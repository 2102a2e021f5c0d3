"""Every refusal that the protocol knows says why, and leaves a way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from desktop.domain import messages
from desktop.services import inbox_words
from desktop.services.inbox_records import Way
from sync.recovery import RESTORED
from tests.shell.conftest import World
from tests.shell.test_inbox import edit_phone

PROTOCOL = Path(__file__).parents[2] / "docs" / "sync-protocol.md"


def codes() -> list[str]:
    """The codes in the table of results of docs/sync-protocol.md, and what a restore leaves."""
    text = PROTOCOL.read_text("utf-8")
    begin = text.index("| code | what stood in the way |")
    table = text[begin : text.index("\n\n", begin)]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [*(code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)), RESTORED]


def test_the_protocol_lists_its_codes() -> None:
    assert len(codes()) > 12
    assert {"conflict", "overlap", "forbidden", "depends", "in_use"} <= set(codes())


@pytest.mark.parametrize("code", codes())
def test_every_refusal_has_its_sentence_in_both_languages(code: str) -> None:
    sentence = inbox_words.REASONS[code]
    messages.set_language("es")
    assert messages._(sentence) != sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("code", [code for code in codes() if code != "depends"])
@pytest.mark.parametrize("kind", ["new", "changed"])
def test_every_refusal_has_a_way_out(world: World, code: str, kind: str) -> None:
    if kind == "new":
        world.book(10)
    else:
        edit_phone(world, "mi nota", "Penicilina")
    world.refuse(code)
    (item,) = world.services.inbox.items()
    assert item.reason == messages._(inbox_words.REASONS[code])
    assert len(item.ways) >= 2
    assert item.ways[-1] in {Way.KEEP_THEIRS, Way.LEAVE_OUT}


def test_what_builds_on_a_refusal_goes_with_it_or_stands_alone(world: World) -> None:
    world.book(10)
    world.refuse("depends", on="a transaction that is not here")
    (item,) = world.services.inbox.items()
    assert item.depends_on is None
    assert Way.KEEP_THEIRS in item.ways


def test_a_record_that_left_the_workstation_says_who_has_it_now(world: World) -> None:
    edit_phone(world, "mi nota", "Penicilina")
    world.refuse("forbidden", scope="row")
    (item,) = world.services.inbox.items()
    assert item.reason == messages._(inbox_words.OUT_OF_SCOPE)
    assert "otro profesional" in item.reason
    assert item.ways == (Way.TRY_AGAIN, Way.KEEP_THEIRS)
