"""Whatever happens to an archive's bytes is noticed, and nothing of it is handed out.

By default a sample; ``CONSULTORIO_ARCHIVE_BYTES=all`` changes every byte of a 64 KB archive, cuts it
at every length and, in the header, tries every value.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from desktop.backup import archive_format as form
from desktop.backup.errors import ArchiveError
from tests.backup.format import making

ALL = os.environ.get("CONSULTORIO_ARCHIVE_BYTES") == "all"
SAMPLE = 350
CHUNK = 64 << 10
"""age's, of plain text; a stored one is 16 bytes longer."""

CONTENT, RECEIPT, CHECK = making.made({"clientes_cliente": making.lines(2600, width=24)})
HEADER = CONTENT.index(b"\n--- ") + len(b"\n--- ") + 44
BODY = HEADER + 16
"""Where the payload begins, behind the header's end and the nonce."""

NOTICED = {
    "archive.damaged",
    "archive.truncated",
    "archive.wrong_key",
    "archive.not_an_archive",
}


def refused(content: bytes) -> str:
    """The code with which an archive's bytes are refused; fails where they are not."""
    with pytest.raises(ArchiveError) as error:
        making.verified(content)
    assert error.value.code in NOTICED
    return error.value.code


def sample(places: range, count: int = SAMPLE) -> Iterator[int]:
    """All of them, or some; always the first and the last."""
    if ALL or len(places) <= count:
        return iter(places)
    return iter(sorted({places[0], places[-1], *random.Random(4).sample(places, count)}))


def test_the_archive_is_large_enough_to_mean_something() -> None:
    assert len(CONTENT) >= 64 << 10
    assert making.verified(CONTENT).rows == 2600


def test_every_changed_byte_is_noticed() -> None:
    chance = random.Random(1)
    for place in sample(range(len(CONTENT))):
        changed = bytearray(CONTENT)
        changed[place] ^= chance.randrange(1, 256)
        refused(bytes(changed))


def test_every_value_of_every_byte_of_the_header_is_noticed() -> None:
    places = [(place, value) for place in range(BODY) for value in range(1, 256)]
    for place, value in places if ALL else random.Random(2).sample(places, SAMPLE):
        changed = bytearray(CONTENT)
        changed[place] ^= value
        refused(bytes(changed))


def test_every_cut_is_noticed() -> None:
    for size in sample(range(len(CONTENT))):
        assert refused(CONTENT[:size]) == "archive.truncated"


def test_whatever_is_put_behind_it_is_noticed() -> None:
    for more in (b"\0", bytes(16), bytes(form.BLOCK), CONTENT[-70_000:], CONTENT):
        refused(CONTENT + more)


LARGE, _RECEIPT, _CHECK = making.made({"clientes_cliente": making.lines(16_000, width=24)})
START = LARGE.index(b"\n--- ") + len(b"\n--- ") + 44 + 16
CHUNKS = [LARGE[at : at + CHUNK + 16] for at in range(START, len(LARGE), CHUNK + 16)]


def put_together(chunks: list[bytes]) -> bytes:
    return LARGE[:START] + b"".join(chunks)


def test_every_removed_swapped_or_repeated_chunk_is_noticed() -> None:
    assert len(CHUNKS) > 6
    assert put_together(CHUNKS) == LARGE
    making.verified(LARGE)
    for place in range(len(CHUNKS)):
        refused(put_together(CHUNKS[:place] + CHUNKS[place + 1 :]))
        for other in range(place + 1, len(CHUNKS)):
            swapped = list(CHUNKS)
            swapped[place], swapped[other] = swapped[other], swapped[place]
            refused(put_together(swapped))
        for where in range(len(CHUNKS) + 1):
            refused(put_together([*CHUNKS[:where], CHUNKS[place], *CHUNKS[where:]]))


def test_blocks_of_any_size_cannot_be_moved() -> None:
    """As a disk, or a bad copy, would do it: aligned blocks that are removed, doubled or zeroed."""
    for size in (512, 4096, 1 << 16):
        for at in sample(range(0, len(LARGE) - size, size), 25):
            block = LARGE[at : at + size]
            refused(LARGE[:at] + LARGE[at + size :])
            refused(LARGE[:at] + block + LARGE[at:])
            refused(LARGE[:at] + bytes(size) + LARGE[at + size :])


def test_chunks_of_another_archive_do_not_fit() -> None:
    other, _receipt, _check = making.made({"clientes_cliente": making.lines(16_000, width=24)})
    start = other.index(b"\n--- ") + len(b"\n--- ") + 44 + 16
    mixed = bytearray(LARGE)
    mixed[START : START + CHUNK + 16] = other[start : start + CHUNK + 16]
    refused(bytes(mixed))
    refused(LARGE[:START] + other[start:])
