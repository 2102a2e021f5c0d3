"""The list of refused changes, for a list view."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.domain.messages import _
from desktop.qt.theme import current_theme
from desktop.services.inbox_records import InboxItem

ITEM = Qt.ItemDataRole.UserRole


class InboxModel(QAbstractListModel):
    """Holds what a service gave; rows are replaced whole."""

    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[InboxItem, ...] = ()

    def show_items(self, items: tuple[InboxItem, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def row_of(self, tx: str) -> int:
        """The row of an item; -1 where it is not listed."""
        return next((at for at, item in enumerate(self.items) if item.tx == tx), -1)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.items)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        item = self.items[index.row()]
        if role == ITEM:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item.what
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{item.what}. {item.subject}. {item.reason}"
        return None


class InboxDelegate(QStyledItemDelegate):
    """Draws an item in three lines: what, on whom, why not."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        theme = current_theme()
        return QSize(theme.px(160), theme.px(78))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        item: InboxItem = index.data(ITEM)
        theme = current_theme()
        space = theme.spacing
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        box = option.rect.adjusted(2, 2, -2, -2)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection" if selected else "surface_hover"))
            painter.drawRoundedRect(box, 6, 6)
        bar = QRect(box.left() + 4, box.top() + space.s, 4, box.height() - 2 * space.s)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("success" if item.settled_at else "danger"))
        painter.drawRoundedRect(bar, 2, 2)
        text = theme.color("selection.text" if selected else "text")
        muted = text if selected else theme.color("text_muted")
        inside = box.adjusted(space.l + 2, space.s, -space.s, -space.s)
        step = inside.height() // 3
        last = item.settled_how or (
            _("Goes with another change") if item.depends_on else item.reason
        )
        for at, (words, bold, colour, size) in enumerate(
            (
                (item.what, True, text, "base"),
                (item.subject, False, text, "base"),
                (last, False, muted, "small"),
            )
        ):
            font = theme.font(size, bold=bold)
            painter.setFont(font)
            painter.setPen(colour)
            line = QRect(inside.left(), inside.top() + at * step, inside.width(), step)
            shown = painter.fontMetrics().elidedText(
                words, Qt.TextElideMode.ElideRight, line.width()
            )
            painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.restore()
