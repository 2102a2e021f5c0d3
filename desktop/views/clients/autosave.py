"""Saves each field of a client by itself, and loses nothing that was typed.

A field is saved when the person leaves it, and after a pause where what it holds is right. What is
wrong stays as a draft of its client, with the reason under the field, whichever client is shown in
between; so does what could not be saved because somebody else changed it or the disk is full. Drafts
are kept in the cache as well: they are there again when the program was closed, or ended by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.domain.errors import AppError, RuleError
from desktop.domain.messages import sentence
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.services.clients_drafts import NEW, KeptDraft
from desktop.services.clients_records import (
    FIELDS,
    Change,
    ClientDetails,
    ClientFields,
    Saved,
    Undo,
)
from desktop.views.clients.form import ClientForm

PAUSE_MS = 900
Value = str | int | None
_NOTHING = object()


@dataclass(slots=True)
class Draft:
    """What was typed into a field and is not yet saved.

    :ivar seen: the value that the person saw before typing, or was shown of somebody else since.
    :ivar first: the value before typing: a draft is kept with that, so that what somebody else wrote
        is never replaced without being asked about again.
    :ivar typed: what the field holds.
    :ivar error: why it could not be saved.
    :ivar saving: whether a save is under way.
    :ivar kept: what the cache keeps of it.
    """

    seen: Value
    first: Value
    typed: Value
    error: Exception | None = None
    saving: bool = False
    kept: object = _NOTHING


class Autosave(QObject):
    """Keeps one form and the cache in step.

    :ivar changed: the state of the shown client's fields changed.
    :ivar saved: carries the :class:`ClientDetails` after a save.
    :ivar openOther: the id of the client who has the RUT or email that was typed.
    """

    changed = Signal()
    saved = Signal(object)
    openOther = Signal(object)

    def __init__(self, context: AppContext, form: ClientForm) -> None:
        super().__init__(form)
        self._context = context
        self._clients = context.services.clients
        self._form = form
        self._client: int | None = None
        self._seen = ClientFields()
        self._drafts: dict[int, dict[str, Draft]] = {}
        self._names: dict[int, str] = {}
        self._undos: dict[int, list[Undo]] = {}
        self._not_kept: Exception | None = None
        self.revision = 0
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._after_pause)
        form.edited.connect(self._edited)
        form.left.connect(self._left)
        for field, row in form.rows.items():
            row.keep_mine.clicked.connect(partial(self._try, field, decided=True))
            row.take_theirs.clicked.connect(partial(self.discard, field))
            row.open_other.clicked.connect(partial(self._open_other, field))
        if context.actor.may("clients.edit"):
            self._restore()

    # What is shown ------------------------------------------------------------------------------

    def show(self, details: ClientDetails) -> None:
        """Fill the form with a client and with what was typed of them and is not saved."""
        if details.id != self._client:
            self.flush()
            self._client = details.id
        self._seen = details.fields
        self._names[details.id] = details.fields.full_name
        drafts = self._mine
        for field in FIELDS:
            draft = drafts.get(field)
            if draft is None:
                self._show_seen(field)
                self._form.set_error(field, "")
            else:
                self._form.set_value(field, draft.typed)
                self._say(field, draft.error)
                if draft.error is None and not draft.saving:
                    self._pause.start()
        self.changed.emit()

    def leave(self) -> None:
        """Save what can be saved; the form shows nobody."""
        self.flush()
        self._client = None

    @property
    def _mine(self) -> dict[str, Draft]:
        return self._drafts.get(self._client, {}) if self._client is not None else {}

    @property
    def state(self) -> str:
        """``saved``, ``saving``, ``typing`` or ``wrong``: of the shown client's fields."""
        drafts = self._mine.values()
        if any(draft.error is not None for draft in drafts):
            return "wrong"
        if any(draft.saving for draft in drafts):
            return "saving"
        return "typing" if drafts else "saved"

    @property
    def trouble(self) -> Exception | None:
        """What keeps every field from being saved (the disk, a permission), if anything does."""
        for draft in self._mine.values():
            if draft.error is not None and not _about_field(draft.error):
                return draft.error
        return self._not_kept

    @property
    def unkept(self) -> bool:
        """Whether something typed is neither saved nor kept in the cache."""
        return any(
            draft.kept is _NOTHING or draft.kept != draft.typed
            for drafts in self._drafts.values()
            for draft in drafts.values()
        )

    def unsaved_elsewhere(self) -> list[tuple[int, str]]:
        """Clients that are not shown and have something unsaved: id and name."""
        return [
            (client, self._names.get(client, ""))
            for client, drafts in self._drafts.items()
            if drafts and client != self._client and not all(d.saving for d in drafts.values())
        ]

    @property
    def can_undo(self) -> bool:
        """Whether the shown client's last save can be taken back."""
        return bool(self._client is not None and self._undos.get(self._client))

    # Typing -------------------------------------------------------------------------------------

    def _edited(self, field: str) -> None:
        if self._client is None:
            return
        typed = self._form.value(field)
        drafts = self._drafts.setdefault(self._client, {})
        draft = drafts.get(field)
        if draft is None:
            seen = getattr(self._seen, field)
            drafts[field] = Draft(seen, seen, typed)
        else:
            draft.typed = typed
            if not _is_conflict(draft.error):
                draft.error = None
        draft = drafts[field]
        if draft.typed == draft.seen and not draft.saving:
            self._drop(self._client, field)
            draft.error = None
        self._say(field, draft.error)
        self._pause.start()
        self.changed.emit()

    def _left(self, field: str) -> None:
        if field in self._mine:
            self._try(field)
        elif self._client is not None:
            self._show_seen(field)

    def _after_pause(self) -> None:
        for field, draft in list(self._mine.items()):
            try:
                self._clients.check(field, draft.typed)
            except RuleError:
                # Still being typed; leaving the field says what is wrong.
                self._keep(field, draft)
                continue
            if draft.error is None:
                self._try(field)
            else:
                self._keep(field, draft)

    def flush(self) -> None:
        """Try to save everything typed of the shown client."""
        self._pause.stop()
        for field in list(self._mine):
            self._try(field)

    def discard(self, field: str) -> None:
        """Forget what was typed into a field and show what is saved."""
        if self._client is None:
            return
        self._drop(self._client, field)
        self._show_seen(field)
        self._form.set_error(field, "")
        self.changed.emit()

    def _show_seen(self, field: str) -> None:
        self._form.set_value(field, getattr(self._seen, field))

    def _drop(self, client: int, field: str) -> None:
        drafts = self._drafts.get(client, {})
        dropped = drafts.pop(field, None)
        if not drafts:
            self._drafts.pop(client, None)
        if dropped is not None and dropped.kept is not _NOTHING:
            actor = self._context.actor
            self._context.jobs.write(
                self,
                lambda _progress: self._clients.drafts.forget(actor, client, [field]),
                done=self._kept,
                failed=self._could_not_keep,
            )

    # Drafts in the cache ------------------------------------------------------------------------

    def _restore(self) -> None:
        """Take up what this person typed before the program was last closed."""
        actor = self._context.actor
        self._context.jobs.read(
            self, lambda _progress: self._clients.drafts.kept(actor), done=self._restored
        )

    def _restored(self, found: list[KeptDraft]) -> None:
        for kept in found:
            if kept.client_id == NEW or kept.field in self._drafts.get(kept.client_id, {}):
                continue
            draft = Draft(kept.seen, kept.seen, kept.typed, kept=kept.typed)
            self._drafts.setdefault(kept.client_id, {})[kept.field] = draft
            self._names.setdefault(kept.client_id, kept.name)
            try:
                self._clients.check(kept.field, kept.typed)
            except RuleError as error:
                draft.error = error
            if kept.client_id == self._client:
                self._form.set_value(kept.field, kept.typed)
                self._say(kept.field, draft.error)
                self._pause.start()
        self.changed.emit()

    def _keep(self, field: str, draft: Draft) -> None:
        if self._client is None or draft.kept == draft.typed:
            return
        draft.kept = draft.typed
        actor, client, name = self._context.actor, self._client, self._names.get(self._client, "")
        changes = {field: Change(draft.first, draft.typed)}
        self._context.jobs.write(
            self,
            lambda _progress: self._clients.drafts.keep(actor, client, name, changes),
            done=self._kept,
            failed=partial(self._could_not_keep, draft=draft),
        )

    def _kept(self, _result: object) -> None:
        if self._not_kept is not None:
            self._not_kept = None
            self.changed.emit()

    def _could_not_keep(self, error: Exception, draft: Draft | None = None) -> None:
        if draft is not None:
            draft.kept = _NOTHING
        if isinstance(error, AppError):
            self._not_kept = error
        else:
            report_failure(self._form, error)
        self.changed.emit()

    # Saving -------------------------------------------------------------------------------------

    def _try(self, field: str, *_clicked: bool, decided: bool = False) -> None:
        """Save a field, unless what it holds was refused and has not been changed since.

        :param decided: the person read what somebody else wrote, and keeps their own.
        """
        draft = self._mine.get(field)
        if draft is None or draft.saving or self._client is None:
            return
        if draft.error is not None and _about_field(draft.error) and not decided:
            self._keep(field, draft)
            return
        try:
            self._clients.check(field, draft.typed)
        except RuleError as error:
            draft.error = error
            self._say(field, error)
            self._keep(field, draft)
            self.changed.emit()
            return
        self._save(self._client, field, draft)

    def _save(self, client: int, field: str, draft: Draft) -> None:
        draft.saving, draft.error = True, None
        change, name = Change(draft.seen, draft.typed), self._names.get(client, "")
        actor = self._context.actor
        self._context.jobs.write(
            self,
            lambda _progress: self._clients.save_or_keep(actor, client, name, field, change),
            done=partial(self._done, client, field, draft.typed),
            failed=partial(self._failed, client, field, draft.typed),
        )
        self.changed.emit()

    def _done(self, client: int, field: str, typed: Value, saved: Saved) -> None:
        self.revision += 1
        now = getattr(saved.client.fields, field)
        if saved.undo is not None:
            self._undos.setdefault(client, []).append(saved.undo)
        draft = self._drafts.get(client, {}).get(field)
        if draft is not None:
            draft.saving, draft.kept = False, _NOTHING
            draft.seen = draft.first = now
            if draft.typed == typed:
                self._drop(client, field)
            else:
                self._again(client, field, draft)
        if client == self._client:
            self._seen = _with(self._seen, field, now)
            if field not in self._mine:
                self._form.set_error(field, "")
                if not self._form.editor(field).hasFocus():
                    self._show_seen(field)
            self.saved.emit(saved.client)
        self.changed.emit()

    def _again(self, client: int, field: str, draft: Draft) -> None:
        """More was typed while a save was under way: it waits for its own pause, or goes at once."""
        if client == self._client:
            self._pause.start()
            return
        try:
            self._clients.check(field, draft.typed)
        except RuleError as error:
            draft.error = error
        else:
            self._save(client, field, draft)

    def _failed(self, client: int, field: str, typed: Value, error: Exception) -> None:
        self.revision += 1
        draft = self._drafts.get(client, {}).get(field)
        if draft is not None:
            draft.saving, draft.error = False, error
            if isinstance(error, RuleError):
                draft.kept = typed
            if isinstance(error, RuleError) and _is_conflict(error):
                draft.seen = error.params["value"]  # type: ignore[assignment]
                if client == self._client:
                    self._seen = _with(self._seen, field, draft.seen)
            if client == self._client:
                self._say(field, error)
        if not isinstance(error, AppError):
            report_failure(self._form, error)
        self.changed.emit()

    def _say(self, field: str, error: Exception | None) -> None:
        if error is None or not _about_field(error):
            self._form.set_error(field, "")
            return
        self._form.set_error(field, sentence(error))
        params = error.params if isinstance(error, AppError) else {}
        self._form.rows[field].offer(conflict=_is_conflict(error), other="client_id" in params)

    def _open_other(self, field: str) -> None:
        draft = self._mine.get(field)
        if draft is not None and isinstance(draft.error, AppError):
            self.openOther.emit(draft.error.params["client_id"])

    # Taking back --------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the shown client's last save."""
        if self._client is None or not self.can_undo:
            return
        client, undo = self._client, self._undos[self._client].pop()
        actor = self._context.actor

        def run(_progress: Any) -> ClientDetails:
            undo.run(actor)
            details: ClientDetails = self._clients.get(client)
            return details

        self._context.jobs.write(self, run, done=self._undone)
        self.changed.emit()

    def _undone(self, details: ClientDetails) -> None:
        self.revision += 1
        if details.id == self._client:
            self.show(details)
            self.saved.emit(details)


def _with(fields: ClientFields, field: str, value: Value) -> ClientFields:
    return replace(fields, **{field: value})  # type: ignore[arg-type]


def _is_conflict(error: Exception | None) -> bool:
    return isinstance(error, AppError) and error.code == "clients.changed_meanwhile"


def _about_field(error: Exception) -> bool:
    return isinstance(error, RuleError) and "field" in error.params
