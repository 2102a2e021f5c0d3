"""What is Supabase's own: sessions, the service key, TUS, policies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.backup.places import secrets
from desktop.backup.places.retrying import Patience, Retrying
from desktop.backup.places.settings import PlaceKind, PlaceSettings, open_place
from desktop.backup.places.supabase import SupabasePlace
from desktop.backup.places.supabase_api import is_service_key
from desktop.backup.places.unfinished import Unfinished
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from desktop.domain.messages import sentence
from tests.backup.places.conftest import File, Kept, Waits
from tests.backup.places.supabase_server import (
    ANON,
    BUCKET,
    PASSWORD,
    SERVICE,
    USER,
    StorageServer,
    jwt,
)

MIB = 1 << 20
MakeFile = Callable[[int], File]


def place_of(
    storage: StorageServer,
    waits: Waits,
    *,
    bucket: str = BUCKET,
    key: str = ANON,
    password: str = PASSWORD,
    unfinished: Path | None = None,
    tries: int = 6,
    allow_service_key: bool = False,
) -> SupabasePlace:
    return SupabasePlace(
        f"http://127.0.0.1:{storage.port}",
        bucket,
        "norte",
        key,
        USER,
        password,
        Retrying("Supabase", Patience(tries=tries), wait=waits, chance=lambda: 0.5),
        unfinished=Unfinished(unfinished),
        allow_service_key=allow_service_key,
    )


def test_small_files_go_at_once_and_larger_ones_in_parts_of_6_mib(
    supabase: Kept, storage: StorageServer, make_file: MakeFile
) -> None:
    small, large = make_file(6 * MIB), make_file(13 * MIB)
    supabase.place.put(small.name, small.path)
    assert storage.parts == []
    supabase.place.put(large.name, large.path)
    assert storage.parts == [6 * MIB, 6 * MIB, MIB]
    assert not any("elsewhere" in request for request in storage.requests)


def test_the_next_start_goes_on_with_an_upload_that_was_cut(
    storage: StorageServer, make_file: MakeFile, waits: Waits, tmp_path: Path
) -> None:
    file, memory = make_file(19 * MIB), tmp_path / "unfinished.json"

    def switched_off(done: int, _total: int) -> None:
        if done > 12 * MIB:
            raise KeyboardInterrupt

    first = place_of(storage, waits, unfinished=memory)
    with pytest.raises(KeyboardInterrupt):
        first.put(file.name, file.path, progress=switched_off)
    first.close()
    assert storage.parts == [6 * MIB, 6 * MIB]
    assert PASSWORD not in memory.read_text()
    assert "http" not in memory.read_text()
    second = place_of(storage, waits, unfinished=memory)
    second.put(file.name, file.path)
    second.close()
    assert storage.parts == [6 * MIB, 6 * MIB, 6 * MIB, MIB]
    assert json.loads(memory.read_text()) == {}


def test_an_upload_that_the_server_forgot_begins_again(
    supabase: Kept, storage: StorageServer, make_file: MakeFile, waits: Waits
) -> None:
    file = make_file(13 * MIB)
    supabase.cutter.cuts = [("up", 8 * MIB)]
    waits.meanwhile = storage.uploads.clear
    supabase.place.put(file.name, file.path)
    assert storage.parts == [6 * MIB, 6 * MIB, 6 * MIB, MIB]
    assert supabase.inside() == {file.name: file.path.read_bytes()}


def test_who_ends_second_under_a_name_overwrites_nothing(
    supabase: Kept, storage: StorageServer, make_file: MakeFile
) -> None:
    file, other = make_file(7 * MIB), make_file(1000)
    storage.before_finish = lambda: storage.put(f"norte/{file.name}", other.path.read_bytes())
    with pytest.raises(RuleError) as refused:
        supabase.place.put(file.name, file.path)
    assert refused.value.code == "place.exists"
    assert supabase.inside() == {file.name: other.path.read_bytes()}


def test_a_session_that_ends_is_begun_again(
    supabase: Kept, storage: StorageServer, make_file: MakeFile, tmp_path: Path
) -> None:
    file = make_file(1000)
    supabase.place.put(file.name, file.path)
    storage.tokens.clear()
    assert [each.name for each in supabase.place.list()] == [file.name]
    storage.tokens.clear()
    supabase.place.verify(file.name, file.print)
    assert storage.requests.count("POST /auth/v1/token") == 3


def test_a_wrong_password_is_said_at_once(
    storage: StorageServer, waits: Waits, make_file: MakeFile
) -> None:
    file, place = make_file(10), place_of(storage, waits, password="otra")
    with pytest.raises(EnvironmentTrouble) as out:
        place.put(file.name, file.path)
    assert out.value.code == "place.signed_out"
    assert waits.seconds == []
    place.close()


def test_what_the_project_refuses_is_said(
    storage: StorageServer, waits: Waits, make_file: MakeFile
) -> None:
    storage.most = MIB
    for size in (2 * MIB, 7 * MIB):
        file, place = make_file(size), place_of(storage, waits)
        with pytest.raises(EnvironmentTrouble) as too_big:
            place.put(file.name, file.path)
        assert too_big.value.code == "place.too_big"
        place.close()
    elsewhere = place_of(storage, waits, bucket="otro-balde")
    with pytest.raises(EnvironmentTrouble) as no_bucket:
        elsewhere.check()
    assert no_bucket.value.code == "place.no_folder"
    elsewhere.close()


def test_a_policy_that_forbids_deleting_is_noticed(
    supabase: Kept, storage: StorageServer, make_file: MakeFile
) -> None:
    file = make_file(10)
    supabase.place.put(file.name, file.path)
    storage.may_delete = False
    with pytest.raises(EnvironmentTrouble) as refused:
        supabase.place.delete(file.name)
    assert refused.value.code == "place.refused"
    assert supabase.inside().keys() == {file.name}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 544])
def test_a_busy_server_is_waited_for(
    storage: StorageServer, waits: Waits, make_file: MakeFile, status: int
) -> None:
    file, place = make_file(1000), place_of(storage, waits)
    storage.flaws = [(status, {"Retry-After": "17"}), (status, {})]
    place.put(file.name, file.path)
    assert waits.seconds == [17.0, 1.5]
    place.close()


def test_a_server_that_asks_to_wait_for_a_day_is_not_obeyed(
    storage: StorageServer, waits: Waits, make_file: MakeFile
) -> None:
    file, place = make_file(1000), place_of(storage, waits)
    storage.flaws = [(503, {"Retry-After": "86400"})]
    place.put(file.name, file.path)
    assert waits.seconds == [60.0]
    place.close()


def test_a_redirect_takes_no_password_elsewhere(
    storage: StorageServer, waits: Waits, make_file: MakeFile
) -> None:
    file, place = make_file(1000), place_of(storage, waits)
    storage.flaws = [(307, {"Location": "https://ladron.invalid/auth"})]
    with pytest.raises(EnvironmentTrouble) as said:
        place.put(file.name, file.path)
    assert (said.value.code, said.value.params["status"]) == ("place.unexpected", 307)
    place.close()


def test_more_than_a_page_of_archives_is_listed(supabase: Kept, storage: StorageServer) -> None:
    for number in range(1005):
        name = f"0192f0c87d1e-20261123T120000Z-full-d3-{number:016x}.consultorio"
        storage.put(f"norte/{name}", b"x")
    storage.put("norte/notas.txt", b"mine")
    listed = supabase.place.list()
    assert len(listed) == 1005


# The service key ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [SERVICE, f"  {SERVICE}\n", "sb_secret_abcdef", jwt("supabase_admin")]
)
def test_a_service_key_is_recognised(key: str) -> None:
    assert is_service_key(key)


@pytest.mark.parametrize(
    "key", [ANON, jwt("authenticated"), "sb_publishable_abc", "", "a.b.c", "..", "x" * 500, "é.é.é"]
)
def test_other_keys_are_not(key: str) -> None:
    assert not is_service_key(key)


def test_a_token_of_another_shape_is_no_service_key() -> None:
    listed = base64.urlsafe_b64encode(b'["service_role"]').decode()
    assert not is_service_key(f"a.{listed}.c")


def test_a_service_key_is_taken_nowhere_and_the_sentence_says_why(
    storage: StorageServer, waits: Waits, memory_keyring: object
) -> None:
    settings = PlaceSettings(
        "nube",
        PlaceKind.SUPABASE,
        f"http://127.0.0.1:{storage.port}",
        bucket=BUCKET,
        user=USER,
        public_key=SERVICE,
    )
    attempts: list[Callable[[], object]] = [
        settings.check,
        lambda: open_place(settings, PASSWORD),
        lambda: place_of(storage, waits, key=SERVICE),
        lambda: secrets.keep_secret("w1", "nube", SERVICE),
    ]
    for attempt in attempts:
        with pytest.raises(AppError) as refused:
            attempt()
        assert refused.value.code == "place.service_key"
        assert "clave de servicio" in sentence(refused.value)
    assert storage.requests == []
    assert secrets.secret_of("w1", "nube") is None


def test_where_somebody_decided_so_the_service_key_works(
    storage: StorageServer, waits: Waits, make_file: MakeFile
) -> None:
    file, place = make_file(7 * MIB), place_of(storage, waits, key=SERVICE, allow_service_key=True)
    place.put(file.name, file.path)
    assert "POST /auth/v1/token" not in storage.requests
    place.close()
