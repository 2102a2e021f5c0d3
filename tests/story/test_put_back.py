"""The server was put back on purpose; several workstations bring back what they know of it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import conninfo, sql

from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.clients import Clients, NewClient
from desktop.services.inbox import Inbox
from desktop.services.inbox_records import Way
from tests.support.clinic import Clinic, Station, local

ROSA = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo LIKE 'Rosa%'"
VISITS = """
SELECT count(*) FROM citas_cita v JOIN pacientes_cliente c ON c.id = v.cliente_id
WHERE c.nombre_completo LIKE 'Rosa%'
"""


@contextmanager
def _administering(clinic: Clinic) -> Iterator[Callable[[str, str], None]]:
    """Runs a statement on the clinic's database and a copy of it, from another one."""
    live = conninfo.conninfo_to_dict(clinic.dsn)["dbname"]
    elsewhere = conninfo.make_conninfo(clinic.dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:

        def run(statement: str, database: str) -> None:
            names = {"it": sql.Identifier(database), "live": sql.Identifier(str(live))}
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (live,)
            )
            connection.execute(
                sql.SQL(statement).format(**names, kept=sql.Identifier(f"{live}_kept"))
            )

        yield run


@pytest.fixture
def put_back(clinic: Clinic) -> Iterator[Callable[[], Callable[[], None]]]:
    """Makes a backup, and returns what puts the server back to it on purpose."""

    def back_up() -> Callable[[], None]:
        with _administering(clinic) as run:
            run("CREATE DATABASE {kept} TEMPLATE {live}", "postgres")
        return restore

    def restore() -> None:
        with _administering(clinic) as run:
            run("DROP DATABASE {live} WITH (FORCE)", "postgres")
            run("CREATE DATABASE {live} TEMPLATE {kept}", "postgres")
        clinic.query("UPDATE sync_meta SET epoch = gen_random_uuid(), on_restore = 'review'")

    yield back_up
    with _administering(clinic) as run:
        run("DROP DATABASE IF EXISTS {kept} WITH (FORCE)", "postgres")


def register(one: Station) -> int:
    new = NewClient(full_name="Rosa Díaz Lagos", phone="987650001")
    return Clients(one.cache, one.clinic).create(one.actor, new)


def book(one: Station, clinic: Clinic, client: int) -> None:
    starts = local(2027, 3, 1, 10)
    placed = Placement(starts, starts + dt.timedelta(minutes=30), clinic.practitioners[0])
    details = Details(client_id=client, client_name="Rosa Díaz Lagos")
    Agenda(one.cache, one.clinic).book(one.actor, Draft(placed, details))


def settle(*stations: Station) -> None:
    """Until nobody has anything to say; the connections were cut."""
    for _round in range(3):
        for one in stations:
            one.engine.sync_once()


def alike(*stations: Station) -> None:
    """Everybody has Rosa and her visit once, and nothing was refused."""
    for one in stations:
        with one.cache.reading() as session:
            for statement in (ROSA, VISITS):
                assert session.connection().exec_driver_sql(statement).scalar() == 1
        assert Inbox(one.cache, one.clinic).items() == ()


def test_a_workstation_and_its_copy_bring_the_same_back(
    clinic: Clinic, put_back: Callable[[], Callable[[], None]]
) -> None:
    one = clinic.station("meson")
    restore = put_back()
    client = register(one)
    book(one, clinic, client)
    one.sync()
    one.close()
    clinic.stations.remove(one)
    folder = one.folder.with_name("copia")
    shutil.copytree(one.folder, folder)
    one, copy = (clinic.open(where) for where in (one.folder, folder))
    clinic.stations += [one, copy]
    restore()
    settle(one, copy)
    assert clinic.value(ROSA) == 0
    for station in (one, copy):
        # Neither knows of the other yet.
        inbox = Inbox(station.cache, station.clinic)
        txs = [item.tx for item in inbox.items()]
        assert inbox.bring_back_all(station.actor, txs, lambda _d, _of: None).done == 2
    settle(one, copy)
    assert (clinic.value(ROSA), clinic.value(VISITS)) == (1, 1)
    assert clinic.value("SELECT id FROM pacientes_cliente WHERE id = %s", client) == client
    alike(one, copy)


def test_one_brings_the_client_back_and_the_other_her_visit(
    clinic: Clinic, put_back: Callable[[], Callable[[], None]]
) -> None:
    one, two = clinic.station("meson"), clinic.station("box")
    restore = put_back()
    client = register(one)
    one.sync()
    two.sync()
    book(two, clinic, client)
    two.sync()
    one.sync()
    restore()
    settle(one, two)
    (rosa,) = Inbox(one.cache, one.clinic).items()
    Inbox(one.cache, one.clinic).bring_back(one.actor, rosa.tx)
    settle(one, two)
    inbox = Inbox(two.cache, two.clinic)
    (visit,) = inbox.items()
    assert (visit.alike, visit.ways[0]) == ((), Way.BRING_BACK)
    inbox.bring_back(two.actor, visit.tx)
    settle(two, one)
    assert (clinic.value(ROSA), clinic.value(VISITS)) == (1, 1)
    alike(one, two)


def test_the_visit_comes_first_and_the_client_is_then_there(
    clinic: Clinic, put_back: Callable[[], Callable[[], None]]
) -> None:
    """Of the client the second workstation has but a kept image: she comes back as another row."""
    one, two = clinic.station("meson"), clinic.station("box")
    booked = Inbox(two.cache, two.clinic)  # keeps what others delete
    restore = put_back()
    client = register(one)
    one.sync()
    two.sync()
    book(two, clinic, client)
    two.sync()
    one.sync()
    restore()
    settle(one, two)
    booked.bring_back(two.actor, booked.items()[0].tx)
    settle(two, one)
    inbox = Inbox(one.cache, one.clinic)
    (rosa,) = inbox.items()
    assert (rosa.ways[0], rosa.certain) == (Way.SAME, True)
    assert rosa.alike[0].startswith("Rosa Díaz Lagos (mismo correo")
    inbox.keep_same(one.actor, rosa.tx)
    settle(one, two)
    assert (clinic.value(ROSA), clinic.value(VISITS)) == (1, 1)
    alike(one, two)
