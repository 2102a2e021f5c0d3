"""A backup is tried out whole, and what came of it can be proved."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from desktop.backup import catalog, invariants, restore_plan, restore_words
from desktop.backup.drill import checked, drill
from desktop.backup.keys import Signer
from desktop.domain.errors import RuleError
from desktop.services.generate.sizes import SIZES, Size
from desktop.services.tenancy import Migrations
from tests.backup.format.making import read
from tests.backup.restore.making import (
    KEYS,
    SIGNER,
    Archive,
    changed,
    hashes,
    opened,
    rewritten,
    schemas,
    signed_as,
    take,
)
from tests.generate.conftest import SCHEMA, Made, generated
from tests.support.clinic import ZONE
from tests.support.embedded import Server

TINY = Size(2, 1, 1, 300, 1_500, 2_250, 960, 1_100, 2, (60, 80))


@pytest.fixture(scope="module")
def made(postgres: Server) -> Iterator[Made]:
    """A clinic with something of everything; what a test changes in it, it takes back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "tiny", TINY)
        with generated(postgres, size="tiny") as made:
            made.connection.execute("SET timezone = 'UTC'")
            yield made


@pytest.fixture(scope="module")
def archive(made: Made) -> Archive:
    return take(made.connection, SCHEMA)


WRONG = {
    "overlaps": "INSERT INTO {citas_cita} SELECT (jsonb_populate_record(NULL::{citas_cita},"
    " to_jsonb(c) || '{{\"id\": 99999999}}')).* FROM {citas_cita} c WHERE estado = 'confirmada'"
    " AND sobrecupo_motivo IS NULL AND dentista_id IS NOT NULL LIMIT 1",
    "visit_times": "UPDATE {citas_cita} SET fin = fecha_hora",
    "charge_amounts": "UPDATE {finanzas_cargo} SET monto = monto + 1",
    "receipt_totals": "DELETE FROM {finanzas_pago}",
    "allocations": "UPDATE {finanzas_asignacion} SET monto = monto * 1000",
    "reversals": "UPDATE {finanzas_recibo} SET reversa_de_id = id",
    "foreign_keys": "ALTER TABLE {pacientes_cliente} ADD PRIMARY KEY (id);"
    " DELETE FROM {pacientes_cliente}; ALTER TABLE {citas_cita}"
    " ADD FOREIGN KEY (cliente_id) REFERENCES {pacientes_cliente} NOT VALID",
    "till": "UPDATE {caja_movimiento} SET monto = monto + 1",
    "administrators": "UPDATE {auth_user} SET is_active = false",
    "ids": "UPDATE {agenda_sala} SET id = -id",
    "ids: twice": "INSERT INTO {agenda_sala} SELECT * FROM {agenda_sala}",
    "ids: of no device": "UPDATE {agenda_sala} SET id = id + (16384::bigint << 39)",
}


def test_a_sound_backup(made: Made, archive: Archive) -> None:
    """Catches a drill that leaves something behind, or that proves nothing by its report."""
    db = made.connection
    before = (hashes(db, SCHEMA, kept=True), schemas(db), _roles(db))
    for model in (SCHEMA, None):
        with opened(archive) as sources:
            report = drill(db, sources, Migrations(), model=model)
        assert report.good, report
        assert {one.name for one in report.answers} == set(invariants.NAMES)
        assert len(invariants.NAMES) == 10
        assert all(one.wrong == 0 for one in report.answers)
        assert report.tables["citas_cita"] == made.value("SELECT count(*) FROM citas_cita")
    assert (hashes(db, SCHEMA, kept=True), schemas(db), _roles(db)) == before
    text = report.signed(SIGNER)
    assert checked(text, SIGNER.public)["good"] is True
    outer = json.loads(text)
    forged = json.dumps(outer | {"report": outer["report"].replace("Clínica", "Clinica")})
    for bad, signer in ((forged, SIGNER), (text, Signer.generate()), ("{}", SIGNER), ("x", SIGNER)):
        with pytest.raises(RuleError, match=r"drill\.forged"):
            checked(bad, signer.public)


def test_a_backup_that_does_not_load(made: Made, archive: Archive) -> None:
    client = made.value("SELECT cliente_id FROM citas_cita WHERE cliente_id IS NOT NULL LIMIT 1")
    bad = changed(archive, {}, {"pacientes_cliente": f"{client}\n".encode()})
    with opened(archive, bad) as sources:
        report = drill(made.connection, sources, Migrations(), model=SCHEMA)
    assert (report.good, report.trouble) == (False, "restore.unfit")


def test_a_backup_of_other_rows_than_were_hashed(made: Made, archive: Archive) -> None:
    with opened(signed_as(archive, "citas_cita", sha256="0" * 64)) as sources:
        report = drill(made.connection, sources, Migrations(), model=SCHEMA)
    assert (report.good, report.trouble) == (False, "archive.not_as_signed")


