"""The commands for work that a workstation could not send: written, looked at, taken in elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from desktop import cli_admin, cli_workstation
from desktop.cli_output import Output
from desktop.domain.messages import _
from desktop.services import inbox_words, office, office_file, tenants
from desktop.services.cache import connect as connect_cache
from desktop.services.cache import translated, utc_now
from desktop.services.office_file import Unsent
from desktop.services.workstation import Workstation
from sync import store


def add_commands(commands: Any) -> None:
    """Add ``outbox`` to the parser's commands."""
    outbox = commands.add_parser("outbox", help=_("Work that a workstation could not send"))
    inside = outbox.add_subparsers(metavar=_("COMMAND"), required=True)
    export = inside.add_parser("export", help=(text := _("Write it encrypted for the office")))
    export.description = text
    export.set_defaults(run=_export)
    cli_workstation.add_options(export)
    export.add_argument("--out", required=True, type=Path, help=_("the file to write"))
    export.add_argument(
        "--office-key",
        metavar="AGE1…",
        help=_("the clinic's key, where it has never come to this workstation"),
    )
    show = inside.add_parser("show", help=(text := _("Say what such a file holds")))
    show.description = text
    show.set_defaults(run=_show)
    cli_admin.add_options(show)
    take = inside.add_parser(
        "import", help=(text := _("Take such a file in at an office workstation"))
    )
    take.description = text
    take.set_defaults(run=_import)
    cli_workstation.add_options(take)
    cli_admin.add_server_options(take)
    show.add_argument(
        "--rows", action="store_true", help=_("with the records themselves: patients' data")
    )
    for parser in (show, take):
        parser.add_argument("file", type=Path, metavar=_("FILE"))
        parser.add_argument("--tenant", required=True, metavar=_("NAME"), help=_("the clinic"))


def _export(args: argparse.Namespace, output: Output) -> int:
    folder = cli_workstation.folder_of(args)
    with (
        Workstation.open(
            folder, passphrase=lambda: cli_workstation.passphrase_of(args), even_shut_out=True
        ) as station,
        translated(),
        contextlib.closing(connect_cache(station.cache_path, station.cache_key)) as cache,
    ):
        execute = store.executor(cache)
        store.create_tables(execute)
        if args.office_key is not None:
            store.set_state(execute, "office_key", office_file.check_key(args.office_key))
        count = office.export(cache, args.out, utc_now())
    return output.done(
        _("Changes written to {file}: {count}. Only the office can open it.").format(
            file=args.out, count=count
        ),
        file=str(args.out),
        count=count,
    )


def _show(args: argparse.Namespace, output: Output) -> int:
    with cli_admin.server_of(args) as connection:
        tenants.find(connection, args.tenant)
        unsent = office.opened(connection, args.tenant, args.file)
        names = _names(connection, args.tenant, unsent)
    found = office.overview(unsent)
    people = [names.get(person, f"#{person}") for person in found.people]
    lines = [
        _("From workstation {number}, “{label}”, written {when}.").format(
            number=found.device, label=found.label, when=_say(found.written_at)
        ),
        _("Never sent: {sent}. Refused: {refused}.").format(
            sent=found.transactions, refused=found.rejections
        ),
        _("Made by {people}, from {oldest} to {newest}.").format(
            people=", ".join(people) or "—", oldest=_say(found.oldest), newest=_say(found.newest)
        ),
        *(f"{count} × {action}" for action, count in sorted(found.actions.items())),
    ]
    rows = _rows(unsent) if args.rows else None
    for row in rows or ():
        lines.append(f"{row['at']}  {row['what']}")
        lines += [f"  {o['k']} {o['t']} {o['id']} {o['new'] or o['old']}" for o in row["ops"]]
    more = {} if rows is None else {"rows": rows}
    return output.done("\n".join(lines), **dataclasses.asdict(found), names=people, **more)


def _import(args: argparse.Namespace, output: Output) -> int:
    with (
        cli_admin.server_of(args) as connection,
        Workstation.open(
            cli_workstation.folder_of(args),
            passphrase=lambda: cli_workstation.passphrase_of(args),
        ) as station,
        contextlib.closing(station.open_cache()) as cache,
    ):
        tenants.find(connection, args.tenant)
        done = office.import_file(cache, connection, args.tenant, args.file)
    return output.done(office.in_words(done), **dataclasses.asdict(done))


def _names(connection: psycopg.Connection, tenant: str, unsent: Unsent) -> dict[int, str]:
    rows = connection.execute(
        sql.SQL("SELECT id, nombre_completo FROM {}.personal_perfil WHERE id = ANY (%s)").format(
            sql.Identifier(tenant)
        ),
        (list(office.overview(unsent).people),),
    ).fetchall()
    return dict(rows)


def _rows(unsent: Unsent) -> list[dict[str, Any]]:
    made = [(t.at, t.label, t.operations) for t in unsent.transactions]
    made += [(r.made_at.isoformat(), r.label, r.operations) for r in unsent.rejections]
    return [
        {
            "at": at,
            "what": inbox_words.action(label),
            "ops": [
                {"t": o.table, "id": o.row_id, "k": o.kind, "old": o.old, "new": o.new}
                for o in operations
            ],
        }
        for at, label, operations in made
    ]


def _say(moment: dt.datetime | None) -> str:
    return "—" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
