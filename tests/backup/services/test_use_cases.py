"""Backups as people use them, on a real server and in real folders."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from desktop.services.backups_administrator import administrators_backups
from desktop.services.backups_records import Secret
from tests.backup.services.conftest import OWNER, Office, failing
from tests.support import clinic as clinics
from tests.support.clinic import PASSWORD

NAME = "Clínica Los Aromos"


def test_taken_kept_twice_and_read_back(office: Office, tmp_path: Path) -> None:
    office.keep_in(tmp_path / "uno", tmp_path / "dos")
    steps: list[str] = []
    made = office.backups.create(office.actor, tell=lambda _d, _t, step: steps.append(step))
    assert (made.state, made.kind, made.reason, made.who) == (
        "verified",
        "full",
        "manual",
        "Ana Administra",
    )
    assert {each.label for each in made.kept} == {"uno", "dos"}
    assert [p.name for p in (tmp_path / "uno").iterdir()] == [made.name]
    assert (tmp_path / "dos" / made.name).stat().st_size == made.size
    assert made.restorable
    assert len(dict.fromkeys(steps)) >= 3
    found = office.backups.overview()
    assert [each.id for each in found.archives] == [made.id]
    assert (found.alarm, found.set_up, found.may_take, found.troubles) == ("", True, True, ())


def test_put_back_as_it_was_and_undone(office: Office) -> None:
    before = office.names()
    made = office.backups.create(office.actor)
    office.client("Nueva Clienta")
    plan = office.backups.plan(office.actor, made.id, office.secret, OWNER)
    assert plan.clinic == NAME
    assert any("1 cliente" in line for line in plan.sentences), plan.sentences
    assert "Nueva Clienta" in office.names()
    with failing("backup.clinic_name"):
        office.backups.restore(office.actor, made.id, office.secret, OWNER, clinic_name="Otra")
    done = office.backups.restore(office.actor, made.id, office.secret, OWNER, clinic_name=NAME)
    assert office.names() == before
    found = office.backups.overview()
    assert found.undo is not None
    assert done.safety in [each.name for each in found.archives if each.reason == "safety"]
    office.backups.undo(office.actor, PASSWORD, OWNER)
    assert "Nueva Clienta" in office.names()
    (office.station.folder / "backups" / "history.jsonl").unlink()
    for found in (office.backups.overview(), office.backups.overview(refresh=False)):
        assert found.undo is None
        (copy,) = [each for each in found.archives if each.name == done.safety]
        assert copy.undone_at is not None
        assert copy.drill_ok is None
    assert office.backups.undoable(office.actor, OWNER) is None
    office.backups.undo(office.actor, PASSWORD, OWNER)  # what was undone is restored again
    assert office.names() == before
    assert office.backups.overview().undo is not None


def test_only_what_changed_and_back_from_it(office: Office) -> None:
    full = office.backups.create(office.actor)
    office.client("Primera Nueva")
    second = office.backups.create(office.actor)
    office.client("Segunda Nueva")
    third = office.backups.create(office.actor)
    assert [each.kind for each in (full, second, third)] == ["full", "incremental", "incremental"]
    assert third.size < full.size
    assert third.chain == (full.id, second.id, third.id)
    office.client("Tercera Nueva")
    with failing("backup.needed"):
        office.backups.delete(office.actor, second.id, PASSWORD)
    office.backups.restore(office.actor, third.id, office.secret, OWNER, clinic_name=NAME)
    assert {"Primera Nueva", "Segunda Nueva"} <= set(office.names())
    assert "Tercera Nueva" not in office.names()
    after = office.backups.create(office.actor)
    assert after.kind == "full"


def test_where_changes_go_unrecorded_all_is_saved_and_somebody_told(office: Office) -> None:
    office.backups.create(office.actor)
    office.clinic.query("ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update")
    office.clinic.query("UPDATE agenda_sala SET orden = orden + 1")
    whole = office.backups.create(office.actor)
    assert (whole.kind, whole.state) == ("full", "verified")
    assert "no registra los cambios" in whole.error
    [seen] = [each for each in office.backups.overview().archives if each.id == whole.id]
    assert (seen.error, seen.state) == (whole.error, "verified")
    office.clinic.query("UPDATE agenda_sala SET orden = orden + 1")
    office.clinic.query("ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update")
    after = [office.backups.create(office.actor) for _ in range(2)]
    assert [(each.kind, each.error) for each in after] == [("full", ""), ("incremental", "")]


def test_what_no_backup_can_hold_somebody_is_told_of(office: Office) -> None:
    office.clinic.query('CREATE TABLE "Odontograma" (id int); CREATE TABLE "Piezas" (id int)')
    made = office.backups.create(office.actor, full=True)
    assert made.state == "verified"
    assert "no está" in made.error
    opened = office.backups.open_archive(office.actor, made.id, office.secret, OWNER)
    [warning] = [said for said in opened.warnings if "Odontograma" in said]
    assert "Piezas" in warning
    office.clinic.query("ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update")
    assert office.backups.create(office.actor).error == made.error, "what is missing is said first"
    office.clinic.query("ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update")
    office.clinic.query('DROP TABLE "Odontograma", "Piezas"')
    assert office.backups.create(office.actor).error == ""


def test_proved_by_a_trial_restore(office: Office) -> None:
    office.backups.create(office.actor)
    office.client("Una Más")
    made = office.backups.create(office.actor)
    report = office.backups.drill(office.actor, None, office.secret, OWNER)
    assert (report.id, report.ok) == (made.id, True), report.checks
    assert all(each.ok and each.words for each in report.checks)
    assert office.backups.show(office.actor, made.id).drill_ok is True


def test_from_a_workstation_alone_on_a_new_server(fresh_office: Office, tmp_path: Path) -> None:
    office = fresh_office
    assert office.setup is not None
    office.client("Antes del Fin")
    office.station.sync()
    office.backups.overview()
    made = office.backups.take_from_here(office.actor)
    assert (made.source, made.scope, made.state) == ("cache", "office", "verified")
    assert office.backups.overview().alarm == "never"
    words = Secret(PASSWORD, " ".join(office.setup.words))
    with failing("restore.part_only"):
        office.backups.plan(office.actor, made.id, words, OWNER)
    with office.clinic.server.database() as elsewhere:
        there, actor = administrators_backups(
            lambda: psycopg.connect(elsewhere, autocommit=True),
            "renacida",
            [tmp_path / "respaldos"],
            tmp_path / "propia",
        )
        archive = tmp_path / "respaldos" / made.name
        planned = there.plan(actor, archive, words, OWNER, new=True)
        assert planned.opened.warnings
        there.restore(
            actor, archive, words, OWNER, clinic_name="", new=("admin", "Otra-clave-larga-9")
        )
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT nombre_completo FROM renacida.pacientes_cliente ORDER BY 1"
            ).fetchall()
        clinics.drop_roles(elsewhere)
    assert [row[0] for row in rows] == office.names()


def test_a_new_program_finds_no_secret_in_what_is_kept_or_logged(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert office.setup is not None
    caplog.set_level("DEBUG")
    office.client("Paciente Reservada")
    made = office.backups.create(office.actor)
    office.backups.open_archive(office.actor, made.id, office.secret, OWNER)
    secrets = (office.setup.identity, office.setup.recovery_identity, PASSWORD, "Reservada")
    assert not [s for s in secrets if s in caplog.text]
    for path in (office.station.folder / "backups").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [s for s in secrets if s.encode() in content]
    content = (tmp_path / "respaldos" / made.name).read_bytes()
    assert not [s for s in secrets if s.encode() in content]
    assert "identity" not in repr(office.setup)
