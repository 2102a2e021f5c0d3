"""The log is kept short, and nobody misses a row for it without being told."""

from __future__ import annotations

import itertools
import json
import random
import threading
import uuid
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop.models import SCHEMA_VERSION
from tests.sync_server.conftest import CLIENT, SCHEMA, Tenant, client_row, op, transaction

CLIENTS = "pacientes_cliente"
BURN = """
CREATE TEMP TABLE IF NOT EXISTS burnt ();
DO $$
BEGIN
    FOR n IN 1..{count} LOOP
        BEGIN
            INSERT INTO burnt DEFAULT VALUES;
            RAISE EXCEPTION USING ERRCODE = 'SY999';
        EXCEPTION WHEN SQLSTATE 'SY999' THEN NULL;
        END;
    END LOOP;
END
$$
"""


def burn(tenant: Tenant, count: int) -> None:
    """Let so many transaction numbers go by."""
    tenant.db.execute(BURN.format(count=count))


def upkeep(tenant: Tenant, *, again: bool = True) -> dict[str, Any]:
    if again:
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = NULL")
    return tenant.one("SELECT sync_upkeep()")


def age(tenant: Tenant, days: int) -> None:
    """Let so much time go by for what is in the log."""
    tenant.db.execute("UPDATE sync_log SET at = at - make_interval(days => %s)", (days,))


def parts(tenant: Tenant) -> list[tuple[int | None, int | None, bool]]:
    return tenant.db.execute(
        "SELECT lower, upper, tail FROM sync_log_parts() ORDER BY tail, upper"
    ).fetchall()


def horizon(tenant: Tenant) -> int:
    return tenant.one("SELECT horizon::text::bigint FROM sync_meta")


def next_number(tenant: Tenant) -> int:
    return tenant.one("SELECT sync_log_next()")


def check(tenant: Tenant) -> None:
    """The partitions follow one another, the present has one with room ahead, the tail is empty."""
    *ranges, tail = parts(tenant)
    assert tail == (None, None, True)
    for (_, upper, _), (lower, _, _) in itertools.pairwise(ranges):
        assert upper == lower
    now = next_number(tenant)
    assert (ranges[0][0] or 0) <= now < ranges[-1][1] - 900
    assert tenant.one("SELECT count(*) FROM sync_log_tail") == 0


def log(tenant: Tenant) -> list[tuple]:
    return tenant.db.execute(
        "SELECT xid, tbl, row_id, op FROM sync_log ORDER BY 1, 2, 3"
    ).fetchall()


