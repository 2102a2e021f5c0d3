"""Restores one archive in a process of its own and says what it took: verification, load, and the rest.

Reads a task as a line of JSON, writes what was found as another.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import ArchiveReader, verify
from desktop.backup.restore import restore
from desktop.services.tenancy import Migrations
from tests.bench.backup.memory import most_memory


def run(task: dict[str, Any]) -> dict[str, Any]:
    """One restore, from the first byte of the file to the commit's return.

    Moments are of the clock that all processes of the computer share.
    """
    loaded = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal loaded
        if done == total:
            loaded = time.monotonic()

    identities = [task["identity"]]
    with (
        psycopg.connect(task["dsn"], autocommit=True) as connection,
        Path(task["path"]).open("rb") as file,
    ):
        began = time.monotonic()
        contents = verify(file, identities, trusted=[task["signer"]], texts=Texts.LEFT)
        verified = time.monotonic()
        with ArchiveReader(file, identities, contents) as reader:
            restored = restore(
                connection,
                task["schema"],
                [reader],
                Migrations(),
                safety="kept elsewhere",
                progress=progress,
            )
        ended = time.monotonic()
    return {
        "began": began,
        "ended": ended,
        "seconds": ended - began,
        "verify": verified - began,
        "load": loaded - verified,
        "finish": ended - loaded,
        "held": restored.held_ms,
        "rows": sum(restored.rows.values()),
        "memory": most_memory(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.stdin.readline()))) + "\n")
