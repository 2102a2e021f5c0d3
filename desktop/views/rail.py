"""The rail at the left: one button for each screen."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QLabel, QToolButton, QVBoxLayout, QWidget

from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import scaled

ICON_TOP = 11
OVERLAP = 3
"""Where the style puts an icon, and how far the number beside it may reach over it; pixels."""


class RailButton(QToolButton):
    """An icon over a word, with a count at its corner."""

    def __init__(self, text: str, icon: str, keys: str) -> None:
        super().__init__()
        self._icon = icon
        self.setProperty("rail", "item")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setText(text)
        self.setToolTip(f"{text} ({keys})" if keys else text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(24, 24))
        self._badge = QLabel(self)
        self._badge.setProperty("badge", "danger")
        self._badge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._badge.hide()
        scaled(self, 84, 64)
        theme_switch().themeChanged.connect(self._draw)
        self._draw()

    def set_count(self, count: int) -> None:
        """Show a number at the corner; zero shows none."""
        self._badge.setText(str(count) if count < 100 else "99+")
        self._place_badge()
        self._badge.setVisible(count > 0)
        name = self.text()
        self.setAccessibleName(
            _("{screen}, {n} waiting").format(screen=name, n=count) if count else name
        )

    def set_alarm(self, words: str) -> None:
        """Show that something is wrong, and say what; an empty text shows nothing."""
        self._badge.setText("!")
        self._place_badge()
        self._badge.setVisible(bool(words))
        name = self.text()
        self.setAccessibleName(
            _("{screen}, {alarm}").format(screen=name, alarm=words) if words else name
        )

    @property
    def count(self) -> str:
        """The number at the corner; empty where none is shown."""
        return self._badge.text() if self._badge.isVisibleTo(self) else ""

    def icon_rect(self) -> QRect:
        """Where the icon is: in the middle, under the stylesheet's padding and the style's own."""
        size = self.iconSize()
        return QRect(QPoint((self.width() - size.width()) // 2, ICON_TOP), size)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The number keeps its corner."""
        super().resizeEvent(event)
        self._place_badge()

    def _place_badge(self) -> None:
        """Beside the icon, over its upper corner by no more than a few pixels."""
        badge, icon = self._badge, self.icon_rect()
        badge.ensurePolished()
        badge.adjustSize()
        left = min(icon.right() - OVERLAP, self.width() - badge.width() - 2)
        badge.move(left, max(2, icon.top() + 3 * OVERLAP - badge.height()))

    def _draw(self) -> None:
        self.setIcon(current_theme().icon(self._icon, "rail.text", "rail_active.text"))


class Rail(QWidget):
    """Switches between screens.

    :ivar chosen: the key of the screen that a person wants.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("rail", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        space = current_theme().spacing
        self._group = QButtonGroup(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(space.s, space.l, space.s, space.l)
        self._layout.setSpacing(space.s)
        logo = QLabel()
        logo.setAlignment(Qt.AlignmentFlag.AlignCenter)
        logo.setPixmap(current_theme().icon("logo", "rail_active.text").pixmap(QSize(28, 28)))
        self._layout.addWidget(logo)
        self._layout.addSpacing(space.m)
        self._buttons: dict[str, RailButton] = {}
        self._stretch_at = self._layout.count()
        self._layout.addStretch(1)

    def add_screen(self, key: str, text: str, icon: str, keys: str) -> None:
        """A button for a screen."""
        made = RailButton(text, icon, keys)
        made.setCheckable(True)
        made.clicked.connect(lambda: self.chosen.emit(key))
        self._group.addButton(made)
        self._buttons[key] = made
        self._layout.insertWidget(self._stretch_at, made)
        self._stretch_at += 1

    def add_action(self, text: str, icon: str, keys: str = "") -> RailButton:
        """A button at the foot that does something else."""
        made = RailButton(text, icon, keys)
        self._layout.addWidget(made)
        return made

    def show_screen(self, key: str) -> None:
        """Mark the screen that is on."""
        self._buttons[key].setChecked(True)

    def set_count(self, key: str, count: int) -> None:
        """Show a count on a screen's button."""
        self._buttons[key].set_count(count)

    def button(self, key: str) -> RailButton:
        """A screen's button."""
        return self._buttons[key]
