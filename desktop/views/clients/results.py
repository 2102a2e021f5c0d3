"""The list of search results: pages fetched as they are scrolled to, painted by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.domain.locale_format import date_short, time_of_day
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme, theme_switch
from desktop.services.clients_records import ClientHit, Results

PAGE = 50
HIT = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class ResultsModel(QAbstractListModel):
    """Knows how many clients match, and holds the pages that were looked at.

    :ivar answered: a search was answered; carries how many clients match.
    """

    answered = Signal(int)

    def __init__(self, context: AppContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._clients = context.services.clients
        self.text = ""
        self._total = 0
        self._hits: dict[int, ClientHit] = {}
        self._asked: set[int] = set()
        self._generation = 0

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """How many clients match."""
        return 0 if parent.isValid() else self._total

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The hit of a row, or ``None`` while its page is on its way."""
        hit = self._hits.get(index.row())
        if hit is None:
            self._fetch(index.row() // PAGE)
            return None
        if role == HIT:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.full_name
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return described(hit)
        return None

    def hit(self, row: int) -> ClientHit | None:
        """The hit of a row where its page is here."""
        return self._hits.get(row)

    def row_of(self, client_id: int) -> int | None:
        """Where a client stands among the pages that are here."""
        for row, hit in self._hits.items():
            if hit.id == client_id:
                return row
        return None

    def search(self, text: str) -> None:
        """Look for ``text``; the answer to the latest question wins."""
        again = text == self.text
        limit = max(PAGE, min(len(self._hits), 4 * PAGE)) if again else PAGE
        self.text = text
        self._generation += 1
        generation = self._generation
        self._context.jobs.read(
            self,
            lambda _progress: self._clients.results(text, limit),
            done=lambda results: self._answer(generation, results),
            lane_key="clients.search",
        )

    def _answer(self, generation: int, results: Results) -> None:
        if generation != self._generation:
            return
        fresh = dict(enumerate(results.hits))
        same = (
            results.total == self._total
            and [hit.id for hit in fresh.values()]
            == [self._hits[row].id for row in fresh if row in self._hits]
            and bool(fresh)
        )
        self._asked = set(range(-(-len(fresh) // PAGE)))
        if same:
            self._hits = fresh
            self.dataChanged.emit(self.index(0), self.index(self._total - 1))
        else:
            self.beginResetModel()
            self._hits, self._total = fresh, results.total
            self.endResetModel()
        self.answered.emit(self._total)

    def _fetch(self, page: int) -> None:
        if page in self._asked:
            return
        self._asked.add(page)
        text, generation = self.text, self._generation
        self._context.jobs.read(
            self,
            lambda _progress: self._clients.results(text, PAGE, page * PAGE),
            done=lambda results: self._fetched(generation, page, results),
        )

    def _fetched(self, generation: int, page: int, results: Results) -> None:
        if generation != self._generation or not results.hits:
            return
        first = page * PAGE
        for row, hit in enumerate(results.hits, start=first):
            if row < self._total:
                self._hits[row] = hit
        last = min(first + len(results.hits), self._total) - 1
        self.dataChanged.emit(self.index(first), self.index(last))


def described(hit: ClientHit) -> str:
    """A result in words."""
    parts = [hit.full_name, hit.rut, hit.phone, hit.email]
    if not hit.active:
        parts.append(_("Inactive"))
    if hit.alerts:
        parts.append(_("Allergies: {text}").format(text=hit.allergies))
    return " · ".join(part for part in parts if part)


class ResultDelegate(QStyledItemDelegate):
    """Two lines a client: name and when seen; RUT, phone or email; a mark where there are alerts."""

    def __init__(self, zone: ZoneInfo, now: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._zone = zone
        self._now = now

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Two lines of text with air around them."""
        theme = current_theme()
        return QSize(theme.px(240), theme.size() + theme.size("small") + theme.px(26))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row; one that is on its way shows two bars."""
        theme = current_theme()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme.color("selection" if selected else "surface_hover"))
            painter.drawRoundedRect(rect.adjusted(2, 1, -2, -1), 6, 6)
        inner = rect.adjusted(theme.px(12), theme.px(8), -theme.px(12), -theme.px(8))
        hit: ClientHit | None = index.data(HIT)
        if hit is None:
            painter.setBrush(theme.color("surface_alt"))
            height = theme.px(9)
            painter.drawRoundedRect(inner.x(), inner.y() + 3, inner.width() // 2, height, 4, 4)
            below = inner.bottom() - height
            painter.drawRoundedRect(inner.x(), below, inner.width() // 3, height, 4, 4)
        else:
            self._paint_hit(painter, inner, hit, selected=selected)
        painter.restore()

    def _paint_hit(self, painter: QPainter, rect: QRect, hit: ClientHit, *, selected: bool) -> None:
        theme = current_theme()
        strong = theme.color("selection.text" if selected else "text")
        muted = theme.color("selection.text" if selected else "text_muted")
        name_font, small = theme.font(bold=True), theme.font("small")
        upper = QRect(rect.x(), rect.y(), rect.width(), theme.size() + theme.px(6))
        lower = QRect(rect.x(), upper.bottom() + 1, rect.width(), rect.bottom() - upper.bottom())

        when, tone = self._when(hit)
        painter.setFont(small)
        taken = QFontMetrics(small).horizontalAdvance(when)
        painter.setPen(muted if selected or tone == "muted" else theme.color("link"))
        painter.drawText(upper, _RIGHT, when)

        left = upper.adjusted(0, 0, -(taken + theme.px(10)) if when else 0, 0)
        if hit.alerts:
            size = theme.px(16)
            icon = theme.icon("alert", "danger")
            icon.paint(painter, left.x(), left.y() + (left.height() - size) // 2, size, size)
            left.adjust(size + theme.px(6), 0, 0, 0)
        painter.setFont(name_font)
        painter.setPen(strong if hit.active else muted)
        painter.drawText(left, _LEFT, _elided(name_font, hit.full_name, left.width()))

        painter.setFont(small)
        painter.setPen(muted)
        parts = [hit.rut, hit.phone or hit.email]
        if not hit.active:
            parts.insert(0, _("Inactive"))
        said = "  ·  ".join(part for part in parts if part) or _("No RUT, phone or email")
        painter.drawText(lower, _LEFT, _elided(small, said, lower.width()))

    def _when(self, hit: ClientHit) -> tuple[str, str]:
        today = self._now().astimezone(self._zone).date()
        if hit.next_visit is not None:
            local = hit.next_visit.astimezone(self._zone)
            if local.date() == today:
                words = _("Today {time}").format(time=time_of_day(hit.next_visit, self._zone))
            elif local.date() == today + dt.timedelta(days=1):
                words = _("Tomorrow {time}").format(time=time_of_day(hit.next_visit, self._zone))
            else:
                words = date_short(local.date())
            return words, "next"
        if hit.last_visit is not None:
            return date_short(hit.last_visit.astimezone(self._zone).date()), "muted"
        return "", "muted"


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _elided(font: Any, text: str, width: int) -> str:
    return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))


class ResultsList(QListView):
    """The results. ``current`` carries the row on which the person stands; ``opened`` too."""

    current = Signal(int)
    opened = Signal(int)

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.results = ResultsModel(context, self)
        services = context.services
        self.setItemDelegate(ResultDelegate(services.clinic.zone, services.cache.now, self))
        self.setModel(self.results)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(_("Clients found"))
        self.activated.connect(lambda index: self.opened.emit(index.row()))
        theme_switch().themeChanged.connect(self._restyle)

    def _restyle(self) -> None:
        self.scheduleDelayedItemsLayout()
        self.viewport().update()

    def currentChanged(self, current: Index, previous: Index) -> None:
        """The row under the cursor is shown beside the list."""
        super().currentChanged(current, previous)
        if current.isValid():
            self.scrollTo(current)
            self.current.emit(current.row())

    def step(self, by: int) -> None:
        """Stand ``by`` rows further down (up where negative)."""
        total = self.results.rowCount()
        if total:
            at = self.currentIndex().row()
            row = max(0, min(total - 1, at + by)) if at >= 0 else (0 if by > 0 else total - 1)
            self.setCurrentIndex(self.results.index(row))
