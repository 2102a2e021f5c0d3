"""The administrator's commands: clinics, workstations and accounts on the server."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import keyring
import keyring.errors
import psycopg

from desktop.cli_output import Output
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.messages import N_, _, sentence
from desktop.domain.permissions import ROLES
from desktop.models import PROFILES
from desktop.services import devices, enrolment, office_key, secrets, server, tenants, upkeep
from desktop.services.accounts import NewAccount
from desktop.services.tenants import NewClinic

ADMIN_SERVICE = "consultorio-admin"
"""The keyring's name for administrators' passwords; the entry is ``user@host:port/database``."""

SIZES = ("small", "medium", "large")


def add_commands(commands: Any) -> None:
    """Add ``tenant``, ``device`` and ``account`` to the parser's commands."""
    _tenant_commands(commands.add_parser("tenant", help=_("Clinics on the server")))
    _device_commands(commands.add_parser("device", help=_("Workstations of a clinic")))
    _account_commands(commands.add_parser("account", help=_("People's accounts in a clinic")))


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every command of the administrator takes."""
    parser.add_argument("--json", action="store_true", help=_("print one JSON object"))
    add_server_options(parser)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Which database, and as whom: for :func:`server_of`."""
    parser.add_argument(
        "--dsn", help=_("the database, without a password (or CONSULTORIO_DSN in the environment)")
    )
    parser.add_argument(
        "--password-file",
        type=Path,
        help=_("a file only you can read with the password of the database user"),
    )


def _tenant_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    create = _command(commands, "create", _tenant_create, _("Make a clinic"))
    create.add_argument("name", metavar=_("NAME"))
    create.add_argument("--clinic", help=_("the clinic's name for people"))
    create.add_argument("--zone", default=NewClinic("").zone, help=_("its time zone"))
    create.add_argument("--currency", default=NewClinic("").currency, help=_("its currency"))
    create.add_argument(
        "--country", default=NewClinic("").country, help=_("its country, two letters")
    )
    create.add_argument("--admin-user", default="admin", help=_("username of the administrator"))
    create.add_argument(
        "--admin-name", default="Administración", help=_("name of the administrator")
    )
    create.add_argument("--admin-email", default="", help=_("email of the administrator"))
    create.add_argument(
        "--admin-password-file",
        type=Path,
        help=_("a file only you can read with the administrator's password (else it is asked)"),
    )
    _command(commands, "list", _tenant_list, _("List the clinics"))
    migrate = _command(commands, "migrate", _tenant_migrate, _("Bring clinics up to this program"))
    which = migrate.add_mutually_exclusive_group(required=True)
    which.add_argument("name", metavar=_("NAME"), nargs="?")
    which.add_argument("--all", action="store_true", help=_("every clinic of the database"))
    maintain = _command(
        commands,
        "maintain",
        _tenant_maintain,
        _("Keep the change logs short, as workstations do once a day"),
    )
    looked_after = maintain.add_mutually_exclusive_group(required=True)
    looked_after.add_argument("name", metavar=_("NAME"), nargs="?")
    looked_after.add_argument("--all", action="store_true", help=_("every clinic of the database"))
    check = _command(
        commands, "check", _tenant_check, _("Look whether every change of a clinic is captured")
    )
    check.add_argument("name", metavar=_("NAME"))
    grant = _command(
        commands, "grant-web", _tenant_grant_web, _("Give the web programs' role what it needs")
    )
    grant.add_argument("name", metavar=_("NAME"))
    grant.add_argument("role", metavar=_("ROLE"))
    office = _command(
        commands,
        "office-key",
        _tenant_office_key,
        _("Print the key that files for it are made with"),
    )
    office.add_argument("name", metavar=_("NAME"))
    generate = _command(
        commands, "generate", _tenant_generate, _("Fill a clinic with made-up data")
    )
    generate.add_argument("name", metavar=_("NAME"))
    generate.add_argument("--size", choices=SIZES, default="small")
    generate.add_argument(
        "--seed", type=int, default=1, help=_("the same seed makes the same data")
    )
    generate.add_argument(
        "--today",
        type=dt.date.fromisoformat,
        metavar="YYYY-MM-DD",
        help=_("the day on which the clinic is caught at work (today by default)"),
    )
    generate.add_argument(
        "--accounts-password-file",
        type=Path,
        help=_("a file only you can read with the password of the made-up accounts"),
    )


