"""A short queue between two threads that ends on both sides when either fails."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Channel(Generic[_T]):
    """At most ``room`` items wait; who puts more waits for whoever takes.

    :meth:`abort` wakes both sides, and every later call raises what it was given.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[_T] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._closed = False

    def put(self, item: _T) -> None:
        """Hand an item over."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or len(self._items) < self._room)
            self._raise()
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> _T | None:
        """The next item, or ``None`` after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._items or self._closed)
            self._raise()
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Nothing more is put."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what it was ended with, if it was."""
        with self._changed:
            self._raise()

    def abort(self, error: BaseException) -> None:
        """End it; the first error is the one that both sides hear."""
        with self._changed:
            self._error = self._error or error
            self._items.clear()
            self._changed.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class Left(Exception):
    """Whoever took or made what goes between two threads has left; the other one need not go on."""


@contextmanager
def behind(work: Callable[[Iterator[_T]], None], room: int, name: str) -> Iterator[Channel[_T]]:
    """A channel of items that another thread works on; at the end of the block all of them are done.

    :param work: takes all that are put, in the other thread.

    What it raises is raised by the next :meth:`Channel.put`, or at the end of the block.
    """
    items: Channel[_T] = Channel(room)

    def run() -> None:
        try:
            work(iter(items.get, None))
        except BaseException as error:  # noqa: BLE001 - raised again where the items are put
            items.abort(error)

    worker = threading.Thread(target=run, name=name, daemon=True)
    worker.start()
    try:
        yield items
        items.close()
    except BaseException as error:
        items.abort(error)
        raise
    finally:
        worker.join()
    items.check()


@contextmanager
def ahead(items: Iterable[_T], room: int = 2) -> Iterator[Iterator[_T]]:
    """Items that another thread makes while those before them are worked on.

    What making one raises is raised where it would have been taken. At the end of the block nothing is
    made any more.
    """
    made: Channel[_T] = Channel(room)

    def make() -> None:
        try:
            for item in items:
                made.put(item)
            made.close()
        except BaseException as error:  # noqa: BLE001 - raised again where the items are taken
            made.abort(error)

    worker = threading.Thread(target=make, name="ahead", daemon=True)
    worker.start()
    try:
        yield iter(made.get, None)
    finally:
        made.abort(Left())
        worker.join()
