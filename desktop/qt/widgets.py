"""Small parts that every screen is built from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch

SEARCH_DELAY_MS = 90


def restyle(widget: QWidget) -> None:
    """Make the stylesheet look at a widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the stylesheet looks at."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        restyle(widget)


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label. ``role``: display, title, heading, label, muted, small, error, strong or plain."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def button(text: str, kind: str = "", *, icon: str = "", shortcut: str = "") -> QPushButton:
    """A push button. ``kind``: primary, danger, quiet, link or plain.

    :param shortcut: shown in the tooltip and bound to the button.
    """
    made = IconButton(text, kind, icon)
    made.setAutoDefault(False)
    if shortcut:
        made.setShortcut(shortcut)
        made.setToolTip(
            f"{text} ({made.shortcut().toString(made.shortcut().SequenceFormat.NativeText)})"
        )
    return made


_ICON_TOKENS = {"primary": "accent_text", "danger": "danger_text", "link": "link"}


class IconButton(QPushButton):
    """A push button whose icon follows the theme."""

    def __init__(self, text: str = "", kind: str = "", icon: str = "") -> None:
        super().__init__(text)
        self._kind, self._icon = kind, icon
        if kind:
            self.setProperty("kind", kind)
        self._draw()
        theme_switch().themeChanged.connect(self._draw)

    def set_icon(self, name: str) -> None:
        """Change the icon."""
        self._icon = name
        self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, never another one of its dialog."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
        else:
            super().keyPressEvent(event)

    def _draw(self) -> None:
        if self._icon:
            drawn = current_theme().icon(self._icon, _ICON_TOKENS.get(self._kind, "text"))
            self.setIcon(_with_room(drawn) if self.text() else drawn)
            self.setIconSize(QSize(18 + (ROOM if self.text() else 0), 18))


ROOM = 6
"""Beside a button's icon: styled buttons put the words right behind it."""


def _with_room(drawn: QIcon) -> QIcon:
    made = QIcon()
    for ratio in (1.0, 2.0):
        wide = QPixmap(round((18 + ROOM) * ratio), round(18 * ratio))
        wide.setDevicePixelRatio(ratio)
        wide.fill(Qt.GlobalColor.transparent)
        painter = QPainter(wide)
        drawn.paint(painter, QRect(0, 0, 18, 18))
        painter.end()
        made.addPixmap(wide)
    return made


class Badge(QLabel):
    """A short word or number in a pill. ``tone``: neutral, accent, info, success, warning, danger."""

    def __init__(self, text: str = "", tone: str = "neutral") -> None:
        super().__init__(text)
        self.setProperty("badge", tone)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)

    def show_text(self, text: str, tone: str | None = None) -> None:
        """Change the words, and the tone where one is given; hidden where there are no words."""
        self.setText(text)
        self.setVisible(bool(text))
        if tone is not None:
            set_property(self, "badge", tone)


class KeyHint(QLabel):
    """A key as it is printed on the keyboard."""

    def __init__(self, keys: str) -> None:
        super().__init__(keys)
        self.setProperty("key", True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)


def line(*, vertical: bool = False) -> QFrame:
    """A hairline between two parts."""
    made = QFrame()
    made.setProperty("line", "v" if vertical else "h")
    return made


