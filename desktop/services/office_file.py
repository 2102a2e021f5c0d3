"""The file that carries unsent work to the office: JSON lines, encrypted by age to the clinic's key.

The first line is the head, every other one a local transaction that was never sent or a refused one
that nobody settled; ``docs/office-file.md`` has them field by field. Who has the file and not the
clinic's private key learns its size and nothing else.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

from desktop.domain.durable import publish, sync_folder
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import sync_schema
from sync import adopt, codec, store
from sync.store import LocalTransaction, Rejection

FORMAT = 1
KIND = "consultorio-outbox"
SUFFIX = ".envio"
_AGE = b"age-encryption.org/v1"


@dataclass(frozen=True, slots=True)
class Unsent:
    """What a workstation has that the server does not.

    :ivar tenant: the clinic's UUID. :ivar device: the workstation's number. :ivar label: its name.
    :ivar written_at: aware, UTC.
    """

    tenant: str
    device: int
    label: str
    written_at: dt.datetime
    transactions: tuple[LocalTransaction, ...]
    rejections: tuple[Rejection, ...]

    @property
    def count(self) -> int:
        """How many local transactions: never sent, and refused."""
        return len(self.transactions) + len(self.rejections)

    @property
    def fingerprint(self) -> str:
        """The same for the same work, whenever it is written."""
        ids = [*(t.id for t in self.transactions), "", *(r.tx for r in self.rejections)]
        return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def collect(execute: store.Execute, now: dt.datetime) -> Unsent:
    """What a cache holds that the server does not."""
    return Unsent(
        tenant=store.get_state(execute, "tenant") or "",
        device=store.device(execute),
        label=store.get_state(execute, "label") or "",
        written_at=now,
        transactions=tuple(store.outbox(execute)),
        rejections=tuple(store.rejections(execute)),
    )


def made_at(transaction: LocalTransaction) -> dt.datetime:
    """When a person did it; aware, UTC."""
    return codec.text_to_instant(transaction.at)


# Writing ----------------------------------------------------------------------------------------


def check_key(text: str) -> str:
    """``text`` where it is the public half of a clinic's key; ``RuleError('office.key_wrong')``."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except pyrage.RecipientError as error:
        raise RuleError("office.key_wrong") from error


def seal(unsent: Unsent, key: str) -> bytes:
    """The content of the file: only the private half of ``key`` opens it."""
    lines = [
        {
            "kind": KIND,
            "format": FORMAT,
            "tenant": unsent.tenant,
            "device": unsent.device,
            "label": unsent.label,
            "written_at": codec.instant_to_text(unsent.written_at),
            "schema_version": sync_schema().version,
            "transactions": len(unsent.transactions),
            "rejections": len(unsent.rejections),
        },
        *(_transaction(transaction) for transaction in unsent.transactions),
        *(_rejection(rejection) for rejection in unsent.rejections),
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    sealed: bytes = pyrage.encrypt(text.encode(), [pyrage.x25519.Recipient.from_str(key)])
    return sealed


def _transaction(transaction: LocalTransaction) -> dict[str, Any]:
    return {
        "tx": transaction.id,
        "actor": transaction.actor,
        "label": transaction.label,
        "at": transaction.at,
        "ops": json.loads(store.operations_to_json(transaction.operations)),
    }


def _rejection(rejection: Rejection) -> dict[str, Any]:
    return {
        "refused": rejection.tx,
        "actor": rejection.actor,
        "label": rejection.label,
        "at": codec.instant_to_text(rejection.made_at),
        "refused_at": codec.instant_to_text(rejection.rejected_at),
        "code": rejection.code,
        "detail": rejection.detail,
        "ops": json.loads(store.operations_to_json(rejection.operations)),
    }


def write_new(path: Path, content: bytes) -> None:
    """Write a file of its owner alone, whole and on the disk, or not at all; none is overwritten.

    Raises :class:`EnvironmentTrouble`: ``file.exists``, ``office.disk_full``,
    ``office.not_written``.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            publish(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except FileExistsError as error:
        raise EnvironmentTrouble("file.exists", path=str(path)) from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise EnvironmentTrouble(
            "office.disk_full" if full else "office.not_written", path=str(path)
        ) from error


# Reading ----------------------------------------------------------------------------------------


def read(path: Path, identity: str, tenant: str) -> Unsent:
    """The work in a file.

    :param identity: the private half of the clinic's key. :param tenant: the clinic's UUID.
    Raises :class:`RuleError`: ``office.unreadable``, ``office.other_clinic``, ``office.altered``,
    ``office.too_new``.
    """
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise RuleError("office.unreadable", path=str(path)) from error
    if not sealed.startswith(_AGE):
        raise RuleError("office.unreadable", path=str(path))
    try:
        text: bytes = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)])
    except pyrage.DecryptError as error:
        other = "No matching keys" in str(error)
        raise RuleError(
            "office.other_clinic" if other else "office.altered", path=str(path)
        ) from error
    try:
        head, *lines = [json.loads(line) for line in text.decode().splitlines()]
        if head["kind"] != KIND:
            raise RuleError("office.unreadable", path=str(path))
        if head["format"] > FORMAT or head["schema_version"] > sync_schema().version:
            raise RuleError("office.too_new")
        if head["tenant"] != tenant:
            raise RuleError("office.other_clinic", path=str(path))
        return _unsent(head, lines)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuleError("office.altered", path=str(path)) from error


def _unsent(head: dict[str, Any], lines: list[dict[str, Any]]) -> Unsent:
    sent = tuple(_read_transaction(line) for line in lines if "tx" in line)
    refused = tuple(_read_rejection(line) for line in lines if "refused" in line)
    if (len(sent), len(refused)) != (head["transactions"], head["rejections"]):
        raise ValueError("the lines are not those that the head counts")
    _check([o for t in sent for o in t.operations] + [o for r in refused for o in r.operations])
    return Unsent(
        tenant=head["tenant"],
        device=int(head["device"]),
        label=str(head["label"]),
        written_at=codec.text_to_instant(head["written_at"]),
        transactions=sent,
        rejections=refused,
    )


def _check(operations: Iterable[store.Operation]) -> None:
    schema = sync_schema()
    for operation in operations:
        if not adopt.readable(schema, operation):
            raise RuleError("office.too_new")


def _read_transaction(line: dict[str, Any]) -> LocalTransaction:
    return LocalTransaction(
        seq=0,
        id=str(uuid.UUID(line["tx"])),
        actor=line["actor"],
        label=str(line["label"]),
        at=codec.instant_to_text(codec.text_to_instant(line["at"])),
        operations=store.operations_from_json(json.dumps(line["ops"])),
    )


def _read_rejection(line: dict[str, Any]) -> Rejection:
    return Rejection(
        tx=str(uuid.UUID(line["refused"])),
        label=str(line["label"]),
        actor=line["actor"],
        made_at=codec.text_to_instant(line["at"]),
        rejected_at=codec.text_to_instant(line["refused_at"]),
        code=str(line["code"]),
        detail=dict(line["detail"]),
        operations=store.operations_from_json(json.dumps(line["ops"])),
        settled_at=None,
        settled_how=None,
    )
