"""The workstation's commands: join a clinic, sync once, say how things stand, open the desktop."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
from pathlib import Path
from typing import Any

from desktop.cli_output import Output
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import _
from desktop.models import sync_schema
from desktop.services import joining, secrets
from desktop.services import workstation as stations
from desktop.services.cache import connect as connect_cache
from desktop.services.cache import translated
from desktop.services.revocation import Revocation, close_down
from desktop.services.syncing import REVOKED
from desktop.services.workstation import Workstation
from sync import store
from sync.engine import SyncEngine


def add_commands(commands: Any) -> None:
    """Add ``join``, ``sync``, ``status`` and ``desktop`` to the parser's commands."""
    join = _command(commands, "join", _join, _("Make this computer a workstation of a clinic"))
    join.add_argument("file", type=Path, metavar=_("FILE"), help=_("the enrolment file"))
    sync = _command(commands, "sync", _sync, _("Exchange changes with the clinic's server"))
    sync.add_argument(
        "--once", action="store_true", required=True, help=_("until both are in step")
    )
    _command(commands, "status", _status, _("Say how this workstation stands"))
    _command(commands, "desktop", _desktop, _("Open the program's windows"))


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every command of a workstation takes."""
    parser.add_argument("--json", action="store_true", help=_("print one JSON object"))
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("CONSULTORIO_DATA_DIR") or stations.default_folder(),
        help=_("the workstation's folder (or CONSULTORIO_DATA_DIR in the environment)"),
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        help=_("where there is no keyring: a file only you can read with the passphrase"),
    )


def passphrase_of(args: argparse.Namespace) -> str | None:
    """The passphrase that the command line names, or a person types."""
    if args.passphrase_file is not None:
        return secrets.read_secret_file(args.passphrase_file)
    return secrets.ask(_("Passphrase of this workstation"))


def folder_of(args: argparse.Namespace) -> Path:
    """The workstation's folder that the command line names."""
    return Path(args.data_dir).expanduser().absolute()


def _join(args: argparse.Namespace, output: Output) -> int:
    folder = folder_of(args)
    tell = output.progress(_("Rows"))
    description = joining.join(
        args.file,
        folder,
        passphrase=lambda: passphrase_of(args),
        watch=joining.Watch(lambda _table, done, total: tell(done, total)),
    )
    return output.done(
        _("This workstation, “{label}”, belongs to “{clinic}” now and is ready to work.").format(
            label=description.label, clinic=description.clinic
        ),
        folder=str(folder),
        clinic=description.clinic,
        label=description.label,
        profile=description.profile,
        secrets=description.vault,
    )


def _sync(args: argparse.Namespace, output: Output) -> int:
    folder = folder_of(args)
    ended = close_down(folder, passphrase=lambda: passphrase_of(args))
    if ended is not None:
        raise ended
    with (
        Workstation.open(folder, passphrase=lambda: passphrase_of(args)) as station,
        contextlib.closing(station.open_cache()) as cache,
    ):
        engine = SyncEngine(cache.connect, station.server(), sync_schema())
        revocation = Revocation(folder, station.description, cache)
        try:
            with stations.sync_translated():
                status = engine.sync_once()
        except EnvironmentTrouble as error:
            if error.code != REVOKED:
                raise
            told = revocation.happened()
            revocation.seal()
            raise told from error
        finally:
            engine.close()
    return output.done(
        _("In step with the server. Refused changes that wait for you: {rejected}.").format(
            rejected=status.rejected
        ),
        state=status.state,
        device=status.device,
        pending=status.pending,
        rejected=status.rejected,
        last_sync=status.last_sync,
        verified=status.verified,
        mended=status.mended,
        unwatched=list(status.unwatched),
    )


def _status(args: argparse.Namespace, output: Output) -> int:
    folder = folder_of(args)
    station = Workstation.open(folder, passphrase=lambda: passphrase_of(args), exclusive=False)
    with (
        translated(),
        contextlib.closing(
            connect_cache(station.cache_path, station.cache_key, read_only=True)
        ) as cache,
    ):
        execute = store.executor(cache)
        waiting = store.pending(execute)
        result = {
            "folder": str(folder),
            "clinic": station.description.clinic,
            "label": station.description.label,
            "profile": station.description.profile,
            "server": station.description.host,
            "device": store.device(execute),
            "pending": waiting.count,
            "oldest_pending": waiting.oldest,
            "rejected": store.rejected_count(execute),
            "last_sync": store.last_sync(execute),
            "verified": store.verified(execute),
            "mended": store.mended(execute),
            "unwatched": sorted(store.unwatched(execute)),
            "open_elsewhere": stations.is_open(folder),
        }
    words = {
        "folder": _("Folder"),
        "clinic": _("Clinic"),
        "label": _("Workstation"),
        "profile": _("Profile"),
        "server": _("Server"),
        "device": _("Device number"),
        "pending": _("Changes not sent yet"),
        "oldest_pending": _("The oldest of them"),
        "rejected": _("Refused changes that wait for you"),
        "last_sync": _("Last sync"),
        "verified": _("Compared with the server"),
        "mended": _("Records that were not the same"),
        "unwatched": _("Tables that the server does not watch"),
        "open_elsewhere": _("Open in another window"),
    }
    lines = [f"{words[key]}: {_say(value)}" for key, value in result.items()]
    return output.done("\n".join(lines), **result)


def _say(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value) or "—"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    return str(value)


def _desktop(args: argparse.Namespace, _output: Output) -> int:
    from desktop.app import run

    return run(folder_of(args), passphrase_file=args.passphrase_file)
