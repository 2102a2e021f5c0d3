"""What was written is what is read, whatever it is and however it was cut."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.backup import archive, keys
from desktop.backup import archive_format as form
from desktop.backup.archive import CUT, ArchiveWriter
from desktop.backup.archive_reader import ArchiveReader, verify
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import Manifest, digest
from tests.backup.format import making
from tests.backup.format.making import INCREMENT, KEYS, MANIFEST, RECIPIENTS, SIGNER, TRUSTED

TEXTS = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b" ") + b"\n"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(clients=TEXTS, days=TEXTS, gone=TEXTS, blobs=st.lists(st.binary(max_size=50), unique=True))
def test_every_part_comes_back(
    clients: list[bytes], days: list[bytes], gone: list[bytes], blobs: list[bytes]
) -> None:
    given_parts = {
        "clientes_cliente/rows": b"".join(clients),
        "agenda_dia/rows": b"".join(days),
        "clientes_cliente/gone": b"".join(gone),
        **{f"{hashlib.sha256(blob).hexdigest()}/blob": blob for blob in blobs},
    }
    content, receipt, check = making.made(
        {"clientes_cliente": b"".join(clients), "agenda_dia": b"".join(days)},
        manifest=INCREMENT,
        gone={"clientes_cliente": b"".join(gone)},
        blobs=blobs,
    )
    contents = making.verified(content, check, expect=receipt)
    read = making.read(content, contents)
    assert read == {name: text for name, text in given_parts.items() if text or "blob" in name}
    assert contents.count("clientes_cliente").rows == len(clients)
    assert contents.count("clientes_cliente", "gone").rows == len(gone)
    assert (
        contents.count("agenda_dia").sha256
        == hashlib.sha256(given_parts["agenda_dia/rows"]).hexdigest()
    )
    assert contents.rows == receipt.rows == len(clients) + len(days)


def test_a_table_of_many_pieces_comes_back_in_order() -> None:
    text = making.lines(700_000)
    sink = io.BytesIO()
    with ArchiveWriter(sink, RECIPIENTS, SIGNER, MANIFEST) as writer:
        with writer.table("clientes_cliente") as table:
            for at in range(0, len(text), 99_991):
                table.write(memoryview(text)[at : at + 99_991])
        receipt = writer.finish()
    content = sink.getvalue()
    contents = making.verified(content, expect=receipt)
    pieces = [m for m in contents.members if m.name.startswith("clientes_cliente")]
    assert len(pieces) == -(-len(text) // CUT) > 2
    assert making.read(content, contents)["clientes_cliente/rows"] == text
    assert receipt.sha256 == hashlib.sha256(content).hexdigest()
    assert receipt.size == len(content)


def test_each_key_opens_it_and_no_other() -> None:
    content, _receipt, check = making.made({"clientes_cliente": making.lines(5)})
    for identity in (KEYS.identity, KEYS.recovery_identity, check):
        assert making.verified(content, identity).rows == 5
    with pytest.raises(ArchiveError, match=r"archive\.wrong_key"):
        making.verified(content, keys.new_clinic_keys().identity)


def test_the_manifest_says_what_it_was_given() -> None:
    content, receipt, _check = making.made({}, manifest=INCREMENT)
    found = making.verified(content).manifest
    assert found == receipt.manifest
    assert Manifest.from_json(found.to_json()) == found
    assert digest(found.to_json()) == receipt.manifest_hash
    assert (found.tenant, found.cursor, found.sequences) == (
        INCREMENT.tenant,
        INCREMENT.cursor,
        dict(INCREMENT.sequences),
    )


def test_any_tar_program_reads_what_is_inside() -> None:
    content, _receipt, _check = making.made({"clientes_cliente": making.lines(9)}, blobs=[b"x"])
    inner = pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(KEYS.identity)])
    with tarfile.open(fileobj=io.BytesIO(inner)) as opened:
        names = opened.getnames()
        assert all(member.isreg() and "/" not in member.name for member in opened)
    assert names[0] == form.MANIFEST
    assert names[-2:] == [form.TRAILER, form.SIGNATURE]
    assert [name for name, _data in making.members_of(content)] == names


def test_a_backup_needs_two_keys() -> None:
    for recipients in ([], [KEYS.recipient], [KEYS.recipient, KEYS.recipient]):
        with pytest.raises(ArchiveError, match=r"backup_key\.missing"):
            ArchiveWriter(io.BytesIO(), recipients, SIGNER, MANIFEST)
    with pytest.raises(ArchiveError, match=r"backup_key\.wrong"):
        ArchiveWriter(io.BytesIO(), [KEYS.recipient, "age1nobody"], SIGNER, MANIFEST)


def test_text_that_ends_within_a_line_is_a_mistake_of_ours() -> None:
    with ArchiveWriter(io.BytesIO(), RECIPIENTS, SIGNER, MANIFEST) as writer:
        table = writer.table("clientes_cliente")
        table.write(b"1\thalf")
        with pytest.raises(ValueError, match="within a line"):
            table.close()


class Full(io.BytesIO):
    """A disk with room for ``room`` bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self.room:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize(("room", "rows"), [(0, 400_000), (5 << 20, 400_000), (100, 10)])
def test_a_full_disk_is_said_and_nothing_waits(room: int, rows: int) -> None:
    """At the beginning, on the way, and where only the very last bytes find no room."""
    text = making.lines(rows)

    def write() -> None:
        with ArchiveWriter(Full(room), RECIPIENTS, SIGNER, MANIFEST) as writer:
            with writer.table("clientes_cliente") as table:
                for _ in range(3):
                    table.write(text)
            writer.finish()

    with pytest.raises(OSError, match="No space left"):
        write()
    assert not [t for t in threading.enumerate() if t.name.startswith("archive-")]


