"""Who may read a clinic whole for a backup, and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from desktop.backup import restore, rights
from desktop.backup.reading import snapshot
from desktop.backup.swap import go_away
from desktop.backup.take import take_full
from desktop.domain.errors import AppError, RuleError
from desktop.models.backup_roles import door, readers
from desktop.services import backups_server as server
from desktop.services import devices
from tests.backup.take.conftest import WHO, Safe
from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server


@pytest.fixture(scope="module")
def clinic(any_postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """On each version of the server: what a role's members inherit is not the same in all."""
    with clinics.clinic(any_postgres, tmp_path_factory.mktemp("clinic"), 'Clínica "Ñ" %s') as made:
        yield made


def test_an_office_workstation_reads_nothing_until_it_becomes_the_reader(
    clinic: Clinic, office: psycopg.Connection
) -> None:
    """Catches a role whose members inherit what it may read: on 15 that is the member's own property."""
    schema = clinic.schema
    for table in ("pacientes_cliente", "sync_device", "sync_log"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            office.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(schema, table)))
    with snapshot(office, schema) as moment:
        assert len(moment.tables) > 25
        found = office.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, "pacientes_cliente"))
        ).fetchall()
        assert found == [(2,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        office.execute(
            sql.SQL("SELECT FROM {}").format(sql.Identifier(schema, "pacientes_cliente"))
        )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password FROM {}.auth_user",
        "SELECT office_identity FROM {}.sync_meta",
        "SELECT * FROM {}.sync_meta",
        "SELECT FROM {}.acceso_secreto",
        "SELECT sellada FROM {}.respaldo_llave_copia",
        "DELETE FROM {}.pacientes_cliente",
        "UPDATE {}.auth_user SET username = 'x'",
        "TRUNCATE {}.sync_result",
        "CREATE TABLE {}.mine (id int)",
    ],
)
def test_the_reader_sees_no_secret_and_changes_nothing(
    clinic: Clinic, office: psycopg.Connection, statement: str
) -> None:
    office.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(readers(clinic.schema))))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        office.execute(sql.SQL(statement).format(sql.Identifier(clinic.schema)))


@pytest.mark.parametrize("profile", ["reception", "practitioner"])
def test_no_other_profile_takes_a_backup(
    clinic: Clinic, tmp_path: Path, safe: Safe, profile: str
) -> None:
    station = clinic.station(f"no {profile}", profile, clinic.practitioners[0])
    with station.workstation.connect() as connection:
        with pytest.raises(RuleError, match=r"backup\.forbidden"):
            take_full(connection, clinic.schema, tmp_path / "a", safe.sealing, WHO)
        for role in (readers(clinic.schema), door(clinic.schema)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    assert list(tmp_path.iterdir()) == []


def test_who_is_shut_out_in_the_middle_of_a_backup_gets_no_further(
    clinic: Clinic, owner: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    station = clinic.station("perdida", "office")
    number = clinic.value("SELECT number FROM sync_device WHERE label = 'perdida'")
    owner.execute(
        sql.SQL(
            "CREATE TABLE {} AS SELECT n AS id, repeat('x', 500) AS t"
            " FROM generate_series(1, 30000) n"
        ).format(sql.Identifier(clinic.schema, "aaa"))
    )
    with station.workstation.connect() as connection:

        def shut_out(_progress: object) -> None:
            if revoked:
                return
            revoked.extend(devices.revoke(owner, clinic.schema, number))

        revoked: list[int] = []
        with pytest.raises((psycopg.OperationalError, AppError)):
            take_full(
                connection, clinic.schema, tmp_path / "a", safe.sealing, WHO, progress=shut_out
            )
    assert revoked == [number]
    assert list(tmp_path.iterdir()) == []
    assert member_of(owner, door(clinic.schema), station.workstation.description.role) is False
    owner.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(clinic.schema, "aaa")))


def member_of(connection: psycopg.Connection, group: str, role: str) -> bool:
    rows = connection.execute(
        "SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles r ON r.oid = m.member WHERE g.rolname = %s AND r.rolname = %s",
        (group, role),
    ).fetchall()
    return bool(rows)


def test_a_workstation_that_is_no_longer_the_offices_loses_it_with_the_next_ensure(
    clinic: Clinic, owner: psycopg.Connection
) -> None:
    station = clinic.station("cambia", "office")
    role = station.workstation.description.role
    assert member_of(owner, door(clinic.schema), role)
    clinic.query("UPDATE sync_device SET profile = 'reception' WHERE role_name = %s", role)
    with station.workstation.connect() as connection:
        with pytest.raises(RuleError, match=r"backup\.forbidden"):
            with snapshot(connection, clinic.schema):
                pass
    rights.ensure(owner, clinic.schema)
    assert not member_of(owner, door(clinic.schema), role)


PAST, FUTURE = (dt.datetime(year, 11, 21, tzinfo=dt.UTC) for year in (2025, 2126))


