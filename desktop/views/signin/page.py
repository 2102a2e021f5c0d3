"""The page where a person says who they are."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.domain.actor import Actor
from desktop.domain.errors import AppError
from desktop.domain.messages import _, sentence
from desktop.qt.dialogs import report_failure
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Banner, Busy, CapsLockWatch, Card, Field, button, label

LAST_USERNAME = "last_username"


class SignsIn(Protocol):
    """Where a name and a password become a person."""

    def sign_in(self, username: str, password: str) -> Actor:
        """As :meth:`desktop.services.accounts.Accounts.sign_in`."""
        ...


class SignIn(QWidget):
    """Username and password; the work is done in a job and mistakes are said in a sentence.

    :ivar signedIn: carries the :class:`Actor`. :ivar refused: the sentence has been shown.
    :ivar was_refused: it still is.
    """

    signedIn = Signal(object)
    refused = Signal()

    def __init__(
        self,
        accounts: SignsIn,
        jobs: Jobs,
        settings: Settings,
        *,
        clinic: str,
        station: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._accounts, self._jobs, self._settings = accounts, jobs, settings
        self.was_refused = False
        self.setProperty("surface", "canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        theme = current_theme()
        space = theme.spacing
        card = Card(margin=space.xxl)
        card.setFixedWidth(theme.px(400))
        self._logo = QLabel()
        card.body.addWidget(self._logo)
        card.body.addWidget(label(clinic or "Consultorio", "display", wrap=True))
        card.body.addWidget(label(station, "muted", wrap=True))
        card.body.addSpacing(space.s)
        self.banner = Banner("", "danger")
        card.body.addWidget(self.banner)
        self.username = QLineEdit()
        self.password = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        card.body.addWidget(Field(_("&Username"), self.username))
        self._password_field = Field(_("&Password"), self.password)
        card.body.addWidget(self._password_field)
        self.caps = label(_("Capital letters are locked."), "small")
        self.caps.setVisible(False)
        card.body.addWidget(self.caps)
        CapsLockWatch(self.password).changed.connect(self.caps.setVisible)
        self.enter = button(_("Sign in"), "primary")
        card.body.addSpacing(space.xs)
        card.body.addWidget(self.enter)
        self.busy = Busy(_("Checking your password…"))
        self.busy.setVisible(False)
        card.body.addWidget(self.busy)
        centre = QHBoxLayout()
        centre.addStretch(1)
        centre.addWidget(card)
        centre.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(centre)
        outer.addStretch(3)
        self.enter.clicked.connect(self._try)
        self.username.returnPressed.connect(self._named)
        self.password.returnPressed.connect(self._try)
        self.username.setText(settings.get(LAST_USERNAME, ""))
        theme_switch().themeChanged.connect(self._draw)
        self._draw()

    @property
    def waiting(self) -> bool:
        """Whether a password is being checked."""
        return not self.enter.isEnabled()

    def ask_again(self, username: str, message: str, password: str = "") -> None:
        """Ask the same person for the password, e.g. after a lock; ``message`` says why.

        :param password: what was typed of it already.
        """
        self.username.setText(username)
        self.password.setText(password)
        self.banner.show_text(message, "info")
        self.password.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """The cursor waits where there is something to type."""
        super().showEvent(event)
        (self.password if self.username.text() else self.username).setFocus()

    def _draw(self) -> None:
        self._logo.setPixmap(current_theme().icon("logo", "accent").pixmap(QSize(32, 32)))

    @Slot()
    def _named(self) -> None:
        """Enter in the first line leads to the second while that one is empty."""
        if self.username.text().strip() and not self.password.text():
            self.password.setFocus()
        else:
            self._try()

    @Slot()
    def _try(self) -> None:
        if not self.enter.isEnabled():
            return
        username, password = self.username.text().strip(), self.password.text()
        if not username or not password:
            self.banner.show_text(_("Write your username and your password."), "warning")
            (self.username if not username else self.password).setFocus()
            return
        self.banner.show_text("")
        self.was_refused = False
        self._wait(True)
        accounts = self._accounts
        self._jobs.read(
            self,
            lambda _progress: accounts.sign_in(username, password),
            done=self._in,
            failed=self._refused,
        )

    def _wait(self, waiting: bool) -> None:
        self.busy.setVisible(waiting)
        for widget in (self.enter, self.username, self.password):
            widget.setEnabled(not waiting)

    def _in(self, actor: Actor) -> None:
        self._wait(False)
        self._settings.set(LAST_USERNAME, actor.username)
        self.password.clear()
        self.banner.show_text("")
        self.signedIn.emit(actor)

    def _refused(self, error: Exception) -> None:
        self._wait(False)
        self.was_refused = True
        self.banner.show_text(sentence(error), "danger")
        self.password.selectAll()
        self.password.setFocus()
        if not isinstance(error, AppError):
            report_failure(self, error)
        self.refused.emit()
