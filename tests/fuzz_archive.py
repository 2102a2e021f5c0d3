"""``python -m tests.fuzz_archive --count N``: archives that chance has spoiled, in every layer.

Each is refused by a code that has a sentence, or is whole: then what it hands out is what was
signed, whether its texts are summed up before or while they are read. Nothing else may be raised,
no archive may take long, and no process more than :data:`MEMORY` MB. ``--seed S`` begins another
run, ``--case I`` repeats one archive of it.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache

from desktop.backup import archive_format as form
from desktop.backup.archive_check import Texts
from desktop.backup.errors import ArchiveError
from desktop.backup.manifest import Manifest
from desktop.domain.sentences import all_sentences
from tests.backup.format import making
from tests.backup.format.making import Forgery, sealed, tar, zstd
from tests.bench.backup.memory import most_memory

MEMORY = 256
"""MB that a process may come to, the test's own share included."""
SLOWEST = 30.0
"""Seconds that one archive may take on a busy computer; a hang is ended after twice that."""
_HEADER = 700
_PART = 2000
_PARTS = 20
"""Archives at a time, and how often a process takes so many."""


@dataclass
class Tally:
    """What became of some archives. :ivar wrong: what must not be, with the case's number."""

    cases: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0
    memory: int = 0

    def add(self, other: Tally) -> None:
        self.cases += other.cases
        self.codes += other.codes
        self.wrong += other.wrong
        self.slowest = max(self.slowest, other.slowest)
        self.memory = max(self.memory, other.memory)


@cache
def honest() -> tuple[bytes, ...]:
    """Archives to begin with: empty, small, incremental, with attachments, of several age chunks."""
    rows = making.lines(40)
    return (
        making.made({})[0],
        making.made({"clientes_cliente": rows})[0],
        making.made({"clientes_cliente": rows, "agenda_dia": b"2026-11-21\t4\n" * 30})[0],
        making.made({}, manifest=making.INCREMENT, gone={"clientes_cliente": b"1\n2\n"})[0],
        making.made({"clientes_cliente": rows}, blobs=[b"a photograph", b""])[0],
        making.made({"clientes_cliente": making.lines(6000, width=24)})[0],
    )


@cache
def inner() -> tuple[tuple[tuple[str, bytes], ...], ...]:
    """The same as members of their tar."""
    return tuple(tuple(making.members_of(content)) for content in honest()[:5])


