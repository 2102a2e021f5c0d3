"""Dialogs and toasts. None of them blocks: each takes what to do next as a function."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.errors import AppError, EnvironmentTrouble, place
from desktop.domain.messages import _, sentence
from desktop.qt.room import Room
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Banner, button, label, line

log = logging.getLogger(__name__)

TOAST_MS = 6000


class Dialog(QDialog):
    """A window-modal dialog: title, room for a body, a banner for what went wrong, buttons.

    ``Ctrl+Enter`` (and Enter in a line) is the main button, ``Esc`` closes. Fill ``body``, connect
    ``primary.clicked``, then ``open()``. It deletes itself when closed.

    It is as high as what it says and follows that up to the height of the screen; from there on
    the body scrolls, and the banner and the buttons stay in sight.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        subtitle: str = "",
        *,
        action: str = "",
        kind: str = "primary",
        cancel: str | None = None,
        width: int = 460,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._width = width
        self._natural = 0
        self._set_width()
        theme_switch().themeChanged.connect(self._set_width)
        space = current_theme().spacing
        outer = QVBoxLayout(self)
        outer.setContentsMargins(space.xl, space.xl, space.xl, space.l)
        outer.setSpacing(space.m)
        outer.addWidget(label(title, "title", wrap=True))
        self.subtitle = label(subtitle, "muted", wrap=True)
        self.subtitle.setVisible(bool(subtitle))
        outer.addWidget(self.subtitle)
        self.banner = Banner("", "danger")
        outer.addWidget(self.banner)
        inside = QWidget()
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(space.m)
        self.area = Room(inside)
        outer.addWidget(self.area, 1)
        outer.addSpacing(space.xs)
        outer.addWidget(line())
        self.footer = QHBoxLayout()
        self.footer.setSpacing(space.s)
        self.footer.addStretch(1)
        self.cancel = button(_("Cancel") if cancel is None else cancel)
        self.cancel.setVisible(cancel != "")
        self.cancel.clicked.connect(self.reject)
        self.primary = button(action or _("Accept"), kind)
        self.primary.setDefault(True)
        self.footer.addWidget(self.cancel)
        self.footer.addWidget(self.primary)
        outer.addLayout(self.footer)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.primary.click)

    def open(self) -> None:
        """Show it; it lives until it is closed, also where it has no parent."""
        if self.parent() is None:
            _opened.add(self)
            self.finished.connect(lambda: _opened.discard(self))
        super().open()

    # How high it is -------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Find its height before it finds its place over the window."""
        self._fit()
        super().showEvent(event)

    def event(self, event: QEvent) -> bool:
        """Follow what is inside."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._fit()
        return done

    def _set_width(self) -> None:
        self.setMinimumWidth(current_theme().px(self._width))

    def natural_height(self) -> int:
        """How high it would be on a screen without an end, at its width."""
        layout = self.layout()
        width = max(self.width(), self.minimumWidth()) if self._natural else self.sizeHint().width()
        if layout is not None and layout.hasHeightForWidth():
            return layout.totalHeightForWidth(width)
        return self.sizeHint().height()

    def available_height(self) -> int:
        """How high it may be: the screen without its bars, and without the window's frame."""
        frame = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        if self.isVisible():
            frame = max(frame, self.frameGeometry().height() - self.height())
        return self.screen().availableGeometry().height() - frame

    def _fit(self) -> None:
        """As high as its content; a person who made it higher keeps what they chose."""
        natural, room = self.natural_height(), self.available_height()
        if natural == self._natural and self.height() <= room:
            return
        by_hand = self._natural > 0 and self.height() > min(self._natural, room)
        wanted = max(natural, self.height()) if by_hand else natural
        width = max(self.width(), self.minimumWidth()) if self._natural else self.sizeHint().width()
        self._natural = natural
        self.resize(width, min(wanted, room))
        if self.isVisible():
            self._stay_on_screen()
            focus = QApplication.focusWidget()
            if focus is not None and self.area.isAncestorOf(focus):
                self.area.ensureWidgetVisible(focus)

    def _stay_on_screen(self) -> None:
        """Having grown, move up rather than over the screen's lower edge."""
        frame, screen = self.frameGeometry(), self.screen().availableGeometry()
        below = frame.bottom() - screen.bottom()
        if below > 0:
            self.move(self.x(), max(screen.top(), self.y() - below))

    # What is said ---------------------------------------------------------------------------

    def show_error(self, error: BaseException) -> None:
        """Say what went wrong above the body and let the person go on."""
        self.set_busy(False)
        if not isinstance(error, AppError):
            report_failure(self, error)
        self.banner.show_text(sentence(error), "danger")

    def clear_error(self) -> None:
        """Take the banner away."""
        self.banner.show_text("")

    def set_busy(self, busy: bool) -> None:
        """While work is under way the main button waits."""
        self.primary.setEnabled(not busy)


