"""A clinic of so many rows, made by the server itself, and the catalog of many others beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.bench.world import SCHEMA, _tenant
from tests.support.clinic import Clinic
from tests.support.embedded import Server

WORDS = (
    "control dolor pieza superior inferior tratamiento conducto presupuesto paciente refiere molestia"
    " leve indicación reposo próxima sesión radiografía limpieza obturación resina molar canino"
    " anestesia sin complicaciones se cita en dos semanas alta"
)

CLIENTS = """
INSERT INTO pacientes_cliente (id, nombre_completo, email, telefono, fecha_nacimiento, fecha_registro,
                               activo, alergias, notas)
OVERRIDING SYSTEM VALUE
SELECT n, initcap(w[1 + (n * 1 % 30)::int]) || ' ' || initcap(w[1 + (n * 7 % 30)::int]) || ' ' || n,
       'cliente' || n || '@example.com', '+569' || (10000000 + n * 7919 % 89999999),
       date '1930-01-01' + (n * 104729 % 30000)::int, now() - n * interval '1 minute', true,
       CASE WHEN n % 9 = 0 THEN w[1 + (n * 1 % 30)::int] END,
       CASE WHEN n % 4 = 0 THEN w[1 + (n * 1 % 30)::int] || ' ' || w[1 + (n * 3 % 30)::int] || ' ' || md5(n::text) END
  FROM generate_series({first}::bigint, {last}::bigint) n, string_to_array({words}, ' ') w
"""

VISITS = """
INSERT INTO citas_cita (id, fecha_hora, fin, cliente_id, paciente_nombre, paciente_telefono, estado,
                        tipo_consulta, precio_cobrado, notas, metodo_pago, creada_el, actualizada_el,
                        dentista_id)
OVERRIDING SYSTEM VALUE
SELECT n, at, at + interval '30 minutes', 1 + n % {clients}, w[1 + (n * 1 % 30)::int] || ' ' || n,
       '+569' || (10000000 + n * 7919 % 89999999), 'completada', w[1 + (n * 5 % 30)::int],
       (n * 31 % 900) * 100, CASE WHEN n % 3 > 0 THEN concat_ws(' ', w[1 + (n * 1 % 30)::int], w[1 + (n * 3 % 30)::int],
       w[1 + (n * 7 % 30)::int], w[1 + (n * 11 % 30)::int], w[1 + (n * 13 % 30)::int], n) END, 'efectivo',
       at - interval '9 days 7 seconds', at + interval '3 hours 11.5 seconds', {staff}
  FROM (SELECT n, now() - n * 7919 % 5000000 * interval '1 minute' AS at
          FROM generate_series({first}::bigint, {last}::bigint) n) v, string_to_array({words}, ' ') w
"""


@contextmanager
def clinic_of(server: Server, folder: Path, rows: int) -> Iterator[Clinic]:
    """A clinic with ``rows`` rows: a client to nine visits."""
    with _tenant(server, folder) as (made, connection):
        grow(connection, 0, rows)
        yield made


def grow(connection: psycopg.Connection, there: int, rows: int) -> None:
    """Bring a clinic from so many rows to so many. Nothing of it is in the log."""
    staff = connection.execute("SELECT id FROM personal_perfil").fetchall()[0][0]
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for statement, share in ((CLIENTS, 0.1), (VISITS, 0.9)):
            connection.execute(
                sql.SQL(statement).format(
                    first=sql.Literal(int(there * share) + 1),
                    last=sql.Literal(int(rows * share)),
                    clients=sql.Literal(max(1, int(rows * 0.1))),
                    staff=sql.Literal(staff),
                    words=sql.Literal(WORDS),
                )
            )
    for table in ("pacientes_cliente", "citas_cita"):
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({0}, 'id'), max(id)) FROM {1}").format(
                sql.Literal(table), sql.Identifier(table)
            )
        )
    connection.execute("VACUUM ANALYZE")


def a_day(connection: psycopg.Connection, rows: int) -> None:
    """Changes as of a day: most rows changed, some new, few gone; all of them in the log."""
    connection.execute(
        "UPDATE citas_cita SET notas = 'hoy ' || id, actualizada_el = now() WHERE id %% 97 = 3"
        " AND id <= %s * 97",
        (rows * 7 // 10,),
    )
    connection.execute(
        "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)"
        " SELECT 'Nuevo ' || n, 'nuevo' || n || '@example.com', '+56900000000', now(), true"
        " FROM generate_series(1, %s) n",
        (rows * 2 // 10,),
    )
    connection.execute(
        "DELETE FROM citas_cita WHERE id IN (SELECT id FROM citas_cita WHERE id %% 89 = 5 LIMIT %s)",
        (rows // 10,),
    )


def neighbours(connection: psycopg.Connection, count: int) -> None:
    """So many other tenants' tables, with all that belongs to them."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
        " AND relkind = 'r' AND NOT relispartition",
        (SCHEMA,),
    ).fetchall()
    for number in range(count):
        name = sql.Identifier(f"otra_{number:03}")
        with connection.transaction():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
            for (table,) in tables:
                connection.execute(
                    sql.SQL("CREATE TABLE {}.{} (LIKE {} INCLUDING ALL)").format(
                        name, sql.Identifier(table), sql.Identifier(SCHEMA, table)
                    )
                )
