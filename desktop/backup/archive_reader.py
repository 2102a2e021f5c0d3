"""Reading an archive: every byte is authenticated before one of them is handed out.

:func:`verify` reads the file to its end and keeps the hash of every member. :class:`ArchiveReader`
reads it again, and hands out a member after its hash was found to be the same: a file that changes
in between is refused. At a text's end it holds what it handed out against what the signer hashed;
whether :func:`verify` has done so before is for whoever calls that (:class:`Texts`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import TracebackType
from typing import BinaryIO, Self

from desktop.backup import archive_format as form
from desktop.backup import keys
from desktop.backup.archive import Progress, Receipt
from desktop.backup.archive_check import Checked, Checking, Sum, Texts
from desktop.backup.archive_format import Named, Part
from desktop.backup.archive_layers import Source, Unpacker, decrypt, expand
from desktop.backup.archive_limits import Limits
from desktop.backup.channel import Channel, Left, behind
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import Manifest
from desktop.backup.trailer import Member, TableCount

WAITING = 2
"""Members that wait between two threads."""

_Members = Channel[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Contents:
    """A verified archive.

    :ivar tables: what their texts come to, of which rows and hash are as they were signed, and found
        by who reads them, after :data:`Texts.LEFT`.
    :ivar signer: public key of the device that wrote it. :ivar signer_known: whether the clinic
        trusts it; ``None`` where nobody could be asked.
    :ivar sha256: of the file as stored. :ivar size: its bytes. :ivar members: in the file's order.
    """

    manifest: Manifest
    manifest_hash: str
    tables: tuple[TableCount, ...]
    blobs: tuple[str, ...]
    signer: str
    signer_known: bool | None
    sha256: str
    size: int
    members: tuple[Member, ...]

    def count(self, name: str, part: str = Part.ROWS) -> TableCount:
        """A table of :attr:`tables`; nothing at all where the archive has none of it."""
        for table in self.tables:
            if (table.name, table.part) == (name, part):
                return table
        return TableCount(name, part, 0, 0, hashlib.sha256().hexdigest())

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables if table.part == Part.ROWS)

    def hold_against(self, receipt: Receipt) -> None:
        """Raise ``archive.not_as_written`` where this is not what was written."""
        if (
            self.sha256 != receipt.sha256
            or self.size != receipt.size
            or self.manifest_hash != receipt.manifest_hash
            or self.tables != receipt.tables
            or self.blobs != receipt.blobs
        ):
            raise ArchiveError("archive.not_as_written")


def verify(
    source: BinaryIO,
    identities: Sequence[str],
    *,
    trusted: Collection[str] | None,
    tenant: str | None = None,
    schema_version: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    texts: Texts = Texts.SUMMED,
) -> Contents:
    """Read an archive from where ``source`` stands to its end, and authenticate all of it.

    :param identities: private halves of keys; one of them opens it.
    :param trusted: public keys of the signers whom the clinic trusts; ``None`` judges no signer.
    :param tenant: the clinic's UUID that it has to be of.
    :param schema_version: the newest that this program knows.
    :param progress: told the bytes of the file that were read; what it raises ends the reading.
    :param texts: whether the tables' texts are held here against the sums that were signed. Every
        member always is.

    Raises :class:`ArchiveError`. What ``source`` or ``progress`` raise passes through.
    """
    file = Source(source, progress)
    checked = _checked(file, identities, Checking(limits or Limits(), texts))
    manifest = checked.manifest
    contents = Contents(
        manifest=manifest,
        manifest_hash=checked.trailer.manifest,
        tables=checked.trailer.tables,
        blobs=checked.trailer.blobs,
        signer=manifest.signer,
        signer_known=None,
        sha256=file.hash.hexdigest(),
        size=file.size,
        members=checked.trailer.members,
    )
    if tenant is not None and manifest.tenant != tenant.lower():
        raise ArchiveError("archive.wrong_clinic", clinic=manifest.clinic)
    if trusted is not None:
        if manifest.signer not in trusted:
            raise ArchiveError("archive.unknown_signer", signer=keys.fingerprint(manifest.signer))
        contents = replace(contents, signer_known=True)
    if schema_version is not None and manifest.schema_version > schema_version:
        raise ArchiveError("archive.newer")
    return contents


def _checked(file: Source, identities: Sequence[str], checking: Checking) -> Checked:
    """Decrypt in this thread, and look at the members in another."""

    def check(members: Iterator[tuple[str, bytes]]) -> None:
        for member in members:
            checking.take(*member)

    with behind(check, WAITING, "archive-check") as into:
        decrypt(file, Unpacker(lambda *member: into.put(member), checking.limits), identities)
    return checking.finish()


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table's rows, its deleted keys, or an attachment.

    :ivar name: the table, or the attachment's SHA-256. :ivar part: see :class:`Part`.
    :ivar chunks: its content, to be read before the next part is asked for; a chunk may end within
        a line. After a table's last one ``archive.not_as_signed`` is raised, unless they are the text
        that the signer hashed and counted.
    """

    name: str
    part: Part
    chunks: Iterator[bytes]


class ArchiveReader:
    """Reads a verified archive's content, in the file's order; a ``with`` block.

    :param source: the same file; it is read from its beginning.
    :param contents: what :func:`verify` made of it.

    Tables without rows have no part. A member that is not as it was verified raises
    ``archive.damaged`` before it is handed out.
    """

    def __init__(self, source: BinaryIO, identities: Sequence[str], contents: Contents) -> None:
        self.contents = contents
        self._source = source
        self._identities = tuple(identities)
        self._members: _Members = Channel(WAITING)
        self._seen = 0
        self._thread = threading.Thread(target=self._read, name="archive-read", daemon=True)

    def __enter__(self) -> Self:
        self._source.seek(0)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._members.abort(Left())
        self._thread.join()

    def parts(self) -> Iterator[TablePart]:
        """Tables, then attachments; once."""
        for (part, name), members in groupby(self._content(), lambda m: (m[0].part, m[0].subject)):
            yield TablePart(
                name, part, self._summed(part, name, (data for _named, data in members))
            )

    def tables(self) -> Iterator[TablePart]:
        """The tables' parts alone."""
        return (part for part in self.parts() if part.part is not Part.BLOB)

    def _summed(self, part: Part, name: str, members: Iterator[bytes]) -> Iterator[bytes]:
        total = Sum()
        for data in members:
            text = data if part is Part.BLOB else expand(data)
            total.add(text)
            yield text
        # verify() has hashed the attachments, and their pieces are those that it saw.
        if part is not Part.BLOB and total.count(name, part) != self.contents.count(name, part):
            raise ArchiveError("archive.not_as_signed")

    def _content(self) -> Iterator[tuple[Named, bytes]]:
        while (member := self._members.get()) is not None:
            name, data = member
            if name not in {form.MANIFEST, form.TRAILER, form.SIGNATURE}:
                yield form.name_of(name), data

    def _read(self) -> None:
        try:
            decrypt(Source(self._source), Unpacker(self._take, Limits()), self._identities)
            if self._seen < len(self.contents.members):
                raise ArchiveError("archive.damaged")
            self._members.close()
        except BaseException as error:  # noqa: BLE001 - raised again where the content is read
            self._members.abort(error)

    def _take(self, name: str, data: bytes) -> None:
        if name not in {form.TRAILER, form.SIGNATURE}:
            known = self.contents.members[self._seen : self._seen + 1]
            if known != (Member(name, len(data), hashlib.sha256(data).hexdigest()),):
                raise ArchiveError("archive.damaged")
            self._seen += 1
        self._members.put((name, data))
