"""How big each synthetic clinic is, and the mix that every one of them holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """What a clinic of this size has at the end of its history.

    :ivar regulars: clients who came 500 to 700 times.
    :ivar regular_visits: the fewest and the most visits of each of them.
    """

    practitioners: int
    desks: int
    years: int
    clients: int
    appointments: int
    charges: int
    payments: int
    notes: int
    regulars: int
    regular_visits: tuple[int, int]


SIZES = {
    "small": Size(2, 1, 3, 1_500, 18_000, 27_000, 11_500, 13_500, 20, (505, 530)),
    "medium": Size(6, 2, 5, 8_000, 109_000, 165_000, 70_000, 82_000, 24, (505, 690)),
    "large": Size(20, 5, 10, 40_000, 780_000, 1_200_000, 500_000, 585_000, 40, (505, 690)),
}

ATTENDED = 0.75
NO_SHOW = 0.12
CANCELLED = 0.08
NEVER_CLOSED = 0.005
"""Past visits that stand as confirmed for ever. What is left of the past were slots nobody took."""

AHEAD = 0.045
AHEAD_OF_EACH = 450
"""Rows from today on: this part of all, but no more of each practitioner (about ten weeks)."""

DUPLICATES = 0.03
SHARED_PHONES = 0.10
RECURRING = 0.15
FROM_THE_WEB = 0.20
AUDIT_PER_APPOINTMENT = 10
