"""A workstation's process that ends itself, as by ``kill -9``, at a named point of its work."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sync.bootstrap import bootstrap
from sync.engine import SyncEngine
from sync.transport import PostgresServer
from tests.sync_client.world import NOW, SCHEMA, connect, create_indexes, create_tables


def main(task: dict[str, Any]) -> None:
    left = task["times"]

    def fault(point: str) -> None:
        nonlocal left
        if point == task["point"]:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    server = PostgresServer(task["params"], task["schema"])
    path = Path(task["path"])
    if task["work"] == "bootstrap":
        bootstrap(
            connect(path),
            server,
            SCHEMA,
            task["device"],
            create_tables=create_tables,
            create_indexes=create_indexes,
            clock=lambda: NOW,
            fault=fault,
            chunk=10,
        )
    else:
        SyncEngine(
            lambda: connect(path), server, SCHEMA, clock=lambda: NOW, fault=fault
        ).sync_once()


if __name__ == "__main__":
    main(json.loads(sys.stdin.read()))
