"""Taking a backup: one moment of a clinic, read at the speed of COPY, encrypted and read back.

What comes out is a file that was verified to its last byte, or no file at all: until then it is called
``….part``, which is all that a killed program leaves.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

import psycopg

from desktop.backup.archive import ArchiveWriter, Receipt
from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import Contents, verify
from desktop.backup.channel import Left
from desktop.backup.copying import copied
from desktop.backup.keys import Signer
from desktop.backup.manifest import FULL, SERVER, Manifest
from desktop.backup.places import local
from desktop.backup.places.base import Cancelled, go_on, never
from desktop.backup.read_back import ReadBack
from desktop.backup.reading import SavedTable, Snapshot, snapshot
from desktop.domain.durable import publish, sync_folder
from desktop.domain.errors import EnvironmentTrouble, RuleError

PART = ".part"
CLINIC = "clinic"
"""The scope of an archive that has all of a clinic; others are named after a workstation's profile."""

COPYING, VERIFYING = "copying", "verifying"
_VERIFYING_SHARE = 0.05
"""Of the time: most is read back while the rest is still written."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Whom an archive is for, and who signs it.

    :ivar recipients: the clinic's key and the recovery key; where they are left out, the server says
        them.
    """

    signer: Signer
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """Who takes a backup. :ivar program: its name and version. :ivar note: what a person wrote."""

    actor: str = ""
    program: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backup is.

    :ivar stage: :data:`COPYING` or :data:`VERIFYING`. :ivar table: the one that is read.
    :ivar share: from 0 to 1, of the whole; an estimate while tables are read.
    """

    stage: str
    table: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was taken and verified.

    :ivar path: its file. :ivar full_because: why it is a full one where an incremental was asked for:
        ``epoch`` (the server was put back), ``schema``, ``horizon`` (the log is not kept so long),
        ``capture`` (a table's changes are not logged), ``renewed`` (a trigger is new: there may have been
        none) or ``server`` (another one).
    :ivar unknown: tables that no migration of this program makes; they are in the archive.
    :ivar unsaved: tables that no archive can hold. :ivar left_out: table → columns that the reader
        may not see.
    """

    path: Path
    receipt: Receipt
    contents: Contents
    unknown: tuple[str, ...]
    unsaved: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]
    full_because: str | None = None

    @property
    def kind(self) -> str:
        """``full`` or ``incremental``."""
        return self.contents.manifest.kind


Heard = Callable[[Progress], None]


def unheard(_progress: Progress) -> None:
    """Progress that nobody watches."""


def utc_now() -> dt.datetime:
    """The moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def take_full(
    connection: psycopg.Connection,
    schema: str,
    path: Path,
    sealing: Sealing,
    who: Who,
    *,
    previous: str | None = None,
    progress: Heard = unheard,
    cancelled: Cancelled = never,
    now: Callable[[], dt.datetime] = utc_now,
    full_because: str | None = None,
    source: str = SERVER,
) -> Taken:
    """Save all of a clinic in a new file.

    :param connection: in autocommit, of an office workstation or of the schema's owner.
    :param path: where no file is yet. :param previous: the manifest hash of the archive before.
    :param source: ``FOREIGN`` where ``schema`` holds what another program's backup was brought into.
    Raises those of :func:`desktop.backup.reading.snapshot`, ``RuleError('backup_key.missing')``,
    ``place.file_exists``, ``place.full`` and the others of a disk,
    :class:`~desktop.backup.errors.ArchiveError`, ``EnvironmentTrouble('backup.miscounted')``,
    ``psycopg.Error``, and :class:`sync.errors.Cancelled`.
    """
    with ExitStack() as open_moment:
        moment = open_moment.enter_context(snapshot(connection, schema))
        manifest = described(
            moment,
            who,
            now(),
            kind=FULL,
            tables=moment.tables,
            previous=previous,
            source=source,
        )
        with archive_file(path, recipients(moment, sealing), sealing, manifest) as made:
            copy_tables(moment, moment.tables, made.writer, progress, cancelled)
            open_moment.close()
            receipt, contents = made.finish(progress, cancelled)
    return Taken(
        path, receipt, contents, moment.unknown, moment.unsaved, moment.left_out, full_because
    )


def described(
    moment: Snapshot,
    who: Who,
    at: dt.datetime,
    *,
    kind: str,
    tables: Sequence[SavedTable],
    base: str | None = None,
    previous: str | None = None,
    extra: Mapping[str, str] | None = None,
    source: str = SERVER,
) -> Manifest:
    """What an archive of a server's moment says of itself."""
    said = {"scope": CLINIC}
    for name, value in (
        ("left_out", {table: list(columns) for table, columns in moment.left_out.items()}),
        ("unknown", [table.name for table in tables if not table.known]),
        ("unsaved", list(moment.unsaved)),
    ):
        if value:
            said[name] = json.dumps(value)
    return Manifest(
        tenant=moment.begun.tenant,
        clinic=moment.begun.clinic,
        created_at=at,
        kind=kind,
        source=source,
        schema_version=moment.schema_version,
        revision=moment.revision,
        tables=tuple(table.table for table in tables),
        epoch=moment.epoch,
        cursor=moment.cursor,
        base=base,
        previous=previous,
        server_version=moment.server_version,
        sequences=moment.sequences,
        device=moment.begun.device,
        device_label=moment.begun.label,
        actor=who.actor,
        program=who.program,
        note=who.note,
        extra=said | dict(extra or {}),
    )


