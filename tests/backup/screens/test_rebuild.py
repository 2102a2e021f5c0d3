"""The server is gone: the clinic is made on an empty one from the office's file and the sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.services import migrations
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.setup import SetupWizard
from tests.backup.screens.conftest import Desk, fill, walk
from tests.support import clinic as clinics
from tests.support.clinic import PASSWORD, Clinic
from tests.support.embedded import Server


@pytest.fixture
def lost(postgres: Server, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic of its own, which the test takes away."""
    with clinics.clinic(postgres, tmp_path, schema="clinica_perdida") as made:
        yield made


def test_a_clinic_is_made_on_an_empty_server_with_the_words_of_the_sheet(
    lost: Clinic, desks: Callable[..., Desk], tmp_path: Path
) -> None:
    station = lost.station("Oficina", "office")
    desk = desks(station)
    desk.clinic = lost
    folder = tmp_path / "respaldos"
    folder.mkdir()
    desk.context.services.accounts.sign_in("admin", PASSWORD)
    desk.screen.first.click()
    wizard = desk.dialog(SetupWizard)
    words = fill(wizard, folder, desk)
    wizard.accept()
    desk.until(lambda: desk.archives)
    names = lost.query("SELECT nombre_completo FROM pacientes_cliente ORDER BY 1")
    lost.query(f'DROP SCHEMA "{lost.schema}" CASCADE')
    (file,) = folder.glob("*.consultorio")
    desk.screen.restore.click()
    restoring = desk.dialog(RestoreWizard)
    restoring.use_file(str(file))
    restoring.primary.click()
    desk.give(restoring.credentials)
    walk(restoring, desk)
    assert restoring.new.isVisible(), restoring.banner.text
    restoring.new.setChecked(True)
    restoring.credentials.words.setPlainText(" ".join(words))
    walk(restoring, desk)
    assert restoring.banner.text == ""
    assert restoring.planned is not None
    restoring.primary.click()
    restoring.clinic.setText("Clínica Los Aromos")
    restoring.password.setText(PASSWORD)
    restoring.primary.click()
    assert restoring.first[1].note.text() == "Escriba la contraseña nueva."
    restoring.first_password.setText("Otra-clave-larga-7")
    walk(restoring, desk)
    assert restoring.banner.text == ""
    assert restoring.restored is not None
    assert lost.query("SELECT nombre_completo FROM pacientes_cliente ORDER BY 1") == names
    assert lost.value("SELECT version_num FROM alembic_version") == migrations.head_version()
    restoring.primary.click()
