"""The parts that places are made of: names, addresses, settings, secrets, patience, copies."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import ssl
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.backup.places import naming, secrets
from desktop.backup.places.base import Cancelled as Asked
from desktop.backup.places.base import Place, never
from desktop.backup.places.copies import get_from_any, put_everywhere
from desktop.backup.places.folder import FolderPlace
from desktop.backup.places.http import checked_address
from desktop.backup.places.naming import ArchiveName, Kind, archive_name, parse
from desktop.backup.places.retrying import Breaker, Passing, Patience, Retrying, pause
from desktop.backup.places.settings import BackupSettings, PlaceKind, PlaceSettings, open_place
from desktop.backup.places.webdav import WebDavPlace
from desktop.backup.retention import Keep
from desktop.backup.schedule import Schedule
from desktop.domain.errors import EnvironmentTrouble, RuleError
from sync.errors import Cancelled
from tests.backup.places.conftest import File, Kept, Waits
from tests.support.memory_keyring import MemoryKeyring

MakeFile = Callable[[int], File]

# Names ------------------------------------------------------------------------------------------


@given(
    tenant=st.uuids(),
    at=st.integers(0, 4_000_000_000),
    kind=st.sampled_from(Kind),
    device=st.integers(0, 16383),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
)
def test_a_name_says_what_it_was_made_of(
    tenant: uuid.UUID, at: int, kind: Kind, device: int, digest: str
) -> None:
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    name = archive_name(tenant, moment, kind, device, digest)
    assert parse(name) == ArchiveName(tenant.hex[:12], moment, kind, device, digest[:16])
    assert name.isascii()
    assert len(name) < 100
    assert naming.is_part(naming.part_name(name, "0123456789abcdef"))
    assert parse(naming.part_name(name, "0123456789abcdef")) is None


@given(st.text(max_size=120))
def test_anything_else_is_no_name(text: str) -> None:
    assert parse(text) is None
    assert not naming.is_part(text)


@pytest.mark.parametrize(
    "name",
    [
        "0192f0c87d1e-20261323T120000Z-full-d3-0123456789abcdef.consultorio",  # month 13
        "0192f0c87d1e-20261123T120000Z-secret-d3-0123456789abcdef.consultorio",
        "0192f0c87d1e-20261123T120000Z-full-d3-0123456789abcdef.consultorio\n",
        "../92f0c87d1e-20261123T120000Z-full-d3-0123456789abcdef.consultorio",
        "0192f0c87d1e-20261123T120000Z-full-d03-0123456789abcdef.consultorio",
        "0192f0c87d1e-２0261123T120000Z-full-d3-0123456789abcdef.consultorio",
    ],
)
def test_what_only_looks_like_a_name_is_none(name: str) -> None:
    assert parse(name) is None


# Addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://nas.clinica.cl/dav", "place.plain_http"),
        ("ftp://nas/dav", "place.bad_address"),
        ("https://ana:clave123@nas/dav", "place.bad_address"),
        ("https://nas/dav?token=clave123", "place.bad_address"),
        ("https://nas/dav#x", "place.bad_address"),
        ("nas/dav", "place.bad_address"),
        ("https://", "place.bad_address"),
        ("https://nas:99999/", "place.bad_address"),
        ("https://[::1", "place.bad_address"),
    ],
)
def test_addresses_that_a_secret_is_not_sent_to(address: str, code: str) -> None:
    with pytest.raises(RuleError) as refused:
        checked_address(address)
    assert refused.value.code == code
    assert "clave123" not in str(refused.value.params)


def test_addresses_that_do() -> None:
    assert (
        checked_address(" https://nas.clinica.cl:8443/dav/ ") == "https://nas.clinica.cl:8443/dav"
    )
    assert checked_address("http://localhost:9000") == "http://localhost:9000"


@pytest.fixture
def own_authority(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that nobody but the clinic vouches for, and its key."""
    certificate, key = tmp_path / "nas.pem", tmp_path / "nas.key"
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl is not installed")
    return certificate, key


class _Collection(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (
            b'<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><resourcetype>'
            b"<collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>"
            b"</response></multistatus>"
        )
        self.send_response(207)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def over_tls(own_authority: tuple[Path, Path]) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collection)
    server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own_authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", [PlaceKind.WEBDAV, PlaceKind.S3, PlaceKind.SUPABASE])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    over_tls: int, kind: PlaceKind
) -> None:
    address = f"https://localhost:{over_tls}"
    settings = PlaceSettings("x", kind, address, bucket="respaldos", user="u", public_key="sb_p_x")
    place = open_place(settings, "clave", patience=Patience(tries=1))
    with pytest.raises(EnvironmentTrouble) as refused:
        place.check()
    assert refused.value.code == "place.untrusted"
    place.close()


def test_a_clinics_own_authority_is_believed_where_it_is_given(
    over_tls: int, own_authority: tuple[Path, Path], retrying: Retrying
) -> None:
    address = f"https://localhost:{over_tls}"
    trusting = WebDavPlace(address, "ana", "clave", retrying, ca_file=own_authority[0])
    trusting.check()
    trusting.close()
    with pytest.raises(RuleError) as no_file:
        WebDavPlace(address, "ana", "clave", retrying, ca_file=own_authority[0].with_name("no"))
    assert no_file.value.code == "place.bad_setting"


