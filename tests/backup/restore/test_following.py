"""What stands on the tables stands on those that took their places; people who sign in still do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from desktop.backup import restore, restore_plan
from desktop.backup.drill import drill
from desktop.domain import passwords
from desktop.services import tenants
from desktop.services.accounts import NewAccount
from desktop.services.tenancy import Migrations
from tests.backup.restore.making import Archive, opened, take
from tests.support.clinic import PASSWORD, ZONE, Clinic, drop_roles

LOGGED = (
    "SELECT l.op::text FROM sync_log l JOIN sync_table s ON s.id = l.tbl"
    " WHERE s.name = 'pacientes_cliente' AND l.row_id = %s"
)
OTHER = "Otra-clave-larga-7"


@pytest.fixture
def web(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.web_dsn(), autocommit=True) as connection:
        yield connection


def put_back(db: psycopg.Connection, clinic: Clinic, archive: Archive) -> restore.Restored:
    with opened(archive) as sources:
        return restore.restore(db, clinic.schema, sources, Migrations(), safety="copia")


def test_open_sessions_go_on(
    clinic: Clinic, db: psycopg.Connection, web: psycopg.Connection
) -> None:
    """Prepared statements, rights and triggers of another program's open session; twice, and undone."""
    archive = take(db, clinic.schema)
    web.prepare_threshold = 0
    insert = (
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)"
        " VALUES ('Web', %s, '+56900000000', true, now()) RETURNING id"
    )
    ids = [web.execute(insert, ("0@example.com",)).fetchall()[0][0]]
    count = "SELECT count(*) FROM pacientes_cliente WHERE nombre_completo = %s"
    assert web.execute(count, ("Web",)).fetchall() == [(1,)]
    for way in (put_back, put_back, None):
        if way is None:
            restore.undo(db, clinic.schema, Migrations())
        else:
            way(db, clinic, archive)
        ids.append(web.execute(insert, (f"{len(ids)}@example.com",)).fetchall()[0][0])
        assert db.execute(LOGGED, (ids[-1],)).fetchall() == [("I",)]
    assert ids == sorted(set(ids))
    assert web.execute(count, ("Web",)).fetchall() == [(2,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("SELECT FROM finanzas_pago")
    with pytest.raises(psycopg.errors.RestrictViolation):
        db.execute("DELETE FROM finanzas_cargo")


def test_other_programs_tables_and_views(clinic: Clinic, db: psycopg.Connection) -> None:
    """Another program's rows keep pointing at clients, its views see the new rows, its rights stay."""
    db.execute(
        "CREATE TABLE odontograma (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, cliente_id bigint"
        " NOT NULL REFERENCES pacientes_cliente (id) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE ficha (id bigint PRIMARY KEY, cliente_id bigint"
        " REFERENCES pacientes_cliente (id) ON DELETE SET NULL);"
        "CREATE VIEW gente WITH (security_barrier) AS SELECT id, nombre_completo FROM pacientes_cliente;"
        "CREATE SCHEMA informes; CREATE VIEW informes.visitas AS SELECT count(*) AS n"
        " FROM citas_cita c JOIN gente g ON g.id = c.cliente_id"
    )
    first = clinic.clients[0]
    db.execute("INSERT INTO odontograma (cliente_id) VALUES (%s)", (first,))
    archive = take(db, clinic.schema, only=["pacientes_cliente", "citas_cita", "finanzas_cargo"])
    whole = take(db, clinic.schema)
    late = db.execute(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)"
        " VALUES ('Tarde', 't@example.com', '+56900000000', true, now()) RETURNING id"
    ).fetchall()[0][0]
    db.execute("INSERT INTO ficha VALUES (1, %s)", (late,))
    db.execute("DELETE FROM citas_cita")
    put_back(db, clinic, archive)
    assert db.execute("SELECT * FROM ficha").fetchall() == [(1, None)]
    assert db.execute("SELECT n FROM informes.visitas").fetchall() == [(10,)]
    assert db.execute("SELECT count(*) FROM gente").fetchall() == [(2,)]
    options = "SELECT reloptions FROM pg_class WHERE oid = 'gente'::regclass"
    assert db.execute(options).fetchall() == [(["security_barrier=true"],)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        db.execute("INSERT INTO odontograma (cliente_id) VALUES (999)")
    unchecked = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    assert db.execute(unchecked).fetchall() == []
    # In an archive with everything they are put back, too.
    db.execute("DELETE FROM odontograma; INSERT INTO ficha VALUES (2, NULL)")
    done = put_back(db, clinic, whole)
    assert db.execute("SELECT cliente_id FROM odontograma").fetchall() == [(first,)]
    assert db.execute("SELECT count(*) FROM ficha").fetchall() == [(0,)]
    assert done.left == {}
    db.execute("INSERT INTO odontograma (cliente_id) VALUES (%s)", (first,))
    restore.undo(db, clinic.schema, Migrations())
    assert db.execute("SELECT count(*) FROM odontograma").fetchall() == [(0,)]
    assert db.execute("SELECT id FROM ficha ORDER BY id").fetchall() == [(1,), (2,)]
    db.execute("DROP SCHEMA informes CASCADE")


def test_other_programs_columns_have_any_names(clinic: Clinic, db: psycopg.Connection) -> None:
    db.execute(
        'CREATE TABLE ficha (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "año" int,'
        ' "Fecha de Alta" date, "100%" text, "co""mi\'lla" bigint REFERENCES pacientes_cliente);'
        'INSERT INTO ficha ("año", "Fecha de Alta", "100%", "co""mi\'lla")'
        " SELECT 2026, '2026-11-22', '100 %', min(id) FROM pacientes_cliente"
    )
    archive = take(db, clinic.schema)
    before = db.execute("TABLE ficha").fetchall()
    db.execute('UPDATE ficha SET "año" = 1999, "100%" = NULL')
    with opened(archive) as sources:
        plan = restore_plan.plan(db, clinic.schema, sources, Migrations(), ZONE)
    assert plan.table("ficha").different == 1
    put_back(db, clinic, archive)
    assert db.execute("TABLE ficha").fetchall() == before
    with opened(archive) as sources:
        report = drill(db, sources, Migrations(), model=clinic.schema)
    assert report.good, report


def test_rights_of_now_hold_for_the_tables_of_before(
    clinic: Clinic, db: psycopg.Connection
) -> None:
    """What was granted once and taken back since is not granted again by an undo."""
    clinic.web_dsn()
    web = sql.Identifier(f"web_{db.info.dbname}")

    def rights() -> tuple[bool, ...]:
        (row,) = db.execute(
            "SELECT has_table_privilege(oid, 'agenda_sala', 'DELETE'),"
            " has_column_privilege(oid, 'finanzas_pago', 'monto', 'SELECT'),"
            " has_table_privilege(oid, 'finanzas_recibo', 'SELECT')"
            " FROM pg_roles WHERE rolname = 'web_' || current_database()"
        ).fetchall()
        return row

    db.execute(
        sql.SQL(
            "GRANT DELETE ON agenda_sala TO {0}; GRANT SELECT (monto) ON finanzas_pago TO {0}"
        ).format(web)
    )
    assert rights() == (True, True, False)
    put_back(db, clinic, take(db, clinic.schema))
    assert rights() == (True, True, False)
    db.execute(
        sql.SQL(
            "REVOKE DELETE ON agenda_sala FROM {0}; REVOKE SELECT (monto) ON finanzas_pago FROM {0};"
            "GRANT SELECT ON finanzas_recibo TO {0}"
        ).format(web)
    )
    restore.undo(db, clinic.schema, Migrations())
    assert rights() == (False, False, True)


def test_tables_go_on_storing_their_rows_as_they_were_told_to(
    clinic: Clinic, db: psycopg.Connection
) -> None:
    """Catches tables that are put back and packed full, and a share that somebody chose and lost."""
    archive = take(db, clinic.schema)
    told = (
        "SELECT relname, reloptions FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        " AND relkind = 'r' AND reloptions IS NOT NULL ORDER BY relname"
    )
    db.execute(
        "ALTER TABLE pacientes_cliente SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)"
    )
    before = db.execute(told).fetchall()
    assert [row[0] for row in before] == ["citas_cita", "pacientes_cliente"]
    put_back(db, clinic, archive)
    assert db.execute(told).fetchall() == before


def signs_in(db: psycopg.Connection, username: str, password: str) -> bool:
    rows = db.execute(
        "SELECT u.password, u.is_active AND coalesce(p.activo, true) FROM auth_user u"
        " LEFT JOIN personal_perfil p ON p.user_id = u.id WHERE username = %s",
        (username,),
    ).fetchall()
    return bool(rows) and rows[0][1] and passwords.verify(password, rows[0][0])


def account(db: psycopg.Connection, clinic: Clinic, username: str, role: str) -> None:
    new = NewAccount(username=username, name=username.title(), role=role)
    tenants.add_account(db, clinic.schema, new, PASSWORD)


def test_who_administers_now_still_does(clinic: Clinic, db: psycopg.Connection) -> None:
    """A new administrator, a new password, one who became one, and those who were shut out since."""
    for name, role in (("carla", "administrativo"), ("dora", "general"), ("eva", "general")):
        account(db, clinic, name, role)
    account(db, clinic, "flor", "administrativo")
    archive = take(db, clinic.schema)
    tenants.set_password(db, clinic.schema, "admin", OTHER)
    tenants.set_password(db, clinic.schema, "carla", OTHER)
    account(db, clinic, "bruno", "general")
    db.execute(
        "UPDATE personal_perfil SET puede_gestionar_personal = true WHERE user_id ="
        " (SELECT id FROM auth_user WHERE username = 'carla');"
        "UPDATE personal_perfil SET activo = false WHERE user_id ="
        " (SELECT id FROM auth_user WHERE username = 'dora');"
        "DELETE FROM auth_user WHERE username = 'eva';"
        "UPDATE auth_user SET is_superuser = true, is_staff = true WHERE username = 'flor'"
    )
    bruno = db.execute("SELECT id FROM auth_user WHERE username = 'bruno'").fetchall()
    done = put_back(db, clinic, archive)
    assert set(done.kept) == {"admin", "bruno", "carla", "flor"}
    flor = "SELECT is_superuser, is_staff FROM auth_user WHERE username = 'flor'"
    assert db.execute(flor).fetchall() == [(True, True)]
    assert (done.shut_out, done.returning) == (("dora",), ("eva",))
    for name, password in (("admin", OTHER), ("bruno", PASSWORD), ("carla", OTHER)):
        assert signs_in(db, name, password)
    assert not signs_in(db, "dora", PASSWORD)
    assert signs_in(db, "eva", PASSWORD)
    assert db.execute("SELECT id FROM auth_user WHERE username = 'bruno'").fetchall() == bruno
    rights = db.execute(
        "SELECT p.rol, p.puede_gestionar_personal FROM personal_perfil p JOIN auth_user u"
        " ON u.id = p.user_id WHERE u.username IN ('bruno', 'carla') ORDER BY u.username"
    ).fetchall()
    assert rights == [("general", True), ("administrativo", True)]


def test_people_of_another_programs_backup(clinic: Clinic, db: psycopg.Connection) -> None:
    """There the administrator's number is somebody else's, and the administrator is nobody."""
    with db.transaction(force_rollback=True):
        db.execute(
            "UPDATE auth_user SET username = 'ajena'; UPDATE personal_perfil SET rol = 'dentista'"
        )
        db.execute("SAVEPOINT taken")
        archive = take(db, clinic.schema)
    account(db, clinic, "zoe", "administrativo")
    zoe = db.execute(
        "SELECT u.id, p.id FROM auth_user u JOIN personal_perfil p ON p.user_id = u.id"
        " WHERE username = 'zoe'"
    ).fetchall()[0]
    db.execute("DELETE FROM personal_perfil WHERE id = %s", (zoe[1],))
    db.execute("DELETE FROM auth_user WHERE id = %s", (zoe[0],))
    put_back(db, clinic, archive)
    assert signs_in(db, "admin", PASSWORD)
    people = db.execute("SELECT username FROM auth_user ORDER BY id").fetchall()
    assert people == [("ajena",), ("admin",)]
    numbers = db.execute(
        "SELECT u.id, p.id FROM auth_user u JOIN personal_perfil p ON p.user_id = u.id"
        " WHERE username = 'admin'"
    ).fetchall()[0]
    assert min(map(int.__sub__, numbers, zoe)) > 0, "nor do they get numbers that somebody had"
    staff = db.execute(
        "SELECT rol FROM personal_perfil WHERE user_id = (SELECT id FROM auth_user"
        " WHERE username = 'admin')"
    ).fetchall()
    assert staff == [("general",)]


def test_an_archive_without_passwords(
    clinic: Clinic, db: psycopg.Connection, tmp_path: object
) -> None:
    """An office workstation's: those of now stay, and a clinic made anew gets one."""
    account(db, clinic, "carla", "administrativo")
    account(db, clinic, "rita", "administrativo")
    secrets = {"auth_user": ["password", "last_login"]}
    archive = take(db, clinic.schema, hidden=secrets)
    with db.transaction(force_rollback=True):
        db.execute("UPDATE auth_user SET username = 'ajena' WHERE username = 'rita'")
        strange = take(db, clinic.schema, hidden=secrets)
    put_back(db, clinic, strange)
    assert not signs_in(db, "ajena", PASSWORD), "she has a number that was somebody else's"
    restore.undo(db, clinic.schema, Migrations())
    db.execute("DELETE FROM auth_user WHERE username = 'carla'")
    put_back(db, clinic, archive)
    assert signs_in(db, "admin", PASSWORD)
    assert signs_in(db, "rita", PASSWORD)
    assert not signs_in(db, "carla", PASSWORD)
    with clinic.server.database() as dsn, psycopg.connect(dsn, autocommit=True) as new:
        for password, code in (
            (None, "restore.password_needed"),
            (("carla", passwords.encode(OTHER)), "restore.no_administrator"),
        ):
            with pytest.raises(restore.RuleError, match=code.replace(".", r"\.")):
                with opened(archive) as sources:
                    restore.restore(new, "nueva", sources, Migrations(), password=password)
            assert new.execute("SELECT FROM pg_namespace WHERE nspname = 'nueva'").fetchall() == []
        with opened(archive) as sources:
            restore.restore(
                new, "nueva", sources, Migrations(), password=("admin", passwords.encode(OTHER))
            )
        new.execute("SET search_path = nueva")
        assert signs_in(new, "admin", OTHER)
        new.close()
        drop_roles(dsn)
