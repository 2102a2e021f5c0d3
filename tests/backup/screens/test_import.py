"""Another program's backup, from its file to an archive in the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.views.backups import words
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.taking_in import ImportWizard
from tests.backup.foreign.making import OtherProgram
from tests.backup.screens.conftest import Desk, walk
from tests.support.embedded import Server


@pytest.fixture(scope="session")
def dumpdata(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup as ``manage.py dumpdata`` writes it."""
    with postgres.database() as dsn:
        other = OtherProgram(postgres, dsn)
        other.clinic("clinica_demo")
        return other.dumpdata("clinica_demo", tmp_path_factory.mktemp("dump") / "respaldo.json")


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
