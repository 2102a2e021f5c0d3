"""The day's list on paper: a page or more for each practitioner, as PDF."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import QMarginsF
from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter, QTextDocument
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.domain import statuses
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import date_long
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.qt.context import AppContext
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import describe
from desktop.views.agenda.model import DayModel

INK = "#202020"
RULE = "#b8b8b8"
"""Paper is white whatever the theme is."""


def save_day(screen: QWidget, context: AppContext, model: DayModel) -> None:
    """Ask where, and write the PDF there."""
    suggested = f"agenda-{model.agenda.day.date.isoformat()}.pdf"
    dialog = QFileDialog(screen, _("Save the day as PDF"), suggested, "PDF (*.pdf)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("pdf")

    def chosen(name: str) -> None:
        html = day_html(model, context.services.clinic.name)
        context.jobs.write(
            screen,
            lambda _progress: write_pdf(html, Path(name)),
            done=lambda _nothing: context.notify(
                _("The day was saved as {file}.").format(file=Path(name).name), "success"
            ),
        )

    dialog.fileSelected.connect(chosen)
    dialog.open()


def write_pdf(html: str, path: Path) -> None:
    """Write ``html`` as A4 pages; raises ``agenda.pdf_not_written`` where the disk refuses."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise EnvironmentTrouble("agenda.pdf_not_written", file=path.name) from error
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(15, 15, 15, 15), QPageLayout.Unit.Millimeter)
    writer.setResolution(96)
    document = QTextDocument()
    document.setHtml(html)
    document.print_(writer)


def day_html(model: DayModel, clinic: str) -> str:
    """The list: for each practitioner who has visits, a table by time."""
    title = date_long(model.agenda.day.date)
    pages: list[str] = []
    for index, column in enumerate(model.agenda.columns):
        items = sorted(
            (
                item
                for key, item in model.by_id.items()
                if model.column_of[key] == index
                and item.status not in {Status.CANCELLED, Status.AVAILABLE}
            ),
            key=lambda item: (item.starts_at, item.id),
        )
        if items:
            rows = "".join(_row(item, model) for item in items)
            broken = ' style="page-break-before: always"' if pages else ""
            pages.append(
                f"<h2{broken}>{escape(describe.column_name(column))}</h2>"
                f"<p>{escape(clinic)} · {escape(title)}</p>"
                f'<table width="100%" cellspacing="0" cellpadding="5">{_head()}{rows}</table>'
            )
    nothing = escape(_("No visits."))
    body = "".join(pages) or f"<h2>{escape(title)}</h2><p>{nothing}</p>"
    return f'<html><body style="font-family: sans-serif; font-size: 10pt; color: {INK}">{body}</body></html>'


def _head() -> str:
    words = (_("Time"), _("Client"), _("Phone"), _("Service"), _("Status"))
    return f"<tr>{''.join(_cell(word, bold=True) for word in words)}</tr>"


def _row(item: DayAppointment, model: DayModel) -> str:
    cells = (
        describe.times(item, model.agenda.day.zone),
        describe.title(item),
        describe.phone(item),
        item.service_name,
        statuses.label(item.status_value),
    )
    return f"<tr>{''.join(_cell(cell) for cell in cells)}</tr>"


def _cell(text: str, *, bold: bool = False) -> str:
    inner = f"<b>{escape(text)}</b>" if bold else escape(text)
    return f'<td style="border-bottom: 1px solid {RULE}">{inner}</td>'
