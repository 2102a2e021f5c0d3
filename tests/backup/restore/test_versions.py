"""An archive goes back on every PostgreSQL, and into every later version of the program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from desktop.backup import catalog, restore
from desktop.services import migrations, office_key, tenants
from desktop.services.tenancy import Migrations
from tests.admin.test_migrations import FROZEN as FROZEN_TENANTS
from tests.backup.restore import freezing
from tests.backup.restore.making import Archive, changed, hashes, opened, take
from tests.support.clinic import Clinic, drop_roles
from tests.support.embedded import Server

FROZEN = sorted(freezing.FOLDER.glob("archive-*.consultorio"))


@contextmanager
def empty(server: Server) -> Iterator[psycopg.Connection]:
    with server.database() as dsn:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                yield connection
        finally:
            drop_roles(dsn)


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_archive_is_the_same_everywhere(any_postgres: Server, path: Path) -> None:
    """Restored, read back to the byte, and taken again: every table's text is the frozen one's."""
    frozen, sources = freezing.opened(path)
    with empty(any_postgres) as db:
        with sources as readers:
            done = restore.restore(
                db,
                "clinica",
                readers,
                Migrations(),
                password=("admin", freezing.ENCODED),
                compare=True,
            )
        assert done.left == {}
        db.execute("SET search_path = clinica")
        assert db.execute("SELECT count(*) FROM citas_cita").fetchall()[0][0] == freezing.VISITS
        if frozen.manifest.revision != migrations.head_version():
            return
        again = take(db, "clinica")
        moved = [table.name for table in frozen.manifest.tables if not catalog.is_kept(table.name)]
        assert "citas_cita" in moved
        # The administrator's password is the one that was given.
        moved.remove("auth_user")
        assert {name: again.contents.count(name).sha256 for name in moved} == {
            name: frozen.count(name).sha256 for name in moved
        }
    freezing.proved(path, frozen)


def test_an_older_programs_archive_is_upgraded(postgres: Server) -> None:
    """Catches rows that go into tables of another version, and migrations that are not applied."""
    text = (FROZEN_TENANTS / "tenant-0001.sql").read_text(encoding="utf-8")
    assert json.loads(text.splitlines()[0].partition("holds: ")[2])
    with postgres.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as loading:
            loading.execute(text)
        with psycopg.connect(dsn, autocommit=True) as db:
            db.execute(
                "INSERT INTO clinica.auth_user (password, is_superuser, username, first_name, last_name,"
                " email, is_staff, is_active, date_joined)"
                " VALUES ('!', true, 'admin', '', '', '', true, true, now())"
            )
            archive = take(db, "clinica", schema_version=1)
            assert archive.contents.manifest.revision == "0001"
            before = hashes(db, "clinica")
            tenants.migrate(db, "clinica")
            db.execute("DELETE FROM clinica.citas_cita")
            with opened(archive) as sources:
                done = restore.restore(
                    db, "clinica", sources, Migrations(), safety="x", compare=True
                )
            after = hashes(db, "clinica")
            assert {name: after[name] for name in before} == before
            assert done.rows["citas_cita"] == archive.contents.count("citas_cita").rows
            with opened(archive) as sources:
                restore.restore(
                    db, "clinica", sources, Migrations(), safety="x"
                )  # and once more, onto itself
            db.execute("DROP SCHEMA clinica CASCADE")
            with opened(archive) as sources:
                restore.restore(
                    db,
                    "clinica",
                    sources,
                    Migrations(),
                    password=("admin", freezing.ENCODED),
                )
            office_key.public(db, "clinica")
        drop_roles(dsn)


def test_incrementals_one_after_the_other(clinic: Clinic, db: psycopg.Connection) -> None:
    """Catches a deleted row that comes back, a change that is lost, and a table that is not emptied."""
    full = take(db, clinic.schema)
    archives = [full]
    steps: list[tuple[str, dict[str, str], dict[str, list[int]], dict[str, object]]] = [
        (
            "UPDATE agenda_sala SET nombre = 'Box ' || id * 10;"
            "INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 3', 3)",
            {"agenda_sala": "changes"},
            {},
            {},
        ),
        (
            "DELETE FROM agenda_sala WHERE id = 1; DELETE FROM citas_cita WHERE id <= 3",
            {"agenda_sala": "changes"},
            {"agenda_sala": [1], "citas_cita": [1, 2, 3]},
            {},
        ),
        ("DELETE FROM citas_horariodentista", {"citas_horariodentista": "whole"}, {}, {}),
        (
            "DELETE FROM citas_auditorialog;"
            "INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,"
            " creado_el, actualizado_el) VALUES ('Nuevo', 'x', 1, true, true, now(), now());"
            "DELETE FROM citas_tiposervicio WHERE nombre = 'Control'",
            {"citas_tiposervicio": "added"},
            {},
            {"kept": json.dumps({"citas_tiposervicio": "2-2,3"})},
        ),
    ]
    for work, ways, gone, more in steps:
        db.execute(work)
        now = take(db, clinic.schema)
        rows = {name: text_of(now, name) for name in ways}
        keys = {name: "".join(f"{i}\n" for i in ids).encode() for name, ids in gone.items()}
        archives.append(
            changed(archives[-1], rows, keys, full=full, extra={"parts": json.dumps(ways), **more})
        )
    meant = hashes(db, clinic.schema)
    db.execute("DELETE FROM citas_cita; UPDATE agenda_sala SET nombre = id::text")
    with opened(*archives) as sources:
        done = restore.restore(db, clinic.schema, sources, Migrations(), safety="x")
    assert hashes(db, clinic.schema) == meant
    assert done.rows["citas_horariodentista"] == 0
    assert done.rows["agenda_sala"] == 2


def text_of(archive: Archive, table: str) -> bytes:
    with opened(archive) as (reader,):
        for part in reader.tables():
            text = b"".join(part.chunks)
            if part.name == table:
                return text
    return b""
