"""Workstations, a web writer and a server through a stretch of time, all from one seed.

A world is a list of steps. Each has chance of its own, drawn from the seed and the step's place, so
that a run with some of the steps left out does in the others what it did before, as far as it can.
"""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sync import apply
from tests.simulation import checker, drafts, schemas
from tests.simulation.devices import BEGIN, Backup
from tests.simulation.edits import Chooser, Person, Visit, profile_practitioner
from tests.simulation.happenings import TOKENS, Happenings
from tests.simulation.network import Wire
from tests.simulation.reference import ReferenceServer
from tests.simulation.rules import Broken, hold
from tests.simulation.workstation import DiskImage, Faults, Intent, Killed, Workstation

ROUNDS = 40
KILLS = (
    "before_send",
    "after_receive",
    "results_settled",
    "rows_laid_down",
    "pending_laid_over",
    "chunk_laid_down",
    "before_commit",
    "after_commit",
    "fork_settled",
    "fork_renamed",
    "recovery_received",
    "recovery_settled",
    "recovery_renamed",
    "recovery_kept",
)
FIRST_KILLS = (
    "tables_made",
    "load_begun",
    "priority_read",
    "chunk_written",
    "chunk_committed",
    "indexes_made",
)
USUAL = {"edit": 14, "sync": 16, "web": 6, "open": 3, "go_on": 4, "settle": 1, "advance": 1}
UNUSUAL = {
    "clone": 1,
    "image": 2,
    "put_back": 2,
    "start_over": 1,
    "wrong_clock": 1,
    "revoke": 1,
    "upgrade_server": 1,
    "upgrade": 2,
    "migrate": 1,
    "bulk": 1,
    "mass_deletion": 1,
    "truncate": 1,
    "prune": 1,
    "check": 3,
    "backup": 3,
    "restore": 2,
}
SHARED_MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class Report:
    """What one world came to.

    :ivar transactions: local transactions that were finished; ``digest``: a hash of the history.
    :ivar broken: the rule that did not hold, in words.
    """

    seed: int
    steps: int
    transactions: int = 0
    exchanges: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    broken: str | None = None
    rule: str | None = None
    digest: int = 0


@contextmanager
def seeded_uuids(rng: random.Random) -> Iterator[None]:
    """Random UUIDs come from the seed, too."""
    real = uuid.uuid4
    uuid.uuid4 = lambda: uuid.UUID(int=rng.getrandbits(128), version=4)
    try:
        yield
    finally:
        uuid.uuid4 = real


def run(
    seed: int, kept: frozenset[int] | None = None, say: Callable[[str], None] | None = None
) -> Report:
    """Live through the world of a seed, or through some of its steps only."""
    folder = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with ExitStack() as stack:
        place = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="simulation-", dir=folder))
        )
        stack.enter_context(seeded_uuids(random.Random(seed + 0.5)))
        world = World(seed, place, say)
        stack.callback(world.close)
        stack.enter_context(fewest_rows(world.few_rows))
        return world.live(kept)


@contextmanager
def fewest_rows(number: int) -> Iterator[None]:
    """From how many rows on a table may not be emptied: worlds are small."""
    usual = apply.FEW_ROWS
    apply.FEW_ROWS = number
    try:
        yield
    finally:
        apply.FEW_ROWS = usual