def _device_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    enroll = _command(commands, "enroll", _device_enroll, _("Admit a workstation"))
    enroll.add_argument("tenant", metavar=_("CLINIC"))
    enroll.add_argument("--profile", required=True, choices=PROFILES)
    enroll.add_argument("--practitioner", type=int, metavar="ID", help=_("staff id of its owner"))
    enroll.add_argument("--label", default="", help=_("what people call it"))
    enroll.add_argument("--out", required=True, type=Path, help=_("the enrolment file to write"))
    enroll.add_argument(
        "--hours", type=_hours, default=devices.VALID_HOURS, help=_("how long the file is good")
    )
    enroll.add_argument("--server-host", help=_("the server as the workstation reaches it"))
    enroll.add_argument("--server-port", type=int, help=_("its port"))
    listed = _command(commands, "list", _device_list, _("List a clinic's workstations"))
    listed.add_argument("tenant", metavar=_("CLINIC"))
    revoke = _command(commands, "revoke", _device_revoke, _("Shut a workstation out"))
    revoke.add_argument("tenant", metavar=_("CLINIC"))
    revoke.add_argument("number", type=int, metavar=_("NUMBER"))


def _account_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    create = _command(commands, "create", _account_create, _("Make an account for somebody"))
    create.add_argument("tenant", metavar=_("CLINIC"))
    create.add_argument("username", metavar=_("USERNAME"))
    create.add_argument("--name", required=True, help=_("the person's full name"))
    create.add_argument("--role", required=True, choices=ROLES)
    create.add_argument("--email", default="")
    create.add_argument("--phone", default="")
    create.add_argument("--staff", type=int, metavar="ID", help=_("an existing staff row"))
    password = _command(commands, "password", _account_password, _("Set an account's password"))
    password.add_argument("tenant", metavar=_("CLINIC"))
    password.add_argument("username", metavar=_("USERNAME"))
    for command in (create, password):
        command.add_argument(
            "--new-password-file",
            type=Path,
            help=_("a file only you can read with the new password (else it is asked)"),
        )


def _hours(text: str) -> int:
    hours = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= hours <= 24 * 30:
        raise argparse.ArgumentTypeError(_("between 1 and 720 hours"))
    return hours


@contextmanager
def server_of(args: argparse.Namespace) -> Iterator[psycopg.Connection]:
    """The administrator's connection; the password from a file, PGPASSFILE, the keyring or a prompt."""
    with connector(args)() as connection:
        yield connection


def connector(args: argparse.Namespace) -> Callable[[], psycopg.Connection]:
    """Makes connections as :func:`server_of` does; the password is asked for once, by the first."""
    dsn = args.dsn or os.environ.get("CONSULTORIO_DSN")
    if not dsn:
        raise RuleError("server.dsn_missing")
    given = server.parameters(**server.parse_dsn(dsn))
    if args.password_file is not None:
        given["password"] = secrets.read_secret_file(args.password_file)

    def connect() -> psycopg.Connection:
        try:
            return server.connect(given)
        except EnvironmentTrouble as error:
            password = _password(given) if error.code == "server.password_needed" else None
            if password is None:
                raise
            made = server.connect(given | {"password": password})
            given["password"] = password
            return made

    return connect


def _password(given: dict[str, Any]) -> str | None:
    entry = "{user}@{host}:{port}/{dbname}".format(
        **{"user": "", "host": "localhost", "port": 5432, "dbname": ""} | given
    )
    try:
        kept = keyring.get_password(ADMIN_SERVICE, entry)
    except keyring.errors.KeyringError:
        kept = None
    return kept or secrets.ask(_("Password of {user}").format(user=given.get("user", "")))


