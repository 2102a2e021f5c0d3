"""Asks again who it is, before something that can't be left to whoever walks by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.jobs import Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Field
from desktop.services.backups_records import Database, Secret
from desktop.views.backups.steps import Page, Steps

DATABASE_USER = "backups.database_user"
"""The database's administrator as last written here; the password is never kept."""

T = TypeVar("T")


def password_line() -> QLineEdit:
    """A line that hides what is typed."""
    made = QLineEdit()
    made.setEchoMode(QLineEdit.EchoMode.Password)
    return made


class Credentials(QWidget):
    """The person's own password; where wanted the recovery words and the database's administrator.

    :param words: the recovery words may be given, for who has no copy of the key.
    :param database: schemas are made or replaced, which the database's administrator alone may do.
    """

    def __init__(self, context: AppContext, *, words: bool = False, database: bool = False) -> None:
        super().__init__()
        self._context, self._wants_database = context, database
        space = current_theme().spacing
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(space.m)
        self.own = password_line()
        self.own_field = Field(
            _("Your password, {username}").format(username=context.actor.username), self.own
        )
        body.addWidget(self.own_field)
        self.by_words = QCheckBox(_("Open with the recovery &words from the printed sheet"))
        self.words = QPlainTextEdit()
        self.words.setTabChangesFocus(True)
        self.words.setFixedHeight(current_theme().px(84))
        self.words_field = Field(
            _("The 24 recovery words"),
            self.words,
            hint=_(
                "In their order, with blanks between. The first four letters of each are enough."
            ),
        )
        self.words_field.hide()
        self.by_words.toggled.connect(self.words_field.setVisible)
        self.by_words.setVisible(words)
        body.addWidget(self.by_words)
        body.addWidget(self.words_field)
        self.user = QLineEdit(context.settings.get(DATABASE_USER, ""))
        self.user_field = Field(
            _("Administrator of the database"),
            self.user,
            hint=_("Whoever installed the server knows this user. The password is not kept."),
        )
        self.password = password_line()
        self.password_field = Field(_("Password of the database"), self.password)
        for field in (self.user_field, self.password_field):
            field.setVisible(database)
            body.addWidget(field)

    def complete(self) -> bool:
        """Whether all is there; what is missing is said, and has the cursor."""
        wanted: list[tuple[Field, QWidget, bool, str]] = [
            (self.own_field, self.own, bool(self.own.text()), _("Write your password."))
        ]
        if self.by_words.isChecked():
            given = bool(self.words.toPlainText().strip())
            wanted.append((self.words_field, self.words, given, _("Write the 24 words.")))
        if self._wants_database:
            given = bool(self.user.text().strip())
            words = _("Write the database user that owns the clinic.")
            wanted.append((self.user_field, self.user, given, words))
        missing = None
        for field, editor, given, sentence in wanted:
            field.set_error("" if given else sentence)
            if not given and missing is None:
                missing = editor
        if missing is not None:
            missing.setFocus()
            return False
        if self._wants_database:
            self._context.settings.set(DATABASE_USER, self.user.text().strip())
        return True

    @property
    def secret(self) -> Secret:
        """What opens archives."""
        words = self.words.toPlainText() if self.by_words.isChecked() else ""
        return Secret(self.own.text(), " ".join(words.split()))

    @property
    def database(self) -> Database:
        """The database's administrator."""
        return Database(self.user.text().strip(), self.password.text())

    def clear(self) -> None:
        """Forget what was typed, but for names."""
        self.own.clear()
        self.words.clear()
        self.password.clear()


class Asking(Steps):
    """One page that asks, then work with its progress; closes when that is done.

    :param work: runs in a worker with what was typed. :param done: gets its result, after closing.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        title: str,
        text: str,
        *,
        action: str,
        work: Callable[[Secret, Database, Progress], T],
        done: Callable[[T], None],
        kind: str = "primary",
        words: bool = False,
        database: bool = False,
    ) -> None:
        super().__init__(parent, context, title, width=520)
        self._title, self._action, self._kind = title, action, kind
        self._work: Callable[[Secret, Database, Progress], Any] = work
        self._done: Callable[[Any], None] = done
        self.credentials = Credentials(context, words=words, database=database)
        self.ask = Page("", text)
        self.ask.heading.hide()
        self.ask.add(self.credentials)

    def start(self) -> None:
        """Open with the cursor where the password is typed."""
        self.open()
        self.show_page(
            self.ask, self._action, self._go, kind=self._kind, focus=self.credentials.own
        )

    @Slot()
    def _go(self) -> None:
        if not self.credentials.complete():
            return
        secret, database, work = self.credentials.secret, self.credentials.database, self._work
        self.run(lambda progress: work(secret, database, progress), self._finish, title=self._title)

    def _finish(self, result: Any) -> None:
        self.credentials.clear()
        self.accept()
        self._done(result)
