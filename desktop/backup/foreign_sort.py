"""Sorts out another program's rows in PostgreSQL, and moves what holds together into our tables.

The rows lie in temporary tables without a rule. What repeats, what names a row that is not there and
what overlaps is found by set, and every row that is changed or left is noted. Parents come first, so
that a row which is left takes along what can't be without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa
from psycopg import sql

from desktop.backup.foreign_report import EXAMPLES, Findings
from desktop.backup.foreign_rows import ACCOUNTS, Lines
from desktop.backup.foreign_values import ColumnRule
from desktop.domain.identifiers import NO_EMAIL_DOMAIN
from desktop.domain.messages import _
from desktop.domain.statuses import ACTIVE
from desktop.models import Base

ORDER = (
    "auth_user",
    "personal_perfil",
    "configuracion_informacionclinica",
    "citas_tiposervicio",
    "citas_horariodentista",
    "pacientes_cliente",
    "cuentas_perfilcliente",
    "citas_cita",
    "finanzas_ingresomanual",
    "finanzas_egresomanual",
    "citas_auditorialog",
)
"""Parents before children."""

_APPOINTMENTS = "citas_cita"
_SAME_ENTRY = ("fecha_hora", "accion", "modulo", "descripcion")
_USUAL_MINUTES = 30
_PIECE = 10_000
_END = (
    "r.fecha_hora + make_interval(mins => coalesce((SELECT s.duracion_estimada FROM {services} s"
    " WHERE s.id = r.tipo_servicio_id AND s.duracion_estimada > 0), {minutes}))"
)
"""When a visit ends: the rule that the tenant's own trigger has."""


def entry_table(table: str) -> sql.Identifier:
    """Where the rows for one of our tables lie until they are sorted out."""
    return sql.Identifier("pg_temp", f"entrada_{table}")


