from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from desktop.backup.archive_reader import ArchiveReader, Contents, verify
from desktop.backup.keys import NewKeys, Signer, new_clinic_keys
from desktop.backup.take import Sealing, Who
from tests.support import clinic as clinics
from tests.support.clinic import Clinic, Station
from tests.support.embedded import Server

WHO = Who(actor="Ana", program="consultorio test")


@dataclass
class Opened:
    """An archive, decrypted by the clinic's identity."""

    contents: Contents
    rows: dict[str, bytes] = field(default_factory=dict)
    gone: dict[str, bytes] = field(default_factory=dict)

    def lines(self, table: str) -> list[list[str]]:
        text = self.rows.get(table, b"").decode()
        return [line.split("\t") for line in text.splitlines()]

    def ids(self, table: str) -> set[int]:
        at = [c.name for c in self.contents.manifest.table(table).columns].index("id")
        return {int(line[at]) for line in self.lines(table)}


@dataclass
class Safe:
    """A clinic's keys."""

    keys: NewKeys = field(default_factory=new_clinic_keys)
    signer: Signer = field(default_factory=Signer.generate)

    @property
    def sealing(self) -> Sealing:
        return Sealing(self.signer, (self.keys.recipient, self.keys.recovery_recipient))

    def open(self, path: Path) -> Opened:
        source = io.BytesIO(path.read_bytes())
        contents = verify(source, [self.keys.identity], trusted=[self.signer.public])
        found = Opened(contents)
        with ArchiveReader(source, [self.keys.recovery_identity], contents) as reader:
            for part in reader.tables():
                into = found.rows if part.part == "rows" else found.gone
                into[part.name] = b"".join(part.chunks)
        return found


@pytest.fixture(scope="module")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic with a name that needs quotes."""
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic"), 'Clínica "Ñ" %s') as made:
        yield made


@pytest.fixture
def safe() -> Safe:
    return Safe()


@pytest.fixture
def owner(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def office_station(clinic: Clinic) -> Station:
    return clinic.station("oficina", "office")


@pytest.fixture
def office(office_station: Station) -> Iterator[psycopg.Connection]:
    """The connection of an office workstation."""
    with office_station.workstation.connect() as connection:
        yield connection
