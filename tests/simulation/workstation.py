"""A simulated workstation: the real client over a cache file that can be killed, copied, put back."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync import store
from sync.errors import GreetingWanted, SyncError
from tests.simulation import adapter
from tests.simulation.network import Wire
from tests.simulation.schemas import Product

_TEXTS = {"text", "instant", "date", "time"}
TRIES = 20


class Killed(BaseException):
    """The process ended here."""


@dataclass(slots=True)
class Intent:
    """What a finished local transaction was about, as the world remembers it.

    :ivar marks: (table, column, text that nobody else ever writes).
    :ivar tables: the tables that it changed.
    :ivar updates: (table, row, old values, new values) of what it changed.
    """

    tx: str
    profile: str
    marks: list[tuple[str, str, str]] = field(default_factory=list)
    tables: frozenset[str] = frozenset()
    updates: list[tuple[str, int, dict[str, Any], dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A copy of a cache file, and what was in it."""

    path: Path
    carried: dict[str, Intent]
    product: Product
    numbers: frozenset[int]
    allowed: bool
    ahead: bool
    unsure: bool


@dataclass(slots=True)
class Faults:
    """What goes wrong in one synchronisation.

    :ivar kill: (fault point, how often it is passed before).
    :ivar lose: see :class:`~tests.simulation.network.Wire`.
    :ivar copying: an image of the disk is taken in the moment of the kill.
    """

    kill: tuple[str, int] | None = None
    lose: tuple[str, int] | None = None
    happened: list[str] = field(default_factory=list)


