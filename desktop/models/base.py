"""The declarative base that every table of the tenant schema shares."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, mapped_column

from desktop.models.types import Amount, BigId, Instant

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Tables name no schema: the tenant's schema comes from the connection's search path."""

    metadata = sa.MetaData(naming_convention=NAMING)


NOW = sa.text("now()")

Id = Annotated[int, mapped_column(BigId, sa.Identity(), primary_key=True)]
At = Annotated[dt.datetime, mapped_column(Instant())]
OptionalAt = Annotated[dt.datetime | None, mapped_column(Instant())]
Money = Annotated[Decimal, mapped_column(Amount(12))]
ContractMoney = Annotated[Decimal, mapped_column(Amount(10))]
OptionalContractMoney = Annotated[Decimal | None, mapped_column(Amount(10))]


def reference(target: str, *, on_delete: str) -> sa.ForeignKey:
    """A foreign key to ``table.id``, checked at commit as the other programs' own are.

    :param on_delete: ``CASCADE``, ``SET NULL`` or ``RESTRICT``.
    """
    return sa.ForeignKey(
        f"{target}.id",
        ondelete=on_delete,
        deferrable=True,
        initially="DEFERRED",
    )
