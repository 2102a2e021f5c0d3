"""Defects of the server half: capture, cursor, push, rights."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = "sync/sql/rows.sql"
DEVICE = "sync/sql/device.sql"
RECOVER = "sync/sql/recover.sql"
APPLY = "sync/sql/apply.sql"
EXCHANGE = "sync/sql/exchange.sql"
REGISTER = "sync/sql/register.sql"
RIGHTS = "sync/sql/rights.sql"

_CAPTURE = "tests/sync_server/test_capture.py"
_INTERLEAVINGS = "tests/sync_server/test_interleavings.py"
_EXCHANGE = "tests/sync_server/test_exchange.py"
_FIRST = "tests/sync_server/test_first_sync.py"
_RIGHTS = "tests/sync_server/test_rights.py"
_HARDENING = "tests/sync_server/test_hardening.py"
_APPOINTMENTS = "tests/sync_server/test_appointments.py"
_POLL = "tests/sync_client/test_poll.py"
_WRITERS = "tests/sync_server/test_writers.py"

MUTATIONS = (
    Mutation(
        "transactions in progress are forgotten",
        ROWS,
        "WHERE l.xid = ANY (running) AND",
        "WHERE false AND",
        (_INTERLEAVINGS,),
    ),
    Mutation(
        "the cursor is the highest transaction",
        EXCHANGE,
        "SELECT pg_current_snapshot()::text,\n           sync_delta(",
        "SELECT concat(pg_snapshot_xmax(pg_current_snapshot()), ':',"
        " pg_snapshot_xmax(pg_current_snapshot()), ':'), sync_delta(",
        (_INTERLEAVINGS,),
    ),
    Mutation(
        "a poll that finds the end of the log unchanged forgets who was at work before it",
        ROWS,
        "IF push = '[]' AND running = '{}' THEN",
        "IF push = '[]' THEN",
        (_INTERLEAVINGS,),
    ),
    Mutation(
        "a poll after an edit of one's own forgets who was at work before it",
        EXCHANGE,
        "WHERE l.xid >= edge AND l.xid < own",
        "WHERE false AND l.xid < own",
        (_POLL,),
    ),
    Mutation(
        "the cursor is the lowest transaction in progress",
        EXCHANGE,
        "SELECT pg_current_snapshot()::text,\n           sync_delta(",
        "SELECT concat(pg_snapshot_xmin(pg_current_snapshot()), ':',"
        " pg_snapshot_xmin(pg_current_snapshot()), ':'), sync_delta(",
        (_INTERLEAVINGS,),
    ),
    Mutation(
        "the cursor is read after the delta",
        EXCHANGE,
        "SELECT pg_current_snapshot()::text,\n"
        "           sync_delta(who, request ->> 'cursor', push, (request ->> 'inline')::bigint)\n"
        "      INTO snapshot, changes;",
        "changes := sync_delta(who, request ->> 'cursor', push, (request ->> 'inline')::bigint);\n"
        "    PERFORM pg_sleep(0.002);\n"
        "    snapshot := pg_current_snapshot()::text;",
        (_CAPTURE,),
    ),
    Mutation(
        "what was pushed comes later",
        ROWS,
        """, 'P'::"char" AS op,""",
        """, 'U'::"char" AS op,""",
        ("tests/sync_client/test_later.py",),
    ),
    Mutation(
        "of what comes later the first row is left out",
        ROWS,
        "($3 IS NULL OR r.id > $3)",
        "($3 IS NULL OR r.id > $3 + 1)",
        ("tests/sync_client/test_later.py",),
    ),
    Mutation(
        "who is another's now is not asked to greet before it reads",
        ROWS,
        "IF who.columns IS NULL OR who.server_version",
        "IF who.server_version",
        ("tests/sync_server/test_scope.py",),
    ),
    Mutation(
        "one's own transaction comes twice",
        ROWS,
        "WHERE l.xid >= pg_snapshot_xmax(seen) AND l.xid IS DISTINCT FROM own",
        "WHERE l.xid >= pg_snapshot_xmax(seen)",
        (_EXCHANGE,),
    ),
    Mutation(
        "the first sync's cursor is taken too late",
        DEVICE,
        "'cursor', cursor_text,",
        "'cursor', concat(pg_snapshot_xmax(cursor_text::pg_snapshot)::text::bigint + 3, ':',"
        " pg_snapshot_xmax(cursor_text::pg_snapshot)::text::bigint + 3, ':'),",
        (_FIRST, _HARDENING),
    ),
    Mutation(
        "refused rows do not come back",
        ROWS,
        "FROM (TABLE logged UNION ALL TABLE pushed) k",
        "FROM (TABLE logged) k",
        (_EXCHANGE,),
    ),
    Mutation(
        "the row filter is ignored in the delta",
        ROWS,
        "'SELECT r.id::bigint, %s::text FROM %I r WHERE %s AND (%s) ORDER",
        "'SELECT r.id::bigint, %s::text FROM %I r WHERE %s AND ((%s) OR true) ORDER",
        (_EXCHANGE,),
    ),
    Mutation(
        "a truncation is not marked",
        REGISTER,
        "0, 'T'::\"char\"",
        "0, 'D'::\"char\"",
        (_CAPTURE,),
    ),
    Mutation(
        "updates are not captured",
        REGISTER,
        "('update', 'AFTER', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),",
        "",
        (_INTERLEAVINGS,),
    ),
    Mutation(
        "an update that changes an id is an update",
        REGISTER,
        "WHEN n.id IS NULL THEN 'D'::\"char\"",
        "WHEN false THEN 'D'::\"char\"",
        (_CAPTURE,),
        more=(
            (
                "FROM new_rows n FULL JOIN old_rows o ON o.id = n.id",
                "FROM new_rows n LEFT JOIN old_rows o ON o.id = n.id",
            ),
        ),
    ),
    Mutation(
        "what did not change is logged",
        REGISTER,
        "WHERE o.id IS NULL OR n.id IS NULL%5$s;",
        "WHERE true;",
        (_CAPTURE,),
    ),
    Mutation(
        "anybody signs as any device",
        REGISTER,
        "WHERE d.role_name = session_user\n                        AND d.number",
        "WHERE d.number",
        (_HARDENING,),
    ),
    Mutation(
        "anybody takes ids of devices",
        REGISTER,
        "AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN",
        "AND false THEN",
        (_HARDENING,),
    ),
    Mutation(
        "old values are not compared on update",
        APPLY,
        "IF differing <> '{}' THEN",
        "IF fresh IS NULL AND differing <> '{}' THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "old values are not compared on delete",
        APPLY,
        "IF differing <> '{}' THEN",
        "IF fresh IS NOT NULL AND differing <> '{}' THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "what another has changed meanwhile is written over",
        APPLY,
        "statement || ' AND jsonb_populate_record(r, $3) *= r'",
        "statement",
        (_WRITERS,),
    ),
    Mutation(
        "what a workstation does not say that it saw need not hold",
        APPLY,
        "complete boolean := fresh <> '{}' AND (fresh - stamps) || seen = seen;",
        "complete boolean := fresh <> '{}';",
        (_WRITERS,),
    ),
    Mutation(
        "what follows a push is planned as a push is",
        EXCHANGE,
        "        PERFORM set_config('plan_cache_mode', planning, true);\n",
        "",
        (_WRITERS,),
    ),
    Mutation(
        "a change of a unique column is left out",
        REGISTER,
        "ELSIF fresh - %3$L::text[] <> '{}' THEN",
        "ELSIF false THEN",
        (_WRITERS,),
    ),
    Mutation(
        "a change fires the triggers of every column",
        APPLY,
        "IF complete AND NOT (rule -> 'named')::boolean THEN",
        "IF complete THEN",
        (_WRITERS,),
    ),
    Mutation(
        "columns that a new row leaves out are emptied",
        APPLY,
        "IF fresh ?& (rule ->> 'columns')::text[] THEN",
        "IF true THEN",
        (_WRITERS,),
    ),
    Mutation(
        "an upgrade leaves the functions that write as they were",
        REGISTER,
        "    PERFORM sync_make_writers();\n",
        "    IF to_regprocedure('sync_insert(smallint, jsonb)') IS NULL THEN\n"
        "        PERFORM sync_make_writers();\n    END IF;\n",
        (_WRITERS,),
    ),
    Mutation(
        "what stands already is a conflict",
        APPLY,
        "($4 AND r.%1$I IS NOT '",
        "(false AND $4 AND r.%1$I IS NOT '",
        (_EXCHANGE,),
    ),
    Mutation(
        "stamps are compared",
        APPLY,
        "stamps text[] := rule ->> 'stamps';",
        "stamps text[] := '{}';",
        (_EXCHANGE,),
    ),
    Mutation(
        "rows are locked in the order of the operations",
        EXCHANGE,
        "        PERFORM sync_lock(who, push);\n",
        "",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "a device inserts any id",
        APPLY,
        "IF row_no >> 39 <> who.number AND NOT",
        "IF false AND NOT",
        (_EXCHANGE,),
    ),
    Mutation(
        "a profile writes any table",
        APPLY,
        "WHERE s.active AND who.profile = ANY (s.write_by)\n       AND s.name IN",
        "WHERE s.active\n       AND s.name IN",
        (_EXCHANGE,),
    ),
    Mutation(
        "rows that others see are changed",
        APPLY,
        "    IF condition = 'true' AND writing = 'true' THEN\n",
        "    IF true THEN\n",
        (_EXCHANGE,),
    ),
    Mutation(
        "the append-only check of pushes is left out",
        APPLY,
        "IF (rule -> 'append_only')::boolean AND kind <> 'I' THEN",
        "IF false THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "a refusal stops the queue",
        APPLY,
        "OR state = '55P03' THEN",
        "OR true THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "trouble of the server is a refusal",
        APPLY,
        "IF left(state, 2) IN ('08', '25', '40', '53', '57', '58', 'XX') OR state = '55P03' THEN",
        "IF false THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "dependents are applied",
        APPLY,
        "IF blocked <> '{}' THEN",
        "IF false THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "a swallowed change counts as applied",
        APPLY,
        "IF written = 0 THEN\n        PERFORM sync_reject('rule', format('a rule of %s does not accept the change'",
        "IF false THEN\n        PERFORM sync_reject('rule', format('a rule of %s does not accept the change'",
        (_HARDENING,),
    ),
    Mutation(
        "results are not looked up",
        EXCHANGE,
        "            IF outcome IS NULL THEN\n",
        "            IF true THEN\n",
        (_EXCHANGE,),
    ),
    Mutation(
        "two copies both apply",
        EXCHANGE,
        "IF outcome ->> 'status' <> 'deferred' AND NOT FOUND THEN",
        "IF false THEN",
        (_HARDENING,),
    ),
    Mutation(
        "foreign keys wait for the commit",
        EXCHANGE,
        "        SET CONSTRAINTS ALL IMMEDIATE;\n",
        "",
        (_EXCHANGE,),
    ),
    Mutation(
        "a cursor from the future is believed",
        RECOVER,
        "> pg_snapshot_xmax(pg_current_snapshot()), false)",
        "> pg_snapshot_xmax(pg_current_snapshot()) AND false, false)",
        (_HARDENING,),
    ),
    Mutation(
        "the nonce stays",
        DEVICE,
        "next_nonce uuid := gen_random_uuid();\nBEGIN\n    IF request",
        "next_nonce uuid := coalesce((request ->> 'nonce')::uuid, gen_random_uuid());\n"
        "BEGIN\n    IF request",
        (_EXCHANGE,),
    ),
    Mutation(
        "a stale nonce passes",
        DEVICE,
        "    IF who.nonce IS NOT NULL AND",
        "    IF false AND",
        (_EXCHANGE,),
    ),
    Mutation(
        "the repeat of a lost answer is a fork",
        DEVICE,
        "        IF who.last_exchange IS DISTINCT FROM (request ->> 'exchange')::uuid THEN",
        "        IF true THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "a repeat gets a nonce of its own",
        DEVICE,
        "        next_nonce := who.nonce;\n",
        "",
        (_EXCHANGE,),
    ),
    Mutation(
        "a revoked device exchanges",
        DEVICE,
        "WHEN who.revoked_at IS NOT NULL THEN",
        "WHEN false THEN",
        (_EXCHANGE,),
    ),
    Mutation(
        "a revoked device reads",
        ROWS,
        "IF who.number IS NULL OR who.revoked_at IS NOT NULL THEN",
        "IF who.number IS NULL THEN",
        (_RIGHTS,),
    ),
    Mutation(
        "a device speaks for another",
        DEVICE,
        "AND role_name = session_user\n",
        "\n",
        (_RIGHTS,),
    ),
    Mutation(
        "a device reads for another",
        ROWS,
        "WHERE number = device AND role_name = session_user;",
        "WHERE number = device;",
        (_RIGHTS,),
    ),
    Mutation(
        "migrations are not waited out",
        DEVICE,
        "    IF NOT pg_try_advisory_xact_lock_shared(",
        "    IF false AND NOT pg_try_advisory_xact_lock_shared(",
        (_EXCHANGE,),
    ),
    Mutation(
        "a temporary table hijacks a function",
        ROWS,
        "RETURNS TABLE (id bigint, line text)\n"
        "LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp\n",
        "RETURNS TABLE (id bigint, line text)\n"
        "LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}\n",
        (_RIGHTS,),
    ),
    Mutation(
        "everybody may call the engine",
        RIGHTS,
        "REVOKE ALL ON FUNCTION %s FROM PUBLIC",
        "GRANT ALL ON FUNCTION %s TO PUBLIC",
        (_HARDENING,),
    ),
    Mutation(
        "answers are not durable",
        DEVICE,
        "PERFORM set_config('synchronous_commit', 'on', true);",
        "NULL;",
        (_HARDENING,),
    ),
)
