"""Bringing back what was saved before the server was put back, as an administrator meets it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.domain.permissions import permissions_of
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.qt.widgets import Banner
from desktop.services.cache import executor
from desktop.services.inbox_records import Way
from desktop.views.inbox import InboxScreen
from desktop.views.main_window import SMALLEST
from sync import codec
from tests.shell.conftest import MARIA, World, client
from tests.shell.test_inbox import edit_phone
from tests.shell.test_restored import acknowledge, names, put_back, rosa


@pytest.fixture
def drafts(world: World) -> list[str]:
    """A client, her visit and a change of María's notes, none of which the server has any more."""
    client_id = rosa(world)
    visit = world.book(10, client=client_id)
    edit_phone(world, "mi nota", "Penicilina")
    acknowledge(world)
    txs = put_back(world, ("citas_cita", visit), ("pacientes_cliente", client_id))
    world.pull(world.rows("pacientes_cliente", client(MARIA, "María", "maria@example.com")))
    return txs


def shown(context: AppContext, qtbot: QtBot, count: int) -> InboxScreen:
    made = InboxScreen(context)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    qtbot.waitUntil(lambda: len(made.model.items) == count and not context.jobs.busy)
    return made


def listed(screen: InboxScreen) -> list[str]:
    return [item.tx for item in screen.model.items]


def dialog(screen: InboxScreen) -> Dialog:
    return next(one for one in screen.findChildren(Dialog) if one.isVisible())


