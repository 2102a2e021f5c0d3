"""Asks a person whether the server may take most of a table away. Opens only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.domain.actor import Actor
from desktop.domain.locale_format import number
from desktop.domain.messages import _
from desktop.domain.table_words import several
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.widgets import Banner, Field, button, label
from desktop.services.status import DELETION_PERMISSION, Deletion
from desktop.views.whom_to_ask import only_administrators


class Allows(Protocol):
    """Who is told that a deletion is allowed, as :class:`desktop.services.syncing.Syncing`."""

    def allow_deletion(self, actor: Actor, table: str, gone: int) -> None: ...


class DeletionDialog(Dialog):
    """Keep everything and go on without syncing (the main button), or allow it.

    To allow it takes an administrator, who types the number of rows.

    :param allowed: called where it was allowed.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        link: Allows,
        deletion: Deletion,
        allowed: Callable[[], None],
    ) -> None:
        super().__init__(
            parent,
            _("{asked}.").format(asked=deletion.words),
            _("Nothing was deleted here, and everything you write is kept."),
            action=_("Keep and go on without syncing"),
            cancel="",
            width=560,
        )
        self.deletion = deletion
        self._context, self._link, self._allowed = context, link, allowed
        self.body.addWidget(
            label(
                _(
                    "It may be a mistake: somebody emptied “{table}” at the server, or an old backup "
                    "was put back. Ask whoever looks after the server before you allow it. Until "
                    "then nothing that others do comes to this workstation."
                ).format(table=several(deletion.table)),
                wrap=True,
            )
        )
        self.typed = QLineEdit()
        self.typed.textChanged.connect(self._look)
        self.field = Field(
            _("To allow it, type how many records go: {n}").format(n=number(deletion.gone)),
            self.typed,
        )
        self.who = Banner("", "info")
        self.body.addWidget(self.field)
        self.body.addWidget(self.who)
        self.allow = button(_("&Allow the deletion"), "danger")
        self.allow.setEnabled(False)
        self.allow.clicked.connect(self._allow)
        self.footer.insertWidget(0, self.allow)
        self.primary.clicked.connect(self.accept)
        if not context.actor.may(DELETION_PERMISSION):
            self.field.setEnabled(False)
            self._show_who(())
            accounts = context.services.accounts
            context.jobs.read(self, lambda _p: accounts.administrators(), done=self._show_who)

    def start(self) -> None:
        """Open; Enter and Esc keep everything."""
        self.open()
        self.primary.setFocus()

    def _show_who(self, names: tuple[str, ...]) -> None:
        self.who.show_text(only_administrators(names))

    @Slot()
    def _look(self) -> None:
        digits = "".join(character for character in self.typed.text() if character.isdigit())
        self.allow.setEnabled(digits == str(self.deletion.gone))

    @Slot()
    def _allow(self) -> None:
        link, actor, asked = self._link, self._context.actor, self.deletion
        self.clear_error()
        self.set_busy(True)
        self.allow.setEnabled(False)
        self._context.jobs.write(
            self,
            lambda _progress: link.allow_deletion(actor, asked.table, asked.gone),
            done=self._done,
            failed=self._failed,
        )

    def _done(self, _nothing: None) -> None:
        self.accept()
        self._allowed()

    def _failed(self, error: Exception) -> None:
        self._look()
        self.show_error(error)
