"""One hello, one exchange: from the cache to the server and back into the cache."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sync import acked, calls, codec, later, scope, store, wire
from sync.apply import Applied, Fault, Transaction, apply_answer, no_fault
from sync.calls import Conversation
from sync.compare import BEFORE_ALL, Progress, comparing
from sync.errors import (
    AccessRefused,
    Busy,
    GreetingWanted,
    NeverSynced,
    ProtocolError,
    SyncError,
    WrongServer,
    refusal,
)
from sync.fetch import fetching, refetching
from sync.recovery import COMPARING, recovering
from sync.rekey import follow
from sync.schema import SyncSchema
from sync.transport import Transport

PUSH_LIMIT = 2000
"""Operations in one exchange; a longer outbox goes in several."""

CHECKING = "checking"
PUSHED_UNTIL = "pushed_until"
CHECK_EVERY = dt.timedelta(hours=6)

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an exchange came to.

    :ivar status: ``ok``, ``hello`` (the server wants to be greeted first), ``stale`` or
        ``recovered`` (all is to be compared), ``compared`` (a piece of it was), or ``read`` (rows
        were read, and the exchange after it failed).
    :ivar more: local transactions wait that were not part of it, or rows are still to be read.
    :ivar held: what kept the push back, where only the pull came about; or made the exchange fail.
    """

    status: str
    applied: Applied
    more: bool
    held: SyncError | None = None


