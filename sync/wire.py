"""Requests and answers of the protocol, as dataclasses, and their JSON.

Rows come from the server as :mod:`sync.codec` says. Towards the server two kinds differ: amounts
travel as decimal text (``"12.50"``) and booleans as ``true`` and ``false``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync import codec
from sync.errors import ProtocolError
from sync.schema import SyncSchema, SyncTable
from sync.store import LocalTransaction, Operation

PROTOCOL = 1

INLINE = 2_000_000
"""Bytes of rows that an answer brings itself, beside those that were pushed; of others, the ids."""


@dataclass(frozen=True, slots=True)
class ServerTable:
    """A table as the server will send it to this device.

    :ivar filtered: some of its rows may be kept from this device.
    """

    name: str
    order: int
    columns: tuple[str, ...]
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class CaptureProblem:
    """A table whose changes the server may not log, so that workstations may never hear of them.

    :ivar problem: ``table_missing``, ``not_captured``, ``trigger_missing``, ``trigger_disabled`` or
        ``trigger_replaced``.
    """

    table: str
    problem: str


@dataclass(frozen=True, slots=True)
class HelloAnswer:
    """What the server says of itself and of this device.

    :ivar tables: what the device's profile may read, of what the client asked for.
    :ivar office_key: the age recipient that unsent work is encrypted to; empty where there is none.
    :ivar problems: what is wrong with the server's capture of changes.
    """

    status: str
    tenant: str
    epoch: str
    schema_version: int
    profile: str
    practitioner_id: int | None
    label: str
    tables: tuple[ServerTable, ...]
    office_key: str = ""
    problems: tuple[CaptureProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table's estimated number of rows, and its highest id."""

    name: str
    rows: int
    max_id: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one pushed transaction.

    :ivar code: empty where it was applied.
    :ivar detail: the rest of what the server said of a refusal.
    :ivar deferred: neither: it is to be pushed again with the next exchange.
    :ivar made: where it was applied some time ago, the ids that its new rows were given then, in order.
    """

    tx: str
    applied: bool
    code: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    deferred: bool = False
    made: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """The beginning of a first sync.

    :ivar counter: the highest count in an id that this device gave, of the rows that are there.
    :ivar generation: how often this device's nonce has changed.
    :ivar priority: table → ids of the rows to fetch first.
    """

    status: str
    nonce: str
    epoch: str
    cursor: str
    counter: int
    tables: tuple[TableSize, ...]
    priority: tuple[tuple[str, tuple[int, ...]], ...]
    schema_version: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class RecoverAnswer:
    """How a device goes on with a server that was put back, or beside a copy of itself.

    :ivar device: its new number. :ivar cursor: what it goes on from, once all is compared.
    :ivar known: which of its acknowledged transactions the server still has.
    :ivar review: a person put the server back on purpose, and decides what comes back.
    :ivar results: what the server knows of the transactions that wait.
    """

    status: str
    device: int = 0
    nonce: str = ""
    generation: int = 0
    epoch: str = ""
    cursor: str = ""
    known: frozenset[str] = frozenset()
    review: bool = False
    results: tuple[Result, ...] = ()
    schema_version: int = 0


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """One exchange: what we have, what we want to be applied."""

    schema_version: int
    device: int
    nonce: str
    generation: int
    exchange: str
    epoch: str
    cursor: str
    push: tuple[LocalTransaction, ...]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """Rows of one table as they now are on the server, and ids of rows that are there no more.

    :ivar whole: the rows and ``later`` are all that the table has; every other row is gone.
    :ivar left: those of ``gone`` that are there, and not for this device any more.
    :ivar rescoped: so is every row that a whole answer does not list.
    :ivar later: ids of rows that are there, too, and are to be read beside.
    """

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    gone: Sequence[int]
    whole: bool = False
    left: Sequence[int] = ()
    rescoped: bool = False
    later: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ExchangeAnswer:
    """The server's answer to an exchange.

    :ivar status: ``ok``, ``forked``, or why nothing was done.
    :ivar upkeep: the server's log is due to be looked after.
    """

    status: str
    nonce: str = ""
    generation: int = 0
    cursor: str = ""
    epoch: str = ""
    schema_version: int = 0
    server_time: str = ""
    results: tuple[Result, ...] = ()
    changes: tuple[TableChanges, ...] = ()
    upkeep: bool = False


def hello_request(schema: SyncSchema, device: int) -> str:
    """The JSON of ``sync_hello``'s request."""
    return _dump(
        {
            "protocol": PROTOCOL,
            "schema_version": schema.version,
            "device": device,
            "columns": {table.name: list(table.column_names) for table in schema.tables},
        }
    )


