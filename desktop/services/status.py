"""How the workstation stands, in words: connection, what waits, the last sync, what was refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import N_, _, ngettext, sentence
from desktop.domain.sentences import all_sentences

IN_STEP = "in_step"
OFFLINE = "offline"
SWITCHED_OFF = "sync.switched_off"
OLD_AFTER = dt.timedelta(hours=1)
"""Work that waits for longer than this is worth a warning."""

_STATES = {
    "never": (N_("No data received yet"), "danger"),
    "offline": (N_("No connection"), "warning"),
    "connecting": (N_("Connecting…"), "neutral"),
    "syncing": (N_("Sending and receiving…"), "success"),
    "in_step": (N_("In step"), "success"),
    "trouble": (N_("Needs attention"), "danger"),
}

_TROUBLES = {
    "sync.revoked": N_("Workstation shut out"),
    "device.shut_out_now": N_("Workstation shut out"),
    "device.shut_out_now_empty": N_("Workstation shut out"),
    "device.shut_out_now_unsaved": N_("Workstation shut out"),
    "sync.access_refused": N_("Access refused"),
    "sync.untrusted": N_("Server not trusted"),
    "sync.wrong_server": N_("Wrong server"),
    "sync.client_too_old": N_("Program out of date"),
    "sync.server_too_old": N_("Clinic's data out of date"),
    "sync.epoch_changed": N_("Server restored"),
}
"""What needs a person has its own words; the sentence beside them says what to do."""


@dataclass(frozen=True, slots=True)
class WorkstationStatus:
    """Figures of the moment, as the engine reports them.

    :ivar state: ``never``, ``offline``, ``connecting``, ``syncing``, ``in_step`` or ``trouble``.
    :ivar code: why it is offline or in trouble; ``None`` where it is neither.
    :ivar oldest_pending: aware UTC, as is :attr:`last_sync`.
    """

    state: str = "connecting"
    code: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    pending: int = 0
    oldest_pending: dt.datetime | None = None
    last_sync: dt.datetime | None = None
    rejected: int = 0

    @property
    def switched_off(self) -> bool:
        """Whether a person chose to work offline."""
        return self.code == SWITCHED_OFF


@dataclass(frozen=True, slots=True)
class StatusWords:
    """A status for a status bar. Tones: success, warning, danger, neutral.

    :ivar explanation: a whole sentence on the connection; empty while all is well.
    :ivar unsynced_brief: how many changes wait, without the age of the oldest.
    """

    connection: str
    connection_tone: str
    explanation: str
    unsynced: str
    unsynced_brief: str
    unsynced_tone: str
    last_sync: str
    rejected: str
    rejected_tone: str


def in_words(status: WorkstationStatus, now: dt.datetime) -> StatusWords:
    """The words for a status at ``now`` (aware)."""
    connection, tone = _STATES[status.state]
    if status.switched_off:
        connection, tone = N_("Working offline"), "warning"
    elif status.code in _TROUBLES:
        connection = _TROUBLES[status.code]
    explanation = "" if status.code is None else _explained(status.code, status.params)
    return StatusWords(
        connection=_(connection),
        connection_tone=tone,
        explanation=explanation,
        unsynced=_unsynced(status, now),
        unsynced_brief=_unsynced_count(status),
        unsynced_tone=_unsynced_tone(status, now),
        last_sync=_last_sync(status, now),
        rejected=_rejected(status.rejected),
        rejected_tone="danger" if status.rejected else "neutral",
    )


def ago(then: dt.datetime, now: dt.datetime) -> str:
    """``5 min ago``; a moment to come (clocks differ) counts as now."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 45:
        return _("just now")
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return ngettext("{n} minute ago", "{n} minutes ago", minutes).format(n=minutes)
    hours = round(minutes / 60)
    if hours < 24:
        return ngettext("{n} hour ago", "{n} hours ago", hours).format(n=hours)
    days = round(hours / 24)
    return ngettext("{n} day ago", "{n} days ago", days).format(n=days)


def _explained(code: str, params: dict[str, Any]) -> str:
    if code not in all_sentences():
        return sentence(EnvironmentTrouble("sync.failed"))
    return sentence(EnvironmentTrouble(code, **params))


def _unsynced_count(status: WorkstationStatus) -> str:
    if not status.pending:
        return _("Everything sent")
    words = ngettext("{n} change not sent", "{n} changes not sent", status.pending)
    return words.format(n=status.pending)


def _unsynced(status: WorkstationStatus, now: dt.datetime) -> str:
    words = _unsynced_count(status)
    if not status.pending or status.oldest_pending is None:
        return words
    return _("{changes}, the oldest {age}").format(
        changes=words, age=ago(status.oldest_pending, now)
    )


def _unsynced_tone(status: WorkstationStatus, now: dt.datetime) -> str:
    if not status.pending:
        return "neutral"
    old = status.oldest_pending is not None and now - status.oldest_pending > OLD_AFTER
    return "warning" if old or status.state in {"offline", "trouble"} else "neutral"


def _last_sync(status: WorkstationStatus, now: dt.datetime) -> str:
    if status.last_sync is None:
        return _("Never synced")
    return _("Last sync {age}").format(age=ago(status.last_sync, now))


def _rejected(count: int) -> str:
    if not count:
        return _("Nothing to settle")
    return ngettext("{n} refused change", "{n} refused changes", count).format(n=count)
