"""What is no restore: it says why, and nothing is other than before."""

from __future__ import annotations

import datetime as dt
import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from desktop.backup import catalog, restore, restore_plan, swap
from desktop.domain.errors import AppError
from desktop.domain.messages import sentence
from desktop.services.tenancy import Migrations
from tests.backup.format.making import read
from tests.backup.restore.conftest import VISITS
from tests.backup.restore.making import (
    KEYS,
    Archive,
    changed,
    hashes,
    opened,
    rewritten,
    schemas,
    signed_as,
    take,
)
from tests.support import clinic as clinics
from tests.support.clinic import ZONE, Clinic
from tests.support.embedded import Server


@pytest.fixture(scope="module")
def clinic(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One for all: nothing is ever done to it that lasts."""
    with clinics.clinic(postgres, tmp_path_factory.mktemp("clinic")) as made:
        made.query(VISITS)
        yield made


@contextmanager
def refused(db: psycopg.Connection, clinic: Clinic, code: str) -> Iterator[None]:
    """An error of this code, with a sentence, after which everything is as it was."""
    before = (hashes(db, clinic.schema, kept=True), schemas(db))
    with pytest.raises(AppError) as caught:
        yield
    assert caught.value.code == code
    assert "{" not in sentence(caught.value)
    assert (hashes(db, clinic.schema, kept=True), schemas(db)) == before


def put_back(
    db: psycopg.Connection, clinic: Clinic, *archives: Archive, **how: object
) -> restore.Restored:
    with opened(*archives) as sources:
        how.setdefault("safety", "copia")
        return restore.restore(db, clinic.schema, sources, Migrations(), **how)  # type: ignore[arg-type]


def test_nothing_to_undo(clinic: Clinic, db: psycopg.Connection) -> None:
    for one in restore.replaced(db, clinic.schema):
        db.execute(f'DROP SCHEMA "{one.schema}" CASCADE')
    with refused(db, clinic, "restore.nothing_to_undo"):
        restore.undo(db, clinic.schema, Migrations())


def test_another_clinics_archive(clinic: Clinic, db: psycopg.Connection) -> None:
    other = take(db, clinic.schema, tenant="8d1f7f0e-58b5-4a3c-9d0a-3f5f7d1f3b11")
    with refused(db, clinic, "restore.wrong_clinic"):
        put_back(db, clinic, other)


def test_a_clinic_that_waits_for_a_migration(clinic: Clinic, db: psycopg.Connection) -> None:
    archive = take(db, clinic.schema)
    (version,) = db.execute("SELECT version_num FROM alembic_version").fetchall()
    db.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        with refused(db, clinic, "restore.outdated"):
            put_back(db, clinic, archive)
    finally:
        db.execute("UPDATE alembic_version SET version_num = %s", version)
    put_back(db, clinic, archive)


@pytest.mark.parametrize("rule", ["NO ACTION", "CASCADE", "SET DEFAULT"])
def test_another_programs_row_that_would_point_at_nothing(
    clinic: Clinic, db: psycopg.Connection, rule: str
) -> None:
    """The dry run says so already. Where the row may do without, it is let go, and that is no refusal."""
    archive = take(db, clinic.schema)
    with db.transaction(force_rollback=True):
        db.execute(
            "CREATE TABLE odontograma (id bigint PRIMARY KEY, cliente_id bigint"
            f" REFERENCES pacientes_cliente (id) ON DELETE {rule});"
            "WITH tarde AS (INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo,"
            "  fecha_registro) VALUES ('Tarde', 'tarde@example.com', '+56900000000', true, now())"
            "  RETURNING id) INSERT INTO odontograma SELECT 1, id FROM tarde"
        )
        for work in (restore_plan.plan, restore.restore):
            with refused(db, clinic, "restore.orphans"), opened(archive) as sources:
                how = {"zone": ZONE} if work is restore_plan.plan else {"safety": "copia"}
                work(db, clinic.schema, sources, Migrations(), **how)
        db.execute(f"DELETE FROM {clinic.schema}.odontograma")
        with opened(archive) as sources:
            restore_plan.plan(db, clinic.schema, sources, Migrations(), ZONE)


def test_a_newer_programs_archive(clinic: Clinic, db: psycopg.Connection) -> None:
    with refused(db, clinic, "restore.newer"):
        put_back(db, clinic, take(db, clinic.schema, revision="9999"))


@pytest.mark.parametrize("table", ["citas_cita", "sync_meta"])
@pytest.mark.parametrize("said", [{"sha256": "0" * 64}, {"rows": 7}])
def test_rows_that_are_not_those_that_were_hashed(
    clinic: Clinic, db: psycopg.Connection, table: str, said: dict[str, object]
) -> None:
    """Their signature holds; what they come to is found out while they are loaded, or passed over."""
    assert catalog.is_kept(table) == (table == "sync_meta")
    archive = signed_as(take(db, clinic.schema), table, **said)
    with refused(db, clinic, "archive.not_as_signed"):
        put_back(db, clinic, archive)
    with refused(db, clinic, "archive.not_as_signed"), opened(archive) as sources:
        restore_plan.plan(db, clinic.schema, sources, Migrations(), ZONE)


@pytest.mark.parametrize("part", ["rows", "gone"])
def test_changes_that_are_not_those_that_were_hashed(
    clinic: Clinic, db: psycopg.Connection, part: str
) -> None:
    full = take(db, clinic.schema)
    (row,) = db.execute(f"SELECT id FROM {clinic.schema}.citas_cita LIMIT 1").fetchall()
    gone = {"citas_cita": f"{row[0]}\n".encode()}
    rows = {"agenda_sala": read(full.content, full.contents, KEYS.identity)["agenda_sala/rows"]}
    table = "citas_cita" if part == "gone" else "agenda_sala"
    more = signed_as(changed(full, rows, gone), table, sha256="0" * 64)
    with refused(db, clinic, "archive.not_as_signed"):
        put_back(db, clinic, full, more)


def test_without_a_safety_copy(clinic: Clinic, db: psycopg.Connection) -> None:
    with refused(db, clinic, "restore.no_safety_copy"):
        put_back(db, clinic, take(db, clinic.schema), safety=None)


def test_what_a_workstation_had_of_a_clinic_that_is_there(
    clinic: Clinic, db: psycopg.Connection
) -> None:
    with refused(db, clinic, "restore.part_only"):
        put_back(db, clinic, take(db, clinic.schema, extra={"scope": "reception"}))


def test_the_same_clinic_under_another_name(clinic: Clinic, db: psycopg.Connection) -> None:
    archive = take(db, clinic.schema)
    with refused(db, clinic, "restore.elsewhere"), opened(archive) as sources:
        restore.restore(db, "otra", sources, Migrations())


@pytest.mark.parametrize("name", ['nombre" text); DROP TABLE pacientes_cliente; --', "año", "%s"])
def test_columns_that_are_not_here(clinic: Clinic, db: psycopg.Connection, name: str) -> None:
    """A column may be called anything; it is a column's name and nothing else."""
    archive = take(db, clinic.schema)
    manifest = archive.contents.manifest
    tables = [
        replace(table, columns=tuple(
            replace(column, name=name) if column.name == "nombre" else column
            for column in table.columns
        )) if table.name == "agenda_sala" else table
        for table in manifest.tables
    ]  # fmt: skip
    odd = rewritten(archive, replace(manifest, tables=tuple(tables)))
    with refused(db, clinic, "restore.columns"):
        put_back(db, clinic, odd)


def test_an_incremental_alone_or_out_of_order(clinic: Clinic, db: psycopg.Connection) -> None:
    full = take(db, clinic.schema)
    one = changed(full, {"agenda_sala": b""})
    two = changed(one, {"agenda_sala": b""})
    for chain in ((one,), (full, two), (full, two, one), (full, one, one), (full, full)):
        with refused(db, clinic, "restore.chain"):
            put_back(db, clinic, *chain)


def test_rows_that_break_a_rule(clinic: Clinic, db: psycopg.Connection) -> None:
    """An appointment whose client is in no archive; a visit that overlaps another."""
    full = take(db, clinic.schema)
    gone = changed(full, {}, {"pacientes_cliente": f"{clinic.clients[0]}\n".encode()})
    with refused(db, clinic, "restore.unfit"):
        put_back(db, clinic, full, gone)


def test_cancelled_at_any_moment(clinic: Clinic, db: psycopg.Connection) -> None:
    archive = take(db, clinic.schema)
    asked: list[int] = []
    put_back(db, clinic, archive, cancelled=lambda: bool(asked.append(1)))
    moments = len(asked)
    assert moments > 10
    for last in (1, moments // 3, moments // 2, moments - 1, moments):
        patience = iter([False] * (last - 1))
        with refused(db, clinic, "restore.cancelled"):
            put_back(db, clinic, archive, cancelled=functools.partial(next, patience, True))


def test_two_at_once(clinic: Clinic, db: psycopg.Connection) -> None:
    archive = take(db, clinic.schema)
    with clinic.admin() as other, restore.alone(other, clinic.schema):
        with refused(db, clinic, "restore.running"):
            put_back(db, clinic, archive)
    put_back(db, clinic, archive)


def test_somebody_who_never_lets_go(
    clinic: Clinic, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other writers wait for a moment at a time, however long the restore does."""
    monkeypatch.setattr(swap, "PATIENCE", 1.5)
    archive = take(db, clinic.schema)
    waits: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with clinic.admin() as web:
            while not stop.is_set():
                began = time.perf_counter()
                web.execute("UPDATE pacientes_cliente SET telefono = telefono WHERE id = 0")
                waits.append(time.perf_counter() - began)

    with clinic.admin() as holder:
        holder.execute("BEGIN; LOCK TABLE pacientes_cliente IN ROW SHARE MODE")
        writer = threading.Thread(target=write)
        writer.start()
        try:
            with refused(db, clinic, "restore.busy"):
                put_back(db, clinic, archive)
        finally:
            stop.set()
            writer.join()
    assert len(waits) > 10
    assert max(waits) < 2


def test_what_tidies_up_is_waited_for_while_everybody_works(
    clinic: Clinic, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the server's own vacuum does a table: it would be in the way of the change for minutes."""
    monkeypatch.setattr(swap, "PATIENCE", 30)
    archive = take(db, clinic.schema)
    found: list[restore.Restored] = []
    with clinic.admin() as tidying, clinic.admin() as web, clinic.admin() as owner:
        tidying.execute("BEGIN; ANALYZE pacientes_cliente")
        restoring = threading.Thread(
            target=lambda: found.append(put_back(owner, clinic, archive)), daemon=True
        )
        restoring.start()
        while not web.execute(
            "SELECT FROM pg_locks WHERE NOT granted AND pid = %s AND mode = 'ShareUpdateExclusiveLock'",
            (owner.info.backend_pid,),
        ).fetchall():
            assert restoring.is_alive()
        web.execute("SET lock_timeout = '5s'")
        for _time in range(20):
            web.execute("UPDATE pacientes_cliente SET telefono = telefono WHERE id = 0")
        assert restoring.is_alive()
        tidying.execute("COMMIT")
        restoring.join(60)
    assert [done.attempts for done in found] == [1]


def test_what_can_not_follow(clinic: Clinic, db: psycopg.Connection) -> None:
    archive = take(db, clinic.schema)
    db.execute("CREATE MATERIALIZED VIEW mia AS SELECT id FROM pacientes_cliente")
    with refused(db, clinic, "restore.in_the_way"):
        put_back(db, clinic, archive)
    db.execute("DROP MATERIALIZED VIEW mia")


def test_an_undo_after_an_upgrade(clinic: Clinic, db: psycopg.Connection) -> None:
    done = put_back(db, clinic, take(db, clinic.schema))
    assert done.replaced is not None
    db.execute("ALTER TABLE agenda_sala ADD COLUMN nueva int")
    with refused(db, clinic, "restore.undo_outdated"):
        restore.undo(db, clinic.schema, Migrations())
    db.execute("ALTER TABLE agenda_sala DROP COLUMN nueva")


def test_what_was_replaced_goes_after_its_days(clinic: Clinic, db: psycopg.Connection) -> None:
    now = dt.datetime(2036, 11, 21, tzinfo=dt.UTC)
    archive = take(db, clinic.schema)
    first = put_back(db, clinic, archive, now=now)
    second = put_back(db, clinic, archive, now=now + dt.timedelta(days=3))
    there = [one.schema for one in restore.replaced(db, clinic.schema)]
    assert there[:2] == [second.replaced, first.replaced]
    restore.purge_expired(db, clinic.schema, now + dt.timedelta(days=6))
    there = [one.schema for one in restore.replaced(db, clinic.schema)]
    assert there == [second.replaced, first.replaced]
    gone = restore.purge_expired(db, clinic.schema, now + dt.timedelta(days=8))
    assert gone == [first.replaced]
    assert first.replaced not in schemas(db)
    restore.undo(db, clinic.schema, Migrations(), now=now + dt.timedelta(days=9))
