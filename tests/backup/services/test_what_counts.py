"""Which backups count, what may happen at once, and what no key of another clinic opens."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop.backup import keys, recovery
from desktop.backup.places.folder import FolderPlace
from desktop.backup.retention import Keep
from desktop.backup.turn import turn
from desktop.domain.errors import EnvironmentTrouble
from desktop.services.backups_auto import AutomaticBackups
from desktop.services.backups_history import AUTOMATIC
from desktop.services.backups_records import Secret
from tests.backup.services.conftest import OWNER, Office, failing
from tests.backup.services.test_by_the_clock import NAME, Wall, automatic
from tests.support.clinic import PASSWORD


def put_back(office: Office, id_: str) -> None:
    office.backups.restore(office.actor, id_, office.secret, OWNER, clinic_name=NAME)


def settle(office: Office, **changes: Any) -> None:
    """Change some of the settings."""
    settings = dataclasses.replace(office.backups.settings(), **changes)
    office.backups.save_settings(office.actor, settings)


def cut(copy: Path) -> None:
    """Take a kept archive's last byte away."""
    copy.chmod(0o600)
    copy.write_bytes(copy.read_bytes()[:-1])


@contextmanager
def unsound(office: Office) -> Iterator[None]:
    """A visit that takes time and never ends, as no program of ours would have let it in."""
    query = office.clinic.query
    query(
        "ALTER TABLE citas_cita DISABLE TRIGGER USER;"
        "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el)"
        " VALUES ('2027-01-04 12:00Z', 'reservada', now(), now())"
    )
    try:
        yield
    finally:
        query("DELETE FROM citas_cita; ALTER TABLE citas_cita ENABLE TRIGGER USER")


def test_nothing_else_of_the_kind_happens_meanwhile(office: Office) -> None:
    made, it = office.backups.create(office.actor), office.backups
    put_back(office, made.id)
    works: list[Callable[[], object]] = [
        lambda: it.create(office.actor),
        lambda: put_back(office, made.id),
        lambda: it.undo(office.actor, PASSWORD, OWNER),
        lambda: it.drill(office.actor, made.id, office.secret, OWNER),
        lambda: it.delete(office.actor, made.id, PASSWORD),
        lambda: it.prune(office.actor, dry_run=False),
        it.drop_replaced,
    ]
    tenant = uuid.UUID(office.station.workstation.description.tenant)
    before = len(it.overview().archives)
    with psycopg.connect(office.clinic.dsn, autocommit=True) as other, turn(other, tenant) as got:
        assert got
        for work in works:
            with failing("backup.running"):
                work()
    assert len(it.overview().archives) == before
    it.undo(office.actor, PASSWORD, OWNER)


def test_neither_a_safety_copy_nor_anothers_data_is_the_clinics_backup(office: Office) -> None:
    """It is proved, counted and warned of by what the clinic itself was when it was well."""
    wall = Wall(office)
    made = office.backups.create(office.actor)
    wall.now += dt.timedelta(hours=30)
    assert office.backups.overview().alarm == "old"
    put_back(office, made.id)
    office.station.sync()
    own = office.backups.take_from_here(office.actor)
    assert (own.source, own.reason, own.state) == ("cache", "manual", "verified")
    found = office.backups.overview()
    assert {each.reason for each in found.archives} == {"manual", "safety"}
    assert found.alarm == "old"
    assert office.backups.last_done()[0] == made.taken_at
    report = office.backups.drill(office.actor, None, office.secret, OWNER)
    assert (report.id, report.ok) == (made.id, True)
    office.backups.undo(office.actor, PASSWORD, OWNER)


def test_a_backup_that_fails_its_trial_is_shown_so(office: Office) -> None:
    with unsound(office):
        made = office.backups.create(office.actor, full=True)
    report = office.backups.drill(office.actor, made.id, office.secret, OWNER)
    assert [each.code for each in report.checks if not each.ok] == ["visit_times"]
    assert not report.ok
    assert office.backups.show(office.actor, made.id).drill_ok is False
    assert office.backups.last_done()[1] is None


