"""How the simulation calls the client: the only place that knows how an exchange is run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from sync import apply, bootstrap, calls, exchange, store
from sync.apply import Fault
from sync.errors import SyncError
from sync.schema import SyncSchema
from sync.transport import Transport

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


def first_sync(
    connection: Any,
    transport: Transport,
    schema: SyncSchema,
    device: int,
    create_tables: Callable[[Any], None],
    clock: Clock,
    fault: Fault,
    chunk: int,
) -> None:
    """Fill a new cache; goes on where a call before it was cut."""
    if not bootstrap.prepared(connection, device, create_tables, fault):
        return
    # One call after the other: what a thread fetches ahead is not the seed's to decide.
    calls.drive(
        bootstrap.loading(
            connection,
            schema,
            create_indexes=lambda _connection: None,
            clock=clock,
            fault=fault,
            chunk=chunk,
        ),
        transport,
    )
