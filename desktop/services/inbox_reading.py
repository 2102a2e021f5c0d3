"""Reads refused drafts into words, beside what stands in the shared data now."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from desktop.domain.messages import _
from desktop.services import inbox_alike, inbox_graves, inbox_restored, inbox_words
from desktop.services.cache import executor
from desktop.services.clinic import ClinicSettings
from desktop.services.finance_entries import RECEIPTS
from desktop.services.inbox_alike import Alike
from desktop.services.inbox_records import FieldDraft, InboxItem, RecordDraft, Way
from desktop.services.inbox_replay import missing_parents, missing_rows, row
from desktop.services.inbox_restored import REOPENABLE, Needs
from sync import store
from sync.recovery import RESTORED
from sync.schema import SyncSchema
from sync.store import Operation, Rejection

PERMISSION = "inbox.settle"
APPOINTMENTS = "citas_cita"
_HOLDER = ("cliente_id", "paciente_nombre")
_TIMES = frozenset({"fecha_hora", "fin", "dentista_id"})


def field_key(operation: Operation, column: str) -> str:
    """Names one value of a draft."""
    return f"{operation.table}/{operation.row_id}/{column}"


def choosable(schema: SyncSchema, operation: Operation, column: str) -> bool:
    """Whether a person decides on this value when merging: a change of a spoken column."""
    table = schema[operation.table]
    return (
        operation.kind == "U"
        and column in table.column_names
        and inbox_words.spoken(table.column(column))
    )


def current(operation: Operation, present: dict[str, Any] | None) -> dict[str, Any]:
    """The row as the draft wants it, over what stands there now."""
    return {**(present or {}), **operation.new}


def holder_differs(operation: Operation, present: dict[str, Any]) -> bool:
    """Whether an appointment meanwhile is somebody else's visit."""
    for column in _HOLDER:
        wanted = operation.new.get(column)
        if column in operation.new and present.get(column) is not None and wanted is not None:
            return bool(present[column] != wanted)
    return False


def number_taken(one: Rejection) -> bool:
    """Whether a receipt was refused because another one has its number.

    Two workstations give the same numbers for a while where one was copied from the other.
    """
    constraint = str(one.detail.get("constraint") or "")
    return one.code == "duplicate" and constraint.startswith(f"uq_{RECEIPTS}_serie")


def items(
    session: Session, schema: SyncSchema, clinic: ClinicSettings, *, settled: bool
) -> tuple[InboxItem, ...]:
    """The refused transactions, waiting or settled, in words."""
    found = store.rejections(executor(session), settled=settled)
    needs = Needs(schema, [] if settled else found)
    finder = _Beside(session, schema, clinic)
    made = [_item(session, schema, clinic, one, found, needs, finder) for one in found]
    if settled:
        made.sort(key=lambda item: item.settled_at or item.refused_at, reverse=True)
    return tuple(made)


def _item(
    session: Session,
    schema: SyncSchema,
    clinic: ClinicSettings,
    one: Rejection,
    found: list[Rejection],
    drafts: Needs,
    beside: _Beside,
) -> InboxItem:
    operations = tuple(o for o in one.operations if o.table in schema)
    on = one.detail.get("on") if one.code == "depends" else None
    waits = on is not None and any(item.tx == on for item in found)
    records = tuple(_record(session, schema, clinic, one, operation) for operation in operations)
    dependents = tuple(
        item.tx for item in found if item.code == "depends" and item.detail.get("on") == one.tx
    )
    execute = executor(session)
    needs = [] if one.settled_at else drafts.of(execute, one)
    ways = () if one.settled_at or waits else _ways(session, schema, one, operations, needs)
    alike: list[Alike] = []
    undecided = None
    if one.code == RESTORED and ways:
        alike = beside.alike(one, needs)
        undecided = next((other.tx for other in needs if beside.undecided(other)), None)
        if undecided is not None:
            ways = (Way.LEAVE_OUT,)
        elif alike:
            ways = (Way.SAME, *ways)
    return InboxItem(
        tx=one.tx,
        what=inbox_words.action(one.label),
        subject=_subject(session, schema, clinic, operations),
        who=inbox_words.row_name(session, "personal_perfil", one.actor) if one.actor else "",
        made_at=one.made_at,
        refused_at=one.rejected_at,
        code=one.code,
        reason=_(_reason(session, schema, one, operations)),
        other=inbox_words.somebody(session, one.detail.get("by"), clinic),
        records=tuple(record for record in records if record.fields or record.kind == "D"),
        depends_on=on if waits else None,
        dependents=dependents,
        ways=ways,
        settled_at=one.settled_at,
        settled_how=_(inbox_words.SETTLED[one.settled_how]) if one.settled_how else "",
        reopenable=one.settled_how in REOPENABLE and on is None,
        needs=tuple(other.tx for other in needs),
        alike=tuple(other.words for other in alike),
        undecided=undecided,
        certain=any(other.certain for other in alike),
        permission=permission_of(one),
    )


