"""What was saved before the server was put back on purpose: back whole, in part, or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import pytest
from sqlalchemy import event

from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.permissions import permissions_of
from desktop.models import sync_schema
from desktop.services.cache import executor
from desktop.services.clients import NewClient
from desktop.services.inbox_records import Way
from sync import codec, store
from sync.calls import Recover
from sync.recovery import recovering
from sync.wire import Result
from tests.shell.conftest import DIEGO, JUAN, MARIA, World, at, client
from tests.shell.test_inbox import edit_phone

NEW_DEVICE = 9


def acknowledge(world: World) -> list[str]:
    """The server applies everything that waits."""
    waiting = [transaction.id for transaction in world.waiting()]
    world.pull(results=tuple(Result(tx, applied=True) for tx in waiting))
    return waiting


def put_back(world: World, *gone: tuple[str, int]) -> list[str]:
    """The server is put back on purpose and has none of it; the rows that it lacks go.

    The drafts that it left, in order.
    """
    with contextlib.closing(world.cache.connect()) as connection:
        conversation = recovering(connection, sync_schema(), world.clock)
        assert isinstance(next(conversation), Recover)
        answer = {
            "status": "ok",
            "device": NEW_DEVICE,
            "nonce": "restored",
            "generation": 1,
            "epoch": "e2",
            "cursor": "0",
            "known": [],
            "mode": "review",
            "results": [],
        }
        with contextlib.suppress(StopIteration):
            conversation.send(json.dumps(answer))
    for table, row_id in gone:
        world.pull(world.rows(table, gone=(row_id,)))
    return [item.tx for item in world.services.inbox.items()]


def rosa(world: World, email: str = "rosa@example.com") -> int:
    """A new client; her id."""
    world.services.clients.create(
        world.actor, NewClient(full_name="Rosa Díaz Lagos", phone="987654321", email=email)
    )
    return world.waiting()[-1].operations[0].row_id


def names(world: World) -> list[str]:
    with world.cache.reading() as session:
        rows = executor(session)("SELECT nombre_completo FROM pacientes_cliente ORDER BY id")
    return [name for (name,) in rows]


@pytest.fixture
def reception(administrator: Actor) -> Actor:
    allowed = permissions_of("administrativo")
    return dataclasses.replace(administrator, role="administrativo", permissions=allowed)


def test_a_visit_comes_back_with_the_client_it_was_for(world: World) -> None:
    client_id = rosa(world)
    visit = world.book(10, client=client_id)
    acknowledge(world)
    first, second = put_back(world, ("citas_cita", visit), ("pacientes_cliente", client_id))
    inbox = world.services.inbox
    made, booked = inbox.items()
    assert (made.code, made.what, made.subject) == (
        "restored",
        "Agregar un cliente",
        "Rosa Díaz Lagos",
    )
    assert "se restauró a propósito" in made.reason
    assert made.ways == (Way.BRING_BACK, Way.LEAVE_OUT)
    assert (booked.needs, booked.permission) == ((first,), "admin")
    assert booked.ways == (Way.BRING_BACK, Way.OTHER_SLOT, Way.LEAVE_OUT)

    assert inbox.bring_back(world.actor, second).done == 2
    assert inbox.items() == ()
    assert {item.settled_how for item in inbox.items(settled=True)} == {"Se trajo de vuelta"}
    # Under the ids that they had: the server applies each once, whoever brings it.
    again = world.waiting()
    assert [(t.id, t.again) for t in again] == [(first, True), (second, True)]
    assert [o.row_id for t in again for o in t.operations] == [client_id, visit]
    row = world.row("citas_cita", visit)
    assert row is not None
    assert (row["cliente_id"], row["fecha_hora"]) == (client_id, codec.instant_to_text(at(10)))
    assert names(world).count("Rosa Díaz Lagos") == 1


def test_what_comes_back_later_finds_what_came_before(world: World) -> None:
    client_id = rosa(world)
    first_visit = world.book(10, client=client_id)
    second_visit = world.book(11, client=client_id)
    acknowledge(world)
    txs = put_back(
        world,
        ("citas_cita", first_visit),
        ("citas_cita", second_visit),
        ("pacientes_cliente", client_id),
    )
    inbox = world.services.inbox
    for tx in txs:
        inbox.bring_back(world.actor, tx)
    visits = [o for t in world.waiting() for o in t.operations if o.table == "citas_cita"]
    (made,) = [o for t in world.waiting() for o in t.operations if o.table != "citas_cita"]
    assert [o.new["cliente_id"] for o in visits] == [made.row_id] * 2 == [client_id] * 2


def test_all_come_back_in_their_order_and_the_last_word_stays_the_last(world: World) -> None:
    client_id = rosa(world)
    for notes in ("primera", "segunda"):
        with world.cache.writing(world.actor, "client.save") as session:
            executor(session)(
                "UPDATE pacientes_cliente SET notas = ? WHERE id = ?", (notes, client_id)
            )
    edit_phone(world, "mi nota", "Penicilina")
    acknowledge(world)
    txs = put_back(world, ("pacientes_cliente", client_id))
    world.pull(world.rows("pacientes_cliente", client(MARIA, "María", "maria@example.com")))
    told: list[tuple[int, int]] = []
    inbox = world.services.inbox
    back = inbox.bring_back_all(
        world.actor, list(reversed(txs)), lambda done, of: told.append((done, of))
    )
    assert (back.done, back.left) == (4, ())
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]
    # Each of them is a local transaction of its own: the server may refuse one and take the rest.
    assert len(world.waiting()) == 4
    made = world.waiting()[0].operations[0].row_id
    row = world.row("pacientes_cliente", made)
    maria = world.row("pacientes_cliente", MARIA)
    assert row is not None
    assert maria is not None
    assert (row["notas"], maria["notas"]) == ("segunda", "mi nota")
    assert inbox.items() == ()


def test_what_others_made_and_no_backup_has_comes_back_from_what_was_kept(world: World) -> None:
    """The web made the client; the workstation booked for her; the server lost both."""
    world.pull(world.rows("pacientes_cliente", client(77, "Web Nueva", "web@example.com")))
    visits = [world.book(hour, client=77) for hour in (10, 11)]
    acknowledge(world)
    txs = put_back(world, *(("citas_cita", visit) for visit in visits), ("pacientes_cliente", 77))
    inbox = world.services.inbox
    assert inbox.items()[0].ways == (Way.BRING_BACK, Way.WITHOUT_LINK, Way.LEAVE_OUT)
    inbox.bring_back(world.actor, txs[0])
    # The other one is for the same person, who is not brought back twice.
    assert inbox.items()[0].ways == (Way.BRING_BACK, Way.OTHER_SLOT, Way.LEAVE_OUT)
    inbox.bring_back(world.actor, txs[1])
    assert names(world).count("Web Nueva") == 1


def test_a_change_comes_back_field_by_field(world: World) -> None:
    edit_phone(world, "mi nota", "Penicilina")
    acknowledge(world)
    (tx,) = put_back(world)
    world.pull(
        world.rows("pacientes_cliente", client(MARIA, "María", "maria@example.com", notas="otra"))
    )
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.ways == (Way.BRING_BACK, Way.MERGE, Way.LEAVE_OUT)
    fields = {field.label: field for field in item.records[0].fields}
    assert (fields["Notas"].mine, fields["Notas"].theirs) == ("mi nota", "otra")
    inbox.merge(world.actor, tx, {fields["Alergias"].key})
    (again,) = world.waiting()
    assert again.operations[0].new == {"alergias": "Penicilina"}


def test_what_is_left_out_sends_nothing_and_can_be_taken_back(world: World) -> None:
    client_id = rosa(world)
    visit = world.book(10, client=client_id)
    acknowledge(world)
    txs = put_back(world, ("citas_cita", visit), ("pacientes_cliente", client_id))
    inbox = world.services.inbox
    inbox.leave_out(world.actor, txs)
    assert world.waiting() == []
    assert inbox.items() == ()
    assert all(item.reopenable for item in inbox.items(settled=True))
    with pytest.raises(RuleError, match=r"inbox\.settled"):
        inbox.leave_out(world.actor, txs)
    inbox.reopen(world.actor, *txs)
    assert [item.tx for item in inbox.items()] == txs
    inbox.bring_back(world.actor, txs[0])
    with pytest.raises(RuleError, match=r"inbox\.not_reopenable"):
        inbox.reopen(world.actor, txs[0])


def test_a_client_left_out_comes_back_with_a_visit_and_not_twice(world: World) -> None:
    client_id = rosa(world)
    visit = world.book(10, client=client_id)
    acknowledge(world)
    first, second = put_back(world, ("citas_cita", visit), ("pacientes_cliente", client_id))
    inbox = world.services.inbox
    inbox.leave_out(world.actor, [first])
    inbox.bring_back(world.actor, second)
    assert names(world).count("Rosa Díaz Lagos") == 1
    left = {item.tx: item for item in inbox.items(settled=True)}
    assert not left[first].reopenable
    assert left[first].settled_how == "Se trajo de vuelta"


def test_another_hour_is_found_for_a_visit_whose_time_was_sold_meanwhile(world: World) -> None:
    visit = world.book(10)
    acknowledge(world)
    (tx,) = put_back(world, ("citas_cita", visit))
    world.pull(world.rows("citas_cita", world.appointment(900, 10)))
    inbox = world.services.inbox
    made = inbox.other_slot(world.actor, tx, at(12))
    row = world.row("citas_cita", made)
    assert row is not None
    assert (made, row["cliente_id"]) == (visit, MARIA)
    # Not what was done once: a repeat of that one shall not pass for this.
    (sent,) = world.waiting()
    assert (sent.id != tx, sent.again) == (True, True)
    assert row["fecha_hora"] == codec.instant_to_text(at(12))


def test_one_that_cannot_come_back_stays_and_the_others_come(world: World) -> None:
    edit_phone(world, "mi nota", "Penicilina")
    with world.cache.writing(world.actor, "client.save") as session:
        executor(session)("UPDATE pacientes_cliente SET notas = 'x' WHERE id = ?", (JUAN,))
    acknowledge(world)
    txs = put_back(world, ("pacientes_cliente", MARIA))
    with world.cache.writing_local() as session:
        executor(session)("DELETE FROM inbox_grave")
    inbox = world.services.inbox
    assert inbox.items()[0].ways == (Way.LEAVE_OUT,)
    back = inbox.bring_back_all(world.actor, txs, lambda _done, _of: None)
    assert (back.done, back.there, back.left) == (0, 1, (txs[0],))
    assert [item.tx for item in inbox.items()] == [txs[0]]


def test_who_stops_it_keeps_what_came_and_what_waits(world: World) -> None:
    class Stopped(Exception):
        pass

    for notes in ("a", "b", "c"):
        edit_phone(world, notes, "x")
    acknowledge(world)
    txs = put_back(world)
    world.pull(world.rows("pacientes_cliente", client(MARIA, "María", "maria@example.com")))

    def tell(done: int, _of: int) -> None:
        if done == 1:
            raise Stopped

    inbox = world.services.inbox
    with pytest.raises(Stopped):
        inbox.bring_back_all(world.actor, txs, tell)
    assert len(world.waiting()) == 1
    assert [item.tx for item in inbox.items()] == txs[1:]


def test_only_an_administrator_decides(world: World, reception: Actor) -> None:
    edit_phone(world, "mi nota", "x")
    acknowledge(world)
    (tx,) = put_back(world)
    inbox = world.services.inbox
    for act in (
        lambda: inbox.bring_back(reception, tx),
        lambda: inbox.bring_back_all(reception, [tx], lambda _done, _of: None),
        lambda: inbox.leave_out(reception, [tx]),
        lambda: inbox.merge(reception, tx, set()),
        lambda: inbox.keep_mine(reception, tx),
        lambda: inbox.keep_theirs(reception, tx),
    ):
        with pytest.raises(RuleError, match=r"permission\.denied"):
            act()
    inbox.leave_out(world.actor, [tx])
    with pytest.raises(RuleError, match=r"permission\.denied"):
        inbox.reopen(reception, tx)
    assert world.waiting() == []
    assert "Ana Admin" in world.services.accounts.administrators()


def test_administrators_are_those_who_may_do_everything(world: World) -> None:
    with world.cache.writing(world.actor, "client.save") as session:
        executor(session)(
            "UPDATE personal_perfil SET puede_gestionar_personal = 0 WHERE id = ?", (DIEGO,)
        )
        executor(session)("UPDATE personal_perfil SET activo = 0 WHERE id = 1")
    assert world.services.accounts.administrators() == ("Paula Núñez Rojas",)


def test_what_was_never_acknowledged_is_no_draft(world: World) -> None:
    edit_phone(world, "esperando", "x")
    assert put_back(world) == []
    with world.cache.reading() as session:
        assert store.pending(executor(session)).count == 1


# What is there already ------------------------------------------------------------------------------


def lost_rosa(world: World) -> tuple[int, list[str]]:
    """Rosa and her visit, lost; her id and the drafts."""
    client_id = rosa(world)
    visit = world.book(10, client=client_id)
    acknowledge(world)
    return client_id, put_back(world, ("citas_cita", visit), ("pacientes_cliente", client_id))


def entered(world: World, name: str, email: str, **values: Any) -> None:
    """Somebody enters a client anew, elsewhere, after the server was put back."""
    world.clock.forward(hours=1)
    values = {"fecha_registro": codec.instant_to_text(world.clock())} | values
    world.pull(world.rows("pacientes_cliente", client(900, name, email, **values)))


def test_who_was_entered_again_meanwhile_is_not_brought_back_beside(world: World) -> None:
    _client_id, (first, second) = lost_rosa(world)
    entered(world, "Rosa Díaz", "ROSA@example.com")
    inbox = world.services.inbox
    made, booked = inbox.items()
    assert made.alike == ("Rosa Díaz (mismo correo, mismo teléfono y nombre parecido)",)
    assert made.certain
    assert made.ways == (Way.SAME, Way.BRING_BACK, Way.LEAVE_OUT)
    assert (booked.undecided, booked.ways) == (first, (Way.LEAVE_OUT,))
    for tx, code in ((first, "alike"), (second, "alike_first")):
        with pytest.raises(RuleError, match=rf"inbox\.{code}$"):
            inbox.bring_back(world.actor, tx)
    back = inbox.bring_back_all(world.actor, [first, second], lambda _done, _of: None)
    assert (back.done, back.left, back.alike) == (0, (), (first, second))
    assert world.waiting() == []


def test_the_one_that_is_there_stands_for_the_lost_one(world: World) -> None:
    client_id, (first, second) = lost_rosa(world)
    entered(world, "Rosa Díaz", "rosa@example.com")
    inbox = world.services.inbox
    back = inbox.keep_same(world.actor, first)
    assert (back.done, back.there) == (0, 1)
    assert world.waiting() == []
    assert [item.settled_how for item in inbox.items(settled=True)] == ["Ya existía"]
    (booked,) = inbox.items()
    assert (booked.undecided, booked.needs, booked.subject[:9]) == (None, (), "Rosa Díaz")
    inbox.bring_back(world.actor, second)
    (visit,) = (o for t in world.waiting() for o in t.operations)
    assert visit.new["cliente_id"] == 900 != client_id
    assert names(world).count("Rosa Díaz Lagos") == 0


def test_all_the_same_brings_both(world: World) -> None:
    _client_id, (first, _second) = lost_rosa(world)
    entered(world, "Rosa Diaz", "otra@example.com")
    inbox = world.services.inbox
    (made, _booked) = inbox.items()
    assert not made.certain
    # Only a person says that these two are one.
    back = inbox.bring_back_all(world.actor, [first], lambda _done, _of: None, same=True)
    assert back.alike == (first,)
    assert inbox.bring_back(world.actor, first, alike_too=True).done == 1
    assert "Rosa Díaz Lagos" in names(world)
    assert "Rosa Diaz" in names(world)


def test_at_once_those_that_are_surely_there_stand_for_the_lost_ones(world: World) -> None:
    _client_id, txs = lost_rosa(world)
    entered(world, "Rosa Díaz", "rosa@example.com")
    back = world.services.inbox.bring_back_all(world.actor, txs, lambda _done, _of: None, same=True)
    assert (back.done, back.there, back.left, back.alike) == (1, 1, (), ())
    (visit,) = (o for t in world.waiting() for o in t.operations)
    assert visit.new["cliente_id"] == 900


def test_who_was_known_beside_the_lost_one_is_somebody_else(world: World) -> None:
    """Mother and daughter have a telephone and a name: whoever entered the second knew the first."""
    mother = rosa(world, "madre@example.com")
    world.clock.forward(minutes=1)
    daughter = rosa(world, "hija@example.com")
    acknowledge(world)
    txs = put_back(world, ("pacientes_cliente", mother), ("pacientes_cliente", daughter))
    inbox = world.services.inbox
    assert [item.alike for item in inbox.items()] == [(), ()]
    assert inbox.bring_back_all(world.actor, txs, lambda _done, _of: None).done == 2


def test_who_has_the_name_and_the_birth_date_may_be_the_same(world: World) -> None:
    new = NewClient(full_name="Rosa Díaz Lagos", phone="987654321", birth_date="12-03-1980")
    client_id = world.services.clients.create(world.actor, new)
    acknowledge(world)
    put_back(world, ("pacientes_cliente", client_id))
    entered(world, "Rosa Díaz", "r@example.com", telefono="+56911112222")
    (before,) = world.services.inbox.items()
    assert before.alike == ()
    entered(
        world,
        "Rosa Díaz",
        "r@example.com",
        telefono="+56911112222",
        fecha_nacimiento="1980-03-12",
    )
    (item,) = world.services.inbox.items()
    assert item.alike == ("Rosa Díaz (misma fecha de nacimiento y nombre parecido)",)
    assert not item.certain


def test_a_visit_that_was_booked_again_is_found(world: World) -> None:
    visit = world.book(10)
    acknowledge(world)
    (tx,) = put_back(world, ("citas_cita", visit))
    again = world.appointment(900, 10, cliente_id=MARIA)
    world.pull(world.rows("citas_cita", again))
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.alike[0].startswith("María José González Muñoz (")
    assert item.ways[0] is Way.SAME
    world.pull(world.rows("citas_cita", again | {"estado": "cancelada"}))
    assert inbox.items()[0].alike == ()
    assert inbox.bring_back(world.actor, tx).done == 1


def test_what_a_copy_brought_back_already_is_there(world: World) -> None:
    client_id, txs = lost_rosa(world)
    inbox = world.services.inbox
    world.pull(
        world.rows("pacientes_cliente", client(client_id, "Rosa Díaz L.", "rosa@example.com"))
    )
    assert inbox.items()[0].alike == ()
    assert inbox.bring_back(world.actor, txs[0]).there == 1
    assert world.waiting() == []
    assert "Rosa Díaz L." in names(world)


def test_who_has_only_a_kept_image_does_not_double_a_client_either(world: World) -> None:
    """The web made the client, this workstation booked for her, another one entered her anew."""
    world.pull(world.rows("pacientes_cliente", client(77, "Web Nueva", "web@example.com")))
    visit = world.book(10, client=77)
    acknowledge(world)
    (tx,) = put_back(world, ("citas_cita", visit), ("pacientes_cliente", 77))
    entered(world, "Web Nueva", "web@example.com")
    inbox = world.services.inbox
    (item,) = inbox.items()
    assert item.alike == ("Web Nueva (mismo correo, mismo teléfono y nombre parecido)",)
    assert inbox.keep_same(world.actor, tx).done == 1
    (sent,) = (o for t in world.waiting() for o in t.operations)
    assert (sent.table, sent.new["cliente_id"]) == ("citas_cita", 900)


def test_what_the_server_refuses_after_all_waits_again(world: World) -> None:
    visit = world.book(10)
    acknowledge(world)
    (tx,) = put_back(world, ("citas_cita", visit))
    inbox = world.services.inbox
    inbox.bring_back(world.actor, tx)
    assert world.refuse("overlap") == tx
    (item,) = inbox.items()
    assert (item.tx, item.code, item.ways[0]) == (tx, "overlap", Way.OTHER_SLOT)
    assert inbox.items(settled=True) == ()


def test_what_comes_of_many_is_done_in_few_steps_each(world: World) -> None:
    """As many statements a draft for 120 as for 30: none reads all of them again."""

    def statements(count: int) -> int:
        create = world.services.clients.create
        ids = [
            create(
                world.actor,
                NewClient(full_name="Rosa Díaz", phone=f"9{50_000_000 + 1000 * count + n}"),
            )
            for n in range(count)
        ]
        acknowledge(world)
        gone = [("pacientes_cliente", row_id) for row_id in ids]
        txs = put_back(world, *gone)
        seen: list[str] = []
        listener = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731
        event.listen(world.cache._writer, "before_cursor_execute", listener)
        back = world.services.inbox.bring_back_all(world.actor, txs, lambda _done, _of: None)
        event.remove(world.cache._writer, "before_cursor_execute", listener)
        assert back.done == count
        return len(seen)

    few, many = statements(30), statements(120)
    assert many < 5 * few
