"""``consultorio backup``: at a workstation by its folder, or on the server by an administrator's DSN.

With ``--tenant`` the command works on the server: whoever owns the clinic's schema needs no other
leave. Without it, it is the workstation's, and the person's own username and password are asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop import cli_admin, cli_workstation
from desktop.cli_output import Output, moment, size
from desktop.domain import passwords
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.locale_format import number
from desktop.domain.messages import N_, _, sentence
from desktop.services import secrets
from desktop.services.accounts import Accounts
from desktop.services.backups import Backups
from desktop.services.backups_administrator import administrators_backups, default_folder
from desktop.services.backups_records import Database, Secret, Setup, Tell
from desktop.services.backups_station import stations_backups
from desktop.services.workstation import Workstation

REASONS = {
    "manual": N_("by hand"),
    "automatic": N_("by itself"),
    "safety": N_("safety copy"),
    "import": N_("imported"),
}
KINDS = {"full": N_("full"), "incremental": N_("incremental")}
STATES = {
    "failed": N_("failed"),
    "taken": N_("not kept"),
    "kept": N_("not verified"),
    "verified": N_("verified"),
    "damaged": N_("damaged"),
    "deleted": N_("deleted"),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """Who works, and where."""

    backups: Backups
    actor: Actor
    password: str
    database: Database


def add_commands(commands: Any) -> None:
    """Add ``backup`` to the parser's commands."""
    backup = commands.add_parser("backup", help=_("Backups of a clinic"))
    inside = backup.add_subparsers(metavar=_("COMMAND"), required=True)
    keys = _command(
        inside, "keys", _keys, _("Make the keys of backups, and print the recovery words")
    )
    which = keys.add_mutually_exclusive_group()
    which.add_argument(
        "--rotate", action="store_true", help=_("in the place of keys that there are already")
    )
    which.add_argument(
        "--adopt",
        action="store_true",
        help=_("no new ones: let this user's password open archives, by the recovery words"),
    )
    keys.add_argument("--sheet", type=Path, help=_("write them as a page to print, too (PDF)"))
    create = _command(inside, "create", _create, _("Take a backup now"))
    create.add_argument("--full", action="store_true", help=_("the whole clinic, not what changed"))
    create.add_argument(
        "--from-cache",
        action="store_true",
        help=_("of this workstation's own data, for when the server is gone"),
    )
    _command(inside, "list", _list, _("List the clinic's backups"))
    show = _command(inside, "show", _show, _("Say what is known of a backup"))
    show.add_argument("--open", action="store_true", help=_("open it, too, and say what it holds"))
    verify = _command(inside, "verify", _verify, _("Read every copy of a backup back"))
    drill = _command(inside, "drill", _drill, _("Prove a backup by restoring it beside the clinic"))
    drill.add_argument("backup", nargs="?", metavar=_("BACKUP"), help=_("the newest by default"))
    restore = _command(inside, "restore", _restore, _("Put the clinic back as a backup has it"))
    restore.add_argument("--dry-run", action="store_true", help=_("only say what would change"))
    restore.add_argument("--clinic", help=_("the clinic's name, so that it is the right one"))
    restore.add_argument(
        "--new",
        action="store_true",
        help=_("make the clinic anew in a schema that is not there, on a new server"),
    )
    _command(inside, "undo", _undo, _("Take the last restore back"))
    download = _command(inside, "download", _download, _("Fetch a backup, encrypted as it is"))
    download.add_argument("--out", required=True, type=Path, help=_("the file to write"))
    delete = _command(inside, "delete", _delete, _("Remove a backup from every place"))
    prune = _command(inside, "prune", _prune, _("Remove what need not be kept any longer"))
    prune.add_argument("--dry-run", action="store_true", help=_("only say what would go"))
    take = _command(
        inside, "import", _import, _("Make a backup of another program's backup, to be restored")
    )
    take.add_argument("file", type=Path, metavar=_("FILE"))
    take.add_argument("--schema", help=_("which of its schemas, where it holds several"))
    export = _command(
        inside, "export", _export, _("Write the clinic as plain SQL, readable by everybody")
    )
    export.add_argument("--out", required=True, type=Path, help=_("the file to write"))
    for parser in (show, verify, download, delete):
        parser.add_argument("backup", metavar=_("BACKUP"), help=_("its name or id"))
    restore.add_argument(
        "backup",
        nargs="+",
        metavar=_("BACKUP"),
        help=_("its name or id; or files, the full one first"),
    )


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    cli_workstation.add_options(parser)
    cli_admin.add_server_options(parser)
    parser.add_argument("--tenant", metavar=_("NAME"), help=_("work on the server, on this clinic"))
    parser.add_argument(
        "--folder",
        type=Path,
        action="append",
        default=[],
        help=_("with --tenant: where backups are kept; more than one may be given"),
    )
    parser.add_argument(
        "--own-folder",
        type=Path,
        help=_("with --tenant: where the administrator's history and signing key are kept"),
    )
    parser.add_argument("--user", default="", help=_("your own username in the clinic"))
    parser.add_argument(
        "--user-password-file",
        type=Path,
        help=_("a file only you can read with your own password (else it is asked)"),
    )
    parser.add_argument(
        "--words-file",
        type=Path,
        help=_("a file only you can read with the recovery words, all on one line"),
    )
    parser.add_argument("--database-user", help=_("at a workstation: the database's administrator"))
    parser.add_argument(
        "--database-password-file",
        type=Path,
        help=_("a file only you can read with the administrator's password (else it is asked)"),
    )
    return parser


