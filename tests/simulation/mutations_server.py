"""Mistakes in the server's half, as the reference server plays it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation
from tests.simulation.mutations_client import _mistake

REFERENCE = "tests/simulation/reference.py"
DEVICES = "tests/simulation/devices.py"
PUSHING = "tests/simulation/pushing.py"
STORAGE = "tests/simulation/storage.py"

MUTATIONS: tuple[Mutation, ...] = (
    _mistake(
        "results are not looked up",
        REFERENCE,
        'result = known.get(item["tx"]) or transaction.results.get(item["tx"])',
        'result = transaction.results.get(item["tx"])',
    ),
    _mistake(
        "results are not kept",
        REFERENCE,
        '                    transaction.results[item["tx"]] = kept\n',
        "                    pass\n",
    ),
    _mistake(
        "dependents are applied",
        PUSHING,
        "            if on is not None:\n",
        "            if False:\n",
    ),
    _mistake(
        "a refused transaction stays half applied",
        PUSHING,
        "            except Violation as violation:\n"
        "                self._storage.rollback_to(self._transaction, savepoint)\n",
        "            except Violation as violation:\n",
    ),
    _mistake(
        "old values are not compared", PUSHING, "        if differing:\n", "        if False:\n"
    ),
    _mistake(
        "what stands already is a conflict",
        PUSHING,
        "            and (new is None or row[name] != new[name])\n",
        "",
    ),
    _mistake(
        "stamps are compared",
        PUSHING,
        "            if not table.column(name).stamp\n            and row[name] != old.get(name)\n",
        "            if row[name] != old.get(name)\n",
    ),
    _mistake(
        "a profile writes any table",
        PUSHING,
        ' or self._profile not in schema[op["t"]].write_by:',
        ":",
    ),
    _mistake(
        "appointments overlap",
        STORAGE,
        '        if rules.overlap and row["status"] != CANCELLED:\n',
        "        if False:\n",
    ),
    _mistake(
        "what may be there once is there twice",
        STORAGE,
        "            if changed.intersection(columns) and all(row[c] is not None for c in columns):\n",
        "            if False:\n",
    ),
    _mistake(
        "parents need not be there",
        STORAGE,
        "        if self.row(transaction, target, parent) is None:\n",
        "        if False:\n",
    ),
    _mistake(
        "money is changed",
        STORAGE,
        "            if self.product.schema[table].append_only:\n"
        '                raise Violation("23001", f"{table}_append_only")\n'
        "            self._check",
        "            self._check",
    ),
    _mistake(
        "nobody waits for a row that another changes",
        STORAGE,
        "        if any(key in other.locks for other in self._others(transaction)):\n",
        "        if False:\n",
    ),
    _mistake(
        "the cursor forgets what is still running",
        STORAGE,
        "        return Snapshot(xmax, tuple(running))\n",
        "        return Snapshot(xmax, tuple(running[:0]))\n",
    ),
    _mistake(
        "the cursor is taken after the delta",
        REFERENCE,
        "            self.meanwhile()\n",
        "            self.meanwhile()\n            snapshot = self.storage.snapshot(transaction)\n",
    ),
    _mistake(
        "what is gone is not told",
        REFERENCE,
        "            gone = sorted(touched[name].difference(rows))\n",
        "            gone = []\n",
    ),
    _mistake(
        "the delta knows no scope",
        REFERENCE,
        "            rows = self._visible(who, name, self.storage.rows(transaction, name))\n"
        "            ids",
        "            rows = dict(self.storage.rows(transaction, name))\n            ids",
    ),
    _mistake(
        "the nonce stays",
        DEVICES,
        "        nonce = self._uuid(self._rng)\n        if who.nonce is not None",
        "        nonce = who.nonce or self._uuid(self._rng)\n        if who.nonce is not None",
    ),
    _mistake(
        "a stale nonce passes",
        DEVICES,
        "            if who.last_exchange != exchange:\n                return None\n",
        "",
    ),
    _mistake(
        "the repeat of a lost answer is a fork",
        DEVICES,
        "            if who.last_exchange != exchange:\n                return None\n",
        "            return None\n",
    ),
    _mistake(
        "a revoked device exchanges", DEVICES, "        if who.revoked:\n", "        if False:\n"
    ),
    _mistake(
        "nobody is asked to greet after an upgrade",
        DEVICES,
        '            or who.schema_version != request["schema_version"]\n'
        "            or who.server_version != self.product.version\n",
        "",
    ),
    _mistake(
        "a server that was put back does not notice",
        REFERENCE,
        "            self._new_epoch()\n            return",
        "            pass\n        if False:\n            return",
    ),
    _mistake(
        "what builds on rows that another copy pushed is refused",
        REFERENCE,
        'renamed = renamed or result.get("made", made) != made',
        "renamed = False",
    ),
    _mistake(
        "everything that was acknowledged passes for known",
        REFERENCE,
        'tx for tx in request["acked"] if tx in known and known[tx]["status"] == "applied"',
        'tx for tx in request["acked"]',
    ),
    _mistake(
        "what is offered again has to have the new number",
        PUSHING,
        "        numbers = self._kin if again else {self._number}\n",
        "        numbers = {self._number}\n",
    ),
    _mistake(
        "a cursor below the log's end passes",
        REFERENCE,
        '            return \'{"status": "stale"}\'\n',
        "            pass\n",
    ),
)
