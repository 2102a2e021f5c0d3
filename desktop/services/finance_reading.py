"""Reading the ledger: the entries of a client or a visit, and what the screens show of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import ledger, receipt
from desktop.domain.errors import RuleError
from desktop.models import (
    Allocation,
    Appointment,
    Charge,
    Client,
    Payment,
    Receipt,
    Service,
    StaffMember,
)
from desktop.services.clinic import ClinicSettings
from desktop.services.finance_types import (
    AppointmentHeader,
    ChargeRow,
    ClientHeader,
    OpenCharge,
    ReceiptRow,
    Visit,
)

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Books:
    """Every entry of one client (or of one visit without a client).

    :ivar corrections: what is still to be entered so that every sum holds, where desks without a
        network settled the same thing; :attr:`allocations` counts it already.
    """

    charges: list[ledger.ChargeEntry]
    payments: list[ledger.PaymentEntry]
    allocations: list[ledger.AllocationEntry]
    corrections: list[ledger.AllocationEntry]

    @property
    def balance(self) -> Decimal:
        """What is owed; negative in the client's favour."""
        return ledger.balance(self.charges, self.payments)

    @property
    def open_charges(self) -> list[ledger.OpenItem]:
        """Charges not wholly paid, oldest first."""
        return ledger.open_charges(self.charges, self.allocations)

    @property
    def open_payments(self) -> list[ledger.OpenItem]:
        """Payments not wholly used, oldest first."""
        return ledger.open_payments(self.payments, self.allocations)

    @property
    def credit(self) -> Decimal:
        """What of the payments is not used."""
        return sum((item.open for item in self.open_payments), ZERO)

    @property
    def overpaid(self) -> Decimal:
        """How much of the credit only the corrections set free."""
        entered = self.allocations[: len(self.allocations) - len(self.corrections)]
        plain = sum((item.open for item in ledger.open_payments(self.payments, entered)), ZERO)
        return max(self.credit - plain, ZERO)


def books(session: Session, client_id: int | None, appointment_id: int | None) -> Books:
    """The entries of ``client_id``, or of the visit where it has no client.

    What was charged or paid while a visit had no client yet belongs to the client that it has now.
    """
    whose = _charges_of(client_id, appointment_id)
    charges = session.execute(
        sa.select(Charge.id, Charge.amount, Charge.date, Charge.reverses_id).where(whose)
    ).all()
    allocated = sa.select(Allocation.payment_id).where(
        Allocation.charge_id.in_(sa.select(Charge.id).where(whose))
    )
    anonymous = sa.and_(Payment.client_id.is_(None), Payment.id.in_(allocated))
    mine = anonymous if client_id is None else sa.or_(Payment.client_id == client_id, anonymous)
    payments = session.execute(
        sa.select(Payment.id, Payment.amount, Payment.paid_at, Payment.reverses_id).where(mine)
    ).all()
    allocations = session.execute(
        sa.select(Allocation.payment_id, Allocation.charge_id, Allocation.amount)
        .where(
            sa.or_(
                Allocation.charge_id.in_(sa.select(Charge.id).where(whose)),
                Allocation.payment_id.in_(sa.select(Payment.id).where(mine)),
            )
        )
        .order_by(Allocation.id)
    ).all()
    owed = [ledger.ChargeEntry(*row) for row in charges]
    paid = [ledger.PaymentEntry(*row) for row in payments]
    entered = [ledger.AllocationEntry(*row) for row in allocations]
    corrections = ledger.corrections(owed, paid, entered)
    return Books(owed, paid, [*entered, *corrections], corrections)


def _charges_of(client_id: int | None, appointment_id: int | None) -> sa.ColumnElement[bool]:
    if client_id is None:
        return sa.and_(Charge.client_id.is_(None), Charge.appointment_id == appointment_id)
    visits = sa.select(Appointment.id).where(Appointment.client_id == client_id)
    return sa.or_(
        Charge.client_id == client_id,
        sa.and_(Charge.client_id.is_(None), Charge.appointment_id.in_(visits)),
    )


