"""Keeps a cache in step with its server: once, or all the time in a thread of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import math
import random
import selectors
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sync import store
from sync.apply import Fault, allow_deletion, no_fault
from sync.calls import drive
from sync.core import Core, State, Step, Timing
from sync.errors import GreetingWanted, SyncError, Unreachable
from sync.exchange import checking, exchange_once, greet, polling
from sync.schema import SyncSchema
from sync.transport import Server, Transport, Wakeups

log = logging.getLogger(__name__)

SWITCHED_OFF = "sync.switched_off"
LISTEN_PAUSE = 15.0


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How a workstation and its server stand. Compared by value: equal statuses look the same.

    :ivar state: ``never``, ``offline``, ``connecting``, ``syncing``, ``in_step`` or ``trouble``.
    :ivar code: why it is offline or in trouble (:mod:`sync.errors`, or ``sync.switched_off``).
    :ivar params: what a sentence about ``code`` needs.
    :ivar pending: local transactions that the server has not yet answered.
    :ivar oldest_pending: since when the oldest of them waits.
    :ivar last_sync: when the last exchange was applied, or the server said that there was no need.
    :ivar rejected: refused local transactions that wait for a person.
    :ivar verified: when the cache was last proved to hold what the server holds.
    :ivar mended: rows that the proof found to differ without a reason, and that were fetched anew.
    :ivar unwatched: tables of which the server does not record every change.
    """

    state: str
    device: int
    code: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    pending: int = 0
    oldest_pending: dt.datetime | None = None
    last_sync: dt.datetime | None = None
    rejected: int = 0
    verified: dt.datetime | None = None
    mended: int = 0
    unwatched: tuple[str, ...] = ()


class CacheFailed(SyncError):
    """The workstation's own file could not be read or written. ``kind`` names the failure."""

    code = "sync.cache_failed"


def _log(what: str, error: Exception) -> str:
    """Log what failed and where, without the error's words, which may hold a row's values.

    Returns the failure's kind.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind: str = getattr(error, "sqlite_errorname", None) or type(error).__name__
    log.error("%s: %s at %s:%s", what, kind, Path(place.filename).name, place.lineno)
    return kind


class CacheDamaged(SyncError):
    """The workstation's own file holds pages that nobody can read. ``kind`` names the failure."""

    code = "sync.cache_damaged"


