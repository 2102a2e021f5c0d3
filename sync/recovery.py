"""Going on with a server that was put back from a backup, or as a copy of another cache.

A server that was put back has a new epoch; of two caches with one number (a disk image was copied, or
put back) the one whose nonce is stale is a copy. Either way the workstation takes a number that no
copy of it has, offers again what it knows to have been applied and the server has no more (or, where
a person put the server back on purpose, keeps it as drafts for a person to decide on), and compares
every table. What waits in the outbox stays there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sync import acked, apply, calls, rekey, store, wire
from sync.apply import Fault, no_fault
from sync.calls import Conversation
from sync.compare import Progress
from sync.errors import refusal
from sync.schema import DEVICE_BITS, SyncSchema
from sync.store import Execute
from sync.wire import RecoverAnswer

COMPARING = "comparing"
"""The state under which a comparison stands that has to end before anything is pushed."""

RESTORED = "restored"
"""The code of a draft that was applied once, before the server was put back on purpose."""


def recovering(
    connection: Any,
    schema: SyncSchema,
    clock: Callable[[], dt.datetime],
    fault: Fault = no_fault,
) -> Conversation[bool]:
    """Take the server's word on how to go on; ``False`` where it wants to be greeted first."""
    execute = store.executor(connection)
    # What is older than the server's own memory would pass for lost.
    acked.prune(execute, clock())
    request = wire.recover_request(
        schema,
        store.device(execute),
        store.generation(execute),
        store.get_state(execute, "epoch") or "",
        store.exchange(execute),
        acked.ids(execute),
        [transaction.id for transaction in store.outbox(execute)],
        _seen(execute, schema),
    )
    answer = wire.recover_answer((yield calls.Recover(request)))
    if answer.status == "hello":
        return False
    if answer.status != "ok":
        raise refusal(answer.status, schema.version, answer.schema_version)
    fault("recovery_received")
    rekey.follow(connection, schema, answer.results, fault)
    _go_on(connection, schema, answer, clock(), fault)
    return True


def _seen(execute: Execute, schema: SyncSchema) -> dict[str, int]:
    """Table → the highest id of the server's own that is here."""
    found: dict[str, int] = {}
    for table in schema.tables:
        ((highest,),) = execute(
            f'SELECT max(id) FROM "{table.name}" WHERE id < ?', (1 << DEVICE_BITS,)
        )
        if highest is not None and highest > 0:
            found[table.name] = highest
    return found


def _go_on(
    connection: Any, schema: SyncSchema, answer: RecoverAnswer, now: dt.datetime, fault: Fault
) -> None:
    with apply.Transaction(connection, fault):
        execute = store.executor(connection)
        work = apply.load(execute)
        apply.settle_results(execute, schema, work, answer.results, now, beside_rows=False)
        apply.rebuild(connection, work)
        fault("recovery_settled")
        rekey.take_number(connection, schema, answer.device)
        fault("recovery_renamed")
        # What was applied and is answered only now is known, though nobody asked whether it is.
        applied = {result.tx for result in answer.results if result.applied}
        lost = acked.take_unknown(execute, applied.union(answer.known))
        if answer.review:
            for transaction in lost:
                store.reject(execute, transaction, RESTORED, {}, now)
        else:
            rows = {(o.table, o.row_id) for one in lost for o in one.operations}
            # Until the comparison brings the server's images.
            apply.keep_images(execute, schema, rows)
            acked.offer_again(execute, lost)
            work = apply.load(execute)
            work.dirty = rows
            apply.rebuild(connection, work)
        for key, value in (
            ("nonce", answer.nonce),
            ("generation", str(answer.generation)),
            ("epoch", answer.epoch),
            ("cursor", answer.cursor),
            ("exchange", None),
            (COMPARING, Progress.of(table.name for table in schema.tables).text()),
        ):
            store.set_state(execute, key, value)
        fault("recovery_kept")
