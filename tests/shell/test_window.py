"""Signing in, the window and its keys, the lock, and what is remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.messages import language
from desktop.qt.dialogs import Dialog, Toast
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import current_theme
from desktop.services.session import renewed
from desktop.services.status import WorkstationStatus
from desktop.views.main_window import IDLE_MINUTES, MainWindow, Program
from desktop.views.shortcuts import ShortcutSheet
from desktop.views.signin import SignIn
from desktop.views.workspace import LANGUAGE, TEXT_SCALE, THEME, Workspace
from tests.shell.conftest import QuietLink, World
from tests.shell.test_inbox import conflicted


class Door:
    """Accounts with one person in them."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def sign_in(self, username: str, password: str) -> Actor:
        if (username, password) != (self.actor.username, "correcta"):
            raise RuleError("account.wrong")
        return self.actor


@pytest.fixture
def door(world: World) -> Door:
    return Door(world.actor)


@pytest.fixture
def signin(door: Door, jobs: Jobs, settings: Settings, qtbot: QtBot) -> SignIn:
    made = SignIn(door, jobs, settings, clinic="Clínica", station="Recepción")
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def window(program: Program, door: Door, qtbot: QtBot) -> Iterator[MainWindow]:
    services = dataclasses.replace(program.services, accounts=door)
    made = MainWindow(dataclasses.replace(program, services=services))
    qtbot.addWidget(made)
    made.show()
    QTest.qWaitForWindowExposed(made)
    yield made
    made.close()


def inside(window: MainWindow, world: World) -> Workspace:
    window.enter(world.actor)
    assert window.workspace is not None
    return window.workspace


def test_a_person_signs_in_and_the_username_is_remembered(
    signin: SignIn, settings: Settings, world: World, qtbot: QtBot
) -> None:
    signin.username.setText("admin")
    signin.password.setText("correcta")
    with qtbot.waitSignal(signin.signedIn) as heard:
        qtbot.keyClick(signin.password, Qt.Key.Key_Return)
    assert heard.args == [world.actor]
    assert signin.password.text() == ""
    assert Settings(settings._path).get("last_username", "") == "admin"


def test_a_wrong_password_is_a_sentence_and_the_username_stays(
    signin: SignIn, qtbot: QtBot
) -> None:
    signin.username.setText("admin")
    signin.password.setText("mala")
    signin.enter.click()
    assert not signin.enter.isEnabled()
    qtbot.waitUntil(signin.enter.isEnabled)
    assert signin.banner.text
    assert "account.wrong" not in signin.banner.text
    assert signin.username.text() == "admin"


def test_nothing_is_asked_of_the_server_without_a_password(signin: SignIn, jobs: Jobs) -> None:
    signin.username.setText("admin")
    signin.enter.click()
    assert not jobs.busy
    assert signin.banner.text == "Escriba su usuario y su contraseña."


def test_enter_in_the_name_leads_to_the_password(signin: SignIn, jobs: Jobs, qtbot: QtBot) -> None:
    signin.username.setText("admin")
    signin.username.setFocus()
    qtbot.keyClick(signin.username, Qt.Key.Key_Return)
    assert signin.password.hasFocus()
    assert signin.banner.text == ""
    assert not jobs.busy


def test_locked_capitals_are_noticed(signin: SignIn) -> None:
    for text, modifiers, locked in (
        ("A", Qt.KeyboardModifier.NoModifier, True),
        ("a", Qt.KeyboardModifier.NoModifier, False),
        ("a", Qt.KeyboardModifier.ShiftModifier, True),
        ("A", Qt.KeyboardModifier.ShiftModifier, False),
    ):
        event = QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_A, modifiers, text)
        QApplication.sendEvent(signin.password, event)
        assert signin.caps.isVisible() is locked


def test_keys_switch_screens_and_the_last_one_is_remembered(
    window: MainWindow, world: World, qtbot: QtBot, settings: Settings
) -> None:
    workspace = inside(window, world)
    for key, name in ((Qt.Key.Key_2, "inbox"), (Qt.Key.Key_1, "clients")):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert workspace.stack.currentWidget() is workspace.view(name)
        assert workspace.rail.button(name).isChecked()
    workspace.show_screen("inbox")
    assert settings.get("last_screen", "") == "inbox"


