"""Refused work: nothing disappears unless a person settles it, and every way out works."""

from __future__ import annotations

import datetime as dt
import json
import stat
from pathlib import Path

import pytest

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import sync_schema
from desktop.services import inbox_words
from desktop.services.clients import NewClient
from desktop.services.inbox_records import Way
from sync import codec
from tests.shell.conftest import DIEGO, JUAN, MARIA, PAULA, World, at, client

BY = {"device": 7, "actor": DIEGO, "at": "2026-11-23T11:30:00+00:00"}


def edit_phone(world: World, notes: str, allergies: str) -> None:
    """One local edit of two fields of María."""
    from desktop.services.cache import executor

    with world.cache.writing(world.actor, "client.save") as session:
        executor(session)(
            "UPDATE pacientes_cliente SET notas = ?, alergias = ? WHERE id = ?",
            (notes, allergies, MARIA),
        )


def conflicted(world: World) -> str:
    edit_phone(world, "mi nota", "Penicilina")
    return world.refuse(
        "conflict",
        world.rows(
            "pacientes_cliente",
            client(MARIA, "María José González Muñoz", "maria@example.com", notas="su nota"),
        ),
        columns=["notas"],
        by=BY,
    )


def test_an_item_says_what_who_why_and_the_values_of_both_sides(world: World) -> None:
    tx = conflicted(world)
    (item,) = world.services.inbox.items()
    assert item.tx == tx
    assert item.what == "Editar un cliente"
    assert item.subject == "María José González Muñoz"
    assert item.who == "Ana Admin"
    assert "Diego Soto Peña" in item.other
    assert "23-11-2026 08:30" in item.other
    fields = {field.label: field for field in item.records[0].fields}
    assert fields["Notas"].mine == "mi nota"
    assert fields["Notas"].theirs == "su nota"
    assert fields["Notas"].disputed
    assert fields["Alergias"].theirs == ""
    assert not fields["Alergias"].disputed
    assert item.ways == (Way.MERGE, Way.KEEP_MINE, Way.KEEP_THEIRS)
    assert world.services.inbox.count() == 1


def test_keep_mine_sends_the_draft_over_what_stands_there_now(world: World) -> None:
    tx = conflicted(world)
    world.services.inbox.keep_mine(world.actor, tx)
    (again,) = world.waiting()
    assert again.id != tx
    assert again.operations[0].old["notas"] == "su nota"
    assert again.operations[0].new["notas"] == "mi nota"
    assert world.services.inbox.items() == ()
    (settled,) = world.services.inbox.items(settled=True)
    assert settled.settled_how == "Se envió la mía otra vez"


def test_keep_theirs_sends_nothing_and_can_be_taken_back(world: World) -> None:
    tx = conflicted(world)
    inbox = world.services.inbox
    inbox.keep_theirs(world.actor, tx)
    assert world.waiting() == []
    row = world.row("pacientes_cliente", MARIA)
    assert row is not None
    assert row["notas"] == "su nota"
    assert inbox.items() == ()
    assert inbox.items(settled=True)[0].reopenable
    inbox.reopen(world.actor, tx)
    assert [item.tx for item in inbox.items()] == [tx]


def test_merge_sends_only_the_fields_that_were_chosen(world: World) -> None:
    tx = conflicted(world)
    inbox = world.services.inbox
    (item,) = inbox.items()
    allergies = next(f for f in item.records[0].fields if f.label == "Alergias")
    inbox.merge(world.actor, tx, {allergies.key})
    (again,) = world.waiting()
    assert again.operations[0].new == {"alergias": "Penicilina"}
    row = world.row("pacientes_cliente", MARIA)
    assert row is not None
    assert (row["notas"], row["alergias"]) == ("su nota", "Penicilina")


