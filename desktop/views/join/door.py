"""Under the load's strip: who is there, and then today's agenda for who signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.domain.actor import Actor
from desktop.domain.messages import _
from desktop.qt.idle import IdleWatch
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.services.accounts import Verified
from desktop.services.first_day import FirstDay
from desktop.views.signin import SignIn

if TYPE_CHECKING:
    from desktop.views.join.today import TodayView


class _Accounts:
    """Where people sign in while there is no cache to keep anything in.

    :ivar password: until it is made into what lets the person in without a server, too.
    """

    def __init__(self, day: FirstDay) -> None:
        self.day = day
        self.verified: Verified | None = None
        self.password: str | None = None

    def sign_in(self, username: str, password: str) -> Actor:
        """As the server says, for who may see the day."""
        verified = self.day.sign_in(username, password)
        self.day.today(verified.actor)
        self.verified, self.password = verified, password
        return verified.actor


class DayDoor(QStackedWidget):
    """Asks for a password and then shows today's agenda, until it is locked.

    :ivar opened: the day is shown for the first time. :ivar settled: who was being let in is, or is not.
    :ivar view: today's agenda, once somebody has signed in to see it.
    """

    opened = Signal()
    settled = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._accounts: _Accounts | None = None
        self.signin: SignIn | None = None
        self.view: TodayView | None = None
        self.idle = IdleWatch(self)
        self.idle.idle.connect(self.lock)

    @property
    def person(self) -> Verified | None:
        """Who signed in here and has not been locked out since."""
        return self._accounts.verified if self._accounts is not None else None

    @property
    def waiting(self) -> bool:
        """Whether somebody is just being let in."""
        if self.signin is None or self._accounts is None:
            return False
        return self.signin.waiting or self._accounts.password is not None

    @property
    def typed(self) -> tuple[str, str, str] | None:
        """Username, password and the sentence under which they stand, of who is not in yet."""
        if self.person is not None or self.signin is None:
            return None
        refused = self.signin.banner.text if self.signin.was_refused else ""
        return self.signin.username.text(), self.signin.password.text(), refused

    def offer(self, day: FirstDay) -> None:
        """Today's visits are here: whoever signs in may see them."""
        if self._accounts is not None:
            self._accounts.day = day
            self._renew(day)
            return
        self._accounts = _Accounts(day)
        self.signin = SignIn(
            self._accounts, self._jobs, Settings(None), clinic=day.clinic, station=day.station
        )
        self.signin.signedIn.connect(self._entered)
        self.signin.refused.connect(self.settled)
        self.addWidget(self.signin)
        self.signin.ask_again(
            "", _("Today's agenda is here. Sign in to see it while the rest is received.")
        )

    def _renew(self, day: FirstDay) -> None:
        """A load that was begun anew brings another day than the one that is shown."""
        if self.view is None or self.view.since == day.since:
            return
        self.close_dialogs()
        self._drop(self.view)
        self.view = None
        if self.person is not None:
            self._open_view(self.person.actor)

    @Slot(object)
    def _entered(self, actor: Actor) -> None:
        self._open_view(actor)
        self._remember()

    def _open_view(self, actor: Actor) -> None:
        if self._accounts is None:
            return
        if self.view is None:
            from desktop.views.join.today import TodayView

            self.view = TodayView(self._accounts.day.today(actor), self._accounts.day.now)
            self.view.lockWanted.connect(self.lock)
            self.addWidget(self.view)
            self.opened.emit()
        self.setCurrentWidget(self.view)
        self.view.setFocus()
        self.idle.start()

    def _remember(self) -> None:
        """Make what lets the person in without a server; the day needs not wait for it."""
        accounts = self._accounts
        if accounts is None or accounts.verified is None or accounts.password is None:
            self.settled.emit()
            return
        verified, password = accounts.verified, accounts.password

        def done(remembered: Verified) -> None:
            if accounts.verified is verified:
                accounts.verified = remembered
            accounts.password = None
            self.settled.emit()

        self._jobs.read(self, lambda _progress: verified.remembered(password), done=done)

    @Slot()
    def lock(self) -> None:
        """Hide the day until somebody signs in."""
        verified = self.person
        if self._accounts is None or self.signin is None or verified is None:
            return
        self.close_dialogs()
        self._accounts.verified = self._accounts.password = None
        self.setCurrentWidget(self.signin)
        self.signin.ask_again(verified.username, _("Locked. Everything is as you left it."))

    def forget(self) -> None:
        """Nobody is in, and nothing of the day is kept."""
        self.close_dialogs()
        for widget in (self.view, self.signin):
            if widget is not None:
                self._drop(widget)
        self.view = self.signin = self._accounts = None

    def _drop(self, widget: QWidget) -> None:
        self.removeWidget(widget)
        widget.deleteLater()

    def close_dialogs(self) -> None:
        """Leave nothing of the day over this window."""
        self.idle.stop()
        if self.view is not None:
            self.view.close_dialogs()
