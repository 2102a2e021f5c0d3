"""A program of version 1 goes on working with this server until its workstation is updated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.sync_server.conftest import Tenant, Workstation, client_row, op, transaction

CLIENTS = "pacientes_cliente"
KNOWN_STATUSES = {
    "ok",
    "hello",
    "migrating",
    "revoked",
    "unknown_device",
    "client_too_old",
    "server_too_old",
    "epoch",
    "forked",
}
"""What a program of version 1 has a word for."""


@dataclass
class OldWorkstation(Workstation):
    """Says exactly what version 1 says: no more keys, and the version."""

    keys: frozenset[str] = field(
        default=frozenset(
            {"protocol", "schema_version", "device", "columns", "nonce", "exchange"}
            | {"epoch", "cursor", "push"}
        )
    )

    def call(self, function: str, **request: Any) -> dict:
        said = {key: value for key, value in request.items() if key in self.keys}
        return super().call(function, **(said | {"schema_version": 1}))


@pytest.fixture
def old(tenant: Tenant) -> OldWorkstation:
    made = tenant.device("office")
    return OldWorkstation(made.connection, made.number)


def test_it_joins_pushes_pulls_and_is_refused_as_ever(tenant: Tenant, old: OldWorkstation) -> None:
    """Catches a key that the server needs now and version 1 does not send."""
    there = tenant.client("Antes")
    old.join()
    assert [row[0] for row in old.read(CLIENTS)] == [there]
    mine = old.new_id()
    assert old.push(op("I", CLIENTS, mine, new=client_row()))["status"] == "applied"
    theirs = tenant.client("Web")
    tenant.db.execute("UPDATE pacientes_cliente SET notas = 'web' WHERE id = %s", (there,))
    refused = old.push(op("U", CLIENTS, there, {"notas": None}, {"notas": "mía"}))
    assert (refused["status"], refused["code"]) == ("rejected", "conflict")
    assert set(old.rows[CLIENTS]) == {there, mine, theirs}
    tenant.db.execute("DELETE FROM pacientes_cliente WHERE id = %s", (theirs,))
    old.exchange()
    assert set(old.rows[CLIENTS]) == {there, mine}


def test_a_lost_answer_is_repeated_and_a_copy_is_told(old: OldWorkstation) -> None:
    """Catches a fork guard that version 1 does not pass any more."""
    old.join()
    given = transaction(op("I", CLIENTS, old.new_id(), new=client_row()))
    request = old.request(given)
    first = old.call("sync_exchange", **request)
    again = old.take(old.call("sync_exchange", **request))
    # What version 1 does not know of a result it passes over.
    assert again["results"][0].pop("made") == [given["ops"][0]["id"]]
    assert again["results"] == first["results"]
    stale = old.nonce
    old.exchange()
    old.nonce = stale
    told = old.exchange()
    assert told["status"] == "forked"
    old.number, old.nonce = told["device"], told["nonce"]
    assert old.exchange()["status"] == "ok"


def test_new_statuses_come_only_where_nothing_else_is_true(
    tenant: Tenant, old: OldWorkstation
) -> None:
    """A refusal that version 1 has no word for leaves its cache and its outbox as they are."""
    old.join()
    assert old.exchange()["status"] in KNOWN_STATUSES
    given = transaction(op("I", CLIENTS, old.new_id(), new=client_row()))
    tenant.db.execute("UPDATE sync_meta SET horizon = pg_snapshot_xmax(pg_current_snapshot())")
    assert old.exchange(given) == {"status": "stale"}
    assert tenant.one("SELECT count(*) FROM sync_result") == 0
    tenant.db.execute("UPDATE sync_meta SET horizon = '0'")
    assert old.exchange(given)["results"][0]["status"] == "applied"


def test_an_updated_program_takes_the_device_over_and_the_old_one_is_greeted_again(
    tenant: Tenant, old: OldWorkstation
) -> None:
    """Catches a server that mixes up what two versions of one workstation know."""
    old.join()
    fresh = Workstation(old.connection, old.number)
    fresh.nonce, fresh.epoch, fresh.cursor = old.nonce, old.epoch, old.cursor
    assert fresh.exchange()["status"] == "hello"
    assert fresh.hello()["status"] == "ok"
    assert fresh.exchange()["status"] == "ok"
    old.nonce, old.cursor = fresh.nonce, fresh.cursor
    assert old.exchange()["status"] == "hello"
    assert old.hello()["status"] == "ok"
    assert old.exchange()["status"] == "ok"
    assert tenant.one("SELECT min_client_version FROM sync_meta") == 1
