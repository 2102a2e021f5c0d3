"""What an office workstation took goes back as what the owner took does; so does a chain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from desktop.backup import restore
from desktop.backup.archive_reader import ArchiveReader
from desktop.backup.take import Sealing, Taken, Who, take_full
from desktop.backup.take_cache import take_cache
from desktop.backup.take_incremental import Since, take_incremental
from desktop.domain import passwords
from desktop.services.tenancy import Migrations
from tests.backup.restore.making import KEYS, SIGNER, hashes
from tests.support.clinic import Clinic, drop_roles

SEALING = Sealing(SIGNER, (KEYS.recipient, KEYS.recovery_recipient))
WHO = Who("admin", "0.1.0")


def put_back(db: psycopg.Connection, schema: str, *taken: Taken) -> restore.Restored:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                ArchiveReader(
                    stack.enter_context(one.path.open("rb")), [KEYS.identity], one.contents
                )
            )
            for one in taken
        ]
        return restore.restore(db, schema, readers, Migrations(), safety="copia", compare=True)


def since(taken: Taken) -> Since:
    manifest = taken.contents.manifest
    assert manifest.cursor is not None
    assert manifest.epoch is not None
    return Since(
        manifest_hash=taken.contents.manifest_hash,
        cursor=manifest.cursor,
        epoch=manifest.epoch,
        schema_version=manifest.schema_version,
        revision=manifest.revision,
    )


def test_a_workstations_chain(clinic: Clinic, db: psycopg.Connection, tmp_path: Path) -> None:
    """Catches a workstation's archive that fits no table, and increments that miss what changed."""
    office = clinic.station("oficina", "office")
    office.sync()
    connect: Callable[[], psycopg.Connection] = office.workstation.connect
    with connect() as station:
        station.autocommit = True
        full = take_full(station, clinic.schema, tmp_path / "lleno", SEALING, WHO)
        assert "password" in full.left_out["auth_user"]
        db.execute(
            "UPDATE pacientes_cliente SET notas = 'otra' WHERE id = (SELECT min(id) FROM"
            " pacientes_cliente);"
            "DELETE FROM citas_cita WHERE id = (SELECT max(id) FROM citas_cita);"
            "INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 3', 3)"
        )
        one = take_incremental(
            station, clinic.schema, tmp_path / "uno", SEALING, WHO, since=since(full)
        )
        assert one.full_because is None
    meant = hashes(db, clinic.schema)
    db.execute("DELETE FROM citas_cita; UPDATE agenda_sala SET nombre = 'x' || id")
    done = put_back(db, clinic.schema, full, one)
    assert hashes(db, clinic.schema) == meant
    assert done.kept == ("admin",)
    put_back(db, clinic.schema, full)
    assert db.execute("SELECT count(*) FROM agenda_sala").fetchall() == [(2,)]


def test_a_clinic_out_of_a_workstations_cache(
    clinic: Clinic, db: psycopg.Connection, tmp_path: Path
) -> None:
    """The server is gone: a workstation's own copy makes the clinic anew, on another one."""
    office = clinic.station("oficina", "office")
    office.sync()
    raw = office.cache.connect()
    try:
        taken = take_cache(raw, tmp_path / "equipo", SEALING, WHO)
    finally:
        raw.close()
    before = hashes(db, clinic.schema)
    with clinic.server.database() as dsn, psycopg.connect(dsn, autocommit=True) as new:
        with taken.path.open("rb") as file:
            with ArchiveReader(file, [KEYS.identity], taken.contents) as reader:
                restore.restore(
                    new,
                    "nueva",
                    [reader],
                    Migrations(),
                    password=("admin", passwords.encode("Otra-clave-larga-7")),
                )
        after = hashes(new, "nueva")
        # A cache has neither passwords nor what the other programs keep to themselves.
        differing = {name for name in before if before[name] != after[name]}
        assert differing <= {"auth_user", "sync_result"}
        new.execute("SET search_path = nueva")
        fresh = "INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 9', 9) RETURNING id"
        assert new.execute(fresh).fetchall()[0][0] > 2
        new.close()
        drop_roles(dsn)
