"""Keys of archives: who opens them, who signs them, and how a person keeps one on paper."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import io
import random

import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from desktop.backup import keys, recovery
from desktop.backup.errors import ArchiveError
from desktop.reports import recovery_key

WORDS = recovery.to_words(keys.new_clinic_keys().recovery_identity)


def refused(text: str, recipient: str | None = None) -> ArchiveError:
    with pytest.raises(ArchiveError) as error:
        recovery.from_text(text, recipient)
    return error.value


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(recovery.LANGUAGES)), st.sampled_from(["", ".", ")", "."]))
def test_words_give_the_key_back_however_they_are_typed(language: str, mark: str) -> None:
    made = keys.new_clinic_keys()
    words = recovery.to_words(made.recovery_identity, language)
    plain = [recovery._plain(word) for word in words]
    for text in (
        " ".join(words),
        "\n".join(words).upper(),
        ", ".join(plain),
        " ".join(word[:4] for word in plain),
        " ".join(f"{place}{mark} {word}" for place, word in enumerate(words, 1)),
        made.recovery_identity.lower(),
    ):
        found = recovery.from_text(text, made.recovery_recipient)
        assert found == made.recovery_identity


def test_too_few_words() -> None:
    error = refused(" ".join(WORDS[:-1]))
    assert (error.code, error.params) == ("backup_key.words_count", {"count": 23})


def test_a_word_that_is_none() -> None:
    error = refused(" ".join([*WORDS[:9], "xilofonista", *WORDS[10:]]))
    assert error.code == "backup_key.word"
    assert error.params == {"word": "xilofonista", "place": 10}


def test_nearly_every_mistake_in_the_words_is_noticed_and_all_where_the_key_is_known() -> None:
    """The checksum has eight bits; the public half leaves nothing to chance."""
    chance = random.Random(3)
    made = keys.new_clinic_keys()
    words = list(recovery.to_words(made.recovery_identity))
    known = recovery._list("es").wordlist
    missed = 0
    for _ in range(400):
        typed = list(words)
        if chance.random() < 0.5:
            one, other = chance.sample(range(24), 2)
            typed[one], typed[other] = typed[other], typed[one]
        else:
            typed[chance.randrange(24)] = chance.choice(known)
        if typed == words:
            continue
        assert refused(" ".join(typed), made.recovery_recipient).code == "backup_key.words_wrong"
        with contextlib.suppress(ArchiveError):
            recovery.from_text(" ".join(typed))
            missed += 1
    assert missed < 12


def test_a_code_that_is_no_key() -> None:
    assert refused("AGE-SECRET-KEY-1QQQQ").code == "backup_key.wrong"


def test_a_sealed_key_costs_a_guesser_what_the_format_says() -> None:
    made = keys.new_clinic_keys()
    _kind, *parts = keys.seal(made.identity, "la contraseña").split("$")
    salt, content = map(base64.b64decode, parts)
    stretched = hash_secret_raw(
        "la contraseña".encode(), salt, 4, 64 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )
    opened = ChaCha20Poly1305(stretched).decrypt(bytes(12), content, b"argon2id")
    assert opened.decode() == made.identity


def test_a_sealed_key_opens_with_its_password_alone() -> None:
    made = keys.new_clinic_keys()
    sealed = keys.seal(made.identity, "la contraseña")
    assert made.identity not in sealed
    assert keys.seal(made.identity, "la contraseña") != sealed
    assert keys.unseal(sealed, "la contraseña") == made.identity
    for text, password in (
        (sealed, "otra"),
        (sealed[:-8], "la contraseña"),
        ("~", "x"),
        (f"scrypt{sealed[8:]}", "la contraseña"),
    ):
        with pytest.raises(ArchiveError, match=r"backup_key\.password"):
            keys.unseal(text, password)


def test_keys_are_not_shown_by_accident() -> None:
    made = keys.new_clinic_keys()
    assert "SECRET" not in repr(made)
    signer = keys.Signer.generate()
    assert signer.private not in repr(signer)
    assert keys.recipient_of(made.identity) == made.recipient
    assert keys.recipient_of(made.recovery_identity) == made.recovery_recipient


def test_a_signature_holds_for_its_text_and_its_signer() -> None:
    signer = keys.Signer.generate()
    signature = signer.sign(b"text")
    assert keys.signature_holds(signer.public, signature, b"text")
    assert keys.signature_holds(keys.Signer(signer.private).public, signature, b"text")
    assert not keys.signature_holds(signer.public, signature, b"other")
    assert not keys.signature_holds(keys.Signer.generate().public, signature, b"text")
    assert not keys.signature_holds("00", signature, b"text")
    assert not keys.signature_holds("zz", signature, b"text")
    assert keys.fingerprint(signer.public) == keys.fingerprint(signer.public)
    assert len(keys.fingerprint(signer.public)) == 19
    for wrong in ("", "zz", "11" * 31):
        with pytest.raises(ArchiveError, match=r"backup_key\.signer_wrong"):
            keys.Signer(wrong)


def test_the_sheet_shows_the_words_in_order_and_the_key_as_a_code() -> None:
    made = keys.new_clinic_keys()
    sheet = recovery_key.RecoverySheet(
        clinic="Clínica Los Aromos",
        made_on=dt.date(2026, 11, 21),
        recipient=made.recovery_recipient,
        words=recovery.to_words(made.recovery_identity),
        identity=made.recovery_identity,
    )
    content = recovery_key.render(sheet)
    pages = PdfReader(io.BytesIO(content)).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    typed = " ".join(
        text[text.index(f"{place}.") :].split()[1] for place in range(1, recovery.COUNT + 1)
    )
    assert recovery.from_text(typed, made.recovery_recipient) == made.recovery_identity
    assert sheet.clinic in text
    assert made.recovery_recipient in text
    assert "SECRET" not in repr(sheet)
    assert recovery_key.render(sheet) == content


def test_the_code_is_one_that_a_scanner_finds() -> None:
    """Its three corners and its timing lines; that it says the key is the library's own matter."""
    rows = recovery_key.code(keys.new_clinic_keys().identity)
    assert {len(row) for row in rows} == {len(rows)}
    corner = [[True] * 7, [True, *[False] * 5, True], [True, False, *[True] * 3, False, True]]
    for down, across in ((0, 0), (0, len(rows) - 7), (len(rows) - 7, 0)):
        for offset, expected in enumerate(corner):
            assert list(rows[down + offset][across : across + 7]) == expected
    timing = rows[6][8 : len(rows) - 8]
    assert list(timing) == [place % 2 == 0 for place in range(len(timing))]
