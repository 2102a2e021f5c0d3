"""A person changes their own password, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.qt.jobs import Jobs
from desktop.services.accounts import Accounts
from desktop.views.signin.password import PasswordDialog
from tests.support import clinic as clinics
from tests.support.clinic import PASSWORD, Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring

NEW = "Otra-clave-larga-7"


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path) as made:
        yield made


def fill(dialog: PasswordDialog, present: str, new: str, again: str) -> None:
    for line, text in ((dialog.present, present), (dialog.new, new), (dialog.again, again)):
        line.setText(text)
    dialog.primary.click()


def test_a_person_changes_their_password(clinic: Clinic, jobs: Jobs, qtbot: QtBot) -> None:
    station = clinic.station("recepcion")
    station.sync()
    accounts = Accounts(station.cache, station.workstation.connect, clinic.schema)
    assert accounts.sign_in("admin", PASSWORD).username == "admin"
    parent = QWidget()
    qtbot.addWidget(parent)
    done: list[bool] = []
    dialog = PasswordDialog(parent, accounts, jobs, "admin", lambda: done.append(True))
    dialog.start()

    fill(dialog, "", NEW, NEW)
    assert dialog.present_field.note.text()
    fill(dialog, PASSWORD, NEW, NEW + "x")
    assert dialog.again_field.note.text()
    for present, new, words in (
        ("equivocada", NEW, "contraseña"),
        (PASSWORD, "corta", "8"),
    ):
        fill(dialog, present, new, new)
        qtbot.waitUntil(lambda words=words: words in dialog.banner.text)
        assert dialog.primary.isEnabled()
    assert accounts.sign_in("admin", PASSWORD)

    fill(dialog, PASSWORD, NEW, NEW)
    qtbot.waitUntil(lambda: bool(done), timeout=30_000)
    with pytest.raises(RuleError):
        accounts.sign_in("admin", PASSWORD)
    assert accounts.sign_in("admin", NEW)

    def away() -> None:
        raise EnvironmentTrouble("server.unreachable", host="x")

    offline = Accounts(station.cache, away, clinic.schema)  # type: ignore[arg-type]
    assert offline.sign_in("admin", NEW).username == "admin"
