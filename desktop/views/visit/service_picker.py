"""Finding a service by typing a few letters of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from desktop.domain.locale_format import money
from desktop.domain.messages import _
from desktop.domain.names import fold
from desktop.qt.theme import current_theme
from desktop.services.finance_types import PricedService

SHOWN = 8


class ServicePicker(QLineEdit):
    """A line with the services that fit what is typed in a list under it.

    Words come in any order and accents don't matter. Enter or Tab takes the marked one.

    :ivar picked: a :class:`PricedService`.
    :ivar confirmed: Enter, while a service is chosen and the list is closed.
    """

    picked = Signal(object)
    confirmed = Signal()

    def __init__(self, currency: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._currency = currency
        self._services: tuple[PricedService, ...] = ()
        self.service: PricedService | None = None
        self.setPlaceholderText(_("Add a service: write part of its name"))
        self.setAccessibleName(_("Service"))
        self.list = QListWidget()
        self.list.setObjectName("serviceList")
        self.list.setAccessibleName(_("Services that fit"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.hide()
        self.list.itemClicked.connect(self._take)
        self.textEdited.connect(self._typed)

    def offer(self, services: Sequence[PricedService]) -> None:
        """The services to choose from."""
        self._services = tuple(services)

    def reset(self) -> None:
        """Nothing chosen, nothing typed."""
        self.service = None
        self.clear()
        self.list.hide()

    def choose(self, service: PricedService) -> None:
        """Take a service as if it had been picked from the list."""
        self.service = service
        self.setText(service.name)
        self.list.hide()
        self.picked.emit(service)

    def _typed(self, text: str) -> None:
        self.service = None
        self._show_matches(text)

    def _show_matches(self, text: str) -> None:
        words = fold(text).split()
        self.list.clear()
        for service in self._services:
            name = fold(service.name)
            if all(word in name for word in words):
                item = QListWidgetItem(f"{service.name}  ·  {money(service.price, self._currency)}")
                item.setData(Qt.ItemDataRole.UserRole, service)
                self.list.addItem(item)
        if not self.list.count():
            nothing = QListWidgetItem(_("No service is called like that"))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(nothing)
        else:
            self.list.setCurrentRow(0)
        self._place()

    def _place(self) -> None:
        over = self.window()
        if self.list.parentWidget() is not over:
            self.list.setParent(over)
        rows = min(self.list.count(), SHOWN)
        height = rows * max(self.list.sizeHintForRow(0), 24) + current_theme().spacing.s
        spot = self.mapTo(over, QPoint(0, self.height() + 2))
        above = spot.y() + height > over.height()
        if above:
            spot = self.mapTo(over, QPoint(0, -height - 2))
        self.list.setGeometry(
            spot.x(), spot.y(), max(self.width(), current_theme().px(320)), height
        )
        self.list.show()
        self.list.raise_()

    def _take(self, item: QListWidgetItem | None) -> None:
        service = item.data(Qt.ItemDataRole.UserRole) if item else None
        if service is not None:
            self.choose(service)

    def event(self, event: QEvent) -> bool:
        """Tab takes the marked service on its way out."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Tab
            and self.list.isVisible()
        ):
            self._take(self.list.currentItem())
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the list, Enter takes, Esc closes it."""
        key = event.key()
        open_list = self.list.isVisible()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            if not open_list:
                self._show_matches("" if self.service else self.text())
            else:
                step = 1 if key == Qt.Key.Key_Down else -1
                row = self.list.currentRow() + step
                self.list.setCurrentRow(max(0, min(row, self.list.count() - 1)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier
        ):
            if open_list:
                self._take(self.list.currentItem())
            elif self.service is not None:
                self.confirmed.emit()
            else:
                self._show_matches(self.text())
        elif key == Qt.Key.Key_Escape and open_list:
            self.list.hide()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The list goes with the focus."""
        super().focusOutEvent(event)
        self.list.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """And with the page."""
        super().hideEvent(event)
        self.list.hide()
