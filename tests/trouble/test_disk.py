"""A disk that is really full: said on screen and by command, nothing lost, and it goes on after."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.app import keep_logs
from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.qt.dialogs import Dialog
from desktop.views.clients import ClientsScreen
from tests.support.clinic import PASSPHRASE, Clinic
from tests.support.strictness import Collector
from tests.trouble.conftest import PATIENT, Post, Windows, says, told

MEGABYTES = 24


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    path = tmp_path / "disco"
    path.mkdir()
    mounted = os.name == "posix" and os.geteuid() == 0
    mounted = mounted and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(path)],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("only root may mount a small disk")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


class Ballast:
    """Fills what is left of a disk, to the last byte, and gives it free."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "lastre"

    def fill(self) -> None:
        with self._path.open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    if file.write(b"x" * size) < size:
                        size //= 2
                except OSError:
                    size //= 2

    def throw_off(self) -> None:
        self._path.unlink()


@pytest.fixture
def ballast(disk: Path) -> Ballast:
    return Ballast(disk)


@pytest.fixture
def post(clinic: Clinic, file: Path, phrase: Path, disk: Path) -> Post:
    """A workstation whose folder is on the small disk."""
    made = Post(
        clinic,
        disk / "equipo",
        phrase,
        Actor(clinic.practitioners[0], "Paula", "admin", "general", frozenset(ALL)),
    )
    ran = made.run("join", file)
    assert ran.code == 0, ran
    return made


def test_an_edit_on_screen(
    post: Post, ballast: Ballast, windows: Windows, clinic: Clinic, strict: Collector
) -> None:
    juan = clinic.clients[1]
    waiting = post.work()
    window = windows.window(post.folder)
    window._program.settings.set("work_offline", True)
    window.enter(post.actor)
    assert window.workspace is not None
    workspace = window.workspace
    workspace.show_screen("clients")
    screen = workspace.view("clients")
    assert isinstance(screen, ClientsScreen)
    screen.show_client(juan)
    windows.wait(lambda: screen.details.details is not None)
    windows.wait(lambda: not screen._context.jobs.busy)
    ballast.fill()
    notes = screen.details.form.texts["notes"]
    notes.setFocus()
    text = "Avisar por la tarde. " * 400
    notes.insertPlainText(text)
    screen.details.autosave.flush()
    windows.wait(screen.details.trouble.isVisible)
    assert says(screen.details.trouble.text, "cache.disk_full"), screen.details.trouble.text
    assert notes.toPlainText() == text
    assert screen.details.state.text() == "Aún sin guardar"
    screen.start_new()
    form = screen.new_client.form
    form.lines["full_name"].setText("Nadie Todavía")
    screen.new_client.submit()
    windows.wait(lambda: says(windows.read(), "cache.disk_full"))
    windows.wait(lambda: not screen._context.jobs.busy)
    assert form.lines["full_name"].text() == "Nadie Todavía"
    assert workspace.context.services.clients.search("Nadie Todavía") == []
    ballast.throw_off()
    screen.new_client.submit()
    windows.wait(
        lambda: (
            screen.details.details is not None
            and screen.details.details.fields.full_name == "Nadie Todavía"
        )
    )
    windows.wait(lambda: not screen._context.jobs.busy)
    screen.show_client(juan)
    windows.wait(lambda: screen.details.details is not None and screen.details.details.id == juan)
    windows.wait(lambda: not screen._context.jobs.busy)
    assert screen.details.form.texts["notes"].toPlainText().strip() == text.strip()
    again = [b for b in screen.details.trouble.findChildren(type(screen.add)) if b.isVisible()]
    for button in again:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    screen.details.autosave.flush()
    windows.wait(lambda: screen.details.autosave.state == "saved")
    windows.end()
    assert post.pending == waiting + 2
    post.syncs()
    stored = "SELECT notas FROM pacientes_cliente WHERE id = %s"
    assert clinic.value(stored, juan) == text.strip()
    assert post.on_server() == 1
    assert post.on_server("Nadie Todavía") == 1
    clinic.query("DELETE FROM pacientes_cliente WHERE nombre_completo = %s", PATIENT)


def test_closing_with_something_typed_that_fits_nowhere(
    post: Post, ballast: Ballast, windows: Windows, clinic: Clinic
) -> None:
    """Neither saved nor kept as a draft: the person is asked, and nothing is lost by staying."""
    juan = clinic.clients[1]
    window = windows.window(post.folder)
    window._program.settings.set("work_offline", True)
    window.enter(post.actor)
    assert window.workspace is not None
    window.workspace.show_screen("clients")
    screen = window.workspace.view("clients")
    assert isinstance(screen, ClientsScreen)
    screen.show_client(juan)
    windows.wait(lambda: screen.details.details is not None)
    windows.wait(lambda: not screen._context.jobs.busy)
    ballast.fill()
    email = screen.details.form.lines["email"]
    typed = "juan arroba " * 20
    email.setFocus()
    email.setText(typed)
    email.textEdited.emit(typed)
    window.close()
    windows.wait(lambda: "se pierde" in windows.read())
    assert window.isVisible()
    assert email.text() == typed
    assert says(screen.details.trouble.text, "cache.disk_full")
    (asked,) = [one for one in window.findChildren(Dialog) if one.isVisible()]
    asked.cancel.click()
    assert window.isVisible()
    ballast.throw_off()
    window.close()
    windows.wait(lambda: not window.isVisible())
    windows.end()
    session = post.open()
    kept = session.services.clients.drafts.kept(post.actor)
    session.close()
    assert [(draft.client_id, draft.field, draft.typed) for draft in kept] == [
        (juan, "email", typed)
    ]


