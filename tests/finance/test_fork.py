"""A copied workstation gives receipt numbers that the other gives too: none of the money is lost."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from desktop.models import Receipt
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.clinic import ClinicSettings
from desktop.services.finance import ChargeLine, Finance, PaymentPart
from desktop.services.inbox import Inbox
from desktop.services.inbox_records import Way
from tests.support import embedded
from tests.support.clinic import Clinic, Station, clinic, local

pytestmark = pytest.mark.usefixtures("memory_keyring")


def pay(station: Station, made: Clinic, hour: int, amount: int) -> str:
    """Book, charge and take cash for it; the receipt's label."""
    settings: ClinicSettings = station.clinic
    starts = local(2026, 11, 24, hour)
    placement = Placement(starts, local(2026, 11, 24, hour, 30), made.practitioners[0])
    undo = Agenda(station.cache, settings).book(
        station.actor, Draft(placement, Details(client_id=made.clients[0]))
    )
    finance = Finance(station.cache, settings)
    line = ChargeLine(made.services[0], unit_price=Decimal(amount), reason="convenio")
    finance.charge(station.actor, undo.appointment_id, [line])
    return finance.take_payment(
        station.actor,
        made.clients[0],
        undo.appointment_id,
        [PaymentPart("efectivo", Decimal(amount))],
    ).label


@pytest.mark.parametrize("again", [False, True])
def test_a_number_given_by_both_twins_is_settled_with_a_new_one(
    postgres: embedded.Server, tmp_path: Path, again: bool
) -> None:
    with clinic(postgres, tmp_path) as made:
        original = made.station("recepcion")
        first = original.sync()
        assert first.pending == 0
        original.close()
        made.stations.remove(original)
        copy = tmp_path / "copia"
        shutil.copytree(original.folder, copy)

        original = made.open(original.folder)
        made.stations.append(original)
        assert pay(original, made, 9, 11000) == "001-000001"
        original.sync()

        twin = made.open(copy)
        made.stations.append(twin)
        assert pay(twin, made, 10, 22000) == "001-000001"
        twin.sync()
        assert made.value("SELECT sum(monto) FROM finanzas_pago") == 11000

        inbox = Inbox(twin.cache, twin.clinic)
        (item,) = inbox.items()
        assert item.ways[0] is Way.NEW_NUMBER
        if again:
            inbox.try_again(twin.actor, item.tx)
            twin.sync()
            (item,) = inbox.items()
        inbox.new_number(twin.actor, item.tx)
        twin.sync()
        assert inbox.items() == ()
        numbers = made.query("SELECT serie, numero, total FROM finanzas_recibo ORDER BY total")
        assert numbers == [(1, 1, Decimal(11000)), (2, 1, Decimal(22000))]
        assert made.value("SELECT sum(monto) FROM finanzas_pago") == 33000
        assert made.value("SELECT sum(monto) FROM caja_movimiento") == 33000
        original.sync()
        with original.cache.reading() as session:
            assert session.query(Receipt).count() == 2
        assert pay(twin, made, 11, 5000) == "002-000002"


def test_a_number_on_a_refused_paper_is_not_given_again(
    postgres: embedded.Server, tmp_path: Path
) -> None:
    with clinic(postgres, tmp_path) as made:
        station = made.station("recepcion")
        assert pay(station, made, 9, 11000) == "001-000001"
        with made.admin() as connection:
            connection.execute(
                "INSERT INTO finanzas_recibo (id, serie, numero, cliente_nombre, total, emitido_el,"
                " creado_el) VALUES (7, 1, 1, 'Otra', 1, now(), now())"
            )
        station.sync()
        assert Inbox(station.cache, station.clinic).count() == 1
        with station.cache.writing_local() as session:
            session.connection().exec_driver_sql("UPDATE sync_context SET capturing = 0")
            session.connection().exec_driver_sql("DELETE FROM finanzas_recibo WHERE id = 7")
            session.connection().exec_driver_sql("UPDATE sync_context SET capturing = 1")
        assert pay(station, made, 10, 22000) == "001-000002"
