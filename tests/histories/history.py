"""One seed, one history: workstations, the web and a server, what goes wrong, and the verdict."""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from sync import store
from sync.bootstrap import finished
from sync.engine import SyncEngine
from sync.transport import PostgresServer
from tests.histories import judge, station, web
from tests.histories.clinic import LATE, SCHEMA, Clinic, Office, Template, first_sync
from tests.histories.network import Proxy
from tests.histories.station import Hasty, Life
from tests.histories.work import intents
from tests.sync_client.world import NOW, connect

STUCK_SECONDS = 30.0
ROUNDS_TO_REST = 12
AWAY = "recovered_at = recovered_at - interval '11 minutes'"


@dataclass
class Report:
    """What a history came to.

    :ivar broken: the rule that did not hold; ``None`` where all did.
    """

    seed: int
    version: int
    broken: str | None = None
    faults: Counter[str] = field(default_factory=Counter)
    applied: int = 0
    refused: int = 0
    web: int = 0
    seconds: float = 0.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition that nobody tells of."""
    deadline = time.monotonic() + STUCK_SECONDS
    while not condition():
        judge.hold("it comes back", time.monotonic() < deadline, what)
        select.select([], [], [], 0.01)


def run(template: Template, seed: int, folder: Path) -> Report:
    """Live through a history and judge it. Its files are left in ``folder``."""
    report = Report(seed, template.server.version)
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with template.server.database(template.database) as dsn:
            History(template, seed, folder, dsn, report).live()
    except Exception as error:
        expected = isinstance(error, judge.Broken)
        report.broken = str(error) if expected else traceback.format_exc()
    report.seconds = time.monotonic() - started
    return report


class History:
    """The plan of a seed, and its course."""

    def __init__(
        self, template: Template, seed: int, folder: Path, dsn: str, report: Report
    ) -> None:
        self._template = template
        self._rng = random.Random(seed)
        self._folder = folder
        self._dsn = dsn
        self._report = report
        self._database = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
        self._numbers = range(1, self._rng.choice((2, 3, 3, LATE)) + 1)
        self._restores = self._rng.random() < 0.25
        self._dies = self._rng.random() < 0.2
        self._crashes = self._rng.random() < 0.12
        self._kept = ""
        self._clinic = Clinic(dsn)
        self._lives: dict[int, int] = {}

    def live(self) -> None:
        """The whole of it."""
        for number in self._numbers:
            if number != LATE:
                self._template.cache(number, self._path(number))
        if self._crashes or self._dies:
            self._clinic.query("CHECKPOINT")
        self._proxy = Proxy(
            f"{self._template.cluster.folder}/.s.PGSQL.5432",
            len(self._numbers),
            self._rng.randrange(1 << 30),
        )
        try:
            for turn in range(2):
                self._round(turn)
        finally:
            self._report.faults += self._proxy.heal()
        trouble = list(judge.told(sorted(self._folder.glob("*.trouble"))))
        judge.hold("nobody stumbles", not trouble, *trouble)
        with closing(self._clinic), ExitStack() as stack:
            offices = {
                number: stack.enter_context(self._at_rest(number)) for number in self._numbers
            }
            try:
                self._exchange_until_quiet(offices)
                self._verdict(offices)
            except Exception:
                judge.evidence(self._clinic, self._folder / "evidence")
                raise

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.db"

    # What happens -------------------------------------------------------------------------------

    def _round(self, turn: int) -> None:
        """Everybody works at once; of some, this is their last work."""
        reading, progress = os.pipe()
        pids = [self._begin(number, turn, progress) for number in self._numbers]
        steps = self._rng.randrange(4, 12)
        the_web = web.begin(
            self._dsn,
            self._folder / "web.record",
            self._rng.randrange(1 << 30),
            turn,
            steps,
            progress,
        )
        os.close(progress)
        happenings = self._plan(turn, pids)
        seen = 0
        with closing(os.fdopen(reading, "rb", buffering=0)) as pipe:
            while self._heard(pipe, [*pids, the_web]):
                seen += 1
                while happenings and happenings[0][0] <= seen:
                    happenings.pop(0)[1]()
        for _, happening in happenings:
            happening()
        for pid in (*pids, the_web):
            _, status = os.waitpid(pid, 0)
            self._report.faults["client_killed"] += os.WIFSIGNALED(status)

    def _heard(self, pipe: Any, pids: list[int]) -> bool:
        """A step of somebody; ``False`` when everybody has ended."""
        ready, _, _ = select.select([pipe], [], [], STUCK_SECONDS)
        if not ready:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            raise judge.Broken("nobody is stuck: no step was made for a long time")
        return bool(pipe.read(1))

    def _begin(self, number: int, turn: int, progress: int) -> int:
        rng = self._rng
        points = list(station.POINTS)
        if self._restores and turn:
            points += station.RECOVERY_POINTS
        if number == LATE and not turn:
            points = list(station.LOAD_POINTS)
        life = Life(
            number,
            turn,
            number,
            self._path(number),
            {
                **self._template.params(number, self._database),
                "host": "127.0.0.1",
                "port": self._proxy.ports[number - 1],
            },
            rng.randrange(1 << 30),
            rng.randrange(4, 10),
            rng.random() < 0.25,
            self._restores and bool(turn),
            rng.choice(points) if rng.random() < 0.3 else "",
            rng.randrange(1, 3),
        )
        return station.begin(life, progress)

    def _plan(self, turn: int, pids: list[int]) -> list[tuple[int, Callable[[], None]]]:
        """What happens besides, and at which step of all."""
        rng = self._rng
        plan: list[tuple[int, Callable[[], None]]] = [
            (rng.randrange(2, 40), partial(os.kill, pid, signal.SIGKILL))
            for pid in pids
            if rng.random() < 0.3
        ]
        if self._dies and rng.random() < 0.6:
            plan.append((rng.randrange(2, 40), self._kill_a_backend))
        if self._crashes and rng.random() < 0.6:
            plan.append((rng.randrange(2, 40), self._crash))
        if self._restores and not turn:
            plan.append((rng.randrange(1, 30), self._backup))
        if self._restores and turn:
            plan.append((rng.randrange(1, 30), self._put_back))
        return sorted(plan, key=lambda each: each[0])

    def _kill_a_backend(self) -> None:
        """As the kernel does where memory runs out; the postmaster then starts all anew."""
        until(self._struck, "the end of the old sessions")
        self._report.faults["backend_killed"] += 1
        self._come_back()

    def _struck(self) -> bool:
        """Kill one. It may have been on its way out; then another has to do."""
        if _broken(self._clinic.admin):
            return True
        with contextlib.suppress(psycopg.OperationalError, ProcessLookupError):
            found = self._query(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " ORDER BY (datname = current_database() AND pid <> pg_backend_pid()) DESC,"
                " state = 'active' DESC, pid LIMIT 1"
            )
            os.kill(found[0][0], signal.SIGKILL)
        return False

    def _crash(self) -> None:
        self._template.cluster.stop(crash=True)
        self._template.cluster.start()
        self._report.faults["server_crashed"] += 1
        self._come_back()

    def _come_back(self) -> None:
        """Wait for the server; the old connection may not know yet that it is gone."""

        def there() -> bool:
            try:
                self._clinic.admin.close()
                self._clinic.open()
                return self._clinic.value("SELECT NOT pg_is_in_recovery()") is True
            except psycopg.OperationalError:
                return False

        # The postmaster is still to notice: a session that outlives the moment is of no use.
        until(lambda: _broken(self._clinic.admin), "the end of the old sessions")
        until(there, "the server")

    def _backup(self) -> None:
        self._kept = self._clinic.backup()
        self._report.faults["backup"] += 1

    def _put_back(self) -> None:
        mode = self._rng.choice(("offer", "offer", "review"))

        def done() -> bool:
            try:
                self._clinic.put_back(self._kept, mode)
            except psycopg.errors.DeadlockDetected:
                return False
            return True

        until(done, "the tables")
        self._report.faults[f"put_back_{mode}"] += 1

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        return self._clinic.query(statement)

    # The end ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _at_rest(self, number: int) -> Iterator[Office]:
        path = self._path(number)
        params = self._template.params(number, self._database)
        loaded = False
        if path.exists():
            with closing(connect(path)) as connection:
                there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sync_state'")
                loaded = there.fetchone() is not None and finished(connection)
        if not loaded:
            first_sync(path, params, number)
        with closing(connect(path)) as connection:
            yield Office(connection)

    def _exchange_until_quiet(self, offices: dict[int, Office]) -> None:
        """Until nothing waits, and once more to hear of it; what is deferred gets its ten minutes."""
        for _ in range(ROUNDS_TO_REST):
            before = self._waiting(offices)
            for number in offices:
                self._sync(number)
            now = self._waiting(offices)
            if not now:
                break
            if now == before:
                self._query(f"UPDATE sync_device SET {AWAY}")
        for number in offices:
            self._sync(number)

    def _waiting(self, offices: dict[int, Office]) -> list[str]:
        return [tx for office in offices.values() for tx in office.pending()]

    def _sync(self, number: int) -> None:
        path = self._path(number)
        engine = SyncEngine(
            lambda: connect(path),
            PostgresServer(self._template.params(number, self._database), Clinic.title),
            SCHEMA,
            clock=lambda: NOW,
            rng=Hasty(1),
        )
        with closing(engine):
            engine.sync_once()

    def _verdict(self, offices: dict[int, Office]) -> None:
        clinic = self._clinic
        journal = judge.Journal(clinic)
        of_the_web = intents(self._folder / "web.record")
        everything = list(of_the_web)
        for number, office in offices.items():
            judge.in_step(clinic, f"workstation {number}", office)
        judge.whole(journal, clinic)
        judge.web(journal, of_the_web)
        for number, office in offices.items():
            own = intents(self._path(number).with_suffix(".record"))
            everything += own
            judge.workstation(journal, f"workstation {number}", office, own)
            if not journal.restores:
                device = store.device(office.execute)
                judge.hold("no copy, no fork", device == number, number, device)
            self._report.applied += len(
                office.execute("SELECT 1 FROM sync_acked WHERE tx IS NOT NULL")
            )
            self._report.refused += store.rejected_count(office.execute)
        judge.nobody_else(journal, everything)
        judge.rules(journal, clinic)
        self._report.web += sum(intent.state == "done" for intent in of_the_web)


def _broken(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False
