"""The program from the enrolment file to the window, on a real server, and when it can't open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Consultorio
from desktop.domain.errors import EnvironmentTrouble
from desktop.qt.crash import CrashDialog, CrashReporter, fingerprint, report
from desktop.qt.jobs import Jobs
from desktop.views.join import JoinWizard
from desktop.views.join.drop import DropZone
from tests.shell.conftest import enrolled
from tests.support.clinic import PASSPHRASE, Clinic
from tests.support.pictures import colours
from tests.support.strictness import Collector


def test_from_the_enrolment_file_to_in_step(
    clinic: Clinic, programs: Callable[..., Consultorio], tmp_path: Path, qtbot: QtBot
) -> None:
    program = programs(tmp_path / "station")
    assert program.wizard is not None
    program.wizard.use_file(enrolled(clinic, tmp_path / "r.inscripcion"))
    if program.wizard.pages.currentWidget() is program.wizard._secret_page:
        program.wizard.first.setText(PASSPHRASE)
        program.wizard.second.setText(PASSPHRASE)
        program.wizard.go.click()
    qtbot.waitUntil(lambda: program.window is not None, timeout=60_000)
    assert program.wizard is None
    assert program.session is not None
    assert program.window is not None
    window = program.window
    window.signin.username.setText("nadie")
    window.signin.password.setText("equivocada")
    window.signin.enter.click()
    qtbot.waitUntil(lambda: bool(window.signin.banner.text), timeout=30_000)
    assert window.locked
    from desktop.domain.actor import Actor
    from desktop.domain.permissions import ALL

    window.enter(Actor(clinic.practitioners[0], "Paula", "paula", "general", frozenset(ALL)))
    assert window.workspace is not None
    bar = window.workspace.status_bar
    qtbot.waitUntil(lambda: bar.status.state == "in_step", timeout=30_000)
    assert bar.status.last_sync is not None
    second = programs(tmp_path / "station", PASSPHRASE)
    qtbot.waitUntil(lambda: second.start is not None and not second.start.again.isHidden())
    assert second.start is not None
    assert "abierto" in second.start.banner.text.lower()


PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from desktop import app
app.application()
def close():
    print([type(w).__name__ for w in QApplication.topLevelWidgets() if w.isVisible()])
    QApplication.quit()
QTimer.singleShot(300, close)
sys.exit(app.main(sys.argv[1:]))
"""


