"""The recovery key as words that a person can write down, read aloud and type.

24 words of the list of BIP-39 (Spanish or English): the key's 32 bytes and eight bits of checksum. A
word is known by its first four letters, and accents do not matter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

from mnemonic import Mnemonic

from desktop.backup import keys
from desktop.backup.errors import ArchiveError

COUNT = 24
LANGUAGES = {"es": "spanish", "en": "english"}
_PREFIX = "AGE-SECRET-KEY-"
_HUMAN = "age-secret-key-"
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_KNOWN_BY = 4


def to_words(identity: str, language: str = "es") -> tuple[str, ...]:
    """The words of a private key. Raises ``backup_key.wrong``."""
    content = _identity_to_bytes(str(keys.read_identity(identity)))
    return tuple(_list(language).to_mnemonic(content).split())


def from_text(text: str, recipient: str | None = None) -> str:
    """The private key of typed words, or of a scanned code.

    :param recipient: the key's public half, where it is known: other words are then refused.

    Raises ``backup_key.words_count``, ``backup_key.word`` (which, and its place),
    ``backup_key.words_wrong``, ``backup_key.wrong``.
    """
    if text.strip().upper().startswith(_PREFIX):
        identity = str(keys.read_identity(text))
    else:
        identity = _from_words(text.replace(",", " ").split())
    if recipient is not None and keys.recipient_of(identity) != recipient:
        raise ArchiveError("backup_key.words_wrong")
    return identity


def _from_words(typed: Sequence[str]) -> str:
    words = [word for word in (_plain(word) for word in typed) if not word.strip(".)").isdigit()]
    if len(words) != COUNT:
        raise ArchiveError("backup_key.words_count", count=len(words))
    unknown: list[tuple[int, str]] = []
    for language in LANGUAGES:
        known = _known(language)
        found = [known.get(word, known.get(word[:_KNOWN_BY])) for word in words]
        if None in found:
            place = found.index(None)
            unknown.append((place, words[place]))
            continue
        mnemonic = _list(language)
        sentence = mnemonic.delimiter.join(word for word in found if word)
        if mnemonic.check(sentence):
            return _bytes_to_identity(bytes(mnemonic.to_entropy(sentence)))
    if len(unknown) == len(LANGUAGES):
        place, word = max(unknown)
        raise ArchiveError("backup_key.word", word=word, place=place + 1)
    raise ArchiveError("backup_key.words_wrong")


def _plain(word: str) -> str:
    """Lower case, without accents."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def _list(language: str) -> Mnemonic:
    return Mnemonic(LANGUAGES[language])


@cache
def _known(language: str) -> dict[str, str]:
    """Whole words and their first four letters, without accents → the word of the list."""
    words = _list(language).wordlist
    starts = {_plain(word)[:_KNOWN_BY]: word for word in words}
    return starts | {_plain(word): word for word in words}


# Bech32, in which age writes a private key; pyrage has no other way to its bytes ------------------


def _identity_to_bytes(identity: str) -> bytes:
    values = [_LETTERS.index(letter) for letter in identity.lower()[len(_HUMAN) + 1 : -6]]
    bits = "".join(f"{value:05b}" for value in values)[:256]
    return int(bits, 2).to_bytes(32, "big")


def _bytes_to_identity(content: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in content) + "0000"
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    human = [ord(letter) >> 5 for letter in _HUMAN] + [0] + [ord(letter) & 31 for letter in _HUMAN]
    check = _polymod([*human, *values, *[0] * 6]) ^ 1
    values += [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return (_HUMAN + "1" + "".join(_LETTERS[value] for value in values)).upper()


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, mask in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= mask if top >> place & 1 else 0
    return check