def _new_password(file: Path | None, username: str) -> str:
    if file is not None:
        return secrets.read_secret_file(file)
    first = secrets.ask(_("New password of {user}").format(user=username))
    if first is None:
        raise RuleError("password.nobody_asked")
    if secrets.ask(_("The same password again")) != first:
        raise RuleError("password.differs")
    return first


def _tenant_create(args: argparse.Namespace, output: Output) -> int:
    tenants.check_name(args.name)
    clinic = NewClinic(
        name=args.clinic or args.name,
        zone=args.zone,
        currency=args.currency,
        country=args.country,
        email=args.admin_email,
    )
    account = NewAccount(
        username=args.admin_user,
        name=args.admin_name,
        role="general",
        email=args.admin_email,
        superuser=True,
    )
    with server_of(args) as connection:
        password = _new_password(args.admin_password_file, args.admin_user)
        made = tenants.create(connection, args.name, clinic, account, password)
    return output.done(
        _("The clinic “{clinic}” is ready in the schema “{tenant}”.").format(
            clinic=made.clinic, tenant=made.name
        ),
        tenant=made,
    )


def _tenant_list(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        found = [tenants.find(connection, name) for name in tenants.names(connection)]
    return output.table(
        (_("Schema"), _("Clinic"), _("Version"), _("Newest"), _("Workstations")),
        [(each.name, each.clinic, each.version, each.head, each.devices) for each in found],
        tenants=found,
    )


def _tenant_migrate(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        names = tenants.names(connection) if args.all else [args.name]
        done = [tenants.migrate(connection, name) for name in names]
    return output.table(
        (_("Schema"), _("Version")), [(each.name, each.version) for each in done], tenants=done
    )


UPKEEP_STATES = {
    "done": N_("done"),
    "recent": N_("done less than 20 hours ago"),
    "busy": N_("somebody was in the way; workstations try again by themselves"),
    "migrating": N_("is being migrated"),
}

CAPTURE_PROBLEMS = {
    "table_missing": N_("{table}: the table is gone or has another name"),
    "not_captured": N_("{table}: no change is captured"),
    "trigger_missing": N_("{table}: a capture trigger is missing"),
    "trigger_disabled": N_("{table}: a capture trigger is disabled"),
    "trigger_replaced": N_("{table}: a capture trigger was replaced by another"),
}


def _tenant_maintain(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        names = tenants.names(connection) if args.all else [args.name]
        done, outdated = [], []
        for name in names:
            try:
                done.append(upkeep.maintain(connection, name))
            except RuleError as error:
                # One clinic that waits for its migration does not keep the others waiting.
                if error.code != "tenant.outdated":
                    raise
                outdated.append(name)
    if outdated:
        raise RuleError("tenant.outdated", tenant="”, “".join(outdated))
    return output.table(
        (_("Schema"), _("State"), _("Parts made"), _("Parts dropped"), _("Answers forgotten")),
        [
            (each.tenant, _(UPKEEP_STATES[each.state]), each.made, each.dropped, each.forgotten)
            for each in done
        ],
        tenants=done,
    )


def _tenant_check(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        problems = upkeep.inventory(connection, args.name)
    if not problems:
        return output.done(
            _("Every change of “{tenant}” is captured for the workstations.").format(
                tenant=args.name
            ),
            tenant=args.name,
            problems=[],
        )
    words = [_(CAPTURE_PROBLEMS[each.problem]).format(table=each.table) for each in problems]
    error = RuleError("tenant.not_captured", tenant=args.name, problems="; ".join(words))
    output.refused(error.code, sentence(error), tenant=args.name, problems=problems)
    return 1


def _tenant_grant_web(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        tenants.grant_web(connection, args.name, args.role)
    return output.done(
        _("“{role}” may use the shared tables of “{tenant}”, and nothing else of it.").format(
            role=args.role, tenant=args.name
        ),
        tenant=args.name,
        role=args.role,
    )


def _tenant_office_key(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        tenants.find(connection, args.name)
        key = office_key.public(connection, args.name)
    return output.done(key, tenant=args.name, key=key)


def _tenant_generate(args: argparse.Namespace, output: Output) -> int:
    from desktop.services.generate import generate

    today = args.today or dt.datetime.now(ZoneInfo(NewClinic("").zone)).date()
    with server_of(args) as connection:
        tenants.find(connection, args.name)
        report = generate(
            connection,
            args.name,
            args.size,
            args.seed,
            today,
            output.progress(_("Rows")),
            password=_new_password(args.accounts_password_file, _("the made-up accounts")),
        )
    return output.done(
        _("“{tenant}” is filled with made-up data. Its accounts: {accounts}.").format(
            tenant=args.name, accounts=", ".join(report.usernames)
        ),
        tenant=args.name,
        size=args.size,
        seed=args.seed,
        today=today.isoformat(),
        rows=dict(report.rows),
        usernames=report.usernames,
        seconds=round(report.seconds, 1),
    )


def _device_enroll(args: argparse.Namespace, output: Output) -> int:
    # Looked at before a number is given out: each is given once.
    if args.out.exists():
        raise EnvironmentTrouble("file.exists", path=str(args.out))
    if not os.access(args.out.parent, os.W_OK | os.X_OK):
        raise EnvironmentTrouble("file.not_written", path=str(args.out))
    with server_of(args) as connection:
        here = devices.address_of(connection)
        admitted = devices.enroll(
            connection,
            args.tenant,
            profile=args.profile,
            practitioner_id=args.practitioner,
            label=args.label,
            valid_hours=args.hours,
            address=enrolment.Address(
                host=args.server_host or here.host,
                port=args.server_port or here.port,
                dbname=here.dbname,
                ca=here.ca,
            ),
        )
        try:
            enrolment.write(admitted, args.out)
        except EnvironmentTrouble:
            devices.revoke(connection, args.tenant, admitted.device)
            raise
    return output.done(
        _(
            "Workstation {number} ({label}) is admitted. Take {path} to it and run "
            "“consultorio join” there before {expires}; the file works once."
        ).format(
            number=admitted.device,
            label=admitted.label,
            path=args.out,
            expires=f"{admitted.expires:%Y-%m-%d %H:%M} UTC",
        ),
        device=admitted.device,
        label=admitted.label,
        profile=admitted.profile,
        role=admitted.role,
        file=str(args.out),
        expires=admitted.expires,
    )


def _device_list(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        found = devices.listed(connection, args.tenant)
    return output.table(
        (_("Number"), _("Name"), _("Profile"), _("Last seen"), _("State")),
        [
            (
                each.number,
                each.label,
                each.profile,
                f"{each.last_seen:%Y-%m-%d %H:%M} UTC" if each.last_seen else _("never"),
                _("revoked") if each.revoked_at else _("admitted"),
            )
            for each in found
        ],
        devices=found,
    )


def _device_revoke(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        numbers = devices.revoke(connection, args.tenant, args.number)
    return output.done(
        _("Workstation {number} is shut out. What it had not sent is still on it.").format(
            number=args.number
        ),
        revoked=numbers,
    )


def _account_create(args: argparse.Namespace, output: Output) -> int:
    account = NewAccount(
        username=args.username,
        name=args.name,
        role=args.role,
        email=args.email,
        phone=args.phone,
        staff_id=args.staff,
    )
    with server_of(args) as connection:
        password = _new_password(args.new_password_file, args.username)
        staff_id = tenants.add_account(connection, args.tenant, account, password)
    return output.done(
        _("The account “{user}” is ready.").format(user=args.username),
        username=args.username,
        staff_id=staff_id,
    )


def _account_password(args: argparse.Namespace, output: Output) -> int:
    with server_of(args) as connection:
        password = _new_password(args.new_password_file, args.username)
        tenants.set_password(connection, args.tenant, args.username, password)
    return output.done(
        _("The password of “{user}” was changed.").format(user=args.username),
        username=args.username,
    )
