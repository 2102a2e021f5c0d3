"""What the server refuses, and what two people do to one row."""

from __future__ import annotations

import pytest

from sync import store
from tests.sync_client.world import Maker, Station, Tenant


def drafts(one: Station) -> list[tuple[str, str]]:
    """What waits for a person: the transaction, and why."""
    return [(refused.tx, refused.code) for refused in store.rejections(one.desk.execute)]


def test_parent_deleted_and_child_inserted_offline(station: Maker, tenant: Tenant) -> None:
    """The child's whole transaction becomes a draft that a person can restore the parent for."""
    ana = tenant.value("INSERT INTO person (name) VALUES ('Ana') RETURNING id")
    a = station()
    with a.desk.doing() as refused:
        a.desk.insert("visit", person_id=ana, room=1, note="typed offline")
        a.desk.insert("entry", person_id=None, amount=500)
    with a.desk.doing():
        a.desk.insert("person", name="Bruno")
    tenant.query("DELETE FROM person WHERE id = %s", ana)
    assert a.engine.sync_once().pending == 0
    assert drafts(a) == [(refused, "parent_missing")]
    (draft,) = store.rejections(a.desk.execute)
    assert draft.operations[0].new["note"] == "typed offline"
    assert tenant.query("SELECT count(*) FROM visit") == [(0,)]
    assert [row["name"] for row in tenant.everything()["person"].values()] == ["Bruno"]
    assert a.desk.everything() == tenant.everything()


def test_unique_and_exclusion_violation_at_push(station: Maker, tenant: Tenant) -> None:
    """Each is a draft that says which rule stood in the way; the rest goes through."""
    tenant.query(
        "ALTER TABLE person ADD CONSTRAINT person_balance_overlap"
        " EXCLUDE USING gist (numrange(balance, balance + 10) WITH &&)"
    )
    tenant.query("INSERT INTO visit (room, at) VALUES (1, '10:00')")
    tenant.query("INSERT INTO person (name, balance) VALUES ('Ana', 100)")
    a = station()
    with a.desk.doing() as twice:
        a.desk.insert("visit", room=1, at="10:00:00")
    with a.desk.doing() as across:
        a.desk.insert("person", name="Bruno", balance=10500)
    with a.desk.doing():
        a.desk.insert("person", name="Carla", balance=11000)
    assert a.engine.sync_once().pending == 0
    assert drafts(a) == [(twice, "duplicate"), (across, "overlap")]
    said = [refused.detail["constraint"] for refused in store.rejections(a.desk.execute)]
    assert said == ["visit_room_at_key", "person_balance_overlap"]
    assert {row["name"] for row in tenant.everything()["person"].values()} == {"Ana", "Carla"}
    assert a.desk.everything() == tenant.everything()


def test_dependents_of_a_rejection(station: Maker, tenant: Tenant) -> None:
    """What builds on a refused row goes with it, what was made since the request too; no more."""
    tenant.query("INSERT INTO visit (room, at) VALUES (1, '10:00')")
    later: list[str] = []

    def meanwhile(point: str) -> None:
        if point == "after_receive" and not later:
            with a.desk.doing() as tx:
                a.desk.update("visit", visit, note="made while the request was under way")
            later.append(tx)

    a = station(fault=meanwhile)
    with a.desk.doing() as refused:
        ana = a.desk.insert("person", name="Ana")
        visit = a.desk.insert("visit", room=1, at="10:00:00", person_id=ana)
    with a.desk.doing() as child:
        a.desk.insert("entry", person_id=ana, amount=500)
    with a.desk.doing() as free:
        a.desk.insert("person", name="Bruno")
    status = a.engine.sync_once()
    assert (status.pending, status.rejected) == (0, 3)
    assert drafts(a) == [(refused, "duplicate"), (child, "depends"), (later[0], "depends")]
    assert {d.detail.get("on") for d in store.rejections(a.desk.execute)} == {None, refused}
    assert free not in {d.tx for d in store.rejections(a.desk.execute)}
    assert [row["name"] for row in a.desk.rows("person").values()] == ["Bruno"]
    assert a.desk.everything() == tenant.everything()


