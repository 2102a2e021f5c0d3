"""Away for longer than the log goes back; shut out for good; without a permission for a while."""

from __future__ import annotations

import pytest
from psycopg import sql

from desktop.domain.sentences import all_sentences
from sync import store
from sync.core import Timing
from sync.errors import AccessRefused, Revoked, SyncError
from sync.server import device_group
from sync.transport import PostgresServer
from tests.sync_client.proxy import proxied
from tests.sync_client.test_engine import Events
from tests.sync_client.world import Maker, Tenant

QUICK = Timing(poll=0.05, first_pause=0.02, longest_pause=0.05, stuck_pause=0.05)


def test_stale_beyond_the_horizon(station: Maker, tenant: Tenant) -> None:
    """The log that it would need is dropped: all is compared, and its work is sent after that."""
    tenant.query(
        "INSERT INTO person (name, phone) SELECT n::text, '1' FROM generate_series(1, 50) n"
    )
    away, awake = station(), station()
    with away.desk.doing():
        away.desk.update("person", 5, phone="typed while away")
        mine = away.desk.insert("person", name="made while away", friend_id=6)
    with away.desk.doing() as conflicting:
        away.desk.update("person", 7, name="typed while away")
    tenant.query("UPDATE person SET name = 'changed meanwhile' WHERE id BETWEEN 5 AND 8")
    tenant.query("DELETE FROM person WHERE id = 20")
    tenant.query("INSERT INTO visit (room) VALUES (1)")
    awake.engine.sync_once()
    # Five weeks go by, the log is kept short by those who come.
    tenant.query("SELECT sync_log_close()")
    tenant.query("UPDATE sync_log SET at = at - interval '36 days'")
    tenant.query("UPDATE sync_meta SET upkeep_at = NULL")
    tenant.query("INSERT INTO person (name) VALUES ('weeks later')")
    awake.engine.sync_once()
    assert tenant.value("SELECT horizon > '0' FROM sync_meta")
    assert tenant.value("SELECT count(*) FROM sync_log") == 1
    number = away.device
    status = away.engine.sync_once()
    assert (status.state, status.pending, away.device) == ("in_step", 0, number)
    (draft,) = store.rejections(away.desk.execute)
    assert (draft.tx, draft.code) == (conflicting, "conflict")
    awake.engine.sync_once()
    rows = tenant.everything()["person"]
    assert (rows[5]["name"], rows[5]["phone"]) == ("changed meanwhile", "typed while away")
    assert rows[mine]["friend_id"] == 6
    assert away.desk.everything() == awake.desk.everything() == tenant.everything()


def test_revoked_between_commit_and_answer(station: Maker, tenant: Tenant) -> None:
    """Shut out while an answer was under way: what was done stands, what waits is kept."""
    a = station()
    with a.desk.doing():
        a.desk.insert("entry", amount=500)
    with proxied(a.params) as proxy:
        proxy.on_answer = lambda: shut_out(tenant, a.params["user"])
        engine = a.make_engine(server=PostgresServer(proxy.params, tenant.name))
        for _attempt in range(2):
            with pytest.raises(SyncError) as stopped:
                engine.sync_once()
        assert isinstance(stopped.value, Revoked)
        engine.close()
    assert len(a.desk.pending()) == 1
    assert tenant.value("SELECT count(*) FROM entry") == 1


def shut_out(tenant: Tenant, role: str) -> None:
    """What an administrator does: no more logins, and the sessions that there are end."""
    tenant.query("UPDATE sync_device SET revoked_at = now() WHERE role_name = %s", role)
    tenant.admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    tenant.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", role)


@pytest.mark.parametrize(
    "permission",
    ["EXECUTE ON FUNCTION {}.sync_exchange(jsonb)", "USAGE ON SCHEMA {}"],
    ids=["function", "schema"],
)
def test_permission_withdrawn(station: Maker, tenant: Tenant, permission: str) -> None:
    """It is said in a sentence, work goes on here, and is sent when the permission is back."""
    a = station()
    events = Events()
    engine = a.make_engine(timing=QUICK, **events.options())
    engine.start()
    events.wait_state("in_step")
    what = sql.SQL(permission).format(sql.Identifier(tenant.name))
    group = sql.Identifier(device_group(tenant.name))
    tenant.admin.execute(sql.SQL("REVOKE {} FROM {}").format(what, group))
    with a.desk.doing():
        a.desk.insert("entry", amount=500)
    engine.poke()
    events.wait_state("trouble", AccessRefused.code)
    events.wait(lambda: events.statuses[-1].pending == 1)
    assert events.statuses[-1].params == {"reason": "permission"}
    assert AccessRefused.code in all_sentences()
    assert tenant.value("SELECT count(*) FROM entry") == 0
    tenant.admin.execute(sql.SQL("GRANT {} TO {}").format(what, group))
    engine.poke(urgent=True)
    events.wait(lambda: events.statuses[-1].pending == 0)
    events.wait_state("in_step")
    engine.close()
    assert tenant.value("SELECT count(*) FROM entry") == 1
