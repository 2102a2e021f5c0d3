"""An office workstation of a real clinic, and what its people ask of backups."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from desktop.backup.places.settings import PlaceKind, PlaceSettings
from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.domain.actor import Actor
from desktop.domain.errors import AppError
from desktop.services.accounts import Accounts
from desktop.services.backups import Backups
from desktop.services.backups_records import Database, Secret, Setup
from desktop.services.backups_station import stations_backups
from desktop.services.cache import utc_now
from tests.support import clinic as clinics
from tests.support import embedded
from tests.support.cheap import cheap_passwords
from tests.support.clinic import PASSWORD, Clinic, Station

__all__ = ["cheap_passwords"]

OWNER = Database("postgres", "")
ADMIN = "admin"


@dataclass
class Office:
    """An office workstation, and an administrator who sits at it."""

    clinic: Clinic
    station: Station
    backups: Backups
    actor: Actor
    folder: Path
    setup: Setup | None = None

    @property
    def secret(self) -> Secret:
        return Secret(PASSWORD)

    def keep_in(self, *folders: Path, **changes: Any) -> None:
        """Have backups kept in folders."""
        places = []
        for number, folder in enumerate(folders, 1):
            folder.mkdir(exist_ok=True)
            places.append(PlaceSettings(f"p{number}", PlaceKind.FOLDER, str(folder), folder.name))
        settings = dataclasses.replace(self.backups.settings(), places=tuple(places), **changes)
        self.backups.save_settings(self.actor, settings)

    def set_up(self) -> Setup:
        """Make the clinic's keys."""
        setup = self.backups.begin_setup(self.actor)
        self.backups.finish_setup(self.actor, setup, OWNER, PASSWORD)
        self.setup = setup
        return setup

    def client(self, name: str) -> int:
        """A client who came after a backup."""
        return int(
            self.clinic.value(
                "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro,"
                " activo) VALUES (%s, %s, '+56912340000', now(), true) RETURNING id",
                name,
                f"{name.replace(' ', '.').lower()}@example.com",
            )
        )

    def names(self) -> list[str]:
        """The clients on the server."""
        return [
            row[0]
            for row in self.clinic.query(
                "SELECT nombre_completo FROM pacientes_cliente ORDER BY nombre_completo"
            )
        ]


def failing(code: str) -> pytest.RaisesExc[AppError]:
    """Expects an error with this code."""
    return pytest.RaisesExc(AppError, check=lambda error: error.code == code)


@pytest.fixture(scope="module")
def desk(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office workstation of a clinic with keys; the tests of a module sit at it by turns."""
    folder = tmp_path_factory.mktemp("clinic")
    with clinics.clinic(postgres, folder) as clinic:
        made = seated(clinic, clinic.station("oficina", "office"), folder)
        made.set_up()
        yield made


@pytest.fixture
def office(desk: Office, tmp_path: Path, memory_keyring: object) -> Office:
    """Set up, without any backup yet, and with one folder to keep them in."""
    desk.clinic.query(
        "DELETE FROM respaldo_archivo; DELETE FROM respaldo_firmante; DELETE FROM acceso_intento;"
        " DELETE FROM configuracion_ajuste WHERE clave = 'respaldos'"
    )
    shutil.rmtree(desk.station.folder / "backups", ignore_errors=True)
    desk.station.cache.clock = utc_now
    if desk.clinic.query(
        "SELECT count(*), (SELECT count(*) FROM respaldo_llave_copia) FROM respaldo_llave"
    ) != [(1, 1)]:
        desk.clinic.query("DELETE FROM respaldo_llave")
        desk.set_up()
    made = at(desk.clinic, desk.station, desk.actor, tmp_path)
    made.setup = desk.setup
    settings = made.backups.settings()
    made.keep_in(tmp_path / "respaldos", schedule=Schedule(), keep=Keep(), automatic=False)
    assert not settings.drills
    return made


@pytest.fixture
def fresh_clinic(postgres: embedded.Server, tmp_path: Path) -> Iterator[Clinic]:
    # Roles are the server's: a schema of the same name would share them.
    with clinics.clinic(postgres, tmp_path, "clinica_propia") as made:
        yield made


@pytest.fixture
def fresh_office(fresh_clinic: Clinic, tmp_path: Path, memory_keyring: object) -> Office:
    """A clinic of one's own, set up, with one folder to keep backups in."""
    made = seated(fresh_clinic, fresh_clinic.station("oficina", "office"), tmp_path)
    made.keep_in(tmp_path / "respaldos")
    made.set_up()
    return made


def at(clinic: Clinic, station: Station, actor: Actor, folder: Path) -> Office:
    """Somebody who has signed in at a workstation."""
    accounts = Accounts(station.cache, station.workstation.connect, clinic.schema)
    backups = stations_backups(
        station.cache, station.workstation, accounts, station.workstation.connect
    )
    return Office(clinic, station, backups, actor, folder)


def seated(clinic: Clinic, station: Station, folder: Path) -> Office:
    """The administrator at a workstation."""
    accounts = Accounts(station.cache, station.workstation.connect, clinic.schema)
    return at(clinic, station, accounts.sign_in(ADMIN, PASSWORD), folder)
