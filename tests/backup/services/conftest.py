"""An office workstation of a real clinic, and what its people ask of backups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from desktop.backup.places.settings import PlaceKind, PlaceSettings
from desktop.domain.actor import Actor
from desktop.domain.errors import AppError
from desktop.services.accounts import Accounts
from desktop.services.backups import Backups
from desktop.services.backups_records import Database, Secret, Setup
from desktop.services.backups_station import stations_backups
from tests.support import clinic as clinics
from tests.support import embedded
from tests.support.clinic import PASSWORD, Clinic, Station

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


@pytest.fixture
def clinic(postgres: embedded.Server, tmp_path: Path) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path) as made:
        yield made


@pytest.fixture
def office(clinic: Clinic, tmp_path: Path, memory_keyring: object) -> Office:
    """Set up, with one folder to keep backups in."""
    made = seated(clinic, clinic.station("oficina", "office"), tmp_path)
    made.keep_in(tmp_path / "respaldos")
    made.set_up()
    return made


def seated(clinic: Clinic, station: Station, folder: Path) -> Office:
    """The administrator at a workstation."""
    accounts = Accounts(station.cache, station.workstation.connect, clinic.schema)
    backups = stations_backups(
        station.cache, station.workstation, accounts, station.workstation.connect
    )
    actor = accounts.sign_in(ADMIN, PASSWORD)
    return Office(clinic, station, backups, actor, folder)
