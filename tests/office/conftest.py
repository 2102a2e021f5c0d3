"""Workstations of one clinic, with work that never reached its server."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop.domain.errors import AppError
from desktop.services import devices, office
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.cache import executor
from desktop.services.clients import Clients
from desktop.services.clients_records import NewClient
from desktop.services.office import Imported
from sync import store
from tests.support import clinic as clinics
from tests.support.clinic import Clinic, Station, local
from tests.support.embedded import Server

_numbers = itertools.count(1)
_hours = itertools.count()


@pytest.fixture(scope="module")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        yield made


@pytest.fixture
def admin(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def stations(clinic: Clinic) -> Iterator[Callable[..., Station]]:
    """Makes workstations that joined; closed at the end of the test."""
    made: list[Station] = []

    def make(profile: str = "reception", **more: Any) -> Station:
        station = clinic.station(f"Equipo {next(_numbers)}", profile, **more)
        clinic.stations.remove(station)
        made.append(station)
        return station

    yield make
    for station in made:
        station.close()


@pytest.fixture
def desk(stations: Callable[..., Station]) -> Station:
    return stations()


@pytest.fixture
def bureau(stations: Callable[..., Station]) -> Station:
    """The office's workstation."""
    return stations("office")


def add(station: Station, name: str) -> int:
    """A new client; its id here."""
    return Clients(station.cache, station.clinic).create(station.actor, NewClient(full_name=name))


def book(station: Station, clinic: Clinic, client: int, name: str) -> int:
    """A visit of a client at an hour of its own; its id here."""
    starts = local(2031, 1, 6, 9) + _quarters(next(_hours))
    undo = Agenda(station.cache, station.clinic).book(
        station.actor,
        Draft(
            Placement(starts, starts + _quarters(1), clinic.practitioners[0]),
            Details(client_id=client, client_name=name, service_id=clinic.services[0]),
        ),
    )
    return undo.appointment_id


def _quarters(count: int) -> Any:
    import datetime as dt

    return dt.timedelta(days=7 * (count // 20), minutes=15 * (count % 20))


def rename(station: Station, client: int, name: str) -> None:
    with station.cache.writing(station.actor, "client.save") as session:
        executor(session)(
            "UPDATE pacientes_cliente SET nombre_completo = ? WHERE id = ?", (name, client)
        )


def waiting(station: Station) -> list[store.LocalTransaction]:
    with station.cache.reading() as session:
        return store.outbox(executor(session))


def refused(station: Station) -> list[store.Rejection]:
    with station.cache.reading() as session:
        return store.rejections(executor(session))


def rows(station: Station, name: str) -> list[int]:
    """The ids of the clients of that name in a workstation's cache."""
    with station.cache.reading() as session:
        found = executor(session)(
            "SELECT id FROM pacientes_cliente WHERE nombre_completo = ? ORDER BY id", (name,)
        )
    return [row[0] for row in found]


def export(station: Station, path: Path) -> Path:
    with contextlib.closing(station.cache.connect()) as connection:
        office.export(connection, path, station.cache.now())
    return path


def take_in(station: Station, clinic: Clinic, path: Path) -> Imported:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        return office.import_file(station.cache, connection, clinic.schema, path)


def revoke(station: Station, clinic: Clinic) -> None:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        devices.revoke(connection, clinic.schema, station.cache.device)


def told(code: str, call: Callable[[], object]) -> AppError:
    """``call`` fails with ``code``."""
    with pytest.raises(AppError) as raised:
        call()
    assert raised.value.code == code
    return raised.value
