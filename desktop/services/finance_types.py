"""What the money service takes and gives: plain values, no rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PricedService:
    """A service that can be charged; the price is in whole units of the clinic's currency."""

    id: int
    name: str
    category: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A line to be charged.

    :ivar unit_price: ``None`` takes the service's own; another needs a ``reason``.
    :ivar discount: off the whole line, needs a ``reason``.
    """

    service_id: int
    quantity: int = 1
    unit_price: Decimal | None = None
    discount: Decimal = Decimal(0)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """What is paid by one method.

    :ivar amount: in the clinic's currency, above zero.
    :ivar reference: number of a transfer or of a card voucher.
    """

    method: str
    amount: Decimal
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ClientHeader:
    """Who is being charged."""

    id: int
    name: str
    identity: str | None
    phone: str
    allergies: str | None
    birth_date: dt.date | None


@dataclass(frozen=True, slots=True)
class AppointmentHeader:
    """The visit; times are aware UTC."""

    id: int
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    status: str
    service_id: int | None
    service: str | None
    practitioner: str | None
    reason: str | None
    client_name: str


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """A charge of the visit.

    :ivar reason: of a changed price or a discount.
    :ivar open: what is still to be paid; zero of a reversed one.
    """

    id: int
    description: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    reason: str | None
    amount: Decimal
    paid: Decimal
    open: Decimal
    date: dt.date
    by: str | None
    reversed: bool
    reversal_reason: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt that paid something of the visit, or was issued to its client that day.

    :ivar methods: method and amount of each payment.
    :ivar reverses: label of the receipt whose counter-entry this is.
    """

    id: int
    label: str
    issued_at: dt.datetime
    total: Decimal
    methods: tuple[tuple[str, Decimal], ...]
    by: str | None
    reversed: bool
    reverses: str | None


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """A charge of a client that is not wholly paid."""

    id: int
    appointment_id: int | None
    description: str
    date: dt.date
    amount: Decimal
    open: Decimal


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that the page of a visit shows.

    :ivar charged: of the visit, net of reversals; ``paid`` likewise; ``due`` is what is open.
    :ivar balance: what the client owes in all; negative is money in the client's favour.
    :ivar credit: advances that may be used.
    :ivar overpaid: how much of the credit is there because desks without a network settled the same
        thing; nothing any more once the credit was used or the ledger corrected.
    :ivar other_due: what is open from other visits.
    """

    appointment: AppointmentHeader
    client: ClientHeader | None
    charges: tuple[ChargeRow, ...]
    receipts: tuple[ReceiptRow, ...]
    charged: Decimal
    paid: Decimal
    due: Decimal
    balance: Decimal
    credit: Decimal
    overpaid: Decimal
    other_due: Decimal
