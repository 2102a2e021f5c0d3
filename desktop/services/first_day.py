"""Today's agenda of a workstation whose first sync is under way: to be read, by who signs in.

The engine brings the day's visits and their clients before anything else. They are read once, before
the load goes on, so that nothing reads a file of millions of rows that has no index yet; and they
are as the server had them when the load began.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from desktop.domain.actor import Actor
from desktop.domain.clinic_time import local_date
from desktop.domain.errors import RuleError
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
    """What came first, and the way in to it. For any thread.

    :ivar clinic: the clinic's name. :ivar station: the workstation's.
    :ivar is_today: whether the day that came first is today. Where the load was begun on an earlier
        day, only a part of today is here, and nobody could tell which. :ivar since: when it was so.
    """

    def __init__(
        self, today: Today | None, description: Description, connect: Connect, clock: Clock
    ) -> None:
        """:param connect: opens a connection as the workstation's role."""
        self.clinic, self.station = description.clinic, description.label
        self.is_today = today is not None
        self.since = None if today is None else today.since
        self._today = today
        self._connect, self._schema = connect, description.schema
        self.now = clock

    def sign_in(self, username: str, password: str) -> Verified:
        """The person, as the server says; raises as :meth:`Accounts.sign_in` with a network."""
        with self._connect() as connection:
            return accounts.verify(connection, self._schema, username, password, now=self.now())

    def today(self, actor: Actor) -> Today:
        """The day for somebody who signed in.

        Raises :class:`RuleError`: ``permission.denied``, and ``agenda.gone`` where it is not today's.
        """
        actor.require(VIEW)
        if self._today is None:
            raise RuleError("agenda.gone")
        return self._today


def read_today(path: Path, key: bytes, *, clock: Clock) -> Today | None:
    """The day that came first, out of a cache that is being filled; ``None`` where it is over.

    Raises :class:`EnvironmentTrouble` as the cache does.
    """
    cache = Cache(path, key, clock=clock)
    try:
        with cache.reading() as session:
            since = begun_at(executor(session)) or clock()
        settings = clinic_settings.load(cache)
        date = local_date(since, settings.zone)
        if date != local_date(clock(), settings.zone):
            return None
        return Today(settings, Agenda(cache, settings).day(date), since)
    finally:
        cache.close()