class TestRoom:
    def test_a_new_tenant_has_room_at_once_and_after_upkeep(self, tenant: Tenant) -> None:
        """Catches a tenant that writes into the tail from its first day."""
        tenant.client()
        assert tenant.one("SELECT count(*) FROM sync_log_tail") == 0
        assert upkeep(tenant)["status"] == "ok"
        check(tenant)

    def test_room_is_made_before_it_is_needed(self, tenant: Tenant) -> None:
        """Catches upkeep that waits until a partition is full, and one that makes more every day."""
        tenant.client()
        made = []
        for _ in range(8):
            burn(tenant, 900)
            made.append(upkeep(tenant)["made"])
            check(tenant)
        assert sum(made) >= 1
        assert upkeep(tenant)["made"] == 0

    def test_partitions_are_a_week_long(self, tenant: Tenant) -> None:
        """Catches a rate that is measured in other units."""
        tenant.client()
        burn(tenant, 3000)
        age(tenant, 7)
        week = tenant.one("SELECT sync_log_week(sync_log_next())")
        assert 3000 <= week < 3200
        age(tenant, 7)
        assert 1500 <= tenant.one("SELECT sync_log_week(sync_log_next())") < 1600

    def test_after_a_lapse_the_tail_becomes_a_partition_with_its_rows(self, tenant: Tenant) -> None:
        """Nobody called for upkeep for long. Catches lost rows, and an upkeep that fails for ever."""
        station = tenant.device().join()
        tenant.client("Antes")
        while next_number(tenant) <= parts(tenant)[-2][1]:
            burn(tenant, 4000)
        late = tenant.client("Tarde")
        before = log(tenant)
        assert tenant.one("SELECT count(*) FROM sync_log_tail") == 1
        assert upkeep(tenant)["status"] == "ok"
        assert log(tenant) == before
        check(tenant)
        station.exchange()
        assert late in station.rows[CLIENTS]

    def test_a_lapse_without_a_row_in_the_tail(self, tenant: Tenant) -> None:
        """Catches partitions that are made below the present."""
        while next_number(tenant) <= parts(tenant)[-2][1]:
            burn(tenant, 4000)
        assert upkeep(tenant)["status"] == "ok"
        check(tenant)

    def test_a_partition_made_for_busier_days_is_ended(self, tenant: Tenant) -> None:
        """Catches rows that stay for years because their partition is never full."""
        tenant.db.execute("SELECT sync_log_close()")
        wide = next_number(tenant) + 100_000
        tenant.db.execute(
            "SELECT sync_log_attach(NULL, max(upper), %s) FROM sync_log_parts()", (wide,)
        )
        tenant.client()
        age(tenant, 9)
        assert upkeep(tenant)["made"] == 0
        age(tenant, 3)
        before = log(tenant)
        assert upkeep(tenant)["made"] == 1
        assert wide not in {upper for _, upper, _ in parts(tenant)}
        assert log(tenant) == before
        check(tenant)
        tenant.client()
        check(tenant)

    def test_a_schema_from_another_server_finds_its_numbers_again(self, tenant: Tenant) -> None:
        """A dump brought numbers that this server has not given. Catches an upkeep or a writer that
        fails, and a delta that brings the old rows with every exchange."""
        far = 10_000_000
        for name in tenant.db.execute(
            "SELECT name FROM sync_log_parts() WHERE NOT tail"
        ).fetchall():
            tenant.db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*name)))
        tenant.db.execute("SELECT sync_log_attach(NULL, %s, %s)", (far - 5000, far))
        tenant.db.execute("SELECT sync_log_attach(NULL, %s, %s)", (far, far + 1000))
        tenant.db.execute(
            "INSERT INTO sync_log SELECT (%s + n)::text::xid8, 8, (5::bigint << 39) + n, 'I', 1, 5,"
            " NULL, now() FROM generate_series(1, 50) n",
            (far,),
        )
        tenant.db.execute(
            "INSERT INTO sync_device (number, role_name, profile)"
            " VALUES (5, session_user, 'office')"
        )
        assert next_number(tenant) < far - 5000
        row = tenant.client()
        assert tenant.one("SELECT count(*) FROM sync_log_tail") == 1
        assert upkeep(tenant)["status"] == "ok"
        check(tenant)
        assert [row_id for _, _, row_id, _ in log(tenant)] == [row]
        assert tenant.one("SELECT counter FROM sync_device WHERE number = 5") == 50
        station = tenant.device().join()
        tenant.client()
        assert len(station.exchange()["changes"][0]["rows"]) == 1
        assert upkeep(tenant)["status"] == "ok"

    def test_a_new_epoch_leaves_no_cursor_below_another_servers_horizon(
        self, tenant: Tenant
    ) -> None:
        """Catches a copied schema in which every cursor is stale for ever."""
        tenant.db.execute("UPDATE sync_meta SET horizon = '10000000'")
        assert tenant.device().join().exchange() == {"status": "stale"}
        tenant.db.execute("SELECT sync_new_epoch(m) FROM sync_meta m")
        assert tenant.device().join().exchange()["status"] == "ok"


