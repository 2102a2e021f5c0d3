"""What every place over a network does: WsgiDAV, rclone, Moto's S3, and Supabase's contract.

Connections are cut by a proxy; waiting takes no time.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.backup.places import naming
from desktop.backup.places.base import Fingerprint
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from sync.errors import Cancelled
from tests.backup.places import servers
from tests.backup.places.conftest import File, Kept, Waits
from tests.backup.places.supabase_server import PASSWORD

MIB = 1 << 20
MakeFile = Callable[[int], File]


def code_of(error: pytest.ExceptionInfo[AppError]) -> str:
    return error.value.code


@pytest.mark.parametrize("size", [0, 3 * MIB + 7, 13 * MIB])
def test_what_is_put_is_there_and_comes_back(
    kept: Kept, make_file: MakeFile, tmp_path: Path, size: int
) -> None:
    file = make_file(size)
    receipt = kept.place.put(file.name, file.path)
    assert (receipt.name, receipt.size, receipt.sha256) == (
        file.name,
        size,
        file.print.sha256,
    )
    assert kept.inside() == {file.name: file.path.read_bytes()}
    listed = kept.place.list()
    assert [(each.name, each.size) for each in listed] == [(file.name, size)]
    assert listed[0].modified is not None
    target = tmp_path / "back"
    kept.place.get(file.name, target, expected=file.print)
    assert target.read_bytes() == file.path.read_bytes()
    assert [each.name for each in tmp_path.glob(".*.part")] == []


def test_progress_counts_what_is_sent_and_what_is_read_back(
    kept: Kept, make_file: MakeFile
) -> None:
    file, seen = make_file(3 * MIB), list[tuple[int, int]]()
    kept.place.put(file.name, file.path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6 * MIB, 6 * MIB)
    assert {total for _, total in seen} == {6 * MIB}
    assert sorted(seen) == seen
    assert len(seen) > 4


def test_a_repeat_of_the_same_bytes_is_a_success_and_other_bytes_never_replace_them(
    kept: Kept, make_file: MakeFile
) -> None:
    file, other = make_file(MIB), make_file(MIB)
    kept.place.put(file.name, file.path)
    sent = kept.cutter.sent
    kept.place.put(file.name, file.path)
    assert kept.cutter.sent - sent < MIB // 2, "it was sent a second time"
    with pytest.raises(RuleError) as refused:
        kept.place.put(file.name, other.path)
    assert code_of(refused) == "place.exists"
    assert kept.inside() == {file.name: file.path.read_bytes()}


@pytest.mark.parametrize(
    "cuts",
    [
        [("up", 100_000), ("up", 9 * MIB), ("down", 40_000), ("down", 7 * MIB)],
        [("up", MIB)] * 5,
    ],
    ids=["both ways", "five times in a row"],
)
def test_cut_connections_end_in_the_same_bytes(
    kept: Kept, make_file: MakeFile, waits: Waits, cuts: list[tuple[str, int]]
) -> None:
    file = make_file(13 * MIB)
    kept.cutter.cuts = list(cuts)
    kept.place.put(file.name, file.path)
    assert kept.cutter.done == len(cuts)
    assert len(waits.seconds) >= len(cuts)
    assert kept.inside()[file.name] == file.path.read_bytes()
    assert [each.name for each in kept.place.list()] == [file.name]


def test_an_upload_goes_on_with_the_parts_that_are_there(kept: Kept, make_file: MakeFile) -> None:
    if not kept.part:
        pytest.skip("WebDAV has no way to go on with an upload")
    file = make_file(3 * kept.part)
    kept.cutter.cuts = [("up", 2 * kept.part + MIB)]
    kept.place.put(file.name, file.path)
    assert kept.cutter.done == 1
    assert kept.cutter.sent < 4 * kept.part + MIB


def test_a_download_goes_on_where_it_was(kept: Kept, make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(13 * MIB)
    kept.place.put(file.name, file.path)
    answered = kept.cutter.answered
    kept.cutter.cuts = [("down", 10 * MIB), ("down", 2 * MIB)]
    kept.place.get(file.name, tmp_path / "back", expected=file.print)
    assert kept.cutter.done == 2
    assert (tmp_path / "back").read_bytes() == file.path.read_bytes()
    assert kept.cutter.answered - answered < 20 * MIB  # and 25 from the beginning each time


def test_a_lost_answer_is_no_second_archive(kept: Kept, make_file: MakeFile) -> None:
    """The server has everything; its answer to the last request is cut off."""
    file = make_file(2 * MIB)
    kept.place.check()
    kept.cutter.cuts = [("down", 0)] * 3
    kept.place.put(file.name, file.path)
    assert kept.inside() == {file.name: file.path.read_bytes()}


LAST = {
    "WebDavPlace": (re.compile(rb"^MOVE "), 0),
    "S3Place": (re.compile(rb"^POST \S+\?uploadId="), 0),
    "SupabasePlace": (re.compile(rb"^PATCH "), 2),
}


def test_the_answer_to_the_very_last_request_is_lost(kept: Kept, make_file: MakeFile) -> None:
    file = make_file(13 * MIB)
    kept.cutter.lose = LAST[type(kept.place).__name__]
    kept.place.put(file.name, file.path)
    assert kept.cutter.done == 1
    assert kept.inside() == {file.name: file.path.read_bytes()}
    assert kept.cutter.sent < 14 * MIB, "it was sent again"


def test_a_server_that_is_gone_is_given_up_and_rested_from(
    kept: Kept, make_file: MakeFile, waits: Waits
) -> None:
    file = make_file(1000)
    kept.cutter.down = True
    for _ in range(3):
        with pytest.raises(EnvironmentTrouble) as gone:
            kept.place.put(file.name, file.path)
        assert code_of(gone) == "place.unreachable"
    assert len(waits.seconds) == 15
    assert waits.seconds[:5] == [0.75, 1.5, 3.0, 6.0, 12.0]
    with pytest.raises(EnvironmentTrouble) as resting:
        kept.place.put(file.name, file.path)
    assert code_of(resting) == "place.resting"
    assert len(waits.seconds) == 15


def test_a_network_that_comes_back_is_enough(kept: Kept, make_file: MakeFile, waits: Waits) -> None:
    file = make_file(MIB)
    kept.cutter.down = True

    def back_after_three() -> None:
        kept.cutter.down = len(waits.seconds) < 3

    waits.meanwhile = back_after_three
    kept.place.put(file.name, file.path)
    assert kept.inside().keys() == {file.name}


def test_what_was_stored_otherwise_than_sent_is_no_success_and_is_removed(
    kept: Kept, make_file: MakeFile
) -> None:
    """One bit is another when it arrives."""
    file = make_file(2 * MIB)
    kept.cutter.flip_at = MIB
    with pytest.raises(EnvironmentTrouble) as altered:
        kept.place.put(file.name, file.path)
    assert code_of(altered) == "place.altered"
    assert kept.inside() == {}


@pytest.mark.parametrize("change", ["shorter", "longer", "other"])
def test_a_damaged_archive_is_not_handed_out(
    kept: Kept, make_file: MakeFile, tmp_path: Path, change: str
) -> None:
    file = make_file(MIB)
    kept.place.put(file.name, file.path)
    content = file.path.read_bytes()
    damaged = {
        "shorter": content[:-1],
        "longer": content + b"x",
        "other": b"y" + content[1:],
    }[change]
    kept.damage(file.name, damaged)
    for act in (
        lambda: kept.place.verify(file.name, file.print),
        lambda: kept.place.get(file.name, tmp_path / "back", expected=file.print),
    ):
        with pytest.raises(EnvironmentTrouble) as altered:
            act()
        assert code_of(altered) == "place.altered"
    assert not (tmp_path / "back").exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_cancelling_while_sending_leaves_no_archive(kept: Kept, make_file: MakeFile) -> None:
    """A server that is still busy with the upload may keep a part, which is swept up later."""
    file = make_file(10 * MIB)
    before = kept.cutter.sent
    with pytest.raises(Cancelled):
        kept.place.put(file.name, file.path, cancelled=lambda: kept.cutter.sent - before > 6 * MIB)
    assert kept.place.list() == []
    assert all(naming.is_part(name) for name in kept.inside())


def test_cancelling_while_fetching_leaves_nothing(
    kept: Kept, make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(8 * MIB)
    kept.place.put(file.name, file.path)
    before = kept.cutter.answered
    with pytest.raises(Cancelled):
        kept.place.get(
            file.name,
            tmp_path / "back",
            cancelled=lambda: kept.cutter.answered - before > 2 * MIB,
        )
    assert [each.name for each in tmp_path.iterdir() if "back" in each.name] == []
    assert list(tmp_path.glob(".*.part")) == []


def test_delete_and_missing(kept: Kept, make_file: MakeFile, tmp_path: Path) -> None:
    file = make_file(1000)
    kept.place.put(file.name, file.path)
    kept.place.delete(file.name)
    kept.place.delete(file.name)
    assert kept.inside() == {}
    for act in (
        lambda: kept.place.get(file.name, tmp_path / "back"),
        lambda: kept.place.verify(file.name, file.print),
    ):
        with pytest.raises(RuleError) as missing:
            act()
        assert code_of(missing) == "place.missing"


@pytest.mark.parametrize(
    "name",
    ["../secreto", "a/b.consultorio", "", ".part", "x" * 300, "0192f0c87d1e-%2e%2e.consultorio"],
)
def test_names_are_taken_from_an_allow_list(kept: Kept, make_file: MakeFile, name: str) -> None:
    file, sent = make_file(10), kept.cutter.sent
    for act in (
        lambda: kept.place.put(name, file.path),
        lambda: kept.place.delete(name),
        lambda: kept.place.verify(name, Fingerprint(1, "0")),
        lambda: kept.place.get(name, file.path.with_name("back")),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert code_of(refused) == "place.bad_name"
    assert kept.cutter.sent == sent


def test_a_file_that_is_in_the_way_is_not_overwritten(
    kept: Kept, make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(1000)
    kept.place.put(file.name, file.path)
    (tmp_path / "back").write_text("mine")
    with pytest.raises(RuleError) as refused:
        kept.place.get(file.name, tmp_path / "back")
    assert code_of(refused) == "place.file_exists"
    assert (tmp_path / "back").read_text() == "mine"


def test_nothing_secret_is_logged_or_said(
    kept: Kept, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = make_file(7 * MIB)
    kept.place.put(file.name, file.path)
    kept.cutter.down = True
    kept.cutter.cuts = [("up", 0)]
    with pytest.raises(EnvironmentTrouble) as gone:
        kept.place.verify(file.name, file.print)
    said = [record.getMessage() for record in caplog.records]
    said += [repr(gone.value.params), kept.place.label, repr(kept.place)]
    basic = base64.b64encode(f"{servers.WEBDAV_USER}:{servers.WEBDAV_PASSWORD}".encode())
    secrets = (servers.WEBDAV_PASSWORD, servers.S3_SECRET, PASSWORD, "Bearer", basic.decode())
    assert [line for line in said if any(secret in line for secret in secrets)] == []
