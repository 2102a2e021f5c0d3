"""An open workstation: its cache, its services and its connection, opened and closed together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from desktop.services import clinic as clinic_settings
from desktop.services.accounts import Accounts
from desktop.services.agenda import Agenda
from desktop.services.bundle import Services
from desktop.services.cache import Cache, Clock, utc_now
from desktop.services.clients import Clients
from desktop.services.finance import Finance
from desktop.services.inbox import Inbox
from desktop.services.secrets import AskPassphrase
from desktop.services.syncing import Syncing
from desktop.services.workstation import Workstation


@dataclass(frozen=True, slots=True)
class WorkSession:
    """What the program holds from its start to its end."""

    workstation: Workstation
    services: Services
    syncing: Syncing

    def close(self) -> None:
        """End the exchange that is under way, then give everything free. From any thread."""
        self.syncing.close()
        self.services.cache.close()
        self.workstation.close()


def assemble(cache: Cache, workstation: Workstation) -> Services:
    """Every service over one open cache."""
    settings = clinic_settings.load(cache)
    return Services(
        cache=cache,
        clinic=settings,
        accounts=Accounts(cache, workstation.connect, workstation.description.schema),
        agenda=Agenda(cache, settings),
        clients=Clients(cache, settings),
        finance=Finance(cache, settings),
        inbox=Inbox(cache, settings),
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

    Raises as :meth:`Workstation.open` and :meth:`Cache.open`; what was opened until then is closed.
    """
    workstation = Workstation.open(folder, passphrase=passphrase)
    try:
        cache = workstation.open_cache(clock=clock)
        try:
            services = assemble(cache, workstation)
            return WorkSession(workstation, services, Syncing(cache, workstation.server()))
        except BaseException:
            cache.close()
            raise
    except BaseException:
        workstation.close()
        raise
