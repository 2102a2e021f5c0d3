"""What a person may do, by action, and what each role of the clinic brings along.

The roles and the flags are those of the shared staff table; the other programs write them too.
"""

from __future__ import annotations

GENERAL = "general"
ADMINISTRATIVE = "administrativo"
PRACTITIONER = "dentista"
ROLES = (GENERAL, ADMINISTRATIVE, PRACTITIONER)

_EVERYBODY = frozenset({"agenda.view", "clients.view", "inbox.settle"})
_AGENDA = frozenset({"agenda.edit", "agenda.overbook"})
_CLIENTS = frozenset({"clients.edit"})
_CHARGES = frozenset({"finance.view", "finance.charge"})
_DESK = _CHARGES | {"finance.pay", "finance.discount"}
_CLINICAL = frozenset({"clinical.view", "clinical.edit"})
_REPORTS = frozenset({"reports.view"})
_ADMINISTRATION = frozenset({"admin", "staff.edit", "settings.edit"})
_BACKUPS = frozenset({"backup.view", "backup.create"})
_RECOVERY = frozenset({"backup.restore", "backup.export", "backup.delete", "backup.settings"})

ALL = (
    _EVERYBODY
    | _AGENDA
    | _CLIENTS
    | _DESK
    | {"finance.reverse"}
    | _CLINICAL
    | _REPORTS
    | _ADMINISTRATION
    | _BACKUPS
    | _RECOVERY
)
"""Every action that is asked for anywhere."""

_BY_ROLE = {
    GENERAL: ALL,
    ADMINISTRATIVE: _EVERYBODY | _DESK | _BACKUPS,
    PRACTITIONER: _EVERYBODY | _CHARGES | _CLINICAL,
}


def permissions_of(
    role: str,
    *,
    manages_appointments: bool = False,
    manages_clients: bool = False,
    manages_staff: bool = False,
    sees_reports: bool = False,
    superuser: bool = False,
) -> frozenset[str]:
    """The actions allowed to somebody of ``role`` with these flags of the staff table.

    An unknown role may look, and do what its flags say. Who manages the staff is an administrator.
    """
    if superuser or role == GENERAL:
        return ALL
    allowed = _BY_ROLE.get(role, _EVERYBODY)
    if manages_appointments:
        allowed |= _AGENDA
    if manages_clients:
        allowed |= _CLIENTS
    if manages_staff:
        allowed |= _ADMINISTRATION | _BACKUPS | _RECOVERY | {"finance.reverse"}
    if sees_reports:
        allowed |= _REPORTS
    return allowed
