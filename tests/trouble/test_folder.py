"""The folder is open elsewhere, its key missing or wrong, its cache gone: said, and left as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from desktop.app import Consultorio
from desktop.services import secrets
from desktop.services.cache import connect
from desktop.services.workstation import Workstation
from tests.support.clinic import PASSPHRASE
from tests.trouble.conftest import PATIENT, Post, Windows, says, told

HOLDER = """
import sys
from pathlib import Path
from desktop.services.session import open_session
session = open_session(Path(sys.argv[1]), passphrase=lambda: sys.argv[2])
print("open", flush=True)
sys.stdin.read()
session.close()
"""


@contextmanager
def open_elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A second process that has the workstation open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), PASSPHRASE],
        env=os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            yield holder
        finally:
            holder.kill()


@contextmanager
def _cache(post: Post) -> Iterator[sqlcipher.Connection]:
    """A connection to the encrypted file itself."""
    with Workstation.open(post.folder, passphrase=lambda: PASSPHRASE) as station:
        path, key = station.cache_path, station.cache_key
    connection = connect(path, key)
    try:
        yield connection
    finally:
        connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    """What must stay as it is."""
    return {name: (folder / name).read_bytes() for name in ("cache.db", "workstation.json")}


def start_window_says(windows: Windows, folder: Path, code: str) -> Consultorio:
    program = windows.start(folder)
    windows.wait(lambda: program.start is not None and program.start.banner.text)
    assert program.start is not None
    assert says(program.start.banner.text, code), program.start.banner.text
    assert says(windows.read(), code)
    return program


def opens_again(windows: Windows, program: Consultorio) -> None:
    """The person clicks "try again", and is asked who they are."""
    assert program.start is not None
    assert program.start.again.isVisible()
    program.start.again.click()
    windows.wait(lambda: program.window is not None)
    assert program.window is not None
    assert program.window.locked
    windows.end()


@pytest.mark.parametrize("killed", [False, True])
def test_a_second_process(post: Post, windows: Windows, killed: bool) -> None:
    waiting = post.work()
    with open_elsewhere(post.folder) as holder:
        told(post.run, "workstation.already_open", "sync", "--once")
        alone = post.run("sync", "--once", apart=True)
        assert (alone.code, says(alone.err, "workstation.already_open")) == (1, True)
        assert post.run("status", "--json").json["open_elsewhere"] is True
        program = start_window_says(windows, post.folder, "workstation.already_open")
        assert post.pending == waiting
        if killed:
            holder.kill()
        else:
            assert holder.stdin is not None
            holder.stdin.close()
        holder.wait(30)
        opens_again(windows, program)
    assert post.pending == waiting
    post.syncs()
    assert post.on_server() >= 1


def test_the_key_is_missing(post: Post, windows: Windows) -> None:
    waiting = post.work()
    before = contents(post.folder)
    aside = post.folder.parent / "llave"
    (post.folder / "secrets.bin").rename(aside)
    told(post.run, "secrets.key_missing", "sync", "--once")
    told(post.run, "secrets.key_missing", "status")
    program = start_window_says(windows, post.folder, "secrets.key_missing")
    assert contents(post.folder) == before
    aside.rename(post.folder / "secrets.bin")
    opens_again(windows, program)
    assert post.pending == waiting
    post.syncs()


def test_the_key_is_of_another_cache(post: Post, windows: Windows) -> None:
    waiting = post.work()
    before = contents(post.folder)
    vault = post.folder / "secrets.bin"
    kept = vault.read_bytes()
    secrets.save_with_passphrase(vault, secrets.Secrets.fresh(), PASSPHRASE)
    told(post.run, "cache.key_wrong", "sync", "--once")
    told(post.run, "cache.key_wrong", "status")
    program = start_window_says(windows, post.folder, "cache.key_wrong")
    assert contents(post.folder) == before
    vault.write_bytes(kept)
    opens_again(windows, program)
    assert post.pending == waiting
    post.syncs()


def test_the_passphrase_is_wrong(post: Post, windows: Windows) -> None:
    waiting = post.work()
    post.phrase.write_text("otra frase cualquiera\n", encoding="utf-8")
    told(post.run, "secrets.passphrase_wrong", "sync", "--once")
    program = windows.start(post.folder, "otra frase cualquiera")
    windows.wait(lambda: program.start is not None and program.start.passphrase.isVisible())
    start = program.start
    assert start is not None
    assert says(start.banner.text, "secrets.passphrase_wrong")
    start.passphrase.setText(PASSPHRASE)
    start.open.click()
    windows.wait(lambda: program.window is not None)
    windows.end()
    post.phrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    assert post.pending == waiting
    post.syncs()


def test_the_vault_is_damaged(post: Post, windows: Windows) -> None:
    waiting = post.work()
    vault = post.folder / "secrets.bin"
    kept = vault.read_bytes()
    vault.write_bytes(kept[:8])
    told(post.run, "secrets.damaged", "sync", "--once")
    program = start_window_says(windows, post.folder, "secrets.damaged")
    vault.write_bytes(kept)
    opens_again(windows, program)
    assert post.pending == waiting


def test_the_cache_is_missing(post: Post, windows: Windows) -> None:
    waiting = post.work()
    aside = post.folder.parent / "aparte"
    aside.mkdir()
    for path in post.folder.glob("cache.db*"):
        path.rename(aside / path.name)
    told(post.run, "cache.missing", "sync", "--once")
    told(post.run, "cache.missing", "status")
    program = start_window_says(windows, post.folder, "cache.missing")
    for path in aside.iterdir():
        path.rename(post.folder / path.name)
    opens_again(windows, program)
    assert post.pending == waiting
    post.syncs()


def test_a_cache_of_a_newer_program(post: Post, windows: Windows) -> None:
    waiting = post.work()
    with _cache(post) as cache:
        (kept,) = cache.execute("SELECT version_num FROM alembic_version").fetchone()
        cache.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
        told(post.run, "cache.too_new", "sync", "--once")
        program = start_window_says(windows, post.folder, "cache.too_new")
        cache.execute("UPDATE alembic_version SET version_num = ?", (kept,))
    opens_again(windows, program)
    assert post.pending == waiting
    post.syncs()


def test_a_damaged_cache_is_kept(post: Post, windows: Windows) -> None:
    post.work()
    with _cache(post) as cache:
        cache.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = post.folder / "cache.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    broken = path.read_bytes()
    told(post.run, "cache.damaged", "sync", "--once")
    program = start_window_says(windows, post.folder, "cache.damaged")
    assert path.read_bytes() == broken
    path.write_bytes(whole)
    opens_again(windows, program)
    assert post.pending == 1
    post.syncs()
    assert post.on_server(PATIENT) >= 1


WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel
from desktop import app
app.application()
def look():
    shown = [l for w in QApplication.topLevelWidgets() for l in w.findChildren(QLabel)]
    print("\\n".join(l.text() for l in shown if l.isVisible()))
    QApplication.quit()
QTimer.singleShot(500, look)
sys.exit(app.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("mode", "code"), [(0o644, "secret_file.open"), (None, "secret_file.missing")]
)
def test_the_graphical_program_without_its_passphrase_file(
    post: Post, mode: int | None, code: str
) -> None:
    """It has no terminal to complain to: it says why in its window, and asks."""
    if mode is None:
        post.phrase.unlink()
    else:
        post.phrase.chmod(mode)
    ended = subprocess.run(
        [
            *(sys.executable, "-c", WINDOW, "--data-dir", str(post.folder)),
            *("--passphrase-file", str(post.phrase)),
        ],
        env=os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert says(ended.stdout, code), ended.stdout
