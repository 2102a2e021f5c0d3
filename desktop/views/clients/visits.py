"""A client's visits: the coming ones, then the past ones, in one list."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.domain import statuses
from desktop.domain.locale_format import date_short, number, time_of_day
from desktop.domain.messages import _, ngettext
from desktop.qt.theme import current_theme, theme_switch
from desktop.services.clients_records import Visit, Visits

Index = QModelIndex | QPersistentModelIndex
VISIT = Qt.ItemDataRole.UserRole + 1
_NOWHERE = QModelIndex()
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_SHOWN_ROWS = 9


class VisitsModel(QAbstractListModel):
    """Rows are headings (text) and visits."""

    def __init__(self, zone: ZoneInfo, parent: QWidget) -> None:
        super().__init__(parent)
        self._zone = zone
        self._rows: list[str | Visit] = []

    def show(self, visits: Visits) -> None:
        """Take the visits of a client."""
        rows: list[str | Visit] = []
        if visits.upcoming:
            rows += [_("Coming visits"), *visits.upcoming]
        if visits.past:
            rows += [_("Past visits"), *visits.past]
        hidden = visits.past_total - len(visits.past)
        if hidden > 0:
            words = ngettext("and one earlier", "and {n} earlier", hidden)
            rows.append(words.format(n=number(hidden)))
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Headings and visits."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The words of a row; the visit under ``VISIT``, which a heading has not."""
        row = self._rows[index.row()]
        if role == VISIT:
            return None if isinstance(row, str) else row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row if isinstance(row, str) else self.described(row)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings can't be stood on."""
        if isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def when(self, visit: Visit) -> str:
        """Day and time on the clinic's clock."""
        day = date_short(visit.starts_at.astimezone(self._zone).date())
        return f"{day}  {time_of_day(visit.starts_at, self._zone)}"

    def described(self, visit: Visit) -> str:
        """A visit in words."""
        parts = [self.when(visit), visit.service, visit.practitioner, statuses.label(visit.status)]
        return " · ".join(part for part in parts if part)


class VisitDelegate(QStyledItemDelegate):
    """Day and time, what for and with whom, and the status in colour and in words."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """One line of text with air around it."""
        theme = current_theme()
        return QSize(theme.px(200), theme.size() + theme.px(18))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row."""
        theme = current_theme()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        visit: Visit | None = index.data(VISIT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = rect.adjusted(theme.px(8), 0, -theme.px(8), 0)
        if visit is None:
            painter.setFont(theme.font("small", bold=True))
            painter.setPen(theme.color("text_muted"))
            painter.drawText(inner, _LEFT, str(index.data()))
        else:
            selected = bool(state & QStyle.StateFlag.State_Selected)
            if selected or state & QStyle.StateFlag.State_MouseOver:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("selection" if selected else "surface_hover"))
                painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 5, 5)
            self._paint_visit(painter, inner, index, visit, selected=selected)
        painter.restore()

    def _paint_visit(
        self, painter: QPainter, rect: QRect, index: Index, visit: Visit, *, selected: bool
    ) -> None:
        theme = current_theme()
        font, small = theme.font(), theme.font("small", bold=True)
        model: VisitsModel = index.model()  # type: ignore[assignment]
        strong = theme.color("selection.text" if selected else "text")
        muted = theme.color("selection.text" if selected else "text_muted")

        word = statuses.label(visit.status)
        width = QFontMetrics(small).horizontalAdvance(word) + theme.px(18)
        height = theme.size("small") + theme.px(9)
        pill = QRectF(rect.right() - width, rect.center().y() - height / 2 + 0.5, width, height)
        known = statuses.read(visit.status)
        token = f"status.{known.value}" if known else "surface_alt"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(token))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setFont(small)
        painter.setPen(theme.color(f"{token}.text" if known else "text"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, word)

        painter.setFont(font)
        painter.setPen(strong)
        when = model.when(visit)
        first = QFontMetrics(font).horizontalAdvance("00-00-0000  00:00") + theme.px(16)
        painter.drawText(rect, _LEFT, when)
        middle = rect.adjusted(first, 0, -round(width) - theme.px(10), 0)
        painter.setPen(muted)
        said = " · ".join(part for part in (visit.service, visit.practitioner) if part)
        elided = QFontMetrics(font).elidedText(
            said, Qt.TextElideMode.ElideRight, max(middle.width(), 0)
        )
        painter.drawText(middle, _LEFT, elided)


class VisitsList(QListView):
    """The visits. ``opened`` carries a visit's id."""

    opened = Signal(object)

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self.visits = VisitsModel(zone, self)
        self.setItemDelegate(VisitDelegate(self))
        self.setModel(self.visits)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setAccessibleName(_("Visits"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.activated.connect(self._open)
        theme_switch().themeChanged.connect(self._fit)

    def show_visits(self, visits: Visits) -> None:
        """Take the visits of a client."""
        self.visits.show(visits)
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self.visits.rowCount(), 1), _SHOWN_ROWS)
        height = self.itemDelegate().sizeHint(QStyleOptionViewItem(), QModelIndex()).height()
        self.setFixedHeight(rows * height + 8)
        self.scheduleDelayedItemsLayout()
        self.viewport().update()

    def _open(self, index: Index) -> None:
        visit: Visit | None = index.data(VISIT)
        if visit is not None:
            self.opened.emit(visit.id)
