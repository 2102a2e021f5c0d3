"""Backups by the clock: taken when due, once, proved once a week, let go by rule."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from pathlib import Path

import psycopg

from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.backup.turn import turn
from desktop.services.backups_auto import AutomaticBackups
from tests.backup.services.conftest import OWNER, Office, failing, seated
from tests.support.clinic import PASSWORD

NAME = "Clínica Los Aromos"
SCHEDULE = Schedule(hour=13, drill_weekday=6, drill_hour=14)


class Wall:
    """A clock that is moved by hand; the workstation's cache reads it, too."""

    def __init__(self, office: Office) -> None:
        self.now = dt.datetime.now(dt.UTC)
        office.station.cache.clock = self.read

    def read(self) -> dt.datetime:
        return self.now

    def to(self, office: Office, hour: int, minute: int = 0, *, days: int = 0) -> None:
        there = self.now.astimezone(office.backups.zone) + dt.timedelta(days=days)
        self.now = there.replace(hour=hour, minute=minute, second=0).astimezone(dt.UTC)


def automatic(office: Office, wall: Wall, schedule: Schedule = SCHEDULE) -> AutomaticBackups:
    settings = dataclasses.replace(office.backups.settings(), automatic=True, schedule=schedule)
    office.backups.save_settings(office.actor, settings)
    return AutomaticBackups(office.backups, now=wall.read)


def test_taken_once_a_day_and_caught_up_after_an_absence(office: Office) -> None:
    wall = Wall(office)
    runner = automatic(office, wall)
    wall.to(office, 13, 1, days=1)
    assert runner.step() == ("taken",)
    assert runner.step() == ()
    wall.to(office, 12, 59, days=1)
    assert runner.step() == ()
    wall.to(office, 13, 0, days=5)
    assert office.backups.overview().alarm == "old"
    assert runner.step() == ("taken",)
    assert runner.step() == ()
    found = office.backups.overview()
    assert [each.reason for each in found.archives] == ["automatic", "automatic"]
    assert (found.alarm, found.banners) == ("", ())
    assert found.next_run is not None
    assert found.next_run > wall.now


def test_another_workstation_has_taken_it_already(office: Office, tmp_path: Path) -> None:
    wall = Wall(office)
    runner = automatic(office, wall)
    wall.to(office, 13, 1, days=1)
    other = seated(office.clinic, office.clinic.station("otra", "office"), tmp_path)
    other.station.cache.clock = wall.read
    other.keep_in(tmp_path / "otros")
    other.backups.create(other.actor)
    assert runner.step() == ()


def test_while_somebody_restores_it_waits_and_tries_again(office: Office) -> None:
    wall = Wall(office)
    runner = automatic(office, wall)
    wall.to(office, 13, 1, days=1)
    tenant = uuid.UUID(office.station.workstation.description.tenant)
    with psycopg.connect(office.clinic.dsn, autocommit=True) as other, turn(other, tenant):
        assert runner.step() == ()
    assert runner.step() == ()
    wall.to(office, 13, 7)
    assert runner.step() == ("taken",)


def test_switched_off_it_does_nothing(office: Office) -> None:
    wall = Wall(office)
    runner = AutomaticBackups(office.backups, now=wall.read)
    wall.to(office, 13, 1, days=1)
    assert runner.step() == ()


def test_proved_once_a_week_where_an_administrator_allows_it(office: Office) -> None:
    wall = Wall(office)
    runner = automatic(office, wall)
    with failing("backup.drills_not_allowed"):
        office.backups.drill_by_itself()
    office.backups.allow_drills(office.actor, office.secret, OWNER)
    wall.to(office, 15, 0, days=7)
    assert runner.step() == ("taken", "proved")
    assert runner.step() == ()
    (made,) = office.backups.overview().archives
    assert (made.drill_ok, made.drilled_at) == (True, wall.now)
    office.backups.forbid_drills(office.actor)
    assert not office.backups.proves_by_itself


def test_old_ones_go_by_rule(office: Office, tmp_path: Path) -> None:
    wall = Wall(office)
    office.backups.save_settings(
        office.actor,
        dataclasses.replace(
            office.backups.settings(), keep=Keep(daily=2, weekly=0, monthly=0, yearly=0)
        ),
    )
    runner = automatic(office, wall, dataclasses.replace(SCHEDULE, full_every_days=1))
    for _ in range(5):
        wall.to(office, 13, 1, days=1)
        assert runner.step() == ("taken",)
    names = {path.name for path in (tmp_path / "respaldos").iterdir()}
    there = [each for each in office.backups.overview().archives if each.state == "verified"]
    assert {each.name for each in there} == names
    assert len(names) < 5


def test_what_a_restore_replaced_goes_when_its_days_are_over(office: Office) -> None:
    wall = Wall(office)
    made = office.backups.create(office.actor)
    kept: list[str] = []
    for _ in range(2):
        office.backups.restore(office.actor, made.id, office.secret, OWNER, clinic_name=NAME)
        found = office.backups.overview().undo
        assert found is not None
        kept.append(found.schema)
    office.clinic.query(
        f"COMMENT ON SCHEMA {kept[0]} IS '{_told(office, kept[0], dt.timedelta(days=-8))}'"
    )
    runner = automatic(office, wall)
    wall.to(office, 13, 1, days=1)
    assert runner.step() == ("taken",)
    there = {name for (name,) in office.clinic.query("SELECT nspname::text FROM pg_namespace")}
    assert there & set(kept) == {kept[1]}
    office.backups.undo(office.actor, PASSWORD, OWNER)


def _told(office: Office, schema: str, by: dt.timedelta) -> str:
    """What the restore wrote of the tables that it replaced, as if it had been so much earlier."""
    text = str(
        office.clinic.value("SELECT obj_description(%s::regnamespace, 'pg_namespace')", schema)
    )
    mark, _, said = text.partition("{")
    told = json.loads("{" + said)
    for key in ("at", "until"):
        told[key] = (dt.datetime.fromisoformat(told[key]) + by).isoformat()
    return mark + json.dumps(told)


def test_in_a_thread_of_its_own_that_ends(office: Office) -> None:
    wall = Wall(office)
    automatic(office, wall)
    wall.to(office, 13, 1, days=1)
    from threading import Event

    done = Event()
    runner = AutomaticBackups(office.backups, now=wall.read, every=0.01, on_change=done.set)
    runner.start()
    try:
        assert done.wait(30)
    finally:
        runner.close()
    assert [each.state for each in office.backups.overview().archives] == ["verified"]
