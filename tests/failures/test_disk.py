"""A page of the cache's file is damaged: it is said, nothing is written over, the work gets out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.domain.errors import EnvironmentTrouble
from desktop.services.clients import Clients
from desktop.services.clients_records import NewClient
from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server
from tests.support.strictness import Collector
from tests.trouble.conftest import Ran, command, says

NAME = "Rosa Ibáñez Leiva"
PAGE = 4096


@pytest.fixture
def clinic(any_postgres: Server, tmp_path: Path) -> Iterator[Clinic]:
    with clinics.clinic(any_postgres, tmp_path) as made:
        yield made


def flip(path: Path, page: int) -> None:
    """Some bytes of a page change on the disk."""
    content = bytearray(path.read_bytes())
    middle = (page - 1) * PAGE + PAGE // 2
    content[middle : middle + 16] = bytes(255 - byte for byte in content[middle : middle + 16])
    path.write_bytes(content)


def run(folder: Path, *arguments: object) -> Ran:
    return command(*arguments, "--data-dir", folder, "--json")


def test_damaged_cache_page(clinic: Clinic, tmp_path: Path, strict: Collector) -> None:
    station = clinic.station("Mesón", "office")
    station.sync()
    Clients(station.cache, station.clinic).create(station.actor, NewClient(full_name=NAME))
    raw = station.cache.connect()
    ((page,),) = raw.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'pacientes_cliente'"
    ).fetchall()
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    path, folder = station.cache.path, station.folder
    station.close()
    clinic.stations.clear()
    flip(path, page)
    where = slice((page - 1) * PAGE, page * PAGE)
    damaged, inode = path.read_bytes()[where], path.stat().st_ino

    with pytest.raises(EnvironmentTrouble) as trouble:
        station = clinic.open(folder)
        clinic.stations.append(station)
        Clients(station.cache, station.clinic).get(clinic.clients[0])
    assert trouble.value.code == "cache.damaged"
    for one in clinic.stations:
        one.close()
    clinic.stations.clear()
    assert (path.read_bytes()[where], path.stat().st_ino) == (damaged, inode)

    # What was not sent is on other pages: it gets out, and reaches the clinic by another workstation.
    file = tmp_path / "mesón.envio"
    assert run(folder, "outbox", "export", "--out", file).json["count"] == 1
    fresh = clinic.station("Mesón nuevo", "office")
    fresh.sync()
    fresh.close()
    clinic.stations.clear()
    server = ("--tenant", clinic.schema, "--dsn", clinic.dsn)
    assert run(fresh.folder, "outbox", "import", file, *server).json["waiting"] == 1
    assert run(fresh.folder, "sync", "--once").json["pending"] == 0
    found = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s"
    assert clinic.value(found, NAME) == 1

    # The server has news for the damaged table: it can not be written, and nothing is.
    clinic.query("UPDATE pacientes_cliente SET notas = 'n'")
    strict.expect("sync", "sync stumbled: SQLITE_CORRUPT")
    ran = run(folder, "sync", "--once")
    assert (ran.code, ran.json["error"]["code"]) == (1, "sync.cache_damaged"), ran
    assert says(ran.json["error"]["message"], "cache.damaged")
    assert clinic.value(found, NAME) == 1
    assert (path.read_bytes()[where], path.stat().st_ino) == (damaged, inode)