def replaced(
    owner: psycopg.Connection, live: str, until: dt.datetime, name: str | None = None
) -> str:
    """A schema as a restore leaves it behind, with tables that refer to each other."""
    made = go_away(owner, live, "0003", until - dt.timedelta(days=7), until)
    if name is not None:
        owner.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(made), sql.Identifier(name)
            )
        )
        made = name
    owner.execute(
        sql.SQL(
            "CREATE TABLE {0}.a (id serial PRIMARY KEY, b int);"
            " CREATE TABLE {0}.b (id int PRIMARY KEY, a int REFERENCES {0}.a);"
            " ALTER TABLE {0}.a ADD FOREIGN KEY (b) REFERENCES {0}.b"
        ).format(sql.Identifier(made))
    )
    return made


def test_a_workstation_drops_only_what_a_restore_left_and_its_time_is_over(
    clinic: Clinic, owner: psycopg.Connection, office: psycopg.Connection
) -> None:
    live = clinic.schema
    over = [replaced(owner, live, PAST - dt.timedelta(days=n)) for n in range(2)]
    young = replaced(owner, live, FUTURE)
    anothers = replaced(owner, "otra", PAST)
    renamed = replaced(owner, live, PAST, "no_es_de_una_restauracion")
    leaned_on = replaced(owner, live, PAST - dt.timedelta(days=30))
    garbled = replaced(owner, live, PAST - dt.timedelta(days=31))
    foreign = replaced(owner, live, PAST - dt.timedelta(days=32))
    looked_at = replaced(owner, live, PAST - dt.timedelta(days=33))
    name = sql.Identifier
    for statement in (
        sql.SQL("CREATE SCHEMA informes"),
        sql.SQL("CREATE VIEW informes.v AS SELECT * FROM {}").format(name(leaned_on, "a")),
        sql.SQL("COMMENT ON SCHEMA {} IS 'consultorio: replaced {{'").format(name(garbled)),
        sql.SQL("CREATE ROLE ajeno"),
        sql.SQL("ALTER SCHEMA {} OWNER TO ajeno").format(name(foreign)),
    ):
        owner.execute(statement)
    try:
        with psycopg.connect(clinic.dsn) as other:
            other.execute(sql.SQL("SELECT FROM {}").format(name(looked_at, "b")))
            assert sorted(server.purge(office, live)) == sorted(over)
        there = {row[0] for row in owner.execute("SELECT nspname FROM pg_namespace").fetchall()}
        left = {young, anothers, renamed, leaned_on, garbled, foreign, looked_at}
        assert left <= there
        assert not there & set(over)
        assert server.purge(office, live) == [looked_at]
        with restore.alone(owner, live):
            assert server.purge(office, live) == []
    finally:
        for each in ("informes", young, anothers, renamed, leaned_on, garbled, foreign):
            owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name(each)))
        owner.execute("DROP ROLE ajeno")
    reception = clinic.station("no purga", "reception")
    with reception.workstation.connect() as connection:
        with pytest.raises(RuleError, match=r"backup\.forbidden"):
            server.purge(connection, live)


def test_tables_that_came_later_are_read_too(
    clinic: Clinic, owner: psycopg.Connection, office: psycopg.Connection
) -> None:
    owner.execute(
        sql.SQL("CREATE TABLE {} (id serial PRIMARY KEY, t text)").format(
            sql.Identifier(clinic.schema, "django_session")
        )
    )
    with snapshot(office, clinic.schema) as moment:
        assert moment.unknown == ("django_session",)
        assert moment.sequences["django_session_id_seq"] == 0
    owner.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(clinic.schema, "django_session")))


@contextmanager
def unreadable(clinic: Clinic, owner: psycopg.Connection, table: str) -> Iterator[None]:
    """A table on which nobody gives the reader rights."""
    names = {
        "schema": sql.Identifier(clinic.schema),
        "table": sql.Identifier(clinic.schema, table),
    }
    owner.execute(
        sql.SQL(
            "CREATE TABLE {table} (id int); CREATE OR REPLACE FUNCTION {schema}.backup_grant()"
            " RETURNS void LANGUAGE plpgsql AS 'BEGIN END'"
        ).format(**names)
    )
    try:
        yield
    finally:
        owner.execute(sql.SQL("DROP TABLE {table}").format(**names))
        rights.ensure(owner, clinic.schema)


def test_what_no_archive_can_hold_need_not_be_read(
    clinic: Clinic, owner: psycopg.Connection, office: psycopg.Connection
) -> None:
    """It is told, and keeps nothing else from being saved."""
    with unreadable(clinic, owner, "Ajena"), snapshot(office, clinic.schema) as moment:
        assert moment.unsaved == ("Ajena",)
        assert [table.left_out for table in moment.odd] == [("id",)]
        assert "pacientes_cliente" in {table.name for table in moment.tables}


def test_a_table_that_cannot_be_read_is_no_backup(
    clinic: Clinic, owner: psycopg.Connection, office: psycopg.Connection
) -> None:
    """Catches a backup that leaves out silently what belongs to somebody else."""
    with unreadable(clinic, owner, "ajena"):
        with pytest.raises(RuleError, match=r"backup\.unreadable") as refused:
            with snapshot(office, clinic.schema):
                pass
        assert refused.value.params == {"tables": "ajena"}
