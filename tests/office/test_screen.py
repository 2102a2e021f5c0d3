"""The inbox's two buttons: what is written where, and what an office workstation takes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.domain.permissions import permissions_of
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.services import office
from desktop.services.revocation import Revocation
from desktop.services.session import assemble
from desktop.views.inbox import InboxScreen
from desktop.views.inbox.carrying import ImportDialog
from tests.office.conftest import add, export, waiting
from tests.support.clinic import Clinic, Station

NAME = "Rosa Ibáñez Leiva"


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[Jobs]:
    use_language("es")
    theme_switch().apply("light")
    made = Jobs()
    yield made
    made.shutdown()


@pytest.fixture
def screen(jobs: Jobs, tmp_path: Path, qtbot: QtBot) -> Iterator[Callable[..., InboxScreen]]:
    contexts: list[AppContext] = []

    def make(station: Station, actor: Actor | None = None) -> InboxScreen:
        services = assemble(
            station.cache,
            station.workstation,
            Revocation(station.folder, station.workstation.description, station.cache),
        )
        context = AppContext(
            services, jobs, actor or station.actor, Settings(tmp_path / "settings.json")
        )
        contexts.append(context)
        made = InboxScreen(context)
        qtbot.addWidget(made)
        made.resize(1100, 700)
        made.show()
        qtbot.waitUntil(lambda: not jobs.busy)
        return made

    yield make
    for context in contexts:
        context.close()


def heard(screen: InboxScreen, qtbot: QtBot, act: Callable[[], Any]) -> str:
    with qtbot.waitSignal(screen._context.notified) as signal:
        act()
    assert signal.args is not None
    return str(signal.args[0])


def file_dialog(screen: InboxScreen, qtbot: QtBot) -> QFileDialog:
    screen.export.click()
    qtbot.waitUntil(lambda: bool(screen.findChildren(QFileDialog)))
    found: QFileDialog = screen.findChildren(QFileDialog)[-1]
    return found


def test_for_the_office_is_what_is_offered_first(
    desk: Station, screen: Callable[..., InboxScreen], qtbot: QtBot, tmp_path: Path,
    clinic: Clinic, admin: psycopg.Connection,
) -> None:  # fmt: skip
    add(desk, NAME)
    shown = screen(desk)
    dialog = file_dialog(shown, qtbot)
    assert dialog.selectedNameFilter() == "Cifrado para la oficina (*.envio)"
    assert dialog.defaultSuffix() == "envio"
    path = tmp_path / "uno.envio"
    said = heard(shown, qtbot, lambda: dialog.fileSelected.emit(str(path)))
    dialog.close()
    assert said == "1 cambio escrito en uno.envio. Solo la oficina puede abrirlo."
    assert NAME.encode() not in path.read_bytes()
    assert len(office.opened(admin, clinic.schema, path).transactions) == 1


def test_readable_only_after_a_warning(
    desk: Station, screen: Callable[..., InboxScreen], qtbot: QtBot, tmp_path: Path
) -> None:
    add(desk, NAME)
    shown = screen(desk)
    dialog = file_dialog(shown, qtbot)
    dialog.selectNameFilter(dialog.nameFilters()[1])
    dialog.filterSelected.emit(dialog.nameFilters()[1])
    assert dialog.defaultSuffix() == "json"
    path = tmp_path / "uno.json"
    dialog.fileSelected.emit(str(path))
    dialog.close()
    qtbot.waitUntil(lambda: bool(shown.findChildren(Dialog)))
    (asked,) = shown.findChildren(Dialog)
    assert not path.exists()
    heard(shown, qtbot, asked.primary.click)
    assert NAME in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("profile", "role", "offered"),
    [("office", "general", True), ("office", "administrativo", False), ("reception", "general", False)],
)  # fmt: skip
def test_import_is_the_offices(
    stations: Callable[..., Station], screen: Callable[..., InboxScreen], qtbot: QtBot,
    profile: str, role: str, offered: bool,
) -> None:  # fmt: skip
    station = stations(profile)
    actor = Actor(station.actor.staff_id, "Ana", "ana", role, permissions_of(role))
    shown = screen(station, actor)
    assert shown.take_in.isVisible() is offered


def test_a_file_is_taken_in(
    clinic: Clinic, desk: Station, bureau: Station, screen: Callable[..., InboxScreen],
    qtbot: QtBot, tmp_path: Path,
) -> None:  # fmt: skip
    add(desk, NAME)
    file = export(desk, tmp_path / "uno.envio")
    shown = screen(bureau)
    shown.take_in.click()
    (dialog,) = shown.findChildren(ImportDialog)
    dialog.primary.click()
    assert dialog.path_field.note.text() == "Elija el archivo."
    dialog.path.setText(str(tmp_path / "otro.envio"))
    dialog.primary.click()
    assert "usuario de la base de datos" in dialog.user_field.note.text()
    dialog.user.setText("postgres")
    dialog.primary.click()
    qtbot.waitUntil(lambda: "no es un archivo" in dialog.banner.text)
    assert dialog.primary.isEnabled()
    dialog.path.setText(str(file))
    dialog.user.setText("nadie")
    dialog.password.setText("falsa")
    dialog.primary.click()
    qtbot.waitUntil(lambda: "«nadie»" in dialog.banner.text)
    assert waiting(bureau) == []
    dialog.user.setText("postgres")
    dialog.password.clear()
    dialog.primary.click()

    def told() -> str:
        words = [d.subtitle.text() for d in shown.findChildren(Dialog) if d.isVisible()]
        return words[-1] if words else ""

    qtbot.waitUntil(lambda: "próximo intercambio: 1" in told())
    assert len(waiting(bureau)) == 1
    for left in shown.findChildren(Dialog):
        left.close()
    shown.take_in.click()
    dialog = shown.findChildren(ImportDialog)[-1]
    dialog.path.setText(str(file))
    dialog.user.setText("postgres")
    dialog.primary.click()
    qtbot.waitUntil(lambda: told().startswith("Nada nuevo"))
    assert len(waiting(bureau)) == 1
    for left in shown.findChildren(Dialog):
        left.close()
