"""Defects of the workstation's half: capture, outbox, apply, the core's decisions."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

APPLY = "sync/apply.py"
EXCHANGE = "sync/exchange.py"
CAPTURE = "sync/capture.py"
CORE = "sync/core.py"
STORE = "sync/store.py"
REKEY = "sync/rekey.py"
LATER = "sync/later.py"
FETCH = "sync/fetch.py"
WIRE = "sync/wire.py"

_APPLY = "tests/sync_client/test_apply.py"
_CAPTURE = "tests/sync_client/test_capture.py"
_CORE = "tests/sync_client/test_core.py"
_ENGINE = "tests/sync_client/test_engine.py"
_FAULTS = "tests/sync_client/test_faults.py"
_REKEY = "tests/sync_client/test_rekey.py"
_LATER = "tests/sync_client/test_later.py"

MUTATIONS = (
    Mutation(
        "rows that come later are forgotten",
        LATER,
        "        ((table, row_id) for row_id in change.later),\n",
        "        (),\n",
        (_LATER,),
    ),
    Mutation(
        "rows that come later pass for gone",
        APPLY,
        ".union(change.later)",
        "",
        (_LATER,),
    ),
    Mutation(
        "rows that come later are not counted",
        APPLY,
        "    rows += later.coming(connection, table)\n",
        "",
        (_LATER,),
    ),
    Mutation(
        "a chunk is done with before it is laid down",
        FETCH,
        "        with Transaction(connection, fault):\n            work = load(execute)\n",
        "        later.forget(connection, table, ids)\n"
        "        with Transaction(connection, fault):\n            work = load(execute)\n",
        (_LATER,),
    ),
    Mutation(
        "what a full answer leaves out passes for answered",
        FETCH,
        "        if more:\n",
        "        if False:\n",
        (_LATER,),
    ),
    Mutation(
        "a full answer passes for the end of a table",
        FETCH,
        "        if more or len(rows) == ROWS:\n",
        "        if len(rows) == ROWS:\n",
        (_LATER,),
    ),
    Mutation(
        "rows that another answer brought are read again",
        LATER,
        "        forget(connection, table, [row[key_at] for row in change.rows])\n",
        "",
        (_LATER,),
    ),
    Mutation(
        "rows are laid down in whatever columns they come",
        FETCH,
        "        raise GreetingWanted\n",
        "        return\n",
        (_LATER,),
    ),
    Mutation(
        "work waits until all is read",
        FETCH,
        "        if store.pending(execute).count:\n",
        "        if False:\n",
        (_LATER,),
    ),
    Mutation(
        "nothing asks for what comes later",
        EXCHANGE,
        "    unfinished = unfinished or later.waiting(connection, schema) is not None\n",
        "",
        (_LATER,),
    ),
    Mutation(
        "a group's columns travel apart",
        CAPTURE,
        "_differs(other) for other in table.together(column)",
        "_differs(other) for other in (column,)",
        (_CAPTURE,),
    ),
    Mutation(
        "a pull lies over what waits",
        APPLY,
        "        for operation in waiting.get(key, ()):\n",
        "        for operation in ():\n",
        (_APPLY,),
    ),
    Mutation(
        "a refusal takes back nothing",
        APPLY,
        "        work.dirty.update((o.table, o.row_id) for o in transaction.operations)\n",
        "",
        (_APPLY,),
    ),
    Mutation(
        "an answer is applied in two transactions",
        APPLY,
        '        fault("results_settled")\n',
        '        connection.execute("COMMIT")\n        connection.execute("BEGIN IMMEDIATE")\n'
        '        fault("results_settled")\n',
        (_APPLY,),
    ),
    Mutation(
        "the nonce is not kept",
        APPLY,
        '            ("nonce", answer.nonce),\n',
        "",
        (_ENGINE,),
    ),
    Mutation(
        "the cursor is not kept",
        APPLY,
        '            ("cursor", answer.cursor),\n',
        "",
        (_ENGINE,),
    ),
    Mutation(
        "an answered exchange is repeated",
        APPLY,
        '            ("exchange", None),\n',
        "",
        (_FAULTS,),
    ),
    Mutation(
        "what builds on a refusal stays in the outbox",
        APPLY,
        "            on = refused.stands_under(transaction)\n",
        "            on = None\n",
        (_APPLY,),
    ),
    Mutation(
        "a truncation leaves rows behind",
        APPLY,
        "    if not change.whole:\n",
        "    if True:\n",
        (_APPLY,),
    ),
    Mutation(
        "applying is captured as an edit",
        APPLY,
        'self._connection.execute("UPDATE sync_context SET capturing = 0 WHERE id = 1")',
        "pass",
        (_ENGINE,),
    ),
    Mutation(
        "the outbox is emptied before the answer",
        EXCHANGE,
        '    fault("before_send")\n',
        "    store.forget(execute, [transaction.id for transaction in request.push])\n"
        '    fault("before_send")\n',
        (_FAULTS,),
    ),
    Mutation(
        "an exchange is not in the cache before it is sent",
        STORE,
        '        set_state(execute, "exchange", name)\n',
        "",
        (_FAULTS,),
    ),
    Mutation(
        "a push that is held up holds up the pull",
        EXCHANGE,
        "        if not request.push:\n            raise\n",
        "        raise\n",
        (_ENGINE,),
    ),
    Mutation(
        "another clinic's server is believed",
        EXCHANGE,
        "    if known is not None and known != answer.tenant:\n",
        "    if False:\n",
        (_ENGINE,),
    ),
    Mutation(
        "a refused transaction is forgotten",
        STORE,
        '    execute(\n        "INSERT INTO sync_rejection (tx,',
        '    (lambda *_: None)(\n        "INSERT INTO sync_rejection (tx,',
        (_APPLY,),
    ),
    Mutation(
        "an open local transaction is sent",
        STORE,
        "        if tx == open_tx:\n            continue\n",
        "",
        (_CAPTURE,),
    ),
    Mutation(
        "edits go around the outbox",
        CAPTURE,
        "_OPEN_TX = f\"SELECT RAISE(ABORT, 'sync: no local transaction is open') WHERE {_TX} IS NULL;\"",
        '_OPEN_TX = f"SELECT RAISE(IGNORE) WHERE {_TX} IS NULL;"',
        (_CAPTURE,),
    ),
    Mutation(
        "deletions are not captured",
        CAPTURE,
        '_trigger(name, "delete", "DELETE", _CAPTURING, delete_body)',
        '_trigger(name, "delete", "DELETE", "0", delete_body)',
        (_CAPTURE,),
    ),
    Mutation(
        "an update says the whole row",
        CAPTURE,
        '_operation(name, "OLD.id", "U", _changes(table, "OLD"), _changes(table, "NEW"))',
        '_operation(name, "OLD.id", "U", image_sql(table, "OLD"), image_sql(table, "NEW"))',
        (_CAPTURE,),
    ),
    Mutation(
        "a NUL gets into the queue",
        CAPTURE,
        "    execute(_NO_NUL)\n",
        "",
        (_CAPTURE,),
    ),
    Mutation(
        "a change during an exchange is forgotten",
        CORE,
        "        self._recover()\n        self._more = more\n",
        "        self._recover()\n        self._wanted = False\n        self._more = more\n",
        (_CORE,),
    ),
    Mutation(
        "a lost deadlock waits like a lost network",
        CORE,
        "if isinstance(error, Busy) and self._busy < BUSY_ATTEMPTS:",
        "if False:",
        (_CORE,),
    ),
    Mutation(
        "a change shortens the pause after a failure",
        CORE,
        '        """There is something new, here or on the server."""\n        self._wanted = True\n',
        '        """There is something new, here or on the server."""\n'
        "        self._not_before = -math.inf\n        self._wanted = True\n",
        (_CORE,),
    ),
    Mutation(
        "a copy's references keep pointing at the old ids",
        REKEY,
        'target = operation.table if column == "id" else references.get(column)',
        'target = operation.table if column == "id" else None',
        (_REKEY,),
    ),
    Mutation(
        "a copy keeps the old nonce",
        "sync/recovery.py",
        '            ("nonce", answer.nonce),\n',
        "",
        (_REKEY,),
    ),
)
