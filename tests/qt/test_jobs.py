"""Work in the background: where it runs, who gets the result, what becomes of the rest."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.errors import RuleError
from desktop.qt import dialogs
from desktop.qt.jobs import READ_WORKERS, Jobs, Progress


def test_work_runs_elsewhere_and_its_result_comes_to_the_main_thread(
    jobs: Jobs, qtbot: QtBot
) -> None:
    owner = QObject()
    got: list[tuple[str, str]] = []

    def done(where: str) -> None:
        got.append((where, threading.current_thread().name))

    jobs.read(owner, lambda _p: threading.current_thread().name, done=done)
    qtbot.waitUntil(lambda: bool(got))
    assert got[0][0].startswith("job-read")
    assert got[0][1] == "MainThread"


def test_the_result_of_a_dead_owner_is_dropped(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QWidget()
    witness = QObject()
    go = threading.Event()
    got: list[object] = []
    ended: list[object] = []
    jobs.write(owner, lambda _p: go.wait(5), done=got.append)
    jobs.write(witness, lambda _p: 1, done=ended.append)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not _alive(owner))
    go.set()
    qtbot.waitUntil(lambda: bool(ended))
    assert got == []


def _alive(widget: QWidget) -> bool:
    from shiboken6 import isValid

    return bool(isValid(widget))


def test_the_failure_of_a_dead_owner_opens_no_dialog(jobs: Jobs, qtbot: QtBot) -> None:
    owner, witness = QWidget(), QObject()
    heard: list[object] = []
    ended: list[object] = []
    go = threading.Event()
    jobs.failedUnhandled.connect(lambda *what: heard.append(what))

    def fail(_p: Progress) -> None:
        go.wait(5)
        raise RuleError("permission.denied")

    jobs.write(owner, fail, done=heard.append)
    jobs.write(witness, lambda _p: 1, done=ended.append)
    owner.deleteLater()
    qtbot.waitUntil(lambda: not _alive(owner))
    go.set()
    qtbot.waitUntil(lambda: bool(ended))
    assert heard == []


def test_of_one_lane_only_the_latest_is_delivered(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    go = threading.Event()
    got: list[int] = []

    def slow(_p: Progress) -> int:
        go.wait(5)
        return 1

    jobs.read(owner, slow, done=got.append, lane_key="search")
    jobs.read(owner, lambda _p: 2, done=got.append, lane_key="search")
    qtbot.waitUntil(lambda: bool(got))
    go.set()
    qtbot.waitUntil(lambda: not jobs.busy)
    assert got == [2]


def test_lanes_of_two_owners_are_apart(jobs: Jobs, qtbot: QtBot) -> None:
    one, other = QObject(), QObject()
    got: list[int] = []
    jobs.read(one, lambda _p: 1, done=got.append, lane_key="search")
    jobs.read(other, lambda _p: 2, done=got.append, lane_key="search")
    qtbot.waitUntil(lambda: sorted(got) == [1, 2])


def test_writes_run_one_at_a_time_in_order(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    running: list[int] = []
    most: list[int] = []
    order: list[int] = []

    def work(number: int) -> Any:
        def run(_p: Progress) -> int:
            running.append(number)
            most.append(len(running))
            running.remove(number)
            return number

        return run

    for number in range(20):
        jobs.write(owner, work(number), done=order.append)
    qtbot.waitUntil(lambda: len(order) == 20)
    assert order == list(range(20))
    assert max(most) == 1


def test_reads_run_side_by_side(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    meet = threading.Barrier(READ_WORKERS)
    got: list[int] = []
    for _ in range(READ_WORKERS):
        jobs.read(owner, lambda _p: meet.wait(5), done=got.append)
    qtbot.waitUntil(lambda: len(got) == READ_WORKERS)


def test_a_failure_goes_to_who_asked_or_to_everybody(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    mine: list[Exception] = []

    def fail(_p: Progress) -> None:
        raise RuleError("permission.denied")

    jobs.read(owner, fail, done=mine.append, failed=mine.append)
    qtbot.waitUntil(lambda: bool(mine))
    assert isinstance(mine[0], RuleError)
    with qtbot.waitSignal(jobs.failedUnhandled) as heard:
        jobs.read(owner, fail, done=mine.append)
    assert heard.args is not None
    assert heard.args[0] is owner


def test_an_unhandled_failure_is_told_in_a_sentence(jobs: Jobs, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    jobs.failedUnhandled.connect(dialogs.report_failure)

    def fail(_p: Progress) -> None:
        raise RuleError("permission.denied")

    jobs.read(window, fail, done=lambda _r: None)
    qtbot.waitUntil(lambda: bool(window.findChildren(dialogs.Dialog)))
    (dialog,) = window.findChildren(dialogs.Dialog)
    assert dialog.subtitle.text().startswith("No tiene permiso")
    dialog.close()


def test_a_job_that_takes_its_time_is_shown_and_can_be_cancelled(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    stop = threading.Event()
    stopped: list[bool] = []
    views: list[Any] = []
    jobs.progressChanged.connect(views.append)

    def work(progress: Progress) -> None:
        while not stop.wait(0.01):
            progress.update(3, 10, "tres de diez")

    try:
        job = jobs.write(
            owner,
            work,
            done=lambda _r: stopped.append(False),
            stopped=lambda: stopped.append(True),
            title="Trabajo",
        )
        qtbot.waitUntil(lambda: any(views), timeout=5000)
        view = next(shown for shown in views if shown)[0]
        assert (view.title, view.text, view.fraction) == ("Trabajo", "tres de diez", 0.3)
        jobs.cancel(job.number)
        qtbot.waitUntil(lambda: bool(stopped))
        assert stopped == [True]
        assert views[-1] == ()
    finally:
        stop.set()


def test_a_quick_job_is_never_shown(jobs: Jobs, qtbot: QtBot) -> None:
    owner = QObject()
    views: list[Any] = []
    got: list[int] = []
    jobs.progressChanged.connect(views.append)
    jobs.write(owner, lambda _p: 1, done=got.append, title="Rápido")
    qtbot.waitUntil(lambda: bool(got))
    assert views == []


def test_shutdown_finishes_writes_cancels_reads_and_leaves_no_thread(qtbot: QtBot) -> None:
    jobs = Jobs()
    owner = QObject()
    written: list[int] = []
    delivered: list[object] = []
    reading = threading.Event()

    def read(progress: Progress) -> None:
        reading.set()
        while True:
            progress.check()

    jobs.read(owner, read, done=delivered.append)
    assert reading.wait(5)
    for number in range(3):
        jobs.write(owner, lambda _p, n=number: written.append(n), done=delivered.append)
    jobs.shutdown()
    jobs.shutdown()
    assert written == [0, 1, 2]
    assert not [t for t in threading.enumerate() if t.name.startswith("job-")]
    jobs.read(owner, lambda _p: 1, done=delivered.append)
    qtbot.wait(20)
    assert delivered == []


def test_progress_tells_a_worker_to_stop() -> None:
    from desktop.qt.jobs import Cancelled

    progress = Progress()
    progress.update(1, 2)
    progress.cancel()
    with pytest.raises(Cancelled):
        progress.update(2, 2)
    assert progress.cancelled
