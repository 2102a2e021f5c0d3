"""Money is inserted and never changed, whoever writes."""

from __future__ import annotations

import threading
from decimal import Decimal

import psycopg
import pytest

from tests.sync_server.conftest import Tenant, op, transaction

LEDGER = (
    "finanzas_cargo",
    "finanzas_recibo",
    "finanzas_pago",
    "finanzas_asignacion",
    "caja_movimiento",
)


@pytest.fixture
def paid(tenant: Tenant) -> dict[str, int]:
    """A client who paid 100.00 for a charge of 150.00; 40.00 of it is allocated."""
    client, staff = tenant.client(), tenant.staff()
    visit = tenant.appointment("2026-11-24T12:00Z", "completada", staff)
    charge = tenant.one(
        "INSERT INTO finanzas_cargo (cliente_id, cliente_nombre, cita_id, profesional_id, descripcion,"
        " precio_unitario, monto, fecha, creado_por_id)"
        " VALUES (%s, 'A', %s, %s, 'd', 150, 150, '2026-11-24', %s) RETURNING id",
        client,
        visit,
        staff,
        staff,
    )
    receipt = tenant.one(
        "INSERT INTO finanzas_recibo (serie, numero, cliente_id, cliente_nombre, total, emitido_el)"
        " VALUES (0, 1, %s, 'A', 100, now()) RETURNING id",
        client,
    )
    payment = tenant.one(
        "INSERT INTO finanzas_pago (recibo_id, cliente_id, metodo, monto, pagado_el)"
        " VALUES (%s, %s, 'efectivo', 100, now()) RETURNING id",
        receipt,
        client,
    )
    tenant.db.execute(
        "INSERT INTO finanzas_asignacion (pago_id, cargo_id, monto) VALUES (%s, %s, 40)",
        (payment, charge),
    )
    tenant.db.execute(
        "INSERT INTO caja_movimiento (tipo, metodo, monto, pago_id, ocurrido_el)"
        " VALUES ('pago', 'efectivo', 100, %s, now())",
        (payment,),
    )
    return {"client": client, "staff": staff, "visit": visit, "charge": charge, "payment": payment}


@pytest.mark.parametrize("table", LEDGER)
def test_nobody_changes_or_deletes_a_row_of_the_ledger(
    tenant: Tenant, paid: dict[str, int], table: str
) -> None:
    """Catches a table or a kind of statement without its guard; even the owner is told."""
    for statement in (
        f"UPDATE {table} SET creado_el = now()",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="never changed"):
            tenant.db.execute(statement)
    assert tenant.one(f"SELECT count(*) FROM {table}") == 1


def test_triggers_that_rest_for_a_replica_do_not_rest_here(
    tenant: Tenant, paid: dict[str, int]
) -> None:
    """Catches the switch that loaders and replicas use as a way around the guard."""
    tenant.db.execute("SET session_replication_role = replica")
    for statement in (
        "UPDATE finanzas_cargo SET descripcion = 'x'",
        "DELETE FROM caja_movimiento",
        "TRUNCATE caja_movimiento",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="never changed"):
            tenant.db.execute(statement)


def test_a_back_office_may_delete_what_the_ledger_refers_to(
    tenant: Tenant, paid: dict[str, int]
) -> None:
    """Catches a guard that stops the other programs, and a nulled reference that isn't synced."""
    desk = tenant.device().join()
    for parent in ("citas_cita", "pacientes_cliente", "personal_perfil"):
        tenant.db.execute(f"DELETE FROM {parent}")
    row = tenant.db.execute(
        "SELECT cliente_id, cita_id, profesional_id, creado_por_id, monto, cliente_nombre FROM finanzas_cargo"
    ).fetchone()
    assert row == (None, None, None, None, Decimal(150), "A")
    desk.exchange()
    assert desk.rows["finanzas_cargo"][paid["charge"]]["cliente_id"] is None