def test_an_overlap_takes_another_free_slot_and_refuses_one_that_is_taken(world: World) -> None:
    mine = world.book(10)
    tx = world.refuse(
        "overlap", world.rows("citas_cita", world.appointment(900, 10)), constraint="x", by=BY
    )
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.ways[0] is Way.OTHER_SLOT
    slots = inbox.free_slots(tx)
    assert slots
    assert all(slot.practitioner_id == PAULA for slot in slots)
    assert at(10) not in {slot.starts_at for slot in slots}
    with pytest.raises(RuleError, match=r"inbox\.slot_taken"):
        inbox.other_slot(world.actor, tx, at(10))
    assert inbox.count() == 1
    inbox.other_slot(world.actor, tx, at(11))
    (again,) = world.waiting()
    assert (again.label, again.operations[0].row_id) == ("appointment.book", mine)
    row = world.row("citas_cita", mine)
    assert row is not None
    assert row["fecha_hora"] == codec.instant_to_text(at(11))
    assert row["fin"] == codec.instant_to_text(at(11) + dt.timedelta(minutes=30))
    assert inbox.count() == 0


def test_a_slot_that_the_web_took_is_left_alone_and_mine_becomes_a_new_visit(world: World) -> None:
    offer = world.appointment(901, 12, estado="disponible", cliente_id=None, paciente_nombre=None)
    world.pull(world.rows("citas_cita", offer))
    from desktop.services.cache import executor

    with world.cache.writing(world.actor, "appointment.book") as session:
        executor(session)(
            "UPDATE citas_cita SET estado = 'reservada', cliente_id = ?, paciente_nombre = ?"
            " WHERE id = 901",
            (MARIA, "María José González Muñoz"),
        )
    tx = world.refuse(
        "conflict",
        world.rows("citas_cita", world.appointment(901, 12)),
        columns=["estado", "cliente_id"],
    )
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.ways == (Way.OTHER_SLOT, Way.KEEP_THEIRS)
    inbox.other_slot(world.actor, tx, at(13))
    theirs = world.row("citas_cita", 901)
    assert theirs is not None
    assert theirs["cliente_id"] == JUAN
    (again,) = world.waiting()
    (made,) = again.operations
    assert made.kind == "I"
    assert made.row_id != 901
    row = world.row("citas_cita", made.row_id)
    assert row is not None
    assert (row["cliente_id"], row["fecha_hora"]) == (MARIA, codec.instant_to_text(at(13)))


def test_what_builds_on_a_refused_change_is_settled_with_it(world: World) -> None:
    world.services.clients.create(
        world.actor,
        NewClient(full_name="Rosa Díaz Lagos", phone="987654321", email="juan2@example.com"),
    )
    (made,) = world.waiting()
    rosa = made.operations[0].row_id
    world.book(15, client=rosa)
    parent = world.refuse("duplicate", constraint="uq_pacientes_cliente_email", columns=["email"])
    inbox = world.services.inbox
    items = {item.tx: item for item in inbox.items()}
    assert len(items) == 2
    child = next(item for item in items.values() if item.code == "depends")
    assert items[parent].dependents == (child.tx,)
    assert child.depends_on == parent
    assert child.ways == ()
    with pytest.raises(RuleError, match=r"inbox\.with_parent"):
        inbox.keep_mine(world.actor, child.tx)
    email = next(f for f in items[parent].records[0].fields if f.label == "Correo")
    assert email.editable
    inbox.correct(world.actor, parent, {email.key: "rosa@example.com"})
    (again,) = world.waiting()
    assert {o.table for o in again.operations} == {"pacientes_cliente", "citas_cita"}
    row = world.row("pacientes_cliente", rosa)
    assert row is not None
    assert row["email"] == "rosa@example.com"
    assert inbox.items() == ()


def test_a_deleted_client_is_brought_back_under_the_draft(world: World) -> None:
    mine = world.book(16)
    tx = world.refuse("parent_missing", world.rows("pacientes_cliente", gone=(MARIA,)))
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.ways == (Way.RESTORE, Way.WITHOUT_LINK, Way.KEEP_THEIRS)
    inbox.restore(world.actor, tx)
    row = world.row("citas_cita", mine)
    assert row is not None
    assert row["cliente_id"] not in {None, MARIA}
    back = world.row("pacientes_cliente", row["cliente_id"])
    assert back is not None
    assert back["nombre_completo"] == "María José González Muñoz"
    (again,) = world.waiting()
    assert [o.table for o in again.operations] == ["pacientes_cliente", "citas_cita"]


