"""How a sum is split over methods while somebody types. No Qt in here.

What was typed stands; the part that was not typed takes what is left. So one method pays all until
another amount is written, and whoever asks for a second method finds the rest in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from desktop.domain import ledger, money
from desktop.domain.errors import RuleError
from desktop.domain.locale_format import money as spelled

ZERO = Decimal(0)
TENDERED = "tendered"
"""Name of the field for the cash that was handed over."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the fields mean now.

    :ivar amounts: method → amount, of the methods that pay something.
    :ivar missing: of what is due, still unpaid; ``excess`` what is beyond it.
    :ivar tendered: cash handed over, ``None`` where nothing was written.
    :ivar problem: why this can't be recorded, ``None`` where it can; ``where`` is the field
        (a method or ``tendered``) that it is about.
    """

    amounts: dict[str, Decimal]
    total: Decimal
    missing: Decimal
    excess: Decimal
    tendered: Decimal | None
    change: Decimal
    problem: RuleError | None
    where: str | None

    @property
    def valid(self) -> bool:
        """Whether the payment can be recorded."""
        return self.problem is None


@dataclass
class Tender:
    """The fields of a payment.

    :ivar due: what is to be paid; a part of it may be.
    :ivar automatic: the method that takes what is left, ``None`` where every amount was typed.
    :ivar keep_excess: what is paid beyond ``due`` stays as an advance.
    """

    currency: str
    due: Decimal = ZERO
    texts: dict[str, str] = field(default_factory=dict)
    tendered: str = ""
    automatic: str | None = None
    keep_excess: bool = False

    def start(self, due: Decimal) -> None:
        """Everything anew: cash pays what is due."""
        self.due, self.texts, self.tendered = due, {}, ""
        self.automatic, self.keep_excess = None, False
        if due > 0:
            self.pay_with(ledger.CASH)

    def owe(self, due: Decimal) -> None:
        """Another amount is due; what was typed stands."""
        self.due = due
        self._balance()

    def pay_with(self, method: str) -> None:
        """``method`` pays what is left; what another took without being typed moves here."""
        if self.automatic is not None:
            self.texts.pop(self.automatic, None)
        self.texts.pop(method, None)
        self.automatic = method
        if ledger.CASH not in self.texts and method != ledger.CASH:
            self.tendered = ""
        self._balance()

    def write(self, method: str, text: str) -> None:
        """Somebody typed an amount."""
        if method == self.automatic:
            self.automatic = None
        if text.strip():
            self.texts[method] = text
        else:
            self.texts.pop(method, None)
        self._balance()

    def text(self, method: str) -> str:
        """What stands in the method's field."""
        return self.texts.get(method, "")

    def _balance(self) -> None:
        if self.automatic is None:
            return
        others = ZERO
        for method, text in self.texts.items():
            if method != self.automatic:
                try:
                    others += money.parse(text, self.currency)
                except RuleError:
                    return
        rest = self.due - others
        if rest > 0:
            self.texts[self.automatic] = money.plain(rest, self.currency)
        else:
            self.texts.pop(self.automatic, None)

    def outlook(self) -> Outlook:
        """What the fields mean now."""
        amounts: dict[str, Decimal] = {}
        problem, where = None, None
        for method in ledger.METHODS:
            if method not in self.texts:
                continue
            try:
                amounts[method] = money.parse_positive(self.texts[method], self.currency)
            except RuleError as error:
                if problem is None:
                    problem, where = error, method
        total = sum(amounts.values(), ZERO)
        tendered, change = None, ZERO
        if self.tendered.strip():
            try:
                tendered = money.parse_positive(self.tendered, self.currency)
                change = tendered - amounts.get(ledger.CASH, ZERO)
                if change < 0:
                    missing = spelled(-change, self.currency)
                    raise RuleError("finance.tendered_too_little", missing=missing)
            except RuleError as error:
                change = ZERO
                if problem is None:
                    problem, where = error, TENDERED
        if problem is None and not amounts:
            problem = RuleError("finance.no_parts")
        excess = max(total - self.due, ZERO)
        if problem is None and excess and not self.keep_excess:
            problem = RuleError("finance.excess", excess=spelled(excess, self.currency))
        return Outlook(
            amounts=amounts,
            total=total,
            missing=max(self.due - total, ZERO),
            excess=excess,
            tendered=tendered,
            change=change,
            problem=problem,
            where=where,
        )
