"""A reference server: the protocol of ``docs/sync-protocol.md`` over a database in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync.errors import AccessRefused, Busy, GreetingWanted
from sync.schema import DEVICE_BITS, device_of
from tests.simulation.pushing import Push, blocks
from tests.simulation.schemas import PRACTITIONER, Product
from tests.simulation.storage import Row, Snapshot, State, Storage, Transaction, Waits

PROTOCOL = 1
BEGIN = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
PATIENCE = dt.timedelta(minutes=10)
"""So long after its recovery a device may offer again what can't be applied yet."""
SKIPPED = 64
"""Device numbers that may have been given after the backup."""
BUCKET_BITS = 12
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


class ReferenceServer:
    """The server. Requests and answers are the protocol's own JSON texts.

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

    def _fork(self, who: Device, request: Mapping[str, Any]) -> str:
        number = self.enrol(who.role, who.profile, who.practitioner)
        twin = replace(
            who,
            number=number,
            nonce=self._uuid(self._rng),
            last_exchange=None,
            forked_from=who.number,
            generation=0,
            recovered_at=None,
        )
        self.devices[number] = twin
        self.forks.append((who.number, number))
        known = self.storage.state.results
        results = [known[t["tx"]] for t in request.get("push", ()) if t["tx"] in known]
        return json.dumps(
            {
                "status": "forked",
                "device": number,
                "nonce": twin.nonce,
                "generation": twin.generation,
                "results": results,
            }
        )

    # The protocol's functions -------------------------------------------------------------------

    def hello(self, role: str, text: str) -> str:
        """``sync_hello``."""
        request = json.loads(text)
        refusal, who = self._enter(role, request)
        if who is None:
            return refusal or ""
        tables = []
        for table in self.product.schema.readable_by(who.profile):
            asked = request["columns"].get(table.name)
            if asked is not None:
                names = [name for name in asked if name in table.column_names]
                tables.append({"name": table.name, "ord": table.order, "columns": names})
        self.devices[who.number] = replace(
            who,
            columns={t["name"]: t["columns"] for t in tables},
            schema_version=request["schema_version"],
            server_version=self.product.version,
        )
        return json.dumps(
            {
                "status": "ok",
                "tenant": self.tenant,
                "epoch": self.epoch,
                "schema_version": self.product.version,
                "server_time": self.storage.now,
                "profile": who.profile,
                "practitioner_id": who.practitioner,
                "label": who.role,
                "tables": tables,
            }
        )

    def start(self, role: str, text: str) -> str:
        """``sync_start``."""
        request = json.loads(text)
        refusal, who = self._enter(role, request)
        if who is None:
            return refusal or ""
        if self._needs_hello(who, request):
            return '{"status": "hello"}'
        known = "nonce" in request or who.last_exchange == request["exchange"]
        rotated = self._rotated(who if known else replace(who, nonce=None), request)
        if rotated is None:
            return self._fork(who, request)
        transaction = self.storage.begin()
        cursor = self.storage.snapshot(transaction).text()
        self.storage.assign(transaction)
        self.storage.commit(transaction)
        self.devices[who.number] = rotated
        tables = []
        highest = max(
            (
                entry.row_id
                for entry in self.storage.state.log
                if device_of(entry.row_id) == who.number
            ),
            default=0,
        )
        for name in who.columns or ():
            rows = self.storage.state.rows[name]
            own = [row_id for row_id in rows if device_of(row_id) == who.number]
            highest = max(highest, *own, 0)
            tables.append({"name": name, "rows": len(rows), "max_id": max(rows, default=0)})
        first = next(iter(who.columns or ()), None)
        priority = []
        if first is not None:
            priority = [{"table": first, "ids": sorted(self.storage.state.rows[first])[:3]}]
        return json.dumps(
            {
                "status": "ok",
                "nonce": rotated.nonce,
                "generation": rotated.generation,
                "epoch": self.epoch,
                "cursor": cursor,
                "counter": highest & ((1 << DEVICE_BITS) - 1),
                "tables": tables,
                "priority": priority,
            }
        )

    def read(self, role: str, number: int, table: str, after: int, limit: int) -> list[str]:
        """``sync_read``."""
        who, rows = self._readable(role, number, table)
        ids = sorted(row_id for row_id in rows if row_id > after)[:limit]
        return [
            json.dumps(self._array(who, table, rows[row_id]), ensure_ascii=False) for row_id in ids
        ]

    def read_ids(self, role: str, number: int, table: str, ids: Sequence[int]) -> list[str]:
        """``sync_read_ids``."""
        who, rows = self._readable(role, number, table)
        return [json.dumps(self._array(who, table, rows[i])) for i in sorted(ids) if i in rows]

    def _readable(self, role: str, number: int, table: str) -> tuple[Device, dict[int, Row]]:
        if self.migrating:
            raise Busy
        who = self.devices.get(number)
        if who is None or who.role != role or who.revoked or table not in (who.columns or ()):
            raise AccessRefused(reason="permission")
        if who.server_version != self.product.version:
            raise GreetingWanted
        return who, self._visible(who, table, self.storage.rows(None, table))

    def exchange(self, role: str, text: str) -> str:
        """``sync_exchange``."""
        request = json.loads(text)
        refusal, who = self._enter(role, request)
        if who is None:
            return refusal or ""
        if request["epoch"] != self.epoch:
            return json.dumps({"status": "epoch", "epoch": self.epoch})
        snapshot_text, _, own = request["cursor"].partition("|")
        since = Snapshot.read(snapshot_text)
        if request["generation"] > who.generation or since.xmax > self.storage.state.completed + 1:
            self._new_epoch()
            return json.dumps({"status": "epoch", "epoch": self.epoch})
        if self._needs_hello(who, request):
            return '{"status": "hello"}'
        if since.oldest(int(own or -1)) < self.horizon:
            return '{"status": "stale"}'
        rotated = self._rotated(who, request)
        if rotated is None:
            return self._fork(who, request)
        transaction = self.storage.begin()
        self._held.add(who.number)
        try:
            self.storage.assign(transaction)
            transaction.device = who.number
            results = self._push(who, transaction, request["push"])
            snapshot = self.storage.snapshot(transaction)
            changes = self._delta(who, transaction, since, int(own or -1), request["push"])
            view = self._view(who, transaction)
            self.meanwhile()
        except Waits:
            self.storage.rollback(transaction)
            raise Busy from None
        except BaseException:
            self.storage.rollback(transaction)
            raise
        finally:
            self._held.discard(who.number)
        self.storage.commit(transaction)
        revoked = self.devices[who.number].revoked
        self.devices[who.number] = replace(rotated, revoked=revoked)
        self.views[who.number] = view
        return json.dumps(
            {
                "status": "ok",
                "nonce": rotated.nonce,
                "generation": rotated.generation,
                "cursor": f"{snapshot.text()}|{transaction.xid}",
                "epoch": self.epoch,
                "schema_version": self.product.version,
                "server_time": self.storage.now,
                "results": results,
                "changes": changes,
            }
        )

    def recover(self, role: str, text: str) -> str:
        """``sync_recover``."""
        request = json.loads(text)
        refusal, who = self._enter(role, request)
        if who is None:
            return refusal or ""
        if self._needs_hello(who, request):
            return '{"status": "hello"}'
        reached = max(who.generation, request["generation"]) + 1
        twin = next(
            (
                device
                for device in self.devices.values()
                if device.forked_from == who.number and device.last_exchange == request["exchange"]
            ),
            None,
        )
        nonce = self._uuid(self._rng)
        if twin is None:
            number = self.enrol(who.role, who.profile, who.practitioner)
            twin = replace(
                who,
                number=number,
                last_exchange=request["exchange"],
                forked_from=who.number,
                recovered_at=self.now,
                nonce=nonce,
            )
        twin = replace(twin, generation=max(reached, twin.generation + 1))
        self.devices[twin.number] = twin
        self.storage.sequence = max(self.storage.sequence, *request["seen"].values(), 0)
        known = self.storage.state.results
        return json.dumps(
            {
                "status": "ok",
                "device": twin.number,
                "nonce": twin.nonce,
                "generation": twin.generation,
                "epoch": self.epoch,
                "cursor": self.storage.snapshot(None).text(),
                "mode": "review" if self.review else "offer",
                "results": [known[tx] for tx in request["waiting"] if tx in known],
                "known": [
                    tx
                    for tx in request["acked"]
                    if tx in known and known[tx]["status"] == "applied"
                ],
            }
        )

    def _new_epoch(self) -> None:
        self.epoch = self._uuid(self._rng)
        self._last_number = max(self._last_number, *self.devices) + SKIPPED

    def sums(self, role: str, number: int, table: str, after: int, limit: int) -> list[str]:
        """``sync_sums``."""
        found: dict[int, list[int]] = {}
        for line in self.read(role, number, table, after, limit):
            row_id = json.loads(line)[self._key(number, table)]
            bucket = found.setdefault(row_id >> BUCKET_BITS, [0, 0, 0])
            bucket[0] += 1
            bucket[1] ^= hashed(line)
            bucket[2] = row_id
        return [json.dumps([bucket, *values]) for bucket, values in sorted(found.items())]

    def hashes(self, role: str, number: int, table: str, bucket: int, cursor: str) -> list[str]:
        """``sync_hashes``."""
        first = bucket << BUCKET_BITS
        upto = first + (1 << BUCKET_BITS)
        snapshot_text, _, own = cursor.partition("|")
        since = Snapshot.read(snapshot_text)
        recent = {
            entry.row_id
            for entry in self.storage.state.log
            if entry.table == table
            and first <= entry.row_id < upto
            and since.misses(entry.xid)
            and entry.xid != int(own or -1)
        }
        who, rows = self._readable(role, number, table)
        found = {
            row_id: hashed(json.dumps(self._array(who, table, row), ensure_ascii=False))
            for row_id, row in rows.items()
            if first <= row_id < upto
        }
        ids = sorted(found.keys() | recent)
        return [json.dumps([row_id, found.get(row_id), row_id in recent]) for row_id in ids]

    def _key(self, number: int, table: str) -> int:
        return list((self.devices[number].columns or {})[table]).index("id")

    def prune(self) -> bool:
        """Drop what is old from the log, all that is older than every open transaction."""
        if self.storage.open:
            return False
        self.horizon = self.storage.state.completed + 1
        self.storage.state.log.clear()
        return True

    # Inside an exchange -------------------------------------------------------------------------

    def _push(
        self, who: Device, transaction: Transaction, items: list[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        def sees(table: str, row: Row) -> bool:
            return self._sees(who, table, row)

        push = Push(
            self.storage, transaction, who.profile, who.number, self.lineage(who.number), sees
        )
        known = self.storage.state.results
        push.lock([item for item in items if item["tx"] not in known])
        results: list[dict[str, Any]] = []
        blocked: dict[str, str] = {}
        deferred: set[str] = set()
        for item in items:
            result = known.get(item["tx"]) or transaction.results.get(item["tx"])
            if result is None:
                others = (t for t in self.storage.open if t is not transaction)
                if any(item["tx"] in other.results for other in others):
                    raise Waits
                transaction.actor = item["actor"]
                result = push.apply(item, blocked)
                if self._defers(who, item, result, deferred):
                    deferred.add(item["tx"])
                    result = {"tx": item["tx"], "status": "deferred"}
                else:
                    transaction.results[item["tx"]] = result
            if result["status"] != "applied":
                blocked = {**blocks(item), **blocked}
            results.append(result)
        return results

    def _defers(
        self,
        who: Device,
        item: Mapping[str, Any],
        result: Mapping[str, Any],
        deferred: set[str],
    ) -> bool:
        """Whether a refusal is no last word: another workstation may offer what is missing."""
        if result["status"] != "rejected":
            return False
        if result["code"] == "depends" and result["on"] in deferred:
            return True
        return (
            bool(item.get("again"))
            and result["code"] in {"conflict", "gone", "parent_missing"}
            and who.recovered_at is not None
            and who.recovered_at > self.now - PATIENCE
        )

    def lineage(self, number: int) -> frozenset[int]:
        """A device's number, and those under which it went before."""
        found: set[int] = set()
        at: int | None = number
        while at is not None and at not in found:
            found.add(at)
            at = self.devices[at].forked_from if at in self.devices else None
        return frozenset(found)

    def _delta(
        self,
        who: Device,
        transaction: Transaction,
        since: Snapshot,
        own: int,
        items: list[Mapping[str, Any]],
    ) -> list[dict[str, Any]]:
        touched: dict[str, set[int]] = {}
        whole: set[str] = set()
        for entry in (*self.storage.state.log, *transaction.log):
            if since.misses(entry.xid) and entry.xid != own:
                touched.setdefault(entry.table, set())
                if entry.op == "T":
                    whole.add(entry.table)
                else:
                    touched[entry.table].add(entry.row_id)
        for item in items:
            for op in item["ops"]:
                touched.setdefault(op["t"], set()).add(op["id"])
        changes = []
        for table in self.product.schema.readable_by(who.profile):
            name = table.name
            if name not in touched or name not in (who.columns or ()):
                continue
            rows = self._visible(who, name, self.storage.rows(transaction, name))
            ids = sorted(rows if name in whole else touched[name].intersection(rows))
            gone = sorted(touched[name].difference(rows))
            there = self.storage.rows(transaction, name)
            changes.append(
                {
                    "t": name,
                    "all": name in whole,
                    "columns": (who.columns or {})[name],
                    "rows": [self._array(who, name, rows[row_id]) for row_id in ids],
                    "gone": gone,
                    "left": [row_id for row_id in gone if row_id in there],
                }
            )
        return changes

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


def hashed(line: str) -> int:
    """A row's hash: of its text, the first seven bytes of the SHA-256."""
    return int.from_bytes(hashlib.sha256(line.encode()).digest()[:7], "big")
