"""Several changes at once: those that were saved before the server was put back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.dialogs import confirm, tell
from desktop.qt.flow import flow
from desktop.qt.jobs import Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, button, label, line
from desktop.services.inbox_records import BroughtBack, InboxItem, Way


def may_come_back(item: InboxItem) -> bool:
    """Whether it can be brought back or left out together with others."""
    return Way.LEAVE_OUT in item.ways


def restored_words(count: int) -> str:
    """That so many changes wait that were saved before the server was put back."""
    return ngettext(
        "{n} change was saved before the server was put back, and is not in the shared data any more.",
        "{n} changes were saved before the server was put back, and are not in the shared data any "
        "more.",
        count,
    ).format(n=count)


class SeveralCard(Card):
    """What may be done with the changes that are chosen. Built anew for each choice.

    :ivar bringWanted: bring them back. :ivar leaveWanted: don't. Both carry the transactions.
    """

    bringWanted = Signal(object)
    leaveWanted = Signal(object)

    def __init__(self, items: tuple[InboxItem, ...], forbidden: str) -> None:
        """:param forbidden: why this person may not decide; empty where they may."""
        super().__init__(margin=current_theme().spacing.xl)
        self.items = items
        mine = [item for item in items if may_come_back(item)]
        back = tuple(item.tx for item in mine if Way.BRING_BACK in item.ways)
        out = tuple(item.tx for item in mine)
        count = len(items)
        self.body.addWidget(
            label(
                ngettext("{n} change chosen", "{n} changes chosen", count).format(n=count), "title"
            )
        )
        if mine:
            self.body.addWidget(
                label(
                    _(
                        "They were saved once; then the server was put back from an older backup. What "
                        "is brought back is done again today, in the same order, and sent."
                    ),
                    wrap=True,
                )
            )
        alone = count - len(mine)
        if alone:
            words = ngettext(
                "{n} of them is settled by itself: choose it alone.",
                "{n} of them are settled one by one: choose each alone.",
                alone,
            )
            self.body.addWidget(Banner(words.format(n=alone), "info"))
        stuck = len(mine) - len(back)
        if stuck:
            words = ngettext(
                "{n} of them needs a record of which there is no copy: look at it alone.",
                "{n} of them need records of which there is no copy: look at each alone.",
                stuck,
            )
            self.body.addWidget(Banner(words.format(n=stuck), "warning"))
        if forbidden and mine:
            self.body.addWidget(Banner(forbidden, "info"))
        self.body.addStretch(1)
        self.bring = button(_("&Bring {n} back").format(n=len(back)), "primary")
        self.leave = button(_("&Don't bring {n} back").format(n=len(out)))
        self.bring.clicked.connect(lambda: self.bringWanted.emit(back))
        self.leave.clicked.connect(lambda: self.leaveWanted.emit(out))
        self.bring.setEnabled(bool(back) and not forbidden)
        self.leave.setEnabled(bool(out) and not forbidden)
        if mine:
            self.body.addWidget(line())
            self.body.addLayout(flow(self.bring, self.leave))

    def set_busy(self, busy: bool) -> None:
        """While the work is under way nothing else is chosen."""
        if busy:
            self.bring.setEnabled(False)
            self.leave.setEnabled(False)


class BringingBack:
    """Asks, brings changes back one after the other in the background, and says how it went.

    :param busy: called with ``True`` when it begins. :param ended: when it is over or was stopped.
    :param failed: gets what stood in the way of all of it, after ``ended``.
    """

    def __init__(
        self,
        screen: QWidget,
        context: AppContext,
        busy: Callable[[bool], None],
        ended: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._screen, self._context = screen, context
        self._busy, self._ended, self._on_failure = busy, ended, failed

    def ask(self, txs: tuple[str, ...]) -> None:
        """Bring these back, where the person agrees."""
        count = len(txs)
        confirm(
            self._screen,
            ngettext("Bring {n} change back?", "Bring {n} changes back?", count).format(n=count),
            _(
                "Each is done again today, as a new change, and sent to everybody. What cannot be "
                "done any more stays here."
            ),
            action=_("Bring back"),
            yes=lambda: self._begin(txs),
        )

    def _begin(self, txs: tuple[str, ...]) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor
        self._busy(True)

        def work(progress: Progress) -> BroughtBack:
            back: BroughtBack = inbox.bring_back_all(actor, txs, progress.update)
            return back

        self._context.jobs.write(
            self._screen,
            work,
            done=self._done,
            failed=self._failed,
            stopped=self._ended,
            title=_("Bringing changes back"),
        )

    def _done(self, back: BroughtBack) -> None:
        self._ended()
        words = ngettext(
            "{n} change is back here, and on its way to the others.",
            "{n} changes are back here, and on their way to the others.",
            back.done,
        ).format(n=back.done)
        if not back.left:
            self._context.notify(words, "success")
            return
        count = len(back.left)
        rest = ngettext(
            "{n} change could not be brought back: a record that it needs is gone, and there is no "
            "copy. It stays in the inbox.",
            "{n} changes could not be brought back: records that they need are gone, and there is no "
            "copy. They stay in the inbox.",
            count,
        )
        tell(self._screen, _("Not everything came back"), f"{words} {rest.format(n=count)}")

    def _failed(self, error: Exception) -> None:
        self._ended()
        self._on_failure(error)
