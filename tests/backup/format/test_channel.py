"""Work that another thread does ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from desktop.backup.channel import ahead


def test_everything_comes_in_order_and_is_made_elsewhere() -> None:
    makers: set[int] = set()

    def items() -> Iterator[bytes]:
        for number in range(50):
            makers.add(threading.get_ident())
            yield bytes([number])

    with ahead(items()) as made:
        assert list(made) == [bytes([number]) for number in range(50)]
    assert threading.get_ident() not in makers
    assert len(makers) == 1


def test_what_goes_wrong_there_is_raised_here() -> None:
    def items() -> Iterator[bytes]:
        yield b"one"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), ahead(items(), 1) as made:
        list(made)


def test_nothing_is_made_for_somebody_who_left() -> None:
    made_so_far: list[int] = []
    before = threading.active_count()

    def items() -> Iterator[int]:
        for number in range(1_000_000):
            made_so_far.append(number)
            yield number

    with pytest.raises(KeyError), ahead(items(), 2) as made:
        next(made)
        raise KeyError("cancelled")
    assert len(made_so_far) <= 5
    assert threading.active_count() == before
