"""The file: whole or not there, never written over, readable by the office alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import stat
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.services import office_file
from desktop.services.office_file import Unsent
from sync.store import LocalTransaction, Operation, Rejection
from tests.office.conftest import told

TENANT = str(uuid.UUID(int=7))
NAME = "Rosa Ibáñez Leiva"
KEY = pyrage.x25519.Identity.generate()
MOMENT = dt.datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=dt.UTC)


def unsent(name: str = NAME, count: int = 2) -> Unsent:
    operation = Operation(
        "pacientes_cliente", 5 << 39 | 1, "I", {}, {"id": 5 << 39 | 1, "nombre_completo": name}
    )
    return Unsent(
        tenant=TENANT,
        device=5,
        label="Recepción",
        written_at=MOMENT,
        transactions=tuple(
            LocalTransaction(
                0, str(uuid.UUID(int=n)), 3, "client.create", "2026-11-23T12:00:00+00:00", (operation,)
            )
            for n in range(count)
        ),
        rejections=(
            Rejection(
                str(uuid.UUID(int=99)), "client.save", None, MOMENT, MOMENT, "conflict",
                {"columns": ["nombre_completo"]}, (operation,), None, None,
            ),
        ),
    )  # fmt: skip


def sealed(content: Unsent | None = None) -> bytes:
    return office_file.seal(content or unsent(), str(KEY.to_public()))


def read(path: Path, tenant: str = TENANT) -> Unsent:
    return office_file.read(path, str(KEY), tenant)


def resealed(path: Path, **head: object) -> None:
    """The same file with another head, as another program could write it."""
    first, *rest = pyrage.decrypt(sealed(), [KEY]).decode().splitlines()
    lines = [json.dumps(json.loads(first) | head), *rest]
    path.write_bytes(pyrage.encrypt("\n".join(lines).encode(), [KEY.to_public()]))


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "uno.envio"
    office_file.write_new(path, sealed())
    assert read(path) == unsent()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["uno.envio"]
    content = path.read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    for private in (NAME, "pacientes_cliente", "Recepción", TENANT):
        assert private.encode() not in content


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "uno.envio"
    content = dataclasses.replace(unsent(), label=" ".join(names))
    path.write_bytes(sealed(content))
    assert read(path) == content


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "uno.envio"
    path.write_text("de otro")
    told("file.exists", lambda: office_file.write_new(path, sealed()))
    assert path.read_text() == "de otro"
    assert [p.name for p in tmp_path.iterdir()] == ["uno.envio"]
    told("office.not_written", lambda: office_file.write_new(tmp_path / "no" / "x", b""))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    path = tmp_path / "disco"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_a_full_disk_leaves_nothing_behind(disk: Path) -> None:
    content = sealed(unsent("x" * 40_000))
    told("office.disk_full", lambda: office_file.write_new(disk / "uno.envio", content))
    assert list(disk.iterdir()) == []
    office_file.write_new(disk / "uno.envio", sealed())
    assert read(disk / "uno.envio") == unsent()


CONTENT = sealed()


@given(at=st.integers(0, len(CONTENT) - 1), bit=st.integers(0, 7))
def test_a_changed_file_is_never_used(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("changed") / "uno.envio"
    content = bytearray(CONTENT)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(office_file.RuleError) as raised:
        read(path)
    assert raised.value.code in {"office.unreadable", "office.other_clinic", "office.altered"}


@given(length=st.integers(0, len(CONTENT) - 1))
def test_a_cut_file_is_never_used(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "uno.envio"
    path.write_bytes(CONTENT[:length])
    with pytest.raises(office_file.RuleError) as raised:
        read(path)
    assert raised.value.code in {"office.unreadable", "office.altered"}


def test_what_is_not_for_this_office(tmp_path: Path) -> None:
    path = tmp_path / "uno.envio"
    told("office.unreadable", lambda: read(path))
    path.write_text('{"kind": "consultorio-outbox"}')
    told("office.unreadable", lambda: read(path))
    other = pyrage.x25519.Identity.generate()
    path.write_bytes(office_file.seal(unsent(), str(other.to_public())))
    told("office.other_clinic", lambda: read(path))
    path.write_bytes(sealed())
    told("office.other_clinic", lambda: read(path, str(uuid.UUID(int=8))))
    resealed(path, format=office_file.FORMAT + 1)
    told("office.too_new", lambda: read(path))
    resealed(path, schema_version=1000)
    told("office.too_new", lambda: read(path))
    resealed(path, transactions=3)
    told("office.altered", lambda: read(path))
    resealed(path, kind="otra cosa")
    told("office.unreadable", lambda: read(path))
    strange = Operation("personal_secreto", 1, "I", {}, {"id": 1})
    made = dataclasses.replace(unsent().transactions[0], operations=(strange,))
    path.write_bytes(sealed(dataclasses.replace(unsent(), transactions=(made,))))
    told("office.too_new", lambda: read(path))


def test_a_key_is_one_or_is_refused() -> None:
    public = str(KEY.to_public())
    assert office_file.check_key(f" {public}\n") == public
    told("office.key_wrong", lambda: office_file.check_key("age1nada"))
