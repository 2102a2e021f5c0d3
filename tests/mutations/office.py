"""Defects of unsent work's way to the office, and of a workstation's end."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

STORE = "sync/store.py"
ADOPT = "sync/adopt.py"
FILE = "desktop/services/office_file.py"
DURABLE = "desktop/domain/durable.py"
OFFICE = "desktop/services/office.py"
END = "desktop/services/revocation.py"
KEY = "desktop/services/office_key.py"
JOINING = "desktop/services/joining.py"

_CARRY = "tests/office/test_carry.py"
_FILE = "tests/office/test_file.py"
_END = "tests/office/test_shut_out.py"
_KEY = "tests/office/test_key.py"

MUTATIONS = (
    Mutation(
        "the office numbers rows anew that have arrived already",
        ADOPT,
        "waiting = [t for t in fresh if t.id not in results or not results[t.id].applied]",
        "waiting = list(fresh)",
        (_CARRY,),
    ),
    Mutation(
        "the office forgets what it has taken in",
        ADOPT,
        "SELECT id FROM sync_tx UNION SELECT tx FROM sync_rejection UNION SELECT tx FROM sync_adopted",
        "SELECT id FROM sync_tx",
        (_CARRY,),
    ),
    Mutation(
        "a later file's references lead to rows that were made in vain",
        ADOPT,
        "if _stands(execute, table, new_id) or not _stands(execute, table, row_id):",
        "if True:",
        (_CARRY,),
    ),
    Mutation(
        "the office signs for the work of others",
        STORE,
        "(seq, transaction.id, transaction.actor, transaction.label, transaction.at),",
        "(seq, transaction.id, None, transaction.label, transaction.at),",
        (_CARRY,),
    ),
    Mutation(
        "an old file is sent without a look",
        OFFICE,
        "review=cache.now() - unsent.written_at > OLD_AFTER,",
        "review=False,",
        (_CARRY,),
    ),
    Mutation(
        "a file of lines that are missing passes",
        FILE,
        'if (len(sent), len(refused)) != (head["transactions"], head["rejections"]):',
        "if False:",
        (_FILE,),
    ),
    Mutation(
        "a half written file stays on a full disk",
        FILE,
        "            beside.unlink(missing_ok=True)\n            raise",
        "            raise",
        (_FILE,),
    ),
    Mutation(
        "a file for the office is written over",
        DURABLE,
        "        os.link(beside, path)",
        "        os.replace(beside, path)\n        path.touch()\n        beside.touch()",
        (_FILE,),
    ),
    Mutation(
        "the key is destroyed before the work is written",
        END,
        "            if wants_key(folder, description):\n",
        "            if False:\n",
        (_END,),
    ),
    Mutation(
        "the key stays in the keyring",
        END,
        "            secrets.destroy_in_keyring(description.id)",
        "            pass",
        (_END,),
    ),
    Mutation(
        "what is typed after the file was written is not in it",
        END,
        "    if before == unsent.fingerprint and last is not None and last.exists():",
        "    if last is not None and last.exists():",
        (_END,),
    ),
    Mutation(
        "a program that was killed passes for one that ended in order",
        END,
        "            self._note(replace(shut_out, count=count, file=file, sealed=False))",
        "            self._note(replace(shut_out, count=count, file=file, sealed=True))",
        (_END,),
    ),
    Mutation(
        "a workstation that was let in again is ended",
        END,
        "            self._trouble = None\n            self._note(None)",
        "            self._trouble = None",
        (_END,),
    ),
    Mutation(
        "joining again throws the file for the office away",
        JOINING,
        '(revocation.FOLDER, "logs", "settings.json")',
        '("logs", "settings.json")',
        (_END,),
    ),
    Mutation(
        "a migration changes a clinic's key",
        KEY,
        " WHERE office_identity IS NULL",
        "",
        (_KEY,),
    ),
)
