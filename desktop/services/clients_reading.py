"""What is read of clients: lines of results, visits, balance, the whole record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from desktop.domain import identifiers
from desktop.domain.locale_format import date_short
from desktop.domain.statuses import CALLED_OFF, Status
from desktop.models import (
    Appointment,
    Client,
    Service,
    StaffMember,
    WebAccount,
)
from desktop.services import finance_reading
from desktop.services.clients_records import (
    Balance,
    ClientFields,
    ClientHit,
    Visit,
    Visits,
)

PAST_VISITS = 200
"""How many past visits a record shows; who has more finds them in the agenda."""

_NO_VISIT = (Status.AVAILABLE.value, *(status.value for status in CALLED_OFF))
_TOOK_PLACE = (Status.FINISHED.value, Status.COMPLETED.value)


def fields_of(client: Client) -> ClientFields:
    """The record's fields as a person reads them."""
    return ClientFields(
        full_name=client.full_name,
        rut=identifiers.rut_for_reading(client.rut),
        phone=identifiers.phone_for_reading(client.phone),
        email=identifiers.email_for_reading(client.email),
        birth_date=date_short(client.birth_date) if client.birth_date else "",
        allergies=client.allergies or "",
        notes=client.notes or "",
        practitioner_id=client.practitioner_id,
    )


def hits(session: Session, ids: Sequence[int], now: dt.datetime) -> tuple[ClientHit, ...]:
    """The lines for ``ids``, in their order; those that are gone are left out."""
    visit = aliased(Appointment)
    last = (
        sa.select(sa.func.max(visit.starts_at))
        .where(
            visit.client_id == Client.id,
            visit.starts_at <= now,
            visit.status.not_in(_NO_VISIT),
        )
        .correlate(Client)
        .scalar_subquery()
    )
    following = (
        sa.select(sa.func.min(visit.starts_at))
        .where(
            visit.client_id == Client.id,
            visit.starts_at > now,
            visit.status.not_in(_NO_VISIT),
        )
        .correlate(Client)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            Client.id,
            Client.full_name,
            Client.rut,
            Client.phone,
            Client.email,
            Client.active,
            Client.allergies,
            last,
            following,
        ).where(Client.id.in_(ids))
    )
    found = {
        row[0]: ClientHit(
            id=row[0],
            full_name=row[1],
            rut=identifiers.rut_for_reading(row[2]),
            phone=identifiers.phone_for_reading(row[3]),
            email=identifiers.email_for_reading(row[4]),
            active=row[5],
            allergies=(row[6] or "").strip(),
            last_visit=row[7],
            next_visit=row[8],
        )
        for row in rows
    }
    return tuple(found[client_id] for client_id in ids if client_id in found)


def visits(session: Session, client_id: int, now: dt.datetime) -> Visits:
    """The coming visits and the latest past ones, with how many were kept and missed."""
    mine = (Appointment.client_id == client_id, Appointment.status != Status.AVAILABLE.value)
    past = (*mine, Appointment.starts_at <= now)
    total, attended, missed = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(Appointment.status.in_(_TOOK_PLACE)),
            sa.func.count().filter(Appointment.status == Status.NO_SHOW.value),
        ).where(*past)
    ).one()
    lines = (
        sa.select(
            Appointment.id,
            Appointment.starts_at,
            Appointment.ends_at,
            Appointment.status,
            sa.func.coalesce(Service.name, Appointment.reason, ""),
            sa.func.coalesce(StaffMember.full_name, ""),
        )
        .outerjoin(Service, Service.id == Appointment.service_id)
        .outerjoin(StaffMember, StaffMember.id == Appointment.practitioner_id)
    )
    coming = session.execute(
        lines.where(*mine, Appointment.starts_at > now).order_by(
            Appointment.starts_at, Appointment.id
        )
    )
    gone = session.execute(
        lines.where(*past)
        .order_by(Appointment.starts_at.desc(), Appointment.id.desc())
        .limit(PAST_VISITS)
    )
    return Visits(
        upcoming=tuple(Visit(*row, upcoming=True) for row in coming),
        past=tuple(Visit(*row, upcoming=False) for row in gone),
        past_total=total,
        attended=attended,
        missed=missed,
    )


def balance(session: Session, client_id: int) -> Balance:
    """What the client was charged and has paid, by the finance books themselves."""
    books = finance_reading.books(session, client_id, None)
    return Balance(
        charged=sum((entry.amount for entry in books.charges), Decimal(0)),
        paid=sum((entry.amount for entry in books.payments), Decimal(0)),
    )


def has_web_account(session: Session, client: Client) -> bool:
    """Whether the client can sign in on the booking site: by the account, or by the same email."""
    if client.account_id is not None:
        return True
    if identifiers.is_placeholder_email(client.email):
        return False
    found = session.execute(
        sa.select(WebAccount.id)
        .where(sa.func.lower(WebAccount.email) == client.email.lower())
        .limit(1)
    )
    return found.first() is not None


def staff_name(session: Session, staff_id: int | None) -> str:
    """The name of a member of the staff; empty for ``None`` or somebody unknown."""
    if staff_id is None:
        return ""
    return (
        session.execute(
            sa.select(StaffMember.full_name).where(StaffMember.id == staff_id)
        ).scalar_one_or_none()
        or ""
    )
