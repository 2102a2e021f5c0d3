"""What a broken or hostile program may send, and what it gets."""

from __future__ import annotations

import random
import secrets
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo, sql

from desktop.models import SCHEMA_VERSION
from tests.sync_server.conftest import CLIENT, SCHEMA, Tenant, client_row, op, transaction

CLIENTS = "pacientes_cliente"
INSERT = (
    "INSERT INTO pacientes_cliente (id, nombre_completo, email, telefono, activo, fecha_registro)"
    " VALUES (%s, 'X', %s, '+56900000000', true, now())"
)


@pytest.fixture
def web(tenant: Tenant) -> Iterator[psycopg.Connection]:
    """Another program's session, logged in with a role that may write two shared tables."""
    name, password = f"web_{secrets.token_hex(4)}", secrets.token_hex(16)
    role, schema = sql.Identifier(name), sql.Identifier(SCHEMA)
    tenant.db.execute(
        sql.SQL(
            "CREATE ROLE {0} LOGIN PASSWORD {1}; GRANT USAGE ON SCHEMA {2} TO {0};"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON pacientes_cliente, citas_cita TO {0}"
        ).format(role, sql.Literal(password), schema)
    )
    dsn = conninfo.make_conninfo(tenant.dsn, user=name, password=password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(schema))
        yield connection
    tenant.db.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def test_another_program_cannot_sign_as_a_workstation(
    tenant: Tenant, web: psycopg.Connection
) -> None:
    """Catches capture and guards that believe a setting which anybody may make."""
    station = tenant.device()
    web.execute(
        "SELECT set_config('sync.device', %s, false), set_config('sync.actor', '4', false)",
        (str(station.number),),
    )
    first = web.execute(CLIENT, ("A", "a@x.cl")).fetchone()[0]
    assert tenant.db.execute("SELECT device, actor FROM sync_log").fetchall() == [(0, None)]
    slot = tenant.appointment("2026-11-24T12:00Z", "disponible", tenant.staff())
    book = "UPDATE citas_cita SET cliente_id = %s, estado = 'reservada' WHERE id = %s"
    web.execute(book, (first, slot))
    with pytest.raises(psycopg.errors.ExclusionViolation):
        web.execute(book, (tenant.client(), slot))
    for odd in ("x", "99999999999999", "-1"):
        web.execute("SELECT set_config('sync.device', %s, false)", (odd,))
        web.execute("UPDATE pacientes_cliente SET notas = %s", (odd,))
    assert tenant.one("SELECT max(device) FROM sync_log") == 0


@pytest.mark.parametrize("row", [7 << 39 | 1, 1 << 39, 1 << 60, -1])
def test_another_program_does_not_take_ids_of_workstations(
    tenant: Tenant, web: psycopg.Connection, row: int
) -> None:
    """Catches an id that a workstation would give later, for another row."""
    with pytest.raises(psycopg.errors.CheckViolation):
        web.execute(INSERT, (row, "a@x.cl"))
    web.execute(INSERT, (5, "a@x.cl"))
    with pytest.raises(psycopg.errors.CheckViolation):
        web.execute("UPDATE pacientes_cliente SET id = %s WHERE id = 5", (row,))
    # Who owns the tenant brings back rows of every device; the others may go on changing them.
    tenant.db.execute(INSERT, (row, "b@x.cl"))
    web.execute("UPDATE pacientes_cliente SET notas = 'x'")
    web.execute("DELETE FROM pacientes_cliente WHERE id = %s", (row,))


