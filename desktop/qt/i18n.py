"""The language of the program and of Qt's own words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from desktop.domain import messages
from desktop.domain.messages import N_

LOCALES = {
    "es": QLocale(QLocale.Language.Spanish, QLocale.Country.Chile),
    "en": QLocale(QLocale.Language.English, QLocale.Country.UnitedStates),
}
_installed: list[QTranslator] = []
_LEFT_OUT = {
    ("QFileDialog", "&Look in:"): N_("&Folder:"),
    ("QFileDialog", "File &name:"): N_("File &name:"),
    ("QFileDialog", "Files of &type:"): N_("Files of &type:"),
}
"""What Qt's own translation leaves out, or calls otherwise than we do, where people see it."""


class _LeftOut(QTranslator):
    """Our words for some of Qt's."""

    def translate(
        self,
        context: str,
        source: str,
        disambiguation: str | None = None,
        n: int = -1,
    ) -> str | None:
        """``None`` leaves it to the other translators."""
        own = _LEFT_OUT.get((context, source))
        return None if own is None else messages._(own)

    def isEmpty(self) -> bool:
        """Qt asks no empty translator."""
        return False


def use_language(language: str) -> None:
    """From now on ``es`` or ``en``: our words, Qt's words (dialog buttons, menus) and QLocale.

    Widgets that are already built keep their words; the main window is built anew after a change.
    """
    messages.set_language(language)
    QLocale.setDefault(LOCALES[language])
    while _installed:
        QCoreApplication.removeTranslator(_installed.pop())
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name in ("qtbase", "qt") if language != "en" else ():
        translator = QTranslator()
        if translator.load(f"{name}_{language}", folder):
            QCoreApplication.installTranslator(translator)
            _installed.append(translator)
    own = _LeftOut()
    QCoreApplication.installTranslator(own)
    _installed.append(own)
