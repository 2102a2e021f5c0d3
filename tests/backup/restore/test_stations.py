"""After a restore every workstation is in step; what it had not sent is there, what it had is offered."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

import psycopg

from desktop.backup import restore
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.clients import Clients, NewClient
from desktop.services.inbox import Inbox
from desktop.services.tenancy import Migrations
from tests.backup.restore.making import opened, take
from tests.support.clinic import Clinic, Station, local

ROUNDS = 4


def register(one: Station, name: str) -> int:
    new = NewClient(full_name=name, phone="987650001")
    return Clients(one.cache, one.clinic).create(one.actor, new)


def book(one: Station, clinic: Clinic, client: int, name: str, hour: int) -> None:
    starts = local(2027, 3, 1, hour)
    placed = Placement(starts, starts + dt.timedelta(minutes=30), clinic.practitioners[0])
    Agenda(one.cache, one.clinic).book(one.actor, Draft(placed, Details(client, name)))


def settle(*stations: Station) -> None:
    for _round in range(ROUNDS):
        for one in stations:
            one.sync()


def held(one: Station) -> dict[str, set[int]]:
    """Ids in the cache of the tables that people write."""
    with one.cache.reading() as session:
        return {
            table: {
                row[0]
                for row in session.connection().exec_driver_sql(f'SELECT id FROM "{table}"').all()
            }
            for table in ("pacientes_cliente", "citas_cita", "finanzas_cargo", "personal_perfil")
        }


def there(clinic: Clinic) -> dict[str, set[int]]:
    return {
        table: {row[0] for row in clinic.query(f"SELECT id FROM {table}")}
        for table in ("pacientes_cliente", "citas_cita", "finanzas_cargo", "personal_perfil")
    }


def named(clinic: Clinic, name: str) -> int:
    return int(
        clinic.value("SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s", name)
    )


def test_everyone_is_in_step_again(
    clinic: Clinic, db: psycopg.Connection, tenancy: Migrations
) -> None:
    """Catches a restore that reuses ids, wipes an outbox, or that a workstation does not hear of."""
    desk, office, asleep = (
        clinic.station("meson", "office"),
        clinic.station("oficina", "office"),
        clinic.station("portatil", "office"),
    )
    settle(desk, office, asleep)
    archive = take(db, clinic.schema)

    rosa = register(desk, "Rosa Díaz Lagos")
    book(desk, clinic, rosa, "Rosa Díaz Lagos", 10)
    settle(desk, office)
    web = clinic.value(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES ('De la web', 'web@example.com', '+56900000000', now(), true) RETURNING id"
    )
    settle(desk, office)
    unsent = register(office, "Pepe Sin Enviar")
    register(asleep, "Lucía Dormida")

    with opened(archive) as sources:
        done = restore.restore(db, clinic.schema, sources, tenancy, safety="copia")
    assert named(clinic, "Rosa Díaz Lagos") == 0
    settle(desk, office, asleep)

    assert named(clinic, "Pepe Sin Enviar") == 1
    assert named(clinic, "Lucía Dormida") == 1
    assert named(clinic, "De la web") == 0
    assert clinic.value("SELECT count(*) FROM pacientes_cliente WHERE id = %s", rosa) == 0
    for one in (desk, office, asleep):
        assert held(one) == there(clinic)
    fresh = clinic.value(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES ('Otra de la web', 'web2@example.com', '+56900000000', now(), true) RETURNING id"
    )
    assert fresh > web
    assert unsent not in there(clinic)["pacientes_cliente"]

    inbox = Inbox(desk.cache, desk.clinic)
    assert len(inbox.items()) == 2
    assert Inbox(office.cache, office.clinic).items() == ()
    inbox.bring_back_all(desk.actor, [item.tx for item in inbox.items()], lambda _d, _of: None)
    settle(desk, office, asleep)
    assert named(clinic, "Rosa Díaz Lagos") == 1
    assert clinic.value("SELECT count(*) FROM citas_cita WHERE cliente_id = %s", rosa) == 1
    for one in (desk, office, asleep):
        assert held(one) == there(clinic)
        assert Inbox(one.cache, one.clinic).items() == ()
    assert done.attempts >= 1


def test_an_undo_brings_everything_of_before_back(
    clinic: Clinic, db: psycopg.Connection, tenancy: Migrations
) -> None:
    desk, office = clinic.station("meson", "office"), clinic.station("oficina", "office")
    settle(desk, office)
    archive = take(db, clinic.schema)
    rosa = register(desk, "Rosa Díaz Lagos")
    settle(desk, office)
    before = there(clinic)
    with opened(archive) as sources:
        restore.restore(db, clinic.schema, sources, tenancy, safety="copia")
    settle(desk, office)
    register(office, "Después de restaurar")
    settle(desk, office)
    undone = restore.undo(db, clinic.schema, tenancy)
    assert there(clinic) == before
    settle(desk, office)
    for one in (desk, office):
        assert held(one) == there(clinic)
    assert named(clinic, "Rosa Díaz Lagos") == 1
    assert clinic.value("SELECT count(*) FROM pacientes_cliente WHERE id = %s", rosa) == 1
    inbox = Inbox(office.cache, office.clinic)
    (offered,) = inbox.items()
    inbox.bring_back(office.actor, offered.tx)
    settle(office, desk)
    assert named(clinic, "Después de restaurar") == 1
    for one in (desk, office):
        assert held(one) == there(clinic)
    # An undo is undone like a restore.
    assert restore.replaced(db, clinic.schema)[0].schema == undone.replaced


def test_a_clinic_is_made_anew_on_an_empty_server(
    clinic: Clinic, db: psycopg.Connection, tenancy: Migrations, tmp_path: Path
) -> None:
    desk = clinic.station("meson", "office")
    register(desk, "Rosa Díaz Lagos")
    settle(desk)
    person = (
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES ('De la web', 'web@example.com', '+56900000000', now(), true) RETURNING id"
    )
    gone = clinic.value(person)
    clinic.query("DELETE FROM pacientes_cliente WHERE id = %s", gone)
    archive = take(db, clinic.schema)
    before = there(clinic)
    with clinic.server.database() as dsn, closing(psycopg.connect(dsn, autocommit=True)) as new:
        with opened(archive) as sources:
            done = restore.restore(new, "otra casa", sources, tenancy)
        assert (done.replaced, done.left) == (None, {})
        made = Clinic(clinic.server, dsn, "otra casa", tmp_path / "nueva")
        made.folder.mkdir()
        assert there(made) == before
        assert made.value("SELECT tenant_uuid FROM sync_meta") == clinic.value(
            "SELECT tenant_uuid FROM sync_meta"
        )
        joined = made.station("nueva", "office")
        try:
            settle(joined)
            assert held(joined) == before
            assert made.value(person) > gone, "an id that was given and is gone is not given again"
        finally:
            joined.close()
            made.stations.clear()
            new.execute('DROP SCHEMA "otra casa" CASCADE')