def start_request(
    schema: SyncSchema,
    device: int,
    nonce: str | None,
    generation: int,
    exchange: str,
) -> str:
    """The JSON of ``sync_start``'s request. A fresh cache has no nonce, and takes the device over."""
    request: dict[str, Any] = {
        "protocol": PROTOCOL,
        "schema_version": schema.version,
        "device": device,
        "generation": generation,
        "exchange": exchange,
    }
    if nonce is not None:
        request["nonce"] = nonce
    return _dump(request)


def exchange_request(request: ExchangeRequest, schema: SyncSchema) -> str:
    """The JSON of ``sync_exchange``'s request."""
    return _dump(
        {
            "protocol": PROTOCOL,
            "schema_version": request.schema_version,
            "device": request.device,
            "nonce": request.nonce,
            "generation": request.generation,
            "exchange": request.exchange,
            "epoch": request.epoch,
            "cursor": request.cursor,
            "inline": INLINE,
            "push": [
                {
                    "tx": transaction.id,
                    "actor": transaction.actor,
                    "at": transaction.at,
                    "label": transaction.label,
                    "ops": [_operation(o, schema) for o in transaction.operations],
                    **({"again": True} if transaction.again else {}),
                }
                for transaction in request.push
            ],
        }
    )


def recover_request(
    schema: SyncSchema,
    device: int,
    generation: int,
    epoch: str,
    exchange: str,
    acked: Sequence[str],
    waiting: Sequence[str],
    seen: Mapping[str, int],
) -> str:
    """The JSON of ``sync_recover``'s request.

    :param epoch: the one that this device knows.
    :param acked: the transactions that this device knows to have been applied.
    :param waiting: those of its outbox.
    :param seen: table → the highest id of the server's own that this device has seen.
    """
    return _dump(
        {
            "protocol": PROTOCOL,
            "schema_version": schema.version,
            "device": device,
            "generation": generation,
            "epoch": epoch,
            "exchange": exchange,
            "acked": list(acked),
            "waiting": list(waiting),
            "seen": dict(seen),
        }
    )


def _operation(operation: Operation, schema: SyncSchema) -> dict[str, Any]:
    table = schema[operation.table]
    return {
        "t": operation.table,
        "id": operation.row_id,
        "k": operation.kind,
        "old": _outgoing(operation.old, table),
        "new": _outgoing(operation.new, table),
    }


def _outgoing(values: Mapping[str, Any], table: SyncTable) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in values.items():
        column = table.column(name)
        if value is None:
            out[name] = None
        elif column.kind == "units":
            out[name] = codec.units_to_text(int(value), column.scale)
        elif column.kind == "bool":
            out[name] = bool(value)
        else:
            out[name] = value
    return out


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Answers ----------------------------------------------------------------------------------------


def hello_answer(text: str) -> HelloAnswer:
    """``sync_hello``'s answer; any status. ``ProtocolError`` where it is none."""
    with _Reading("hello"):
        data = _load(text)
        if data["status"] != "ok":
            return HelloAnswer(data["status"], "", "", _version(data), "", None, "", ())
        return HelloAnswer(
            status="ok",
            tenant=str(data["tenant"]),
            epoch=str(data["epoch"]),
            schema_version=_version(data),
            profile=data["profile"],
            practitioner_id=data.get("practitioner_id"),
            label=data.get("label") or "",
            tables=tuple(
                ServerTable(t["name"], int(t["ord"]), tuple(t["columns"]), bool(t.get("filtered")))
                for t in data["tables"]
            ),
            office_key=data.get("office_key") or "",
            problems=tuple(
                CaptureProblem(p["table"], p["problem"]) for p in data.get("problems") or ()
            ),
        )


