"""The demo's day without anybody at the keys: the same programs, the same keystrokes, pictures.

Reception books without a network; the network comes back and the practitioner sees it; somebody
books on the web; the visit is charged, paid in two methods and its receipt saved; two people move
the same visit and the inbox settles it. What travelled is read in the shared database.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from PySide6.QtCore import Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest

from desktop.app import Consultorio, application
from desktop.domain.statuses import Status
from desktop.services import devices, enrolment
from desktop.services.agenda_records import FreeSlot, Placement
from desktop.services.inbox_records import Way
from desktop.views.agenda.booking import BookingDialog
from tests.demo import afterwards, site
from tests.demo.desk import SIZE, Camera, Desk, until
from tests.demo.site import Visitor
from tests.demo.world import PASSWORD, SCHEMA, ZONE, World
from tests.support.first_load import hold_after_day

VISITOR = Visitor("Sofía Web Castro", "sofia.castro@example.com", "+56933333333")
ARRIVED = "SELECT 1 FROM citas_cita WHERE id = %s AND estado = 'reservada'"
OF_VISIT = """
FROM finanzas_pago WHERE id IN (SELECT a.pago_id FROM finanzas_asignacion a
    JOIN finanzas_cargo c ON c.id = a.cargo_id WHERE c.cita_id = %s)
