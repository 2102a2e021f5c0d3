"""A workstation's life: a process that works, exchanges, and may be killed anywhere."""

from __future__ import annotations

import os
import random
import signal
import threading
import traceback
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync import errors
from sync.bootstrap import finished
from sync.core import Timing
from sync.engine import SyncEngine, SyncStatus
from sync.transport import PostgresServer
from tests.histories.clinic import SCHEMA, Clinic, Office, first_sync
from tests.histories.work import Marks, Person, Record
from tests.sync_client.world import NOW, connect

POINTS = (
    "before_send",
    "after_receive",
    "results_settled",
    "rows_laid_down",
    "pending_laid_over",
    "before_commit",
    "after_commit",
)
RECOVERY_POINTS = (
    "recovery_received",
    "recovery_settled",
    "recovery_renamed",
    "recovery_kept",
)
LOAD_POINTS = ("tables_made", "load_begun", "chunk_written", "chunk_committed", "indexes_made")
TROUBLES = (errors.Unreachable, errors.Busy, errors.Migrating)
"""What may come of an exchange in a history; everything else is a defect."""

PATIENCE = 0.1


class Hasty(random.Random):
    """Chance that never waits long."""

    def uniform(self, a: float, b: float) -> float:
        return 0.05 * super().uniform(a, b)


def tolerable(code: str | None, params: dict[str, Any], *, put_back: bool) -> bool:
    """Whether a network and a server as they are here may lead to this.

    :param put_back: the server's tables are emptied and filled at some moment. Who asks just then
        with a snapshot from before finds them empty.
    """
    if code == errors.ServerError.code:
        return params["sqlstate"] == "57014"
    if code == errors.AccessRefused.code:
        return put_back and params["reason"] == "permission"
    return code is None or code in {trouble.code for trouble in TROUBLES}


@dataclass(frozen=True)
class Life:
    """One process of a workstation.

    :ivar number: the writer's number. :ivar life: the how manieth process of it.
    :ivar device: its number in the template.
    :ivar point: a named point at which it kills itself, the ``times``-th time; or none.
    """

    number: int
    life: int
    device: int
    path: Path
    params: dict[str, Any]
    seed: int
    steps: int
    threaded: bool
    put_back: bool
    point: str = ""
    times: int = 1

    @property
    def record(self) -> Path:
        return self.path.with_suffix(".record")

    @property
    def trouble(self) -> Path:
        """Where a life tells what should not have happened."""
        return self.path.with_suffix(".trouble")


def begin(life: Life, progress: int) -> int:
    """Start the process; its id. It writes a byte to ``progress`` at every step."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _Living(life, progress).live()
        code = 0
    except BaseException:
        with life.trouble.open("a") as file:
            file.write(traceback.format_exc())
    finally:
        os._exit(code)


class _Living:
    def __init__(self, life: Life, progress: int) -> None:
        self._life = life
        self._progress = progress
        self._rng = random.Random(life.seed)
        self._left = life.times
        self._news = threading.Event()
        self._surprises: list[str] = []

    def _fault(self, point: str) -> None:
        if point == self._life.point:
            self._left -= 1
            if self._left == 0:
                os.write(self._progress, b"k")
                os.kill(os.getpid(), signal.SIGKILL)

    def _step(self) -> None:
        os.write(self._progress, b".")

    def live(self) -> None:
        life = self._life
        self._step()
        if not self._loaded():
            return
        record = Record(life.record)
        connection = connect(life.path)
        person = Person(Office(connection), record, Marks(life.number, life.life), self._rng)
        engine = SyncEngine(
            lambda: connect(life.path),
            PostgresServer(life.params, Clinic.title),
            SCHEMA,
            clock=lambda: NOW,
            rng=Hasty(life.seed),
            timing=Timing(poll=0.05, first_pause=0.02, longest_pause=0.1, check=0.1),
            on_status=self._heard,
            fault=self._fault,
        )
        with closing(connection):
            (self._in_background if life.threaded else self._by_hand)(person, engine)
        engine.close()
        record.close()
        if self._surprises:
            raise AssertionError(*self._surprises)

    def _loaded(self) -> bool:
        """Whether the first sync is done, here and now if need be."""
        life = self._life
        if life.path.exists():
            with closing(connect(life.path)) as connection:
                there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sync_state'")
                if there.fetchone() and finished(connection):
                    return True
        for _ in range(life.steps):
            self._step()
            try:
                first_sync(life.path, life.params, life.device, chunk=3, fault=self._fault)
            except errors.SyncError as error:
                if not self._tolerable(error.code, error.params):
                    raise
            else:
                return True
        return False

    def _by_hand(self, person: Person, engine: SyncEngine) -> None:
        for _ in range(self._life.steps):
            self._step()
            if self._rng.random() < 0.6:
                person.work()
                continue
            try:
                engine.sync_once()
            except errors.SyncError as error:
                if not self._tolerable(error.code, error.params):
                    raise
            self._step()

    def _in_background(self, person: Person, engine: SyncEngine) -> None:
        engine.start()
        for _ in range(self._life.steps):
            self._step()
            person.work()
            self._news.clear()
            engine.poke(urgent=self._rng.random() < 0.3)
            self._news.wait(PATIENCE)
        engine.stop()

    def _tolerable(self, code: str | None, params: dict[str, Any]) -> bool:
        return tolerable(code, params, put_back=self._life.put_back)

    def _heard(self, status: SyncStatus) -> None:
        if not self._tolerable(status.code, status.params):
            self._surprises.append(f"{status.code} {status.params}")
        if self._life.threaded and status.state == "in_step":
            self._news.set()
