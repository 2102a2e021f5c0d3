"""What an administrator meets at the office's workstation when something went wrong at the server."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from desktop.qt.dialogs import Dialog, Toast
from desktop.services import devices, enrolment, joining
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.cache import Clock
from desktop.services.clients_records import NewClient
from desktop.views.inbox.carrying import ImportDialog
from desktop.views.mass_deletion import DeletionDialog
from tests.demo import backups
from tests.demo.desk import Desk, until
from tests.demo.world import PASSWORD, SCHEMA, World

if TYPE_CHECKING:
    from tests.demo.day import Day

LOST = (
    NewClient(full_name="Rosa Ibáñez Leiva", phone="987650001", email="rosa.ibanez@example.com"),
    NewClient(full_name="Tomás Vergara Muñoz", phone="987650002"),
)
FORGET = """
DELETE FROM citas_cita WHERE id >> 39 = {0};
DELETE FROM pacientes_cliente WHERE id >> 39 = {0};
DELETE FROM sync_result WHERE device = {0};
UPDATE sync_meta SET epoch = gen_random_uuid(), on_restore = 'review';
"""


def open_office(world: World, phrase: str, clock: Clock) -> Desk:
    """A third workstation, the office's, with the clinic's head at it."""
    file, folder = world.folder / "oficina.inscripcion", world.folder / "oficina"
    file.unlink(missing_ok=True)
    with psycopg.connect(world.dsn, autocommit=True) as connection:
        admitted = devices.enroll(
            connection, SCHEMA, profile="office", practitioner_id=None, label="Oficina"
        )
    enrolment.write(admitted, file)
    joining.join(file, folder, passphrase=lambda: phrase)
    desk = Desk("Office", folder, phrase, clock)
    desk.sign_in("jefatura", PASSWORD)
    return desk


def look_at(day: Day, office: Desk) -> None:
    """All of it, one after the other; the office's workstation is of no use for more."""
    backups.look_at(day, office)
    _put_back(day, office)
    _carry(day, office)
    _empty(day, office)


def _put_back(day: Day, office: Desk) -> None:
    """The server is put back on purpose; one of the clients that it lost is entered anew."""
    actor, services = office.workspace.context.actor, office.services
    ids = [services.clients.create(actor, client) for client in LOST]
    for client, row_id in zip(LOST, ids, strict=True):
        free = day.free_time(office, services.cache.now() + dt.timedelta(days=1))
        placed = Placement(free.starts_at, free.ends_at, free.practitioner_id)
        details = Details(client_id=row_id, client_name=client.full_name)
        services.agenda.book(actor, Draft(placed, details))
    until(lambda: day.value("SELECT 1 FROM citas_cita WHERE cliente_id = %s", ids[-1]), "all sent")
    until(lambda: office.pending == 0, "all is answered")
    day.database.execute(FORGET.format(ids[0] >> 39))
    bar = office.workspace.status_bar
    until(lambda: bar.status.rejected == 4, "what was lost is there as drafts")
    desk = day.reception
    until(lambda: not desk.services.clients.hits([ids[0]]), "the reception lost her, too")
    again = desk.services.clients.create(desk.workspace.context.actor, LOST[0])
    until(lambda: office.services.clients.hits([again]), "the office has who was entered again")
    inbox = office.show("inbox")
    until(lambda: inbox.detail is not None and inbox.detail.item.alike, "it is said")
    office.settle()
    day.camera.take("quizas-ya-existe", office.window)
    inbox.choose_restored()
    office.settle()
    day.camera.take("restaurado", office.window)
    inbox.several.same.setChecked(True)
    inbox.several.bring.click()
    office.dialog().primary.click()
    until(lambda: bar.status.rejected == 0, "all is settled")
    until(lambda: office.pending == 0, "what came back is sent")
    names = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s"
    for client in LOST:
        if day.value(names, client.full_name) != 1:
            raise AssertionError(f"{client.full_name} is not there once")


def _carry(day: Day, office: Desk) -> None:
    """Unsent work goes into a file for the office, and such a file is taken in."""
    office.work_offline(True)
    services, actor = office.services, office.workspace.context.actor
    services.clients.create(actor, NewClient(full_name="Elena Soto Riquelme", phone="987650003"))
    inbox = office.show("inbox")
    office.settle()
    name = services.office.suggested_name()
    inbox.export_to(day.world.folder / name)
    until(
        lambda: any(toast.isVisible() for toast in office.window.findChildren(Toast)),
        "it is said what was written",
    )
    day.camera.take("exportar", office.window)
    office.settle()
    inbox.take_in.click()
    dialog = office.dialog(ImportDialog)
    dialog.path.setText(str(Path("/media/usb") / name))
    dialog.user.setText("consultorio")
    day.camera.take("importar", office.window)
    dialog.reject()
    office.work_offline(False)
    until(lambda: office.pending == 0, "it is sent after all")


def _empty(day: Day, office: Desk) -> None:
    """Somebody empties a table at the server; a person is asked before it goes here."""
    day.database.execute("DELETE FROM finanzas_egresomanual")
    workspace = office.workspace
    until(workspace.deciding.isVisible, "it is said that most of a table would go")
    office.settle()
    day.camera.take("borrado-masivo", office.window)
    workspace.decide()
    dialog: Dialog = office.dialog(DeletionDialog)
    office.settle()
    day.camera.take("borrado-decidir", office.window)
    dialog.reject()