def appointment_of(session: Session, appointment_id: int) -> Appointment:
    """The visit's row; ``finance.visit_gone`` where there is none."""
    found = session.get(Appointment, appointment_id)
    if found is None:
        raise RuleError("finance.visit_gone")
    return found


def visit(session: Session, clinic: ClinicSettings, appointment_id: int) -> Visit:
    """See :meth:`desktop.services.finance.Finance.visit`."""
    appointment = appointment_of(session, appointment_id)
    client = session.get(Client, appointment.client_id) if appointment.client_id else None
    entries = books(session, appointment.client_id, appointment_id)
    charges = _charge_rows(session, appointment_id, ledger.paid_by_charge(entries.allocations))
    due = sum((charge.open for charge in charges), ZERO)
    own = {charge.id for charge in charges}
    return Visit(
        appointment=_appointment_header(session, appointment, client),
        client=_client_header(client),
        charges=charges,
        receipts=_receipt_rows(session, clinic, appointment, own),
        charged=sum((charge.amount for charge in charges if not charge.reversed), ZERO),
        paid=sum((charge.paid for charge in charges), ZERO),
        due=due,
        balance=entries.balance,
        credit=entries.credit,
        overpaid=entries.overpaid,
        other_due=sum((item.open for item in entries.open_charges if item.id not in own), ZERO),
    )


def _client_header(client: Client | None) -> ClientHeader | None:
    if client is None:
        return None
    return ClientHeader(
        id=client.id,
        name=client.full_name,
        identity=client.rut,
        phone=client.phone,
        allergies=client.allergies,
        birth_date=client.birth_date,
    )


def _appointment_header(
    session: Session, appointment: Appointment, client: Client | None
) -> AppointmentHeader:
    service = session.get(Service, appointment.service_id) if appointment.service_id else None
    return AppointmentHeader(
        id=appointment.id,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        status=appointment.status,
        service_id=appointment.service_id,
        service=service.name if service else None,
        practitioner=staff_name(session, appointment.practitioner_id),
        reason=appointment.reason,
        client_name=client.full_name if client else (appointment.client_name or ""),
    )


def staff_name(session: Session, staff_id: int | None) -> str | None:
    """A staff member's name; ``None`` for nobody."""
    if staff_id is None:
        return None
    return session.execute(
        sa.select(StaffMember.full_name).where(StaffMember.id == staff_id)
    ).scalar()


def charges_of_visit(session: Session, appointment_id: int) -> Sequence[Charge]:
    """The rows of the visit's charges and their reversals, as they were entered."""
    return (
        session.execute(
            sa.select(Charge).where(Charge.appointment_id == appointment_id).order_by(Charge.id)
        )
        .scalars()
        .all()
    )


def _charge_rows(
    session: Session, appointment_id: int, paid: Mapping[int, Decimal]
) -> tuple[ChargeRow, ...]:
    rows = charges_of_visit(session, appointment_id)
    reversals = {row.reverses_id: row for row in rows if row.reverses_id is not None}
    names = _names(session, {row.created_by_id for row in rows})
    made = []
    for row in rows:
        if row.reverses_id is not None:
            continue
        reversal = reversals.get(row.id)
        settled = paid.get(row.id, ZERO)
        made.append(
            ChargeRow(
                id=row.id,
                description=row.description,
                quantity=row.quantity,
                unit_price=row.unit_price,
                discount=row.discount,
                reason=row.discount_reason,
                amount=row.amount,
                paid=settled,
                open=ZERO if reversal else max(row.amount - settled, ZERO),
                date=row.date,
                by=names.get(row.created_by_id),
                reversed=reversal is not None,
                reversal_reason=reversal.reversal_reason if reversal else None,
            )
        )
    return tuple(made)


def allocations_to(session: Session, charge_ids: Iterable[int]) -> list[ledger.AllocationEntry]:
    """What was allocated to these charges."""
    rows = session.execute(
        sa.select(Allocation.payment_id, Allocation.charge_id, Allocation.amount)
        .where(Allocation.charge_id.in_(tuple(charge_ids)))
        .order_by(Allocation.id)
    )
    return [ledger.AllocationEntry(*row) for row in rows]