@pytest.fixture
def pair(station: Maker, tenant: Tenant) -> tuple[Station, Station, int]:
    """Two workstations that both hold a client."""
    ana = tenant.value("INSERT INTO person (name, phone) VALUES ('Ana', '1') RETURNING id")
    return station(), station(), ana


def test_delete_before_an_offline_edit(pair: tuple[Station, Station, int], tenant: Tenant) -> None:
    """The edit is a draft: the row is gone, and what was typed is not."""
    a, b, ana = pair
    with a.desk.doing():
        a.desk.delete("person", ana)
    with b.desk.doing() as edit:
        b.desk.update("person", ana, phone="2")
    for one in (a, b, a):
        one.engine.sync_once()
    assert drafts(b) == [(edit, "gone")]
    (draft,) = store.rejections(b.desk.execute)
    assert (draft.operations[0].new, draft.detail["by"]["device"]) == ({"phone": "2"}, a.device)
    assert tenant.everything()["person"] == {}
    assert a.desk.everything() == b.desk.everything() == tenant.everything()


def test_offline_delete_after_an_edit(pair: tuple[Station, Station, int], tenant: Tenant) -> None:
    """The deletion is refused: it was of another row than it has become. The edit stands."""
    a, b, ana = pair
    with a.desk.doing():
        a.desk.update("person", ana, phone="2")
    with b.desk.doing() as deletion:
        b.desk.delete("person", ana)
    for one in (a, b, a):
        one.engine.sync_once()
    assert drafts(b) == [(deletion, "conflict")]
    assert store.rejections(b.desk.execute)[0].detail["theirs"] == {"phone": "2"}
    assert tenant.everything()["person"][ana]["phone"] == "2"
    assert a.desk.everything() == b.desk.everything() == tenant.everything()


@pytest.mark.parametrize("point", ["before_send", "after_receive"])
@pytest.mark.parametrize("then", ["edited", "deleted", "refused"])
def test_edit_while_its_row_is_in_flight(
    station: Maker, tenant: Tenant, point: str, then: str
) -> None:
    """A person goes on with a row between its sending and the answer: the later edit stays on top."""
    ana = tenant.value("INSERT INTO person (name, phone) VALUES ('Ana', '1') RETURNING id")
    seen: list[dict[str, object]] = []

    def meanwhile(reached: str) -> None:
        if reached == point and not seen:
            with a.desk.doing():
                if then == "deleted":
                    a.desk.delete("person", ana)
                else:
                    a.desk.update("person", ana, phone="3")
            seen.append(a.desk.rows("person"))
        elif reached == "after_commit" and len(seen) == 1:
            seen.append(a.desk.rows("person"))

    a = station(fault=meanwhile)
    with a.desk.doing():
        a.desk.update("person", ana, phone="2", balance=100)
    tenant.query("UPDATE person SET born = '2000-01-01'")
    if then == "refused":
        tenant.query("UPDATE person SET phone = 'theirs'")
    assert a.engine.sync_once().pending == 0
    on_screen, after = seen[0].get(ana), seen[1].get(ana)
    if then == "edited":
        # Never for a moment back to what it was in flight.
        assert after == {**on_screen, "born": "2000-01-01"}
        assert tenant.query("SELECT phone, balance FROM person") == [("3", 1)]
        assert drafts(a) == []
    elif then == "deleted":
        assert after is None
        # It was of the row as it was here: what another program wrote meanwhile stands.
        assert [code for _, code in drafts(a)] == ["conflict"]
    else:
        assert [code for _, code in drafts(a)] == ["conflict", "depends"]
        assert tenant.query("SELECT phone, balance FROM person") == [("theirs", None)]
    assert a.desk.everything() == tenant.everything()
