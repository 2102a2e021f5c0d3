"""Backups: how they stand, their history, and everything that is done with them."""

from __future__ import annotations

import datetime as dt
from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QAction, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from desktop.domain.messages import N_, _
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, EmptyState, SearchBox, button, label
from desktop.services.backups_records import (
    CREATE,
    EXPORT,
    RESTORE,
    SETTINGS,
    VIEW,
    ArchiveItem,
    Overview,
)
from desktop.views.backups import words
from desktop.views.backups.actions import Actions
from desktop.views.backups.detail import (
    DELETE_KEYS,
    DOWNLOAD_KEYS,
    DRILL_KEYS,
    RESTORE_KEYS,
    VERIFY_KEYS,
    ArchiveCard,
)
from desktop.views.backups.running import RunningStrip
from desktop.views.backups.table import HistoryTable
from desktop.views.shortcuts import native

CREATE_KEYS, SETTINGS_KEYS, IMPORT_KEYS, SQL_KEYS, FIND_KEYS, CACHE_KEYS, LIST_KEYS = (
    "Ctrl+B",
    "Ctrl+E",
    "Ctrl+I",
    "Ctrl+Shift+S",
    "Ctrl+F",
    "Ctrl+Shift+B",
    "Ctrl+Shift+E",
)
UNDO = "undo"
"""The banner that offers to take a restore back."""

EMPTY_WIDTH = 560
"""Of the words where there is no backup, before the text's scale."""

REFRESH_MS = 60_000
"""The history is asked for again so often while it is in sight: the automatic backup adds to it."""

_MORE = (
    ("import", N_("Import…"), "inbox", IMPORT_KEYS, RESTORE, "take_in"),
    (
        "cache",
        N_("Back up this workstation's own copy"),
        "file",
        CACHE_KEYS,
        CREATE,
        "create_from_here",
    ),
    ("list", N_("Export this list…"), "file", LIST_KEYS, VIEW, "export_list"),
    ("sql", N_("Export as SQL…"), "export", SQL_KEYS, EXPORT, "export_sql"),
    ("settings", N_("Places and times…"), "settings", SETTINGS_KEYS, SETTINGS, "settings"),
)


