"""An open workstation: its cache, its services and its connection, opened and closed together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from desktop.domain.errors import EnvironmentTrouble
from desktop.services import clinic as clinic_settings
from desktop.services.accounts import Accounts
from desktop.services.agenda import Agenda
from desktop.services.backups_auto import AutomaticBackups
from desktop.services.backups_station import stations_backups
from desktop.services.bundle import Services
from desktop.services.cache import Cache, Clock, utc_now
from desktop.services.clients import Clients
from desktop.services.finance import Finance
from desktop.services.inbox import Inbox
from desktop.services.office import Office
from desktop.services.revocation import Revocation, close_down
from desktop.services.secrets import AskPassphrase
from desktop.services.syncing import Syncing
from desktop.services.workstation import Workstation


@dataclass(frozen=True, slots=True)
class WorkSession:
    """What the program holds from its start to its end."""

    workstation: Workstation
    services: Services
    syncing: Syncing
    revocation: Revocation
    automatic: AutomaticBackups

    def start(self) -> None:
        """The first person has signed in: the exchange begins, and backups by the clock."""
        self.syncing.start()
        self.automatic.start()

    def close(self) -> None:
        """End the exchange that is under way, then give everything free. From any thread."""
        self.automatic.close()
        self.syncing.close()
        self.revocation.seal()
        self.services.cache.close()
        self.workstation.close()


def assemble(cache: Cache, workstation: Workstation, revocation: Revocation) -> Services:
    """Every service over one open cache."""

    def connect() -> psycopg.Connection:
        try:
            return workstation.connect()
        except EnvironmentTrouble as error:
            if error.code == "device.revoked":
                raise revocation.happened() from error
            raise

    settings = clinic_settings.load(cache)
    description = workstation.description
    accounts = Accounts(cache, connect, description.schema)
    return Services(
        cache=cache,
        clinic=settings,
        accounts=accounts,
        agenda=Agenda(cache, settings),
        clients=Clients(cache, settings),
        finance=Finance(cache, settings),
        inbox=Inbox(cache, settings),
        office=Office(cache, workstation.connect_as, description.schema),
        backups=stations_backups(cache, workstation, accounts, connect),
    )


def renewed(services: Services) -> Services:
    """The services with the clinic's settings of now; the same ones where nothing changed."""
    settings = clinic_settings.load(services.cache)
    if settings == services.clinic:
        return services
    cache = services.cache
    return replace(
        services,
        clinic=settings,
        agenda=Agenda(cache, settings),
        clients=Clients(cache, settings),
        finance=Finance(cache, settings),
        inbox=Inbox(cache, settings),
    )


def open_session(
    folder: Path, *, passphrase: AskPassphrase | None = None, clock: Clock = utc_now
) -> WorkSession:
    """Open the workstation in ``folder``; the exchange with the server is not started.

    A workstation that was shut out comes to its end instead. Raises as :meth:`Workstation.open`,
    :meth:`Cache.open` and :func:`desktop.services.revocation.close_down`; what was opened until then
    is closed.
    """
    ended = close_down(folder, passphrase=passphrase, clock=clock)
    if ended is not None:
        raise ended
    workstation = Workstation.open(folder, passphrase=passphrase)
    try:
        cache = workstation.open_cache(clock=clock)
        try:
            revocation = Revocation(folder, workstation.description, cache)
            services = assemble(cache, workstation, revocation)
            syncing = Syncing(cache, workstation.server(), revocation)
            automatic = AutomaticBackups(services.backups, now=cache.now)
            return WorkSession(workstation, services, syncing, revocation, automatic)
        except BaseException:
            cache.close()
            raise
    except BaseException:
        workstation.close()
        raise
