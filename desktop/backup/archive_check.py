"""Judging an archive's members as they come: order, hashes, counts and, at the end, the signature."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from enum import Enum

from desktop.backup import archive_format as form
from desktop.backup import keys
from desktop.backup.archive_format import Named, Part
from desktop.backup.archive_layers import expand, expanded_size
from desktop.backup.archive_limits import Limits
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import INCREMENTAL, Manifest, digest
from desktop.backup.trailer import Member, TableCount, Trailer


class Texts(Enum):
    """What is done with the tables' texts. Attachments, which are stored as they are, are always hashed."""

    SUMMED = "expanded, hashed and counted, and held against the trailer"
    EXPANDED = (
        "expanded and counted; their frames' checksums are looked at. For who made the hashes"
    )
    LEFT = "left to who reads them: an ArchiveReader holds them against the trailer"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found to be whole and signed by ``manifest.signer``."""

    manifest: Manifest
    trailer: Trailer


@dataclass(slots=True)
class Sum:
    """What a part's plain text comes to."""

    hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    rows: int = 0
    size: int = 0

    def add(self, plain: bytes) -> None:
        """The text goes on."""
        self.hash.update(plain)
        self.add_lines(plain)

    def add_lines(self, plain: bytes) -> None:
        """The text goes on, and nobody asks for its hash."""
        self.rows += plain.count(b"\n")
        self.size += len(plain)

    def count(self, name: str, part: str) -> TableCount:
        """It as a trailer says it of a table."""
        return TableCount(name, part, self.rows, self.size, self.hash.hexdigest())


class Checking:
    """Takes an archive's members in their order. Raises :class:`ArchiveError`."""

    def __init__(self, limits: Limits, texts: Texts = Texts.SUMMED) -> None:
        self.limits = limits
        self._texts = texts
        self._manifest: Manifest | None = None
        self._manifest_hash = ""
        self._tables: frozenset[str] = frozenset()
        self._may_be_gone = False
        self._trailer: bytes | None = None
        self._signature: bytes | None = None
        self._members: list[Member] = []
        self._sums: list[tuple[Named, Sum]] = []
        self._in_blobs = False
        self._done: set[tuple[Part, str]] = set()
        self._last: Named | None = None
        self._sum = Sum()
        self._stored = self._plain = 0

    def take(self, name: str, data: bytes) -> None:
        """The next member."""
        if self._manifest is None:
            self._begin(name, data)
        elif self._trailer is None:
            if name == form.TRAILER:
                self._end_part()
                self._trailer = data
            else:
                self._content(name, data)
        elif self._signature is None and name == form.SIGNATURE:
            self._signature = data
        else:
            raise ArchiveError(
                "archive.duplicate"
                if name in {form.TRAILER, form.SIGNATURE}
                else "archive.malformed",
                what="order",
            )

    def _begin(self, name: str, data: bytes) -> None:
        if name != form.MANIFEST:
            raise ArchiveError("archive.malformed", what="order")
        self._manifest = Manifest.from_json(data)
        self._manifest_hash = digest(data)
        self._tables = frozenset(table.name for table in self._manifest.tables)
        self._may_be_gone = self._manifest.kind == INCREMENTAL
        self._note(name, data)

    def _content(self, name: str, data: bytes) -> None:
        if name == form.MANIFEST:
            raise ArchiveError("archive.duplicate")
        if name == form.SIGNATURE:
            raise ArchiveError("archive.malformed", what="order")
        named = form.name_of(name)
        self._follow(named)
        self._note(name, data)
        before = self._sum.size
        self._add(data, blob=named.part is Part.BLOB)
        self._stored += len(data)
        self._plain += self._sum.size - before
        limits = self.limits
        if self._plain > max(limits.unjudged, self._stored * limits.ratio):
            raise ArchiveError("archive.bomb")
        if self._plain > limits.plain:
            raise ArchiveError("archive.too_big")

    def _add(self, data: bytes, *, blob: bool) -> None:
        if blob:
            self._sum.add(data)
        elif self._texts is Texts.SUMMED:
            self._sum.add(expand(data))
        elif self._texts is Texts.EXPANDED:
            self._sum.add_lines(expand(data, by_checksum=True))
        else:
            self._sum.size += expanded_size(data)

    def _follow(self, named: Named) -> None:
        """Pieces count from one without a gap, parts come once, attachments after the tables."""
        last = self._last
        if last is None or (last.part, last.subject) != (named.part, named.subject):
            self._end_part()
            if (named.part, named.subject) in self._done:
                raise ArchiveError("archive.duplicate")
            if named.number != 1 or not self._known(named):
                raise ArchiveError("archive.malformed", what="order")
        elif named.number <= last.number:
            raise ArchiveError("archive.duplicate")
        elif named.number != last.number + 1:
            raise ArchiveError("archive.malformed", what="order")
        self._last = named

    def _known(self, named: Named) -> bool:
        if named.part is Part.BLOB:
            return True
        if self._in_blobs or (named.part is Part.GONE and not self._may_be_gone):
            return False
        return named.subject in self._tables

    def _end_part(self) -> None:
        last = self._last
        if last is None:
            return
        self._done.add((last.part, last.subject))
        self._sums.append((last, self._sum))
        self._in_blobs = last.part is Part.BLOB
        self._last, self._sum = None, Sum()

    def _note(self, name: str, data: bytes) -> None:
        self._members.append(Member(name, len(data), hashlib.sha256(data).hexdigest()))

    def finish(self) -> Checked:
        """The members were all; hold them against what was signed.

        ``archive.forged`` where they are not the signer's, ``archive.not_as_signed`` where the texts in
        them do not come to what the signer says.
        """
        if self._manifest is None or self._trailer is None or self._signature is None:
            raise ArchiveError("archive.malformed", what="end")
        message = form.SIGNED + self._trailer
        if not keys.signature_holds(self._manifest.signer, self._signature, message):
            raise ArchiveError("archive.forged")
        said = Trailer.from_json(self._trailer)
        tables, blobs = self._found(said)
        found = Trailer(
            manifest=self._manifest_hash,
            previous=self._manifest.previous,
            members=tuple(self._members),
            tables=tables,
            blobs=blobs,
        )
        if said != found:
            here = [(table.name, table.part) for table in tables]
            same = replace(found, tables=said.tables) == said
            if same and here == [(table.name, table.part) for table in said.tables]:
                raise ArchiveError("archive.not_as_signed")
            raise ArchiveError("archive.forged")
        return Checked(self._manifest, found)

    def _found(self, said: Trailer) -> tuple[tuple[TableCount, ...], tuple[str, ...]]:
        """Tables and attachments; of what was not looked at in a text, what was signed of it."""
        tables = [each for each in self._sums if each[0].part is not Part.BLOB]
        blobs = [each for each in self._sums if each[0].part is Part.BLOB]
        if len(tables) != len(said.tables):
            raise ArchiveError("archive.forged")
        if any(found.hash.hexdigest() != named.subject for named, found in blobs):
            raise ArchiveError("archive.malformed", what="blob")
        counts = []
        for (named, found), signed in zip(tables, said.tables, strict=True):
            rows = signed.rows if self._texts is Texts.LEFT else found.rows
            sha256 = found.hash.hexdigest() if self._texts is Texts.SUMMED else signed.sha256
            counts.append(TableCount(named.subject, named.part, rows, found.size, sha256))
        return tuple(counts), tuple(named.subject for named, _found in blobs)
