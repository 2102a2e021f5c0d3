"""Two real caches and a real server."""

from __future__ import annotations

from tests.sync_client.world import Maker, Tenant


def test_an_edit_reaches_the_server_and_the_other_cache(station: Maker, tenant: Tenant) -> None:
    tenant.query("INSERT INTO person (name, balance, active) VALUES ('Ana', 12.5, true)")
    a, b = station(), station()
    assert a.desk.everything() == tenant.everything()
    (ana,) = a.desk.rows("person")
    with a.desk.doing():
        bruno = a.desk.insert(
            "person",
            name="Bruno",
            balance=-350,
            active=0,
            born="2001-02-03",
            seen_at="2026-11-23T12:00:00.5+00:00",
            friend_id=ana,
        )
        a.desk.insert("visit", person_id=bruno, room=1, at="09:30:00")
        a.desk.insert("entry", person_id=bruno, amount=99900)
        a.desk.update("person", ana, phone='+56 "\\', name="Ana María\n")
    status = a.engine.sync_once()
    assert (status.state, status.pending, status.rejected) == ("in_step", 0, 0)
    assert b.engine.sync_once().state == "in_step"
    assert a.desk.everything() == b.desk.everything() == tenant.everything()
    assert len(tenant.everything()["person"]) == 2
