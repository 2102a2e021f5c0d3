"""Unsent work goes from a workstation that was shut out to the office's, and nothing goes twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.services import office
from desktop.services.inbox import Inbox
from desktop.services.inbox_records import Way
from sync.errors import Revoked, SyncError
from sync.schema import device_of
from tests.office import conftest as world
from tests.office.conftest import add, book, export, refused, rename, rows, take_in, told, waiting
from tests.support.clinic import Clinic, Station
from tests.sync_client.proxy import Proxy, proxied


def clients(clinic: Clinic, name: str) -> list[int]:
    found = clinic.query(
        "SELECT id FROM pacientes_cliente WHERE nombre_completo = %s ORDER BY id", name
    )
    return [row[0] for row in found]


def in_step(*stations: Station) -> None:
    for station in stations:
        station.sync()


def test_the_office_sends_it_with_its_own_hour_and_person(
    clinic: Clinic, desk: Station, bureau: Station, tmp_path: Path
) -> None:
    here = add(desk, "Nadia Uno")
    visit = book(desk, clinic, here, "Nadia Uno")
    rename(desk, here, "Nadia Dos")
    made = waiting(desk)
    assert len(made) == 3
    file = export(desk, tmp_path / "uno.envio")
    world.revoke(desk, clinic)
    with pytest.raises(Revoked):
        desk.sync()

    done = take_in(bureau, clinic, file)
    assert (done.waiting, done.refused, done.applied, done.repeated) == (3, 0, 0, 0)
    brought = waiting(bureau)
    assert [(t.id, t.actor, t.label, t.at) for t in brought] == [
        (t.id, t.actor, t.label, t.at) for t in made
    ]
    assert bureau.sync().rejected == 0
    (client,) = clients(clinic, "Nadia Dos")
    own = bureau.cache.device
    assert (device_of(client), device_of(here)) == (own, desk.cache.device)
    (appointment,) = clinic.query(
        "SELECT id, cliente_id FROM citas_cita WHERE cliente_id = %s", client
    )
    assert (device_of(appointment[0]), appointment[1]) == (own, client)
    assert not clinic.query("SELECT FROM citas_cita WHERE id = %s", visit)
    results = clinic.query(
        "SELECT tx::text, device, result ->> 'status' FROM sync_result WHERE tx = ANY (%s::uuid[])",
        [t.id for t in made],
    )
    assert sorted(results) == sorted((t.id, own, "applied") for t in made)
    assert rows(bureau, "Nadia Dos") == [client]
    logged = clinic.query(
        "SELECT DISTINCT device, actor FROM sync_log WHERE row_id = ANY (%s)",
        [client, appointment[0]],
    )
    assert logged == [(own, desk.actor.staff_id)]


@pytest.fixture
def proxies() -> Any:
    import contextlib

    with contextlib.ExitStack() as stack:
        made: list[Proxy] = []

        def through(parameters: dict[str, Any]) -> dict[str, Any]:
            proxy = stack.enter_context(proxied(parameters))
            made.append(proxy)
            return proxy.params

        yield through, made


def test_what_was_applied_before_the_answer_was_lost_is_not_applied_again(
    clinic: Clinic, stations: Callable[..., Station], bureau: Station, tmp_path: Path, proxies: Any
) -> None:
    through, made = proxies
    desk = stations(through=through)
    desk.sync()
    first = add(desk, "Perdida Uno")
    made[0].on_answer = lambda: None
    with pytest.raises(SyncError):
        desk.sync()
    assert made[0].answers_lost == 1
    assert clients(clinic, "Perdida Uno") == [first]
    rename(desk, first, "Perdida Dos")
    book(desk, clinic, first, "Perdida Dos")
    assert len(waiting(desk)) == 3
    world.revoke(desk, clinic)
    file = export(desk, tmp_path / "uno.envio")

    done = take_in(bureau, clinic, file)
    assert (done.waiting, done.applied) == (2, 1)
    assert bureau.sync().rejected == 0
    # The row keeps the id under which it arrived, and what came after leads to it.
    assert clients(clinic, "Perdida Dos") == [first]
    assert clients(clinic, "Perdida Uno") == []
    assert clinic.value("SELECT count(*) FROM citas_cita WHERE cliente_id = %s", first) == 1
    assert rows(bureau, "Perdida Dos") == [first]
    assert rows(bureau, "Perdida Uno") == []


def test_no_ghost_stays_where_the_other_workstation_was_faster(
    clinic: Clinic, desk: Station, bureau: Station, tmp_path: Path
) -> None:
    """Imported while the server did not know it, applied from the other side before it was sent."""
    first = add(desk, "Fantasma")
    file = export(desk, tmp_path / "uno.envio")
    assert take_in(bureau, clinic, file).waiting == 1
    (ghost,) = rows(bureau, "Fantasma")
    assert device_of(ghost) == bureau.cache.device
    in_step(desk, bureau, desk)
    assert clients(clinic, "Fantasma") == [first]
    assert rows(bureau, "Fantasma") == [first] == rows(desk, "Fantasma")
    assert waiting(bureau) == []
    assert refused(bureau) == []
    # A later file of the same workstation goes on with the row that is there.
    rename(desk, first, "Fantasma Dos")
    later = export(desk, tmp_path / "dos.envio")
    assert take_in(bureau, clinic, later).waiting == 1
    assert bureau.sync().rejected == 0
    assert clients(clinic, "Fantasma Dos") == [first]


def test_a_file_twice_does_nothing_the_second_time(
    clinic: Clinic, desk: Station, bureau: Station, stations: Callable[..., Station], tmp_path: Path
) -> None:
    here = add(desk, "Doble")
    file = export(desk, tmp_path / "uno.envio")
    assert take_in(bureau, clinic, file).waiting == 1
    before = waiting(bureau)
    again = take_in(bureau, clinic, file)
    assert again.nothing_new
    assert again.repeated == 1
    assert office.in_words(again).startswith("Nada nuevo")
    assert waiting(bureau) == before
    bureau.sync()
    assert take_in(bureau, clinic, file).nothing_new
    assert waiting(bureau) == []
    other = stations("office")
    assert take_in(other, clinic, file).applied == 1
    assert waiting(other) == []
    in_step(other, bureau)
    assert len(clients(clinic, "Doble")) == 1
    # More was done after the first file was written: the second brings the rest, to the same row.
    book(desk, clinic, here, "Doble")
    more = take_in(bureau, clinic, export(desk, tmp_path / "dos.envio"))
    assert (more.waiting, more.repeated) == (1, 1)
    assert bureau.sync().rejected == 0
    (client,) = clients(clinic, "Doble")
    assert clinic.value("SELECT count(*) FROM citas_cita WHERE cliente_id = %s", client) == 1
    assert rows(bureau, "Doble") == [client]


def test_what_was_refused_lands_in_the_inbox(
    clinic: Clinic, desk: Station, bureau: Station, tmp_path: Path
) -> None:
    juan = clinic.clients[1]
    rename(desk, juan, "Juan del Mesón")
    clinic.query("UPDATE pacientes_cliente SET nombre_completo = 'Juan Web' WHERE id = %s", juan)
    assert desk.sync().rejected == 1
    fresh = add(desk, "Después")
    file = export(desk, tmp_path / "uno.envio")
    bureau.sync()
    done = take_in(bureau, clinic, file)
    assert (done.waiting, done.refused) == (1, 1)
    inbox = Inbox(bureau.cache, bureau.clinic)
    (item,) = inbox.items()
    assert item.code == "conflict"
    assert [field.mine for record in item.records for field in record.fields] == ["Juan del Mesón"]
    inbox.keep_mine(bureau.actor, item.tx)
    assert bureau.sync().rejected == 0
    assert clients(clinic, "Juan del Mesón") == [juan]
    assert fresh not in clients(clinic, "Después")
    assert take_in(bureau, clinic, file).repeated == 2
    clinic.query(
        "UPDATE pacientes_cliente SET nombre_completo = 'Juan Pérez Soto' WHERE id = %s", juan
    )


def test_what_the_server_had_refused_takes_what_builds_on_it_along(
    clinic: Clinic, stations: Callable[..., Station], bureau: Station, tmp_path: Path, proxies: Any
) -> None:
    """The refusal's answer was lost, too: at the office it is a refusal, and nothing is sent."""
    through, made = proxies
    desk = stations(through=through)
    taken = "Con correo repetido"
    clinic.query(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " VALUES ('Dueña', 'suya@example.com', '+56911111111', now(), true)"
    )
    from desktop.services.clients import Clients
    from desktop.services.clients_records import NewClient

    client = Clients(desk.cache, desk.clinic).create(
        desk.actor, NewClient(full_name=taken, email="suya@example.com")
    )
    made[0].on_answer = lambda: None
    with pytest.raises(SyncError):
        desk.sync()
    assert clinic.value("SELECT count(*) FROM sync_result WHERE result ->> 'code' = 'duplicate'")
    rename(desk, client, taken + " dos")
    done = take_in(bureau, clinic, export(desk, tmp_path / "uno.envio"))
    assert (done.waiting, done.refused) == (0, 2)
    assert [r.code for r in refused(bureau)] == ["duplicate", "depends"]
    assert refused(bureau)[0].detail["id"] == refused(bureau)[0].operations[0].row_id
    assert rows(bureau, taken) == rows(bureau, taken + " dos") == []
    assert bureau.sync().rejected == 2


