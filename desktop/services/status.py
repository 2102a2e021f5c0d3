"""How the workstation stands, in words: connection, what waits, the last sync, what was refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import number
from desktop.domain.messages import N_, _, ngettext, sentence
from desktop.domain.sentences import all_sentences
from desktop.domain.table_words import MASS_DELETION, listed, several, spoken

IN_STEP = "in_step"
OFFLINE = "offline"
SWITCHED_OFF = "sync.switched_off"
DELETION_PERMISSION = "admin"
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
    MASS_DELETION: N_("Deletion held back"),
}
"""What needs a person has its own words; the sentence beside them says what to do."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What the server would take away at once, and a person has to decide on.

    :ivar gone: how many of the table's ``rows``.
    """

    table: str
    gone: int
    rows: int

    @property
    def words(self) -> str:
        """What is asked, in a line."""
        return _("The server asks to delete {gone} of {rows} {table}").format(
            gone=number(self.gone), rows=number(self.rows), table=several(self.table)
        )


@dataclass(frozen=True, slots=True)
class WorkstationStatus:
    """Figures of the moment, as the engine reports them.

    :ivar state: ``never``, ``offline``, ``connecting``, ``syncing``, ``in_step`` or ``trouble``.
    :ivar code: why it is offline or in trouble; ``None`` where it is neither.
    :ivar oldest_pending: aware UTC, as are :attr:`last_sync` and :attr:`verified`.
    :ivar verified: when the data here was last proved to be what the server holds.
    :ivar mended: rows that the proof found to differ without a reason, and that were fetched anew.
    :ivar unwatched: tables of which the server does not record every change.
    """

    state: str = "connecting"
    code: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    pending: int = 0
    oldest_pending: dt.datetime | None = None
    last_sync: dt.datetime | None = None
    rejected: int = 0
    verified: dt.datetime | None = None
    mended: int = 0
    unwatched: tuple[str, ...] = ()

    @property
    def switched_off(self) -> bool:
        """Whether a person chose to work offline."""
        return self.code == SWITCHED_OFF

    @property
    def deletion(self) -> Deletion | None:
        """What waits for a person to allow it; ``None`` where nothing does."""
        if self.code != MASS_DELETION:
            return None
        return Deletion(self.params["table"], self.params["gone"], self.params["rows"])


@dataclass(frozen=True, slots=True)
class StatusWords:
    """A status for a status bar. Tones: success, warning, danger, neutral.

    :ivar connection_long: the same in a line, where there is more to say.
    :ivar explanation: a whole sentence on the connection; empty while all is well.
    :ivar unsynced_brief: how many changes wait, without the age of the oldest;
        :attr:`unsynced_least` where there is hardly any room.
    :ivar verified: when the data was last proved to be the server's; :attr:`verified_brief` follows
        :attr:`last_sync` in a line, and is empty where it never was.
    :ivar alert: what the administrator has to be told of, in two words; empty where nothing.
    :ivar alert_explanation: whole sentences on it.
    """

    connection: str
    connection_long: str
    connection_tone: str
    explanation: str
    unsynced: str
    unsynced_brief: str
    unsynced_least: str
    unsynced_tone: str
    last_sync: str
    verified: str
    verified_brief: str
    alert: str
    alert_explanation: str
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
    deletion = status.deletion
    return StatusWords(
        connection=_(connection),
        connection_long=_(connection) if deletion is None else deletion.words,
        connection_tone=tone,
        explanation=explanation,
        unsynced=_unsynced(status, now),
        unsynced_brief=_unsynced_count(status),
        unsynced_least=_unsynced_least(status),
        unsynced_tone=_unsynced_tone(status, now),
        last_sync=_last_sync(status, now),
        verified=_verified(status, now),
        verified_brief=_verified_brief(status, now),
        alert=_alert(status),
        alert_explanation="\n\n".join(alerts(status)),
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
    return sentence(EnvironmentTrouble(code, **spoken(code, params)))


def _unsynced_count(status: WorkstationStatus) -> str:
    if not status.pending:
        return _("Everything sent")
    words = ngettext("{n} change not sent", "{n} changes not sent", status.pending)
    return words.format(n=status.pending)


def _unsynced_least(status: WorkstationStatus) -> str:
    if not status.pending:
        return _("Everything sent")
    return _("{n} not sent").format(n=status.pending)


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


def _verified(status: WorkstationStatus, now: dt.datetime) -> str:
    if status.verified is None:
        return _("Not compared with the server yet")
    return _("Compared with the server {age}").format(age=ago(status.verified, now))


def _verified_brief(status: WorkstationStatus, now: dt.datetime) -> str:
    if status.verified is None:
        return ""
    return _("data compared {age}").format(age=ago(status.verified, now))


def _alert(status: WorkstationStatus) -> str:
    if status.mended and status.unwatched:
        return _("Tell the administrator")
    if status.mended:
        words = ngettext("{n} record mended", "{n} records mended", status.mended)
        return words.format(n=number(status.mended))
    return _("Server records too little") if status.unwatched else ""


def alerts(status: WorkstationStatus) -> tuple[str, ...]:
    """Whole sentences on what the administrator has to be told of, though work goes on."""
    said = []
    if status.mended:
        words = ngettext(
            "{n} record here was not the same as on the server, and nothing explains why. It was "
            "fetched anew and is right now; your work was not touched. Tell your administrator, who "
            "looks for the cause.",
            "{n} records here were not the same as on the server, and nothing explains why. They "
            "were fetched anew and are right now; your work was not touched. Tell your "
            "administrator, who looks for the cause.",
            status.mended,
        )
        said.append(words.format(n=number(status.mended)))
    if status.unwatched:
        said.append(
            _(
                "The server does not record every change of: {tables}. What others change there may "
                "come late; it is compared from time to time. Go on working, and tell your "
                "administrator: “consultorio tenant check” says what is missing."
            ).format(tables=listed(status.unwatched))
        )
    return tuple(said)


def _rejected(count: int) -> str:
    if not count:
        return _("Nothing to settle")
    return ngettext("{n} refused change", "{n} refused changes", count).format(n=count)
