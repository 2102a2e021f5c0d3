"""The server was put back from a backup: what was acknowledged comes back, and everyone converges."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from sync import acked, compare, store
from sync.calls import drive
from sync.errors import AccessRefused, GreetingWanted, SyncError, Unreachable
from sync.exchange import exchange_once
from sync.recovery import RESTORED, recovering
from sync.schema import device_of
from sync.transport import PostgresServer
from tests.support.strictness import Collector
from tests.sync_client.proxy import proxied
from tests.sync_client.world import NOW, SCHEMA, Desk, Maker, Station, Tenant, connect


def sync(*stations: Station) -> None:
    """Everyone exchanges until nobody has anything new."""
    for _round in range(2):
        for one in stations:
            one.engine.sync_once()


def alike(tenant: Tenant, *stations: Station) -> None:
    there = tenant.everything()
    for one in stations:
        assert one.desk.everything() == there
        assert one.desk.pending() == []


def person(one: Station, **values: Any) -> int:
    with one.desk.doing():
        return one.desk.insert("person", **values)


@pytest.fixture
def two(station: Maker) -> tuple[Station, Station]:
    return station(), station()


def test_what_the_backup_lacked_comes_back_from_the_workstations(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    old = person(a, name="old", balance=100)
    sync(a, b)
    kept = tenant.backup()
    mine = person(a, name="after the backup", friend_id=old)
    with b.desk.doing():
        b.desk.update("person", old, phone="222", balance=250)
    sync(a, b)
    with a.desk.doing():
        a.desk.update("person", old, name="renamed")
        a.desk.insert("visit", person_id=mine, room=4)
    sync(a, b)
    before = tenant.everything()
    tenant.put_back(kept)
    assert tenant.everything() != before

    sync(a, b)
    assert tenant.everything() == before
    alike(tenant, a, b)
    assert (store.rejected_count(a.desk.execute), store.rejected_count(b.desk.execute)) == (0, 0)
    # Rows that were acknowledged keep their ids; new ones are of a number that no copy has.
    assert device_of(person(a, name="new")) not in {device_of(mine), device_of(old)}
    sync(a, b)
    alike(tenant, a, b)


def test_work_that_waited_is_pushed_after_what_is_offered_again(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    sync(a, b)
    kept = tenant.backup()
    mine = person(a, name="acknowledged")
    sync(a)
    waiting = person(a, name="waiting", friend_id=mine)
    with a.desk.doing():
        a.desk.update("person", mine, phone="1")
    tenant.put_back(kept)
    sync(a, b)
    alike(tenant, a, b)
    rows = tenant.everything()["person"]
    assert {row["name"] for row in rows.values()} == {"acknowledged", "waiting"}
    assert rows[mine]["phone"] == "1"
    # It was never acknowledged, so its id was free to change.
    assert waiting not in rows


def test_a_workstation_that_only_read_finds_out(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    tenant.query("INSERT INTO person (name) VALUES ('before')")
    sync(a, b)
    kept = tenant.backup()
    tenant.query("INSERT INTO person (name) VALUES ('lost')")
    sync(b)
    assert len(b.desk.rows("person")) == 2
    tenant.put_back(kept)
    sync(b)
    alike(tenant, b)
    # What the web wrote and no backup has is gone; its number is not given to another person.
    tenant.query("INSERT INTO person (name) VALUES ('after')")
    rows = {row["name"]: row["id"] for row in tenant.everything()["person"].values()}
    assert rows["after"] == rows["before"] + 2
    sync(a, b)
    alike(tenant, a, b)


def test_the_first_proof_gives_an_epoch_of_which_all_hear(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    """Who exchanged nothing since the backup can't know by itself; archives go by the epoch, too."""
    a, b = two
    sync(a, b)
    kept = tenant.backup()
    before = tenant.value("SELECT epoch::text FROM sync_meta")
    person(a, name="after the backup")
    sync(a)
    tenant.put_back(kept)
    sync(a)
    epoch = tenant.value("SELECT epoch::text FROM sync_meta")
    assert epoch != before
    assert store.get_state(a.desk.execute, "epoch") == epoch
    assert store.get_state(b.desk.execute, "epoch") == before
    sync(b)
    assert store.get_state(b.desk.execute, "epoch") == epoch
    alike(tenant, a, b)


