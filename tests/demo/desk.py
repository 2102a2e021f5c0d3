"""A workstation of the demo, worked with the keyboard in this process, and its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.app import Consultorio
from desktop.qt.dialogs import Dialog, Toast
from desktop.qt.theme import theme_switch
from desktop.services.cache import Clock

PATIENCE = 60.0
"""Seconds until something that must happen counts as not happening."""
SIZE = (1366, 860)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Work off events until ``condition`` holds; its value. Raises TimeoutError, naming ``what``."""
    end = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for: {what}")
        QTest.qWait(4)


class Camera:
    """Takes each picture in the light and in the dark look, at the density of the screen."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.taken: list[Path] = []

    def take(self, name: str, shown: QWidget) -> None:
        """Save ``name-light.png`` and ``name-dark.png`` of a window, dialogs on it included.

        256 colours are enough for a screen, and a third of the bytes.
        """
        for look in ("dark", "light"):
            theme_switch().apply(look, theme_switch().theme.scale)
            for _round in range(3):
                QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
                QTest.qWait(40)
            picture = shown.grab()
            density = round(shown.devicePixelRatio())
            for dialog in shown.findChildren(Dialog):
                if dialog.isVisible():
                    self._lay_over(picture, shown, dialog)
            path = self.folder / f"{name}-{look}{'' if density == 1 else f'@{density}x'}.png"
            if not picture.save(str(path)):
                raise OSError(f"could not write {path}")
            with Image.open(path) as full:
                few = full.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
            self.taken.append(path)

    @staticmethod
    def _lay_over(picture: Any, window: QWidget, dialog: QWidget) -> None:
        from PySide6.QtGui import QColor, QPainter

        painter = QPainter(picture)
        painter.fillRect(window.rect(), QColor(0, 0, 0, 60))
        corner = window.rect().center() - dialog.rect().center()
        painter.drawPixmap(corner, dialog.grab())
        painter.end()


class Desk:
    """One workstation: its program, and the keys that a person presses on it."""

    def __init__(self, name: str, folder: Path, passphrase: str, clock: Clock) -> None:
        self.name = name
        self.program = Consultorio(folder, passphrase=passphrase, clock=clock)
        self.program.begin()
        until(lambda: self.program.window is not None, f"{name} opens")
        self.window.resize(*SIZE)

    @property
    def window(self) -> Any:
        return self.program.window

    @property
    def workspace(self) -> Any:
        return self.window.workspace

    @property
    def services(self) -> Any:
        assert self.program.session is not None
        return self.program.session.services

    @property
    def state(self) -> str:
        return str(self.workspace.status_bar.status.state)

    @property
    def pending(self) -> int:
        return int(self.workspace.status_bar.status.pending)

    def sign_in(self, username: str, password: str) -> None:
        """Type who it is; wait for the workspace and the first exchange."""
        page = self.window.signin
        page.username.setText("")
        QTest.keyClicks(page.username, username)
        QTest.keyClicks(page.password, password)
        QTest.keyClick(page.password, Qt.Key.Key_Return)
        until(lambda: self.workspace is not None, f"{username} is let in at {self.name}")
        self.work_offline(False)

    def work_offline(self, offline: bool) -> None:
        """Turn the switch of the status bar."""
        switch = self.workspace.status_bar.offline
        if switch.isChecked() != offline:
            switch.click()
        bar = self.workspace.status_bar
        until(
            lambda: bar.status.switched_off if offline else self.state == "in_step",
            f"{self.name} works {'without' if offline else 'with'} the network",
        )

    def show(self, key: str) -> Any:
        """A screen, in front, in the window that hears the keys."""
        self.window.activateWindow()
        until(lambda: QApplication.activeWindow() is self.window, f"{self.name} has the keys")
        self.workspace.show_screen(key)
        return self.workspace.view(key)

    def settle(self) -> None:
        """Until nothing is under way and what changed is shown."""
        jobs = self.program.jobs
        for _round in range(2):
            until(lambda: not jobs.busy, f"{self.name} has nothing under way")
            QTest.qWait(40)
        for toast in self.window.findChildren(Toast):
            toast.hide()

    def dialog(self, kind: type[Dialog] = Dialog) -> Any:
        """The dialog that is open."""
        return until(
            lambda: next((d for d in self.window.findChildren(kind) if d.isVisible()), None),
            f"a dialog at {self.name}",
        )

    def end(self) -> None:
        self.program.end()
