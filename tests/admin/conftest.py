from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop import cli
from desktop.domain import passwords
from desktop.services import devices, enrolment
from desktop.services.enrolment import Enrolment
from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server

ODD_NAME = 'Clínica "Ñandú" Uno'


@pytest.fixture(scope="module")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic whose schema has capitals, spaces, quotes and accents; shared by a module's tests."""
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic"), ODD_NAME) as made:
        yield made


@pytest.fixture
def admin(clinic: Clinic) -> Iterator[psycopg.Connection]:
    """An administrator's connection, as the command line makes it: no search path is set."""
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        yield connection


def set_quick_password(clinic: Clinic, username: str, password: str) -> None:
    """A password that takes few iterations: the tests derive it often."""
    clinic.query(
        "UPDATE auth_user SET password = %s WHERE username = %s",
        passwords.encode(password, iterations=1000),
        username,
    )


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command line in this process, on the clinic's database."""
    monkeypatch.setenv("CONSULTORIO_DSN", clinic.dsn)

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture
def run_apart(clinic: Clinic) -> Callable[..., Ran]:
    """The command line as a process of its own, on a computer without a keyring or a terminal."""

    def command(*arguments: object, **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "desktop.cli", *map(str, arguments)],
            env=os.environ
            | {
                "CONSULTORIO_DSN": clinic.dsn,
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            }
            | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture
def secret(tmp_path: Path) -> Callable[..., Path]:
    """Writes a secret into a file; ``mode`` says who may read it."""

    def write(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def fresh_schema(pg: psycopg.Connection) -> Callable[[str], str]:
    """Makes an empty schema in a database of its own."""

    def make(name: str) -> str:
        pg.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return name

    return make


@pytest.fixture
def admitted(clinic: Clinic, admin: psycopg.Connection) -> Enrolment:
    return devices.enroll(admin, clinic.schema, profile="reception", label="Mesón")


@pytest.fixture
def file(admitted: Enrolment, tmp_path: Path) -> Path:
    path = tmp_path / "meson.inscripcion"
    enrolment.write(admitted, path)
    return path