def test_an_old_file_is_looked_at_before_it_is_sent(
    clinic: Clinic, desk: Station, bureau: Station, tmp_path: Path
) -> None:
    add(desk, "De hace tiempo")
    file = export(desk, tmp_path / "uno.envio")
    later = bureau.cache.clock() + office.OLD_AFTER + dt.timedelta(days=1)
    bureau.cache.clock = lambda: later
    done = take_in(bureau, clinic, file)
    assert (done.waiting, done.refused) == (0, 1)
    inbox = Inbox(bureau.cache, bureau.clinic)
    (item,) = inbox.items()
    assert "archivo antiguo" in item.reason
    assert Way.TRY_AGAIN in item.ways
    inbox.try_again(bureau.actor, item.tx)
    bureau.cache.clock = lambda: dt.datetime.now(dt.UTC)
    assert bureau.sync().rejected == 0
    assert len(clients(clinic, "De hace tiempo")) == 1


def test_a_later_file_goes_on_with_the_row_that_its_workstation_sent_itself(
    clinic: Clinic, desk: Station, bureau: Station, tmp_path: Path
) -> None:
    """The first file's row was made in vain: a draft that nobody sent."""
    first = add(desk, "Enviada sola")
    file = export(desk, tmp_path / "uno.envio")
    later = bureau.cache.clock() + office.OLD_AFTER + dt.timedelta(days=1)
    bureau.cache.clock = lambda: later
    assert take_in(bureau, clinic, file).refused == 1
    bureau.cache.clock = lambda: dt.datetime.now(dt.UTC)
    in_step(desk, bureau)
    assert rows(bureau, "Enviada sola") == [first]
    rename(desk, first, "Enviada dos")
    assert take_in(bureau, clinic, export(desk, tmp_path / "dos.envio")).waiting == 1
    bureau.sync()
    assert [r.code for r in refused(bureau)] == ["review"]
    assert clients(clinic, "Enviada dos") == [first]


def test_only_the_office_imports(
    clinic: Clinic, desk: Station, stations: Callable[..., Station], tmp_path: Path
) -> None:
    add(desk, "De nadie más")
    file = export(desk, tmp_path / "uno.envio")
    other = stations("reception")
    told("office.wrong_profile", lambda: take_in(other, clinic, file))
    assert waiting(other) == []