def test_a_draft_goes_without_the_record_that_was_deleted(world: World) -> None:
    mine = world.book(16)
    tx = world.refuse("parent_missing", world.rows("pacientes_cliente", gone=(MARIA,)))
    world.services.inbox.without_link(world.actor, tx)
    row = world.row("citas_cita", mine)
    assert row is not None
    assert (row["cliente_id"], row["paciente_nombre"]) == (None, "María José González Muñoz")


def test_a_change_of_a_deleted_record_brings_the_record_back(world: World) -> None:
    edit_phone(world, "mi nota", "Látex")
    tx = world.refuse("gone", world.rows("pacientes_cliente", gone=(MARIA,)))
    inbox = world.services.inbox
    with pytest.raises(RuleError, match=r"inbox\.row_gone"):
        inbox.keep_mine(world.actor, tx)
    assert inbox.count() == 1
    inbox.restore(world.actor, tx)
    (again,) = world.waiting()
    assert again.operations[0].kind == "I"
    assert again.operations[0].new["notas"] == "mi nota"


def test_try_again_sends_the_same_row(world: World) -> None:
    mine = world.book(10)
    tx = world.refuse("overlap")
    world.services.inbox.try_again(world.actor, tx)
    (again,) = world.waiting()
    assert again.operations[0].row_id == mine
    with pytest.raises(RuleError, match=r"inbox\.settled"):
        world.services.inbox.try_again(world.actor, tx)


def test_the_draft_of_a_refused_booking_says_when_and_for_whom(world: World) -> None:
    world.book(10)
    tx = world.refuse("overlap")
    inbox = world.services.inbox
    draft = inbox.booking_draft(tx)
    assert (draft.starts_at, draft.minutes, draft.client_id) == (at(10), 30, MARIA)
    with pytest.raises(RuleError, match=r"inbox\.settled"):
        inbox.booking_draft("no such")


def test_settling_needs_the_permission(world: World) -> None:
    tx = conflicted(world)
    nobody = Actor(None, "Nadie", "nadie", "general", frozenset())
    for act in (world.services.inbox.keep_mine, world.services.inbox.keep_theirs):
        with pytest.raises(RuleError, match=r"permission\.denied"):
            act(nobody, tx)
    assert world.services.inbox.count() == 1


def test_the_outbox_is_exported_whole_and_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    conflicted(world)
    world.book(10)
    path = tmp_path / "pendiente.json"
    assert world.services.inbox.export(path) == 2
    content = json.loads(path.read_text("utf-8"))
    assert [t["label"] for t in content["waiting"]] == ["appointment.book"]
    assert content["refused"][0]["ops"][0]["new"]["notas"] == "mi nota"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(EnvironmentTrouble, match=r"inbox\.export_failed"):
        world.services.inbox.export(tmp_path / "no" / "folder.json")


def test_every_column_that_people_type_has_words() -> None:
    for table in sync_schema().tables:
        if not table.write_by:
            continue
        assert table.name in inbox_words.TABLES
        for column in table.columns:
            named = column.name in inbox_words.COLUMNS
            unspoken = column.stamp or column.name in inbox_words.UNSPOKEN
            assert named != unspoken or column.stamp, f"{table.name}.{column.name}"


def test_every_label_in_the_services_has_words() -> None:
    import re

    folder = Path(__file__).parents[2] / "desktop" / "services"
    found = set()
    for path in folder.rglob("*.py"):
        found |= set(
            re.findall(
                r'"((?:appointment|client|visit|payment|charge|till|note)\.[a-z_]+)"',
                path.read_text("utf-8"),
            )
        )
    assert found - set(inbox_words.ACTIONS) == set()