def test_a_screen_that_opens_empty_is_not_where_the_next_day_begins(
    program: Program, world: World, qtbot: QtBot, settings: Settings
) -> None:
    clients, inbox = program.screens[:2]
    settings.set("last_screen", inbox.key)
    passing = dataclasses.replace(inbox, first=False)
    made = MainWindow(dataclasses.replace(program, screens=(clients, passing)))
    qtbot.addWidget(made)
    made.show()
    workspace = inside(made, world)
    assert workspace.stack.currentWidget() is workspace.view(clients.key)
    workspace.show_screen(inbox.key)
    assert settings.get("last_screen", "") == clients.key
    made.close()


def test_what_an_administrator_must_mend_is_told_on_every_screen(
    window: MainWindow, world: World, link: QuietLink, qtbot: QtBot
) -> None:
    workspace = inside(window, world)
    link.say(WorkstationStatus("trouble", "sync.revoked", pending=2))
    qtbot.waitUntil(workspace.trouble.isVisible)
    assert workspace.trouble.text.startswith("Un administrador")
    assert workspace.status_bar.connection.text() == "Equipo dado de baja"
    workspace.show_screen("inbox")
    assert workspace.trouble.isVisible()
    link.say(WorkstationStatus("in_step"))
    qtbot.waitUntil(lambda: not workspace.trouble.isVisible())


def test_changed_settings_of_the_clinic_show_after_the_next_sign_in(
    program: Program, world: World, qtbot: QtBot
) -> None:
    window = MainWindow(dataclasses.replace(program, renew=renewed))
    qtbot.addWidget(window)
    window.show()
    before = inside(window, world)
    window.lock()
    window.enter(world.actor)
    assert window.workspace is before
    setting = {"id": 1, "clave": "moneda", "valor": "PEN"}
    world.pull(
        world.rows(
            "configuracion_ajuste", setting | {"actualizado_el": "2026-01-01T00:00:00+00:00"}
        )
    )
    window.lock()
    window.enter(world.actor)
    assert window.workspace is not None
    assert window.workspace is not before
    assert window.workspace.context.services.clinic.currency == "PEN"
    assert window.workspace.context.services.finance.header().currency == "PEN"


def test_f3_goes_to_the_search_of_clients(window: MainWindow, world: World, qtbot: QtBot) -> None:
    workspace = inside(window, world)
    workspace.show_screen("inbox")
    qtbot.keyClick(window, Qt.Key.Key_F3)
    assert workspace.stack.currentWidget() is workspace.view("clients")


def test_f1_lists_every_shortcut(window: MainWindow, world: World, qtbot: QtBot) -> None:
    workspace = inside(window, world)
    workspace.show_screen("inbox")
    qtbot.keyClick(window, Qt.Key.Key_F1)
    (sheet,) = window.findChildren(ShortcutSheet)
    assert sheet.isVisible()
    keys = {keys for _title, group in workspace.shortcuts() for keys, _words in group}
    assert {"F1 / ?", "F3 / Ctrl+K", "Ctrl+L", "Ctrl+1", "Up / Down"} <= keys
    sheet.close()


def test_the_status_reaches_the_bar_and_the_rail_from_the_engines_thread(
    window: MainWindow, world: World, link: QuietLink, qtbot: QtBot
) -> None:
    import threading

    workspace = inside(window, world)
    qtbot.waitUntil(lambda: workspace.status_bar.status.state == "in_step")
    teller = threading.Thread(
        target=link.say, args=(WorkstationStatus("trouble", "sync.untrusted", rejected=3),)
    )
    teller.start()
    teller.join()
    qtbot.waitUntil(lambda: workspace.status_bar.status.rejected == 3)
    assert workspace.rail.button("inbox").count == "3"
    workspace.status_bar.rejected.click()
    assert workspace.stack.currentWidget() is workspace.view("inbox")


def test_working_offline_is_told_to_the_engine_and_remembered(
    window: MainWindow, world: World, link: QuietLink, settings: Settings
) -> None:
    workspace = inside(window, world)
    workspace.status_bar.offline.click()
    assert link.asked == ["offline"]
    assert settings.get("work_offline", False) is True


