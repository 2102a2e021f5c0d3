"""The generated clinic keeps every rule, although it is loaded without the triggers that hold them."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from desktop.domain.errors import RuleError
from desktop.models import Base
from desktop.services import devices
from tests.generate.conftest import PASSWORD, SCHEMA, TODAY, Made, Make, create, fill
from tests.support import clinic as clinics
from tests.support.embedded import Server


def test_every_foreign_key_holds(small: Made) -> None:
    checked = 0
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            for key in column.foreign_keys:
                lost = small.value(
                    f"SELECT count(*) FROM {table.name} c WHERE {column.name} IS NOT NULL AND NOT"
                    f" EXISTS (SELECT FROM {key.column.table.name} p WHERE p.id = c.{column.name})"
                )
                assert lost == 0, f"{table.name}.{column.name}"
                checked += 1
    assert checked > 30


def test_nobody_is_in_two_places_at_once(small: Made) -> None:
    overlaps = small.value(
        "SELECT count(*) FROM citas_cita a JOIN citas_cita b ON a.id < b.id"
        " AND a.dentista_id = b.dentista_id AND a.fecha_hora < b.fin AND b.fecha_hora < a.fin"
    )
    assert overlaps == 0
    twice = small.value(
        "SELECT count(*) FROM (SELECT FROM citas_cita WHERE cliente_id IS NOT NULL"
        " GROUP BY cliente_id, fecha_hora::date HAVING count(*) > 1) t"
    )
    assert twice == 0, "a client comes once a day"


def test_every_appointment_lies_in_its_practitioners_week(small: Made) -> None:
    """By the clinic's own clock, in summer and in winter."""
    outside = small.value(
        "SELECT count(*) FROM citas_cita c WHERE NOT EXISTS (SELECT FROM citas_horariodentista h"
        " WHERE h.dentista_id = c.dentista_id"
        " AND h.dia_semana = extract(isodow FROM c.fecha_hora) - 1"
        " AND c.fecha_hora::time >= h.hora_inicio AND c.fin::time <= h.hora_fin)"
    )
    assert outside == 0
    offsets = small.rows(
        "SELECT DISTINCT (fecha_hora AT TIME ZONE 'America/Santiago')"
        " - (fecha_hora AT TIME ZONE 'UTC') FROM citas_cita"
    )
    assert {round(row[0].total_seconds() / 3600) for row in offsets} == {-3, -4}


def test_the_end_is_what_the_service_takes(small: Made) -> None:
    wrong = small.value(
        "SELECT count(*) FROM citas_cita c LEFT JOIN citas_tiposervicio s"
        " ON s.id = c.tipo_servicio_id WHERE c.fin IS DISTINCT FROM"
        " c.fecha_hora + make_interval(mins => s.duracion_estimada)"
    )
    assert wrong == 0


def test_nothing_happened_before_it_could(small: Made) -> None:
    assert (
        small.value(
            "SELECT count(*) FROM citas_cita c JOIN pacientes_cliente p ON p.id = c.cliente_id"
            " WHERE c.creada_el < p.fecha_registro OR c.creada_el > c.fecha_hora"
            " OR c.actualizada_el < c.creada_el"
        )
        == 0
    )
    now = f"{TODAY} 11:00"
    for statement in (
        "SELECT max(creada_el) FROM citas_cita",
        "SELECT max(actualizada_el) FROM citas_cita",
        "SELECT max(hora_llegada) FROM citas_cita",
        "SELECT max(pagado_el) FROM finanzas_pago",
        "SELECT max(creada_el) FROM clinica_notasesion",
        "SELECT max(fecha_hora) FROM citas_auditorialog",
    ):
        assert small.value(f"SELECT ({statement}) <= %s::timestamptz", now), statement


