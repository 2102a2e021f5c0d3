"""Plain SQL: loads with psql into an empty database and is the clinic, whoever wrote it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql

from desktop.backup import plain
from desktop.domain.errors import EnvironmentTrouble, RuleError
from sync.errors import Cancelled
from tests.backup.take.test_full import copied_out, tables_of
from tests.support import cluster
from tests.support.clinic import Clinic


@pytest.fixture
def pg_dump(clinic: Clinic) -> Path:
    programs = cluster.binaries(clinic.server.version)
    if programs is None:
        pytest.skip("the server's own programs are not here")
    return programs / "pg_dump"


@pytest.fixture
def empty(clinic: Clinic) -> Iterator[str]:
    with clinic.server.database() as dsn:
        yield dsn


OTHERS = """
CREATE TYPE "Género" AS ENUM ('otro', 'd''otro');
CREATE TYPE cara AS ("Año" int, nota text);
CREATE DOMAIN edad AS smallint DEFAULT 0 CONSTRAINT posible CHECK (VALUE BETWEEN 0 AND 130);
CREATE TABLE "Odontograma" (id int PRIMARY KEY, "año" int, "100%" text, g "Género", e edad, c cara);
INSERT INTO "Odontograma" VALUES (1, 2026, '%s', 'd''otro', 7, ROW(1, 'x')), (2, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE "Sin Nada" ();
CREATE MATERIALIZED VIEW "Resumen" AS SELECT id, "año" FROM "Odontograma";
CREATE UNIQUE INDEX resumen_id ON "Resumen" (id);
CREATE VIEW gente WITH (security_barrier) AS SELECT id FROM "Odontograma" GROUP BY id
"""
"""What another program may keep beside the clinic's tables."""


def load(program: Path, dsn: str, path: Path) -> None:
    subprocess.run(
        [str(program), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", str(path)],
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("PG")},
        stdout=subprocess.DEVNULL,
    )


def described(connection: psycopg.Connection, schema: str) -> set[str]:
    """Whatever a schema has beside its rows."""
    rows = connection.execute(
        "WITH n AS (SELECT oid FROM pg_namespace WHERE nspname = %(s)s)"
        " SELECT 'c ' || k.conrelid::regclass || ' ' || k.conname || pg_get_constraintdef(k.oid)"
        " FROM pg_constraint k JOIN n ON n.oid = k.connamespace WHERE contype <> 'n'"
        # Those of partitions follow from their parents', and may be called otherwise.
        " UNION ALL SELECT 'i ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c"
        "  ON c.oid = i.indrelid JOIN n ON n.oid = c.relnamespace WHERE NOT c.relispartition"
        " UNION ALL SELECT 't ' || pg_get_triggerdef(t.oid) || t.tgenabled::text FROM pg_trigger t"
        "  JOIN pg_class c ON c.oid = t.tgrelid JOIN n ON n.oid = c.relnamespace WHERE NOT tgisinternal"
        " UNION ALL SELECT 'f ' || pg_get_functiondef(p.oid) FROM pg_proc p"
        "  JOIN n ON n.oid = p.pronamespace"
        " UNION ALL SELECT 'v ' || pg_get_viewdef(c.oid) FROM pg_class c"
        "  JOIN n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')"
        " UNION ALL SELECT concat_ws(' ', 'o', c.oid::regclass, c.relkind, c.reloptions) FROM pg_class c"
        "  JOIN n ON n.oid = c.relnamespace WHERE c.reloptions IS NOT NULL"
        " UNION ALL SELECT concat_ws(' ', 'e', e.enumtypid::regtype, e.enumlabel) FROM pg_enum e"
        "  JOIN pg_type t ON t.oid = e.enumtypid JOIN n ON n.oid = t.typnamespace"
        " UNION ALL SELECT concat_ws(' ', 'd', t.oid::regtype, format_type(t.typbasetype, t.typtypmod),"
        "  t.typdefault, t.typnotnull) FROM pg_type t JOIN n ON n.oid = t.typnamespace WHERE typtype = 'd'"
        " UNION ALL SELECT concat_ws(' ', 'a', a.attrelid::regclass, a.attname,"
        "  format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,"
        "  pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        "  JOIN n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid"
        "  AND d.adnum = a.attnum WHERE a.attnum > 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'c')"
        " UNION ALL SELECT concat_ws(' ', 's', schemaname, sequencename, data_type, start_value,"
        "  min_value, max_value, increment_by, last_value) FROM pg_sequences WHERE schemaname = %(s)s",
        {"s": schema},
    ).fetchall()
    # A condition that is read again is printed with its casts elsewhere; it is the same one.
    casts = re.compile(r"::(character varying|text)|\[\]|[()]")
    return {casts.sub("", text) if text[0] in "ci" else text for (text,) in rows}


@pytest.mark.parametrize("by", ["pg_dump", "own"])
def test_it_loads_and_is_the_clinic(
    clinic: Clinic,
    owner: psycopg.Connection,
    pg_dump: Path,
    empty: str,
    tmp_path: Path,
    by: str,
) -> None:
    clinic.query(
        "CREATE TABLE django_session (id serial PRIMARY KEY, t text COLLATE \"C\" DEFAULT 'a''b');"
        " INSERT INTO django_session (t) VALUES (E'x\\ty\\\\N'), (NULL), ('\\.')"
    )
    clinic.query(OTHERS)
    path = tmp_path / "clinic.sql"
    done = plain.export(owner, clinic.schema, path, programs=[pg_dump] if by == "pg_dump" else [])
    assert (done.by, done.size) == (by, path.stat().st_size)
    load(pg_dump.with_name("psql"), empty, path)
    names = tables_of(owner, clinic.schema)
    with psycopg.connect(empty, autocommit=True) as other:
        assert tables_of(other, clinic.schema) == names
        assert described(other, clinic.schema) == described(owner, clinic.schema)
        for table in names - {"sync_log", "Sin Nada"}:
            columns = owner.execute(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (sql.Identifier(clinic.schema, table).as_string(),),
            ).fetchall()[0][0]
            assert copied_out(other, clinic.schema, table, columns) == copied_out(
                owner, clinic.schema, table, columns
            ), table
        rows = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(clinic.schema, "sync_log"))
        assert other.execute(rows).fetchall() == [(0,)]
    clinic.query(
        'DROP TABLE django_session, "Odontograma", "Sin Nada" CASCADE; DROP TYPE "Género", cara; DROP DOMAIN edad'
    )


