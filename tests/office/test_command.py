"""``consultorio outbox``: written at one workstation, looked at and taken in by the administrator."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop import cli
from desktop.domain import messages
from desktop.services import office_key
from desktop.services.cache import executor
from sync import store
from tests.office.conftest import add, told, waiting
from tests.support.clinic import Clinic, Station

NAME = "Rosa Ibáñez Leiva"


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([str(argument) for argument in arguments])
    messages.set_language("es")
    assert "Traceback" not in out.getvalue() + err.getvalue()
    return code, out.getvalue(), err.getvalue()


def done(*arguments: object) -> Any:
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, ""), out
    return json.loads(out)


def failed(code: str, *arguments: object) -> None:
    status, out, _err = run(*arguments, "--json")
    assert status == 1
    assert json.loads(out)["error"]["code"] == code


@pytest.fixture
def shut(stations: Callable[..., Station]) -> Callable[..., Path]:
    """Makes the folder of a closed workstation with a client that was never sent."""

    def make(profile: str = "reception", name: str | None = NAME) -> Path:
        station = stations(profile)
        if name is not None:
            add(station, name)
        station.close()
        return station.folder

    return make


def test_from_the_workstation_to_the_office(
    clinic: Clinic, shut: Callable[..., Path], tmp_path: Path, admin: psycopg.Connection
) -> None:
    file, desk, bureau = tmp_path / "uno.envio", shut(), shut("office", None)
    here = ("--data-dir", desk)
    server = ("--tenant", clinic.schema, "--dsn", clinic.dsn)
    written = done("outbox", "export", *here, "--out", file)
    assert (written["file"], written["count"]) == (str(file), 1)
    failed("file.exists", "outbox", "export", *here, "--out", file)
    code, out, err = run("outbox", "export", *here, "--out", tmp_path / "dos.envio")
    assert (code, err) == (0, "")
    assert "Solo la oficina puede abrirlo" in out

    code, out, _err = run("outbox", "show", file, *server)
    assert code == 0
    assert "Sin enviar: 1. Rechazados: 0." in out
    assert "1 × Agregar un cliente" in out
    assert NAME not in out
    shown = done("outbox", "show", file, *server)
    assert (shown["transactions"], shown["rejections"], shown["names"]) == (
        1,
        0,
        ["Ana Administra"],
    )
    assert NAME not in json.dumps(shown, ensure_ascii=False)
    with_rows = done("outbox", "show", file, *server, "--rows")
    assert NAME in json.dumps(with_rows, ensure_ascii=False)
    assert NAME in run("outbox", "show", file, *server, "--rows")[1]

    failed("office.wrong_profile", "outbox", "import", file, *here, *server)
    there = ("--data-dir", bureau)
    taken = done("outbox", "import", file, *there, *server)
    assert (taken["waiting"], taken["refused"], taken["applied"]) == (1, 0, 0)
    again = run("outbox", "import", file, *there, *server)
    assert again[0] == 0
    assert again[1].startswith("Nada nuevo")
    assert done("sync", "--once", *there)["pending"] == 0
    found = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s"
    assert clinic.value(found, NAME) == 1
    # The workstation was not shut out at all: what the office sent is not sent twice.
    assert done("sync", "--once", *here)["rejected"] == 0
    assert clinic.value(found, NAME) == 1


def test_what_can_not_be_read_gets_its_sentence(
    clinic: Clinic, shut: Callable[..., Path], tmp_path: Path
) -> None:
    file, bureau = tmp_path / "uno.envio", shut("office", None)
    server = ("--tenant", clinic.schema, "--dsn", clinic.dsn)
    taking = ("outbox", "import", file, "--data-dir", bureau, *server)
    failed("office.unreadable", *taking)
    file.write_text("hola")
    failed("office.unreadable", *taking)
    failed("office.unreadable", "outbox", "show", file, *server)
    failed("tenant.unknown", "outbox", "show", file, "--tenant", "no_hay", "--dsn", clinic.dsn)
    code, _out, err = run(*taking)
    assert code == 1
    assert "No se importó nada" in err


def test_the_key_by_hand(
    clinic: Clinic, stations: Callable[..., Station], tmp_path: Path, admin: psycopg.Connection
) -> None:
    station = stations()
    add(station, NAME)
    with station.cache.writing_local() as session:
        store.set_state(executor(session), "office_key", None)
    assert len(waiting(station)) == 1
    station.close()
    file = tmp_path / "uno.envio"
    export = ("outbox", "export", "--data-dir", station.folder, "--out", file)
    failed("office.no_key_here", *export)
    failed("office.key_wrong", *export, "--office-key", "age1nada")
    assert not file.exists()
    code, out, _err = run("tenant", "office-key", clinic.schema, "--dsn", clinic.dsn)
    assert (code, out.strip()) == (0, office_key.public(admin, clinic.schema))
    assert done(*export, "--office-key", out.strip())["count"] == 1
    assert (
        done("outbox", "show", file, "--tenant", clinic.schema, "--dsn", clinic.dsn)["transactions"]
        == 1
    )


def test_a_clinic_without_a_key(clinic: Clinic, admin: psycopg.Connection, tmp_path: Path) -> None:
    kept = clinic.query("SELECT office_key, office_identity FROM sync_meta")[0]
    clinic.query("UPDATE sync_meta SET office_key = NULL, office_identity = NULL")
    try:
        told("office.no_key", lambda: office_key.public(admin, clinic.schema))
        failed("office.no_key", "tenant", "office-key", clinic.schema, "--dsn", clinic.dsn)
    finally:
        clinic.query("UPDATE sync_meta SET office_key = %s, office_identity = %s", *kept)