def test_a_backup_that_reads_back_as_something_else(made: Made, archive: Archive) -> None:
    """Every text is the one that was signed, and fits; the tables tell it in other words."""
    told = read(archive.content, archive.contents, KEYS.identity)["agenda_sala/rows"]
    other = told.replace(b"\tt", b"\ttrue")
    assert other != told
    with opened(rewritten(archive, agenda_sala=other)) as sources:
        report = drill(made.connection, sources, Migrations(), model=SCHEMA)
    assert (report.good, report.trouble) == (False, "restore.differs")


def test_a_backup_of_a_clinic_that_is_not_sound(made: Made, archive: Archive) -> None:
    """It loads, and it is what was saved; the till is not what the payments say."""
    db = made.connection
    with db.transaction(force_rollback=True):
        db.execute(f"ALTER TABLE {SCHEMA}.caja_movimiento DISABLE TRIGGER ALL")
        db.execute(f"UPDATE {SCHEMA}.caja_movimiento SET monto = monto + 1")
        unsound = take(db, SCHEMA)
    with opened(unsound) as sources:
        report = drill(db, sources, Migrations(), model=SCHEMA)
    assert (report.good, report.trouble) == (False, "")
    assert [one.name for one in report.answers if not one.holds] == ["till"]
    said = checked(report.signed(SIGNER), SIGNER.public)
    assert said["good"] is False
    with opened(archive) as sources:
        sound = drill(db, sources, Migrations(), model=SCHEMA)
    assert sound.good
    assert not replace(sound, answers=()).good, "who asked nothing knows nothing"


@pytest.mark.parametrize("name", WRONG)
def test_every_question_can_be_answered_no(made: Made, name: str) -> None:
    db = made.connection
    with db.transaction(force_rollback=True):
        db.execute("CREATE SCHEMA mal")
        for table in catalog.tables(db, SCHEMA):
            db.execute(
                sql.SQL("CREATE TABLE {} AS SELECT * FROM {}").format(
                    sql.Identifier("mal", table), sql.Identifier(SCHEMA, table)
                )
            )
        assert all(one.holds for one in invariants.ask(db, "mal"))
        names = {table: sql.Identifier("mal", table) for table in catalog.tables(db, SCHEMA)}
        db.execute(sql.SQL(WRONG[name]).format(**names))
        wrong = {one.name for one in invariants.ask(db, "mal") if not one.holds}
        assert name.partition(":")[0] in wrong


def test_a_plan_says_what_would_change(made: Made, archive: Archive) -> None:
    """Catches a dry run that changes something, or counts another thing than the restore does."""
    db, beside = made.connection, schemas(made.connection)
    with opened(archive) as sources:
        same = restore_plan.plan(db, SCHEMA, sources, Migrations(), ZONE)
    assert (same.tables, same.days) == ((), ())
    assert schemas(db) == beside
    with db.transaction(force_rollback=True):
        db.execute(
            "UPDATE pacientes_cliente SET notas = 'otra' WHERE id IN"
            " (SELECT id FROM pacientes_cliente ORDER BY id LIMIT 12);"
            "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el)"
            " SELECT timestamptz '2031-05-06 02:30Z' + i * interval '1 day', 'reservada', now(), now()"
            " FROM generate_series(0, 2) i;"
            "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el)"
            " VALUES ('2032-05-05 12:00Z', 'disponible', now(), now())"
        )
        changed_now = hashes(db, SCHEMA, kept=True)
        with opened(archive) as sources:
            plan = restore_plan.plan(db, SCHEMA, sources, Migrations(), ZONE)
        assert hashes(db, SCHEMA, kept=True) == changed_now
    clients, visits = plan.table("pacientes_cliente"), plan.table("citas_cita")
    assert (clients.back, clients.gone, clients.different) == (0, 0, 12)
    assert (visits.back, visits.gone, visits.different) == (0, 4, 0)
    assert plan.days == tuple(dt.date(2031, 5, day) for day in (5, 6, 7))
    assert plan.days[0] == dt.datetime(2031, 5, 6, 2, 30, tzinfo=dt.UTC).astimezone(ZONE).date()
    said = restore_words.sentences(plan, ZONE)
    assert any("12 clientes" in line for line in said)
    assert any("3 días" in line for line in said)
    assert any("admin" in line for line in said)


def test_a_plan_tells_of_work_that_is_newer_than_the_archive(made: Made) -> None:
    db = made.connection
    with db.transaction(force_rollback=True):
        db.execute("UPDATE pacientes_cliente SET notas = 'otra'")
        (worked,) = db.execute("SELECT max(at) FROM sync_log").fetchall()[0]
        for ago, newest in ((dt.timedelta(seconds=1), worked), (dt.timedelta(0), None)):
            archive = take(db, SCHEMA, created_at=worked - ago)
            with opened(archive) as sources:
                plan = restore_plan.plan(db, SCHEMA, sources, Migrations(), ZONE)
            assert plan.newest == newest
            said = " ".join(restore_words.sentences(plan, ZONE))
            assert ("7 días" in said) == (newest is not None)


def _roles(db: psycopg.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT rolname FROM pg_roles").fetchall()}