class TestOldRows:
    def test_what_is_older_than_35_days_goes_with_its_partition(self, tenant: Tenant) -> None:
        """Catches pruning by another limit, of the present's partition, or not at all."""
        tenant.client()
        age(tenant, 34)
        upkeep(tenant)
        burn(tenant, 1200)
        upkeep(tenant)
        assert len(log(tenant)) == 1
        assert horizon(tenant) == 0
        old = log(tenant)[0][0]
        recent = tenant.client()
        age(tenant, 2)
        assert upkeep(tenant)["dropped"] >= 1
        assert [row for _, _, row, _ in log(tenant)] == [recent]
        assert horizon(tenant) == parts(tenant)[0][0]
        assert int(old) < horizon(tenant) <= int(log(tenant)[0][0])
        check(tenant)

    def test_a_partition_without_rows_does_not_age_those_before_it(self, tenant: Tenant) -> None:
        """The clinic was shut, the server busy. Catches a horizon that rises over a short absence."""
        tenant.client()
        upkeep(tenant)
        age(tenant, 12)
        upkeep(tenant)
        station = tenant.device().join()
        for _ in range(4):
            burn(tenant, 1200)
            upkeep(tenant)
        assert horizon(tenant) == 0
        assert station.exchange()["status"] == "ok"

    def test_results_are_kept_for_70_days(self, tenant: Tenant) -> None:
        """Catches results that are forgotten while a workstation may still ask, or never."""
        desk = tenant.device().join()
        for days in (69, 71):
            desk.push(op("I", CLIENTS, desk.new_id(), new=client_row()))
            tenant.db.execute(
                "UPDATE sync_result SET at = now() - make_interval(days => %s)"
                " WHERE at > now() - interval '1 day'",
                (days,),
            )
        assert upkeep(tenant)["results"] == 1
        assert tenant.one("SELECT extract(day FROM now() - at)::int FROM sync_result") == 69

    def test_no_id_is_given_twice_after_its_last_trace_is_gone(self, tenant: Tenant) -> None:
        """The row was deleted and its log rows dropped. Catches a counter that knows rows only."""
        desk = tenant.device().join()
        row = [desk.new_id() for _ in range(7)][-1]
        desk.push(op("I", CLIENTS, row, new=client_row()))
        desk.push(op("D", CLIENTS, row))
        assert desk.start()["counter"] == 7
        age(tenant, 40)
        assert upkeep(tenant)["dropped"] >= 1
        assert log(tenant) == []
        assert desk.start()["counter"] == 7


class TestStale:
    def test_a_stale_cursor_is_answered_stale_and_not_silently_short(self, tenant: Tenant) -> None:
        """Catches a delta over a log that lacks what the cursor needs; and a nonce that is spent."""
        away, here = tenant.device().join(), tenant.device().join()
        missed = tenant.client("Perdida")
        here.exchange()
        tenant.db.execute("DELETE FROM pacientes_cliente")
        age(tenant, 40)
        assert upkeep(tenant)["dropped"] >= 1
        assert log(tenant) == []
        nonce = tenant.one("SELECT nonce FROM sync_device WHERE number = %s", away.number)
        given = transaction(op("I", CLIENTS, away.new_id(), new=client_row()))
        assert away.call("sync_exchange", **away.request(given)) == {"status": "stale"}
        assert nonce == tenant.one("SELECT nonce FROM sync_device WHERE number = %s", away.number)
        assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 0
        assert missed in here.rows[CLIENTS] or here.exchange()["status"] == "ok"
        # A cursor of now is good, whatever went.
        assert away.start(nonce=str(nonce))["status"] == "ok"
        assert away.exchange(given)["results"][0]["status"] == "applied"

    @pytest.mark.parametrize(
        ("cursor", "stale"),
        [
            ("100:100:", False),
            ("99:100:99", True),
            ("99:100:99|99", False),
            ("50:100:50|99", True),
            ("100:105:101,103", False),
            ("90:105:90,103", True),
            ("90:105:90,103|90", False),
            ("99:99:", True),
            ("50:200:", False),
            ("50:99:|50", True),
        ],
    )
    def test_a_cursor_needs_what_was_running_and_what_came_since(
        self, tenant: Tenant, cursor: str, stale: bool
    ) -> None:
        """The horizon is 100. Catches limits that are off by one, and a device's own transaction."""
        tenant.db.execute("UPDATE sync_meta SET horizon = '100'")
        assert tenant.one("SELECT sync_stale(%s)", cursor) is stale

    def test_an_exchange_under_way_keeps_the_log_that_it_is_about_to_read(
        self, tenant: Tenant
    ) -> None:
        """Catches rows that go between the question whether they are there and the delta."""
        desk = tenant.device().join()
        row = tenant.client()
        age(tenant, 40)
        held = tenant.connect(autocommit=False)
        whole = {"protocol": 1, "schema_version": SCHEMA_VERSION, "device": desk.number}
        exchange = "SELECT sync_exchange(%s::jsonb)"
        text = held.execute(exchange, (json.dumps(whole | desk.request()),)).fetchone()[0]
        assert json.loads(text)["changes"][0]["rows"][0][0] == row
        assert upkeep(tenant) == {"status": "busy"}
        held.rollback()
        locks = "SELECT count(*) FROM pg_locks WHERE relation = 'sync_log'::regclass AND mode = %s"
        tenant.db.execute("UPDATE sync_meta SET horizon = pg_snapshot_xmax(pg_current_snapshot())")
        stale = held.execute(exchange, (json.dumps(whole | desk.request()),)).fetchone()[0]
        assert json.loads(stale) == {"status": "stale"}
        assert tenant.one(locks, "AccessShareLock") == 1
        held.rollback()


