"""How the simulation calls the client: the only place that knows how an exchange is run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from sync import apply, calls, exchange, store
from sync.apply import Fault
from sync.bootstrap import bootstrap
from sync.errors import SyncError
from sync.schema import SyncSchema
from sync.transport import Transport
from tests.simulation.network import Wire

Clock = Callable[[], dt.datetime]


class Outcome:
    """What one exchange came to: its status, whether more waits, and what held the push back."""

    def __init__(self, status: str, more: bool, held: SyncError | None) -> None:
        self.status = status
        self.more = more
        self.held = held


def greet(connection: Any, transport: Transport, schema: SyncSchema) -> None:
    """Say hello."""
    exchange.greet(connection, transport, schema)


def greeted(connection: Any, schema: SyncSchema) -> bool:
    """Whether this version of the program has said hello."""
    version = store.get_state(store.executor(connection), "greeted_version")
    return version == str(schema.version)


def exchange_once(
    connection: Any,
    transport: Transport,
    schema: SyncSchema,
    clock: Clock,
    fault: Fault,
    limit: int,
) -> Outcome:
    """One exchange."""
    outcome = exchange.exchange_once(connection, transport, schema, clock, fault, limit)
    return Outcome(outcome.status, outcome.more, outcome.held)


def allow_deletion(execute: store.Execute, error: SyncError) -> None:
    """A person allows what a ``MassDeletion`` stopped."""
    apply.allow_deletion(execute, error.params["table"], error.params["gone"])


def check(
    connection: Any, transport: Transport, schema: SyncSchema, clock: Clock
) -> dict[str, int]:
    """Compare every table with the server; table → rows that differed and should not have."""
    execute = store.executor(connection)
    store.set_state(execute, "verified_at", None)
    while True:
        calls.drive(exchange.checking(connection, schema, clock), transport)
        if store.get_state(execute, exchange.CHECKING) is None:
            found: dict[str, int] = json.loads(store.get_state(execute, "checking_mended") or "{}")
            return found


class _Server:
    def __init__(self, transport: Wire) -> None:
        self._transport = transport

    def connect(self) -> Transport:
        return self._transport

    def listen(self) -> Any:
        raise NotImplementedError


def first_sync(
    connection: Any,
    transport: Wire,
    schema: SyncSchema,
    device: int,
    create_tables: Callable[[Any], None],
    clock: Clock,
    fault: Fault,
) -> None:
    """Fill a new cache; goes on where a call before it was cut."""
    bootstrap(
        connection,
        _Server(transport),
        schema,
        device,
        create_tables=create_tables,
        create_indexes=lambda _connection: None,
        clock=clock,
        fault=fault,
    )
