"""The JSON that leaves a workstation, and what is made of the JSON that comes."""

from __future__ import annotations

import json

import pytest

from sync import wire
from sync.errors import ProtocolError
from sync.store import LocalTransaction, Operation
from tests.sync_client.world import SCHEMA


def test_values_leave_as_the_protocol_says() -> None:
    new = {"id": 1, "name": "ñ", "active": 1, "balance": -1250, "seen_at": None}
    operation = Operation("person", 1, "U", {"active": 0, "balance": 5}, new)
    request = wire.ExchangeRequest(
        3, 7, "n", 5, "x", "e", "c", (LocalTransaction(1, "t", None, "label", "at", (operation,)),)
    )
    sent = json.loads(wire.exchange_request(request, SCHEMA))
    assert {key: sent[key] for key in sent if key != "push"} == {
        "protocol": 1,
        "schema_version": 3,
        "device": 7,
        "nonce": "n",
        "generation": 5,
        "exchange": "x",
        "epoch": "e",
        "cursor": "c",
        "inline": wire.INLINE,
    }
    (transaction,) = sent["push"]
    assert (transaction["tx"], transaction["actor"]) == ("t", None)
    (op,) = transaction["ops"]
    assert op["old"] == {"active": False, "balance": "0.05"}
    assert op["new"] == {
        "id": 1,
        "name": "ñ",
        "active": True,
        "balance": "-12.50",
        "seen_at": None,
    }
    assert op["old"]["active"] is False
    assert op["new"]["active"] is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"status": 1}',
        '{"status": "ok"}',
        '{"status": "ok", "nonce": "n", "cursor": "c", "epoch": "e", "changes": [{"t": "x"}]}',
        '{"status": "ok", "results": [{"tx": "t", "status": "maybe"}]}',
        '{"status": "ok", "results": [{"tx": "t", "status": "applied", "made": ["Ana"]}]}',
    ],
)
def test_what_is_no_answer_is_refused_without_its_words(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        wire.exchange_answer(text)
    assert caught.value.params == {"what": "exchange"}
    assert caught.value.__cause__ is None


def test_a_refusal_keeps_all_that_was_said_of_it() -> None:
    answer = wire.exchange_answer(
        json.dumps(
            {
                "status": "ok",
                "nonce": "n",
                "generation": 5,
                "cursor": "c",
                "epoch": "e",
                "changes": [],
                "results": [
                    {"tx": "0", "status": "deferred"},
                    {"tx": "1", "status": "applied"},
                    {"tx": "2", "status": "rejected", "code": "depends", "on": "1", "by": None},
                ],
            }
        )
    )
    assert answer.results == (
        wire.Result("0", applied=False, deferred=True),
        wire.Result("1", applied=True),
        wire.Result("2", applied=False, code="depends", detail={"on": "1"}),
    )
