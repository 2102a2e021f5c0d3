"""The tenant schema, defined once for PostgreSQL and for the SQLite cache.

Python names are English, table and column names Spanish; the mapping stands here and nowhere else.
"""

from desktop.models.agenda import Appointment, Room, Service, WorkingHours
from desktop.models.base import Base
from desktop.models.clinic import ClinicInfo, ForeignAuditEntry, Setting
from desktop.models.finance import (
    Allocation,
    Charge,
    Expense,
    OtherIncome,
    Payment,
    Receipt,
    TillMovement,
)
from desktop.models.people import Account, Client, SessionNote, StaffMember, WebAccount
from desktop.models.synced import (
    OFFICE,
    PRACTITIONER,
    PROFILES,
    RECEPTION,
    SCHEMA_VERSION,
    sync_schema,
)

__all__ = [
    "OFFICE",
    "PRACTITIONER",
    "PROFILES",
    "RECEPTION",
    "SCHEMA_VERSION",
    "Account",
    "Allocation",
    "Appointment",
    "Base",
    "Charge",
    "Client",
    "ClinicInfo",
    "Expense",
    "ForeignAuditEntry",
    "OtherIncome",
    "Payment",
    "Receipt",
    "Room",
    "Service",
    "SessionNote",
    "Setting",
    "StaffMember",
    "TillMovement",
    "WebAccount",
    "WorkingHours",
    "sync_schema",
]
