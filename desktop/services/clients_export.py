"""Search results as a file for a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import date_time
from desktop.domain.messages import _
from desktop.services.clients_records import ClientHit

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header() -> list[str]:
    """The columns' names in the language in use."""
    return [
        _("Name"),
        _("RUT"),
        _("Phone"),
        _("Email"),
        _("Active"),
        _("Allergies"),
        _("Last visit"),
        _("Next visit"),
    ]


def write(
    path: Path,
    pages: Iterable[tuple[ClientHit, ...]],
    zone: ZoneInfo,
    wrote: Callable[[int], None],
) -> int:
    """Writes the pages to ``path`` as CSV (UTF-8 with mark, semicolons: what spreadsheets expect).

    The file appears whole or not at all. Text that a spreadsheet would run as a formula is quoted
    with an apostrophe.

    :param wrote: called with the number of clients after each page; may raise to stop.
    :returns: how many clients were written. Raises ``clients.export_failed``.
    """
    partial = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with partial.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(header())
            for page in pages:
                writer.writerows(_line(hit, zone) for hit in page)
                count += len(page)
                wrote(count)
        partial.replace(path)
    except OSError as error:
        raise EnvironmentTrouble("clients.export_failed") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _line(hit: ClientHit, zone: ZoneInfo) -> list[str]:
    return [
        _plain(hit.full_name),
        _plain(hit.rut),
        hit.phone if hit.phone.strip("+0123456789 -") == "" else _plain(hit.phone),
        _plain(hit.email),
        _("yes") if hit.active else _("no"),
        _plain(hit.allergies),
        _moment(hit.last_visit, zone),
        _moment(hit.next_visit, zone),
    ]


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    return date_time(moment, zone) if moment else ""