# Settings and secrets ---------------------------------------------------------------------------

NAS = PlaceSettings("nas", PlaceKind.WEBDAV, "https://nas.clinica.cl/dav", "El NAS", user="ana")
CLOUD = PlaceSettings(
    "nube",
    PlaceKind.S3,
    "https://s3.eu-west-1.amazonaws.com",
    bucket="respaldos",
    prefix="norte/2",
    region="eu-west-1",
    user="AKIA",
)


def test_settings_come_back_as_they_were_stored() -> None:
    stick = PlaceSettings("usb", PlaceKind.FOLDER, str(Path("/media/usb").absolute()))
    settings = BackupSettings(
        (stick, NAS, CLOUD), Schedule(hour=7, minute=30), Keep(yearly=10), automatic=False
    )
    text = settings.to_json()
    assert BackupSettings.from_json(text) == settings
    newer = json.loads(text) | {"format": 2, "colour": "red"}
    newer["schedule"]["moon"] = "full"
    assert BackupSettings.from_json(json.dumps(newer)) == settings
    assert BackupSettings.from_json("{}") == BackupSettings()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"places": [{"id": "x"}]}',
        '{"places": [{"id": "x", "kind": "ftp", "address": "/x"}]}',
        '{"places": 3}',
        '{"schedule": {"hour": 25}}',
        '{"schedule": {"hour": "13"}}',
        '{"schedule": {"hour": true}}',
        '{"keep": {"daily": 0}}',
    ],
)
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(RuleError) as refused:
        BackupSettings.from_json(text)
    assert refused.value.code == "place.bad_setting"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "El NAS"}, "id"),
        ({"id": ""}, "id"),
        ({"bucket": "a/b"}, "bucket"),
        ({"bucket": ""}, "bucket"),
        ({"prefix": "../x"}, "prefix"),
        ({"prefix": "/x"}, "prefix"),
        ({"prefix": "x//y"}, "prefix"),
        ({"region": "eu west"}, "region"),
        ({"user": "a\nb"}, "user"),
        ({"user": ""}, "user"),
        ({"label": "\x00"}, "label"),
    ],
)
def test_a_place_is_checked_by_allow_lists(change: dict[str, str], field: str) -> None:
    with pytest.raises(RuleError) as refused:
        replace(CLOUD, **change).check()  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.params["field"]) == ("place.bad_setting", field)


def test_two_places_of_one_id_and_a_folder_without_root_are_refused() -> None:
    for settings in (
        BackupSettings((NAS, NAS)),
        BackupSettings((PlaceSettings("usb", PlaceKind.FOLDER, "respaldos"),)),
    ):
        with pytest.raises(RuleError) as refused:
            settings.check()
        assert refused.value.code == "place.bad_setting"


def test_places_are_made_from_their_settings(tmp_path: Path) -> None:
    folder = open_place(PlaceSettings("usb", PlaceKind.FOLDER, str(tmp_path)), None)
    assert folder.label == str(tmp_path)
    for settings in (NAS, CLOUD):
        with pytest.raises(EnvironmentTrouble) as missing:
            open_place(settings, None)
        assert missing.value.code == "place.no_secret"
        opened = open_place(settings, "clave")
        assert settings.address in opened.label
        opened.close()


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "https://nas.invalid"])
@pytest.mark.parametrize("kind", [PlaceKind.WEBDAV, PlaceKind.S3, PlaceKind.SUPABASE])
def test_where_nobody_listens_or_no_such_name_exists_it_is_said(kind: PlaceKind, host: str) -> None:
    settings = PlaceSettings("x", kind, host, bucket="respaldos", user="u", public_key="sb_p_x")
    place = open_place(settings, "clave", patience=Patience(tries=1))
    with pytest.raises(EnvironmentTrouble) as gone:
        place.check()
    assert gone.value.code == "place.unreachable"
    place.close()


def test_a_secret_is_in_the_keyring_and_nowhere_else(memory_keyring: MemoryKeyring) -> None:
    assert secrets.secret_of("w1", "nas") is None
    secrets.keep_secret("w1", "nas", "clave-del-nas")
    secrets.keep_secret("w2", "nas", "otra")
    assert secrets.secret_of("w1", "nas") == "clave-del-nas"
    assert "clave-del-nas" not in BackupSettings((NAS,)).to_json()
    secrets.forget_secret("w1", "nas")
    secrets.forget_secret("w1", "nas")
    assert secrets.secret_of("w1", "nas") is None
    assert list(memory_keyring.entries.values()) == ["otra"]


def test_without_a_keyring_it_is_said(no_keyring: None) -> None:
    for act in (
        lambda: secrets.keep_secret("w1", "nas", "x"),
        lambda: secrets.secret_of("w1", "nas"),
    ):
        with pytest.raises(EnvironmentTrouble) as none:
            act()
        assert none.value.code == "secrets.no_keyring"


