"""Judging an archive's members as they come: order, hashes, counts and, at the end, the signature."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from desktop.backup import archive_format as form
from desktop.backup import keys
from desktop.backup.archive_format import Named, Part
from desktop.backup.archive_layers import expand
from desktop.backup.archive_limits import Limits
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import INCREMENTAL, Manifest, digest
from desktop.backup.trailer import Member, TableCount, Trailer


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found to be whole and signed by ``manifest.signer``."""

    manifest: Manifest
    trailer: Trailer


class Checking:
    """Takes an archive's members in their order. Raises :class:`ArchiveError`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._manifest: Manifest | None = None
        self._manifest_hash = ""
        self._tables: frozenset[str] = frozenset()
        self._may_be_gone = False
        self._trailer: bytes | None = None
        self._signature: bytes | None = None
        self._members: list[Member] = []
        self._counts: list[TableCount] = []
        self._blobs: list[str] = []
        self._done: set[tuple[Part, str]] = set()
        self._last: Named | None = None
        self._hash = hashlib.sha256()
        self._rows = self._bytes = 0
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
        plain = data if named.part is Part.BLOB else expand(data)
        self._stored += len(data)
        self._plain += len(plain)
        limits = self._limits
        if self._plain > max(limits.unjudged, self._stored * limits.ratio):
            raise ArchiveError("archive.bomb")
        if self._plain > limits.plain:
            raise ArchiveError("archive.too_big")
        self._hash.update(plain)
        self._rows += plain.count(b"\n")
        self._bytes += len(plain)

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
        if self._blobs or (named.part is Part.GONE and not self._may_be_gone):
            return False
        return named.subject in self._tables

    def _end_part(self) -> None:
        last = self._last
        if last is None:
            return
        found = self._hash.hexdigest()
        self._done.add((last.part, last.subject))
        if last.part is not Part.BLOB:
            self._counts.append(TableCount(last.subject, last.part, self._rows, self._bytes, found))
        elif found == last.subject:
            self._blobs.append(found)
        else:
            raise ArchiveError("archive.malformed", what="blob")
        self._last, self._hash, self._rows, self._bytes = None, hashlib.sha256(), 0, 0

    def _note(self, name: str, data: bytes) -> None:
        self._members.append(Member(name, len(data), hashlib.sha256(data).hexdigest()))

    def finish(self) -> Checked:
        """The members were all; hold them against what was signed: ``archive.forged``."""
        if self._manifest is None or self._trailer is None or self._signature is None:
            raise ArchiveError("archive.malformed", what="end")
        message = form.SIGNED + self._trailer
        if not keys.signature_holds(self._manifest.signer, self._signature, message):
            raise ArchiveError("archive.forged")
        said = Trailer.from_json(self._trailer)
        found = Trailer(
            manifest=self._manifest_hash,
            previous=self._manifest.previous,
            members=tuple(self._members),
            tables=tuple(self._counts),
            blobs=tuple(self._blobs),
        )
        if said != found:
            raise ArchiveError("archive.forged")
        return Checked(self._manifest, found)
