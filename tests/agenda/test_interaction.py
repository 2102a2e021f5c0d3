"""The state machine of the agenda, without a widget."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.services.agenda_records import Placement
from desktop.views.agenda.interaction import (
    Create,
    Ghost,
    Hit,
    Interaction,
    Mode,
    Move,
    Part,
    Select,
)

SEEN = Placement(
    dt.datetime(2026, 11, 23, 13, tzinfo=dt.UTC), dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC), 5
)


@pytest.fixture
def machine() -> Interaction:
    made = Interaction(snap=15)
    made.columns = 3
    return made


def body(minute: int = 610, part: Part = Part.BODY, *, may_move: bool = True) -> Hit:
    return Hit(part, 1, minute, 7, SEEN, 600, 630, may_move=may_move)


def free(minute: int) -> Hit:
    return Hit(Part.FREE, 1, minute)


def test_a_click_selects_and_asks_for_nothing_else(machine: Interaction) -> None:
    assert machine.press(body()) == Select(7, 1, 600)
    machine.drag(1, 612, 3)
    assert machine.mode is Mode.PRESS
    assert machine.release() is None
    assert machine.mode is Mode.IDLE


def test_a_drag_moves_by_the_grid_and_keeps_where_it_was_seen(machine: Interaction) -> None:
    machine.press(body())
    machine.drag(2, 652, 60)
    assert (machine.mode, machine.ghost) == (Mode.DRAG_MOVE, Ghost(2, 645, 675, 7))
    assert machine.release() == Move(7, SEEN, 2, 645, 675)
    assert machine.ghost is None


@pytest.mark.parametrize(
    ("part", "to", "span"), [(Part.BOTTOM, 668, (600, 675)), (Part.TOP, 568, (570, 630))]
)
def test_an_edge_changes_one_end(
    machine: Interaction, part: Part, to: int, span: tuple[int, int]
) -> None:
    machine.press(body(629, part))
    machine.drag(0, to, 60)
    assert machine.release() == Move(7, SEEN, 1, *span)


def test_an_edge_stops_before_the_other(machine: Interaction) -> None:
    machine.press(body(629, Part.BOTTOM))
    machine.drag(1, 100, 60)
    assert machine.ghost == Ghost(1, 600, 615, 7)


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [(602, 640, (600, 645)), (640, 602, (600, 645)), (602, 603, (600, 615))],
)
def test_drawing_on_free_time_books_what_was_drawn(
    machine: Interaction, start: int, end: int, span: tuple[int, int]
) -> None:
    machine.press(free(start))
    machine.drag(1, end, 40)
    assert machine.release() == Create(1, *span, dragged=True)


def test_a_drag_back_to_where_it_was_asks_for_nothing(machine: Interaction) -> None:
    machine.press(body())
    machine.drag(2, 700, 60)
    machine.drag(1, 611, 60)
    assert machine.release() is None


def test_escape_gives_up_every_gesture(machine: Interaction) -> None:
    machine.press(body())
    machine.drag(2, 700, 60)
    assert machine.cancel()
    assert (machine.mode, machine.ghost, machine.release()) == (Mode.IDLE, None, None)
    machine.step(body(), steps=1)
    assert machine.cancel()
    assert machine.confirm() is None
    assert not machine.cancel()


def test_keys_move_and_stretch_until_enter(machine: Interaction) -> None:
    machine.step(body(), columns=1)
    machine.step(body(), steps=2)
    machine.stretch(body(), 1)
    assert machine.mode is Mode.KEYBOARD
    assert machine.confirm() == Move(7, SEEN, 2, 630, 675)
    assert machine.mode is Mode.IDLE


def test_what_may_not_be_moved_stays(machine: Interaction) -> None:
    machine.press(body(may_move=False))
    machine.drag(2, 700, 60)
    assert (machine.mode, machine.ghost) == (Mode.PRESS, None)
    machine.release()
    machine.step(body(may_move=False), steps=1)
    assert machine.mode is Mode.IDLE
    machine.may_edit = False
    machine.press(free(600))
    machine.drag(1, 700, 60)
    assert machine.release() is None


gestures = st.lists(
    st.tuples(
        st.sampled_from(
            ["press", "drag", "release", "cancel", "step", "stretch", "confirm", "hover"]
        ),
        st.integers(0, 2),
        st.integers(-50, 1500),
        st.sampled_from(list(Part)),
    ),
    max_size=20,
)


@given(gestures, st.sampled_from([1380, 1440, 1500]))
def test_whatever_is_done_stays_within_the_day_and_its_columns(
    some: list[tuple[str, int, int, Part]], minutes: int
) -> None:
    machine = Interaction(snap=15)
    machine.columns, machine.minutes = 3, minutes
    for what, column, minute, part in some:
        inside = max(0, min(minutes - 1, minute))
        hit = free(inside) if part is Part.FREE else body(610, part)
        asked = {
            "press": lambda hit=hit: machine.press(hit),
            "drag": lambda c=column, m=minute: machine.drag(c, m, 50),
            "release": machine.release,
            "cancel": machine.cancel,
            "step": lambda c=column: machine.step(body(), columns=c - 1, steps=1),
            "stretch": lambda c=column: machine.stretch(body(), c - 1),
            "confirm": machine.confirm,
            "hover": lambda hit=hit: machine.hover(hit),
        }[what]()
        for shown in (machine.ghost, asked):
            if isinstance(shown, Ghost | Move | Create):
                assert 0 <= shown.column < 3
                assert 0 <= shown.start < shown.end <= minutes
        assert (machine.ghost is None) or machine.busy
