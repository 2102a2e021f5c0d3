"""A full backup: all of one moment, or no file at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from desktop.backup import take
from desktop.backup.reading import NEVER, snapshot
from desktop.backup.take import Progress, take_full
from desktop.domain.errors import EnvironmentTrouble, RuleError
from sync.errors import Cancelled
from tests.backup.take.conftest import WHO, Safe
from tests.support.clinic import Clinic

SECRET = {
    "auth_user": ["password"],
    "sync_meta": ["office_identity"],
}


def copied_out(connection: psycopg.Connection, schema: str, table: str, columns: str) -> bytes:
    with connection.transaction():
        connection.execute("SET LOCAL timezone = 'UTC'; SET LOCAL synchronize_seqscans = off")
        with connection.cursor().copy(
            sql.SQL("COPY {} ({}) TO STDOUT").format(
                sql.Identifier(schema, table), sql.SQL(columns)
            )
        ) as rows:
            return b"".join(rows)


def tables_of(connection: psycopg.Connection, schema: str) -> set[str]:
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
        (schema,),
    ).fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize("who", ["owner", "office"])
def test_every_table_is_in_it_as_it_is(
    clinic: Clinic,
    owner: psycopg.Connection,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
    who: str,
) -> None:
    path = tmp_path / "a.consultorio"
    heard: list[Progress] = []
    connection = owner if who == "owner" else office
    taken = take_full(connection, clinic.schema, path, safe.sealing, WHO, progress=heard.append)
    opened = safe.open(path)
    manifest = opened.contents.manifest
    there = tables_of(owner, clinic.schema) - set(NEVER)
    hidden = (
        set() if who == "owner" else {"acceso_secreto", "acceso_intento", "respaldo_llave_copia"}
    )
    assert {table.name for table in manifest.tables} == there - hidden
    for table in manifest.tables:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        text = copied_out(owner, clinic.schema, table.name, columns)
        assert opened.rows.get(table.name, b"") == text
        assert opened.contents.count(table.name).rows == text.count(b"\n")
    for table, columns in SECRET.items():
        names = {column.name for column in manifest.table(table).columns}
        assert names.isdisjoint(columns) is (who == "office")
    left_out = json.loads(manifest.extra.get("left_out", "{}"))
    assert left_out.keys() == (set() if who == "owner" else hidden | SECRET.keys())
    assert manifest.extra["scope"] == "clinic"
    assert (manifest.tenant, manifest.epoch, manifest.revision) == clinic.query(
        "SELECT tenant_uuid::text, epoch::text, version_num FROM sync_meta, alembic_version"
    )[0]
    assert manifest.clinic == "Clínica Los Aromos"
    assert manifest.device == (
        0
        if who == "owner"
        else clinic.value("SELECT max(number) FROM sync_device WHERE label = 'oficina'")
    )
    for name, value in manifest.sequences.items():
        assert clinic.value(
            sql.SQL("SELECT last_value >= {0} FROM {1}")
            .format(sql.Literal(value), sql.Identifier(name))
            .as_string()
        )
    assert manifest.sequences["pacientes_cliente_id_seq"] == 2
    assert taken.receipt.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [path] == list(tmp_path.iterdir())
    assert path.stat().st_mode & 0o777 == 0o600
    shares = [each.share for each in heard]
    assert shares == sorted(shares)
    assert heard[-1].stage == take.VERIFYING
    assert heard[-1].share == 1


ODD = """
CREATE TABLE reservas_ficha ("id" bigint PRIMARY KEY, "año" int, "Fecha de Alta" date, "100%" text,
                             "co""mi'lla" text, "niña" "Género" DEFAULT 'otro');
