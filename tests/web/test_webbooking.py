"""The demo's own booking site: the contract's statements over a web role's connection."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from desktop.domain.errors import RuleError
from desktop.services import webbooking
from desktop.services.webbooking import Visitor
from tests.support.clinic import Clinic, local

TEN = local(2026, 11, 23, 10)
SOFIA = Visitor("Sofía Castro", "sofia@example.com")


@pytest.fixture
def web(clinic: Clinic) -> Iterator[psycopg.Connection]:
    with psycopg.connect(clinic.web_dsn(), autocommit=True) as connection:
        yield connection


def test_publish_book_and_cancel(clinic: Clinic, web: psycopg.Connection) -> None:
    slot = webbooking.publish(web, TEN, clinic.practitioners[0], clinic.services[0])
    (offer,) = webbooking.offers(web, local(2026, 11, 23, 8))
    assert (offer.id, offer.starts_at, offer.service) == (slot, TEN, "Control")
    client = webbooking.book(web, slot, SOFIA, "Primera vez")
    assert clinic.query(
        "SELECT estado, cliente_id, paciente_telefono, notas FROM citas_cita WHERE id = %s", slot
    ) == [("reservada", client, "+56900000000", "Primera vez")]
    assert webbooking.offers(web, local(2026, 11, 23, 8)) == []
    webbooking.cancel(web, slot)
    assert [offer.id for offer in webbooking.offers(web, local(2026, 11, 23, 8))] == [slot]


def test_a_known_email_is_the_same_client(clinic: Clinic, web: psycopg.Connection) -> None:
    slot = webbooking.publish(web, TEN, clinic.practitioners[0], None)
    visitor = Visitor("María González", "maria@example.com", "+56955555555")
    assert webbooking.book(web, slot, visitor) == clinic.clients[0]
    assert clinic.query(
        "SELECT nombre_completo, telefono FROM pacientes_cliente WHERE id = %s", clinic.clients[0]
    ) == [("María González", "+56955555555")]


def test_the_second_buyer_is_told_and_leaves_nothing_behind(
    clinic: Clinic, web: psycopg.Connection
) -> None:
    slot = webbooking.publish(web, TEN, clinic.practitioners[0], None)
    webbooking.book(web, slot, Visitor("María", "maria@example.com"))
    with pytest.raises(RuleError, match=r"web\.taken"):
        webbooking.book(web, slot, SOFIA)
    assert clinic.value("SELECT count(*) FROM pacientes_cliente") == len(clinic.clients)


def test_a_slot_that_is_gone_is_told(clinic: Clinic, web: psycopg.Connection) -> None:
    with pytest.raises(RuleError, match=r"web\.no_slot"):
        webbooking.book(web, 999_999, SOFIA)
    with pytest.raises(RuleError, match=r"web\.no_slot"):
        webbooking.cancel(web, 999_999)
    assert clinic.value("SELECT count(*) FROM pacientes_cliente") == len(clinic.clients)
