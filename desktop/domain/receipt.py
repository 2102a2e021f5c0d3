"""A receipt as people read it: what was paid, how, for what, and what is left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class ClinicHeader:
    """What stands at the top of the paper.

    :ivar currency: ISO 4217 code of every amount on it.
    """

    name: str
    address: str
    phone: str
    email: str
    zone: ZoneInfo
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentDetails:
    """One method's part of a receipt; of a reversal the amount is negative.

    :ivar tendered: cash handed over where it was more than the amount.
    """

    id: int
    method: str
    amount: Decimal
    reference: str | None
    tendered: Decimal | None

    @property
    def change(self) -> Decimal:
        """What was given back."""
        return self.tendered - self.amount if self.tendered is not None else Decimal(0)


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A charge that the receipt pays.

    :ivar amount: the charge's own amount.
    :ivar paid: how much of it this receipt settles; negative on a reversal.
    """

    charge_id: int
    description: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    amount: Decimal
    paid: Decimal
    date: dt.date


@dataclass(frozen=True, slots=True)
class ReceiptDetails:
    """A receipt whole.

    :ivar balance: what the client owed right after it (negative: in the client's favour); ``None``
        where there is no client.
    :ivar reverses: label of the receipt that this one reverses; ``reversed_by`` the other way round.
    """

    id: int
    series: int
    number: int
    client_id: int | None
    client_name: str
    client_identity: str | None
    practitioner: str | None
    issued_at: dt.datetime
    issued_by: str
    device: int
    total: Decimal
    payments: tuple[PaymentDetails, ...]
    lines: tuple[ReceiptLine, ...]
    balance: Decimal | None
    reverses: str | None = None
    reversed_by: str | None = None
    reversal_reason: str | None = None

    @property
    def label(self) -> str:
        """Series and number as printed: ``007-000123``."""
        return label(self.series, self.number)

    @property
    def allocated(self) -> Decimal:
        """How much settles charges; the rest of the total is an advance."""
        return sum((line.paid for line in self.lines), Decimal(0))

    @property
    def advance(self) -> Decimal:
        """What stays in the client's favour."""
        return self.total - self.allocated

    @property
    def change(self) -> Decimal:
        """Cash given back."""
        return sum((payment.change for payment in self.payments), Decimal(0))

    @property
    def is_reversal(self) -> bool:
        """Whether this is the counter-entry of another receipt."""
        return self.reverses is not None


def label(series: int, number: int) -> str:
    """Series and number as printed and as people say them: ``007-000123``."""
    return f"{series:03d}-{number:06d}"
