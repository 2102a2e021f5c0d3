"""What can be said of the look without looking: nothing cut, both languages, every key listed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from desktop.app import SCREENS
from desktop.backup import retention
from desktop.qt.context import AppContext
from desktop.qt.i18n import use_language
from desktop.qt.theme import theme_switch
from desktop.services.backups import banners
from desktop.services.backups_keys import new_setup
from desktop.services.backups_records import Overview
from desktop.views.backups.alarm import AlarmWatch
from desktop.views.backups.key_sheet import Code, print_sheet
from desktop.views.backups.model import COLUMNS
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.main_window import SMALLEST
from desktop.views.rail import Rail
from desktop.views.workspace import ScreenEntry, Workspace
from tests.backup.screens.conftest import Desk
from tests.shell.conftest import QuietLink
from tests.support.pictures import colours

RAIL = 104


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    use_language("es")
    theme_switch().apply("light", 1.0)


def lay_out(widget: QWidget) -> None:
    for _round in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        QApplication.processEvents()


def cut(widget: QWidget) -> list[str]:
    """Buttons and plain labels that are narrower than their words."""
    narrow: list[str] = [
        button.text()
        for button in widget.findChildren(QPushButton)
        if button.isVisible() and button.text() and button.width() < button.sizeHint().width()
    ]
    narrow += [
        label.text()
        for label in widget.findChildren(QLabel)
        if type(label) is QLabel
        and label.isVisible()
        and not label.wordWrap()
        and label.width() < label.minimumSizeHint().width()
    ]
    return narrow


@pytest.mark.parametrize("scale", [1.0, 1.25])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_smallest_window_cuts_no_word(
    desk: Desk, look: str, scale: float, tmp_path: Path
) -> None:
    theme_switch().apply(look, scale)
    page = QWidget()
    desk.qtbot.addWidget(page)
    screen = desk.screen
    screen.setParent(page)
    room = SMALLEST.width() - RAIL
    screen.resize(room, SMALLEST.height())
    page.resize(room, SMALLEST.height())
    page.show()
    screen.show()
    lay_out(page)
    try:
        assert screen.minimumSizeHint().width() <= room
        assert cut(screen) == []
        picture = tmp_path / "respaldos.png"
        screen.grab().save(str(picture))
        assert colours(picture) > 16
    finally:
        screen.setParent(None)


@pytest.mark.parametrize("width", range(SMALLEST.width() - RAIL, 1500, 90))
def test_the_columns_fill_the_table_at_any_width(desk: Desk, width: int) -> None:
    theme_switch().apply("light", 1.25)
    screen = desk.screen
    screen.resize(width, 760)
    lay_out(screen)
    table, heading = screen.table, screen.table.horizontalHeader()
    assert 0 <= table.viewport().width() - heading.length() < len(COLUMNS)
    cut = [
        str(table.rows.headerData(at, Qt.Orientation.Horizontal))
        for at in range(len(COLUMNS))
        if not table.isColumnHidden(at) and heading.sectionSize(at) < heading.sectionSizeHint(at)
    ]
    assert cut == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_wizard_is_whole_in_both_languages_at_large_text(desk: Desk, language: str) -> None:
    use_language(language)
    theme_switch().apply("dark", 1.25)
    wizard = RestoreWizard(
        desk.screen, desk.context, tuple(desk.archives), done=lambda: None, undo=lambda: None
    )
    wizard.start()
    lay_out(wizard)
    assert cut(wizard) == []
    wizard.primary.click()
    wizard.credentials.by_words.setChecked(True)
    lay_out(wizard)
    assert cut(wizard) == []
    assert wizard.height() <= wizard.screen().availableGeometry().height()
    said = {"es": "Abrir el respaldo", "en": "Open the backup"}
    assert wizard.open_page.heading.text() == said[language]
    wizard.reject()


def test_every_key_is_listed_and_every_listed_key_is_bound(desk: Desk) -> None:
    listed = {
        QKeySequence(one).toString()
        for keys, _words in desk.screen.shortcuts()
        for one in keys.split(" / ")
    }
    bound = {one.key().toString() for one in desk.screen.findChildren(QShortcut)}
    assert bound
    assert bound == listed - {"Up", "Down"}


def test_what_can_be_pressed_has_a_name(desk: Desk) -> None:
    nameless = [
        button
        for button in desk.screen.findChildren(QPushButton)
        if not (button.text() or button.accessibleName())
    ]
    assert nameless == []
    order = [
        widget
        for widget in desk.screen.findChildren(QPushButton)
        if widget.isVisible() and widget.focusPolicy() == Qt.FocusPolicy.NoFocus
    ]
    assert order == []


def test_the_rail_says_that_there_is_no_fresh_backup(desk: Desk, qapp: QApplication) -> None:
    rail = Rail()
    desk.qtbot.addWidget(rail)
    rail.add_screen("backups", "Respaldos", "backup", "Ctrl+5")
    button = rail.button("backups")
    watch = AlarmWatch(desk.context, button)
    desk.rest()
    assert button.count == ""
    assert button.accessibleName() == "Respaldos"
    assert desk.screen.overview is not None
    watch._show(_old(desk))
    assert button.count == "!"
    assert button.accessibleName() == "Respaldos, sin respaldo reciente"
    unasked = dataclasses.replace(
        _old(desk), last_verified=None, alarm="never", troubles=("No hay conexión.",)
    )
    watch._show(unasked)
    assert button.count == ""
    watch._show(_old(desk))
    desk.context.statusWanted.emit()
    desk.until(lambda: button.count == "")


def test_who_may_not_see_backups_has_no_such_screen_on_the_rail(desk: Desk) -> None:
    entries = (
        ScreenEntry("nothing", "Clients", "clients", lambda _context: QWidget()),
        SCREENS[-1],
    )
    assert entries[1].key == "backups"
    for permissions, seen in ((frozenset(), False), (frozenset({"backup.view"}), True)):
        actor = dataclasses.replace(desk.context.actor, permissions=permissions)
        context = AppContext(desk.context.services, desk.context.jobs, actor, desk.context.settings)
        workspace = Workspace(
            context, entries, QuietLink(), clinic="C", station="R", now=desk.station.cache.now
        )
        desk.qtbot.addWidget(workspace)
        desk.rest()
        keys = {shortcut.key().toString() for shortcut in workspace.findChildren(QShortcut)}
        assert ("Ctrl+2" in keys) is seen
        assert ("backups" in workspace.rail._buttons) is seen
        workspace.close_down()


def test_a_banner_that_is_red_says_it_in_words(desk: Desk) -> None:
    desk.screen._show(_old(desk))
    banner = desk.screen.banners["backup.alarm_old"]
    assert banner.property("banner") == "danger"
    assert "hace 1 día" in banner.text


def test_the_code_is_dark_on_white_in_every_look_and_the_sheet_is_one_page(
    desk: Desk, tmp_path: Path
) -> None:
    setup = new_setup("Clínica Los Aromos", desk.station.cache.now())
    theme_switch().apply("dark", 1.25)
    code = Code(setup.qr, "código")
    desk.qtbot.addWidget(code)
    code.resize(code.sizeHint())
    image = code.grab().toImage()
    side = image.width() / (len(setup.qr) + 8)
    for down, row in enumerate(setup.qr):
        for across, dark in enumerate(row):
            middle = image.pixelColor(round((across + 4.5) * side), round((down + 4.5) * side))
            assert (middle.lightness() < 128) is dark
    path = tmp_path / "hoja.pdf"
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(path))
    print_sheet(printer, setup, "sábado, 21 de noviembre de 2026")
    assert len(re.findall(rb"/Type\s*/Page\b", path.read_bytes())) == 1


def _old(desk: Desk) -> Overview:
    assert desk.screen.overview is not None
    now = desk.station.cache.now()
    red = retention.alarm(now - dt.timedelta(hours=30), now)
    return dataclasses.replace(
        desk.screen.overview, alarm=red.why, banners=banners(red, set_up=True, now=now)
    )
