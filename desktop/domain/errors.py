"""Two families of errors that are nobody's bug, and a common parent.

A service raises a code with parameters; the sentence is made once, where a person reads it
(:func:`desktop.domain.messages.sentence`). Anything else that is raised is a bug of ours and goes
to the crash report.
"""

from __future__ import annotations

from pathlib import Path


class AppError(Exception):
    """Something a person must be told.

    :ivar code: what happened, e.g. ``agenda.overlap``; every code has a sentence.
    :ivar params: what the sentence names. Never a secret.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return self.code


class RuleError(AppError):
    """What was asked breaks a rule; the person can mend the input and go on."""


class EnvironmentTrouble(AppError):
    """The world stands in the way: disk, network, server, key, another process."""


def place(error: BaseException) -> str:
    """Kind and place of an unexpected error; its text may hold a row's values and is left out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = type(error).__name__
    if trace is None:
        return kind
    return f"{kind}, {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