# Who works ----------------------------------------------------------------------------------------


@contextmanager
def seat(
    args: argparse.Namespace, *, database: bool = False, person: bool = True
) -> Iterator[Seat]:
    """The workstation, or the server's administrator, that the command line names.

    :param database: the database's administrator is needed. :param person: so is who asks.
    """
    if args.tenant is not None:
        password = ""
        if person and args.user and not getattr(args, "new", False):
            password = _secret(args.user_password_file, _of(args.user))
        made, actor = administrators_backups(
            cli_admin.connector(args),
            args.tenant,
            args.folder,
            args.own_folder or default_folder(),
            username=args.user,
        )
        yield Seat(made, actor, password, Database(""))
        return
    with (
        Workstation.open(
            cli_workstation.folder_of(args),
            passphrase=lambda: cli_workstation.passphrase_of(args),
        ) as station,
        contextlib.closing(station.open_cache()) as cache,
    ):
        accounts = Accounts(cache, station.connect, station.description.schema)
        made = stations_backups(cache, station, accounts, station.connect)
        if not person:
            nobody = Actor(None, "", "", "", frozenset({"backup.view"}))
            yield Seat(made, nobody, "", Database(""))
            return
        if not args.user:
            raise RuleError("backup.user_needed")
        password = _secret(args.user_password_file, _of(args.user))
        actor = accounts.sign_in(args.user, password)
        administrator = Database("")
        if database:
            if not args.database_user:
                raise RuleError("backup.database_user_needed")
            administrator = Database(
                args.database_user,
                _secret(args.database_password_file, _of(args.database_user)),
            )
        yield Seat(made, actor, password, administrator)


def _secret(file: Path | None, prompt: str) -> str:
    if file is not None:
        return secrets.read_secret_file(file)
    typed = secrets.ask(prompt)
    if typed is None:
        raise RuleError("password.nobody_asked")
    return typed


def _of(user: str) -> str:
    return _("Password of {user}").format(user=user)


def _key(args: argparse.Namespace, place: Seat) -> Secret:
    """What opens archives: the recovery words of a file, or the person's own password."""
    words = "" if args.words_file is None else secrets.read_secret_file(args.words_file)
    if not words and not place.password:
        words = _secret(None, _("Recovery words"))
    return Secret(place.password, words)


def _source(backups: list[str]) -> str | tuple[Path, ...]:
    if len(backups) == 1 and not Path(backups[0]).is_file():
        return backups[0]
    return tuple(Path(each) for each in backups)


