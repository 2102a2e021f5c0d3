"""The way to the reference server, on which requests and answers get lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sync.errors import Unreachable
from tests.simulation.reference import ReferenceServer

T = TypeVar("T")


class Wire:
    """A connection of one role to the server.

    :ivar lose: (``request`` or ``answer``, how many calls pass before), or ``None``.
    :ivar ahead: rows were read that are newer than the last exchange that was applied.
    """

    def __init__(self, server: ReferenceServer, role: str) -> None:
        self._server = server
        self._role = role
        self.lose: tuple[str, int] | None = None
        self.lost: str | None = None
        self.calls = 0
        self.ahead = False

    @property
    def session(self) -> int:
        return 1

    def _call(self, do: Callable[[], T]) -> T:
        lost = self.lose[0] if self.lose is not None and self.lose[1] == self.calls else None
        self.calls += 1
        if lost == "request":
            self.lost = lost
            raise Unreachable
        answer = do()
        if lost == "answer":
            self.lost = lost
            raise Unreachable
        return answer

    def hello(self, request: str) -> str:
        return self._call(lambda: self._server.hello(self._role, request))

    def start(self, request: str) -> str:
        return self._call(lambda: self._server.start(self._role, request))

    def exchange(self, request: str) -> str:
        return self._call(lambda: self._server.exchange(self._role, request))

    def recover(self, request: str) -> str:
        return self._call(lambda: self._server.recover(self._role, request))

    def upkeep(self) -> str:
        return self._call(lambda: "{}")

    def sums(self, device: int, table: str, after: int, limit: int) -> str:
        return self._call(lambda: self._server.sums(self._role, device, table, after, limit))

    def hashes(self, device: int, table: str, after: int, upto: int, cursor: str) -> str:
        return self._call(
            lambda: self._server.hashes(self._role, device, table, after, upto, cursor)
        )

    def read(self, device: int, table: str, after: int, limit: int, _volume: int) -> str:
        self.ahead = True
        return self._call(lambda: self._server.read(self._role, device, table, after, limit))

    def read_ids(self, device: int, table: str, ids: Sequence[int], _volume: int) -> str:
        self.ahead = True
        return self._call(lambda: self._server.read_ids(self._role, device, table, ids))

    def close(self) -> None:
        """Nothing is open."""
