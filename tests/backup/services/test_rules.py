"""Who may do what with backups, with which password, and what is never done."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import inspect
import itertools
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from desktop.backup.history import Entry, ServerHistory, merge
from desktop.backup.turn import turn
from desktop.domain.permissions import ALL, permissions_of
from desktop.services.backups_records import ArchiveItem, Secret
from tests.backup.restore.making import lied
from tests.backup.services.conftest import ADMIN, OWNER, Office, failing, seated
from tests.support.clinic import PASSWORD

WRONG = "no-es-mi-clave-9"


class Stop(Exception):
    """A person cancels."""


def actions(office: Office, made: ArchiveItem, folder: Path, password: str) -> dict[str, Action]:
    """Everything that somebody does with backups: name → what it needs of a person's secrets, and how.

    A new one is found here by itself; what its parameters are called has to be known.
    """
    it = office.backups
    given: dict[str, Any] = {
        "id_": made.id,
        "source": made.id,
        "path": folder / "x",
        "password": password,
        "secret": Secret(password),
        "database": OWNER,
        "clinic_name": "Clínica Los Aromos",
        "schema": None,
        "setup": office.setup,
        "settings": it.settings(),
        "place": it.settings().places[0],
        "dry_run": True,
    }
    found = {}
    for name, method in inspect.getmembers(it, inspect.ismethod):
        parameters = inspect.signature(method).parameters
        if name.startswith("_") or "actor" not in parameters:
            continue
        needed = {
            one.name: given[one.name]
            for one in parameters.values()
            if one.default is one.empty and one.name != "actor"
        }
        again = any(
            one.name == "password" or one.annotation == "Secret" for one in parameters.values()
        )
        found[name] = Action(again, functools.partial(method, **needed))
    return found


@dataclasses.dataclass
class Action:
    again: bool
    done_by: Callable[..., object]


def test_each_action_asks_for_its_permission(office: Office, tmp_path: Path) -> None:
    made = office.backups.create(office.actor)
    nobody = dataclasses.replace(office.actor, permissions=frozenset({"agenda.view"}))
    asked = actions(office, made, tmp_path, PASSWORD)
    assert len(asked) > 20
    for name, action in asked.items():
        with failing("permission.denied"):
            action.done_by(actor=nobody)
            raise AssertionError(name)
    assert {name for name in ALL if name.startswith("backup.")} == {
        *("backup.view", "backup.create", "backup.restore"),
        *("backup.export", "backup.delete", "backup.settings"),
    }
    desk = permissions_of("administrativo")
    assert {name for name in desk if name.startswith("backup.")} == {"backup.view", "backup.create"}


def test_what_opens_or_removes_asks_for_the_password_again(office: Office, tmp_path: Path) -> None:
    made = office.backups.create(office.actor)
    it, actor = office.backups, office.actor
    keys = "SELECT count(*), max(creada_en) FROM respaldo_llave_copia"
    before = (office.clinic.query(keys), len(it.overview().archives), it.proves_by_itself)
    asked = {
        name: action
        for name, action in actions(office, made, tmp_path, WRONG).items()
        if action.again
    }
    assert asked.keys() >= {
        *("restore", "plan", "open_archive", "undo", "drill", "allow_drills", "import_foreign"),
        *("export_sql", "download", "delete", "finish_setup", "adopt_key"),
    }
    for name, action in asked.items():
        office.clinic.query("DELETE FROM acceso_intento")  # After five wrong ones nobody gets in.
        with failing("account.wrong"):
            action.done_by(actor=actor)
            raise AssertionError(name)
    assert list(tmp_path.glob("x*")) == []
    assert it.show(actor, made.id).state == "verified"
    assert before == (office.clinic.query(keys), len(it.overview().archives), it.proves_by_itself)


def test_a_clinic_that_is_here_is_not_made_anew(office: Office) -> None:
    """There the clinic's name would not have to be typed."""
    made, it = office.backups.create(office.actor), office.backups
    before = (office.names(), it.undoable(office.actor, OWNER))
    with failing("tenant.exists"):
        it.plan(office.actor, made.id, office.secret, OWNER, new=True)
    with failing("tenant.exists"):
        new = (ADMIN, "Otra-clave-larga-7")
        it.restore(office.actor, made.id, office.secret, OWNER, clinic_name="x", new=new)
    assert (office.names(), it.undoable(office.actor, OWNER)) == before


