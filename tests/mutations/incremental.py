"""Defects of what an incremental archive takes for changed."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

TAKE = "desktop/backup/take_incremental.py"

_CHAIN = ("tests/backup/take/test_incremental.py",)

MUTATIONS = (
    Mutation(
        "an incremental leaves out what was written while a trigger was off",
        TAKE,
        ">= pg_snapshot_xmin({since})::text::bigint)",
        "< 0)",
        _CHAIN,
    ),
    Mutation(
        "an incremental takes a savepoint for older than the archive that met it",
        TAKE,
        ">= pg_snapshot_xmin({since})::text::bigint)",
        ">= pg_snapshot_xmax({since})::text::bigint)",
        _CHAIN,
    ),
    Mutation(
        "an incremental does not ask whether all is logged",
        TAKE,
        "if said.problems:",
        "if False:",
        _CHAIN,
    ),
    Mutation(
        "an incremental forgets what committed after the archive before looked",
        TAKE,
        "WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip({since})))",
        "WHERE false",
        _CHAIN,
    ),
    Mutation(
        "an incremental goes by a log that does not reach so far",
        TAKE,
        "if said.stale:",
        "if False:",
        _CHAIN,
    ),
    Mutation(
        "an incremental goes by the log of another epoch",
        TAKE,
        "if moment.epoch != since.epoch:",
        "if False:",
        _CHAIN,
    ),
    Mutation(
        "an incremental does not say which rows are gone",
        TAKE,
        "    if keys:\n",
        "    if False:\n",
        _CHAIN,
    ),
    Mutation(
        "an incremental leaves out rows that were deleted and came again",
        TAKE,
        "part.changed.written.array(part.changed.deleted)",
        "part.changed.written.array()",
        _CHAIN,
    ),
    Mutation(
        "an incremental takes a truncated table for one that changed",
        TAKE,
        "if found.truncated or _is_most(table, found.count):",
        "if _is_most(table, found.count):",
        _CHAIN,
    ),
    Mutation(
        "an incremental leaves out columns that are not synced",
        TAKE,
        "if table.name in said.captured and _columns(table) <= said.captured[table.name]:",
        "if table.name in said.captured:",
        _CHAIN,
    ),
    Mutation(
        "an incremental keeps what is gone from a table that is not synced",
        TAKE,
        "Part(table, ADDED, kept=kept)",
        'Part(table, ADDED, kept="1-9223372036854775807")',
        _CHAIN,
    ),
)
