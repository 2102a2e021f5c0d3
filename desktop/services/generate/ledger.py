"""What visits cost and how they are paid: every payment is spent on charges to the last peso."""

from __future__ import annotations

import random
from collections import deque

from desktop.domain.ledger import TILL_PAYMENT
from desktop.services.generate import words
from desktop.services.generate.calendar import Slot
from desktop.services.generate.clinic import Clinic, PricedService
from desktop.services.generate.loading import NULL, Loader
from desktop.services.generate.people import ClientRow
from desktop.services.generate.sizes import Size

SERIES = 0
"""The receipts of the history were issued by no workstation."""

PAYS = 0.79
SPLITS = 0.08
LEAVES_SOME = 0.1
REVERSED = 0.004
DISCOUNTED = 0.03


class Ledger:
    """Writes charges, receipts, payments, allocations and till movements as visits end."""

    def __init__(
        self,
        loader: Loader,
        rng: random.Random,
        clinic: Clinic,
        size: Size,
        clients: list[ClientRow],
    ) -> None:
        self._loader = loader
        self._rng = rng
        self._clinic = clinic
        self._clients = clients
        self._charges_per_visit = size.charges / size.notes
        self._payments_per_visit = size.payments / size.notes
        self._visits = 0
        self._open: dict[int, deque[list[int]]] = {}

    def visit(self, slot: Slot, appointment: int, day: str, at: str) -> tuple[int, str | None]:
        """Charges a visit that has ended and, as most do, takes a payment.

        :param day: ISO date; :param at: the moment of both, as PostgreSQL reads it.
        Returns what the visit cost and the method by which the client paid, ``None`` for later.
        """
        self._visits += 1
        rng = self._rng
        desk = self._clinic.desk[slot.practitioner % len(self._clinic.desk)]
        total = 0
        for number in range(self._lines()):
            service = slot.service if number == 0 else self._extra()
            total += self._charge(slot, appointment, service, day, at, desk)
        expected = self._visits * self._payments_per_visit
        given = self._loader.counts["finanzas_pago"]
        pays = rng.random() < PAYS
        if abs(given - expected) > 20:
            pays = given < expected
        if pays:
            return total, self._pay(slot.client, at, desk)
        if rng.random() < REVERSED:
            total -= self._reverse(slot, appointment, day, at, desk)
        return total, None

    def _lines(self) -> int:
        behind = self._visits * self._charges_per_visit - self._loader.counts["finanzas_cargo"]
        if behind > 5:
            return 3
        if behind < -1:
            return 1
        return 1 + int(self._rng.random() * 3)

    def _extra(self) -> PricedService:
        extras = self._clinic.extras
        return extras[int(self._rng.random() ** 2 * len(extras))]

    def _charge(
        self, slot: Slot, appointment: int, service: PricedService, day: str, at: str, desk: int
    ) -> int:
        rng = self._rng
        quantity = 2 if not service.minutes and rng.random() < 0.2 else 1
        discount, reason = 0, NULL
        if rng.random() < DISCOUNTED:
            discount = service.price * quantity // 10
            reason = rng.choice(words.DISCOUNT_REASONS)
        amount = service.price * quantity - discount
        client = self._clients[slot.client]
        charge = self._loader.next_id("finanzas_cargo")
        staff = self._clinic.practitioners[slot.practitioner].staff_id
        self._loader.add(
            "finanzas_cargo",
            f"{charge}\t{client.id}\t{client.name}\t{appointment}\t{service.id}\t{staff}"
            f"\t{service.name}\t{quantity}\t{service.price}\t{discount}\t{reason}\t{amount}\t{day}"
            f"\t\\N\t\\N\t{desk}\t{at}\t0\n",
        )
        self._open.setdefault(slot.client, deque()).append(
            [charge, amount, quantity, service.price, discount]
        )
        return amount

    def _reverse(self, slot: Slot, appointment: int, day: str, at: str, desk: int) -> int:
        """Counters the charge that was made last; nothing of it was paid."""
        charge, amount, quantity, price, discount = self._open[slot.client].pop()
        client = self._clients[slot.client]
        reason = self._rng.choice(words.REVERSAL_REASONS)
        self._loader.add(
            "finanzas_cargo",
            f"{self._loader.next_id('finanzas_cargo')}\t{client.id}\t{client.name}\t{appointment}"
            f"\t\\N\t\\N\tReversa\t{quantity}\t{price}\t{discount}\t\\N\t{-amount}\t{day}"
            f"\t{charge}\t{reason}\t{desk}\t{at}\t0\n",
        )
        return amount

    def _pay(self, client_index: int, at: str, desk: int) -> str:
        rng, loader = self._rng, self._loader
        charges = self._open[client_index]
        total = sum(charge[1] for charge in charges)
        if rng.random() < LEAVES_SOME and total >= 4000:
            total = total // 2000 * 1000
        client = self._clients[client_index]
        receipt = loader.next_id("finanzas_recibo")
        number = loader.counts["finanzas_recibo"] + 1
        loader.add(
            "finanzas_recibo",
            f"{receipt}\t{SERIES}\t{number}\t{client.id}\t{client.name}\t{total}\t{at}\t{desk}"
            f"\t{at}\t0\n",
        )
        method = self._method()
        parts = [(method, total)]
        if total >= 10_000 and rng.random() < SPLITS:
            first = total // 3000 * 1000
            other = "efectivo" if method != "efectivo" else "tarjeta"
            parts = [(method, total - first), (other, first)]
        for each, amount in parts:
            self._payment(receipt, client, each, amount, at, desk)
            self._allocate(charges, loader.next_id("finanzas_pago") - 1, amount, at, desk)
        return method

    def _payment(
        self, receipt: int, client: ClientRow, method: str, amount: int, at: str, desk: int
    ) -> None:
        loader = self._loader
        payment = loader.next_id("finanzas_pago")
        reference = NULL if method == "efectivo" else f"{int(self._rng.random() * 10**8):08d}"
        loader.add(
            "finanzas_pago",
            f"{payment}\t{receipt}\t{client.id}\t{method}\t{amount}\t{reference}\t{at}\t{desk}"
            f"\t{at}\t0\n",
        )
        loader.add(
            "caja_movimiento",
            f"{loader.next_id('caja_movimiento')}\t{TILL_PAYMENT}\t{method}\t{amount}\t{payment}"
            f"\t\\N\t{at}\t{desk}\t{at}\t0\n",
        )

    def _allocate(
        self, charges: deque[list[int]], payment: int, amount: int, at: str, desk: int
    ) -> None:
        """Spends a payment on the oldest charges first."""
        while amount:
            charge = charges[0]
            part = min(charge[1], amount)
            self._loader.add(
                "finanzas_asignacion",
                f"{self._loader.next_id('finanzas_asignacion')}\t{payment}\t{charge[0]}\t{part}"
                f"\t{desk}\t{at}\t0\n",
            )
            amount -= part
            charge[1] -= part
            if not charge[1]:
                charges.popleft()

    def _method(self) -> str:
        draw = self._rng.random()
        return "tarjeta" if draw < 0.46 else "transferencia" if draw < 0.78 else "efectivo"
