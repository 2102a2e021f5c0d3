"""Django's ORM writes the shared tables with the web role alone, and everything of it is captured."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from desktop.domain import passwords
from desktop.models.contract import SHARED_TABLES, contract_columns
from desktop.services import tenants
from tests.support.clinic import PASSWORD, Clinic, local
from tests.web.django_writer import Site, SiteError

WEB_PASSWORD = "Clave-de-la-web-7"
MONDAY_TEN = local(2026, 11, 23, 10)


def captured(clinic: Clinic) -> set[tuple[str, int, str]]:
    """Table, row and operation of everything in the change log."""
    return set(
        clinic.query(
            "SELECT t.name, l.row_id, l.op::text FROM sync_log l JOIN sync_table t ON t.id = l.tbl"
        )
    )


def ours(clinic: Clinic, appointment: int) -> tuple[Any, ...]:
    return clinic.query(
        "SELECT fecha_hora, fin, sala_id, sobrecupo_motivo FROM citas_cita WHERE id = %s",
        appointment,
    )[0]


def charge(clinic: Clinic, client: int) -> int:
    return int(
        clinic.value(
            "INSERT INTO finanzas_cargo (cliente_id, cliente_nombre, descripcion, precio_unitario,"
            " monto, fecha) VALUES (%s, 'María', 'Control', 20000, 20000, '2026-11-23')"
            " RETURNING id",
            client,
        )
    )


def test_the_site_knows_every_column_of_the_contract_and_none_of_ours(site: Site) -> None:
    known = site.columns()
    assert {table: set(names) for table, names in known.items()} == {
        table: set(contract_columns(table)) for table in SHARED_TABLES
    }


def test_registering_booking_and_cancelling_on_the_web(clinic: Clinic, site: Site) -> None:
    practitioner, service = clinic.practitioners[0], clinic.services[1]
    slot = site.publish(MONDAY_TEN.isoformat(), practitioner, service)
    assert clinic.value("SELECT fin - fecha_hora FROM citas_cita WHERE id = %s", slot).seconds == (
        45 * 60
    )
    client = site.register("sofia", WEB_PASSWORD, "Sofía Castro", "sofia@example.com")
    assert clinic.query(
        "SELECT nombre_completo, telefono, activo FROM pacientes_cliente WHERE id = %s", client
    ) == [("Sofía Castro", "+56900000000", True)]
    assert site.book(slot, "sofia@example.com", "Sofía Castro Vera", "+56933333333") == client
    assert clinic.query(
        "SELECT estado, cliente_id, paciente_nombre FROM citas_cita WHERE id = %s", slot
    ) == [("reservada", client, "Sofía Castro Vera")]
    site.cancel(slot)
    assert clinic.query(
        "SELECT estado, paciente_nombre, paciente_email, paciente_telefono FROM citas_cita"
        " WHERE id = %s",
        slot,
    ) == [("disponible", None, None, None)]
    account = clinic.value("SELECT id FROM auth_user WHERE username = 'sofia'")
    web_account = clinic.value("SELECT id FROM cuentas_perfilcliente")
    assert captured(clinic) >= {
        ("citas_cita", slot, "I"),
        ("citas_cita", slot, "U"),
        ("auth_user", account, "I"),
        ("cuentas_perfilcliente", web_account, "I"),
        ("pacientes_cliente", client, "I"),
        ("pacientes_cliente", client, "U"),
    }


def test_a_client_who_was_switched_off_may_not_log_in(clinic: Clinic, site: Site) -> None:
    client = site.register("sofia", WEB_PASSWORD, "Sofía Castro", "sofia@example.com")
    assert site.can_log_in("sofia", WEB_PASSWORD)
    site.save("Cliente", client, activo=False)
    assert not site.can_log_in("sofia", WEB_PASSWORD)


def test_passwords_verify_both_ways(clinic: Clinic, site: Site) -> None:
    site.register("sofia", WEB_PASSWORD, "Sofía Castro", "sofia@example.com")
    theirs = clinic.value("SELECT password FROM auth_user WHERE username = 'sofia'")
    assert theirs.startswith("pbkdf2_sha256$")
    assert passwords.verify(WEB_PASSWORD, theirs)
    assert not passwords.verify(WEB_PASSWORD + "x", theirs)

    assert site.can_log_in("admin", PASSWORD)
    assert not site.can_log_in("admin", PASSWORD + "x")
    with clinic.admin() as connection:
        tenants.set_password(connection, clinic.schema, "sofia", "Otra-clave-ñandú-8")
    assert site.can_log_in("sofia", "Otra-clave-ñandú-8")
    assert not site.can_log_in("sofia", WEB_PASSWORD)


def test_saving_a_whole_appointment_keeps_our_columns(clinic: Clinic, site: Site) -> None:
    slot = site.publish(MONDAY_TEN.isoformat(), clinic.practitioners[0], clinic.services[0])
    room = clinic.value("SELECT min(id) FROM agenda_sala")
    clinic.query(
        "UPDATE citas_cita SET fin = fecha_hora + interval '50 minutes', sala_id = %s,"
        " sobrecupo_motivo = 'Urgencia' WHERE id = %s",
        room,
        slot,
    )
    before = ours(clinic, slot)
    site.save("Cita", slot, notas="Traer radiografía", estado="confirmada")
    assert ours(clinic, slot) == before
    assert before[2:] == (room, "Urgencia")

    later = local(2026, 11, 24, 16)
    site.save("Cita", slot, fecha_hora=later.isoformat())
    starts, ends, *rest = ours(clinic, slot)
    assert starts == later
    assert ends - starts == before[1] - before[0]
    assert rest == [room, "Urgencia"]


def test_every_table_of_the_back_office_takes_its_rows(clinic: Clinic, site: Site) -> None:
    made = site.fill_every_table()
    assert captured(clinic) >= {(table, row, "I") for table, row in made.items()}


def test_editing_a_client_is_captured_with_the_columns_that_changed(
    clinic: Clinic, site: Site
) -> None:
    client = clinic.clients[0]
    site.save("Cliente", client, telefono="+56977777777")
    clinic.query("DELETE FROM sync_log")
    site.save("Cliente", client, telefono="+56977777777")
    assert captured(clinic) == set(), "nothing changed"
    site.save("Cliente", client, alergias="Látex")
    assert captured(clinic) == {("pacientes_cliente", client, "U")}


def test_deleting_a_client_leaves_the_money(clinic: Clinic, site: Site) -> None:
    client = clinic.clients[0]
    slot = site.publish(MONDAY_TEN.isoformat(), clinic.practitioners[0])
    site.book(slot, "maria@example.com", "María José González Muñoz", "+56987654321")
    charged = charge(clinic, client)
    site.delete("Cliente", client)
    assert clinic.query(
        "SELECT cliente_id, cliente_nombre, monto FROM finanzas_cargo WHERE id = %s", charged
    ) == [(None, "María", 20000)]
    assert clinic.value("SELECT cliente_id FROM citas_cita WHERE id = %s", slot) is None
    assert captured(clinic) >= {
        ("pacientes_cliente", client, "D"),
        ("finanzas_cargo", charged, "U"),
        ("citas_cita", slot, "U"),
    }


def test_deleting_staff_leaves_what_they_did(clinic: Clinic, site: Site) -> None:
    practitioner = clinic.practitioners[1]
    slot = site.publish(MONDAY_TEN.isoformat(), practitioner)
    hours = {
        row[0]
        for row in clinic.query(
            "SELECT id FROM citas_horariodentista WHERE dentista_id = %s", practitioner
        )
    }
    site.delete("Perfil", practitioner)
    assert clinic.value("SELECT dentista_id FROM citas_cita WHERE id = %s", slot) is None
    log = captured(clinic)
    assert ("personal_perfil", practitioner, "D") in log
    assert {("citas_horariodentista", row, "D") for row in hours} <= log


def test_deleting_an_account_takes_its_staff_row_along(clinic: Clinic, site: Site) -> None:
    made = site.fill_every_table()
    staff = made["personal_perfil"]
    account = clinic.value("SELECT user_id FROM personal_perfil WHERE id = %s", staff)
    site.delete_account(account)
    assert clinic.query("SELECT FROM personal_perfil WHERE id = %s", staff) == []
    assert {("auth_user", account, "D"), ("personal_perfil", staff, "D")} <= captured(clinic)


@pytest.mark.parametrize("address", ["192.168.1.20", "2001:db8::1", None])
def test_the_audit_trail_takes_addresses(clinic: Clinic, site: Site, address: str | None) -> None:
    row, stored = site.audit(clinic.practitioners[0], address)
    assert stored == address
    assert clinic.value("SELECT objeto_id FROM citas_auditorialog WHERE id = %s", row) == 7


def test_a_double_booking_is_refused_with_the_constraint_named(clinic: Clinic, site: Site) -> None:
    slots = [site.publish(MONDAY_TEN.isoformat(), clinic.practitioners[0]) for _ in range(2)]
    site.book(slots[0], "maria@example.com", "María", "")
    with pytest.raises(SiteError) as refused:
        site.book(slots[1], "juan@example.com", "Juan", "")
    assert refused.value.sqlstate == "23P01"
    with pytest.raises(SiteError) as sold:
        site.book(slots[0], "juan@example.com", "Juan", "")
    assert sold.value.constraint == "citas_cita_ya_reservada"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM finanzas_cargo",
        "SELECT count(*) FROM sync_log",
        "SELECT count(*) FROM clinica_notasesion",
        "UPDATE citas_cita SET fin = now()",
        "UPDATE citas_cita SET sobrecupo_motivo = 'x'",
        "SELECT sync_read(1, 'citas_cita', 0, 1)",
        "TRUNCATE citas_cita",
        "CREATE TABLE intruso (id int)",
    ],
)
def test_the_web_role_may_do_no_more(clinic: Clinic, statement: str) -> None:
    with psycopg.connect(clinic.web_dsn(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