class TestCalling:
    def test_exchanges_ask_for_it_once_a_day(self, tenant: Tenant) -> None:
        """Catches a workstation that is never asked, or with every exchange."""
        desk = tenant.device().join()
        assert desk.exchange()["upkeep"] is True
        assert upkeep(tenant, again=False)["status"] == "ok"
        assert "upkeep" not in desk.exchange()
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = now() - interval '23 hours'")
        assert "upkeep" not in desk.exchange()
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = now() - interval '25 hours'")
        assert desk.exchange()["upkeep"] is True
        # The server's clock was wrong for a day.
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = now() + interval '300 days'")
        assert desk.exchange()["upkeep"] is True
        assert upkeep(tenant, again=False)["status"] == "ok"

    def test_it_is_not_done_again_within_20_hours(self, tenant: Tenant) -> None:
        assert upkeep(tenant, again=False)["status"] == "ok"
        assert upkeep(tenant, again=False) == {"status": "recent"}
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = now() - interval '19 hours'")
        assert upkeep(tenant, again=False) == {"status": "recent"}
        tenant.db.execute("UPDATE sync_meta SET upkeep_at = now() - interval '21 hours'")
        assert upkeep(tenant, again=False)["status"] == "ok"

    def test_one_at_a_time_and_not_during_a_migration(self, tenant: Tenant) -> None:
        """Catches two that make the same partition."""
        other = tenant.connect(autocommit=False)
        other.execute("SELECT sync_upkeep()")
        assert tenant.one("SELECT sync_upkeep()") == {"status": "busy"}
        other.rollback()
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(%s))", (SCHEMA,)
        )
        assert tenant.one("SELECT sync_upkeep()") == {"status": "migrating"}
        other.rollback()
        assert tenant.one("SELECT sync_upkeep()")["status"] == "ok"

    def test_a_forgotten_transaction_keeps_old_rows_but_neither_room_nor_writers(
        self, tenant: Tenant
    ) -> None:
        """Catches an upkeep that waits, one that fails aloud, and one that asks again at once."""
        tenant.db.execute("SELECT sync_log_close()")
        for room in (20, 500):
            tenant.db.execute(
                "SELECT sync_log_attach(NULL, max(upper), sync_log_next() + %s)"
                " FROM sync_log_parts()",
                (room,),
            )
        tenant.client()
        age(tenant, 40)
        burn(tenant, 30)
        forgotten = tenant.connect(autocommit=False)
        forgotten.execute(CLIENT, ("Olvido", "olvido@x.cl"))
        tenant.db.execute("SET statement_timeout = '3s'")
        assert upkeep(tenant) == {"status": "busy"}
        check(tenant)
        assert len(log(tenant)) == 1
        desk = tenant.device().join()
        assert "upkeep" not in desk.exchange()
        assert desk.push(op("I", CLIENTS, desk.new_id(), new=client_row()))["status"] == "applied"
        forgotten.commit()
        assert len(log(tenant)) == 3
        assert upkeep(tenant, again=False)["dropped"] >= 1
        assert len(log(tenant)) == 2

    def test_writers_go_on_while_it_is_done(self, tenant: Tenant) -> None:
        """Catches a lock that is kept or awaited for long, and a row that a moving tail loses."""
        done = threading.Event()
        counts = [0, 0]
        failures: list[BaseException] = []

        def write(number: int) -> None:
            try:
                with tenant.connect() as connection:
                    connection.execute("SET lock_timeout = '5s'")
                    while not done.is_set():
                        connection.execute(CLIENT, ("X", f"{uuid.uuid4().hex}@x.cl"))
                        counts[number] += 1
            except BaseException as error:
                failures.append(error)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
        for writer in writers:
            writer.start()
        answers = []
        try:
            for number in range(12):
                if number % 3 == 0:
                    burn(tenant, 22_000)
                    tenant.client()
                answers.append(upkeep(tenant)["status"])
        finally:
            done.set()
            for writer in writers:
                writer.join()
        assert failures == []
        assert "ok" in answers
        assert tenant.one("SELECT count(*) FROM sync_log") == tenant.one(
            "SELECT count(*) FROM pacientes_cliente"
        )