def test_a_lock_hides_everything_and_the_same_person_finds_it_as_it_was(
    window: MainWindow, world: World, qtbot: QtBot
) -> None:
    workspace = inside(window, world)
    workspace.show_screen("inbox")
    dialog = Dialog(window, "Abierto")
    dialog.open()
    window._watch(dialog.windowHandle())
    QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.locked
    assert not dialog.isVisible()
    assert window.signin.username.text() == "admin"
    window.signin.password.setText("correcta")
    window.signin.enter.click()
    qtbot.waitUntil(lambda: not window.locked)
    assert window.workspace is workspace
    assert dialog.isVisible()
    dialog.close()


def test_ctrl_l_locks(window: MainWindow, world: World, qtbot: QtBot) -> None:
    inside(window, world)
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.locked


def test_another_person_gets_a_workspace_of_their_own(
    window: MainWindow, world: World, qtbot: QtBot
) -> None:
    first = inside(window, world)
    dialog = Dialog(window, "Del primero")
    dialog.open()
    window.lock()
    other = dataclasses.replace(world.actor, username="otra", name="Otra Persona")
    window.enter(other)
    assert window.workspace is not None
    assert window.workspace is not first
    assert window.workspace.context.actor is other
    qtbot.waitUntil(lambda: not [d for d in window.findChildren(QDialog) if d.isVisible()])


def test_nobody_there_locks_and_a_key_puts_it_off(
    window: MainWindow, world: World, settings: Settings, qtbot: QtBot
) -> None:
    settings.set(IDLE_MINUTES, 1)
    inside(window, world)
    assert window._idle.isActive()
    assert window._idle.interval() == 60_000
    handle = window.windowHandle()
    window._watch(handle)
    window._idle.start(5_000)
    QTest.keyClick(handle, Qt.Key.Key_Shift)
    assert window._idle.interval() == 60_000
    window._idle.start(1)
    qtbot.waitUntil(lambda: window.locked)
    settings.set(IDLE_MINUTES, 0)
    window.enter(world.actor)
    assert not window._idle.isActive()


def test_look_size_and_language_are_chosen_and_remembered(
    window: MainWindow, world: World, settings: Settings
) -> None:
    workspace = inside(window, world)
    menu = workspace.settings_menu()
    choices = {
        action.text(): action
        for submenu in menu.findChildren(type(menu))
        for action in submenu.actions()
    }
    choices["Oscuro"].trigger()
    assert current_theme().name == "dark"
    choices["125 %"].trigger()
    assert current_theme().scale == 1.25
    choices["English"].trigger()
    assert language() == "en"
    assert window.workspace is not workspace
    assert window.workspace is not None
    assert window.workspace.rail.button("inbox").text() == "Inbox"
    kept = Settings(settings._path)
    assert (kept.get(THEME, ""), kept.get(TEXT_SCALE, 0.0), kept.get(LANGUAGE, "")) == (
        "dark",
        1.25,
        "en",
    )


def test_the_window_stands_where_it_stood(window: MainWindow, program: Program) -> None:
    window.resize(1000, 650)
    window.close()
    again = MainWindow(program)
    try:
        assert again.size().height() == 650
    finally:
        again.close()
        again.deleteLater()


def test_a_toast_says_it_and_undoes_it(window: MainWindow, world: World, qtbot: QtBot) -> None:
    workspace = inside(window, world)
    undone: list[bool] = []
    workspace.context.notify("Hecho", "success", "Deshacer", lambda: undone.append(True))
    (toast,) = workspace.findChildren(Toast)
    assert toast.isVisible()
    assert toast.action is not None
    toast.action.click()
    assert undone == [True]
    assert not toast.isVisible()


def test_a_workspace_that_is_gone_hears_nothing_more(
    window: MainWindow, world: World, link: QuietLink
) -> None:
    inside(window, world)
    before = len(world.cache._listeners)
    window.close()
    assert link.listeners == []
    assert len(world.cache._listeners) == before - 1
    conflicted(world)


def test_settings_that_cannot_be_read_are_no_obstacle(settings: Settings) -> None:
    settings._path.parent.mkdir(parents=True)
    settings._path.write_text("{ not json")
    again = Settings(settings._path)
    assert again.get("theme", "system") == "system"
    again.set("theme", "dark")
    assert Settings(settings._path).get("theme", "system") == "dark"
    assert Settings(settings._path).get("theme", 1.0) == 1.0
