"""Backups at a workstation, put together."""

from __future__ import annotations

from desktop.backup.history import LocalHistory
from desktop.models import OFFICE
from desktop.services.accounts import Accounts
from desktop.services.backups import Backups
from desktop.services.backups_desk import Connect, Desk
from desktop.services.backups_settings import StationSettings
from desktop.services.cache import Cache
from desktop.services.workstation import Workstation

HISTORY = "history.jsonl"
PROGRAM = "consultorio"


def stations_backups(
    cache: Cache, workstation: Workstation, accounts: Accounts, connect: Connect
) -> Backups:
    """The use cases of backups at an open workstation. :param connect: as the workstation's own role."""
    description = workstation.description
    settings = StationSettings(cache, workstation.folder, description.id)

    def desk() -> Desk:
        return Desk(
            schema=description.schema,
            tenant=description.tenant,
            connect=connect,
            now=cache.now,
            work=settings.work,
            signer=settings.signer(),
            places=settings.places(),
            local=LocalHistory(settings.work / HISTORY),
            device=cache.device,
            label=description.label,
            program=PROGRAM,
            remember=settings.remember,
            records=description.profile == OFFICE,
        )

    return Backups(
        desk,
        settings,
        accounts.sign_in,
        workstation.connect_as,
        description.schema,
        description.profile,
    )
