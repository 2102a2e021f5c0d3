"""An enrolment file that is used twice, altered, too old, or leads nowhere: nothing is left behind."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from desktop.services import devices, enrolment
from desktop.services.enrolment import Enrolment
from tests.support.clinic import PASSPHRASE, Clinic
from tests.trouble.conftest import Post, Windows, command, says, told


@pytest.fixture
def admitted(clinic: Clinic) -> Enrolment:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        return devices.enroll(connection, clinic.schema, profile="reception", label="Caja")


def written(admitted: Enrolment, folder: Path) -> Path:
    path = folder / "caja.inscripcion"
    enrolment.write(admitted, path)
    return path


def altered(path: Path) -> Path:
    content = json.loads(path.read_text("utf-8"))
    content["profile"] = "office"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def refused(file: Path, code: str, folder: Path, phrase: Path, windows: Windows) -> None:
    """By command and in the wizard; afterwards there is nothing where it would have been."""
    secret = json.loads(file.read_text("utf-8")).get("secret", "no secret")

    def run(*arguments: object) -> object:
        ran = command(*arguments, "--data-dir", folder, "--passphrase-file", phrase)
        assert secret not in ran.out + ran.err
        return ran

    told(run, code, "join", file)  # type: ignore[arg-type]
    program = windows.start(folder, PASSPHRASE)
    wizard = program.wizard
    assert wizard is not None
    wizard.use_file(file)
    windows.wait(lambda: wizard.banner.text)
    assert says(wizard.banner.text, code), wizard.banner.text
    assert says(windows.read(), code)
    # Another file may be chosen at once: by the page of files, or by the button that leads there.
    assert wizard.drop.pick.isVisible() or wizard.other.isVisible()
    assert not folder.exists()


def test_used_twice(post: Post, file: Path, phrase: Path, tmp_path: Path, windows: Windows) -> None:
    waiting = post.work()
    refused(file, "enrolment.used", tmp_path / "otro", phrase, windows)
    assert not (tmp_path / "otro.joining").exists()
    windows.end()
    assert post.pending == waiting  # the workstation that used it first notices nothing
    post.syncs()


def test_altered(
    admitted: Enrolment, phrase: Path, tmp_path: Path, windows: Windows, clinic: Clinic
) -> None:
    file = altered(written(admitted, tmp_path))
    refused(file, "enrolment.altered", tmp_path / "otro", phrase, windows)
    windows.end()
    file.unlink()
    whole = written(admitted, tmp_path)  # the file as it was made still works
    ran = command(
        "join", whole, "--data-dir", tmp_path / "otro", "--passphrase-file", phrase, "--json"
    )
    assert ran.code == 0, ran


def test_of_something_else(phrase: Path, tmp_path: Path, windows: Windows) -> None:
    file = tmp_path / "foto.inscripcion"
    file.write_text('{"kind": "something"}', encoding="utf-8")
    refused(file, "enrolment.unreadable", tmp_path / "otro", phrase, windows)


def test_expired(admitted: Enrolment, phrase: Path, tmp_path: Path, windows: Windows) -> None:
    late = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    file = written(replace(admitted, expires=late), tmp_path)
    refused(file, "enrolment.expired", tmp_path / "otro", phrase, windows)


def test_of_a_workstation_that_was_shut_out_before_it_joined(
    admitted: Enrolment, phrase: Path, tmp_path: Path, windows: Windows, clinic: Clinic
) -> None:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        devices.revoke(connection, clinic.schema, admitted.device)
    refused(written(admitted, tmp_path), "device.revoked", tmp_path / "otro", phrase, windows)
    assert not (tmp_path / "otro.joining").exists()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"host": "127.0.0.1", "port": 1}, "server.unreachable"),
        ({"host": "127.0.0.1.invalid"}, "server.tls"),
        ({"dbname": "no_hay_tal"}, "server.no_database"),
        ({"dbname": "postgres"}, "server.no_clinic"),
    ],
)
def test_a_server_that_is_not_there_or_not_the_clinics(
    admitted: Enrolment,
    phrase: Path,
    tmp_path: Path,
    windows: Windows,
    changed: dict[str, object],
    code: str,
) -> None:
    file = written(
        replace(admitted, server=replace(admitted.server, **changed)),  # type: ignore[arg-type]
        tmp_path,
    )
    refused(file, code, tmp_path / "otro", phrase, windows)
    windows.end()
    file.unlink()
    # What stood in the way is over: the same enrolment joins, from where it stopped.
    ran = command(
        *("join", written(admitted, tmp_path), "--data-dir", tmp_path / "otro"),
        *("--passphrase-file", phrase, "--json"),
    )
    assert ran.code == 0, ran


def test_another_clinic_answers(
    admitted: Enrolment, phrase: Path, tmp_path: Path, windows: Windows
) -> None:
    file = written(replace(admitted, tenant="00000000-0000-0000-0000-000000000000"), tmp_path)
    refused(file, "enrolment.other_clinic", tmp_path / "otro", phrase, windows)
