"""Places over a network, described in the form as an administrator does, against real servers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PySide6.QtCore import Qt

from desktop.views.backups.asking import Asking
from desktop.views.backups.places import PlaceDialog, PlacesDialog
from tests.backup.places import servers, supabase_server
from tests.backup.places.conftest import (
    rclone_server,
    s3_client,
    s3_server,
    storage,
    webdav_server,
)
from tests.backup.screens.conftest import Desk
from tests.support.clinic import PASSWORD

__all__ = ["rclone_server", "s3_client", "s3_server", "storage", "webdav_server"]

HOST = "http://127.0.0.1"


@dataclass(frozen=True)
class Remote:
    """:ivar given: what is typed into the form. :ivar names: of what lies there."""

    kind: str
    given: dict[str, str]
    names: Callable[[], set[str]]


@pytest.fixture
def dav(webdav_server: tuple[int, Any]) -> Remote:
    return _dav(*webdav_server)


@pytest.fixture
def rclone(rclone_server: tuple[int, Any]) -> Remote:
    return _dav(*rclone_server)


def _dav(port: int, root: Any) -> Remote:
    folder = root / uuid.uuid4().hex
    folder.mkdir()
    given = {
        "address": f"{HOST}:{port}/{folder.name}/",
        "user": servers.WEBDAV_USER,
        "secret": servers.WEBDAV_PASSWORD,
    }
    return Remote("webdav", given, lambda: {each.name for each in folder.iterdir()})


@pytest.fixture
def s3(s3_server: int, s3_client: Any) -> Remote:
    bucket = f"respaldos-{uuid.uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=bucket)

    def names() -> set[str]:
        listed = s3_client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {each["Key"].rpartition("/")[2] for each in listed}

    given = {
        "address": f"{HOST}:{s3_server}",
        "bucket": bucket,
        "prefix": "norte",
        "region": "us-east-1",
        "user": servers.S3_KEY,
        "secret": servers.S3_SECRET,
    }
    return Remote("s3", given, names)


@pytest.fixture
def supabase(storage: supabase_server.StorageServer) -> Remote:
    given = {
        "address": f"{HOST}:{storage.port}",
        "bucket": supabase_server.BUCKET,
        "prefix": "norte",
        "public_key": supabase_server.ANON,
        "user": supabase_server.USER,
        "secret": supabase_server.PASSWORD,
    }
    return Remote(
        "supabase", given, lambda: {key.rpartition("/")[2] for key in list(storage.objects)}
    )


@pytest.fixture(params=["dav", "rclone", "s3", "supabase"])
def remote(request: pytest.FixtureRequest) -> Remote:
    found: Remote = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def settings(desk: Desk) -> Iterator[PlacesDialog]:
    """The dialog of places; afterwards the places are as they were."""
    backups, actor = desk.context.services.backups, desk.context.actor
    before = backups.settings()
    yield _opened(desk)
    desk.rest()
    backups.save_settings(actor, before)


def test_a_place_over_the_network_is_tried_taken_and_gets_backups_that_come_back(
    desk: Desk, settings: PlacesDialog, remote: Remote
) -> None:
    present = len(settings.places)
    place = _described(desk, settings, remote)
    if remote.kind != "s3":  # Moto lets everybody in
        place.form.editors["secret"].setText("otra-contraseña")
        place.test.click()
        told = desk.until(lambda: place.banner.text)
        assert "contraseña" in told or "usuario" in told
        place.form.editors["secret"].setText(remote.given["secret"])
    place.test.click()
    desk.until(lambda: place.banner.text == "Hay acceso y está listo.")
    assert remote.names() == set()
    place.primary.click()
    desk.until(lambda: len(settings.places) == present + 1)
    settings.primary.click()
    backups = desk.context.services.backups
    desk.until(lambda: len(backups.settings().places) == present + 1)
    desk.rest()
    assert remote.given["secret"] not in repr(backups.settings())

    desk.screen.take.click()
    desk.until(lambda: desk.screen.running.job is None and remote.names())
    desk.rest()
    assert desk.screen.card is not None
    made = desk.screen.card.item
    assert remote.names() == {made.name}
    assert "Servidor del norte" in {kept.label for kept in made.kept}

    again = _opened(desk)
    again._change(again.places[-1])
    place = desk.dialog(PlaceDialog)
    assert place.form.editors["secret"].text() == ""  # it isn't shown again, and stays
    place.form.label.setText("Servidor del sur")
    place.primary.click()
    desk.until(lambda: again.places[-1].label == "Servidor del sur")
    again.primary.click()
    desk.until(lambda: backups.settings().places[-1].label == "Servidor del sur")
    desk.rest()

    newer = backups.create(desk.context.actor, full=True)
    desk.screen.refresh(made.id)
    desk.until(lambda: desk.screen.card and desk.screen.card.item.id == made.id)
    desk.press(Qt.Key.Key_Delete)
    asking = desk.dialog(Asking)
    desk.give(asking.credentials, password=PASSWORD)
    asking.primary.click()
    desk.until(lambda: remote.names() == {newer.name})
    desk.rest()


def test_a_wrong_address_is_said_soon_and_can_be_corrected(
    desk: Desk, settings: PlacesDialog, remote: Remote
) -> None:
    """However often it was tried: what was wrong before doesn't make the right one wait."""
    present = list(settings.places)
    place = _described(desk, settings, remote)
    place.form.editors["address"].setText(f"{HOST}:1/")
    for press in (place.primary, place.test, place.primary):
        place.clear_error()
        press.click()
        desk.until(lambda: place.banner.isVisible() and place.primary.isEnabled())
        assert "no responde" in place.banner.text
        assert settings.places == present
    place.form.editors["address"].setText(remote.given["address"])
    place.primary.click()
    desk.until(lambda: len(settings.places) == len(present) + 1)
    settings.reject()


def _opened(desk: Desk) -> PlacesDialog:
    desk.press(Qt.Key.Key_E)
    dialog: PlacesDialog = desk.dialog(PlacesDialog)
    return dialog


def _described(desk: Desk, settings: PlacesDialog, remote: Remote) -> PlaceDialog:
    """The form of one more place, filled in."""
    settings.add.click()
    place: PlaceDialog = desk.dialog(PlaceDialog)
    place.form.kind.setCurrentIndex(place.form.kind.findData(remote.kind))
    assert set(place.form.editors) == set(remote.given)
    for key, text in remote.given.items():
        place.form.editors[key].setText(text)
    place.form.label.setText("Servidor del norte")
    return place