def _tell(output: Output) -> Tell:
    shown: dict[str, Any] = {}

    def tell(done: int, total: int | None, step: str) -> None:
        line = shown.get(step)
        if line is None:
            line = shown[step] = output.progress(step)
        if total:
            line(100 * done // total, 100)

    return tell


# The commands -------------------------------------------------------------------------------------


def _keys(args: argparse.Namespace, output: Output) -> int:
    with seat(args, database=True) as place:
        if not place.password:
            raise RuleError("backup.user_needed")
        if args.adopt:
            place.backups.adopt_key(place.actor, place.database, _key(args, place))
            return output.done(
                _("“{user}” opens the clinic's backups with the own password now.").format(
                    user=args.user
                ),
                user=args.user,
            )
        setup = place.backups.begin_setup(place.actor)
        if args.sheet is not None:
            _write_sheet(args.sheet, place.backups.recovery_sheet(setup))
        place.backups.finish_setup(
            place.actor, setup, place.database, place.password, rotate=args.rotate
        )
    return output.done(_words(setup), words=list(setup.words), key=setup.recipient)


def _words(setup: Setup) -> str:
    lines = [
        _(
            "The recovery words of the clinic's backups. They are shown this once: write them down, "
            "and keep them outside the clinic. Who has them reads every backup."
        ),
        *(f"{place:>2}. {word}" for place, word in enumerate(setup.words, 1)),
    ]
    return "\n".join(lines)


def _write_sheet(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise EnvironmentTrouble("file.exists", path=str(path)) from error
    except OSError as error:
        raise EnvironmentTrouble("file.not_written", path=str(path)) from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _create(args: argparse.Namespace, output: Output) -> int:
    with seat(args) as place:
        if args.from_cache:
            made = place.backups.take_from_here(place.actor, tell=_tell(output))
        else:
            made = place.backups.create(place.actor, full=args.full, tell=_tell(output))
    if made.error:
        output.note(made.error)
    return output.done(
        _("The backup {name} was taken and verified; {size} in {places}.").format(
            name=made.name,
            size=size(made.size),
            places=", ".join(each.label for each in made.kept),
        ),
        backup=made,
    )


def _list(args: argparse.Namespace, output: Output) -> int:
    with seat(args, person=False) as place:
        found = place.backups.overview()
    for trouble in found.troubles:
        output.note(trouble)
    for banner in found.banners:
        output.note(banner.text)
    return output.table(
        (
            _("Backup"),
            _("Size"),
            _("Kind"),
            _("Why"),
            _("Who"),
            _("State"),
            _("Verified"),
            _("Proved"),
        ),
        [
            (
                each.name or "—",
                size(each.size),
                _(KINDS[each.kind]),
                _(REASONS[each.reason]),
                each.who or "—",
                _(STATES[each.state]),
                moment(each.verified_at),
                moment(each.drilled_at),
            )
            for each in found.archives
        ],
        backups=found.archives,
        alarm=found.alarm,
        last_verified=found.last_verified,
    )


def _show(args: argparse.Namespace, output: Output) -> int:
    with seat(args, person=args.open, database=args.open) as place:
        found = place.backups.show(place.actor, args.backup)
        said = [
            (_("Backup"), found.name),
            (_("Size"), size(found.size)),
            (_("Kind"), _(KINDS[found.kind])),
            (_("Why"), _(REASONS[found.reason])),
            (_("Taken"), moment(found.taken_at)),
            (_("Who"), found.who or "—"),
            (_("State"), f"{_(STATES[found.state])} {found.error}".rstrip()),
            (_("Proved"), moment(found.drilled_at)),
            *((_("Kept"), f"{each.label}, {moment(each.verified_at)}") for each in found.kept),
        ]
        altered = [each for each in found.kept if each.altered_at is not None]
        said += [(_("Other bytes"), f"{each.label}, {moment(each.altered_at)}") for each in altered]
        if found.undone_at is not None:
            said.append((_("Restore undone"), moment(found.undone_at)))
        more: dict[str, Any] = {}
        warnings: tuple[str, ...] = ()
        if args.open:
            opened = place.backups.open_archive(
                place.actor, args.backup, _key(args, place), place.database, tell=_tell(output)
            )
            more["opened"] = opened
            said.append((_("Signed by"), opened.signer))
            said += [(table, number(rows)) for table, rows in sorted(opened.tables.items())]
            warnings = opened.warnings
    lines = [f"{name}: {value}" for name, value in said]
    return output.done("\n".join((*lines, *warnings)), backup=found, **more)


def _verify(args: argparse.Namespace, output: Output) -> int:
    with seat(args) as place:
        found = place.backups.verify(place.actor, args.backup, tell=_tell(output))
    return output.done(
        _("The backup {name} was read back and is whole.").format(name=found.name), backup=found
    )


def _drill(args: argparse.Namespace, output: Output) -> int:
    with seat(args, database=True) as place:
        report = place.backups.drill(
            place.actor, args.backup, _key(args, place), place.database, tell=_tell(output)
        )
    lines = [f"{'✓' if each.ok else '✗'} {each.words}" for each in report.checks]
    if report.ok:
        return output.done("\n".join(lines), report=report)
    output.refused("backup.not_proved", "\n".join(lines), report=report)
    return 1


def _restore(args: argparse.Namespace, output: Output) -> int:
    source = _source(args.backup)
    with seat(args, database=True) as place:
        secret = _key(args, place)
        if args.dry_run:
            plan = place.backups.plan(
                place.actor, source, secret, place.database, tell=_tell(output), new=args.new
            )
            return output.done(
                "\n".join((*plan.opened.warnings, *plan.sentences)), plan=plan, clinic=plan.clinic
            )
        if not args.clinic and not args.new:
            raise RuleError("backup.clinic_needed")
        done = place.backups.restore(
            place.actor,
            source,
            secret,
            place.database,
            clinic_name=args.clinic or "",
            new=_first_administrator(args) if args.new else None,
            tell=_tell(output),
        )
    return output.done("\n".join(done.sentences), restored=done)


def _first_administrator(args: argparse.Namespace) -> tuple[str, str]:
    """Who signs in first at a clinic that is made anew, with which new password."""
    if not args.user:
        raise RuleError("backup.user_needed")
    new = _secret(args.user_password_file, _of(args.user))
    passwords.check_strength(new, username=args.user)
    return args.user, new


def _undo(args: argparse.Namespace, output: Output) -> int:
    with seat(args, database=True) as place:
        done = place.backups.undo(place.actor, place.password, place.database, tell=_tell(output))
    return output.done("\n".join(done.sentences), restored=done)


def _download(args: argparse.Namespace, output: Output) -> int:
    with seat(args) as place:
        path = place.backups.download(
            place.actor, args.backup, args.out, place.password, tell=_tell(output)
        )
    return output.done(_("The backup is in {path}, encrypted.").format(path=path), file=str(path))


def _export(args: argparse.Namespace, output: Output) -> int:
    with seat(args, database=True) as place:
        path = place.backups.export_sql(
            place.actor, args.out, place.password, place.database, tell=_tell(output)
        )
    return output.done(
        _(
            "The clinic is in {path} as SQL. It is not encrypted: whoever has the file reads it."
        ).format(path=path),
        file=str(path),
    )


def _delete(args: argparse.Namespace, output: Output) -> int:
    with seat(args) as place:
        place.backups.delete(place.actor, args.backup, place.password, tell=_tell(output))
    return output.done(_("The backup was removed."), backup=args.backup)


def _prune(args: argparse.Namespace, output: Output) -> int:
    with seat(args) as place:
        found = place.backups.prune(place.actor, dry_run=args.dry_run)
    lines = [
        *(_("Goes: {name}").format(name=name) for name in found.removed),
        *(_("Stays: {name} ({why})").format(name=n, why=why) for n, why in found.kept.items()),
        *(sentence(error) for error in found.errors),
    ]
    output.done(
        "\n".join(lines), removed=list(found.removed), kept=dict(found.kept), done=found.done
    )
    return 1 if found.errors else 0


def _import(args: argparse.Namespace, output: Output) -> int:
    with seat(args, database=True) as place:
        made = place.backups.import_foreign(
            place.actor,
            args.file,
            args.schema,
            place.password,
            place.database,
            tell=_tell(output),
        )
    said = _("The backup {name} was made of it; restore it like any other.").format(
        name=made.archive.name
    )
    return output.done("\n".join((*made.lines, said)), backup=made.archive, report=made.lines)
