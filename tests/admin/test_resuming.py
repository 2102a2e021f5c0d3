"""A first sync that was cut goes on without the enrolment file; today's agenda is read meanwhile."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from desktop.domain.actor import Actor
from desktop.services import devices, joining
from desktop.services.enrolment import Enrolment
from desktop.services.first_day import FirstDay
from desktop.services.workstation import Workstation
from sync.engine import SyncEngine
from tests.admin.test_joining import refused
from tests.support.clinic import Clinic
from tests.support.memory_keyring import MemoryKeyring


def cut_after_the_day(file: Path, folder: Path) -> None:
    """Join until today's agenda is there, and lose the server then."""

    def cut(_day: FirstDay) -> None:
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        joining.join(file, folder, watch=joining.Watch(day=cut))
    assert not folder.exists()


def test_cut_in_the_load_it_goes_on_without_the_file(
    file: Path, tmp_path: Path, memory_keyring: MemoryKeyring
) -> None:
    folder = tmp_path / "equipo"
    cut_after_the_day(file, folder)
    file.unlink()
    begun = joining.begun(folder)
    assert begun is not None
    assert joining.resume(folder) == begun
    assert joining.begun(folder) is None
    Workstation.open(folder).close()


def test_cut_before_the_server_heard_of_it_the_file_is_needed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "equipo"
    assert joining.begun(folder) is None

    def cut(*_: object, **__: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patch:
        patch.setattr(joining, "bootstrap", cut)
        with pytest.raises(ConnectionAbortedError):
            joining.join(file, folder)
    assert joining.begun(folder) is not None
    refused("enrolment.needed", lambda: joining.resume(folder))
    joining.join(file, folder)
    Workstation.open(folder).close()


def test_where_the_server_was_put_back_meanwhile_it_begins_anew(
    file: Path, tmp_path: Path, clinic: Clinic, administrator: Actor
) -> None:
    folder = tmp_path / "equipo"
    cut_after_the_day(file, folder)
    clinic.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    seen: list[FirstDay] = []
    joining.resume(folder, watch=joining.Watch(day=seen.append))
    assert [day.is_today for day in seen] == [True]
    with Workstation.open(folder) as station:
        cache = station.open_cache()
        engine = SyncEngine(cache.connect, station.server(), joining.sync_schema())
        assert engine.sync_once().state == "in_step"
        engine.close()
        cache.close()


def test_shut_out_while_it_loaded_nothing_of_it_is_left(
    file: Path,
    tmp_path: Path,
    admitted: Enrolment,
    clinic: Clinic,
    admin: psycopg.Connection,
    memory_keyring: MemoryKeyring,
) -> None:
    folder = tmp_path / "equipo"
    cut_after_the_day(file, folder)
    devices.revoke(admin, clinic.schema, admitted.device)
    refused("device.revoked", lambda: joining.resume(folder))
    assert not list(tmp_path.glob("equipo*"))
    assert not memory_keyring.entries


def test_the_day_is_for_who_may_see_the_agenda(
    file: Path, tmp_path: Path, administrator: Actor
) -> None:
    seen: list[FirstDay] = []
    joining.join(file, tmp_path / "equipo", watch=joining.Watch(day=seen.append))
    (day,) = seen
    assert day.today(administrator).agenda.columns
    stranger = Actor(None, "Nadie", "nadie", "general", frozenset())
    refused("permission.denied", lambda: day.today(stranger))