def allocations_from(session: Session, payment_ids: Iterable[int]) -> list[ledger.AllocationEntry]:
    """What of these payments was allocated."""
    rows = session.execute(
        sa.select(Allocation.payment_id, Allocation.charge_id, Allocation.amount)
        .where(Allocation.payment_id.in_(tuple(payment_ids)))
        .order_by(Allocation.id)
    )
    return [ledger.AllocationEntry(*row) for row in rows]


def _names(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    wanted = tuple(staff for staff in ids if staff is not None)
    rows = session.execute(
        sa.select(StaffMember.id, StaffMember.full_name).where(StaffMember.id.in_(wanted))
    )
    return {row.id: row.full_name for row in rows}


def _receipt_rows(
    session: Session, clinic: ClinicSettings, appointment: Appointment, charges: set[int]
) -> tuple[ReceiptRow, ...]:
    paying = (
        sa.select(Payment.receipt_id)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Allocation.charge_id.in_(tuple(charges)))
    )
    shown: sa.ColumnElement[bool] = sa.or_(Receipt.id.in_(paying), Receipt.reverses_id.in_(paying))
    if appointment.client_id is not None:
        start, end = _day(clinic, appointment.starts_at)
        shown = sa.or_(
            shown,
            sa.and_(
                Receipt.client_id == appointment.client_id,
                Receipt.issued_at >= start,
                Receipt.issued_at < end,
            ),
        )
    rows = session.execute(
        sa.select(Receipt).where(shown).order_by(Receipt.issued_at, Receipt.id)
    ).scalars()
    receipts = list(rows)
    labels = {row.id: receipt.label(row.series, row.number) for row in receipts}
    reversed_ids = set(
        session.execute(
            sa.select(Receipt.reverses_id).where(Receipt.reverses_id.in_(tuple(labels)))
        ).scalars()
    )
    methods: dict[int, list[tuple[str, Decimal]]] = {row.id: [] for row in receipts}
    for receipt_id, method, amount in session.execute(
        sa.select(Payment.receipt_id, Payment.method, Payment.amount)
        .where(Payment.receipt_id.in_(tuple(labels)))
        .order_by(Payment.id)
    ):
        methods[receipt_id].append((method, amount))
    names = _names(session, {row.created_by_id for row in receipts})
    return tuple(
        ReceiptRow(
            id=row.id,
            label=labels[row.id],
            issued_at=row.issued_at,
            total=row.total,
            methods=tuple(methods[row.id]),
            by=names.get(row.created_by_id),
            reversed=row.id in reversed_ids,
            reverses=_label_of(session, row.reverses_id),
        )
        for row in receipts
    )


def _day(clinic: ClinicSettings, moment: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    day = moment.astimezone(clinic.zone).date()
    midnight = dt.datetime.combine(day, dt.time(), clinic.zone)
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), clinic.zone)
    return midnight.astimezone(dt.UTC), following.astimezone(dt.UTC)


def _label_of(session: Session, receipt_id: int | None) -> str | None:
    if receipt_id is None:
        return None
    found = session.get(Receipt, receipt_id)
    return receipt.label(found.series, found.number) if found else None


def open_charges(session: Session, client_id: int) -> list[OpenCharge]:
    """The client's charges that are not wholly paid, oldest first."""
    items = {item.id: item.open for item in books(session, client_id, None).open_charges}
    rows = session.execute(sa.select(Charge).where(Charge.id.in_(tuple(items)))).scalars()
    found = {row.id: row for row in rows}
    return [
        OpenCharge(
            id=charge,
            appointment_id=found[charge].appointment_id,
            description=found[charge].description,
            date=found[charge].date,
            amount=found[charge].amount,
            open=amount,
        )
        for charge, amount in items.items()
    ]


