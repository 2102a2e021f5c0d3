"""The trailer: what every member came to. Read after its signature was found to hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from desktop.backup import strict_json
from desktop.backup.archive_format import FORMAT
from desktop.backup.errors import ArchiveError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Member:
    """A member as stored. :ivar sha256: hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableCount:
    """What one table's text came to.

    :ivar part: ``rows``, or ``gone``: the keys of deleted rows. :ivar sha256: of the plain COPY text.
    """

    name: str
    part: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Trailer:
    """Members, tables and attachments, in the file's order.

    :ivar manifest: its hash. :ivar previous: the manifest hash of the archive taken before.
    """

    manifest: str
    previous: str | None
    members: tuple[Member, ...]
    tables: tuple[TableCount, ...]
    blobs: tuple[str, ...]

    def to_json(self) -> bytes:
        """The bytes of ``trailer.json``."""
        return strict_json.dumps(
            {
                "format": FORMAT,
                "manifest": self.manifest,
                "previous": self.previous,
                "members": [
                    {"name": m.name, "size": m.size, "sha256": m.sha256} for m in self.members
                ],
                "tables": [
                    {
                        "name": table.name,
                        "part": table.part,
                        "rows": table.rows,
                        "bytes": table.bytes,
                        "sha256": table.sha256,
                    }
                    for table in self.tables
                ],
                "blobs": list(self.blobs),
            }
        )

    @classmethod
    def from_json(cls, content: bytes) -> Trailer:
        """What ``trailer.json`` says; ``archive.malformed``."""
        said = strict_json.loads(content, "trailer")
        try:
            return cls._read(said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArchiveError("archive.malformed", what="trailer") from error

    @classmethod
    def _read(cls, said: dict[str, Any]) -> Trailer:
        made = cls(
            manifest=said["manifest"],
            previous=said["previous"],
            members=tuple(Member(**entry) for entry in said["members"]),
            tables=tuple(_count(**entry) for entry in said["tables"]),
            blobs=tuple(said["blobs"]),
        )
        if said["format"] != FORMAT or said.keys() != {
            "format",
            "manifest",
            "previous",
            "members",
            "tables",
            "blobs",
        }:
            raise ValueError("the trailer is not as it has to be")
        return made


def _count(**entry: Any) -> TableCount:
    made = TableCount(**entry)
    # Where a text is not summed up, these two go on as they were signed.
    if type(made.rows) is not int or made.rows < 0 or _SHA256.fullmatch(made.sha256) is None:
        raise ValueError("a table's sums are no sums")
    return made
