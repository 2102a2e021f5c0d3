"""Files to keep, places to keep them in, and the time that waiting takes: none."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from desktop.backup.places.base import Cancelled, Fingerprint, Place
from desktop.backup.places.naming import Kind, archive_name
from desktop.backup.places.retrying import Breaker, Patience, Retrying
from desktop.backup.places.s3 import S3Place
from desktop.backup.places.supabase import SupabasePlace
from desktop.backup.places.unfinished import Unfinished
from desktop.backup.places.webdav import WebDavPlace
from tests.backup.places import servers
from tests.backup.places.cutter import Cutter, cutting
from tests.backup.places.supabase_server import ANON, BUCKET, PASSWORD, USER, StorageServer

CLINIC = uuid.UUID("0192f0c8-7d1e-7c43-9a55-0242ac120002")
AT = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


@dataclass
class File:
    """A file to be kept, its archive's name, and its fingerprint."""

    path: Path
    name: str
    print: Fingerprint


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[int], File]:
    chance = random.Random(1)

    def make(size: int) -> File:
        content = chance.randbytes(size)
        digest = hashlib.sha256(content).hexdigest()
        path = tmp_path / f"{digest[:8]}.taken"
        path.write_bytes(content)
        name = archive_name(CLINIC, AT, Kind.FULL, 3, digest)
        return File(path, name, Fingerprint(size, digest))

    return make


@dataclass
class Waits:
    """Waits that take no time, and are counted."""

    seconds: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    def __call__(self, seconds: float, cancelled: Cancelled) -> None:
        self.seconds.append(seconds)
        if self.meanwhile is not None:
            self.meanwhile()


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def retrying(waits: Waits) -> Retrying:
    return Retrying("the place", Patience(), breaker=Breaker(), wait=waits, chance=lambda: 0.5)


@dataclass
class Kept:
    """A place behind a proxy, and what really lies in it."""

    place: Place
    cutter: Cutter
    inside: Callable[[], dict[str, bytes]]
    damage: Callable[[str, bytes], None]
    """Puts other bytes under a name, past the place."""
    part: int
    """Bytes of a part where uploads go on after a cut, else 0."""


@pytest.fixture(scope="session")
def webdav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder = tmp_path_factory.mktemp("webdav")
    with servers.webdav(folder) as port:
        yield port, folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[int]:
    with servers.s3() as port:
        yield port


@pytest.fixture(scope="session")
def s3_client(s3_server: int) -> Iterator[Any]:
    """The library itself, past the place."""
    client = botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{s3_server}",
        aws_access_key_id=servers.S3_KEY,
        aws_secret_access_key=servers.S3_SECRET,
    )
    yield client
    client.close()


@contextmanager
def webdav_place(port: int, folder: Path, retrying: Retrying) -> Iterator[Kept]:
    folder.mkdir()
    with cutting(port) as cutter:
        place = WebDavPlace(
            f"http://127.0.0.1:{cutter.port}/{folder.name}/",
            servers.WEBDAV_USER,
            servers.WEBDAV_PASSWORD,
            retrying,
        )
        yield Kept(
            place,
            cutter,
            lambda: {each.name: each.read_bytes() for each in folder.iterdir()},
            lambda name, content: (folder / name).write_bytes(content) and None,
            0,
        )
        place.close()


@pytest.fixture
def webdav(webdav_server: tuple[int, Path], retrying: Retrying, tmp_path: Path) -> Iterator[Kept]:
    port, root = webdav_server
    with webdav_place(port, root / tmp_path.name, retrying) as kept:
        yield kept


@pytest.fixture(scope="session")
def rclone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    if shutil.which("rclone") is None:
        pytest.skip("Debian's package rclone is not installed")
    folder = tmp_path_factory.mktemp("rclone")
    with servers.rclone(folder) as port:
        yield port, folder


@pytest.fixture
def rclone(rclone_server: tuple[int, Path], retrying: Retrying, tmp_path: Path) -> Iterator[Kept]:
    """The same protocol by another server: rclone's."""
    port, root = rclone_server
    with webdav_place(port, root / tmp_path.name, retrying) as kept:
        yield kept


@pytest.fixture
def s3(s3_server: int, s3_client: Any, retrying: Retrying) -> Iterator[Kept]:
    bucket = f"respaldos-{uuid.uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=bucket)

    def inside() -> dict[str, bytes]:
        listed = s3_client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            each["Key"].rpartition("/")[2]: s3_client.get_object(Bucket=bucket, Key=each["Key"])[
                "Body"
            ].read()
            for each in listed
        }

    def damage(name: str, content: bytes) -> None:
        s3_client.put_object(Bucket=bucket, Key=f"norte/{name}", Body=content)

    with cutting(s3_server) as cutter:
        place = S3Place(
            f"http://127.0.0.1:{cutter.port}",
            bucket,
            "norte",
            "us-east-1",
            servers.S3_KEY,
            servers.S3_SECRET,
            retrying,
        )
        yield Kept(place, cutter, inside, damage, 8 << 20)
        place.close()


@pytest.fixture
def storage() -> Iterator[StorageServer]:
    with StorageServer() as server:
        yield server


@pytest.fixture
def supabase(storage: StorageServer, retrying: Retrying, tmp_path: Path) -> Iterator[Kept]:
    with cutting(storage.port) as cutter:
        place = SupabasePlace(
            f"http://127.0.0.1:{cutter.port}",
            BUCKET,
            "norte",
            ANON,
            USER,
            PASSWORD,
            retrying,
            unfinished=Unfinished(tmp_path / "unfinished.json"),
        )

        def inside() -> dict[str, bytes]:
            return {key.rpartition("/")[2]: each.content for key, each in storage.objects.items()}

        def damage(name: str, content: bytes) -> None:
            storage.put(f"norte/{name}", content)

        yield Kept(place, cutter, inside, damage, 6 << 20)
        place.close()


@pytest.fixture(params=["webdav", "rclone", "s3", "supabase"])
def kept(request: pytest.FixtureRequest) -> Kept:
    """Each kind of place that is reached over a network."""
    found: Kept = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened
