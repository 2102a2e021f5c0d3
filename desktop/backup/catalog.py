"""What PostgreSQL says of a tenant schema's tables: what a table that takes another's place must have.

Names come back as they are, definitions as SQL with every name qualified. A connection that asks is
inside :func:`plain_settings`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

KEPT = ("alembic_version",)
KEPT_PREFIXES = ("sync_", "acceso_", "respaldo_")
MOVED_ENGINE_TABLES = ("sync_result",)
"""The engine's table that is the archive's: it says what of the workstations' work the rows hold."""

AUDIT = "citas_auditorialog"
"""The other programs' audit trail: what was written since the archive stays."""


def is_kept(table: str) -> bool:
    """Whether a table of the tenant is the live one's whatever an archive holds."""
    if table in MOVED_ENGINE_TABLES:
        return False
    return table in KEPT or table == AUDIT or table.startswith(KEPT_PREFIXES)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table; ``kind`` as in ``pg_constraint.contype``."""

    table: str
    name: str
    kind: str
    definition: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index that no constraint owns."""

    table: str
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as far as values of another table may go into it."""

    name: str
    type: str
    required: bool
    generated: bool


def plain_settings(connection: psycopg.Connection) -> None:
    """Settings under which definitions are whole and values have one text, in this transaction."""
    connection.execute(
        "SELECT set_config('search_path', 'pg_catalog', true), set_config('datestyle', 'ISO, YMD', true),"
        " set_config('timezone', 'UTC', true), set_config('intervalstyle', 'postgres', true),"
        " set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true),"
        " set_config('client_encoding', 'UTF8', true), set_config('synchronize_seqscans', 'off', true),"
        " set_config('row_security', 'off', true), set_config('statement_timeout', '0', true),"
        " set_config('lock_timeout', '0', true),"
        " set_config('idle_in_transaction_session_timeout', '0', true)"
    )


def exists(connection: psycopg.Connection, schema: str) -> bool:
    """Whether there is such a schema."""
    return bool(
        connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchall()
    )


def tables(connection: psycopg.Connection, schema: str) -> list[str]:
    """The tables of a schema, by name; partitions are their parent's."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " ORDER BY c.relname",
        (schema,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def columns(connection: psycopg.Connection, schema: str, table: str) -> list[Column]:
    """A table's columns in order."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod),"
        " a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> ''"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        (schema, table),
    ).fetchall()
    return [Column(*row) for row in rows]


def constraints(connection: psycopg.Connection, schema: str) -> list[Constraint]:
    """Every constraint of the schema's tables but NOT NULL, those that others need first."""
    rows = connection.execute(
        "SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid),"
        " CASE WHEN k.contype = 'f' THEN (SELECT f.relname FROM pg_class f"
        "  WHERE f.oid = k.confrelid AND f.relnamespace = c.relnamespace) END"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0"
        " AND NOT c.relispartition"
        " ORDER BY array_position(ARRAY['p', 'u', 'x', 'c', 'f'], k.contype::text), c.relname, k.conname",
        (schema,),
    ).fetchall()
    return [Constraint(*row) for row in rows]


def indexes(connection: psycopg.Connection, schema: str) -> list[Index]:
    """The indexes of a schema's tables that no constraint owns."""
    rows = connection.execute(
        "SELECT c.relname, x.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND NOT c.relispartition AND c.relkind IN ('r', 'p')"
        " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid"
        "                 AND k.contype IN ('p', 'u', 'x'))"
        " ORDER BY c.relname, x.relname",
        (schema,),
    ).fetchall()
    return [Index(*row) for row in rows]


def qualified(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    """Tables' names as definitions have them, quoted where the server finds it needful."""
    rows = connection.execute(
        "SELECT c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p')",
        (schema,),
    ).fetchall()
    return dict(rows)


def storage_options(
    connection: psycopg.Connection, schema: str
) -> dict[str, list[tuple[str, str]]]:
    """Table → how it was told to store its rows, e.g. its ``fillfactor``; only tables that were told."""
    rows = connection.execute(
        "SELECT c.relname, o.option_name, o.option_value FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " CROSS JOIN pg_options_to_table(c.reloptions) WITH ORDINALITY"
        "  AS o (option_name, option_value, place)"
        " WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY c.relname, o.place",
        (schema,),
    ).fetchall()
    options: dict[str, list[tuple[str, str]]] = {}
    for table, name, value in rows:
        options.setdefault(table, []).append((name, value))
    return options


def with_serials(connection: psycopg.Connection, schema: str) -> frozenset[str]:
    """Tables of which a column takes its default from a sequence of their own, as none of ours does."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
        " JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
        "  AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'"
        " JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' WHERE n.nspname = %s",
        (schema,),
    ).fetchall()
    return frozenset(row[0] for row in rows)


def owners(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    """Table → who owns it."""
    rows = connection.execute(
        "SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p')",
        (schema,),
    ).fetchall()
    return dict(rows)


def fingerprint(connection: psycopg.Connection, schema: str, names: Collection[str]) -> str:
    """Says of tables whether anything but their rows was changed: what they are, and whose."""
    rows = connection.execute(
        "SELECT coalesce(md5(string_agg(line, E'\\n' ORDER BY line)), '') FROM ("
        " SELECT concat_ws('|', c.relname, c.relowner,"
        "  (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(c.relacl) x), c.reloptions, c.relhastriggers, c.relkind,"
        "  (SELECT string_agg(concat_ws(',', a.attname, a.atttypid, a.atttypmod, a.attnotnull,"
        "     a.attidentity, a.attgenerated,"
        "     (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(a.attacl) x), pg_get_expr(d.adbin, d.adrelid)), ';'"
        "     ORDER BY a.attnum)"
        "   FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        "   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),"
        "  (SELECT string_agg(concat_ws(',', t.tgname, t.tgfoid, t.tgtype, t.tgenabled, t.tgattr,"
        "     encode(t.tgargs, 'hex')), ';' ORDER BY t.tgname)"
        "   FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),"
        "  (SELECT string_agg(k.conname || pg_get_constraintdef(k.oid), ';' ORDER BY k.conname)"
        "   FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n'),"
        "  (SELECT string_agg(pg_get_indexdef(i.indexrelid), ';' ORDER BY x.relname)"
        "   FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid)) AS line"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p')) t",
        (schema, list(names)),
    ).fetchall()
    return str(rows[0][0])


def dependents(connection: psycopg.Connection, schema: str, names: Sequence[str]) -> list[str]:
    """What depends on tables, or is set up for them, and could not follow to others in their place.

    Empty where everything follows: views, foreign keys, triggers, rights, indexes.
    """
    rows = connection.execute(
        # By the indexes of pg_depend: it has as many rows as all clinics together make.
        "WITH t AS MATERIALIZED (SELECT c.oid, c.reltype FROM pg_class c"
        "           JOIN pg_namespace n ON n.oid = c.relnamespace"
        "           WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p')),"
        " ours (class, oid) AS MATERIALIZED ("
        "  SELECT 'pg_class'::regclass::oid, oid FROM t"
        "  UNION ALL SELECT 'pg_type'::regclass::oid, reltype FROM t"
        "  UNION ALL SELECT 'pg_type'::regclass::oid, y.typarray FROM t JOIN pg_type y ON y.oid = t.reltype)"
        " SELECT DISTINCT what FROM ("
        "  SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what"
        "    FROM ours CROSS JOIN LATERAL (SELECT * FROM pg_depend d"
        "          WHERE d.refclassid = ours.class AND d.refobjid = ours.oid) d"
        "   WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'n'"
        "  UNION ALL"
        "  SELECT pg_describe_object('pg_class'::regclass, r.ev_class, 0)"
        "    FROM ours CROSS JOIN LATERAL (SELECT * FROM pg_depend d"
        "          WHERE d.refclassid = ours.class AND d.refobjid = ours.oid) d"
        "    JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass"
        "    JOIN pg_class v ON v.oid = r.ev_class WHERE v.relkind <> 'v'"
        "  UNION ALL SELECT pg_describe_object('pg_policy'::regclass, p.oid, 0)"
        "    FROM pg_policy p JOIN t ON t.oid = p.polrelid"
        "  UNION ALL SELECT pg_describe_object('pg_publication_rel'::regclass, p.oid, 0)"
        "    FROM pg_publication_rel p JOIN t ON t.oid = p.prrelid"
        "  UNION ALL SELECT pg_describe_object('pg_class'::regclass, i.inhrelid, 0)"
        "    FROM pg_inherits i JOIN t ON t.oid IN (i.inhrelid, i.inhparent)"
        "  UNION ALL SELECT pg_describe_object('pg_statistic_ext'::regclass, s.oid, 0)"
        "    FROM pg_statistic_ext s JOIN t ON t.oid = s.stxrelid) found ORDER BY what",
        (schema, list(names)),
    ).fetchall()
    return [str(row[0]) for row in rows]


def put(connection: psycopg.Connection, statement: str, **names: sql.Composable | str) -> None:
    """Run a statement whose ``{names}`` are quoted identifiers (or SQL of ours, as it is)."""
    quoted = {
        name: value if isinstance(value, sql.Composable) else sql.Identifier(value)
        for name, value in names.items()
    }
    connection.execute(sql.SQL(statement).format(**quoted))


def put_all(connection: psycopg.Connection, statements: Iterable[sql.Composable | bytes]) -> None:
    """Run statements in one go: a busy server takes longer to answer each than to do it."""
    texts = [one if isinstance(one, bytes) else one.as_bytes(connection) for one in statements]
    if texts:
        connection.execute(b";\n".join(texts))
