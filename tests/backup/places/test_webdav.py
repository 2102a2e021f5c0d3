"""What is WebDAV's own: quota, leftovers, a collection that is not there, strange answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from desktop.backup.places.base import ABANDONED
from desktop.backup.places.retrying import Retrying
from desktop.backup.places.webdav import WebDavPlace
from desktop.domain.errors import EnvironmentTrouble
from tests.backup.places import servers
from tests.backup.places.conftest import File, Kept

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
