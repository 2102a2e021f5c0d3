"""One workstation's cache twice: an older image of its disk, two processes at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sync import store
from sync.schema import device_of
from tests.sync_client.test_faults import start
from tests.sync_client.world import Desk, Maker, Station, Tenant, connect


def image_of(one: Station, path: Path) -> Path:
    """The cache's file as it is now."""
    one.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(one.path, path)
    return path


def put_back(one: Station, image: Path) -> None:
    """The computer is set back to an image of its disk, and started."""
    one.close()
    for old in one.path.parent.glob(f"{one.path.name}*"):
        old.unlink()
    shutil.copy(image, one.path)
    one.connection = connect(one.path)
    one.desk = Desk(one.connection)
    one.engine = one.make_engine()


@pytest.mark.parametrize("unsynced", [False, True], ids=["nothing unsent", "unsent work in it"])
def test_disk_image_put_back(
    station: Maker, tenant: Tenant, tmp_path: Path, unsynced: bool
) -> None:
    """Yesterday's file comes back: what was sent since is there once, what is new gets new ids."""
    a, b = station(), station()
    with a.desk.doing():
        ana = a.desk.insert("person", name="Ana")
    a.engine.sync_once()
    if unsynced:
        with a.desk.doing():
            a.desk.insert("entry", person_id=ana, amount=500)
            a.desk.update("person", ana, phone="in the image")
    image = image_of(a, tmp_path / "yesterday.db")
    with a.desk.doing():
        a.desk.insert("person", name="after the image", friend_id=ana)
        a.desk.update("person", ana, balance=100)
    a.engine.sync_once()
    b.engine.sync_once()
    before, number = tenant.everything(), a.device

    put_back(a, image)
    # Before it can know: its counter would give ids again that were given since.
    with a.desk.doing():
        clash = a.desk.insert("person", name="typed on the image", friend_id=ana)
    assert clash in before["person"] or unsynced
    status = a.engine.sync_once()
    assert (status.pending, status.rejected) == (0, 0)
    b.engine.sync_once()
    after = tenant.everything()
    new = set(after["person"]) - set(before["person"])
    assert {after["person"][row]["name"] for row in new} == {"typed on the image"}
    assert all(after["person"][row] == before["person"][row] for row in before["person"])
    assert after["entry"] == before["entry"]
    assert {device_of(row) for row in new} == {a.device}
    assert a.device != number
    assert a.desk.everything() == b.desk.everything() == after


def test_two_processes_on_one_cache(station: Maker, tenant: Tenant) -> None:
    """The program keeps a second one out by a lock; where that fails, nothing is lost or done twice."""
    a = station()
    with a.desk.doing():
        ana = a.desk.insert("person", name="Ana")
    for number in range(2):
        for part in range(20):
            with a.desk.doing():
                a.desk.insert("entry", person_id=ana, amount=100 * number + part)
                a.desk.update("person", ana, phone=f"{number}/{part}")
        both = [
            start(work="sync", path=str(a.path), params=a.params, schema=tenant.name)
            for _ in range(2)
        ]
        with a.desk.doing():
            a.desk.insert("entry", person_id=ana, amount=100 * number + 50)
        for one in both:
            _, errors = one.communicate(timeout=60)
            assert one.returncode == 0, errors.decode()
    assert a.engine.sync_once().pending == 0
    assert store.rejections(a.desk.execute) == []
    amounts = sorted(row["amount"] for row in tenant.everything()["entry"].values())
    assert amounts == sorted(100 * n + p for n in range(2) for p in (*range(20), 50))
    assert a.desk.everything() == tenant.everything()