# What chance does ---------------------------------------------------------------------------------


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """Bytes that were flipped, lost, doubled, moved, zeroed or cut."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(made)) if made else 0
        if chance.random() < 0.4:
            at = min(at, chance.randrange(_HEADER))
        length = min(chance.choice((1, 2, 16, 48, 512, 4096, 65552)), len(made) - at)
        cut = bytes(made[at : at + length])
        match chance.randrange(8):
            case 0 | 1 if made:
                made[at] ^= 1 << chance.randrange(8)
            case 2 if made:
                made[at] = chance.choice((0, 10, 32, 45, 47, 48, 127, 128, 255))
            case 3:
                del made[at : at + length]
            case 4:
                made[at:at] = cut
            case 5:
                made[at : at + length] = chance.randbytes(length)
            case 6:
                other = chance.randrange(len(made) + 1)
                made[other:other] = cut
            case _:
                del made[chance.randrange(len(made) + 1) :]
    return bytes(made)


def file_bytes(chance: random.Random) -> tuple[bytes, bool]:
    """The stored file, spoiled."""
    content = chance.choice(honest())
    if chance.random() < 0.05:
        other = chance.choice(honest())
        made = content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]
    else:
        made = spoiled(content, chance)
    return made, made == content


def tar_bytes(chance: random.Random) -> tuple[bytes, bool]:
    """What is inside, spoiled and well encrypted again."""
    content = tar(chance.choice(inner()))
    made = spoiled(content, chance)
    return sealed(made), made == content


def moved_members(chance: random.Random) -> tuple[bytes, bool]:
    """Members lost, doubled, exchanged or renamed, under the signature that they had."""
    content = chance.choice(inner())
    made = list(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(made)) if made else 0
        match chance.randrange(6):
            case 0 if made:
                del made[at]
            case 1 if made:
                made.insert(chance.randrange(len(made) + 1), made[at])
            case 2 if made:
                other = chance.randrange(len(made))
                made[at], made[other] = made[other], made[at]
            case 3 if made:
                made[at] = (a_name(chance), made[at][1])
            case 4 if made:
                made[at] = (made[at][0], spoiled(made[at][1], chance))
            case _:
                made.append(chance.choice(chance.choice(inner())))
    return sealed(tar(made)), made == list(content)


def signed_anew(chance: random.Random) -> tuple[bytes, bool]:
    """Whatever a workstation in the wrong hands could write, and sign."""
    signer = making.SIGNER if chance.random() < 0.9 else making.STRANGER
    manifest = chance.choice((making.MANIFEST, making.INCREMENT)).signed_by(signer.public).to_json()
    if chance.random() < 0.4:
        manifest = spoiled_json(manifest, chance)
    content = [
        (
            a_name(chance) if chance.random() < 0.4 else "clientes_cliente.00001.copy.zst",
            a_piece(chance),
        )
        for _ in range(chance.choice((0, 1, 1, 2, 5)))
    ]
    made = Forgery(content, manifest, signer)
    if chance.random() < 0.2:
        members = made.members()
        trailer = spoiled_json(members[-2][1], chance)
        signature = signer.sign(form.SIGNED + trailer)
        members[-2:] = [(form.TRAILER, trailer), (form.SIGNATURE, signature)]
        return sealed(tar(members)), True
    return made.build(), True


def a_name(chance: random.Random) -> str:
    """A member's name: one of ours, nearly one, or none."""
    number = chance.choice((0, 1, 1, 1, 2, 3, 99999))
    return chance.choice(
        (
            f"clientes_cliente.{number:05d}.copy.zst",
            f"agenda_dia.{number:05d}.copy.zst",
            f"clientes_cliente.gone.{number:05d}.copy.zst",
            f"blob-{hashlib.sha256(b'x').hexdigest()}.{number:05d}",
            f"auth_user.{number:05d}.copy.zst",
            f"../x.{number:05d}.copy.zst",
            chance.choice((form.MANIFEST, form.TRAILER, form.SIGNATURE)),
            "".join(chr(chance.randrange(32, 127)) for _ in range(chance.randrange(99))),
        )
    )


def a_piece(chance: random.Random) -> bytes:
    """A member's content: rows, a spoiled frame, a bomb, anything."""
    match chance.randrange(8):
        case 0 | 1 | 2:
            return zstd(making.lines(chance.randrange(30), chance.randrange(1000)))
        case 3 | 4:
            return spoiled(zstd(making.lines(30)), chance)
        case 5:
            return zstd_of_zeros(chance.choice((20, 21, 23, 24)))
        case 6:
            return b"x"
        case _:
            return chance.randbytes(chance.randrange(200))


@cache
def zstd_of_zeros(power: int) -> bytes:
    """A frame that grows some thousand times."""
    return zstd(bytes(1 << power))


def spoiled_json(content: bytes, chance: random.Random) -> bytes:
    """JSON with other values in it, or spoiled altogether."""
    if chance.random() < 0.3:
        return spoiled(content, chance)
    values = (
        b"1",
        b"-1",
        b"2",
        b"null",
        b"true",
        b'""',
        b"[]",
        b"{}",
        b"1e9",
        b"9" * 30,
        b"[" * 5000,
    )
    parts = content.split(b":")
    at = chance.randrange(1, len(parts))
    _old, comma, rest = parts[at].partition(b",")
    parts[at] = chance.choice(values) + comma + rest
    return b":".join(parts)


LAYERS: tuple[Callable[[random.Random], tuple[bytes, bool]], ...] = (
    file_bytes,
    file_bytes,
    tar_bytes,
    moved_members,
    signed_anew,
)
"""Each makes an archive, and says whether it may be accepted."""