def receipt_details(session: Session, receipt_id: int) -> receipt.ReceiptDetails:
    """The receipt whole; ``finance.receipt_gone`` where there is none."""
    row = session.get(Receipt, receipt_id)
    if row is None:
        raise RuleError("finance.receipt_gone")
    payments = list(
        session.execute(
            sa.select(Payment).where(Payment.receipt_id == row.id).order_by(Payment.id)
        ).scalars()
    )
    reversal = session.execute(
        sa.select(Receipt).where(Receipt.reverses_id == row.id)
    ).scalar_one_or_none()
    lines, practitioner = _receipt_lines(session, row, payments)
    client = session.get(Client, row.client_id) if row.client_id else None
    return receipt.ReceiptDetails(
        id=row.id,
        series=row.series,
        number=row.number,
        client_id=row.client_id,
        client_name=row.client_name,
        client_identity=client.rut if client else None,
        practitioner=practitioner,
        issued_at=row.issued_at,
        issued_by=staff_name(session, row.created_by_id) or "",
        device=row.device,
        total=row.total,
        payments=tuple(
            receipt.PaymentDetails(
                id=payment.id,
                method=payment.method,
                amount=payment.amount,
                reference=payment.external_reference,
                tendered=payment.tendered,
            )
            for payment in payments
        ),
        lines=lines,
        balance=_balance_after(session, row),
        reverses=_label_of(session, row.reverses_id),
        reversed_by=receipt.label(reversal.series, reversal.number) if reversal else None,
        reversal_reason=row.reversal_reason,
    )


def _receipt_lines(
    session: Session, row: Receipt, payments: Sequence[Payment]
) -> tuple[tuple[receipt.ReceiptLine, ...], str | None]:
    """What the receipt paid when it was issued; what was set free or used later is not on it."""
    allocations = session.execute(
        sa.select(Allocation.charge_id, sa.func.sum(Allocation.amount).label("paid"))
        .where(
            Allocation.payment_id.in_([payment.id for payment in payments]),
            _until(row, Allocation.created_at, Allocation.id, Allocation.device),
            (Allocation.amount < ZERO)
            if row.reverses_id is not None
            else (Allocation.amount > ZERO),
        )
        .group_by(Allocation.charge_id)
    ).all()
    paid: dict[int, Decimal] = {row.charge_id: row.paid for row in allocations}
    charges = session.execute(
        sa.select(Charge).where(Charge.id.in_(tuple(paid))).order_by(Charge.date, Charge.id)
    ).scalars()
    lines = []
    practitioners: list[int] = []
    for charge in charges:
        if charge.practitioner_id is not None and charge.practitioner_id not in practitioners:
            practitioners.append(charge.practitioner_id)
        lines.append(
            receipt.ReceiptLine(
                charge_id=charge.id,
                description=charge.description,
                quantity=charge.quantity,
                unit_price=charge.unit_price,
                discount=charge.discount,
                amount=charge.amount,
                paid=paid[charge.id],
                date=charge.date,
            )
        )
    only = practitioners[0] if len(practitioners) == 1 else None
    return tuple(lines), staff_name(session, only)


def _until(row: Receipt, created_at: Any, row_id: Any, device: Any) -> sa.ColumnElement[bool]:
    """Entered no later than the receipt.

    Entries of one local transaction bear one time, and so may the next transaction's where the
    clock stands still; a receipt takes its id after all of its parts, so the ids of its own device
    tell them apart.
    """
    later = sa.and_(created_at == row.created_at, device == row.device, row_id > row.id)
    if row.device == 0:
        return sa.and_(created_at <= row.created_at)
    return sa.and_(created_at <= row.created_at, sa.not_(later))


def _balance_after(session: Session, row: Receipt) -> Decimal | None:
    """What the client owed right after the receipt, as far as this workstation knows."""
    if row.client_id is None:
        return None
    charged = session.execute(
        sa.select(Charge.amount).where(
            _charges_of(row.client_id, None),
            _until(row, Charge.created_at, Charge.id, Charge.device),
        )
    ).scalars()
    paid = session.execute(
        sa.select(Payment.amount).where(
            Payment.client_id == row.client_id,
            _until(row, Payment.created_at, Payment.id, Payment.device),
        )
    ).scalars()
    return sum(charged, ZERO) - sum(paid, ZERO)
