"""A backup that is tried out: loaded beside the clinic, compared to the byte, asked ten questions.

Nothing of it stays, and nobody notices. What came of it is a report with a signature.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from desktop.backup import catalog, invariants, keys, staging
from desktop.backup.invariants import Answer
from desktop.backup.keys import Signer
from desktop.backup.staging import Source, Tenancy, never, unheard
from desktop.domain.errors import AppError, RuleError

_SIGNED = b"consultorio drill report\n"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of trying a backup out.

    :ivar archives: the manifests' hashes, the full one's first. :ivar tables: table → rows whose text
        was compared. :ivar answers: see :mod:`desktop.backup.invariants`.
    :ivar trouble: the code of what stood in the way of loading it; empty where nothing did.
    :ivar left: tables that have no place here, and their rows.
    """

    tenant: str
    clinic: str
    archives: tuple[str, ...]
    taken_at: dt.datetime
    drilled_at: dt.datetime
    server_version: int
    seconds: float
    tables: dict[str, int]
    left: dict[str, int]
    answers: tuple[Answer, ...]
    trouble: str = ""
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether the backup restores to a sound clinic."""
        return not self.trouble and bool(self.answers) and all(one.holds for one in self.answers)

    def signed(self, signer: Signer) -> str:
        """The report as JSON, with the signature of who tried it out."""
        said = asdict(self)
        for moment in ("taken_at", "drilled_at"):
            said[moment] = said[moment].astimezone(dt.UTC).isoformat()
        said |= {"good": self.good, "signer": signer.public}
        text = json.dumps(said, ensure_ascii=False, sort_keys=True)
        signature = signer.sign(_SIGNED + text.encode()).hex()
        return json.dumps({"report": text, "signature": signature}, ensure_ascii=False)


def checked(text: str, signer: str) -> dict[str, Any]:
    """What a signed report says; ``RuleError('drill.forged')`` where it is not the signer's."""
    try:
        outer = json.loads(text)
        said, signature = outer["report"], bytes.fromhex(outer["signature"])
        holds = keys.signature_holds(signer, signature, _SIGNED + said.encode())
        report: dict[str, Any] = json.loads(said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuleError("drill.forged") from error
    if not holds:
        raise RuleError("drill.forged")
    return report


def drill(
    connection: psycopg.Connection,
    sources: Sequence[Source],
    tenancy: Tenancy,
    *,
    model: str | None = None,
    now: dt.datetime | None = None,
    progress: Callable[[int, int], None] = unheard,
    cancelled: Callable[[], bool] = never,
) -> Report:
    """Try verified archives out, the full one first, on any server of ours.

    :param connection: an autocommit connection that may make schemas. :param model: a clinic of the
        same database whose tables the new ones are like; without one a scratch clinic is made, for
        which the connection has to be one that may make roles.
    Raises ``RuleError('restore.cancelled')``, and what the server does. What is wrong with the
    backup is in the report.
    """
    began, now = time.perf_counter(), now or dt.datetime.now(dt.UTC)
    rows: dict[str, int] = {}
    left: dict[str, int] = {}
    answers: tuple[Answer, ...] = ()
    trouble = detail = ""
    with connection.transaction(force_rollback=True):
        if connection.info.server_version >= 170000:
            connection.execute("SET LOCAL transaction_timeout = 0")
        if model is None:
            model = f"ensayo_{secrets.token_hex(8)}"
            tenancy.tenant(connection, model)
        try:
            staged = staging.load(
                connection,
                model,
                sources,
                tenancy,
                progress=progress,
                cancelled=cancelled,
                compare=True,
            )
            catalog.plain_settings(connection)
            answers = invariants.ask(connection, staged.schema)
            rows, left = dict(staged.rows), staged.left
        except AppError as error:
            if error.code == "restore.cancelled":
                raise
            trouble = error.code
            detail = ", ".join(f"{key}={value}" for key, value in sorted(error.params.items()))
    manifest = sources[0].contents.manifest
    return Report(
        tenant=manifest.tenant,
        clinic=manifest.clinic,
        archives=tuple(source.contents.manifest_hash for source in sources),
        taken_at=sources[-1].contents.manifest.created_at,
        drilled_at=now,
        server_version=connection.info.server_version,
        seconds=time.perf_counter() - began,
        tables=rows,
        left=left,
        answers=answers,
        trouble=trouble,
        detail=detail,
    )