def needed(rows: set[tuple], cursor: str) -> set[tuple]:
    """What a cursor has yet to see, by the definition of the protocol."""
    snapshot, _, own = cursor.partition("|")
    _, top, running = snapshot.split(":")
    missing = {int(number) for number in running.split(",") if number}
    return {
        row for row in rows if (row[0] >= int(top) or row[0] in missing) and row[0] != int(own or 0)
    }


class History:
    """A random history: transactions that stay open, log late or roll back, cursors of any time,
    days that pass, numbers that pass, upkeep in between."""

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.tenant = tenant
        self.chance = random.Random(seed)
        self.others = [tenant.connect(autocommit=False) for _ in range(3)]
        self.station = tenant.device().join()
        self.written: set[tuple] = set()
        self.cursors: list[str] = []
        self.dropped = 0

    def email(self) -> str:
        return f"{self.chance.getrandbits(64):x}@x.cl"

    def other(self) -> psycopg.Connection:
        return self.chance.choice(self.others)

    def write(self) -> None:
        self.tenant.client(email=self.email())

    def take_a_number(self) -> None:
        self.other().execute("SELECT pg_current_xact_id()")

    def write_elsewhere(self) -> None:
        self.other().execute(CLIENT, ("Tarde", self.email()))

    def commit(self) -> None:
        self.other().commit()

    def roll_back(self) -> None:
        self.other().rollback()

    def take_a_cursor(self) -> None:
        self.cursors.append(self.tenant.one("SELECT pg_current_snapshot()::text"))

    def exchange(self) -> None:
        if self.station.exchange()["status"] == "stale":
            self.station.start(nonce=self.station.nonce)
        self.cursors.append(self.station.cursor)

    def let_days_pass(self) -> None:
        age(self.tenant, self.chance.choice([5, 20, 36]))

    def let_numbers_pass(self) -> None:
        burn(self.tenant, self.chance.choice([100, 1100]))

    def logged(self) -> set[tuple]:
        return set(
            self.tenant.db.execute(
                "SELECT xid::text::bigint, tbl, row_id, op FROM sync_log"
            ).fetchall()
        )

    def stale(self, cursor: str) -> bool:
        return bool(self.tenant.one("SELECT sync_stale(%s)", cursor))

    def upkeep(self) -> None:
        self.written |= self.logged()
        self.dropped += upkeep(self.tenant).get("dropped", 0)
        left = self.logged()
        for cursor in self.cursors:
            if not self.stale(cursor):
                assert needed(left, cursor) == needed(self.written, cursor), cursor
        assert not self.stale(self.tenant.one("SELECT pg_current_snapshot()::text"))


