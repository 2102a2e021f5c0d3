"""Brings drafts back that were applied once, before the server was put back on purpose."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.models import sync_schema
from desktop.services import inbox_alike, inbox_restored
from desktop.services.cache import Batch, Cache, executor
from desktop.services.clinic import ClinicSettings
from desktop.services.inbox_records import BroughtBack, Way
from desktop.services.inbox_replay import Key, Replay, missing_parents, missing_rows, row
from desktop.services.inbox_restored import Needs
from sync import acked, store
from sync.recovery import RESTORED
from sync.store import Operation, Rejection

AT_ONCE = 25
"""Drafts that are kept in one go: none of the others waits long, and little is written twice."""


@dataclass
class Restoring:
    """Brings drafts back inside one write transaction of the cache; each whole or not at all.

    :ivar alike_too: bring back also what seems to be there already.
    :ivar same: where a record is surely there already, let it stand for the one that was lost.
    :ivar moved: rows that came back under another id, or for which another stands.
    :ivar done: how many drafts are on their way. :ivar there: how many had nothing left to do.
    """

    batch: Batch
    cache: Cache
    clinic: ClinicSettings
    needs: Needs
    alike_too: bool = False
    same: bool = False
    moved: dict[Key, int] = field(default_factory=dict)
    done: int = 0
    there: int = 0

    def __post_init__(self) -> None:
        self.schema = sync_schema()
        self.execute = executor(self.batch.session)
        self._finder = inbox_alike.Finder(self.batch.session, self.clinic)

    def bring(self, tx: str, *, certain_only: bool = False) -> None:
        """Bring a draft back with those that it needs.

        :param certain_only: with ``same``: let a record stand for the lost one only where both can't
            be kept.
        Raises ``RuleError``: ``inbox.settled``, ``inbox.alike`` where something seems to be there
        already, ``inbox.alike_first`` where that is so for a draft that this one needs, and
        ``inbox.no_copy``. Then nothing of it was done.
        """
        draft = store.rejection(self.execute, tx)
        if draft is None or draft.code != RESTORED:
            raise RuleError("inbox.settled")
        before = (dict(self.moved), self.done, self.there)
        try:
            with self.batch.session.begin_nested():
                self.bring_needed(draft)
                self._bring(draft, certain_only)
        except BaseException:
            self.moved, self.done, self.there = before
            raise

    def bring_needed(self, draft: Rejection) -> None:
        """Bring back what a draft needs; ``RuleError('inbox.alike_first')``."""
        needed = self.needs.of(self.execute, draft, self.moved)
        if any(self._alike(one) for one in needed):
            raise RuleError("inbox.alike_first")
        for one in needed:
            self._bring(one, False)

    def replay(self, operations: tuple[Operation, ...]) -> Replay:
        """A doing-over of restored drafts: rows come back under the ids that they had."""
        made = frozenset((o.table, o.row_id) for o in operations if o.kind == "I")
        there = frozenset(
            key for key in made if key in self.moved or row(self.execute, self.schema, key)
        )
        return Replay(
            self.execute,
            self.schema,
            store.device(self.execute),
            lambda: self.cache.new_id(self.batch.session),
            moved=self.moved,
            kept=made,
            there=there,
        )

    def mark(self, tx: str) -> bool:
        """Tell the server that rows of a transaction were there once; whether there is anything to
        send of it.
        """
        sent = bool(self.execute("SELECT 1 FROM sync_tx WHERE id = ?", (tx,)))
        if sent:
            acked.mark_again(self.execute, tx)
        return sent

    def _bring(self, draft: Rejection, certain_only: bool) -> None:
        """One draft and nothing else, under its own transaction id where it is brought back whole."""
        alike = self._alike(draft)
        if alike and self.same and not (certain_only and not all(one.certain for one in alike)):
            self.moved.update((one.key, one.there) for one in alike)
        elif alike and not self.alike_too:
            raise RuleError("inbox.alike")
        label, operations = draft.label, draft.operations
        replay = self.replay(operations)
        missing = all_missing(replay, operations)
        if missing:
            with self.batch.transaction(label):
                for key in missing:
                    replay.bring_back(key)
        whole = not replay.there
        with self.batch.transaction(label, draft.tx if whole else None) as tx:
            replay.run(operations)
        sent = self.mark(tx)
        self.done += sent
        self.there += not sent
        way = Way.BRING_BACK if sent else Way.SAME
        store.settle(self.execute, draft.tx, way.value, self.cache.now())

    def _alike(self, draft: Rejection) -> list[inbox_alike.Alike]:
        made = inbox_alike.to_make(self.execute, self.schema, draft.operations)
        left = {key: image for key, image in made.items() if key not in self.moved}
        return self._finder.find(left, self.moved)


def all_missing(replay: Replay, operations: tuple[Operation, ...]) -> list[Key]:
    """The rows that operations change or refer to and that are gone."""
    parents = missing_parents(replay.execute, replay.schema, operations)
    keys = [*missing_rows(replay.execute, replay.schema, operations), *(k for _o, _c, k in parents)]
    return [key for key in keys if key not in replay.moved]


def bring_back(
    cache: Cache, clinic: ClinicSettings, actor: Actor, tx: str, *, same: bool, alike_too: bool
) -> BroughtBack:
    """One draft, with those that it needs."""
    with cache.writing_several(actor) as batch:
        execute = executor(batch.session)
        needs = Needs(sync_schema(), store.rejections(execute))
        restoring = Restoring(batch, cache, clinic, needs, alike_too, same)
        restoring.bring(tx)
        inbox_restored.follow(execute, sync_schema(), restoring.moved, cache.now())
    return BroughtBack(restoring.done, there=restoring.there)


def bring_back_all(
    cache: Cache,
    clinic: ClinicSettings,
    actor: Actor,
    txs: Collection[str],
    tell: Callable[[int, int], None],
    *,
    same: bool,
) -> BroughtBack:
    """Several, in the order they were made; see :meth:`Inbox.bring_back_all`."""
    wanted = frozenset(txs)
    needs, order = _order(cache, wanted)
    done = there = 0
    left: list[str] = []
    alike: list[str] = []
    for start in range(0, len(order), AT_ONCE):
        stopped: Exception | None = None
        with cache.writing_several(actor) as batch:
            restoring = Restoring(batch, cache, clinic, needs, same=same)
            for at, tx in enumerate(order[start : start + AT_ONCE], start):
                try:
                    tell(at, len(order))
                except Exception as error:  # noqa: BLE001 - what came back is kept, then it is raised
                    stopped = error
                    break
                try:
                    restoring.bring(tx, certain_only=True)
                except RuleError as error:
                    if error.code in {"inbox.alike", "inbox.alike_first"}:
                        alike.append(tx)
                    elif error.code != "inbox.settled":  # it came back with another
                        left.append(tx)
            moved = inbox_restored.follow(
                executor(batch.session), sync_schema(), restoring.moved, cache.now()
            )
        done, there = done + restoring.done, there + restoring.there
        if stopped is not None:
            raise stopped
        if moved:
            needs, _rest = _order(cache, wanted)
    return BroughtBack(done, tuple(left), tuple(alike), there)


def _order(cache: Cache, wanted: frozenset[str]) -> tuple[Needs, list[str]]:
    with cache.reading() as session:
        waiting = store.rejections(executor(session))
    return Needs(sync_schema(), waiting), [one.tx for one in waiting if one.tx in wanted]
