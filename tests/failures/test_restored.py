"""The server was put back to yesterday; what was acknowledged comes back, and everyone converges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync import store
from tests.failures.site import Site
from tests.support.cluster import Cluster
from tests.sync_client.world import Station

LOW = 1_000_000
HIGH = 50_000_000


class Day:
    """A day after the backup, and what has to be there when it is put back."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.a, self.b, self.asleep = site.station(), site.station(), site.station()
        self.ana = self.person(self.a, name="Ana", balance=100)
        site.sync()

    @staticmethod
    def person(one: Station, **values: object) -> int:
        with one.desk.doing():
            return one.desk.insert("person", **values)

    def work(self) -> None:
        """Two workstations and the web work and are acknowledged, one of the two has unsent work."""
        a, b, tenant = self.a, self.b, self.site.tenant
        self.bruno = self.person(a, name="Bruno", friend_id=self.ana)
        with b.desk.doing():
            b.desk.update("person", self.ana, phone="2", balance=250)
            b.desk.insert("entry", person_id=self.ana, amount=150)
        tenant.query("INSERT INTO person (name) VALUES ('web, lost')")
        self.site.sync(a, b)
        with a.desk.doing():
            a.desk.insert("entry", person_id=self.bruno, amount=9900)
        self.site.sync(a, b)
        with b.desk.doing():
            b.desk.update("person", self.bruno, phone="unsent")

    def all_is_back(self) -> None:
        """Everything that was acknowledged or waited is there once, and everyone has the same."""
        site, tenant = self.site, self.site.tenant
        tenant.query("INSERT INTO person (name) VALUES ('web, after')")
        site.sync()
        site.sync()
        there = tenant.everything()
        for one in site.stations:
            assert one.desk.everything() == there
            assert one.desk.pending() == []
            assert store.rejections(one.desk.execute) == []
        people = {row["name"]: row for row in there["person"].values()}
        assert set(people) == {"Ana", "Bruno", "web, after"}
        assert (people["Ana"]["phone"], people["Ana"]["balance"]) == ("2", 250)
        assert (people["Bruno"]["id"], people["Bruno"]["phone"]) == (self.bruno, "unsent")
        assert sorted(entry["amount"] for entry in there["entry"].values()) == [150, 9900]
        # They go on: new work, in both directions.
        self.person(self.a, name="next")
        site.sync()
        assert site.tenant.value("SELECT count(*) FROM person WHERE name = 'next'") == 1
        assert self.asleep.desk.everything() == tenant.everything()


def test_pg_restore_into_the_same_cluster(site: Site) -> None:
    day = Day(site)
    dump = site.dump()
    day.work()
    site.restore(dump)
    day.all_is_back()


@pytest.mark.parametrize(
    ("ours", "theirs"), [(HIGH, LOW), (LOW, HIGH)], ids=["lower numbers", "higher numbers"]
)
def test_pg_restore_into_another_cluster(
    site: Site, new_cluster: Callable[[], Cluster], ours: int, theirs: int
) -> None:
    """Its transactions have lower numbers than every cursor, or higher ones."""
    target = new_cluster()
    target.stop()
    target.pass_over(theirs)
    target.start()
    site.stop()
    site.cluster.pass_over(ours)
    site.start()
    day = Day(site)
    dump = site.dump()
    day.work()
    site.move(target)
    site.restore(dump)
    day.all_is_back()


def test_failover_to_a_server_that_was_behind(site: Site) -> None:
    day = Day(site)
    behind = site.cold_copy()
    day.work()
    site.fail_over(behind)
    day.all_is_back()


def test_numbers_below_a_sleepers_cursor_that_have_passed_it_when_it_wakes(
    site: Site, new_cluster: Callable[[], Cluster]
) -> None:
    """Moved to a cluster with lower numbers, which are higher when the one workstation comes back.

    Neither its cursor nor its generation is ahead of the server then, and what the web wrote
    meanwhile has numbers that the cursor has passed.
    """
    site.stop()
    site.cluster.pass_over(LOW)
    site.start()
    asleep = site.station()
    site.sync()
    dump = site.dump()
    site.move(new_cluster())
    site.restore(dump)
    site.tenant.query("INSERT INTO person (name) VALUES ('web, meanwhile')")
    site.stop()
    site.cluster.pass_over(HIGH)
    site.start()
    site.sync()
    assert asleep.desk.everything() == site.tenant.everything()
    assert [row["name"] for row in asleep.desk.rows("person").values()] == ["web, meanwhile"]
