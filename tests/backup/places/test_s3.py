"""What is S3's own: parts, conditions, what a server refuses, a computer with Amazon's settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from desktop.backup.places.retrying import Patience, Retrying
from desktop.backup.places.s3 import S3Place
from desktop.domain.errors import EnvironmentTrouble, RuleError
from tests.backup.places import servers
from tests.backup.places.conftest import File, Kept, Waits

MIB = 1 << 20
MakeFile = Callable[[int], File]


def uploads(kept: Kept) -> list[dict[str, Any]]:
    place = kept.place
    assert isinstance(place, S3Place)
    answer = place._client.list_multipart_uploads(Bucket=place._bucket)
    found: list[dict[str, Any]] = answer.get("Uploads", [])
    return found


def test_the_next_start_goes_on_with_the_parts_that_are_there(
    s3: Kept, make_file: MakeFile
) -> None:
    file = make_file(24 * MIB)

    def switched_off(done: int, _total: int) -> None:
        if done > 16 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3.place.put(file.name, file.path, progress=switched_off)
    assert len(uploads(s3)) == 1
    sent = s3.cutter.sent
    s3.place.put(file.name, file.path)
    assert s3.cutter.sent - sent < 10 * MIB
    assert uploads(s3) == []
    assert s3.inside() == {file.name: file.path.read_bytes()}


def give_up(kept: Kept) -> str:
    """The server forgets the upload that is under way, as by a rule of the bucket's owner; its id."""
    place, (upload,) = kept.place, uploads(kept)
    assert isinstance(place, S3Place)
    place._client.abort_multipart_upload(
        Bucket=place._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
    )
    return str(upload["UploadId"])


@pytest.mark.parametrize("cut_at", [4 * MIB, 12 * MIB, 20 * MIB])
def test_an_upload_that_the_server_forgot_between_two_tries_begins_again(
    s3: Kept, make_file: MakeFile, waits: Waits, cut_at: int
) -> None:
    file = make_file(24 * MIB)
    forgotten: list[str] = []

    def forget() -> None:
        if not forgotten:
            forgotten.append(give_up(s3))

    waits.meanwhile = forget
    s3.cutter.cuts = [("up", cut_at)]
    before = s3.cutter.sent
    receipt = s3.place.put(file.name, file.path)
    assert (s3.cutter.done, len(forgotten)) == (1, 1)
    assert s3.cutter.sent - before > 24 * MIB + cut_at - MIB  # all of it, after what was in vain
    assert (receipt.size, receipt.sha256) == (file.print.size, file.print.sha256)
    assert uploads(s3) == []
    assert s3.inside() == {file.name: file.path.read_bytes()}


def test_an_upload_that_the_server_forgot_while_the_program_was_off_begins_again(
    s3: Kept, make_file: MakeFile
) -> None:
    file = make_file(17 * MIB)

    def switched_off(done: int, _total: int) -> None:
        if done > 9 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3.place.put(file.name, file.path, progress=switched_off)
    give_up(s3)
    s3.place.put(file.name, file.path)
    assert uploads(s3) == []
    assert s3.inside() == {file.name: file.path.read_bytes()}


def test_a_server_that_forgets_every_upload_is_given_up(
    s3: Kept, make_file: MakeFile, waits: Waits
) -> None:
    file = make_file(9 * MIB)
    waits.meanwhile = lambda: give_up(s3) and None
    s3.cutter.cuts = [("up", 4 * MIB)] * 3
    with pytest.raises(EnvironmentTrouble) as said:
        s3.place.put(file.name, file.path)
    assert said.value.code == "place.unreachable"
    assert len(waits.seconds) == 3
    assert s3.inside() == {}


def test_parts_of_other_bytes_are_not_gone_on_with(s3: Kept, make_file: MakeFile) -> None:
    file, place = make_file(9 * MIB), s3.place
    assert isinstance(place, S3Place)
    begun = place._call("create_multipart_upload", Key=f"norte/{file.name}")["UploadId"]
    for number in (1, 2, 3):
        place._call(
            "upload_part",
            Key=f"norte/{file.name}",
            UploadId=begun,
            PartNumber=number,
            Body=b"x" * 5 * MIB,
        )
    place.put(file.name, file.path)
    assert s3.inside() == {file.name: file.path.read_bytes()}


def test_an_upload_is_swept_up_when_nobody_added_to_it_for_long(
    s3: Kept, make_file: MakeFile
) -> None:
    """Moto begins every upload in 2010; a part has the moment when it came."""
    runs, stopped, place = make_file(9 * MIB), make_file(9 * MIB), s3.place
    assert isinstance(place, S3Place)
    begun = place._call("create_multipart_upload", Key=f"norte/{runs.name}")["UploadId"]
    part = {"UploadId": begun, "PartNumber": 1, "Body": b"x" * MIB}
    place._call("upload_part", Key=f"norte/{runs.name}", **part)
    place._call("create_multipart_upload", Key=f"norte/{stopped.name}")
    place._call("create_multipart_upload", Key="norte/fotos.zip")
    assert place.sweep() == 1
    assert {each["Key"] for each in uploads(s3)} == {f"norte/{runs.name}", "norte/fotos.zip"}


