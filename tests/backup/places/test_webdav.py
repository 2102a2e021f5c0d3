"""What is WebDAV's own: quota, leftovers, a collection that is not there, strange answers."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from desktop.backup.places.base import ABANDONED
from desktop.backup.places.retrying import Retrying
from desktop.backup.places.webdav import WebDavPlace
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.services import backups_steps as words
from desktop.services.backups_steps import Steps
from tests.backup.places import servers
from tests.backup.places.conftest import File, Kept, Waits
from tests.backup.places.cutter import cutting

MIB = 1 << 20
MakeFile = Callable[[int], File]


def test_what_a_killed_upload_left_is_swept_up_when_it_is_old(
    webdav: Kept, webdav_server: tuple[int, Path], tmp_path: Path, make_file: MakeFile
) -> None:
    folder, file = webdav_server[1] / tmp_path.name, make_file(10)
    left = folder / f".{file.name}.0123456789abcdef.part"
    other = folder / ".fotos.part"
    left.write_bytes(b"half")
    other.write_bytes(b"somebody's")
    assert webdav.place.sweep() == 0
    long_ago = time.time() - ABANDONED.total_seconds() - 60
    for path in (left, other):
        os.utime(path, (long_ago, long_ago))
    assert webdav.place.list() == []
    assert webdav.place.sweep() == 1
    assert webdav.inside().keys() == {other.name}


def test_a_wrong_password_and_a_missing_collection_are_said_at_once(
    webdav_server: tuple[int, Path], retrying: Retrying, make_file: MakeFile
) -> None:
    file, port = make_file(10), webdav_server[0]
    wrong = WebDavPlace(f"http://127.0.0.1:{port}/", servers.WEBDAV_USER, "otra", retrying)
    nowhere = WebDavPlace(
        f"http://127.0.0.1:{port}/no/existe",
        servers.WEBDAV_USER,
        servers.WEBDAV_PASSWORD,
        retrying,
    )
    for place, code in ((wrong, "place.signed_out"), (nowhere, "place.no_folder")):
        for act in (place.check, lambda p=place: p.put(file.name, file.path)):
            with pytest.raises(EnvironmentTrouble) as said:
                act()
            assert said.value.code == code
        place.close()


@pytest.mark.parametrize("server", ["webdav", "rclone"])
def test_who_ends_second_under_a_name_overwrites_nothing(
    request: pytest.FixtureRequest, server: str, make_file: MakeFile
) -> None:
    kept: Kept = request.getfixturevalue(server)
    file, other = make_file(2 * MIB), make_file(1000)

    def meanwhile(done: int, total: int) -> None:
        if done == total // 2:
            kept.damage(file.name, other.path.read_bytes())

    with pytest.raises(RuleError) as refused:
        kept.place.put(file.name, file.path, progress=meanwhile)
    assert refused.value.code == "place.exists"
    assert kept.inside()[file.name] == other.path.read_bytes()


@pytest.mark.parametrize("server", ["webdav", "rclone"])
def test_no_server_goes_on_with_an_upload(
    request: pytest.FixtureRequest, server: str, make_file: MakeFile
) -> None:
    """WsgiDAV refuses a part of a file; rclone's takes it for the whole: so nobody may try it."""
    kept: Kept = request.getfixturevalue(server)
    place, file = kept.place, make_file(10)
    assert isinstance(place, WebDavPlace)
    kept.damage(file.name, b"0123456789")
    answer = place._http.ask(
        "PUT",
        place._url(file.name),
        fine={201, 204, 400},
        headers={"Content-Range": "bytes 10-15/16"},
        content=[b"abcdef"],
    )
    whole = b"0123456789" if answer.status == 400 else b"abcdef"
    assert kept.inside() == {file.name: whole}


@pytest.mark.parametrize("server", ["webdav", "rclone"])
def test_an_upload_that_was_cut_begins_again_says_so_and_leaves_nothing(
    request: pytest.FixtureRequest, server: str, make_file: MakeFile, waits: Waits
) -> None:
    kept: Kept = request.getfixturevalue(server)
    file, told, most = make_file(6 * MIB), dict[str, None](), 0
    steps = Steps(lambda _done, _total, step: told.update({step: None}), words.KEEPING)

    def look() -> None:
        nonlocal most
        most = max(most, len(kept.inside()))

    waits.meanwhile = look
    kept.cutter.cuts = [("up", 4 * MIB)] * 4
    kept.place.put(file.name, file.path, progress=steps.again(words.KEEPING_AGAIN))
    assert kept.cutter.done == 4
    assert kept.inside() == {file.name: file.path.read_bytes()}
    assert most < 4, "what was cut stays until the end"
    assert list(told) == ["Guardando las copias…", "Se cortó la conexión; enviando de nuevo…"]
    assert steps.step == words.KEEPING


