"""What the clients' services give to screens, and what they take from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from desktop.domain.actor import Actor


@dataclass(frozen=True, slots=True)
class ClientHit:
    """A line of the search results.

    :ivar rut: ``12.345.678-5`` or empty.
    :ivar phone: for reading, empty where none was given.
    :ivar email: empty where there is none.
    :ivar allergies: as written; empty where none are known.
    :ivar last_visit: start of the latest visit that took place or should have, aware UTC.
    :ivar next_visit: start of the next visit that is booked, aware UTC.
    """

    id: int
    full_name: str
    rut: str
    phone: str
    email: str
    active: bool
    allergies: str
    last_visit: dt.datetime | None
    next_visit: dt.datetime | None

    @property
    def alerts(self) -> bool:
        """Whether there is something to know before treating this person."""
        return bool(self.allergies)


@dataclass(frozen=True, slots=True)
class Results:
    """A page of search results and how many clients match in all."""

    hits: tuple[ClientHit, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A line of a client's visits; ``starts_at`` and ``ends_at`` are aware UTC."""

    id: int
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    status: str
    service: str
    practitioner: str
    upcoming: bool


@dataclass(frozen=True, slots=True)
class Visits:
    """A client's visits: the coming ones first to last, the past ones last to first.

    :ivar attended: how many took place.
    :ivar missed: how many the client did not come to.
    :ivar past_total: how many past visits there are, of which ``past`` holds the latest.
    """

    upcoming: tuple[Visit, ...]
    past: tuple[Visit, ...]
    past_total: int
    attended: int
    missed: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What a client was charged and has paid, in the clinic's currency."""

    charged: Decimal
    paid: Decimal

    @property
    def owed(self) -> Decimal:
        """Positive where the client owes; negative where money is held in advance."""
        return self.charged - self.paid


@dataclass(frozen=True, slots=True)
class ClientFields:
    """What a person writes of a client, each as text the way the screen shows it.

    :ivar practitioner_id: the staff member the client is assigned to.
    """

    full_name: str = ""
    rut: str = ""
    phone: str = ""
    email: str = ""
    birth_date: str = ""
    allergies: str = ""
    notes: str = ""
    practitioner_id: int | None = None


NewClient = ClientFields
"""A client that is not yet in the cache."""

FIELDS = (
    "full_name",
    "rut",
    "phone",
    "email",
    "birth_date",
    "allergies",
    "notes",
    "practitioner_id",
)


@dataclass(frozen=True, slots=True)
class ClientDetails:
    """Everything that the screen shows of a client.

    :ivar fields: as the person reads and edits them.
    :ivar web_account: whether the client has an account on the booking site.
    :ivar unsent: whether changes of the record wait to be sent.
    :ivar age: in whole years, on the clinic's calendar.
    """

    id: int
    fields: ClientFields
    active: bool
    registered_at: dt.datetime
    practitioner: str
    web_account: bool
    unsent: bool
    age: int | None
    visits: Visits
    balance: Balance


@dataclass(frozen=True, slots=True)
class Change:
    """A field's value that the person saw, and the one that was typed over it."""

    old: str | int | None
    new: str | int | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Somebody known who may be the same person.

    :ivar client_id: ``None`` where it is only an account on the booking site.
    :ivar reasons: of ``rut``, ``email``, ``phone`` (with a similar name), ``birth_date`` (with the
        same name).
    """

    client_id: int | None
    full_name: str
    rut: str
    phone: str
    email: str
    active: bool
    reasons: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether the record can't be kept beside the other one."""
        return self.client_id is not None and bool({"rut", "email"} & set(self.reasons))


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes an action back by a new one.

    :ivar label: the action that is taken back, e.g. ``client.save``.
    :ivar run: does it, and returns how to do it again. Raises ``clients.changed_meanwhile`` where
        somebody wrote over it since.
    """

    label: str
    run: Callable[[Actor], Undo | None]


@dataclass(frozen=True, slots=True)
class Saved:
    """The record after a change, and how to take the change back (``None``: nothing changed)."""

    client: ClientDetails
    undo: Undo | None


@dataclass(frozen=True, slots=True)
class Practitioner:
    """Somebody a client may be assigned to."""

    id: int
    full_name: str
