"""What the inbox gives to a screen: refused work in words. Frozen, no database behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """A way out of a refusal."""

    KEEP_MINE = "keep_mine"
    KEEP_THEIRS = "keep_theirs"
    MERGE = "merge"
    CORRECT = "correct"
    OTHER_SLOT = "other_slot"
    RESTORE = "restore"
    WITHOUT_LINK = "without_link"
    TRY_AGAIN = "try_again"
    NEW_NUMBER = "new_number"
    SAME = "same"
    BRING_BACK = "bring_back"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """One value of a draft.

    :ivar key: names it in :meth:`Inbox.merge` and :meth:`Inbox.correct`.
    :ivar mine: what was typed, in words. :ivar theirs: what stands there now. :ivar before: what
        stood there when it was typed; empty for a new record.
    :ivar disputed: both sides changed it.
    :ivar editable: plain text that may be typed anew.
    """

    key: str
    label: str
    mine: str
    theirs: str
    before: str
    disputed: bool
    editable: bool


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """A record that the draft makes (``I``), changes (``U``) or removes (``D``).

    :ivar there: whether the record is in the shared data now.
    """

    title: str
    kind: str
    fields: tuple[FieldDraft, ...]
    there: bool


@dataclass(frozen=True, slots=True)
class InboxItem:
    """Work that the shared database refused, whole, with its ways out.

    :ivar what: what was attempted. :ivar subject: on whom or what. :ivar who: by whom.
    :ivar reason: which rule or which other change stood in the way.
    :ivar other: who made the other change, and when; empty where nobody did.
    :ivar depends_on: the item that this one waits for. :ivar dependents: how many wait for it;
        they are settled together with it.
    :ivar needs: earlier items that come back with this one, where it is brought back.
    :ivar alike: what is there already and may be the same, in words. :ivar certain: both can't be
        kept.
    :ivar undecided: an earlier item that this one needs, and that may be there already: that one is
        decided on first.
    :ivar permission: who may settle it.
    :ivar ways: what may be done, the likeliest first; empty for a settled item, and for one that
        is settled with another.
    """

    tx: str
    what: str
    subject: str
    who: str
    made_at: dt.datetime
    refused_at: dt.datetime
    code: str
    reason: str
    other: str
    records: tuple[RecordDraft, ...]
    depends_on: str | None
    dependents: tuple[str, ...]
    ways: tuple[Way, ...]
    settled_at: dt.datetime | None = None
    settled_how: str = ""
    reopenable: bool = False
    needs: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    undecided: str | None = None
    certain: bool = False
    permission: str = "inbox.settle"


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """What came of bringing several drafts back.

    :ivar done: how many are on their way, those that others needed included.
    :ivar left: those that could not be brought back; they wait as before.
    :ivar alike: those that wait because they, or what they need, seem to be there already.
    :ivar there: how many had nothing left to do: it is all there.
    """

    done: int
    left: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    there: int = 0


@dataclass(frozen=True, slots=True)
class BookingDraft:
    """When, how long and for whom a refused appointment was wanted.

    :ivar starts_at: where it was wanted, aware UTC, as is :attr:`ends_at`.
    :ivar client_name: empty where nobody was named. :ivar service: its name, empty for none.
    """

    tx: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner_id: int | None
    client_id: int | None
    client_name: str
    service: str = ""

    @property
    def minutes(self) -> int:
        """How long the visit takes."""
        return round((self.ends_at - self.starts_at).total_seconds() / 60)