class Sorting:
    """Sorts the rows of a file out, in the transaction of ``connection``."""

    def __init__(
        self, connection: psycopg.Connection, lines: Mapping[str, Lines], findings: Findings
    ) -> None:
        self._connection = connection
        self._lines = lines
        self._findings = findings

    def make_tables(self) -> None:
        """The temporary tables; they are gone with the transaction."""
        for table, lines in self._lines.items():
            kinds = Base.metadata.tables[table].columns
            columns: list[sql.Composable] = [sql.SQL("linea bigint, origen bigint, id bigint")]
            for name in lines.columns[3:]:
                kind = kinds[name].type.compile(_DIALECT) if name in kinds else "text"
                columns.append(sql.SQL("{} {}").format(sql.Identifier(name), _trusted(kind)))
            self._connection.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
                    sql.Identifier(f"entrada_{table}"), sql.SQL(", ").join(columns)
                )
            )

    def copy(self, table: str, data: bytes) -> None:
        """Adds lines."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            entry_table(table), sql.SQL(", ").join(map(sql.Identifier, self._lines[table].columns))
        )
        with self._connection.cursor().copy(statement) as copying:
            copying.write(data)

    def sort_out(self, table: str) -> None:
        """Leaves every row of a table with a key of its own and parents that are there."""
        self._connection.execute(sql.SQL("ANALYZE {}").format(entry_table(table)))
        self._drop_repeated(table)
        self._number(table)
        for rule in self._lines[table].rules:
            if rule.parent is not None:
                self._refer(table, rule)
        for columns in _unique(table):
            self._keep_apart(table, columns)

    def move(self, table: str, schema: str) -> int:
        """Copies the rows into our table; how many."""
        names = ["id", *(rule.name for rule in self._lines[table].rules)]
        target = sql.SQL(", ").join(map(sql.Identifier, names))
        values = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(name)) for name in names)
        joined = sql.SQL("")
        if table == _APPOINTMENTS:
            self._mark_overlaps()
            target += sql.SQL(", fin, sobrecupo_motivo")
            values += sql.SQL(", {}, o.motivo").format(self._end())
            joined = sql.SQL(" LEFT JOIN pg_temp.entrada_solapes o USING (id)")
        moved = self._connection.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} r{} ORDER BY r.id").format(
                sql.Identifier(schema, table), target, values, entry_table(table), joined
            )
        )
        return moved.rowcount

    # What is wrong with rows ---------------------------------------------------------------------
    def _noted(
        self,
        code: str,
        table: str,
        place: str,
        change: LiteralString,
        names: Mapping[str, sql.Composable] = MappingProxyType({}),
    ) -> None:
        """Runs a change of ``{rows}`` (as ``r``), and notes the rows that it touched."""
        count, examples = self._connection.execute(
            sql.SQL(
                "WITH changed AS (" + change + " RETURNING r.origen, r.linea)"
                " SELECT (SELECT count(*) FROM changed),"
                " array(SELECT coalesce(origen::text, '#' || linea) FROM changed"
                "       ORDER BY linea LIMIT {limit})"
            ).format(limit=sql.Literal(EXAMPLES), rows=entry_table(table), **names)
        ).fetchall()[0]
        if count:
            for example in examples:
                self._findings.note(code, table, place, count=0, example=example)
            self._findings.note(code, table, place, count=count)

    def _drop_repeated(self, table: str) -> None:
        self._noted(
            "twice",
            table,
            "",
            "DELETE FROM {rows} r USING (SELECT linea, row_number() OVER (PARTITION BY origen"
            " ORDER BY linea) AS place FROM {rows} WHERE origen IS NOT NULL) d"
            " WHERE d.place > 1 AND r.linea = d.linea",
        )

    def _number(self, table: str) -> None:
        """Rows whose key may not be kept, or that have none, get the next free ones."""
        change: LiteralString = (
            "UPDATE {rows} r SET id = n.base + n.place FROM (SELECT linea, row_number() OVER"
            " (ORDER BY origen, linea) AS place, (SELECT coalesce(max(id), 0) FROM {rows}) AS base"
            " FROM {rows} WHERE id IS NULL) n WHERE r.linea = n.linea"
        )
        self._noted("numbered", table, "", change)

    def _refer(self, table: str, rule: ColumnRule) -> None:
        """References become our ids; those to rows that are not there are emptied, or leave the row."""
        names = {
            "column": sql.Identifier(rule.name),
            "parent": entry_table(str(rule.parent)),
            "key": sql.Identifier(f"{rule.name}__clave"),
        }
        orphan: LiteralString = (
            " WHERE r.{column} IS NOT NULL AND NOT EXISTS"
            " (SELECT FROM {parent} p WHERE p.origen = r.{column})"
        )
        self._without(table, rule, orphan, names)
        self._change(
            table,
            "UPDATE {rows} r SET {column} = p.id FROM {parent} p"
            " WHERE p.origen = r.{column} AND p.id <> p.origen",
            names,
        )
        if rule.parent == ACCOUNTS:
            self._change(
                table,
                "UPDATE {rows} r SET {column} = p.id FROM {parent} p"
                " WHERE r.{key} IS NOT NULL AND p.username = r.{key}",
                names,
            )
            nameless: LiteralString = " WHERE r.{key} IS NOT NULL AND r.{column} IS NULL"
            self._without(table, rule, nameless, names)

    def _without(
        self,
        table: str,
        rule: ColumnRule,
        condition: LiteralString,
        names: Mapping[str, sql.Composable],
    ) -> None:
        if rule.required:
            self._noted("no_parent", table, rule.name, "DELETE FROM {rows} r" + condition, names)
        else:
            change: LiteralString = "UPDATE {rows} r SET {column} = NULL" + condition
            self._noted("unreferred", table, rule.name, change, names)

    def _change(
        self, table: str, change: LiteralString, names: Mapping[str, sql.Composable]
    ) -> None:
        self._connection.execute(sql.SQL(change).format(rows=entry_table(table), **names))

    def _keep_apart(self, table: str, columns: tuple[str, ...]) -> None:
        """Of rows that share what only one may have, the first keeps it."""
        rule = next(rule for rule in self._lines[table].rules if rule.name == columns[0])
        code, change = self._apart(table, columns, rule)
        change = change + (
            " WHERE r.linea IN (SELECT linea FROM (SELECT linea, row_number() OVER (PARTITION BY {columns}"
            " ORDER BY linea) AS place FROM {rows} WHERE num_nulls({columns}) = 0) d WHERE place > 1)"
        )
        self._noted(
            code,
            table,
            ", ".join(columns),
            change,
            {
                "column": sql.Identifier(columns[0]),
                "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
                "domain": sql.Literal(NO_EMAIL_DOMAIN),
            },
        )

    @staticmethod
    def _apart(table: str, columns: tuple[str, ...], rule: ColumnRule) -> tuple[str, LiteralString]:
        if (table, *columns) == ("pacientes_cliente", "email"):
            return (
                "unshared",
                "UPDATE {rows} r SET email = 'sin-correo-' || r.id || '@' || {domain}",
            )
        if len(columns) == 1 and not rule.required:
            return "unshared", "UPDATE {rows} r SET {column} = NULL"
        return "taken", "DELETE FROM {rows} r"

    def fit_to_live(self, table: str, live: str) -> None:
        """Numbers entries that a restore adds to the live ones.

        What is there already, word for word, has the number that it has there; the others get numbers
        that nobody has.
        """
        names = {"rows": entry_table(table), "live": sql.Identifier(live, table)}
        self._connection.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE entrada_conocidas ON COMMIT DROP AS"
                " WITH theirs AS (SELECT linea, {same}, row_number() OVER (PARTITION BY {same}"
                " ORDER BY linea) AS place FROM {rows}),"
                " ours AS (SELECT id, {same}, row_number() OVER (PARTITION BY {same} ORDER BY id)"
                " AS place FROM {live})"
                " SELECT t.linea, o.id FROM theirs t JOIN ours o USING ({same}, place)"
            ).format(same=sql.SQL(", ").join(map(sql.Identifier, _SAME_ENTRY)), **names)
        )
        self._noted(
            "numbered",
            table,
            "",
            "UPDATE {rows} r SET id = n.base + n.place FROM (SELECT linea, row_number() OVER"
            " (ORDER BY id) AS place, greatest((SELECT max(id) FROM {rows}),"
            " (SELECT max(id) FROM {live})) AS base FROM {rows} s WHERE EXISTS"
            " (SELECT FROM {live} l WHERE l.id = s.id) AND NOT EXISTS"
            " (SELECT FROM pg_temp.entrada_conocidas k WHERE k.linea = s.linea)) n"
            " WHERE r.linea = n.linea",
            {"live": names["live"]},
        )
        self._change(
            table,
            "UPDATE {rows} r SET id = k.id FROM pg_temp.entrada_conocidas k WHERE k.linea = r.linea",
            {},
        )

    # Visits --------------------------------------------------------------------------------------
    def _end(self) -> sql.Composable:
        return sql.SQL(_END).format(
            services=entry_table("citas_tiposervicio"), minutes=sql.Literal(_USUAL_MINUTES)
        )

    def _mark_overlaps(self) -> None:
        """Of active visits of one practitioner that overlap, each that begins while another one goes on
        becomes a deliberate overbooking, which says with which it meets: none is lost, none is moved.
        """
        self._connection.execute(
            "CREATE TEMPORARY TABLE entrada_solapes (id bigint PRIMARY KEY, motivo text)"
            " ON COMMIT DROP"
        )
        reason = _("Imported: it overlaps with appointment {id}")
        busy_with, until, whose = 0, 0, None
        for page in self._active():
            marks: list[str] = []
            for row_id, practitioner, starts, ends in page:
                if practitioner == whose and starts < until:
                    marks.append(f"{row_id}\t{reason.format(id=busy_with)}\n")
                    self._findings.note(
                        "overbooked", _APPOINTMENTS, "sobrecupo_motivo", example=str(row_id)
                    )
                else:
                    busy_with, until, whose = row_id, ends, practitioner
            if marks:
                with self._connection.cursor().copy(
                    "COPY pg_temp.entrada_solapes FROM STDIN"
                ) as copying:
                    copying.write("".join(marks).encode())

    def _active(self) -> Iterator[list[tuple[Any, ...]]]:
        """Active visits by practitioner and time; moments in microseconds."""
        with self._connection.cursor("entrada_activas") as cursor:
            cursor.execute(
                sql.SQL(
                    "SELECT id, dentista_id, (extract(epoch FROM fecha_hora) * 1000000)::bigint,"
                    " (extract(epoch FROM {end}) * 1000000)::bigint"
                    " FROM {rows} r WHERE estado IN ({active}) AND dentista_id IS NOT NULL"
                    " ORDER BY dentista_id, fecha_hora, id"
                ).format(
                    end=self._end(),
                    rows=entry_table(_APPOINTMENTS),
                    active=sql.SQL(", ").join(sql.Literal(s.value) for s in sorted(ACTIVE)),
                )
            )
            while page := cursor.fetchmany(_PIECE):
                yield page


_DIALECT = sa.dialects.postgresql.dialect()  # type: ignore[no-untyped-call]


def _trusted(text: str) -> sql.SQL:
    """Text that our own models made."""
    return sql.SQL(text)


def _unique(table: str) -> list[tuple[str, ...]]:
    """The sets of columns of which no two rows may have the same."""
    found = Base.metadata.tables[table].constraints
    return sorted(
        tuple(column.name for column in constraint.columns)
        for constraint in found
        if isinstance(constraint, sa.UniqueConstraint)
    )
