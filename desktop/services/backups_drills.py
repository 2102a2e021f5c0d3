"""Trial restores: an archive fetched, opened, restored beside the clinic, compared, and reported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from desktop.backup import drill as trying
from desktop.backup import restore as restoring
from desktop.backup.history import Entry
from desktop.domain.errors import RuleError
from desktop.domain.messages import N_, _
from desktop.services import backups_history as histories
from desktop.services import backups_steps as words
from desktop.services.backups_desk import Desk
from desktop.services.backups_records import DrillCheck, DrillReport
from desktop.services.backups_recovering import Ground, reading
from desktop.services.backups_steps import Steps
from desktop.services.server import translated
from desktop.services.tenancy import Migrations

ANSWERS = {
    "foreign_keys": N_("Nothing refers to a record that is not there"),
    "ids": N_("Every number is one that a program could have given"),
    "overlaps": N_("No practitioner has two appointments at one time"),
    "visit_times": N_("Every appointment ends after it begins"),
    "charge_amounts": N_("Every charge is its price times its quantity, less its discount"),
    "receipt_totals": N_("Every receipt is the sum of its payments"),
    "allocations": N_("No payment is spent more than once"),
    "reversals": N_("Every reversal is the negative of what it reverses"),
    "till": N_("Every movement of the till is its payment"),
    "administrators": N_("Somebody can sign in who administers the clinic"),
}
"""The invariants of :mod:`desktop.backup.invariants`, in words."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a workstation keeps to prove backups by itself. Never printed.

    :ivar identities: what opens the clinic's archives. :ivar user: the database's administrator.
    """

    identities: tuple[str, ...] = field(repr=False)
    user: str
    password: str = field(repr=False)

    def dump(self) -> str:
        """As a line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Proof | None:
        """From :meth:`dump`'s text; ``None`` for any other."""
        try:
            content = json.loads(text)
            return cls(tuple(content["identities"]), content["user"], content["password"])
        except (ValueError, KeyError, TypeError):
            return None


def drill(
    where: Ground, desk: Desk, id_: str | None, identities: Sequence[str], steps: Steps
) -> DrillReport:
    """Prove an archive by a trial restore beside the clinic; the report is signed and kept.

    :param id_: ``None``: the newest that can be restored. Raises ``backup.nothing_to_prove``.
    """
    entries = desk.entries()
    if id_ is None:
        id_ = _newest(entries)
    with (
        desk.turn(),
        desk.fetched(id_, steps) as paths,
        reading(where, paths, identities, steps) as readers,
    ):
        steps.begin(words.PROVING)
        with translated(), steps.watched():
            report = trying.drill(
                where.connection,
                readers,
                Migrations(),
                model=where.schema,
                now=desk.now(),
                progress=steps.counted,
                cancelled=steps.cancelled,
            )
            restoring.purge_expired(where.connection, where.schema, desk.now())
    entry, _entries = desk.find(id_)
    signed = report.signed(desk.signer)
    kept = {"ok": report.good, "trouble": report.trouble, "signed": signed}
    desk.record(replace(entry, drilled_at=report.drilled_at, report=kept))
    return DrillReport(
        id=entry.id,
        at=report.drilled_at,
        ok=report.good,
        seconds=report.seconds,
        rows=sum(report.tables.values()),
        checks=_checks(report),
        signed=signed,
    )


def _newest(entries: Sequence[Entry]) -> str:
    for each in sorted(entries, key=lambda one: one.taken_at, reverse=True):
        if histories.own(each) and histories.chain_of(each, entries):
            return str(each.id)
    raise RuleError("backup.nothing_to_prove")


def _checks(report: trying.Report) -> tuple[DrillCheck, ...]:
    loaded = DrillCheck(
        "loaded",
        _("Every table was loaded and is, to the byte, what the backup says")
        if not report.trouble
        else histories.why(report.trouble),
        not report.trouble,
    )
    return (
        loaded,
        *(DrillCheck(each.name, _(ANSWERS[each.name]), each.holds) for each in report.answers),
    )
