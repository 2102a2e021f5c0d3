"""Real backups of the other program arrive whole: what its database holds, ours holds."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop.backup import foreign, foreign_words
from desktop.backup.foreign_report import LEAVING
from desktop.domain import messages, passwords
from desktop.domain.errors import RuleError
from desktop.models.contract import SHARED_TABLES, contract_columns
from desktop.services.tenancy import Migrations
from tests.backup.foreign.conftest import NOW, Importing
from tests.backup.foreign.making import OtherProgram, pg_dump
from tests.support import clinic as clinics
from tests.support.clinic import ZONE
from tests.support.embedded import Server

Write = Callable[..., Path]

FORMS = ("copy", "inserts", "windows", "powershell", "natural", "jsonl")


@pytest.fixture(scope="session", params=FORMS)
def backup(
    request: pytest.FixtureRequest, other: OtherProgram, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A backup of ``clinica_demo``, in each of the ways in which people make one."""
    path = tmp_path_factory.mktemp("backups") / request.param
    match request.param:
        case "copy":
            other.pg_dump(path)
            path.write_bytes(gzip.compress(path.read_bytes()))
        case "inserts":
            other.pg_dump(path, "--inserts")
        case "windows":
            other.pg_dump(path, "--column-inserts", "--rows-per-insert=3", "-C", "-E", "WIN1252")
        case "powershell":
            other.pg_dump(path, "--data-only", "--schema=clinica_demo")
            text = path.read_text("utf-8").replace("\n", "\r\n")
            path.write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
        case "natural":
            options = ("--natural-primary", "--natural-foreign", "--indent=2")
            other.dumpdata("clinica_demo", path.with_suffix(".json"), *options).replace(path)
        case "jsonl":
            made = other.dumpdata("clinica_demo", path.with_suffix(".jsonl"), "--format=jsonl")
            made.replace(path)
    return path


def rows(connection: psycopg.Connection, schema: str, table: str, *, coarse: bool) -> Any:
    """What a contract's table holds; Django's JSON has milliseconds only."""
    columns = [
        sql.SQL("date_trunc('milliseconds', {0}) AS {0}" if coarse and moment else "{0}").format(
            sql.Identifier(name)
        )
        for name, moment in connection.execute(
            "SELECT column_name, data_type LIKE 'timestamp%%' FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s AND column_name = ANY (%s) ORDER BY 1",
            (schema, table, list(contract_columns(table))),
        ).fetchall()
    ]
    return connection.execute(
        sql.SQL("SELECT {} FROM {} ORDER BY id").format(
            sql.SQL(", ").join(columns), sql.Identifier(schema, table)
        )
    ).fetchall()


def test_every_row_of_the_contract_arrives(
    backup: Path, other: OtherProgram, importing: Importing
) -> None:
    coarse = backup.name in ("natural", "jsonl")
    with (
        importing(backup) as brought,
        psycopg.connect(other.dsn, autocommit=True) as theirs,
    ):
        for table in SHARED_TABLES:
            there = rows(theirs, "clinica_demo", table, coarse=coarse)
            here = rows(importing.connection, brought.schema, table, coarse=coarse)
            assert here == there, table
            assert brought.report.seen[table] == brought.report.taken[table] == len(there) > 0
        overlapping = importing.connection.execute(
            sql.SQL("SELECT id, sobrecupo_motivo, fin - fecha_hora FROM {} ORDER BY id").format(
                sql.Identifier(brought.schema, "citas_cita")
            )
        ).fetchall()
        hashed = importing.connection.execute(
            sql.SQL("SELECT password FROM {} WHERE username = 'sofia'").format(
                sql.Identifier(brought.schema, "auth_user")
            )
        ).fetchall()[0][0]
    assert passwords.verify("Clave-de-la-web-7", hashed)
    assert [(row_id, reason) for row_id, reason, _length in overlapping if reason] == [
        (7, "Importada: se cruza con la cita 2")
    ]
    assert [length.seconds // 60 for _row, _reason, length in overlapping] == [60] * 6 + [30]
    assert {finding.code for finding in brought.report.findings} <= {
        "overbooked",
        "column_left",
        "numbered",
    }
    left = {table.name.replace(".", "_"): table for table in brought.report.left}
    assert left["inventario_insumo"].why == "unknown"
    assert left["auth_group"].why == "django"


def test_the_throwaway_schema_is_gone_afterwards(dump: Path, importing: Importing) -> None:

    class Stop(Exception):
        pass

    def stop(_done: int, _size: int) -> None:
        raise Stop

    def left() -> list[Any]:
        return importing.connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'importando%'"
        ).fetchall()

    with pytest.raises(Stop), importing(dump, progress=stop):
        raise AssertionError("not reached")
    assert left() == []
    with importing(dump) as brought:
        assert left() == [(brought.schema,)]
        meta = sql.SQL("SELECT tenant_uuid, epoch, schema_version FROM {}")
        here, live = (
            importing.connection.execute(
                meta.format(sql.Identifier(schema, "sync_meta"))
            ).fetchall()
            for schema in (brought.schema, importing.clinic.schema)
        )
        assert here == live
        assert importing.connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(brought.schema, "agenda_sala"))
        ).fetchall() == [(2,)]
        # Another import does not take it for one that was killed.
        with psycopg.connect(importing.clinic.dsn, autocommit=True) as second:
            assert foreign.sweep(second) == 0
    assert left() == []
    importing.connection.execute("CREATE SCHEMA importando_0123456789abcdef")
    assert foreign.sweep(importing.connection) == 1
    assert left() == []


