"""The first sync: a whole clinic into a fresh cache file.

The cursor is taken first; then every table is read in key order, a chunk at a time, each chunk and
its progress in one transaction; then an exchange brings what changed meanwhile. Cut anywhere, it
goes on from the last whole chunk. Secondary indexes and capture triggers come after the load.

The caller works on a file of another name and renames it when :func:`bootstrap` has returned.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sync import calls, codec, later, store, wire
from sync.apply import Fault, no_fault
from sync.calls import Conversation
from sync.capture import install_capture
from sync.compare import BEFORE_ALL
from sync.errors import (
    CacheMismatch,
    Cancelled,
    GreetingWanted,
    IncompleteLoad,
    ProtocolError,
    refusal,
)
from sync.exchange import exchanging, greeting
from sync.schema import SyncSchema
from sync.transport import Server

CHUNK = 20_000
"""Rows in one read, at most: a few megabytes, and a second of work to lose where it is cut."""

CATCH_UP_ATTEMPTS = 8
GREETINGS = 4

Progress = Callable[[str, int, int], None]


def _nobody_watches(_table: str, _rows: int, _total: int) -> None:
    """The progress callback that does nothing."""


def _nobody_waits() -> None:
    """The callback for what comes first that does nothing."""


def _never() -> bool:
    """The answer to "was it cancelled?" where nobody can."""
    return False


@dataclass(slots=True)
class _Load:
    """How far the load has come; kept in the cache under ``bootstrap``."""

    sizes: dict[str, int]
    priority: list[tuple[str, list[int]]]
    after: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def text(self) -> str:
        return json.dumps([self.sizes, self.priority, self.after, self.rows, self.done])

    @classmethod
    def read(cls, text: str) -> _Load:
        sizes, priority, after, rows, done = json.loads(text)
        return cls(sizes, [(table, ids) for table, ids in priority], after, rows, done)


def bootstrap(
    connection: Any,
    server: Server,
    schema: SyncSchema,
    device: int,
    *,
    create_tables: Callable[[Any], None],
    create_indexes: Callable[[Any], None],
    clock: Callable[[], dt.datetime],
    progress: Progress = _nobody_watches,
    first: Callable[[], None] = _nobody_waits,
    cancelled: Callable[[], bool] = _never,
    fault: Fault = no_fault,
    chunk: int = CHUNK,
) -> int:
    """Fill the cache behind ``connection``. Raises ``SyncError``.

    :returns: the number of rows loaded, by earlier calls too; 0 where it had finished before.

    Call it again on the same file after a failure: it goes on where it stopped, and returns at once
    where it had finished.

    :param connection: a DB-API connection in autocommit mode to a new file, or to one that an
        earlier call began.
    :param create_tables: makes the synced tables, without secondary indexes, in the transaction that is
        open. Called once, or again where it was cut.
    :param create_indexes: makes the rest of the cache's schema; may be called again after a cut.
    :param progress: ``(table, rows so far, rows in all)``; the total is an estimate.
    :param first: called when the rows that the server names first can be read in the file, in each
        call that does not return at once; see :func:`begun_at`.
    :param cancelled: asked between chunks; true ends in :class:`~sync.errors.Cancelled`.
    """
    if not prepared(connection, device, create_tables, fault):
        return 0
    with (
        closing(server.connect()) as transport,
        ThreadPoolExecutor(1, thread_name_prefix="first-sync") as workers,
    ):
        return calls.drive(
            loading(
                connection,
                schema,
                create_indexes=create_indexes,
                clock=clock,
                progress=progress,
                first=first,
                cancelled=cancelled,
                fault=fault,
                chunk=chunk,
            ),
            transport,
            workers,
        )


def prepared(
    connection: Any, device: int, create_tables: Callable[[Any], None], fault: Fault = no_fault
) -> bool:
    """Make the tables of a new file, or see that they are there; false where a load has ended in it."""
    execute = store.executor(connection)
    store.create_tables(execute)
    if finished(connection):
        return False
    if store.get_state(execute, "bootstrap_tables") is None:
        with _transaction(connection):
            create_tables(connection)
            fault("tables_made")
            store.set_state(execute, "bootstrap_tables", "made")
    if store.get_state(execute, "device") is None:
        store.set_device(execute, device)
    return True


def loading(
    connection: Any,
    schema: SyncSchema,
    *,
    create_indexes: Callable[[Any], None],
    clock: Callable[[], dt.datetime],
    progress: Progress = _nobody_watches,
    first: Callable[[], None] = _nobody_waits,
    cancelled: Callable[[], bool] = _never,
    fault: Fault = no_fault,
    chunk: int = CHUNK,
) -> Conversation[int]:
    """The conversation of a first sync into a cache that has its tables; see :func:`bootstrap`."""
    waited: list[Callable[[], None]] = [first]

    def first_once() -> None:
        if waited:
            waited.pop()()

    for _attempt in range(GREETINGS):
        try:
            return (
                yield from _loading(
                    connection,
                    schema,
                    create_indexes,
                    clock,
                    first_once,
                    lambda load, columns: _Loader(
                        connection, load, columns, progress, cancelled, fault, chunk
                    ),
                    fault,
                )
            )
        except GreetingWanted:
            # The server was upgraded meanwhile, or put back. What has come is gone on from.
            continue
    raise ProtocolError(what="hello")


def _loading(
    connection: Any,
    schema: SyncSchema,
    create_indexes: Callable[[Any], None],
    clock: Callable[[], dt.datetime],
    first: Callable[[], None],
    make_loader: Callable[[_Load, dict[str, list[str]]], _Loader],
    fault: Fault,
) -> Conversation[int]:
    execute = store.executor(connection)
    answer = yield from greeting(connection, schema)
    columns = {t.name: list(t.columns) for t in answer.tables if t.name in schema}
    load = yield from _begin(connection, schema, answer.epoch, clock)
    if len(load.done) < len(columns):
        fault("load_begun")
    loader = make_loader(load, columns)
    yield from loader.read_first()
    first()
    yield from loader.read_rest()
    if store.get_state(execute, "bootstrap") is None:
        _verify(execute, load, columns)
        create_indexes(connection)
        fault("indexes_made")
        with _transaction(connection):
            install_capture(execute, schema)
            store.set_state(execute, "bootstrap", "loaded")
    if not finished(connection):
        yield from _catch_up(connection, schema, clock, fault)
        with _transaction(connection):
            store.set_state(execute, "bootstrap_load", None)
            store.set_state(execute, "bootstrap_began", None)
            store.set_state(execute, "bootstrap", "done")
    return sum(load.rows.values())


def finished(connection: Any) -> bool:
    """Whether a first sync into this file has come to its end."""
    return store.get_state(store.executor(connection), "bootstrap") == "done"


def begun_at(execute: store.Execute) -> dt.datetime | None:
    """When the load under way began, by this computer's clock; ``None`` where none is.

    What the server names first is of then, however often the load was cut since.
    """
    text = store.get_state(execute, "bootstrap_began")
    return None if text is None else codec.text_to_instant(text)


def _begin(
    connection: Any, schema: SyncSchema, epoch: str, clock: Callable[[], dt.datetime]
) -> Conversation[_Load]:
    execute = store.executor(connection)
    known = store.get_state(execute, "bootstrap_load")
    if known is not None:
        if store.get_state(execute, "epoch") != epoch:
            raise CacheMismatch
        return _Load.read(known)
    answer = yield from _start(connection, schema)
    load = _Load(
        {table.name: table.rows for table in answer.tables},
        [(table, list(ids)) for table, ids in answer.priority if table in schema],
    )
    with _transaction(connection):
        for key, value in (
            ("nonce", answer.nonce),
            ("generation", str(answer.generation)),
            ("epoch", answer.epoch),
            ("cursor", answer.cursor),
            ("exchange", None),
            ("bootstrap_load", load.text()),
            ("bootstrap_began", codec.instant_to_text(clock())),
        ):
            store.set_state(execute, key, value)
        store.raise_counter(execute, answer.counter)
    return load


def _start(connection: Any, schema: SyncSchema) -> Conversation[wire.StartAnswer]:
    """The server's go-ahead. A file that is new has no nonce, and takes the device over."""
    execute = store.executor(connection)
    request = wire.start_request(
        schema, store.device(execute), None, store.generation(execute), store.exchange(execute)
    )
    answer = wire.start_answer((yield calls.Start(request)))
    if answer.status == "hello":
        raise GreetingWanted
    if answer.status != "ok":
        raise refusal(answer.status, schema.version, answer.schema_version)
    return answer


