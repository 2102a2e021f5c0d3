"""Where the agenda stands when a person has signed in."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.qt.theme import theme_switch
from desktop.views.agenda import AgendaScreen
from desktop.views.agenda.frame import GridFrame
from desktop.views.agenda.grid import Grid
from desktop.views.main_window import MainWindow, Program
from desktop.views.workspace import ScreenEntry
from tests.conftest import Clock
from tests.shell.conftest import World, at


@pytest.fixture
def window(program: Program, clock: Clock, qtbot: QtBot) -> Iterator[MainWindow]:
    entries = (ScreenEntry("agenda", "Agenda", "agenda", AgendaScreen), *program.screens)
    made = MainWindow(dataclasses.replace(program, screens=entries))
    qtbot.addWidget(made)
    made.resize(1366, 720)
    made.show()
    QTest.qWaitForWindowExposed(made)
    yield made
    made.close()


def opened(
    window: MainWindow, world: World, clock: Clock, hour: float, qtbot: QtBot
) -> AgendaScreen:
    """The agenda after signing in on Tuesday 24 November at ``hour``."""
    moment = at(0) + dt.timedelta(hours=hour)
    clock.forward(seconds=(moment - clock()).total_seconds())
    window.enter(world.actor)
    assert window.workspace is not None
    screen = window.workspace.view("agenda")
    assert isinstance(screen, AgendaScreen)
    qtbot.waitUntil(lambda: screen.grid.model is not None)
    QTest.qWait(50)  # whatever is still laid out has been
    return screen


def top(screen: AgendaScreen) -> float:
    """The minute at the upper edge."""
    return screen.frame.area.verticalScrollBar().value() / screen.grid.geometry_now().scale


@pytest.mark.parametrize("hour", [12, 15])
def test_it_opens_an_hour_before_now(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot, hour: int
) -> None:
    screen = opened(window, world, clock, hour, qtbot)
    assert top(screen) == pytest.approx((hour - 1) * 60 - 15, abs=1)


def test_a_day_that_is_read_before_the_window_is_shown_opens_there_too(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot
) -> None:
    window.hide()
    screen = opened(window, world, clock, 15, qtbot)
    window.show()
    qtbot.waitUntil(lambda: top(screen) == pytest.approx(14 * 60 - 15, abs=1))


def test_a_time_that_a_high_window_can_not_have_at_its_top_is_there_in_a_lower_one(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot
) -> None:
    screen = opened(window, world, clock, 20.5, qtbot)
    bar = screen.frame.area.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    assert top(screen) < 19.25 * 60
    window.resize(window.minimumSize())
    qtbot.waitUntil(lambda: top(screen) == pytest.approx(19.25 * 60, abs=1))


def test_where_a_person_has_scrolled_it_stays(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot
) -> None:
    screen = opened(window, world, clock, 23, qtbot)
    viewport = screen.frame.area.viewport()
    place = QPointF(viewport.rect().center())
    QApplication.sendEvent(
        viewport,
        QWheelEvent(
            place,
            viewport.mapToGlobal(place),
            QPoint(),
            QPoint(0, 360),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )
    seen = screen.frame.area.verticalScrollBar().value()
    assert seen < screen.frame.area.verticalScrollBar().maximum()
    window.resize(window.minimumSize())
    QTest.qWait(20)
    assert screen.frame.area.verticalScrollBar().value() == seen


def test_another_size_of_the_text_keeps_the_minute_at_the_top(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot
) -> None:
    screen = opened(window, world, clock, 15, qtbot)
    before = top(screen)
    theme_switch().apply("light", 1.25)
    QTest.qWait(20)
    assert top(screen) == pytest.approx(before, abs=1)


def test_a_day_that_is_read_before_anything_is_laid_out_opens_there_too(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot
) -> None:
    clock.forward(seconds=(at(15) - clock()).total_seconds())
    agenda = world.services.agenda
    read = agenda.day(at(15).date(), None), agenda.options()
    window.enter(world.actor)
    assert window.workspace is not None
    screen = window.workspace.view("agenda")
    assert isinstance(screen, AgendaScreen)
    screen._show(read)
    qtbot.waitUntil(lambda: top(screen) == pytest.approx(14 * 60 - 15, abs=1))


def test_a_grid_that_is_not_shown_yet_goes_there_when_it_is(
    dressed: QApplication, world: World, qtbot: QtBot
) -> None:
    grid = Grid(slot=15, now=lambda: at(15), may_edit=True)
    frame = GridFrame(grid, lambda: at(15))
    qtbot.addWidget(frame)
    frame.show_minute(14 * 60)
    assert frame.area.verticalScrollBar().value() < grid.geometry_now().y(14 * 60)
    frame.resize(800, 500)
    frame.show()
    wanted = grid.geometry_now().y(14 * 60)
    qtbot.waitUntil(lambda: frame.area.verticalScrollBar().value() == wanted)


@pytest.mark.parametrize("scale", [1.0, 1.1, 1.25])
def test_the_day_is_always_named_in_whole_words(
    window: MainWindow, world: World, clock: Clock, qtbot: QtBot, scale: float
) -> None:
    screen = opened(window, world, clock, 15, qtbot)
    theme_switch().apply("light", scale)
    if scale < 1.25:
        screen.toolbar.filter.setText("Catalina Andrea Cáceres  ▾")
    seen = []
    for width in (1920, 1366, 960):
        window.resize(width, 720)
        QTest.qWait(50)
        title = screen.toolbar.title
        seen.append(title.text())
        assert title.fontMetrics().horizontalAdvance(title.text()) < title.width()
    assert seen[0] == "Martes, 24 de noviembre de 2026"
    assert seen[-1] in {"Mar 24 nov 2026", "Mar 24 nov"}
