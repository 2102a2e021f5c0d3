"""Plain SQL as pg_dump would write it, by what the server says of its own catalog."""

from __future__ import annotations

from typing import BinaryIO

from psycopg import sql

from desktop.backup.copying import copied
from desktop.backup.places.base import Cancelled
from desktop.backup.reading import Snapshot
from desktop.backup.take import Heard, Meter

_HEAD = """\
SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';

"""

_TYPES = """
SELECT CASE t.typtype
       WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
           (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
              FROM pg_enum e WHERE e.enumtypid = t.oid))
       WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname,
           (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                              ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
       ELSE concat_ws(' ', format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname,
                                  format_type(t.typbasetype, t.typtypmod)),
           'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
           (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' '
                              ORDER BY k.conname)
              FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')) END
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
 WHERE n.nspname = {schema} AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
 ORDER BY t.oid
"""

_SEQUENCES = """
SELECT format('CREATE SEQUENCE %I.%I AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s',
              n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
              s.seqmin, s.seqmax, s.seqcache)
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema}
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                   AND d.deptype = 'i')
 ORDER BY c.relname
"""

_TABLES = """
SELECT format('CREATE TABLE %I.%I (%s)%s%s', n.nspname, c.relname,
    (SELECT string_agg(E'\\n    ' || concat_ws(' ', quote_ident(a.attname),
        format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN
            (SELECT format('COLLATE %I.%I', k.nspname, l.collname) FROM pg_collation l
               JOIN pg_namespace k ON k.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
        CASE WHEN a.attidentity <> '' THEN
            (SELECT format('GENERATED %s AS IDENTITY (SEQUENCE NAME %s START %s INCREMENT %s MINVALUE %s'
                           ' MAXVALUE %s CACHE %s)', CASE a.attidentity WHEN 'a' THEN 'ALWAYS'
                           ELSE 'BY DEFAULT' END, s.seqrelid::regclass, s.seqstart, s.seqincrement,
                           s.seqmin, s.seqmax, s.seqcache)
               FROM pg_sequence s JOIN pg_depend d ON d.objid = s.seqrelid AND d.refobjid = c.oid
                AND d.refobjsubid = a.attnum AND d.deptype = 'i')
             WHEN a.attgenerated = 's' THEN
                format('GENERATED ALWAYS AS (%s) STORED', pg_get_expr(e.adbin, e.adrelid))
             WHEN e.adbin IS NOT NULL THEN 'DEFAULT ' || pg_get_expr(e.adbin, e.adrelid) END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END), ',' ORDER BY a.attnum)
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_attrdef e ON e.adrelid = c.oid AND e.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) END,
    ' WITH (' || array_to_string(c.reloptions, ', ') || ')')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY c.relname
"""

_PARTITIONS = """
SELECT format('CREATE TABLE %I.%I PARTITION OF %s %s%s', n.nspname, c.relname, i.inhparent::regclass,
              pg_get_expr(c.relpartbound, c.oid), ' WITH (' || array_to_string(c.reloptions, ', ') || ')')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
 WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p') AND c.relispartition
 ORDER BY c.relname
"""

_OWNED = """
SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', s.oid::regclass, d.refobjid::regclass, a.attname)
  FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE n.nspname = {schema} AND s.relkind = 'S' ORDER BY s.relname
"""

_FUNCTIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = {schema} AND p.prokind IN ('f', 'p') ORDER BY p.proname, p.oid
"""

_CONSTRAINTS = """
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
              pg_get_constraintdef(k.oid))
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
   AND NOT c.relispartition
 ORDER BY array_position(ARRAY['p', 'u', 'x', 'c', 'f'], k.contype::text), c.relname, k.conname
"""

_INDEXES = """
SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
                   AND k.contype IN ('p', 'u', 'x'))
 ORDER BY i.indexrelid::regclass::text
"""

_VIEWS = """
SELECT format('CREATE %s %s%s AS %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END,
              c.oid::regclass, ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
              rtrim(pg_get_viewdef(c.oid), ';'))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND c.relkind IN ('v', 'm') ORDER BY c.oid
"""

_TRIGGERS = """
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY c.relname, t.tgname
"""

_DISABLED = """
SELECT format('ALTER TABLE %s %s TRIGGER %I', c.oid::regclass,
              CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
              ELSE 'ENABLE REPLICA' END, t.tgname)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = {schema} AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'O'
 ORDER BY c.relname, t.tgname
"""


def write(moment: Snapshot, file: BinaryIO, progress: Heard, cancelled: Cancelled) -> None:
    """Write all of a moment to ``file``: what a table is, then its rows, then what holds them."""
    file.write(_HEAD.encode())
    _say(file, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(moment.schema)).as_string())
    for query in (_TYPES, _SEQUENCES, _TABLES, _PARTITIONS, _OWNED, _FUNCTIONS):
        _definitions(moment, file, query)
    _rows(moment, file, progress, cancelled)
    # Triggers last: loading is no change that anybody made.
    for query in (_CONSTRAINTS, _VIEWS, _INDEXES, _TRIGGERS, _DISABLED):
        _definitions(moment, file, query)


def _definitions(moment: Snapshot, file: BinaryIO, query: str) -> None:
    statement = sql.SQL(query).format(schema=sql.Literal(moment.schema))
    for (definition,) in moment.connection.execute(statement).fetchall():
        _say(file, definition)


def _say(file: BinaryIO, statement: str) -> None:
    file.write(statement.encode() + b";\n\n")


def _rows(moment: Snapshot, file: BinaryIO, progress: Heard, cancelled: Cancelled) -> None:
    tables = (*moment.tables, *(table for table in moment.odd if table.table.columns))
    meter = Meter(sum(table.size for table in tables), progress)
    for table in tables:
        meter.table(table.name)
        columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in table.table.columns)
        head = sql.SQL("COPY {} ({}) FROM stdin").format(moment.name(table.name), columns)
        file.write(head.as_bytes() + b";\n")
        with copied(moment.connection, moment.copy_of(table), cancelled) as rows:
            file.writelines(meter.through(rows))
        meter.expect(rows.count)
        file.write(b"\\.\n\n")
        meter.passed(table.size)
    _version(moment, file)
    for name in moment.sequences:
        value, called = moment.connection.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(moment.name(name))
        ).fetchall()[0]
        _say(
            file,
            sql.SQL("SELECT pg_catalog.setval({}, {}, {})")
            .format(
                sql.Literal(moment.name(name).as_string()),
                sql.Literal(value),
                sql.Literal(called),
            )
            .as_string(),
        )


def _version(moment: Snapshot, file: BinaryIO) -> None:
    """The one table that archives keep in their manifest."""
    target = moment.name("alembic_version")
    _say(
        file,
        sql.SQL("INSERT INTO {} (version_num) VALUES ({})")
        .format(target, sql.Literal(moment.revision))
        .as_string(),
    )
