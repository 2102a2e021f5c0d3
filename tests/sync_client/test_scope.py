"""What leaves a workstation's scope leaves its cache, and nobody's work with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.domain.messages import set_language
from desktop.services import inbox_words
from desktop.services.inbox import Inbox
from desktop.services.inbox_records import Way
from sync import server as sync_server
from sync import store
from sync.schema import TableSpec, build
from tests.support import embedded
from tests.support.clinic import Clinic, clinic
from tests.support.clinic import Station as Workstation
from tests.sync_client import world
from tests.sync_client.world import Maker, Tenant

NOTES = "clinica_notasesion"


@pytest.fixture
def made(postgres: embedded.Server, tmp_path: Path) -> Iterator[Clinic]:
    with clinic(postgres, tmp_path) as one:
        yield one


def note(made: Clinic, client: int, staff: int | None, text: str = "secreta") -> int:
    return int(
        made.value(
            f"INSERT INTO {NOTES} (cliente_id, profesional_id, texto) VALUES (%s, %s, %s)"
            " RETURNING id",
            client,
            staff,
            text,
        )
    )


def ask(station: Workstation, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = station.cache.connect()
    try:
        rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
        return rows
    finally:
        connection.close()


def notes_of(station: Workstation) -> set[int]:
    station.sync()
    return {row for (row,) in ask(station, f"SELECT id FROM {NOTES}")}


def traces(station: Workstation) -> int:
    """What the cache still knows of notes, apart from the rows: graves, images, deletions."""
    return sum(
        ask(station, f"SELECT count(*) FROM {table} WHERE tbl = ?", NOTES)[0][0]
        for table in ("inbox_grave", "sync_base", "sync_op")
    )


def test_a_note_goes_with_its_patient_and_comes_back(made: Clinic) -> None:
    """Two laptops. Catches a note that stays behind, in the cache or as a copy of what was deleted,
    one whose leaving is pushed as a deletion, and one that does not return."""
    client, (one, two) = made.clients[0], made.practitioners
    kept = note(made, client, None)
    laptops = [made.station(f"L{who}", "practitioner", who) for who in (one, two)]
    for laptop in laptops:
        Inbox(laptop.cache, laptop.clinic)
    assert [notes_of(laptop) for laptop in laptops] == [set(), set()]
    for holder in (one, two, one):
        made.query("UPDATE pacientes_cliente SET dentista_asignado_id = %s", holder)
        assert [notes_of(laptop) for laptop in laptops] == [
            {kept} if who == holder else set() for who in (one, two)
        ]
        assert [traces(laptop) for laptop in laptops] == [0, 0]
    assert ask(laptops[0], f"SELECT texto FROM {NOTES}") == [("secreta",)]
    assert made.value(f"SELECT count(*) FROM {NOTES}") == 1
    made.query(f"DELETE FROM {NOTES}")
    assert notes_of(laptops[0]) == set()
    assert traces(laptops[0]) == 1, "what was deleted is kept for a while"


def test_an_edit_of_a_note_that_went_meanwhile_waits_for_a_person(made: Clinic) -> None:
    """Catches an edit that vanishes with its row, an inbox that cannot say why, and a draft that
    cannot be sent when the note is back."""
    client, (one, two) = made.clients[0], made.practitioners
    mine = note(made, client, one, "antes")
    laptop = made.station("L1", "practitioner", one)
    inbox = Inbox(laptop.cache, laptop.clinic)
    assert notes_of(laptop) == {mine}
    with laptop.cache.writing(laptop.actor, "note.save") as session:
        session.connection().exec_driver_sql(
            f"UPDATE {NOTES} SET texto = 'lo que escribí' WHERE id = ?", (mine,)
        )
    made.query(f"UPDATE {NOTES} SET profesional_id = %s", two)
    assert notes_of(laptop) == set()
    (item,) = inbox.items()
    assert item.code == "forbidden"
    assert item.reason.startswith("Entretanto el registro pasó a otro profesional")
    set_language("en")
    assert inbox.items()[0].reason == inbox_words.OUT_OF_SCOPE
    set_language("es")
    assert item.ways == (Way.KEEP_THEIRS,)
    assert [field.mine for record in item.records for field in record.fields] == ["lo que escribí"]
    assert made.value(f"SELECT texto FROM {NOTES}") == "antes"
    assert traces(laptop) == 0

    made.query(f"UPDATE {NOTES} SET profesional_id = %s", one)
    assert notes_of(laptop) == {mine}
    assert inbox.items()[0].ways == (Way.TRY_AGAIN, Way.KEEP_THEIRS)
    inbox.try_again(laptop.actor, item.tx)
    laptop.sync()
    assert made.value(f"SELECT texto FROM {NOTES}") == "lo que escribí"
    assert inbox.items() == ()


def test_a_laptop_that_gets_another_practitioner_changes_its_notes_without_alarm(
    made: Clinic,
) -> None:
    """Catches notes of the one before that stay, and a change of hands that is taken for a table
    emptied by mistake."""
    client, (one, two) = made.clients[0], made.practitioners
    firsts = {note(made, client, one) for _ in range(120)}
    seconds = {note(made, client, two) for _ in range(3)}
    laptop = made.station("L1", "practitioner", one)
    Inbox(laptop.cache, laptop.clinic)
    assert notes_of(laptop) == firsts
    made.query("UPDATE sync_device SET practitioner_id = %s", two)
    assert notes_of(laptop) == seconds
    assert traces(laptop) == 0


def test_a_workstation_of_another_profile_keeps_what_is_still_its_own(made: Clinic) -> None:
    """Catches clinical rows that stay at a desk that was the office, work that is lost with them,
    and rows that do not come when it is the office again."""
    client, (one, _two) = made.clients[0], made.practitioners
    kept = note(made, client, one, "antes")
    desk = made.station("Oficina", "office")
    inbox = Inbox(desk.cache, desk.clinic)
    assert notes_of(desk) == {kept}
    clients = ask(desk, "SELECT * FROM pacientes_cliente ORDER BY id")
    with desk.cache.writing(desk.actor, "note.save") as session:
        session.connection().exec_driver_sql(f"UPDATE {NOTES} SET texto = 'mía'")
    made.query("UPDATE sync_device SET profile = 'reception'")
    assert notes_of(desk) == set()
    assert ask(desk, "SELECT * FROM pacientes_cliente ORDER BY id") == clients
    assert [item.code for item in inbox.items()] == ["forbidden"]
    assert traces(desk) == 0
    made.query("UPDATE sync_device SET profile = 'office'")
    assert notes_of(desk) == {kept}
    assert ask(desk, f"SELECT texto FROM {NOTES}") == [("antes",)]


# Columns ----------------------------------------------------------------------------------------


def keep_from_desks(tenant: Tenant, *columns: str) -> None:
    """Register the small product's tables with columns of a person that desks do not get."""
    everybody = frozenset({"office", "desk"})
    hidden = {"desk": frozenset(columns)}
    specs = [
        TableSpec("account", everybody, frozenset(), born_on_server=True),
        TableSpec("person", everybody, everybody, hidden_from=hidden),
        TableSpec("visit", everybody, everybody),
        TableSpec("entry", everybody, frozenset({"office"}), append_only=True),
    ]
    schema = build(world.metadata, specs, version=world.SCHEMA.version)
    sync_server.install_functions(
        lambda statement: tenant.admin.execute(statement.encode()), tenant.name, schema
    )


