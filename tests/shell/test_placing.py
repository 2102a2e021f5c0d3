"""A refused booking is carried to the agenda and gets the time that a person chooses there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.qt.context import AppContext
from desktop.services.inbox_records import BookingDraft
from desktop.views.agenda import AgendaScreen
from desktop.views.inbox import InboxScreen
from desktop.views.inbox.slots import SlotDialog
from tests.shell.conftest import DIEGO, MARIA, PAULA, World, at


@pytest.fixture
def screen(context: AppContext, world: World, qtbot: QtBot) -> AgendaScreen:
    made = AgendaScreen(context)
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show()
    qtbot.waitUntil(lambda: made.grid.model is not None)
    return made


def refused(world: World) -> tuple[int, BookingDraft]:
    mine = world.book(10)
    tx = world.refuse("overlap", world.rows("citas_cita", world.appointment(900, 10)))
    return mine, world.services.inbox.booking_draft(tx)


def landed(screen: AgendaScreen, draft: BookingDraft, qtbot: QtBot) -> None:
    screen.open({"draft": draft})
    qtbot.waitUntil(lambda: screen.date.day == 24 and screen.grid.place == (1, 600))


def test_it_stands_where_it_was_wanted_and_enter_books_it_elsewhere(
    screen: AgendaScreen, world: World, qtbot: QtBot
) -> None:
    mine, draft = refused(world)
    assert (draft.client_name, draft.service, draft.minutes) == (
        "María José González Muñoz",
        "Control",
        30,
    )
    landed(screen, draft, qtbot)
    assert screen.placing.strip.text == (
        "Elija una hora para María José González Muñoz · Control · 30 minutos."
    )
    assert screen.grid.held is not None
    screen.grid.select(None, (0, 15 * 60))
    QTest.keyClick(screen.grid, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: world.services.inbox.count() == 0)
    booked = world.services.agenda.appointment(mine)
    assert (booked.starts_at, booked.practitioner_id) == (at(15), DIEGO)
    assert booked.client_id == MARIA
    qtbot.waitUntil(lambda: screen.grid.selection == mine)
    assert screen.placing.draft is None
    assert screen.grid.held is None


def test_a_time_that_is_taken_leaves_it_in_the_hand(
    screen: AgendaScreen, world: World, qtbot: QtBot
) -> None:
    _mine, draft = refused(world)
    landed(screen, draft, qtbot)
    told: list[tuple[object, ...]] = []
    screen._context.notified.connect(lambda *words: told.append(words))
    QTest.keyClick(screen.grid, Qt.Key.Key_Up)
    QTest.keyClick(screen.grid, Qt.Key.Key_Down)
    assert screen.grid.selection == 900
    QTest.keyClick(screen.grid, Qt.Key.Key_Return)
    assert told[0][0] == "Esta hora está ocupada"
    assert screen.placing.draft == draft
    assert world.services.inbox.count() == 1


def test_esc_leaves_everything_in_the_inbox(
    screen: AgendaScreen, world: World, qtbot: QtBot
) -> None:
    _mine, draft = refused(world)
    landed(screen, draft, qtbot)
    with qtbot.waitSignal(screen._context.navigated) as went:
        QTest.keyClick(screen.grid, Qt.Key.Key_Escape)
    assert went.args == ["inbox", {"tx": draft.tx}]
    assert screen.placing.strip.isHidden()
    assert world.services.inbox.count() == 1


def test_the_inbox_hands_it_over(context: AppContext, world: World, qtbot: QtBot) -> None:
    _mine, draft = refused(world)
    inbox = InboxScreen(context)
    qtbot.addWidget(inbox)
    inbox.show()
    qtbot.waitUntil(lambda: inbox.detail is not None)
    assert draft.practitioner_id == PAULA
    with qtbot.waitSignal(context.navigated) as went:
        inbox._to_agenda(draft.tx)
    assert went.args == ["agenda", {"draft": draft}]
    assert inbox.findChildren(SlotDialog) == []
