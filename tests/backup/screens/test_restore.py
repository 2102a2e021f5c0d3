"""The restore wizard on a real clinic: looked into, agreed to, done and undone."""

from __future__ import annotations

from pathlib import Path

from desktop.qt.widgets import Banner
from desktop.views.backups import words
from desktop.views.backups.asking import Asking
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.screen import UNDO
from tests.backup.screens.conftest import Desk, walk
from tests.support.clinic import PASSWORD

LATE = "Llegada Después Del Respaldo"


def clients(desk: Desk) -> int:
    return int(desk.clinic.value("SELECT count(*) FROM pacientes_cliente"))


def come(desk: Desk) -> None:
    """A client of whom the backup knows nothing."""
    desk.clinic.query(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES (%s, 'd@example.com', '+56912340000', now(), true)",
        LATE,
    )


def test_a_restore_is_planned_in_words_done_and_undone(desk: Desk) -> None:
    before = clients(desk)
    newest = desk.context.services.backups.create(desk.context.actor)
    desk.screen.refresh(newest.id)
    desk.until(lambda: desk.screen.card and desk.screen.card.item.id == newest.id)
    come(desk)
    desk.screen.card.buttons["restore"].click()  # type: ignore[union-attr]
    wizard = desk.dialog(RestoreWizard)
    assert wizard.source == desk.screen.card.item.id  # type: ignore[union-attr]
    wizard.primary.click()
    wizard.primary.click()
    assert wizard.credentials.own_field.note.text() == "Escriba su contraseña."
    desk.give(wizard.credentials, password="no-es-esta-9")
    walk(wizard, desk)
    assert wizard.banner.text != ""
    assert wizard.planned is None
    desk.give(wizard.credentials)
    walk(wizard, desk)
    assert wizard.page is wizard.plan_page
    assert wizard.planned is not None
    assert clients(desk) == before + 1
    line = next(one for one in wizard.planned.lines if one.table == "pacientes_cliente")
    assert (line.only_here, line.only_there) == (1, 0)
    wizard.primary.click()
    wizard.clinic.setText("Otra clínica")
    wizard.password.setText(PASSWORD)
    wizard.primary.click()
    assert wizard.clinic_field.note.text() == "Ese no es el nombre de la clínica."
    assert wizard.job is None
    wizard.clinic.setText("clinica los aromos")
    walk(wizard, desk)
    assert wizard.banner.text == ""
    assert wizard.restored is not None
    assert clients(desk) == before
    wizard.primary.click()
    desk.until(lambda: UNDO in desk.screen.banners)
    desk.screen.actions_.undo()
    asking = desk.dialog(Asking)
    desk.give(asking.credentials)
    asking.primary.click()
    told = desk.until(lambda: _told(desk, "La restauración se deshizo"))
    told.primary.click()
    assert clients(desk) == before + 1
    desk.until(lambda: UNDO not in desk.screen.banners)
    copy = next(item for item in desk.archives if item.name == wizard.restored.safety)
    assert words.reason(copy) == "Copia de seguridad · restauración deshecha"
    desk.screen.refresh(copy.id)
    desk.until(lambda: desk.screen.card and desk.screen.card.item.id == copy.id)
    said = [banner.text for banner in desk.screen.card.findChildren(Banner)]  # type: ignore[union-attr]
    assert said[0].startswith("La restauración para la que se hizo se deshizo el ")
    desk.clinic.query("DELETE FROM pacientes_cliente WHERE nombre_completo = %s", LATE)


def test_a_file_that_is_no_backup_gets_a_sentence(desk: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "foto.consultorio"
    wrong.write_bytes(b"no es un respaldo" * 100)
    desk.screen.restore.click()
    wizard = desk.dialog(RestoreWizard)
    wizard.use_file(str(wrong))
    wizard.primary.click()
    desk.give(wizard.credentials)
    walk(wizard, desk)
    assert wizard.page is wizard.open_page
    assert wizard.banner.text != ""
    wizard.reject()


def test_a_restore_can_be_stopped_before_it_begins(desk: Desk) -> None:
    before = clients(desk)
    desk.screen.restore.click()
    wizard = desk.dialog(RestoreWizard)
    wizard.primary.click()
    desk.give(wizard.credentials)
    wizard.primary.click()
    wizard.reject()
    desk.until(lambda: wizard.job is None)
    assert wizard.isVisible()
    assert wizard.banner.text == "Detenido. No se cambió nada."
    assert clients(desk) == before
    wizard.reject()


def test_what_is_put_away_comes_back_when_it_has_ended_and_never_over_another_screen(
    desk: Desk,
) -> None:
    desk.screen.restore.click()
    wizard = desk.dialog(RestoreWizard)
    wizard.primary.click()
    desk.give(wizard.credentials)
    wizard.primary.click()
    assert wizard.aside.isVisible()
    wizard.aside.click()
    assert not wizard.isVisible()
    desk.until(lambda: wizard.job is None)
    assert wizard.isVisible()
    assert wizard.page is wizard.plan_page
    wizard.back.click()
    wizard.primary.click()
    wizard.aside.click()
    desk.screen.hide()
    with desk.qtbot.waitSignal(desk.context.notified, timeout=20_000) as told:
        desk.until(lambda: wizard.job is None)
    assert told.args is not None
    assert "ha terminado" in str(told.args[0])
    assert not wizard.isVisible()
    desk.screen.show()
    assert wizard.isVisible()
    wizard.reject()


def _told(desk: Desk, title: str):  # type: ignore[no-untyped-def]
    from desktop.qt.dialogs import Dialog

    shown = [one for one in desk.screen.findChildren(Dialog) if one.isVisible()]
    return next((one for one in shown if one.windowTitle() == title), None)
