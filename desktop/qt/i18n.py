"""The language of the program and of Qt's own words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from desktop.domain import messages

LOCALES = {
    "es": QLocale(QLocale.Language.Spanish, QLocale.Country.Chile),
    "en": QLocale(QLocale.Language.English, QLocale.Country.UnitedStates),
}
_installed: list[QTranslator] = []


def use_language(language: str) -> None:
    """From now on ``es`` or ``en``: our words, Qt's words (dialog buttons, menus) and QLocale.

    Widgets that are already built keep their words; the main window is built anew after a change.
    """
    messages.set_language(language)
    QLocale.setDefault(LOCALES[language])
    while _installed:
        QCoreApplication.removeTranslator(_installed.pop())
    if language == "en":
        return
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name in ("qtbase", "qt"):
        translator = QTranslator()
        if translator.load(f"{name}_{language}", folder):
            QCoreApplication.installTranslator(translator)
            _installed.append(translator)
