"""What may be a widget is let go of in the main thread, whoever made the garbage."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.qt.garbage import MainThreadCollector
from desktop.qt.jobs import Jobs, Progress


class Knot:
    """Holds a widget and itself: only the collector can undo it."""

    def __init__(self) -> None:
        self.widget = QWidget()
        self.itself = self


def _litter(_progress: Progress) -> int:
    """Enough new containers to make Python collect at once, where it may."""
    return len([[number] for number in range(20_000)])


def test_a_cycle_with_a_widget_is_collected_in_the_main_thread(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    ends: list[str] = []
    littered: list[int] = []
    knot = Knot()
    weakref.finalize(knot, lambda: ends.append(threading.current_thread().name))
    del knot
    for _round in range(5):
        jobs.read(owner, _litter, done=littered.append)
    qtbot.waitUntil(lambda: len(littered) == 5)
    assert ends == []
    gc.collect()
    assert ends == ["MainThread"]


def test_the_collector_collects_when_enough_has_been_made(qtbot: QtBot) -> None:
    collector = MainThreadCollector()
    try:
        ends: list[str] = []
        knot = Knot()
        weakref.finalize(knot, lambda: ends.append(threading.current_thread().name))
        del knot
        kept = [[number] for number in range(20_000)]
        qtbot.waitUntil(lambda: bool(ends))
        assert ends == ["MainThread"]
        assert len(kept) == 20_000
    finally:
        collector.stop()


def test_what_a_job_holds_is_let_go_of_in_the_main_thread(
    jobs: Jobs, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, held = QObject(), QWidget()
    ends: list[str] = []
    delivered: list[object] = []
    go = threading.Event()
    work = jobs._work

    def slow_to_end(*args: Any) -> None:
        """The worker still holds what it was given when the result has been delivered."""
        work(*args)
        go.wait(10)

    monkeypatch.setattr(jobs, "_work", slow_to_end)
    weakref.finalize(held, lambda: ends.append(threading.current_thread().name))
    jobs.read(owner, lambda _progress, held=held: held is None, done=delivered.append)
    del held
    qtbot.waitUntil(lambda: bool(delivered))
    assert ends == ["MainThread"]
    go.set()


def test_python_collects_again_once_the_last_collector_has_stopped(qtbot: QtBot) -> None:
    before = gc.isenabled()
    one, other = MainThreadCollector(), MainThreadCollector()
    assert not gc.isenabled()
    one.stop()
    one.stop()
    assert not gc.isenabled()
    other.stop()
    assert gc.isenabled() == before or not before
    assert MainThreadCollector._living == 0