@pytest.mark.parametrize("seed", range(6))
def test_pruning_never_drops_a_row_that_a_cursor_above_the_horizon_needs(
    tenant: Tenant, seed: int
) -> None:
    """Catches a horizon that is lower than what was dropped, a partition that goes while a
    transaction of its numbers still runs, and an age that is judged by anything but the rows."""
    history = History(tenant, seed)
    weights = {
        history.write: 3,
        history.take_a_number: 1,
        history.write_elsewhere: 2,
        history.commit: 2,
        history.roll_back: 1,
        history.take_a_cursor: 2,
        history.exchange: 1,
        history.let_days_pass: 1,
        history.let_numbers_pass: 1,
        history.upkeep: 3,
    }
    for step in history.chance.choices(list(weights), list(weights.values()), k=100):
        step()
    for other in history.others:
        other.commit()
    history.write()
    age(tenant, 36)
    history.upkeep()
    history.upkeep()
    assert history.dropped
    assert any(history.stale(cursor) for cursor in history.cursors)


def test_a_late_logger_is_not_cut_off(tenant: Tenant) -> None:
    """A transaction took its number, wrote nothing, and logs after its neighbours were dropped.

    Catches a partition that goes by the age of the rows that are there alone.
    """
    late = tenant.connect(autocommit=False)
    late.execute("SELECT pg_current_xact_id()")
    cursor = tenant.one("SELECT pg_current_snapshot()::text")
    tenant.client()
    age(tenant, 40)
    assert upkeep(tenant)["dropped"] == 0
    burn(tenant, 1500)
    assert upkeep(tenant)["dropped"] == 0
    row = late.execute(CLIENT, ("Tarde", "tarde@x.cl")).fetchone()[0]
    late.commit()
    assert not tenant.one("SELECT sync_stale(%s)", cursor)
    assert row in {row_id for _, _, row_id, _ in log(tenant)}


def test_who_last_changed_a_row_is_found_by_its_index(tenant: Tenant) -> None:
    """Catches a look-up that reads the log from its end, for every conflict."""
    tenant.client()
    tenant.db.execute(
        "INSERT INTO sync_log SELECT (3 + n %% 700)::text::xid8, 8, n, 'U', 1, 0, NULL, now()"
        " FROM generate_series(1, 20000) n",
        (),
    )
    tenant.db.execute("ANALYZE sync_log")
    plan = tenant.db.execute(
        sql.SQL("EXPLAIN {}").format(
            sql.SQL(
                "SELECT l.device FROM sync_log l WHERE l.tbl = 8 AND l.row_id = 77"
                " AND l.cols & 1 <> 0 ORDER BY l.xid DESC LIMIT 1"
            )
        )
    ).fetchall()
    assert "row_id" in "".join(line for (line,) in plan if "Index Cond" in line)


def test_devices_may_call_for_upkeep_and_for_nothing_of_it(tenant: Tenant) -> None:
    """Catches a grant of the parts that drop and make."""
    functions = tenant.db.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND p.proname LIKE 'sync\\_log%%'"
        " AND has_function_privilege('public', p.oid, 'EXECUTE')",
        (SCHEMA,),
    ).fetchall()
    assert functions == []
    assert isinstance(upkeep(tenant), dict)
    with pytest.raises(psycopg.errors.UndefinedFunction):
        tenant.db.execute("SELECT sync_upkeep(1)")
