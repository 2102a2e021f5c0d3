"""How much an archive may ask of the computer that reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Far above any clinic, far below what would keep a computer busy for hours.

    :ivar plain: bytes of COPY text and attachments in the whole archive.
    :ivar members: members in the tar.
    :ivar ratio: how many times its size so far an archive may grow, once it has grown past
        ``unjudged`` bytes. COPY text of real tables comes to 3-12.
    """

    plain: int = 256 << 30
    members: int = 36_000
    ratio: int = 250
    unjudged: int = 512 << 20
