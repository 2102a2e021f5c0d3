"""A reference server: the protocol of ``docs/sync-protocol.md`` over a database in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sync.errors import AccessRefused, Busy, GreetingWanted
from sync.schema import DEVICE_BITS, device_of
from tests.simulation.devices import Device, Devices
from tests.simulation.pushing import Push, blocks
from tests.simulation.storage import Row, Snapshot, Transaction, Waits

PATIENCE = dt.timedelta(minutes=10)
"""So long after its recovery a device may offer again what can't be applied yet."""
SKIPPED = 64
"""Device numbers that may have been given after the backup."""
BUCKET_BITS = 12
INLINE = 2
"""Rows of a table in an answer, beside those that were pushed."""
VOLUME = 3
"""Rows in one answer of rows."""


class ReferenceServer(Devices):
    """The server. Requests and answers are the protocol's own JSON texts."""

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
            return '{"status": "forked"}'
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

    def read(self, role: str, number: int, table: str, after: int, limit: int) -> str:
        """``sync_read``."""
        return bounded(self._lines(role, number, table, after, limit))

    def _lines(self, role: str, number: int, table: str, after: int, limit: int) -> list[str]:
        who, rows = self._readable(role, number, table)
        ids = sorted(row_id for row_id in rows if row_id > after)[:limit]
        return [
            json.dumps(self._array(who, table, rows[row_id]), ensure_ascii=False) for row_id in ids
        ]

    def read_ids(self, role: str, number: int, table: str, ids: Sequence[int]) -> str:
        """``sync_read_ids``."""
        who, rows = self._readable(role, number, table)
        return bounded(
            [json.dumps(self._array(who, table, rows[i])) for i in sorted(ids) if i in rows]
        )

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
            return '{"status": "forked"}'
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
        known = self.storage.state.results
        there = [tx for tx in request["acked"] if tx in known and known[tx]["status"] == "applied"]
        copy = request["epoch"] == self.epoch
        if copy and len(there) < len(request["acked"]):
            self._new_epoch()
            copy = False
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
            if copy:
                self.forks.append((who.number, number))
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
                "known": there,
            }
        )

    def _new_epoch(self) -> None:
        self.epoch = self._uuid(self._rng)
        self._last_number = max(self._last_number, *self.devices) + SKIPPED

    def sums(self, role: str, number: int, table: str, after: int, limit: int) -> str:
        """``sync_sums``."""
        found: dict[int, list[int]] = {}
        for line in self._lines(role, number, table, after, limit):
            row_id = json.loads(line)[self._key(number, table)]
            bucket = found.setdefault(row_id >> BUCKET_BITS, [0, 0, 0])
            bucket[0] += 1
            bucket[1] ^= hashed(line)
            bucket[2] = row_id
        return json.dumps([[bucket, *values] for bucket, values in sorted(found.items())])

    def hashes(self, role: str, number: int, table: str, after: int, upto: int, cursor: str) -> str:
        """``sync_hashes``."""
        snapshot_text, _, own = cursor.partition("|")
        since = Snapshot.read(snapshot_text)
        recent = {
            entry.row_id
            for entry in self.storage.state.log
            if entry.table == table
            and after < entry.row_id <= upto
            and since.misses(entry.xid)
            and entry.xid != int(own or -1)
        }
        who, rows = self._readable(role, number, table)
        found = {
            row_id: hashed(json.dumps(self._array(who, table, row), ensure_ascii=False))
            for row_id, row in rows.items()
            if after < row_id <= upto
        }
        ids = sorted(found.keys() | recent)
        return json.dumps([[row_id, found.get(row_id), row_id in recent] for row_id in ids])

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

        push = Push(self.storage, transaction, who.profile, who.number, self.kin(who), sees)
        known = self.storage.state.results
        push.lock([item for item in items if item["tx"] not in known])
        results: list[dict[str, Any]] = []
        blocked: dict[str, str] = {}
        deferred: set[str] = set()
        renamed = False
        for item in items:
            made = [o["id"] for o in item["ops"] if o["k"] == "I"]
            result = known.get(item["tx"]) or transaction.results.get(item["tx"])
            if result is not None:
                renamed = renamed or result.get("made", made) != made
            else:
                others = (t for t in self.storage.open if t is not transaction)
                if any(item["tx"] in other.results for other in others):
                    raise Waits
                transaction.actor = item["actor"]
                result = push.apply(item, blocked)
                refused = result["status"] == "rejected"
                if refused and (renamed or self._defers(who, item, result, deferred)):
                    deferred.add(item["tx"])
                    result = {"tx": item["tx"], "status": "deferred"}
                else:
                    kept = result
                    if result["status"] == "applied":
                        kept = {**result, "made": made}
                    transaction.results[item["tx"]] = kept
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
        if result["code"] == "depends" and result["on"] in deferred:
            return True
        return (
            bool(item.get("again"))
            and result["code"] in {"conflict", "gone", "parent_missing"}
            and who.recovered_at is not None
            and who.recovered_at > self.now - PATIENCE
        )

    def _delta(
        self,
        who: Device,
        transaction: Transaction,
        since: Snapshot,
        own: int,
        items: list[Mapping[str, Any]],
    ) -> list[dict[str, Any]]:
        touched: dict[str, set[int]] = {}
        named: dict[str, set[int]] = {}
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
                named.setdefault(op["t"], set()).add(op["id"])
        changes = []
        for table in self.product.schema.readable_by(who.profile):
            name = table.name
            if name not in touched or name not in (who.columns or ()):
                continue
            rows = self._visible(who, name, self.storage.rows(transaction, name))
            ids = sorted(rows if name in whole else touched[name].intersection(rows))
            others = [row_id for row_id in ids if row_id not in named.get(name, ())]
            later = others[INLINE:]
            gone = sorted(touched[name].difference(rows))
            there = self.storage.rows(transaction, name)
            changes.append(
                {
                    "t": name,
                    "all": name in whole,
                    "columns": (who.columns or {})[name],
                    "rows": [
                        self._array(who, name, rows[row_id])
                        for row_id in ids
                        if row_id not in later
                    ],
                    "later": later,
                    "gone": gone,
                    "left": [row_id for row_id in gone if row_id in there],
                }
            )
        return changes


def bounded(lines: list[str]) -> str:
    """Rows until the answer is full, and whether it ends for that."""
    if len(lines) >= VOLUME:
        lines = [*lines[:VOLUME], '{"more": true}']
    return f"[{','.join(lines)}]"


def hashed(line: str) -> int:
    """A row's hash: of its text, the first seven bytes of the SHA-256."""
    return int.from_bytes(hashlib.sha256(line.encode()).digest()[:7], "big")