def test_the_recovery_words_open_it_and_let_the_password_open_it(office: Office) -> None:
    assert office.setup is not None
    made = office.backups.create(office.actor)
    office.clinic.query("DELETE FROM respaldo_llave_copia")
    with failing("backup.no_copy"):
        office.backups.open_archive(office.actor, made.id, office.secret, OWNER)
    words = Secret(PASSWORD, " ".join(word[:4] for word in office.setup.words))
    opened = office.backups.open_archive(office.actor, made.id, words, OWNER)
    assert (opened.signer_known, opened.tables["pacientes_cliente"]) == (True, 2)
    office.backups.adopt_key(office.actor, OWNER, words)
    office.backups.open_archive(office.actor, made.id, office.secret, OWNER)


def test_who_only_looks_at_a_backup_is_told_nothing_that_its_rows_do_not_say(
    office: Office, tmp_path: Path
) -> None:
    """A restore finds it out while it loads; here nobody reads the rows."""
    assert office.setup is not None
    made = office.backups.create(office.actor)
    path = office.backups.download(office.actor, made.id, tmp_path / "a.consultorio", PASSWORD)
    opened = office.backups.open_archive(office.actor, path, office.secret, OWNER)
    assert opened.tables["pacientes_cliente"] == 2
    keys, signer = office.setup, office.backups._desk().signer
    recipients = [keys.recipient, keys.recovery_recipient]
    path.write_bytes(
        lied(path.read_bytes(), "pacientes_cliente", keys.identity, recipients, signer, rows=3)
    )
    with failing("archive.not_as_signed"):
        office.backups.open_archive(office.actor, path, office.secret, OWNER)


def test_rotated_keys_open_old_archives_and_new_ones(office: Office) -> None:
    old = office.backups.create(office.actor)
    with failing("backup.set_up_already"):
        office.set_up()
    setup = office.backups.begin_setup(office.actor)
    office.backups.finish_setup(office.actor, setup, OWNER, PASSWORD, rotate=True)
    new = office.backups.create(office.actor, full=True)
    for each in (old, new):
        office.backups.open_archive(office.actor, each.id, office.secret, OWNER)
    only_new = Secret(PASSWORD, " ".join(setup.words))
    office.backups.open_archive(office.actor, new.id, only_new, OWNER)
    with failing("archive.wrong_key"):
        office.backups.open_archive(office.actor, old.id, only_new, OWNER)


def test_cancelled_it_leaves_nothing(office: Office, tmp_path: Path) -> None:
    def stop(done: int, _total: int | None, _step: str) -> None:
        if done:
            raise Stop

    with pytest.raises(Stop):
        office.backups.create(office.actor, tell=stop)
    assert list((tmp_path / "respaldos").iterdir()) == []
    assert list((office.station.folder / "backups").glob("under-way-*")) == []
    assert office.backups.overview().archives == ()


def test_a_place_that_is_gone_is_no_success(office: Office, tmp_path: Path) -> None:
    (tmp_path / "respaldos").rmdir()
    with failing("place.no_folder"):
        office.backups.create(office.actor)
    found = office.backups.overview()
    assert found.alarm == "never"
    assert [(each.state, bool(each.error)) for each in found.archives] == [("failed", True)]
    office.keep_in(tmp_path / "respaldos", tmp_path / "segundo")
    (tmp_path / "segundo").rmdir()
    made = office.backups.create(office.actor)
    assert [each.label for each in made.kept] == ["respaldos"]