def test_the_money_adds_up(small: Made) -> None:
    assert (
        small.value(
            "SELECT count(*) FROM finanzas_pago p WHERE monto <>"
            " (SELECT sum(monto) FROM finanzas_asignacion a WHERE a.pago_id = p.id)"
        )
        == 0
    ), "a payment is spent to the last peso"
    assert (
        small.value(
            "SELECT count(*) FROM finanzas_recibo r WHERE total <>"
            " (SELECT sum(monto) FROM finanzas_pago p WHERE p.recibo_id = r.id)"
        )
        == 0
    )
    assert (
        small.value(
            "SELECT count(*) FROM finanzas_pago p LEFT JOIN caja_movimiento m ON m.pago_id = p.id"
            " WHERE m.monto IS DISTINCT FROM p.monto OR m.metodo IS DISTINCT FROM p.metodo"
        )
        == 0
    ), "the till has every payment"
    assert (
        small.value(
            "SELECT count(*) FROM finanzas_cargo c WHERE monto < coalesce((SELECT sum(monto)"
            " FROM finanzas_asignacion a WHERE a.cargo_id = c.id), 0) AND reversa_de_id IS NULL"
        )
        == 0
    ), "nothing is paid twice"
    assert (
        small.value(
            "SELECT count(*) FROM finanzas_cargo r JOIN finanzas_cargo c ON c.id = r.reversa_de_id"
            " JOIN finanzas_asignacion a ON a.cargo_id = c.id WHERE r.monto <> -c.monto"
            " OR a.id IS NOT NULL"
        )
        == 0
    ), "what was reversed was not paid"
    assert small.value("SELECT count(*) FROM finanzas_cargo WHERE reversa_de_id IS NOT NULL") > 0
    charged, paid = small.rows(
        "SELECT (SELECT sum(monto) FROM finanzas_cargo), (SELECT sum(monto) FROM finanzas_pago)"
    )[0]
    assert 0.9 < paid / charged < 1
    assert (
        small.value(
            "SELECT count(*) FROM (SELECT FROM finanzas_pago GROUP BY recibo_id"
            " HAVING count(DISTINCT metodo) = 2) s"
        )
        > 100
    ), "some pay in two methods"
    assert small.rows("SELECT DISTINCT metodo FROM finanzas_pago ORDER BY 1") == [
        ("efectivo",),
        ("tarjeta",),
        ("transferencia",),
    ]


def test_the_price_of_a_visit_is_the_sum_of_its_charges(small: Made) -> None:
    wrong = small.value(
        "SELECT count(*) FROM citas_cita c JOIN (SELECT cita_id, sum(monto) AS total"
        " FROM finanzas_cargo GROUP BY 1) t ON t.cita_id = c.id"
        " WHERE c.precio_cobrado IS DISTINCT FROM t.total"
    )
    assert wrong == 0


def test_receipts_are_numbered_without_gaps_in_the_order_of_time(small: Made) -> None:
    last, count = small.rows("SELECT max(numero), count(*) FROM finanzas_recibo")[0]
    assert last == count
    assert (
        small.value(
            "SELECT count(*) FROM (SELECT emitido_el < lag(emitido_el) OVER (ORDER BY numero)"
            " AS back FROM finanzas_recibo) r WHERE back"
        )
        == 0
    )


def test_sequences_go_on_where_the_rows_end(small: Made) -> None:
    for table, count in small.report.rows.items():
        if count:
            following = small.value(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id'))", f"{SCHEMA}.{table}"
            )
            assert following > small.value(f"SELECT max(id) FROM {table}"), table


def test_the_same_seed_gives_the_same_clinic(make: Make) -> None:
    def fingerprint(made: Made) -> dict[str, str]:
        # The administrator's salt and date are the tenant's own, not the generator's.
        without = {
            "auth_user": "username <> 'admin'",
            "personal_perfil": "user_id <> (SELECT id FROM auth_user WHERE username = 'admin')",
        }
        return {
            table: made.value(
                f"SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM {table} t"
                f" WHERE {without.get(table, 'true')}"
            )
            for table in made.report.rows
            if table not in {"configuracion_ajuste", "configuracion_informacionclinica"}
        }

    with make() as one, make() as other, make(seed=8) as third:
        assert fingerprint(one) == fingerprint(other)
        differing = {
            table for table, value in fingerprint(third).items() if value != fingerprint(one)[table]
        }
        assert {
            "personal_perfil",
            "pacientes_cliente",
            "citas_cita",
            "finanzas_pago",
        } <= differing


