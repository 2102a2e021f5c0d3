"""Takes one backup in a process of its own and says what it took: so that its memory can be measured.

Reads a task as a line of JSON, writes what was found as another.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from desktop.backup.keys import Signer, new_clinic_keys
from desktop.backup.take import Sealing, Taken, Who, take_full
from desktop.backup.take_incremental import Since, take_incremental
from tests.bench.backup.memory import most_memory


def since(taken: Taken) -> Since:
    """What an incremental goes on from."""
    manifest = taken.contents.manifest
    assert manifest.cursor is not None
    assert manifest.epoch is not None
    return Since(
        taken.contents.manifest_hash,
        manifest.cursor,
        manifest.epoch,
        manifest.schema_version,
        manifest.revision,
    )


def run(task: dict[str, Any]) -> dict[str, Any]:
    """One backup, full or since another."""
    keys = new_clinic_keys()
    sealing = Sealing(Signer.generate(), (keys.recipient, keys.recovery_recipient))
    with psycopg.connect(**task["server"], autocommit=True) as connection:
        path = Path(task["path"])
        before = time.perf_counter()
        if task["since"] is None:
            taken = take_full(connection, task["schema"], path, sealing, Who())
        else:
            taken = take_incremental(
                connection, task["schema"], path, sealing, Who(), Since(**task["since"])
            )
        seconds = time.perf_counter() - before
    going_on = since(taken)
    return {
        "seconds": seconds,
        "kind": taken.kind,
        "size": taken.receipt.size,
        "rows": taken.receipt.rows,
        "memory": most_memory(),
        "identity": keys.identity,
        "signer": sealing.signer.public,
        "since": {name: getattr(going_on, name) for name in Since.__dataclass_fields__},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.stdin.readline()))) + "\n")
