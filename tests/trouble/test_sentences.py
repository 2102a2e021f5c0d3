"""Every code that the program can raise has a sentence: what happened, what was kept, what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from desktop.domain import messages
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.sentences import all_sentences
from sync import engine, errors

ROOT = Path(__file__).parents[2]
RAISED = {"AppError", "ArchiveError", "RuleError", "EnvironmentTrouble", "Warned"}
_CODE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)?")

FORWARDED = {
    "desktop/cli.py": set(),
    "desktop/services/backups_history.py": {"code"},
    "desktop/services/clients_changes.py": {"error.code"},
    "desktop/services/status.py": {"code"},
    "desktop/services/workstation.py": {"error.code"},
    "desktop/views/agenda/actions.py": {"warning.code"},
}
"""Places where the code of another error is passed on, as it stands in the source."""

FAMILIES = {
    "f'account.{status}'": {"account.wrong", "account.inactive", "account.not_staff"},
    "f\"account.{answer['status']}\"": {"account.exists", "account.invalid", "account.no_staff"},
    "f\"backup.{answer['status']}\"": {"backup.revoked", "backup.forbidden"},
    "f'clients.{field}_taken'": {"clients.rut_taken", "clients.email_taken"},
}
"""Codes that are put together, and what they can come to (with those that SQL answers)."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for part in ("desktop", "sync"):
        for path in sorted((ROOT / part).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def constants(node: ast.AST) -> set[str] | None:
    """The texts that an expression can be, where the source says so."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        one, other = constants(node.body), constants(node.orelse)
        return None if one is None or other is None else one | other
    return None


def tables(module: ast.Module) -> dict[str, set[str]]:
    """The module's own tables: name → the texts among their values."""
    found: dict[str, set[str]] = {}
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not (isinstance(node, ast.Assign) and isinstance(target, ast.Name)):
            continue
        if isinstance(node.value, ast.Dict):
            found[target.id] = set().union(*(constants(v) or set() for v in node.value.values))
    return found


@cache
def raised() -> tuple[dict[str, str], tuple[str, ...]]:
    """Every code with where it is raised, and the places whose code can't be told."""
    codes: dict[str, str] = {}
    unknown: list[str] = []
    for path, module in sources():
        known = tables(module)
        for node in ast.walk(module):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in RAISED or not node.args:
                continue
            what = node.args[0]
            text = ast.unparse(what)
            found = constants(what) or FAMILIES.get(text)
            if found is None and isinstance(what, ast.Subscript):
                found = known.get(ast.unparse(what.value))
            if found is None:
                if text not in FORWARDED.get(path, set()):
                    unknown.append(f"{path}:{node.lineno}: {text}")
                continue
            codes |= dict.fromkeys(found, f"{path}:{node.lineno}")
    for module_ in (errors, engine):
        for kind in vars(module_).values():
            if isinstance(kind, type) and issubclass(kind, errors.SyncError):
                codes[kind.code] = f"{kind.__module__}.{kind.__name__}"
    return codes, tuple(unknown)


def test_the_source_says_which_codes_there_are() -> None:
    codes, unknown = raised()
    assert unknown == ()
    assert len(codes) > 150
    assert {
        "sync.cache_failed",
        "sync.revoked",
        "cache.disk_full",
        "rut.check_digit",
    } <= codes.keys()
    assert [code for code in codes if not _CODE.fullmatch(code)] == []


def test_every_code_has_its_sentence_in_both_languages() -> None:
    codes, _unknown = raised()
    assert {c: where for c, where in codes.items() if c not in all_sentences()} == {}
    same = [c for c in codes if messages._(all_sentences()[c]) == all_sentences()[c]]
    assert same == []


def test_what_sql_answers_has_its_sentence() -> None:
    answered = {
        f"account.{status}"
        for path in (ROOT / "desktop" / "models" / "sql").glob("accounts.sql")
        for status in re.findall(r"'status', '([a-z_]+)'", path.read_text("utf-8"))
    } - {"account.ok", "account.created", "account.revoked"}
    assert len(answered) > 5
    assert answered - all_sentences().keys() == set()


def test_no_sentence_is_kept_that_nothing_says() -> None:
    """A code may also be compared, shown or answered: anywhere in the source will do."""
    said: set[str] = set(raised()[0])
    for path, module in sources():
        if "/sentences/" in path:
            continue
        said |= {n.value for n in ast.walk(module) if isinstance(n, ast.Constant)}  # type: ignore[misc]
    said |= {f"account.{s}" for s in re.findall(r"'([a-z_]+)'", _accounts_sql())}
    assert all_sentences().keys() - said == set()


def _accounts_sql() -> str:
    return (ROOT / "desktop" / "models" / "sql" / "accounts.sql").read_text("utf-8")


TROUBLES = sorted(
    code
    for code in all_sentences()
    if code.split(".")[0] in {"cache", "sync", "secrets", "device", "enrolment", "workstation"}
)


@pytest.mark.parametrize("code", TROUBLES)
@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_a_sentence_of_a_trouble_says_what_was_kept_or_what_to_do(code: str, language: str) -> None:
    messages.set_language(language)
    gaps = dict.fromkeys(re.findall(r"\{([a-z_]+)\}", all_sentences()[code]), "…")
    said = messages.sentence(EnvironmentTrouble(code, **gaps))
    assert said.count(".") >= 2 or ";" in said, said
    assert "{" not in said
    assert not re.search(r"exception|traceback|sqlite|errno|null", said, re.IGNORECASE), said
