"""The server is wrong, out of reach, closed to us, newer or older: work goes on, nothing is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from desktop.services import devices, office
from desktop.services.clients_records import NewClient
from desktop.services.server import connect
from tests.support.clinic import Clinic
from tests.trouble.conftest import PATIENT, PATIENTS_EMAIL, PATIENTS_RUT, Post, Windows, says, told


@contextmanager
def described(post: Post, **changed: object) -> Iterator[None]:
    kept = post.description.read_bytes()
    post.describe(**changed)
    yield
    post.description.write_bytes(kept)


@contextmanager
def nobody_answers(post: Post) -> Iterator[None]:
    with described(post, host="127.0.0.1", port=1):
        yield


@contextmanager
def no_such_database(post: Post) -> Iterator[None]:
    with described(post, dbname="no_hay_tal"):
        yield


@contextmanager
def another_database(post: Post) -> Iterator[None]:
    with post.clinic.server.database() as dsn, connect({"conninfo": dsn}) as there:
        with described(post, dbname=there.info.dbname):
            yield


@contextmanager
def another_key(post: Post) -> Iterator[None]:
    role = sql.Identifier(post.role)
    with post.clinic.admin() as admin:
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD 'otra'").format(role))
        yield
        admin.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(post.password()))
        )


@contextmanager
def no_such_role(post: Post) -> Iterator[None]:
    with described(post, role="nadie_de_aqui"):
        yield


def versions(schema: int) -> Callable[[Post], contextlib.AbstractContextManager[None]]:
    @contextmanager
    def other(post: Post) -> Iterator[None]:
        kept = post.clinic.query("SELECT schema_version, min_client_version FROM sync_meta")[0]
        change = "UPDATE sync_meta SET schema_version = %s, min_client_version = %s"
        post.clinic.query(change, schema, schema)
        yield
        post.clinic.query(change, *kept)

    return other


@contextmanager
def upgrading(post: Post) -> Iterator[None]:
    with psycopg.connect(post.clinic.dsn) as migration:
        migration.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))",
            (post.clinic.schema,),
        )
        yield


TROUBLES = {
    "nobody answers": (nobody_answers, "sync.unreachable", "offline"),
    "no such database": (no_such_database, "sync.wrong_server", "trouble"),
    "a database without the clinic": (another_database, "sync.wrong_server", "trouble"),
    "a server that does not know us": (no_such_role, "sync.access_refused", "trouble"),
    "a key that was changed there": (another_key, "sync.access_refused", "trouble"),
    "a schema newer than the program": (versions(99), "sync.client_too_old", "trouble"),
    "a schema older than the program": (versions(0), "sync.server_too_old", "trouble"),
    "an upgrade under way": (upgrading, "sync.migrating", "trouble"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_work_goes_on_and_is_sent_when_the_trouble_is_over(
    trouble: str, post: Post, windows: Windows
) -> None:
    arise, code, state = TROUBLES[trouble]
    name = f"{PATIENT} {trouble}"
    window = windows.window(post.folder)
    windows.sign_in(window)  # once with the server, so that it can be done without
    assert window.workspace is not None
    windows.end()
    waiting = post.work(name)
    assert waiting == 1
    with arise(post):
        told(post.run, code, "sync", "--once")
        assert post.run("status", "--json").json["pending"] == waiting
        window = windows.window(post.folder)
        windows.sign_in(window)
        workspace = window.workspace
        assert workspace is not None, window.signin.banner.text
        bar = workspace.status_bar
        windows.wait(lambda: bar.status.code == code)
        assert bar.status.state == state
        assert says(bar.connection.toolTip(), code)
        assert bar.connection.accessibleDescription() == bar.connection.toolTip()
        assert "1 cambio sin enviar" in bar.unsynced.text()
        services = workspace.context.services
        services.clients.create(post.actor, NewClient(full_name=f"{name} 2"))
        windows.wait(lambda: bar.status.pending == 2)
        windows.end()
        assert post.pending == 2
    assert post.on_server(name) == 0
    post.syncs()
    assert (post.on_server(name), post.on_server(f"{name} 2")) == (1, 1)


def test_a_workstation_that_was_shut_out_is_told_so_and_its_work_goes_to_the_office(
    post: Post, windows: Windows, clinic: Clinic
) -> None:
    window = windows.window(post.folder)
    windows.sign_in(window)
    workspace = window.workspace
    assert workspace is not None
    bar = workspace.status_bar
    windows.wait(lambda: bar.status.state == "in_step")
    with clinic.admin() as admin:
        devices.revoke(admin, clinic.schema, post.number)
    workspace.context.services.clients.create(
        post.actor, NewClient(full_name=PATIENT, rut=PATIENTS_RUT, email=PATIENTS_EMAIL)
    )
    workspace.status_bar.syncWanted.emit()
    windows.wait(lambda: bar.status.code == "device.shut_out_now")
    assert says(bar.connection.toolTip(), "device.shut_out_now")
    assert says(workspace.trouble.text, "device.shut_out_now")
    (file,) = (post.folder / "for-the-office").iterdir()
    assert str(file) in workspace.trouble.text
    assert bar.status.pending == 1
    exported = post.folder.parent / "pendiente.json"
    workspace.context.services.inbox.export(exported)
    assert PATIENT in exported.read_text("utf-8")
    window.lock()
    window.signin.password.setText("da igual")
    window.signin.enter.click()
    windows.wait(lambda: says(window.signin.banner.text, "device.shut_out_now"))
    windows.end()
    told(post.run, "device.shut_out_unsaved", "status")
    # The next start: the end, without anybody's passphrase, and the way back.
    program = windows.start(post.folder, passphrase=None)
    windows.wait(lambda: program.start is not None and program.start.banner.text)
    start = program.start
    assert start is not None
    assert says(start.banner.text, "device.shut_out")
    assert str(file) in start.banner.text
    assert not start.passphrase.isVisible()
    assert not start.again.isVisible()
    assert not (post.folder / "cache.db").exists()
    start.join.click()
    windows.wait(lambda: program.wizard is not None and program.wizard.isVisible())
    windows.end()
    told(post.run, "device.shut_out", "sync", "--once")
    assert post.on_server() == 0
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        unsent = office.opened(connection, clinic.schema, file)
    assert [o.new["nombre_completo"] for t in unsent.transactions for o in t.operations] == [
        PATIENT
    ]
