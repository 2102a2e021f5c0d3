"""kill -9, cuts and full disks at random moments: an archive is whole or not there, nothing between,
and the next try ends well. ``make trouble-upload RUNS=300`` runs so many of each kind.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from desktop.backup.places import naming
from desktop.backup.places.base import ABANDONED
from desktop.backup.places.retrying import Retrying
from desktop.backup.places.s3 import S3Place
from desktop.backup.places.webdav import WebDavPlace
from desktop.domain.errors import EnvironmentTrouble
from tests.backup.places import servers
from tests.backup.places.conftest import File, Kept
from tests.backup.places.cutter import cutting
from tests.backup.places.supabase_server import ANON, BUCKET, PASSWORD, USER

MIB = 1 << 20
MakeFile = Callable[[int], File]
RUNS = int(os.environ.get("CONSULTORIO_KILLS", "1"))

_CLIENT = """
import json, sys
from pathlib import Path
from desktop.backup.places.settings import PlaceKind, PlaceSettings, open_place
name, path, memory, given, secret = sys.argv[1:]
given = json.loads(given)
given["kind"] = PlaceKind(given["kind"])
place = open_place(PlaceSettings(**given), secret, unfinished=Path(memory))
place.put(name, Path(path))
print("verified", flush=True)
"""


def settings_of(kept: Kept, folder: str) -> tuple[str, str]:
    """The place's settings as JSON, and its secret."""
    given: dict[str, str] = {"id": "x", "address": f"http://127.0.0.1:{kept.cutter.port}"}
    if isinstance(kept.place, WebDavPlace):
        given |= {"kind": "webdav", "user": servers.WEBDAV_USER}
        given["address"] += f"/{folder}"
        return json.dumps(given), servers.WEBDAV_PASSWORD
    if isinstance(kept.place, S3Place):
        given |= {"kind": "s3", "bucket": kept.place._bucket, "prefix": "norte"}
        return json.dumps(given | {"user": servers.S3_KEY}), servers.S3_SECRET
    given |= {"kind": "supabase", "bucket": BUCKET, "prefix": "norte"}
    return json.dumps(given | {"user": USER, "public_key": ANON}), PASSWORD


@pytest.mark.parametrize("run", range(RUNS))
def test_a_client_that_is_killed(kept: Kept, make_file: MakeFile, tmp_path: Path, run: int) -> None:
    chance = random.Random(f"{type(kept.place).__name__} {run}")
    file = make_file(chance.choice([MIB, 9 * MIB]))
    settings, secret = settings_of(kept, tmp_path.name)
    client = subprocess.Popen(
        [
            *(sys.executable, "-c", _CLIENT, file.name, str(file.path)),
            *(str(tmp_path / "unfinished.json"), settings, secret),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    kept.cutter.wire = (
        chance.randrange(2 * file.print.size + 4000),
        lambda: os.kill(client.pid, signal.SIGKILL),
    )
    said, _ = client.communicate(timeout=60)
    assert (client.returncode == 0) == (said == "verified\n")
    # A server may still be taking what it was sent before the client died: what lies there stays.
    listed = [(each.name, each.size) for each in kept.place.list()]
    assert listed in ([], [(file.name, file.print.size)])
    there = {name: body for name, body in kept.inside().items() if naming.parse(name)}
    whole = file.path.read_bytes()
    assert there in ({}, {file.name: whole})
    if said or listed:
        assert there
    kept.cutter.wire = None
    kept.place.put(file.name, file.path)
    assert kept.inside()[file.name] == whole


@pytest.mark.parametrize("run", range(RUNS))
def test_a_network_that_is_cut_again_and_again(
    kept: Kept, make_file: MakeFile, tmp_path: Path, run: int
) -> None:
    """Up to seven cuts at any byte, some of a last try: verified, or nothing under the name."""
    chance = random.Random(f"{type(kept.place).__name__} cut {run}")
    file = make_file(chance.choice([1, MIB, 9 * MIB]))
    most = file.print.size + 5000
    kept.cutter.cuts = [
        (chance.choice(["up", "down"]), chance.randrange(chance.choice([500, most])))
        for _ in range(chance.randrange(1, 8))
    ]
    said = ""
    try:
        kept.place.put(file.name, file.path)
    except EnvironmentTrouble as trouble:
        said = trouble.code
    assert said in {"", "place.unreachable"}
    there = {name: body for name, body in kept.inside().items() if naming.parse(name)}
    assert there in ({}, {file.name: file.path.read_bytes()})
    assert there or said
    kept.cutter.cuts = [("down", chance.randrange(most))]
    kept.place.put(file.name, file.path)
    kept.place.get(file.name, tmp_path / "back", expected=file.print)
    assert (tmp_path / "back").read_bytes() == file.path.read_bytes()


@pytest.mark.parametrize("run", range(RUNS))
def test_a_server_that_is_killed_and_started_again(
    make_file: MakeFile, tmp_path: Path, retrying: Retrying, stack: ExitStack, run: int
) -> None:
    """The WebDAV server dies while it takes an archive; another one comes up over its folder."""
    chance = random.Random(run)
    file, folder = make_file(9 * MIB), tmp_path / "dav"
    folder.mkdir()
    first = stack.enter_context(servers.webdav_process(folder))
    cutter = stack.enter_context(cutting(first.port))
    started = []

    def die() -> None:
        first.kill()
        again = stack.enter_context(servers.webdav_process(folder))
        started.append(again)
        cutter.lead_to(again.port)

    cutter.wire = (chance.randrange(19 * MIB), die)
    place = WebDavPlace(
        f"http://127.0.0.1:{cutter.port}", servers.WEBDAV_USER, servers.WEBDAV_PASSWORD, retrying
    )
    stack.callback(place.close)
    place.put(file.name, file.path)
    assert len(started) == (cutter.wire is None)
    assert (folder / file.name).read_bytes() == file.path.read_bytes()
    leftovers = {each.name for each in folder.iterdir()} - {file.name}
    assert all(naming.is_part(name) for name in leftovers)
    long_ago = (folder / file.name).stat().st_mtime - ABANDONED.total_seconds() - 60
    for name in leftovers:
        os.utime(folder / name, (long_ago, long_ago))
    assert place.sweep() == len(leftovers)


@pytest.mark.parametrize("run", range(RUNS))
def test_a_disk_that_fills_up_at_any_byte(make_file: MakeFile, tmp_path: Path, run: int) -> None:
    """A quota of open files' sizes stands in for the disk's end: the write itself fails."""
    chance = random.Random(run)
    file, folder = make_file(5 * MIB), tmp_path / "casa"
    folder.mkdir()
    limited = f"ulimit -f {chance.randrange(1, file.print.size // 1024)}; trap '' XFSZ; exec \"$@\""
    ran = subprocess.run(
        [
            *(shutil.which("bash") or "/bin/bash", "-c", limited, "x", sys.executable, "-B", "-c"),
            *(_CLIENT, file.name, str(file.path), str(tmp_path / "unfinished.json")),
            f'{{"id": "x", "kind": "folder", "address": "{folder}"}}',
            "",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode != 0
    assert ran.stdout == ""
    assert "place.full" in ran.stderr
    assert list(folder.iterdir()) == []