def test_what_sorts_the_rows_out_can_be_stopped_before_each_table(
    dump: Path, importing: Importing
) -> None:

    class Stop(Exception):
        pass

    heard: list[tuple[int, int]] = []
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def stop_at(last: int) -> Callable[[], None]:
        left = iter(range(last))

        def step() -> None:
            if next(left, None) is None:
                raise Stop

        return step

    with importing(dump, progress=lambda *told: heard.append(told), sorting=count) as brought:
        filled = sum(1 for rows in brought.report.seen.values() if rows)
    assert filled > 5
    assert steps == 2 * filled + 2, "sorting and moving of each table, what is carried, functions"
    size = dump.stat().st_size
    assert heard[-1] == (size, size)
    for last in (0, 1, filled, steps - 2, steps - 1):
        with pytest.raises(Stop), importing(dump, sorting=stop_at(last)):
            raise AssertionError("not reached")
        assert (
            importing.connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'importando%'"
            ).fetchall()
            == []
        )


def test_numbers_go_on_behind_the_rows_that_were_taken(dump: Path, importing: Importing) -> None:
    with importing(dump) as brought:
        taken = [table for table, rows in brought.report.taken.items() if rows]
        reached = {}
        for table in (*taken, "agenda_sala"):
            name = sql.Identifier(brought.schema, table)
            reached[table] = importing.connection.execute(
                sql.SQL(
                    "SELECT max(id), pg_sequence_last_value("
                    "pg_get_serial_sequence({}, 'id')::regclass) FROM {}"
                ).format(sql.Literal(name.as_string()), name)
            ).fetchall()[0]
    assert len(taken) > 5
    assert [table for table, (most, last) in reached.items() if last != most] == []


def test_the_account_is_told_in_both_languages(dump: Path, importing: Importing) -> None:
    with importing(dump) as brought:
        said = {}
        for language in messages.LANGUAGES:
            messages.set_language(language)
            said[language] = foreign_words.lines(brought.report)
    assert len(said["es"]) == len(said["en"])
    assert "Se tomaron 7 de 7 citas." in said["es"]
    assert "7 of 7 appointments were taken." in said["en"]
    assert [line for line in said["es"] if "sobrecupos" in line]
    assert not [line for line in said["es"] if "Ñandú" in line or "@example.com" in line]


