"""What an import of another program's backup took, changed and left: figures, places, no person's data."""

from __future__ import annotations

from dataclasses import dataclass, field

EXAMPLES = 5
_MOST_KINDS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that was noticed.

    :ivar code: what it was, a key of :data:`desktop.backup.foreign_words.WORDS`.
    :ivar table: our table; :ivar column: ours, or the file's where it has no place here.
    :ivar examples: a few of the rows, by number.
    """

    code: str
    table: str
    column: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftTable:
    """A table or model of the file that was not taken; ``why`` is ``django``, ``same``, ``unknown``,
    ``schema`` (another clinic's), ``known`` (``what`` says what it holds).
    """

    name: str
    rows: int
    why: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """The whole account: every row of the file is in ``taken``, in ``findings`` that leave rows
    (:data:`LEAVING`), or in ``left``.

    :ivar seen: our table → rows of it in the file; :ivar taken: rows of it that are there now.
    :ivar ignored: statements of an SQL file that were passed over, by their first words.
    """

    program: str
    form: str
    encoding: str
    schema: str
    seen: dict[str, int]
    taken: dict[str, int]
    findings: tuple[Finding, ...]
    left: tuple[LeftTable, ...]
    ignored: dict[str, int]

    @property
    def rows(self) -> int:
        """How many rows were taken."""
        return sum(self.taken.values())

    def left_of(self, table: str) -> int:
        """How many rows of one of our tables were left."""
        return sum(f.count for f in self.findings if f.table == table and f.code in LEAVING)


LEAVING = frozenset(
    {"bad_row", "too_large", "bad_key", "twice", "missing", "unreadable", "taken", "no_parent"}
)
"""Findings whose rows are not in the clinic."""


def shown(name: str) -> str:
    """A name out of the file as it may be shown and compared: short, without signs that do things."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name[:63])


@dataclass(slots=True)
class Findings:
    """Gathers findings; what repeats is counted."""

    _found: dict[tuple[str, str, str], tuple[int, list[str]]] = field(default_factory=dict)

    def note(
        self, code: str, table: str, column: str = "", *, count: int = 1, example: str = ""
    ) -> None:
        """One more of a kind."""
        key = (code, table, column)
        if key not in self._found and len(self._found) >= _MOST_KINDS:
            key = (code, table, "")
        so_far, examples = self._found.get(key, (0, []))
        if example and len(examples) < EXAMPLES:
            examples.append(example[:40])
        self._found[key] = (so_far + count, examples)

    def all(self) -> tuple[Finding, ...]:
        """In order of table and kind."""
        return tuple(
            Finding(code, table, column, count, tuple(examples))
            for (code, table, column), (count, examples) in sorted(
                self._found.items(), key=lambda item: (item[0][1], item[0][0], item[0][2])
            )
        )
