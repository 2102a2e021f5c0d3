"""What changed since an archive, and nothing else; a chain of them is the clinic as it is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from desktop.backup import take_incremental as incremental
from desktop.backup.take import Progress, Taken, take_full
from desktop.backup.take_incremental import Since, take_incremental
from tests.backup.take.conftest import WHO, Opened, Safe
from tests.backup.take.test_full import copied_out
from tests.support.clinic import Clinic, Station

Content = dict[str, dict[tuple[str, ...], str]]

_THREE = (
    "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
    " SELECT n, 'x', '2026-01-01', now() FROM generate_series(1, 3) n"
)


def since(taken: Taken) -> Since:
    manifest = taken.contents.manifest
    assert manifest.cursor is not None
    assert manifest.epoch is not None
    return Since(
        taken.contents.manifest_hash,
        manifest.cursor,
        manifest.epoch,
        manifest.schema_version,
        manifest.revision,
    )


def keyed(opened: Opened, table: str) -> dict[tuple[str, ...], str]:
    described = opened.contents.manifest.table(table)
    places = [[c.name for c in described.columns].index(key) for key in described.key]
    return {tuple(line[at] for at in places): "\t".join(line) for line in opened.lines(table)}


def apply(content: Content, opened: Opened) -> None:
    """As the notes on chains say."""
    extra = opened.contents.manifest.extra
    parts, kept = json.loads(extra["parts"]), json.loads(extra.get("kept", "{}"))
    for table in opened.contents.manifest.tables:
        rows = content.setdefault(table.name, {})
        if parts[table.name] == "whole":
            rows.clear()
        for key in opened.gone.get(table.name, b"").decode().splitlines():
            rows.pop(tuple(key.split("\t")), None)
        rows |= keyed(opened, table.name)
        if table.name in kept:
            ranges = [piece.partition("-") for piece in kept[table.name].split(",") if piece]
            for key in [*rows]:
                if not any(int(low) <= int(key[0]) <= int(high or low) for low, _, high in ranges):
                    del rows[key]


def as_it_is(owner: psycopg.Connection, schema: str, opened: Opened, table: str) -> set[str]:
    columns = ", ".join(f'"{c.name}"' for c in opened.contents.manifest.table(table).columns)
    return set(copied_out(owner, schema, table, columns).decode().splitlines())


@contextmanager
def chain(
    clinic: Clinic, connection: psycopg.Connection, folder: Path, safe: Safe
) -> Iterator[Callable[[], tuple[Taken, Opened]]]:
    """Takes the next archive each time, and holds that all so far are the clinic as it is."""
    full = take_full(connection, clinic.schema, folder / "0", safe.sealing, WHO)
    first = safe.open(folder / "0")
    content: Content = {
        table.name: keyed(first, table.name) for table in first.contents.manifest.tables
    }
    last = full

    def go_on() -> tuple[Taken, Opened]:
        nonlocal last
        path = folder / str(len(list(folder.iterdir())))
        last = take_incremental(connection, clinic.schema, path, safe.sealing, WHO, since(last))
        opened = safe.open(path)
        assert last.full_because is None
        apply(content, opened)
        with psycopg.connect(clinic.dsn, autocommit=True) as owner:
            for table in first.contents.manifest.tables:
                there = as_it_is(owner, clinic.schema, first, table.name)
                assert set(content[table.name].values()) == there, table.name
        return last, opened

    yield go_on


def change(chance: random.Random, clinic: Clinic) -> None:
    """A transaction of anybody's."""
    ids = [row[0] for row in clinic.query("SELECT id FROM agenda_sala")]
    kind = chance.choice("IIUUDTPAN")
    if kind == "I" or not ids:
        for _ in range(chance.randint(1, 4)):
            clinic.query(
                "INSERT INTO agenda_sala (nombre) VALUES (%s)", f"Box {chance.random()} á\t\\ \n"
            )
    elif kind == "U":
        clinic.query("UPDATE agenda_sala SET orden = orden + 1 WHERE id = %s", chance.choice(ids))
    elif kind == "D":
        clinic.query(
            "UPDATE citas_cita SET sala_id = NULL WHERE sala_id = %s", chosen := chance.choice(ids)
        )
        clinic.query("DELETE FROM agenda_sala WHERE id = %s", chosen)
    elif kind == "T":
        clinic.query("TRUNCATE finanzas_ingresomanual")
        clinic.query(
            "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
            " VALUES (5, 'x', '2026-01-01', now())"
        )
    elif kind == "P":
        clinic.query("UPDATE auth_user SET last_login = now()")
    elif kind == "A":
        clinic.query(
            "INSERT INTO citas_auditorialog (accion, modulo, descripcion, fecha_hora)"
            " SELECT 'x', 'y', 'z', now() FROM generate_series(1, 5)"
        )
    else:
        clinic.query(
            "DELETE FROM citas_auditorialog WHERE id % 3 = 0; UPDATE citas_auditorialog SET accion = 'w'"
            " WHERE id % 7 = 0"
        )


