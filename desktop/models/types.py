"""Column types that mean the same in PostgreSQL and in the encrypted SQLite cache.

PostgreSQL keeps the contract's native types. SQLite keeps what compares, sorts and sums exactly:
amounts as integers in units of the column's last decimal, instants as UTC text whose order is the
order of time, dates and times as ISO text.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync import codec


class Instant(TypeDecorator[dt.datetime]):
    """A moment: ``timestamptz`` in PostgreSQL, canonical UTC text in SQLite.

    In and out: aware ``datetime``; out always in UTC. A naive value raises ``ValueError``.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return codec.instant_to_text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return codec.text_to_instant(value)
        instant: dt.datetime = value
        return instant.astimezone(dt.UTC)


class Amount(TypeDecorator[Decimal]):
    """Money: ``numeric(p, 2)`` in PostgreSQL, an integer of hundredths in SQLite.

    In and out: ``Decimal``. A value finer than a hundredth raises ``ValueError``: nothing is rounded
    on its way to the ledger.
    """

    impl = sa.Numeric(12, 2)
    cache_ok = True
    scale = 2

    def __init__(self, precision: int = 12) -> None:
        super().__init__()
        self.precision = precision

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return codec.decimal_to_units(value, self.scale) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return codec.units_to_decimal(int(value), self.scale)
        return Decimal(value)


class _CacheTime(sqlite.TIME):
    """A time of day as the server says it; SQLAlchemy's own form has six decimals always."""

    def bind_processor(self, dialect: Dialect) -> Any:
        return lambda value: None if value is None else codec.time_to_text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else dt.time.fromisoformat(value)


TimeOfDay = sa.Time().with_variant(_CacheTime(), "sqlite")  # type: ignore[no-untyped-call]
"""``time`` in PostgreSQL, the same ``HH:MM:SS`` text in SQLite that the server sends."""

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit row id. SQLite calls its own 64-bit row id INTEGER."""

DeviceNumber = sa.Integer()
InetText = sa.Text().with_variant(postgresql.INET(), "postgresql")
