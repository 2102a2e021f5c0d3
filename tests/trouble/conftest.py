"""A workstation with unsent work, the command line, the windows, and what each of them may say."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import psycopg
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from desktop import cli
from desktop.app import Consultorio, keep_logs
from desktop.domain import messages, passwords
from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.domain.sentences import all_sentences
from desktop.qt.theme import theme_switch
from desktop.services import devices, enrolment
from desktop.services.clients_records import NewClient
from desktop.services.session import WorkSession, open_session
from desktop.services.workstation import Workstation
from desktop.views.main_window import MainWindow
from sync import store
from tests.support import clinic as clinics
from tests.support.clinic import PASSPHRASE, PASSWORD, Clinic
from tests.support.embedded import Server

USER = "admin"
PATIENT = "Rosa Ibáñez Leiva"
PATIENTS_RUT = "7.654.321-6"
PATIENTS_EMAIL = "rosa.ibanez@example.com"
PRIVATE = (
    *(PATIENT, "Ibáñez", PATIENTS_RUT, "7654321-6", PATIENTS_EMAIL),
    *("María José", "González", "12345678-5", "maria@example.com", "Penicilina"),
    *(PASSWORD, PASSPHRASE),
)
"""What no log, report or message of a trouble may hold."""


def sentence_of(code: str, language: str = "es") -> str:
    """The part of a code's sentence before its first gap, in a language."""
    before = messages.language()
    messages.set_language(language)
    try:
        return messages._(all_sentences()[code])
    finally:
        messages.set_language(before)


def says(text: str, code: str, language: str = "es") -> bool:
    """Whether a text holds the whole sentence of a code, whatever fills its gaps."""
    import re

    parts = re.split(r"\{[^{}]*\}", sentence_of(code, language))
    pattern = ".*?".join(re.escape(part) for part in parts)
    return re.search(pattern, text, re.DOTALL) is not None


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Post:
    """A workstation's folder, and who works there.

    :ivar number: the device's. :ivar phrase: the file with its passphrase.
    """

    clinic: Clinic
    folder: Path
    phrase: Path
    actor: Actor

    @property
    def description(self) -> Path:
        return self.folder / "workstation.json"

    def describe(self, **changed: Any) -> None:
        """Change what the folder says of its server."""
        content = json.loads(self.description.read_text("utf-8"))
        self.description.write_text(json.dumps(content | changed), encoding="utf-8")

    @property
    def role(self) -> str:
        role: str = json.loads(self.description.read_text("utf-8"))["role"]
        return role

    @property
    def number(self) -> int:
        return int(
            self.clinic.value("SELECT number FROM sync_device WHERE role_name = %s", self.role)
        )

    def open(self) -> WorkSession:
        """The workstation, its exchange not started."""
        return open_session(self.folder, passphrase=lambda: PASSPHRASE)

    def work(self, name: str = PATIENT, **more: str) -> int:
        """Enter a client without a network; returns how many transactions wait then."""
        with contextlib.closing(self.open()) as session:
            session.services.clients.create(self.actor, NewClient(full_name=name, **more))
        return self.pending

    @property
    def pending(self) -> int:
        """How many local transactions wait to be sent."""
        with Workstation.open(
            self.folder, passphrase=lambda: PASSPHRASE, exclusive=False
        ) as station:
            from desktop.services.cache import connect

            with contextlib.closing(connect(station.cache_path, station.cache_key)) as cache:
                return store.pending(store.executor(cache)).count

    def password(self) -> str:
        """The secret of its database role."""
        with Workstation.open(
            self.folder, passphrase=lambda: PASSPHRASE, exclusive=False
        ) as station:
            secret: str = station.connection_parameters()["password"]
            return secret

    def on_server(self, name: str = PATIENT) -> int:
        """How often a client of that name is in the clinic's database."""
        return int(
            self.clinic.value(
                "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s", name
            )
        )

    def syncs(self) -> None:
        """The trouble is over: everything goes out, once."""
        ran = self.run("sync", "--once", "--json")
        assert ran.code == 0, ran
        assert ran.json["pending"] == 0
        assert self.pending == 0

    def run(self, *arguments: object, apart: bool = False) -> Ran:
        """One of the workstation's commands, ``apart`` as a process of its own."""
        return command(
            *arguments, "--data-dir", self.folder, "--passphrase-file", self.phrase, apart=apart
        )


