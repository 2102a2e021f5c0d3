"""Archives fetched from where they are kept, and opened once all of them was found genuine."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from desktop.backup import keys
from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import ArchiveReader, Contents, verify
from desktop.backup.errors import ArchiveError
from desktop.backup.foreign_report import shown
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import _
from desktop.models import sync_schema
from desktop.services.backups_steps import OPENING, Steps


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose signatures count. :ivar until: when that ended; ``None`` while it holds."""

    public: str
    label: str
    until: dt.datetime | None
    device: int = 0


@contextmanager
def opened(
    paths: Sequence[Path],
    identities: Sequence[str],
    *,
    tenant: str | None,
    signers: Sequence[Signer] | None,
    steps: Steps,
    texts: Texts = Texts.LEFT,
) -> Iterator[list[ArchiveReader]]:
    """The archives of a chain, in order, each authenticated to its last byte before this yields.

    :param tenant: the clinic's UUID; ``None`` where it is the archive that says it.
    :param signers: whom the clinic trusts; ``None`` where no server can say it (a new one).
    :param texts: ``SUMMED`` where nobody reads the archives, and what they say of themselves is shown.
    Raises :class:`ArchiveError` and ``EnvironmentTrouble('backup.file_unreadable')``.
    """
    steps.begin(OPENING)
    total = sum(_size(path) for path in paths)
    done = 0
    with ExitStack() as stack:
        readers = []
        for path in paths:
            try:
                stream = stack.enter_context(path.open("rb"))
            except OSError as error:
                raise EnvironmentTrouble("backup.file_unreadable", path=str(path)) from error
            before = done

            def told(read: int, before: int = before) -> None:
                steps.progress(before + read, total)

            contents = verify(
                stream,
                identities,
                trusted=None,
                tenant=tenant,
                schema_version=sync_schema().version,
                progress=told,
                texts=texts,
            )
            contents = replace(contents, signer_known=_judge(contents, signers))
            done += contents.size
            readers.append(stack.enter_context(ArchiveReader(stream, identities, contents)))
        yield readers


def warnings(contents: Contents, signers: Sequence[Signer] | None) -> tuple[str, ...]:
    """What a person has to know of an archive before it is used, a sentence each."""
    said = []
    if contents.signer_known is None:
        said.append(
            _(
                "Nobody can say here who wrote this backup. Compare the signer, {signer}, with what "
                "the clinic knows."
            ).format(signer=keys.fingerprint(contents.signer))
        )
    said += [
        _(
            "The workstation that wrote this backup, “{label}”, was shut out since. Look twice at "
            "what the backup would change."
        ).format(label=one.label)
        for one in signers or ()
        if one.public == contents.signer and one.until is not None
    ]
    if contents.manifest.extra.get("scope", "clinic") != "clinic":
        said.append(
            _(
                "This backup was taken from one workstation's own data: what that workstation was "
                "not allowed to see is missing."
            )
        )
    unsaved = contents.manifest.unsaved()
    if unsaved:
        said.append(
            _(
                "Tables of another program are not in this backup, because no backup can hold their "
                "names: {tables}."
            ).format(tables=", ".join(map(shown, unsaved)))
        )
    return tuple(said)


def _judge(contents: Contents, signers: Sequence[Signer] | None) -> bool | None:
    if signers is None:
        return None
    for one in signers:
        if one.public == contents.signer and (
            one.until is None or contents.manifest.created_at < one.until
        ):
            return True
    raise ArchiveError("archive.unknown_signer", signer=keys.fingerprint(contents.signer))


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
