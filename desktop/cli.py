"""``consultorio``: the command line. Exit code 0 done, 1 failed with a reason, 2 wrong usage."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from desktop import cli_admin, cli_backup, cli_outbox, cli_workstation
from desktop.cli_output import Output
from desktop.domain import messages
from desktop.domain.errors import AppError, RuleError
from desktop.domain.messages import _

USAGE_CODES = frozenset(
    {"server.dsn", "server.dsn_missing", "server.dsn_password", "device.practitioner_needed"}
)
"""What is wrong with the command itself, and not with the world."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    _choose_language(given)
    _Parser.as_json = "--json" in given
    try:
        args = parser().parse_args(given)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 2
    output = Output(as_json=args.json)
    try:
        code: int = args.run(args, output)
    except AppError as error:
        output.failed(error)
        return 2 if error.code in USAGE_CODES else 1
    except KeyboardInterrupt:
        output.failed(RuleError("cancelled"))
        return 1
    except Exception as error:  # noqa: BLE001 - a bug of ours: a sentence here, not a traceback
        output.failed(error)
        return 1
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the words of a command as JSON, too, where that was asked for."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        if _Parser.as_json:
            Output(as_json=True).refused("usage", message)
            self.exit(2)
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """The whole command line, with its help in the language in use."""
    top = _Parser(
        prog="consultorio", description=_("Runs a small clinic's day, with and without a network.")
    )
    top.add_argument(
        "--language", choices=messages.LANGUAGES, help=_("of what is printed (Spanish by default)")
    )
    commands = top.add_subparsers(metavar=_("COMMAND"), required=True)
    cli_admin.add_commands(commands)
    cli_workstation.add_commands(commands)
    cli_outbox.add_commands(commands)
    cli_backup.add_commands(commands)
    return top


def _choose_language(given: Sequence[str]) -> None:
    """Before the parser is made: its help is in that language, too."""
    early = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    early.add_argument("--language", choices=messages.LANGUAGES, default="es")
    with contextlib.suppress(argparse.ArgumentError, SystemExit):
        messages.set_language(early.parse_known_args(list(given[:2]))[0].language)


if __name__ == "__main__":
    sys.exit(main())
