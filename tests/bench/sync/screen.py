"""How soon a receptionist reads today's agenda on the screen of a workstation that is joining.

The program itself, from the moment the enrolment file is chosen, on a screen that nobody sees. The
person is taken to type the password in no time; that it is checked is counted.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QEventLoop, QObject
from PySide6.QtWidgets import QApplication

from desktop.app import Consultorio, application
from desktop.views.join import JoinWizard
from desktop.views.join.today import TodayView
from tests.bench.figures import Figure
from tests.bench.sync.first import admitted
from tests.support.clinic import PASSWORD, Clinic
from tests.support.first_load import hold_after_day

LIMIT = 2.0
PATIENCE = 120.0
WATCHED = 5.0
FRAME_MS = 10


class Painted(QObject):
    """Counts how often a widget was painted."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.times = 0
        parent.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.times += event.type() == QEvent.Type.Paint
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, FRAME_MS)
        if time.monotonic() > deadline:
            raise AssertionError("the day never came to the screen")


def _still(view: TodayView) -> float:
    """The longest that the screen stood still while the load went on and the day was scrolled."""
    longest, ends = 0.0, time.monotonic() + WATCHED
    bar = view.frame.area.verticalScrollBar()
    while time.monotonic() < ends:
        began = time.perf_counter()
        bar.setValue((bar.value() + 40) % max(1, bar.maximum()))
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, FRAME_MS)
        longest = max(longest, time.perf_counter() - began)
    return longest


def _sign_in(wizard: JoinWizard) -> None:
    signin = wizard.door.signin
    if signin is None:
        raise AssertionError("nobody is asked who they are")
    signin.username.setText("admin")
    signin.password.setText(PASSWORD)
    signin.enter.click()


def _once(clinic: Clinic, label: str, *, held: bool) -> tuple[float, float, float, int]:
    """Seconds to the question who is there, to the painted day, and of the longest standstill; and
    how many appointments were painted.
    """
    file = admitted(clinic, label)
    program, looked = Consultorio(clinic.folder / label), threading.Event()
    try:
        program.begin()
        wizard = program.wizard
        if wizard is None:
            raise AssertionError("the program does not ask for an enrolment file")
        _until(wizard.isVisible)
        if held:
            hold_after_day(wizard, looked)
        started = time.perf_counter()
        wizard.use_file(file)
        _until(lambda: wizard.door.signin is not None)
        asked = time.perf_counter() - started
        _sign_in(wizard)
        _until(lambda: wizard.door.view is not None)
        view = wizard.door.view
        if view is None:
            raise AssertionError
        painted = Painted(view.grid)
        _until(lambda: painted.times > 0)
        seen = time.perf_counter() - started
        still = _still(view)
        if program.window is not None or not view.isVisible():
            raise AssertionError("the load had ended before the day was looked at")
        return asked, seen, still, len(view.model.by_id)
    finally:
        if program.wizard is not None:
            program.wizard.close()
        looked.set()
        program.end()


def seen(clinic: Clinic, rounds: int, *, held: bool) -> list[Figure]:
    """The medians of some first syncs, each stopped when the day has been looked at.

    :param held: for a clinic so small that everything is there before the day can be looked at.
    """
    application()
    found = [_once(clinic, f"seen-{number}", held=held) for number in range(rounds)]
    asked, painted, still, shown = (list(column) for column in zip(*found, strict=True))
    return [
        Figure("first sync, on the screen: appointments", min(shown), "rows"),
        Figure("first sync, on the screen: asked who is there", statistics.median(asked), "s"),
        Figure(
            "first sync, on the screen: today's agenda painted",
            statistics.median(painted),
            "s",
            LIMIT,
        ),
        Figure("first sync, on the screen: longest standstill", max(still) * 1000, "ms"),
    ]
