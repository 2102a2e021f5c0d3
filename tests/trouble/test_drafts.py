"""What was typed of a client and is wrong, refused or unfinished is there again, whatever happened."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.models import sync_schema
from desktop.services.bundle import Services
from desktop.services.cache import Cache, executor
from desktop.services.clients import Clients
from desktop.services.clients_drafts import NEW
from desktop.services.clients_records import FIELDS, Change, NewClient
from desktop.services.clinic import load
from desktop.views.clients import ClientsScreen
from desktop.views.main_window import MainWindow
from sync import store
from sync.apply import Transaction, no_fault
from sync.rekey import take_number
from tests.support.clinic import PASSPHRASE, Clinic
from tests.trouble.conftest import Post, Windows, says

WRONG_RUT = "7.654.321-0"

TYPIST = """
import sys
import time
from pathlib import Path
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from desktop import app
from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
folder, phrase, client, staff, what = sys.argv[1:]
application = app.application()
program = app.Consultorio(Path(folder), passphrase=phrase)
program.begin()
def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        QTest.qWait(10)
until(lambda: program.window is not None)
program.window.enter(Actor(int(staff), "Paula", "admin", "general", frozenset(ALL)))
workspace = program.window.workspace
workspace.show_screen("clients")
screen = workspace.view("clients")
if what == "new":
    screen.start_new()
    form, kept = screen.new_client.form, "SELECT count(*) FROM local_draft WHERE client = 0"
    QTest.keyClicks(form.lines["full_name"], "Ignacio Vial Ossa")
    wanted = 2
else:
    screen.show_client(int(client))
    until(lambda: screen.details.details is not None)
    form, kept = screen.details.form, "SELECT count(*) FROM local_draft"
    wanted = 1
line = form.lines["rut"]
line.setFocus()
line.selectAll()
QTest.keyClicks(line, "7.654.321-0")
cache = program.session.services.cache
def count():
    with cache.reading() as session:
        return session.connection().exec_driver_sql(kept).scalar_one()