class Workstation:
    """One workstation.

    :param now: the true time; this workstation's clock differs from it by ``skew``.
    :ivar carried: every finished local transaction that this cache ever held.
    :ivar numbers: the device numbers that it has used.
    :ivar unsure: it had read rows beside an exchange when the server was put back, and nothing told
        it before its next exchange: the proof has to find out what it holds.
    """

    def __init__(
        self,
        name: str,
        role: str,
        profile: str,
        device: int,
        practitioner: int | None,
        product: Product,
        wire: Wire,
        folder: Path,
        now: Callable[[], dt.datetime],
    ) -> None:
        self.name = name
        self.role = role
        self.profile = profile
        self.practitioner = practitioner
        self.product = product
        self.wire = wire
        self.skew = dt.timedelta()
        self.carried: dict[str, Intent] = {}
        self.numbers = {device}
        self.ready = False
        self.revoked = False
        self.trouble: SyncError | None = None
        self.allowed = False
        self.unsure = False
        self._device = device
        self._folder = folder
        self._now = now
        self._files = 0
        self.path = self._next_path()
        self.connection = self._connect()
        self.execute = store.executor(self.connection)

    # The file -----------------------------------------------------------------------------------

    def _next_path(self) -> Path:
        self._files += 1
        return self._folder / f"{self.name}-{self._files}.db"

    def _connect(self) -> Any:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def copied_to(self, path: Path) -> None:
        """Copy the file as it now lies on the disk, in the middle of a transaction or not."""
        shutil.copyfile(self.path, path)
        log = Path(f"{self.path}-wal")
        if log.exists():
            shutil.copyfile(log, f"{path}-wal")

    def image(self, name: str) -> DiskImage:
        """A copy of the disk."""
        path = self._folder / f"{name}.img"
        self.copied_to(path)
        return DiskImage(
            path,
            dict(self.carried),
            self.product,
            frozenset(self.numbers),
            self.allowed,
            self.wire.ahead,
            self.unsure,
        )

    def open_image(self, image: DiskImage) -> None:
        """Go on with a copy of a disk, this one's or another's."""
        path = self._next_path()
        shutil.copyfile(image.path, path)
        log = Path(f"{image.path}-wal")
        if log.exists():
            shutil.copyfile(log, f"{path}-wal")
        self._open(path)
        self.carried = dict(image.carried)
        self.product = image.product
        self.numbers = set(image.numbers)
        self.allowed = image.allowed
        self.wire.ahead, self.unsure = image.ahead, image.unsure

    def _open(self, path: Path) -> None:
        self.connection.close()
        self.path = path
        self.connection = self._connect()
        self.execute = store.executor(self.connection)

    def kill(self) -> None:
        """Die now, whatever is open: all that is left is what lies on the disk."""
        path = self._next_path()
        self.copied_to(path)
        self._crashed = path
        raise Killed

    def revive(self) -> None:
        """Start again after :class:`Killed`."""
        self._open(self._crashed)

    def start_over(self) -> None:
        """Begin with an empty file, under the number of the last one."""
        if self.ready:
            self._device = self.device
        self.unsure = self.wire.ahead = False
        self._open(self._next_path())
        self.numbers = {self._device}
        self.carried = {}
        self.ready = False

    def upgrade(self, product: Product) -> None:
        """Install a newer program, which migrates the cache."""
        self.connection.execute("BEGIN IMMEDIATE")
        for table in product.schema.tables:
            for column in table.columns:
                if column.name not in self.product.schema[table.name].column_names:
                    kind = "TEXT" if column.kind in _TEXTS else "INTEGER"
                    self.connection.execute(
                        f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}'
                    )
        store.prepare(self.connection, product.schema)
        self.connection.execute("COMMIT")
        self.product = product

    # What it says of itself ---------------------------------------------------------------------

    def clock(self) -> dt.datetime:
        """This workstation's own idea of the time."""
        return self._now() + self.skew

    @property
    def device(self) -> int:
        return store.device(self.execute)

    @property
    def number(self) -> int:
        """The number under which it goes, or will once its first sync has begun."""
        return self.device if self.ready else self._device

    def rows(self, table: str) -> dict[int, dict[str, Any]]:
        """A table of the cache."""
        names = self.product.schema[table].column_names
        columns = ", ".join(f'"{name}"' for name in names)
        found = self.connection.execute(f'SELECT {columns} FROM "{table}"').fetchall()
        at = names.index("id")
        return {row[at]: dict(zip(names, row, strict=True)) for row in found}

    def ids(self, table: str) -> list[int]:
        """The ids of a table's rows, in order."""
        found = self.connection.execute(f'SELECT id FROM "{table}" ORDER BY id')
        return [row_id for (row_id,) in found]

    def settled_ids(self) -> dict[str, set[int]]:
        """Table → its rows that nothing waits for."""
        return {
            table.name: {
                row_id
                for (row_id,) in self.execute(
                    f'SELECT id FROM "{table.name}" WHERE id NOT IN'
                    " (SELECT row_id FROM sync_base WHERE tbl = ?)",
                    (table.name,),
                )
            }
            for table in self.product.schema.tables
        }

    def waiting(self) -> list[str]:
        """The outbox."""
        return [tx for (tx,) in self.execute("SELECT id FROM sync_tx ORDER BY seq")]

    def acknowledged(self) -> set[str]:
        """What it remembers to have been applied."""
        return {tx for (tx,) in self.execute("SELECT tx FROM sync_acked")}

    def comparing(self) -> bool:
        """Whether it has yet to find out what of the server's it holds."""
        return store.get_state(self.execute, "comparing") is not None

    def refused(self) -> dict[str, tuple[str, str, str]]:
        """The refused transactions: tx → (code, detail, operations)."""
        rows = self.execute("SELECT tx, code, detail, ops FROM sync_rejection")
        return {tx: (code, detail, ops) for tx, code, detail, ops in rows}

    # What it does -------------------------------------------------------------------------------

    @contextmanager
    def doing(self, label: str) -> Iterator[Intent]:
        """A local transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            intent = Intent(store.begin(self.execute, 7, label, self.clock()), self.profile)
            yield intent
            intent.tables = store.finish(self.execute)
            for table, row_id, old, new in self.execute(
                "SELECT tbl, row_id, old, new FROM sync_op WHERE tx = ? AND op = 'U'", (intent.tx,)
            ):
                intent.updates.append((table, row_id, json.loads(old), json.loads(new)))
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        if intent.tables:
            self.carried[intent.tx] = intent

    def _hook(self, faults: Faults) -> Callable[[str], None]:
        passed: dict[str, int] = {}

        def hook(point: str) -> None:
            count = passed.get(point, 0)
            passed[point] = count + 1
            if faults.kill == (point, count):
                faults.happened.append(f"killed at {point}")
                self.kill()

        return hook

    def sync(
        self,
        faults: Faults,
        answered: Callable[[str], None],
        before: Callable[[], None],
        limit: int,
    ) -> str:
        """Synchronise; what it came to: ``ok``, ``more``, ``killed`` or an error's code.

        :param answered: called with an exchange's status when it was applied.
        :param before: called before each exchange.
        """
        self.wire.lose, self.wire.calls, self.wire.lost = faults.lose, 0, None
        try:
            return self._sync(self._hook(faults), answered, before, limit)
        except Killed:
            self.revive()
            return "killed"
        except SyncError as error:
            self.trouble = error
            if self.wire.lost is not None:
                faults.happened.append(f"{self.wire.lost} lost")
            return error.code

    def allow_deletion(self) -> None:
        """A person has looked at what stopped the last exchange, and lets it happen."""
        self.allowed = True
        if self.trouble is not None:
            adapter.allow_deletion(self.execute, self.trouble)

    def check(self) -> dict[str, int]:
        """How many rows of each table differed from the server's without a reason."""
        self.wire.lose = None
        return adapter.check(self.connection, self.wire, self.product.schema, self.clock)

    def _sync(
        self,
        fault: Callable[[str], None],
        answered: Callable[[str], None],
        before: Callable[[], None],
        limit: int,
    ) -> str:
        schema = self.product.schema
        if not self.ready:
            adapter.first_sync(
                self.connection,
                self.wire,
                schema,
                self._device,
                self._tables,
                self.clock,
                fault,
                chunk=max(2, limit),
            )
            self.ready = True
            self.numbers.add(self.device)
            self.wire.ahead = False
            answered("ok")
            return "ok"
        if not adapter.greeted(self.connection, schema):
            adapter.greet(self.connection, self.wire, schema)
        for _attempt in range(TRIES):
            before()
            try:
                outcome = adapter.exchange_once(
                    self.connection, self.wire, schema, self.clock, fault, limit
                )
            except GreetingWanted:
                adapter.greet(self.connection, self.wire, schema)
                continue
            if outcome.status == "hello":
                adapter.greet(self.connection, self.wire, schema)
                continue
            self.numbers.add(self.device)
            if outcome.status == "ok":
                self.wire.ahead = False
            if outcome.status == "recovered":
                self.unsure = False
            answered(outcome.status)
            if outcome.held is not None:
                self.trouble = outcome.held
                return outcome.held.code
            if not outcome.more:
                return "ok"
        return "more"

    def _tables(self, connection: Any) -> None:
        for table in self.product.schema.tables:
            columns = ", ".join(
                f'"{c.name}" {"TEXT" if c.kind in _TEXTS else "INTEGER"}'
                for c in table.columns
                if c.name != "id"
            )
            connection.execute(f'CREATE TABLE "{table.name}" (id INTEGER PRIMARY KEY, {columns})')
