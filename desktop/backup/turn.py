"""One workstation at a time backs up a clinic: a turn, held as PostgreSQL's advisory lock.

Whoever gets the turn asks again whether a backup is due: another workstation may have just made it.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


def turn_key(tenant: uuid.UUID) -> int:
    """The clinic's key among advisory locks: a signed number of 64 bits, the same for good."""
    digest = hashlib.sha256(b"consultorio.backup:" + tenant.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def turn(connection: psycopg.Connection, tenant: uuid.UUID) -> Iterator[bool]:
    """Whether it is this workstation's turn, for as long as the block lasts.

    :param connection: a session of its own in autocommit mode, with no transaction-mode pooler
        between: the turn ends with the session, so that a workstation that was switched off holds
        up nobody.
    """
    if not connection.autocommit:
        raise ValueError("a turn must not keep a transaction open")
    key = turn_key(tenant)
    got = _ask(connection, "SELECT pg_try_advisory_lock(%s)", key)
    try:
        yield got
    finally:
        if got:
            with contextlib.suppress(psycopg.OperationalError):  # the turn ended with the session
                _ask(connection, "SELECT pg_advisory_unlock(%s)", key)


def _ask(connection: psycopg.Connection, question: str, key: int) -> bool:
    row = connection.execute(question, (key,)).fetchone()
    return bool(row and row[0])
