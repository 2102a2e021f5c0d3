"""Where backups are kept, when they are taken, how long they stay, and the keys that open them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from babel.dates import get_day_names
from PySide6.QtCore import Qt, QTime, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QTabWidget,
    QTimeEdit,
    QVBoxLayout,
    QWidget,
)

from desktop.backup.places.settings import PlaceSettings
from desktop.domain.locale_format import locale_name
from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog, confirm
from desktop.qt.flow import flow
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Busy, Card, Field, button, inset, label
from desktop.services.backups_records import Pruned, Settings
from desktop.views.backups.place_form import PlaceForm, described

KEPT = (("daily", 0, 60), ("weekly", 0, 52), ("monthly", 0, 60), ("yearly", 0, 30))
"""What retention counts, and between which figures."""


class PlacesDialog(Dialog):
    """Three pages of settings; nothing is changed until it is saved.

    :param saved: called after saving. :param new_keys: make new keys. :param my_key: let this
        person's password open the key. :param drills: begin or end trial restores by themselves.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        settings: Settings,
        *,
        saved: Callable[[], None],
        new_keys: Callable[[], None],
        my_key: Callable[[], None],
        drills: Callable[[bool], None],
    ) -> None:
        super().__init__(parent, _("Places and times"), action=_("Save"), width=640)
        self._context, self._backups = context, context.services.backups
        self._settings, self._saved = settings, saved
        self._new_keys, self._my_key, self._drills = new_keys, my_key, drills
        self.places: list[PlaceSettings] = list(settings.places)
        self._secrets: dict[str, str] = {}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._places_page(), _("P&laces"))
        self.tabs.addTab(self._times_page(), _("&Times"))
        self.tabs.addTab(self._keep_page(), _("&How long"))
        self.tabs.addTab(self._keys_page(), _("&Keys"))
        self.body.addWidget(self.tabs)
        self.primary.clicked.connect(self._save)
        self._show_places()

    def start(self) -> None:
        """Open with the cursor at the first thing that can be changed."""
        self.open()
        self.add.setFocus()

    # Places -------------------------------------------------------------------------------------

    def _places_page(self) -> QWidget:
        page, body = _page(
            _(
                "Places of this workstation. With two of them every backup is in both: one may burn "
                "down or be stolen."
            )
        )
        self._listed = QVBoxLayout()
        self._listed.setSpacing(current_theme().spacing.s)
        body.addLayout(self._listed)
        self.add = button(_("Add a &place…"), icon="plus")
        self.add.clicked.connect(self._add)
        body.addLayout(flow(self.add))
        body.addStretch(1)
        return page

    def _show_places(self) -> None:
        while self._listed.count():
            item = self._listed.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if not self.places:
            self._listed.addWidget(
                Banner(_("Backups are kept nowhere yet. Add a place."), "warning")
            )
        for draft in self.places:
            self._listed.addWidget(self._line(draft))

    def _line(self, draft: PlaceSettings) -> Card:
        card = Card(margin=current_theme().spacing.s)
        beside = QHBoxLayout()
        beside.setSpacing(current_theme().spacing.s)
        beside.addWidget(described(draft), 1)
        change = button(_("Change…"), "quiet", icon="edit")
        change.setAccessibleName(_("Change {place}").format(place=draft.label))
        change.clicked.connect(lambda: self._change(draft))
        remove = button("", "quiet", icon="trash")
        remove.setToolTip(_("Remove from the list"))
        remove.setAccessibleName(_("Remove {place} from the list").format(place=draft.label))
        remove.clicked.connect(lambda: self._ask_remove(draft))
        beside.addWidget(change)
        beside.addWidget(remove)
        card.body.addLayout(beside)
        return card

    @Slot()
    def _add(self) -> None:
        PlaceDialog(self, self._context, None, self._put).start()

    def _change(self, draft: PlaceSettings) -> None:
        PlaceDialog(self, self._context, draft, self._put).start()

    def _put(self, draft: PlaceSettings, secret: str | None) -> None:
        if secret is not None:
            self._secrets[draft.id] = secret
        at = next((n for n, one in enumerate(self.places) if one.id == draft.id), None)
        if at is None:
            self.places.append(draft)
        else:
            self.places[at] = draft
        self._show_places()

    def _ask_remove(self, draft: PlaceSettings) -> None:
        def remove() -> None:
            self.places = [one for one in self.places if one.id != draft.id]
            self._secrets.pop(draft.id, None)
            self._show_places()

        confirm(
            self,
            _("Remove the place from the list?"),
            _("New backups don't go there any more. Those that are there stay where they are."),
            action=_("Remove it"),
            yes=remove,
        )

    # Times --------------------------------------------------------------------------------------

    def _times_page(self) -> QWidget:
        schedule = self._settings.schedule
        page, body = _page(
            _(
                "By the clinic's clock. Who was off at that hour catches up at the next start; one "
                "workstation at a time does it for the clinic."
            )
        )
        self.automatic = QCheckBox(_("&Automatic backups by this workstation"))
        self.automatic.setChecked(self._settings.automatic)
        body.addWidget(self.automatic)
        self.time = QTimeEdit(QTime(schedule.hour, schedule.minute))
        self.time.setDisplayFormat("HH:mm")
        inset(self.time)
        self.full = _spin(schedule.full_every_days, 1, 60)
        self.weekday = QComboBox()
        for at, name in get_day_names("wide", locale=locale_name()).items():
            self.weekday.addItem(name.capitalize(), at)
        self.weekday.setCurrentIndex(self.weekday.findData(schedule.drill_weekday))
        self.drill = QTimeEdit(QTime(schedule.drill_hour, 0))
        self.drill.setDisplayFormat("HH:00")
        inset(self.drill)
        grid = QGridLayout()
        grid.setHorizontalSpacing(current_theme().spacing.l)
        grid.setVerticalSpacing(current_theme().spacing.m)
        for at, field in enumerate(
            (
                Field(_("Every day at"), self.time),
                Field(
                    _("All of it again after"),
                    self.full,
                    hint=_("Days. Between them only changes are kept."),
                ),
                Field(_("Trial restore every"), self.weekday),
                Field(_("at"), self.drill),
            )
        ):
            grid.addWidget(field, at // 2, at % 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        body.addLayout(grid)
        on = self._settings.drills
        self.proving = button(
            _("&Stop the trial restores here…") if on else _("&Let them happen by themselves…"),
            icon="shield",
        )
        self.proving.clicked.connect(lambda: self._leave_for(lambda: self._drills(not on)))
        said = (
            _("This workstation restores the newest backup on trial every week, by itself.")
            if on
            else _(
                "Trial restores don't happen by themselves yet: a key must be left here for them."
            )
        )
        body.addWidget(label(said, wrap=True))
        body.addLayout(flow(self.proving))
        body.addStretch(1)
        return page

    # How long -----------------------------------------------------------------------------------

    def _keep_page(self) -> QWidget:
        page, body = _page(
            _(
                "The newest of each day, week, month and year is kept as long as this says. The last "
                "verified backup and safety copies are never removed."
            )
        )
        names = {
            "daily": _("Days"),
            "weekly": _("Weeks"),
            "monthly": _("Months"),
            "yearly": _("Years"),
        }
        self.keep: dict[str, QSpinBox] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(current_theme().spacing.l)
        grid.setVerticalSpacing(current_theme().spacing.m)
        for at, (key, low, high) in enumerate(KEPT):
            self.keep[key] = _spin(getattr(self._settings.keep, key), low, high)
            grid.addWidget(Field(names[key], self.keep[key]), at // 2, at % 2)
            grid.setColumnStretch(at % 2, 1)
        body.addLayout(grid)
        self.would = label("", "muted", wrap=True)
        self.prune = button(_("&Remove what is too old now…"))
        self.prune.clicked.connect(self._ask_prune)
        body.addWidget(self.would)
        body.addLayout(flow(self.prune))
        body.addStretch(1)
        return page

    @Slot()
    def _ask_prune(self) -> None:
        backups, actor = self._backups, self._context.actor
        self.prune.setEnabled(False)
        self._context.jobs.read(
            self,
            lambda _progress: backups.prune(actor, dry_run=True),
            done=self._show_prune,
            failed=self._prune_failed,
        )

    def _show_prune(self, would: Pruned) -> None:
        self.prune.setEnabled(True)
        count = len(would.removed)
        if not count:
            self.would.setText(_("Nothing is too old."))
            return
        words = ngettext("Remove {n} backup?", "Remove {n} backups?", count).format(n=count)
        confirm(
            self, words, "\n".join(would.removed), action=_("Remove"), yes=self._prune, danger=True
        )

    def _prune(self) -> None:
        backups, actor = self._backups, self._context.actor
        self.prune.setEnabled(False)
        self._context.jobs.read(
            self,
            lambda _progress: backups.prune(actor, dry_run=False),
            done=self._pruned,
            failed=self._prune_failed,
        )

    def _pruned(self, done: Pruned) -> None:
        self.prune.setEnabled(True)
        count = len(done.removed)
        self.would.setText(
            ngettext("{n} backup was removed.", "{n} backups were removed.", count).format(n=count)
        )
        if done.errors:
            self.show_error(done.errors[0])
        self._saved()

    def _prune_failed(self, error: Exception) -> None:
        self.prune.setEnabled(True)
        self.show_error(error)

    # Keys ---------------------------------------------------------------------------------------

    def _keys_page(self) -> QWidget:
        page, body = _page(
            _(
                "Backups are sealed with the clinic's key. An administrator's password opens it, and "
                "so do the recovery words."
            )
        )
        mine = button(_("Open backups with &my password…"), icon="lock")
        mine.clicked.connect(lambda: self._leave_for(self._my_key))
        fresh = button(_("Make &new keys…"), icon="shield")
        fresh.clicked.connect(lambda: self._leave_for(self._new_keys))
        for made, words in (
            (
                mine,
                _("For an administrator who is new, or whose password changed. Takes the sheet."),
            ),
            (
                fresh,
                _(
                    "Where the sheet is lost, or somebody who knew it left. Older backups keep theirs."
                ),
            ),
        ):
            body.addWidget(label(words, wrap=True))
            body.addLayout(flow(made))
        body.addStretch(1)
        return page

    def _leave_for(self, other: Callable[[], None]) -> None:
        self.reject()
        other()

    # Saving -------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Settings:
        """The settings as they stand in the fields."""
        now = self._settings
        return dataclasses.replace(
            now,
            schedule=dataclasses.replace(
                now.schedule,
                hour=self.time.time().hour(),
                minute=self.time.time().minute(),
                full_every_days=self.full.value(),
                drill_weekday=int(self.weekday.currentData()),
                drill_hour=self.drill.time().hour(),
            ),
            keep=dataclasses.replace(
                now.keep, **{key: box.value() for key, box in self.keep.items()}
            ),
            places=tuple(self.places),
            automatic=self.automatic.isChecked(),
        )

    @Slot()
    def _save(self) -> None:
        backups, actor, chosen = self._backups, self._context.actor, self.chosen
        secrets = dict(self._secrets)

        def work(_progress: object) -> None:
            for place in chosen.places:
                if place.id in secrets:
                    backups.keep_place_secret(actor, place, secrets[place.id])
            backups.save_settings(actor, chosen)

        self.clear_error()
        self.set_busy(True)
        self._context.jobs.read(self, work, done=self._done, failed=self.show_error)

    def _done(self, _nothing: None) -> None:
        self.accept()
        self._saved()
        self._context.notify(_("Saved."), "success")


class PlaceDialog(Dialog):
    """One place: described, tried out, taken.

    :param take: called with the place and its secret (``None``: the one that is kept).
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        draft: PlaceSettings | None,
        take: Callable[[PlaceSettings, str | None], None],
    ) -> None:
        super().__init__(
            parent,
            _("Add a place") if draft is None else _("Change a place"),
            action=_("Try it and take it"),
            width=520,
        )
        self._context, self._take = context, take
        self.form = PlaceForm(draft)
        self.body.addWidget(self.form)
        self.busy = Busy(_("Trying the place out…"))
        self.busy.hide()
        self.body.addWidget(self.busy)
        self.test = button(_("&Test"), icon="check")
        self.test.clicked.connect(lambda: self._try(taking=False))
        self.footer.insertWidget(0, self.test)
        self.primary.clicked.connect(lambda: self._try(taking=True))

    def start(self) -> None:
        """Open with the cursor in the address."""
        self.open()
        self.form.first.setFocus()

    def _try(self, *, taking: bool) -> None:
        if not self.form.complete():
            return
        backups, actor = self._context.services.backups, self._context.actor
        draft, secret = self.form.draft, self.form.secret

        def done(_nothing: None) -> None:
            self._wait(False)
            if taking:
                self.accept()
                self._take(draft, secret)
            else:
                self.banner.show_text(_("It can be reached, and is ready."), "success")

        def failed(error: Exception) -> None:
            self._wait(False)
            self.show_error(error)

        self.clear_error()
        self._wait(True)
        self._context.jobs.read(
            self,
            lambda _progress: backups.test_place(actor, draft, secret),
            done=done,
            failed=failed,
            lane_key="place",
        )

    def _wait(self, waiting: bool) -> None:
        self.busy.setVisible(waiting)
        self.test.setEnabled(not waiting)
        self.set_busy(waiting)


def _page(text: str) -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    space = current_theme().spacing
    body = QVBoxLayout(page)
    body.setContentsMargins(0, space.m, 0, 0)
    body.setSpacing(space.m)
    said: QLabel = label(text, "muted", wrap=True)
    body.addWidget(said)
    return page, body


def _spin(value: int, low: int, high: int) -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setValue(value)
    inset(made)
    return made
