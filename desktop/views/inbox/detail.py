"""One refused change: what, why, its fields, and the ways out."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.domain.locale_format import date_time
from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.flow import Flow
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, button, label, line
from desktop.services.inbox_records import InboxItem, Way
from desktop.views.inbox.fields import RecordFields
from desktop.views.inbox.words import ALL_THE_SAME, BUTTONS, EFFECTS


class InboxDetail(Card):
    """Shows an item. Built anew for each one.

    :ivar chosen: the way out that a person took. :ivar parentWanted: the item that this one waits for.
    :ivar reopenWanted: take "keep theirs" back.
    """

    chosen = Signal(object)
    parentWanted = Signal(str)
    reopenWanted = Signal()

    def __init__(self, context: AppContext, item: InboxItem, forbidden: str = "") -> None:
        """:param forbidden: why this person may not settle it; empty where they may."""
        super().__init__(margin=current_theme().spacing.xl)
        self.item = item
        self.buttons: dict[Way, QPushButton] = {}
        self._records: list[RecordFields] = []
        zone = context.services.clinic.zone
        space = current_theme().spacing
        inside = QWidget()
        said = QVBoxLayout(inside)
        said.setContentsMargins(0, 0, space.s, 0)
        said.setSpacing(space.m)
        said.addWidget(label(item.what, "title", wrap=True))
        if item.subject:
            said.addWidget(label(item.subject, "heading", wrap=True))
        made = date_time(item.made_at, zone)
        words = _("{who}, {when}").format(who=item.who, when=made) if item.who else made
        said.addWidget(label(words, "muted", wrap=True))
        if item.settled_at is not None:
            text = _("{how}, {when}.").format(
                how=item.settled_how, when=date_time(item.settled_at, zone)
            )
            said.addWidget(Banner(text, "success"))
        else:
            reason = item.reason
            if item.other:
                reason = _("{reason} The other change: {other}.").format(
                    reason=reason, other=item.other
                )
            said.addWidget(Banner(reason, "warning"))
        if item.dependents and item.settled_at is None:
            count = len(item.dependents)
            said.addWidget(
                Banner(
                    ngettext(
                        "{n} more change builds on this one and goes with it.",
                        "{n} more changes build on this one and go with it.",
                        count,
                    ).format(n=count),
                    "info",
                )
            )
        if item.needs and item.undecided is None:
            count = len(item.needs)
            said.addWidget(
                Banner(
                    ngettext(
                        "It needs {n} earlier change, which comes back with it.",
                        "It needs {n} earlier changes, which come back with it.",
                        count,
                    ).format(n=count),
                    "info",
                )
            )
        if item.alike:
            said.addWidget(Banner(_alike(item), "warning"))
        if item.undecided is not None:
            words = _("It needs an earlier change that may be there already: decide on that first.")
            said.addWidget(Banner(words, "warning"))
        if forbidden:
            said.addWidget(Banner(forbidden, "info"))
        fields = QVBoxLayout()
        fields.setSpacing(space.l)
        said.addLayout(fields)
        for record in item.records:
            shown = RecordFields(record, item.ways)
            self._records.append(shown)
            fields.addWidget(shown)
        said.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        self.body.addWidget(scroll, 1)
        self._forbidden = bool(forbidden)
        self._add_ways(item)
        self.set_busy(False)

    def _add_ways(self, item: InboxItem) -> None:
        actions = Flow()
        if item.depends_on is not None:
            other = button(_("Go to the change that it builds on"), "primary")
            other.clicked.connect(lambda: self.parentWanted.emit(item.depends_on))
            actions.addWidget(other)
        if item.undecided is not None:
            other = button(_("Go to the change that it needs"), "primary")
            other.clicked.connect(lambda: self.parentWanted.emit(item.undecided))
            actions.addWidget(other)
        if item.reopenable:
            again = button(_("Take it back to the inbox"), "", icon="undo")
            again.clicked.connect(self.reopenWanted)
            again.setEnabled(not self._forbidden)
            actions.addWidget(again)
        for at, way in enumerate(item.ways):
            first = at == 0 and item.undecided is None
            anyway = way is Way.BRING_BACK and item.alike
            words = _(ALL_THE_SAME) if anyway else _(BUTTONS[way])
            made = button(words, "primary" if first else "")
            made.setToolTip(_(EFFECTS[way]))
            made.setAccessibleDescription(_(EFFECTS[way]))
            made.clicked.connect(lambda _on=False, way=way: self.chosen.emit(way))
            self.buttons[way] = made
            actions.addWidget(made)
        if actions.count():
            self.body.addWidget(line())
            if item.ways and item.undecided is None:
                self.body.addWidget(label(_(EFFECTS[item.ways[0]]), "small", wrap=True))
            self.body.addLayout(actions)

    def mine(self) -> set[str]:
        """The keys of the fields that a person marked as theirs to keep."""
        return set().union(*(record.mine() for record in self._records))

    def texts(self) -> dict[str, str]:
        """The texts that were corrected."""
        return {key: text for record in self._records for key, text in record.texts().items()}

    def set_busy(self, busy: bool) -> None:
        """One way out at a time."""
        for made in self.buttons.values():
            made.setEnabled(not busy and not self._forbidden)


def _alike(item: InboxItem) -> str:
    """What is there already, and what would become of a second one."""
    words = _("This may be there already: {what}.").format(what="; ".join(item.alike))
    if item.certain:
        words += " " + _("The server takes no second one; it would come back here to be corrected.")
    return words
