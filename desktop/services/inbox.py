"""Refused work, and the ways out of it. Nothing leaves the inbox unless a person settles it."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import sync_schema
from desktop.services import (
    agenda_search,
    finance_entries,
    inbox_back,
    inbox_graves,
    inbox_reading,
    inbox_restored,
    inbox_words,
)
from desktop.services.agenda_records import FreeSlot
from desktop.services.cache import Cache, executor
from desktop.services.clinic import ClinicSettings
from desktop.services.inbox_back import Restoring, all_missing
from desktop.services.inbox_reading import (
    APPOINTMENTS,
    PERMISSION,
    current,
    holder_differs,
    permission_of,
)
from desktop.services.inbox_records import BookingDraft, BroughtBack, InboxItem, Way
from desktop.services.inbox_replay import Replay, missing_parents, row
from desktop.services.inbox_restored import REOPENABLE, Needs
from sync import codec, store
from sync.recovery import RESTORED
from sync.store import Operation, Rejection

SEARCH_DAYS = 42


class Inbox:
    """What the shared database refused of this workstation's work."""

    def __init__(self, cache: Cache, clinic: ClinicSettings) -> None:
        self._cache = cache
        self._clinic = clinic
        self._schema = sync_schema()
        with cache.writing_local() as session:
            inbox_graves.prepare(executor(session), self._schema, cache.now())

    # Looking --------------------------------------------------------------------------------

    def items(self, *, settled: bool = False) -> tuple[InboxItem, ...]:
        """What waits for a person, oldest first; with ``settled`` what was settled, latest first."""
        with self._cache.reading() as session:
            return inbox_reading.items(session, self._schema, self._clinic, settled=settled)

    def count(self) -> int:
        """How many wait for a person."""
        with self._cache.reading() as session:
            return store.rejected_count(executor(session))

    def booking_draft(self, tx: str) -> BookingDraft:
        """When, how long and for whom a refused appointment was wanted.

        Raises ``RuleError``: ``inbox.settled`` and ``inbox.no_booking``.
        """
        with self._cache.reading() as session:
            return self._draft_of(session, self._waiting(session, tx))

    def free_slots(self, tx: str, *, limit: int = 60) -> list[FreeSlot]:
        """Times that are free for a refused appointment: its practitioner's, from its day on."""
        with self._cache.reading() as session:
            draft = self._draft_of(session, self._waiting(session, tx))
            own = None if draft.practitioner_id is None else {draft.practitioner_id}
            from_ = max(self._cache.now(), draft.starts_at - dt.timedelta(hours=3))
            found = agenda_search.free_slots(
                session,
                self._clinic,
                duration=draft.ends_at - draft.starts_at,
                from_=from_,
                until=from_ + dt.timedelta(days=SEARCH_DAYS),
                practitioner_ids=own,
            )
            return list(islice(found, limit))

    # Settling -------------------------------------------------------------------------------

    def keep_mine(self, actor: Actor, tx: str) -> None:
        """Send the draft again over what stands there now, and what builds on it.

        Raises ``RuleError`` as every way out does: ``inbox.settled`` where another window was
        faster, ``inbox.with_parent`` where it is settled with another, ``permission.denied``; and
        ``inbox.row_gone``.
        """
        self._again(actor, tx, Way.KEEP_MINE)

    def try_again(self, actor: Actor, tx: str) -> None:
        """Send the draft again as it was: what stood in the way may be gone."""
        self._again(actor, tx, Way.TRY_AGAIN)

    def keep_theirs(self, actor: Actor, tx: str) -> None:
        """Let the draft rest in the history, and what builds on it; nothing is sent."""
        with self._cache.writing_local() as session:
            family = _waiting_family(tx, store.rejections(executor(session)))
            actor.require(permission_of(family[0]))
            self._settle(session, family, Way.KEEP_THEIRS)

    def reopen(self, actor: Actor, *txs: str) -> None:
        """Take :meth:`keep_theirs` or :meth:`leave_out` back: the drafts wait again, with what builds
        on them. ``RuleError('inbox.not_reopenable')`` where one was sent again; then none does.
        """
        actor.require(PERMISSION)
        with self._cache.writing_local() as session:
            execute = executor(session)
            settled = store.rejections(execute, settled=True)
            for tx in txs:
                family = _family_of(tx, settled)
                if not family or any(item.settled_how not in REOPENABLE for item in family):
                    raise RuleError("inbox.not_reopenable")
                actor.require(permission_of(family[0]))
                for item in family:
                    execute(
                        "UPDATE sync_rejection SET settled_at = NULL, settled_how = NULL"
                        " WHERE tx = ?",
                        (item.tx,),
                    )

    # After the server was put back --------------------------------------------------------------

    def bring_back(self, actor: Actor, tx: str, *, alike_too: bool = False) -> BroughtBack:
        """Do a draft over again that was applied once, after those that it needs.

        Each is a local transaction under its own id, so that the server applies it once, whoever
        brings it. What it changes or refers to, and is gone with the old server, comes back from
        what was kept.

        :param alike_too: also where something that may be the same is there already.
        Raises as every way out does, and ``RuleError``: ``inbox.alike``, ``inbox.alike_first``,
        ``inbox.no_copy``.
        """
        actor.require(inbox_restored.PERMISSION)
        return inbox_back.bring_back(
            self._cache, self._clinic, actor, tx, same=False, alike_too=alike_too
        )

    def keep_same(self, actor: Actor, tx: str) -> BroughtBack:
        """Let what is there already stand for what a draft would make, and send the rest of it.

        Other drafts that speak of the lost record speak of that one from then on.
        """
        actor.require(inbox_restored.PERMISSION)
        return inbox_back.bring_back(
            self._cache, self._clinic, actor, tx, same=True, alike_too=False
        )

    def bring_back_all(
        self,
        actor: Actor,
        txs: Collection[str],
        tell: Callable[[int, int], None],
        *,
        same: bool = False,
    ) -> BroughtBack:
        """:meth:`bring_back` of several, in the order they were made, each by itself.

        What seems to be there already waits.

        :param tell: gets how many are done, and of how many; where it raises, the rest waits.
        :param same: :meth:`keep_same` where the record that is there and the lost one can't both be.
        """
        actor.require(inbox_restored.PERMISSION)
        return inbox_back.bring_back_all(self._cache, self._clinic, actor, txs, tell, same=same)

    def leave_out(self, actor: Actor, txs: Collection[str]) -> None:
        """Let drafts rest in the history that were applied once; :meth:`reopen` takes it back."""
        actor.require(inbox_restored.PERMISSION)
        with self._cache.writing_local() as session:
            waiting = {one.tx: one for one in store.rejections(executor(session))}
            if not waiting.keys() >= set(txs):
                raise RuleError("inbox.settled")
            self._settle(session, [waiting[tx] for tx in txs], Way.LEAVE_OUT)

    def merge(self, actor: Actor, tx: str, mine: Collection[str]) -> None:
        """Send again only the fields whose keys are in ``mine``; of the others theirs stays."""
        with self._cache.reading() as session:
            operations = self._waiting(session, tx).operations
        skip = frozenset(
            (o.table, o.row_id, column)
            for o in operations
            for column in o.new
            if inbox_reading.choosable(self._schema, o, column)
            and inbox_reading.field_key(o, column) not in mine
        )
        self._again(actor, tx, Way.MERGE, skip=skip)

    def correct(self, actor: Actor, tx: str, texts: Mapping[str, str]) -> None:
        """Send the draft again with other texts, by field key."""
        with self._cache.reading() as session:
            operations = self._waiting(session, tx).operations
        values: dict[tuple[str, int], dict[str, Any]] = {}
        for operation in operations:
            for column in self._schema[operation.table].columns:
                key = inbox_reading.field_key(operation, column.name)
                if key in texts and column.kind == "text":
                    text = texts[key].strip()
                    stored = text if text or not column.nullable else None
                    values.setdefault((operation.table, operation.row_id), {})[column.name] = stored
        self._again(actor, tx, Way.CORRECT, values=values)

    def new_number(self, actor: Actor, tx: str) -> None:
        """Send a refused receipt again under the next number of this workstation."""

        def act(session: Session, family: list[Rejection], replay: Replay) -> None:
            values: dict[tuple[str, int], dict[str, Any]] = {}
            number = finance_entries.next_number(session, replay.device)
            for operation in _operations(family):
                if operation.table == finance_entries.RECEIPTS and operation.kind == "I":
                    key = (operation.table, operation.row_id)
                    values[key] = {"serie": replay.device, "numero": number}
                    number += 1
            replay.values = values

        self._again(actor, tx, Way.NEW_NUMBER, before=act)

    def other_slot(
        self, actor: Actor, tx: str, starts_at: dt.datetime, practitioner_id: int | None = None
    ) -> int:
        """Book a refused appointment at another time, as long as it was; the appointment's id.

        :param starts_at: aware.
        :param practitioner_id: ``None`` stays with the one who was asked for.
        Where the row meanwhile is somebody else's visit, it is left alone and a new one is made.
        Raises ``RuleError('agenda.overlap')`` where that time is taken, too.
        """
        actor.require(PERMISSION)
        with self._cache.reading() as session:
            draft = self._draft_of(session, self._waiting(session, tx))
        ends_at = starts_at + (draft.ends_at - draft.starts_at)
        who = draft.practitioner_id if practitioner_id is None else practitioner_id
        times = {
            "fecha_hora": codec.instant_to_text(starts_at),
            "fin": codec.instant_to_text(ends_at),
            "dentista_id": who,
        }

        def act(session: Session, family: list[Rejection], replay: Replay) -> None:
            operation = _appointment(_one(family, tx))
            key = (operation.table, operation.row_id)
            self._check_free(session, starts_at, ends_at, who, key[1])
            replay.values = {key: times}
            present = row(replay.execute, self._schema, key)
            if operation.kind == "U" and (present is None or holder_differs(operation, present)):
                fresh = current(operation, present)
                replay.moved[key] = self._cache.new_id(session)
                replay.insert(key, fresh | times)

        replay, family = self._again(actor, tx, Way.OTHER_SLOT, before=act)
        operation = _appointment(_one(family, tx))
        key = (operation.table, operation.row_id)
        return replay.moved.get(key, operation.row_id)

    def restore(self, actor: Actor, tx: str) -> None:
        """Bring back what others deleted and the draft needs, and send the draft again.

        Raises ``RuleError('inbox.no_copy')`` where nothing is kept of it.
        """
        self._again(actor, tx, Way.RESTORE, before=_restoring)

    def without_link(self, actor: Actor, tx: str) -> None:
        """Send the draft again without its references to deleted records."""

        def act(_session: Session, family: list[Rejection], replay: Replay) -> None:
            values: dict[tuple[str, int], dict[str, Any]] = {}
            for operation, column, _key in missing_parents(
                replay.execute, self._schema, _operations(family)
            ):
                if not self._schema[operation.table].column(column).nullable:
                    raise RuleError("inbox.link_needed")
                values.setdefault((operation.table, operation.row_id), {})[column] = None
            replay.values = values

        self._again(actor, tx, Way.WITHOUT_LINK, before=act)

    # Keeping a copy -------------------------------------------------------------------------

    def export(self, path: Path) -> int:
        """Write everything that is not in the shared database yet to a file of its owner alone.

        :returns: how many local transactions it holds. Raises
            ``EnvironmentTrouble('inbox.export_failed')``.
        """
        with self._cache.reading() as session:
            execute = executor(session)
            waiting = store.outbox(execute)
            refused = store.rejections(execute)
            content = {
                "format": "consultorio-outbox",
                "version": 1,
                "device": store.device(execute),
                "written_at": codec.instant_to_text(self._cache.now()),
                "waiting": [
                    {"tx": t.id, "label": t.label, "actor": t.actor, "at": t.at}
                    | {"ops": json.loads(store.operations_to_json(t.operations))}
                    for t in waiting
                ],
                "refused": [
                    {"tx": r.tx, "label": r.label, "actor": r.actor, "code": r.code}
                    | {"at": codec.instant_to_text(r.made_at), "detail": r.detail}
                    | {"ops": json.loads(store.operations_to_json(r.operations))}
                    for r in refused
                ],
            }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        beside = path.with_name(f"{path.name}.new")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            beside.replace(path)
        except OSError as error:
            raise EnvironmentTrouble("inbox.export_failed", path=str(path)) from error
        return len(waiting) + len(refused)

    # Inside ---------------------------------------------------------------------------------

    def _again(
        self,
        actor: Actor,
        tx: str,
        way: Way,
        *,
        skip: frozenset[tuple[str, int, str]] = frozenset(),
        values: Mapping[tuple[str, int], Mapping[str, Any]] | None = None,
        before: Callable[[Session, list[Rejection], Replay], None] | None = None,
    ) -> tuple[Replay, list[Rejection]]:
        """Do a draft and what builds on it over again, in one local transaction.

        What it needs of what was applied once comes back before it.
        """
        with self._cache.writing_several(actor) as batch:
            session = batch.session
            execute = executor(session)
            waiting = store.rejections(execute)
            family = _waiting_family(tx, waiting)
            actor.require(permission_of(family[0]))
            restoring = Restoring(batch, self._cache, self._clinic, Needs(self._schema, waiting))
            operations = _operations(family)
            if family[0].code == RESTORED:
                restoring.bring_needed(family[0])
                replay = restoring.replay(operations)
                replay.there = frozenset()  # what is there is brought up to the draft
            else:
                replay = Replay(
                    execute,
                    self._schema,
                    store.device(execute),
                    lambda: self._cache.new_id(session),
                )
            replay.skip, replay.values = skip, values or {}
            with batch.transaction(family[0].label) as again:
                if before is not None:
                    before(session, family, replay)
                replay.run(operations)
            if family[0].code == RESTORED:
                restoring.mark(again)
            self._settle(session, family, way)
            inbox_restored.follow(execute, self._schema, replay.moved, self._cache.now())
        return replay, family

    def _settle(self, session: Session, family: list[Rejection], way: Way) -> None:
        for item in family:
            store.settle(executor(session), item.tx, way.value, self._cache.now())

    def _waiting(self, session: Session, tx: str) -> Rejection:
        for item in store.rejections(executor(session)):
            if item.tx == tx:
                return item
        raise RuleError("inbox.settled")

    def _draft_of(self, session: Session, item: Rejection) -> BookingDraft:
        operation = _appointment(item)
        present = row(executor(session), self._schema, (operation.table, operation.row_id))
        whole = current(operation, present)
        if not whole.get("fecha_hora"):
            raise RuleError("inbox.no_booking")
        starts_at = codec.text_to_instant(whole["fecha_hora"])
        ends_at = codec.text_to_instant(whole["fin"]) if whole.get("fin") else None
        if ends_at is None or ends_at <= starts_at:
            ends_at = starts_at + dt.timedelta(minutes=30)
        client_id = whole.get("cliente_id")
        return BookingDraft(
            item.tx,
            starts_at,
            ends_at,
            whole.get("dentista_id"),
            client_id,
            whole.get("paciente_nombre") or _name(session, "pacientes_cliente", client_id),
            _name(session, "citas_tiposervicio", whole.get("tipo_servicio_id")),
        )

    def _check_free(
        self,
        session: Session,
        starts_at: dt.datetime,
        ends_at: dt.datetime,
        practitioner_id: int | None,
        own_id: int,
    ) -> None:
        active = sorted(status.value for status in statuses.ACTIVE)
        marks = ", ".join("?" * len(active))
        taken = executor(session)(
            f'SELECT 1 FROM "{APPOINTMENTS}" WHERE dentista_id = ? AND id <> ?'
            f" AND fecha_hora < ? AND fin > ? AND estado IN ({marks})"
            " AND sobrecupo_motivo IS NULL LIMIT 1",
            (
                practitioner_id,
                own_id,
                codec.instant_to_text(ends_at),
                codec.instant_to_text(starts_at),
                *active,
            ),
        )
        if taken:
            raise RuleError("inbox.slot_taken")


