"""An appointment in words: for tooltips, screen readers, the details and the printed list."""

from __future__ import annotations

import datetime as dt
import html
from zoneinfo import ZoneInfo

from desktop.domain import identifiers, statuses
from desktop.domain.locale_format import time_of_day
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.services.agenda_records import Column, DayAppointment
from desktop.views.agenda.model import DayModel


def column_name(column: Column) -> str:
    """A practitioner's name; words for the column of what has none."""
    return column.name or _("No practitioner")


def title(item: DayAppointment) -> str:
    """Who it is for."""
    if item.status is Status.AVAILABLE:
        return _("Slot on offer")
    return item.client_name or _("No name")


def times(item: DayAppointment, zone: ZoneInfo) -> str:
    """``09:00–09:30`` on the clinic's clock."""
    return f"{time_of_day(item.starts_at, zone)}–{time_of_day(item.ends_at, zone)}"


def status(item: DayAppointment, now: dt.datetime) -> str:
    """The status, with the time waited where somebody waits."""
    word = statuses.label(item.status_value)
    waited = item.waited(now)
    if waited is None:
        return word
    return _("{status} {n} min").format(status=word, n=waited // dt.timedelta(minutes=1))


def reason(item: DayAppointment) -> str:
    """Why the client comes, where the service does not say it already."""
    return "" if item.reason == item.service_name else item.reason


def phone(item: DayAppointment) -> str:
    """The client's phone as it is read; empty where none was given."""
    return identifiers.phone_for_reading(item.client_phone) if item.client_phone else ""


def line(item: DayAppointment, model: DayModel, now: dt.datetime) -> str:
    """All that matters in one line, for a screen reader."""
    column = model.agenda.columns[model.column_of[item.id]]
    parts = [
        times(item, model.agenda.day.zone),
        title(item),
        status(item, now),
        item.service_name,
        column_name(column),
    ]
    if item.allergies:
        parts.append(_("Allergies: {text}").format(text=item.allergies))
    if item.provisional:
        parts.append(_("not yet confirmed by the server"))
    return ", ".join(part for part in parts if part)


def tooltip(item: DayAppointment, model: DayModel, now: dt.datetime) -> str:
    """Everything about an appointment, a line for each thing, as rich text."""
    lines = [
        f"{times(item, model.agenda.day.zone)}  {title(item)}",
        status(item, now),
        item.service_name,
        reason(item),
        item.room_name,
        phone(item),
        item.notes,
        _("Client's note: {text}").format(text=item.client_notes) if item.client_notes else "",
        _("Allergies: {text}").format(text=item.allergies) if item.allergies else "",
        _("Overbooked: {text}").format(text=item.overbooking_reason)
        if item.overbooking_reason
        else "",
        _("Reason: {text}").format(text=item.absence_reason) if item.absence_reason else "",
        _("Not yet confirmed by the server.") if item.provisional else "",
    ]
    return f"<qt>{'<br>'.join(html.escape(text) for text in lines if text)}</qt>"
