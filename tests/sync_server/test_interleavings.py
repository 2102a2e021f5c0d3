"""Whatever order transactions begin, write, roll back and commit in, a pull misses nothing."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import pq

from tests.sync_server.conftest import CLIENT, Tenant, Workstation, client_row, op, transaction

INCOME = "finanzas_ingresomanual"
TABLES = ("personal_perfil", "pacientes_cliente", "citas_cita", INCOME)
WRITERS = 4
READ_COMMITTED, REPEATABLE_READ, SERIALIZABLE = 2, 3, 4

Step = tuple[str, int, int]


class Writer:
    """A session of another program, with a transaction that stays open as long as it is told to.

    What would have to wait for another transaction's lock gives up and rolls its own back.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.db = connection
        connection.execute("SET lock_timeout = '2ms'")
        connection.execute("SET statement_timeout = '20s'")
        connection.commit()
        self.savepoints = 0

    def do(self, action: Callable[[psycopg.Connection, random.Random], None], seed: int) -> None:
        if self.db.info.transaction_status is pq.TransactionStatus.IDLE and seed % 3 == 0:
            level = "REPEATABLE READ" if seed % 2 else "SERIALIZABLE"
            self.db.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            # The snapshot, now: what others commit from here on is not seen.
            self.db.execute("SELECT count(*) FROM sync_meta")
        try:
            action(self.db, random.Random(seed))
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.SerializationFailure,
            psycopg.errors.DeadlockDetected,
        ):
            self.end(commit=False)

    def savepoint(self) -> None:
        self.savepoints += 1
        self.db.execute(f"SAVEPOINT s{self.savepoints}")

    def back(self) -> None:
        if self.savepoints:
            self.db.execute(f"ROLLBACK TO SAVEPOINT s{self.savepoints}")
            self.savepoints -= 1

    def end(self, *, commit: bool) -> None:
        self.savepoints = 0
        try:
            self.db.commit() if commit else self.db.rollback()
        except psycopg.errors.SerializationFailure:
            self.db.rollback()