@pytest.mark.parametrize("small", [0, incremental.SMALL], ids=["large", "small"])
def test_a_chain_is_the_clinic_as_it_is(
    clinic: Clinic,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
    monkeypatch: pytest.MonkeyPatch,
    small: int,
) -> None:
    """Whatever was inserted, changed, deleted and truncated, in tables that are synced or not."""
    monkeypatch.setattr(incremental, "SMALL", small)
    chance = random.Random(small)
    with chain(clinic, office, tmp_path, safe) as go_on:
        for _archive in range(5):
            for _change in range(chance.randint(0, 6)):
                change(chance, clinic)
            go_on()


def test_a_table_that_was_emptied_holds_what_came_afterwards(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Nothing, where nothing came."""
    with chain(clinic, office, tmp_path, safe) as go_on:
        clinic.query(_THREE)
        assert len(go_on()[1].ids("finanzas_ingresomanual")) >= 3
        clinic.query("TRUNCATE finanzas_ingresomanual")
        assert go_on()[1].ids("finanzas_ingresomanual") == set()
        clinic.query(_THREE)
        go_on()
        clinic.query("TRUNCATE finanzas_ingresomanual")
        clinic.query(_THREE)
        assert len(go_on()[1].ids("finanzas_ingresomanual")) == 3


def test_what_emptied_a_table_may_not_have_seen_all_that_was_in_it(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Catches going by the rows that a TRUNCATE logs: its transaction was begun before they came."""
    with psycopg.connect(clinic.dsn) as old, chain(clinic, office, tmp_path, safe) as go_on:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("SELECT pg_current_snapshot()")
        clinic.query(_THREE)
        assert len(go_on()[1].ids("finanzas_ingresomanual")) >= 3
        old.execute(
            sql.SQL("TRUNCATE {}").format(sql.Identifier(clinic.schema, "finanzas_ingresomanual"))
        )
        old.commit()
        go_on()


def test_of_a_large_table_that_is_not_synced_what_is_gone_goes(
    clinic: Clinic,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incremental, "SMALL", 0)
    with chain(clinic, office, tmp_path, safe) as go_on:
        clinic.query(
            "INSERT INTO citas_auditorialog (accion, modulo, descripcion, fecha_hora)"
            " SELECT 'x', 'y', n::text, now() FROM generate_series(1, 9) n"
        )
        go_on()
        clinic.query("DELETE FROM citas_auditorialog WHERE descripcion IN ('1', '4', '5', '9')")
        clinic.query("UPDATE citas_auditorialog SET accion = 'w' WHERE descripcion = '7'")
        taken, opened = go_on()
        assert json.loads(taken.contents.manifest.extra["parts"])["citas_auditorialog"] == "added"
        assert len(opened.ids("citas_auditorialog")) == 1


def test_only_what_changed_is_in_it(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    with chain(clinic, office, tmp_path, safe) as go_on:
        clinic.query("UPDATE pacientes_cliente SET notas = 'nueva' WHERE id = 2")
        taken, opened = go_on()
        assert opened.ids("pacientes_cliente") == {2}
        ways = json.loads(taken.contents.manifest.extra["parts"])
        assert ways["pacientes_cliente"] == "changes"
        assert "citas_tiposervicio" not in ways
        clinic.query("UPDATE pacientes_cliente SET notas = 'nueva' WHERE id = 2")
        _taken, opened = go_on()
        assert "pacientes_cliente" not in json.loads(opened.contents.manifest.extra["parts"])


def test_gone_is_what_is_not_there_whatever_the_log_says_of_it(
    clinic: Clinic,
    office: psycopg.Connection,
    owner: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
) -> None:
    """Catches asking only after rows whose deletion was logged, and taking those for gone unasked."""
    owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(clinic.schema)))
    names = ("logged", "unseen", "back")
    with chain(clinic, office, tmp_path, safe) as go_on:
        ids = {
            name: owner.execute(
                "INSERT INTO agenda_sala (nombre) VALUES (%s) RETURNING id", (name,)
            ).fetchall()[0][0]
            for name in names
        }
        go_on()
        owner.execute(
            "UPDATE agenda_sala SET orden = orden + 1 WHERE nombre = ANY (%s)", ([*names],)
        )
        owner.execute("DELETE FROM agenda_sala WHERE nombre IN ('logged', 'back')")
        owner.execute(
            "INSERT INTO agenda_sala (id, nombre) OVERRIDING SYSTEM VALUE VALUES (%s, 'back')",
            (ids["back"],),
        )
        # As only who administers the server can.
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM agenda_sala WHERE nombre = 'unseen'")
        _taken, opened = go_on()
        assert opened.ids("agenda_sala") == {ids["back"]}
        gone = [int(line) for line in opened.gone["agenda_sala"].split()]
        assert sorted(gone) == sorted([ids["logged"], ids["unseen"]])
        clinic.query("DELETE FROM agenda_sala WHERE nombre = 'back'")