_opened: set[Dialog] = set()


def confirm(
    parent: QWidget | None,
    title: str,
    text: str,
    *,
    action: str,
    yes: Callable[[], None],
    danger: bool = False,
) -> Dialog:
    """Ask before something is done; ``yes`` is called where the person agrees."""
    dialog = Dialog(parent, title, text, action=action, kind="danger" if danger else "primary")
    dialog.primary.clicked.connect(dialog.accept)
    dialog.accepted.connect(yes)
    if danger:
        dialog.cancel.setDefault(True)
        dialog.cancel.setFocus()
    dialog.open()
    return dialog


def tell(parent: QWidget | None, title: str, text: str) -> Dialog:
    """Say something that must be read."""
    dialog = Dialog(parent, title, text, action=_("Understood"), cancel="")
    dialog.primary.clicked.connect(dialog.accept)
    dialog.open()
    return dialog


_crash: Callable[[BaseException], None] | None = None


def on_bug(handler: Callable[[BaseException], None] | None) -> None:
    """Where an exception goes that is a bug of ours: the crash reporter."""
    global _crash
    _crash = handler


def report_failure(owner: QObject | None, error: BaseException) -> None:
    """Tell a person of a failure: a sentence for what can be expected, a crash report for a bug."""
    parent = owner.window() if isinstance(owner, QWidget) else None
    if isinstance(error, AppError):
        title = (
            _("Something stands in the way")
            if isinstance(error, EnvironmentTrouble)
            else _("This can't be done like this")
        )
        tell(parent, title, sentence(error))
    elif _crash is not None:
        _crash(error)
    else:
        log.error("unexpected failure: %s", place(error))
        tell(parent, _("Unexpected error"), sentence(error))


class Toast(QFrame):
    """A short message at the bottom of its parent; goes by itself, stays while it has the focus."""

    closed = Signal()

    def __init__(
        self,
        parent: QWidget,
        text: str,
        action_text: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._over = parent
        self.setProperty("toast", True)
        self.setAccessibleName(text)
        space = current_theme().spacing
        layout = QHBoxLayout(self)
        layout.setContentsMargins(space.l, space.s, space.m, space.s)
        layout.setSpacing(space.m)
        layout.addWidget(label(text))
        self.action: QPushButton | None = None
        self._then = action
        if action_text:
            self.action = button(action_text)
            self.action.setCursor(Qt.CursorShape.PointingHandCursor)
            self.action.clicked.connect(self._act)
            layout.addWidget(self.action)
        self._timer = QTimer(self, interval=TOAST_MS, singleShot=True)
        self._timer.timeout.connect(self._leave)
        parent.installEventFilter(self)
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        self._timer.start()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Keeps its place while the window changes size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        parent = self._over
        self.move((parent.width() - self.width()) // 2, parent.height() - self.height() - 56)

    @Slot()
    def _act(self) -> None:
        if self._then is not None:
            self._then()
        self._go()

    @Slot()
    def _leave(self) -> None:
        if self.underMouse() or (self.action is not None and self.action.hasFocus()):
            self._timer.start()
        else:
            self._go()

    def _go(self) -> None:
        self._timer.stop()
        self.hide()
        self.closed.emit()
        self.deleteLater()
