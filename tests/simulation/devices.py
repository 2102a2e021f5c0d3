"""The reference server's devices: who calls, who is a copy, and which rows are for whom."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync.errors import Busy
from tests.simulation.schemas import PRACTITIONER, Product
from tests.simulation.storage import Row, State, Storage, Transaction

PROTOCOL = 1
BEGIN = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
View = dict[str, dict[int, Row]]


@dataclass(frozen=True, slots=True)
class Device:
    """What the server knows of a device."""

    number: int
    role: str
    profile: str
    practitioner: int | None
    nonce: str | None = None
    last_exchange: str | None = None
    columns: Mapping[str, Sequence[str]] | None = None
    schema_version: int | None = None
    server_version: int | None = None
    revoked: bool = False
    forked_from: int | None = None
    generation: int = 0
    recovered_at: dt.datetime | None = None


@dataclass(slots=True)
class Backup:
    """A backup of the whole server."""

    state: State
    devices: dict[int, Device]
    product: Product
    minimum: int
    last_number: int
    sequence: int
    horizon: int
    epoch: str


class Devices:
    """A server's devices, what an administrator does with them, and the rows that each may have.

    :ivar forks: (number that was forked, number given), for the history.
    :ivar views: device number → what it had to hold after its last answered exchange.
    :ivar meanwhile: called while an exchange is done and not yet committed.
    :ivar review: after a restoration, what was acknowledged comes back as drafts.
    :ivar horizon: the log reaches back to this transaction.
    """

    def __init__(self, product: Product, rng: random.Random) -> None:
        self.storage = Storage(product)
        self.devices: dict[int, Device] = {}
        self.minimum = 1
        self.migrating = False
        self.review = False
        self.horizon = 0
        self.tenant = self._uuid(rng)
        self.epoch = self._uuid(rng)
        self.forks: list[tuple[int, int]] = []
        self.views: dict[int, View] = {}
        self.meanwhile: Callable[[], None] = lambda: None
        self.now = BEGIN
        self._rng = rng
        self._last_number = 0
        self._held: set[int] = set()

    @staticmethod
    def _uuid(rng: random.Random) -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    @property
    def product(self) -> Product:
        return self.storage.product

    # What an administrator does -----------------------------------------------------------------

    def enrol(self, role: str, profile: str, practitioner: int | None) -> int:
        """A new device's number."""
        self._last_number += 1
        number = self._last_number
        self.devices[number] = Device(number, role, profile, practitioner)
        return number

    def revoke(self, role: str, *, revoked: bool = True) -> None:
        """Shut every device of a role out, or let it in again."""
        for number, device in self.devices.items():
            if device.role == role:
                self.devices[number] = replace(device, revoked=revoked)

    def upgrade(self, product: Product, *, minimum: int) -> None:
        """Bring the schema to another version: columns that are new are filled, and not logged."""
        rows = self.storage.state.rows
        for table in product.schema.tables:
            for column in table.column_names:
                if column not in self.product.schema[table.name].column_names:
                    filling = product.filled[table.name, column]
                    rows[table.name] = {
                        row_id: {**row, column: filling} for row_id, row in rows[table.name].items()
                    }
        self.storage.product = product
        self.minimum = minimum

    def backup(self) -> Backup:
        """A copy of all that is committed."""
        return Backup(
            self.storage.state.copy(),
            dict(self.devices),
            self.product,
            self.minimum,
            self._last_number,
            self.storage.sequence,
            self.horizon,
            self.epoch,
        )

    def restore(self, backup: Backup) -> None:
        """Put the server back to a backup; what was open is gone."""
        self.storage.open.clear()
        self.storage.state = backup.state.copy()
        self.storage.product = backup.product
        self.devices = dict(backup.devices)
        self.minimum = backup.minimum
        self._last_number = backup.last_number
        self.storage.sequence = backup.sequence
        self.horizon = backup.horizon
        self.epoch = backup.epoch

    # Who calls ----------------------------------------------------------------------------------

    def _enter(self, role: str, request: Mapping[str, Any]) -> tuple[str | None, Device | None]:
        """A refusal's text, or the device that calls."""
        if self.migrating:
            return '{"status": "migrating"}', None
        who = self.devices.get(request["device"])
        if who is None or who.role != role:
            return '{"status": "unknown_device"}', None
        if who.number in self._held:
            raise Busy
        if who.revoked:
            return '{"status": "revoked"}', None
        version = self.product.version
        if request["protocol"] > PROTOCOL or request["schema_version"] > version:
            return json.dumps({"status": "server_too_old", "schema_version": version}), None
        if request["protocol"] < PROTOCOL or request["schema_version"] < self.minimum:
            return json.dumps({"status": "client_too_old", "schema_version": version}), None
        return None, who

    def _needs_hello(self, who: Device, request: Mapping[str, Any]) -> bool:
        return (
            who.columns is None
            or who.schema_version != request["schema_version"]
            or who.server_version != self.product.version
        )

    def _rotated(self, who: Device, request: Mapping[str, Any]) -> Device | None:
        """The device with its next nonce; ``None`` where it is a copy of another."""
        exchange = request["exchange"]
        nonce = self._uuid(self._rng)
        if who.nonce is not None and who.nonce != request.get("nonce"):
            if who.last_exchange != exchange:
                return None
            nonce = who.nonce  # a repeat gets the nonce that the exchange was given
        return replace(who, nonce=nonce, last_exchange=exchange, generation=who.generation + 1)

    def kin(self, who: Device) -> frozenset[int]:
        """The numbers of a device's login."""
        return frozenset(d.number for d in self.devices.values() if d.role == who.role)

    def lineage(self, number: int) -> frozenset[int]:
        """A device's number, and those under which it went before."""
        found: set[int] = set()
        at: int | None = number
        while at is not None and at not in found:
            found.add(at)
            at = self.devices[at].forked_from if at in self.devices else None
        return frozenset(found)

    # Rows of a device ---------------------------------------------------------------------------

    def _sees(self, who: Device, table: str, row: Row) -> bool:
        owner = self.product.rules[table].owner
        return who.profile != PRACTITIONER or owner is None or row[owner] == who.practitioner

    def _visible(self, who: Device, table: str, rows: Mapping[int, Row]) -> dict[int, Row]:
        return {row_id: row for row_id, row in rows.items() if self._sees(who, table, row)}

    def _array(self, who: Device, table: str, row: Row) -> list[Any]:
        return [row[name] for name in (who.columns or {})[table]]

    def _view(self, who: Device, transaction: Transaction | None) -> View:
        """Every row that a device has to hold, with the columns that it gets."""
        view: View = {}
        for name, columns in (who.columns or {}).items():
            rows = self._visible(who, name, self.storage.rows(transaction, name))
            view[name] = {
                row_id: {column: row[column] for column in columns} for row_id, row in rows.items()
            }
        return view

    def view(self, number: int) -> View:
        """What a device has to hold now that everything is at rest."""
        return self._view(self.devices[number], None)
