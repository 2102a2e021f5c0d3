"""Several changes at once: those that were saved before the server was put back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QWidget

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

    :ivar bringWanted: bring them back. :ivar leaveWanted: don't. Both carry the transactions;
        the first also, whether what is surely there stands for them.
    """

    bringWanted = Signal(object, bool)
    leaveWanted = Signal(object)

    def __init__(self, items: tuple[InboxItem, ...], forbidden: str) -> None:
        """:param forbidden: why this person may not decide; empty where they may."""
        super().__init__(margin=current_theme().spacing.xl)
        self.items = items
        mine = [item for item in items if may_come_back(item)]
        alike = [item for item in mine if item.alike or item.undecided is not None]
        back = tuple(i.tx for i in mine if Way.BRING_BACK in i.ways and i not in alike)
        sure = _surely_there(mine)
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
        stuck = len(mine) - len(back) - len(alike)
        if stuck:
            words = ngettext(
                "{n} of them needs a record of which there is no copy: look at it alone.",
                "{n} of them need records of which there is no copy: look at each alone.",
                stuck,
            )
            self.body.addWidget(Banner(words.format(n=stuck), "warning"))
        if alike:
            words = ngettext(
                "{n} of them, or what it needs, may be there already, entered again meanwhile.",
                "{n} of them, or what they need, may be there already, entered again meanwhile.",
                len(alike),
            )
            self.body.addWidget(Banner(words.format(n=len(alike)), "warning"))
        self.same = QCheckBox(
            _("&Use what is there where it is surely the same ({n})").format(n=len(sure))
        )
        self.same.setToolTip(_("Same RUT, same email, or the same hour of the same client."))
        self.same.setVisible(bool(sure))
        self.same.setEnabled(not forbidden)
        self.body.addWidget(self.same)
        if forbidden and mine:
            self.body.addWidget(Banner(forbidden, "info"))
        self.body.addStretch(1)
        self.bring = button("", "primary")
        self.leave = button(_("&Don't bring {n} back").format(n=len(out)))
        self._plain, self._sure, self._forbidden = back, sure, bool(forbidden)
        self.bring.clicked.connect(
            lambda: self.bringWanted.emit(self._wanted(), self.same.isChecked())
        )
        self.same.toggled.connect(self._count)
        self.leave.clicked.connect(lambda: self.leaveWanted.emit(out))
        self._count()
        self.leave.setEnabled(bool(out) and not forbidden)
        if mine:
            self.body.addWidget(line())
            self.body.addLayout(flow(self.bring, self.leave))

    def _wanted(self) -> tuple[str, ...]:
        chosen = {*self._plain, *(self._sure if self.same.isChecked() else ())}
        return tuple(item.tx for item in self.items if item.tx in chosen)

    @Slot()
    def _count(self) -> None:
        count = len(self._wanted())
        self.bring.setText(_("&Bring {n} back").format(n=count))
        self.bring.setEnabled(bool(count) and not self._forbidden)

    def set_busy(self, busy: bool) -> None:
        """While the work is under way nothing else is chosen."""
        if busy:
            self.bring.setEnabled(False)
            self.leave.setEnabled(False)
            self.same.setEnabled(False)


def _surely_there(items: list[InboxItem]) -> frozenset[str]:
    """Those that can't be kept beside what is there, and those that only wait for one of them."""
    sure = frozenset(item.tx for item in items if item.certain)
    return sure | {item.tx for item in items if item.undecided in sure}


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

    def ask(self, txs: tuple[str, ...], same: bool = False) -> None:
        """Bring these back, where the person agrees; ``same`` as :meth:`Inbox.bring_back_all`."""
        count = len(txs)
        confirm(
            self._screen,
            ngettext("Bring {n} change back?", "Bring {n} changes back?", count).format(n=count),
            _(
                "Each is done again today, as a new change, and sent to everybody. What cannot be "
                "done any more stays here."
            ),
            action=_("Bring back"),
            yes=lambda: self._begin(txs, same),
        )

    def _begin(self, txs: tuple[str, ...], same: bool) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor
        self._busy(True)

        def work(progress: Progress) -> BroughtBack:
            back: BroughtBack = inbox.bring_back_all(actor, txs, progress.update, same=same)
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
        nothing_else = not (back.there or back.left or back.alike)
        said = [words] if back.done or nothing_else else []
        if back.there:
            rest = ngettext("{n} was there already.", "{n} were there already.", back.there)
            said.append(rest.format(n=back.there))
        if not back.left and not back.alike:
            self._context.notify(" ".join(said), "success")
            return
        if back.alike:
            rest = ngettext(
                "{n} change, or what it needs, may be there already: decide on it alone.",
                "{n} changes, or what they need, may be there already: decide on each alone.",
                len(back.alike),
            )
            said.append(rest.format(n=len(back.alike)))
        if back.left:
            rest = ngettext(
                "{n} change could not be brought back: a record that it needs is gone, and there is "
                "no copy. It stays in the inbox.",
                "{n} changes could not be brought back: records that they need are gone, and there "
                "is no copy. They stay in the inbox.",
                len(back.left),
            )
            said.append(rest.format(n=len(back.left)))
        tell(self._screen, _("Not everything came back"), " ".join(said))

    def _failed(self, error: Exception) -> None:
        self._ended()
        self._on_failure(error)
