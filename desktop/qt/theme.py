"""Light and dark: colours, spacing and type for every screen.

A view asks :func:`current_theme` for colours when it paints and redraws on
``theme_switch().themeChanged``; widgets are styled by the program's stylesheet and need nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from desktop.qt import icons, palette
from desktop.qt.stylesheet import stylesheet

CHOICES = ("system", "light", "dark")
TEXT_SCALES = (0.9, 1.0, 1.1, 1.25, 1.5)
_BASE_PX = 14
_RATIOS = {"small": 0.86, "base": 1.0, "heading": 1.14, "title": 1.43, "display": 1.86}
_FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Ubuntu", "Cantarell", "DejaVu Sans")


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances of the 8-pixel grid, in device-independent pixels."""

    xs: int = 4
    s: int = 8
    m: int = 12
    l: int = 16  # noqa: E741
    xl: int = 24
    xxl: int = 32


@dataclass(frozen=True)
class Theme:
    """One look.

    :ivar name: ``light`` or ``dark``.
    :ivar scale: of the text; 1.0 is 14 pixels.
    """

    name: str
    scale: float
    colours: MappingProxyType[str, str]
    spacing: Spacing = Spacing()

    def color(self, token: str) -> QColor:
        """The colour of a token of :mod:`desktop.qt.palette`; ``KeyError`` for another word."""
        return QColor(self.colours[token])

    def size(self, role: str = "base") -> int:
        """Pixels of ``small``, ``base``, ``heading``, ``title`` or ``display`` text."""
        return round(_BASE_PX * self.scale * _RATIOS[role])

    def px(self, length: float) -> int:
        """A length that grows with the text, in pixels."""
        return round(length * self.scale)

    def font(self, role: str = "base", *, bold: bool = False) -> QFont:
        """A font for painting; widgets get theirs from the stylesheet."""
        font = QFont(QApplication.font())
        font.setPixelSize(self.size(role))
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font

    def icon(self, name: str, colour: str = "text", active: str | None = None) -> QIcon:
        """An icon in a token's ``colour``, in ``active``'s where it is switched on."""
        return icons.icon(name, self.color(colour), self.color(active) if active else None)


def make_theme(name: str, scale: float = 1.0) -> Theme:
    """The theme ``light`` or ``dark``."""
    colours = {"light": palette.LIGHT, "dark": palette.DARK}[name]
    return Theme(name, scale, MappingProxyType(colours))


class ThemeSwitch(QObject):
    """Which look is on; there is one, :func:`theme_switch`.

    :ivar themeChanged: carries the new :class:`Theme`.
    """

    themeChanged = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.theme = make_theme("light")
        self.choice = "system"
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._following = False

    def apply(self, choice: str = "system", scale: float = 1.0) -> None:
        """Dress the application: ``system`` follows the desktop's light or dark."""
        if choice not in CHOICES:
            raise ValueError(f"no such theme: {choice}")
        app = QApplication.instance()
        if not isinstance(app, QApplication):
            raise TypeError("there is no application to dress")
        self.choice = choice
        if not self._following:
            self._following = True
            app.styleHints().colorSchemeChanged.connect(self._system_changed)
            app.setStyle(QStyleFactory.create("Fusion"))
            _choose_font(app)
        name = choice if choice != "system" else _system_scheme(app)
        self.theme = make_theme(name, scale)
        app.setPalette(_qt_palette(self.theme))
        app.setFont(self.theme.font())
        app.setStyleSheet(
            stylesheet(
                self.theme.colours,
                {role: self.theme.size(role) for role in _RATIOS},
                self._draw_icons(),
            )
        )
        self.themeChanged.emit(self.theme)

    def _system_changed(self) -> None:
        if self.choice == "system":
            self.apply("system", self.theme.scale)

    def _draw_icons(self) -> str:
        """The few pictures a stylesheet can only take from files, in the theme's colours."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="consultorio-theme-")
        folder = Path(self._folder.name) / self.theme.name
        if not folder.exists():
            folder.mkdir()
            for name, token in (
                ("chevron-down", "text_muted"),
                ("chevron-up", "text_muted"),
                ("check", "accent_text"),
            ):
                for suffix, ratio in (("", 1.0), ("@2x", 2.0)):
                    drawn = icons.pixmap(name, self.theme.colours[token], 16, ratio)
                    drawn.save(str(folder / f"{name}{suffix}.png"))
        return folder.as_posix()


_switch: ThemeSwitch | None = None


def theme_switch() -> ThemeSwitch:
    """The switch between looks."""
    global _switch
    if _switch is None:
        _switch = ThemeSwitch()
    return _switch


def current_theme() -> Theme:
    """The look that is on."""
    return theme_switch().theme


def _system_scheme(app: QApplication) -> str:
    return "dark" if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"


def _choose_font(app: QApplication) -> None:
    known = set(QFontDatabase.families())
    if not known:
        return
    for family in _FAMILIES:
        if family in known:
            font = QFont(family)
            font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
            app.setFont(font)
            return


def _qt_palette(theme: Theme) -> QPalette:
    made = QPalette()
    roles = QPalette.ColorRole
    for role, token in (
        (roles.Window, "canvas"),
        (roles.WindowText, "text"),
        (roles.Base, "surface"),
        (roles.AlternateBase, "surface_alt"),
        (roles.Text, "text"),
        (roles.PlaceholderText, "text_muted"),
        (roles.Button, "surface"),
        (roles.ButtonText, "text"),
        (roles.BrightText, "danger"),
        (roles.Link, "link"),
        (roles.LinkVisited, "link"),
        (roles.Highlight, "selection"),
        (roles.HighlightedText, "selection.text"),
        (roles.ToolTipBase, "text"),
        (roles.ToolTipText, "surface"),
        (roles.Light, "surface"),
        (roles.Midlight, "surface_alt"),
        (roles.Mid, "border"),
        (roles.Dark, "border_strong"),
        (roles.Shadow, "text"),
    ):
        made.setColor(role, theme.color(token))
    disabled = QPalette.ColorGroup.Disabled
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        made.setColor(disabled, role, theme.color("text_disabled"))
    return made
