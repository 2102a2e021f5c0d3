"""The office's first backup, and what a restore of it would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import conninfo
from PySide6.QtTest import QTest

from desktop.domain.names import fold
from desktop.views.backups.places import PlacesDialog
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.setup import SetupWizard
from tests.demo.desk import Desk, until
from tests.demo.world import PASSWORD

if TYPE_CHECKING:
    from tests.demo.day import Day

SINCE = """
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)
SELECT 'Paciente Web ' || n, 'web' || n || '@example.com', '+5698765' || 4000 + n, now(), true
FROM generate_series(1, 3) n;
UPDATE citas_cita SET notas = 'Confirmada por teléfono' WHERE id IN
    (SELECT id FROM citas_cita WHERE estado = 'reservada' ORDER BY fecha_hora DESC LIMIT 12);
"""
"""What happens at the clinic after the backup."""


def look_at(day: Day, office: Desk) -> None:
    """From an empty history to a verified backup, and into it again."""
    user = str(conninfo.conninfo_to_dict(day.world.dsn)["user"])
    kept = day.world.folder / "respaldos"
    kept.mkdir(exist_ok=True)
    screen = office.show("backups")
    until(lambda: screen.overview is not None, "the history is read")
    office.settle()
    day.camera.take("respaldos-vacio", office.window)
    screen.first.click()
    wizard: SetupWizard = office.dialog(SetupWizard)
    wizard.form.label.setText("Disco de la caja fuerte")
    wizard.form.editors["address"].setText(str(kept))
    wizard.primary.click()
    until(lambda: wizard.setup is not None and wizard.job is None, "the words are shown")
    assert wizard.setup is not None
    day.camera.take("respaldos-palabras", office.window)
    wizard.primary.click()
    for at, editor in wizard.asked.items():
        QTest.keyClicks(editor, fold(wizard.setup.words[at])[:4])
    wizard.primary.click()
    wizard.credentials.own.setText(PASSWORD)
    wizard.credentials.user.setText(user)
    wizard.primary.click()
    until(lambda: wizard.archive is not None, "the first backup is verified")
    wizard.accept()
    until(lambda: screen.card is not None, "it is in the history")
    screen.take.click()
    until(lambda: screen.running.job is None and len(screen.table.rows.items) > 1, "one more")
    office.settle()
    day.camera.take("respaldos", office.window)
    screen.verbs["settings"].trigger()
    settings = office.dialog(PlacesDialog)
    settings.tabs.setCurrentIndex(1)
    office.settle()
    day.camera.take("respaldos-horarios", office.window)
    settings.reject()
    day.database.execute(SINCE)
    screen.restore.click()
    restoring = office.dialog(RestoreWizard)
    restoring.primary.click()
    restoring.credentials.own.setText(PASSWORD)
    restoring.credentials.user.setText(user)
    restoring.primary.click()
    until(lambda: restoring.planned is not None, "it is said what would change")
    office.settle()
    day.camera.take("restaurar", office.window)
    restoring.reject()