INSERT INTO reservas_ficha VALUES (1, 2026, '2026-11-22', 'todo', 'x', 'otro'), (2, NULL, NULL, '', NULL, NULL)
"""


def test_other_programs_columns_have_any_names(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """And a table whose own name no archive can hold is told, not passed over."""
    clinic.query("""CREATE TYPE "Género" AS ENUM ('otro')""")
    clinic.query(ODD)
    clinic.query('CREATE TABLE "Odontograma" (id int PRIMARY KEY)')
    taken = take_full(office, clinic.schema, tmp_path / "a", safe.sealing, WHO)
    opened = safe.open(tmp_path / "a")
    assert taken.unknown == ("reservas_ficha",)
    assert [column.name for column in opened.contents.manifest.table("reservas_ficha").columns] == [
        *("id", "año", "Fecha de Alta", "100%", "co\"mi'lla", "niña")
    ]
    assert opened.lines("reservas_ficha") == [
        ["1", "2026", "2026-11-22", "todo", "x", "otro"],
        ["2", r"\N", r"\N", "", r"\N", r"\N"],
    ]
    assert taken.unsaved == ("Odontograma",)
    assert json.loads(opened.contents.manifest.extra["unsaved"]) == ["Odontograma"]
    clinic.query('DROP TABLE "Odontograma", reservas_ficha; DROP TYPE "Género"')


def test_a_table_that_comes_while_the_others_are_locked_is_locked_with_them(
    clinic: Clinic, owner: psycopg.Connection
) -> None:
    held: list[bool] = []

    def read() -> None:
        with snapshot(owner, clinic.schema) as moment:
            (found,) = moment.connection.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND granted"
                " AND relation = (SELECT oid FROM pg_class WHERE relname = 'zz_nueva'))"
            ).fetchall()
            held.append(found[0] and "zz_nueva" in moment.unknown)

    with clinic.admin() as other, clinic.admin() as looking:
        other.execute("BEGIN; LOCK TABLE pacientes_cliente; CREATE TABLE zz_nueva (id int)")
        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        while not looking.execute(
            "SELECT FROM pg_locks WHERE NOT granted AND pid = %s", (owner.info.backend_pid,)
        ).fetchall():
            assert reading.is_alive()
        other.execute("COMMIT")
        reading.join(60)
        looking.execute("DROP TABLE zz_nueva")
    assert held == [True]


def test_people_work_on_and_are_seen_at_one_moment_only(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Catches tables that are each read at a moment of its own."""
    did: list[str] = []

    def work(at: Progress) -> None:
        if at.table == "citas_cita" and not did:
            did.append("x")
            clinic.query("UPDATE pacientes_cliente SET notas = 'mientras' WHERE id = 1")
            clinic.query("INSERT INTO agenda_sala (nombre) VALUES ('Box mientras')")
            clinic.query("DELETE FROM finanzas_egresomanual")

    clinic.query(
        "INSERT INTO finanzas_egresomanual (monto, descripcion, fecha, creado_el)"
        " VALUES (1, 'x', '2026-01-01', now())"
    )
    path = tmp_path / "a"
    take_full(office, clinic.schema, path, safe.sealing, WHO, progress=work)
    opened = safe.open(path)
    assert did
    assert b"mientras" not in b"".join(opened.rows.values())
    assert len(opened.lines("finanzas_egresomanual")) == 1


