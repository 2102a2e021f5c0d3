"""Words for people: translation, and the sentence of an error.

Strings in the code are English; catalogues are gettext ``.po`` files, one per area, in
``resources/locale/<language>/``. The same English has the same translation everywhere.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from desktop.domain.errors import AppError
from desktop.domain.resources import resource_path

LANGUAGES = ("es", "en")
_language = "es"


def N_(text: str) -> str:
    """Marks ``text`` for translation where it is defined; it is translated where it is shown."""
    return text


def set_language(language: str) -> None:
    """From now on words come in ``es`` or ``en``; ``ValueError`` for another language."""
    global _language
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}")
    _language = language


def language() -> str:
    """The language in use: ``es`` or ``en``."""
    return _language


def _(text: str) -> str:
    """``text`` in the language in use."""
    return _translations(_language).gettext(text)


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form that fits ``count``, in the language in use; ``{n}`` is not filled in."""
    return _translations(_language).ngettext(singular, plural, count)


def catalogues(language: str) -> list[Path]:
    """The catalogue files of a language, in a fixed order."""
    return sorted(resource_path("locale", language).glob("*.po"))


@cache
def _translations(language: str) -> gettext.NullTranslations:
    merged: gettext.NullTranslations = gettext.NullTranslations()
    if language == "en":
        return merged
    for path in catalogues(language):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        area = gettext.GNUTranslations(compiled)
        area.add_fallback(merged)
        merged = area
    return merged


def sentence(error: BaseException) -> str:
    """What to tell a person of ``error``, in the language in use.

    An error that is not an :class:`AppError` gets the sentence of ``unexpected``: its text is for
    the crash report, not for the screen.
    """
    from desktop.domain.sentences import all_sentences

    sentences = all_sentences()
    if isinstance(error, AppError):
        return _(sentences[error.code]).format(**error.params)
    return _(sentences["unexpected"])
