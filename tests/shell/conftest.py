"""A real cache with a small clinic in it, whose refused work is refused as the engine does it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PySide6.QtWidgets import QApplication

from desktop.app import Consultorio
from desktop.backup.history import LocalHistory
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble
from desktop.models import sync_schema
from desktop.qt.context import AppContext
from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.services import clinic as clinic_settings
from desktop.services import devices, enrolment
from desktop.services.accounts import Accounts
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.backups import Backups
from desktop.services.backups_desk import Desk
from desktop.services.backups_settings import StationSettings
from desktop.services.bundle import Services
from desktop.services.cache import Cache, executor, utc_now
from desktop.services.clients import Clients
from desktop.services.finance import Finance
from desktop.services.inbox import Inbox
from desktop.services.inbox_replay import row
from desktop.services.office import Office
from desktop.services.status import DELETION_PERMISSION, WorkstationStatus
from desktop.views.inbox import InboxScreen
from desktop.views.main_window import Program
from desktop.views.workspace import ScreenEntry
from sync import codec, store
from sync.apply import apply_answer
from sync.wire import ExchangeAnswer, Result, TableChanges
from tests.conftest import Clock
from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring

PAULA, DIEGO, MARIA, JUAN, CONTROL = 11, 12, 21, 22, 31


@dataclass
class World:
    """A cache, its services, and the server's part played by the engine's own functions."""

    cache: Cache
    services: Services
    clock: Clock
    actor: Actor
    exchanges: int = 0

    def pull(self, *changes: TableChanges, results: tuple[Result, ...] = ()) -> None:
        """Lay an answer of the server over the cache."""
        self.exchanges += 1
        answer = ExchangeAnswer(
            "ok",
            nonce=f"n{self.exchanges}",
            cursor=f"{self.exchanges}",
            epoch="e",
            results=results,
            changes=changes,
        )
        with contextlib.closing(self.cache.connect()) as connection:
            applied = apply_answer(connection, sync_schema(), answer, self.clock())
        self.cache.notify(applied.tables)

    def rows(self, table: str, *rows: dict[str, Any], gone: tuple[int, ...] = ()) -> TableChanges:
        columns = tuple(rows[0]) if rows else ("id",)
        return TableChanges(table, columns, [list(r.values()) for r in rows], list(gone))

    def waiting(self) -> list[store.LocalTransaction]:
        with self.cache.reading() as session:
            return store.outbox(executor(session))

    def row(self, table: str, row_id: int) -> dict[str, Any] | None:
        with self.cache.reading() as session:
            return row(executor(session), sync_schema(), (table, row_id))

    def refuse(self, code: str, *changes: TableChanges, **detail: Any) -> str:
        """The server refuses the oldest waiting transaction."""
        tx = self.waiting()[0]
        operation = tx.operations[0]
        words = {"table": operation.table, "id": operation.row_id} | detail
        self.pull(*changes, results=(Result(tx.id, applied=False, code=code, detail=words),))
        return tx.id

    def book(self, hour: int, client: int = MARIA, practitioner: int = PAULA) -> int:
        starts = at(hour)
        with self.cache.reading() as session:
            name = executor(session)(
                "SELECT nombre_completo FROM pacientes_cliente WHERE id = ?", (client,)
            )[0][0]
        undo = self.services.agenda.book(
            self.actor,
            Draft(
                Placement(starts, starts + dt.timedelta(minutes=30), practitioner),
                Details(client_id=client, client_name=name, service_id=CONTROL),
            ),
        )
        return undo.appointment_id

    def appointment(self, row_id: int, hour: int, **values: Any) -> dict[str, Any]:
        """An appointment as the server sends it."""
        now = codec.instant_to_text(self.clock())
        return {
            "id": row_id,
            "fecha_hora": codec.instant_to_text(at(hour)),
            "fin": codec.instant_to_text(at(hour) + dt.timedelta(minutes=30)),
            "estado": "reservada",
            "dentista_id": PAULA,
            "cliente_id": JUAN,
            "paciente_nombre": "Juan Pérez Soto",
            "creada_el": now,
            "actualizada_el": now,
        } | values


def at(hour: int) -> dt.datetime:
    """An hour of Tuesday 24 November 2026 in Santiago."""
    return dt.datetime(2026, 11, 24, hour + 3, tzinfo=dt.UTC)


def staff(row_id: int, name: str, role: str) -> dict[str, Any]:
    flags = dict.fromkeys(
        (
            "activo",
            "requiere_acceso_sistema",
            "puede_gestionar_citas",
            "puede_gestionar_clientes",
            "puede_gestionar_insumos",
            "puede_gestionar_personal",
            "puede_ver_reportes",
            "puede_crear_odontogramas",
        ),
        True,
    )
    return {
        "id": row_id,
        "nombre_completo": name,
        "telefono": "+56911111111",
        "email": "",
        "rol": role,
        "fecha_registro": "2026-01-01T00:00:00+00:00",
    } | flags


def client(row_id: int, name: str, email: str, **values: Any) -> dict[str, Any]:
    return {
        "id": row_id,
        "nombre_completo": name,
        "email": email,
        "telefono": "+56987654321",
        "fecha_registro": "2026-01-01T00:00:00+00:00",
        "activo": True,
        "notas": None,
        "alergias": None,
    } | values


def no_backups(cache: Cache) -> Backups:
    """Backups at a workstation whose server is out of reach, and that keeps none."""

    def unreachable(*_: object) -> Any:
        raise EnvironmentTrouble("server.unreachable", host="")

    folder = cache.path.parent
    settings = StationSettings(cache, folder, "prueba")
    desk = Desk(
        schema="clinica",
        tenant="00000000-0000-4000-8000-000000000001",
        connect=unreachable,
        now=cache.now,
        work=settings.work,
        signer=settings.signer(),
        places={},
        local=LocalHistory(settings.work / "history.jsonl"),
    )
    return Backups(lambda: desk, settings, unreachable, unreachable, "clinica", "office")


@pytest.fixture
def world(cache: Cache, clock: Clock, administrator: Actor) -> World:
    stamp = "2026-01-01T00:00:00+00:00"
    blank = clinic_settings.load(cache)
    made = World(
        cache,
        Services(
            cache,
            blank,
            Accounts(cache, None, "clinica"),
            Agenda(cache, blank),
            Clients(cache, blank),
            Finance(cache, blank),
            Inbox(cache, blank),
            Office(cache, None, "clinica"),
            no_backups(cache),
        ),
        clock,
        administrator,
    )
    hours = [
        {
            "id": 100 + day * 2 + at_,
            "dentista_id": who,
            "dia_semana": day,
            "hora_inicio": "09:00:00",
            "hora_fin": "19:00:00",
            "activo": True,
            "creado_el": stamp,
            "actualizado_el": stamp,
        }
        for day in range(5)
        for at_, who in enumerate((PAULA, DIEGO))
    ]
    made.pull(
        made.rows(
            "personal_perfil",
            staff(1, "Ana Admin", "general"),
            staff(PAULA, "Paula Núñez Rojas", "dentista"),
            staff(DIEGO, "Diego Soto Peña", "dentista"),
        ),
        made.rows(
            "citas_tiposervicio",
            {
                "id": CONTROL,
                "nombre": "Control",
                "categoria": "general",
                "precio_base": 2000000,
                "activo": True,
                "requiere_dentista": True,
                "duracion_estimada": 30,
                "creado_el": stamp,
                "actualizado_el": stamp,
            },
        ),
        made.rows("citas_horariodentista", *hours),
        made.rows(
            "pacientes_cliente",
            client(MARIA, "María José González Muñoz", "maria@example.com"),
            client(JUAN, "Juan Pérez Soto", "juan@example.com"),
        ),
    )
    return made


@dataclass
class QuietLink:
    """A connection whose status a test says."""

    present: WorkstationStatus = field(default_factory=lambda: WorkstationStatus("in_step"))
    listeners: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self, listener: Any) -> Any:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def status(self) -> WorkstationStatus:
        return self.present

    def say(self, status: WorkstationStatus) -> None:
        self.present = status
        for listener in tuple(self.listeners):
            listener(status)

    def sync_now(self) -> None:
        self.asked.append("now")

    def set_offline(self, offline: bool) -> None:
        self.asked.append("offline" if offline else "online")

    def allow_deletion(self, actor: Actor, table: str, gone: int) -> None:
        actor.require(DELETION_PERMISSION)
        self.asked.append(f"{table} {gone}")


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    use_language("es")
    theme_switch().apply("light")
    yield qapp
    use_language("es")
    theme_switch().apply("light")


@pytest.fixture
def jobs(dressed: QApplication) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.shutdown()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "workstation" / "settings.json")


@pytest.fixture
def context(world: World, jobs: Jobs, settings: Settings) -> Iterator[AppContext]:
    made = AppContext(world.services, jobs, world.actor, settings)
    made.follow(world.cache.listen)
    yield made
    made.close()


@pytest.fixture
def link() -> QuietLink:
    return QuietLink()


@pytest.fixture
def program(world: World, jobs: Jobs, settings: Settings, link: QuietLink) -> Program:
    from desktop.views.clients import ClientsScreen

    return Program(
        services=world.services,
        jobs=jobs,
        settings=settings,
        link=link,
        screens=(
            ScreenEntry("clients", "Clients", "clients", ClientsScreen),
            ScreenEntry("inbox", "Inbox", "inbox", InboxScreen),
        ),
        station="Recepción 1",
        now=world.clock,
    )


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path) as made:
        yield made


@pytest.fixture
def programs(dressed: QApplication, tmp_path: Path) -> Iterator[Callable[..., Consultorio]]:
    made: list[Consultorio] = []

    def make(
        folder: Path, passphrase: str | None = None, clock: Callable[[], dt.datetime] = utc_now
    ) -> Consultorio:
        program = Consultorio(folder, passphrase=passphrase, clock=clock)
        made.append(program)
        program.begin()
        return program

    yield make
    for program in made:
        program.end()


def enrolled(clinic: Clinic, path: Path) -> Path:
    """An enrolment file of a new reception."""
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        admitted = devices.enroll(
            connection, clinic.schema, profile="reception", practitioner_id=None, label="Recepción"
        )
    enrolment.write(admitted, path)
    return path