def greeting(connection: Any, schema: SyncSchema) -> Conversation[wire.HelloAnswer]:
    """Tell the server which columns this program knows; keep what it says of the device.

    Raises :class:`WrongServer` where the server's clinic is not the one in this cache.
    """
    execute = store.executor(connection)
    device = store.device(execute)
    answer = wire.hello_answer((yield calls.Hello(wire.hello_request(schema, device))))
    if answer.status != "ok":
        raise refusal(answer.status, schema.version, answer.schema_version)
    known = store.get_state(execute, "tenant")
    if known is not None and known != answer.tenant:
        raise WrongServer
    columns = {table.name: list(table.columns) for table in answer.tables}
    filtered = [table.name for table in answer.tables if table.filtered]
    connection.execute("BEGIN IMMEDIATE")
    try:
        scope.narrow(connection, schema, store.columns(execute), columns)
        for key, value in (
            ("refetch", _to_refetch(execute, columns, schema)),
            ("columns", json.dumps(columns)),
            ("filtered", json.dumps(filtered)),
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


def exchanging(
    connection: Any,
    schema: SyncSchema,
    clock: Clock,
    fault: Fault = no_fault,
    push_limit: int = PUSH_LIMIT,
) -> Conversation[Outcome]:
    """Read what is to be read, push what waits and apply what comes back.

    Raises ``SyncError``; then nothing has changed.

    Where the server was put back, this cache is a copy of another, or the server's log no longer
    reaches to its cursor, the first conversation takes a new cursor and each of the following compares
    a piece; nothing is pushed until all is compared.

    :param connection: a DB-API connection to the cache in autocommit mode.
    :param push_limit: how many operations go into one exchange.
    """
    execute = store.executor(connection)
    refetched: frozenset[str] = frozenset()
    refused: AccessRefused | None = None
    try:
        refetched = yield from refetching(connection, schema)
        refetched |= yield from fetching(connection, schema, fault)
        if store.get_state(execute, COMPARING) is not None:
            if later.waiting(connection, schema) is not None:
                return Outcome("compared", Applied(tables=refetched), more=True)
            tables = yield from comparing(connection, schema, COMPARING)
            return Outcome("compared", Applied(tables=tables | refetched), more=True)
    except AccessRefused as error:
        # An exchange says why: the device is shut out, or the server was put back to before it was.
        refused = error
    try:
        outcome = yield from _exchanging(connection, schema, clock, fault, push_limit, refused)
    except GreetingWanted:
        raise
    except SyncError as error:
        if not refetched:
            raise
        return Outcome("read", Applied(tables=refetched), more=True, held=error)
    tables = outcome.applied.tables | refetched
    return replace(outcome, applied=replace(outcome.applied, tables=tables))


def _exchanging(
    connection: Any,
    schema: SyncSchema,
    clock: Clock,
    fault: Fault,
    push_limit: int,
    refused: AccessRefused | None,
) -> Conversation[Outcome]:
    execute = store.executor(connection)
    request = _request(connection, schema, push_limit)
    if refused is not None:
        request = replace(request, push=())
    fault("before_send")
    held: SyncError | None = refused
    try:
        text = yield calls.Exchange(wire.exchange_request(request, schema))
    except Busy as busy:
        if not request.push:
            raise
        # Somebody holds what is pushed, perhaps for long. What others did comes anyway.
        held = busy
        request = replace(request, push=())
        text = yield calls.Exchange(wire.exchange_request(request, schema))
    fault("after_receive")
    answer = wire.exchange_answer(text)
    if isinstance(held, Busy) and answer.status != "ok":
        raise held
    if answer.status == "hello":
        return Outcome("hello", Applied(), more=True)
    if answer.status in {"epoch", "forked"}:
        greeted = yield from recovering(connection, schema, clock, fault)
        return Outcome("recovered" if greeted else "hello", Applied(), more=True)
    if answer.status == "stale":
        status = yield from _starting_over(connection, schema, clock, fault)
        return Outcome(status, Applied(), more=True)
    applied = _apply(connection, schema, request, answer, clock(), fault)
    if answer.upkeep:
        # Whoever comes next may do it as well.
        with contextlib.suppress(SyncError):
            yield calls.Upkeep()
    left = store.pending(execute).count
    more = left > applied.deferred or later.waiting(connection, schema) is not None
    return Outcome(answer.status, applied, more=more, held=held)


def polling(connection: Any, schema: SyncSchema) -> Conversation[bool]:
    """Whether there is a reason for an exchange, on either side. Nothing is written."""
    execute = store.executor(connection)
    state = {key: store.get_state(execute, key) for key in ("nonce", "epoch", "cursor")}
    unfinished = any(
        store.get_state(execute, key) is not None for key in ("exchange", "refetch", COMPARING)
    )
    unfinished = unfinished or later.waiting(connection, schema) is not None
    if unfinished or None in state.values() or store.pending(execute).count:
        return True
    news: bool = yield calls.Poll(
        store.device(execute),
        state["nonce"] or "",
        store.generation(execute),
        state["epoch"] or "",
        schema.version,
        state["cursor"] or "",
    )
    return news


def _apply(
    connection: Any,
    schema: SyncSchema,
    request: wire.ExchangeRequest,
    answer: wire.ExchangeAnswer,
    now: dt.datetime,
    fault: Fault,
) -> Applied:
    if answer.status != "ok":
        raise refusal(answer.status, schema.version, answer.schema_version)
    answered = {result.tx for result in answer.results}
    if any(transaction.id not in answered for transaction in request.push):
        raise ProtocolError(what="results")
    follow(connection, schema, answer.results, fault)
    return apply_answer(connection, schema, answer, now, fault)


def _starting_over(
    connection: Any, schema: SyncSchema, clock: Clock, fault: Fault
) -> Conversation[str]:
    """A cursor of now for a cache that was away for longer than the log goes back."""
    execute = store.executor(connection)
    request = wire.start_request(
        schema,
        store.device(execute),
        store.get_state(execute, "nonce"),
        store.generation(execute),
        store.exchange(execute),
    )
    answer = wire.start_answer((yield calls.Start(request)))
    if answer.status == "hello":
        return "hello"
    if answer.status == "forked":
        greeted = yield from recovering(connection, schema, clock, fault)
        return "recovered" if greeted else "hello"
    if answer.status != "ok":
        raise refusal(answer.status, schema.version, answer.schema_version)
    with Transaction(connection, fault):
        for key, value in (
            ("nonce", answer.nonce),
            ("generation", str(answer.generation)),
            ("cursor", answer.cursor),
            ("exchange", None),
            (COMPARING, Progress.of(table.name for table in schema.tables).text()),
        ):
            store.set_state(execute, key, value)
    return "stale"


def checking(connection: Any, schema: SyncSchema, clock: Clock) -> Conversation[frozenset[str]]:
    """One step of the proof, made every :data:`CHECK_EVERY`, that the cache holds what it should.

    What differs is fetched anew; how much that was is kept under ``checking_mended``. Tables whose
    changes the server does not record are compared every time.

    :returns: the tables whose rows were mended.
    """
    execute = store.executor(connection)
    fetched = yield from fetching(connection, schema)
    if later.waiting(connection, schema) is not None:
        return fetched
    if store.get_state(execute, CHECKING) is None:
        ended = store.get_state(execute, "verified_at")
        tables = [table.name for table in schema.tables]
        if ended is not None and codec.text_to_instant(ended) > clock() - CHECK_EVERY:
            blind = store.unwatched(execute)
            tables = [table for table in tables if table in blind]
        if not tables:
            return fetched
        store.set_state(execute, CHECKING, Progress.of(tables).text())
    mended = yield from comparing(connection, schema, CHECKING)
    if store.get_state(execute, CHECKING) is None:
        store.set_state(execute, "verified_at", codec.instant_to_text(clock()))
        acked.prune(execute, clock())
    return fetched | mended


def _request(connection: Any, schema: SyncSchema, push_limit: int) -> wire.ExchangeRequest:
    execute = store.executor(connection)
    state = {key: store.get_state(execute, key) for key in ("nonce", "epoch", "cursor")}
    if not state["nonce"] or not state["cursor"]:
        raise NeverSynced
    push = _to_push(execute, push_limit)
    return wire.ExchangeRequest(
        schema_version=schema.version,
        device=store.device(execute),
        nonce=state["nonce"],
        generation=store.generation(execute),
        exchange=store.exchange(execute),
        epoch=state["epoch"] or "",
        cursor=state["cursor"],
        push=scope.outgoing(push, store.columns(execute)),
    )


def _to_push(execute: store.Execute, limit: int) -> list[store.LocalTransaction]:
    """The first that wait; in the repeat of an exchange none that are newer than it.

    A cache that was copied before the answer came and its copy repeat the same exchange, and the
    server can't tell them apart until the next. What each of them did since goes with that one.
    """
    waiting = store.outbox(execute, limit)
    if store.get_state(execute, "exchange") is None:
        store.set_state(execute, PUSHED_UNTIL, str(waiting[-1].seq if waiting else 0))
        return waiting
    until = store.get_state(execute, PUSHED_UNTIL)
    # A cache whose exchange an older program began doesn't know.
    return [one for one in waiting if until is None or one.seq <= int(until)]


def greet(connection: Any, transport: Transport, schema: SyncSchema) -> wire.HelloAnswer:
    """Hold :func:`greeting` over ``transport``."""
    return calls.drive(greeting(connection, schema), transport)


def exchange_once(
    connection: Any,
    transport: Transport,
    schema: SyncSchema,
    clock: Clock,
    fault: Fault = no_fault,
    push_limit: int = PUSH_LIMIT,
) -> Outcome:
    """Hold :func:`exchanging` over ``transport``."""
    return calls.drive(exchanging(connection, schema, clock, fault, push_limit), transport)