def _cache_failed(error: Exception) -> SyncError:
    kind = _log("sync stumbled", error)
    damaged = kind.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
    return CacheDamaged(kind=kind) if damaged else CacheFailed(kind=kind)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class SyncEngine:
    """One cache's sync. Its thread is the only one that exchanges; the callbacks run in it.

    :param connect_cache: a new DB-API connection to the cache, in autocommit mode, usable from any
        thread.
    :param on_status: called with every status that differs from the last. Where it raises, that is
        logged and sync goes on.
    :param on_changes: called after the cache was written, with the tables whose rows changed.
    :param fault: called with a point's name at every step of an exchange, for tests that stop the
        process there.
    """

    def __init__(
        self,
        connect_cache: Callable[[], Any],
        server: Server,
        schema: SyncSchema,
        *,
        clock: Callable[[], dt.datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        on_status: Callable[[SyncStatus], None] = lambda _status: None,
        on_changes: Callable[[frozenset[str]], None] = lambda _tables: None,
        timing: Timing | None = None,
        fault: Fault = no_fault,
    ) -> None:
        self._connect_cache = connect_cache
        self._server = server
        self._schema = schema
        self._clock = clock
        self._monotonic = monotonic
        self._on_status = on_status
        self._on_changes = on_changes
        self._fault = fault
        self._core = Core(rng or random.Random(), timing)  # noqa: S311 jitter is no secret
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._requests: set[str] = set()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._cache: Any = None
        self._transport: Transport | None = None
        self._wakeups: Wakeups | None = None
        self._listen_at = -math.inf
        self._last_status: SyncStatus | None = None
        self._heard: dt.datetime | None = None

    # From any thread ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to keep the cache in step."""
        if self._thread is not None:
            raise RuntimeError("the engine runs already")
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = 30.0) -> bool:
        """Finish what is under way and end; ``False`` where that took longer than ``timeout``.

        Nothing is lost where the process ends before that.
        """
        thread = self._thread
        if thread is not None:
            self._stopping = True
            self._nudge()
            thread.join(timeout)
            if thread.is_alive():
                return False
            self._thread = None
        return True

    def close(self) -> None:
        """Stop, and let go of everything."""
        if self.stop():
            with self._lock:
                self._wake_in.close()
                self._wake_out.close()

    def poke(self, *, urgent: bool = False) -> None:
        """There is something to push. ``urgent``: a person asked, so no pause is kept."""
        self._ask("urged" if urgent else "changed")

    def set_offline(self, offline: bool) -> None:
        """Work without the server until told otherwise."""
        with self._lock:
            self._requests -= {"online", "offline"}
        self._ask("offline" if offline else "online")

    def allow_deletion(self, table: str, gone: int) -> None:
        """A person has seen that so many rows of ``table`` are to go, and wants it so, once."""
        with contextlib.closing(self._connect_cache()) as connection:
            allow_deletion(store.executor(connection), table, gone)
        self.poke(urgent=True)

    def _ask(self, request: str) -> None:
        with self._lock:
            self._requests.add(request)
        self._nudge()

    def _nudge(self) -> None:
        # A full buffer means that a nudge is waiting already; a screen may write after the end.
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._wake_in.fileno() >= 0:
                self._wake_in.send(b"\0")

    # Once ---------------------------------------------------------------------------------------

    def sync_once(self) -> SyncStatus:
        """Exchange until both sides are in step; the status then. Raises ``SyncError``.

        Not while the thread runs.
        """
        if self._thread is not None:
            raise RuntimeError("the engine runs already")
        core = self._core
        core.urged()
        try:
            while True:
                action = core.next(self._monotonic())
                if action.step is Step.WAIT and core.error is None:
                    if core.state() is not State.SYNCING:
                        return self._report()
                    time.sleep(max(0.0, action.until - self._monotonic()))
                    continue
                self._perform(action.step)
                if core.error is not None:
                    raise core.error
        finally:
            self._report()
            self._release()

    # The thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._take_requests()
                action = self._core.next(self._monotonic())
                if action.step is Step.WAIT:
                    self._report()
                    self._wait(action.until)
                else:
                    self._perform(action.step)
        finally:
            self._release()

    def _take_requests(self) -> None:
        with self._lock:
            requests, self._requests = self._requests, set()
        if "offline" in requests:
            self._core.switch(offline=True)
        if "online" in requests:
            self._core.switch(offline=False)
        if "urged" in requests:
            self._core.urged()
        if "changed" in requests:
            self._core.changed()
        if not self._core.connected:
            self._hang_up()

    def _perform(self, step: Step) -> None:
        try:
            self._do(step)
        except GreetingWanted:
            self._core.greeting_wanted()
        except SyncError as error:
            self._core.failed(error, self._monotonic())
        except Exception as error:  # noqa: BLE001 a full disk is emptied, a locked file let go
            self._core.failed(_cache_failed(error), self._monotonic())
        if not self._core.connected:
            self._hang_up()

    def _do(self, step: Step) -> None:
        cache = self._open_cache()
        if step is Step.CONNECT:
            self._report()
            self._transport = self._server.connect()
            self._core.opened()
            version = store.get_state(store.executor(cache), "greeted_version")
            if version != str(self._schema.version):
                self._core.greeting_wanted()
            return
        if self._transport is None:
            raise Unreachable
        if step is Step.HELLO:
            greet(cache, self._transport, self._schema)
            self._core.greeted()
            return
        if step is Step.POLL:
            news = drive(polling(cache, self._schema), self._transport)
            self._core.polled(self._monotonic(), news=news)
            self._heard = self._clock()
            return
        if step is Step.CHECK:
            mended = drive(checking(cache, self._schema, self._clock), self._transport)
            if mended:
                self._on_changes(mended)
            return
        self._report_pending()
        outcome = exchange_once(cache, self._transport, self._schema, self._clock, self._fault)
        if outcome.status == "hello":
            self._core.greeting_wanted()
        elif outcome.held is None:
            self._core.answered(self._monotonic(), more=outcome.more)
        if outcome.applied.tables or outcome.applied.rejected:
            self._on_changes(outcome.applied.tables)
        if outcome.held is not None:
            raise outcome.held

    def _wait(self, until: float) -> None:
        """Until a moment, a nudge or the server's wake-up."""
        self._listen()
        deadline = until
        if self._core.connected and self._wakeups is None:
            deadline = min(deadline, self._listen_at)
        pause = None if math.isinf(deadline) else max(0.0, deadline - self._monotonic())
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            if self._wakeups is not None:
                selector.register(self._wakeups.fileno(), selectors.EVENT_READ, self._wakeups)
            ready = [key.data for key, _ in selector.select(pause)]
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass
        if self._wakeups is not None and self._wakeups in ready:
            self._hear(self._wakeups)

    def _hear(self, wakeups: Wakeups) -> None:
        ours = None if self._transport is None else self._transport.session
        try:
            senders = wakeups.senders()
        except SyncError:
            wakeups.close()
            self._wakeups = None
            self._listen_at = self._monotonic()
            # The connection for exchanges is likely to be broken too; polling will tell.
            self._core.changed()
            return
        if any(sender != ours for sender in senders):
            self._core.changed()

    def _listen(self) -> None:
        """Have a connection for wake-ups. They only save time: without them, polling goes on."""
        now = self._monotonic()
        if not self._core.connected or self._wakeups is not None or now < self._listen_at:
            return
        self._listen_at = now + LISTEN_PAUSE
        with contextlib.suppress(SyncError):
            self._wakeups = self._server.listen()
            # What happened before the ear was there is asked for.
            self._core.changed()
            self._nudge()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._wakeups is not None:
            self._wakeups.close()
            self._wakeups = None
        self._listen_at = -math.inf

    def _release(self) -> None:
        self._hang_up()
        self._core.disconnected()
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    # Status -------------------------------------------------------------------------------------

    def status(self) -> SyncStatus:
        """How things stand now."""
        core = self._core
        error = core.error
        with contextlib.closing(self._connect_cache()) as connection:
            return self._read_status(connection, core.state(), error)

    def _read_status(self, connection: Any, state: State, error: SyncError | None) -> SyncStatus:
        execute = store.executor(connection)
        waiting = store.pending(execute)
        if store.get_state(execute, "nonce") is None:
            state = State.NEVER
        code = None if error is None else error.code
        if code is None and state is State.OFFLINE:
            code = SWITCHED_OFF
        return SyncStatus(
            state=state.value,
            device=store.device(execute),
            code=code,
            params={} if error is None else dict(error.params),
            pending=waiting.count,
            oldest_pending=waiting.oldest,
            last_sync=max(filter(None, (store.last_sync(execute), self._heard)), default=None),
            rejected=store.rejected_count(execute),
            verified=store.verified(execute),
            mended=store.mended(execute),
            unwatched=tuple(sorted(store.unwatched(execute))),
        )

    def _report(self) -> SyncStatus:
        try:
            status = self._read_status(self._open_cache(), self._core.state(), self._core.error)
        except Exception as error:  # noqa: BLE001 what can't be read is said, and tried again
            trouble = _cache_failed(error)
            status = replace(
                self._last_status or SyncStatus(State.TROUBLE.value, 0),
                state=State.TROUBLE.value,
                code=trouble.code,
                params=dict(trouble.params),
            )
        if status != self._last_status:
            self._last_status = status
            try:
                self._on_status(status)
            except Exception as error:  # noqa: BLE001 who looks on does not end the sync
                _log("a status listener failed", error)
        return status

    def _report_pending(self) -> None:
        """Say that work is under way, where there is work: not at every poll."""
        if store.pending(store.executor(self._open_cache())).count:
            self._report()

    def _open_cache(self) -> Any:
        if self._cache is None:
            self._cache = self._connect_cache()
        return self._cache
