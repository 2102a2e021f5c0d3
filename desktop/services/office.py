"""Unsent work on its way from one workstation to another: written for the office, and taken in there."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.messages import _
from desktop.models import OFFICE, sync_schema
from desktop.services import inbox_words, office_file, office_key
from desktop.services.cache import Cache, executor, translated
from desktop.services.office_file import Unsent
from sync import adopt, store

PERMISSION = "admin"
OLD_AFTER = dt.timedelta(days=60)
"""The server forgets what it answered after 70 days: what is older is looked at by a person."""

ConnectAs = Callable[[str, str], psycopg.Connection]
"""A connection to the clinic's server as a database user, with a password."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file.

    :ivar label: the workstation that it comes from. :ivar written_at: aware, UTC.
    :ivar waiting: in this outbox now. :ivar refused: in this inbox now.
    :ivar applied: the server had them already. :ivar repeated: were imported before.
    """

    label: str
    written_at: dt.datetime
    waiting: int
    refused: int
    applied: int
    repeated: int

    @property
    def nothing_new(self) -> bool:
        """Whether all of it had been imported, or sent, before."""
        return not (self.waiting or self.refused)


@dataclass(frozen=True, slots=True)
class Overview:
    """What a file holds, without a value of any record.

    :ivar actions: what was done, in words → how often. :ivar people: staff ids that did it.
    :ivar oldest: when the first of it was done; ``None`` where the file is empty.
    """

    label: str
    device: int
    written_at: dt.datetime
    transactions: int
    rejections: int
    actions: dict[str, int]
    people: tuple[int, ...]
    oldest: dt.datetime | None
    newest: dt.datetime | None


class Office:
    """Export for the office at any workstation, import at the office's."""

    def __init__(self, cache: Cache, connect_as: ConnectAs | None, schema: str) -> None:
        """
        :param connect_as: reaches the clinic's server as an administrator; ``None`` where there is
            no server. :param schema: the tenant schema.
        """
        self._cache = cache
        self._connect_as = connect_as
        self._schema = schema

    @property
    def key(self) -> str | None:
        """The public half of the clinic's key; ``None`` where the server has not told it yet."""
        with self._cache.reading() as session:
            return store.get_state(executor(session), "office_key")

    def may_import(self, actor: Actor) -> bool:
        """Whether this is an office workstation, with a server, and ``actor`` an administrator."""
        with self._cache.reading() as session:
            profile = store.get_state(executor(session), "profile")
        return (
            self._connect_as is not None and profile == OFFICE and PERMISSION in actor.permissions
        )

    def suggested_name(self) -> str:
        """A name for a new file of this moment."""
        with self._cache.reading() as session:
            number = store.device(executor(session))
        return f"envio-{number}-{self._cache.now():%Y%m%d-%H%M%S}{office_file.SUFFIX}"

    def export(self, path: Path) -> int:
        """Write what was never sent, and what was refused, encrypted for the office.

        :returns: how many local transactions it holds. Raises those of
            :func:`desktop.services.office_file.write_new`, and
            ``EnvironmentTrouble('office.no_key_here')``.
        """
        with translated(), contextlib.closing(self._cache.connect()) as connection:
            return export(connection, path, self._cache.now())

    def import_file(self, actor: Actor, path: Path, user: str, password: str) -> Imported:
        """Take the work in a file into this workstation's outbox, by the administrator's leave.

        :param user: the database user that owns the clinic; nobody else reads its private key.
        Raises :class:`RuleError`: ``permission.denied``, ``office.wrong_profile``,
        ``office.no_key``, and those of :func:`desktop.services.office_file.read`; and
        :class:`EnvironmentTrouble`: those of the server.
        """
        actor.require(PERMISSION)
        if self._connect_as is None or not self.may_import(actor):
            raise RuleError("office.wrong_profile")
        with self._connect_as(user, password) as connection:
            return import_file(self._cache, connection, self._schema, path)


def in_words(done: Imported) -> str:
    """What a person is told after an import."""
    if done.nothing_new and done.repeated:
        return _(
            "Nothing new: this file, from “{label}”, was imported before, or all of it had been "
            "sent. Nothing was changed."
        ).format(label=done.label)
    return _(
        "From “{label}”. To be sent with the next exchange: {waiting}. To be settled in the inbox: "
        "{refused}. On the server already: {applied}. Imported before: {repeated}."
    ).format(
        label=done.label,
        waiting=done.waiting,
        refused=done.refused,
        applied=done.applied,
        repeated=done.repeated,
    )


def export(connection: Any, path: Path, now: dt.datetime) -> int:
    """:meth:`Office.export`, for a DB-API connection to the cache."""
    execute = store.executor(connection)
    key = store.get_state(execute, "office_key")
    if key is None:
        raise EnvironmentTrouble("office.no_key_here")
    unsent = office_file.collect(execute, now)
    office_file.write_new(path, office_file.seal(unsent, key))
    return unsent.count


def opened(administrator: psycopg.Connection, schema: str, path: Path) -> Unsent:
    """The work in a file, by the clinic's private key.

    Raises as :func:`desktop.services.office_key.identity` and
    :func:`desktop.services.office_file.read`.
    """
    tenant, identity = office_key.identity(administrator, schema)
    return office_file.read(path, identity, tenant)


def overview(unsent: Unsent) -> Overview:
    """A file's work in figures."""
    made = [(t.label, t.actor) for t in unsent.transactions]
    made += [(r.label, r.actor) for r in unsent.rejections]
    instants = sorted(
        [office_file.made_at(t) for t in unsent.transactions]
        + [r.made_at for r in unsent.rejections]
    )
    return Overview(
        label=unsent.label,
        device=unsent.device,
        written_at=unsent.written_at,
        transactions=len(unsent.transactions),
        rejections=len(unsent.rejections),
        actions=dict(Counter(inbox_words.action(label) for label, _actor in made)),
        people=tuple(sorted({actor for _label, actor in made if actor is not None})),
        oldest=instants[0] if instants else None,
        newest=instants[-1] if instants else None,
    )


def import_file(
    cache: Cache, administrator: psycopg.Connection, schema: str, path: Path
) -> Imported:
    """Take the work in a file into an office workstation's outbox.

    What the server has applied already is left out, what it has refused goes to the inbox, and so
    does everything it does not know where the file is so old that it may have forgotten.
    Raises ``RuleError('office.wrong_profile')`` and those of :func:`opened`.
    """
    with cache.reading() as session:
        if store.get_state(executor(session), "profile") != OFFICE:
            raise RuleError("office.wrong_profile")
        tenant = store.get_state(executor(session), "tenant")
    unsent = opened(administrator, schema, path)
    if unsent.tenant != tenant:
        raise RuleError("office.other_clinic", path=str(path))
    known = office_key.results(administrator, schema, [t.id for t in unsent.transactions])
    with translated(), contextlib.closing(cache.connect()) as connection:
        adopted = adopt.adopt(
            connection,
            sync_schema(),
            unsent.transactions,
            unsent.rejections,
            known,
            cache.now(),
            review=cache.now() - unsent.written_at > OLD_AFTER,
        )
    if adopted.tables:
        cache.notify(adopted.tables)
    return Imported(
        label=unsent.label,
        written_at=unsent.written_at,
        waiting=adopted.waiting,
        refused=adopted.refused,
        applied=adopted.applied,
        repeated=adopted.repeated,
    )
