from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop.services import tenants
from desktop.services.accounts import NewAccount
from desktop.services.generate import GenerateReport, generate
from desktop.services.tenants import NewClinic
from tests.support.embedded import Server

PASSWORD = "Clave-de-ejemplo-5"
TODAY = dt.date(2026, 11, 23)
SCHEMA = "clinica"


@dataclass
class Made:
    """A generated clinic; statements run in its schema, by the clinic's clock."""

    report: GenerateReport
    connection: psycopg.Connection

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, values or None).fetchall()

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]


def create(connection: psycopg.Connection, schema: str = SCHEMA) -> None:
    account = NewAccount(username="admin", name="Ana Administra", role="general")
    tenants.create(connection, schema, NewClinic(name="Clínica Sol"), account, PASSWORD)


def fill(connection: psycopg.Connection, schema: str = SCHEMA, **chosen: Any) -> GenerateReport:
    arguments = {"size": "small", "seed": 7, "today": TODAY, "password": PASSWORD, **chosen}
    return generate(connection, schema, **arguments)


@contextmanager
def generated(server: Server, **chosen: Any) -> Iterator[Made]:
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        create(connection)
        report = fill(connection, **chosen)
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(SCHEMA)))
        connection.execute("SET timezone = 'America/Santiago'")
        yield Made(report, connection)


Make = Callable[..., AbstractContextManager[Made]]


@pytest.fixture(scope="session")
def small(postgres: Server) -> Iterator[Made]:
    """The small clinic; tests only read it."""
    with generated(postgres) as made:
        yield made


@pytest.fixture
def make(postgres: Server) -> Make:
    return lambda **chosen: generated(postgres, **chosen)
