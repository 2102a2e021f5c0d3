"""The table of backups."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch
from desktop.services.backups_records import ArchiveItem
from desktop.views.backups.model import COLUMNS, HistoryModel

ROW, ROWS, LEAST = 36, 4, 96
"""Height of a row, how many are always seen, and the width of a column that shares, before the text's
scale."""


GOING = (7, 3, 4, 2)
"""Columns that are left out where the room is small: name, who, kept in, size."""
KIND = 1
"""The column that is wider then, or narrower where not even that is enough."""


class HistoryTable(QTableView):
    """Whole rows, sorted by a click on a heading, the newest first.

    :ivar chosen: an :class:`ArchiveItem`, or ``None`` where nothing is listed.
    """

    chosen = Signal(object)

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._present = ""
        self.rows = HistoryModel(zone)
        self.setModel(self.rows)
        self.setAccessibleName(_("Backups"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setIconSize(QSize(16, 16))
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(False)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(0, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.selectionModel().currentRowChanged.connect(self._tell)
        self.rows.modelReset.connect(self._choose)
        theme_switch().themeChanged.connect(self._measure)
        self._measure()

    def show_items(self, items: tuple[ArchiveItem, ...], wanted: str = "") -> None:
        """Replace the rows; what was chosen stays chosen, unless ``wanted`` is to be."""
        self._present = wanted or self._present
        self.rows.show_items(items)
        self._share()

    def search(self, text: str) -> None:
        """Show only what holds these words."""
        self.rows.search(text)

    def current(self) -> ArchiveItem | None:
        """What is chosen."""
        at = self.currentIndex().row()
        return self.rows.items[at] if 0 <= at < len(self.rows.items) else None

    def walk(self, steps: int) -> None:
        """Choose another row while the cursor is in the search line."""
        count = len(self.rows.items)
        if count:
            at = min(max(self.currentIndex().row() + steps, 0), count - 1)
            self.setCurrentIndex(self.rows.index(at, 0))

    @Slot()
    def _choose(self) -> None:
        """After the rows were replaced or arranged anew: the same archive, or the first."""
        if not self.rows.items:
            self.chosen.emit(None)
            return
        self.selectRow(max(0, self.rows.row_of(self._present)))

    @Slot(QModelIndex, QModelIndex)
    def _tell(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            item = self.rows.items[index.row()]
            self._present = item.id
            self.chosen.emit(item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The columns share the width; a person may still draw them."""
        super().resizeEvent(event)
        self._share()

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(current_theme().px(ROW))
        self.setMinimumHeight(current_theme().px(ROWS * ROW))
        self._share()

    def _share(self) -> None:
        """Dates, kinds and sizes as wide as they are; names share what is left."""
        for at in GOING:  # a hidden heading says that it needs nothing
            self.setColumnHidden(at, False)
        room = self.viewport().width()
        least = current_theme().px(LEAST)
        wanted = {
            at: max(
                least if column.share else self.sizeHintForColumn(at),
                self.horizontalHeader().sectionSizeHint(at),
            )
            for at, column in enumerate(COLUMNS)
        }
        # Where the room is small they go, in this order; all of it stands in the card below.
        for at in GOING:
            if sum(wanted.values()) > room:
                del wanted[at]
        over = sum(wanted.values()) - room
        wanted[KIND] -= max(0, min(over, wanted[KIND] - least))
        for at in GOING:
            self.setColumnHidden(at, at not in wanted)
        spare = max(0, room - sum(wanted.values()))
        whole = sum(COLUMNS[at].share for at in wanted)
        for at, width in wanted.items():
            # No heading ends before the frame does: where nothing shares, the kind is wider.
            more = spare * COLUMNS[at].share // whole if whole else spare * (at == KIND)
            self.setColumnWidth(at, width + more)
