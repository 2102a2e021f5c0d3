"""Charging, paying and reversing on a real encrypted cache."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal

import pytest
import sqlalchemy as sa

from desktop.domain import ledger
from desktop.domain.errors import RuleError
from desktop.models import (
    Allocation,
    Appointment,
    Charge,
    Payment,
    Receipt,
    TillMovement,
    sync_schema,
)
from desktop.services.cache import executor
from desktop.services.finance import ChargeLine, PaymentPart
from sync import store
from sync.apply import apply_answer
from sync.wire import ExchangeAnswer, Result
from tests.finance.conftest import (
    CLEANING,
    CONTROL,
    CROWN,
    MARIA,
    NEXT_VISIT,
    ODD,
    PEDROS,
    SLOT,
    VISIT,
    WALK_IN,
    World,
    pulled,
)

CASH, CARD, TRANSFER = ledger.CASH, ledger.CARD, ledger.TRANSFER


def part(method: str, amount: int, reference: str = "") -> PaymentPart:
    return PaymentPart(method, Decimal(amount), reference)


def refused(world: World, code: str, call: object, *arguments: object, **more: object) -> None:
    """The call breaks the rule ``code`` and leaves nothing behind."""
    before = counts(world)
    with pytest.raises(RuleError) as error:
        call(*arguments, **more)  # type: ignore[operator]
    assert error.value.code == code
    assert counts(world) == before


def counts(world: World) -> list[int]:
    with world.cache.reading() as session:
        return [
            session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()
            for model in (Charge, Receipt, Payment, Allocation, TillMovement)
        ]


def mirrored(world: World, appointment_id: int) -> tuple[object, object, object]:
    with world.cache.reading() as session:
        row = session.get(Appointment, appointment_id)
        assert row is not None
        return row.price_charged, row.payment_method, row.price_change_reason


def outbox(world: World) -> list[tuple[str, list[tuple[str, str]]]]:
    with world.cache.reading() as session:
        return [
            (tx.label, [(operation.table, operation.kind) for operation in tx.operations])
            for tx in store.outbox(executor(session))
        ]


def test_services_are_priced_in_whole_pesos_and_only_active_ones(world: World) -> None:
    prices = {service.name: service.price for service in world.finance.services()}
    assert prices == {
        "Control": 25000,
        "Corona de porcelana": 289990,
        "Limpieza dental": 38500,
        "Radiografía": 12501,
    }


def test_a_visit_is_charged_and_paid_in_two_methods(world: World) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL), ChargeLine(CLEANING, quantity=2)])
    visit = finance.visit(VISIT)
    assert (visit.charged, visit.paid, visit.due, visit.balance) == (102000, 0, 102000, 102000)
    assert visit.client is not None
    assert visit.client.allergies == "Penicilina, látex"
    assert visit.appointment.practitioner == "Dra. Josefa Muñoz"

    receipt = finance.take_payment(
        actor,
        MARIA,
        VISIT,
        [part(CASH, 60000), part(CARD, 42000, " voucher  991 ")],
        tendered=Decimal(70000),
    )
    assert receipt.label == "001-000001"
    assert receipt.total == 102000
    assert receipt.change == 10000
    assert receipt.advance == 0
    assert receipt.balance == 0
    assert receipt.issued_by == "Ana Admin"
    assert [(line.description, line.paid) for line in receipt.lines] == [
        ("Control", 25000),
        ("Limpieza dental", 77000),
    ]
    assert [(p.method, p.amount, p.reference, p.tendered) for p in receipt.payments] == [
        (CASH, 60000, None, 70000),
        (CARD, 42000, "voucher 991", None),
    ]
    paid = finance.visit(VISIT)
    assert (paid.charged, paid.paid, paid.due, paid.balance) == (102000, 102000, 0, 0)
    assert [row.label for row in paid.receipts] == ["001-000001"]
    assert mirrored(world, VISIT) == (102000, CASH, None)
    with world.cache.reading() as session:
        movements = session.execute(
            sa.select(TillMovement.kind, TillMovement.method, TillMovement.amount)
        ).all()
    assert [tuple(row) for row in movements] == [("pago", CASH, 60000), ("pago", CARD, 42000)]


def test_money_travels_as_inserts_that_nothing_can_conflict_with(world: World) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    receipt = world.finance.take_payment(world.actor, MARIA, VISIT, [part(CASH, 25000)])
    world.finance.reverse_receipt(world.actor, receipt.id, "Error de tipeo")
    sent = outbox(world)
    assert [label for label, _operations in sent] == [
        "visit.charge",
        "visit.price",
        "payment.take",
        "visit.price",
        "payment.reverse",
        "visit.price",
    ]
    for label, operations in sent:
        if label == "visit.price":
            assert operations == [("citas_cita", "U")]
        else:
            assert {kind for _table, kind in operations} == {"I"}
    assert [table for table, _kind in sent[2][1]] == [
        "finanzas_recibo",
        "finanzas_pago",
        "finanzas_asignacion",
        "caja_movimiento",
    ]


def test_the_oldest_charge_is_paid_first_unless_one_is_chosen(world: World, clock: object) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    clock.forward(days=7)  # type: ignore[attr-defined]
    (second,) = finance.charge(actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    finance.take_payment(actor, MARIA, NEXT_VISIT, [part(CASH, 10000)])
    assert [(row.description, row.open) for row in finance.open_charges(MARIA)] == [
        ("Control", 15000),
        ("Limpieza dental", 38500),
    ]
    finance.take_payment(actor, MARIA, NEXT_VISIT, [part(CASH, 8500)], charge_ids=[second])
    assert [row.open for row in finance.open_charges(MARIA)] == [15000, 30000]
    visit = finance.visit(NEXT_VISIT)
    assert (visit.due, visit.other_due, visit.balance) == (30000, 15000, 45000)


def test_an_advance_must_be_meant_and_can_be_used_later(world: World) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    refused(
        world,
        "finance.more_than_owed",
        finance.take_payment,
        actor,
        MARIA,
        VISIT,
        [part(CASH, 30000)],
    )
    refused(
        world,
        "finance.advance_not_needed",
        finance.take_payment,
        actor,
        MARIA,
        VISIT,
        [part(CASH, 24000)],
        advance=Decimal(5000),
    )
    receipt = finance.take_payment(actor, MARIA, VISIT, [part(CASH, 30000)], advance=Decimal(5000))
    assert (receipt.advance, receipt.balance) == (5000, -5000)
    assert finance.visit(VISIT).credit == 5000
    refused(world, "finance.no_credit", finance.use_credit, actor, MARIA)
    finance.charge(actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    assert finance.use_credit(actor, MARIA) == 5000
    assert [row.open for row in finance.open_charges(MARIA)] == [33500]
    assert finance.visit(NEXT_VISIT).credit == 0
    assert finance.client_balance(MARIA) == 33500
    assert mirrored(world, NEXT_VISIT) == (38500, CASH, None)
    again = finance.receipt(receipt.id)
    assert (again.advance, again.balance, len(again.lines)) == (5000, -5000, 1)


def test_a_reversed_receipt_gives_everything_back(world: World) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    receipt = finance.take_payment(actor, MARIA, VISIT, [part(CASH, 20000), part(TRANSFER, 5000)])
    reversal = finance.reverse_receipt(actor, receipt.id, "  Cobrado a  otra persona ")
    assert (reversal.number, reversal.total, reversal.reverses) == (2, -25000, "001-000001")
    assert reversal.reversal_reason == "Cobrado a otra persona"
    assert [line.paid for line in reversal.lines] == [-25000]
    assert finance.receipt(receipt.id).reversed_by == "001-000002"
    visit = finance.visit(VISIT)
    assert (visit.due, visit.paid, visit.balance) == (25000, 0, 25000)
    assert [(row.reversed, row.reverses) for row in visit.receipts] == [
        (True, None),
        (False, "001-000001"),
    ]
    assert mirrored(world, VISIT) == (25000, None, None)
    with world.cache.reading() as session:
        total = session.execute(sa.select(sa.func.sum(TillMovement.amount))).scalar_one()
    assert total == 0
    refused(
        world, "finance.already_reversed", finance.reverse_receipt, actor, receipt.id, "otra vez"
    )
    refused(world, "finance.is_reversal", finance.reverse_receipt, actor, reversal.id, "otra vez")


def test_a_reversed_charge_leaves_what_was_paid_as_an_advance(world: World) -> None:
    finance, actor = world.finance, world.actor
    first, second = finance.charge(actor, VISIT, [ChargeLine(CONTROL), ChargeLine(CLEANING)])
    finance.take_payment(actor, MARIA, VISIT, [part(CARD, 63500)])
    finance.reverse_charge(actor, first, "No se hizo")
    visit = finance.visit(VISIT)
    assert (visit.charged, visit.due, visit.credit, visit.balance) == (38500, 0, 25000, -25000)
    assert [(row.id, row.reversed, row.reversal_reason) for row in visit.charges] == [
        (first, True, "No se hizo"),
        (second, False, None),
    ]
    assert mirrored(world, VISIT) == (38500, CARD, None)
    refused(world, "finance.already_reversed", finance.reverse_charge, actor, first, "otra vez")


def test_a_walk_in_without_a_client_can_pay(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, WALK_IN, [ChargeLine(CONTROL)])
    refused(
        world,
        "finance.advance_needs_client",
        finance.take_payment,
        actor,
        None,
        WALK_IN,
        [part(CASH, 26000)],
        advance=Decimal(1000),
    )
    receipt = finance.take_payment(actor, None, WALK_IN, [part(CASH, 25000)])
    assert (receipt.client_name, receipt.balance) == ("Visita sin ficha", None)
    assert finance.visit(WALK_IN).due == 0
    refused(world, "finance.paid_without_client", finance.reverse_charge, actor, charge, "no fue")
    finance.reverse_receipt(actor, receipt.id, "no fue")
    finance.reverse_charge(actor, charge, "no fue")
    visit = finance.visit(WALK_IN)
    assert (visit.charged, visit.due, visit.balance) == (0, 0, 0)


def test_what_a_visit_cost_before_its_client_was_known_is_the_clients(world: World) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, WALK_IN, [ChargeLine(CONTROL)])
    finance.take_payment(actor, None, WALK_IN, [part(CASH, 5000)])
    with world.cache.writing(actor, "test") as session:
        row = session.get(Appointment, WALK_IN)
        assert row is not None
        row.client_id = MARIA
    assert finance.client_balance(MARIA) == 20000
    finance.take_payment(actor, MARIA, WALK_IN, [part(CASH, 20000)])
    assert finance.client_balance(MARIA) == 0


def test_another_price_and_a_discount_need_a_reason_and_a_permission(world: World) -> None:
    finance, actor = world.finance, world.actor
    cheaper = ChargeLine(CONTROL, unit_price=Decimal(20000), discount=Decimal(1000))
    refused(world, "finance.reason_needed", finance.charge, actor, VISIT, [cheaper])
    may_not = dataclasses.replace(actor, permissions=actor.permissions - {"finance.discount"})
    with_reason = dataclasses.replace(cheaper, reason="Convenio  empresa")
    refused(world, "permission.denied", finance.charge, may_not, VISIT, [with_reason])
    finance.charge(actor, VISIT, [with_reason])
    (row,) = finance.visit(VISIT).charges
    assert (row.amount, row.reason) == (19000, "Convenio empresa")
    assert mirrored(world, VISIT) == (19000, None, "Convenio empresa")


def test_what_the_other_programs_wrote_stands_where_the_ledger_has_nothing(world: World) -> None:
    with world.cache.writing(world.actor, "test") as session:
        row = session.get(Appointment, VISIT)
        assert row is not None
        row.payment_method, row.price_change_reason = TRANSFER, "Django"
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    assert mirrored(world, VISIT) == (25000, TRANSFER, "Django")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (ChargeLine(999), "finance.service_unknown"),
        (ChargeLine(CONTROL, quantity=0), "finance.quantity_range"),
        (ChargeLine(CONTROL, quantity=1000), "finance.quantity_range"),
        (ChargeLine(CONTROL, unit_price=Decimal(-1), reason="x"), "finance.price_negative"),
        (ChargeLine(CONTROL, unit_price=Decimal("0.5"), reason="x"), "money.too_fine"),
        (ChargeLine(CONTROL, discount=Decimal(25001), reason="x"), "money.discount_range"),
        (ChargeLine(CONTROL, discount=Decimal(-1), reason="x"), "money.discount_range"),
        (ChargeLine(CROWN, quantity=999), "money.too_large"),
    ],
)
def test_a_line_that_breaks_a_rule_charges_nothing(
    world: World, line: ChargeLine, code: str
) -> None:
    refused(world, code, world.finance.charge, world.actor, VISIT, [ChargeLine(CLEANING), line])


def test_a_visit_never_costs_more_than_the_shared_column_holds(world: World) -> None:
    line = ChargeLine(CROWN, quantity=300)
    world.finance.charge(world.actor, VISIT, [line])
    refused(world, "money.too_large", world.finance.charge, world.actor, VISIT, [line])


@pytest.mark.parametrize(
    ("parts", "more", "code"),
    [
        ([], {}, "finance.no_parts"),
        ([part(CASH, 0)], {}, "finance.part_not_positive"),
        ([part(CASH, -5)], {}, "finance.part_not_positive"),
        ([part("cheque", 5)], {}, "finance.method_unknown"),
        ([part(CASH, 5), part(CASH, 6)], {}, "finance.method_twice"),
        ([PaymentPart(CASH, Decimal("0.5"))], {}, "money.too_fine"),
        ([part(CASH, 500)], {"tendered": Decimal(400)}, "finance.tendered_too_little"),
        ([part(CARD, 500)], {"tendered": Decimal(600)}, "finance.tendered_without_cash"),
        ([part(CASH, 500)], {"charge_ids": [12345]}, "finance.charge_not_open"),
    ],
)
def test_a_payment_that_breaks_a_rule_records_nothing(
    world: World, parts: list[PaymentPart], more: dict[str, object], code: str
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    refused(world, code, world.finance.take_payment, world.actor, MARIA, VISIT, parts, **more)


def test_things_that_are_not_there(world: World) -> None:
    finance, actor = world.finance, world.actor
    refused(world, "finance.visit_gone", finance.visit, 999)
    refused(world, "finance.visit_gone", finance.charge, actor, 999, [ChargeLine(CONTROL)])
    refused(world, "finance.visit_not_booked", finance.charge, actor, SLOT, [ChargeLine(CONTROL)])
    refused(world, "finance.no_lines", finance.charge, actor, VISIT, [])
    refused(world, "finance.charge_gone", finance.reverse_charge, actor, 999, "x")
    refused(world, "finance.receipt_gone", finance.reverse_receipt, actor, 999, "x")
    refused(world, "finance.receipt_gone", finance.receipt, 999)
    refused(world, "finance.client_gone", finance.take_payment, actor, 999, None, [part(CASH, 5)])
    refused(world, "finance.client_gone", finance.take_payment, actor, None, None, [part(CASH, 5)])
    refused(world, "finance.reason_needed", finance.reverse_receipt, actor, 1, "  ")
    refused(world, "finance.reason_needed", finance.reverse_charge, actor, 1, "")


@pytest.mark.parametrize(
    ("permission", "call"),
    [
        ("finance.charge", lambda f, a: f.charge(a, VISIT, [ChargeLine(CONTROL)])),
        ("finance.pay", lambda f, a: f.take_payment(a, MARIA, VISIT, [part(CASH, 1)])),
        ("finance.pay", lambda f, a: f.use_credit(a, MARIA)),
        ("finance.reverse", lambda f, a: f.reverse_charge(a, 1, "x")),
        ("finance.reverse", lambda f, a: f.reverse_receipt(a, 1, "x")),
    ],
)
def test_every_action_asks_for_its_permission(world: World, permission: str, call: object) -> None:
    may_not = dataclasses.replace(world.actor, permissions=world.actor.permissions - {permission})
    refused(world, "permission.denied", call, world.finance, may_not)


def test_a_practitioners_own_device_charges_but_takes_no_payment(world: World) -> None:
    with world.cache.writing_local() as session:
        store.set_state(executor(session), "profile", "practitioner")
    (charge,) = world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    refused(
        world,
        "finance.not_at_this_device",
        world.finance.take_payment,
        world.actor,
        MARIA,
        VISIT,
        [part(CASH, 25000)],
    )
    world.finance.reverse_charge(world.actor, charge, "no se hizo")
    assert world.finance.client_balance(MARIA) == 0


def test_receipts_are_numbered_without_gaps_in_the_devices_own_series(world: World) -> None:
    finance, actor = world.finance, world.actor
    with pulled(world.cache) as session:
        session.add(
            Receipt(
                id=(9 << 39) + 1,
                series=9,
                number=41,
                client_name="otra estación",
                total=Decimal(1),
                issued_at=world.cache.now(),
                created_at=world.cache.now(),
                device=9,
            )
        )
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    labels = []
    for amount in (1000, 2000, 3000):
        labels.append(finance.take_payment(actor, MARIA, VISIT, [part(CASH, amount)]).label)
        refused(
            world,
            "finance.more_than_owed",
            finance.take_payment,
            actor,
            MARIA,
            VISIT,
            [part(CASH, 99999)],
        )
    assert labels == ["001-000001", "001-000002", "001-000003"]


def test_a_number_that_stands_on_paper_is_not_given_again(world: World) -> None:
    """The server refused the receipt that was handed out. Catches two papers with one number."""
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.take_payment(actor, MARIA, VISIT, [part(CASH, 1000)])
    with world.cache.reading() as session:
        (tx,) = (tx.id for tx in store.outbox(executor(session)) if tx.label == "payment.take")
    with contextlib.closing(world.cache.connect()) as connection:
        answer = ExchangeAnswer("ok", results=(Result(tx, applied=False, code="duplicate"),))
        apply_answer(connection, sync_schema(), answer, world.cache.now())
    assert counts(world)[1] == 0
    assert finance.take_payment(actor, MARIA, VISIT, [part(CASH, 1000)]).label == "001-000002"


def test_pedros_money_is_not_marias(world: World) -> None:
    finance, actor = world.finance, world.actor
    finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.charge(actor, PEDROS, [ChargeLine(ODD)])
    assert finance.client_balance(MARIA) == 25000
    assert [row.open for row in finance.open_charges(MARIA)] == [25000]
    (charge,) = [row.id for row in finance.visit(PEDROS).charges]
    refused(
        world,
        "finance.charge_not_open",
        finance.take_payment,
        actor,
        MARIA,
        VISIT,
        [part(CASH, 1000)],
        charge_ids=[charge],
    )