class Cancelled(Exception):
    """A person pressed Cancel."""


def test_progress_may_end_the_writing_and_the_reading() -> None:
    def stop(done: int) -> None:
        if done > 1 << 20:
            raise Cancelled

    text = making.lines(200_000)
    with pytest.raises(Cancelled):
        with ArchiveWriter(io.BytesIO(), RECIPIENTS, SIGNER, MANIFEST, stop) as writer:
            with writer.table("clientes_cliente") as table:
                table.write(text)
            writer.finish()
    content, _receipt, _check = making.made({"clientes_cliente": text})
    with pytest.raises(Cancelled):
        making.verified(content, progress=stop)
    seen: list[int] = []
    making.verified(content, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == len(content)
    assert not [t for t in threading.enumerate() if t.name.startswith("archive-")]


@pytest.mark.timeout(30)
def test_a_reader_that_is_left_early_leaves_no_thread() -> None:
    content, _receipt, _check = making.made({"clientes_cliente": making.lines(900_000)})
    contents = making.verified(content)
    with ArchiveReader(io.BytesIO(content), [KEYS.identity], contents) as reader:
        next(iter(next(reader.tables()).chunks))
    assert not [t for t in threading.enumerate() if t.name.startswith("archive-")]


def test_a_part_may_be_passed_over() -> None:
    tables = {"clientes_cliente": making.lines(50), "agenda_dia": b"2026-11-21\t4\n"}
    content, _receipt, _check = making.made(tables)
    contents = making.verified(content)
    with ArchiveReader(io.BytesIO(content), [KEYS.identity], contents) as reader:
        wanted = [b"".join(p.chunks) for p in reader.tables() if p.name == "agenda_dia"]
    assert wanted == [tables["agenda_dia"]]


def test_pieces_grow_with_the_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trailer names them all, and has an end."""
    for name, value in (("CUT", 64), ("CUTS", 3), ("PIECE", 300)):
        monkeypatch.setattr(archive, name, value)
    text = making.lines(100)
    content, _receipt, _check = making.made({"clientes_cliente": text})
    contents = making.verified(content)
    with ArchiveReader(io.BytesIO(content), [KEYS.identity], contents) as reader:
        sizes = [len(chunk) for part in reader.parts() for chunk in part.chunks]
    assert sizes[:10] == [64] * 3 + [128] * 3 + [256] * 3 + [300]
    assert sum(sizes) == len(text)


def test_a_file_that_changes_after_it_was_verified_gives_nothing() -> None:
    content, _receipt, _check = making.made({"clientes_cliente": making.lines(50)})
    other, _receipt, _check = making.made({"clientes_cliente": making.lines(50, seed=2)})
    contents = making.verified(content)
    with pytest.raises(ArchiveError, match=r"archive\.damaged"):
        making.read(other, contents)


def test_what_is_read_back_must_be_what_was_written() -> None:
    one, receipt, _check = making.made({"clientes_cliente": making.lines(5)})
    other, _receipt, _check = making.made({"clientes_cliente": making.lines(5)})
    assert making.verified(one, expect=receipt).rows == 5
    with pytest.raises(ArchiveError, match=r"archive\.not_as_written"):
        making.verified(other, expect=receipt)


MEASURED = """
import resource, sys, tempfile
from desktop.backup.archive import CUT, ArchiveWriter
from desktop.backup.archive_reader import ArchiveReader, verify
from tests.backup.format import making
block = making.lines(150_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with tempfile.TemporaryFile() as file:
    with ArchiveWriter(file, making.RECIPIENTS, making.SIGNER, making.MANIFEST) as writer:
        with writer.table("clientes_cliente") as table:
            for _ in range(int(sys.argv[1])):
                table.write(block)
        receipt = writer.finish()
    file.seek(0)
    contents = verify(file, [writer.check_identity], trusted=None)
    contents.hold_against(receipt)
    with ArchiveReader(file, [making.KEYS.identity], contents) as reader:
        total = sum(len(chunk) for part in reader.parts() for chunk in part.chunks)
assert total == receipt.tables[0].bytes
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, total >> 20)
"""


@pytest.mark.parametrize("blocks", [6, 24])
def test_memory_does_not_grow_with_the_archive(blocks: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(blocks)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    grown, size = map(int, ran.stdout.split())
    assert size > 4 * blocks
    assert grown <= 100, f"{grown} MB for {size} MB of text"


def test_the_format_knows_no_database() -> None:
    """Nothing that reads an archive can run SQL: whoever does has verified it before."""
    code = (
        "import sys, desktop.backup.archive_reader, desktop.backup.recovery;"
        "print({'psycopg', 'sqlalchemy', 'sqlcipher3'} & sys.modules.keys())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert ran.stdout.strip() == "set()"


def test_trusted_signers_are_judged_only_where_they_are_known() -> None:
    content, _receipt, _check = making.made({}, signer=making.STRANGER)
    assert verify(io.BytesIO(content), [KEYS.identity], trusted=None).signer_known is None
    with pytest.raises(ArchiveError) as refused:
        making.verified(content, trusted=TRUSTED)
    assert refused.value.code == "archive.unknown_signer"
    assert refused.value.params == {"signer": keys.fingerprint(making.STRANGER.public)}