def recipients(moment: Snapshot, sealing: Sealing) -> tuple[str, ...]:
    """Whom the archive is for; ``RuleError('backup_key.missing')`` where nobody made the keys."""
    found = sealing.recipients or moment.begun.recipients
    if len(found) < 2:
        raise RuleError("backup_key.missing")
    return found


def copy_tables(
    moment: Snapshot,
    tables: Sequence[SavedTable],
    writer: ArchiveWriter,
    progress: Heard,
    cancelled: Cancelled,
) -> None:
    """Read tables whole into an archive, and compare how many rows were sent and kept."""
    meter = Meter(sum(table.size for table in tables), progress)
    for table in tables:
        meter.table(table.name)
        with writer.table(table.name) as sink:
            with copied(moment.connection, moment.copy_of(table), cancelled) as rows:
                while not rows.ended:
                    meter.add(*sink.fill(rows.into))
        meter.expect(rows.count)
        meter.passed(table.size)


class Meter:
    """Counts rows and tells how far the reading is, some thousand rows at a time."""

    EVERY = 4096

    def __init__(self, size: int, progress: Heard) -> None:
        self._size = max(size, 1)
        self._progress = progress
        self._table = ""
        self._before = 0
        self._size_read = 0
        self._passed = 0
        self.rows = 0

    def table(self, name: str) -> None:
        """The next table begins."""
        self._table, self._before, self._size_read = name, self.rows, 0
        self._tell(0)

    def through(self, rows: Iterable[memoryview]) -> Iterator[memoryview]:
        """The rows, counted."""
        count = size = 0
        try:
            for count, row in enumerate(rows, 1):
                size += len(row)
                if not count % self.EVERY:
                    self.rows = self._before + count
                    self._tell(size)
                yield row
        finally:
            self.rows = self._before + count

    def add(self, rows: int, size: int) -> None:
        """Some rows of the table, together."""
        self.rows += rows
        self._size_read += size
        self._tell(self._size_read)

    def expect(self, sent: int) -> None:
        """Compare with what the server said; raises ``EnvironmentTrouble('backup.miscounted')``."""
        if self.rows - self._before != sent:
            raise EnvironmentTrouble("backup.miscounted", table=self._table)

    def passed(self, size: int) -> None:
        """A table of this size is done."""
        self._passed += size

    def _tell(self, size: int) -> None:
        share = min(0.99, (self._passed + size) / self._size) * (1 - _VERIFYING_SHARE)
        self._progress(Progress(COPYING, self._table, self.rows, share))


class ArchiveFile:
    """An archive that is being written into a file that has no name yet, and read back behind."""

    def __init__(self, file: ReadBack, for_whom: Sequence[str], signer: Signer, manifest: Manifest):
        self._file = file
        self._signer = signer
        self._manifest = manifest
        self.writer = ArchiveWriter(cast(BinaryIO, file), for_whom, signer, manifest)
        self._thread = threading.Thread(target=self._verify, name="archive-verify", daemon=True)
        self._found: Contents | None = None
        self._failed: BaseException | None = None
        self._told: Callable[[int], None] | None = None
        self.complete = False

    @contextmanager
    def open(self) -> Iterator[Self]:
        """Write, and have what is written read."""
        self._thread.start()
        try:
            with self.writer:
                yield self
        finally:
            self._file.abort(Left())
            self._thread.join()

    def finish(self, progress: Heard, cancelled: Cancelled) -> tuple[Receipt, Contents]:
        """End the archive, and wait until all of it was read back from the disk."""
        receipt = self.writer.finish()

        def told(done: int) -> None:
            go_on(cancelled)
            share = 1 - _VERIFYING_SHARE * (1 - done / max(receipt.size, 1))
            progress(Progress(VERIFYING, "", receipt.rows, min(share, 1.0)))

        self._told = told
        self._file.end()
        self._thread.join()
        if self._found is None:
            raise self._failed or Left()
        self._found.hold_against(receipt)
        self.complete = True
        return receipt, self._found

    def _verify(self) -> None:
        try:
            self._found = verify(
                cast(BinaryIO, self._file),
                [self.writer.check_identity],
                trusted=[self._signer.public],
                tenant=self._manifest.tenant,
                progress=self._read,
                texts=Texts.EXPANDED,
            )
        except BaseException as error:  # noqa: BLE001 - raised again where the archive is finished
            self._failed = error

    def _read(self, done: int) -> None:
        # Until then the rows' progress is told by the thread that reads them.
        if self._told is not None:
            self._told(done)


@contextmanager
def archive_file(
    path: Path, for_whom: Sequence[str], sealing: Sealing, manifest: Manifest
) -> Iterator[ArchiveFile]:
    """A new archive in a new file, which gets its name when it was verified, and is gone otherwise."""
    local.refuse_taken(path)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    with local.in_words(str(path.parent)):
        try:
            with local.create(beside) as file, closing(ReadBack(file, beside)) as both:
                made = ArchiveFile(both, for_whom, sealing.signer, manifest)
                with made.open():
                    yield made
            if made.complete:
                _publish(beside, path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _publish(beside: Path, path: Path) -> None:
    try:
        publish(beside, path)
    except FileExistsError as error:
        raise RuleError("place.file_exists", file=path.name) from error
    sync_folder(path.parent)
