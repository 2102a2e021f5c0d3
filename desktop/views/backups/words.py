"""What a backup is called on the screen: kinds, states, sizes and times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from desktop.domain.locale_format import date_time, number
from desktop.domain.messages import N_, _, ngettext
from desktop.services.backups_records import ArchiveItem

REASONS = {
    "manual": N_("Manual"),
    "automatic": N_("Automatic"),
    "safety": N_("Safety copy"),
    "import": N_("Imported"),
}
REASON_ICONS = {
    "manual": "person",
    "automatic": "clock",
    "safety": "shield",
    "import": "inbox",
}
KINDS = {"full": N_("full"), "incremental": N_("changes")}
SOURCES = {
    "server": N_("From the server"),
    "cache": N_("From a workstation's own copy"),
    "foreign": N_("From another program's backup"),
}
PLACES = {
    "folder": N_("Folder"),
    "webdav": N_("WebDAV"),
    "s3": N_("S3 storage"),
    "supabase": N_("Supabase Storage"),
}
PLACE_ICONS = {"folder": "folder", "webdav": "cloud", "s3": "cloud", "supabase": "cloud"}
_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class State:
    """How something stands: never by its colour alone. :ivar tone: a token of the palette."""

    words: str
    icon: str
    tone: str


def size(bytes_: int) -> str:
    """``12,4 MB``: decimal units, as file managers count."""
    amount, unit = Decimal(bytes_), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    rounded = amount.quantize(Decimal("0.1") if unit and amount < 100 else Decimal(1))
    return f"{number(rounded)} {_UNITS[unit]}"


def when(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    """A date and an hour in the clinic's zone; a dash where there is none."""
    return "—" if moment is None else date_time(moment, zone)


def reason(item: ArchiveItem) -> str:
    """``Automática · completa``; of a safety copy, whether its restore was undone."""
    more = _("restore undone") if item.undone_at is not None else _(KINDS[item.kind])
    return f"{_(REASONS[item.reason])} · {more}"


def source(item: ArchiveItem) -> str:
    """Where its rows were read."""
    known = "foreign" if item.reason == "import" else item.source
    return _(SOURCES[known])


def where(item: ArchiveItem) -> str:
    """The places that keep it."""
    return ", ".join(kept.label for kept in item.kept) or "—"


def verified(item: ArchiveItem, zone: ZoneInfo) -> State:
    """Whether it was read back and found whole, and when."""
    if item.state == "failed":
        return State(_("Failed"), "danger", "danger")
    if item.state == "damaged":
        return State(_("Damaged"), "danger", "danger")
    if item.state == "deleted":
        return State(_("Deleted"), "trash", "text_muted")
    if item.verified_at is not None:
        return State(when(item.verified_at, zone), "success", "success")
    return State(_("Not verified"), "warning", "warning")


def drilled(item: ArchiveItem, zone: ZoneInfo) -> State:
    """Whether it was restored on trial, and when."""
    if item.drilled_at is None:
        return State(_("Not tried"), "info", "text_muted")
    if item.drill_ok:
        return State(when(item.drilled_at, zone), "success", "success")
    return State(_("Failed"), "danger", "danger")


def ago(past: dt.datetime, now: dt.datetime) -> str:
    """``3 hours ago``, ``2 days ago``: to the hour up to two days."""
    hours = max(0, int((now - past).total_seconds() // 3600))
    if hours < 1:
        return _("less than an hour ago")
    if hours < 48:
        return ngettext("{n} hour ago", "{n} hours ago", hours).format(n=number(hours))
    days = hours // 24
    return ngettext("{n} day ago", "{n} days ago", days).format(n=number(days))
