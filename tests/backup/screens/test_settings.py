"""Places, times, how long and keys, as an administrator sets them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTime

from desktop.views.backups.asking import Asking
from desktop.views.backups.places import PlaceDialog, PlacesDialog
from desktop.views.backups.setup import SetupWizard
from tests.backup.screens.conftest import Desk
from tests.support.clinic import PASSWORD


def opened(desk: Desk) -> PlacesDialog:
    desk.press(Qt.Key.Key_E)
    dialog: PlacesDialog = desk.dialog(PlacesDialog)
    return dialog


def test_a_second_place_is_tried_before_it_is_taken_and_gets_the_next_backup(
    desk: Desk, tmp_path: Path
) -> None:
    settings = opened(desk)
    present = list(settings.places)
    settings.add.click()
    place = desk.dialog(PlaceDialog)
    place.form.editors["address"].setText(str(tmp_path / "no-existe"))
    place.primary.click()
    desk.until(lambda: place.banner.text)
    assert settings.places == present
    second = tmp_path / "disco"
    second.mkdir()
    place.form.editors["address"].setText(str(second))
    place.form.label.setText("Disco de la caja fuerte")
    place.test.click()
    desk.until(lambda: place.banner.text == "Hay acceso y está listo.")
    place.primary.click()
    desk.until(lambda: len(settings.places) == len(present) + 1)
    settings.primary.click()
    desk.until(lambda: len(desk.context.services.backups.settings().places) == len(present) + 1)
    desk.rest()
    desk.screen.take.click()
    desk.until(lambda: desk.screen.running.job is None and list(second.glob("*.consultorio")))
    desk.rest()
    assert desk.screen.card is not None
    labels = {kept.label for kept in desk.screen.card.item.kept}
    assert "Disco de la caja fuerte" in labels
    assert len(labels) == 2
    settings = opened(desk)
    settings.places = present
    settings.primary.click()
    desk.until(lambda: len(desk.context.services.backups.settings().places) == len(present))
    desk.rest()


def test_times_and_how_long_are_saved_whole(desk: Desk) -> None:
    settings = opened(desk)
    settings.time.setTime(QTime(20, 30))
    settings.full.setValue(3)
    settings.weekday.setCurrentIndex(settings.weekday.findData(2))
    settings.keep["monthly"].setValue(24)
    settings.automatic.setChecked(False)
    settings.primary.click()
    backups = desk.context.services.backups
    desk.until(lambda: not backups.settings().automatic)
    desk.rest()
    saved = backups.settings()
    assert (saved.schedule.hour, saved.schedule.minute) == (20, 30)
    assert (saved.schedule.full_every_days, saved.schedule.drill_weekday) == (3, 2)
    assert saved.keep.monthly == 24
    assert not saved.automatic


def test_each_kind_of_place_asks_for_what_it_needs(desk: Desk) -> None:
    settings = opened(desk)
    settings.add.click()
    place = desk.dialog(PlaceDialog)
    asked = {}
    for at in range(place.form.kind.count()):
        place.form.kind.setCurrentIndex(at)
        asked[place.form.kind.currentData()] = set(place.form.editors)
        place.primary.click()
        assert place.form.fields["address"].note.text() == "Esto hace falta."
    assert asked == {
        "folder": {"address"},
        "webdav": {"address", "user", "secret"},
        "s3": {"address", "bucket", "prefix", "region", "user", "secret"},
        "supabase": {"address", "bucket", "prefix", "public_key", "user", "secret"},
    }
    place.form.editors["address"].setText("https://abc.supabase.co")
    for key, text in (
        ("bucket", "respaldos"),
        ("user", "a@example.com"),
        ("secret", "x"),
        ("public_key", "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x"),
    ):
        place.form.editors[key].setText(text)
    place.primary.click()
    told = desk.until(lambda: place.banner.text)
    assert "clave de servicio" in told
    place.reject()
    settings.reject()


def test_new_keys_take_the_old_ones_place(desk: Desk) -> None:
    settings = opened(desk)
    settings._leave_for(settings._new_keys)
    wizard = desk.dialog(SetupWizard)
    desk.until(lambda: wizard.page is wizard.sheet and wizard.setup is not None)
    desk.until(lambda: wizard.job is None)
    assert wizard.setup is not None
    wizard.primary.click()
    for editor in wizard.asked.values():
        editor.setText("otra")
    wizard.primary.click()
    assert wizard.page is wizard.back_check
    assert all("Esa no es la palabra" in field.note.text() for field in wizard.fields.values())
    for at, editor in wizard.asked.items():
        editor.setText(wizard.setup.words[at][:4].upper())
    wizard.primary.click()
    desk.give(wizard.credentials)
    wizard.primary.click()
    desk.until(lambda: wizard.page is wizard.end or wizard.banner.text)
    assert wizard.banner.text == ""
    assert wizard.end.heading.text() == "Las claves nuevas están en uso"
    wizard.primary.click()


def test_the_sheet_is_a_page_to_print_and_a_file(desk: Desk, tmp_path: Path) -> None:
    assert desk.screen.overview is not None
    desk.screen.actions_._rotate(desk.screen.overview)
    wizard = desk.dialog(SetupWizard)
    desk.until(lambda: wizard.setup is not None and wizard.job is None)
    path = tmp_path / "hoja.pdf"
    wizard.save_to(str(path))
    desk.until(lambda: path.exists() and wizard.banner.text)
    assert path.read_bytes().startswith(b"%PDF")
    wizard.save_to(str(tmp_path / "no-hay" / "hoja.pdf"))
    desk.until(lambda: "no se pudo escribir" in wizard.banner.text)
    wizard.reject()


def test_ones_own_password_opens_the_key_and_a_wrong_one_does_not(desk: Desk) -> None:
    settings = opened(desk)
    settings._leave_for(settings._my_key)
    asking = desk.dialog(Asking)
    desk.give(asking.credentials, password="falsa-clave-1")
    asking.primary.click()
    desk.until(lambda: asking.banner.text)
    desk.give(asking.credentials, password=PASSWORD)
    with desk.qtbot.waitSignal(desk.context.notified, timeout=20_000) as told:
        asking.primary.click()
    assert told.args is not None
    assert "su contraseña abre" in str(told.args[0])
