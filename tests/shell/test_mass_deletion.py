"""A server that would take most of a table away: a person is asked, and nobody is interrupted."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.messages import sentence
from desktop.domain.permissions import permissions_of
from desktop.services.status import WorkstationStatus
from desktop.services.syncing import Syncing
from desktop.services.workstation import sync_translated
from desktop.views.main_window import MainWindow, Program
from desktop.views.mass_deletion import DeletionDialog
from desktop.views.workspace import Workspace
from sync.errors import MassDeletion
from sync.transport import PostgresServer
from tests.shell.conftest import QuietLink, World, client

HELD = WorkstationStatus(
    "trouble", "sync.mass_deletion", {"table": "pacientes_cliente", "gone": 3412, "rows": 3500}
)


@pytest.fixture
def reception(administrator: Actor) -> Actor:
    allowed = permissions_of("administrativo")
    return dataclasses.replace(administrator, role="administrativo", permissions=allowed)


@pytest.fixture
def window(program: Program, qtbot: QtBot) -> Iterator[MainWindow]:
    made = MainWindow(program)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def held(window: MainWindow, link: QuietLink, actor: Actor, qtbot: QtBot) -> Workspace:
    """The workspace of ``actor``, once the deletion is told."""
    window.enter(actor)
    workspace = window.workspace
    assert workspace is not None
    link.say(HELD)
    qtbot.waitUntil(workspace.deciding.isVisible)
    return workspace


def asked(window: MainWindow) -> DeletionDialog:
    (dialog,) = window.findChildren(DeletionDialog)
    return dialog


def test_it_is_told_on_every_screen_and_opens_nothing_by_itself(
    window: MainWindow, link: QuietLink, world: World, qtbot: QtBot
) -> None:
    workspace = held(window, link, world.actor, qtbot)
    assert workspace.trouble.isVisible()
    assert workspace.trouble.text.startswith("El servidor pide borrar 3.412 de 3.500 clientes.")
    assert "No se borró nada" in workspace.trouble.text
    assert window.findChildren(DeletionDialog) == []
    link.say(WorkstationStatus("in_step"))
    qtbot.waitUntil(lambda: not workspace.deciding.isVisible())
    workspace.decide()
    assert window.findChildren(DeletionDialog) == []


@pytest.mark.parametrize("pressed", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_by_keyboard_it_is_opened_and_everything_is_kept(
    window: MainWindow, link: QuietLink, world: World, qtbot: QtBot, pressed: Qt.Key
) -> None:
    workspace = held(window, link, world.actor, qtbot)
    qtbot.keyClick(workspace.status_bar.connection, Qt.Key.Key_Return)
    dialog = asked(window)
    assert dialog.windowTitle() == "El servidor pide borrar 3.412 de 3.500 clientes."
    assert dialog.primary.text() == "Mantener y seguir trabajando sin sincronizar"
    assert dialog.primary.isDefault()
    with qtbot.waitSignal(dialog.finished):
        qtbot.keyClick(dialog.primary, pressed)
    assert link.asked == []


def test_an_administrator_allows_it_by_typing_how_many(
    window: MainWindow, link: QuietLink, world: World, qtbot: QtBot
) -> None:
    workspace = held(window, link, world.actor, qtbot)
    workspace.deciding.click()
    dialog = asked(window)
    for wrong in ("", "3500", "34120", "sí"):
        dialog.typed.setText(wrong)
        assert not dialog.allow.isEnabled(), wrong
    dialog.typed.setText("3.412")
    assert dialog.allow.isEnabled()
    # Enter in the line is the safe way out, whatever was typed.
    assert dialog.primary.isDefault()
    with qtbot.waitSignal(dialog.finished):
        dialog.allow.click()
    assert link.asked == ["pacientes_cliente 3412"]


def test_others_are_told_whom_to_ask(
    window: MainWindow, link: QuietLink, reception: Actor, qtbot: QtBot
) -> None:
    workspace = held(window, link, reception, qtbot)
    workspace.deciding.click()
    dialog = asked(window)
    assert not dialog.typed.isEnabled()
    qtbot.waitUntil(lambda: "Ana Admin" in dialog.who.text)
    assert dialog.who.text.startswith("Solo un administrador puede decidir esto. Pregunte a: Ana")
    dialog.typed.setText("3412")
    dialog.allow.click()  # even so, the service says no
    qtbot.waitUntil(lambda: bool(dialog.banner.text))
    assert link.asked == []


@pytest.fixture
def syncing(world: World) -> Iterator[Syncing]:
    made = Syncing(world.cache, PostgresServer({"host": "127.0.0.1", "port": "1"}, "clinica"))
    yield made
    made.close()


def test_what_is_allowed_is_done_once_and_only_by_an_administrator(
    world: World, syncing: Syncing, reception: Actor
) -> None:
    ids = range(1000, 1150)
    people = (client(i, f"Persona {i}", f"p{i}@example.com") for i in ids)
    world.pull(world.rows("pacientes_cliente", *people))
    gone = world.rows("pacientes_cliente", gone=tuple(ids))
    with pytest.raises(MassDeletion):
        world.pull(gone)
    with pytest.raises(RuleError, match=r"permission\.denied"):
        syncing.allow_deletion(reception, "pacientes_cliente", 150)
    with pytest.raises(MassDeletion):
        world.pull(gone)
    syncing.allow_deletion(world.actor, "pacientes_cliente", 149)
    with pytest.raises(MassDeletion):
        world.pull(gone)
    assert world.row("pacientes_cliente", 1000) is not None
    syncing.allow_deletion(world.actor, "pacientes_cliente", 150)
    world.pull(gone)
    assert world.row("pacientes_cliente", 1000) is None


def test_the_command_line_says_it_in_the_same_words() -> None:
    with pytest.raises(EnvironmentTrouble) as told, contextlib.ExitStack() as stack:
        stack.enter_context(sync_translated())
        raise MassDeletion(table="citas_cita", gone=150, rows=152)
    assert sentence(told.value).startswith("El servidor pide borrar 150 de 152 citas. No se borró")
