"""A clinic's working day on two workstations, end to end.

Reception books without a network; the network comes back; the practitioner's laptop shows it; a web
booking made by Django shows on both; the payment taken for the visit is in the shared database,
exactly once.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa

from desktop.domain.statuses import Status
from desktop.models import Appointment, Charge, Client, Payment
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import Details, Draft, Placement
from desktop.services.finance import Finance
from desktop.services.finance_types import ChargeLine, PaymentPart
from desktop.services.inbox import Inbox
from tests.support.clinic import Clinic, Station, local

DAY = dt.date(2026, 11, 24)


def _at(hour: int, minute: int = 0) -> dt.datetime:
    return local(DAY.year, DAY.month, DAY.day, hour, minute).astimezone(dt.UTC)


def _draft(clinic: Clinic, hour: int, client: int = 0, practitioner: int = 0) -> Draft:
    return Draft(
        Placement(_at(hour), _at(hour, 30), clinic.practitioners[practitioner]),
        Details(client_id=clinic.clients[client], service_id=clinic.services[0]),
    )


def _day(station: Station) -> dict[str, Status | None]:
    """Who is on the agenda of the day, with the status."""
    day = Agenda(station.cache, station.clinic).day(DAY)
    return {found.client_name: found.status for found in day.appointments}


def test_a_working_day_on_two_workstations(clinic: Clinic) -> None:
    from tests.web import django_writer

    slot = clinic.publish(clinic.practitioners[0], _at(11), clinic.services[1])
    reception = clinic.station("recepcion")
    laptop = clinic.station("profesional", "practitioner", clinic.practitioners[0])
    agenda = Agenda(reception.cache, reception.clinic)
    finance = Finance(reception.cache, reception.clinic)

    # Without a network: reception books, checks in, charges and takes a payment in two methods.
    agenda.book(reception.actor, _draft(clinic, 9))
    with reception.cache.reading() as session:
        booked = session.scalars(
            sa.select(Appointment.id).where(Appointment.status == Status.BOOKED)
        ).one()
    agenda.set_status(reception.actor, booked, Status.ARRIVED)
    finance.charge(reception.actor, booked, [ChargeLine(service_id=clinic.services[0])])
    receipt = finance.take_payment(
        reception.actor,
        client_id=clinic.clients[0],
        appointment_id=booked,
        parts=[PaymentPart("efectivo", Decimal(5000)), PaymentPart("tarjeta", Decimal(15000))],
    )
    assert clinic.value("SELECT count(*) FROM finanzas_pago") == 0
    assert reception.engine.status().pending == 6  # two of them tell the other programs the price
    assert _day(laptop) == {"": Status.AVAILABLE}

    # The network comes back: one exchange there, one here.
    assert reception.sync().pending == 0
    laptop.sync()
    assert _day(laptop) == {
        "María José González Muñoz": Status.ARRIVED,
        "": Status.AVAILABLE,
    }

    # Somebody registers on the web and books the published slot, through Django itself.
    with django_writer.site(clinic.web_dsn()) as site:
        site.register("sofia", "Clave-de-la-web-7", "Sofía Web Castro", "sofia@example.com")
        site.book(slot, "sofia@example.com", "Sofía Web Castro", "+56933333333")
        assert site.can_log_in("sofia", "Clave-de-la-web-7")
        for station in (reception, laptop):
            station.sync()
            assert _day(station)["Sofía Web Castro"] is Status.BOOKED
            with station.cache.reading() as session:
                assert session.scalars(
                    sa.select(Client.full_name).where(Client.email == "sofia@example.com")
                ).all() == ["Sofía Web Castro"]

        # She cancels: the slot is on offer again everywhere.
        site.cancel(slot)
    for station in (reception, laptop):
        station.sync()
        assert Status.AVAILABLE in _day(station).values()
        assert "Sofía Web Castro" not in _day(station)

    # The money is in the shared database exactly once, to the last peso.
    for station in (reception, laptop, reception):
        station.sync()
    assert clinic.query("SELECT metodo, monto FROM finanzas_pago ORDER BY metodo") == [
        ("efectivo", Decimal(5000)),
        ("tarjeta", Decimal(15000)),
    ]
    assert clinic.value("SELECT sum(monto) FROM finanzas_asignacion") == Decimal(20000)
    assert clinic.value("SELECT sum(monto) FROM caja_movimiento") == Decimal(20000)
    assert clinic.query("SELECT serie, numero, total FROM finanzas_recibo") == [
        (receipt.series, receipt.number, Decimal(20000))
    ]
    assert clinic.query("SELECT precio_cobrado, estado FROM citas_cita WHERE id = %s", booked) == [
        (Decimal(20000), "en_espera")
    ]
    with laptop.cache.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Payment)) == 2
        assert session.scalars(sa.select(Charge.amount)).all() == [Decimal(20000)]


def test_two_people_change_different_fields_of_one_visit_and_both_win(clinic: Clinic) -> None:
    one, other = clinic.station("uno"), clinic.station("otro", "office")
    agenda, theirs = Agenda(one.cache, one.clinic), Agenda(other.cache, other.clinic)
    agenda.book(one.actor, _draft(clinic, 10))
    one.sync()
    other.sync()
    with one.cache.reading() as session:
        visit = session.scalars(sa.select(Appointment.id)).one()
    placed = agenda.appointment(visit).placement
    agenda.move(
        one.actor,
        visit,
        Placement(_at(12), _at(12, 30), placed.practitioner_id),
        expected=placed,
    )
    theirs.set_status(other.actor, visit, Status.CONFIRMED)
    other.sync()
    assert one.sync().rejected == 0
    other.sync()
    for station in (one, other):
        found = Agenda(station.cache, station.clinic).appointment(visit)
        assert found.starts_at == _at(12)
        assert found.status is Status.CONFIRMED


def test_the_same_field_changed_on_both_sides_reaches_a_person(clinic: Clinic) -> None:
    one, other = clinic.station("uno"), clinic.station("otro", "office")
    Agenda(one.cache, one.clinic).book(one.actor, _draft(clinic, 10))
    one.sync()
    other.sync()
    with one.cache.reading() as session:
        visit = session.scalars(sa.select(Appointment.id)).one()
    for station, hour in ((one, 12), (other, 15)):
        agenda = Agenda(station.cache, station.clinic)
        placed = agenda.appointment(visit).placement
        agenda.move(
            station.actor,
            visit,
            Placement(_at(hour), _at(hour, 30), placed.practitioner_id),
            expected=placed,
        )
    assert one.sync().rejected == 0
    assert other.sync().rejected == 1
    assert Agenda(other.cache, other.clinic).appointment(visit).starts_at == _at(12)


def test_another_hour_here_and_another_practitioner_there_are_never_mixed(clinic: Clinic) -> None:
    one, other = clinic.station("uno"), clinic.station("otro", "office")
    Agenda(one.cache, one.clinic).book(one.actor, _draft(clinic, 10))
    one.sync()
    other.sync()
    with one.cache.reading() as session:
        visit = session.scalars(sa.select(Appointment.id)).one()
    mine = Placement(_at(15), _at(15, 30), clinic.practitioners[0])
    theirs = Placement(_at(10), _at(10, 30), clinic.practitioners[1])
    for station, wanted in ((other, theirs), (one, mine)):
        agenda = Agenda(station.cache, station.clinic)
        placed = agenda.appointment(visit).placement
        agenda.move(station.actor, visit, wanted, expected=placed)
    assert other.sync().rejected == 0
    assert one.sync().rejected == 1
    assert Agenda(one.cache, one.clinic).appointment(visit).placement == theirs

    inbox = Inbox(one.cache, one.clinic)
    (item,) = inbox.items()
    (record,) = item.records
    assert [field.disputed for field in record.fields if "Núñez" in field.mine] == [True]
    inbox.keep_mine(one.actor, item.tx)
    assert one.sync().rejected == 0
    other.sync()
    for station in (one, other):
        assert Agenda(station.cache, station.clinic).appointment(visit).placement == mine


def test_an_offline_booking_that_overlaps_is_told_and_its_draft_is_kept(clinic: Clinic) -> None:
    one, other = clinic.station("uno"), clinic.station("otro", "office")
    Agenda(one.cache, one.clinic).book(one.actor, _draft(clinic, 10, client=0))
    Agenda(other.cache, other.clinic).book(other.actor, _draft(clinic, 10, client=1))
    assert one.sync().rejected == 0
    assert other.sync().rejected == 1
    assert clinic.value("SELECT count(*) FROM citas_cita") == 1
    assert list(_day(other)) == ["María José González Muñoz"]
