"""What is read back of an archive is what the disk has, while the rest is still written."""

from __future__ import annotations

import io
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.backup import read_back
from desktop.backup.archive import ArchiveWriter
from desktop.backup.errors import ArchiveError
from desktop.backup.places import local
from desktop.backup.places.base import never
from desktop.backup.read_back import ReadBack
from desktop.backup.take import ArchiveFile, archive_file, unheard
from sync.errors import Cancelled
from tests.backup.format import making
from tests.backup.take.conftest import Safe

TABLE = "clientes_cliente"
PATIENCE = 10.0


@contextmanager
def both(path: Path) -> Iterator[ReadBack]:
    with local.create(path) as file, closing(ReadBack(file, path)) as found:
        yield found


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=30),
    stretch=st.integers(1, 100),
    size=st.integers(1, 64),
)
def test_what_was_written_comes_whole_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], stretch: int, size: int
) -> None:
    came: list[bytes] = []
    folder = tmp_path_factory.mktemp("read")
    with pytest.MonkeyPatch.context() as patch, both(folder / "a") as file:
        patch.setattr(read_back, "STRETCH", stretch)

        def read() -> None:
            while data := file.read(size):
                came.append(data)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        for piece in pieces:
            assert file.write(piece) == len(piece)
        file.end()
        reader.join(PATIENCE)
        assert not reader.is_alive()
    assert b"".join(came) == b"".join(pieces)
    assert all(len(data) <= size for data in came)


def test_it_is_read_before_the_end_and_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a reading of what the program remembers."""
    monkeypatch.setattr(read_back, "STRETCH", 4)
    with both(tmp_path / "a") as file:
        file.write(b"abcd")
        assert file.read(2) == b"ab"
        with (tmp_path / "a").open("r+b") as other:
            other.seek(2)
            other.write(b"x")
        assert file.read(9) == b"xd"


def test_nothing_is_put_on_the_disk_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To wait for the disk is most of what the end of a small archive takes."""
    puts: list[int] = []
    disturbed(monkeypatch, lambda: puts.append((tmp_path / "a").stat().st_size))
    monkeypatch.setattr(read_back, "STRETCH", 4)
    with both(tmp_path / "a") as file:
        file.write(b"abcd")
        assert file.read(9) == b"abcd"
        file.write(b"efg")
        file.end()
        assert file.read(9) == b"efg"
        assert file.read(9) == b""
        assert file.read(9) == b""
    assert puts == [4, 7]


def test_a_file_that_has_become_shorter_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(monkeypatch, lambda: os.truncate(tmp_path / "a", 2))
    with both(tmp_path / "a") as file:
        file.write(b"abcd")
        file.end()
        assert file.read(9) == b"ab"
        with pytest.raises(OSError, match="shorter"):
            file.read(9)


def test_who_waits_hears_that_the_other_stopped(tmp_path: Path) -> None:
    heard: list[BaseException] = []
    with both(tmp_path / "a") as file:

        def read() -> None:
            try:
                file.read(1)
            except KeyError as error:
                heard.append(error)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        file.abort(KeyError("stop"))
        file.abort(ValueError("later"))
        reader.join(PATIENCE)
        assert [str(error) for error in heard] == ["'stop'"]
        with pytest.raises(KeyError, match="stop"):
            file.write(b"a")


@contextmanager
def making_one(path: Path, safe: Safe) -> Iterator[ArchiveFile]:
    manifest = making.MANIFEST
    with archive_file(path, safe.sealing.recipients, safe.sealing, manifest) as made:
        with made.writer.table(TABLE) as table:
            table.write(making.lines(5))
        yield made


def disturbed(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Something happens to the file between its being put on the disk and its being read."""
    real = local.put_on_disk

    def put(file: BinaryIO) -> None:
        real(file)
        then()

    monkeypatch.setattr(local, "put_on_disk", put)


def test_a_byte_that_the_disk_changed_is_no_backup(
    tmp_path: Path, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed() -> None:
        (part,) = tmp_path.iterdir()
        with part.open("r+b") as file:
            file.seek(-20, os.SEEK_END)
            (byte,) = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    disturbed(monkeypatch, changed)
    with (
        pytest.raises(ArchiveError, match=r"archive\.(damaged|truncated)"),
        making_one(tmp_path / "a", safe) as made,
    ):
        made.finish(unheard, never)
    assert list(tmp_path.iterdir()) == []


def test_another_archive_in_its_place_is_no_backup(
    tmp_path: Path, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, signed, of this clinic, as long, and not what was written."""

    def swapped() -> None:
        (part,) = tmp_path.iterdir()
        keys = safe.sealing.recipients
        for seed in itertools.count(2):  # an archive's head has a part of random length
            other = io.BytesIO()
            writer = ArchiveWriter(other, keys, safe.signer, making.MANIFEST)
            writer._keys[-1] = check  # the one key that the reader has
            with writer:
                with writer.table(TABLE) as table:
                    table.write(making.lines(5, seed))
                writer.finish()
            if len(other.getvalue()) == part.stat().st_size:
                part.write_bytes(other.getvalue())
                return

    disturbed(monkeypatch, swapped)
    with (
        pytest.raises(ArchiveError, match=r"archive\.not_as_written"),
        making_one(tmp_path / "a", safe) as made,
    ):
        check = pyrage.x25519.Identity.from_str(made.writer.check_identity).to_public()
        made.finish(unheard, never)
    assert list(tmp_path.iterdir()) == []


def test_stopped_while_it_is_read_back(tmp_path: Path, safe: Safe) -> None:
    with pytest.raises(Cancelled), making_one(tmp_path / "a", safe) as made:
        made.finish(unheard, lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_were_said_and_did_not_come_are_no_backup(tmp_path: Path, safe: Safe) -> None:
    """The writer believes who hands the rows over; the reading back counts them."""

    def into(buffer: bytearray, room: int) -> int:
        assert room > 100
        buffer += b"1\tAna\n2\tBeto\n"
        return 3

    path = tmp_path / "a"
    with (
        pytest.raises(ArchiveError, match=r"archive\.not_as_signed"),
        archive_file(path, safe.sealing.recipients, safe.sealing, making.MANIFEST) as made,
    ):
        with made.writer.table(TABLE) as table:
            assert table.fill(into) == (3, 13)
        made.finish(unheard, never)
    assert list(tmp_path.iterdir()) == []
