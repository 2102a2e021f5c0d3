"""Defects of the import of other programs' backups."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

DUMP = "desktop/backup/foreign_dump.py"
SQL = "desktop/backup/foreign_sql.py"
JSON = "desktop/backup/foreign_json.py"
FILE = "desktop/backup/foreign_file.py"
ROWS = "desktop/backup/foreign_rows.py"
VALUES = "desktop/backup/foreign_values.py"
SORT = "desktop/backup/foreign_sort.py"
LOAD = "desktop/backup/foreign_load.py"
FOREIGN = "desktop/backup/foreign.py"

_READ = "tests/backup/foreign/test_readers.py"
_ACC = "tests/backup/foreign/test_accounting.py"
_HOST = "tests/backup/foreign/test_hostile.py"
_IMP = "tests/backup/foreign/test_import.py"
_REST = "tests/backup/foreign/test_restored.py"

MUTATIONS = (
    Mutation(
        "an import reads a dump's row with too few fields",
        DUMP,
        "            if len(fields) != len(columns):\n                yield None\n                continue\n",
        "",
        (
            _READ,
            _ACC,
            _HOST,
        ),
    ),
    Mutation(
        "an import takes an empty text for none",
        DUMP,
        '    if field == "\\\\N":',
        '    if field in ("\\\\N", ""):',
        (_READ,),
    ),
    Mutation(
        "an import leaves a dump's escapes as they are",
        DUMP,
        'yield [_field(field) for field in fields] if b"\\\\" in line else list(fields)',
        'yield [None if f == "\\\\N" else f for f in fields]',
        (_READ,),
    ),
    Mutation(
        "an import forgets that a text with quotes has pairs of them",
        DUMP,
        'text.replace(b"\'\'", b"\'")',
        "text",
        (_READ,),
    ),
    Mutation(
        "an import reads a dump's backslashes whatever the dump says of them",
        DUMP,
        "and (lexer.conforming or not match[2]):",
        "and True:",
        (_READ,),
    ),
    Mutation(
        "an import takes a call for a value",
        DUMP,
        "            return UNREADABLE\n        if any(",
        "            pass\n        if any(",
        (_READ,),
    ),
    Mutation(
        "an import reads Latin text as UTF-8",
        DUMP,
        "            self.encoding = known\n",
        "            self.encoding = self.encoding if known else known\n",
        (
            _READ,
            _IMP,
        ),
    ),
    Mutation(
        "an import reads on in one clinic's table by another one's columns",
        DUMP,
        "self._known.get((self._database, schema, table))",
        "next((v for k, v in self._known.items() if k[2] == table), None)",
        (
            _READ,
            _IMP,
        ),
    ),
    Mutation(
        "an import takes a dump that was cut off between statements",
        DUMP,
        "if self._lexer.announced > self._lexer.completed:",
        "if False:",
        (
            _HOST,
            _READ,
        ),
    ),
    Mutation(
        "an import counts one row less than it reads",
        DUMP,
        'rows += lexer.data.count(b"\\n", lexer.at, end + 1)',
        'rows += lexer.data.count(b"\\n", lexer.at, end)',
        (
            _READ,
            _ACC,
            _IMP,
        ),
    ),
    Mutation(
        "an import takes a routine's body for statements",
        DUMP,
        "routine and depth == 0:",
        "False:",
        (
            _READ,
            _HOST,
        ),
    ),
    Mutation(
        "an import ends comments at the first sign",
        SQL,
        'depth += 1 if match[0] == b"/*" else -1',
        "depth = 0",
        (
            _READ,
            _HOST,
        ),
    ),
    Mutation(
        "an import keeps texts of any size",
        SQL,
        'return b"".join(parts) if held <= keep else None\n            if not self.fill():\n                raise RuleError("foreign.truncated")',
        'return b"".join(parts)\n            if not self.fill():\n                raise RuleError("foreign.truncated")',
        (
            _READ,
            _HOST,
        ),
    ),
    Mutation(
        "an import takes a cut array of objects",
        JSON,
        '                if array:\n                    raise RuleError("foreign.truncated")\n                return',
        "                return",
        (
            _HOST,
            _READ,
        ),
    ),
    Mutation(
        "an import takes what stands behind the array",
        JSON,
        "                if self._peek():\n                    raise self._damaged()\n",
        "",
        (
            _HOST,
            _READ,
        ),
    ),
    Mutation(
        "an import takes objects of any size",
        JSON,
        "if end - self._at > LARGEST_ROW:",
        "if False:",
        (
            _READ,
            _HOST,
        ),
    ),
    Mutation(
        "an import unpacks a bomb",
        FILE,
        '            raise RuleError("foreign.bomb")',
        "            pass",
        (_HOST,),
    ),
    Mutation(
        "an import gives ids of workstations away",
        ROWS,
        "(origin if 0 < origin < self._ids_below else None)",
        "(origin if 0 < origin else None)",
        (_ACC,),
    ),
    Mutation(
        "an import leaves rows without a word",
        ROWS,
        "        self._findings.note(why.code, self.table, why.column, example=self._at)\n        return None",
        "        return None",
        (_ACC,),
    ),
    Mutation(
        "an import writes a text's tabs into the table's columns",
        ROWS,
        "return text.translate(_ESCAPES) if _SPECIAL.search(text) else text",
        "return text",
        (
            _ACC,
            _IMP,
        ),
    ),
    Mutation(
        "an import empties what it can't read without a word",
        ROWS,
        '                self._notes[rule.name]("emptied")\n',
        "",
        (_ACC,),
    ),
    Mutation(
        "an import leaves a column without a word",
        ROWS,
        '            self._findings.note("column_left", self.table, shown(name), count=count)',
        "            pass",
        (
            _ACC,
            _IMP,
        ),
    ),
    Mutation(
        "an import takes a moment without a zone for UTC",
        VALUES,
        "moment = moment.replace(tzinfo=zone)",
        "moment = moment.replace(tzinfo=dt.UTC)",
        (
            _ACC,
            _IMP,
        ),
    ),
    Mutation(
        "an import rounds money",
        VALUES,
        "if exact != amount or abs(exact)",
        "if abs(exact)",
        (_ACC,),
    ),
    Mutation(
        "an import shortens a text without a word",
        VALUES,
        '        note("shortened")\n',
        "",
        (_ACC,),
    ),
    Mutation(
        "an import takes visits of any length",
        VALUES,
        "if int(text) > LONGEST_VISIT:",
        "if False:",
        (_ACC,),
    ),
    Mutation(
        "an import takes the same key twice",
        SORT,
        "        self._drop_repeated(table)\n",
        "",
        (_ACC,),
    ),
    Mutation(
        "an import keeps the last of rows with one key",
        SORT,
        "ORDER BY linea) AS place FROM {rows} WHERE origen IS NOT NULL) d",
        "ORDER BY linea DESC) AS place FROM {rows} WHERE origen IS NOT NULL) d",
        (_ACC,),
    ),
    Mutation(
        "an import's references stay those of the file",
        SORT,
        " WHERE p.origen = r.{column} AND p.id <> p.origen",
        " WHERE p.origen = r.{column} AND p.id <> p.origen AND false",
        (_ACC,),
    ),
    Mutation(
        "an import keeps what names a row that is not there",
        SORT,
        "        self._without(table, rule, orphan, names)\n",
        "",
        (_ACC,),
    ),
    Mutation(
        "an import leaves a row for a reference that may be empty",
        SORT,
        '        if rule.required:\n            self._noted("no_parent"',
        '        if True:\n            self._noted("no_parent"',
        (_ACC,),
    ),
    Mutation(
        "an import takes two rows where one may be",
        SORT,
        "        for columns in _unique(table):\n            self._keep_apart(table, columns)\n",
        "",
        (_ACC,),
    ),
    Mutation(
        "an import leaves a client whose mail another one has",
        SORT,
        'if (table, *columns) == ("pacientes_cliente", "email"):',
        "if False:",
        (_ACC,),
    ),
    Mutation(
        "an import lets a visit that begins as one ends pass for an overlap",
        SORT,
        "practitioner == whose and starts < until:",
        "practitioner == whose and starts <= until:",
        (_ACC,),
    ),
    Mutation(
        "an import's visit that lies in a long one ends it",
        SORT,
        '                    self._findings.note(\n                        "overbooked", _APPOINTMENTS, "sobrecupo_motivo", example=str(row_id)\n                    )\n',
        '                    self._findings.note(\n                        "overbooked", _APPOINTMENTS, "sobrecupo_motivo", example=str(row_id)\n                    )\n                    until = min(until, ends)\n',
        (_ACC,),
    ),
    Mutation(
        "an import's entries take numbers that live ones have",
        SORT,
        " (SELECT max(id) FROM {live})) AS base",
        " 0) AS base",
        (
            _ACC,
            _IMP,
            _REST,
        ),
    ),
    Mutation(
        "an import doubles the entries that are there already",
        SORT,
        '"UPDATE {rows} r SET id = k.id FROM pg_temp.entrada_conocidas k WHERE k.linea = r.linea",',
        '"UPDATE {rows} r SET id = r.id FROM pg_temp.entrada_conocidas k WHERE k.linea = r.linea",',
        (
            _ACC,
            _IMP,
            _REST,
        ),
    ),
    Mutation(
        "an import's next row has the number of one that is there",
        LOAD,
        "        self._set_sequences()\n",
        "",
        (
            _IMP,
            _REST,
            _ACC,
        ),
    ),
    Mutation(
        "an import is of no clinic",
        LOAD,
        "SET tenant_uuid = l.tenant_uuid, epoch",
        "SET epoch",
        (
            _IMP,
            _REST,
        ),
    ),
    Mutation(
        "an import forgets the clinic's rooms",
        LOAD,
        '("configuracion_ajuste", "agenda_sala")',
        '("configuracion_ajuste",)',
        (
            _IMP,
            _REST,
        ),
    ),
    Mutation(
        "an import takes a file that changed after the look",
        FOREIGN,
        "            source.target: seen.places.get((schema, label), 0) for label, source in taken.items()\n        }:",
        "            source.target: seen.places.get((schema, label), 0) for label, source in taken.items()\n        } and False:",
        (_IMP,),
    ),
    Mutation(
        "an import of which nothing is left passes for one",
        FOREIGN,
        "if not any(loading.taken.values()):",
        "if False:",
        (_IMP,),
    ),
    Mutation(
        "an import takes every clinic of a file for the one",
        FOREIGN,
        "if place == schema and block.table in taken:",
        "if block.table in taken:",
        (_IMP,),
    ),
    Mutation(
        "an import leaves its schema behind",
        FOREIGN,
        "        if not connection.closed and not connection.broken:\n            _drop(connection, name)\n",
        "        if not connection.closed and not connection.broken:\n",
        (_IMP,),
    ),
    Mutation(
        "an import removes the schema of another one",
        FOREIGN,
        '            "SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (PREFIX, name)\n        ).fetchall()[0][0]',
        '            "SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (PREFIX, name)\n        ).fetchall()',
        (_IMP,),
    ),
    Mutation(
        "an import goes on sorting when it was stopped",
        LOAD,
        "                step()\n                self._sorting.sort_out(table)",
        "                self._sorting.sort_out(table)",
        (_IMP,),
    ),
)