def test_a_copy_that_was_changed_counts_no_more(office: Office, tmp_path: Path) -> None:
    office.keep_in(tmp_path / "uno", tmp_path / "dos")
    made = office.backups.create(office.actor)
    copy = tmp_path / "uno" / made.name
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.chmod(0o600)
    copy.write_bytes(content)
    again = office.backups.verify(office.actor, made.id)
    assert {each.label: each.verified_at is not None for each in again.kept} == {
        "uno": False,
        "dos": True,
    }
    (tmp_path / "dos" / made.name).unlink()
    with failing("place.missing"):
        office.backups.verify(office.actor, made.id)


def test_an_archive_that_is_whole_again_counts_again(office: Office, tmp_path: Path) -> None:
    made = office.backups.create(office.actor)
    copy = tmp_path / "respaldos" / made.name
    whole = copy.read_bytes()
    copy.chmod(0o600)
    copy.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with failing("place.altered"):
        office.backups.verify(office.actor, made.id)
    assert office.backups.show(office.actor, made.id).state == "damaged"
    assert office.backups.overview().alarm == "never"
    copy.write_bytes(whole)
    again = office.backups.verify(office.actor, made.id)
    history = office.station.folder / "backups" / "history.jsonl"
    for told in (again, *office.backups.overview().archives, *_afresh(office, history)):
        assert (told.state, told.restorable) == ("verified", True)
        (kept,) = told.kept
        assert made.kept[0].verified_at is not None
        assert kept.altered_at is not None
        assert kept.verified_at is not None
        assert made.kept[0].verified_at < kept.altered_at < kept.verified_at
    assert office.backups.overview().alarm == ""
    assert office.clinic.value("SELECT estado FROM respaldo_archivo") == "verified"
    copy.write_bytes(whole[:-1])
    with failing("place.altered"):
        office.backups.verify(office.actor, made.id)
    (told,) = _afresh(office, history)
    assert told.state == "damaged"


def _afresh(office: Office, history: Path) -> tuple[ArchiveItem, ...]:
    """As another workstation knows it: by the server alone."""
    history.unlink()
    return office.backups.overview().archives


def test_what_several_know_adds_up_in_any_order(office: Office) -> None:
    """On the server as in a file; somebody who was away for long takes back nothing that is newer."""
    office.backups.create(office.actor)
    with office.clinic.admin() as connection:
        server = ServerHistory(connection, office.clinic.schema)
        (first,) = server.list()
        ((place, told),) = first.places.items()
        days = [first.taken_at + dt.timedelta(days=n) for n in range(4)]
        altered, whole = days[1].isoformat(), days[2].isoformat()
        drilled = dataclasses.replace(first, drilled_at=days[1], report={"ok": True})
        undone = dataclasses.replace(first, undone_at=days[3])
        damaged = dataclasses.replace(
            first, state="damaged", places={place: {**told, "altered_at": altered}}
        )
        verified = dataclasses.replace(
            first, verified_at=days[2], places={place: {**told, "verified_at": whole}}
        )
        for known in itertools.permutations((first, drilled, undone, damaged, verified)):
            connection.execute("DELETE FROM respaldo_archivo")
            for one in known:
                server.record(one)
            (merged,) = merge(*([one] for one in known))
            assert server.list() == [merged]
            assert merged.state == "verified"
            assert merged.places == {place: {**told, "altered_at": altered, "verified_at": whole}}
            assert (merged.report, merged.undone_at) == ({"ok": True}, days[3])
        connection.execute("DELETE FROM respaldo_archivo")
        for one in (verified, dataclasses.replace(damaged, places=_altered(damaged, days[3]))):
            server.record(one)
        assert server.list()[0].state == "damaged"


def _altered(entry: Entry, at: dt.datetime) -> dict[str, dict[str, Any]]:
    return {place: {**told, "altered_at": at.isoformat()} for place, told in entry.places.items()}


