"""One hello, one exchange: from the cache to the server and back into the cache."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sync import store, wire
from sync.apply import Applied, Fault, apply_answer, lay_down_rows, no_fault
from sync.errors import (
    AccessRefused,
    Busy,
    ClientTooOld,
    EpochChanged,
    Migrating,
    NeverSynced,
    ProtocolError,
    Revoked,
    ServerTooOld,
    SyncError,
    WrongServer,
)
from sync.rekey import apply_fork
from sync.schema import SyncSchema
from sync.transport import Transport

PUSH_LIMIT = 2000
"""Operations in one exchange; a longer outbox goes in several."""

BEFORE_ALL = -(1 << 62)
"""Below every id."""

REFETCH_ROWS = 5000

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an exchange came to.

    :ivar status: ``ok``, ``forked`` or ``hello`` (the server wants to be greeted first).
    :ivar more: local transactions wait that were not part of it.
    :ivar held: what kept the push back, where only the pull came about.
    """

    status: str
    applied: Applied
    more: bool
    held: Busy | None = None


def greet(connection: Any, transport: Transport, schema: SyncSchema) -> wire.HelloAnswer:
    """Tell the server which columns this program knows; keep what it says of the device.

    Raises :class:`WrongServer` where the server's clinic is not the one in this cache.
    """
    execute = store.executor(connection)
    device = store.device(execute)
    answer = wire.hello_answer(transport.hello(wire.hello_request(schema, device)))
    if answer.status != "ok":
        raise refusal(answer.status, schema, answer.schema_version)
    known = store.get_state(execute, "tenant")
    if known is not None and known != answer.tenant:
        raise WrongServer
    columns = {table.name: list(table.columns) for table in answer.tables}
    connection.execute("BEGIN IMMEDIATE")
    try:
        for key, value in (
            ("refetch", _to_refetch(execute, columns, schema)),
            ("columns", json.dumps(columns)),
            ("tenant", answer.tenant),
            ("profile", answer.profile),
            ("practitioner_id", answer.practitioner_id),
            ("label", answer.label),
            ("office_key", answer.office_key or None),
            ("greeted_version", schema.version),
        ):
            store.set_state(execute, key, None if value is None else str(value))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return answer


def _to_refetch(
    execute: store.Execute, columns: dict[str, list[str]], schema: SyncSchema
) -> str | None:
    """Table → id to read on from, for tables of which this device now gets more than it did."""
    known = store.get_state(execute, "columns")
    if known is None:
        return None
    before = json.loads(known)
    tables = json.loads(store.get_state(execute, "refetch") or "{}")
    for name, names in columns.items():
        if name in schema and not set(names) <= set(before.get(name, ())):
            tables[name] = BEFORE_ALL
    return json.dumps(tables) if tables else None


def _refetch(connection: Any, transport: Transport, schema: SyncSchema) -> frozenset[str]:
    """Read whole tables whose new columns no delta would bring, in resumable chunks."""
    execute = store.executor(connection)
    read: set[str] = set()
    while state := store.get_state(execute, "refetch"):
        tables = json.loads(state)
        table, after = next(iter(tables.items()))
        columns = json.loads(store.get_state(execute, "columns") or "{}")[table]
        rows = wire.decoded_rows(transport.read(store.device(execute), table, after, REFETCH_ROWS))
        if len(rows) < REFETCH_ROWS:
            del tables[table]
        else:
            tables[table] = rows[-1][columns.index("id")]
        change = wire.TableChanges(table, tuple(columns), rows, ())
        left = json.dumps(tables) if tables else None
        lay_down_rows(connection, schema, change, "refetch", left)
        read.add(table)
    return frozenset(read)


def exchange_once(
    connection: Any,
    transport: Transport,
    schema: SyncSchema,
    clock: Clock,
    fault: Fault = no_fault,
    push_limit: int = PUSH_LIMIT,
) -> Outcome:
    """Push what waits and apply what comes back. Raises ``SyncError``; then nothing has changed.

    :param connection: a DB-API connection to the cache in autocommit mode.
    """
    execute = store.executor(connection)
    refetched = _refetch(connection, transport, schema)
    request = _request(connection, schema, push_limit)
    fault("before_send")
    held = None
    try:
        text = transport.exchange(wire.exchange_request(request, schema))
    except Busy as busy:
        if not request.push:
            raise
        # Somebody's transaction holds what is pushed, perhaps for long. What others did comes anyway.
        held = busy
        request = replace(request, push=())
        text = transport.exchange(wire.exchange_request(request, schema))
    fault("after_receive")
    answer = wire.exchange_answer(text)
    if held is not None and answer.status != "ok":
        raise held
    if answer.status == "ok":
        answered = {result.tx for result in answer.results}
        if any(transaction.id not in answered for transaction in request.push):
            raise ProtocolError(what="results")
        applied = apply_answer(connection, schema, answer, clock(), fault)
    elif answer.status == "forked":
        applied = apply_fork(connection, schema, answer, clock(), fault)
    elif answer.status == "hello":
        return Outcome("hello", Applied(), more=True)
    else:
        raise refusal(answer.status, schema, answer.schema_version, request.epoch, answer.epoch)
    applied = replace(applied, tables=applied.tables | refetched)
    left = store.pending(execute).count
    return Outcome(answer.status, applied, more=left > 0 or answer.status == "forked", held=held)


def _request(connection: Any, schema: SyncSchema, push_limit: int) -> wire.ExchangeRequest:
    """The next request. Its id is in the cache before it is sent: a repeat carries the same."""
    execute = store.executor(connection)
    state = {key: store.get_state(execute, key) for key in ("nonce", "epoch", "cursor", "exchange")}
    if not state["nonce"] or not state["cursor"]:
        raise NeverSynced
    exchange = state["exchange"]
    if exchange is None:
        exchange = str(uuid.uuid4())
        store.set_state(execute, "exchange", exchange)
    return wire.ExchangeRequest(
        schema_version=schema.version,
        device=store.device(execute),
        nonce=state["nonce"],
        exchange=exchange,
        epoch=state["epoch"] or "",
        cursor=state["cursor"],
        push=tuple(store.outbox(execute, push_limit)),
    )


def refusal(
    status: str, schema: SyncSchema, server_version: int, ours: str = "", theirs: str = ""
) -> SyncError:
    """The error for an answer that did nothing."""
    if status == "revoked":
        return Revoked()
    if status == "unknown_device":
        return AccessRefused(reason=status)
    if status == "epoch":
        return EpochChanged(ours=ours, theirs=theirs)
    if status == "client_too_old":
        return ClientTooOld(client=schema.version, server=server_version)
    if status == "server_too_old":
        return ServerTooOld(client=schema.version, server=server_version)
    if status == "migrating":
        return Migrating()
    return ProtocolError(what="status")