def test_the_way_for_foreign_keys_is_no_way_around(tenant: Tenant, paid: dict[str, int]) -> None:
    """Catches a guard that trusts the trigger depth alone."""
    tenant.db.execute(
        "CREATE TEMP TABLE door (x text);"
        "CREATE FUNCTION pg_temp.through() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE NEW.x; RETURN NEW; END $$;"
        "CREATE TRIGGER through AFTER INSERT ON door FOR EACH ROW EXECUTE FUNCTION pg_temp.through()"
    )
    for statement in (
        "UPDATE finanzas_cargo SET cliente_id = NULL",
        "UPDATE finanzas_cargo SET monto = 1, precio_unitario = 1",
        "UPDATE finanzas_asignacion SET monto = 1",
        "DELETE FROM caja_movimiento",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            tenant.db.execute("INSERT INTO door VALUES (%s)", (statement,))


def test_no_more_is_allocated_of_a_payment_than_was_paid(
    tenant: Tenant, paid: dict[str, int]
) -> None:
    """Catches a check of single rows, of one sign, or of one order of insertion."""
    insert = "INSERT INTO finanzas_asignacion (pago_id, cargo_id, monto) VALUES (%(payment)s, %(charge)s, {})"
    for amount in ("60.01", "-40.01"):
        with pytest.raises(psycopg.errors.CheckViolation):
            tenant.db.execute(insert.format(amount), paid)
    with pytest.raises(psycopg.errors.CheckViolation):
        tenant.db.execute(insert.format("30), (%(payment)s, %(charge)s, 31"), paid)
    tenant.db.execute(insert.format("60"), paid)
    tenant.db.execute(insert.format("-100"), paid)
    with pytest.raises(psycopg.errors.CheckViolation), tenant.db.transaction():
        tenant.db.execute(
            "INSERT INTO finanzas_asignacion (pago_id, cargo_id, monto) VALUES (77, %s, 5)",
            (paid["charge"],),
        )
        tenant.db.execute(
            "INSERT INTO finanzas_pago (id, recibo_id, metodo, monto, pagado_el)"
            " SELECT 77, recibo_id, 'efectivo', 4, now() FROM finanzas_pago"
        )


def test_two_who_allocate_the_rest_of_a_payment_do_not_both_succeed(
    tenant: Tenant, paid: dict[str, int]
) -> None:
    """Catches a sum that is read before the other's row can be seen."""
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def allocate(station) -> None:
        new = {"pago_id": paid["payment"], "cargo_id": paid["charge"], "monto": "60.00"}
        given = transaction(op("I", "finanzas_asignacion", station.new_id(), new=new))
        barrier.wait()
        outcomes.append(station.exchange(given)["results"][0].get("constraint", "applied"))

    threads = [threading.Thread(target=allocate, args=(tenant.device().join(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["applied", *["finanzas_asignacion_no_excede_pago"] * 3]


def test_a_payment_with_its_allocation_is_one_push(tenant: Tenant, paid: dict[str, int]) -> None:
    """Catches guards that stand in the way of what reception does all day."""
    desk = tenant.device("reception").join()
    receipt, payment = desk.new_id(), desk.new_id()
    result = desk.push(
        op(
            "I",
            "finanzas_recibo",
            receipt,
            new={
                "serie": desk.number,
                "numero": 1,
                "cliente_id": paid["client"],
                "cliente_nombre": "A",
                "total": "50.00",
                "emitido_el": "2026-11-24T12:00:00+00:00",
                "dispositivo": desk.number,
            },
        ),
        op(
            "I",
            "finanzas_pago",
            payment,
            new={
                "recibo_id": receipt,
                "metodo": "tarjeta",
                "monto": "50.00",
                "pagado_el": "2026-11-24T12:00:00+00:00",
            },
        ),
        op(
            "I",
            "finanzas_asignacion",
            desk.new_id(),
            new={"pago_id": payment, "cargo_id": paid["charge"], "monto": "50.00"},
        ),
    )
    assert result["status"] == "applied"
    assert desk.rows["finanzas_pago"][payment]["monto"] == 5000