def test_a_superusers_load_is_not_in_the_log_and_capture_goes_on_after_it(make: Make) -> None:
    with make() as made:
        assert not made.report.captured
        assert made.value("SELECT count(*) FROM sync_log l JOIN sync_table t ON t.id = l.tbl"
                          " WHERE t.name = 'citas_cita'") == 0  # fmt: skip
        made.connection.execute("UPDATE pacientes_cliente SET notas = 'x' WHERE id = 1")
        assert made.value("SELECT count(*) FROM sync_log l JOIN sync_table t ON t.id = l.tbl"
                          " WHERE t.name = 'pacientes_cliente'") == 1  # fmt: skip


@pytest.mark.long
def test_an_owner_who_is_no_superuser_loads_it_with_every_trigger_in_force(
    postgres: Server,
) -> None:
    with postgres.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        create(connection)
        role = sql.Identifier(f"owner_{connection.info.dbname}")
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        try:
            connection.execute(
                sql.SQL("GRANT ALL ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), role)
            )
            for kind, table in connection.execute(
                "SELECT 'TABLE', relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s"
                "::regnamespace",
                (SCHEMA,),
            ).fetchall():
                connection.execute(
                    sql.SQL("ALTER {} {} OWNER TO {}").format(
                        sql.SQL(kind), sql.Identifier(SCHEMA, table), role
                    )
                )
            connection.execute(sql.SQL("SET ROLE {}").format(role))
            report = fill(connection)
            connection.execute("RESET ROLE")
            assert report.captured
            logged = connection.execute(
                f"SELECT count(*) FROM {SCHEMA}.sync_log l JOIN {SCHEMA}.sync_table t"
                " ON t.id = l.tbl WHERE t.name = 'citas_cita'"
            ).fetchall()
            assert logged == [(report.rows["citas_cita"],)]
        finally:
            connection.execute("RESET ROLE")
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_it_refuses_a_clinic_that_holds_data_and_leaves_it(pg: psycopg.Connection) -> None:
    create(pg)
    pg.execute(
        f"INSERT INTO {SCHEMA}.pacientes_cliente (nombre_completo, email, telefono,"
        " fecha_registro, activo) VALUES ('Una', 'una@example.com', '', now(), true)"
    )
    with pytest.raises(RuleError, match=r"generate\.not_empty"):
        fill(pg)
    assert pg.execute(f"SELECT count(*) FROM {SCHEMA}.pacientes_cliente").fetchall() == [(1,)]


def test_it_refuses_a_clinic_with_workstations(pg: psycopg.Connection, pg_database: str) -> None:
    create(pg)
    try:
        devices.enroll(pg, SCHEMA, profile="office", label="uno")
        with pytest.raises(RuleError, match=r"generate\.devices"):
            fill(pg)
    finally:
        clinics.drop_roles(pg_database)


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ({"size": "huge"}, "generate.size"),
        ({"schema": "nadie"}, "generate.tenant"),
        ({"password": "corta"}, "password.short"),
    ],
)
def test_it_says_what_is_wrong(pg: psycopg.Connection, chosen: dict[str, str], code: str) -> None:
    with pytest.raises(RuleError) as refused:
        fill(pg, **chosen)
    assert refused.value.code == code


def test_a_load_that_breaks_off_leaves_nothing(pg: psycopg.Connection) -> None:
    create(pg)

    def stop(done: int, total: int) -> None:
        if done > 50_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(pg, progress=stop)
    for table in ("pacientes_cliente", "citas_cita", "citas_auditorialog"):
        assert pg.execute(f"SELECT count(*) FROM {SCHEMA}.{table}").fetchall() == [(0,)]
    assert fill(pg, password=PASSWORD).rows["citas_cita"] == 18_000