def test_one_at_a_time(office: Office) -> None:
    tenant = uuid.UUID(office.station.workstation.description.tenant)
    with psycopg.connect(office.clinic.dsn, autocommit=True) as other, turn(other, tenant) as got:
        assert got
        with failing("backup.running"):
            office.backups.create(office.actor)
        assert office.backups.overview().archives == ()
    office.backups.create(office.actor)


def test_the_last_one_and_what_others_need_stay(office: Office) -> None:
    first = office.backups.create(office.actor, full=True)
    with failing("backup.last"):
        office.backups.delete(office.actor, first.id, PASSWORD)
    office.backups.create(office.actor, full=True)
    office.backups.restore(
        office.actor, first.id, office.secret, OWNER, clinic_name="clínica  los aromos"
    )
    (safety,) = [each for each in office.backups.overview().archives if each.reason == "safety"]
    assert safety.pinned_until is not None
    with failing("backup.safety"):
        office.backups.delete(office.actor, safety.id, PASSWORD)
    office.backups.delete(office.actor, first.id, PASSWORD)
    assert office.backups.show(office.actor, first.id).state == "deleted"


def test_a_reception_takes_none(office: Office) -> None:
    desk = seated(office.clinic, office.clinic.station("mesa"), office.folder)
    with failing("backup.forbidden"):
        desk.backups.create(desk.actor)
    found = desk.backups.overview()
    assert not found.may_take
    assert found.why_not


def test_the_history_is_found_again_where_only_the_archives_are_left(office: Office) -> None:
    made = office.backups.create(office.actor)
    office.clinic.query("DELETE FROM respaldo_archivo")
    (office.station.folder / "backups" / "history.jsonl").unlink()
    (found,) = office.backups.overview().archives
    assert (found.name, found.state) == (made.name, "kept")
    opened = office.backups.open_archive(office.actor, found.name, office.secret, OWNER)
    assert opened.tables["pacientes_cliente"] == 2


def test_an_archive_that_somebody_removed_by_hand_is_no_backup(
    office: Office, tmp_path: Path
) -> None:
    made = office.backups.create(office.actor)
    assert office.backups.overview().alarm == ""
    away = tmp_path / "otra-parte"
    (tmp_path / "respaldos" / made.name).rename(away)
    found = office.backups.overview()
    assert (found.alarm, found.archives[0].state, found.archives[0].restorable) == (
        "never",
        "deleted",
        False,
    )
    away.rename(tmp_path / "respaldos" / made.name)
    assert office.backups.overview().archives[0].restorable


def test_what_is_known_here_reaches_the_server_later_and_the_other_way_round(
    office: Office, tmp_path: Path
) -> None:
    history = office.station.folder / "backups" / "history.jsonl"
    made = office.backups.create(office.actor)
    office.clinic.query("DELETE FROM respaldo_archivo")
    found = office.backups.overview()
    assert office.clinic.value("SELECT nombre FROM respaldo_archivo") == made.name
    assert found.archives[0].device_label == "oficina"
    size = history.stat().st_size
    office.backups.overview()
    assert history.stat().st_size == size
    history.unlink()
    office.backups.overview()
    assert office.backups.overview(refresh=False).archives[0].id == made.id
    (place,) = office.backups.overview().places
    assert (place.trouble, (place.free or 0) > 0) == ("", True)
    (tmp_path / "respaldos").rename(tmp_path / "sin-respaldos")
    found = office.backups.overview()
    assert found.places[0].trouble
    assert found.troubles


def test_an_archive_that_nobody_known_signed_is_not_opened(office: Office) -> None:
    made = office.backups.create(office.actor)
    office.clinic.query("DELETE FROM respaldo_firmante")
    with failing("archive.unknown_signer"):
        office.backups.open_archive(office.actor, made.id, office.secret, OWNER)
