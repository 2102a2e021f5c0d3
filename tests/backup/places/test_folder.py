"""A folder keeps an archive whole or not at all: full disks, kills, two writers, leftovers."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.backup.places import local, naming
from desktop.backup.places.base import ABANDONED
from desktop.backup.places.folder import FolderPlace
from desktop.domain.errors import EnvironmentTrouble, RuleError
from sync.errors import Cancelled
from tests.backup.places.conftest import File

MIB = 1 << 20
MakeFile = Callable[[int], File]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "respaldos"
    path.mkdir()
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    path = tmp_path / "disco"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(path)]
    mounted = os.name == "posix" and os.geteuid() == 0
    if not mounted or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_what_is_put_is_there_and_comes_back(
    folder: Path, make_file: MakeFile, tmp_path: Path
) -> None:
    file, seen = make_file(3 * MIB + 1), list[tuple[int, int]]()
    place = FolderPlace(folder)
    receipt = place.put(file.name, file.path, progress=lambda d, t: seen.append((d, t)))
    assert (receipt.size, receipt.sha256) == (file.print.size, file.print.sha256)
    assert seen[-1] == (2 * file.print.size, 2 * file.print.size)
    assert sorted(seen) == seen
    assert names(folder) == {file.name}
    assert (folder / file.name).stat().st_mode & 0o077 == 0
    assert [(each.name, each.size) for each in place.list()] == [(file.name, file.print.size)]
    place.get(file.name, tmp_path / "back", expected=file.print)
    assert (tmp_path / "back").read_bytes() == file.path.read_bytes()
    place.delete(file.name)
    assert place.list() == []


def test_a_file_that_came_meanwhile_is_not_written_over(
    folder: Path, make_file: MakeFile, tmp_path: Path
) -> None:
    """Catches a fetched archive that takes another's name, or a disk that is blamed for it."""
    file, place, back = make_file(3 * MIB), FolderPlace(folder), tmp_path / "back"
    place.put(file.name, file.path)
    with pytest.raises(RuleError) as refused:
        place.get(file.name, back, progress=lambda _done, _total: back.write_bytes(b"theirs"))
    assert refused.value.code == "place.file_exists"
    assert back.read_bytes() == b"theirs"
    assert [each for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_a_name_is_written_once(folder: Path, make_file: MakeFile) -> None:
    file, other, place = make_file(1000), make_file(1000), FolderPlace(folder)
    place.put(file.name, file.path)
    assert place.put(file.name, file.path).sha256 == file.print.sha256
    with pytest.raises(RuleError) as refused:
        place.put(file.name, other.path)
    assert refused.value.code == "place.exists"
    assert (folder / file.name).read_bytes() == file.path.read_bytes()


def test_the_slower_of_two_writers_overwrites_nothing(folder: Path, make_file: MakeFile) -> None:
    """The other one's file gets the name while ours is being written."""
    file, other, place = make_file(MIB), make_file(MIB), FolderPlace(folder)

    def meanwhile(done: int, total: int) -> None:
        if done == total:
            (folder / file.name).write_bytes(other.path.read_bytes())

    with pytest.raises(RuleError) as refused:
        place.put(file.name, file.path, progress=meanwhile)
    assert refused.value.code == "place.exists"
    assert names(folder) == {file.name}
    assert (folder / file.name).read_bytes() == other.path.read_bytes()


def test_a_stick_that_knows_no_links_is_written_once_too(
    folder: Path, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    for number, held in enumerate(
        (test_a_name_is_written_once, test_the_slower_of_two_writers_overwrites_nothing)
    ):
        (folder / str(number)).mkdir()
        held(folder / str(number), make_file)


def test_a_disk_without_room_is_asked_before(disk: Path, make_file: MakeFile) -> None:
    file = make_file(20 * MIB)
    with pytest.raises(EnvironmentTrouble) as full:
        FolderPlace(disk).put(file.name, file.path)
    assert full.value.code == "place.full"
    assert names(disk) == set()


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(disk: Path, make_file: MakeFile) -> None:
    small, file, place = make_file(1000), make_file(7 * MIB), FolderPlace(disk)
    place.put(small.name, small.path)

    def somebody_else(done: int, _total: int) -> None:
        if done == 3 * MIB:
            with contextlib.suppress(OSError), (disk / "lastre").open("wb", buffering=0) as ballast:
                while ballast.write(b"x" * 65536):
                    pass

    with pytest.raises(EnvironmentTrouble) as full:
        place.put(file.name, file.path, progress=somebody_else)
    assert full.value.code == "place.full"
    assert names(disk) == {small.name, "lastre"}
    place.verify(small.name, small.print)
    (disk / "lastre").unlink()
    place.put(file.name, file.path)


def test_cancelling_leaves_nothing(folder: Path, make_file: MakeFile) -> None:
    file, read = make_file(5 * MIB), list[int]()
    with pytest.raises(Cancelled):
        FolderPlace(folder).put(
            file.name,
            file.path,
            progress=lambda done, _: read.append(done),
            cancelled=lambda: len(read) > 6,
        )
    assert names(folder) == set()


def test_a_bit_that_rots_is_noticed(folder: Path, make_file: MakeFile, tmp_path: Path) -> None:
    file, place = make_file(MIB), FolderPlace(folder)
    place.put(file.name, file.path)
    with (folder / file.name).open("r+b") as kept:
        kept.seek(500_000)
        byte = kept.read(1)
        kept.seek(500_000)
        kept.write(bytes([byte[0] ^ 4]))
    for act in (
        lambda: place.verify(file.name, file.print),
        lambda: place.get(file.name, tmp_path / "back", expected=file.print),
    ):
        with pytest.raises(EnvironmentTrouble) as altered:
            act()
        assert altered.value.code == "place.altered"
    assert not (tmp_path / "back").exists()


def test_a_disk_that_stores_other_bytes_is_no_success(folder: Path, make_file: MakeFile) -> None:
    file, place = make_file(2 * MIB), FolderPlace(folder)

    def rots(done: int, total: int) -> None:
        if done == total // 2:  # written, not read back yet
            for part in folder.glob(".*.part"):
                with part.open("r+b") as kept:
                    kept.seek(MIB)
                    kept.write(b"\0\0\0\0")

    with pytest.raises(EnvironmentTrouble) as altered:
        place.put(file.name, file.path, progress=rots)
    assert altered.value.code == "place.altered"
    assert names(folder) == set()


@pytest.mark.parametrize("kind", ["gone", "file", "read-only"])
def test_a_folder_that_is_not_there_is_said(tmp_path: Path, make_file: MakeFile, kind: str) -> None:
    path, file = tmp_path / "usb", make_file(10)
    if kind == "file":
        path.write_text("no folder")
    if kind == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        path.mkdir(mode=0o500)
    with pytest.raises(EnvironmentTrouble) as missing:
        FolderPlace(path).put(file.name, file.path)
    assert missing.value.code == ("place.refused" if kind == "read-only" else "place.no_folder")


def test_links_and_other_files_are_no_archives(folder: Path, make_file: MakeFile) -> None:
    file, place = make_file(10), FolderPlace(folder)
    (folder / "notas.txt").write_text("mine")
    (folder / file.name).symlink_to("/etc/passwd")
    assert place.list() == []
    with pytest.raises(RuleError) as missing:
        place.get(file.name, folder / "back")
    assert missing.value.code == "place.missing"


_WRITER = """
import sys
from pathlib import Path
from desktop.backup.places.folder import FolderPlace
def progress(done, total):
    if done >= total // 4:
        print(done, flush=True)
        if done < total:
            sys.stdin.readline()
FolderPlace(Path(sys.argv[1])).put(sys.argv[2], Path(sys.argv[3]), progress=progress)
"""


@contextlib.contextmanager
def writer(folder: Path, file: File) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of its upload, waiting for a line."""
    running = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), file.name, str(file.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        assert running.stdout.readline()
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdin.close()
        running.stdout.close()


def grow_old(folder: Path) -> None:
    long_ago = time.time() - ABANDONED.total_seconds() - 60
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))


def test_what_a_killed_upload_left_is_swept_up_when_it_is_old(
    folder: Path, make_file: MakeFile
) -> None:
    file, place = make_file(4 * MIB), FolderPlace(folder)
    with writer(folder, file) as running:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert [naming.is_part(name) for name in names(folder)] == [True]
    assert place.list() == []
    assert place.sweep() == 0, "it is young: the upload may go on elsewhere"
    grow_old(folder)
    (folder / "viejo.part").write_text("somebody's")
    (folder / f".{'a' * 20}.0123456789abcdef.part").write_text("somebody's")
    grow_old(folder)
    assert place.sweep() == 1
    assert len(names(folder)) == 2
    place.put(file.name, file.path)


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no file that is open")
def test_an_upload_that_runs_is_never_swept_up_however_old_it_looks(
    folder: Path, make_file: MakeFile
) -> None:
    file, place = make_file(4 * MIB), FolderPlace(folder)
    with writer(folder, file) as running:
        grow_old(folder)
        assert place.sweep() == 0
        assert len(names(folder)) == 1
        assert running.stdin is not None
        running.stdin.write("\n" * 100)
        running.stdin.flush()
        assert running.wait(30) == 0
    place.verify(file.name, file.print)
    assert names(folder) == {file.name}


def test_a_name_that_was_reserved_and_never_filled_is_swept_up(
    folder: Path, make_file: MakeFile
) -> None:
    file, place = make_file(100), FolderPlace(folder)
    (folder / file.name).touch()
    assert place.sweep() == 0
    grow_old(folder)
    assert place.sweep() == 1
    place.put(file.name, file.path)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "place.full"),
        (errno.EDQUOT, "place.full"),
        (errno.ESTALE, "place.no_folder"),
        (errno.EROFS, "place.refused"),
        (errno.EIO, "place.disk_failed"),
    ],
)
def test_what_the_system_refuses_is_said(number: int, code: str) -> None:
    with pytest.raises(EnvironmentTrouble) as said, local.in_words("el pendrive"):
        raise OSError(number, "no")
    assert (said.value.code, said.value.params) == (code, {"place": "el pendrive"})