class Card(QFrame):
    """A raised surface with a body to fill: ``card.body.addWidget(...)``."""

    def __init__(self, parent: QWidget | None = None, *, margin: int | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        space = current_theme().spacing
        inset = space.l if margin is None else margin
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(inset, inset, inset, inset)
        self.body.setSpacing(space.m)


def row(*widgets: QWidget, spacing: int | None = None, stretch: bool = False) -> QHBoxLayout:
    """Widgets side by side; with ``stretch`` the rest of the width is left empty at the right."""
    layout = QHBoxLayout()
    _fill(layout, widgets, spacing, stretch)
    return layout


def column(*widgets: QWidget, spacing: int | None = None, stretch: bool = False) -> QVBoxLayout:
    """Widgets one under the other; with ``stretch`` the rest of the height is left empty."""
    layout = QVBoxLayout()
    _fill(layout, widgets, spacing, stretch)
    return layout


def _fill(
    layout: QBoxLayout, widgets: tuple[QWidget, ...], spacing: int | None, stretch: bool
) -> None:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(current_theme().spacing.s if spacing is None else spacing)
    for widget in widgets:
        layout.addWidget(widget)
    if stretch:
        layout.addStretch(1)


class Field(QWidget):
    """An editor with its name above and, where something is wrong, the sentence under it."""

    def __init__(self, name: str, editor: QWidget, *, hint: str = "") -> None:
        super().__init__()
        self.editor = editor
        self._hint = hint
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(current_theme().spacing.xs)
        self.name = label(name, "label")
        self.name.setBuddy(editor)
        self.note = label(hint, "small", wrap=True)
        self.note.setVisible(bool(hint))
        layout.addWidget(self.name)
        layout.addWidget(editor)
        layout.addWidget(self.note)
        editor.setAccessibleName(name.replace("&", ""))

    def set_error(self, text: str) -> None:
        """Show what is wrong (a sentence), or nothing with an empty string."""
        set_property(self.editor, "invalid", bool(text))
        set_property(self.note, "role", "error" if text else "small")
        self.note.setText(text or self._hint)
        self.note.setVisible(bool(text or self._hint))
        self.editor.setAccessibleDescription(text)


class _Scaled(QObject):
    """Keeps a widget's measures in step with the text."""

    def __init__(self, widget: QWidget, width: int | None, height: int | None) -> None:
        super().__init__(widget)
        self._widget, self._width, self._height = widget, width, height
        theme_switch().themeChanged.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        theme = current_theme()
        if self._width is not None:
            self._widget.setFixedWidth(theme.px(self._width))
        if self._height is not None:
            self._widget.setFixedHeight(theme.px(self._height))


def scaled(widget: QWidget, width: int | None = None, height: int | None = None) -> None:
    """Fix a widget's measures, which grow with the text also when a person changes its size."""
    _Scaled(widget, width, height)


def inset(box: QAbstractSpinBox) -> None:
    """Give a box with arrows the room at the left that every field has; stylesheets leave it out."""
    editor = box.lineEdit()
    if editor is not None:
        editor.setTextMargins(9, 0, 0, 0)


class SearchBox(QLineEdit):
    """A search line. ``searched`` carries the text a moment after the last key.

    Down and Up and Enter are passed on (``moved``, ``chosen``) so that a list can be walked while
    the cursor stays here.
    """

    searched = Signal(str)
    moved = Signal(int)
    chosen = Signal()

    def __init__(self, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder or _("Search"))
        self.setAccessibleName(placeholder or _("Search"))
        self.setClearButtonEnabled(True)
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._timer = QTimer(self, interval=SEARCH_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._search)
        self.textChanged.connect(self._typed)
        self._draw()
        theme_switch().themeChanged.connect(self._draw)

    def _draw(self) -> None:
        self._glass.setIcon(current_theme().icon("search", "text_muted"))

    def _typed(self, _text: str) -> None:
        self._timer.start()

    def _search(self) -> None:
        self.searched.emit(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows and Enter go to the list."""
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_PageUp: -10,
        }
        key = Qt.Key(event.key())
        if key in steps:
            self.moved.emit(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        elif key == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class ElidedLabel(QLabel):
    """A label of one line that ends in … where it does not fit; the tooltip has it whole."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self._whole = ""
        if role:
            self.setProperty("role", role)
        self.setMinimumWidth(24)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show ``text``."""
        self._whole = text
        super().setText(text)
        self.setAccessibleName(text)
        self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The tooltip is there only where it is needed."""
        super().resizeEvent(event)
        self._tell()

    def _tell(self) -> None:
        fits = self.fontMetrics().horizontalAdvance(self._whole) <= self.width()
        self.setToolTip("" if fits else self._whole)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        rect = self.contentsRect()
        shown = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, rect.width()
        )
        painter.setPen(self.palette().windowText().color())
        painter.drawText(rect, int(self.alignment()), shown)


class Banner(QFrame):
    """A message that stays until what it says is over. ``tone``: info, success, warning, danger."""

    def __init__(self, text: str = "", tone: str = "info") -> None:
        super().__init__()
        self.setProperty("banner", tone)
        space = current_theme().spacing
        layout = QHBoxLayout(self)
        layout.setContentsMargins(space.m, space.s, space.m, space.s)
        layout.setSpacing(space.m)
        self._icon = QLabel()
        self._text = label("", wrap=True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        # The icon is beside the first line, also where buttons make the whole higher than the text.
        said = QHBoxLayout()
        said.setSpacing(space.m)
        said.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self._text, 1)
        layout.addLayout(said, 1)
        layout.setAlignment(said, Qt.AlignmentFlag.AlignVCenter)
        self.buttons = QHBoxLayout()
        layout.addLayout(self.buttons)
        theme_switch().themeChanged.connect(self._draw)
        self.show_text(text, tone)

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def show_text(self, text: str, tone: str | None = None) -> None:
        """Say ``text``; hidden where there is nothing to say."""
        if tone is not None:
            set_property(self, "banner", tone)
            restyle(self._text)
        self._text.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self._draw()

    def _draw(self) -> None:
        tone = str(self.property("banner"))
        self._icon.setPixmap(current_theme().icon(tone, f"{tone}_soft.text").pixmap(QSize(20, 20)))


class EmptyState(QWidget):
    """What a list says when it has nothing: a heading, a sentence and perhaps a button."""

    def __init__(self, icon: str, title: str, text: str, action: QPushButton | None = None) -> None:
        super().__init__()
        space = current_theme().spacing
        layout = QVBoxLayout(self)
        layout.setSpacing(space.s)
        layout.addStretch(1)
        self._name = icon
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(self._icon)
        for made in (label(title, "heading", wrap=True), label(text, "muted", wrap=True)):
            made.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(made)
        if action is not None:
            layout.addSpacing(space.s)
            layout.addWidget(action, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        self._draw()
        theme_switch().themeChanged.connect(self._draw)

    def _draw(self) -> None:
        self._icon.setPixmap(
            current_theme().icon(self._name, "border_strong").pixmap(QSize(32, 32))
        )


class Busy(QWidget):
    """A line of words over a progress bar, for a page that waits."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.words = label(text, "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.setLayout(column(self.words, self.bar))
        self.show_fraction(None)

    def show_fraction(self, fraction: float | None, text: str | None = None) -> None:
        """How much is done, 0 to 1; ``None`` while nobody knows."""
        self.bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.bar.setValue(round(fraction * 1000))
        if text is not None:
            self.words.setText(text)
            self.bar.setAccessibleName(text)


class CapsLockWatch(QObject):
    """Tells whether capitals are locked, from the keys typed into an editor."""

    changed = Signal(bool)

    def __init__(self, editor: QLineEdit) -> None:
        super().__init__(editor)
        self._on = False
        editor.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """A letter in the other case than Shift says gives the lock away."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            text = event.text()
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if event.key() == Qt.Key.Key_CapsLock:
                self._set(False)
            elif len(text) == 1 and text.isalpha() and text.lower() != text.upper():
                self._set(text.isupper() != shift)
        return False

    def _set(self, on: bool) -> None:
        if on != self._on:
            self._on = on
            self.changed.emit(on)