class World(Happenings):
    """Everything there is.

    :param say: hears what happens, a line each.
    """

    def __init__(self, seed: int, folder: Path, say: Callable[[str], None] | None) -> None:
        rng = random.Random(seed)
        self.seed = seed
        self.now = BEGIN
        self.product = schemas.product(rng)
        self.latest = self.product
        self.server = ReferenceServer(self.product, random.Random(seed + 0.25))
        self.storage = self.server.storage
        self.stations: list[Workstation] = []
        self.images: list[tuple[Workstation, DiskImage]] = []
        self.open: list[Visit] = []
        self.visits: list[tuple[list[tuple[str, str, str]], bool]] = []
        self.intents: dict[str, Intent] = {}
        self.copied: set[int] = set()
        self.twins: set[int] = set()
        self.report = Report(seed, rng.randint(30, 90))
        self._folder = folder
        self._say = say
        self._tokens = 0
        self._busy: list[Workstation] = []
        # Some worlds have few kinds of fault, and those often.
        chosen = [fault for fault in UNUSUAL if rng.random() < 0.5]
        self._weights = {**USUAL, **{fault: UNUSUAL[fault] for fault in chosen}}
        self._faulty = rng.choice((0.0, 0.2, 0.2, 0.5))
        self._crowded = rng.choice((0.0, 0.25, 0.6))
        self._limit = rng.choice((1, 4, 2000))
        self.few_rows = rng.choice((apply.FEW_ROWS, apply.FEW_ROWS, 8))
        self.backups: list[tuple[Backup, list[bool]]] = []
        self.server.review = rng.random() < 0.2
        self.restored = False
        self._clock()
        for _ in range(rng.randint(1, 3)):
            self._web(rng, writes=8)
        for number in range(rng.randint(2, 4)):
            profile = schemas.OFFICE if number == 0 else rng.choice(schemas.PROFILES)
            self._join(f"ws{number}", profile)
            if rng.random() < 0.7:
                self._sync_with(self.stations[-1], self._faults(rng, first=True), rng)

    def close(self) -> None:
        for station in self.stations:
            station.connection.close()

    def tell(self, what: str) -> None:
        if self._say is not None:
            self._say(f"{self.now:%H:%M:%S} {what}")

    # Life ---------------------------------------------------------------------------------------

    def live(self, kept: frozenset[int] | None) -> Report:
        """Take every step, heal everything, check everything."""
        report = self.report
        try:
            for step in range(report.steps):
                rng = random.Random(self.seed * 1_000_003 + step)
                what = rng.choices(list(self._weights), list(self._weights.values()))[0]
                if kept is None or step in kept:
                    self.tell(f"{step}: {what}")
                    self._pass(rng.uniform(0.1, 60.0))
                    getattr(self, f"_{what}")(rng)
            self._heal()
            self._judge()
        except Broken as broken:
            report.broken, report.rule = str(broken), broken.rule
        except Exception as error:
            # The client must not stumble over anything that a world holds.
            report.broken, report.rule = f"stumbled: {error!r}", "stumbled"
            if self._say is not None:
                raise
        report.transactions = len(self.intents)
        report.refused = sum(len(s.refused()) for s in self.stations if s.ready)
        report.digest = self._digest()
        return report

    def _pass(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=round(seconds, 3))
        self._clock()

    def _clock(self) -> None:
        self.storage.now = self.now.isoformat()
        self.server.now = self.now

    def _token(self) -> str:
        self._tokens += 1
        return f"{TOKENS}{self._tokens}"

    def _digest(self) -> int:
        text = repr([(c.xid, c.table, c.row_id) for c in self.storage.state.journal])
        for station in self.stations:
            held = (station.waiting(), sorted(station.refused())) if station.ready else ()
            text += repr((station.name, held))
        return uuid.uuid5(uuid.NAMESPACE_OID, text).int >> 64

    def _fault(self, kind: str) -> None:
        self.report.faults[kind] += 1
        self.tell(f"   fault: {kind}")

    # Workstations -------------------------------------------------------------------------------

    def _join(self, name: str, profile: str) -> Workstation:
        practitioner = profile_practitioner(profile)
        device = self.server.enrol(name, profile, practitioner)
        return self._station(name, name, profile, device)

    def _station(self, name: str, role: str, profile: str, device: int) -> Workstation:
        station = Workstation(
            name,
            role,
            profile,
            device,
            profile_practitioner(profile),
            self.latest,
            Wire(self.server, role),
            self._folder,
            lambda: self.now,
        )
        self.stations.append(station)
        return station

    def _idle(self, rng: random.Random, *, ready: bool = True) -> Workstation | None:
        found = [s for s in self.stations if s not in self._busy and (s.ready or not ready)]
        return rng.choice(found) if found else None

    def _edit(self, rng: random.Random) -> None:
        ready = [station for station in self.stations if station.ready]
        if not ready:
            return
        station = rng.choice(ready)
        chooser = Chooser(
            rng, station.product, station.ids, self._token, station.clock(), station.practitioner
        )
        person = Person(station, chooser, TOKENS)
        for _ in range(rng.choice((1, 1, 2))):
            dies = rng.random() < 0.03 and station not in self._busy
            try:
                with station.doing("edit") as intent:
                    person.work(intent)
                    if dies:
                        station.kill()
            except Killed:
                self._fault("killed while a person worked")
                station.revive()
                return
            if intent.tx in station.carried:
                self.intents[intent.tx] = intent
                self.tell(f"   {station.name} {intent}")

    def _sync(self, rng: random.Random) -> None:
        station = self._idle(rng, ready=False)
        if station is not None:
            self._sync_with(station, self._faults(rng, first=not station.ready), rng)

    def _faults(self, rng: random.Random, *, first: bool) -> Faults:
        faults = Faults()
        if rng.random() < self._faulty:
            if rng.random() < 0.5:
                points = FIRST_KILLS if first else KILLS
                faults.kill = (rng.choice(points), rng.choice((0, 0, 0, 1, 3)))
            else:
                faults.lose = (rng.choice(("request", "answer")), rng.choice((0, 0, 1, 2, 5)))
        return faults

    def _sync_with(self, station: Workstation, faults: Faults, rng: random.Random) -> str:
        self._busy.append(station)
        self.server.meanwhile = lambda: self._meanwhile(rng)
        made: dict[tuple[str, str], int] = {}
        held: dict[str, set[int]] = {}
        edited: dict[str, set[int]] = {}
        shut_out = station.revoked

        def before() -> None:
            nonlocal made, held, edited
            made = drafts.made_here(station)
            held = station.settled_ids()
            edited = {table: set(station.ids(table)) - ids for table, ids in held.items()}

        def answered(status: str) -> None:
            self.report.exchanges += 1
            hold("revocation", not shut_out, station.name)
            checker.after_answer(station, self.server, status, restored=self.restored)
            if station.profile == schemas.OFFICE:
                checker.nothing_went_unasked(station, held, edited, self.few_rows)
            station.allowed = station.allowed and status != "ok"
            if status == "recovered":
                self.tell(f"   {station.name} is now device {station.device}")
                if not self.restored:
                    drafts.references_follow(station, made, self.server)

        try:
            came_to = station.sync(faults, answered, before, self._limit)
        finally:
            self._busy.remove(station)
        for kind in faults.happened:
            self._fault(kind)
        if came_to == "killed":
            checker.layers(station, *checker.pending(station))
            if station.ready:
                checker.none_vanished(station, self.server, restored=self.restored, remembered=True)
        if came_to == "sync.mass_deletion" and rng.random() < 0.6:
            self._fault("a person allowed a mass deletion")
            station.allow_deletion()
        self.tell(f"   {station.name} {came_to}")
        return came_to

    def _meanwhile(self, rng: random.Random) -> None:
        """What others do while the server works for one."""
        if len(self._busy) > 1 or rng.random() >= self._crowded:
            return
        for _ in range(rng.choice((1, 2, 3))):
            what = rng.choice(("web", "open", "go_on", "edit", "edit", "sync"))
            self.tell(f"   meanwhile {what}")
            getattr(self, f"_{what}")(rng)
        self._fault("others between an exchange and its commit")

    # The end ------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Everything works again, everybody exchanges until nothing more happens."""
        rng = random.Random(self.seed + 0.75)
        self._faulty = self._crowded = 0.0
        self._limit = 2000
        self.server.migrating = False
        for visit in self.open:
            self._end(visit, commit=rng.random() < 0.8)
        self.open.clear()
        for station in self.stations:
            if station.revoked and rng.random() < 0.7:
                self._let_in(station, revoked=False)
            if station.ready and station.product.version < self.latest.version:
                station.upgrade(self.latest)
            elif station.product.version < self.latest.version:
                # A first sync that was cut begins anew with the newer program.
                station.product = self.latest
                station.start_over()
        quiet = 0
        for _round in range(ROUNDS):
            # What is offered again after a restoration is waited for, for some minutes.
            self._pass(60.0)
            logged = len(self.storage.state.log)
            ended = True
            for station in self.stations:
                self._pass(1.0)
                came_to = self._sync_with(station, Faults(), rng)
                if came_to == "sync.cache_mismatch":
                    # A first sync that was cut does not go on after a restoration.
                    station.start_over()
                expected = "sync.revoked" if station.revoked else "ok"
                ended = ended and came_to == expected and (station.revoked or not station.waiting())
            # The second round tells copies apart that repeated the same exchange in the first.
            quiet = quiet + 1 if ended and logged == len(self.storage.state.log) else 0
            if quiet == 2:
                return
        raise Broken("queues drain", [(s.name, s.waiting()) for s in self.stations])

    def _judge(self) -> None:
        for station in self.stations:
            if station.unsure and not station.revoked:
                self._fault("found out by the proof")
                station.check()
        for station in self.stations:
            if not station.revoked:
                checker.at_rest(station, self.server)
        checker.history(
            self.server,
            self.stations,
            self.intents.values(),
            self.visits,
            self.copied,
            self.twins,
            restored=self.restored,
        )