def test_all_are_chosen_at_once_and_come_back(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    assert screen.restored.isVisible()
    assert screen.restored.text.startswith("3 cambios se guardaron antes de restaurar el servidor")
    screen.all.click()
    several = screen.several
    assert several is not None
    assert screen.detail is None
    assert several.bring.text() == "&Traer 3 de vuelta"
    several.bring.click()
    assert world.waiting() == []
    with qtbot.waitSignal(context.notified) as told:
        dialog(screen).primary.click()
    assert told.args is not None
    assert told.args[0] == "3 cambios están de vuelta aquí y en camino a los demás."
    qtbot.waitUntil(lambda: screen._empty.currentWidget() is screen._all_well)
    assert not screen.restored.isVisible()
    assert screen.list.isEnabled()
    assert len(world.waiting()) == 3
    assert names(world).count("Rosa Díaz Lagos") == 1


def test_several_are_left_out_and_taken_back_with_one_undo(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.list.setFocus()
    screen.list.setCurrentIndex(screen.model.index(0))
    qtbot.keyClick(screen.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert screen.several is not None
    assert [item.tx for item in screen.several.items] == drafts[:2]
    undo: list[object] = []
    context.notified.connect(lambda *words: undo.append(words[3]))
    screen.several.leave.click()
    dialog(screen).primary.click()
    qtbot.waitUntil(lambda: listed(screen) == drafts[2:])
    assert screen.detail is not None
    assert world.waiting() == []
    undo[0]()  # type: ignore[operator]
    qtbot.waitUntil(lambda: listed(screen) == drafts)


def test_one_is_brought_back_with_what_it_needs(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.open({"tx": drafts[1]})
    qtbot.waitUntil(lambda: screen.detail is not None and screen.detail.item.tx == drafts[1])
    detail = screen.detail
    assert detail is not None
    said = [banner.text for banner in detail.findChildren(Banner)]
    assert "Necesita 1 cambio anterior, que vuelve con él." in said
    detail.buttons[Way.BRING_BACK].click()
    qtbot.waitUntil(lambda: listed(screen) == drafts[2:])
    again = [operation.table for one in world.waiting() for operation in one.operations]
    assert again == ["pacientes_cliente", "citas_cita"]


def test_one_is_left_out_after_a_question(
    context: AppContext, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    detail = screen.detail
    assert detail is not None
    detail.buttons[Way.LEAVE_OUT].click()
    assert dialog(screen).windowTitle() == "¿Dejar 1 cambio fuera?"
    dialog(screen).primary.click()
    qtbot.waitUntil(lambda: listed(screen) == drafts[1:])


def test_what_cannot_come_back_is_told_and_stays(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.all.click()
    several = screen.several
    assert several is not None
    several.bring.click()
    world.pull(world.rows("pacientes_cliente", gone=(MARIA,)))
    with world.cache.writing_local() as session:
        executor(session)("DELETE FROM inbox_grave")
    asked = dialog(screen)
    asked.primary.click()
    qtbot.waitUntil(
        lambda: any(
            one.windowTitle() == "No todo volvió" and one.isVisible()
            for one in screen.findChildren(Dialog)
        )
    )
    told = dialog(screen)
    assert told.subtitle.text().startswith("2 cambios están de vuelta")
    assert "1 cambio no se pudo traer" in told.subtitle.text()
    qtbot.waitUntil(lambda: listed(screen) == drafts[2:])


def test_a_refusal_among_the_chosen_is_settled_alone(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    world.clock.forward(minutes=1)
    world.book(15)
    refused = world.refuse("overlap")
    screen = shown(context, qtbot, 4)
    screen.list.selectAll()
    several = screen.several
    assert several is not None
    assert "1 de ellos se resuelve por separado" in "".join(
        banner.text for banner in several.findChildren(Banner)
    )
    several.bring.click()
    dialog(screen).primary.click()
    qtbot.waitUntil(lambda: listed(screen) == [refused])


@pytest.fixture
def rosa_again(world: World, drafts: list[str]) -> list[str]:
    """Meanwhile somebody entered the lost client anew."""
    world.clock.forward(hours=1)
    again = client(900, "Rosa Díaz", "rosa@example.com")
    again["fecha_registro"] = codec.instant_to_text(world.clock())
    world.pull(world.rows("pacientes_cliente", again))
    return drafts


def test_what_may_be_there_already_is_said_and_decided_on_first(
    context: AppContext, world: World, rosa_again: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.open({"tx": rosa_again[1]})
    qtbot.waitUntil(lambda: screen.detail is not None and screen.detail.item.tx == rosa_again[1])
    visit = screen.detail
    assert visit is not None
    assert list(visit.buttons) == [Way.LEAVE_OUT]
    told = [banner.text for banner in visit.findChildren(Banner)]
    assert any("decida primero sobre ese" in words for words in told)
    assert not any("vuelve con él" in words for words in told)
    (first,) = [b for b in visit.findChildren(QPushButton) if b.text().startswith("Ir al cambio")]
    first.click()
    qtbot.waitUntil(lambda: screen.detail is not None and screen.detail.item.tx == rosa_again[0])
    made = screen.detail
    assert made is not None
    said = [banner.text for banner in made.findChildren(Banner)]
    assert any("Quizás ya existe: Rosa Díaz (mismo correo" in words for words in said)
    assert made.buttons[Way.BRING_BACK].text() == "&Traer de vuelta igualmente"
    made.buttons[Way.SAME].click()
    qtbot.waitUntil(lambda: listed(screen) == rosa_again[1:])
    assert world.waiting() == []


def test_a_client_may_come_back_all_the_same(
    context: AppContext, world: World, rosa_again: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    assert screen.detail is not None
    screen.detail.buttons[Way.BRING_BACK].click()
    qtbot.waitUntil(lambda: listed(screen) == rosa_again[1:])
    assert "Rosa Díaz Lagos" in names(world)


def test_of_several_those_that_may_be_there_wait_or_take_what_is_there(
    context: AppContext, world: World, rosa_again: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.all.click()
    several = screen.several
    assert several is not None
    said = " ".join(banner.text for banner in several.findChildren(Banner))
    assert "2 de ellos, o lo que necesitan, quizás ya existen" in said
    assert several.bring.text() == "&Traer 1 de vuelta"
    several.same.setChecked(True)
    assert several.bring.text() == "&Traer 3 de vuelta"
    several.bring.click()
    with qtbot.waitSignal(context.notified) as told:
        dialog(screen).primary.click()
    assert told.args is not None
    assert told.args[0].endswith("en camino a los demás. 1 ya existía.")
    assert len(world.waiting()) == 2
    assert names(world).count("Rosa Díaz Lagos") == 0


def test_what_was_entered_while_it_was_asked_is_told_and_stays(
    context: AppContext, world: World, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(context, qtbot, 3)
    screen.all.click()
    several = screen.several
    assert several is not None
    several.bring.click()
    world.pull(world.rows("pacientes_cliente", client(900, "Rosa", "rosa@example.com")))
    dialog(screen).primary.click()
    qtbot.waitUntil(
        lambda: any(
            one.windowTitle() == "No todo volvió" and one.isVisible()
            for one in screen.findChildren(Dialog)
        )
    )
    assert "2 cambios, o lo que necesitan, quizás ya existen" in dialog(screen).subtitle.text()
    qtbot.waitUntil(lambda: listed(screen) == drafts[:2])


@pytest.fixture
def receptionist(
    world: World, jobs: Jobs, settings: Settings, administrator: Actor
) -> Iterator[AppContext]:
    actor = dataclasses.replace(
        administrator, role="administrativo", permissions=permissions_of("administrativo")
    )
    made = AppContext(world.services, jobs, actor, settings)
    yield made
    made.close()


def test_others_see_them_greyed_and_whom_to_ask(
    receptionist: AppContext, drafts: list[str], qtbot: QtBot
) -> None:
    screen = shown(receptionist, qtbot, 3)
    words = "Solo un administrador puede decidir esto. Pregunte a: Ana Admin"
    detail = screen.detail
    assert detail is not None
    assert detail.buttons
    assert not any(made.isEnabled() for made in detail.buttons.values())
    assert any(banner.text.startswith(words) for banner in detail.findChildren(Banner))
    screen.all.click()
    several = screen.several
    assert several is not None
    assert not several.bring.isEnabled()
    assert not several.leave.isEnabled()
    assert any(banner.text.startswith(words) for banner in several.findChildren(Banner))


def uncut(made: list[QPushButton], card: QWidget) -> bool:
    return all(
        one.width() >= one.sizeHint().width() and one.geometry().right() < card.width()
        for one in made
    )


@pytest.mark.parametrize("scale", [1.0, 1.25])
@pytest.mark.parametrize("there", ["drafts", "rosa_again"])
def test_the_smallest_window_cuts_no_way_out(
    context: AppContext, request: pytest.FixtureRequest, qtbot: QtBot, there: str, scale: float
) -> None:
    request.getfixturevalue(there)
    theme_switch().apply("light", scale)
    screen = shown(context, qtbot, 3)
    page = QWidget()
    qtbot.addWidget(page)
    screen.setParent(page)
    screen.resize(SMALLEST.width() - round(104 * scale), 560)
    page.resize(screen.size())
    page.show()
    screen.show()
    for row in range(3):
        screen.list.setCurrentIndex(screen.model.index(row))
        detail = screen.detail
        assert detail is not None
        made = [one for one in detail.findChildren(QPushButton) if one.isVisibleTo(detail)]
        assert len(made) >= 2
        qtbot.waitUntil(partial(uncut, made, detail))
    screen.all.click()
    several = screen.several
    assert several is not None
    qtbot.waitUntil(partial(uncut, [several.bring, several.leave], several))
    assert several.same.width() >= several.same.sizeHint().width()
    assert screen.width() <= SMALLEST.width()
    screen.setParent(None)
