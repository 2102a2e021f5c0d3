"""The inbox as a person meets it, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.services.inbox_records import Way
from desktop.views.inbox import InboxScreen
from desktop.views.inbox.slots import SlotDialog
from desktop.views.inbox.words import BUTTONS, DONE, EFFECTS
from desktop.views.main_window import SMALLEST
from tests.shell.conftest import World
from tests.shell.test_inbox import conflicted


@pytest.fixture
def screen(context: AppContext, qtbot: QtBot) -> InboxScreen:
    made = InboxScreen(context)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    return made


def listed(screen: InboxScreen) -> list[str]:
    return [item.tx for item in screen.model.items]


def test_an_empty_inbox_says_that_all_is_well(
    screen: InboxScreen, context: AppContext, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: not context.jobs.busy)
    assert screen._empty.currentWidget() is screen._all_well


def test_a_refusal_appears_by_itself_and_is_merged_field_by_field(
    screen: InboxScreen, world: World, qtbot: QtBot
) -> None:
    tx = conflicted(world)
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    detail = screen.detail
    assert detail is not None
    radios = {r.accessibleName(): r for r in detail.findChildren(QRadioButton)}
    radios["Notas, lo otro: su nota"].click()
    detail.buttons[Way.MERGE].click()
    qtbot.waitUntil(lambda: listed(screen) == [])
    (again,) = world.waiting()
    assert again.operations[0].new == {"alergias": "Penicilina"}
    screen.history.click()
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    assert screen.detail is not None
    assert screen.detail.buttons == {}


def test_the_smallest_window_has_room_for_every_way_out(
    screen: InboxScreen, world: World, qtbot: QtBot
) -> None:
    tx = conflicted(world)
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    page = QWidget()
    qtbot.addWidget(page)
    screen.setParent(page)
    screen.resize(SMALLEST.width() - 104, 600)
    page.show()
    screen.show()
    detail = screen.detail
    assert detail is not None
    made = detail.buttons[Way.MERGE]
    qtbot.waitUntil(lambda: made.sizeHint().width() <= made.width() < 400)
    screen.setParent(None)


def test_keep_theirs_asks_first_and_can_be_undone(
    screen: InboxScreen, context: AppContext, world: World, qtbot: QtBot
) -> None:
    tx = conflicted(world)
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    assert screen.detail is not None
    undo: list[object] = []
    context.notified.connect(lambda *words: undo.append(words[3]))
    screen.detail.buttons[Way.KEEP_THEIRS].click()
    (dialog,) = screen.findChildren(Dialog)
    assert world.services.inbox.count() == 1
    dialog.primary.click()
    qtbot.waitUntil(lambda: bool(undo))
    assert world.services.inbox.count() == 0
    undo[0]()  # type: ignore[operator]
    qtbot.waitUntil(lambda: listed(screen) == [tx])


def test_another_time_is_chosen_by_keyboard(
    screen: InboxScreen, world: World, qtbot: QtBot
) -> None:
    mine = world.book(10)
    tx = world.refuse("overlap", world.rows("citas_cita", world.appointment(900, 10)))
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    assert screen.detail is not None
    screen.detail.buttons[Way.OTHER_SLOT].click()
    (dialog,) = screen.findChildren(SlotDialog)
    qtbot.waitUntil(lambda: dialog.list.count() > 0)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    wanted = dialog.list.currentItem().data(Qt.ItemDataRole.UserRole).starts_at
    dialog.primary.click()
    qtbot.waitUntil(lambda: listed(screen) == [])
    assert world.services.agenda.appointment(mine).starts_at == wanted


def test_a_way_that_fails_says_so_and_keeps_the_item(
    screen: InboxScreen, world: World, qtbot: QtBot
) -> None:
    tx = conflicted(world)
    qtbot.waitUntil(lambda: listed(screen) == [tx])
    detail = screen.detail
    assert detail is not None
    world.services.inbox.keep_theirs(world.actor, tx)
    detail.buttons[Way.KEEP_MINE].click()
    qtbot.waitUntil(lambda: bool(screen.findChildren(Dialog)))
    assert "ya se resolvió" in screen.findChildren(Dialog)[0].subtitle.text()


def test_the_list_is_walked_by_keyboard(screen: InboxScreen, world: World, qtbot: QtBot) -> None:
    first = conflicted(world)
    world.book(10)
    world.clock.forward(minutes=1)
    second = world.refuse("overlap")
    qtbot.waitUntil(lambda: len(listed(screen)) == 2)
    screen.list.setFocus()
    screen.list.setCurrentIndex(screen.model.index(0))
    assert listed(screen) == [first, second]
    qtbot.keyClick(screen.list, Qt.Key.Key_Down)
    assert screen.detail is not None
    assert screen.detail.item.tx == second


def test_what_is_not_sent_is_written_to_a_file(
    screen: InboxScreen, context: AppContext, world: World, tmp_path: Path, qtbot: QtBot
) -> None:
    conflicted(world)
    path = tmp_path / "pendiente.json"
    with qtbot.waitSignal(context.notified) as heard:
        screen.export_to(path)
    assert path.exists()
    assert heard.args is not None
    assert heard.args[0] == "1 cambio escrito en pendiente.json."


def test_every_way_out_has_its_words() -> None:
    for words in (BUTTONS, EFFECTS, DONE):
        assert set(words) == set(Way)