def test_what_a_dry_run_names_is_what_goes(office: Office, tmp_path: Path) -> None:
    wall = Wall(office)
    settle(office, keep=Keep(daily=1, weekly=0, monthly=0, yearly=0))
    for _day in range(4):
        wall.now += dt.timedelta(days=1)
        office.backups.take("", AUTOMATIC, full=True)
    there = {path.name for path in (tmp_path / "respaldos").iterdir()}
    asked = office.backups.prune(office.actor, dry_run=True)
    assert {path.name for path in (tmp_path / "respaldos").iterdir()} == there
    assert asked.removed
    done = office.backups.prune(office.actor, dry_run=False)
    assert (done.removed, done.errors) == (asked.removed, ())
    left = {path.name for path in (tmp_path / "respaldos").iterdir()}
    assert left == there - set(asked.removed)


def test_where_one_can_not_be_removed_nothing_behind_it_is(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is there for what stands on another: that goes first."""
    wall = Wall(office)
    for _day in range(4):
        wall.now += dt.timedelta(days=1)
        office.backups.take("", AUTOMATIC)
    settle(office, keep=Keep(daily=1, weekly=0, monthly=0, yearly=0))
    wall.now += dt.timedelta(days=1)
    for _day in range(2):
        office.backups.take("", AUTOMATIC, full=True)
        wall.now += dt.timedelta(days=1)
    planned = office.backups.prune(office.actor, dry_run=True).removed
    assert len(planned) > 2
    there = {path.name for path in (tmp_path / "respaldos").iterdir()}
    delete = FolderPlace.delete

    def stuck(place: FolderPlace, name: str) -> None:
        if name == planned[0]:
            raise EnvironmentTrouble("place.unreachable", place=place.label)
        delete(place, name)

    monkeypatch.setattr(FolderPlace, "delete", stuck)
    done = office.backups.prune(office.actor, dry_run=False)
    assert (done.removed, [error.code for error in done.errors]) == ((), ["place.unreachable"])
    assert {path.name for path in (tmp_path / "respaldos").iterdir()} == there


def test_a_copy_elsewhere_may_be_whole(office: Office, tmp_path: Path) -> None:
    office.keep_in(tmp_path / "uno", tmp_path / "dos")
    made = office.backups.create(office.actor)
    places = office.backups.settings().places
    settle(office, places=places[:1])
    copy = tmp_path / "uno" / made.name
    cut(copy)
    with failing("place.altered"):
        office.backups.verify(office.actor, made.id)
    assert office.backups.show(office.actor, made.id).state == "verified"


def test_a_chain_is_restored_whole_or_not_at_all(office: Office, tmp_path: Path) -> None:
    office.keep_in(tmp_path / "uno", tmp_path / "dos")
    full = office.backups.create(office.actor, full=True)
    office.client("Entre Medio")
    one = office.backups.create(office.actor)
    assert one.kind == "incremental"
    assert office.backups.show(office.actor, one.id).chain == (full.id, one.id)
    places = office.backups.settings().places
    (tmp_path / "dos" / full.name).unlink()
    settle(office, places=places[1:])
    (told,) = [each for each in office.backups.overview().archives if each.id == one.id]
    assert (told.chain, told.restorable) == ((), False), "its full one is out of reach here"
    settle(office, places=places)
    copy = tmp_path / "uno" / full.name
    cut(copy)
    with failing("place.missing"):
        office.backups.verify(office.actor, full.id)
    (tmp_path / "dos" / full.name).write_bytes(copy.read_bytes())
    with failing("place.altered"):
        office.backups.verify(office.actor, full.id)
    with failing("backup.chain_broken"):
        office.backups.plan(office.actor, one.id, office.secret, OWNER)


def test_no_trial_by_itself_where_nobody_allowed_it(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    wall = Wall(office)
    runner: AutomaticBackups = automatic(office, wall)
    wall.to(office, 15, 0, days=7)
    with caplog.at_level("INFO", "desktop.services.backups_auto"):
        assert runner.step() == ("taken",)
    assert caplog.messages == [], "it is not tried, either"


def test_keys_and_copies_of_others_open_nothing(office: Office) -> None:
    made = office.backups.create(office.actor)
    strange = recovery.to_words(keys.new_clinic_keys().recovery_identity, "es")
    with failing("backup_key.words_wrong"):
        office.backups.adopt_key(office.actor, OWNER, Secret(PASSWORD, " ".join(strange)))
    office.clinic.query("UPDATE respaldo_llave_copia SET titular = 'berta'")
    try:
        with failing("backup.no_copy"):  # She has the same password.
            office.backups.plan(office.actor, made.id, office.secret, OWNER)
    finally:
        office.clinic.query("UPDATE respaldo_llave_copia SET titular = 'admin'")
    office.backups.plan(office.actor, made.id, office.secret, OWNER)
