"""Ten things that are true of every clinic: a backup of which one is not true is no backup.

Each is asked of the rows themselves, also where a constraint would see to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

ACTIVE = "('reservada', 'confirmada', 'en_espera', 'listo_para_atender', 'en_progreso')"

_QUESTIONS = {
    # Two active appointments of a practitioner at one moment, but for deliberate overbookings.
    "overlaps": """
        SELECT count(*) FROM (
            SELECT fecha_hora, max(fin) OVER (PARTITION BY dentista_id ORDER BY fecha_hora, id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until
              FROM {citas_cita}
             WHERE estado IN """
    + ACTIVE
    + """ AND sobrecupo_motivo IS NULL AND dentista_id IS NOT NULL AND fin IS NOT NULL) v
         WHERE v.fecha_hora < v.busy_until""",
    # An appointment that ends before it begins, or that takes time and has no end.
    "visit_times": """
        SELECT count(*) FROM {citas_cita}
         WHERE fin <= fecha_hora OR fin IS NULL AND isfinite(fecha_hora) AND estado IN """
    + ACTIVE,
    # A charge that is not quantity times price less discount; a reversal, its negative.
    "charge_amounts": """
        SELECT count(*) FROM {finanzas_cargo}
         WHERE monto <> CASE WHEN reversa_de_id IS NULL THEN cantidad * precio_unitario - descuento
                             ELSE descuento - cantidad * precio_unitario END""",
    # A receipt whose total is not what was paid with it.
    "receipt_totals": """
        SELECT count(*) FROM {finanzas_recibo} r
          LEFT JOIN (SELECT recibo_id, sum(monto) AS paid FROM {finanzas_pago} GROUP BY recibo_id) p
            ON p.recibo_id = r.id
         WHERE r.total <> coalesce(p.paid, 0)""",
    # A payment of which more is allocated than was paid.
    "allocations": """
        SELECT count(*) FROM {finanzas_pago} p
          JOIN (SELECT pago_id, sum(monto) AS given FROM {finanzas_asignacion} GROUP BY pago_id) a
            ON a.pago_id = p.id
         WHERE a.given NOT BETWEEN least(p.monto, 0) AND greatest(p.monto, 0)""",
    # A counter-entry that is not the negative of what it reverses.
    "reversals": """
        SELECT (SELECT count(*) FROM {finanzas_cargo} n JOIN {finanzas_cargo} o ON o.id = n.reversa_de_id
                 WHERE n.monto <> -o.monto)
             + (SELECT count(*) FROM {finanzas_pago} n JOIN {finanzas_pago} o ON o.id = n.reversa_de_id
                 WHERE n.monto <> -o.monto)
             + (SELECT count(*) FROM {finanzas_recibo} n JOIN {finanzas_recibo} o ON o.id = n.reversa_de_id
                 WHERE n.total <> -o.total)""",
    # A movement of the till that is not its payment's amount, or by another method.
    "till": """
        SELECT count(*) FROM {caja_movimiento} m JOIN {finanzas_pago} p ON p.id = m.pago_id
         WHERE m.monto <> p.monto OR m.metodo <> p.metodo""",
    # Nobody who administers the clinic.
    "administrators": """
        SELECT (NOT EXISTS (
            SELECT FROM {auth_user} u LEFT JOIN {personal_perfil} p ON p.user_id = u.id
             WHERE u.is_active AND coalesce(p.activo, true)
               AND (u.is_superuser OR p.id IS NOT NULL
                    AND (coalesce(nullif(p.rol, ''), 'general') = 'general'
                         OR p.puede_gestionar_personal))))::integer""",
}
NAMES = ("foreign_keys", "ids", *_QUESTIONS)
"""What is asked, in order."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How many rows stand against an invariant; ``None`` where its tables are not there."""

    name: str
    wrong: int | None

    @property
    def holds(self) -> bool:
        """Whether nothing stands against it."""
        return not self.wrong


def ask(connection: psycopg.Connection, schema: str) -> tuple[Answer, ...]:
    """Ask everything of the tables of a schema."""
    there = {
        row[0]
        for row in connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r'",
            (schema,),
        ).fetchall()
    }
    answers = [
        Answer("foreign_keys", _foreign_keys(connection, schema)),
        Answer("ids", _ids(connection, schema)),
    ]
    for name, question in _QUESTIONS.items():
        tables = sorted(table for table in there if "{" + table + "}" in question)
        wrong = None
        if question.count("{") == sum(question.count("{" + table + "}") for table in tables):
            named = {table: sql.Identifier(schema, table) for table in tables}
            wrong = connection.execute(sql.SQL(question).format(**named)).fetchall()[0][0]
        answers.append(Answer(name, wrong))
    return tuple(answers)


def _foreign_keys(connection: psycopg.Connection, schema: str) -> int:
    """Rows that point at a row that is not there."""
    wrong = 0
    for child, column, parent, key in connection.execute(
        "SELECT k.conrelid::regclass::text, quote_ident(a.attname), k.confrelid::regclass::text,"
        " quote_ident(b.attname) FROM pg_constraint k"
        " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
        " JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]"
        " WHERE k.contype = 'f' AND n.nspname = %s AND cardinality(k.conkey) = 1",
        (schema,),
    ).fetchall():
        statement = (
            f"SELECT count(*) FROM {child} c WHERE c.{column} IS NOT NULL"
            f" AND NOT EXISTS (SELECT FROM {parent} p WHERE p.{key} = c.{column})"
        )
        wrong += connection.execute(statement.encode()).fetchall()[0][0]
    return wrong


def _ids(connection: psycopg.Connection, schema: str) -> int:
    """Ids that no program could have given, or that are there twice."""
    wrong = 0
    for (table,) in connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'"
        " AND a.atttypid IN ('bigint'::regtype, 'integer'::regtype)"
        " WHERE n.nspname = %s AND c.relkind = 'r'",
        (schema,),
    ).fetchall():
        statement = (
            "SELECT count(*) FILTER (WHERE id < 1 OR id >> 39 > 16383) + count(*) - count(DISTINCT id)"
            f" FROM {table}"
        )
        wrong += connection.execute(statement.encode()).fetchall()[0][0]
    return wrong