def test_a_locked_keyring_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise keyring.errors.KeyringLocked

    monkeypatch.setattr(keyring, "get_password", locked)
    monkeypatch.setattr(keyring, "set_password", locked)
    for act in (
        lambda: secrets.keep_secret("w1", "nas", "x"),
        lambda: secrets.secret_of("w1", "nas"),
    ):
        with pytest.raises(EnvironmentTrouble) as shut:
            act()
        assert shut.value.code == "secrets.keyring_locked"


# Patience ---------------------------------------------------------------------------------------


def test_getting_further_is_a_new_beginning(waits: Waits) -> None:
    done = [0]

    def step() -> str:
        if done[0] < 50:
            done[0] += 1
            raise Passing("cut")
        return "there"

    retrying = Retrying("x", Patience(tries=3), wait=waits, chance=lambda: 0.5)
    assert retrying.run(step, gained=lambda: done[0]) == "there"
    assert waits.seconds == [0.75] * 50


@given(st.integers(1, 1000), st.floats(0, 1e6), st.floats(0, 0.999))
def test_waits_are_spread_and_bounded(failures: int, asked: float, chance: float) -> None:
    patience = Patience(first=1, most=60)
    wait = patience.wait(failures, asked, chance)
    assert 0.5 <= wait <= 60
    assert wait >= min(asked, 60)


def test_a_place_that_fails_rests_then_one_may_try(waits: Waits) -> None:
    now = [0.0]
    breaker = Breaker(failures=2, rest_seconds=300, clock=lambda: now[0])
    retrying = Retrying("x", Patience(tries=1), breaker=breaker, wait=waits)

    def fail() -> None:
        raise Passing("no")

    def code() -> str:
        with pytest.raises(EnvironmentTrouble) as trouble:
            retrying.run(fail)
        return trouble.value.code

    assert [code(), code(), code()] == ["place.unreachable", "place.unreachable", "place.resting"]
    now[0] += 301
    assert [code(), code()] == ["place.unreachable", "place.resting"]
    now[0] += 301
    assert retrying.run(lambda: 1) == 1
    assert code() == "place.unreachable"
    assert code() == "place.unreachable"


def test_a_wait_ends_as_soon_as_a_person_cancels() -> None:
    asked = [0]

    def cancelled() -> bool:
        asked[0] += 1
        return asked[0] > 1

    with pytest.raises(Cancelled):
        pause(3600, cancelled)
    pause(0.001, never)


# Copies in two places ---------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> dict[str, Place]:
    for name in ("casa", "nube"):
        (tmp_path / name).mkdir()
    return {name: FolderPlace(tmp_path / name) for name in ("casa", "nube")}


def test_two_places_at_once(two: dict[str, Place], make_file: MakeFile) -> None:
    file, seen = make_file(3 << 20), list[tuple[int, int]]()
    copies = put_everywhere(
        two, file.name, file.path, progress=lambda done, total: seen.append((done, total))
    )
    assert copies.verified
    assert copies.complete
    assert copies.receipts.keys() == {"casa", "nube"}
    assert seen[-1] == (12 << 20, 12 << 20)
    assert sorted(seen) == seen


def test_one_place_that_fails_hinders_no_other(
    two: dict[str, Place], webdav: Kept, make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(1000)
    webdav.cutter.down = True
    (tmp_path / "nube").rmdir()
    copies = put_everywhere({**two, "nas": webdav.place}, file.name, file.path)
    assert copies.verified
    assert not copies.complete
    assert copies.receipts.keys() == {"casa"}
    assert {id_: each.code for id_, each in copies.errors.items()} == {
        "nube": "place.no_folder",
        "nas": "place.unreachable",
    }
    none = put_everywhere({"nube": two["nube"]}, file.name, file.path)
    assert not none.verified


def test_cancelling_ends_both(two: dict[str, Place], make_file: MakeFile, tmp_path: Path) -> None:
    file, calls = make_file(6 << 20), [0]

    def after_a_while() -> bool:
        calls[0] += 1
        return calls[0] > 16

    stop: Asked = after_a_while
    with pytest.raises(Cancelled):
        put_everywhere(two, file.name, file.path, cancelled=stop)
    for name in two:
        assert list((tmp_path / name).iterdir()) == []


def test_what_one_place_lost_comes_from_the_other(
    two: dict[str, Place], make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(1000)
    put_everywhere(two, file.name, file.path)
    (tmp_path / "casa" / file.name).write_bytes(b"rotten")
    found = get_from_any(two, file.name, tmp_path / "back", expected=file.print)
    assert found == "nube"
    assert (tmp_path / "back").read_bytes() == file.path.read_bytes()
    (tmp_path / "nube" / file.name).unlink()
    with pytest.raises(RuleError) as missing:
        get_from_any(two, file.name, tmp_path / "again", expected=file.print)
    assert missing.value.code == "place.missing"
    with pytest.raises(RuleError) as taken:
        get_from_any(two, file.name, tmp_path / "back", expected=file.print)
    assert taken.value.code == "place.file_exists"
    with pytest.raises(RuleError) as none:
        get_from_any({}, file.name, tmp_path / "again")
    assert none.value.code == "place.none"