def test_a_truncation_waits_for_the_backup(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Catches a snapshot that is taken before the locks: its backup would be empty."""
    clinic.query("CREATE TABLE zz_foreign (id int PRIMARY KEY); INSERT INTO zz_foreign VALUES (1)")
    threads: list[threading.Thread] = []

    def truncate(_at: Progress) -> None:
        if threads:
            return
        threads.append(threading.Thread(target=clinic.query, args=("TRUNCATE zz_foreign",)))
        threads[0].start()
        while not clinic.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        ):
            pass

    path = tmp_path / "a"
    taken = take_full(office, clinic.schema, path, safe.sealing, WHO, progress=truncate)
    threads[0].join()
    assert safe.open(path).lines("zz_foreign") == [["1"]]
    assert taken.unknown == ("zz_foreign",)
    assert clinic.query("TABLE zz_foreign") == []
    clinic.query("DROP TABLE zz_foreign")


def test_a_cancelled_backup_leaves_nothing_behind(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """At any point. The connection is as it was, and nothing is locked."""
    path = tmp_path / "a"
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    take_full(office, clinic.schema, path, safe.sealing, WHO, cancelled=count)
    path.unlink()
    assert asked > 10
    for stop in range(1, asked, max(1, asked // 8)):
        left = stop

        def enough() -> bool:
            nonlocal left
            left -= 1
            return left <= 0

        with pytest.raises(Cancelled):
            take_full(office, clinic.schema, path, safe.sealing, WHO, cancelled=enough)
        assert list(tmp_path.iterdir()) == []
        assert office.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert clinic.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    take_full(office, clinic.schema, path, safe.sealing, WHO)


def test_no_migration_runs_meanwhile(
    clinic: Clinic,
    owner: psycopg.Connection,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
) -> None:
    lock = "hashtext('consultorio'), hashtext(%s)"

    def held(at: Progress) -> None:
        if at.stage == take.VERIFYING:
            return
        free = owner.execute(f"SELECT pg_try_advisory_lock({lock})", (clinic.schema,)).fetchall()
        assert free == [(False,)]

    take_full(office, clinic.schema, tmp_path / "a", safe.sealing, WHO, progress=held)
    owner.execute(f"SELECT pg_advisory_lock({lock})", (clinic.schema,))
    with pytest.raises(EnvironmentTrouble, match=r"backup\.migrating"):
        take_full(office, clinic.schema, tmp_path / "b", safe.sealing, WHO)
    owner.execute(f"SELECT pg_advisory_unlock({lock})", (clinic.schema,))


def test_what_is_there_is_not_overwritten_and_keys_are_needed(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(RuleError, match=r"place\.file_exists"):
        take_full(office, clinic.schema, path, safe.sealing, WHO)
    assert path.read_text() == "mine"
    with pytest.raises(RuleError, match=r"backup_key\.missing"):
        take_full(office, clinic.schema, tmp_path / "b", take.Sealing(safe.signer), WHO)


def test_the_servers_habits_cut_no_backup(
    clinic: Clinic,
    owner: psycopg.Connection,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
) -> None:
    """A statement timeout, another format of dates, row security that would hide rows."""
    office.execute(
        "SET statement_timeout = '1s'; SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'"
    )
    schema = sql.Identifier(clinic.schema)
    path = tmp_path / "a"
    take_full(office, clinic.schema, path, safe.sealing, WHO)
    assert b"+00" in safe.open(path).rows["pacientes_cliente"]
    owner.execute(
        sql.SQL(
            "CREATE TABLE {0}.zz (id int); ALTER TABLE {0}.zz ENABLE ROW LEVEL SECURITY"
        ).format(schema)
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        take_full(office, clinic.schema, tmp_path / "b", safe.sealing, WHO)
    owner.execute(sql.SQL("DROP TABLE {}.zz").format(schema))


KILLED = """
import os, signal, sys
import psycopg
from pathlib import Path
from desktop.backup.keys import Signer, new_clinic_keys
from desktop.backup.take import Sealing, Who, take_full
keys = new_clinic_keys()
stage = sys.argv[4]
def die(at):
    if at.stage == stage:
        os.kill(os.getpid(), signal.SIGKILL)
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    take_full(connection, sys.argv[2], Path(sys.argv[3]),
              Sealing(Signer.generate(), (keys.recipient, keys.recovery_recipient)), Who(), progress=die)
"""


@pytest.mark.parametrize("stage", [take.COPYING, take.VERIFYING])
def test_a_killed_program_leaves_a_part_and_no_backup(
    clinic: Clinic, tmp_path: Path, stage: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, clinic.dsn, clinic.schema, str(tmp_path / "a"), stage],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert [path.suffix for path in tmp_path.iterdir()] == [take.PART]
