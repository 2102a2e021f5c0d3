"""The other programs' role: everything in the contract, nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from desktop.domain.errors import RuleError
from desktop.models import Base
from desktop.models.contract import OURS, SHARED_TABLES, contract_columns
from desktop.services import tenants
from tests.support.clinic import Clinic, local

FORBIDDEN = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def web(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.web_dsn(), autocommit=True) as connection:
        yield connection


def test_the_contract_names_its_tables_and_columns() -> None:
    assert len(SHARED_TABLES) == 11
    assert {"citas_cita": {"fin", "sala_id", "sobrecupo_motivo"}} == OURS
    assert {table: len(contract_columns(table)) for table in SHARED_TABLES} == {
        "auth_user": 11,
        "personal_perfil": 18,
        "pacientes_cliente": 12,
        "cuentas_perfilcliente": 9,
        "citas_cita": 26,
        "citas_tiposervicio": 11,
        "citas_horariodentista": 8,
        "finanzas_ingresomanual": 7,
        "finanzas_egresomanual": 7,
        "configuracion_informacionclinica": 15,
        "citas_auditorialog": 10,
    }


def test_a_booking_from_the_web(clinic: Clinic, web: psycopg.Connection) -> None:
    slot = clinic.publish(clinic.practitioners[0], local(2027, 1, 4, 10))
    assert (
        web.execute("SELECT id FROM pacientes_cliente WHERE email = 'nueva@example.com'").fetchall()
        == []
    )
    client = web.execute(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)"
        " VALUES ('Nueva Clienta', 'nueva@example.com', '+56900000000', true, NOW()) RETURNING id"
    ).fetchall()[0][0]
    booked = web.execute(
        "UPDATE citas_cita SET cliente_id = %s, paciente_nombre = 'Nueva Clienta',"
        " paciente_email = 'nueva@example.com', paciente_telefono = '+56900000000',"
        " estado = 'reservada', notas = 'desde la web' WHERE id = %s",
        (client, slot),
    )
    assert booked.rowcount == 1
    web.execute(
        "UPDATE citas_cita SET paciente_nombre = NULL, paciente_email = NULL,"
        " paciente_telefono = NULL, estado = 'disponible' WHERE id = %s",
        (slot,),
    )
    assert clinic.value("SELECT estado FROM citas_cita WHERE id = %s", slot) == "disponible"


def test_registering_and_the_back_offices_own_work(clinic: Clinic, web: psycopg.Connection) -> None:
    user = web.execute(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email,"
        " is_staff, is_active, date_joined) VALUES ('!', false, 'web1', '', '', 'w@example.com',"
        " false, true, now()) RETURNING id"
    ).fetchall()[0][0]
    web.execute(
        "INSERT INTO cuentas_perfilcliente (user_id, nombre_completo, telefono, email,"
        " telefono_verificado) VALUES (%s, 'W', '+56900000000', 'w@example.com', false)",
        (user,),
    )
    web.execute(
        "INSERT INTO citas_cita (fecha_hora, estado, dentista_id, creada_el, actualizada_el)"
        " VALUES ('2027-01-05 10:00-03', 'disponible', %s, now(), now())",
        (clinic.practitioners[1],),
    )
    web.execute(
        "INSERT INTO citas_auditorialog (accion, modulo, descripcion, fecha_hora, ip_address)"
        " VALUES ('crear', 'citas', 'x', now(), '10.0.0.1')"
    )
    web.execute("DELETE FROM cuentas_perfilcliente WHERE user_id = %s", (user,))
    web.execute("DELETE FROM auth_user WHERE id = %s", (user,))


def test_no_more_than_the_contract(clinic: Clinic, web: psycopg.Connection) -> None:
    ours = {
        row[0]
        for row in clinic.query(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace ="
            " (SELECT oid FROM pg_namespace WHERE nspname = %s)",
            clinic.schema,
        )
    } - set(SHARED_TABLES)
    assert {"sync_log", "sync_device", "acceso_secreto", "finanzas_pago"} <= ours
    for table in ours:
        for statement in (
            "SELECT FROM {}",
            "INSERT INTO {} DEFAULT VALUES",
            "DELETE FROM {}",
            "TRUNCATE {}",
        ):
            with pytest.raises(FORBIDDEN):
                web.execute(statement.format(table))
    for table in SHARED_TABLES:
        with pytest.raises(FORBIDDEN):
            web.execute(f"TRUNCATE {table} CASCADE")
    for column in OURS["citas_cita"]:
        with pytest.raises(FORBIDDEN):
            web.execute(f"UPDATE citas_cita SET {column} = NULL")
    with pytest.raises(FORBIDDEN):
        web.execute("CREATE TABLE mia (id int)")
    with pytest.raises(FORBIDDEN):
        web.execute("ALTER TABLE citas_cita ADD COLUMN mia int")
    assert set(Base.metadata.tables) - set(SHARED_TABLES) <= ours


def test_no_function_and_no_sequence_may_be_called(clinic: Clinic, web: psycopg.Connection) -> None:
    allowed = web.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE has_function_privilege(p.oid, 'EXECUTE')"
        " AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
        (clinic.schema,),
    ).fetchall()
    sequences = web.execute(
        "SELECT c.relname FROM pg_class c WHERE CASE WHEN c.relkind = 'S'"
        " THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE') END"
        " AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
        (clinic.schema,),
    ).fetchall()
    assert (allowed, sequences) == ([], [])


def test_granting_again_takes_away_what_was_too_much(
    clinic: Clinic, web: psycopg.Connection, admin: psycopg.Connection
) -> None:
    role = web.info.user
    clinic.query(f'GRANT ALL ON finanzas_pago TO "{role}"')
    web.execute("SELECT FROM finanzas_pago")
    tenants.grant_web(admin, clinic.schema, role)
    with pytest.raises(FORBIDDEN):
        web.execute("SELECT FROM finanzas_pago")
    web.execute("SELECT FROM citas_cita")


def test_a_role_that_is_not_fit_is_refused(clinic: Clinic, admin: psycopg.Connection) -> None:
    station = clinic.station("lectora")
    for role, code in (
        ("no existe", "role.unknown"),
        ("postgres", "role.superuser"),
        (station.workstation.description.role, "role.device"),
    ):
        with pytest.raises(RuleError, match=code.replace(".", r"\.")):
            tenants.grant_web(admin, clinic.schema, role)
    with pytest.raises(RuleError, match=r"tenant\.unknown"):
        tenants.grant_web(admin, "no hay", "postgres")
