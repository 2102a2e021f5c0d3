"""Other programs that change a hundred thousand rows, or very wide ones, or empty a table."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

from sync import store
from tests.sync_client.test_faults import ROOT
from tests.sync_client.world import Maker, Station, Tenant

ROWS = 100_000
WIDE_ROWS = 2_000
WIDE = 100_000
"""Characters in each of them: 200 MB in all."""
MEGABYTES = 300
"""What the process may hold at its peak, interpreter and page cache included."""
SECONDS = 60.0
"""Ten times what it takes on two idle cores: a bound, no measurement."""

WORKSTATION = """
import json, sys, time
from pathlib import Path
from tests.sync_client.victim import main
began = time.monotonic()
main(json.load(sys.stdin))
(peak,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
print(int(peak.split()[1]) / 1024, time.monotonic() - began)
"""


def synced(one: Station, tenant: Tenant) -> tuple[float, float]:
    """Exchange in a process of its own until nothing is left; its peak in MB, and seconds."""
    task = {"work": "sync", "point": "", "times": 1, "path": str(one.path)}
    done = subprocess.run(
        [sys.executable, "-c", WORKSTATION],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=json.dumps({**task, "params": one.params, "schema": tenant.name}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    megabytes, seconds = map(float, done.stdout.split())
    return megabytes, seconds


def test_bulk_update_of_100000_rows_by_another_program(station: Maker, tenant: Tenant) -> None:
    """It comes whole, beside work that waits; memory and time stay bounded."""
    tenant.query(
        "INSERT INTO person (name, phone) SELECT 'p' || n, md5(n::text)"
        " FROM generate_series(1, %s) n",
        ROWS,
    )
    a = station()
    with a.desk.doing():
        a.desk.update("person", 7, phone="typed here")
    tenant.query(
        "UPDATE person SET balance = id, active = true, phone = phone || '*' WHERE id <> 7"
    )
    megabytes, seconds = synced(a, tenant)
    assert a.desk.pending() == []
    assert a.desk.everything() == tenant.everything()
    assert a.desk.rows("person")[7]["phone"] == "typed here"
    assert megabytes < MEGABYTES, f"{megabytes:.0f} MB"
    assert seconds < SECONDS, f"{seconds:.1f} s"


def test_a_bulk_update_of_wide_rows(station: Maker, tenant: Tenant) -> None:
    """Documents of 100 kB each, more than one answer may ever hold, come in pieces."""
    tenant.query("INSERT INTO visit (room) SELECT n FROM generate_series(1, %s) n", WIDE_ROWS)
    a = station()
    tenant.query("UPDATE visit SET note = room || repeat('ñandú ', %s)", WIDE // 6)
    megabytes, _seconds = synced(a, tenant)
    ours = "SELECT id, note FROM visit ORDER BY id"
    digests = [
        [(row_id, hashlib.sha256(note.encode()).digest()) for row_id, note in rows]
        for rows in (a.desk.execute(ours), tenant.query(ours))
    ]
    assert len(digests[0]) == WIDE_ROWS
    assert digests[0] == digests[1]
    assert megabytes < MEGABYTES, f"{megabytes:.0f} MB"


def test_truncate(station: Maker, tenant: Tenant) -> None:
    """Of a truncated table nothing stays but what came after; work that waited is told of."""
    a, b = station(), station()
    tenant.query("INSERT INTO visit (room) SELECT n FROM generate_series(1, 20) n")
    a.engine.sync_once()
    b.engine.sync_once()
    first, *_ = a.desk.rows("visit")
    with a.desk.doing() as edit:
        a.desk.update("visit", first, note="typed offline")
    with a.desk.doing():
        mine = a.desk.insert("visit", room=50)
    tenant.query("TRUNCATE visit")
    tenant.query("INSERT INTO visit (room) VALUES (60)")
    for one in (a, b, a):
        one.engine.sync_once()
    (draft,) = store.rejections(a.desk.execute)
    assert (draft.tx, draft.code, draft.operations[0].new) == (
        edit,
        "gone",
        {"note": "typed offline"},
    )
    assert sorted(row["room"] for row in tenant.everything()["visit"].values()) == [50, 60]
    assert mine in b.desk.rows("visit")
    assert a.desk.everything() == b.desk.everything() == tenant.everything()
