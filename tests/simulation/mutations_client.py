"""Mistakes in the workstation's half."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

CAPTURE = "sync/capture.py"
APPLY = "sync/apply.py"
REKEY = "sync/rekey.py"
EXCHANGE = "sync/exchange.py"
RECOVERY = "sync/recovery.py"
COMPARE = "sync/compare.py"
STORE = "sync/store.py"
BOOTSTRAP = "sync/bootstrap.py"
LATER = "sync/later.py"
FETCH = "sync/fetch.py"


def _mistake(name: str, file: str, old: str, new: str, *more: tuple[str, str]) -> Mutation:
    return Mutation(name, file, old, new, (), more)


MUTATIONS = (
    _mistake(
        "a group's columns travel apart",
        CAPTURE,
        "_differs(other) for other in table.together(column)",
        "_differs(other) for other in (column,)",
    ),
    _mistake(
        "the image before the first edit is not kept",
        CAPTURE,
        "else \"SELECT RAISE(ABORT, 'sync: a row keeps its id') WHERE OLD.id IS NOT NEW.id;\"\n"
        '        + _base(name, "OLD.id", image_sql(table, "OLD"))',
        "else \"SELECT RAISE(ABORT, 'sync: a row keeps its id') WHERE OLD.id IS NOT NEW.id;\"\n"
        '        + _base(name, "OLD.id", "NULL")',
    ),
    _mistake(
        "a pull lies over what waits",
        APPLY,
        "        for operation in waiting.get(key, ()):\n",
        "        for operation in ():\n",
    ),
    _mistake(
        "a refusal takes back nothing",
        APPLY,
        "        work.dirty.update((o.table, o.row_id) for o in transaction.operations)\n",
        "",
    ),
    _mistake(
        "what comes for a row with edits is dropped",
        APPLY,
        "**{name: _as_stored(value) for name, value in zip(columns, picked, strict=True)},",
        "",
    ),
    _mistake(
        "an answer is applied in two transactions",
        APPLY,
        '        fault("results_settled")\n',
        '        connection.execute("COMMIT")\n        connection.execute("BEGIN IMMEDIATE")\n'
        '        fault("results_settled")\n',
    ),
    _mistake(
        "the cursor is kept before the answer is applied",
        APPLY,
        "    with Transaction(connection, fault):\n        execute = store.executor(connection)\n"
        "        work = load(execute)\n"
        "        settle_results(execute, schema, work, answer.results, now)\n"
        '        fault("results_settled")\n',
        '    store.set_state(store.executor(connection), "cursor", answer.cursor)\n'
        "    with Transaction(connection, fault):\n        execute = store.executor(connection)\n"
        "        work = load(execute)\n"
        "        settle_results(execute, schema, work, answer.results, now)\n"
        '        fault("results_settled")\n',
    ),
    _mistake("the nonce is not kept", APPLY, '            ("nonce", answer.nonce),\n', ""),
    _mistake("the exchange is not forgotten", APPLY, '            ("exchange", None),\n', ""),
    _mistake(
        "what builds on a refusal goes on waiting",
        APPLY,
        "            refused.add(transaction)\n",
        "",
    ),
    _mistake(
        "a refused draft is thrown away",
        APPLY,
        "store.reject(execute, transaction, result.code, dict(result.detail), now)",
        "store.forget(execute, [transaction.id])",
    ),
    _mistake(
        "a refusal counts as applied",
        APPLY,
        "        if result.applied:\n",
        "        if True:\n",
    ),
    _mistake(
        "what was applied stays in the outbox",
        APPLY,
        "            store.forget(execute, [transaction.id])\n            acked",
        "            acked",
    ),
    _mistake(
        "what was applied is not remembered",
        APPLY,
        "            acked.keep(execute, transaction, now)\n",
        "",
    ),
    _mistake(
        "what is deferred counts as refused",
        APPLY,
        "        if result is None or result.deferred:\n",
        "        if result is None:\n",
    ),
    _mistake(
        "rows that are gone stay", APPLY, "        connection.executemany(delete, lost)\n", ""
    ),
    _mistake(
        "a truncated table keeps its rows", APPLY, "    if not change.whole:\n", "    if True:\n"
    ),
    _mistake(
        "a pull is captured as an edit",
        APPLY,
        'execute("UPDATE sync_context SET capturing = 0 WHERE id = 1")',
        'execute("UPDATE sync_context SET capturing = 1 WHERE id = 1")',
    ),
    _mistake(
        "a mass deletion asks nobody",
        APPLY,
        "        raise MassDeletion(table=table, gone=gone + before, rows=rows)\n",
        "        return\n",
    ),
    _mistake(
        "references keep the old ids",
        REKEY,
        'target = operation.table if column == "id" else references.get(column)',
        'target = operation.table if column == "id" else None',
    ),
    _mistake(
        "drafts keep the old ids",
        REKEY,
        "for operation in (*waiting, *drafts):",
        "for operation in waiting:",
    ),
    _mistake("a copy keeps its number", REKEY, "    store.set_device(execute, device)\n", ""),
    _mistake(
        "an exchange has no name before it is sent",
        STORE,
        '        name = str(uuid.uuid4())\n        set_state(execute, "exchange", name)\n',
        "        name = str(uuid.uuid4())\n",
    ),
    _mistake(
        "new columns are not fetched",
        EXCHANGE,
        "            tables[name] = BEFORE_ALL\n",
        "            pass\n",
    ),
    _mistake(
        "a cache that was away for long compares nothing",
        EXCHANGE,
        "            (COMPARING, Progress.of(table.name for table in schema.tables).text()),\n",
        "",
    ),
    _mistake(
        "what was applied and lost is not offered again",
        RECOVERY,
        "            acked.offer_again(execute, lost)\n",
        "",
    ),
    _mistake(
        "after a restoration nothing is compared",
        RECOVERY,
        "            (COMPARING, Progress.of(table.name for table in schema.tables).text()),\n",
        "",
    ),
    _mistake(
        "after a restoration the number stays",
        RECOVERY,
        "        rekey.take_number(connection, schema, answer.device)\n",
        "",
    ),
    _mistake(
        "rows that the server has not are kept",
        COMPARE,
        "    gone = sorted(found.ghosts)\n",
        "    gone: list[int] = []\n",
    ),
    _mistake(
        "rows that come later are forgotten",
        LATER,
        "        ((table, row_id) for row_id in change.later),\n",
        "        (),\n",
    ),
    _mistake(
        "a chunk is done with before it is laid down",
        FETCH,
        "        with Transaction(connection, fault):\n            work = load(execute)\n",
        "        later.forget(connection, table, ids)\n"
        "        with Transaction(connection, fault):\n            work = load(execute)\n",
    ),
    _mistake(
        "what a full answer leaves out passes for answered",
        FETCH,
        "        if more:\n",
        "        if False:\n",
    ),
    _mistake(
        "rows that differ are not fetched",
        COMPARE,
        "        found.missing |= missing\n",
        "",
    ),
    _mistake(
        "what is compared is the row with its edits",
        COMPARE,
        "        if row_id not in waiting:\n",
        "        if True:\n",
    ),
    _mistake(
        "the youngest goes first",
        STORE,
        '" FROM sync_tx ORDER BY seq"',
        '" FROM sync_tx ORDER BY seq DESC"',
    ),
    _mistake(
        "a table's operations have no order",
        STORE,
        "FROM sync_op WHERE tx = ? ORDER BY seq",
        "FROM sync_op WHERE tx = ? ORDER BY seq DESC",
    ),
    _mistake(
        "a cache that is begun anew counts from one",
        BOOTSTRAP,
        "        store.raise_counter(execute, answer.counter)\n",
        "",
    ),
    _mistake(
        "a first sync that was cut begins above its last row",
        BOOTSTRAP,
        "load.after[table] = rows[-1][key]",
        "load.after[table] = rows[-1][key] + 1",
    ),
    _mistake(
        "a copy is told nothing of what waits",
        RECOVERY,
        "[transaction.id for transaction in store.outbox(execute)]",
        "[]",
    ),
)
