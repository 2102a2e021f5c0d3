"""Somebody comes to the desk and says a name: found and checked in by keyboard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.domain.statuses import Status
from desktop.services.agenda import Agenda
from desktop.views.agenda.finder import DayFinder, matches, ranked
from tests.agenda.test_screen import Show, settle, show  # noqa: F401
from tests.agenda.world import World, at


@pytest.fixture
def paula(world: World) -> int:
    return world.staff(2)[0]


def test_some_letters_without_accents_and_enter_lead_to_the_visit(
    show: Show,  # noqa: F811
    world: World,
    agenda: Agenda,
    paula: int,
    qtbot: Any,
) -> None:
    world.appointment(paula, at(10), client_id=world.client("Luis Soto"))
    wanted = world.appointment(paula, at(15), client_id=world.client("María José Núñez Pérez"))
    screen = show()
    screen.named["find"].trigger()
    (finder,) = screen.findChildren(DayFinder)
    QTest.keyClicks(finder.box, "nunez mar")
    assert finder.list.count() == 1
    QTest.keyClick(finder.box, Qt.Key.Key_Return)
    assert screen.grid.selection == wanted
    QTest.keyClick(screen.grid, Qt.Key.Key_C)
    settle(qtbot, screen)
    assert agenda.appointment(wanted).status is Status.ARRIVED


def test_a_name_can_be_typed_while_the_day_is_still_read(
    show: Show,  # noqa: F811
    world: World,
    paula: int,
    qtbot: Any,
) -> None:
    wanted = world.appointment(paula, at(15), client_id=world.client("María José Núñez Pérez"))
    screen = show()
    day, screen.grid.model = screen.grid.model, None
    screen.named["find"].trigger()
    screen.grid.model = day
    (finder,) = screen.findChildren(DayFinder)
    QTest.keyClicks(finder.box, "nun")
    assert finder.list.count() == 0
    assert finder.nobody.isHidden()
    screen.refresh()
    qtbot.waitUntil(lambda: finder.list.count() == 1)
    QTest.keyClick(finder.box, Qt.Key.Key_Return)
    assert screen.grid.selection == wanted


def test_who_is_expected_next_comes_first(
    show: Callable[..., Any],  # noqa: F811
    world: World,
    paula: int,
) -> None:
    ana = world.client("Ana Vera")
    late = world.appointment(paula, at(16), client_id=ana)
    here = world.appointment(paula, at(9), client_id=ana, status="en_espera")
    soon = world.appointment(paula, at(10), client_id=ana)
    screen = show()
    model = screen.grid.model
    assert [item.id for item in ranked(model, at(9) + dt.timedelta(minutes=5))] == [
        soon,
        late,
        here,
    ]
    assert matches(model.by_id[soon], "34 00")
    assert not matches(model.by_id[soon], "ana 999")
