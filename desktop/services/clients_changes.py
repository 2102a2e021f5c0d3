"""What was typed of a client, checked field by field and put in the stored form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import identifiers
from desktop.domain.errors import RuleError
from desktop.models import Client, StaffMember
from desktop.services import search

TEXT_FIELDS = frozenset({"allergies", "notes"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How the clinic's fields are read.

    :ivar country: ISO 3166 code of phones and identity numbers.
    :ivar today: the day on the clinic's calendar.
    """

    country: str
    today: dt.date

    def stored(self, field: str, typed: Any) -> Any:
        """The stored form of ``typed`` in ``field``; ``None`` for an empty optional field.

        Raises the :class:`RuleError` of the field, with ``field`` among its parameters.
        """
        if field == "practitioner_id":
            return typed
        text = str(typed or "")
        if field in TEXT_FIELDS:
            return text.strip() or None
        forms: dict[str, Callable[[str], Any]] = {
            "full_name": identifiers.full_name,
            "rut": lambda value: identifiers.identity_number(value, self.country),
            "phone": lambda value: identifiers.phone(value, self.country),
            "email": identifiers.email,
            "birth_date": lambda value: identifiers.birth_date(value, self.today),
        }
        try:
            return forms[field](text)
        except RuleError as error:
            raise RuleError(error.code, **{**error.params, "field": field}) from error


def require_free(session: Session, field: str, value: Any, client_id: int | None) -> None:
    """Raise where another client has this RUT or email, or no such practitioner works here.

    :param client_id: the client who may have it; ``None`` for a new one.
    """
    if value is None:
        return
    if field == "practitioner_id":
        works = sa.select(StaffMember.id).where(StaffMember.id == value, StaffMember.active)
        if session.execute(works).first() is None:
            raise RuleError("clients.practitioner_unknown", field=field)
        return
    if field not in {"rut", "email"}:
        return
    owner = owner_of(session, field, value, client_id)
    if owner is not None:
        raise RuleError(
            f"clients.{field}_taken", field=field, name=owner.full_name, client_id=owner.id
        )


def owner_of(session: Session, field: str, value: str, client_id: int | None) -> Client | None:
    """Another client with this RUT or email, however another program spelt it."""
    ids = [found for found in search.exact(raw(session), field, value) if found != client_id]
    same = identifiers.comparable_rut if field == "rut" else str.lower
    for client in session.scalars(sa.select(Client).where(Client.id.in_(ids)).order_by(Client.id)):
        theirs = client.rut if field == "rut" else client.email
        if theirs is not None and same(theirs) == same(value):
            return client
    return None


def raw(session: Session) -> search.Connection:
    """The session's own DB-API connection, in the session's transaction."""
    connection: search.Connection | None = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no connection")
    return connection