class BackupsScreen(QWidget):
    """The history with its banners above and the chosen archive below; complete by keyboard."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.overview: Overview | None = None
        self._wanted = ""
        self.card: ArchiveCard | None = None
        self.banners: dict[str, Banner] = {}
        self.running = RunningStrip(self, context)
        self.running.changed.connect(self._look_what_may_be)
        self.running.failed.connect(self.refresh)
        self.actions_ = Actions(self, context, self.running, self.refresh)
        self.table = HistoryTable(context.services.clinic.zone)
        self.table.chosen.connect(self._show_card)
        self.table.activated.connect(lambda _index: self._focus_card())
        self.setFocusProxy(self.table)
        self._lay_out()
        self._bind_keys()
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh_in_sight)
        self._timer.start()
        self.refresh()

    def _lay_out(self) -> None:
        space = current_theme().spacing
        self.take = button(_("Back up now"), "primary", icon="backup")
        self.take.setToolTip(f"{self.take.text()} ({CREATE_KEYS})")
        self.take.clicked.connect(self.back_up)
        head = QHBoxLayout()
        head.setSpacing(space.s)
        head.addWidget(label(_("Backups"), "display"))
        head.addStretch(1)
        self.restore = button(_("Restore…"), "quiet", icon="restore")
        self.restore.clicked.connect(partial(self._act, "restore_any"))
        self.restore.setVisible(self._context.actor.may(RESTORE))
        self.more = button(_("More"), "quiet", icon="chevron-down")
        self.more.clicked.connect(self._show_more)
        self.verbs = self._make_menu()
        self.more.setVisible(any(verb.isVisible() for verb in self.verbs.values()))
        head.addWidget(self.restore)
        head.addWidget(self.more)
        head.addWidget(self.take)
        self.take.setVisible(self._context.actor.may(CREATE))
        self._strips = QVBoxLayout()
        self._strips.setSpacing(space.s)
        self.state = label("", "muted", wrap=True)
        self.search = SearchBox(_("Search a backup"))
        self.search.setFixedWidth(current_theme().px(240))
        self.search.searched.connect(self._search)
        self.search.moved.connect(self.table.walk)
        line = QHBoxLayout()
        line.setSpacing(space.l)
        line.addWidget(self.state, 1)
        line.addWidget(self.search)
        self.page = QWidget()
        body = QVBoxLayout(self.page)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(space.m)
        body.addLayout(line)
        body.addWidget(self.table, 1)
        self._below = QVBoxLayout()
        body.addLayout(self._below)
        self.first = button(_("Make the first backup…"), "primary", icon="backup")
        self.first.clicked.connect(self.back_up)
        self._empty = EmptyState(
            "backup",
            _("No backup yet"),
            _(
                "A backup holds all of the clinic, encrypted, and is only counted when it was read "
                "back and found whole. The first one takes a few minutes of yours: where it is kept, "
                "and a sheet with the recovery words to lock away."
            ),
            self.first,
        )
        held = QWidget()
        centred = QHBoxLayout(held)
        self._empty.setFixedWidth(current_theme().px(EMPTY_WIDTH))
        centred.addWidget(self._empty)
        self._loading = EmptyState("clock", _("Looking for backups…"), "")
        self.stack = QStackedWidget()
        self._nothing = held
        for page in (self._loading, self.page, held):
            self.stack.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(space.xl, space.xl, space.xl, space.xl)
        outer.setSpacing(space.m)
        outer.addLayout(head)
        outer.addLayout(self._strips)
        outer.addWidget(self.running)
        outer.addWidget(self.stack, 1)

    def _make_menu(self) -> dict[str, QAction]:
        """What is done seldom; its keys work whether it is open or not."""
        self.menu = QMenu(self)
        made = {}
        for key, text, icon, keys, permission, act in _MORE:
            verb = self.menu.addAction(current_theme().icon(icon), f"{_(text)}\t{native(keys)}")
            verb.triggered.connect(partial(self._act, act))
            verb.setVisible(self._context.actor.may(permission))
            made[key] = verb
        return made

    @Slot()
    def _show_more(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    # Keys ---------------------------------------------------------------------------------------

    def _bind_keys(self) -> None:
        for keys, act in (
            (CREATE_KEYS, self.take.click),
            (IMPORT_KEYS, partial(self._do, "import")),
            (SETTINGS_KEYS, partial(self._do, "settings")),
            (SQL_KEYS, partial(self._do, "sql")),
            (CACHE_KEYS, partial(self._do, "cache")),
            (LIST_KEYS, partial(self._do, "list")),
            (FIND_KEYS, self.search.setFocus),
            (RESTORE_KEYS, partial(self._press, "restore")),
            (DOWNLOAD_KEYS, partial(self._press, "download")),
            (VERIFY_KEYS, partial(self._press, "verify")),
            (DRILL_KEYS, partial(self._press, "drill")),
            (DELETE_KEYS, partial(self._press, "delete")),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def _do(self, key: str) -> None:
        if self.verbs[key].isVisible():
            self.verbs[key].trigger()

    def _press(self, key: str) -> None:
        """The button of the chosen archive; without one, a restore begins with its list."""
        pressed = None if self.card is None else self.card.buttons.get(key)
        if pressed is not None:
            pressed.click()
        elif key == "restore" and self.card is None and self.restore.isVisibleTo(self):
            self.restore.click()

    def shortcuts(self) -> list[tuple[str, str]]:
        """For the sheet of shortcuts."""
        may = self._context.actor.may
        known = [("Up / Down", _("Another backup")), (FIND_KEYS, _("Search a backup"))]
        if may(CREATE):
            known.append((CREATE_KEYS, _("Back up now")))
            known.append((CACHE_KEYS, _("Back up this workstation's own copy")))
            known.append((VERIFY_KEYS, _("Verify the chosen one: read it back")))
        if may(RESTORE):
            known.append((DRILL_KEYS, _("Try the chosen one out by restoring it beside")))
            known.append((RESTORE_KEYS, _("Restore the chosen one")))
            known.append((IMPORT_KEYS, _("Import another program's backup")))
        if may(EXPORT):
            known.append((DOWNLOAD_KEYS, _("Download the chosen one")))
            known.append((SQL_KEYS, _("Export as SQL")))
        known.append((LIST_KEYS, _("Export this list")))
        known.append((DELETE_KEYS, _("Delete the chosen one")))
        if may(SETTINGS):
            known.append((SETTINGS_KEYS, _("Places and times")))
        return known

    def _focus_card(self) -> None:
        if self.card is not None and self.card.buttons:
            next(iter(self.card.buttons.values())).setFocus()

    # Reading ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """What came meanwhile is shown."""
        super().showEvent(event)
        if self.overview is not None:
            self.refresh()

    @Slot()
    def _refresh_in_sight(self) -> None:
        if self.isVisible():
            self.refresh()

    @Slot()
    def refresh(self, archive: str = "") -> None:
        """Read the history anew; ``archive`` is chosen where it is listed."""
        self._wanted = archive or self._wanted
        backups = self._context.services.backups
        self._context.jobs.read(
            self, lambda _progress: backups.overview(), done=self._show, lane_key="overview"
        )

    def _show(self, overview: Overview) -> None:
        if self.overview is not None and self.overview.alarm != overview.alarm:
            self._context.statusWanted.emit()
        self.overview = overview
        self._show_banners(overview)
        self._show_state(overview)
        if overview.archives:
            self.stack.setCurrentWidget(self.page)
        else:
            self.stack.setCurrentWidget(self._nothing)
            self.first.setText(_("Back up now") if overview.set_up else _("Make the first backup…"))
        wanted, self._wanted = self._wanted, ""
        self.table.show_items(overview.archives, wanted)
        self._look_what_may_be()

    def _show_banners(self, overview: Overview) -> None:
        while self._strips.count():
            item = self._strips.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.banners = {}
        said = [(one.code, one.text, one.tone) for one in overview.banners]
        if overview.undo is not None:
            zone = self._context.services.clinic.zone
            text = _(
                "The clinic was restored {when}. What stood here before is kept until {until}."
            ).format(
                when=words.when(overview.undo.replaced_at, zone),
                until=words.when(overview.undo.until, zone),
            )
            said.append((UNDO, text, "info"))
        said += [("why_not", overview.why_not, "info")] if not overview.may_take else []
        said += [(f"trouble{n}", text, "warning") for n, text in enumerate(overview.troubles)]
        for code, text, tone in said:
            if text:
                self.banners[code] = made = Banner(text, tone)
                self._button_of(code, made)
                self._strips.addWidget(made)

    def _button_of(self, code: str, banner: Banner) -> None:
        if code == UNDO and self._context.actor.may(RESTORE):
            undo = button(_("Undo the restore…"), icon="undo")
            undo.clicked.connect(self.actions_.undo)
            banner.buttons.addWidget(undo)

    def _show_state(self, overview: Overview) -> None:
        zone = self._context.services.clinic.zone
        said = []
        if overview.running:
            said.append(
                _("The automatic backup is under way: {step}").format(step=overview.running)
            )
        if overview.last_verified is not None:
            now: dt.datetime = self._context.services.cache.now()
            said.append(
                _("Last verified: {ago}").format(ago=words.ago(overview.last_verified, now))
            )
        if overview.next_run is not None:
            said.append(_("Next: {when}").format(when=words.when(overview.next_run, zone)))
        if overview.next_drill is not None:
            said.append(
                _("Next trial restore: {when}").format(when=words.when(overview.next_drill, zone))
            )
        self.state.setText("  ·  ".join(said))

    @Slot()
    def _look_what_may_be(self) -> None:
        idle = self.running.job is None
        able = self.overview is not None and (self.overview.may_take or not self.overview.set_up)
        self.take.setEnabled(idle and able)
        self.first.setEnabled(idle and able)
        if self.card is not None:
            self.card.set_busy(not idle)

    @Slot(str)
    def _search(self, text: str) -> None:
        self.table.search(text)

    # One of them --------------------------------------------------------------------------------

    @Slot(object)
    def _show_card(self, item: ArchiveItem | None) -> None:
        if self.card is not None:
            if item == self.card.item:
                return
            self._below.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = None
        if item is None:
            return
        self.card = ArchiveCard(item, self._context.services.clinic.zone, self._context.actor.may)
        self.card.wanted.connect(self._on_card)
        self._below.addWidget(self.card)
        self.card.set_busy(self.running.job is not None)

    @Slot(str)
    def _on_card(self, what: str) -> None:
        if self.card is not None:
            getattr(self.actions_, what)(self.card.item)

    @Slot()
    def back_up(self) -> None:
        """Make a backup; the first one begins with the keys."""
        if self.overview is None or self.running.job is not None:
            return
        if self.overview.set_up and self.overview.places:
            self.actions_.create()
        else:
            self.actions_.set_up(self.overview)

    def _act(self, name: str) -> None:
        if name == "export_list":
            self.actions_.export_list(self.table.rows.listed())
        elif self.overview is not None:
            getattr(self.actions_, name)(self.overview)
