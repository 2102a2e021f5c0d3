"""Clients are entered, read, changed and retired in a real encrypted cache."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import Charge, Client, Payment
from desktop.services.cache import Cache, executor
from desktop.services.clients import Clients
from desktop.services.clients_records import Change, NewClient
from sync import store
from tests.clients.conftest import ANA, Chart


def stored(cache: Cache, client_id: int) -> Client:
    with cache.reading() as session:
        return session.execute(sa.select(Client).where(Client.id == client_id)).scalar_one()


def code_of(call: Any, *arguments: Any) -> RuleError:
    with pytest.raises(RuleError) as caught:
        call(*arguments)
    return caught.value


def sent_labels(cache: Cache) -> list[str]:
    with cache.reading() as session:
        return [one.label for one in store.outbox(executor(session))]


def test_a_client_is_stored_as_the_contract_says(cache: Cache, ana: int) -> None:
    row = stored(cache, ana)
    assert (row.rut, row.phone, row.email) == ("12345678-5", "+56987654321", "ana@clinica.cl")
    assert row.birth_date == dt.date(1990, 11, 23)
    assert row.registered_at == cache.now()
    assert row.active is True
    assert row.account_id is None
    assert sent_labels(cache) == ["client.create"]


def test_a_client_reads_as_it_was_typed(clients: Clients, ana: int) -> None:
    details = clients.get(ana)
    assert details.fields == dataclasses.replace(
        ANA, phone="+56 9 8765 4321", email="ana@clinica.cl"
    )
    assert (details.age, details.active, details.unsent) == (36, True, True)


def test_without_email_and_phone_nothing_is_shown_and_both_columns_are_filled(
    cache: Cache, clients: Clients, administrator: Actor
) -> None:
    ids = [clients.create(administrator, NewClient(full_name=f"Sin {n}")) for n in ("Uno", "Dos")]
    emails = {stored(cache, one).email for one in ids}
    assert len(emails) == 2
    assert all(email.endswith("@sin-correo.invalid") for email in emails)
    assert {stored(cache, one).phone for one in ids} == {"+56900000000"}
    assert [(hit.email, hit.phone) for hit in clients.search("sin")] == [("", "")] * 2


@pytest.mark.parametrize(
    ("field", "typed", "code"),
    [
        ("full_name", " ", "name.empty"),
        ("rut", "12.345.678-9", "rut.check_digit"),
        ("phone", "123", "phone.too_short"),
        ("email", "ana@", "email.invalid"),
        ("birth_date", "31-02-1990", "birth_date.invalid"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    cache: Cache, clients: Clients, administrator: Actor, field: str, typed: str, code: str
) -> None:
    client = dataclasses.replace(ANA, **{field: typed})  # type: ignore[arg-type]
    error = code_of(clients.create, administrator, client)
    assert (error.code, error.params["field"]) == (code, field)
    assert {name: problem.code for name, problem in clients.problems(client).items()} == {
        field: code
    }
    assert sent_labels(cache) == []


def test_only_who_may_edit_clients_does(
    clients: Clients, ana: int, administrator: Actor, cache: Cache
) -> None:
    guest = dataclasses.replace(administrator, permissions=frozenset({"clients.view"}))
    for call in (
        lambda: clients.create(guest, ANA),
        lambda: clients.save(guest, ana, {}),
        lambda: clients.deactivate(guest, ana),
        lambda: clients.reactivate(guest, ana),
    ):
        assert code_of(call).code == "permission.denied"
    assert sent_labels(cache) == ["client.create"]


@pytest.mark.parametrize("spelt", ["12345678-5", "12.345.678-5", "123456785"])
def test_a_rut_belongs_to_one_client_however_another_program_spelt_it(
    clients: Clients, chart: Chart, administrator: Actor, spelt: str
) -> None:
    owner = chart.client("Rosa Rojas", rut=spelt)
    error = code_of(clients.create, administrator, dataclasses.replace(ANA, email=""))
    assert (error.code, error.params["client_id"]) == ("clients.rut_taken", owner)


def test_an_email_belongs_to_one_client_whatever_its_case(
    clients: Clients, chart: Chart, ana: int, administrator: Actor
) -> None:
    other = chart.client("Rosa Rojas", email="Rosa@X.cl")
    change = {"email": Change(old="ana@clinica.cl", new="rosa@x.cl")}
    error = code_of(clients.save, administrator, ana, change)
    assert (error.code, error.params["client_id"]) == ("clients.email_taken", other)
    assert error.params["name"] == "Rosa Rojas"


def test_saving_changes_the_named_fields_only(
    cache: Cache, clients: Clients, ana: int, administrator: Actor
) -> None:
    saved = clients.save(
        administrator,
        ana,
        {"phone": Change("+56 9 8765 4321", "22 234 5678"), "notes": Change(ANA.notes, "")},
    )
    assert saved.client.fields.phone == "+56 2 2234 5678"
    assert stored(cache, ana).notes is None
    with cache.reading() as session:
        last = store.outbox(executor(session))[-1]
    (operation,) = last.operations
    assert last.label == "client.save"
    assert set(operation.new) == {"telefono", "notas"}


def test_saving_what_stands_already_sends_nothing(
    cache: Cache, clients: Clients, ana: int, administrator: Actor
) -> None:
    saved = clients.save(administrator, ana, {"rut": Change("12.345.678-5", "12345678-5")})
    assert saved.undo is None
    assert sent_labels(cache) == ["client.create"]


def test_a_field_that_somebody_else_changed_is_not_written_over(
    cache: Cache, clients: Clients, ana: int, administrator: Actor
) -> None:
    clients.save(administrator, ana, {"notes": Change(ANA.notes, "De otra persona")})
    error = code_of(
        clients.save,
        administrator,
        ana,
        {"allergies": Change("Penicilina", "Látex"), "notes": Change(ANA.notes, "Mía")},
    )
    assert error.code == "clients.changed_meanwhile"
    assert (error.params["field"], error.params["theirs"]) == ("notes", "De otra persona")
    row = stored(cache, ana)
    assert (row.notes, row.allergies) == ("De otra persona", "Penicilina")


def test_two_people_may_change_different_fields(
    clients: Clients, ana: int, administrator: Actor
) -> None:
    clients.save(administrator, ana, {"notes": Change(ANA.notes, "Uno")})
    saved = clients.save(administrator, ana, {"allergies": Change("Penicilina", "Látex")})
    assert (saved.client.fields.notes, saved.client.fields.allergies) == ("Uno", "Látex")


def test_a_rut_that_another_program_got_wrong_does_not_stop_other_edits(
    clients: Clients, chart: Chart, administrator: Actor
) -> None:
    other = chart.client("Rosa Rojas", rut="11.111-0", email="not an email")
    saved = clients.save(administrator, other, {"notes": Change("", "Hola")})
    assert saved.client.fields.notes == "Hola"
    assert saved.client.fields.rut == "11.111-0"


def test_undo_takes_back_and_does_again(clients: Clients, ana: int, administrator: Actor) -> None:
    before = clients.get(ana).fields
    saved = clients.save(
        administrator,
        ana,
        {"email": Change("ana@clinica.cl", ""), "birth_date": Change("23-11-1990", "1-2-1991")},
    )
    assert (saved.client.fields.email, saved.client.fields.birth_date) == ("", "01-02-1991")
    assert saved.undo is not None
    again = saved.undo.run(administrator)
    assert clients.get(ana).fields == before
    assert again is not None
    again.run(administrator)
    assert clients.get(ana).fields == saved.client.fields


def test_undo_does_not_write_over_somebody_else(
    clients: Clients, ana: int, administrator: Actor
) -> None:
    saved = clients.save(administrator, ana, {"notes": Change(ANA.notes, "Uno")})
    clients.save(administrator, ana, {"notes": Change("Uno", "Dos")})
    assert saved.undo is not None
    assert code_of(saved.undo.run, administrator).code == "clients.changed_meanwhile"
    assert clients.get(ana).fields.notes == "Dos"


def test_a_retired_client_is_kept_found_last_and_taken_back(
    clients: Clients, chart: Chart, ana: int, administrator: Actor
) -> None:
    other = chart.client("Ana Zapata")
    chart.visit(ana, -1)
    assert [hit.id for hit in clients.search("ana")] == [ana, other]
    saved = clients.deactivate(administrator, ana)
    assert not saved.client.active
    assert [(hit.id, hit.active) for hit in clients.search("ana")] == [(other, True), (ana, False)]
    assert clients.deactivate(administrator, ana).undo is None
    assert saved.undo is not None
    saved.undo.run(administrator)
    assert clients.get(ana).active
    undo = clients.undo_create(ana).run(administrator)
    assert not clients.get(ana).active
    assert undo is not None
    undo.run(administrator)
    assert clients.get(ana).active


def test_a_client_who_is_gone_is_a_sentence(clients: Clients, administrator: Actor) -> None:
    for call in (
        lambda: clients.get(12),
        lambda: clients.save(administrator, 12, {}),
        lambda: clients.deactivate(administrator, 12),
    ):
        assert code_of(call).code == "clients.gone"


def test_a_practitioner_must_work_here(
    clients: Clients, chart: Chart, ana: int, administrator: Actor
) -> None:
    works, left = chart.practitioner("Dra. Vera"), chart.practitioner("Dr. Ido", active=False)
    assert [(one.id, one.full_name) for one in clients.practitioners()] == [(works, "Dra. Vera")]
    saved = clients.save(administrator, ana, {"practitioner_id": Change(None, works)})
    assert saved.client.practitioner == "Dra. Vera"
    error = code_of(clients.save, administrator, ana, {"practitioner_id": Change(works, left)})
    assert error.code == "clients.practitioner_unknown"


def test_visits_are_told_apart(clients: Clients, chart: Chart, ana: int) -> None:
    doctor = chart.practitioner("Dra. Vera")
    coming = [chart.visit(ana, 48, "reservada"), chart.visit(ana, 24, "confirmada")]
    past = [
        chart.visit(ana, -24, practitioner_id=doctor, reason="Control"),
        chart.visit(ana, -48, "no_show"),
        chart.visit(ana, -12, "cancelada"),
    ]
    chart.visit(ana, 5, "disponible")
    chart.visit(None, 3, "reservada")
    visits = clients.get(ana).visits
    assert [one.id for one in visits.upcoming] == coming[::-1]
    assert [one.id for one in visits.past] == [past[2], past[0], past[1]]
    assert (visits.past_total, visits.attended, visits.missed) == (3, 1, 1)
    assert (visits.past[1].practitioner, visits.past[1].service) == ("Dra. Vera", "Control")
    (hit,) = clients.search("iñiguez")
    now = clients._cache.now()
    assert hit.last_visit == now - dt.timedelta(hours=24)
    assert hit.next_visit == now + dt.timedelta(hours=24)
    assert hit.alerts


def test_the_balance_is_what_was_charged_less_what_was_paid(
    clients: Clients, chart: Chart, ana: int
) -> None:
    now = chart.cache.now()
    assert clients.get(ana).balance.owed == Decimal(0)

    def charge(amount: str, reverses: int | None = None) -> int:
        return chart.add(
            Charge(
                client_id=ana,
                client_name="Ana",
                description="Control",
                quantity=1,
                unit_price=abs(Decimal(amount)),
                discount=Decimal(0),
                amount=Decimal(amount),
                date=now.date(),
                reverses_id=reverses,
                created_at=now,
                device=1,
            )
        )

    charge("25000.50")
    charge("-10000", charge("10000"))
    chart.add(
        Payment(
            receipt_id=1,
            client_id=ana,
            method="efectivo",
            amount=Decimal("5000.25"),
            paid_at=now,
            created_at=now,
            device=1,
        )
    )
    balance = clients.get(ana).balance
    assert (balance.charged, balance.paid, balance.owed) == (
        Decimal("25000.50"),
        Decimal("5000.25"),
        Decimal("20000.25"),
    )


def test_duplicates_are_caught_at_entry(clients: Clients, chart: Chart, ana: int) -> None:
    phone = chart.client("Ana Iñigues", phone="+56987654321", email="otra@x.cl")
    chart.client("Pedro Íñiguez", phone="+56987654321")
    chart.web_account("Ana I.", rut="12345678-5")
    found = clients.possible_duplicates(
        NewClient(
            full_name="ana iñiguez", rut="123456785", phone="987654321", birth_date="23/11/1990"
        )
    )
    assert [(one.client_id, one.reasons, one.certain) for one in found] == [
        (ana, ("rut", "phone", "birth_date"), True),
        (None, ("rut",), False),
        (phone, ("phone",), False),
    ]
    assert clients.possible_duplicates(NewClient(full_name="Ana Íñiguez Soto")) == ()
    assert clients.possible_duplicates(NewClient(email="ANA@clinica.cl"))[0].client_id == ana
    assert clients.possible_duplicates(NewClient(email="ana@clinica.cl"), apart_from=ana) == ()
    assert clients.possible_duplicates(NewClient(rut="1234", phone="98", email="a@")) == ()


def test_a_web_account_is_known_by_its_email(clients: Clients, chart: Chart, ana: int) -> None:
    assert not clients.get(ana).web_account
    chart.web_account("Ana", email="Ana@clinica.cl")
    assert clients.get(ana).web_account


def test_results_come_by_pages_with_their_number(clients: Clients, chart: Chart) -> None:
    ids = [chart.client(f"Rosa {n}") for n in range(7)]
    first, second = clients.results("rosa", 4), clients.results("rosa", 4, 4)
    assert (first.total, second.total) == (7, 7)
    assert [hit.id for hit in first.hits + second.hits] == ids
    assert [hit.id for hit in clients.hits([ids[3], 99, ids[0]])] == [ids[3], ids[0]]


def test_an_export_holds_every_client_that_matches(
    clients: Clients, chart: Chart, ana: int, tmp_path: Path
) -> None:
    chart.client("=HYPERLINK(0) Rosa")
    chart.visit(ana, -24)
    target = tmp_path / "clients.csv"
    seen: list[tuple[int, int]] = []
    assert clients.export("", target, lambda done, total: seen.append((done, total))) == 2
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert rows[0][:3] == ["Nombre", "RUT", "Teléfono"]
    assert rows[1] == [
        "Ana Íñiguez Soto",
        "12.345.678-5",
        "+56 9 8765 4321",
        "ana@clinica.cl",
        "sí",
        "Penicilina",
        "22-11-2026 09:00",
        "",
    ]
    assert rows[2][0] == "'=HYPERLINK(0) Rosa"
    assert seen == [(2, 2)]


def test_an_export_that_can_not_be_written_or_is_stopped_leaves_no_file(
    clients: Clients, ana: int, tmp_path: Path
) -> None:
    folder = tmp_path / "missing"
    with pytest.raises(EnvironmentTrouble) as caught:
        clients.export("", folder / "clients.csv", lambda done, total: None)
    assert caught.value.code == "clients.export_failed"

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        clients.export("", tmp_path / "clients.csv", stop)
    assert [path for path in tmp_path.iterdir() if "clients.csv" in path.name] == []


def test_the_search_index_is_no_part_of_what_is_sent(
    cache: Cache, clients: Clients, ana: int, chart: Chart
) -> None:
    chart.visit(ana, -3)
    with cache.reading() as session:
        tables = {
            operation.table
            for one in store.outbox(executor(session))
            for operation in one.operations
        }
    assert tables == {"pacientes_cliente", "citas_cita"}
    assert [hit.id for hit in clients.search("ana")] == [ana]
