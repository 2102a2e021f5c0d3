"""What the web does in a world, and what seldom happens to its workstations and its server."""

from __future__ import annotations

import datetime as dt
import random

from sync import store
from tests.simulation import schemas
from tests.simulation.devices import Backup
from tests.simulation.edits import Chooser, Visit
from tests.simulation.reference import ReferenceServer
from tests.simulation.rules import hold
from tests.simulation.schemas import Product
from tests.simulation.storage import Storage, Violation, Waits
from tests.simulation.workstation import DiskImage, Faults, Workstation

TOKENS = "#"
MOST_STATIONS = 5


class Happenings:
    """The steps of a world that are not a person's work or an exchange."""

    now: dt.datetime
    product: Product
    latest: Product
    server: ReferenceServer
    storage: Storage
    stations: list[Workstation]
    images: list[tuple[Workstation, DiskImage]]
    backups: list[tuple[Backup, list[bool]]]
    open: list[Visit]
    visits: list[tuple[list[tuple[str, str, str]], bool]]
    copied: set[int]
    twins: set[int]
    restored: bool
    _busy: list[Workstation]

    def _fault(self, kind: str) -> None:
        raise NotImplementedError

    def _token(self) -> str:
        raise NotImplementedError

    def _pass(self, seconds: float) -> None:
        raise NotImplementedError

    def _idle(self, rng: random.Random, *, ready: bool = True) -> Workstation | None:
        raise NotImplementedError

    def _station(self, name: str, role: str, profile: str, device: int) -> Workstation:
        raise NotImplementedError

    def _sync_with(self, station: Workstation, faults: Faults, rng: random.Random) -> str:
        raise NotImplementedError

    # The web ------------------------------------------------------------------------------------

    def _chooser(self, rng: random.Random, visit: Visit) -> Chooser:
        def ids(table: str) -> list[int]:
            return sorted(self.storage.rows(visit.transaction, table))

        return Chooser(rng, self.product, ids, self._token, self.now, None)

    def _end(self, visit: Visit, *, commit: bool) -> None:
        if commit:
            self.storage.commit(visit.transaction)
        else:
            self.storage.rollback(visit.transaction)
        self.visits.append((visit.marks, commit))

    def _web(self, rng: random.Random, writes: int | None = None) -> None:
        visit = Visit(self.storage, TOKENS)
        chooser = self._chooser(rng, visit)
        for _ in range(writes or rng.choice((1, 1, 2, 4))):
            if not visit.write(chooser):
                self.visits.append((visit.marks, False))
                return
        self._end(visit, commit=rng.random() < 0.95)

    def _open(self, rng: random.Random) -> None:
        if len(self.open) < 4:
            visit = Visit(self.storage, TOKENS)
            if visit.write(self._chooser(rng, visit)):
                self.open.append(visit)
            else:
                self.visits.append((visit.marks, False))

    def _go_on(self, rng: random.Random) -> None:
        if not self.open:
            return
        visit = rng.choice(self.open)
        if rng.random() < 0.4:
            if not visit.write(self._chooser(rng, visit)):
                self.open.remove(visit)
                self.visits.append((visit.marks, False))
        else:
            self.open.remove(visit)
            self._fault("a transaction committed late")
            self._end(visit, commit=rng.random() < 0.85)

    def _bulk(self, rng: random.Random) -> None:
        table = rng.choice(self.product.schema.tables)
        if table.append_only:
            return
        visit = Visit(self.storage, TOKENS)
        try:
            visit.change(
                self._chooser(rng, visit), table, sorted(self.storage.rows(None, table.name))
            )
        except (Violation, Waits):
            self._end(visit, commit=False)
            return
        self._fault("bulk update")
        self._end(visit, commit=True)

    def _mass_deletion(self, rng: random.Random) -> None:
        table = rng.choice(self.product.schema.tables)
        if table.append_only:
            return
        visit = Visit(self.storage, TOKENS)
        deleted = 0
        for row_id in sorted(self.storage.rows(None, table.name)):
            if rng.random() < 0.8:
                savepoint = self.storage.savepoint(visit.transaction)
                try:
                    deleted += self.storage.delete(visit.transaction, table.name, row_id)
                except (Violation, Waits):
                    self.storage.rollback_to(visit.transaction, savepoint)
        if deleted:
            self._fault("mass deletion")
        self._end(visit, commit=True)

    def _truncate(self, rng: random.Random) -> None:
        tables = self.product.schema.tables
        pointed = {target for table in tables for target in table.references.values()}
        free = [t for t in tables if not t.append_only and t.name not in pointed]
        if not free:
            return
        visit = Visit(self.storage, TOKENS)
        try:
            self.storage.truncate(visit.transaction, rng.choice(free).name)
        except Waits:
            self._end(visit, commit=False)
            return
        self._fault("truncation")
        self._end(visit, commit=True)

    # What seldom happens ------------------------------------------------------------------------

    def _advance(self, rng: random.Random) -> None:
        self._pass(rng.uniform(600.0, 90_000.0))

    def _settle(self, rng: random.Random) -> None:
        station = self._idle(rng)
        if station is not None:
            for tx in sorted(station.refused()):
                if rng.random() < 0.5:
                    store.settle(station.execute, tx, "discard", station.clock())

    def _clone(self, rng: random.Random) -> None:
        station = self._idle(rng)
        if station is None or len(self.stations) >= MOST_STATIONS:
            return
        self._fault("cache copied")
        image = station.image(f"copy{len(self.images)}")
        self.copied |= {station.device}
        self.twins |= {station.device}
        name = f"{station.name}c{len(self.stations)}"
        copy = self._station(name, station.role, station.profile, station.device)
        copy.open_image(image)
        copy.ready = True
        copy.revoked = station.revoked

    def _image(self, rng: random.Random) -> None:
        station = self._idle(rng)
        if station is not None:
            image = station.image(f"image{len(self.images)}")
            self.images.append((station, image))

    def _put_back(self, rng: random.Random) -> None:
        if not self.images:
            return
        station, image = rng.choice(self.images)
        if station in self._busy:
            return
        self._fault("disk image put back")
        station.open_image(image)
        station.ready = True
        self.copied |= {station.device}
        self.twins |= {station.device}

    def _start_over(self, rng: random.Random) -> None:
        station = self._idle(rng)
        if station is None:
            return
        self._fault("cache begun anew")
        self.copied |= {station.device}
        station.product = self.latest
        station.start_over()

    def _revoke(self, rng: random.Random) -> None:
        station = self._idle(rng, ready=False)
        if station is not None:
            self._fault("device revoked" if not station.revoked else "device let in again")
            self._let_in(station, revoked=not station.revoked)

    def _let_in(self, station: Workstation, *, revoked: bool) -> None:
        self.server.revoke(station.role, revoked=revoked)
        for other in self.stations:
            if other.role == station.role:
                other.revoked = revoked

    def _wrong_clock(self, rng: random.Random) -> None:
        station = rng.choice(self.stations)
        station.skew = dt.timedelta(seconds=rng.randint(-7200, 7200))
        self._fault("clock wrong")

    def _migrate(self, rng: random.Random) -> None:
        self.server.migrating = not self.server.migrating
        self._fault("migration under way")

    def _upgrade_server(self, rng: random.Random) -> None:
        if self.storage.open or self.latest.version >= 4:
            return
        self._fault("server upgraded")
        self.latest = schemas.upgraded(self.latest, rng)
        self.product = self.latest
        minimum = self.latest.version if rng.random() < 0.2 else 1
        self.server.upgrade(self.latest, minimum=minimum)

    def _upgrade(self, rng: random.Random) -> None:
        station = self._idle(rng)
        if station is not None and station.product.version < self.latest.version:
            self._fault("workstation upgraded")
            station.upgrade(self.latest)

    def _prune(self, rng: random.Random) -> None:
        if self.server.prune():
            self._fault("log pruned")

    def _check(self, rng: random.Random) -> None:
        """A workstation proves that it holds what it should."""
        station = self._idle(rng)
        if station is not None and self._sync_with(station, Faults(), rng) == "ok":
            found = station.check()
            hold("nothing differs unseen", not any(found.values()), (station.name, found))

    def _backup(self, rng: random.Random) -> None:
        if not self._busy:
            committed = [committed for _, committed in self.visits]
            self.backups.append((self.server.backup(), committed))

    def _restore(self, rng: random.Random) -> None:
        """The server is put back to yesterday; nobody told it, or anybody else."""
        # A number that was given since is known to nobody then; its device has to be enrolled anew.
        known = [one for one in self.backups if one[0].devices.keys() == self.server.devices.keys()]
        numbers = [station.number for station in self.stations]
        if not known or len(set(numbers)) < len(numbers):
            return
        self._fault("server put back")
        self.restored = True
        backup, committed = rng.choice(known)
        self.server.restore(backup)
        for visit in self.open:
            self.visits.append((visit.marks, False))
        self.open.clear()
        lost = [False] * (len(self.visits) - len(committed))
        self.visits = [
            (marks, there) for (marks, _), there in zip(self.visits, committed + lost, strict=True)
        ]
        if self.server.product.version < self.latest.version:
            self.server.upgrade(self.latest, minimum=1)
        for station in self.stations:
            station.unsure = station.unsure or station.wire.ahead
            self.server.revoke(station.role, revoked=station.revoked)
