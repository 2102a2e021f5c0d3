"""The clinics that the bench measures on: generated ones, on a real server that really commits."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from desktop.services import tenants
from desktop.services.accounts import NewAccount
from desktop.services.generate import generate, sizes
from desktop.services.generate.calendar import first_day
from desktop.services.generate.loading import Loader
from desktop.services.generate.people import write_clients
from desktop.services.tenants import NewClinic
from tests.support import clinic as clinics
from tests.support.clinic import PASSWORD, Clinic
from tests.support.embedded import Server

ZONE = ZoneInfo("America/Santiago")
SCHEMA = "clinica"

VISITS = """
INSERT INTO citas_cita (fecha_hora, fin, dentista_id, estado, creada_el, actualizada_el, cliente_id)
SELECT starts, starts + interval '30 minutes', %s, 'completada', starts, starts, client
FROM (SELECT c.id AS client, now() - ((c.id * 7919 + n * 104729) %% 5000000) * interval '1 minute'
      FROM pacientes_cliente c, generate_series(1, %s) n) AS visits (client, starts)
"""


def today() -> dt.date:
    return dt.datetime.now(ZONE).date()


@contextmanager
def _tenant(server: Server, folder: Path) -> Iterator[tuple[Clinic, psycopg.Connection]]:
    folder.mkdir(parents=True, exist_ok=True)
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        tenants.create(
            connection,
            SCHEMA,
            NewClinic(name="Clínica Los Aromos", email="hola@example.com", phone="+56222222222"),
            NewAccount(username="admin", name="Ana Administra", role="general"),
            PASSWORD,
        )
        connection.execute("SELECT set_config('search_path', %s, false)", (SCHEMA,))
        made = Clinic(server, dsn, SCHEMA, folder)
        try:
            yield made, connection
        finally:
            made.close()
            clinics.drop_roles(dsn)


@contextmanager
def generated(server: Server, folder: Path, size: str) -> Iterator[Clinic]:
    """A clinic of one of the product's sizes, with all its history."""
    with _tenant(server, folder) as (made, connection):
        generate(connection, SCHEMA, size, 1, today(), password=None)
        # Years of work in a minute: a server would tidy up beside what is measured.
        connection.execute("VACUUM (ANALYZE)")
        yield made


@contextmanager
def crowded(server: Server, folder: Path, clients: int, visits_each: int) -> Iterator[Clinic]:
    """The clients of a large clinic and their visits, without the rest of its history.

    What a search reads: names, numbers and emails, and when each client was seen.
    """
    size = replace(sizes.SIZES["large"], clients=clients)
    with _tenant(server, folder) as (made, connection):
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            staff = connection.execute("SELECT id FROM personal_perfil").fetchall()[0][0]
            loader = Loader(connection, SCHEMA, lambda _rows: None)
            opened = first_day(today(), size.years)
            write_clients(loader, random.Random(1), size, opened, today(), [staff])
            loader.finish()
            connection.execute(VISITS, (staff, visits_each))
        yield made


def settle(clinic: Clinic) -> None:
    """Has the server write out what is behind it, so that it does not do so during what follows."""
    with clinic.admin() as connection:
        connection.execute("CHECKPOINT")
