"""Rows of another program become lines of COPY for the tables where they are sorted out.

One such table for each of ours: ``linea`` (the row's place in the file), ``origen`` (its key there),
``id`` (the same, where it may be kept), our columns, and for references to accounts ``…__clave``
(the username that ``dumpdata --natural-foreign`` writes instead of a key).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from desktop.backup.foreign_dump import Row
from desktop.backup.foreign_json import Entry
from desktop.backup.foreign_programs import Source
from desktop.backup.foreign_report import Findings, shown
from desktop.backup.foreign_values import Bad, ColumnRule, rules
from desktop.domain.identifiers import placeholder_email

ACCOUNTS = "auth_user"
FIRST_OF_DEVICES = 1 << 39
"""Ids from here are workstations'; another program's rows take none."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]")
_MOST_FIELDS = 200


class Left(Exception):
    """The row is not taken; the code says why."""

    def __init__(self, code: str, column: str = "") -> None:
        super().__init__(code)
        self.code, self.column = code, column


class Lines:
    """Makes the lines of one of our tables.

    :ivar columns: of the table that sorts them out, in order. :ivar rules: of our columns.
    """

    def __init__(
        self, source: Source, zone: ZoneInfo, now: dt.datetime, findings: Findings
    ) -> None:
        self.source = source
        self.table = source.target
        self.rules = rules(source.target, list(source.columns), zone, now)
        self._findings = findings
        self._natural = [rule.name for rule in self.rules if rule.parent == ACCOUNTS]
        self._ids_below = 2**31 if self.table == ACCOUNTS else FIRST_OF_DEVICES
        self._at = ""
        self._unknown: set[str] = set()
        self._notes = {rule.name: self._noting(rule.name) for rule in self.rules}
        self._known_fields: dict[str, None] = {}
        self.columns = (
            *("linea", "origen", "id"),
            *(rule.name for rule in self.rules),
            *(f"{name}__clave" for name in self._natural),
        )

    def _noting(self, column: str) -> Any:
        return lambda code: self._findings.note(code, self.table, column, example=self._at)

    # Both forms ----------------------------------------------------------------------------------
    def places(self, columns: Sequence[str]) -> list[int | None]:
        """Where the values of our columns stand in rows with these columns, the key's place first.

        Columns that have no place here are said.
        """
        index = {name.lower(): at for at, name in reversed(list(enumerate(columns)))}
        found = [index.get("id")]
        for rule in self.rules:
            names = self.source.columns[rule.name]
            found.append(next((index[name] for name in names if name in index), None))
        used = set(found)
        for at, name in enumerate(columns):
            if at not in used:
                self._leave_field(name, 0)
        return found

    def of_row(self, number: int, row: Row | None, places: Sequence[int | None]) -> bytes | None:
        """The line of a dump's row; ``None`` where it is left."""
        self._at = f"#{number}"
        if row is None:
            return self._note_left(Left("bad_row"))
        values = [None if place is None else row[place] for place in places]
        return self._line(number, values[0], values[1:], keyless=False)

    def of_entry(self, number: int, entry: Entry) -> bytes | None:
        """The line of a ``dumpdata`` object; ``None`` where it is left."""
        self._at = f"#{number}"
        if entry.too_large:
            return self._note_left(Left("too_large"))
        fields = entry.fields
        values = [self._field(fields, self.source.columns[rule.name]) for rule in self.rules]
        if not fields.keys() <= self._known_fields.keys():
            self._look_at_fields(fields)
        return self._line(number, entry.key, values, keyless=entry.key is None)

    @staticmethod
    def _field(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
        for name in names:
            if name in fields:
                return fields[name]
        return None

    def _look_at_fields(self, fields: Mapping[str, Any]) -> None:
        ours = {name for names in self.source.columns.values() for name in names}
        for name, value in fields.items():
            if name in ours:
                self._known_fields[name] = None
            elif value not in (None, "", [], {}):
                self._leave_field(name, 1)

    def _leave_field(self, name: str, count: int) -> None:
        """Says that a column of the file has no place here."""
        if name in self._unknown or len(self._unknown) < _MOST_FIELDS:
            self._unknown.add(name)
            self._findings.note("column_left", self.table, shown(name), count=count)

    def _note_left(self, why: Left) -> bytes | None:
        self._findings.note(why.code, self.table, why.column, example=self._at)
        return None

    def _line(self, number: int, key: Any, values: Sequence[Any], *, keyless: bool) -> bytes | None:
        try:
            origin, row_id = (None, None) if keyless else self._key(key)
            if origin is not None:
                self._at = str(origin)
            natural: list[str | None] = []
            out = [str(number), _number(origin), _number(row_id)]
            for rule, value in zip(self.rules, values, strict=True):
                if value is None and not rule.required and rule.parent != ACCOUNTS:
                    out.append("\\N")
                    continue
                named = rule.parent == ACCOUNTS and isinstance(value, list)
                if rule.parent == ACCOUNTS:
                    natural.append(_natural_key(value))
                out.append("\\N" if named else self._value(rule, value, origin))
            out.extend("\\N" if name is None else _escaped(name) for name in natural)
        except Left as why:
            return self._note_left(why)
        return ("\t".join(out) + "\n").encode("utf-8", "replace")

    def _key(self, key: Any) -> tuple[int, int | None]:
        """The row's key in the file, and the id that it keeps: ``None`` where it gets another."""
        try:
            origin = int(key) if isinstance(key, str) and len(key) < 20 else None
        except ValueError:
            origin = None
        if origin is None or not -(2**63) <= origin < 2**63:
            raise Left("bad_key")
        return origin, (origin if 0 < origin < self._ids_below else None)

    def _value(self, rule: ColumnRule, value: Any, key: int | None) -> str:
        if value == "" and rule.bare:
            value = None
        if value is not None:
            try:
                if not isinstance(value, str | bool):
                    raise Bad
                return _escaped(rule.convert(value, self._notes[rule.name]))
            except Bad:
                if rule.required:
                    raise Left("unreadable", rule.name) from None
                self._notes[rule.name]("emptied")
                return "\\N"
        if not rule.required:
            return "\\N"
        if rule.filled is not None:
            self._notes[rule.name]("filled")
            return _escaped(rule.filled)
        if (self.table, rule.name) == ("pacientes_cliente", "email") and key is not None:
            self._notes[rule.name]("filled")
            return placeholder_email(key)
        raise Left("missing", rule.name)


def _escaped(text: str) -> str:
    """``text`` as COPY reads it."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def _number(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _natural_key(value: Any) -> str | None:
    """The username of a natural key, which is a list of one text; none has an empty one."""
    if not isinstance(value, list):
        return None
    name = value[0] if len(value) == 1 and isinstance(value[0], str) else ""
    return name.replace("\x00", "")[:254]
