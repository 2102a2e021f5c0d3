"""No key means two things at once: Qt would do neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import SCREENS
from desktop.domain.statuses import Status
from desktop.qt.context import AppContext
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import AgendaScreen
from desktop.views.workspace import Workspace
from tests.conftest import Clock
from tests.shell.conftest import QuietLink, World, at


@pytest.fixture
def workspace(
    context: AppContext, link: QuietLink, world: World, qtbot: QtBot
) -> Iterator[Workspace]:
    made = Workspace(context, SCREENS, link, clinic="Clínica", station="R", now=world.clock)
    qtbot.addWidget(made)
    made.resize(1300, 800)
    made.show()
    yield made
    made.close_down()


def bound(widget: QWidget) -> Counter[str]:
    """The keys that a widget and what is in it listen to."""
    keys = [shortcut.key().toString() for shortcut in widget.findChildren(QShortcut)]
    for action in widget.findChildren(QAction):
        keys += [key.toString() for key in action.shortcuts()]
    keys += [one.shortcut().toString() for one in widget.findChildren(QAbstractButton)]
    return Counter(key for key in keys if key)


@pytest.mark.parametrize("name", [entry.key for entry in SCREENS])
def test_the_windows_keys_are_no_screens_keys(workspace: Workspace, name: str) -> None:
    own = {
        shortcut.key().toString()
        for shortcut in workspace.findChildren(
            QShortcut, options=Qt.FindChildOption.FindDirectChildrenOnly
        )
    }
    assert "F1" in own
    assert not own & bound(workspace.view(name)).keys()


def test_ctrl_z_undoes_in_the_agenda_of_the_whole_window(
    workspace: Workspace, world: World, clock: Clock, qtbot: QtBot
) -> None:
    appointment = world.book(10)
    workspace.show_screen("agenda")
    agenda = workspace.view("agenda")
    assert isinstance(agenda, AgendaScreen)
    agenda.go_to(at(10).date())

    def shown() -> DayAppointment | None:
        model = agenda.grid.model
        return model.by_id.get(appointment) if model is not None else None

    qtbot.waitUntil(lambda: shown() is not None)
    agenda.grid.select(appointment)
    agenda.grid.setFocus()
    QTest.keyClick(agenda.grid, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: (item := shown()) is not None and item.status is Status.ARRIVED)
    QTest.keyClick(agenda.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: (item := shown()) is not None and item.status is Status.BOOKED)
