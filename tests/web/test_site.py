"""The demo's own booking site: the contract's statements over a web role's connection."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.demo import site
from tests.demo.site import NotBooked, Visitor
from tests.support.clinic import Clinic, local

TEN = local(2026, 11, 23, 10)
SOFIA = Visitor("Sofía Castro", "sofia@example.com")


@pytest.fixture
def web(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.web_dsn(), autocommit=True) as connection:
        yield connection


def test_publish_book_and_cancel(clinic: Clinic, web: psycopg.Connection) -> None:
    slot = site.publish(web, TEN, clinic.practitioners[0], clinic.services[0])
    (offer,) = site.offers(web, local(2026, 11, 23, 8))
    assert (offer.id, offer.starts_at, offer.service) == (slot, TEN, "Control")
    client = site.book(web, slot, SOFIA, "Primera vez")
    assert clinic.query(
        "SELECT estado, cliente_id, paciente_telefono, notas FROM citas_cita WHERE id = %s", slot
    ) == [("reservada", client, "+56900000000", "Primera vez")]
    assert site.offers(web, local(2026, 11, 23, 8)) == []
    site.cancel(web, slot)
    assert [offer.id for offer in site.offers(web, local(2026, 11, 23, 8))] == [slot]


def test_a_known_email_is_the_same_client(clinic: Clinic, web: psycopg.Connection) -> None:
    slot = site.publish(web, TEN, clinic.practitioners[0], None)
    visitor = Visitor("María González", "maria@example.com", "+56955555555")
    assert site.book(web, slot, visitor) == clinic.clients[0]
    assert clinic.query(
        "SELECT nombre_completo, telefono FROM pacientes_cliente WHERE id = %s", clinic.clients[0]
    ) == [("María González", "+56955555555")]


def test_the_second_buyer_is_told_and_leaves_nothing_behind(
    clinic: Clinic, web: psycopg.Connection
) -> None:
    slot = site.publish(web, TEN, clinic.practitioners[0], None)
    site.book(web, slot, Visitor("María", "maria@example.com"))
    with pytest.raises(NotBooked, match="somebody was faster"):
        site.book(web, slot, SOFIA)
    assert clinic.value("SELECT count(*) FROM pacientes_cliente") == len(clinic.clients)


def test_a_slot_that_is_gone_is_told(clinic: Clinic, web: psycopg.Connection) -> None:
    with pytest.raises(NotBooked, match="no such slot"):
        site.book(web, 999_999, SOFIA)
    with pytest.raises(NotBooked, match="no such slot"):
        site.cancel(web, 999_999)
    assert clinic.value("SELECT count(*) FROM pacientes_cliente") == len(clinic.clients)
