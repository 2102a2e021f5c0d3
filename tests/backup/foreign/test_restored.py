"""Another program's backup becomes an archive, and the archive is restored as any other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop.backup import foreign, keys, restore, restore_plan, restore_words
from desktop.backup.archive_reader import ArchiveReader, verify
from desktop.backup.take import Sealing, Who, take_full
from desktop.domain import passwords
from desktop.services.tenancy import Migrations
from tests.backup.foreign.conftest import NOW
from tests.backup.foreign.making import OtherProgram
from tests.support import clinic as clinics
from tests.support.clinic import PASSWORD, ZONE, Clinic
from tests.support.embedded import Server

KEYS = keys.new_clinic_keys()
SIGNER = keys.Signer("22" * 32)
AUDIT = """
INSERT INTO citas_auditorialog (accion, modulo, descripcion, fecha_hora)
VALUES ('crear', 'citas', 'de antes, con el mismo número', now())
"""


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path) as made:
        made.query(AUDIT)
        yield made


@pytest.fixture
def db(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        yield connection


def archived(db: psycopg.Connection, live: str, source: Path, path: Path) -> None:
    with foreign.brought_in(
        db, foreign.look(source), live=live, tenancy=Migrations(), zone=ZONE, now=NOW
    ) as brought:
        sealing = Sealing(SIGNER, (KEYS.recipient, KEYS.recovery_recipient))
        taken = take_full(db, brought.schema, path, sealing, Who("admin", "prueba"))
        assert taken.unknown == ()


def put_back(db: psycopg.Connection, live: str, path: Path) -> tuple[Any, tuple[str, ...]]:
    with path.open("rb") as file:
        contents = verify(file, [KEYS.identity], trusted=[SIGNER.public])
        with ArchiveReader(file, [KEYS.identity], contents) as reader:
            planned = restore_plan.plan(db, live, [reader], Migrations(), zone=ZONE)
            words = restore_words.sentences(planned, ZONE)
        with ArchiveReader(file, [KEYS.identity], contents) as reader:
            done = restore.restore(db, live, [reader], Migrations(), safety="copia", now=NOW)
    return done, words


def test_the_other_programs_clinic_takes_the_place_of_ours(
    clinic: Clinic, db: psycopg.Connection, other: OtherProgram, dump: Path, tmp_path: Path
) -> None:
    archived(db, clinic.schema, dump, tmp_path / "a.consultorio")
    done, words = put_back(db, clinic.schema, tmp_path / "a.consultorio")
    assert any("clientes" in line for line in words)
    assert done.kept == ("admin",)
    assert clinic.query("SELECT count(*) FROM citas_cita") == [(7,)]
    assert clinic.query("SELECT nombre_clinica FROM configuracion_informacionclinica") == [
        ("Clínica Otra",)
    ]
    assert clinic.query("SELECT count(*) FROM configuracion_ajuste") == [(5,)]
    hashes = dict(clinic.query("SELECT username, password FROM auth_user"))
    assert hashes.keys() == {"jefa", "sofia", "admin"}
    assert passwords.verify("Clave-de-jefa-1", hashes["jefa"])
    assert passwords.verify(PASSWORD, hashes["admin"])
    # Both trails are there, although both begin to count at one.
    assert clinic.query("SELECT count(DISTINCT id), count(*) FROM citas_auditorialog") == [(2, 2)]
    # The clinic works on: new rows have new numbers, and the rule on overlaps holds.
    new = clinic.value(
        "INSERT INTO citas_cita (fecha_hora, estado, dentista_id, creada_el, actualizada_el)"
        " VALUES (%s, 'reservada', 2, now(), now()) RETURNING id",
        dt.datetime(2026, 11, 30, 9, tzinfo=ZONE),
    )
    assert new > 7
    with pytest.raises(psycopg.errors.ExclusionViolation):
        clinic.query("UPDATE citas_cita SET sobrecupo_motivo = NULL")
    station = clinic.station("oficina", "office")
    station.sync()
    with station.cache.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM citas_cita").scalar() == 8

    # The same file once more, and back again.
    archived(db, clinic.schema, dump, tmp_path / "b.consultorio")
    put_back(db, clinic.schema, tmp_path / "b.consultorio")
    assert clinic.query("SELECT count(*) FROM citas_auditorialog") == [(2,)]
    restore.undo(db, clinic.schema, Migrations(), now=NOW + dt.timedelta(minutes=1))
    assert clinic.query("SELECT count(*) FROM citas_cita") == [(8,)]
