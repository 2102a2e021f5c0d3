"""One workstation of the busy hour, in a process of its own: cache, engine, a receptionist.

Reads lines of JSON and answers with lines of JSON: a :class:`Task`, then ``go`` with the moment at
which the hour begins, then ``end``. Moments are of the monotonic clock, which the processes of one
computer share.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop.domain.actor import Actor
from desktop.domain.clinic_time import Day
from desktop.domain.permissions import ALL
from desktop.models import sync_schema
from desktop.services import clinic as clinic_settings
from desktop.services.cache import Cache
from sync import store
from sync.core import Timing
from sync.engine import SyncEngine, SyncStatus
from sync.transport import PostgresServer
from tests.bench.sync.receptionist import DAYS, Receptionist

PATIENCE = 300.0
NOTES = """
SELECT notas FROM citas_cita WHERE fecha_hora >= ? AND fecha_hora < ? AND notas LIKE 'm%'
"""


@dataclass(frozen=True)
class Task:
    """What a workstation has to do.

    :ivar cache: its file, and :ivar key: its key in hexadecimal.
    :ivar server: the connection's parameters, and :ivar schema: the clinic's.
    :ivar number: which of the workstations it is: the seed of what it does.
    :ivar edits: how many things are done in the hour, which takes :ivar seconds:.
    :ivar poll: seconds between two polls.
    """

    cache: str
    key: str
    server: dict[str, Any]
    schema: str
    staff: int
    number: int
    edits: int
    seconds: float
    poll: float


class Desk:
    """The workstation at work."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.cache = Cache.open(Path(task.cache), bytes.fromhex(task.key))
        clinic = clinic_settings.load(self.cache)
        actor = Actor(task.staff, "Recepción", "recepcion", "general", frozenset(ALL))
        self._desk = Receptionist(self.cache, clinic, actor, task.number)
        today = self._desk.today
        self._days = (
            Day(today, clinic.zone).start.isoformat(),
            Day(today + dt.timedelta(days=DAYS), clinic.zone).start.isoformat(),
        )
        self._looking = self.cache.connect()
        self._main = threading.get_ident()
        self._mark = ""
        self.committed: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self.troubles: Counter[str] = Counter()
        self._in_step = threading.Event()
        self.engine = SyncEngine(
            self.cache.connect,
            PostgresServer(task.server, task.schema),
            sync_schema(),
            clock=self.cache.now,
            rng=random.Random(task.number),
            timing=Timing(poll=task.poll),
            on_status=self._told,
            on_changes=self.cache.notify,
        )
        self.cache.listen(self._changed)

    def _told(self, status: SyncStatus) -> None:
        if status.code is not None and status.state != "connecting":
            self.troubles[status.code] += 1
        if status.state == "in_step" and not status.pending:
            self._in_step.set()
        else:
            self._in_step.clear()

    def _changed(self, tables: frozenset[str]) -> None:
        if threading.get_ident() == self._main:
            self.committed[self._mark] = time.monotonic()
            self.engine.poke()
        elif "citas_cita" in tables:
            found = self._looking.execute(NOTES, self._days).fetchall()
            now = time.monotonic()
            for (note,) in found:
                self.seen.setdefault(note, now)

    def quiet(self) -> None:
        """Wait until all is sent and answered."""
        if not self._in_step.wait(PATIENCE):
            raise AssertionError(f"never in step: {self.engine.status()}")

    def work(self, begin: float) -> None:
        """Do the hour's things at their times, or as soon after as is possible."""
        task = self._task
        chance = random.Random(task.number)
        nothing = threading.Event()
        for number in range(task.edits):
            at = begin + (number + chance.random()) * task.seconds / task.edits
            nothing.wait(max(0.0, at - time.monotonic()))
            self._mark = f"m{task.number}-{number}"
            self._desk.act(self._mark)
        nothing.wait(max(0.0, begin + task.seconds - time.monotonic()))
        while store.pending(store.executor(self._looking)).count:
            self.quiet()
            nothing.wait(0.01)

    def report(self) -> dict[str, Any]:
        rows = store.executor(self._looking)("SELECT code, count(*) FROM sync_rejection GROUP BY 1")
        return {
            "committed": self.committed,
            "seen": self.seen,
            "did": self._desk.did,
            "refused": self._desk.refused,
            "rejected": dict(rows),
            "troubles": self.troubles,
        }

    def digest(self) -> dict[str, str]:
        """Of every table, all that the cache holds of it."""
        execute = store.executor(self._looking)
        columns = json.loads(store.get_state(execute, "columns") or "{}")
        return {table: self._digest(table, names) for table, names in columns.items()}

    def _digest(self, table: str, names: list[str]) -> str:
        total = hashlib.sha256()
        wanted = ", ".join(f'"{name}"' for name in names)
        for row in self._looking.execute(f'SELECT {wanted} FROM "{table}" ORDER BY id'):
            total.update(repr(row).encode())
        return total.hexdigest()

    def close(self) -> None:
        self._looking.close()
        self.cache.close()


def _say(**said: Any) -> None:
    print(json.dumps(said), flush=True)


def _hear() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(sys.stdin.readline())
    return said


def main() -> None:
    desk = Desk(Task(**_hear()))
    with contextlib.closing(desk):
        desk.engine.start()
        desk.quiet()
        gc.collect()
        _say(ready=True)
        begin = float(_hear()["go"])
        desk.troubles.clear()
        desk.seen.clear()
        spent = time.process_time()
        desk.work(begin)
        _say(cpu=time.process_time() - spent, **desk.report())
        _hear()
        desk.engine.stop()
        desk.engine.sync_once()
        desk.engine.close()
        _say(digest=desk.digest())


def described(task: Task) -> str:
    """The line that :func:`main` reads first."""
    return json.dumps(asdict(task))


if __name__ == "__main__":
    main()