def test_a_dump_needs_the_password_and_shows_it_to_nobody(
    clinic: Clinic, tmp_path: Path, pg_dump: Path
) -> None:
    """Catches a password among the arguments, and an exit code that nobody looks at."""
    password = r"con:dos\puntos"
    role = sql.Identifier("exporta")
    with clinic.admin() as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                role, sql.Literal(password)
            )
        )
    seen = tmp_path / "seen"
    wrapper = tmp_path / "pg_dump"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {pg_dump} "$@"\n')
    wrapper.chmod(0o700)
    try:
        dsn = conninfo.make_conninfo(clinic.dsn, user="exporta", password=password)
        with psycopg.connect(dsn, autocommit=True) as connection:
            plain.export(connection, clinic.schema, tmp_path / "a.sql", programs=[wrapper])
            assert "puntos" not in seen.read_text()
            wrapper.write_text(
                '#!/bin/sh\n[ "$1" = --version ] && echo "(PostgreSQL) 99" && exit\nexit 3\n'
            )
            with pytest.raises(EnvironmentTrouble, match=r"backup\.dump_failed"):
                plain.export(connection, clinic.schema, tmp_path / "b.sql", programs=[wrapper])
            wrapper.write_text(
                '#!/bin/sh\n[ "$1" = --version ] && echo "(PostgreSQL) 99" && exit\nexec sleep 60\n'
            )
            for given, error in (
                ({"timeout": 0.1}, EnvironmentTrouble),
                ({"cancelled": lambda: True}, Cancelled),
            ):
                with pytest.raises(error):
                    plain.export(
                        connection, clinic.schema, tmp_path / "b.sql", programs=[wrapper], **given
                    )
    finally:
        with clinic.admin() as admin:
            admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert {path.name for path in tmp_path.iterdir()} == {"a.sql", "pg_dump", "seen"}


def test_an_older_dump_does_not_fit(pg_dump: Path) -> None:
    version = plain._major(pg_dump)
    assert version is not None
    assert plain.fitting(version * 10000, [pg_dump]) == pg_dump
    assert plain.fitting((version + 1) * 10000, [pg_dump]) is None
    assert plain.fitting(version * 10000, [Path("/nowhere/pg_dump")]) is None


def test_a_workstation_does_not_export(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(RuleError, match=r"backup\.export_owner"):
        plain.export(office, clinic.schema, tmp_path / "a.sql", programs=[])
    assert list(tmp_path.iterdir()) == []
