"""Does what the agenda's screen is asked for, off the main thread, and remembers how to undo it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop.domain.errors import AppError, RuleError
from desktop.domain.messages import _, sentence
from desktop.domain.statuses import Status
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.services.agenda import OVERBOOK
from desktop.services.agenda_records import DayAppointment, Placement
from desktop.services.agenda_undo import Undo
from desktop.views.agenda.history import History
from desktop.views.agenda.reasons import ask_reason

UNDOABLE_FAILURES = frozenset({"agenda.changed_meanwhile", "agenda.gone"})


class Actions(QObject):
    """Appointments' actions for one screen.

    :ivar did: an :class:`Undo` after something was done; ``None`` after an undo or a refusal.
    """

    did = Signal(object)

    def __init__(self, context: AppContext, screen: QWidget) -> None:
        super().__init__(screen)
        self._context = context
        self._screen = screen
        self.history = History()

    def run(self, work: Callable[[], Undo], *, retry: Callable[[str], Undo] | None = None) -> None:
        """Do ``work``; where it would double-book, offer ``retry`` with a reason to overbook."""
        self._context.jobs.write(
            self._screen,
            lambda _progress: work(),
            done=self.accept,
            failed=lambda error: self._failed(error, retry),
        )

    def move(self, item_id: int, placement: Placement, expected: Placement) -> None:
        """Another time, length or practitioner."""
        agenda, actor = self._context.services.agenda, self._context.actor
        self.run(
            lambda: agenda.move(actor, item_id, placement, expected=expected),
            retry=lambda reason: agenda.move(
                actor, item_id, placement, expected=expected, overbooking_reason=reason
            ),
        )

    def set_status(self, item: DayAppointment, status: Status) -> None:
        """One step along the flow."""
        agenda, actor = self._context.services.agenda, self._context.actor
        self.run(lambda: agenda.set_status(actor, item.id, status))

    def cancel(self, item: DayAppointment) -> None:
        """Call it off, with a reason."""
        agenda, actor = self._context.services.agenda, self._context.actor
        on_offer = item.status is Status.AVAILABLE
        ask_reason(
            self._screen,
            title=_("Withdraw the slot?") if on_offer else _("Cancel the appointment?"),
            text=_("It will no longer be offered on the web.")
            if on_offer
            else _("The time of {client} becomes free again.").format(client=item.client_name),
            choices=[_("No longer available")]
            if on_offer
            else [
                _("The client asked to cancel"),
                _("The client is ill"),
                _("The practitioner is not available"),
                _("Booked by mistake"),
            ],
            action=_("Withdraw") if on_offer else _("Cancel appointment"),
            back=_("Back"),
            danger=True,
            then=lambda reason: self.run(lambda: agenda.cancel(actor, item.id, reason)),
        )

    def undo(self) -> None:
        """Take back the last thing."""
        action = self.history.to_undo
        if action is None:
            self._context.notify(_("There is nothing to undo."))
            return
        self._compensate(action, action.undo, self.history.undid, _("Undone: {what}"))

    def redo(self) -> None:
        """Do again what was undone."""
        action = self.history.to_redo
        if action is None:
            self._context.notify(_("There is nothing to redo."))
            return
        self._compensate(action, action.redo, self.history.redid, _("Done again: {what}"))

    def _compensate(
        self,
        action: Undo,
        work: Callable[..., None],
        then: Callable[[Undo], None],
        words: str,
    ) -> None:
        def done(_result: object) -> None:
            then(action)
            self._context.notify(words.format(what=action.label), "success")
            self.did.emit(None)

        def failed(error: Exception) -> None:
            if isinstance(error, RuleError) and error.code in UNDOABLE_FAILURES:
                self.history.forget(action)
            self._failed(error, None)

        actor = self._context.actor
        self._context.jobs.write(
            self._screen, lambda _progress: work(actor), done=done, failed=failed
        )

    def accept(self, action: Undo) -> None:
        """Remember what was done and say so, with a way back."""
        self.history.did(action)
        warned = [
            sentence(RuleError(warning.code, **warning.params)) for warning in action.warnings
        ]
        self._context.notify(
            "\n".join([action.label, *warned]),
            "warning" if warned else "success",
            _("Undo"),
            lambda: self._undo_from_toast(action),
        )
        self.did.emit(action)

    def _undo_from_toast(self, action: Undo) -> None:
        if action is self.history.to_undo:
            self.undo()

    def _failed(self, error: Exception, retry: Callable[[str], Undo] | None) -> None:
        may = self._context.actor.may(OVERBOOK)
        overlaps = isinstance(error, AppError) and error.code == "agenda.overlap"
        if overlaps and retry is not None and may:
            again = retry
            dialog = ask_reason(
                self._screen,
                title=_("This time is taken"),
                text=sentence(error),
                choices=[_("Emergency"), _("Short visit"), _("Agreed with the practitioner")],
                action=_("Overbook"),
                back=_("Choose another time"),
                danger=True,
                prefilled=False,
                then=lambda reason: self.run(lambda: again(reason)),
            )
            dialog.rejected.connect(lambda: self.did.emit(None))
        else:
            report_failure(self._screen, error)
            self.did.emit(None)
