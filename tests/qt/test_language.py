"""Qt's own words are in the program's language."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from desktop.qt.i18n import use_language


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", {"&Carpeta:", "&Nombre de archivo:", "&Tipo de archivo:"}),
        ("en", {"&Folder:", "File &name:", "Files of &type:"}),
    ],
)
def test_where_a_file_goes_is_asked_in_one_language(
    qtbot: QtBot, language: str, words: set[str]
) -> None:
    use_language(language)
    try:
        dialog = QFileDialog()
        qtbot.addWidget(dialog)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        assert {made.text() for made in dialog.findChildren(QLabel)} == words
    finally:
        use_language("es")