def _insert(db: psycopg.Connection, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        db.execute(
            f"INSERT INTO {INCOME} (monto, descripcion, fecha, creado_el)"
            " VALUES (%s, 'a', '2026-01-01', now())",
            (chance.randint(1, 9),),
        )


def _update(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(
        f"UPDATE {INCOME} SET monto = monto + 1, notas = %s WHERE monto %% 3 = %s",
        (str(chance.random()), chance.randint(0, 2)),
    )


def _delete(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(f"DELETE FROM {INCOME} WHERE monto %% 4 = %s", (chance.randint(0, 3),))


def _move(db: psycopg.Connection, chance: random.Random) -> None:
    """Several rows change places, or one goes where none was."""
    db.execute(
        f"UPDATE {INCOME} SET id = id + %s WHERE id = (SELECT max(id) FROM {INCOME})",
        (chance.randint(1, 5) * 1000,),
    )


def _upsert(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(
        f"INSERT INTO {INCOME} (id, monto, descripcion, fecha, creado_el)"
        " SELECT n, 1, 'u', '2026-01-01', now() FROM generate_series(%s::bigint, %s) n"
        " ON CONFLICT (id) DO UPDATE SET descripcion = 'again'",
        (first := 10**9 + chance.randint(1, 5), first + 2),
    )


def _merge(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(
        f"MERGE INTO {INCOME} i USING generate_series(%s::bigint, %s) n ON i.id = n"
        " WHEN MATCHED AND n %% 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET notas = 'm'"
        " WHEN NOT MATCHED THEN INSERT (id, monto, descripcion, fecha, creado_el)"
        " VALUES (n, 2, 'm', '2026-01-01', now())",
        (first := 10**9 + chance.randint(1, 5), first + 3),
    )


def _copy(db: psycopg.Connection, chance: random.Random) -> None:
    columns = "(id, nombre_completo, email, telefono, activo, fecha_registro)"
    with db.cursor().copy(f"COPY pacientes_cliente {columns} FROM STDIN") as copy:
        for _ in range(chance.randint(1, 3)):
            row = 10**10 + uuid.uuid4().int % 10**9
            copy.write_row((row, "C", f"{row}@x.cl", "+569", True, "2026-01-01"))


def _book(db: psycopg.Connection, chance: random.Random) -> None:
    client = db.execute(CLIENT, ("W", f"{uuid.uuid4()}@x.cl")).fetchone()[0]
    db.execute(
        "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el, cliente_id)"
        " VALUES ('2026-11-24', 'disponible', now(), now(), %s)",
        (client,),
    )


def _cascade(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute("DELETE FROM pacientes_cliente WHERE id %% 2 = %s", (chance.randint(0, 1),))


def _truncate(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(f"TRUNCATE {INCOME}")
    if chance.random() < 0.5:
        _insert(db, chance)


def _cte(db: psycopg.Connection, chance: random.Random) -> None:
    db.execute(
        f"WITH a AS (UPDATE {INCOME} SET notas = 'c' WHERE monto < 4 RETURNING id),"
        f" b AS (DELETE FROM {INCOME} WHERE monto > 7 RETURNING id)"
        f" INSERT INTO {INCOME} (monto, descripcion, fecha, creado_el)"
        " SELECT 5, 'cte', '2026-01-01', now() FROM a"
    )


ACTIONS = {
    action.__name__: action
    for action in (
        _insert, _update, _delete, _move, _upsert, _merge, _copy, _book, _cascade, _truncate, _cte,
    )
}  # fmt: skip
KINDS = (*ACTIONS, "savepoint", "back", "commit", "commit", "rollback", "pull", "pull", "push")
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, WRITERS - 1), st.integers(0, 99)),
    max_size=40,
)


def _committed(tenant: Tenant, station: Workstation, table: str) -> dict[int, dict]:
    names = station.columns[table]
    return {
        row[0]: dict(zip(names, row, strict=True)) for row in station.read(table, -(10**18), 10**6)
    }


def _join(tenant: Tenant) -> Workstation:
    station = tenant.device()
    station.connection.execute("SET statement_timeout = '20s'")
    station.columns = {t["name"]: t["columns"] for t in station.hello()["tables"]}
    station.start()
    for table in TABLES:
        station.rows[table] = _committed(tenant, station, table)
    station.connection.execute("SET lock_timeout = '2ms'")
    return station


def _pull(tenant: Tenant, station: Workstation, *push: dict) -> None:
    request = station.request(*push)
    try:
        answer = station.call("sync_exchange", **request)
    except psycopg.errors.LockNotAvailable:
        # A forgotten transaction holds what is pushed, or truncates what is read.
        return
    station.take(answer)
    assert answer["status"] == "ok"
    with contextlib.suppress(psycopg.errors.LockNotAvailable):
        for table in TABLES:
            assert station.rows.get(table, {}) == _committed(tenant, station, table)
        assert station.exchange()["changes"] == []


@pytest.mark.parametrize("_run", [1])
def test_the_puller_always_has_what_is_committed(tenant: Tenant, _run: int) -> None:
    """Catches a cursor by time, sequence, or highest or lowest transaction; a delta and a cursor of
    two snapshots; log rows under the id of a subtransaction; statements that capture overlooks."""
    writers = [Writer(tenant.connect(autocommit=False)) for _ in range(WRITERS)]

    @given(STEPS)
    # The younger transaction commits first, and a pull comes between.
    @example(
        [
            ("_insert", 0, 1),
            ("_insert", 1, 1),
            ("commit", 1, 0),
            ("pull", 0, 0),
            ("commit", 0, 0),
            ("pull", 0, 0),
        ]
    )
    # The last write of a transaction is its savepoint's.
    @example(
        [
            ("_insert", 0, 1),
            ("savepoint", 0, 0),
            ("_update", 0, 1),
            ("_insert", 1, 1),
            ("commit", 1, 0),
            ("pull", 0, 0),
            ("commit", 0, 0),
            ("pull", 0, 0),
        ]
    )
    # A push while others are under way.
    @example([("_insert", 0, 1), ("push", 0, 5), ("_book", 1, 1), ("commit", 0, 0),
              ("push", 1, 6), ("commit", 1, 0), ("pull", 1, 0)])  # fmt: skip
    def run(steps: list[Step]) -> None:
        for writer in writers:
            writer.end(commit=False)
        stations = [_join(tenant) for _ in range(2)]
        for kind, number, seed in steps:
            writer, station = writers[number], stations[number % 2]
            if kind in ACTIONS:
                writer.do(ACTIONS[kind], seed)
            elif kind == "savepoint":
                writer.savepoint()
            elif kind == "back":
                writer.back()
            elif kind in ("commit", "rollback"):
                writer.end(commit=kind == "commit")
            elif kind == "pull":
                _pull(tenant, station)
            else:
                new = transaction(op("I", "pacientes_cliente", station.new_id(), new=client_row()))
                row = next(iter(station.rows["pacientes_cliente"]), 5)
                _pull(tenant, station, new, transaction(op("D", "pacientes_cliente", row)))
        for number, writer in enumerate(writers):
            writer.end(commit=number % 3 != 0)
        for station in stations:
            _pull(tenant, station)
        # A lock that was given up is no way out at the end.
        for station in stations:
            assert station.rows[INCOME] == _committed(tenant, station, INCOME)
            station.connection.close()

    run()
