"""Light and dark can be read, and everything that is asked of a theme is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.domain.resources import resource_path
from desktop.domain.statuses import Status
from desktop.qt import palette
from desktop.qt.icons import pixmap
from desktop.qt.stylesheet import stylesheet
from desktop.qt.theme import TEXT_SCALES, current_theme, make_theme, theme_switch
from desktop.qt.widgets import Banner, ElidedLabel, IconButton

DESKTOP = Path(__file__).parents[2] / "desktop"
THEMES = {"light": palette.LIGHT, "dark": palette.DARK}


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``#rrggbb``."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_measured_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("text", "surface"), palette.READ_ON)
def test_what_is_written_can_be_read(name: str, text: str, surface: str) -> None:
    colours = THEMES[name]
    assert contrast(colours[text], colours[surface]) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("line", "surface"), palette.SEEN_ON)
def test_what_must_be_seen_is_seen(name: str, line: str, surface: str) -> None:
    colours = THEMES[name]
    assert contrast(colours[line], colours[surface]) >= 3


def test_both_palettes_have_the_same_tokens() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()


def test_every_text_on_a_surface_is_among_those_checked() -> None:
    checked = {text for text, _ in palette.READ_ON}
    written = {token for token in palette.LIGHT if token.endswith((".text", "_text"))}
    assert written - checked == set()


@pytest.mark.parametrize("name", THEMES)
def test_every_status_has_its_colours(name: str) -> None:
    theme = make_theme(name)
    for status in Status:
        for suffix in ("", ".text", ".bar"):
            assert theme.color(f"status.{status.value}{suffix}").isValid()


@pytest.mark.parametrize("name", THEMES)
def test_no_word_of_the_stylesheet_is_left_unfilled(name: str) -> None:
    sizes = {r: make_theme(name).size(r) for r in ("base", "small", "heading", "title", "display")}
    assert "@" not in stylesheet(THEMES[name], sizes, "icons")


def test_no_view_has_a_colour_of_its_own() -> None:
    hard = re.compile(r"#[0-9a-fA-F]{6}\b|QColor\(\s*[\"'\d]|Qt\.GlobalColor\.(?!transparent)")
    # The tokens, and what is put on white paper.
    own = {"palette.py", "printing.py", "paper.py", "key_sheet.py"}
    found = [
        f"{path.relative_to(DESKTOP)}:{number}"
        for folder in ("qt", "views")
        for path in sorted((DESKTOP / folder).rglob("*.py"))
        if path.name not in own
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if hard.search(line)
    ]
    assert found == []


def test_every_icon_that_is_named_is_there() -> None:
    named = set()
    for path in DESKTOP.rglob("*.py"):
        text = path.read_text("utf-8")
        named |= set(re.findall(r"icon=\"([a-z-]+)\"|\.icon\(\"([a-z-]+)\"", text))
    wanted = {name for pair in named for name in pair if name}
    there = {path.stem for path in resource_path("icons").glob("*.svg")}
    assert wanted
    assert wanted - there == set()


def test_an_icon_is_drawn_in_its_colour(dressed: QApplication) -> None:
    image = pixmap("check", "#ff0000", 32).toImage()
    seen = {
        image.pixelColor(x, y).name()
        for x in range(32)
        for y in range(32)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert seen == {"#ff0000"}


@pytest.mark.parametrize("name", THEMES)
def test_applying_a_theme_redraws_what_is_there(
    dressed: QApplication, qtbot: QtBot, name: str
) -> None:
    button = IconButton("Guardar", "primary", "check")
    qtbot.addWidget(button)
    theme_switch().apply("dark" if name == "light" else "light")
    before = _image(button.icon().pixmap(20, 20))
    with qtbot.waitSignal(theme_switch().themeChanged):
        theme_switch().apply(name)
    assert current_theme().name == name
    assert _image(button.icon().pixmap(20, 20)) != before


def _image(drawn: QPixmap) -> bytes:
    return bytes(drawn.toImage().constBits())


def test_the_system_choice_follows_the_desktop(dressed: QApplication) -> None:
    theme_switch().apply("system")
    scheme = dressed.styleHints().colorScheme()
    assert current_theme().name == ("dark" if scheme == Qt.ColorScheme.Dark else "light")


@pytest.mark.parametrize("scale", TEXT_SCALES)
def test_text_grows_with_the_scale(dressed: QApplication, qtbot: QtBot, scale: float) -> None:
    theme_switch().apply("light", scale)
    words = QLabel("Agenda")
    qtbot.addWidget(words)
    words.ensurePolished()
    assert words.font().pixelSize() == round(14 * scale)


def test_a_label_that_does_not_fit_is_whole_in_its_tooltip(
    dressed: QApplication, qtbot: QtBot
) -> None:
    text = "Clínica Odontológica y de Ortodoncia Los Aromos de Ñuñoa"
    words = ElidedLabel(text)
    qtbot.addWidget(words)
    words.resize(80, 20)
    words.show()
    assert words.toolTip() == text
    words.resize(900, 20)
    assert words.toolTip() == ""


def test_a_banner_without_words_takes_no_place(dressed: QApplication, qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    assert banner.isHidden()
    banner.show_text("Algo pasó", "danger")
    assert not banner.isHidden()
    assert banner.text == "Algo pasó"