"""
KEY = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@dataclass
class Journey:
    """A row of the table: what went from where to where, and how long it was on its way."""

    what: str
    origin: str
    reached: str
    milliseconds: float


@dataclass
class Day:
    """The day under way."""

    world: World
    camera: Camera
    reception: Desk
    laptop: Desk
    database: psycopg.Connection[Any]
    journeys: list[Journey] = field(default_factory=list)

    def value(self, statement: str, *values: Any) -> Any:
        row = self.database.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def travel(
        self, what: str, origin: str, *stops: tuple[str, Callable[[], Any]], since: float
    ) -> None:
        """Wait for each stop in turn and note when it was reached."""
        for name, arrived in stops:
            until(arrived, f"{what} at {name}")
            self.journeys.append(Journey(what, origin, name, 1000 * (time.monotonic() - since)))

    def status_at(self, desk: Desk, appointment_id: int) -> Status | None:
        """What a workstation's own cache says of an appointment; ``None`` where it has none."""
        day = desk.services.agenda.day(self.day)
        return next((a.status for a in day.appointments if a.id == appointment_id), None)

    @property
    def day(self) -> dt.date:
        shown: dt.date = self.reception.workspace.view("agenda").date
        return shown

    # The hours of the day -----------------------------------------------------------------------

    def book_without_network(self) -> int:
        """N, a few letters, Enter, the service, Enter: while the network is away."""
        self.reception.work_offline(True)
        agenda = self.reception.show("agenda")
        free = self.free_time(self.reception, self.reception.services.cache.now())
        local = free.starts_at.astimezone(ZONE)
        self.stand(agenda, free.practitioner_id, local)
        taken = self.booked_now(agenda)
        QTest.keyClick(agenda.grid, KEY.Key_N)
        dialog = self.reception.dialog(BookingDialog)
        QTest.keyClicks(dialog.client.search, "gonz")
        until(lambda: dialog.client.hits.count() > 1, "clients are found")
        self.reception.settle()
        self.camera.take("reservar", self.reception.window)
        QTest.keyClick(dialog.client.search, KEY.Key_Return)
        until(lambda: dialog.client.chosen is not None, "a client is chosen")
        QTest.keyClick(dialog.service, KEY.Key_Down)
        dialog.minutes.setValue(30)
        QTest.keyClick(dialog.minutes, KEY.Key_Return)
        until(lambda: self.booked_now(agenda) - taken, "the booking is on the agenda")
        self.reception.settle()
        (booked,) = self.booked_now(agenda) - taken
        until(lambda: self.reception.pending >= 1, "the booking waits to be sent")
        self.camera.take("agenda-sin-red", self.reception.window)
        if self.value(ARRIVED, booked):
            raise AssertionError("what was booked offline is on the server already")
        return booked

    def free_time(self, desk: Desk, after: dt.datetime) -> FreeSlot:
        """The practitioner's half hour of the same day: one that is free, or the last that is on
        offer; after a day that is full, the next.
        """
        same_day = dt.datetime.combine(after.astimezone(ZONE), dt.time.max, ZONE)
        own = frozenset({self.world.practitioner_id})

        def find(until_: dt.datetime) -> list[FreeSlot]:
            found: list[FreeSlot] = desk.services.agenda.free_slots(
                minutes=30, from_=after, until=until_, practitioner_ids=own
            )
            return found

        today = find(same_day)
        free = [slot for slot in today if slot.published_id is None]
        later = find(after + dt.timedelta(days=14))
        return [*free[:1], *reversed(today), *later][0]

    @staticmethod
    def booked_now(agenda: Any) -> set[int]:
        """The ids of the bookings that the agenda shows."""
        shown = agenda.grid.model.by_id.items()
        return {number for number, item in shown if item.status is Status.BOOKED}

    def stand(self, agenda: Any, practitioner_id: int | None, local: dt.datetime) -> None:
        """Put the keyboard's place on a practitioner's time."""
        agenda.go_to(local.date())
        until(
            lambda: agenda.grid.model and agenda.grid.model.agenda.day.date == local.date(),
            "the day is shown",
        )
        columns = agenda.grid.model.agenda.columns
        column = next(n for n, c in enumerate(columns) if c.practitioner_id == practitioner_id)
        minute = local.hour * 60 + local.minute
        agenda.grid.select(None, (column, minute))

    def reconnect(self, booked: int) -> None:
        since = time.monotonic()
        self.reception.work_offline(False)
        self.travel(
            "Booking made without a network",
            "Reception",
            ("shared database", lambda: self.value(ARRIVED, booked)),
            (
                "practitioner's laptop",
                lambda: self.status_at(self.laptop, booked) is Status.BOOKED,
            ),
            since=since,
        )
        until(lambda: self.reception.pending == 0, "nothing waits")

    def book_on_the_web(self) -> None:
        offers: list[site.Offer] = []
        with psycopg.connect(self.world.web_dsn) as connection:
            offers += site.offers(connection, self.reception.services.cache.now(), limit=1)
            site.book(connection, offers[0].id, VISITOR, "Reservada desde la web")
        since = time.monotonic()
        slot = offers[0]

        def there(desk: Desk) -> bool:
            day = desk.services.agenda.day(slot.starts_at.astimezone(ZONE).date())
            return any(a.client_name == VISITOR.name for a in day.appointments)

        self.travel(
            "Booking from the public site",
            "Web",
            ("reception", lambda: there(self.reception)),
            ("practitioner's laptop", lambda: there(self.laptop)),
            since=since,
        )

    def charge_and_pay(self, booked: int) -> None:
        """C to check in, O to open the visit, Enter to charge, F8 and an amount, Ctrl+Enter."""
        agenda = self.reception.show("agenda")
        agenda.grid.select(booked)
        since = time.monotonic()
        QTest.keyClick(agenda.grid, KEY.Key_C)
        self.travel(
            "Client checked in",
            "Reception",
            (
                "practitioner's laptop",
                lambda: self.status_at(self.laptop, booked) is Status.ARRIVED,
            ),
            since=since,
        )
        self.reception.settle()
        self.camera.take("agenda", self.reception.window)
        QTest.keyClick(agenda.grid, KEY.Key_O)
        visit = self.reception.workspace.view("visit")
        until(lambda: visit.visit is not None, "the visit is open")
        self.reception.settle()
        QTest.keyClick(visit.adding.picker, KEY.Key_Return)
        until(lambda: visit.visit.due > 0, "the service is charged")
        self.reception.settle()
        due = visit.visit.due
        panel = visit.panel
        QTest.keyClick(visit, KEY.Key_F8)
        amount = panel.amounts["tarjeta"]
        amount.selectAll()
        QTest.keyClicks(amount, str(int(due) - 5000))
        QTest.keyClick(visit, KEY.Key_F6)
        panel.tendered.setFocus()
        QTest.keyClicks(panel.tendered, "10000")
        self.reception.settle()
        self.camera.take("cobrar", self.reception.window)
        since = time.monotonic()
        QTest.keyClick(visit, KEY.Key_Return, CTRL)
        until(lambda: visit.money.currentWidget() is visit.paid, "the payment is recorded")

        def paid() -> bool:
            return bool(self.value(f"SELECT sum(monto) {OF_VISIT}", booked) == due)

        self.travel("Payment in two methods", "Reception", ("shared database", paid), since=since)
        self.reception.settle()
        self.camera.take("recibo", self.reception.window)
        until(lambda: self.reception.pending == 0, "nothing waits")
        receipt = visit.paid.receipt
        saved = self.camera.folder / visit.output.file_name(receipt)
        visit.output.write(self.reception.services.finance.receipt(receipt.id), saved, copy=False)
        until(saved.exists, "the receipt is a PDF")
        self.reception.settle()

    def disagree(self, booked: int) -> None:
        """Both move the visit while neither hears of the other; the loser's inbox settles it."""
        for desk in (self.reception, self.laptop):
            desk.work_offline(True)
        first = self.reception.services.agenda.appointment(booked).placement.ends_at
        for desk, after in ((self.reception, 0), (self.laptop, 1)):
            agenda = desk.services.agenda
            placed = agenda.appointment(booked).placement
            free = self.free_time(desk, first + dt.timedelta(days=after))
            there = Placement(free.starts_at, free.ends_at, free.practitioner_id)
            agenda.move(desk.workspace.context.actor, booked, there, expected=placed)
        self.reception.work_offline(False)
        self.laptop.work_offline(False)
        until(
            lambda: self.laptop.workspace.status_bar.status.rejected == 1,
            "the laptop hears that the visit was moved",
        )
        inbox = self.laptop.show("inbox")
        until(lambda: inbox.detail is not None, "the refused change is shown")
        self.laptop.settle()
        self.camera.take("bandeja", self.laptop.window)
        since = time.monotonic()
        inbox.detail.buttons[Way.KEEP_MINE].click()
        until(lambda: self.laptop.workspace.status_bar.status.rejected == 0, "the inbox is settled")
        moved = self.laptop.services.agenda.appointment(booked).placement
        self.travel(
            "Conflict settled in the inbox",
            "Practitioner's laptop",
            (
                "reception",
                lambda: self.reception.services.agenda.appointment(booked).placement == moved,
            ),
            since=since,
        )

    def look_around(self) -> None:
        """The screens that the day did not need."""
        clients = self.reception.show("clients")
        self.reception.workspace.find_client()
        QTest.keyClicks(clients.box, "mar")
        self.reception.settle()
        QTest.keyClick(clients.box, KEY.Key_Return)
        self.reception.settle()
        self.camera.take("clientes", self.reception.window)
        self.laptop.show("agenda")
        self.laptop.settle()
        self.camera.take("agenda-profesional", self.laptop.window)
        self.reception.workspace.show_shortcuts()
        self.reception.settle()
        self.camera.take("atajos", self.reception.window)
        self.reception.dialog().close()


