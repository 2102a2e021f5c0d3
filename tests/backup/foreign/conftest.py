from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop.backup import foreign
from desktop.backup.foreign import BroughtIn
from desktop.services.tenancy import Migrations
from tests.backup.foreign.making import OtherProgram
from tests.support import clinic as clinics
from tests.support.cheap import cheap_passwords
from tests.support.clinic import ZONE, Clinic
from tests.support.embedded import Server

__all__ = ["cheap_passwords"]

NOW = dt.datetime(2026, 11, 21, 14, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def other(postgres: Server) -> Iterator[OtherProgram]:
    """The other program with the clinic ``clinica_demo``, made once and only read."""
    with postgres.database() as dsn:
        made = OtherProgram(postgres, dsn)
        made.clinic("clinica_demo")
        yield made


@pytest.fixture(scope="session")
def dump(other: OtherProgram, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain dump of ``clinica_demo``."""
    return other.pg_dump(tmp_path_factory.mktemp("dump") / "clinica.sql")


@pytest.fixture(scope="session")
def small(other: OtherProgram, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A dump and a ``dumpdata`` file of the same clinic."""
    folder = tmp_path_factory.mktemp("small")
    return {
        "sql": other.pg_dump(folder / "x.sql", "--table=clinica_demo.*_c*").read_bytes(),
        "json": other.dumpdata("clinica_demo", folder / "x.json").read_bytes(),
    }


@pytest.fixture(scope="session")
def shared_clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic that imports go beside; none changes it."""
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        yield made


@dataclass(frozen=True)
class Importing:
    """Imports files beside a clinic."""

    clinic: Clinic
    connection: psycopg.Connection

    def __call__(
        self, path: Path, schema: str | None = None, **more: Any
    ) -> AbstractContextManager[BroughtIn]:
        return foreign.brought_in(
            self.connection,
            foreign.look(path),
            live=self.clinic.schema,
            tenancy=Migrations(),
            zone=ZONE,
            now=NOW,
            schema=schema,
            **more,
        )


@pytest.fixture
def importing(shared_clinic: Clinic) -> Iterator[Importing]:
    with psycopg.connect(shared_clinic.dsn, autocommit=True) as connection:
        yield Importing(shared_clinic, connection)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes a file with this content."""

    def write(content: str | bytes, name: str = "respaldo") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