def test_a_desk_works_with_rows_of_which_it_has_not_all_columns(
    tenant: Tenant, station: Maker
) -> None:
    """Catches new rows and deletions that are refused for columns that nobody at the desk could
    fill, and a value that somebody typed all the same and that nobody hears of again."""
    keep_from_desks(tenant, "balance", "phone")
    desk, office = station(profile="desk"), station()
    with desk.desk.doing():
        mine = desk.desk.insert("person", name="Ana")
        gone = desk.desk.insert("person", name="Eva")
    desk.engine.sync_once()
    office.engine.sync_once()
    with office.desk.doing():
        office.desk.update("person", mine, phone="1", balance=500, name="Ana María")
    office.engine.sync_once()
    desk.engine.sync_once()
    row = desk.desk.rows("person")[mine]
    assert (row["name"], row["phone"], row["balance"]) == ("Ana María", None, None)
    with desk.desk.doing():
        desk.desk.delete("person", gone)
    desk.engine.sync_once()
    assert store.rejections(desk.desk.execute) == []
    assert tenant.query("SELECT id, phone, balance FROM person") == [(mine, "1", 5)]
    with desk.desk.doing():
        desk.desk.update("person", mine, phone="2")
    with desk.desk.doing():
        desk.desk.insert("person", name="Zoe", phone="3")
    desk.engine.sync_once()
    refused = store.rejections(desk.desk.execute)
    assert [(one.code, one.detail["scope"]) for one in refused] == [("forbidden", "column")] * 2
    assert tenant.value("SELECT phone FROM person") == "1"


def test_columns_that_are_kept_from_now_on_leave_the_cache(tenant: Tenant, station: Maker) -> None:
    """Catches values that stay in a cache which is no longer to have them, in the server's image
    beside an edit too, and an edit that goes with them."""
    desk, office = station(profile="desk"), station()
    with desk.desk.doing():
        rows = [desk.desk.insert("person", name=name, phone="secret") for name in "ab"]
    desk.engine.sync_once()
    with desk.desk.doing():
        desk.desk.update("person", rows[0], name="c")
    keep_from_desks(tenant, "phone")
    desk.engine.sync_once()
    office.engine.sync_once()
    assert [(r["name"], r["phone"]) for r in desk.desk.rows("person").values()] == [
        ("c", None),
        ("b", None),
    ]
    assert [(r["name"], r["phone"]) for r in office.desk.rows("person").values()] == [
        ("c", "secret"),
        ("b", "secret"),
    ]
    assert store.rejections(desk.desk.execute) == []
    keep_from_desks(tenant)
    tenant.query("UPDATE sync_device SET columns = NULL")
    desk.engine.sync_once()
    assert desk.desk.everything() == tenant.everything()
