"""The history: what is listed, searched and chosen, and the verbs of one archive."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from desktop.domain.permissions import permissions_of
from desktop.views.backups import words
from desktop.views.backups.actions import DrillDialog
from desktop.views.backups.asking import Asking
from desktop.views.backups.detail import StateLine
from desktop.views.backups.model import COLUMNS
from tests.backup.screens.conftest import CTRL, PATIENCE_MS, Desk
from tests.support.clinic import PASSWORD, Station


def test_another_backup_is_taken_by_keyboard_and_chosen(desk: Desk) -> None:
    before = {item.id for item in desk.archives}
    desk.press(Qt.Key.Key_B)
    desk.until(lambda: {item.id for item in desk.archives} - before)
    (made,) = {item.id for item in desk.archives} - before
    assert desk.screen.card is not None
    assert desk.screen.card.item.id == made
    assert desk.screen.running.job is None
    assert not desk.screen.running.isVisible()


def test_the_workstations_own_copy_is_backed_up_too(desk: Desk) -> None:
    before = {item.id for item in desk.archives}
    desk.press(Qt.Key.Key_B, CTRL | Qt.KeyboardModifier.ShiftModifier)
    desk.until(lambda: {item.id for item in desk.archives} - before)
    (made,) = {item.id for item in desk.archives} - before
    item = _item(desk, made)
    assert item.source == "cache"
    assert words.source(item) == "De la copia de un equipo"


def test_a_backup_that_is_stopped_leaves_nothing(desk: Desk, kept: Path) -> None:
    files, before = sorted(kept.iterdir()), [item.id for item in desk.archives]
    desk.screen.take.click()
    assert desk.screen.running.isVisible()
    assert not desk.screen.take.isEnabled()
    with desk.qtbot.waitSignal(desk.context.notified, timeout=20_000) as told:
        desk.screen.running.stop.click()
    assert told.args is not None
    assert str(told.args[0]) == "Detenido. No quedó nada a medias."
    desk.rest()
    assert sorted(kept.iterdir()) == files
    assert [item.id for item in desk.archives if item.state == "verified"] == before


def test_states_are_words_and_icons(desk: Desk) -> None:
    rows = desk.screen.table.rows
    verified = rows.index(0, 5)
    assert verified.data() != ""
    assert not verified.data(Qt.ItemDataRole.DecorationRole).isNull()
    tried = rows.index(0, 6)
    assert tried.data() == "Sin probar"
    assert not tried.data(Qt.ItemDataRole.DecorationRole).isNull()
    assert verified.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Verificado: ")
    headings = [rows.headerData(at, Qt.Orientation.Horizontal) for at in range(len(COLUMNS))]
    assert headings == [
        "Hecho", "Tipo", "Tamaño", "Quién", "Guardado en", "Verificado", "Probado", "Nombre",
    ]  # fmt: skip


def test_the_list_is_searched_and_sorted(desk: Desk) -> None:
    table, whole = desk.screen.table, len(desk.archives)
    desk.screen.search.setText("no hay tal respaldo")
    desk.until(lambda: not desk.archives)
    assert desk.screen.card is None
    desk.screen.search.setText("ADMINÍSTRA ana")
    desk.until(lambda: len(desk.archives) == whole)
    assert desk.screen.card is not None
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    sizes = [item.size for item in desk.archives]
    assert sizes == sorted(sizes)
    table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    desk.screen.search.clear()


def test_the_list_is_exported_as_it_is_shown(desk: Desk, tmp_path: Path) -> None:
    desk.press(Qt.Key.Key_E, CTRL | Qt.KeyboardModifier.ShiftModifier)
    (chooser,) = desk.screen.findChildren(QFileDialog)
    assert chooser.selectedFiles()[0].endswith("respaldos.csv")
    target = tmp_path / "lista.csv"
    chooser.fileSelected.emit(str(target))
    chooser.close()
    desk.until(target.exists)
    desk.rest()
    with target.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))
    assert lines[0][0] == "Hecho"
    assert [line[-1] for line in lines[1:]] == [item.name for item in desk.archives]
    desk.screen.actions_.write_list(lines, str(tmp_path / "no-hay" / "lista.csv"))
    desk.qtbot.waitUntil(lambda: "no se pudo escribir" in desk.trouble, timeout=PATIENCE_MS)
    desk.close_dialogs()


def test_verify_reads_it_back_and_says_so_when_it_is_damaged(desk: Desk, kept: Path) -> None:
    backups, actor = desk.context.services.backups, desk.context.actor
    item, _newer = (backups.create(actor, full=True) for _time in range(2))
    desk.screen.refresh(item.id)
    desk.until(lambda: desk.screen.card and desk.screen.card.item.id == item.id)
    desk.press(Qt.Key.Key_V, CTRL | Qt.KeyboardModifier.ShiftModifier)
    desk.until(lambda: _item(desk, item.id).verified_at != item.verified_at)
    path = kept / item.name
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    desk.press(Qt.Key.Key_V, CTRL | Qt.KeyboardModifier.ShiftModifier)
    desk.qtbot.waitUntil(lambda: bool(desk.trouble), timeout=PATIENCE_MS)
    desk.close_dialogs()
    desk.until(lambda: _item(desk, item.id).state == "damaged")
    assert desk.screen.table.rows.index(_row(desk, item.id), 5).data() == "Dañado"
    assert desk.screen.card is not None
    assert not desk.screen.card.buttons["restore"].isEnabled()
    path.write_bytes(content)
    desk.press(Qt.Key.Key_V, CTRL | Qt.KeyboardModifier.ShiftModifier)
    desk.until(lambda: _item(desk, item.id).state == "verified")
    desk.until(lambda: desk.screen.card and desk.screen.card.buttons["restore"].isEnabled())
    said = [line.said.text() for line in desk.screen.card.findChildren(StateLine)]
    assert [each for each in said if ": contenido distinto al leerlo el " in each]
    assert [each for each in said if ": leído de vuelta el " in each]


def test_a_download_asks_for_the_password_again(desk: Desk, tmp_path: Path) -> None:
    item = desk.screen.table.current()
    assert item is not None
    target = tmp_path / "copia.consultorio"
    desk.screen.card.buttons["download"].click()  # type: ignore[union-attr]
    (chooser,) = desk.screen.findChildren(QFileDialog)
    chooser.fileSelected.emit(str(target))
    chooser.close()
    asking = desk.dialog(Asking)
    asking.primary.click()
    assert asking.credentials.own_field.note.text() == "Escriba su contraseña."
    asking.credentials.own.setText("otra-clave-9")
    asking.primary.click()
    desk.until(lambda: asking.banner.text)
    assert not target.exists()
    asking.credentials.own.setText(PASSWORD)
    asking.primary.click()
    desk.until(target.exists)
    desk.rest()
    assert target.stat().st_size == item.size


def test_plain_sql_is_written_after_a_warning_and_both_passwords(
    desk: Desk, tmp_path: Path
) -> None:
    target = tmp_path / "clinica.sql"
    desk.screen.actions_.export_to(str(target))
    asking = desk.dialog(Asking)
    assert "no va cifrado" in asking.ask.text.text()
    asking.credentials.user.clear()
    asking.credentials.own.setText(PASSWORD)
    asking.primary.click()
    assert "usuario de la base de datos" in asking.credentials.user_field.note.text()
    assert not target.exists()
    desk.give(asking.credentials)
    with desk.qtbot.waitSignal(desk.context.notified, timeout=PATIENCE_MS):
        asking.primary.click()
    assert "pacientes_cliente" in target.read_text("utf-8")


def test_a_trial_restore_is_shown_line_by_line(desk: Desk) -> None:
    item = desk.screen.table.current()
    assert item is not None
    desk.screen.card.buttons["drill"].click()  # type: ignore[union-attr]
    asking = desk.dialog(Asking)
    desk.give(asking.credentials)
    asking.primary.click()
    report = desk.dialog(DrillDialog)
    assert report.windowTitle() == "El respaldo se puede restaurar"
    report.primary.click()
    desk.until(lambda: _item(desk, item.id).drill_ok)


def test_a_backup_is_deleted_after_the_password_and_never_the_last(desk: Desk, kept: Path) -> None:
    backups, actor = desk.context.services.backups, desk.context.actor
    older, newest = (backups.create(actor, full=True) for _time in range(2))
    desk.screen.refresh(newest.id)
    desk.until(lambda: desk.screen.card and desk.screen.card.item.id == newest.id)
    desk.press(Qt.Key.Key_Delete)
    asking = desk.dialog(Asking)
    assert asking.primary.property("kind") == "danger"
    asking.credentials.own.setText(PASSWORD)
    asking.primary.click()
    desk.until(lambda: asking.banner.text)
    assert (kept / newest.name).exists()
    asking.reject()
    desk.screen.table.selectRow(_row(desk, older.id))
    desk.press(Qt.Key.Key_Delete)
    asking = desk.dialog(Asking)
    asking.credentials.own.setText(PASSWORD)
    asking.primary.click()
    desk.until(lambda: asking.banner.text or not (kept / older.name).exists())
    assert not (kept / older.name).exists()
    desk.until(lambda: (gone := _item(desk, older.id)) is None or gone.state == "deleted")


def test_who_may_only_look_has_no_button_that_changes(
    desk: Desk, desks: Callable[..., Desk], office: Station
) -> None:
    actor = dataclasses.replace(desk.context.actor, permissions=permissions_of("administrativo"))
    other = desks(office, actor)
    screen = other.screen
    other.until(lambda: screen.card is not None)
    assert screen.card is not None
    assert set(screen.card.buttons) == {"verify"}
    assert not screen.restore.isVisible()
    assert {key for key, verb in screen.verbs.items() if verb.isVisible()} == {"cache", "list"}
    other.press(Qt.Key.Key_R)
    other.press(Qt.Key.Key_E)
    other.rest()
    assert not screen.findChildren(Asking)


def _row(desk: Desk, archive: str) -> int:
    return desk.screen.table.rows.row_of(archive)


def _item(desk: Desk, archive: str):  # type: ignore[no-untyped-def]
    return next((item for item in desk.archives if item.id == archive), None)