def test_what_comes_from_the_server(
    post: Post, ballast: Ballast, windows: Windows, clinic: Clinic, strict: Collector
) -> None:
    strict.expect("sync", "sync stumbled: SQLITE_")
    waiting = post.work()
    window = windows.window(post.folder)
    windows.sign_in(window)
    workspace = window.workspace
    assert workspace is not None
    bar = workspace.status_bar
    windows.wait(lambda: bar.status.state == "in_step")
    ballast.fill()
    clinic.query(
        "UPDATE pacientes_cliente SET notas = repeat('x', 200000) WHERE id = %s", clinic.clients[0]
    )
    windows.wait(lambda: bar.status.code == "sync.cache_failed")
    assert says(bar.connection.toolTip(), "sync.cache_failed")
    windows.end()
    told(post.run, "cache.disk_full", "sync", "--once")
    ballast.throw_off()
    post.syncs()
    with_notes = post.open()
    read = with_notes.services.clients.get(clinic.clients[0]).fields.notes
    with_notes.close()
    assert read == "x" * 200000
    assert waiting == 1
    assert post.on_server() == 1
    clinic.query("UPDATE pacientes_cliente SET notas = NULL WHERE id = %s", clinic.clients[0])
    clinic.query("DELETE FROM pacientes_cliente WHERE nombre_completo = %s", PATIENT)


def test_at_the_start(post: Post, ballast: Ballast, windows: Windows) -> None:
    """Not even SQLite's own small files fit: the program says so, and opens when they do."""
    waiting = post.work()
    ballast.fill()
    told(post.run, "cache.disk_full", "status")
    told(post.run, "cache.disk_full", "sync", "--once")
    program = windows.start(post.folder)
    windows.wait(lambda: program.start is not None and program.start.banner.text)
    start = program.start
    assert start is not None
    assert says(start.banner.text, "cache.disk_full"), start.banner.text
    ballast.throw_off()
    start.again.click()
    windows.wait(lambda: program.window is not None)
    windows.end()
    assert post.pending == waiting
    post.syncs()


def test_while_joining(
    clinic: Clinic, file: Path, phrase: Path, disk: Path, ballast: Ballast, windows: Windows
) -> None:
    made = Post(clinic, disk / "otro", phrase, Actor(1, "Paula", "admin", "general", frozenset()))
    ballast.fill()
    ran = made.run("join", file, "--json")
    assert ran.code == 1
    assert ran.json["error"]["code"] in {"cache.disk_full", "workstation.read_only"}, ran
    program = windows.start(made.folder, PASSPHRASE)
    assert program.wizard is not None
    wizard = program.wizard
    wizard.use_file(file)
    windows.wait(lambda: wizard.banner.text)
    assert says(wizard.banner.text, ran.json["error"]["code"])
    assert not made.folder.exists()
    ballast.throw_off()
    wizard.resume.click()
    windows.wait(lambda: program.window is not None)
    windows.end()
    made.syncs()


def test_an_enrolment_file(clinic: Clinic, disk: Path, ballast: Ballast) -> None:
    """The administrator's side: no workstation is admitted whose file could not be written."""
    from tests.trouble.conftest import command

    def admitted() -> int:
        return int(clinic.value("SELECT count(*) FROM sync_device WHERE revoked_at IS NULL"))

    before = admitted()
    ballast.fill()
    out = disk / "nuevo.inscripcion"
    arguments = (
        *("device", "enroll", clinic.schema, "--profile", "reception", "--dsn", clinic.dsn),
        *("--out", out),
    )
    ran = command(*arguments, "--json")
    assert ran.code == 1, ran
    assert ran.json["error"]["code"] == "file.not_written", ran
    assert not out.exists()
    assert admitted() == before
    ballast.throw_off()
    assert command(*arguments, "--json").code == 0


def test_the_log_itself(
    disk: Path, ballast: Ballast, capfd: pytest.CaptureFixture[str], strict: Collector
) -> None:
    strict.expect("trouble", "a line")
    handler = keep_logs(disk / "logs")
    ballast.fill()
    try:
        for _line in range(100):
            logging.getLogger("trouble").warning("a line of the log that fits nowhere")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert capfd.readouterr() == ("", "")