@pytest.fixture(scope="session")
def two_clinics(other: OtherProgram, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of a database with two clinics, as the programs with a schema a clinic have it."""
    path = tmp_path_factory.mktemp("two") / "two.sql"
    one = other.pg_dump(path, "--schema=clinica_demo").read_bytes()
    path.write_bytes(one + one.replace(b"clinica_demo.", b'"otra clinica".'))
    return path


def test_one_of_several_clinics_is_chosen(two_clinics: Path, importing: Importing) -> None:
    seen = foreign.look(two_clinics)
    assert [(s.name, s.rows) for s in seen.schemas] == [("clinica_demo", 29), ("otra clinica", 29)]
    with pytest.raises(RuleError) as asked, importing(two_clinics):
        pass
    assert asked.value.code == "foreign.choose_schema"
    assert "otra clinica" in messages.sentence(asked.value)
    with pytest.raises(RuleError) as none, importing(two_clinics, "tercera"):
        pass
    assert none.value.code == "foreign.no_schema"
    with importing(two_clinics, "otra clinica") as brought:
        assert sum(brought.report.taken.values()) == 29
        others = {t.name: t.rows for t in brought.report.left if t.why == "schema"}
        assert sum(others.values()) == 29


def test_two_names_of_one_table(written: Write, importing: Importing) -> None:
    fields = {
        "fecha_hora": "2026-11-23T09:00:00Z",
        "estado": "disponible",
        "creada_el": "2026-01-01T00:00:00Z",
        "actualizada_el": "2026-01-01T00:00:00Z",
    }
    both = [
        {"model": model, "pk": pk, "fields": fields}
        for model in ("reservas.cita", "citas.cita")
        for pk in (1, 2)
    ]
    with importing(written(json.dumps(both))) as brought:
        assert brought.report.taken == {"citas_cita": 2}
        assert [(t.name, t.rows, t.why) for t in brought.report.left] == [
            ("reservas.cita", 2, "same")
        ]
    # A table that was left empty by its program says nothing.
    old = (
        "COPY a.pacientes_cliente (id) FROM stdin;\n\\.\n"
        "COPY a.citas_cliente (id, nombre_completo, email) FROM stdin;\n1\tAna\ta@x.cl\n\\.\n"
    )
    with importing(written(old)) as brought:
        assert brought.report.taken == {"pacientes_cliente": 1}


def test_a_file_of_which_nothing_can_be_taken(written: Write, importing: Importing) -> None:
    path = written("COPY a.citas_cita (id, fecha_hora) FROM stdin;\nx\tayer\n\\.\n")
    with pytest.raises(RuleError) as nothing, importing(path):
        pass
    assert nothing.value.code == "foreign.nothing_taken"
    assert "su clave no es un número. (#1)" in messages.sentence(nothing.value)


def test_a_file_that_changes_meanwhile(written: Write, importing: Importing) -> None:
    row = {"model": "citas.cita", "pk": 1, "fields": {"fecha_hora": "2026-11-23T09:00:00Z"}}
    path = written(json.dumps([row]))
    seen = foreign.look(path)
    written(json.dumps([row, row]))
    importing_it = foreign.brought_in(
        importing.connection,
        seen,
        live=importing.clinic.schema,
        tenancy=Migrations(),
        zone=ZONE,
        now=NOW,
    )
    with pytest.raises(RuleError) as changed, importing_it:
        pass
    assert changed.value.code == "foreign.changed"


def test_names_that_do_things_to_a_screen(written: Write) -> None:
    seen = foreign.look(
        written(
            'COPY "\x1b[2J\nx".citas_cita (id) FROM stdin;\n\\.\n'
            'COPY "\x07" (id) FROM stdin;\n\\.\n'
        )
    )
    assert [each.name for each in seen.schemas] == ["\ufffd[2J\ufffdx"]
    assert "\ufffd" in seen.tables


def test_every_versions_dump_goes_into_every_version(
    any_postgres: Server, dump: Path, tmp_path: Path
) -> None:
    """What one version took in, it dumps, and takes in again."""
    with clinics.clinic(any_postgres, tmp_path) as clinic:
        with psycopg.connect(clinic.dsn, autocommit=True) as connection:
            importing = Importing(clinic, connection)
            with importing(dump) as brought:
                options = (f"--schema={brought.schema}", "--inserts", "--no-owner")
                again = pg_dump(any_postgres, clinic.dsn, tmp_path / "again.sql", *options)
            with importing(again) as second:
                assert second.report.taken == brought.report.taken
                assert not [f for f in second.report.findings if f.code in LEAVING]
