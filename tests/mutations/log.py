"""Defects of the log's end, of its room ahead, and of the inventory."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

LOG = "sync/sql/log.sql"
INVENTORY = "sync/sql/inventory.sql"

_LOG = "tests/sync_server/test_log.py"
_INVENTORY = "tests/sync_server/test_inventory.py"

MUTATIONS = (
    Mutation(
        "a partition goes while a transaction of its numbers still runs",
        LOG,
        "FROM sync_log_parts() p WHERE p.upper <= oldest ORDER BY p.upper",
        "FROM sync_log_parts() p WHERE p.upper <= sync_log_next() ORDER BY p.upper",
        (_LOG,),
    ),
    Mutation(
        "the horizon is not raised",
        LOG,
        "SET horizon = greatest(horizon, cut::text::xid8)",
        "SET horizon = horizon",
        (_LOG,),
    ),
    Mutation(
        "young rows go, too",
        LOG,
        "        EXIT WHEN young;\n",
        "",
        (_LOG,),
    ),
    Mutation(
        "an empty partition ages",
        LOG,
        "        IF used THEN\n            cut := part.upper;\n        END IF;\n",
        "        cut := part.upper;\n",
        (_LOG,),
    ),
    Mutation(
        "a stale cursor goes by what came since alone",
        LOG,
        "WHERE running < edge AND running IS DISTINCT FROM own",
        "WHERE false AND running < edge",
        (_LOG,),
    ),
    Mutation(
        "a stale cursor goes by what was running alone",
        LOG,
        "RETURN pg_snapshot_xmax(seen) < edge\n        OR EXISTS",
        "RETURN EXISTS",
        (_LOG,),
    ),
    Mutation(
        "nothing is asked of the cursor",
        "sync/sql/exchange.sql",
        "IF sync_stale(request ->> 'cursor') THEN",
        "IF false THEN",
        (_LOG,),
    ),
    Mutation(
        "the log is shortened under an exchange",
        "sync/sql/exchange.sql",
        "    LOCK TABLE ONLY sync_log IN ACCESS SHARE MODE;\n",
        "",
        (_LOG,),
    ),
    Mutation(
        "ids of rows that left no trace are given again",
        LOG,
        "    PERFORM sync_log_counters(cut::text::xid8, true);\n",
        "",
        (_LOG,),
    ),
    Mutation(
        "no room is made ahead",
        LOG,
        "WHILE covered IS NULL OR covered < next + week LOOP",
        "WHILE covered IS NULL OR covered < next LOOP",
        (_LOG,),
    ),
    Mutation(
        "a partition of busier days is kept",
        LOG,
        "interval ''10 days''",
        "interval ''1000 days''",
        (_LOG,),
    ),
    Mutation(
        "the tail keeps what is in it",
        LOG,
        "    IF ends THEN\n        PERFORM sync_log_close();\n        next := sync_log_next();\n"
        "    END IF;\n",
        "",
        (_LOG,),
    ),
    Mutation(
        "upkeep waits for whoever is in the way",
        LOG,
        "SET lock_timeout = '100ms'",
        "SET lock_timeout = '60s'",
        (_LOG,),
    ),
    Mutation(
        "results are forgotten too early",
        LOG,
        "interval '70 days'",
        "interval '35 days'",
        (_LOG,),
    ),
    Mutation(
        "numbers of another server stay in the log",
        LOG,
        "            PERFORM sync_log_restart();\n",
        "            NULL;\n",
        (_LOG,),
    ),
    Mutation(
        "a disabled trigger passes",
        INVENTORY,
        "t.tgenabled NOT IN ('O', 'A')",
        "t.tgenabled = 'X'",
        (_INVENTORY,),
    ),
    Mutation(
        "a trigger that replicas alone fire passes",
        INVENTORY,
        "t.tgenabled NOT IN ('O', 'A')",
        "t.tgenabled = 'D'",
        (_INVENTORY,),
    ),
    Mutation(
        "another function in the trigger passes",
        INVENTORY,
        "OR t.tgfoid <> coalesce(",
        "OR NULL <> coalesce(",
        (_INVENTORY,),
    ),
    Mutation(
        "a missing trigger passes",
        INVENTORY,
        "WHERE found BETWEEN 1 AND 3",
        "WHERE found BETWEEN 1 AND 2",
        (_INVENTORY,),
    ),
)
