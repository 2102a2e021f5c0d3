"""Some of what ``make fuzz-archive`` does, by a budget of seconds."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests import fuzz_archive

SECONDS = float(os.environ.get("CONSULTORIO_FUZZ_SECONDS", "3"))


def test_spoiled_archives_are_refused_by_name() -> None:
    seed = int(os.environ.get("CONSULTORIO_FUZZ_SEED", "1"))
    fuzz_archive.honest()
    tally = fuzz_archive.run(seed, 0, 200)
    tally.add(fuzz_archive.run(seed, 200, 1_000_000, until=time.monotonic() + SECONDS))
    assert tally.wrong == []
    assert tally.slowest < fuzz_archive.SLOWEST
    refused = {code.split(": ")[1] for code in tally.codes} - {"accepted"}
    assert len(refused) > 6


def test_a_change_that_is_let_through_would_be_noticed() -> None:
    """The runner itself can fail: an honest archive is none of those that must be refused."""
    layers = fuzz_archive.LAYERS
    fuzz_archive.LAYERS = (lambda _chance: (fuzz_archive.honest()[1], False),)
    try:
        tally = fuzz_archive.run(1, 0, 2)
    finally:
        fuzz_archive.LAYERS = layers
    assert len(tally.wrong) == 2


def test_the_same_case_gives_the_same_archive() -> None:
    for case in range(20):
        one, other = (random.Random(1 << 40 | case) for _ in range(2))
        assert fuzz_archive.file_bytes(one) == fuzz_archive.file_bytes(other)


def test_the_run_goes_on_with_new_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a pool that ends its processes and begins no others."""
    monkeypatch.setattr(fuzz_archive, "_PART", 2)
    monkeypatch.setattr(fuzz_archive, "_PARTS", 1)
    assert fuzz_archive.main(["--count", "5", "--jobs", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("5 archives in ")
