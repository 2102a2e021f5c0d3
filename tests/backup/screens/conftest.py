"""The screen over the real service: an office workstation of a real clinic, and a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg import conninfo
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog, report_failure
from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.services.revocation import Revocation
from desktop.services.session import assemble
from desktop.views.backups import BackupsScreen
from desktop.views.backups.setup import SetupWizard
from desktop.views.backups.steps import Steps
from tests.support import clinic as clinics
from tests.support.cheap import cheap_passwords
from tests.support.clinic import PASSWORD, Clinic, Station
from tests.support.embedded import Server

__all__ = ["cheap_passwords"]

PATIENCE_MS = 20_000
TROUBLES = ("Algo lo impide", "Así no se puede hacer", "Error inesperado")
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="package")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        yield made


@pytest.fixture(scope="package")
def office(clinic: Clinic) -> Station:
    return clinic.station("Oficina", "office")


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[Jobs]:
    use_language("es")
    theme_switch().apply("light")
    made = Jobs()
    made.failedUnhandled.connect(report_failure)
    yield made
    made.shutdown()


@dataclass
class Desk:
    """A screen with whoever is at it."""

    clinic: Clinic
    station: Station
    context: AppContext
    screen: BackupsScreen
    qtbot: QtBot

    def rest(self) -> None:
        """Until nothing is under way."""
        self.qtbot.waitUntil(lambda: not self.context.jobs.busy, timeout=PATIENCE_MS)

    def until(self, holds: Callable[[], Any]) -> Any:
        self.qtbot.waitUntil(lambda: bool(holds() or self.trouble), timeout=PATIENCE_MS)
        assert holds(), self.trouble
        return holds()

    @property
    def trouble(self) -> str:
        """What a dialog says that nobody asked for."""
        told = [
            dialog.subtitle.text()
            for dialog in self.screen.window().findChildren(Dialog)
            if dialog.isVisible() and dialog.windowTitle() in TROUBLES
        ]
        return " ".join(told)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = CTRL) -> None:
        """A key in the history."""
        window = self.screen.window()
        window.activateWindow()
        self.screen.table.setFocus()
        self.until(lambda: window.isActiveWindow() and self.screen.table.hasFocus())
        QTest.keyClick(self.screen.table, key, modifiers)

    def dialog(self, kind: type[Dialog] = Dialog) -> Any:
        """The dialog of that kind that was opened last."""

        def shown() -> list[Dialog]:
            return [one for one in self.screen.window().findChildren(kind) if one.isVisible()]

        return self.until(shown)[-1]

    def give(self, credentials: Any, *, password: str = PASSWORD) -> None:
        """Type who it is, and the database's administrator."""
        credentials.own.setText(password)
        credentials.user.setText(self.database_user)

    @property
    def database_user(self) -> str:
        return str(conninfo.conninfo_to_dict(self.clinic.dsn)["user"])

    @property
    def archives(self) -> list[Any]:
        return list(self.screen.table.rows.items)

    def close_dialogs(self) -> None:
        for dialog in self.screen.window().findChildren(Dialog):
            dialog.close()


@pytest.fixture
def desks(
    clinic: Clinic, jobs: Jobs, tmp_path: Path, qtbot: QtBot
) -> Iterator[Callable[..., Desk]]:
    contexts: list[AppContext] = []

    def make(station: Station, actor: Actor | None = None) -> Desk:
        services = assemble(
            station.cache,
            station.workstation,
            Revocation(station.folder, station.workstation.description, station.cache),
        )
        who = actor or Actor(
            station.actor.staff_id,
            "Ana Administra",
            "admin",
            "general",
            station.actor.permissions,
        )
        context = AppContext(services, jobs, who, Settings(tmp_path / "settings.json"))
        contexts.append(context)
        screen = BackupsScreen(context)
        qtbot.addWidget(screen)
        screen.resize(1200, 760)
        screen.show()
        made = Desk(clinic, station, context, screen, qtbot)
        made.until(lambda: screen.overview is not None)
        return made

    yield make
    for context in contexts:
        context.close()


def fill(wizard: SetupWizard, folder: Path, desk: Desk) -> tuple[str, ...]:
    """Walk through the first backup by its own buttons; the recovery words."""
    wizard.form.editors["address"].setText(str(folder))
    wizard.primary.click()
    desk.until(lambda: wizard.page is wizard.sheet and wizard.job is None)
    assert wizard.setup is not None
    words = wizard.setup.words
    wizard.primary.click()
    for at, editor in wizard.asked.items():
        editor.setText(words[at])
    wizard.primary.click()
    desk.give(wizard.credentials)
    wizard.primary.click()
    desk.until(lambda: wizard.archive is not None or wizard.banner.text)
    assert wizard.banner.text == ""
    return words


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where backups are kept."""
    return tmp_path_factory.mktemp("respaldos")


@pytest.fixture
def desk(desks: Callable[..., Desk], office: Station, kept: Path) -> Desk:
    """An office that has its first backup."""
    made = desks(office)
    assert made.screen.overview is not None
    if not made.screen.overview.archives:
        made.screen.first.click()
        fill(made.dialog(SetupWizard), kept, made)
        made.dialog(SetupWizard).accept()
        made.until(lambda: made.archives)
    return made


def walk(wizard: Steps, desk: Desk) -> None:
    """Press the main button and wait for what it does."""
    wizard.primary.click()
    desk.until(lambda: wizard.job is None)