def test_the_sleeper_and_the_one_that_was_awake_agree(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    """One has not exchanged since the backup, and sees nothing of it by itself."""
    a, b = two
    sync(a, b)
    kept = tenant.backup()
    person(a, name="acknowledged")
    sync(a)
    tenant.put_back(kept)
    sync(b)  # nothing tells it yet
    with b.desk.doing():
        b.desk.insert("person", name="made meanwhile")
    sync(b)
    sync(a, b)
    alike(tenant, a, b)
    names = {row["name"] for row in tenant.everything()["person"].values()}
    assert names == {"acknowledged", "made meanwhile"}


def test_what_builds_on_anothers_lost_work_waits_for_it(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    sync(a, b)
    kept = tenant.backup()
    theirs = person(a, name="a's")
    sync(a, b)
    with b.desk.doing():
        b.desk.update("person", theirs, phone="b's")
    with b.desk.doing():
        b.desk.insert("visit", person_id=theirs, room=1)
    sync(b, a)
    tenant.put_back(kept)
    sync(b)  # before a: neither the row nor what it refers to is there
    assert len(b.desk.pending()) == 2
    assert store.rejected_count(b.desk.execute) == 0
    with b.desk.doing():
        b.desk.insert("visit", person_id=theirs, room=2)  # what was deferred stops nothing else
    sync(a)
    sync(b, a)
    alike(tenant, a, b)
    assert tenant.everything()["person"][theirs]["phone"] == "b's"
    assert len(tenant.everything()["visit"]) == 2


def test_what_can_not_come_back_reaches_a_person_after_ten_minutes(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    tenant.query("INSERT INTO person (name) VALUES ('web')")
    sync(a, b)
    kept = tenant.backup()
    tenant.query("INSERT INTO person (name) VALUES ('web, lost')")
    sync(a, b)
    (lost,) = [i for i, row in a.desk.rows("person").items() if row["name"] == "web, lost"]
    with a.desk.doing("visit.book") as tx:
        a.desk.insert("visit", person_id=lost, room=1)
    sync(a)
    tenant.put_back(kept)
    sync(a, b)
    assert a.desk.pending() == [tx]
    tenant.query("UPDATE sync_device SET recovered_at = now() - interval '11 minutes'")
    sync(a)
    (refused,) = store.rejections(a.desk.execute)
    assert (refused.tx, refused.code) == (tx, "parent_missing")
    assert refused.operations[0].new["person_id"] == lost
    alike(tenant, a)


def test_put_back_on_purpose_nothing_returns_by_itself(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    old = person(a, name="old")
    sync(a, b)
    kept = tenant.backup()
    with a.desk.doing("client.edit") as tx:
        a.desk.update("person", old, phone="1")
        a.desk.insert("person", name="new")
    sync(a, b)
    waiting = person(b, name="waiting")
    tenant.put_back(kept)
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid(), on_restore = 'review'")
    sync(a, b)
    alike(tenant, a, b)
    rows = tenant.everything()["person"]
    assert {row["name"] for row in rows.values()} == {"old", "waiting"}
    assert waiting not in rows
    (draft,) = store.rejections(a.desk.execute)
    assert (draft.tx, draft.code, draft.label) == (tx, RESTORED, "client.edit")
    assert [o.kind for o in draft.operations] == ["U", "I"]
    assert store.rejected_count(b.desk.execute) == 0


def test_the_answer_to_a_recovery_is_lost(
    station: Maker, tenant: Tenant, strict: Collector
) -> None:
    strict.expect("sync.engine", "sync stumbled: Cut")

    class Cut(Exception):
        pass

    def fault(point: str) -> None:
        if point == "recovery_received" and not cut:
            cut.append(point)
            raise Cut

    cut: list[str] = []
    a = station(fault=fault)
    sync(a)
    kept = tenant.backup()
    mine = person(a, name="acknowledged")
    sync(a)
    tenant.put_back(kept)
    with pytest.raises(Exception, match=r"sync\.cache_failed"):
        a.engine.sync_once()
    devices = tenant.value("SELECT count(*) FROM sync_device")
    sync(a)
    alike(tenant, a)
    assert mine in tenant.everything()["person"]
    assert tenant.value("SELECT count(*) FROM sync_device") == devices == 2


@pytest.mark.parametrize("point", ["recovery_renamed", "recovery_kept", "before_commit"])
def test_a_recovery_that_is_killed_is_done_again(
    station: Maker, tenant: Tenant, strict: Collector, point: str
) -> None:
    strict.expect("sync.engine", "sync stumbled: Cut")

    class Cut(Exception):
        pass

    def fault(reached: str) -> None:
        if armed and reached == point:
            armed.clear()
            raise Cut

    armed: list[bool] = []
    a = station(fault=fault)
    sync(a)
    kept = tenant.backup()
    mine = person(a, name="acknowledged")
    sync(a)
    waiting = person(a, name="waiting", friend_id=mine)
    tenant.put_back(kept)
    armed.append(True)
    with pytest.raises(Exception, match=r"sync\.cache_failed"):
        a.engine.sync_once()
    assert not armed
    assert a.desk.rows("person").keys() == {mine, waiting}
    sync(a)
    alike(tenant, a)
    rows = tenant.everything()["person"]
    assert {row["name"] for row in rows.values()} == {"acknowledged", "waiting"}


def test_a_copy_of_the_cache_and_a_server_put_back(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    a = station()
    sync(a)
    kept = tenant.backup()
    mine = person(a, name="acknowledged by both")
    sync(a)
    a.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(a.path, tmp_path / "copy.db")
    number = a.device
    person(a, name="the first one's")
    tenant.put_back(kept)
    sync(a)
    copy = connect(tmp_path / "copy.db")
    desk = Desk(copy)
    with desk.doing():
        desk.insert("person", name="the copy's")
    copy.close()
    engine = a.make_engine()
    engine._connect_cache = lambda: connect(tmp_path / "copy.db")
    engine.sync_once()
    engine.close()
    sync(a)
    rows = tenant.everything()["person"]
    assert {row["name"] for row in rows.values()} == {
        "acknowledged by both",
        "the first one's",
        "the copy's",
    }
    assert mine in rows
    assert len({device_of(i) for i in rows}) == 3
    assert number not in {device_of(i) for i in rows if i != mine}
    alike(tenant, a)


def test_a_copy_that_was_there_first_hides_no_restoration(
    station: Maker, tenant: Tenant, tmp_path: Path
) -> None:
    """It has the very nonce of the backup, and comes further than the true cache ever was."""
    a = station()
    sync(a)
    copy = a.copied(tmp_path / "copy.db")
    kept = tenant.backup()
    mine = person(a, name="the same id")
    more = person(a, name="after the backup")
    tenant.query("INSERT INTO person (name) VALUES ('of the web')")
    sync(a)
    tenant.put_back(kept)
    sync(copy, copy)
    theirs = person(copy, name="the copy's")
    sync(copy)
    assert store.generation(copy.desk.execute) > store.generation(a.desk.execute)
    sync(a, copy)
    rows = tenant.everything()["person"]
    assert {i: row["name"] for i, row in rows.items()} == {
        theirs: "the copy's",
        more: "after the backup",
    }
    assert a.device != copy.device
    # Both gave one id; who came first keeps it, and the other's row is kept for a person.
    assert theirs == mine
    (refused,) = store.rejections(a.desk.execute)
    assert (refused.code, refused.operations[0].new["name"]) == ("duplicate", "the same id")
    alike(tenant, a, copy)
    copy.close()


def test_a_copy_asks_about_all_that_waits(station: Maker, tenant: Tenant, tmp_path: Path) -> None:
    """Also about what is beyond the part of a long outbox that goes into one exchange."""
    a = station()
    sync(a)
    for n in range(5):
        person(a, name=f"number {n}")
    copy = a.copied(tmp_path / "copy.db")
    sync(a)
    with closing(copy.server.connect()) as transport:
        for _step in range(20):
            exchange_once(copy.connection, transport, SCHEMA, lambda: NOW, push_limit=1)
    assert [row["name"] for row in tenant.everything()["person"].values()] == [
        f"number {n}" for n in range(5)
    ]
    assert store.rejected_count(copy.desk.execute) == 0
    sync(copy)
    alike(tenant, a, copy)
    copy.close()


@pytest.mark.parametrize("waits", [False, True], ids=["nothing waits", "something waits"])
def test_a_copy_from_before_a_lost_answer_came_is_told_apart_before_anything_new_is_taken(
    station: Maker, tenant: Tenant, tmp_path: Path, waits: bool
) -> None:
    """Both repeat the exchange that was not answered, and nobody can tell them apart by it."""
    a = station()
    old = person(a, name="old")
    sync(a)
    if waits:
        person(a, name="before the copy")
    assert not answered(a)
    copy = a.copied(tmp_path / "copy.db")
    mine, theirs = person(a, name="mine"), person(copy, name="the copy's")
    assert mine == theirs
    assert answered(copy, loses=False)
    assert answered(a, loses=False)
    with a.desk.doing():
        a.desk.update("person", old, name="renamed")
    sync(a, copy)
    names = sorted(row["name"] for row in tenant.everything()["person"].values())
    assert names == sorted(["mine", "renamed", "the copy's"] + ["before the copy"] * waits)
    assert [store.rejected_count(one.desk.execute) for one in (a, copy)] == [0, 0]
    assert a.device != copy.device
    alike(tenant, a, copy)
    copy.close()


def answered(one: Station, *, loses: bool = True) -> bool:
    """One exchange; ``loses``: its answer."""

    class Lost(Exception):
        pass

    def lose(point: str) -> None:
        if loses and point == "after_receive":
            raise Lost

    with closing(one.server.connect()) as transport, suppress(Lost):
        exchange_once(one.connection, transport, SCHEMA, lambda: NOW, lose)
        return True
    return False


def test_what_was_acknowledged_is_kept_for_35_days(two: tuple[Station, Station]) -> None:
    a, _ = two
    person(a, name="x")
    sync(a)
    now = a.engine._clock()
    (tx,) = acked.ids(a.desk.execute)
    acked.prune(a.desk.execute, now + acked.KEPT)
    assert acked.ids(a.desk.execute) == [tx]
    acked.prune(a.desk.execute, now + acked.KEPT * 1.001)
    assert acked.ids(a.desk.execute) == []


def test_a_backup_between_an_exchange_and_its_repeat(station: Maker, tenant: Tenant) -> None:
    """Catches a repeat that leaves no trace: what it brought would stay, and nobody would notice."""
    a = station()
    with proxied(a.params) as proxy:
        engine = a.make_engine(server=PostgresServer(proxy.params, tenant.name))
        proxy.on_answer = lambda: None
        with pytest.raises(Unreachable):
            engine.sync_once()
        engine.close()
    kept = tenant.backup()
    tenant.query("INSERT INTO person (name) VALUES ('after the backup')")
    person(a, name="waits")
    with closing(a.server.connect()) as transport:
        exchange_once(a.connection, transport, SCHEMA, lambda: NOW)
    assert len(a.desk.rows("person")) == 2
    tenant.put_back(kept)
    sync(a)
    alike(tenant, a)
    assert [row["name"] for row in tenant.everything()["person"].values()] == ["waits"]


@pytest.mark.parametrize("mode", ["offer", "review"])
def test_what_was_applied_and_never_answered_is_settled_before_ids_change(
    two: tuple[Station, Station], tenant: Tenant, mode: str
) -> None:
    """Catches a child whose parent gets a new id that the server never heard of."""
    a, b = two
    sync(a, b)
    state = {key: store.get_state(a.desk.execute, key) for key in ("nonce", "exchange")}
    with a.desk.doing() as tx:
        parent = a.desk.insert("person", name="parent")
    # Applied, and the answer lost: the server has it, the workstation's outbox has it still.
    a.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = a.path.read_bytes()
    sync(a)
    a.engine._release()
    a.connection.close()
    a.path.write_bytes(before)
    for rest in ("-wal", "-shm"):
        a.path.with_name(a.path.name + rest).unlink(missing_ok=True)
    a.connection = connect(a.path)
    a.desk = Desk(a.connection)
    assert a.desk.pending() == [tx]
    assert {key: store.get_state(a.desk.execute, key) for key in state} == state
    with a.desk.doing():
        a.desk.insert("visit", person_id=parent, room=1)
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid(), on_restore = %s", mode)
    with closing(a.server.connect()) as transport:
        assert drive(recovering(a.connection, SCHEMA, lambda: NOW), transport)
    # From the first moment, and not only once it was sent again.
    assert tx not in a.desk.pending()
    assert a.desk.rows("person").keys() == {parent}
    sync(a, b)
    alike(tenant, a, b)
    assert store.rejected_count(a.desk.execute) == 0
    assert tenant.everything()["person"].keys() == {parent}
    (visit,) = tenant.everything()["visit"].values()
    assert visit["person_id"] == parent


def test_a_number_given_after_the_backup_is_not_given_again(station: Maker, tenant: Tenant) -> None:
    a = station()
    kept = tenant.backup()
    forgotten, _ = tenant.enroll()
    sync(a)
    tenant.put_back(kept)
    tenant.query("SELECT setval('sync_device_number', (SELECT max(number) FROM sync_device))")
    sync(a)
    assert a.device > forgotten + 60


def test_offering_again_is_no_way_to_take_anothers_ids(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    a, b = two
    theirs = person(b, name="b's")
    with a.desk.doing() as tx:
        a.connection.execute("INSERT INTO person (id, name) VALUES (?, 'forged')", (theirs + 9,))
    a.desk.execute("INSERT INTO sync_again (tx) VALUES (?)", (tx,))
    sync(a, b)
    (refused,) = store.rejections(a.desk.execute)
    assert (refused.tx, refused.code) == (tx, "foreign_id")
    alike(tenant, a, b)


def test_rows_are_not_read_in_the_columns_of_another_version(
    station: Maker, tenant: Tenant
) -> None:
    a = station()
    transport = a.server.connect()
    assert transport.read(a.device, "person", 0, 10, 1000) == "[]"
    tenant.query("UPDATE sync_meta SET schema_version = 4")
    for ask in (
        lambda: transport.read(a.device, "person", 0, 10, 1000),
        lambda: transport.read_ids(a.device, "person", [1], 1000),
        lambda: transport.sums(a.device, "person", 0, 10),
        lambda: transport.hashes(a.device, "person", 0, 4095, "1:1:"),
    ):
        with pytest.raises(GreetingWanted):
            ask()
    transport.close()
    store.set_state(a.desk.execute, "checking", compare.Progress.of(["person"]).text())
    assert a.engine.sync_once().state == "in_step"


def test_what_is_offered_again_is_seen_at_once(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    """Also a row that somebody else deleted since: that deletion is lost, too."""
    a, _ = two
    sync(a)
    kept = tenant.backup()
    mine = person(a, name="mine")
    sync(a)
    tenant.query("DELETE FROM person")
    sync(a)
    assert mine not in a.desk.rows("person")
    tenant.put_back(kept)
    with closing(a.server.connect()) as transport:
        outcome = exchange_once(a.connection, transport, SCHEMA, lambda: NOW)
    assert outcome.status == "recovered"
    assert mine in a.desk.rows("person")
    sync(a)
    alike(tenant, a)
    assert mine in tenant.everything()["person"]


def test_a_number_that_the_backup_does_not_know_is_known_by_its_login(
    two: tuple[Station, Station], tenant: Tenant
) -> None:
    """The workstation got it after the backup: as a copy, or in an earlier recovery."""
    a, b = two
    old = person(a, name="old")
    sync(a, b)
    kept = tenant.backup()
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    number = a.device
    sync(a, b)
    assert a.device != number
    mine = person(a, name="made under the number that is lost", friend_id=old)
    assert device_of(mine) == a.device
    sync(a, b)
    tenant.put_back(kept)
    tenant.query("SELECT setval('sync_device_number', (SELECT max(number) FROM sync_device))")
    waiting = person(a, name="waiting", friend_id=mine)
    sync(a, b)
    sync(a, b)
    alike(tenant, a, b)
    rows = tenant.everything()["person"]
    assert {row["name"] for row in rows.values()} == {
        "old",
        "made under the number that is lost",
        "waiting",
    }
    assert rows[mine]["friend_id"] == old
    assert waiting not in rows
    assert (store.rejected_count(a.desk.execute), store.rejected_count(b.desk.execute)) == (0, 0)


def test_a_lost_number_that_somebody_else_has_now_stays_theirs(
    two: tuple[Station, Station], station: Maker, tenant: Tenant
) -> None:
    a, b = two
    sync(a, b)
    kept = tenant.backup()
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    sync(a)
    mine = person(a, name="a's")
    sync(a)
    lost = a.device
    tenant.put_back(kept)
    tenant.query("SELECT setval('sync_device_number', %s, false)", lost)
    c = station()
    assert c.device == lost
    theirs = person(c, name="c's")
    assert theirs == mine
    sync(c, a)
    sync(c, a)
    (refused,) = store.rejections(a.desk.execute)
    assert (refused.code, refused.operations[0].new["name"]) == ("foreign_id", "a's")
    assert tenant.everything()["person"][theirs]["name"] == "c's"
    alike(tenant, a, c)


def test_who_was_shut_out_is_not_let_in_by_a_lost_number(station: Maker, tenant: Tenant) -> None:
    a = station()
    sync(a)
    tenant.query("UPDATE sync_device SET revoked_at = now()")
    store.set_device(a.desk.execute, 77)
    with pytest.raises(AccessRefused):
        a.engine.sync_once()


def test_who_is_shut_out_with_rows_still_to_be_read_is_told_why(
    station: Maker, tenant: Tenant
) -> None:
    """The reading itself is only refused; catches a workstation that never asks further."""
    a = station()
    a.desk.execute("INSERT INTO sync_later (tbl, row_id) VALUES ('person', 5)")
    tenant.query("UPDATE sync_device SET revoked_at = now() WHERE number = %s", a.device)
    with pytest.raises(SyncError) as caught:
        a.engine.sync_once()
    assert caught.value.code == "sync.revoked"


def test_a_number_that_the_backup_lacks_is_found_out_with_rows_still_to_be_read(
    station: Maker, tenant: Tenant
) -> None:
    a = station()
    sync(a)
    kept = tenant.backup()
    tenant.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    sync(a)
    a.desk.execute("INSERT INTO sync_later (tbl, row_id) VALUES ('person', 5)")
    tenant.put_back(kept)
    sync(a)
    assert a.desk.execute("SELECT * FROM sync_later") == []
    alike(tenant, a)