def play(world: World, pictures: Path, shift: dt.timedelta) -> int:
    """Play the day; 0 when all arrived exactly once.

    :param shift: how far the clock of the workstations is off.
    """

    def clock() -> dt.datetime:
        return dt.datetime.now(dt.UTC) + shift

    qInstallMessageHandler(_quiet)
    application()
    camera = Camera(pictures)
    phrase = world.passphrase_file.read_text(encoding="ascii").strip()
    with ExitStack() as stack:
        database = stack.enter_context(psycopg.connect(world.dsn, autocommit=True))
        database.execute(f'SET search_path = "{SCHEMA}"')
        _picture_joining(camera, world, database, clock)
        desks = []
        for name, folder in (("Reception", world.reception), ("Laptop", world.laptop)):
            desk = Desk(name, folder, phrase, clock)
            stack.callback(desk.end)
            desks.append(desk)
        reception, laptop = desks
        camera.take("entrar", reception.window)
        reception.sign_in("recepcion", PASSWORD)
        laptop.sign_in(world.practitioner, PASSWORD)
        day = Day(world, camera, reception, laptop, database)
        booked = day.book_without_network()
        day.reconnect(booked)
        day.book_on_the_web()
        day.charge_and_pay(booked)
        day.disagree(booked)
        day.look_around()
        office = afterwards.open_office(world, phrase, clock)
        stack.callback(office.end)
        afterwards.look_at(day, office)
        return _report(day, booked)


