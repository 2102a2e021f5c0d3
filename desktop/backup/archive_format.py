"""The container's fixed points: names, sizes and the tar header (docs/archive-format.md)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from desktop.backup.errors import ArchiveError

FORMAT = 1
"""The version that is written; a higher one is refused by name."""

AGE_MAGIC = b"age-encryption.org/v1\n"
AGE_HEADER_LIMIT = 1 << 16
"""Bytes in which an age header must end. Ours has three recipients and takes about 500."""

SIGNED = b"consultorio-archive-1\n"
"""What stands before the trailer's bytes in the text that is signed."""

MANIFEST, TRAILER, SIGNATURE = "manifest.json", "trailer.json", "trailer.sig"
SIGNATURE_SIZE = 64
PIECE = 8 << 20
"""Plain bytes in one member at most, so that reader and writer can hold whole members."""
STORED_LIMIT = PIECE + (64 << 10)
"""Stored bytes in one member at most: what zstd makes of a piece that does not compress."""
MANIFEST_LIMIT = 4 << 20
TRAILER_LIMIT = 4 << 20
BLOCK = 512
END = bytes(2 * BLOCK)

TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_TABLE_MEMBER = re.compile(
    r"(?P<table>[a-z_][a-z0-9_]{0,62})(?P<gone>\.gone)?\.(?P<number>[0-9]{5})\.copy\.zst", re.ASCII
)
_BLOB_MEMBER = re.compile(r"blob-(?P<sha>[0-9a-f]{64})\.(?P<number>[0-9]{5})", re.ASCII)
_TYPE_AT = slice(156, 157)
_NAME_AT, _SIZE_AT, _SUM_AT = slice(0, 100), slice(124, 136), slice(148, 156)


class Part(enum.StrEnum):
    """What a member holds."""

    ROWS = "rows"
    GONE = "gone"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class Named:
    """A content member's name, taken apart.

    :ivar subject: the table, or the blob's SHA-256. :ivar number: counts from 1.
    """

    part: Part
    subject: str
    number: int

    @property
    def text(self) -> str:
        """The name in the tar."""
        if self.part is Part.BLOB:
            return f"blob-{self.subject}.{self.number:05d}"
        gone = ".gone" if self.part is Part.GONE else ""
        return f"{self.subject}{gone}.{self.number:05d}.copy.zst"


def name_of(text: str) -> Named:
    """A content member's name; ``archive.path`` or ``archive.malformed`` for any other text."""
    if match := _TABLE_MEMBER.fullmatch(text):
        part = Part.GONE if match["gone"] else Part.ROWS
        return Named(part, match["table"], int(match["number"]))
    if match := _BLOB_MEMBER.fullmatch(text):
        return Named(Part.BLOB, match["sha"], int(match["number"]))
    if "/" in text or "\\" in text or ".." in text or text[1:2] == ":":
        raise ArchiveError("archive.path")
    raise ArchiveError("archive.malformed", what="name")


def tar_header(name: str, size: int) -> bytes:
    """The one ustar header that a member of this name and size has."""
    fields = (
        name.encode("ascii").ljust(100, b"\0")
        + b"0000600\0"  # mode: its owner alone
        + b"0000000\0" * 2  # owner and group
        + b"%011o\0" % size
        + b"00000000000\0"  # when it was changed is in the manifest
        + b" " * 8
        + b"0"
        + bytes(100)
        + b"ustar\x0000"
        + bytes(80 + 155 + 12)  # names, device, prefix, and the block's rest
    )
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def read_tar_header(block: bytes) -> tuple[str, int]:
    """Name and size of a member.

    Refuses whatever :func:`tar_header` would have written in another way: ``archive.link``,
    ``archive.path``, ``archive.malformed``.
    """
    if sum(block) - sum(block[_SUM_AT]) + 8 * 32 != _octal(block[_SUM_AT]):
        raise ArchiveError("archive.malformed", what="tar")
    kind = block[_TYPE_AT]
    if kind in {b"1", b"2", b"3", b"4", b"5", b"6"}:
        raise ArchiveError("archive.link")
    if kind != b"0":
        raise ArchiveError("archive.malformed", what="tar")
    try:
        name = block[_NAME_AT].rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise ArchiveError("archive.malformed", what="name") from error
    size = _octal(block[_SIZE_AT])
    if name not in {MANIFEST, TRAILER, SIGNATURE}:
        name_of(name)
    if block != tar_header(name, size):
        raise ArchiveError("archive.malformed", what="tar")
    return name, size


def size_limit(name: str) -> int:
    """Stored bytes that a member of this name may have."""
    limits = {MANIFEST: MANIFEST_LIMIT, TRAILER: TRAILER_LIMIT, SIGNATURE: SIGNATURE_SIZE}
    return limits.get(name, STORED_LIMIT)


def padding(size: int) -> int:
    """Zero bytes after a member of ``size`` bytes."""
    return -size % BLOCK


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ")
    if not digits or digits.strip(b"01234567"):
        raise ArchiveError("archive.malformed", what="tar")
    return int(digits, 8)
