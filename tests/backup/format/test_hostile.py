"""Archives that are well encrypted, and put together by somebody who means harm.

Whoever knows the clinic's public key can encrypt to it, so what is inside is believed no more than
the file is: each attempt is refused, with a sentence of its own.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace

import pytest
import zstandard

from desktop.backup import archive_format as form
from desktop.backup.archive_check import Texts
from desktop.backup.archive_limits import Limits
from desktop.backup.archive_reader import ArchiveReader
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import Manifest
from desktop.domain import messages
from tests.backup.format import making
from tests.backup.format.making import Forgery, forgery, lines, tar, zstd

CLIENTS = "clientes_cliente.00001.copy.zst"


def code_of(content: bytes, *, read: bool = False, **asked: object) -> str:
    """How an archive is refused; its sentence is complete in both languages.

    Where the texts are left to who reads them it is refused by the same name, before one is handed out.

    :param read: it is known by its texts alone, at the end of one.
    """
    with pytest.raises(ArchiveError) as error:
        making.verified(content, **asked)  # type: ignore[arg-type]
    if read:
        contents = making.verified(content, texts=Texts.LEFT, **asked)  # type: ignore[arg-type]
        with pytest.raises(ArchiveError) as left:
            making.read(content, contents)
    else:
        with pytest.raises(ArchiveError) as left:
            making.verified(content, texts=Texts.LEFT, **asked)  # type: ignore[arg-type]
    assert left.value.code == error.value.code
    said = set()
    for language in messages.LANGUAGES:
        messages.set_language(language)
        said.add(messages.sentence(error.value))
    messages.set_language("es")
    assert len(said) == len(messages.LANGUAGES)
    assert not [text for text in said if "{" in text or text.count(".") < 2]
    return error.value.code


def named(*names: str) -> bytes:
    """An archive of members with these names."""
    return forgery([(name, zstd(lines(3))) for name in names]).build()


def with_kind(kind: bytes) -> bytes:
    """A member that is no file; the header is otherwise what tar programs write."""
    member = tarfile.TarInfo(CLIENTS)
    member.type, member.linkname = kind, "/etc/passwd"
    return making.sealed(member.tobuf(tarfile.USTAR_FORMAT) + form.END)


def test_a_forgery_that_fits_in_every_way_is_accepted() -> None:
    """Otherwise the others might be refused for another reason than theirs."""
    assert making.verified(forgery().build()).rows == 20


@pytest.mark.parametrize(
    "name", ["../clientes.sql", "/etc/cron.d/x", "a/b", "..\\x", "C:evil", "a/../../b"]
)
def test_a_path(name: str) -> None:
    assert code_of(named(name)) == "archive.path"


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE],
)
def test_a_link_a_device_or_a_folder(kind: bytes) -> None:
    assert code_of(with_kind(kind)) == "archive.link"


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE]
)
def test_another_kind_of_member(kind: bytes) -> None:
    assert code_of(with_kind(kind)) == "archive.malformed"


@pytest.mark.parametrize(
    "name",
    ["x", "Clientes.00001.copy.zst", "clientes_cliente.1.copy.zst", "t;drop.00001.copy.zst", ""],
)
def test_a_name_that_is_none_of_ours(name: str) -> None:
    assert code_of(named(name)) == "archive.malformed"


@pytest.mark.parametrize(
    "names",
    [
        (CLIENTS, CLIENTS),
        (CLIENTS, "clientes_cliente.00002.copy.zst", CLIENTS),
        (CLIENTS, "agenda_dia.00001.copy.zst", CLIENTS),
        (CLIENTS, form.MANIFEST),
    ],
)
def test_the_same_twice(names: tuple[str, ...]) -> None:
    assert code_of(named(*names)) == "archive.duplicate"


@pytest.mark.parametrize(
    "names",
    [
        ("clientes_cliente.00002.copy.zst",),
        (CLIENTS, "clientes_cliente.00003.copy.zst"),
        ("auth_user.00001.copy.zst",),
        ("clientes_cliente.gone.00001.copy.zst",),
    ],
)
def test_a_piece_that_is_missing_or_of_no_table(names: tuple[str, ...]) -> None:
    assert code_of(named(*names)) == "archive.malformed"


def test_bombs() -> None:
    zeros = zstd(bytes(form.PIECE))
    huge = zstandard.ZstdCompressor(level=1).compressobj(size=1 << 36)  # says 64 GiB, holds 1 MiB
    declared = huge.compress(bytes(1 << 20)) + huge.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    endless = zstandard.ZstdCompressor(level=1).compressobj()  # does not say
    unsaid = endless.compress(bytes(32 << 20)) + endless.flush()
    for content in (declared, unsaid):
        assert code_of(forgery([(CLIENTS, content)]).build()) == "archive.bomb"
    many = [(f"clientes_cliente.{n:05d}.copy.zst", zeros) for n in range(1, 9)]
    content = forgery(many).build()
    assert len(content) < 16 << 10
    assert code_of(content, limits=Limits(unjudged=32 << 20)) == "archive.bomb"
    assert code_of(content, limits=Limits(plain=32 << 20)) == "archive.too_big"


def test_more_members_or_larger_ones_than_any_clinic_has() -> None:
    many = [(f"clientes_cliente.{n:05d}.copy.zst", zstd(b"1\tx\n")) for n in range(1, 60)]
    assert code_of(forgery(many).build(), limits=Limits(members=50)) == "archive.too_big"
    for name, size in [
        (CLIENTS, form.STORED_LIMIT + 1),
        (CLIENTS, 8**11 - 1),
        (form.MANIFEST, form.MANIFEST_LIMIT + 1),
    ]:
        assert code_of(making.sealed(form.tar_header(name, size) + bytes(600))) == "archive.too_big"


@pytest.mark.parametrize(
    "spoil", [lambda frame: frame[:-7], lambda frame: frame + b"more", lambda frame: frame * 2]
)
def test_pieces_that_are_not_one_zstd_frame(spoil: Callable[[bytes], bytes]) -> None:
    """What stands at their beginning is as it was signed."""
    frame = zstd(b"1\tx\n")
    made = forgery([(CLIENTS, spoil(frame))])
    made.alter = lambda trailer: replace(trailer, tables=making.counts([(CLIENTS, frame)]))
    assert code_of(made.build(), read=True) == "archive.malformed"


@pytest.mark.parametrize(
    "content", [b"", b"no zstd", zstd(b""), zstd(b"")[:6], zstd(b"") + bytes(99)]
)
def test_pieces_with_nothing_in_them(content: bytes) -> None:
    assert code_of(forgery([(CLIENTS, content)]).build()) == "archive.malformed"


def test_a_forged_signature() -> None:
    members = forgery().members()
    wrong = [*members[:-1], (form.SIGNATURE, bytes(64))]
    assert code_of(making.sealed(tar(wrong))) == "archive.forged"
    others = Forgery([(CLIENTS, zstd(lines(20)))], forgery().manifest, making.STRANGER)
    assert code_of(others.build()) == "archive.forged"


def test_rows_exchanged_under_a_signature_that_holds() -> None:
    """An insider who can decrypt, and puts the old trailer and signature over other rows."""
    members = forgery().members()
    at = [name for name, _data in members].index(CLIENTS)
    members[at] = (CLIENTS, zstd(lines(20, seed=9)))
    assert code_of(making.sealed(tar(members))) == "archive.forged"
    without = [member for member in forgery().members() if member[0] != CLIENTS]
    assert code_of(making.sealed(tar(without))) == "archive.forged"
    other = forgery(clinic="Otra").manifest
    assert code_of(making.sealed(tar([(form.MANIFEST, other), *members[1:]]))) == "archive.forged"


def signed_as(**said: object) -> bytes:
    """An archive whose signer says something else of its one table."""
    made = forgery()
    made.alter = lambda trailer: replace(
        trailer,
        tables=(replace(trailer.tables[0], **said),),  # type: ignore[arg-type]
    )
    return made.build()


@pytest.mark.parametrize("said", [{"rows": 21}, {"sha256": "0" * 64}])
def test_sums_that_are_not_those_of_the_rows(said: dict[str, object]) -> None:
    assert code_of(signed_as(**said), read=True) == "archive.not_as_signed"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"bytes": 1}, "archive.not_as_signed"),
        ({"name": "agenda_dia"}, "archive.forged"),
        ({"part": "gone"}, "archive.forged"),
    ],
)
def test_sums_of_something_else(said: dict[str, object], code: str) -> None:
    assert code_of(signed_as(**said)) == code


def test_more_tables_than_there_are() -> None:
    made = forgery()
    made.alter = lambda trailer: replace(trailer, tables=trailer.tables * 2)
    assert code_of(made.build()) == "archive.forged"


@pytest.mark.parametrize(
    "said", [{"rows": -1}, {"rows": True}, {"rows": "20"}, {"sha256": 7}, {"sha256": "A" * 64}]
)
def test_sums_that_are_no_sums(said: dict[str, object]) -> None:
    """Of what is summed up later, nothing else goes on as it was signed."""
    assert code_of(signed_as(**said)) == "archive.malformed"


def test_who_reads_a_text_hears_at_its_end_that_it_is_another() -> None:
    content = signed_as(sha256="0" * 64)
    contents = making.verified(content, texts=Texts.LEFT)
    with ArchiveReader(io.BytesIO(content), [making.KEYS.identity], contents) as reader:
        chunks = next(reader.parts()).chunks
        assert next(chunks) == lines(20)
        with pytest.raises(ArchiveError, match=r"archive\.not_as_signed"):
            next(chunks)


def test_a_text_that_is_not_as_its_frame_has_it() -> None:
    whole = zstd(lines(20))
    changed = forgery([(CLIENTS, whole[:-1] + bytes([whole[-1] ^ 1]))])
    without = forgery([(CLIENTS, zstd(lines(20), checksum=False))])
    assert making.verified(forgery().build(), texts=Texts.EXPANDED).rows == 20
    for made in (changed, without):
        with pytest.raises(ArchiveError, match=r"archive\.malformed"):
            making.verified(made.build(), texts=Texts.EXPANDED)
    assert making.verified(without.build()).rows == 20
    with pytest.raises(ArchiveError, match=r"archive\.malformed"):
        making.verified(changed.build())


def test_a_signer_whom_the_clinic_does_not_know() -> None:
    manifest = making.MANIFEST.signed_by(making.STRANGER.public).to_json()
    made = Forgery([(CLIENTS, zstd(lines(20)))], manifest, making.STRANGER)
    assert code_of(made.build()) == "archive.unknown_signer"
    assert making.verified(made.build(), trusted=None).signer == making.STRANGER.public


def test_another_clinic() -> None:
    other = forgery(tenant="11111111-2222-4333-8444-555555555555").build()
    assert code_of(other, tenant=making.TENANT) == "archive.wrong_clinic"
    assert making.verified(forgery().build(), tenant=making.TENANT.upper()).rows == 20


def test_a_newer_version() -> None:
    newer = forgery().manifest.replace(b'"format":1', b'"format":2')
    assert code_of(Forgery([], newer).build()) == "archive.newer"
    unknown = newer.replace(b'"note"', b'"later"')
    assert code_of(Forgery([], unknown).build()) == "archive.newer"
    assert code_of(forgery(schema_version=99).build(), schema_version=2) == "archive.newer"


def with_extra(manifest: bytes, name: str, text: str) -> bytes:
    """A manifest that says something more of itself."""
    return manifest.replace(b'"extra":{}', b'"extra":' + json.dumps({name: text}).encode())


ALTERED: dict[str, Callable[[bytes], bytes]] = {
    "no JSON": lambda _m: b"{",
    "a list": lambda _m: b"[]",
    "too deep": lambda _m: b'{"a":' + b"[" * 200_000,
    "a name twice": lambda m: b'{"format":1,' + m[1:],
    "a number without end": lambda m: m.replace(b'"device":3', b'"device":1e999'),
    "a number of many digits": lambda m: m.replace(b'"device":3', b'"device":' + b"9" * 5000),
    "not a number": lambda m: m.replace(b'"device":3', b'"device":NaN'),
    "too large a number": lambda m: m.replace(b'"device":3', b'"device":18446744073709551616'),
    "truth for a number": lambda m: m.replace(b'"device":3', b'"device":true'),
    "an unknown field": lambda m: b'{"more":1,' + m[1:],
    "a missing field": lambda m: m.replace(b'"note":"",', b""),
    "no UUID": lambda m: m.replace(making.TENANT.encode(), b"8d1f"),
    "an unknown kind": lambda m: m.replace(b'"kind":"full"', b'"kind":"half"'),
    "no base": lambda m: m.replace(b'"kind":"full"', b'"kind":"incremental"'),
    "a column of two lines": lambda m: m.replace(b'"nombre"', b'"nombre\\nnota"'),
    "a column without a name": lambda m: m.replace(b'"nombre"', b'""'),
    "a column's endless name": lambda m: m.replace(b'"nombre"', b'"' + b"n" * 64 + b'"'),
    "half a sign in a column": lambda m: m.replace(b'"nombre"', b'"n\\ud800"'),
    "a type of two columns": lambda m: m.replace(b'"type":"date"', b'"type":"date\\tdate"'),
    "a table that is not saved for a number": lambda m: with_extra(m, "unsaved", "[1]"),
    "tables that are not saved by name": lambda m: with_extra(m, "unsaved", '{"a":"b"}'),
    "tables that are not saved, in no JSON": lambda m: with_extra(m, "unsaved", "["),
    "a table for SQL": lambda m: m.replace(b'"agenda_dia"', b'"agenda dia"'),
    "a column twice": lambda m: m.replace(b'"nombre"', b'"id"'),
    "a table twice": lambda m: m.replace(b'"agenda_dia"', b'"clientes_cliente"'),
    "a key that is no column": lambda m: m.replace(b'"key":["id"]', b'"key":["otra"]'),
    "a local time": lambda m: m.replace(b"123456Z", b"123456-03:00"),
    "no day": lambda m: m.replace(b"2026-11-21", b"2026-02-30"),
    "not UTF-8": lambda m: m.replace("í".encode(), b"\xed"),
    "ways that are no JSON": lambda m: with_extra(m, "parts", "half"),
    "an unknown way": lambda m: with_extra(m, "parts", '{"agenda_dia":"half"}'),
    "a number for a way": lambda m: with_extra(m, "parts", '{"agenda_dia":1}'),
    "rows kept for SQL": lambda m: with_extra(m, "kept", '{"agenda_dia":"1-2}; DROP TABLE x"}'),
    "rows kept from nowhere": lambda m: with_extra(m, "kept", '{"agenda_dia":"1-2,"}'),
    "a zero byte": lambda m: m.replace(b"Los Aromos", b"Los\\u0000Aromos"),
    "a text without end": lambda m: m.replace(b"Los Aromos", b"a" * 100_000),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_manifest_that_is_not_as_it_has_to_be(what: str) -> None:
    manifest = ALTERED[what](forgery().manifest)
    assert manifest != forgery().manifest
    assert code_of(Forgery([], manifest).build()) == "archive.malformed"


def test_what_an_incremental_says_of_its_tables() -> None:
    kept = {"clientes_cliente": "1-50,52,-9--7,60-60", "agenda_dia": ""}
    said = {"parts": json.dumps({"agenda_dia": "whole"}), "kept": json.dumps(kept)}
    made = Manifest.from_json(forgery(extra=said).manifest)
    assert made.ways() == {"agenda_dia": "whole"}
    assert made.kept() == {
        "clientes_cliente": [(1, 50), (52, 52), (-9, -7), (60, 60)],
        "agenda_dia": [],
    }


def test_what_would_be_refused_is_not_written() -> None:
    with pytest.raises(ArchiveError):
        replace(making.MANIFEST, tables=(replace(making.CLIENTS, name="x y"),)).signed_by(
            making.SIGNER.public
        ).to_json()
    assert Manifest.from_json(forgery().manifest).clinic == making.MANIFEST.clinic


def test_members_out_of_order_or_left_out() -> None:
    honest = forgery().members()
    manifest, rows, trailer, signature = honest
    for members in (
        [],
        [manifest],
        [rows],
        [rows, manifest, trailer, signature],
        [manifest, rows, signature, trailer],
        [manifest, trailer, signature],
        [manifest, rows, trailer],
        [manifest, trailer, rows, signature],
    ):
        found = code_of(making.sealed(tar(members)))
        assert found in {"archive.malformed", "archive.forged"}, members
    for more in (trailer, signature):
        assert code_of(making.sealed(tar([*honest, more]))) == "archive.duplicate"


def test_a_tar_that_does_not_end_as_it_must() -> None:
    members = forgery().members()
    for end in (b"", bytes(512), bytes(1536), bytes(1024) + b"x", b"x" * 512, bytes(1023)):
        assert code_of(making.sealed(tar(members, end))) == "archive.malformed"
    assert code_of(making.sealed(b"")) == "archive.malformed"


def test_a_tar_header_written_in_another_way() -> None:
    """All else is as it must be, and signed: the header alone is another one."""
    honest = tar(forgery().members())
    assert making.verified(making.sealed(honest)).rows == 20
    for at, value in ((104, b"777"), (108, b"0000001"), (136, b"0000000001"), (265, b"root")):
        header = bytearray(honest[: form.BLOCK])
        header[at : at + len(value)] = value
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        altered = bytes(header) + honest[form.BLOCK :]
        assert code_of(making.sealed(altered)) == "archive.malformed", at
    broken = bytearray(honest)
    broken[3] ^= 1
    assert code_of(making.sealed(bytes(broken))) == "archive.malformed"


def test_something_where_nothing_belongs() -> None:
    honest = bytearray(tar(forgery().members()))
    padded = form.BLOCK + len(forgery().manifest)
    assert honest[padded] == 0
    honest[padded] = 1
    assert code_of(making.sealed(bytes(honest))) == "archive.malformed"


def test_a_blob_with_another_content() -> None:
    made = forgery([(f"blob-{'0' * 64}.00001", b"x")])
    made.alter = lambda trailer: replace(trailer, blobs=("0" * 64,), tables=())
    for texts in Texts:
        with pytest.raises(ArchiveError, match=r"archive\.malformed"):
            making.verified(made.build(), texts=texts)


@pytest.mark.parametrize(
    "content",
    [
        b"PGDMP\x01\x0e",
        b"-- PostgreSQL database dump\n",
        b'[{"model": "x"}]',
        b"PK\x03\x04",
        bytes(99),
    ],
)
def test_another_kind_of_file(content: bytes) -> None:
    assert code_of(content) == "archive.not_an_archive"


def test_an_age_file_that_is_none_of_ours() -> None:
    assert code_of(making.sealed(b"hello")) == "archive.malformed"
    endless = form.AGE_MAGIC + b"-> X25519 " + b"A" * (1 << 20)
    assert code_of(endless) == "archive.damaged"