def test_the_program_starts_and_ends_in_a_process_of_its_own(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--data-dir", str(tmp_path / "station")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "['JoinWizard']\n"), ended.stderr
    assert "Traceback" not in ended.stderr


def in_a_process(module: str, *arguments: str) -> tuple[int, str]:
    """Exit code and complaints of one of our programs in a process of its own, without a keyring."""
    ended = subprocess.run(
        [sys.executable, "-m", f"desktop.{module}", *arguments],
        env=os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in ended.stderr.splitlines() if "propagateSizeHints" not in line]
    return ended.returncode, "\n".join(lines)


def test_a_picture_of_the_first_window_is_saved(clinic: Clinic, tmp_path: Path) -> None:
    picture, folder, phrase = tmp_path / "first.png", tmp_path / "station", tmp_path / "phrase"
    station = ("--data-dir", str(folder))
    opened = ("--passphrase-file", str(phrase))
    screenshot = ("--screenshot", str(picture))
    phrase.touch(mode=0o600)
    phrase.write_text(PASSPHRASE)

    assert in_a_process("app", *station, *screenshot) == (0, "")
    wizard = QImage(str(picture))
    assert colours(picture) > 10

    file = enrolled(clinic, tmp_path / "r.inscripcion")
    assert in_a_process("cli", "join", str(file), *station, *opened) == (0, "")
    assert in_a_process("app", *station, *opened, *screenshot) == (0, "")
    sign_in = QImage(str(picture))
    assert sign_in != wizard
    assert colours(picture) > 10

    code, words = in_a_process("app", *station, *screenshot)
    assert code == 1
    assert "--passphrase-file" in words
    assert QImage(str(picture)) not in (sign_in, wizard)

    (folder / "workstation.json").write_text("{")
    code, words = in_a_process("app", *station, "--screenshot", str(tmp_path / "no" / "first.png"))
    assert code == 1
    assert "No se pudo escribir la imagen" in words


def test_an_altered_file_is_told_and_another_may_be_chosen(
    clinic: Clinic, programs: Callable[..., Consultorio], tmp_path: Path, qtbot: QtBot
) -> None:
    path = enrolled(clinic, tmp_path / "r.inscripcion")
    path.write_text(path.read_text().replace("Recepci", "Reception"))
    program = programs(tmp_path / "station", PASSPHRASE)
    wizard = program.wizard
    assert wizard is not None
    wizard.use_file(path)
    qtbot.waitUntil(lambda: bool(wizard.banner.text), timeout=30_000)
    assert wizard.pages.currentWidget() is wizard.drop
    assert not (tmp_path / "station").exists()


def test_a_damaged_description_is_told_with_a_chance_to_try_again(
    programs: Callable[..., Consultorio], tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "station"
    folder.mkdir()
    (folder / "workstation.json").write_text("{")
    program = programs(folder)
    assert program.start is not None
    assert program.start.banner.text
    assert not program.start.again.isHidden()
    shutil.rmtree(folder)
    program.start.again.click()
    assert program.start is not None


@pytest.fixture
def wizard(jobs: Jobs, qtbot: QtBot) -> JoinWizard:
    made = JoinWizard(jobs, lambda *_: None, has_keyring=False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_passphrase_is_long_enough_and_the_same_twice(wizard: JoinWizard, jobs: Jobs) -> None:
    wizard.use_file(Path("x"))
    wizard.first.setText("corta")
    wizard.go.click()
    assert "10" in wizard._first_field.note.text()
    wizard.first.setText("una frase bien larga")
    wizard.second.setText("una frase mal larga")
    wizard.go.click()
    assert wizard._second_field.note.text() == "Las dos no coinciden."
    assert not jobs.busy


def test_a_load_is_stopped_and_goes_on(jobs: Jobs, qtbot: QtBot) -> None:
    import threading

    calls: list[int] = []
    go_on = threading.Event()

    def join(_file: Path, _words: str, tell: Callable[[str, int, int], None], _day: object) -> None:
        calls.append(1)
        while not go_on.wait(0.01):
            tell("citas_cita", 10, 40)

    wizard = JoinWizard(jobs, join, has_keyring=True)
    qtbot.addWidget(wizard)
    wizard.show()
    try:
        wizard.use_file(Path("x"))
        qtbot.waitUntil(lambda: "Cita" in wizard.busy.words.text(), timeout=5000)
        assert wizard.busy.words.text() == "Cita · 10 de unos 40 registros"
        wizard.stop.click()
        qtbot.waitUntil(wizard.resume.isVisible)
        go_on.set()
        with qtbot.waitSignal(wizard.joined):
            wizard.resume.click()
        assert len(calls) == 2
    finally:
        go_on.set()


def test_trouble_while_joining_is_a_sentence(jobs: Jobs, qtbot: QtBot) -> None:
    def join(*_: object) -> None:
        raise EnvironmentTrouble("cache.disk_full")

    wizard = JoinWizard(jobs, join, has_keyring=True)
    qtbot.addWidget(wizard)
    wizard.show()
    wizard.use_file(Path("x"))
    qtbot.waitUntil(lambda: bool(wizard.banner.text))
    assert wizard.banner.text.startswith("El disco está lleno")
    assert wizard.resume.isVisible()


def test_a_file_is_dropped(dressed: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    zone = DropZone()
    qtbot.addWidget(zone)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.inscripcion"))])
    action, button, key = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, key)
    zone.dragEnterEvent(enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(zone.chosen) as heard:
        zone.dropEvent(QDropEvent(QPoint(5, 5), action, data, button, key))
    assert heard.args == [tmp_path / "a.inscripcion"]


def test_no_test_touches_the_keyring_of_this_computer() -> None:
    assert "Memory" in type(keyring.get_keyring()).__name__


def fault(name: str) -> Exception:
    try:
        raise ValueError(f"paciente {name}")
    except ValueError as error:
        return error


def test_a_crash_report_holds_no_values_and_is_shown_once(
    dressed: QApplication, tmp_path: Path, strict: Collector, qtbot: QtBot
) -> None:
    strict.expect("desktop.qt.crash", "a fault of the program: ValueError")
    reporter = CrashReporter(tmp_path / "logs")
    shown: list[str] = []
    reporter._came.connect(shown.append)
    for name in ("María", "Juan"):
        reporter.caught(fault(name))
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert shown[0] == shown[1] == report(fault("Rosa"))
    assert "paciente" not in shown[0]
    assert "builtins.ValueError" in shown[0]
    assert "fault" in shown[0]
    qtbot.waitUntil(lambda: bool(_dialogs()))
    (dialog,) = _dialogs()
    assert dialog.text.toPlainText() == shown[0]
    kept = tmp_path / "logs" / f"crash-{fingerprint(shown[0])}.txt"
    assert kept.read_text("utf-8") == shown[0]
    dialog.close()


def _dialogs() -> list[CrashDialog]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, CrashDialog)]


def test_a_fault_in_any_thread_comes_to_the_reporter(
    dressed: QApplication, tmp_path: Path, strict: Collector, qtbot: QtBot
) -> None:
    import threading

    strict.expect("desktop.qt.crash", "a fault of the program: ZeroDivisionError")
    before = (sys.excepthook, threading.excepthook)
    reporter = CrashReporter(tmp_path / "logs")
    reporter.install()
    try:
        thread = threading.Thread(target=lambda: 1 // 0)
        with qtbot.waitSignal(reporter._came):
            thread.start()
        thread.join()
    finally:
        reporter.uninstall()
    qtbot.waitUntil(lambda: bool(_dialogs()))
    for dialog in _dialogs():
        dialog.close()
    assert (sys.excepthook, threading.excepthook) == before
