"""Today's agenda of a workstation whose first sync is under way: to be read, by who signs in.

The engine brings the day's visits and their clients before anything else. They are read beside the
load through connections that can't write, and they are as the server had them when the load began.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from pathlib import Path

from desktop.domain.actor import Actor
from desktop.domain.clinic_time import local_date
from desktop.services import accounts
from desktop.services import clinic as clinic_settings
from desktop.services.accounts import Connect, Verified
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import DayAgenda
from desktop.services.cache import Cache, Clock, executor
from desktop.services.clinic import ClinicSettings
from desktop.services.workstation import Description
from sync.bootstrap import begun_at

VIEW = "agenda.view"


@dataclass(frozen=True, slots=True)
class Today:
    """The day as far as it is known.

    :ivar since: the moment that it shows.
    """

    clinic: ClinicSettings
    agenda: DayAgenda
    since: dt.datetime


class FirstDay:
    """The way to the day, from the moment it is here until the load ends. For any thread."""

    def __init__(
        self, path: Path, key: bytes, description: Description, connect: Connect, *, clock: Clock
    ) -> None:
        """
        :param path: the cache that is being filled.
        :param connect: opens a connection as the workstation's role.
        """
        self.clinic, self.station = description.clinic, description.label
        self._cache = Cache(path, key, clock=clock)
        self._connect, self._schema = connect, description.schema
        self._reading = threading.Lock()
        self._closed = False

    def now(self) -> dt.datetime:
        """The moment, aware, in UTC."""
        return self._cache.now()

    def is_today(self) -> bool:
        """Whether the day that came first is today.

        Where the load was begun on an earlier day, only a part of today is here, and nobody could
        tell which.
        """
        with self._reading:
            return not self._closed and self._began()[1] is not None

    def _began(self) -> tuple[dt.datetime, ClinicSettings | None]:
        with self._cache.reading() as session:
            since = begun_at(executor(session)) or self.now()
        settings = clinic_settings.load(self._cache)
        same = local_date(since, settings.zone) == local_date(self.now(), settings.zone)
        return since, settings if same else None

    def sign_in(self, username: str, password: str) -> Verified:
        """The person, as the server says; raises as :meth:`Accounts.sign_in` with a network."""
        with self._connect() as connection:
            return accounts.verify(
                connection, self._schema, username, password, now=self._cache.now()
            )

    def today(self, actor: Actor) -> Today | None:
        """The day for somebody who signed in; ``None`` where the load has ended or midnight passed.

        Raises ``RuleError('permission.denied')``, and :class:`EnvironmentTrouble` as the cache does.
        """
        actor.require(VIEW)
        with self._reading:
            if self._closed:
                return None
            since, settings = self._began()
            if settings is None:
                return None
            agenda = Agenda(self._cache, settings)
            return Today(settings, agenda.day(local_date(since, settings.zone)), since)

    def close(self) -> None:
        """Give the file free; waits for who reads just now."""
        with self._reading:
            self._closed = True
            self._cache.close()