until(lambda: count() == wanted)
print("typed", flush=True)
application.exec()
"""


def clients_screen(windows: Windows, post: Post) -> tuple[MainWindow, ClientsScreen]:
    window = windows.window(post.folder)
    window.enter(post.actor)
    assert window.workspace is not None
    window.workspace.show_screen("clients")
    screen = window.workspace.view("clients")
    assert isinstance(screen, ClientsScreen)
    return window, screen


@contextmanager
def services(post: Post) -> Iterator[Services]:
    session = post.open()
    try:
        yield session.services
    finally:
        session.close()


def kept(post: Post) -> dict[tuple[int, str], object]:
    """What the cache keeps for the person who works there."""
    with services(post) as there:
        return {(k.client_id, k.field): k.typed for k in there.clients.drafts.kept(post.actor)}


def show(windows: Windows, screen: ClientsScreen, client: int) -> None:
    screen.show_client(client)
    windows.wait(lambda: screen.details.details is not None and screen.details.details.id == client)
    settle(windows, screen)


def settle(windows: Windows, screen: ClientsScreen) -> None:
    windows.wait(lambda: not screen._context.jobs.busy)


def write(line: QLineEdit, text: str) -> None:
    line.setFocus()
    line.selectAll()
    QTest.keyClick(line, Qt.Key.Key_Delete)
    QTest.keyClicks(line, text)


def killed_while_typing(post: Post, client: int, what: str) -> None:
    """A program of its own, in which somebody types, and which is killed without a warning."""
    with subprocess.Popen(
        [
            *(sys.executable, "-c", TYPIST, str(post.folder), PASSPHRASE),
            *(str(client), str(post.actor.staff_id), what),
        ],
        env=os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        stdout=subprocess.PIPE,
        text=True,
    ) as typist:
        assert typist.stdout is not None
        assert typist.stdout.readline() == "typed\n"
        os.kill(typist.pid, signal.SIGKILL)
        assert typist.wait(30) == -signal.SIGKILL
    for path in post.folder.rglob("*"):
        if path.is_file():
            assert WRONG_RUT.encode() not in path.read_bytes(), path.name


def test_a_wrong_rut_survives_kill_9_and_is_corrected(
    post: Post, windows: Windows, clinic: Clinic
) -> None:
    juan = clinic.clients[1]
    killed_while_typing(post, juan, "rut")
    assert kept(post) == {(juan, "rut"): WRONG_RUT}
    assert post.pending == 0
    _window, screen = clients_screen(windows, post)
    windows.wait(screen.unsaved.isVisible)
    assert "Juan Pérez Soto" in screen.unsaved.text
    QTest.mouseClick(screen.return_to, Qt.MouseButton.LeftButton)
    windows.wait(lambda: screen.details.details is not None)
    settle(windows, screen)
    rut = screen.details.form.lines["rut"]
    assert rut.text() == WRONG_RUT
    assert says(screen.details.form.rows["rut"].note.text(), "rut.check_digit")
    assert screen.details.state.text() == "Aún sin guardar"
    write(rut, "7.654.321-6")
    QTest.keyClick(rut, Qt.Key.Key_Return)
    windows.wait(lambda: screen.details.autosave.state == "saved")
    settle(windows, screen)
    windows.end()
    assert kept(post) == {}
    post.syncs()
    stored = "SELECT rut FROM pacientes_cliente WHERE id = %s"
    assert clinic.value(stored, juan) == "7654321-6"
    clinic.query("UPDATE pacientes_cliente SET rut = '11111111-1' WHERE id = %s", juan)


def test_a_client_half_entered_survives_kill_9_and_is_created_once(
    post: Post, windows: Windows
) -> None:
    killed_while_typing(post, NEW, "new")
    _window, screen = clients_screen(windows, post)
    windows.wait(screen.unsaved.isVisible)
    assert "a medio ingresar" in screen.unsaved.text
    QTest.mouseClick(screen.return_to, Qt.MouseButton.LeftButton)
    form = screen.new_client.form
    settle(windows, screen)
    assert screen.pages.currentWidget() is screen.new_client
    assert form.lines["full_name"].text() == "Ignacio Vial Ossa"
    assert form.lines["rut"].text() == WRONG_RUT
    assert says(form.rows["rut"].note.text(), "rut.check_digit")
    write(form.lines["rut"], "7.654.321-6")
    screen.new_client.submit()
    windows.wait(lambda: screen.details.details is not None)
    settle(windows, screen)
    assert not screen.new_client.begun
    windows.end()
    assert kept(post) == {}
    post.syncs()
    assert post.on_server("Ignacio Vial Ossa") == 1


def test_closing_the_window_keeps_what_is_wrong_and_saves_what_is_right(
    post: Post, windows: Windows, clinic: Clinic
) -> None:
    juan = clinic.clients[1]
    window, screen = clients_screen(windows, post)
    show(windows, screen, juan)
    form = screen.details.form
    write(form.lines["email"], "juan arroba")
    write(form.lines["phone"], "9 8888 7777")
    window.close()
    windows.end()
    assert kept(post) == {(juan, "email"): "juan arroba"}
    with services(post) as there:
        fields = there.clients.get(juan).fields
    assert (fields.phone, fields.email) == ("+56 9 8888 7777", "juan@example.com")
    _window, screen = clients_screen(windows, post)
    show(windows, screen, juan)
    form = screen.details.form
    assert form.lines["email"].text() == "juan arroba"
    assert says(form.rows["email"].note.text(), "email.invalid")
    write(form.lines["email"], "juan@example.com")  # as it was: nothing is left to keep
    settle(windows, screen)
    windows.end()
    assert kept(post) == {}
    post.syncs()
    stored = "SELECT telefono, email FROM pacientes_cliente WHERE id = %s"
    assert clinic.query(stored, juan) == [("+56988887777", "juan@example.com")]


def test_what_was_only_searched_for_is_nobody_half_entered(post: Post, windows: Windows) -> None:
    window, screen = clients_screen(windows, post)
    QTest.keyClicks(screen.box, "Zulema")
    windows.wait(lambda: screen.results.results.text == "Zulema")
    settle(windows, screen)
    screen.start_new()
    settle(windows, screen)
    assert screen.new_client.form.lines["full_name"].text() == "Zulema"
    screen.new_client.back.emit()
    assert not screen.unsaved.isVisible()
    screen.start_new()
    QTest.keyClicks(screen.new_client.form.lines["full_name"], " Rojas")
    screen.new_client.back.emit()
    windows.wait(screen.unsaved.isVisible)
    window.close()
    windows.end()
    assert kept(post) == {(NEW, "full_name"): "Zulema Rojas"}


def test_what_somebody_else_wrote_meanwhile_is_asked_about_again(
    post: Post, windows: Windows, clinic: Clinic
) -> None:
    juan = clinic.clients[1]
    window, screen = clients_screen(windows, post)
    show(windows, screen, juan)
    notes = screen.details.form.texts["notes"]
    notes.setFocus()
    QTest.keyClicks(notes, "Lo mio")
    with services_of(window) as there:
        there.clients.save(post.actor, juan, {"notes": Change("", "De otra persona")})
    screen.details.autosave.flush()
    windows.wait(lambda: screen.details.autosave.state == "wrong")
    QTest.keyClicks(notes, " del todo")  # typed on, and left undecided
    window.close()
    windows.end()
    assert kept(post) == {(juan, "notes"): "Lo mio del todo"}
    _window, screen = clients_screen(windows, post)
    show(windows, screen, juan)
    windows.wait(lambda: screen.details.autosave.state == "wrong")
    row = screen.details.form.rows["notes"]
    assert says(row.note.text(), "clients.changed_meanwhile")
    assert screen.details.form.texts["notes"].toPlainText() == "Lo mio del todo"
    assert screen.details.details is not None
    assert screen.details.details.fields.notes == "De otra persona"
    row.keep_mine.click()
    windows.wait(lambda: screen.details.autosave.state == "saved")
    windows.end()
    assert kept(post) == {}
    with services(post) as there:
        assert there.clients.get(juan).fields.notes == "Lo mio del todo"


@contextmanager
def services_of(window: MainWindow) -> Iterator[Services]:
    assert window.workspace is not None
    yield window.workspace.context.services


@pytest.fixture
def clients(cache: Cache) -> Clients:
    return Clients(cache, load(cache))


def test_a_draft_belongs_to_who_typed_it(clients: Clients, administrator: Actor) -> None:
    ana = clients.create(administrator, NewClient(full_name="Ana"))
    clients.drafts.keep(administrator, ana, "Ana", {"rut": Change("", "1")})
    other = replace(administrator, username="otra")
    assert clients.drafts.kept(other) == []
    clients.drafts.forget(other, ana, ["rut"])
    assert [k.typed for k in clients.drafts.kept(administrator)] == ["1"]


def test_what_is_refused_is_kept_and_what_is_saved_is_done_with(
    clients: Clients, administrator: Actor, cache: Cache
) -> None:
    ana = clients.create(administrator, NewClient(full_name="Ana", rut="12.345.678-5"))
    berta = clients.create(administrator, NewClient(full_name="Berta"))
    with pytest.raises(RuleError):
        clients.save_or_keep(administrator, berta, "Berta", "rut", Change("", "12.345.678-5"))
    assert [k.typed for k in clients.drafts.kept(administrator)] == ["12.345.678-5"]
    clients.save(administrator, ana, {"rut": Change("12.345.678-5", "")})
    clients.save_or_keep(administrator, berta, "Berta", "rut", Change("", "12.345.678-5"))
    assert clients.drafts.kept(administrator) == []


def test_another_client_entered_meanwhile_takes_no_draft_with_it(
    clients: Clients, administrator: Actor
) -> None:
    clients.drafts.keep(administrator, NEW, "Ana", {"full_name": Change("", "Ana")})
    clients.create(administrator, NewClient(full_name="Berta"))
    assert len(clients.drafts.kept(administrator)) == 1
    clients.create(administrator, NewClient(full_name="Ana"), from_draft=True)
    assert clients.drafts.kept(administrator) == []


def test_drafts_are_never_sent(clients: Clients, administrator: Actor, cache: Cache) -> None:
    with cache.reading() as session:
        before = store.pending(executor(session)).count
    clients.drafts.keep(administrator, NEW, "Ana", {"full_name": Change("", "Ana")})
    clients.drafts.forget(administrator, NEW, ["full_name"])
    with cache.reading() as session:
        assert store.pending(executor(session)).count == before


def test_a_draft_follows_its_client_to_a_new_id(
    clients: Clients, administrator: Actor, cache: Cache
) -> None:
    """A copied workstation gets a new number, and its unsent rows new ids."""
    ana = clients.create(administrator, NewClient(full_name="Ana"))
    clients.drafts.keep(administrator, ana, "Ana", {"rut": Change("", "1")})
    with contextlib.closing(cache.connect()) as connection, Transaction(connection, no_fault):
        take_number(connection, sync_schema(), 9)
    (now,) = clients.search("Ana")
    assert now.id != ana
    assert [(k.client_id, k.typed) for k in clients.drafts.kept(administrator)] == [(now.id, "1")]


def test_the_draft_of_a_client_who_is_gone_waits(clients: Clients, administrator: Actor) -> None:
    clients.drafts.keep(administrator, 77, "Nadie", {"rut": Change("", "1")})
    assert clients.drafts.kept(administrator) == []


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_comes_back_as_it_was_typed(
    clients: Clients, administrator: Actor, field: str
) -> None:
    typed: str | int = 7 if field == "practitioner_id" else 'Ñ "raro"; \n--'
    clients.drafts.keep(administrator, NEW, "Ana", {field: Change("", typed)})
    assert [k.typed for k in clients.drafts.kept(administrator)] == [typed]
