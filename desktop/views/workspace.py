"""What a person sees who has signed in: rail, top bar, the screens, status bar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from desktop.domain.actor import Actor
from desktop.domain.messages import N_, _, language
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Toast, tell
from desktop.qt.theme import TEXT_SCALES, current_theme, theme_switch
from desktop.qt.widgets import Banner, ElidedLabel, KeyHint, button, label
from desktop.services.status import WorkstationStatus
from desktop.views.mass_deletion import DeletionDialog
from desktop.views.rail import Rail, RailButton
from desktop.views.shortcuts import Group, ShortcutSheet, native
from desktop.views.signin.password import PasswordDialog
from desktop.views.status_bar import StatusBar

LAST_SCREEN = "last_screen"
THEME = "theme"
TEXT_SCALE = "text_scale"
LANGUAGE = "language"
WORK_OFFLINE = "work_offline"
_THEME_WORDS = {"system": N_("As the computer"), "light": N_("Light"), "dark": N_("Dark")}
_LANGUAGES = {"es": "Español", "en": "English"}


@dataclass(frozen=True, slots=True)
class ScreenEntry:
    """A screen of the rail.

    :ivar key: its name for :meth:`AppContext.navigate`. :ivar title: English, marked for translation.
    :ivar first: whether the program may start with it, where it was the last one that was seen.
    :ivar make: builds it. It may have ``open(arguments)``, ``focus_search()``,
        ``shortcuts()`` (``[(keys, words)]``), ``unkept()`` (whether something typed would be lost
        if the program ended now) and ``keep()`` (save it, or keep it as it is).
    :ivar permission: who lacks it has no such screen. :ivar watch: is told of the context and the
        rail's button, and marks that while something is wrong.
    """

    key: str
    title: str
    icon: str
    make: Callable[[AppContext], QWidget]
    first: bool = True
    permission: str = ""
    watch: Callable[[AppContext, RailButton], object] | None = None


class Link(Protocol):
    """The connection with the server, as :class:`desktop.services.syncing.Syncing`."""

    def listen(self, listener: Callable[[WorkstationStatus], None]) -> Callable[[], None]: ...
    def status(self) -> WorkstationStatus: ...
    def sync_now(self) -> None: ...
    def set_offline(self, offline: bool) -> None: ...
    def allow_deletion(self, actor: Actor, table: str, gone: int) -> None: ...


class Workspace(QWidget):
    """The screens around which a day goes. Built for one person, closed when another signs in.

    :ivar lockWanted: ask for the password again. :ivar languageWanted: ``es`` or ``en``.
    """

    lockWanted = Signal()
    languageWanted = Signal(str)
    _status_came = Signal(object)

    def __init__(
        self,
        context: AppContext,
        screens: tuple[ScreenEntry, ...],
        link: Link,
        *,
        clinic: str,
        station: str,
        now: Callable[[], dt.datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.context = context
        self._link = link
        screens = tuple(
            entry
            for entry in screens
            if not entry.permission or context.actor.may(entry.permission)
        )
        self._entries = {entry.key: entry for entry in screens}
        self._screens: dict[str, QWidget] = {}
        self.rail = Rail()
        for at, entry in enumerate(screens, start=1):
            self.rail.add_screen(entry.key, _(entry.title), entry.icon, native(f"Ctrl+{at}"))
            if entry.watch is not None:
                entry.watch(context, self.rail.button(entry.key))
        self._settings = self.rail.add_action(_("Settings"), "settings")
        self._settings.clicked.connect(self._show_settings)
        self._lock = self.rail.add_action(_("Lock"), "lock", native("Ctrl+L"))
        self._lock.clicked.connect(self.lockWanted)
        self.stack = QStackedWidget()
        self.status_bar = StatusBar(now)
        self._lay_out(clinic, station)
        self.rail.chosen.connect(self.show_screen)
        self.status_bar.inboxWanted.connect(lambda: self.show_screen("inbox"))
        self.status_bar.syncWanted.connect(link.sync_now)
        self.status_bar.decisionWanted.connect(self.decide)
        self.status_bar.alertWanted.connect(self._tell_alert)
        self.status_bar.offlineSwitched.connect(self._switch_offline)
        self.status_bar.cancelWanted.connect(context.jobs.cancel)
        context.jobs.progressChanged.connect(self.status_bar.show_jobs)
        context.navigated.connect(self._navigate)
        context.notified.connect(self._toast)
        context.statusWanted.connect(self.refresh_status)
        self._bind_keys(screens)
        self._status_came.connect(self._show_status, Qt.ConnectionType.QueuedConnection)
        self._deaf = link.listen(self._status_came.emit)
        context.jobs.read(self, lambda _progress: link.status(), done=self._show_status)
        first = context.settings.get(LAST_SCREEN, screens[0].key)
        known = first in self._entries and self._entries[first].first
        self.show_screen(first if known else screens[0].key)

    def _lay_out(self, clinic: str, station: str) -> None:
        space = current_theme().spacing
        top = QWidget()
        top.setProperty("bar", "top")
        top.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar = QHBoxLayout(top)
        bar.setContentsMargins(space.xl, space.s, space.l, space.s)
        bar.setSpacing(space.s)
        bar.addWidget(ElidedLabel(clinic or "Consultorio", "heading"), 1)
        for keys, words in (("F3", _("Search a client")), ("F1", _("Shortcuts"))):
            bar.addWidget(KeyHint(native(keys)))
            hint = button(words, "link")
            hint.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            hint.clicked.connect(self.find_client if keys == "F3" else self.show_shortcuts)
            bar.addWidget(hint)
        bar.addSpacing(space.l)
        who = QVBoxLayout()
        who.setSpacing(0)
        for words, role in ((self.context.actor.name, "strong"), (station, "small")):
            made = label(words, role)
            made.setAlignment(Qt.AlignmentFlag.AlignRight)
            who.addWidget(made)
        bar.addLayout(who)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(top)
        right.addWidget(self._trouble_strip())
        right.addWidget(self.stack, 1)
        right.addWidget(self.status_bar)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.rail)
        outer.addLayout(right, 1)

    def _trouble_strip(self) -> QWidget:
        """Room for what the administrator must mend, in sight on every screen until it is."""
        space = current_theme().spacing
        self.trouble = Banner("", "danger")
        self.deciding = button(_("Decide…"))
        self.deciding.clicked.connect(self.decide)
        self.deciding.hide()
        self.trouble.buttons.addWidget(self.deciding)
        strip = QWidget()
        around = QHBoxLayout(strip)
        around.setContentsMargins(space.l, space.s, space.l, 0)
        around.addWidget(self.trouble)
        self._strip = strip
        strip.hide()
        return strip

    # Keys ---------------------------------------------------------------------------------------

    def _bind_keys(self, screens: tuple[ScreenEntry, ...]) -> None:
        for at, entry in enumerate(screens, start=1):
            self._key(f"Ctrl+{at}", partial(self.show_screen, entry.key))
        self._key("F3", self.find_client)
        self._key("Ctrl+K", self.find_client)
        self._key("F1", self.show_shortcuts)
        self._key("?", self.show_shortcuts)
        self._key("Ctrl+L", self.lockWanted.emit)
        self._key("F5", self._link.sync_now)

    def _key(self, keys: str, act: Callable[[], object]) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(act)

    def shortcuts(self) -> list[Group]:
        """Every shortcut: those of the screen that is on, the window's, then the other screens'."""
        own = [
            (f"Ctrl+{at}", _("Go to {screen}").format(screen=_(entry.title)))
            for at, entry in enumerate(self._entries.values(), start=1)
        ]
        own += [
            ("F3 / Ctrl+K", _("Search a client")),
            ("F5", _("Send and receive now")),
            ("Ctrl+L", _("Lock")),
            ("F1 / ?", _("This list")),
        ]
        groups: list[Group] = [(_("Everywhere"), tuple(own))]
        for key, screen in self._screens.items():
            tell = getattr(screen, "shortcuts", None)
            if tell is None:
                continue
            group = (_(self._entries[key].title), tuple(tell()))
            groups.insert(0 if screen is self.stack.currentWidget() else len(groups), group)
        return groups

    @Slot()
    def show_shortcuts(self) -> None:
        """Open the sheet of shortcuts."""
        ShortcutSheet(self.window(), self.shortcuts()).open()

    @Slot()
    def find_client(self) -> None:
        """Go where clients are searched, the cursor in the search line."""
        self.show_screen("clients")
        self._call("focus_search")

    def _call(self, name: str, *values: Any) -> None:
        act = getattr(self.stack.currentWidget(), name, None)
        if act is not None:
            act(*values)

    # Screens ------------------------------------------------------------------------------------

    def view(self, key: str) -> QWidget:
        """A screen, built when it is first asked for."""
        if key not in self._screens:
            made = self._entries[key].make(self.context)
            self._screens[key] = made
            self.stack.addWidget(made)
        return self._screens[key]

    @Slot(str)
    def show_screen(self, key: str) -> None:
        """Bring a screen to the front."""
        shown = self.view(key)
        if shown is not self.stack.currentWidget():
            self._clear_toasts()
        self.stack.setCurrentWidget(shown)
        self.rail.show_screen(key)
        if self._entries[key].first:
            self.context.settings.set(LAST_SCREEN, key)
        shown.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str, object)
    def _navigate(self, key: str, arguments: dict[str, Any]) -> None:
        if key not in self._entries:
            return
        self.show_screen(key)
        if arguments:
            self._call("open", arguments)

    @Slot(str, str, str, object)
    def _toast(
        self, text: str, _kind: str, action_text: str, action: Callable[[], None] | None
    ) -> None:
        self._clear_toasts()
        Toast(self, text, action_text, action)

    def _clear_toasts(self) -> None:
        """What was said of one screen stands in the way on another."""
        for toast in self.findChildren(Toast):
            toast.hide()
            toast.deleteLater()

    # Status -------------------------------------------------------------------------------------

    @Slot(object)
    def _show_status(self, status: WorkstationStatus) -> None:
        self.status_bar.show_status(status)
        words = self.status_bar.words()
        self.trouble.show_text(words.explanation if status.state == "trouble" else "")
        self.deciding.setVisible(status.deletion is not None)
        self._strip.setVisible(bool(self.trouble.text))
        if "inbox" in self._entries:
            self.rail.set_count("inbox", status.rejected)

    @Slot()
    def decide(self) -> None:
        """Ask whether the server may take most of a table away."""
        deletion = self.status_bar.status.deletion
        if deletion is not None:
            DeletionDialog(
                self.window(),
                self.context,
                self._link,
                deletion,
                lambda: self.context.notify(_("The deletion is allowed; it is carried out now.")),
            ).start()

    @Slot()
    def _tell_alert(self) -> None:
        words = self.status_bar.words()
        tell(self.window(), words.alert, words.alert_explanation)

    @Slot(bool)
    def _switch_offline(self, offline: bool) -> None:
        self.context.settings.set(WORK_OFFLINE, offline)
        self._link.set_offline(offline)

    @Slot()
    def refresh_status(self) -> None:
        """Ask for the figures anew, e.g. after something was settled."""
        self.context.jobs.read(
            self, lambda _progress: self._link.status(), done=self._show_status, lane_key="status"
        )

    # Settings -----------------------------------------------------------------------------------

    def _choose_theme(self, choice: str) -> None:
        self.context.settings.set(THEME, choice)
        theme_switch().apply(choice, theme_switch().theme.scale)

    def _choose_scale(self, scale: float) -> None:
        self.context.settings.set(TEXT_SCALE, scale)
        theme_switch().apply(theme_switch().choice, scale)

    def settings_menu(self) -> QMenu:
        """Look, text size, language and password."""
        menu = QMenu(self)
        switch = theme_switch()
        self._choices(
            menu.addMenu(_("Appearance")),
            [(key, _(words)) for key, words in _THEME_WORDS.items()],
            switch.choice,
            self._choose_theme,
        )
        self._choices(
            menu.addMenu(_("Text size")),
            [(scale, f"{round(scale * 100)} %") for scale in TEXT_SCALES],
            switch.theme.scale,
            self._choose_scale,
        )
        self._choices(
            menu.addMenu(_("Language")),
            list(_LANGUAGES.items()),
            language(),
            self.languageWanted.emit,
        )
        menu.addSeparator()
        menu.addAction(_("Change my password…")).triggered.connect(self.change_password)
        return menu

    @Slot()
    def change_password(self) -> None:
        """Ask for the present password and a new one."""
        context = self.context
        PasswordDialog(
            self.window(),
            context.services.accounts,
            context.jobs,
            context.actor.username,
            lambda: context.notify(_("Your password is changed."), "success"),
        ).start()

    def _choices(
        self,
        menu: QMenu,
        choices: list[tuple[Any, str]],
        present: Any,
        choose: Callable[[Any], object],
    ) -> None:
        group = QActionGroup(menu)
        for key, words in choices:
            action = QAction(words, menu, checkable=True)
            action.setChecked(key == present)
            action.triggered.connect(lambda _on=False, key=key: choose(key))
            group.addAction(action)
            menu.addAction(action)

    @Slot()
    def _show_settings(self) -> None:
        menu = self.settings_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._settings.mapToGlobal(self._settings.rect().topRight()))

    def unkept(self) -> bool:
        """Whether something that was typed would be lost if the program ended now."""
        return any(
            screen.unkept() for screen in self._screens.values() if hasattr(screen, "unkept")
        )

    def keep(self) -> None:
        """Have every screen save what was typed, or keep it as it is."""
        for screen in self._screens.values():
            if hasattr(screen, "keep"):
                screen.keep()

    def close_down(self) -> None:
        """Hear no more; called before the workspace is thrown away."""
        self._deaf()
        self.context.close()