# What must come of it -----------------------------------------------------------------------------


def try_one(seed: int, case: int) -> tuple[str, str]:
    """The layer that chance spoiled, and the code; raises where a rule is broken."""
    chance = random.Random(seed << 40 | case)
    layer = chance.choice(LAYERS)
    content, may_pass = layer(chance)
    code = refused(content, Texts.SUMMED)
    # As a restore opens it, which leaves the texts to whoever reads them.
    left = refused(content, Texts.LEFT)
    if (code is None) != (left is None):
        raise AssertionError(f"{code} where all is summed up at once, {left} where it is not")
    # As its writer reads it back: it may ask less of the hashes, and more of the frames.
    with contextlib.suppress(ArchiveError):
        making.verified(content, texts=Texts.EXPANDED)
    if code is None and not may_pass:
        raise AssertionError("accepted, though it is not what was written")
    return layer.__name__, code or "accepted"


def refused(content: bytes, texts: Texts) -> str | None:
    """The code with which an archive is refused, before it is handed out or at its last byte."""
    try:
        contents = making.verified(content, tenant=making.TENANT, schema_version=2, texts=texts)
        for subject, part, sha256 in making.summed(content, contents):
            if sha256 != (
                subject if part == form.Part.BLOB else contents.count(subject, part).sha256
            ):
                raise AssertionError("what was read is not what was verified")
    except ArchiveError as error:
        if error.code not in all_sentences():
            raise AssertionError(f"no sentence: {error.code}") from error
        return error.code
    if contents.signer != making.SIGNER.public or contents.manifest.tenant != making.TENANT:
        raise AssertionError("accepted from a stranger")
    Manifest.from_json(contents.manifest.to_json())
    return None


def run(seed: int, first: int, count: int, until: float | None = None) -> Tally:
    """Some cases, in this process; ``until`` is a time of the monotonic clock."""
    tally = Tally()
    for case in range(first, first + count):
        began = time.monotonic()
        if until is not None and began > until:
            break
        if tally.cases % 100 == 0:
            faulthandler.dump_traceback_later(2 * SLOWEST + 60, exit=True)
        try:
            layer, code = try_one(seed, case)
            tally.codes[f"{layer}: {code}"] += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of the Rust half is no Exception
            tally.wrong.append(f"case {case}: {type(error).__name__}: {error}")
        tally.cases += 1
        tally.slowest = max(tally.slowest, time.monotonic() - began)
    faulthandler.cancel_dump_traceback_later()
    tally.memory = int(most_memory())
    return tally


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_archive")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--case", type=int)
    chosen = parser.parse_args(arguments)
    if chosen.case is not None:
        print(*try_one(chosen.seed, chosen.case))
        return 0
    parts = [
        (chosen.seed, first, min(_PART, chosen.count - first))
        for first in range(0, chosen.count, _PART)
    ]
    began = time.monotonic()
    total = Tally()
    # A process is used for some parts only, so that what it holds is what reading needs. (Left to the
    # pool, max_tasks_per_child of Python 3.11 ends the processes and begins no others.)
    share = chosen.jobs * _PARTS
    for at in range(0, len(parts), share):
        with ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn")) as pool:
            for done in as_completed([pool.submit(run, *part) for part in parts[at : at + share]]):
                total.add(done.result())
                if total.cases % (10 * _PART) == 0:
                    print(f"{total.cases} of {chosen.count}", flush=True)
    return report(total, time.monotonic() - began)


def report(total: Tally, seconds: float) -> int:
    """Say what became of them; 1 where a rule was broken."""
    for code, count in sorted(total.codes.items()):
        print(f"{count:9d}  {code}")
    print(
        f"{total.cases} archives in {seconds:.0f} s; slowest {total.slowest:.2f} s; "
        f"memory {total.memory} MB (limit {MEMORY}); wrong {len(total.wrong)}"
    )
    for wrong in total.wrong[:20]:
        print(wrong)
    return int(bool(total.wrong) or total.memory > MEMORY or total.slowest > SLOWEST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
