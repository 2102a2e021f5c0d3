"""Entering a client, with those who may be the same person shown while typing.

What is typed is kept in the cache until the client is created or the form cleared: it is there again
when the program was closed, or ended by itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.domain.errors import AppError, RuleError
from desktop.domain.messages import _, sentence
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, button, label
from desktop.services.clients_drafts import NEW, KeptDraft
from desktop.services.clients_records import (
    FIELDS,
    Change,
    ClientFields,
    Duplicate,
    Practitioner,
    Undo,
)
from desktop.views.clients.form import ClientForm

PAUSE_MS = 200
KEEP_MS = 900
COMPARED = frozenset({"full_name", "rut", "phone", "email", "birth_date"})


class NewClientPanel(QWidget):
    """The form of a new client. What is typed stays here until the client is created or it is cleared.

    :ivar created: the id of the new client.
    :ivar openClient: the id of somebody who is known already.
    :ivar back: the person wants to search again.
    :ivar changed: whether something is typed may have changed.
    """

    created = Signal(object)
    openClient = Signal(object)
    back = Signal()
    changed = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._clients = context.services.clients
        self.form = ClientForm()
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._look_for_duplicates)
        self._kept = ClientFields()
        self._offered = ClientFields()
        self._practitioner: int | None = None
        self._keeping = QTimer(self, interval=KEEP_MS, singleShot=True)
        self._keeping.timeout.connect(self.keep)
        self._build()
        self.form.edited.connect(self._edited)
        self.form.left.connect(self._left)
        for row in self.form.rows.values():
            row.open_other.clicked.connect(self._open_owner)
        self._owner: int | None = None
        for keys, act in (
            ("Esc", self.back.emit),
            ("Ctrl+Return", self.submit),
            ("Ctrl+Enter", self.submit),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        if context.actor.may("clients.edit"):
            self._restore()

    def _build(self) -> None:
        space = current_theme().spacing
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(space.m)
        card = Card()
        top = QHBoxLayout()
        top.setSpacing(space.s)
        top.addWidget(label(_("New client"), "title"), 1)
        self.clear_button = button(_("Clear"), "quiet")
        self.clear_button.clicked.connect(self.clear)
        self.create_button = button(_("Create client"), "primary", icon="plus")
        self.create_button.setToolTip(_("Create client (Ctrl+Enter)"))
        self.create_button.setAutoDefault(True)
        self.create_button.clicked.connect(self.submit)
        top.addWidget(self.clear_button)
        top.addWidget(self.create_button)
        card.body.addLayout(top)
        card.body.addWidget(
            label(
                _("Only the name is needed; the rest can be filled in later."), "muted", wrap=True
            )
        )
        self.banner = Banner("", "danger")
        card.body.addWidget(self.banner)
        outer.addWidget(card)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, space.xs, 0)
        inside.setSpacing(space.m)
        self.duplicates = Card()
        self.duplicates.body.addWidget(label(_("Is it one of these?"), "heading"))
        self._found = QVBoxLayout()
        self._found.setSpacing(space.s)
        self.duplicates.body.addLayout(self._found)
        self.duplicates.hide()
        inside.addWidget(self.duplicates)
        record = Card()
        record.body.addWidget(self.form)
        inside.addWidget(record)
        inside.addStretch(1)
        scroll.setWidget(body)
        outer.addWidget(scroll, 1)
        # The buttons stand above, and come after the last field: Tab leads from it to "Create".
        self.setTabOrder(self.form.practitioner, self.create_button)
        self.setTabOrder(self.create_button, self.clear_button)

    # Typing -------------------------------------------------------------------------------------

    def start(self, text: str = "") -> None:
        """Begin, or go on with what was typed before; ``text`` is what was searched for."""
        if not self.begun:
            self.form.set_value(self._field_for(text), text)
            self._offered = self.form.fields()
        self._context.jobs.read(
            self,
            lambda _progress: self._clients.practitioners(),
            done=self._offer_practitioners,
            lane_key="clients.practitioners",
        )
        name = self.form.lines["full_name"]
        name.setFocus()
        name.end(False)
        self._look_for_duplicates()

    def _offer_practitioners(self, practitioners: list[Practitioner]) -> None:
        self.form.set_practitioners(practitioners)
        if self._practitioner is not None:
            self.form.set_value("practitioner_id", self._practitioner)
            self._practitioner = None

    def _field_for(self, text: str) -> str:
        """Which field a searched text belongs in."""
        if any(sign.isdigit() for sign in text):
            for field in ("rut", "phone"):
                try:
                    self._clients.check(field, text)
                except RuleError:
                    continue
                return field
        return "email" if "@" in text else "full_name"

    def clear(self) -> None:
        """Empty the form."""
        for field in FIELDS:
            self.form.set_value(field, getattr(ClientFields(), field))
            self.form.set_error(field, "")
        self.banner.show_text("")
        self._show_duplicates(())
        self.keep()
        self.form.editor("full_name").setFocus()

    def _edited(self, field: str) -> None:
        self.form.set_error(field, "")
        self.banner.show_text("")
        self._keeping.start()
        if field in COMPARED:
            self._pause.start()

    def _left(self, field: str) -> None:
        value = self.form.value(field)
        if value in ("", None):
            return
        try:
            self._clients.check(field, value)
        except RuleError as error:
            self.form.set_error(field, sentence(error))

    # Drafts in the cache ------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether somebody is being entered."""
        return self._typed != ClientFields()

    @property
    def _typed(self) -> ClientFields:
        """What the form holds, unless it is only what was searched for."""
        fields = self.form.fields()
        return ClientFields() if fields == self._offered else fields

    @property
    def unkept(self) -> bool:
        """Whether something typed is not kept yet."""
        return self._typed != self._kept

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed is kept when the form goes."""
        self.keep()
        super().hideEvent(event)

    def _restore(self) -> None:
        actor = self._context.actor
        self._context.jobs.read(
            self, lambda _progress: self._clients.drafts.kept(actor), done=self._restored
        )

    def _restored(self, found: list[KeptDraft]) -> None:
        """Take up what this person typed before the program was last closed."""
        if self.begun:
            return
        for kept in found:
            if kept.client_id == NEW and isinstance(kept.typed, int):
                self._practitioner = kept.typed  # chosen when the form knows whom it offers
            elif kept.client_id == NEW:
                self.form.set_value(kept.field, kept.typed)
                self._left(kept.field)
        self._kept = self._typed
        self.changed.emit()

    def keep(self) -> None:
        """Keep what differs from what is kept already."""
        self._keeping.stop()
        now, before = self._typed, self._kept
        if now == before:
            return
        self._kept, actor, empty = now, self._context.actor, ClientFields()
        changed = {
            field: Change(getattr(empty, field), getattr(now, field))
            for field in FIELDS
            if getattr(now, field) != getattr(before, field)
        }
        typed = {field: change for field, change in changed.items() if change.new != change.old}

        def keep(_progress: Any) -> None:
            self._clients.drafts.keep(actor, NEW, now.full_name, typed)
            self._clients.drafts.forget(actor, NEW, changed.keys() - typed.keys())

        self._context.jobs.write(
            self, keep, done=lambda _none: None, failed=partial(self._not_kept, before)
        )
        self.changed.emit()

    def _not_kept(self, before: ClientFields, error: Exception) -> None:
        self._kept = before
        if isinstance(error, AppError):
            self.banner.show_text(sentence(error))
        else:
            report_failure(self, error)

    # Duplicates ---------------------------------------------------------------------------------

    def _look_for_duplicates(self) -> None:
        fields = self.form.fields()
        self._context.jobs.read(
            self,
            lambda _progress: self._clients.possible_duplicates(fields),
            done=self._show_duplicates,
            lane_key="clients.duplicates",
        )

    def _show_duplicates(self, found: tuple[Duplicate, ...]) -> None:
        while (item := self._found.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for duplicate in found:
            self._found.addWidget(self._line(duplicate))
        self.duplicates.setVisible(bool(found))

    def _line(self, duplicate: Duplicate) -> QWidget:
        line = QWidget()
        layout = QHBoxLayout(line)
        layout.setContentsMargins(0, 0, 0, 0)
        said = " · ".join(
            part
            for part in (duplicate.full_name, duplicate.rut, duplicate.phone, duplicate.email)
            if part
        )
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(said, "strong", wrap=True))
        words.addWidget(label(_reasons(duplicate), "small", wrap=True))
        layout.addLayout(words, 1)
        if duplicate.client_id is None:
            use = button(_("Use these details"))
            use.clicked.connect(partial(self._use, duplicate))
        else:
            use = button(_("Open"))
            use.setAccessibleName(_("Open {name}").format(name=duplicate.full_name))
            use.clicked.connect(partial(self.openClient.emit, duplicate.client_id))
        layout.addWidget(use)
        return line

    def _use(self, duplicate: Duplicate) -> None:
        for field in ("full_name", "rut", "phone", "email"):
            if not self.form.value(field):
                self.form.set_value(field, getattr(duplicate, field))
        self.keep()
        self._look_for_duplicates()

    # Creating -----------------------------------------------------------------------------------

    def submit(self) -> None:
        """Create the client, or say under each field what is wrong."""
        fields = self.form.fields()
        problems = self._clients.problems(fields)
        for field in FIELDS:
            error = problems.get(field)
            self.form.set_error(field, sentence(error) if error is not None else "")
        if problems:
            self.form.editor(next(iter(problems))).setFocus()
            return
        self.keep()
        self.create_button.setEnabled(False)
        actor = self._context.actor
        self._context.jobs.write(
            self,
            lambda _progress: self._clients.create(actor, fields, from_draft=True),
            done=partial(self._created, fields.full_name),
            failed=self._failed,
        )

    def _created(self, name: str, client_id: int) -> None:
        self.create_button.setEnabled(True)
        self.clear()
        self._context.notify(
            _("{name} was created").format(name=name),
            "success",
            _("Undo"),
            partial(self._take_back, self._clients.undo_create(client_id)),
        )
        self.created.emit(client_id)

    def _take_back(self, undo: Undo) -> None:
        actor = self._context.actor
        self._context.jobs.write(self, lambda _progress: undo.run(actor), done=lambda _again: None)

    def _failed(self, error: Exception) -> None:
        self.create_button.setEnabled(True)
        params = error.params if isinstance(error, AppError) else {}
        if not isinstance(error, AppError):
            report_failure(self, error)
        elif "field" in params:
            field = str(params["field"])
            self.form.set_error(field, sentence(error))
            self._owner = params.get("client_id")  # type: ignore[assignment]
            self.form.rows[field].offer(other=self._owner is not None)
            self.form.editor(field).setFocus()
        else:
            self.banner.show_text(sentence(error))

    def _open_owner(self) -> None:
        if self._owner is not None:
            self.openClient.emit(self._owner)


def _reasons(duplicate: Duplicate) -> str:
    words = {
        "rut": _("same RUT"),
        "email": _("same email"),
        "phone": _("same phone, similar name"),
        "birth_date": _("same birth date, similar name"),
    }
    said = [words[reason] for reason in duplicate.reasons]
    if duplicate.client_id is None:
        said.insert(0, _("account on the booking site"))
    elif not duplicate.active:
        said.insert(0, _("inactive client"))
    return ", ".join(said)