def test_who_ends_second_under_a_name_overwrites_nothing(s3: Kept, make_file: MakeFile) -> None:
    for size in (1000, 9 * MIB):
        file, other = make_file(size), make_file(500)

        def meanwhile(done: int, total: int, file: File = file, other: File = other) -> None:
            if done == total // 2 and file.name not in s3.inside():
                s3.damage(file.name, other.path.read_bytes())

        with pytest.raises(RuleError) as refused:
            s3.place.put(file.name, file.path, progress=meanwhile)
        assert refused.value.code == "place.exists"
        assert s3.inside()[file.name] == other.path.read_bytes()


def test_a_bucket_that_is_not_there_is_said(
    s3_server: int, retrying: Retrying, make_file: MakeFile
) -> None:
    file = make_file(10)
    place = S3Place(
        f"http://127.0.0.1:{s3_server}", "no-such-bucket", "", "us-east-1", "k", "s", retrying
    )
    for act in (place.check, place.list, lambda: place.put(file.name, file.path)):
        with pytest.raises(EnvironmentTrouble) as missing:
            act()
        assert missing.value.code == "place.no_folder"
    place.close()


def test_amazons_own_settings_on_the_computer_are_not_looked_at(
    s3: Kept, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "otra-empresa")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "de-otra-empresa")
    old = s3.place
    assert isinstance(old, S3Place)
    place = S3Place(
        f"http://127.0.0.1:{s3.cutter.port}",
        old._bucket,
        "norte",
        "us-east-1",
        servers.S3_KEY,
        servers.S3_SECRET,
        old._retrying,
    )
    file = make_file(10)
    place.put(file.name, file.path)
    place.close()


class _Answers(BaseHTTPRequestHandler):
    answers: list[tuple[int, str]]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, code = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Connection", "close")
        self.send_header("Date", "Mon, 23 Nov 2026 12:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer


@pytest.fixture
def refusing() -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """A server with nothing but errors, as S3's reference lists them."""
    answers: list[tuple[int, str]] = []
    handler = type("Handler", (_Answers,), {"answers": answers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1], answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (403, "InvalidAccessKeyId", "place.signed_out"),
        (403, "SignatureDoesNotMatch", "place.signed_out"),
        (403, "AccessDenied", "place.refused"),
        (403, "RequestTimeTooSkewed", "place.clock"),
        (404, "NoSuchBucket", "place.no_folder"),
        (400, "EntityTooLarge", "place.too_big"),
        (507, "InsufficientStorage", "place.full"),
        (403, "QuotaExceeded", "place.full"),
        (503, "SlowDown", "place.unreachable"),
        (500, "InternalError", "place.unreachable"),
        (418, "Teapot", "place.unexpected"),
    ],
)
def test_what_a_server_refuses_is_said(
    refusing: tuple[int, list[tuple[int, str]]],
    waits: Waits,
    make_file: MakeFile,
    status: int,
    error: str,
    code: str,
) -> None:
    port, answers = refusing
    answers += [(404, "NoSuchKey"), (status, error)]
    file = make_file(10)
    retrying = Retrying("S3", Patience(tries=2), wait=waits)
    place = S3Place(f"http://127.0.0.1:{port}", "respaldos", "", "", "k", "s", retrying)
    with pytest.raises(EnvironmentTrouble) as said:
        place.put(file.name, file.path)
    assert said.value.code == code
    place.close()


def test_a_server_without_conditional_writes_is_written_to_after_a_look(
    refusing: tuple[int, list[tuple[int, str]]], waits: Waits, make_file: MakeFile
) -> None:
    port, answers = refusing
    answers += [(404, "NoSuchKey"), (501, "NotImplemented"), (200, ""), (403, "AccessDenied")]
    file = make_file(10)
    place = S3Place(
        f"http://127.0.0.1:{port}", "respaldos", "", "", "k", "s", Retrying("S3", wait=waits)
    )
    with pytest.raises(EnvironmentTrouble):
        place.put(file.name, file.path)
    assert answers == [(403, "AccessDenied")]
    assert place._conditions is False
    place.close()


def test_the_servers_clock_says_what_is_old() -> None:
    from desktop.backup.places.http import http_date

    assert http_date("Mon, 23 Nov 2026 12:00:00 GMT") == dt.datetime(
        2026, 11, 23, 12, tzinfo=dt.UTC
    )
    assert http_date("yesterday") is None
