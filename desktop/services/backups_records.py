"""What the use cases of backups give out: frozen, without a connection, a key or a path behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from desktop.backup.places.settings import PlaceSettings
from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.domain.errors import AppError

VIEW = "backup.view"
CREATE = "backup.create"
RESTORE = "backup.restore"
EXPORT = "backup.export"
DELETE = "backup.delete"
SETTINGS = "backup.settings"

Tell = Callable[[int, int | None, str], None]
"""Told how far a long work is: done, of how many (``None``: unknown), and the step in words.

Whatever it raises stops the work; nothing half-done is left.
"""


def silent(_done: int, _total: int | None, _step: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens an archive: the person's own password, or the recovery words. Never printed.

    :ivar password: asked for again at each restore, download and deletion; it opens the copy of
        the clinic's key that was sealed with it. :ivar words: the 24 recovery words, where the
        password opens none.
    """

    password: str = field(default="", repr=False)
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Database:
    """The database's administrator, as whom schemas are made and replaced. Never kept."""

    user: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """An archive in one place.

    :ivar verified_at: when it was last read back there and found to be the same; aware UTC.
    :ivar reachable: this workstation has that place among its own.
    :ivar altered_at: when it was last read back and found to be other bytes; earlier than ``verified_at``
        where it was found whole again.
    """

    place: str
    label: str
    verified_at: dt.datetime | None
    reachable: bool
    altered_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ArchiveItem:
    """A line of the history. Times are aware UTC.

    :ivar reason: ``manual``, ``automatic``, ``safety`` or ``import``.
    :ivar kind: ``full`` or ``incremental``. :ivar source: ``server``, ``cache`` or ``foreign``.
    :ivar scope: ``clinic``, or the profile of the workstation whose cache it was taken from.
    :ivar state: ``failed``, ``taken`` (kept nowhere yet), ``kept``, ``verified``, ``damaged`` or
        ``deleted``.
    :ivar chain: the archives that it needs to be restored, itself the last; empty where one of them
        is gone.
    :ivar error: why it failed, or what else to know of it, in a sentence.
    :ivar pinned_until: retention leaves it alone so long.
    :ivar undone_at: of a safety copy: when the restore that it was taken for was undone.
    """

    id: str
    name: str
    size: int
    rows: int
    reason: str
    kind: str
    source: str
    scope: str
    who: str
    device_label: str
    taken_at: dt.datetime
    kept: tuple[Kept, ...]
    verified_at: dt.datetime | None
    drilled_at: dt.datetime | None
    drill_ok: bool | None
    state: str
    chain: tuple[str, ...] = ()
    error: str = ""
    pinned_until: dt.datetime | None = None
    undone_at: dt.datetime | None = None

    @property
    def restorable(self) -> bool:
        """Whether all that a restore needs is in a place within reach of this workstation."""
        return bool(self.chain) and self.state not in {"failed", "deleted", "damaged"}


@dataclass(frozen=True, slots=True)
class UndoItem:
    """What stood here before the last restore, while it is kept and the restore was not undone."""

    schema: str
    replaced_at: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class PlaceItem:
    """A place of archives. :ivar kind: ``folder``, ``webdav``, ``s3`` or ``supabase``.

    :ivar trouble: why it can't be used now, in a sentence; empty while it can, or was not asked.
    """

    id: str
    kind: str
    label: str
    address: str
    trouble: str = ""
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Banner:
    """What has to be said above the screens. :ivar tone: ``danger`` or ``warning``."""

    code: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The screen of backups in one piece.

    :ivar set_up: the clinic has its keys. :ivar archives: newest first.
    :ivar alarm: empty, or why the banner is red: ``never``, ``old`` (26 h) or ``clock``.
    :ivar may_take: this workstation can take backups; :ivar why_not: a sentence where it can't.
    :ivar running: the step that the automatic backup is at, in words; empty while it rests.
    :ivar troubles: sentences on places, or the server, that could not be asked just now.
    """

    set_up: bool
    archives: tuple[ArchiveItem, ...]
    alarm: str
    last_verified: dt.datetime | None
    banners: tuple[Banner, ...]
    next_run: dt.datetime | None
    next_drill: dt.datetime | None
    places: tuple[PlaceItem, ...]
    may_take: bool
    undo: UndoItem | None = None
    why_not: str = ""
    running: str = ""
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """New keys, shown once. The private halves are here alone until they are finished with.

    :ivar words: the recovery key in 24 words. :ivar qr: the same as rows of dark modules.
    :ivar fingerprint: its public half, as printed on the sheet.
    """

    words: tuple[str, ...] = field(repr=False)
    qr: tuple[tuple[bool, ...], ...] = field(repr=False)
    fingerprint: str
    clinic: str
    made_at: dt.datetime
    identity: str = field(repr=False)
    recovery_identity: str = field(repr=False)
    recipient: str
    recovery_recipient: str


@dataclass(frozen=True, slots=True)
class Settings:
    """When backups are taken and how long they stay (the clinic's), and where this workstation keeps
    them (its own).

    :ivar automatic: this workstation takes the clinic's backups by itself.
    :ivar drills: this workstation proves them by itself, by what an administrator left here.
    """

    schedule: Schedule
    keep: Keep
    places: tuple[PlaceSettings, ...]
    automatic: bool
    drills: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that was opened and found genuine from its first to its last byte.

    :ivar warnings: what to know before it is restored, a sentence each.
    :ivar tables: what its full archive holds: table → rows. :ivar signer: for people to compare.
    """

    id: str
    clinic: str
    taken_at: dt.datetime
    who: str
    device_label: str
    kind: str
    source: str
    scope: str
    signer: str
    signer_known: bool
    tables: Mapping[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One table of a plan. :ivar words: the table as people call it."""

    table: str
    words: str
    only_here: int
    only_there: int
    different: int


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would change; nothing was changed.

    :ivar sentences: for a person, the most important first. :ivar clinic: the name to be typed.
    """

    opened: Opened
    clinic: str
    sentences: tuple[str, ...]
    lines: tuple[PlanLine, ...]

    @property
    def nothing(self) -> bool:
        """Whether the archive is what the clinic holds now."""
        return not any(each.only_here or each.only_there or each.different for each in self.lines)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore, or its undoing, came to.

    :ivar safety: the archive that was taken of the clinic before; empty at an undo.
    :ivar undo: what was replaced; ``None`` where there was nothing.
    :ivar held_ms: how long writers waited.
    """

    rows: int
    seconds: float
    held_ms: float
    safety: str
    undo: UndoItem | None
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrillCheck:
    """One thing that a drill proved or did not, in words."""

    code: str
    words: str
    ok: bool


@dataclass(frozen=True, slots=True)
class DrillReport:
    """A trial restore beside the clinic. :ivar signed: the report's signature, hexadecimal."""

    id: str
    at: dt.datetime
    ok: bool
    seconds: float
    rows: int
    checks: tuple[DrillCheck, ...]
    signed: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention removed, or would remove. :ivar kept: name → why it stays, in words."""

    removed: tuple[str, ...]
    kept: Mapping[str, str]
    done: bool
    errors: tuple[AppError, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignLook:
    """Another program's backup, looked at; nothing of it was executed.

    :ivar schemas: name → rows; more than one: the person chooses.
    """

    path: Path
    form: str
    program: str
    schemas: Mapping[str, int]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignImport:
    """Another program's backup as an archive of ours, to be planned and restored like any other.

    :ivar lines: what was taken, mapped and left, and why.
    """

    archive: ArchiveItem
    lines: tuple[str, ...]