class _Beside:
    """What is there already of what restored drafts would make."""

    def __init__(self, session: Session, schema: SyncSchema, clinic: ClinicSettings) -> None:
        self._execute, self._schema = executor(session), schema
        self._finder = inbox_alike.Finder(session, clinic)
        self._known: dict[str, bool] = {}

    def alike(self, one: Rejection, needs: list[Rejection]) -> list[Alike]:
        """What is there of what a draft itself would make; what it needs makes the rest."""
        operations = tuple(o for o in one.operations if o.table in self._schema)
        made = inbox_alike.to_make(self._execute, self._schema, operations)
        others = {(o.table, o.row_id) for n in needs for o in n.operations if o.kind == "I"}
        found = self._finder.find({k: made[k] for k in made if k not in others}, {})
        self._known[one.tx] = bool(found)
        return found

    def undecided(self, one: Rejection) -> bool:
        """Whether somebody has to say first whether a draft's record is there already."""
        if one.tx not in self._known:
            self.alike(one, [])
        return self._known[one.tx]


def permission_of(one: Rejection) -> str:
    """What a person needs to settle it."""
    return inbox_restored.PERMISSION if one.code == RESTORED else PERMISSION


def _reason(
    session: Session, schema: SyncSchema, one: Rejection, operations: tuple[Operation, ...]
) -> str:
    if number_taken(one):
        return inbox_words.NUMBER_TAKEN
    if one.code == "forbidden" and one.detail.get("scope") == "row":
        return inbox_words.OUT_OF_SCOPE
    if one.code == "conflict" and _taken_by_another(executor(session), schema, operations):
        return inbox_words.SLOT_TAKEN
    return inbox_words.REASONS.get(one.code, inbox_words.REASONS["rule"])


def _record(
    session: Session,
    schema: SyncSchema,
    clinic: ClinicSettings,
    one: Rejection,
    operation: Operation,
) -> RecordDraft:
    table = schema[operation.table]
    present = row(executor(session), schema, (operation.table, operation.row_id))
    disputed: set[str] = set()
    if one.detail.get("table") == operation.table and one.detail.get("id") == operation.row_id:
        disputed = set(one.detail.get("columns") or ())
    fields = []
    for column in table.columns:
        if not inbox_words.spoken(column) or column.name not in operation.new:
            continue
        mine = operation.new[column.name]
        if operation.kind == "I" and mine in (None, ""):
            continue
        theirs = present[column.name] if present else None
        if operation.kind == "U" and mine == operation.old.get(column.name) == theirs:
            continue  # only travels with what was changed
        fields.append(
            FieldDraft(
                key=field_key(operation, column.name),
                label=inbox_words.column_label(column.name),
                mine=inbox_words.value(session, clinic, table, column, mine),
                theirs=inbox_words.value(session, clinic, table, column, theirs),
                before=inbox_words.value(
                    session, clinic, table, column, operation.old.get(column.name)
                ),
                disputed=column.name in disputed,
                editable=column.kind == "text" and column.name not in {"estado", "rol", "metodo"},
            )
        )
    title = _(inbox_words.TABLES[operation.table]) if operation.table in inbox_words.TABLES else ""
    return RecordDraft(title, operation.kind, tuple(fields), present is not None)


def _subject(
    session: Session,
    schema: SyncSchema,
    clinic: ClinicSettings,
    operations: tuple[Operation, ...],
) -> str:
    """On whom or what, in a line: the client and the time of a visit, a client's name, an amount."""
    for operation in operations:
        table = schema[operation.table]
        present = row(executor(session), schema, (operation.table, operation.row_id))
        kept = present or inbox_graves.find(executor(session), operation.table, operation.row_id)
        whole = {**operation.old, **current(operation, kept)}
        parts = []
        for column in ("nombre_completo", "paciente_nombre", "cliente_nombre", "nombre"):
            if whole.get(column):
                parts.append(str(whole[column]))
                break
        else:
            if whole.get("cliente_id"):
                parts.append(
                    inbox_words.row_name(session, "pacientes_cliente", whole["cliente_id"])
                )
        for column in ("fecha_hora", "total", "monto"):
            if whole.get(column) and column in table.column_names:
                parts.append(
                    inbox_words.value(session, clinic, table, table.column(column), whole[column])
                )
                break
        if any(parts):
            return " · ".join(part for part in parts if part)
    return ""