def _quiet(_kind: QtMsgType, _where: object, text: str) -> None:
    """Qt's words, less what a platform without windows always says."""
    if "propagateSizeHints" not in text:
        print(text, file=sys.stderr)


def _picture_joining(
    camera: Camera, world: World, database: psycopg.Connection, clock: Callable[[], dt.datetime]
) -> None:
    """A third workstation joins; its load is held while reception reads today's agenda in it."""
    file = world.folder / "nueva.inscripcion"
    file.unlink(missing_ok=True)
    enrolment.write(
        devices.enroll(database, SCHEMA, profile="reception", label="Recepción 2"), file
    )
    phrase = world.passphrase_file.read_text(encoding="ascii").strip()
    looked = threading.Event()
    with TemporaryDirectory() as folder:
        program = Consultorio(Path(folder) / "nueva", passphrase=phrase, clock=clock)
        try:
            program.begin()
            wizard: Any = program.wizard
            camera.take("unirse", wizard)
            hold_after_day(wizard, looked)
            wizard.use_file(file)
            page = until(lambda: wizard.door.signin, "who is there is asked")
            QTest.keyClicks(page.username, "recepcion")
            QTest.keyClicks(page.password, PASSWORD)
            QTest.keyClick(page.password, KEY.Key_Return)
            view = until(lambda: wizard.door.view, "today's agenda is shown")
            wizard.resize(*SIZE)
            named = [item.id for item in view.model.by_id.values() if item.client_id]
            view.grid.select(named[len(named) // 3])
            camera.take("unirse-agenda", wizard)
        finally:
            if program.wizard is not None:
                program.wizard.close()
            looked.set()
            program.end()


def _report(day: Day, booked: int) -> int:
    print("\nWhat travelled where\n")
    print(f"  {'what':<34}{'from':<24}{'seen at':<24}{'after':>9}")
    for one in day.journeys:
        print(f"  {one.what:<34}{one.origin:<24}{one.reached:<24}{one.milliseconds:>6.0f} ms")
    print("\nIn the shared database\n")
    found = {
        what: day.value(statement, booked)
        for what, statement in (
            ("appointments of this booking", "SELECT count(*) FROM citas_cita WHERE id = %s"),
            ("payments", f"SELECT count(*) {OF_VISIT}"),
            ("paid, in pesos", f"SELECT sum(monto)::bigint {OF_VISIT}"),
            ("charged, in pesos", "SELECT sum(monto)::bigint FROM finanzas_cargo WHERE cita_id=%s"),
        )
    }
    for what, figure in found.items():
        print(f"  {what:<34}{figure:>10}")
    print(f"\nPictures: {len(day.camera.taken)} in {day.camera.folder}\n")
    once = (found["appointments of this booking"], found["payments"]) == (1, 2)
    if once and found["paid, in pesos"] == found["charged, in pesos"]:
        return 0
    print("Not everything is there exactly once.", file=sys.stderr)
    return 1
