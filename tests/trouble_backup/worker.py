"""One piece of work in a process of its own, which may be killed: ``python -m … worker JOB``.

Says ``began`` when the work begins, ``done`` when it is done, ``refused CODE`` where it gave up as a
program of ours does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psycopg

from desktop.backup import keys, restore
from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import ArchiveReader, verify
from desktop.backup.places import naming
from desktop.backup.places.folder import FolderPlace
from desktop.backup.places.retrying import Patience, Retrying
from desktop.backup.places.webdav import WebDavPlace
from desktop.backup.take import Sealing, Who, take_full
from desktop.domain.errors import AppError
from desktop.services.tenancy import Migrations
from tests.backup.places.servers import WEBDAV_PASSWORD, WEBDAV_USER

BEGAN, DONE, REFUSED = "began", "done", "refused"


def say(*words: str) -> None:
    print(*words, flush=True)


def main(job: dict[str, Any]) -> int:
    try:
        if job["work"] == "upload":
            upload(job)
            return 0
        with psycopg.connect(job["dsn"], autocommit=True) as connection:
            say(BEGAN)
            WORK[job["work"]](connection, job)
    except AppError as error:
        say(REFUSED, error.code)
        return 3
    except psycopg.Error as error:
        say(REFUSED, f"server.{type(error).__name__}")
        return 3
    return 0


def put_back(connection: psycopg.Connection, job: dict[str, Any]) -> None:
    with Path(job["archive"]).open("rb") as file:
        contents = verify(file, [job["identity"]], trusted=[job["signer"]], texts=Texts.LEFT)
        with ArchiveReader(file, [job["identity"]], contents) as reader:
            restore.restore(connection, job["schema"], [reader], Migrations(), safety="copia")
    say(DONE)


def undo(connection: psycopg.Connection, job: dict[str, Any]) -> None:
    restore.undo(connection, job["schema"], Migrations())
    say(DONE)


def back_up(connection: psycopg.Connection, job: dict[str, Any]) -> None:
    signer = keys.Signer(job["signer_private"])
    path = Path(job["folder"]) / f"{job['run']}.tmp"
    sealing = Sealing(signer, tuple(job["recipients"]))
    taken = take_full(connection, job["schema"], path, sealing, Who("admin", "0.1.0"))
    manifest, receipt = taken.contents.manifest, taken.receipt
    name = naming.archive_name(
        naming.uuid.UUID(manifest.tenant),
        manifest.created_at,
        naming.Kind.FULL,
        0,
        receipt.sha256,
    )
    FolderPlace(Path(job["place"])).put(name, path)
    path.unlink()
    say(DONE, name)


def upload(job: dict[str, Any]) -> None:
    label = f"http://127.0.0.1:{job['web_port']}/nube/"
    patience = Patience(tries=3, first=0.05, most=0.2)
    place = WebDavPlace(label, WEBDAV_USER, WEBDAV_PASSWORD, Retrying(label, patience))
    say(BEGAN)
    place.put(job["name"], Path(job["archive"]))
    say(DONE, job["name"])


WORK = {"restore": put_back, "undo": undo, "backup": back_up}

if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
