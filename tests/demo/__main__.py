"""``make demo``, ``make web-booking`` and ``make screenshots``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import psycopg

from tests.demo import site
from tests.demo import world as worlds
from tests.demo.site import NotBooked, Visitor
from tests.demo.world import PASSWORD, World

EDGE, TITLE_BAR = 2, 32
"""Dots that a window manager adds to a window, about."""


def _display() -> bool:
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _play(where: Path, pictures: Path) -> int:
    where.mkdir(parents=True, exist_ok=True)
    density = int(os.environ.get("QT_SCALE_FACTOR", "1"))
    screen = {"name": "demo", "x": 0, "y": 0, "dpr": 1, "logicalDpi": 96, "logicalBaseDpi": 96}
    size = {"width": 1920 * density, "height": 1080 * density}
    (where / "screen.json").write_text(json.dumps({"screens": [screen | size]}), encoding="ascii")
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={where / 'screen.json'}"
    from tests.demo import day

    shift = worlds.hour_to_play()
    return day.play(worlds.build(where, shift), pictures, shift)


def _screenshots(folder: Path) -> int:
    """The day twice: on a screen of the usual density, and on one of twice as many dots."""
    for density in ("1", "2"):
        played = subprocess.run(
            [sys.executable, "-m", "tests.demo", "--headless", "--pictures", str(folder)],
            env=os.environ | {"QT_SCALE_FACTOR": density},
            check=False,
        )
        if played.returncode:
            return played.returncode
    return 0


def _stand_side_by_side(world: World) -> None:
    """Tell each workstation where its window stands, unless it remembers that from before."""
    from PySide6.QtCore import QRect
    from PySide6.QtWidgets import QApplication, QWidget

    from desktop.qt.settings import FILE_NAME, Settings
    from desktop.views.main_window import GEOMETRY, SMALLEST

    app = QApplication.instance() or QApplication(sys.argv[:1])
    room = QApplication.primaryScreen().availableGeometry()
    width = max(SMALLEST.width(), room.width() // 2 - 2 * EDGE)
    height = max(SMALLEST.height(), min(room.height() - TITLE_BAR, 900))
    ends = {world.reception: room.left() + EDGE, world.laptop: room.right() - width}
    for folder, left in ends.items():
        settings = Settings(folder / FILE_NAME)
        if not settings.get(GEOMETRY, ""):
            window = QWidget()
            window.setGeometry(QRect(left, room.top() + TITLE_BAR, width, height))
            settings.set(GEOMETRY, bytes(window.saveGeometry().toBase64().data()).decode("ascii"))
    del app


def _open(world: World) -> int:
    _stand_side_by_side(world)
    print(
        f"""
Two workstations of one clinic are open side by side.

    reception     sign in as  recepcion          password  {PASSWORD}
    practitioner  sign in as  {world.practitioner:<18} password  {PASSWORD}

Book on one and see it on the other; switch one to working offline and back.
`make web-booking` in another terminal books a published slot as the public site does.
Close both windows to end.
""",
        flush=True,
    )
    windows = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "desktop.app",
                "--data-dir",
                str(folder),
                "--passphrase-file",
                str(world.passphrase_file),
            ]
        )
        for folder in (world.reception, world.laptop)
    ]
    try:
        return max(window.wait() for window in windows)
    except KeyboardInterrupt:
        for window in windows:
            window.terminate()
        return 0


def _web_booking(where: Path) -> int:
    world = worlds.known(where)
    if world is None:
        print("There is no demo of today: run `make demo` first.", file=sys.stderr)
        return 1
    now = dt.datetime.now(dt.UTC)
    visitor = Visitor("Sofía Web Castro", "sofia.castro@example.com", "+56933333333")
    with psycopg.connect(world.web_dsn) as connection:
        offers = site.offers(connection, now, limit=1)
        if not offers:
            print("No slot is on offer: publish one first.", file=sys.stderr)
            return 1
        try:
            site.book(connection, offers[0].id, visitor, "Reservada desde la web")
        except NotBooked as told:
            print(f"Nothing was booked: {told}.", file=sys.stderr)
            return 1
    local = offers[0].starts_at.astimezone(worlds.ZONE)
    print(f"{visitor.name} booked {local:%d-%m-%Y %H:%M} with {offers[0].practitioner}.")
    return 0


def main() -> int:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="make demo")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("web-booking")
    screenshots = commands.add_parser("screenshots")
    screenshots.add_argument("folder", type=Path)
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--pictures", type=Path, default=Path("build/demo"))
    args = parser.parse_args()
    where = worlds.folder()
    if args.command == "web-booking":
        return _web_booking(where)
    if args.command == "screenshots":
        return _screenshots(args.folder.absolute())
    if args.headless or not _display():
        if not args.headless:
            print("There is no display, so the day is played without windows on a screen.")
        return _play(where, args.pictures.absolute())
    return _open(worlds.ready(where))


if __name__ == "__main__":
    sys.exit(main())
