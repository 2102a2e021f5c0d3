"""Archives for the tests: honest ones, and ones that no program of ours would write."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyrage
import zstandard

from desktop.backup import archive_format as form
from desktop.backup import keys
from desktop.backup.archive import ArchiveWriter, Receipt
from desktop.backup.archive_layers import Source, Unpacker, decrypt
from desktop.backup.archive_limits import Limits
from desktop.backup.archive_reader import ArchiveReader, Contents, verify
from desktop.backup.manifest import FULL, INCREMENTAL, SERVER, Column, Manifest, Table, digest
from desktop.backup.trailer import Member, TableCount, Trailer

TENANT = "8d1f7f0e-58b5-4a3c-9d0a-3f5f7d1f3b11"
KEYS = keys.new_clinic_keys()
RECIPIENTS = (KEYS.recipient, KEYS.recovery_recipient)
SIGNER = keys.Signer("11" * 32)
STRANGER = keys.Signer("22" * 32)
TRUSTED = (SIGNER.public,)

CLIENTS = Table("clientes_cliente", (Column("id", "bigint"), Column("nombre", "text")))
DAYS = Table("agenda_dia", (Column("dia", "date"), Column("sala", "bigint")), ("dia", "sala"))
MANIFEST = Manifest(
    tenant=TENANT,
    clinic="Clínica Los Aromos",
    created_at=dt.datetime(2026, 11, 21, 14, 30, 5, 123456, dt.UTC),
    kind=FULL,
    source=SERVER,
    schema_version=2,
    revision="0002",
    tables=(CLIENTS, DAYS),
    epoch=str(uuid.UUID(int=7)),
    cursor="730:735:731,733",
    server_version=160004,
    sequences={"clientes_cliente_id_seq": 1042},
    device=3,
    device_label="Recepción",
    actor="admin",
    program="0.1.0",
)
INCREMENT = replace(MANIFEST, kind=INCREMENTAL, base="ab" * 32, previous="ab" * 32)


def lines(count: int, seed: int = 1, width: int = 12) -> bytes:
    """COPY text of ``count`` clients, which does not compress well."""
    chance = random.Random(seed)
    return b"".join(b"%d\t%s\n" % (i, chance.randbytes(width).hex().encode()) for i in range(count))


def made(
    tables: Mapping[str, bytes],
    *,
    manifest: Manifest = MANIFEST,
    gone: Mapping[str, bytes] | None = None,
    blobs: Sequence[bytes] = (),
    signer: keys.Signer = SIGNER,
) -> tuple[bytes, Receipt, str]:
    """An honest archive: its bytes, its receipt and the identity that checks it."""
    sink = io.BytesIO()
    with ArchiveWriter(sink, RECIPIENTS, signer, manifest) as writer:
        for name, text in tables.items():
            with writer.table(name) as table:
                table.write(text)
        for name, text in (gone or {}).items():
            with writer.gone(name) as table:
                table.write(text)
        for blob in blobs:
            writer.blob(hashlib.sha256(blob).hexdigest(), io.BytesIO(blob))
        receipt = writer.finish()
    return sink.getvalue(), receipt, writer.check_identity


def verified(
    content: bytes,
    identity: str = KEYS.identity,
    *,
    expect: Receipt | None = None,
    **asked: object,
) -> Contents:
    """What an archive's bytes are verified to hold. :param expect: what was written."""
    asked.setdefault("trusted", TRUSTED)
    found = verify(io.BytesIO(content), [identity], **asked)  # type: ignore[arg-type]
    if expect is not None:
        found.hold_against(expect)
    return found


def read(content: bytes, contents: Contents, identity: str = KEYS.identity) -> dict[str, bytes]:
    """Everything of a verified archive: ``name/part`` → content."""
    with ArchiveReader(io.BytesIO(content), [identity], contents) as reader:
        return {f"{part.name}/{part.part}": b"".join(part.chunks) for part in reader.parts()}


