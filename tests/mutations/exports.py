"""Defects of a workstation's own copy of the clinic, and of plain SQL."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

CACHE = "desktop/backup/take_cache.py"
PLAIN = "desktop/backup/plain.py"
WRITER = "desktop/backup/plain_writer.py"

_TAKEN = "tests/backup/restore/test_taken.py"
_CACHED = "tests/backup/take/test_cache.py"
_SQL_TEST = "tests/backup/take/test_plain.py"

MUTATIONS = (
    Mutation(
        "a workstation's copy holds what no server has checked",
        CACHE,
        " UNION ALL SELECT {kept} FROM sync_base WHERE tbl = '{table.name}' AND image IS NOT NULL)",
        " UNION ALL SELECT {here} FROM \\\"{table.name}\\\" WHERE id IN (SELECT row_id FROM sync_base WHERE tbl = '{table.name}'))",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy forgets what was answered",
        CACHE,
        "sink.write_all(_results(store.executor(connection)))",
        "sink.write_all([])",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy of half a clinic passes for whole",
        CACHE,
        'extra = {"scope": state("profile")}',
        "extra = {}",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy is taken before its first sync has ended",
        CACHE,
        '            raise RuleError("backup.cache_incomplete")',
        "            pass",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy knows no debts",
        CACHE,
        "CASE WHEN {name} < 0 THEN '-' ELSE '' END || (abs",
        "'' || (abs",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy is cut at tabs",
        CACHE,
        '            ("char(9)", r"\\t"),\n',
        "",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "a workstation's copy is of several states",
        CACHE,
        '    connection.execute("BEGIN")\n',
        "",
        (
            _CACHED,
            _TAKEN,
        ),
    ),
    Mutation(
        "plain SQL is written of what the role may see",
        PLAIN,
        "if hidden or moment.begun.role is not None:",
        "if False:",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL is written by an older pg_dump",
        PLAIN,
        "version >= server_version // 10000",
        "version >= 0",
        (_SQL_TEST,),
    ),
    Mutation(
        "a schema's name is a pattern to pg_dump",
        PLAIN,
        "quoted = '\"' + schema.replace('\"', '\"\"') + '\"'",
        "quoted = schema",
        (_SQL_TEST,),
    ),
    Mutation("the password lies open", PLAIN, "0o600", "0o644", (_SQL_TEST,)),
    Mutation(
        "pg_dump's failure is a success",
        PLAIN,
        "        if process.returncode:",
        "        if False:",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL gives a number again",
        WRITER,
        "                sql.Literal(called),",
        "                sql.Literal(False),",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL has no triggers",
        WRITER,
        "_INDEXES, _TRIGGERS, _DISABLED)",
        "_INDEXES)",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL switches triggers on",
        WRITER,
        "_INDEXES, _TRIGGERS, _DISABLED)",
        "_INDEXES, _TRIGGERS)",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL forgets what holds rows together",
        WRITER,
        "('p', 'u', 'x', 'c', 'f') AND k.conparentid",
        "('p', 'u', 'x', 'c') AND k.conparentid",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL knows no version",
        WRITER,
        "    _version(moment, file)\n    for",
        "    for",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL has an archive's tables alone",
        WRITER,
        "(*moment.tables, *(table for table in moment.odd if table.table.columns))",
        "moment.tables",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL has no types",
        WRITER,
        "for query in (_TYPES, _SEQUENCES",
        "for query in (_SEQUENCES",
        (_SQL_TEST,),
    ),
    Mutation(
        "plain SQL indexes what is not there yet",
        WRITER,
        "(_CONSTRAINTS, _VIEWS, _INDEXES",
        "(_CONSTRAINTS, _INDEXES, _VIEWS",
        (_SQL_TEST,),
    ),
    Mutation(
        "a password with a colon is another one", PLAIN, '.replace(":", "\\\\:")', "", (_SQL_TEST,)
    ),
)
