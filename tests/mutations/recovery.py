"""Defects of what brings back a server that was put back, and of the comparison with it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ACKED = "sync/acked.py"
APPLY = "sync/apply.py"
COMPARE = "sync/compare.py"
EXCHANGE = "sync/exchange.py"
RECOVERY = "sync/recovery.py"
APPLY_SQL = "sync/sql/apply.sql"
COMPARE_SQL = "sync/sql/compare.sql"
EXCHANGE_SQL = "sync/sql/exchange.sql"
RECOVER_SQL = "sync/sql/recover.sql"
ROWS_SQL = "sync/sql/rows.sql"

_COMPARE = "tests/sync_client/test_compare.py"
_HERD = "tests/failures/test_herd.py"
_RECOVERY = "tests/sync_client/test_recovery.py"
_REKEY = "tests/sync_client/test_rekey.py"

MUTATIONS = (
    Mutation(
        "a server that was put back is taken for none",
        RECOVER_SQL,
        "coalesce((request ->> 'generation')::bigint > who.generation, false)",
        "false",
        (_RECOVERY,),
    ),
    Mutation(
        "only the first to notice hears of a new epoch",
        RECOVER_SQL,
        "UPDATE sync_meta SET epoch = gen_random_uuid(), system_id",
        "UPDATE sync_meta SET epoch = epoch, system_id",
        (_RECOVERY,),
    ),
    Mutation(
        "device numbers are given again",
        RECOVER_SQL,
        "least(16383, 64 + greatest(",
        "least(16383, 0 + greatest(",
        (_RECOVERY,),
    ),
    Mutation(
        "the server's own ids are given again",
        RECOVER_SQL,
        "WHERE q.last_value < $1 OR (q.last_value = $1 AND NOT q.is_called)",
        "WHERE false",
        (_RECOVERY,),
    ),
    Mutation(
        "the repeat of a recovery takes another number",
        RECOVER_SQL,
        "WHERE forked_from = who.number AND last_exchange = (request ->> 'exchange')::uuid",
        "WHERE false",
        (_RECOVERY,),
    ),
    Mutation(
        "all that was acknowledged counts as known",
        RECOVERY,
        "acked.take_unknown(execute, applied.union(answer.known))",
        "acked.take_unknown(execute, acked.ids(execute))",
        (_RECOVERY,),
    ),
    Mutation(
        "what was only unanswered counts as lost",
        RECOVERY,
        "acked.take_unknown(execute, applied.union(answer.known))",
        "acked.take_unknown(execute, answer.known)",
        (_RECOVERY,),
    ),
    Mutation(
        "what is offered again keeps no id",
        APPLY_SQL,
        "AND NOT (again AND sync_kin(who, row_no >> 39)) THEN",
        "THEN",
        (_RECOVERY,),
    ),
    Mutation(
        "what is offered again takes any id",
        APPLY_SQL,
        "AND NOT (again AND sync_kin(who, row_no >> 39)) THEN",
        "AND NOT again THEN",
        (_RECOVERY,),
    ),
    Mutation(
        "what builds on another's lost work is refused at once",
        EXCHANGE_SQL,
        "who.recovered_at > now() - interval '10 minutes'",
        "false",
        (_RECOVERY,),
    ),
    Mutation(
        "what can't come back waits for ever",
        EXCHANGE_SQL,
        "who.recovered_at > now() - interval '10 minutes'",
        "true",
        (_RECOVERY,),
    ),
    Mutation(
        "what was applied is not remembered",
        APPLY,
        "            acked.keep(execute, transaction, now)\n",
        "",
        (_RECOVERY,),
    ),
    Mutation(
        "what is offered again comes last",
        ACKED,
        "start=first - len(lost)",
        "start=first + 1_000_000",
        (_RECOVERY,),
    ),
    Mutation(
        "put back on purpose, all returns by itself",
        RECOVERY,
        "        if answer.review:\n",
        "        if not schema:\n",
        (_RECOVERY,),
    ),
    Mutation(
        "ids change before it is known what was applied",
        RECOVERY,
        "execute, schema, work, answer.results, now, beside_rows=False",
        "execute, schema, work, (), now, beside_rows=False",
        (_RECOVERY,),
    ),
    Mutation(
        "nothing is compared after a recovery",
        RECOVERY,
        "            (COMPARING, Progress.of(table.name for table in schema.tables).text()),\n",
        "",
        (_RECOVERY,),
    ),
    Mutation(
        "a repeated exchange pushes what is newer than it",
        EXCHANGE,
        "if until is None or one.seq <= int(until)]",
        "if one]",
        (_RECOVERY,),
    ),
    Mutation(
        "nothing is compared after the log's end",
        EXCHANGE,
        "            (COMPARING, Progress.of(table.name for table in schema.tables).text()),\n",
        "",
        (_COMPARE,),
    ),
    Mutation(
        "rows are read in the columns of another version",
        ROWS_SQL,
        "IF who.columns IS NULL OR who.server_version IS DISTINCT FROM",
        "IF who.columns IS NULL AND who.server_version IS DISTINCT FROM",
        (_RECOVERY,),
    ),
    Mutation(
        "acknowledged work is kept for a day",
        ACKED,
        "KEPT = dt.timedelta(days=35)",
        "KEPT = dt.timedelta(days=-1)",
        (_RECOVERY,),
    ),
    Mutation(
        "rows that are here alone stay",
        COMPARE,
        "gone = sorted(found.ghosts)",
        "gone: list[int] = []",
        (_COMPARE,),
    ),
    Mutation(
        "rows that are not here are not fetched",
        COMPARE,
        "missing = {i for i, h in there.items() if here.get(i) != h}",
        "missing = {i for i, h in there.items() if here.get(i, h) != h}",
        (_COMPARE,),
    ),
    Mutation(
        "what is merely new counts as a difference",
        COMPARE,
        "len((ghosts | missing) - recent)",
        "len(ghosts | missing)",
        (_COMPARE,),
    ),
    Mutation(
        "nothing counts as recent on the server",
        COMPARE_SQL,
        "AND sync_unseen(l.xid, $3)) '",
        "AND false) '",
        (_COMPARE,),
    ),
    Mutation(
        "edits that wait are compared",
        COMPARE,
        "        if row_id not in waiting:\n",
        "        if row_id is not None:\n",
        (_COMPARE,),
    ),
    Mutation(
        "comparing goes on as before after it timed out",
        COMPARE,
        "progress.rows = max(FEWEST_ROWS, progress.rows // 2)",
        "progress.rows = max(FEWEST_ROWS, progress.rows)",
        (_HERD,),
    ),
    Mutation(
        "all compare at once",
        COMPARE_SQL,
        "    PERFORM sync_turn();\n",
        "",
        (_HERD,),
    ),
    Mutation(
        "copies keep each other out",
        RECOVER_SQL,
        "    PERFORM sync_make_room();\n",
        "",
        (_HERD,),
    ),
    Mutation(
        "a hash leaves a byte out",
        COMPARE,
        "digest()[:7]",
        "digest()[:6]",
        (_COMPARE,),
    ),
    Mutation(
        "truth values are hashed as numbers",
        COMPARE,
        "_hash(_with_booleans(values, booleans))",
        "_hash(values)",
        (_COMPARE,),
    ),
    Mutation(
        "a comparison empties a table",
        COMPARE,
        "    apply.stop_mass_deletion(connection, table, going, progress.lost)\n",
        "",
        (_COMPARE,),
        more=(
            (
                "    apply.lay_down_rows(connection, schema, change, key, progress.text())\n",
                "    apply.stop_mass_deletion = lambda *_: None\n"
                "    apply.lay_down_rows(connection, schema, change, key, progress.text())\n",
            ),
        ),
    ),
    Mutation(
        "an answer empties a table",
        APPLY,
        "        stop_mass_deletion(connection, change.table, len(lost))\n",
        "",
        (_COMPARE,),
    ),
    Mutation(
        "what a person allowed is allowed for ever",
        APPLY,
        "            (DELETION_ALLOWED, None),\n",
        "",
        (_COMPARE,),
    ),
    Mutation(
        "a person allows any number of rows",
        APPLY,
        "allowed.get(table, 0) < gone",
        "table not in allowed",
        (_COMPARE,),
    ),
    Mutation(
        "a proof holds for ever",
        EXCHANGE,
        "> clock() - CHECK_EVERY:",
        "> clock() - 1000 * CHECK_EVERY:",
        (_COMPARE,),
    ),
    Mutation(
        "tables that nobody watches are believed",
        EXCHANGE,
        "tables = [table for table in tables if table in blind]",
        "tables = []",
        (_COMPARE,),
    ),
    Mutation(
        "a copy that was there first hides a restoration",
        RECOVER_SQL,
        "AND jsonb_array_length(known) < jsonb_array_length(request -> 'acked')",
        "AND false",
        ("tests/sync_server/test_exchange.py",),
    ),
    Mutation(
        "a copy is told nothing of what waits",
        RECOVERY,
        "[transaction.id for transaction in store.outbox(execute)]",
        "[]",
        (_RECOVERY, _REKEY),
    ),
    Mutation(
        "what builds on rows that another copy pushed is refused",
        EXCHANGE_SQL,
        "renamed := true",
        "renamed := false",
        (_REKEY,),
    ),
    Mutation(
        "what another copy pushed keeps the ids that it has here",
        EXCHANGE,
        "    follow(connection, schema, answer.results, fault)\n",
        "",
        (_REKEY,),
    ),
    Mutation(
        "ids that a copy has given are given again",
        APPLY,
        "    _pass_over_used_ids(connection, change, key_at)\n",
        "",
        (_REKEY,),
    ),
    Mutation(
        "who may not read asks no further",
        EXCHANGE,
        "        refused = error\n",
        "        raise\n",
        (_RECOVERY,),
    ),
)
