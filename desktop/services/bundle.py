"""Every service that a screen may ask for, put together once."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.services.accounts import Accounts
from desktop.services.agenda import Agenda
from desktop.services.backups import Backups
from desktop.services.cache import Cache
from desktop.services.clients import Clients
from desktop.services.clinic import ClinicSettings
from desktop.services.finance import Finance
from desktop.services.inbox import Inbox
from desktop.services.office import Office


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases over one open cache."""

    cache: Cache
    clinic: ClinicSettings
    accounts: Accounts
    agenda: Agenda
    clients: Clients
    finance: Finance
    inbox: Inbox
    office: Office
    backups: Backups
