"""Who, among clients and accounts of the booking site, may be the person being entered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import identifiers, names
from desktop.models import Client, WebAccount
from desktop.services import search
from desktop.services.clients_changes import raw
from desktop.services.clients_records import Duplicate

LIMIT = 10
_SAME_NAME_LOOKED_AT = 200


def possible(
    session: Session, stored: Mapping[str, Any], *, apart_from: int | None = None
) -> tuple[Duplicate, ...]:
    """Those who may be the same person, certain ones first, at most :data:`LIMIT`.

    :param stored: fields in stored form; those that are missing or ``None`` are not compared.
    :param apart_from: a client who is not compared with.
    """
    found = _clients(session, stored, apart_from)
    known = {duplicate.email.lower() for duplicate in found if duplicate.email}
    found += [
        account for account in _accounts(session, stored) if account.email.lower() not in known
    ]
    found.sort(key=lambda one: (not one.certain, -len(one.reasons), not one.active, one.full_name))
    return tuple(found[:LIMIT])


def _clients(
    session: Session, stored: Mapping[str, Any], apart_from: int | None
) -> list[Duplicate]:
    ids = reachable_alike(session, stored)
    if stored.get("full_name") and stored.get("birth_date"):
        query = search.parse(stored["full_name"])
        ids.update(search.find(raw(session), query, limit=_SAME_NAME_LOOKED_AT))
    ids.discard(apart_from or 0)
    return compared(session, stored, ids)


def reachable_alike(session: Session, stored: Mapping[str, Any]) -> set[int]:
    """The clients with the same RUT, email or phone, whatever they are called."""
    connection = raw(session)
    ids: set[int] = set()
    for field in ("rut", "email", "phone"):
        value = stored.get(field)
        if value and value != identifiers.NO_PHONE:
            ids.update(search.exact(connection, field, value))
    return ids


def compared(session: Session, stored: Mapping[str, Any], ids: Collection[int]) -> list[Duplicate]:
    """Those of some clients who may be the same person, and why."""
    if not ids:
        return []
    found = []
    for client in session.scalars(sa.select(Client).where(Client.id.in_(ids))):
        reasons = _reasons(stored, client)
        if reasons:
            found.append(
                Duplicate(
                    client_id=client.id,
                    full_name=client.full_name,
                    rut=identifiers.rut_for_reading(client.rut),
                    phone=identifiers.phone_for_reading(client.phone),
                    email=identifiers.email_for_reading(client.email),
                    active=client.active,
                    reasons=reasons,
                )
            )
    return found


def _accounts(session: Session, stored: Mapping[str, Any]) -> list[Duplicate]:
    same = []
    if stored.get("email"):
        same.append(sa.func.lower(WebAccount.email) == stored["email"].lower())
    if stored.get("rut"):
        same.append(WebAccount.rut == stored["rut"])
    if stored.get("phone") and stored["phone"] != identifiers.NO_PHONE:
        same.append(WebAccount.phone == stored["phone"])
    if not same:
        return []
    found = []
    for account in session.scalars(sa.select(WebAccount).where(sa.or_(*same)).limit(LIMIT)):
        reasons = _reasons(stored, account)
        if reasons:
            found.append(
                Duplicate(
                    client_id=None,
                    full_name=account.full_name,
                    rut=identifiers.rut_for_reading(account.rut),
                    phone=identifiers.phone_for_reading(account.phone),
                    email=account.email,
                    active=True,
                    reasons=reasons,
                )
            )
    return found


def _reasons(stored: Mapping[str, Any], other: Client | WebAccount) -> tuple[str, ...]:
    reasons = []
    rut, email, phone = stored.get("rut"), stored.get("email"), stored.get("phone")
    name, born = stored.get("full_name") or "", stored.get("birth_date")
    same_rut = identifiers.comparable_rut
    if rut and other.rut and same_rut(rut) == same_rut(other.rut):
        reasons.append("rut")
    if email and email.lower() == other.email.lower():
        reasons.append("email")
    alike = names.similar(name, other.full_name)
    if phone and phone != identifiers.NO_PHONE and phone == other.phone and alike:
        reasons.append("phone")
    if born and born == other.birth_date and alike:
        reasons.append("birth_date")
    return tuple(reasons)
