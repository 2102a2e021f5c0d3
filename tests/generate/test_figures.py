"""The generated clinic has the sizes and the mix that were asked for."""

from __future__ import annotations

import datetime as dt

import pytest

from desktop.domain import identifiers, passwords
from desktop.domain.statuses import Status
from desktop.services.generate.sizes import SIZES
from tests.generate.conftest import PASSWORD, TODAY, Made, Make

SIZE = SIZES["small"]


def counts_hold(made: Made, name: str) -> None:
    size = SIZES[name]
    expected = {
        "pacientes_cliente": size.clients,
        "citas_cita": size.appointments,
        "finanzas_cargo": size.charges,
        "finanzas_pago": size.payments,
        "clinica_notasesion": size.notes,
        "citas_auditorialog": size.appointments * 10,
    }
    for table, count in expected.items():
        found = made.value(f"SELECT count(*) FROM {table}")
        assert found == pytest.approx(count, rel=0.02), table
        assert made.report.rows[table] == found
    span = made.value("SELECT %s - min(fecha_hora)::date FROM citas_cita", TODAY)
    assert span == pytest.approx(365 * size.years, abs=10)
    staff = "SELECT count(*) FROM personal_perfil WHERE rol = %s"
    assert made.value(staff, "dentista") == size.practitioners
    assert made.value(staff, "administrativo") == size.desks


def mix_holds(made: Made, name: str) -> None:
    size = SIZES[name]

    def share(condition: str) -> float:
        return float(made.value(f"SELECT count(*) FROM citas_cita WHERE {condition}")) / (
            size.appointments
        )

    assert share("estado IN ('completada', 'finalizada')") == pytest.approx(0.75, abs=0.01)
    assert share("estado = 'no_show'") == pytest.approx(0.12, abs=0.01)
    assert share("estado = 'cancelada'") == pytest.approx(0.08, abs=0.01)
    assert share("notas LIKE '%%Sesión%%'".replace("%%", "%")) == pytest.approx(0.15, abs=0.02)
    assert 0.10 <= share("notas LIKE 'Reserva web%'") <= 0.30
    regulars = made.value(
        "SELECT count(*) FROM (SELECT FROM citas_cita"
        " WHERE estado <> 'disponible' GROUP BY cliente_id HAVING count(*) BETWEEN 500 AND 700) r"
    )
    assert regulars >= 20
    shared = made.value(
        "SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM pacientes_cliente GROUP BY telefono"
        " HAVING count(*) > 1) s"
    )
    assert float(shared) / size.clients == pytest.approx(0.13, abs=0.02), "10 % and the duplicates"


def test_the_small_clinic_has_its_size(small: Made) -> None:
    counts_hold(small, "small")


def test_the_small_clinic_has_the_mix(small: Made) -> None:
    mix_holds(small, "small")


@pytest.mark.long
def test_the_medium_clinic_has_its_size_and_the_mix(make: Make) -> None:
    with make(size="medium") as made:
        counts_hold(made, "medium")
        mix_holds(made, "medium")


def test_three_in_a_hundred_stand_twice_in_the_list(small: Made) -> None:
    pairs = small.value(
        "SELECT count(*) FROM pacientes_cliente d WHERE d.rut IS NULL AND EXISTS"
        " (SELECT FROM pacientes_cliente o WHERE o.id < d.id AND o.telefono = d.telefono"
        "  AND left(translate(upper(o.nombre_completo), 'ÁÉÍÓÚÑÜ', 'AEIOUNU'), 3)"
        "    = left(translate(upper(d.nombre_completo), 'ÁÉÍÓÚÑÜ', 'AEIOUNU'), 3))"
    )
    assert pairs / SIZE.clients == pytest.approx(0.03, abs=0.005)


def test_clients_pass_the_rules_for_what_is_typed(small: Made) -> None:
    accents = 0
    for name, rut, phone, email in small.rows(
        "SELECT nombre_completo, rut, telefono, email FROM pacientes_cliente"
    ):
        assert identifiers.full_name(name) == name
        assert rut is None or identifiers.rut(rut) == rut
        assert identifiers.phone(phone, "CL") == phone
        assert phone.startswith("+569")
        if not identifiers.is_placeholder_email(email):
            assert identifiers.email(email) == email
        accents += not name.isascii()
    assert accents > SIZE.clients * 0.5
    three_words = small.value(
        "SELECT count(*) FROM pacientes_cliente"
        " WHERE array_length(string_to_array(nombre_completo, ' '), 1) >= 3"
    )
    assert three_words > SIZE.clients * 0.95, "two surnames"


def test_today_shows_every_status_and_tomorrow_is_full(small: Made) -> None:
    today = dict(
        small.rows(
            "SELECT estado, count(*) FROM citas_cita WHERE fecha_hora::date = %s GROUP BY 1", TODAY
        )
    )
    assert set(today) == {status.value for status in Status}
    booked = small.rows(
        "SELECT dentista_id, sum(extract(epoch FROM fin - fecha_hora)) / 3600 FROM citas_cita"
        " WHERE fecha_hora::date = %s AND estado <> 'cancelada' GROUP BY 1",
        TODAY + dt.timedelta(days=1),
    )
    assert len(booked) == SIZE.practitioners
    assert all(hours > 6 for _, hours in booked)


@pytest.mark.parametrize("day", [dt.date(2026, 11, 22), dt.date(2026, 9, 18), dt.date(2026, 4, 5)])
def test_a_sunday_and_a_holiday_are_lively_too(make: Make, day: dt.date) -> None:
    with make(today=day) as made:
        statuses = {
            row[0]
            for row in made.rows("SELECT estado FROM citas_cita WHERE fecha_hora::date = %s", day)
        }
        assert statuses == {status.value for status in Status}


def test_slots_are_on_offer_in_each_of_the_next_weeks(small: Made) -> None:
    weeks = small.rows(
        "SELECT (fecha_hora::date - %s) / 7, count(*) FROM citas_cita"
        " WHERE estado = 'disponible' AND cliente_id IS NULL AND fecha_hora::date > %s GROUP BY 1",
        TODAY,
        TODAY,
    )
    assert {0, 1, 2, 3} <= {week for week, _ in weeks}


def test_the_accounts_open_with_the_password(small: Made) -> None:
    assert small.report.usernames[0] == "recepcion", "the administrator was there and is kept"
    assert len(small.report.usernames) == SIZE.desks + SIZE.practitioners
    for username in ("admin", *small.report.usernames):
        encoded = small.value("SELECT password FROM auth_user WHERE username = %s", username)
        assert encoded.split("$")[:2] == ["pbkdf2_sha256", "1000000"]
        assert passwords.verify(PASSWORD, encoded)


def test_the_clinic_keeps_its_name_and_has_its_settings(small: Made) -> None:
    assert small.rows("SELECT nombre_clinica FROM configuracion_informacionclinica") == [
        ("Clínica Sol",)
    ]
    assert dict(small.rows("SELECT clave, valor FROM configuracion_ajuste")) == {
        "zona_horaria": "America/Santiago",
        "moneda": "CLP",
        "pais": "CL",
        "idioma": "es",
        "minutos_agenda": "15",
    }


def test_without_a_password_nobody_can_use_the_accounts(make: Make) -> None:
    with make(password=None) as made:
        for username in made.report.usernames:
            encoded = made.value("SELECT password FROM auth_user WHERE username = %s", username)
            assert encoded.startswith("!")
            assert passwords.parse(encoded) is None
