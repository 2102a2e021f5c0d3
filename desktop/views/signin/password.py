"""A person gives themselves another password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.domain.errors import AppError
from desktop.domain.messages import _
from desktop.domain.passwords import MIN_LENGTH
from desktop.qt.dialogs import Dialog
from desktop.qt.jobs import Jobs
from desktop.qt.widgets import Field


class PasswordDialog(Dialog):
    """The present password, and the new one twice. Needs the server, as the service says.

    :param accounts: as :class:`desktop.services.accounts.Accounts`.
    :param done: called when the password is changed and the dialog closed.
    """

    def __init__(
        self,
        parent: QWidget,
        accounts: Any,
        jobs: Jobs,
        username: str,
        done: Callable[[], None],
    ) -> None:
        super().__init__(
            parent,
            _("Change my password"),
            _("It counts at every workstation and on the other programs of the clinic."),
            action=_("Change"),
        )
        self._accounts, self._jobs, self._username, self._done = accounts, jobs, username, done
        self.present, self.new, self.again = (self._line() for _field in range(3))
        self.present_field = Field(_("Present password"), self.present)
        self.new_field = Field(
            _("New password"),
            self.new,
            hint=_("{length} characters or more, not digits alone.").format(length=MIN_LENGTH),
        )
        self.again_field = Field(_("The new one again"), self.again)
        for field in (self.present_field, self.new_field, self.again_field):
            self.body.addWidget(field)
        self.primary.clicked.connect(self._change)

    def _line(self) -> QLineEdit:
        made = QLineEdit()
        made.setEchoMode(QLineEdit.EchoMode.Password)
        return made

    def start(self) -> None:
        """Open with the cursor in the first field."""
        self.open()
        self.present.setFocus()

    def _change(self) -> None:
        for field in (self.present_field, self.new_field, self.again_field):
            field.set_error("")
        self.clear_error()
        present, new = self.present.text(), self.new.text()
        if not present:
            self.present_field.set_error(_("Write the password that you use now."))
            self.present.setFocus()
            return
        if new != self.again.text():
            self.again_field.set_error(_("The two are not the same. Write it again."))
            self.again.selectAll()
            self.again.setFocus()
            return
        accounts, username = self._accounts, self._username

        def change(_progress: object) -> None:
            accounts.change_password(username, present, new)
            accounts.sign_in(username, new)  # so that it also opens without a network

        self.set_busy(True)
        self._jobs.write(self, change, done=lambda _nothing: self._changed(), failed=self._refused)

    def _changed(self) -> None:
        self.accept()
        self._done()

    def _refused(self, error: Exception) -> None:
        self.show_error(error)
        about_new = isinstance(error, AppError) and error.code.startswith("password.")
        wrong = self.new if about_new else self.present
        wrong.selectAll()
        wrong.setFocus()
