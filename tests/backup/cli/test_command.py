"""``consultorio backup``, on the server by its administrator and at a workstation by its folder."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop import cli
from desktop.domain import messages
from tests.support import clinic as clinics
from tests.support import embedded
from tests.support.clinic import PASSPHRASE, PASSWORD, Clinic

NAME = "Clínica Los Aromos"


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([str(argument) for argument in arguments])
    messages.set_language("es")
    assert "Traceback" not in out.getvalue() + err.getvalue()
    assert PASSWORD not in out.getvalue() + err.getvalue()
    return code, out.getvalue(), err.getvalue()


def done(*arguments: object) -> Any:
    code, out, err = run("backup", *arguments, "--json")
    assert (code, err) == (0, ""), out
    return json.loads(out)


def failed(code: str, *arguments: object) -> str:
    status, out, _err = run("backup", *arguments, "--json")
    assert status == 1, out
    error = json.loads(out)["error"]
    assert error["code"] == code, out
    return str(error["message"])


@pytest.fixture(scope="module")
def clinic(postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        yield made


@pytest.fixture
def secret(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file that only its owner reads."""

    def make(text: str, name: str = "clave") -> Path:
        path = tmp_path / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)
        return path

    return make


def clients(clinic: Clinic) -> list[str]:
    return [
        row[0] for row in clinic.query("SELECT nombre_completo FROM pacientes_cliente ORDER BY 1")
    ]


def add(clinic: Clinic, name: str) -> None:
    clinic.query(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES (%s, %s, '+56912340000', now(), true)",
        name,
        f"{len(name)}@example.com",
    )


def test_the_administrator_on_the_server(
    clinic: Clinic, tmp_path: Path, secret: Callable[..., Path]
) -> None:
    kept = tmp_path / "respaldos"
    kept.mkdir()
    server = ("--tenant", clinic.schema, "--dsn", clinic.dsn, "--folder", kept)
    server += ("--own-folder", tmp_path / "propia")
    person = ("--user", "admin", "--user-password-file", secret(PASSWORD))
    failed("backup_key.missing", "create", *server)
    made = done("keys", *server, *person, "--sheet", tmp_path / "hoja.pdf")
    assert len(made["words"]) == 24
    assert (tmp_path / "hoja.pdf").read_bytes().startswith(b"%PDF")
    failed("backup.set_up_already", "keys", *server, *person)

    first = done("create", *server)["backup"]
    assert (kept / first["name"]).stat().st_size == first["size"]
    listed = done("list", *server)
    assert [each["name"] for each in listed["backups"]] == [first["name"]]
    assert listed["alarm"] == ""
    code, out, _err = run("backup", "list", *server)
    assert code == 0
    assert first["name"] in out
    assert done("show", *server, first["id"])["backup"]["state"] == "verified"
    assert done("verify", *server, first["name"])["backup"]["state"] == "verified"
    opened = done("show", *server, *person, "--open", first["id"])["opened"]
    assert opened["tables"]["pacientes_cliente"] == 2

    add(clinic, "Clienta Posterior")
    before = clients(clinic)
    words = ("--words-file", secret(" ".join(made["words"]), "palabras"))
    plan = done("restore", *server, *words, "--dry-run", first["id"])
    assert any("1 cliente" in line for line in plan["plan"]["sentences"])
    assert clients(clinic) == before
    failed("backup.clinic_needed", "restore", *server, *words, first["id"])
    failed("backup.clinic_name", "restore", *server, *words, "--clinic", "Otra", first["id"])
    done("restore", *server, *words, "--clinic", NAME, first["id"])
    assert "Clienta Posterior" not in clients(clinic)
    done("undo", *server, *person)
    assert clients(clinic) == before
    report = done("drill", *server, *person)["report"]
    assert report["ok"], report
    assert len(report["checks"]) == 11

    out_file = tmp_path / "copia.consultorio"
    done("download", *server, first["id"], "--out", out_file)
    assert out_file.read_bytes() == (kept / first["name"]).read_bytes()
    done("export", *server, "--out", tmp_path / "clinica.sql")
    assert "Clienta Posterior" in (tmp_path / "clinica.sql").read_text(encoding="utf-8")
    second = done("create", *server, "--full")["backup"]
    failed("backup.last", "delete", *server, second["id"])
    done("delete", *server, first["id"])
    assert not (kept / first["name"]).exists()
    assert (kept / second["name"]).exists()
    pruned = done("prune", *server, "--dry-run")
    assert pruned["removed"] == []
    assert second["name"] in pruned["kept"]
    failed("backup.unknown", "verify", *server, "nada")


def test_made_anew_on_another_server(
    clinic: Clinic, tmp_path: Path, secret: Callable[..., Path], postgres: embedded.Server
) -> None:
    kept = tmp_path / "respaldos"
    kept.mkdir()
    server = ("--tenant", clinic.schema, "--dsn", clinic.dsn, "--folder", kept)
    server += ("--own-folder", tmp_path / "propia")
    person = ("--user", "admin", "--user-password-file", secret(PASSWORD))
    made = done("keys", *server, *person, "--rotate")
    archive = kept / done("create", *server, "--full")["backup"]["name"]
    words = ("--words-file", secret(" ".join(made["words"]), "palabras"))
    with postgres.database() as elsewhere:
        there = ("--tenant", "renacida", "--dsn", elsewhere, "--own-folder", tmp_path / "otra")
        done("restore", *there, *words, *person, "--new", archive)
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT nombre_completo FROM renacida.pacientes_cliente ORDER BY 1"
            ).fetchall()
        clinics.drop_roles(elsewhere)
    assert [row[0] for row in rows] == clients(clinic)


def test_at_a_workstation(clinic: Clinic, tmp_path: Path, secret: Callable[..., Path]) -> None:
    station = clinic.station("mesa", "office")
    clinic.stations.remove(station)
    station.close()
    here = ("--data-dir", station.folder, "--passphrase-file", secret(PASSPHRASE, "frase"))
    person = ("--user", "admin", "--user-password-file", secret(PASSWORD))
    failed("backup.user_needed", "create", *here)
    failed("backup.no_place", "create", *here, *person)
    failed(
        "account.wrong",
        "create",
        *here,
        "--user",
        "admin",
        "--user-password-file",
        secret("otra-clave-9", "x"),
    )
    listed = done("list", *here)
    assert {"backups", "alarm", "last_verified"} <= set(listed)
