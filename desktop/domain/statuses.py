"""The states of an appointment, as a flow from a slot on offer to a closed visit.

The values are the shared tables' own words; other programs write them too, so a value that is not
known here is shown as it stands and never written over by guesswork (:func:`read`).
"""

from __future__ import annotations

from enum import StrEnum

from desktop.domain.messages import N_, _


class Status(StrEnum):
    """What has become of an appointment; the value is what the database holds."""

    AVAILABLE = "disponible"
    BOOKED = "reservada"
    CONFIRMED = "confirmada"
    ARRIVED = "en_espera"
    READY = "listo_para_atender"
    IN_PROGRESS = "en_progreso"
    FINISHED = "finalizada"
    COMPLETED = "completada"
    CANCELLED = "cancelada"
    NO_SHOW = "no_show"


ACTIVE = frozenset(
    {Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.READY, Status.IN_PROGRESS}
)
"""These hold the practitioner's time: two of them may not overlap."""

WAITING = frozenset({Status.ARRIVED, Status.READY})
"""The client sits in the waiting room."""

CALLED_OFF = frozenset({Status.CANCELLED, Status.NO_SHOW})
"""The visit did not take place: its time is free again."""

MOVABLE = frozenset({Status.AVAILABLE}) | (ACTIVE - {Status.IN_PROGRESS})
"""These may still be given another time."""

_CAME = frozenset({Status.ARRIVED, Status.READY, Status.IN_PROGRESS})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.AVAILABLE: frozenset({Status.BOOKED, Status.CONFIRMED, Status.CANCELLED}),
    Status.BOOKED: _CAME | {Status.CONFIRMED, Status.CANCELLED, Status.NO_SHOW},
    Status.CONFIRMED: _CAME | {Status.BOOKED, Status.CANCELLED, Status.NO_SHOW},
    Status.ARRIVED: frozenset(
        {Status.BOOKED, Status.CONFIRMED, Status.READY, Status.IN_PROGRESS, Status.CANCELLED}
    ),
    Status.READY: frozenset({Status.ARRIVED, Status.IN_PROGRESS, Status.CANCELLED}),
    Status.IN_PROGRESS: frozenset(
        {Status.ARRIVED, Status.READY, Status.FINISHED, Status.COMPLETED}
    ),
    Status.FINISHED: frozenset({Status.IN_PROGRESS, Status.COMPLETED}),
    Status.COMPLETED: frozenset({Status.FINISHED}),
    Status.CANCELLED: frozenset({Status.BOOKED}),
    Status.NO_SHOW: frozenset({Status.BOOKED, Status.ARRIVED}),
}
"""What may follow each state. A step back is there where a person takes back a slip."""

_NEXT = {
    Status.BOOKED: Status.CONFIRMED,
    Status.CONFIRMED: Status.ARRIVED,
    Status.ARRIVED: Status.READY,
    Status.READY: Status.IN_PROGRESS,
    Status.IN_PROGRESS: Status.FINISHED,
    Status.FINISHED: Status.COMPLETED,
}

_BY_VALUE = {status.value: status for status in Status}

_LABELS = {
    Status.AVAILABLE: N_("Available"),
    Status.BOOKED: N_("Booked"),
    Status.CONFIRMED: N_("Confirmed"),
    Status.ARRIVED: N_("Waiting"),
    Status.READY: N_("Ready"),
    Status.IN_PROGRESS: N_("In the room"),
    Status.FINISHED: N_("Finished"),
    Status.COMPLETED: N_("Completed"),
    Status.CANCELLED: N_("Cancelled"),
    Status.NO_SHOW: N_("No-show"),
}


def read(value: str) -> Status | None:
    """The status that ``value`` stands for; ``None`` where another program wrote its own word.

    Case and blanks around it don't matter.
    """
    found = _BY_VALUE.get(value)
    return found if found is not None else _BY_VALUE.get(value.strip().lower())


def label(value: str) -> str:
    """The word for a status in the language in use; a value not known here as it stands."""
    status = read(value)
    return _(_LABELS[status]) if status is not None else value


def may_follow(current: Status, following: Status) -> bool:
    """Whether ``following`` is an allowed step from ``current``."""
    return following in TRANSITIONS[current]


def usual_next(status: Status) -> Status | None:
    """The step that usually comes next, ``None`` where there is none."""
    return _NEXT.get(status)