def test_nobody_may_call_anything_because_everybody_may(
    tenant: Tenant, web: psycopg.Connection
) -> None:
    """Catches the next function whose EXECUTE is left with PUBLIC."""
    (found,) = web.execute(
        "SELECT array_agg(p.proname) FROM pg_proc p WHERE p.pronamespace = %s::regnamespace"
        " AND has_function_privilege(p.oid, 'EXECUTE')",
        (sql.Identifier(SCHEMA).as_string(web),),
    ).fetchone()
    assert found is None
    for statement in (
        "SELECT sync_exchange('{}')",
        "SELECT sync_read(1, 'pacientes_cliente', 0, 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(statement)


def test_two_exchanges_in_one_transaction_are_refused(tenant: Tenant) -> None:
    """Catches a second call whose cascades the first one's cursor leaves out for ever."""
    station = tenant.device().join()
    with pytest.raises(psycopg.errors.InvalidTransactionState), station.connection.transaction():
        station.exchange()
        station.exchange()
    station.nonce = tenant.one("SELECT nonce::text FROM sync_device")
    assert station.exchange()["status"] == "ok"
    with pytest.raises(psycopg.errors.InvalidTransactionState), station.connection.transaction():
        station.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        station.exchange()


@pytest.mark.parametrize("missing", ["cursor", "exchange"])
def test_a_request_that_forgot_something_is_an_error_and_not_an_empty_answer(
    tenant: Tenant, missing: str
) -> None:
    """Catches a missing cursor that skips all there was, and a missing exchange that passes for a repeat."""
    station = tenant.device().join()
    tenant.client()
    request = {k: v for k, v in station.request().items() if k != missing}
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        station.call("sync_exchange", **request)
    station.exchange()
    assert len(station.rows[CLIENTS]) == 1


def test_a_cursor_that_is_ahead_of_the_server_stops(tenant: Tenant) -> None:
    """The server was put back by hand. Catches changes that pass for seen, and a lost outbox."""
    station = tenant.device().join()
    seen = station.cursor
    ahead = tenant.one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint") + 1000
    station.cursor = f"{ahead}:{ahead}:"
    given = transaction(op("I", CLIENTS, station.new_id(), new=client_row()))
    answer = station.exchange(given)
    assert answer["status"] == "epoch"
    assert answer["epoch"] == str(tenant.one("SELECT epoch FROM sync_meta")) != station.epoch
    assert tenant.one("SELECT count(*) FROM sync_result") == 0
    # Every other cursor is of the old epoch, too.
    station.cursor = seen
    assert station.exchange(given)["status"] == "epoch"
    station.epoch = answer["epoch"]
    assert station.exchange(given)["status"] == "stale"
    station.cursor = tenant.one("SELECT pg_current_snapshot()::text")
    assert station.exchange(given)["results"][0]["status"] == "applied"


def test_two_copies_that_push_the_same_work_at_once(tenant: Tenant) -> None:
    """Catches a transaction that is applied twice, and an error that nobody would repeat."""
    stations = [tenant.device().join() for _ in range(2)]
    shared = str(uuid.uuid4())
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def push(station) -> None:
        given = {"tx": shared, "ops": [op("I", CLIENTS, station.new_id(), new=client_row())]}
        request = station.request(given)
        barrier.wait()
        while True:
            try:
                answer = station.call("sync_exchange", **request)
            except psycopg.errors.SerializationFailure:
                continue
            outcomes.append(answer["results"][0]["status"])
            return

    threads = [threading.Thread(target=push, args=(station,)) for station in stations]
    # Both have looked for a result before either has one.
    with tenant.db.transaction():
        tenant.db.execute("LOCK TABLE sync_result IN EXCLUSIVE MODE")
        for thread in threads:
            thread.start()
        while tenant.one("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
            pass
    for thread in threads:
        thread.join()
    assert outcomes == ["applied", "applied"]
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 1


def test_a_malformed_operation_is_rejected_and_holds_nothing_up(tenant: Tenant) -> None:
    """Catches an operation whose refusal stops the queue for ever."""
    desk = tenant.device().join()
    for value in ("x", 5, [1], None, True):
        bad = {"t": CLIENTS, "id": 5, "k": "U", "old": value, "new": value}
        worse = {"t": 7, "id": 5, "k": value, "old": value, "new": value}
        good = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
        results = desk.exchange(transaction(bad), transaction(worse), transaction(bad), good)
        assert [r["status"] for r in results["results"]] == [*["rejected"] * 3, "applied"]


@pytest.mark.parametrize("kind", ["I", "U", "D"])
def test_a_rule_that_swallows_a_change_is_told(tenant: Tenant, kind: str) -> None:
    """Catches a workstation that is told "applied" of what a trigger dropped without a word."""
    row = tenant.client()
    desk = tenant.device().join()
    tenant.db.execute(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER swallow BEFORE INSERT OR UPDATE OR DELETE ON pacientes_cliente"
        " FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    edit = {
        "I": op("I", CLIENTS, desk.new_id(), new=client_row()),
        "U": op("U", CLIENTS, row, {"notas": None}, {"notas": "x"}),
        "D": op("D", CLIENTS, row, {"notas": None}),
    }[kind]
    assert desk.push(edit)["code"] == "rule"


def test_what_is_acknowledged_is_on_the_disk_and_nobody_waits_for_long(tenant: Tenant) -> None:
    """Catches a server set to commit later, whose answer a crash would make a lie, and an exchange
    that keeps practitioners locked as long as a forgotten transaction keeps a row."""
    desk = tenant.device().join()
    desk.connection.execute("SET synchronous_commit = off")
    tenant.db.execute(
        "CREATE TABLE seen (durable text, wait text);"
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen"
        " VALUES (current_setting('synchronous_commit'), current_setting('lock_timeout'));"
        " RETURN NEW; END $$;"
        "CREATE CONSTRAINT TRIGGER look AFTER INSERT ON sync_result"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look()"
    )
    row = tenant.client()
    edit = op("U", CLIENTS, row, {"notas": None}, {"notas": "x"})
    assert desk.push(edit)["status"] == "applied"
    assert tenant.db.execute("SELECT * FROM seen").fetchall() == [("on", "5s")]
    desk.connection.execute("SET lock_timeout = '5ms'")
    forgotten = tenant.connect(autocommit=False)
    forgotten.execute("SELECT FROM pacientes_cliente FOR UPDATE")
    given = transaction(op("U", CLIENTS, row, {"notas": "x"}, {"notas": "y"}))
    request = desk.request(given)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        desk.call("sync_exchange", **request)
    forgotten.rollback()
    assert desk.take(desk.call("sync_exchange", **request))["results"][0]["status"] == "applied"


def test_rows_that_a_cascade_touches_twice_are_logged_with_all_that_changed(
    tenant: Tenant,
) -> None:
    """One staff row behind three columns of an appointment. Catches a join that loses versions."""
    staff = tenant.staff()
    slots = [
        tenant.appointment(f"2026-11-24T{hour}:00Z", "disponible", staff) for hour in (12, 13, 14)
    ]
    tenant.db.execute("UPDATE citas_cita SET creada_por_id = dentista_id")
    station = tenant.device().join()
    with tenant.db.transaction():
        tenant.db.execute("DELETE FROM personal_perfil")
    logged = dict(
        tenant.db.execute(
            "SELECT l.row_id, array_agg(DISTINCT c ->> 'name' ORDER BY c ->> 'name') FROM sync_log l"
            " JOIN sync_table t ON t.id = l.tbl AND t.name = 'citas_cita'"
            " CROSS JOIN jsonb_array_elements(t.columns) c"
            " WHERE l.xid = (SELECT max(xid) FROM sync_log)"
            " AND l.cols & (1::bigint << (c ->> 'bit')::int) <> 0 GROUP BY 1"
        ).fetchall()
    )
    assert logged == {key: ["creada_por_id", "dentista_id"] for key in slots}
    station.exchange()
    assert {row["dentista_id"] for row in station.rows["citas_cita"].values()} == {None}


def test_what_a_push_makes_of_other_rows_comes_back_with_it(tenant: Tenant) -> None:
    """Catches the pusher's own cascades that its own cursor would leave out."""
    client, staff = tenant.client(), tenant.staff()
    slot = tenant.appointment("2026-11-24T12:00Z", "disponible", staff)
    tenant.db.execute("UPDATE citas_cita SET cliente_id = %s", (client,))
    desk = tenant.device().join()
    assert desk.push(op("D", CLIENTS, client, {"notas": None}))["status"] == "applied"
    assert desk.rows["citas_cita"][slot]["cliente_id"] is None
    assert desk.exchange()["changes"] == []


def test_one_device_in_two_sessions_forks_once_and_loses_nothing(tenant: Tenant) -> None:
    """Catches two exchanges of one device side by side with one nonce."""
    desk = tenant.device().join()
    other = tenant.connect()
    answers = []
    barrier = threading.Barrier(2)

    def exchange(connection: psycopg.Connection, request: dict) -> None:
        import json

        whole = {"protocol": 1, "schema_version": SCHEMA_VERSION, "device": desk.number} | request
        barrier.wait()
        row = connection.execute("SELECT sync_exchange(%s::jsonb)", (json.dumps(whole),)).fetchone()
        answers.append(json.loads(row[0]))

    requests = [
        desk.request(transaction(op("I", CLIENTS, desk.new_id(), new=client_row())))
        for _ in range(2)
    ]
    path = sql.Identifier(SCHEMA)
    desk.connection.execute(sql.SQL("SET search_path = {}").format(path))
    threads = [
        threading.Thread(target=exchange, args=pair)
        for pair in zip((desk.connection, other), requests, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["status"] for answer in answers) == ["forked", "ok"]
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 1


def test_a_repeat_while_the_first_attempt_still_runs(tenant: Tenant) -> None:
    """The connection broke, the server did not notice. Catches a repeat that overtakes or forks."""
    desk = tenant.device().join()
    given = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    request = desk.request(given)
    first = tenant.connect(autocommit=False)
    import json

    whole = {"protocol": 1, "schema_version": SCHEMA_VERSION, "device": desk.number} | request
    answer = first.execute("SELECT sync_exchange(%s::jsonb)", (json.dumps(whole),)).fetchone()[0]
    assert json.loads(answer)["status"] == "ok"
    again: list[dict] = []
    repeat = threading.Thread(target=lambda: again.append(desk.call("sync_exchange", **request)))
    repeat.start()
    while not tenant.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        pass
    first.commit()
    repeat.join()
    assert again[0]["status"] == "ok"
    assert again[0]["results"][0].pop("made") == [given["ops"][0]["id"]]
    assert again[0]["results"] == json.loads(answer)["results"]
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 1


def test_random_requests_never_break_the_server(tenant: Tenant) -> None:
    """Whatever an operation holds, each gets a result. Catches errors outside a transaction's own."""
    desk = tenant.device().join()
    rows = [tenant.client() for _ in range(3)]
    chance = random.Random(1)
    values = [
        None,
        1,
        "x",
        "2026-01-01",
        True,
        [],
        {},
        "\\",
        "' --",
        10**30,
        -1,
        0.5,
        "12.5",
        rows[0],
    ]
    tables = [CLIENTS, "citas_cita", "finanzas_pago", "auth_user", "sync_log", "no", None]
    names = ["notas", "email", "activo", "dentista_id", "fecha_hora", "fin", "id", "monto", "no"]
    for _ in range(60):
        push = []
        for _ in range(chance.randint(1, 4)):
            image = {name: chance.choice(values) for name in chance.sample(names, 3)}
            push.append(
                transaction(
                    *(
                        {
                            "t": chance.choice(tables),
                            "id": chance.choice([*rows, desk.new_id(), *values]),
                            "k": chance.choice("IUDX"),
                            "old": chance.choice([image, {}, *values]),
                            "new": chance.choice([image, image, *values]),
                        }
                        for _ in range(chance.randint(0, 3))
                    )
                )
            )
        answer = desk.exchange(*push)
        assert [r["tx"] for r in answer["results"]] == [t["tx"] for t in push]
