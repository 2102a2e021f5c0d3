"""The money of a clinic's day: charging a visit, taking a payment, reversing a mistake.

Every public function that changes something is one local transaction of inserts: nothing that
another workstation or program does can make it conflict. What the other programs read of a visit's
money (``precio_cobrado``, ``metodo_pago``) is derived from the ledger and written right after, in a
transaction of its own, so that a conflict there never takes a payment with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import ledger, money
from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money as spelled
from desktop.domain.receipt import ClinicHeader, ReceiptDetails
from desktop.domain.statuses import Status
from desktop.models import Charge, Client, Payment, Receipt, Service
from desktop.services import finance_entries as entries
from desktop.services import finance_reading as reading
from desktop.services.cache import Cache
from desktop.services.clinic import ClinicSettings
from desktop.services.finance_types import (
    ChargeLine,
    ChargeRow,
    ClientHeader,
    OpenCharge,
    PaymentPart,
    PricedService,
    ReceiptRow,
    Visit,
)

__all__ = [
    "ChargeLine",
    "ChargeRow",
    "ClientHeader",
    "Finance",
    "OpenCharge",
    "PaymentPart",
    "PricedService",
    "ReceiptRow",
    "Visit",
]

ZERO = Decimal(0)


class Finance:
    """Use cases of the ledger over one open cache. Amounts are exact, in the clinic's currency."""

    def __init__(self, cache: Cache, clinic: ClinicSettings) -> None:
        self._cache = cache
        self._clinic = clinic

    # Reading -------------------------------------------------------------------------------------
    def visit(self, appointment_id: int) -> Visit:
        """Everything that the page of a visit shows; ``finance.visit_gone`` where there is none."""
        with self._cache.reading() as session:
            return reading.visit(session, self._clinic, appointment_id)

    def services(self) -> list[PricedService]:
        """The active services by name, priced in whole units of the currency."""
        with self._cache.reading() as session:
            rows = session.execute(
                sa.select(Service.id, Service.name, Service.category, Service.base_price)
                .where(Service.active)
                .order_by(Service.name)
            )
            return [
                PricedService(
                    id=row.id,
                    name=row.name,
                    category=row.category,
                    price=money.rounded(row.base_price, self._clinic.currency),
                )
                for row in rows
            ]

    def receipt(self, receipt_id: int) -> ReceiptDetails:
        """A receipt as printed; ``finance.receipt_gone`` where there is none."""
        with self._cache.reading() as session:
            return reading.receipt_details(session, receipt_id)

    def client_balance(self, client_id: int) -> Decimal:
        """What the client owes; negative is money in the client's favour."""
        with self._cache.reading() as session:
            return reading.books(session, client_id, None).balance

    def open_charges(self, client_id: int) -> list[OpenCharge]:
        """The client's charges that are not wholly paid, oldest first."""
        with self._cache.reading() as session:
            return reading.open_charges(session, client_id)

    def header(self) -> ClinicHeader:
        """What stands at the top of the clinic's papers."""
        clinic = self._clinic
        return ClinicHeader(
            name=clinic.name,
            address=clinic.address,
            phone=clinic.phone,
            email=clinic.email,
            zone=clinic.zone,
            currency=clinic.currency,
        )

    # Charging ------------------------------------------------------------------------------------
    def charge(
        self, actor: Actor, appointment_id: int, lines: Sequence[ChargeLine]
    ) -> tuple[int, ...]:
        """Charge services to a visit; the ids of the charges.

        Needs ``finance.charge``, and ``finance.discount`` for another price or a discount. Raises
        ``finance.no_lines``, ``finance.visit_gone``, ``finance.visit_not_booked``,
        ``finance.service_unknown``, ``finance.quantity_range``, ``finance.reason_needed``,
        ``finance.price_negative``, ``money.discount_range``, ``money.too_fine``, ``money.too_large``.
        """
        actor.require("finance.charge")
        if not lines:
            raise RuleError("finance.no_lines")
        with self._cache.writing(actor, "visit.charge") as session:
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            appointment = reading.appointment_of(session, appointment_id)
            if appointment.status == Status.AVAILABLE:
                raise RuleError("finance.visit_not_booked")
            rows = entries.charge(entry, appointment, lines)
            before = reading.charges_of_visit(session, appointment_id)
            total = sum((row.amount for row in (*before, *rows)), ZERO)
            if total > money.LARGEST:
                raise RuleError("money.too_large", text=spelled(total, self._clinic.currency))
            entry.add(rows)
        self._mirror(actor, [appointment_id])
        return tuple(row.id for row in rows)

    def reverse_charge(self, actor: Actor, charge_id: int, reason: str) -> int:
        """Reverse a charge by a counter-entry, whose id is returned.

        What was paid of it stays with the client as an advance. Needs ``finance.reverse``. Raises
        ``finance.reason_needed``, ``finance.charge_gone``, ``finance.already_reversed``,
        ``finance.is_reversal``, ``finance.paid_without_client``.
        """
        actor.require("finance.reverse")
        reason = entries.reason_of(reason)
        with self._cache.writing(actor, "visit.charge.reverse") as session:
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            original = session.get(Charge, charge_id)
            if original is None:
                raise RuleError("finance.charge_gone")
            self._require_standing(session, Charge, original)
            freed = _released(session, charge_id)
            if freed and original.client_id is None:
                raise RuleError("finance.paid_without_client")
            if freed:
                entries.require_desk(session)
            reversal = entries.reversed_charge(entry, original, reason)
            entry.add([reversal])
            entries.write_allocations(entry, freed)
        self._mirror(actor, [original.appointment_id])
        return reversal.id

    # Paying --------------------------------------------------------------------------------------
    def take_payment(
        self,
        actor: Actor,
        client_id: int | None,
        appointment_id: int | None,
        parts: Sequence[PaymentPart],
        charge_ids: Sequence[int] | None = None,
        tendered: Decimal | None = None,
        advance: Decimal = ZERO,
    ) -> ReceiptDetails:
        """Take a payment in one or more methods and issue its receipt.

        The parts pay the charges ``charge_ids`` (in the order of their dates), or else the client's
        open charges, oldest first. Money beyond what is owed is refused unless it is exactly what
        ``advance`` says to keep in the client's favour.

        :param client_id: ``None`` for a visit without a client, whose own charges are paid.
        :param tendered: the cash that was handed over; the difference is the change.
        Needs ``finance.pay``. Raises what :func:`desktop.services.finance_entries.check_parts` and
        :func:`desktop.domain.ledger.check_total` raise, and ``finance.charge_not_open``,
        ``finance.client_gone``, ``finance.advance_needs_client``, ``finance.not_at_this_device``.
        """
        actor.require("finance.pay")
        currency = self._clinic.currency
        total, handed = entries.check_parts(parts, tendered, currency)
        entries.require_exact(advance, currency)
        self._correct(actor, client_id, appointment_id)
        with self._cache.writing(actor, "payment.take") as session:
            entries.require_desk(session)
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            name = self._payer(session, client_id, appointment_id)
            if advance and client_id is None:
                raise RuleError("finance.advance_needs_client")
            books = reading.books(session, client_id, appointment_id)
            charges = _chosen(books.open_charges, charge_ids)
            owed = sum((item.open for item in charges), ZERO)
            ledger.check_total(total, owed, advance, currency)
            drafts = [
                entries.Draft(
                    id=entry.id(),
                    method=part.method,
                    amount=part.amount,
                    reference=" ".join(part.reference.split())[: entries.REFERENCE_LENGTH] or None,
                    tendered=handed if part.method == ledger.CASH else None,
                )
                for part in parts
            ]
            allocations = ledger.settle(
                [ledger.OpenItem(draft.id, draft.amount) for draft in drafts], charges
            )
            receipt_id = entries.write_receipt(
                entry,
                client_id=client_id,
                client_name=name,
                payments=drafts,
                allocations=allocations,
            )
            visits = _visits(session, allocations)
        self._mirror(actor, visits)
        return self.receipt(receipt_id)

    def use_credit(
        self, actor: Actor, client_id: int, charge_ids: Sequence[int] | None = None
    ) -> Decimal:
        """Settle open charges with the client's advances, oldest first; how much was used.

        Needs ``finance.pay``. Raises ``finance.no_credit`` where there is nothing to use or to pay.
        """
        actor.require("finance.pay")
        self._correct(actor, client_id, None)
        with self._cache.writing(actor, "payment.use_credit") as session:
            entries.require_desk(session)
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            books = reading.books(session, client_id, None)
            charges = _chosen(books.open_charges, charge_ids)
            allocations = ledger.settle(books.open_payments, charges)
            if not allocations:
                raise RuleError("finance.no_credit")
            entries.write_allocations(entry, allocations)
            visits = _visits(session, allocations)
        self._mirror(actor, visits)
        return sum((allocation.amount for allocation in allocations), ZERO)

    def reverse_receipt(self, actor: Actor, receipt_id: int, reason: str) -> ReceiptDetails:
        """Reverse a receipt by another one with the negative payments; that receipt.

        The charges that it paid are open again; the money leaves this workstation's till. Needs
        ``finance.reverse``. Raises ``finance.reason_needed``, ``finance.receipt_gone``,
        ``finance.already_reversed``, ``finance.is_reversal``, ``finance.not_at_this_device``.
        """
        actor.require("finance.reverse")
        reason = entries.reason_of(reason)
        with self._cache.writing(actor, "payment.reverse") as session:
            entries.require_desk(session)
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            original = session.get(Receipt, receipt_id)
            if original is None:
                raise RuleError("finance.receipt_gone")
            self._require_standing(session, Receipt, original)
            payments = list(
                session.execute(
                    sa.select(Payment).where(Payment.receipt_id == receipt_id).order_by(Payment.id)
                ).scalars()
            )
            drafts = [
                entries.Draft(
                    id=entry.id(),
                    method=payment.method,
                    amount=-payment.amount,
                    reference=payment.external_reference,
                    reverses_id=payment.id,
                )
                for payment in payments
            ]
            allocations = ledger.reverse_payments(
                reading.allocations_from(session, [payment.id for payment in payments]),
                {draft.reverses_id: draft.id for draft in drafts if draft.reverses_id},
            )
            reversal_id = entries.write_receipt(
                entry,
                client_id=original.client_id,
                client_name=original.client_name,
                payments=drafts,
                allocations=allocations,
                reverses=original,
                reason=reason,
            )
            visits = _visits(session, allocations)
        self._mirror(actor, visits)
        return self.receipt(reversal_id)

    # Parts ---------------------------------------------------------------------------------------
    @staticmethod
    def _payer(session: Session, client_id: int | None, appointment_id: int | None) -> str:
        """The name for the receipt."""
        if client_id is not None:
            client = session.get(Client, client_id)
            if client is None:
                raise RuleError("finance.client_gone")
            return client.full_name
        if appointment_id is None:
            raise RuleError("finance.client_gone")
        appointment = reading.appointment_of(session, appointment_id)
        return appointment.client_name or ""

    @staticmethod
    def _require_standing(
        session: Session, kind: type[Charge | Receipt], row: Charge | Receipt
    ) -> None:
        if row.reverses_id is not None:
            raise RuleError("finance.is_reversal")
        undone = session.execute(sa.select(kind.id).where(kind.reverses_id == row.id)).first()
        if undone is not None:
            raise RuleError("finance.already_reversed")

    def _correct(self, actor: Actor, client_id: int | None, appointment_id: int | None) -> None:
        """Enter what :func:`desktop.domain.ledger.corrections` finds, before more is settled.

        In a transaction of its own: where another desk entered the same, only that is refused.
        """
        with self._cache.reading() as session:
            if not reading.books(session, client_id, appointment_id).corrections:
                return
        with self._cache.writing(actor, "payment.correct") as session:
            entries.require_desk(session)
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            due = reading.books(session, client_id, appointment_id).corrections
            entries.write_allocations(entry, due)

    def _mirror(self, actor: Actor, appointment_ids: Iterable[int | None]) -> None:
        with self._cache.writing(actor, "visit.price") as session:
            entry = entries.Entry.begin(self._cache, session, self._clinic, actor)
            for appointment_id in sorted({found for found in appointment_ids if found is not None}):
                entries.mirror(entry, appointment_id)


def _chosen(
    items: Sequence[ledger.OpenItem], charge_ids: Sequence[int] | None
) -> list[ledger.OpenItem]:
    if charge_ids is None:
        return list(items)
    wanted = set(charge_ids)
    chosen = [item for item in items if item.id in wanted]
    if len(chosen) < len(wanted):
        raise RuleError("finance.charge_not_open")
    return chosen


def _visits(session: Session, allocations: Sequence[ledger.AllocationEntry]) -> list[int | None]:
    ids = {allocation.charge_id for allocation in allocations}
    return list(
        session.execute(
            sa.select(Charge.appointment_id).where(Charge.id.in_(ids)).distinct()
        ).scalars()
    )


def _released(session: Session, charge_id: int) -> list[ledger.AllocationEntry]:
    allocations = reading.allocations_to(session, [charge_id])
    paying = {allocation.payment_id for allocation in allocations}
    originals = {
        row.id: row.reverses_id
        for row in session.execute(
            sa.select(Payment.id, Payment.reverses_id).where(
                Payment.id.in_(paying), Payment.reverses_id.is_not(None)
            )
        )
    }
    return ledger.release_charge(allocations, charge_id, originals)
