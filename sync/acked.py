"""Local transactions that the server has applied, kept for a while: it may be put back.

A server that was restored from a backup has lost what was written after it. Then the workstations
that wrote it offer it again, under the same transaction ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sync import codec
from sync.store import (
    Execute,
    LocalTransaction,
    enqueue,
    operations_from_json,
    operations_to_json,
)

KEPT = dt.timedelta(days=35)
"""How long: longer than the oldest backup that anybody puts back by mistake."""


def keep(execute: Execute, transaction: LocalTransaction, now: dt.datetime) -> None:
    """Remember a transaction that the server has applied."""
    execute(
        "INSERT INTO sync_acked (tx, actor, label, at, acked_at, ops) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tx) DO UPDATE SET acked_at = excluded.acked_at",
        (
            transaction.id,
            transaction.actor,
            transaction.label,
            transaction.at,
            codec.instant_to_text(now),
            operations_to_json(transaction.operations),
        ),
    )


def prune(execute: Execute, now: dt.datetime) -> None:
    """Forget what was acknowledged more than :data:`KEPT` ago."""
    execute("DELETE FROM sync_acked WHERE acked_at < ?", (codec.instant_to_text(now - KEPT),))


def ids(execute: Execute) -> list[str]:
    """The transactions that are remembered, in the order in which they were acknowledged."""
    return [tx for (tx,) in execute("SELECT tx FROM sync_acked ORDER BY seq")]


def take_unknown(execute: Execute, known: Iterable[str]) -> list[LocalTransaction]:
    """Forget, and return in their order, the transactions that the server does not know."""
    known = frozenset(known)
    lost = [
        LocalTransaction(seq, tx, actor, label, at, operations_from_json(ops))
        for seq, tx, actor, label, at, ops in execute(
            "SELECT seq, tx, actor, label, at, ops FROM sync_acked ORDER BY seq"
        )
        if tx not in known
    ]
    for transaction in lost:
        execute("DELETE FROM sync_acked WHERE tx = ?", (transaction.id,))
    return lost


def offer_again(execute: Execute, lost: list[LocalTransaction]) -> None:
    """Put transactions at the head of the outbox, before all that waits there."""
    ((first,),) = execute("SELECT coalesce(min(seq), 1) FROM sync_tx")
    for place, transaction in enumerate(lost, start=first - len(lost)):
        enqueue(execute, transaction, place)
        mark_again(execute, transaction.id)


def mark_again(execute: Execute, tx: str) -> None:
    """Say of a local transaction in the outbox that it makes rows over that the server had once.

    Their ids may be of a number that this device had before.
    """
    execute("INSERT OR IGNORE INTO sync_again (tx) VALUES (?)", (tx,))