def start_answer(text: str) -> StartAnswer:
    """``sync_start``'s answer; any status. ``ProtocolError`` where it is none."""
    with _Reading("start"):
        data = _load(text)
        if data["status"] != "ok":
            return StartAnswer(
                data["status"],
                nonce="",
                epoch="",
                cursor="",
                counter=0,
                tables=(),
                priority=(),
                schema_version=_version(data),
            )
        return StartAnswer(
            status="ok",
            nonce=str(data["nonce"]),
            epoch=str(data["epoch"]),
            cursor=data["cursor"],
            counter=int(data.get("counter") or 0),
            generation=int(data["generation"]),
            tables=tuple(
                TableSize(t["name"], int(t["rows"] or 0), int(t["max_id"] or 0))
                for t in data["tables"]
            ),
            priority=tuple(
                (p["table"], tuple(int(i) for i in p["ids"])) for p in data.get("priority") or ()
            ),
        )


def exchange_answer(text: str) -> ExchangeAnswer:
    """``sync_exchange``'s answer; any status. ``ProtocolError`` where it is none."""
    with _Reading("exchange"):
        data = _load(text)
        status = data["status"]
        results = tuple(read_result(result) for result in data.get("results") or ())
        if status == "ok":
            return ExchangeAnswer(
                status="ok",
                nonce=str(data["nonce"]),
                generation=int(data["generation"]),
                cursor=data["cursor"],
                epoch=str(data["epoch"]),
                schema_version=_version(data),
                upkeep=bool(data.get("upkeep")),
                server_time=data.get("server_time") or "",
                results=results,
                changes=tuple(
                    TableChanges(
                        c["t"],
                        tuple(c["columns"]),
                        c["rows"],
                        c["gone"],
                        bool(c.get("all")),
                        c.get("left") or (),
                        bool(c.get("rescoped")),
                        c.get("later") or (),
                    )
                    for c in data["changes"]
                ),
            )
        return ExchangeAnswer(
            status=status,
            epoch=str(data.get("epoch") or ""),
            schema_version=_version(data),
        )


def recover_answer(text: str) -> RecoverAnswer:
    """``sync_recover``'s answer; any status. ``ProtocolError`` where it is none."""
    with _Reading("recover"):
        data = _load(text)
        if data["status"] != "ok":
            return RecoverAnswer(data["status"], schema_version=_version(data))
        return RecoverAnswer(
            status="ok",
            device=int(data["device"]),
            nonce=str(data["nonce"]),
            generation=int(data["generation"]),
            epoch=str(data["epoch"]),
            cursor=data["cursor"],
            known=frozenset(str(tx) for tx in data["known"]),
            review=data["mode"] == "review",
            results=tuple(read_result(result) for result in data["results"]),
        )


def read_rows(text: str) -> tuple[list[Any], bool]:
    """The rows of ``sync_read`` or ``sync_read_ids``, and whether the answer ends before all came.

    Where it does, ids above the last row's are yet to be asked for. ``ProtocolError`` as for
    :func:`decoded_rows`.
    """
    rows = decoded_rows(text)
    if not rows or not isinstance(rows[-1], dict):
        return rows, False
    rows.pop()
    if not rows:
        raise ProtocolError(what="row")
    return rows, True


def decoded_rows(text: str) -> list[Any]:
    """Rows that came as one JSON array. ``ProtocolError`` where the text is none."""
    try:
        rows = json.loads(text)
    except ValueError:
        raise ProtocolError(what="row") from None
    if not isinstance(rows, list):
        raise ProtocolError(what="row")
    return rows


def read_result(data: dict[str, Any]) -> Result:
    """One transaction's answer, as the server keeps it; ``ValueError`` or ``KeyError`` for another."""
    if data["status"] == "applied":
        made = data.get("made")
        ids = None if made is None else tuple(int(row_id) for row_id in made)
        return Result(str(data["tx"]), applied=True, made=ids)
    if data["status"] == "deferred":
        return Result(str(data["tx"]), applied=False, deferred=True)
    if data["status"] != "rejected":
        raise ValueError("a result is applied, rejected or deferred")
    known = {"tx", "status", "code"}
    detail = {key: value for key, value in data.items() if key not in known and value is not None}
    return Result(str(data["tx"]), applied=False, code=data["code"], detail=detail)


def _version(data: dict[str, Any]) -> int:
    return int(data.get("schema_version") or 0)


def _load(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("status"), str):
        raise TypeError("an answer is an object with a status")
    return data


class _Reading:
    """Turns what goes wrong while an answer is read into a ``ProtocolError`` without its values."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None and issubclass(kind, (ValueError, KeyError, TypeError)):
            raise ProtocolError(what=self.what) from None