def test_what_was_running_when_the_last_one_was_taken_comes_with_the_next(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Catches a cursor that is a number: the transaction's is below the archive's."""
    with psycopg.connect(clinic.dsn) as slow:
        slow.execute(
            sql.SQL("UPDATE {} SET notas = 'lenta' WHERE id = 1").format(
                sql.Identifier(clinic.schema, "pacientes_cliente")
            )
        )
        clinic.query("UPDATE pacientes_cliente SET notas = 'rápida' WHERE id = 2")
        with chain(clinic, office, tmp_path, safe) as go_on:
            slow.commit()
            _taken, opened = go_on()
    assert opened.ids("pacientes_cliente") == {1}


def test_what_a_workstation_sends_meanwhile_is_in_one_of_two(
    clinic: Clinic, office: psycopg.Connection, office_station: Station, tmp_path: Path, safe: Safe
) -> None:
    from desktop.services.clients import Clients, NewClient

    office_station.sync()
    number = iter(range(100))

    def push(_at: Progress) -> None:
        if next(number) % 9 == 0:
            service = Clients(office_station.cache, office_station.clinic)
            service.create(
                office_station.actor,
                NewClient(full_name=f"Cliente {tmp_path.name}", phone="987650002"),
            )
            office_station.sync()

    path = tmp_path / "0"
    full = take_full(office, clinic.schema, path, safe.sealing, WHO, progress=push)
    rows = safe.open(path).ids("pacientes_cliente")
    path = tmp_path / "1"
    taken = take_incremental(office, clinic.schema, path, safe.sealing, WHO, since(full))
    opened = safe.open(path)
    assert taken.full_because is None
    there = {row[0] for row in clinic.query("SELECT id FROM pacientes_cliente")}
    assert rows | opened.ids("pacientes_cliente") == there
    assert rows.isdisjoint(opened.ids("pacientes_cliente"))
    results = {row[0] for row in clinic.query("SELECT tx::text FROM sync_result")}
    assert {line[0] for line in opened.lines("sync_result")} <= results


@pytest.mark.parametrize(
    ("because", "statement"),
    [
        ("epoch", "UPDATE sync_meta SET epoch = gen_random_uuid()"),
        (
            "horizon",
            "UPDATE sync_meta SET horizon = (pg_current_xact_id()::text::bigint + 1)::text::xid8",
        ),
        ("server", "UPDATE sync_meta SET system_id = 1"),
        ("capture", "ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update"),
        ("schema", "UPDATE sync_meta SET schema_version = schema_version + 1"),
    ],
)
def test_where_the_log_does_not_reach_everything_is_saved(
    clinic: Clinic,
    office: psycopg.Connection,
    tmp_path: Path,
    safe: Safe,
    because: str,
    statement: str,
) -> None:
    full = take_full(office, clinic.schema, tmp_path / "0", safe.sealing, WHO)
    meta = clinic.query("SELECT epoch, horizon::text, system_id, schema_version FROM sync_meta")[0]
    clinic.query(statement)
    try:
        path = tmp_path / "1"
        taken = take_incremental(office, clinic.schema, path, safe.sealing, WHO, since(full))
        assert (taken.kind, taken.full_because) == ("full", because)
        assert safe.open(path).ids("pacientes_cliente") >= {1, 2}
        assert taken.contents.manifest.previous == full.contents.manifest_hash
    finally:
        clinic.query(
            "UPDATE sync_meta SET epoch = %s, horizon = %s::xid8, system_id = %s, schema_version = %s",
            *meta,
        )
        clinic.query("ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update")


@pytest.mark.parametrize(
    ("off", "on"),
    [
        (
            "ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update",
            "ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update",
        ),
        (
            "DROP TRIGGER sync_capture_update ON agenda_sala",
            "CREATE TRIGGER sync_capture_update AFTER UPDATE ON agenda_sala"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION {}()",
        ),
    ],
)
def test_what_was_written_while_a_trigger_was_off_is_saved(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe, off: str, on: str
) -> None:
    """Nothing is wrong with them when the backup looks; after a full one a day is a day again."""
    [(function,)] = clinic.query(
        "SELECT tgfoid::regproc::text FROM pg_trigger"
        " WHERE tgname = 'sync_capture_update' AND tgrelid = 'agenda_sala'::regclass"
    )
    [(room, name)] = clinic.query("SELECT id, nombre FROM agenda_sala ORDER BY id LIMIT 1")
    before = take_full(office, clinic.schema, tmp_path / "0", safe.sealing, WHO)
    clinic.query(off)
    clinic.query("UPDATE agenda_sala SET nombre = 'Sala sin registro' WHERE id = %s", room)
    clinic.query(on.format(function))
    try:
        taken = take_incremental(
            office, clinic.schema, tmp_path / "1", safe.sealing, WHO, since(before)
        )
        assert (taken.kind, taken.full_because) == ("full", "renewed")
        lines = safe.open(tmp_path / "1").lines("agenda_sala")
        assert any("Sala sin registro" in line for line in lines)
        after = take_incremental(
            office, clinic.schema, tmp_path / "2", safe.sealing, WHO, since(taken)
        )
        assert after.kind == "incremental"
    finally:
        clinic.query("UPDATE agenda_sala SET nombre = %s WHERE id = %s", name, room)


def test_a_trigger_that_was_off_within_a_transaction_that_the_archive_met_is_noticed(
    clinic: Clinic, office: psycopg.Connection, tmp_path: Path, safe: Safe
) -> None:
    """Its catalog row has the number of a savepoint, which the archive's cursor does not name."""
    with psycopg.connect(clinic.dsn) as other:
        with other.transaction():
            other.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(clinic.schema)))
            other.execute("SELECT pg_current_xact_id()")
            with other.transaction():
                other.execute("ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update")
                other.execute("ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update")
            clinic.query("SELECT pg_current_xact_id()")
            before = take_full(office, clinic.schema, tmp_path / "0", safe.sealing, WHO)
    taken = take_incremental(
        office, clinic.schema, tmp_path / "1", safe.sealing, WHO, since(before)
    )
    assert (taken.kind, taken.full_because) == ("full", "renewed")
