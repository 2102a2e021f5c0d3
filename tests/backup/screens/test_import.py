"""Another program's backup, from its file to an archive in the history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop.views.backups import words
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.taking_in import ImportWizard
from tests.backup.screens.conftest import Desk, walk

CLIENT = {
    "model": "pacientes.cliente",
    "pk": 5,
    "fields": {
        "nombre_completo": "Rosa Ibáñez Leiva",
        "email": "rosa@example.com",
        "telefono": "+56987650001",
        "fecha_registro": "2026-01-01T00:00:00Z",
        "activo": True,
    },
}


@pytest.fixture
def dumpdata(tmp_path: Path) -> Path:
    """A backup as ``manage.py dumpdata`` writes it, of a clinic with one client."""
    path = tmp_path / "respaldo.json"
    path.write_text(json.dumps([CLIENT], ensure_ascii=False), "utf-8")
    return path


def test_a_file_becomes_an_archive_with_a_report_and_can_be_restored(
    desk: Desk, dumpdata: Path, tmp_path: Path
) -> None:
    assert desk.screen.overview is not None
    desk.screen.verbs["import"].trigger()
    wizard = desk.dialog(ImportWizard)
    wizard.primary.click()
    assert wizard.path_field.note.text() == "Elija el archivo."
    wrong = tmp_path / "carta.json"
    wrong.write_text("hola", "utf-8")
    wizard.path.setText(str(wrong))
    walk(wizard, desk)
    assert wizard.banner.text != ""
    wizard.path.setText(str(dumpdata))
    walk(wizard, desk)
    assert wizard.looked is not None
    assert wizard.looked.form == "django"
    desk.give(wizard.credentials)
    walk(wizard, desk)
    assert wizard.banner.text == ""
    assert wizard.imported is not None
    assert wizard.imported.lines
    wizard.primary.click()
    restoring = desk.dialog(RestoreWizard)
    archive = wizard.imported.archive.id
    assert restoring.source == archive
    desk.until(lambda: any(item.id == archive for item in desk.archives))
    item = next(item for item in desk.archives if item.id == archive)
    assert item.reason == "import"
    assert words.source(item) == "Del respaldo de otro programa"
    restoring.primary.click()
    desk.give(restoring.credentials)
    walk(restoring, desk)
    assert restoring.banner.text == ""
    assert restoring.planned is not None
    assert restoring.planned.sentences
    restoring.reject()
