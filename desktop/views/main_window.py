"""The window: a page to sign in, and behind it the workspace of who did."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import QDialog, QMainWindow, QStackedWidget

from desktop.domain.actor import Actor
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import confirm
from desktop.qt.i18n import use_language
from desktop.qt.idle import ACTIVITY, DEFAULT_IDLE_MINUTES
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import current_theme
from desktop.views.signin import SignIn
from desktop.views.workspace import LANGUAGE, Link, ScreenEntry, Workspace

GEOMETRY = "window_geometry"
SMALLEST = QSize(960, 600)
KEEP_MS, KEEP_SECONDS = 30, 10.0
IDLE_MINUTES = "idle_minutes"


@dataclass(frozen=True, slots=True)
class Program:
    """What a window needs, put together by the composition root (or by a test, or by the demo).

    :ivar services: the bundle; ``accounts``, ``cache`` and ``clinic`` are used here.
    :ivar station: the workstation's label.
    :ivar renew: gives the services with the clinic's settings of the moment, asked at each sign-in.
    """

    services: Any
    jobs: Jobs
    settings: Settings
    link: Link
    screens: tuple[ScreenEntry, ...]
    station: str
    now: Callable[[], dt.datetime]
    renew: Callable[[Any], Any] = lambda services: services


class MainWindow(QMainWindow):
    """Signs people in, shows their workspace, locks it when nobody is there.

    A locked workspace stays as it was for the same person; another one gets a fresh one.

    :ivar entered: somebody has signed in; carries the :class:`Actor`.
    """

    entered = Signal(object)

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._program = program
        self._services = program.services
        self.workspace: Workspace | None = None
        self._hidden: list[QDialog] = []
        self._pages = QStackedWidget()
        self.setCentralWidget(self._pages)
        self.setMinimumSize(SMALLEST)
        self.resize(1280, 800)
        self._restore_geometry()
        self.signin = self._make_signin()
        self._idle = QTimer(self, singleShot=True)
        self._idle.timeout.connect(self._idle_lock)
        self._sure = False
        self._keep_until = 0.0
        self._keeping = QTimer(self, interval=KEEP_MS)
        self._keeping.timeout.connect(self._close_when_kept)
        _application().focusWindowChanged.connect(self._watch)
        self._title()

    # Signing in ---------------------------------------------------------------------------------

    def _make_signin(self) -> SignIn:
        program = self._program
        made = SignIn(
            self._services.accounts,
            program.jobs,
            program.settings,
            clinic=self._services.clinic.name,
            station=program.station,
        )
        made.signedIn.connect(self.enter)
        self._pages.addWidget(made)
        return made

    @Slot(object)
    def enter(self, actor: Actor) -> None:
        """Show the workspace of a person who has signed in."""
        workspace = self.workspace
        self._services = self._program.renew(self._services)
        if workspace is None or workspace.context.actor != actor or self._outdated(workspace):
            self._drop_workspace()
            workspace = self._build_workspace(actor)
        self._pages.setCurrentWidget(workspace)
        for dialog in self._hidden:
            dialog.show()
        self._hidden.clear()
        self._restart_idle()
        self._title()
        self.entered.emit(actor)

    def _outdated(self, workspace: Workspace) -> bool:
        """Whether the clinic's settings changed and nothing typed stands in the way of new screens."""
        changed = workspace.context.services is not self._services
        return changed and not self._hidden and not workspace.unkept()

    def _build_workspace(self, actor: Actor) -> Workspace:
        program = self._program
        context = AppContext(self._services, program.jobs, actor, program.settings, self)
        context.follow(self._services.cache.listen)
        workspace = Workspace(
            context,
            program.screens,
            program.link,
            clinic=self._services.clinic.name,
            station=program.station,
            now=program.now,
        )
        workspace.lockWanted.connect(self.lock)
        workspace.languageWanted.connect(self.change_language)
        self._pages.addWidget(workspace)
        self.workspace = workspace
        return workspace

    def _drop_workspace(self) -> None:
        for dialog in self._dialogs():
            dialog.close()
        self._hidden.clear()
        if self.workspace is not None:
            self.workspace.close_down()
            self._pages.removeWidget(self.workspace)
            self.workspace.context.deleteLater()
            self.workspace.deleteLater()
            self.workspace = None

    @property
    def locked(self) -> bool:
        """Whether a password is asked for."""
        return self._pages.currentWidget() is self.signin

    @Slot()
    def lock(self, message: str = "") -> None:
        """Hide everything until the password is given again."""
        if self.workspace is None or self.locked:
            return
        self._idle.stop()
        for dialog in self._dialogs():
            if dialog.isVisible():
                self._hidden.append(dialog)
                dialog.hide()
        self._pages.setCurrentWidget(self.signin)
        username = self.workspace.context.actor.username
        self.signin.ask_again(username, message or _("Locked. Everything is as you left it."))
        self._title()

    def _dialogs(self) -> list[QDialog]:
        return [d for d in self.findChildren(QDialog) if d.isWindow()]

    @Slot()
    def _idle_lock(self) -> None:
        self.lock(_("Locked after a while without use. Everything is as you left it."))

    def _restart_idle(self) -> None:
        minutes = self._program.settings.get(IDLE_MINUTES, DEFAULT_IDLE_MINUTES)
        if minutes > 0:
            self._idle.start(minutes * 60_000)

    @Slot(object)
    def _watch(self, window: QWindow | None) -> None:
        """Hear the keys and movements of the window that has the focus: of a dialog's, too.

        (A filter on the application would see every event of every widget, in Python.)
        """
        if window is not None:
            window.removeEventFilter(self)
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Any key or movement puts the idle lock off; Ctrl+L locks over an open dialog, too."""
        if event.type() in ACTIVITY and not self.locked:
            self._restart_idle()
            if isinstance(event, QKeyEvent) and _is_lock(event) and watched != self.windowHandle():
                self.lock()
                return True
        return False

    # The window ---------------------------------------------------------------------------------

    @Slot(str)
    def change_language(self, language: str) -> None:
        """Build everything anew in another language; what is open in a dialog is closed."""
        actor = None if self.workspace is None else self.workspace.context.actor
        self._program.settings.set(LANGUAGE, language)
        use_language(language)
        self._drop_workspace()
        self._pages.removeWidget(self.signin)
        self.signin.deleteLater()
        self.signin = self._make_signin()
        if actor is not None:
            self.enter(actor)

    def _title(self) -> None:
        clinic = self._services.clinic.name
        self.setWindowTitle(f"{clinic} — Consultorio" if clinic else "Consultorio")
        self.setWindowIcon(current_theme().icon("logo", "accent"))

    def _restore_geometry(self) -> None:
        kept = self._program.settings.get(GEOMETRY, "")
        if kept:
            self.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii")))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where the window stood. What was typed is kept first, or the person is asked."""
        if not self._sure and self.workspace is not None and self.workspace.unkept():
            event.ignore()
            self.workspace.keep()
            self._keep_until = time.monotonic() + KEEP_SECONDS
            self._keeping.start()
            return
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self._program.settings.set(GEOMETRY, geometry)
        self._idle.stop()
        self._keeping.stop()
        self._drop_workspace()
        super().closeEvent(event)

    @Slot()
    def close_now(self) -> None:
        """Close whatever is not kept."""
        self._sure = True
        self.close()

    @Slot()
    def _close_when_kept(self) -> None:
        if self._program.jobs.busy and time.monotonic() < self._keep_until:
            return
        self._keeping.stop()
        if self.workspace is None or not self.workspace.unkept():
            self.close_now()
            return
        confirm(
            self,
            _("Something typed can't be kept"),
            _(
                "What you typed could not be saved on this computer; perhaps the disk is full. If you "
                "close now, it is lost. Cancel, free some space and close again: it is saved then."
            ),
            action=_("Close and lose it"),
            yes=self.close_now,
            danger=True,
        )


def _is_lock(event: QKeyEvent) -> bool:
    return (
        event.type() == QEvent.Type.KeyPress
        and event.key() == Qt.Key.Key_L
        and event.modifiers() == Qt.KeyboardModifier.ControlModifier
    )


def _application() -> QGuiApplication:
    application = QGuiApplication.instance()
    if not isinstance(application, QGuiApplication):
        raise TypeError("a window needs an application")
    return application