def _verify(execute: store.Execute, load: _Load, columns: dict[str, list[str]]) -> None:
    for table in columns:
        found = execute(f'SELECT count(*) FROM "{table}"')[0][0]
        expected = load.rows.get(table, 0)
        if found != expected:
            raise IncompleteLoad(table=table, expected=expected, found=found)


def _catch_up(
    connection: Any, schema: SyncSchema, clock: Callable[[], dt.datetime], fault: Fault
) -> Conversation[None]:
    attempts = 0
    while attempts < CATCH_UP_ATTEMPTS:
        outcome = yield from exchanging(connection, schema, clock, fault)
        if outcome.held is not None:
            raise outcome.held
        if outcome.status == "ok":
            if later.waiting(connection, schema) is None:
                return
            continue
        if outcome.status == "hello":
            yield from greeting(connection, schema)
        # A comparison is as long as its tables.
        attempts += outcome.status != "compared"
    raise ProtocolError(what="exchange")


class _Loader:
    """Reads table after table; the next chunk is fetched while one is written."""

    def __init__(
        self,
        connection: Any,
        load: _Load,
        columns: dict[str, list[str]],
        progress: Progress,
        cancelled: Callable[[], bool],
        fault: Fault,
        chunk: int,
    ) -> None:
        self._connection = connection
        self._execute = store.executor(connection)
        self._device = store.device(self._execute)
        self._load = load
        self._columns = columns
        self._progress = progress
        self._cancelled = cancelled
        self._fault = fault
        self._chunk = chunk

    def read_rest(self) -> Conversation[None]:
        """Load everything that is not loaded yet."""
        for table in self._columns:
            if table not in self._load.done:
                yield from self._read_table(table)

    def read_first(self) -> Conversation[None]:
        """Load what the server names first."""
        while self._load.priority:
            table, ids = self._load.priority[0]
            answer = "[]"
            if table in self._columns:
                answer = yield calls.ReadIds(self._device, table, ids)
            rows, more = wire.read_rows(answer)
            with _transaction(self._connection):
                self._load.rows[table] = self._load.rows.get(table, 0) + self._write(table, rows)
                if more:
                    last = rows[-1][self._columns[table].index("id")]
                    self._load.priority[0] = (table, [i for i in ids if i > last])
                else:
                    del self._load.priority[0]
                self._keep()
            self._fault("priority_read")

    def _read_table(self, table: str) -> Conversation[None]:
        load = self._load
        columns = self._columns[table]
        key = columns.index("id")
        yield calls.Ahead(self._read(table, load.after.get(table, BEFORE_ALL)))
        while True:
            rows, more = wire.read_rows((yield calls.Awaited()))
            if self._cancelled():
                raise Cancelled
            last = not more and len(rows) < self._chunk
            if not last:
                yield calls.Ahead(self._read(table, rows[-1][key]))
            with _transaction(self._connection):
                load.rows[table] = load.rows.get(table, 0) + self._write(table, rows)
                if rows:
                    load.after[table] = rows[-1][key]
                if last:
                    load.done.append(table)
                self._keep()
                self._fault("chunk_written")
            self._fault("chunk_committed")
            done = load.rows[table]
            self._progress(table, done, max(done, load.sizes.get(table, 0)))
            if last:
                return

    def _read(self, table: str, after: int) -> calls.Read:
        return calls.Read(self._device, table, after, self._chunk)

    def _write(self, table: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert what is not there yet; how many rows were.

        Parsing in Python and ``executemany`` took 0.8 of the time of ``INSERT … SELECT
        json_extract(…) FROM json_each(?)`` (29 columns, 100,000 rows, SQLCipher).
        """
        columns = self._columns[table]
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        # Not OR IGNORE, which would swallow a missing value too.
        insert = f'INSERT INTO "{table}" ({names}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING'
        before = self._connection.total_changes
        self._connection.executemany(insert, rows)
        written: int = self._connection.total_changes - before
        return written

    def _keep(self) -> None:
        store.set_state(self._execute, "bootstrap_load", self._load.text())


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