def command(*arguments: object, apart: bool = False) -> Ran:
    """The command line; no traceback and nothing private comes out of it."""
    given = [str(argument) for argument in arguments]
    if apart:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "desktop.cli", *given],
            env=os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
    else:
        import io

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(given)
        ran = Ran(code, out.getvalue(), err.getvalue())
        messages.set_language("es")
    for private in ("Traceback", *PRIVATE):
        assert private not in ran.out + ran.err, private
    return ran


def told(run: Callable[..., Ran], code: str, *arguments: object) -> None:
    """A command fails with exit code 1 and its sentence, in Spanish, in English and as JSON."""
    spanish = run(*arguments)
    assert spanish.code == 1, spanish
    assert says(spanish.err, code), (code, spanish.err)
    assert spanish.out == ""
    english = run("--language", "en", *arguments)
    assert english.code == 1
    assert says(english.err, code, "en"), (code, english.err)
    as_json = run(*arguments, "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert as_json.json["ok"] is False
    assert as_json.json["error"]["code"] == code
    assert says(as_json.json["error"]["message"], code)


@pytest.fixture(autouse=True)
def no_keyring(memory_keyring: object) -> None:
    """Secrets under a passphrase: other processes open the folder as well as this one."""
    keyring.set_keyring(keyring.backends.fail.Keyring())


@pytest.fixture(scope="module")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        made.query(
            "UPDATE auth_user SET password = %s WHERE username = %s",
            passwords.encode(PASSWORD, iterations=1000),
            USER,
        )
        yield made


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(PASSPHRASE + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def file(clinic: Clinic, tmp_path: Path) -> Path:
    """An enrolment file of a new office workstation."""
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        admitted = devices.enroll(connection, clinic.schema, profile="office", label="Mesón")
    path = tmp_path / "mesón.inscripcion"
    enrolment.write(admitted, path)
    return path


@pytest.fixture
def post(clinic: Clinic, file: Path, phrase: Path, tmp_path: Path) -> Post:
    """A workstation that joined."""
    made = Post(
        clinic,
        tmp_path / "equipo",
        phrase,
        Actor(clinic.practitioners[0], "Paula", USER, "general", frozenset(ALL)),
    )
    assert made.run("join", file).code == 0
    return made


@pytest.fixture(autouse=True)
def logs(tmp_path: Path) -> Iterator[Path]:
    """The program's log, and that nothing private stands in it after a test."""
    folder = tmp_path / "logs"
    handler = keep_logs(folder)
    yield folder
    logging.getLogger().removeHandler(handler)
    handler.close()
    for path in folder.rglob("*"):
        written = path.read_text("utf-8")
        for private in PRIVATE:
            assert private not in written, (path.name, private)


class Windows:
    """The program's windows, and every word that can be read in them."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.programs: list[Consultorio] = []

    def start(self, folder: Path, passphrase: str | None = PASSPHRASE) -> Consultorio:
        program = Consultorio(folder, passphrase=passphrase)
        self.programs.append(program)
        program.begin()
        return program

    def wait(self, condition: Callable[[], object], timeout: int = 30_000) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    def window(self, folder: Path) -> MainWindow:
        """The main window, at its page to sign in."""
        program = self.start(folder)
        self.wait(lambda: program.window is not None)
        assert program.window is not None
        return program.window

    def sign_in(self, window: MainWindow) -> None:
        window.signin.username.setText(USER)
        window.signin.password.setText(PASSWORD)
        window.signin.enter.click()
        self.wait(lambda: window.workspace is not None or window.signin.banner.text)

    def end(self) -> None:
        for program in self.programs:
            program.end()
        self.programs.clear()

    @staticmethod
    def read() -> str:
        """Everything that stands in a visible window."""
        words: list[str] = []
        for top in QApplication.topLevelWidgets():
            if not top.isVisible():
                continue
            words.extend(x.text() for x in top.findChildren(QLabel) if x.isVisible())
            texts = top.findChildren(QPlainTextEdit)
            words.extend(x.toPlainText() for x in texts if x.isVisible())
        return "\n".join(words)


@pytest.fixture
def windows(qtbot: QtBot) -> Iterator[Windows]:
    theme_switch().apply("light")
    made = Windows(qtbot)
    yield made
    read = made.read()
    made.end()
    assert "Traceback" not in read
    assert "Error:" not in read
    theme_switch().apply("light")