class _Scripted(BaseHTTPRequestHandler):
    answer: tuple[int, bytes]
    seen: list[str]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _say(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(self.command)
        status, body = self.answer
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PROPFIND = do_PUT = do_MOVE = do_GET = do_DELETE = _say


@pytest.fixture
def scripted(retrying: Retrying) -> Iterator[Callable[[int, bytes], tuple[WebDavPlace, list[str]]]]:
    """A server that answers one thing to everything."""
    running = []

    def start(status: int, body: bytes) -> tuple[WebDavPlace, list[str]]:
        seen: list[str] = []
        handler = type("Handler", (_Scripted,), {"answer": (status, body), "seen": seen})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        place = WebDavPlace(f"http://127.0.0.1:{server.server_address[1]}", "u", "p", retrying)
        running.append((server, thread, place))
        return place, seen

    yield start
    for server, thread, place in running:
        place.close()
        server.shutdown()
        thread.join()
        server.server_close()


def multistatus(props: str) -> bytes:
    return (
        '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/</d:href>'
        f"<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype>{props}</d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    ).encode()


Scripted = Callable[[int, bytes], tuple[WebDavPlace, list[str]]]


def test_the_quota_is_asked_before_anything_is_sent(
    scripted: Scripted, make_file: MakeFile
) -> None:
    file = make_file(2 * MIB)
    body = multistatus("<d:quota-available-bytes>1000000</d:quota-available-bytes>")
    place, seen = scripted(207, body)
    place._find = lambda name: None  # type: ignore[method-assign, assignment]
    assert place.free_space() == 1_000_000
    with pytest.raises(EnvironmentTrouble) as full:
        place.put(file.name, file.path)
    assert full.value.code == "place.full"
    assert set(seen) == {"PROPFIND"}
    unlimited, _ = scripted(207, multistatus(""))
    assert unlimited.free_space() is None


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (207, b"<html>router login</html", "place.unexpected"),
        (200, b"<html>a page</html>", "place.unexpected"),
        (
            207,
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><multistatus>&b;</multistatus>',
            "place.unexpected",
        ),
        (207, b'<a xmlns="DAV:">' + b"<b/>" * (5 << 20), "place.unexpected"),
        (301, b"", "place.unexpected"),
        (507, b"", "place.full"),
        (403, b"", "place.refused"),
        (413, b"", "place.too_big"),
        (423, b"", "place.unreachable"),
    ],
    ids=["broken", "a page", "entities", "endless", "moved", "full", "forbidden", "big", "locked"],
)
def test_strange_answers_are_said(scripted: Scripted, status: int, body: bytes, code: str) -> None:
    place, _ = scripted(status, body)
    with pytest.raises(EnvironmentTrouble) as said:
        place.list()
    assert said.value.code == code


class _OwnRanges(BaseHTTPRequestHandler):
    """Serves one file, with an understanding of ranges of its own."""

    name: str
    content: bytes
    way: str
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._say(
            207,
            (
                f'<multistatus xmlns="DAV:"><response><href>/{self.name}</href><propstat><prop>'
                f"<getcontentlength>{len(self.content)}</getcontentlength></prop>"
                "<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
            ).encode(),
        )

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        if asked is None or self.way == "ignores":
            self._say(200, self.content)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        start += {"early": -1000, "late": 1000, "none": 0}[self.way]
        size = len(self.content)
        told = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        self._say(206, self.content[start:], {} if self.way == "none" else told)

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Connection": "close"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the other end was cut off
            self.wfile.write(body)


@pytest.mark.parametrize(
    ("way", "comes_back"), [("ignores", True), ("early", True), ("late", False), ("none", False)]
)
def test_a_server_with_its_own_idea_of_ranges_gives_the_same_bytes_or_none(
    make_file: MakeFile,
    tmp_path: Path,
    retrying: Retrying,
    stack: ExitStack,
    way: str,
    comes_back: bool,
) -> None:
    file = make_file(6 * MIB)
    own = {"name": file.name, "content": file.path.read_bytes(), "way": way}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_OwnRanges,), own))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    cutter = stack.enter_context(cutting(server.server_address[1]))
    place = WebDavPlace(f"http://127.0.0.1:{cutter.port}", "u", "p", retrying)
    stack.callback(place.close)
    cutter.cuts = [("down", 4 * MIB)]
    if comes_back:
        place.get(file.name, tmp_path / "back", expected=file.print)
        assert (tmp_path / "back").read_bytes() == file.path.read_bytes()
    else:
        with pytest.raises(EnvironmentTrouble) as said:
            place.get(file.name, tmp_path / "back", expected=file.print)
        assert said.value.code == "place.unreachable"
        assert not (tmp_path / "back").exists()
    assert cutter.done == 1
