"""The engine beside an open cache: local work wakes it, what it brings is told to the screens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from desktop.domain.actor import Actor
from desktop.models import sync_schema
from desktop.services.cache import Cache
from desktop.services.revocation import Revocation
from desktop.services.status import DELETION_PERMISSION, IN_STEP, WorkstationStatus
from sync.engine import SyncEngine, SyncStatus
from sync.transport import Server

REVOKED = "sync.revoked"
StatusListener = Callable[[WorkstationStatus], None]


class Syncing:
    """Keeps one cache in step in a thread of its own, from :meth:`start` to :meth:`close`."""

    def __init__(self, cache: Cache, server: Server, revocation: Revocation | None = None) -> None:
        """:param revocation: told where the server shuts the workstation out, and its words added."""
        self._cache = cache
        self._revocation = revocation
        self._listeners: list[StatusListener] = []
        self._bringing = threading.local()
        self._engine = SyncEngine(
            cache.connect,
            server,
            sync_schema(),
            clock=cache.now,
            on_status=self._tell,
            on_changes=self._brought,
        )
        self._deaf = cache.listen(self._worked)

    def listen(self, listener: StatusListener) -> Callable[[], None]:
        """``listener(status)`` is called with every new status, in the engine's thread.

        Returns a function that stops it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def status(self) -> WorkstationStatus:
        """How things stand now."""
        return self._in_our_words(self._engine.status())

    def start(self) -> None:
        """Begin."""
        self._engine.start()

    def sync_now(self) -> None:
        """A person asks: no pause is kept."""
        self._engine.poke(urgent=True)

    def set_offline(self, offline: bool) -> None:
        """Work without the server until told otherwise."""
        self._engine.set_offline(offline)

    def allow_deletion(self, actor: Actor, table: str, gone: int) -> None:
        """Let the server take so many rows of ``table`` away, once; it is asked at once.

        Where it then asks for more, that waits for a person again. Raises
        ``RuleError('permission.denied')`` for who is no administrator.
        """
        actor.require(DELETION_PERMISSION)
        self._engine.allow_deletion(table, gone)

    def close(self) -> None:
        """Finish what is under way and end."""
        self._deaf()
        self._listeners.clear()
        self._engine.close()

    def _tell(self, status: SyncStatus) -> None:
        if self._revocation is not None:
            if status.code == REVOKED:
                self._revocation.happened()
            elif status.state == IN_STEP and self._revocation.trouble is not None:
                self._revocation.over()
        ours = self._in_our_words(status)
        for listener in tuple(self._listeners):
            listener(ours)

    def _in_our_words(self, status: SyncStatus) -> WorkstationStatus:
        trouble = None if self._revocation is None else self._revocation.trouble
        if status.code == REVOKED and trouble is not None:
            status = replace(status, code=trouble.code, params=dict(trouble.params))
        return _ours(status)

    def _brought(self, tables: frozenset[str]) -> None:
        self._bringing.on = True
        try:
            self._cache.notify(tables)
        finally:
            self._bringing.on = False

    def _worked(self, _tables: frozenset[str]) -> None:
        if not getattr(self._bringing, "on", False):
            self._engine.poke()


def _ours(status: SyncStatus) -> WorkstationStatus:
    return WorkstationStatus(
        state=status.state,
        code=status.code,
        params=dict(status.params),
        pending=status.pending,
        oldest_pending=status.oldest_pending,
        last_sync=status.last_sync,
        rejected=status.rejected,
        verified=status.verified,
        mended=status.mended,
        unwatched=status.unwatched,
    )
