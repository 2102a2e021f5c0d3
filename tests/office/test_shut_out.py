"""A workstation is shut out: at once on the server, and to its end on the computer."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.errors
import psycopg
import pytest

from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.services import devices, enrolment, joining, office, office_file, secrets
from desktop.services.clients_records import NewClient
from desktop.services.revocation import FOLDER, close_down, wants_key
from desktop.services.session import WorkSession, open_session
from desktop.services.status import WorkstationStatus
from desktop.services.workstation import Description, Workstation
from sync.errors import Revoked, SyncError
from sync.transport import PostgresServer
from tests.office import conftest as world
from tests.office.conftest import add, rename, take_in, told
from tests.support.clinic import PASSPHRASE, Clinic, Station
from tests.support.memory_keyring import MemoryKeyring

NAME = "Rosa Ibáñez Leiva"


# On the server ----------------------------------------------------------------------------------


def test_an_exchange_under_way_ends_and_no_connection_comes_about_again(
    clinic: Clinic, desk: Station
) -> None:
    client = clinic.clients[0]
    server = PostgresServer(desk.workstation.connection_parameters(), clinic.schema)
    wakeups = server.listen()
    rename(desk, client, "A medio camino")
    failed: list[SyncError] = []

    def exchange() -> None:
        try:
            desk.sync()
        except SyncError as error:
            failed.append(error)

    with psycopg.connect(clinic.dsn) as holder:
        holder.execute(
            f"SELECT FROM {clinic.schema}.pacientes_cliente WHERE id = %s FOR UPDATE", (client,)
        )
        thread = threading.Thread(target=exchange)
        thread.start()
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
        )
        role = desk.workstation.description.role
        deadline = threading.Event()
        while not clinic.value(waits, role):
            deadline.wait(0.02)
        world.revoke(desk, clinic)
        thread.join(20)
        assert not thread.is_alive()
        holder.rollback()
    assert len(failed) == 1
    assert clinic.value("SELECT nombre_completo FROM pacientes_cliente WHERE id = %s", client) != (
        "A medio camino"
    )
    assert clinic.value("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", role) == 0
    with pytest.raises(SyncError), selectors.DefaultSelector() as selector:
        selector.register(wakeups.fileno(), selectors.EVENT_READ)
        while selector.select(10):  # the server's last words, then the end of the line
            wakeups.senders()
    wakeups.close()
    with pytest.raises(Revoked):
        server.connect()
    with pytest.raises(Revoked):
        server.listen()
    with pytest.raises(Revoked):
        desk.sync()


# On the computer --------------------------------------------------------------------------------


@pytest.fixture
def actor(clinic: Clinic) -> Actor:
    return Actor(clinic.practitioners[0], "Paula", "paula", "general", frozenset(ALL))


@pytest.fixture(params=["keyring", "passphrase"])
def vault(request: pytest.FixtureRequest, memory_keyring: MemoryKeyring) -> str:
    if request.param == "passphrase":
        keyring.set_keyring(keyring.backends.fail.Keyring())
    return str(request.param)


@pytest.fixture
def folder(vault: str, clinic: Clinic, admin: psycopg.Connection, tmp_path: Path) -> Path:
    """A workstation that joined, with a receipt that somebody printed."""
    return joined(clinic, admin, tmp_path, tmp_path / "equipo")


def joined(clinic: Clinic, admin: psycopg.Connection, tmp_path: Path, folder: Path) -> Path:
    admitted = devices.enroll(admin, clinic.schema, profile="reception", label="Recepción Ñ")
    file = tmp_path / f"{admitted.device}.inscripcion"
    enrolment.write(admitted, file)
    joining.join(file, folder, passphrase=lambda: PASSPHRASE)
    (folder / "receipts").mkdir()
    (folder / "receipts" / "1-1.pdf").write_bytes(b"%PDF")
    return folder


@pytest.fixture
def session(folder: Path) -> Iterator[WorkSession]:
    made = open_session(folder, passphrase=lambda: PASSPHRASE)
    yield made
    end(made)


_ended: list[WorkSession] = []


def end(session: WorkSession) -> None:
    """The program ends, once."""
    if not any(one is session for one in _ended):
        _ended.append(session)
        session.close()


class Heard:
    """The statuses of a session, waited for."""

    def __init__(self, session: WorkSession) -> None:
        self._came = threading.Condition()
        self._last = WorkstationStatus()
        session.syncing.listen(self._hear)
        session.syncing.start()

    def _hear(self, status: WorkstationStatus) -> None:
        with self._came:
            self._last = status
            self._came.notify_all()

    def wait(self, condition: Callable[[WorkstationStatus], bool]) -> WorkstationStatus:
        with self._came:
            assert self._came.wait_for(lambda: condition(self._last), 30), self._last
            return self._last


def revoke(folder: Path, clinic: Clinic, admin: psycopg.Connection) -> None:
    role = Description.load(folder).role
    devices.revoke(
        admin, clinic.schema, clinic.value("SELECT number FROM sync_device WHERE role_name = %s", role)
    )  # fmt: skip


def sealed_files(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).iterdir())


def contents(admin: psycopg.Connection, clinic: Clinic, path: Path) -> list[str]:
    unsent = office.opened(admin, clinic.schema, path)
    return [
        o.new["nombre_completo"]
        for t in unsent.transactions
        for o in t.operations
        if "nombre_completo" in o.new
    ]


def data_left(folder: Path) -> list[str]:
    names = {p.name for p in folder.iterdir()}
    return sorted(n for n in names if n.startswith(("cache.db", "secrets.bin")) or n == "receipts")


def nobody() -> str | None:
    return None


def test_from_the_open_window_to_the_next_start(
    session: WorkSession, folder: Path, vault: str, clinic: Clinic, admin: psycopg.Connection,
    actor: Actor, bureau: Station, memory_keyring: MemoryKeyring,
) -> None:  # fmt: skip
    heard = Heard(session)
    heard.wait(lambda s: s.state == "in_step")
    revoke(folder, clinic, admin)
    session.services.clients.create(actor, NewClient(full_name=NAME))
    session.syncing.sync_now()
    told_now = heard.wait(lambda s: s.code == "device.shut_out_now")
    assert told_now.params["count"] == 1
    (first,) = sealed_files(folder)
    assert str(first) == told_now.params["file"]
    assert contents(admin, clinic, first) == [NAME]
    assert NAME.encode() not in first.read_bytes()
    assert Description.load(folder).shut_out is not None
    # What is added is in the next file, which takes the place of the first.
    session.services.clients.create(actor, NewClient(full_name="Otra Más"))
    status = heard.wait(lambda s: s.params.get("count") == 2)
    (second,) = sealed_files(folder)
    assert (second != first, str(second)) == (True, status.params["file"])
    session.syncing.sync_now()
    heard.wait(lambda s: s.code == "device.shut_out_now" and s.params["count"] == 2)
    assert sealed_files(folder) == [second], "nothing new, nothing written"
    end(session)
    description = Description.load(folder)
    assert description.shut_out is not None
    assert description.shut_out.sealed
    assert not wants_key(folder, description)
    assert "cache.db" in data_left(folder)
    told("device.shut_out_unsaved", lambda: Workstation.open(folder, passphrase=nobody))
    # The next start needs no key for it.
    ended = told("device.shut_out", lambda: open_session(folder, passphrase=nobody))
    assert ended.params == {"count": 2, "file": str(second)}
    assert data_left(folder) == []
    assert memory_keyring.get_password(secrets.SERVICE, description.id) is None
    assert contents(admin, clinic, second) == [NAME, "Otra Más"]
    told("device.shut_out", lambda: open_session(folder, passphrase=nobody))
    assert take_in(bureau, clinic, second).waiting == 2
    assert bureau.sync().rejected == 0
    found = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = ANY (%s)"
    assert clinic.value(found, [NAME, "Otra Más"]) == 2
    clinic.query(
        "DELETE FROM pacientes_cliente WHERE nombre_completo = ANY (%s)", [NAME, "Otra Más"]
    )


def test_with_everything_sent_nothing_is_written(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection
) -> None:
    heard = Heard(session)
    heard.wait(lambda s: s.state == "in_step")
    revoke(folder, clinic, admin)
    session.syncing.sync_now()
    heard.wait(lambda s: s.code == "device.shut_out_now_empty")
    end(session)
    told("device.shut_out_empty", lambda: open_session(folder, passphrase=nobody))
    assert data_left(folder) == []
    assert not (folder / FOLDER).exists()


def test_signing_in_is_enough_to_hear_it(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection, actor: Actor
) -> None:
    session.services.clients.create(actor, NewClient(full_name=NAME))
    revoke(folder, clinic, admin)
    error = told("device.shut_out_now", lambda: session.services.accounts.sign_in("admin", "x"))
    assert contents(admin, clinic, Path(str(error.params["file"]))) == [NAME]


def test_the_server_lets_it_in_after_all(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection
) -> None:
    heard = Heard(session)
    heard.wait(lambda s: s.state == "in_step")
    revoke(folder, clinic, admin)
    session.syncing.sync_now()
    heard.wait(lambda s: s.code == "device.shut_out_now_empty")
    role = Description.load(folder).role
    admin.execute(f'ALTER ROLE "{role}" LOGIN')
    clinic.query("UPDATE sync_device SET revoked_at = NULL WHERE role_name = %s", role)
    session.syncing.sync_now()
    heard.wait(lambda s: s.state == "in_step")
    assert Description.load(folder).shut_out is None
    end(session)
    open_session(folder, passphrase=lambda: PASSPHRASE).close()


@pytest.fixture
def killed(folder: Path, clinic: Clinic, admin: psycopg.Connection, actor: Actor) -> Path:
    """The program was killed after it heard, with work that was typed after the file was written."""
    session = open_session(folder, passphrase=lambda: PASSPHRASE)
    session.services.clients.create(actor, NewClient(full_name=NAME))
    revoke(folder, clinic, admin)
    session.revocation.happened()
    session.services.clients.create(actor, NewClient(full_name="En el último segundo"))
    session.syncing.close()
    session.services.cache.close()
    session.workstation.close()
    return folder


def test_killed_before_all_was_written(
    killed: Path, vault: str, clinic: Clinic, admin: psycopg.Connection
) -> None:
    assert wants_key(killed, Description.load(killed))
    if vault == secrets.PASSPHRASE:
        # Nobody gives the passphrase: nothing is lost, nothing is destroyed, nothing is readable.
        told("device.shut_out_passphrase", lambda: open_session(killed, passphrase=nobody))
        told("secrets.passphrase_wrong", lambda: open_session(killed, passphrase=lambda: "x" * 12))
        assert {"cache.db", "secrets.bin"} <= set(data_left(killed))
        for path in killed.rglob("*"):
            assert not path.is_file() or NAME.encode() not in path.read_bytes()
    ended = told("device.shut_out", lambda: open_session(killed, passphrase=lambda: PASSPHRASE))
    assert ended.params["count"] == 2
    (file,) = sealed_files(killed)
    assert contents(admin, clinic, file) == [NAME, "En el último segundo"]
    assert data_left(killed) == []


@pytest.mark.parametrize("point", ["key", "file"])
def test_cut_off_while_it_destroys(
    killed: Path,
    point: str,
    clinic: Clinic,
    admin: psycopg.Connection,
    memory_keyring: MemoryKeyring,
) -> None:
    """Ended between two steps, it goes on with the next start, the file already carried away."""
    description = Description.load(killed)
    blocked = killed / "cache.db.atravesado"
    blocked.mkdir()  # what can't be unlinked stands in for the power cut
    with pytest.raises(OSError):
        close_down(killed, passphrase=lambda: PASSPHRASE)
    blocked.rmdir()
    assert memory_keyring.get_password(secrets.SERVICE, description.id) is None
    (file,) = sealed_files(killed)
    assert contents(admin, clinic, file) == [NAME, "En el último segundo"]
    if point == "file":
        file.unlink()
    ended = close_down(killed, passphrase=lambda: PASSPHRASE)
    assert ended is not None
    assert ended.code == "device.shut_out"
    assert data_left(killed) == []


class LockedKeyring(MemoryKeyring):
    """Gives its secrets and lets none be taken away."""

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.KeyringLocked


def test_a_keyring_that_keeps_the_key_is_asked_again(
    clinic: Clinic, admin: psycopg.Connection, tmp_path: Path, memory_keyring: MemoryKeyring,
    actor: Actor,
) -> None:  # fmt: skip
    folder = joined(clinic, admin, tmp_path, tmp_path / "equipo")
    session = open_session(folder)
    session.services.clients.create(actor, NewClient(full_name=NAME))
    revoke(folder, clinic, admin)
    session.revocation.happened()
    session.close()
    locked = LockedKeyring()
    locked.entries = memory_keyring.entries
    keyring.set_keyring(locked)
    told("secrets.keyring_locked", lambda: open_session(folder))
    assert data_left(folder) == [], "what the key opens is gone at once"
    assert memory_keyring.entries
    keyring.set_keyring(memory_keyring)
    assert told("device.shut_out", lambda: open_session(folder)).params["count"] == 1
    assert not memory_keyring.entries


def test_where_the_file_can_not_be_written_nothing_is_destroyed(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection, actor: Actor
) -> None:
    session.services.clients.create(actor, NewClient(full_name=NAME))
    (folder / FOLDER).write_text("en el camino")
    revoke(folder, clinic, admin)
    heard = Heard(session)
    status = heard.wait(lambda s: s.code == "device.shut_out_now_unsaved")
    assert status.params == {"folder": str(folder / FOLDER)}
    end(session)
    told("office.not_written", lambda: open_session(folder, passphrase=lambda: PASSPHRASE))
    assert "cache.db" in data_left(folder)
    (folder / FOLDER).unlink()
    told("device.shut_out", lambda: open_session(folder, passphrase=lambda: PASSPHRASE))
    (file,) = sealed_files(folder)
    assert contents(admin, clinic, file) == [NAME]


def test_where_the_clinics_key_never_came_it_is_given_by_hand(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection, actor: Actor
) -> None:
    from desktop.services.cache import executor
    from sync import store

    with session.services.cache.writing_local() as raw:
        store.set_state(executor(raw), "office_key", None)
    session.services.clients.create(actor, NewClient(full_name=NAME))
    revoke(folder, clinic, admin)
    assert session.revocation.happened().code == "device.shut_out_now_unsaved"
    end(session)
    told("office.no_key_here", lambda: open_session(folder, passphrase=lambda: PASSPHRASE))
    assert "cache.db" in data_left(folder)
    with Workstation.open(folder, passphrase=lambda: PASSPHRASE, even_shut_out=True) as station:
        cache = station.open_cache()
        with cache.writing_local() as raw:
            key = clinic.value("SELECT office_key FROM sync_meta")
            store.set_state(executor(raw), "office_key", office_file.check_key(key))
        cache.close()
    told("device.shut_out", lambda: open_session(folder, passphrase=lambda: PASSPHRASE))
    assert data_left(folder) == []


def test_a_mistake_is_mended_by_joining_again(
    killed: Path, clinic: Clinic, admin: psycopg.Connection, tmp_path: Path, actor: Actor
) -> None:
    told("workstation.exists", lambda: joined(clinic, admin, tmp_path, killed))
    told("device.shut_out", lambda: open_session(killed, passphrase=lambda: PASSPHRASE))
    (file,) = sealed_files(killed)
    (killed / "settings.json").write_text('{"theme": "dark"}')
    joined(clinic, admin, tmp_path, killed)
    assert sealed_files(killed) == [file]
    assert (killed / "settings.json").read_text() == '{"theme": "dark"}'
    assert not killed.with_name("equipo.before").exists()
    session = open_session(killed, passphrase=lambda: PASSPHRASE)
    name = f"De vuelta {tmp_path.name}"
    session.services.clients.create(actor, NewClient(full_name=name))
    Heard(session).wait(lambda s: s.state == "in_step" and s.pending == 0)
    session.close()
    found = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s"
    assert clinic.value(found, name) == 1


def test_joining_again_goes_on_where_it_was_cut(
    killed: Path, clinic: Clinic, admin: psycopg.Connection, tmp_path: Path
) -> None:
    close_down(killed, passphrase=lambda: PASSPHRASE)
    (file,) = sealed_files(killed)
    before = killed.with_name("equipo.before")
    killed.rename(before)  # cut after the old folder has given its name up
    joined(clinic, admin, tmp_path, killed)
    assert sealed_files(killed) == [killed / FOLDER / file.name]
    assert not before.exists()
    open_session(killed, passphrase=lambda: PASSPHRASE).close()


def test_another_workstations_work_is_left_alone(
    session: WorkSession, folder: Path, clinic: Clinic, admin: psycopg.Connection, desk: Station
) -> None:
    """One is shut out; its neighbour on the same server works on."""
    heard = Heard(session)
    heard.wait(lambda s: s.state == "in_step")
    world.revoke(desk, clinic)
    add(desk, "Del vecino")
    session.syncing.sync_now()
    heard.wait(lambda s: s.state == "in_step")
    assert Description.load(folder).shut_out is None
