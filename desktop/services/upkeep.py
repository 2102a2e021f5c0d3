"""What keeps a clinic's sync sound on the server: upkeep of its log, and an inventory of its capture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from desktop.domain.errors import RuleError
from desktop.services import tenants
from desktop.services.server import translated


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What became of a clinic's upkeep.

    :ivar state: ``done``; ``recent`` (it was done in the last 20 hours); ``busy`` (somebody stood in
        the way for more than a moment: workstations try again by themselves); ``migrating``.
    :ivar made: new parts of the log; :ivar dropped: old ones that went;
    :ivar forgotten: answers to workstations that went.
    """

    tenant: str
    state: str
    made: int
    dropped: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A synced table whose changes may not be logged.

    :ivar problem: ``table_missing``, ``not_captured``, ``trigger_missing``, ``trigger_disabled`` or
        ``trigger_replaced``.
    """

    table: str
    problem: str


def maintain(connection: psycopg.Connection, name: str) -> Upkeep:
    """Make room in a clinic's log ahead of need, and drop what is older than its keep.

    Workstations ask for the same once a day; nobody waits for it longer than a moment.
    Raises :class:`RuleError`: ``tenant.unknown``, ``tenant.outdated``.
    """
    answer = _ask(connection, name, "sync_upkeep")
    state = "done" if answer["status"] == "ok" else str(answer["status"])
    return Upkeep(
        tenant=name,
        state=state,
        made=int(answer.get("made") or 0),
        dropped=int(answer.get("dropped") or 0),
        forgotten=int(answer.get("results") or 0),
    )


def inventory(connection: psycopg.Connection, name: str) -> list[Problem]:
    """What is wrong with the capture of a clinic's changes; empty where every change is logged.

    Raises :class:`RuleError`: ``tenant.unknown``, ``tenant.outdated``.
    """
    found = _ask(connection, name, "sync_inventory")
    return [Problem(each["table"], each["problem"]) for each in found]


def _ask(connection: psycopg.Connection, name: str, function: str) -> Any:
    found = tenants.find(connection, name)
    if not found.current and found.known:
        raise RuleError("tenant.outdated", tenant=name)
    with translated():
        return connection.execute(
            sql.SQL("SELECT {}()").format(sql.Identifier(name, function))
        ).fetchall()[0][0]
