"""SQL files as templates: the schema's name is filled in, safely quoted.

Tokens: ``{schema}`` (quoted identifier), ``{schema_literal}``, ``{channel_literal}`` and
``{devices_literal}`` (string literals), ``{body}`` (a dollar quote that the schema's name does not
contain). Nothing else in braces is touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from importlib import resources

Execute = Callable[[str], object]
"""Runs SQL text (one or more statements) that carries no parameters; ``%`` in it is literal."""

_NAME_BYTES = 63


def quote_identifier(name: str) -> str:
    """``name`` as an SQL identifier; ``ValueError`` where PostgreSQL could not hold it."""
    if not name or "\x00" in name or len(name.encode()) > _NAME_BYTES:
        raise ValueError("a name in PostgreSQL has 1 to 63 bytes and no NUL")
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """``text`` as an SQL string constant, whatever ``standard_conforming_strings`` says."""
    if "\x00" in text:
        raise ValueError("a text in PostgreSQL holds no NUL")
    doubled = text.replace("'", "''")
    if "\\" in doubled:
        return " E'" + doubled.replace("\\", "\\\\") + "'"
    return "'" + doubled + "'"


def named_after(schema: str, suffix: str) -> str:
    """A name that PostgreSQL can hold and that no other tenant's is, as long as the suffix differs."""
    name = schema + suffix
    if len(name.encode()) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(schema.encode()).hexdigest()[:12]
    room = _NAME_BYTES - len(suffix) - len(digest) - 1
    head = schema.encode()[:room].decode(errors="ignore")
    return f"{head}_{digest}{suffix}"


def channel(schema: str) -> str:
    """The NOTIFY channel that wakes the workstations of the tenant in ``schema``."""
    return named_after(schema, "_sync")


def device_group(schema: str) -> str:
    """The group role whose members may call the tenant's sync functions."""
    return named_after(schema, "_devices")


def render(template: str, schema: str, more: Mapping[str, str] | None = None) -> str:
    """``template`` for the tenant in ``schema``; ``ValueError`` for an impossible name.

    :param more: further tokens, and what stands for them.
    """
    tag = "body"
    while tag in schema:
        tag += "_"
    tokens = {
        "{schema}": quote_identifier(schema),
        "{schema_literal}": quote_literal(schema),
        "{channel_literal}": quote_literal(channel(schema)),
        "{devices_literal}": quote_literal(device_group(schema)),
        "{body}": f"${tag}$",
        **(more or {}),
    }
    pattern = "|".join(re.escape(token) for token in tokens)
    return re.sub(pattern, lambda match: tokens[match[0]], template)


def load(package: str, name: str, schema: str, more: Mapping[str, str] | None = None) -> str:
    """The file ``name`` beside ``package``'s modules, rendered for ``schema``."""
    text = resources.files(package).joinpath("sql", name).read_text(encoding="utf-8")
    return render(text, schema, more)
