"""Money taken twice by desks without a network is nobody's loss: it is credit, to the last peso."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from desktop.domain import ledger
from desktop.models import Allocation, Charge, Payment, Receipt, TillMovement
from desktop.services.finance import ChargeLine, PaymentPart
from tests.finance.conftest import (
    CLEANING,
    CONTROL,
    MARIA,
    NEXT_VISIT,
    VISIT,
    WALK_IN,
    World,
    pulled,
)

OTHER = 9
LATER = dt.datetime(2026, 11, 23, 13, 0, tzinfo=dt.UTC)


def other_desk_pays(world: World, charge_id: int, amount: int, client_id: int | None) -> None:
    """What a pull brings of another desk, which took money for the same charge offline."""
    first = OTHER << 39
    stamps = {"created_by_id": 1, "created_at": LATER, "device": OTHER}
    with pulled(world.cache) as session:
        session.add_all(
            [
                Receipt(
                    id=first + 1,
                    series=OTHER,
                    number=1,
                    client_id=client_id,
                    client_name="María",
                    total=Decimal(amount),
                    issued_at=LATER,
                    **stamps,
                ),
                Payment(
                    id=first + 2,
                    receipt_id=first + 1,
                    client_id=client_id,
                    method=ledger.CARD,
                    amount=Decimal(amount),
                    paid_at=LATER,
                    **stamps,
                ),
                Allocation(
                    id=first + 3,
                    payment_id=first + 2,
                    charge_id=charge_id,
                    amount=Decimal(amount),
                    **stamps,
                ),
                TillMovement(
                    id=first + 4,
                    kind=ledger.TILL_PAYMENT,
                    method=ledger.CARD,
                    amount=Decimal(amount),
                    payment_id=first + 2,
                    at=LATER,
                    **stamps,
                ),
            ]
        )


def cash(amount: int) -> list[PaymentPart]:
    return [PaymentPart(ledger.CASH, Decimal(amount))]


def test_what_two_desks_took_for_one_charge_can_be_spent_on_another(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.take_payment(actor, MARIA, VISIT, cash(25000))
    other_desk_pays(world, charge, 25000, MARIA)
    visit = finance.visit(VISIT)
    assert (visit.due, visit.paid, visit.balance) == (0, 25000, -25000)
    assert (visit.credit, visit.overpaid) == (25000, 25000)
    finance.charge(actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    assert finance.use_credit(actor, MARIA) == 25000
    following = finance.visit(NEXT_VISIT)
    assert (following.due, following.credit, following.overpaid) == (13500, 0, 0)
    assert finance.client_balance(MARIA) == 13500
    assert finance.visit(VISIT).due == 0
    finance.take_payment(actor, MARIA, NEXT_VISIT, cash(13500))
    assert finance.client_balance(MARIA) == 0
    assert finance.open_charges(MARIA) == []


def test_part_of_it_twice_leaves_what_is_over_and_not_a_peso_more(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.take_payment(actor, MARIA, VISIT, cash(20001))
    other_desk_pays(world, charge, 15000, MARIA)
    visit = finance.visit(VISIT)
    assert (visit.due, visit.credit, visit.overpaid) == (0, 10001, 10001)


def test_giving_the_second_payment_back_leaves_the_charge_paid(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.take_payment(actor, MARIA, VISIT, cash(25000))
    other_desk_pays(world, charge, 25000, MARIA)
    finance.reverse_receipt(actor, (OTHER << 39) + 1, "pagado dos veces")
    visit = finance.visit(VISIT)
    assert (visit.due, visit.credit, visit.overpaid, visit.balance) == (0, 0, 0, 0)


def test_a_payment_for_a_charge_that_was_reversed_meanwhile_is_credit(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.reverse_charge(actor, charge, "no se hizo")
    other_desk_pays(world, charge, 25000, MARIA)
    visit = finance.visit(VISIT)
    assert (visit.due, visit.credit, visit.balance) == (0, 25000, -25000)
    (row,) = visit.charges
    assert (row.paid, row.open) == (0, 0)


def test_the_correction_is_entered_apart_so_that_a_payment_never_falls_with_it(
    world: World,
) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, VISIT, [ChargeLine(CONTROL)])
    finance.take_payment(actor, MARIA, VISIT, cash(25000))
    other_desk_pays(world, charge, 25000, MARIA)
    finance.charge(actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    receipt = finance.take_payment(actor, MARIA, NEXT_VISIT, cash(38500))
    assert [line.paid for line in receipt.lines] == [38500]
    with world.cache.reading() as session:
        entered = session.query(Allocation).filter(Allocation.amount < Decimal(0)).all()
        assert [(row.payment_id, row.amount) for row in entered] == [((OTHER << 39) + 2, -25000)]
        assert session.query(Charge).count() == 2
    assert finance.visit(NEXT_VISIT).credit == 25000


def test_who_has_no_file_gets_it_back_by_a_reversed_receipt(world: World) -> None:
    finance, actor = world.finance, world.actor
    (charge,) = finance.charge(actor, WALK_IN, [ChargeLine(CONTROL)])
    finance.take_payment(actor, None, WALK_IN, cash(25000))
    other_desk_pays(world, charge, 25000, None)
    visit = finance.visit(WALK_IN)
    assert (visit.due, visit.overpaid) == (0, 25000)
    finance.reverse_receipt(actor, (OTHER << 39) + 1, "pagado dos veces")
    visit = finance.visit(WALK_IN)
    assert (visit.due, visit.overpaid, visit.balance) == (0, 0, 0)
