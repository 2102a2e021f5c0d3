"""The history of backups, for a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from desktop.domain.messages import N_, _
from desktop.domain.names import fold
from desktop.qt.theme import current_theme
from desktop.services.backups_records import ArchiveItem
from desktop.views.backups import words
from desktop.views.backups.words import State

ITEM = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex
Order = Qt.SortOrder


@dataclass(frozen=True, slots=True)
class Column:
    """:ivar share: of the width that is left; 0: as wide as it is. :ivar order: by what it is sorted."""

    title: str
    share: int
    say: Callable[[ArchiveItem, ZoneInfo], str | State]
    order: Callable[[ArchiveItem], Any]
    right: bool = False


def _moment(name: str) -> Callable[[ArchiveItem], tuple[bool, float]]:
    def order(item: ArchiveItem) -> tuple[bool, float]:
        moment = getattr(item, name)
        return (moment is not None, 0.0 if moment is None else moment.timestamp())

    return order


COLUMNS = (
    Column(N_("Taken"), 0, lambda i, z: words.when(i.taken_at, z), attrgetter("taken_at")),
    Column(
        N_("Kind"),
        0,
        lambda i, _z: State(words.reason(i), words.REASON_ICONS[i.reason], "text"),
        words.reason,
    ),
    Column(N_("Size"), 0, lambda i, _z: words.size(i.size), attrgetter("size"), right=True),
    Column(N_("Who"), 4, lambda i, _z: i.who or "—", lambda i: fold(i.who)),
    Column(N_("Kept in"), 5, lambda i, _z: words.where(i), lambda i: fold(words.where(i))),
    Column(N_("Verified"), 0, words.verified, _moment("verified_at")),
    Column(N_("Tried"), 0, words.drilled, _moment("drilled_at")),
    Column(N_("Name"), 5, lambda i, _z: i.name, attrgetter("name")),
)


class HistoryModel(QAbstractTableModel):
    """Holds what a service gave, narrowed by a search and in the order of a column.

    A clinic keeps some dozens of archives, so this is done here and not by the service.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone
        self._all: tuple[ArchiveItem, ...] = ()
        self.items: tuple[ArchiveItem, ...] = ()
        self._wanted = ""
        self._column, self._order = 0, Order.DescendingOrder

    def show_items(self, items: tuple[ArchiveItem, ...]) -> None:
        """Replace all rows."""
        self._all = items
        self._arrange()

    def search(self, text: str) -> None:
        """Show only rows that hold each word of ``text`` somewhere; accents don't matter."""
        self._wanted = text
        self._arrange()

    def sort(self, column: int, order: Order = Order.AscendingOrder) -> None:
        """Order by a column."""
        self._column, self._order = column, order
        self._arrange()

    def _arrange(self) -> None:
        wanted = fold(self._wanted).split()
        shown = [
            item for item in self._all if all(word in fold(self._text(item)) for word in wanted)
        ]
        shown.sort(key=COLUMNS[self._column].order, reverse=self._order == Order.DescendingOrder)
        self.beginResetModel()
        self.items = tuple(shown)
        self.endResetModel()

    def _text(self, item: ArchiveItem) -> str:
        return " ".join(self._words(item, at) for at in range(len(COLUMNS)))

    def _words(self, item: ArchiveItem, column: int) -> str:
        said = COLUMNS[column].say(item, self._zone)
        return said.words if isinstance(said, State) else said

    def listed(self) -> list[list[str]]:
        """What is shown, in words: the headings, then a line for each archive."""
        columns = range(len(COLUMNS))
        return [
            [_(column.title) for column in COLUMNS],
            *([self._words(item, at) for at in columns] for item in self.items),
        ]

    def row_of(self, archive: str) -> int:
        """The row of an archive; -1 where it is not shown."""
        return next((at for at, item in enumerate(self.items) if item.id == archive), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.items)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _(COLUMNS[section].title)
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(COLUMNS[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item, column = self.items[index.row()], COLUMNS[index.column()]
        if role == ITEM:
            return item
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return item.error or self._words(item, index.column())
        said = column.say(item, self._zone)
        if role == Qt.ItemDataRole.DisplayRole:
            return said.words if isinstance(said, State) else said
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{_(column.title)}: {self._words(item, index.column())}"
        if isinstance(said, State):
            if role == Qt.ItemDataRole.DecorationRole:
                return current_theme().icon(said.icon, said.tone)
            if role == Qt.ItemDataRole.ForegroundRole:
                return current_theme().color(said.tone)
        return None


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