def _waiting_family(tx: str, waiting: list[Rejection]) -> list[Rejection]:
    """:func:`_family_of` what waits; raises where it is settled, or settled with another."""
    family = _family_of(tx, waiting)
    if not family:
        raise RuleError("inbox.settled")
    parent = family[0].detail.get("on") if family[0].code == "depends" else None
    if parent is not None and any(item.tx == parent for item in waiting):
        raise RuleError("inbox.with_parent")
    return family


def _name(session: Session, table: str, row_id: int | None) -> str:
    return "" if row_id is None else inbox_words.row_name(session, table, row_id)


def _appointment(item: Rejection) -> Operation:
    for operation in item.operations:
        if operation.table == APPOINTMENTS and operation.kind in {"I", "U"}:
            return operation
    raise RuleError("inbox.no_booking")


def _one(family: list[Rejection], tx: str) -> Rejection:
    return next(item for item in family if item.tx == tx)


def _restoring(_session: Session, family: list[Rejection], replay: Replay) -> None:
    for key in all_missing(replay, _operations(family)):
        replay.bring_back(key)


def _operations(family: list[Rejection]) -> tuple[Operation, ...]:
    return tuple(operation for item in family for operation in item.operations)


def _family_of(tx: str, items: list[Rejection]) -> list[Rejection]:
    """A refused transaction and what builds on it, in the order in which they were made."""
    inside = {tx}
    grew = True
    while grew:
        more = {i.tx for i in items if i.code == "depends" and i.detail.get("on") in inside}
        grew = not more <= inside
        inside |= more
    own = [item for item in items if item.tx == tx]
    rest = sorted((i for i in items if i.tx in inside and i.tx != tx), key=lambda i: i.made_at)
    return [*own, *rest] if own else []