def _taken_by_another(
    execute: store.Execute, schema: SyncSchema, operations: tuple[Operation, ...]
) -> bool:
    """Whether an appointment of the draft meanwhile is somebody else's visit."""
    for operation in operations:
        if operation.table == APPOINTMENTS and operation.kind == "U":
            present = row(execute, schema, (operation.table, operation.row_id))
            if present and holder_differs(operation, present):
                return True
    return False


def _ways(
    session: Session,
    schema: SyncSchema,
    one: Rejection,
    operations: tuple[Operation, ...],
    needs: list[Rejection],
) -> tuple[Way, ...]:
    execute = executor(session)
    booking = [o for o in operations if o.table == APPOINTMENTS and o.kind in {"I", "U"}]
    if one.code == RESTORED:
        return _ways_back(execute, schema, operations, needs)
    gone = missing_rows(execute, schema, operations)
    orphans = missing_parents(execute, schema, operations)
    if gone or orphans:
        return _ways_without(execute, schema, gone, orphans)
    if one.code == "overlap" and booking:
        return (Way.OTHER_SLOT, Way.TRY_AGAIN, Way.KEEP_THEIRS)
    if one.code in {"conflict", "depends"}:
        if _taken_by_another(execute, schema, operations):
            return (Way.OTHER_SLOT, Way.KEEP_THEIRS)
        if any(choosable(schema, o, column) for o in operations for column in o.new):
            return (Way.MERGE, Way.KEEP_MINE, Way.KEEP_THEIRS)
        return (Way.KEEP_MINE, Way.KEEP_THEIRS)
    if number_taken(one):
        return (Way.NEW_NUMBER, Way.TRY_AGAIN, Way.KEEP_THEIRS)
    if one.code in {"duplicate", "invalid", "rule"}:
        moved = booking and any(_TIMES & o.new.keys() for o in booking)
        return (
            Way.CORRECT,
            *((Way.OTHER_SLOT,) if moved else ()),
            Way.TRY_AGAIN,
            Way.KEEP_THEIRS,
        )
    return (Way.TRY_AGAIN, Way.KEEP_THEIRS)


def _ways_without(
    execute: store.Execute,
    schema: SyncSchema,
    gone: list[tuple[str, int]],
    orphans: list[tuple[Operation, str, tuple[str, int]]],
) -> tuple[Way, ...]:
    """The ways out where others deleted something that the draft needs."""
    needed = [*gone, *(key for _operation, _column, key in orphans)]
    ways = []
    if all(inbox_graves.find(execute, *key) is not None for key in needed):
        ways.append(Way.RESTORE)
    if not gone and all(schema[o.table].column(column).nullable for o, column, _key in orphans):
        ways.append(Way.WITHOUT_LINK)
    return (*ways, Way.KEEP_THEIRS)


def _ways_back(
    execute: store.Execute,
    schema: SyncSchema,
    operations: tuple[Operation, ...],
    needs: list[Rejection],
) -> tuple[Way, ...]:
    """The ways out for what was applied once, before the server was put back on purpose."""
    whole = tuple(o for draft in needs for o in draft.operations if o.table in schema) + operations
    gone, orphans = missing_rows(execute, schema, whole), missing_parents(execute, schema, whole)
    ways = []
    if all(inbox_graves.find(execute, *key) for key in (*gone, *(key for _o, _c, key in orphans))):
        ways.append(Way.BRING_BACK)
    if gone or orphans:
        if not gone and all(schema[o.table].column(c).nullable for o, c, _key in orphans):
            ways.append(Way.WITHOUT_LINK)
        return (*ways, Way.LEAVE_OUT)
    if any(
        choosable(schema, o, column) and _there_is(execute, schema, o)
        for o in operations
        for column in o.new
    ):
        ways.append(Way.MERGE)
    if any(
        o.table == APPOINTMENTS and o.kind in {"I", "U"} and _TIMES & o.new.keys()
        for o in operations
    ):
        ways.append(Way.OTHER_SLOT)
    return (*ways, Way.LEAVE_OUT)


def _there_is(execute: store.Execute, schema: SyncSchema, operation: Operation) -> bool:
    return row(execute, schema, (operation.table, operation.row_id)) is not None
