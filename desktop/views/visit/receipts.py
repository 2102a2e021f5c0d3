"""The receipts of a visit: seen, printed again, saved, reversed."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.ledger import method_label
from desktop.domain.locale_format import date_time
from desktop.domain.locale_format import money as spelled
from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import button
from desktop.services.finance_types import ReceiptRow
from desktop.views.visit.amounts import cell, fit_rows, row_height, tabulate

MOST_ROWS = 4
NARROW = 480
"""Below this width (in pixels at the usual text size) the date makes room; the hint has it."""


class Receipts(QWidget):
    """The list and what can be done with the chosen receipt; each signal carries its id.

    :ivar printing: print a copy; ``saving`` save a PDF; ``reversing`` reverse it.
    """

    printing = Signal(object)
    saving = Signal(object)
    reversing = Signal(object)

    def __init__(self, currency: str, zone: ZoneInfo) -> None:
        super().__init__()
        self._currency, self._zone = currency, zone
        self._rows: tuple[ReceiptRow, ...] = ()
        self._may_reverse = True
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName(_("Receipts"))
        self.table.setHorizontalHeaderLabels([_("Receipt"), _("Date"), _("Methods"), _("Total")])
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column in range(4):
            title = self.table.horizontalHeaderItem(column)
            if title is not None:
                right = column == 3
                title.setTextAlignment(
                    Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
                )
        tabulate(self.table)
        self.table.itemSelectionChanged.connect(self._enable)
        self.print = button(_("Print a copy"))
        self.save = button(_("Save PDF"))
        self.reverse = button(_("Reverse…"), "quiet")
        self.print.clicked.connect(lambda: self._emit(self.printing))
        self.save.clicked.connect(lambda: self._emit(self.saving))
        self.reverse.clicked.connect(lambda: self._emit(self.reversing))
        actions = QHBoxLayout()
        actions.setSpacing(current_theme().spacing.s)
        for part in (self.print, self.save, self.reverse):
            actions.addWidget(part)
        actions.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(current_theme().spacing.s)
        layout.addWidget(self.table)
        layout.addLayout(actions)
        theme_switch().themeChanged.connect(self._draw)

    def show_rows(self, rows: Sequence[ReceiptRow], *, may_reverse: bool) -> None:
        """Replace what is shown; the newest is chosen where none was."""
        chosen = self.receipt_id
        self._rows, self._may_reverse = tuple(rows), may_reverse
        self._draw()
        ids = [row.id for row in self._rows]
        if ids:
            self.table.selectRow(ids.index(chosen) if chosen in ids else len(ids) - 1)
        self._enable()

    @property
    def receipt_id(self) -> int | None:
        """The chosen receipt."""
        indexes = self.table.selectionModel().selectedRows()
        if not indexes or indexes[0].row() >= len(self._rows):
            return None
        return self._rows[indexes[0].row()].id

    def _draw(self) -> None:
        self.table.verticalHeader().setDefaultSectionSize(row_height(self.table))
        self.table.setRowCount(len(self._rows))
        for index, row in enumerate(self._rows):
            name = row.label
            if row.reverses:
                name = _("{label} (reverses {other})").format(label=row.label, other=row.reverses)
            elif row.reversed:
                name = _("{label} (reversed)").format(label=row.label)
            methods = " + ".join(method_label(method) for method, _amount in row.methods)
            words = [
                name,
                date_time(row.issued_at, self._zone),
                methods,
                spelled(row.total, self._currency),
            ]
            for column, text in enumerate(words):
                item = cell(text, right=column == 3)
                item.setToolTip(" · ".join(words[:3]))
                if row.reversed or row.reverses:
                    item.setForeground(current_theme().color("text_muted"))
                self.table.setItem(index, column, item)
        fit_rows(self.table, most=MOST_ROWS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The date has its place where there is one."""
        super().resizeEvent(event)
        self.table.setColumnHidden(1, self.width() < current_theme().px(NARROW))

    def _enable(self) -> None:
        chosen = self.receipt_id
        row = next((row for row in self._rows if row.id == chosen), None)
        self.print.setEnabled(row is not None)
        self.save.setEnabled(row is not None)
        self.reverse.setVisible(self._may_reverse)
        self.reverse.setEnabled(row is not None and not row.reversed and row.reverses is None)

    def _emit(self, signal: object) -> None:
        if self.receipt_id is not None:
            signal.emit(self.receipt_id)  # type: ignore[attr-defined]
