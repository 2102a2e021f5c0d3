"""Five workstations, the web, a backup and a restore, all at once; and what must hold afterwards.

Every record that anybody makes has a mark of its own in its name, so that whatever has the same id
later can be told from it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keyring
import psycopg

from desktop.backup import keys, restore
from desktop.backup.archive_reader import ArchiveReader
from desktop.backup.drill import drill
from desktop.backup.take import Sealing, Taken, Who, take_full
from desktop.domain.errors import AppError
from desktop.services import tenants
from desktop.services.accounts import NewAccount
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.clients import Clients, NewClient
from desktop.services.tenancy import Migrations
from desktop.services.tenants import NewClinic
from sync.errors import MassDeletion, SyncError
from tests.support import clinic as clinics
from tests.support import embedded
from tests.support.clinic import PASSWORD, Clinic, Station, local
from tests.support.memory_keyring import MemoryKeyring
from tests.trouble_backup.site import Broken, hold, state

STATIONS = 5
STEPS = 6
NEIGHBOUR = "vecina"
TABLES = {"pacientes_cliente": "nombre_completo", "citas_cita": "notas"}
PATIENCE = 120.0


@dataclass
class Report:
    """What came of many rounds.

    :ivar asked: how often a workstation asked whether most of a table may go. :ivar held: milliseconds in which nobody could write, of each restore. :ivar waited: the longest
        that the web waited for one of its writes, in milliseconds.
    """

    rounds: int = 0
    made: int = 0
    reviewed: int = 0
    applied: int = 0
    asked: int = 0
    waited: float = 0.0
    held: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Race:
    """One clinic through many rounds."""

    def __init__(self, clinic: Clinic, folder: Path, seed: int) -> None:
        self.report = Report()
        self._clinic = clinic
        self._folder = folder
        self._seed = seed
        self._pair = keys.new_clinic_keys()
        self._signer = keys.Signer.generate()
        self._known: dict[tuple[str, int], str] = {}
        self._made: dict[str, str] = {}
        self._trouble: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stations = [clinic.station(f"puesto{i}", "office") for i in range(STATIONS)]
        for one in self._stations:
            one.sync()
        with clinic.admin() as db:
            self._neighbour = state(db, NEIGHBOUR, whole=True)
            self._archive = self._take(db, "primero")

    def round(self, number: int) -> None:
        """Everybody at once, then everything looked at. Raises :class:`Broken`."""
        rng = random.Random(f"{self._seed}/{number}")
        with ThreadPoolExecutor(STATIONS + 3) as pool:
            start = threading.Barrier(STATIONS + 3)
            working: list[Future[Any]] = [
                pool.submit(self._desk, one, place, number, random.Random(rng.random()), start)
                for place, one in enumerate(self._stations)
            ]
            working.append(pool.submit(self._web, number, start))
            working.append(pool.submit(self._back_up, number, start))
            working.append(pool.submit(self._restore, start, rng.random()))
            results = [one.result(PATIENCE) for one in working]
        self._settle()
        self._look(number)
        self._archive = results[-2]
        self.report.rounds += 1

    def _note(self, mark: str, who: str) -> None:
        with self._lock:
            self._made[mark] = who
        self.report.made += 1

    def _desk(
        self, one: Station, place: int, number: int, rng: random.Random, start: threading.Barrier
    ) -> None:
        start.wait(PATIENCE)
        for step in range(STEPS):
            mark = f"R{number:03}P{place}S{step}"
            client = Clients(one.cache, one.clinic).create(
                one.actor, NewClient(full_name=f"Persona {mark}", phone="987650001")
            )
            self._note(mark, one.folder.name)
            if rng.random() < 0.5:
                self._book(one, client, mark, number, place, step)
            if rng.random() < 0.8:
                self._sync(one)

    def _book(
        self, one: Station, client: int, mark: str, number: int, place: int, step: int
    ) -> None:
        day = dt.timedelta(days=number * STATIONS + place)
        starts = local(2027, 3, 1, 9 + step) + day
        placed = Placement(starts, starts + dt.timedelta(minutes=30), self._clinic.practitioners[0])
        try:
            Agenda(one.cache, one.clinic).book(
                one.actor, Draft(placed, Details(client, f"Persona {mark}", notes=f"V{mark}"))
            )
        except AppError:
            return  # a holiday, or outside hours: nothing was promised
        self._note(f"V{mark}", one.folder.name)

    def _sync(self, one: Station) -> None:
        """Once; that the server has something else to do now is nothing to hear."""
        try:
            one.sync()
            self._trouble.pop(one.folder.name, None)
        except MassDeletion as asked:
            # The archive had less than half of a table: the person at the desk is asked, and agrees.
            self._trouble[one.folder.name] = str(asked)
            one.engine.allow_deletion(asked.params["table"], asked.params["gone"])
            self.report.asked += 1
        except SyncError as error:
            self._trouble[one.folder.name] = str(error)

    def _web(self, number: int, start: threading.Barrier) -> None:
        start.wait(PATIENCE)
        with psycopg.connect(self._clinic.web_dsn(), autocommit=True) as web:
            for step in range(STEPS * 4):
                mark = f"R{number:03}W{step}"
                began = time.perf_counter()
                row = web.execute(
                    "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo,"
                    " fecha_registro) VALUES (%s, %s, '+56900000000', true, now()) RETURNING id",
                    (f"Persona {mark}", f"{mark}@x.example.com"),
                ).fetchall()
                waited = (time.perf_counter() - began) * 1000
                self.report.waited = max(self.report.waited, waited)
                self._same("pacientes_cliente", row[0][0], f"Persona {mark}")

    def _back_up(self, number: int, start: threading.Barrier) -> Taken:
        start.wait(PATIENCE)
        with psycopg.connect(self._clinic.dsn, autocommit=True) as db:
            return self._take(db, f"ronda{number}")

    def _take(self, db: psycopg.Connection, name: str) -> Taken:
        sealing = Sealing(self._signer, (self._pair.recipient, self._pair.recovery_recipient))
        return take_full(db, self._clinic.schema, self._folder / name, sealing, Who("admin", "0"))

    def _restore(self, start: threading.Barrier, delay: float) -> None:
        start.wait(PATIENCE)
        threading.Event().wait(delay)
        with psycopg.connect(self._clinic.dsn, autocommit=True) as db:
            with self._archive.path.open("rb") as file:
                with ArchiveReader(file, [self._pair.identity], self._archive.contents) as reader:
                    done = restore.restore(
                        db, self._clinic.schema, [reader], Migrations(), safety="copia"
                    )
        self.report.held.append(done.held_ms)
        self.report.seconds.append(done.seconds)

    def _settle(self) -> None:
        """Until nobody has anything to say."""
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 3:
            hold(
                f"workstations do not come to rest: {self._all_pending()} wait, {self._trouble}",
                time.monotonic() < deadline,
            )
            before = self._all_pending()
            for one in self._stations:
                self._sync(one)
            rest = before == self._all_pending() == 0 and not self._trouble
            quiet = quiet + 1 if rest else 0

    def _all_pending(self) -> int:
        return sum(self._ask(one, "SELECT count(*) FROM sync_tx")[0][0] for one in self._stations)

    @staticmethod
    def _ask(one: Station, statement: str) -> list[Any]:
        with one.cache.reading() as session:
            return list(session.connection().exec_driver_sql(statement).all())

    def _look(self, number: int) -> None:
        clinic = self._clinic
        there: set[str] = set()
        for table, column in TABLES.items():
            rows = dict(clinic.query(f"SELECT id, coalesce({column}, '') FROM {table}"))
            for one in self._stations:
                held = dict(
                    tuple(row)
                    for row in self._ask(one, f"SELECT id, coalesce({column}, '') FROM {table}")
                )
                hold(
                    f"{one.folder.name} holds other rows of {table}:"
                    f" {set(held.items()) ^ set(rows.items())}",
                    held == rows,
                )
            for row_id, text in rows.items():
                self._same(table, row_id, text)
                there |= set(text.split())
        drafts = {
            one.folder.name: " ".join(
                row[0] for row in self._ask(one, "SELECT ops FROM sync_rejection")
            )
            for one in self._stations
        }
        for mark, who in self._made.items():
            applied, kept = mark in there, mark in drafts[who]
            hold(f"what {who} made as {mark} is nowhere", applied or kept)
            self.report.applied += applied
            self.report.reviewed += kept and not applied
        with clinic.admin() as db:
            hold("the neighbour was touched", state(db, NEIGHBOUR, whole=True) == self._neighbour)
            for away in restore.replaced(db, clinic.schema):
                for table, column in TABLES.items():
                    for row_id, text in db.execute(
                        f"SELECT id, coalesce({column}, '') FROM \"{away.schema}\".{table}"
                    ).fetchall():
                        self._same(table, row_id, text)
                db.execute(f'DROP SCHEMA "{away.schema}" CASCADE')
            if number:
                self._prove(db, number)

    def _prove(self, db: psycopg.Connection, number: int) -> None:
        """The archive that was taken meanwhile is whole."""
        for path in self._folder.glob("ronda*"):
            if path.name != f"ronda{number}" and path != self._archive.path:
                path.unlink()
        with self._archive.path.open("rb") as file:
            with ArchiveReader(file, [self._pair.identity], self._archive.contents) as reader:
                report = drill(db, [reader], Migrations(), model=self._clinic.schema)
        hold(f"the backup is not whole: {report}", report.good)

    def _same(self, table: str, row_id: int, text: str) -> None:
        """An id is one record's for ever. What was renamed was not made by us."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            known = self._known.setdefault((table, row_id), digest)
        hold(f"the id {row_id} of {table} was given twice: {text}", known == digest)


def many(
    count: int, seed: int, version: int, told: Callable[[int], None] = lambda _n: None
) -> Report:
    """So many rounds on a fresh server. Raises :class:`Broken`."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    try:
        with ExitStack() as stack:
            server = stack.enter_context(embedded.temporary(version))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "archivos").mkdir()
            clinic = stack.enter_context(clinics.clinic(server, folder))
            with psycopg.connect(clinic.dsn, autocommit=True) as db:
                tenants.create(
                    db,
                    NEIGHBOUR,
                    NewClinic(name="Vecina"),
                    NewAccount("b", "B", "general"),
                    PASSWORD,
                )
            race = Race(clinic, folder / "archivos", seed)
            for number in range(count):
                try:
                    race.round(number)
                except Broken as error:
                    raise Broken(f"seed {seed}, round {number}: {error}") from error
                told(number)
            return race.report
    finally:
        keyring.set_keyring(before)