def summed(
    content: bytes, contents: Contents, identity: str = KEYS.identity
) -> Iterator[tuple[str, str, str]]:
    """Each part's name, its kind, and the SHA-256 of all that was handed out of it."""
    with ArchiveReader(io.BytesIO(content), [identity], contents) as reader:
        for part in reader.parts():
            digest = hashlib.sha256()
            for chunk in part.chunks:
                digest.update(chunk)
            yield part.name, part.part, digest.hexdigest()


def members_of(content: bytes, identity: str = KEYS.identity) -> list[tuple[str, bytes]]:
    """The tar's members, as they are stored."""
    found: list[tuple[str, bytes]] = []
    decrypt(
        Source(io.BytesIO(content)),
        Unpacker(lambda name, data: found.append((name, data)), Limits()),
        [identity],
    )
    return found


# What a program other than ours, which knows the clinic's public key, could write ----------------


def sealed(inner: bytes) -> bytes:
    """Any bytes, well encrypted to the clinic."""
    encrypted: bytes = pyrage.encrypt(
        inner, [pyrage.x25519.Recipient.from_str(key) for key in RECIPIENTS]
    )
    return encrypted


def tar(members: Sequence[tuple[str, bytes]], end: bytes = form.END) -> bytes:
    """Members in a tar, whatever they are called."""
    return (
        b"".join(
            form.tar_header(name, len(data)) + data + bytes(form.padding(len(data)))
            for name, data in members
        )
        + end
    )


def zstd(text: bytes, *, checksum: bool = True) -> bytes:
    """A piece as the writer stores it; without a checksum of its text, as it once did."""
    return zstandard.ZstdCompressor(level=1, write_checksum=checksum).compress(text)


@dataclass
class Forgery:
    """An archive put together by hand; each part may be another than it should be.

    :ivar content: stored members. :ivar plain: what they expand to, for the counts.
    """

    content: list[tuple[str, bytes]]
    manifest: bytes
    signer: keys.Signer = SIGNER
    alter: Callable[[Trailer], Trailer] = lambda trailer: trailer

    def members(self) -> list[tuple[str, bytes]]:
        """All of them, with a trailer that fits and is signed."""
        before = [(form.MANIFEST, self.manifest), *self.content]
        trailer = self.alter(
            Trailer(
                manifest=digest(self.manifest),
                previous=None,
                members=tuple(
                    Member(name, len(data), hashlib.sha256(data).hexdigest())
                    for name, data in before
                ),
                tables=counts(self.content),
                blobs=(),
            )
        ).to_json()
        signature = self.signer.sign(form.SIGNED + trailer)
        return [*before, (form.TRAILER, trailer), (form.SIGNATURE, signature)]

    def build(self) -> bytes:
        """The file."""
        return sealed(tar(self.members()))


def forgery(content: Sequence[tuple[str, bytes]] | None = None, **manifest: object) -> Forgery:
    """One that would be accepted as it stands."""
    if content is None:
        content = [("clientes_cliente.00001.copy.zst", zstd(lines(20)))]
    said = replace(MANIFEST, **manifest).signed_by(SIGNER.public)  # type: ignore[arg-type]
    return Forgery(list(content), said.to_json())


def counts(content: Sequence[tuple[str, bytes]]) -> tuple[TableCount, ...]:
    """What a trailer says of these members, where they can be read at all."""
    sums: dict[tuple[str, str], tuple[int, int, hashlib._Hash]] = {}
    for name, data in content:
        try:
            named = form.name_of(name)
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=form.PIECE)
        except Exception:
            continue
        key = (named.subject, str(named.part))
        rows, size, digest = sums.get(key, (0, 0, hashlib.sha256()))
        digest.update(plain)
        sums[key] = (rows + plain.count(b"\n"), size + len(plain), digest)
    return tuple(
        TableCount(name, part, rows, size, digest.hexdigest())
        for (name, part), (rows, size, digest) in sums.items()
    )
