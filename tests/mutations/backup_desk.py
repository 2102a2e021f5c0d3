"""Defects of the use cases of backups: keys, trials, the clock, turns, the history."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

KEYS = "desktop/services/backups_keys.py"
DRILLS = "desktop/services/backups_drills.py"
AUTO = "desktop/services/backups_auto.py"
RECOVERING = "desktop/services/backups_recovering.py"
DESK = "desktop/services/backups_desk.py"
HISTORY = "desktop/services/backups_history.py"

_COUNTS = "tests/backup/services/test_what_counts.py"
_RULES = "tests/backup/services/test_rules.py"
_USE = "tests/backup/services/test_use_cases.py"
_CLOCK = "tests/backup/services/test_by_the_clock.py"
_CLI = "tests/backup/cli/test_command.py"
_IMPORT = "tests/backup/foreign/test_use_case.py"

MUTATIONS = (
    Mutation(
        "a second key takes the place of the first unasked",
        KEYS,
        "if used and not rotate:",
        "if False:",
        (_RULES,),
    ),
    Mutation(
        "two keys are in use at once",
        KEYS,
        '            sql.SQL("UPDATE {} SET retirada_en = now() WHERE retirada_en IS NULL").format(table)',
        '            sql.SQL("SELECT 1 FROM {}").format(table)',
        (_RULES,),
    ),
    Mutation(
        "a rotated key opens nothing any more",
        KEYS,
        'WHERE c.titular = %s"',
        'WHERE c.titular = %s AND k.retirada_en IS NULL"',
        (_RULES,),
    ),
    Mutation(
        "another administrator's copy is opened",
        KEYS,
        'WHERE c.titular = %s"',
        "WHERE c.titular <> %s || 'x'\"",
        (_COUNTS,),
    ),
    Mutation(
        "words of another clinic are adopted",
        KEYS,
        "    if not ours:\n",
        "    if False:\n",
        (_COUNTS,),
    ),
    Mutation(
        "the words on the sheet open nothing",
        KEYS,
        "recovery.to_words(made.recovery_identity, language())",
        "recovery.to_words(keys.new_clinic_keys().recovery_identity, language())",
        (
            _RULES,
            _USE,
        ),
    ),
    Mutation(
        "a trial leaves nothing in the history",
        DRILLS,
        "    desk.record(replace(entry, drilled_at=report.drilled_at, report=kept))\n",
        "",
        (
            _USE,
            _CLOCK,
        ),
    ),
    Mutation(
        "a trial that failed is kept as one that did not",
        DRILLS,
        '"ok": report.good, "trouble"',
        '"ok": True, "trouble"',
        (_COUNTS,),
    ),
    Mutation(
        "the oldest backup is proved",
        DRILLS,
        "key=lambda one: one.taken_at, reverse=True):\n        if histories.own(each) and histories.chain_of",
        "key=lambda one: one.taken_at):\n        if histories.own(each) and histories.chain_of",
        (
            _USE,
            _CLOCK,
        ),
    ),
    Mutation(
        "a safety copy is proved for the clinic's backup",
        DRILLS,
        "if histories.own(each) and histories.chain_of(each, entries):",
        "if histories.chain_of(each, entries):",
        (_COUNTS,),
    ),
    Mutation(
        "a trial restores while another workstation does",
        DRILLS,
        "        desk.turn(),\n        desk.fetched",
        "        desk.fetched",
        (_COUNTS,),
    ),
    Mutation(
        "a failed backup is tried again at once",
        AUTO,
        "Past(before.done, now, before.failures + 1)",
        "Past(before.done, None, 0)",
        (_CLOCK,),
    ),
    Mutation(
        "the clock removes no old backups",
        AUTO,
        "            self._backups.prune_by_rule(dry_run=False)\n",
        "            pass\n",
        (_CLOCK,),
    ),
    Mutation(
        "a trial is made where nobody allowed it",
        AUTO,
        "if self._backups.proves_by_itself and self._due(",
        "if self._due(",
        (_COUNTS,),
    ),
    Mutation(
        "a restore makes no safety copy",
        RECOVERING,
        "            copy = taking.create(desk, actor, reason=histories.SAFETY, steps=steps)\n            safety = copy.name\n",
        '            safety = "x"\n',
        (
            _USE,
            _RULES,
        ),
    ),
    Mutation(
        "two restore in one turn",
        RECOVERING,
        "            stack.enter_context(desk.turn())\n",
        "",
        (_COUNTS,),
    ),
    Mutation(
        "an undo waits for nobody's turn",
        RECOVERING,
        "    with desk.turn():\n        steps.begin(words.LOADING)",
        "    with ExitStack():\n        steps.begin(words.LOADING)",
        (_COUNTS,),
    ),
    Mutation(
        "a restore that was undone is not noted",
        RECOVERING,
        "                desk.note_undone(each.safety)\n",
        "                pass\n",
        (
            _USE,
            _RULES,
        ),
    ),
    Mutation(
        "a damaged copy counts as verified",
        DESK,
        "                    last = error\n",
        "                    whole = True\n",
        (_RULES,),
    ),
    Mutation(
        "a backup of which a copy elsewhere may be whole is damaged for all",
        DESK,
        "state = histories.DAMAGED if only_here else entry.state",
        "state = histories.DAMAGED",
        (_COUNTS,),
    ),
    Mutation(
        "a chain without its full one is fetched",
        DESK,
        '        if not links:\n            raise RuleError("backup.chain_broken")\n',
        "",
        (_COUNTS,),
    ),
    Mutation(
        "a dry run removes",
        DESK,
        "            if dry_run:\n                removed.append(name)\n                continue\n",
        "",
        (_COUNTS,),
    ),
    Mutation(
        "what stands on what could not be removed is removed",
        DESK,
        "                errors.append(error)\n                break\n",
        "                errors.append(error)\n                continue\n",
        (_COUNTS,),
    ),
    Mutation(
        "a workstation's own copy counts as the clinic's backup",
        HISTORY,
        '        and entry.source == SERVER\n        and entry.reason in {AUTOMATIC, MANUAL}\n        and entry.scope == "clinic"\n',
        "        and entry.reason in {AUTOMATIC, MANUAL}\n",
        (_COUNTS,),
    ),
    Mutation(
        "a safety copy counts as the clinic's backup",
        HISTORY,
        "        and entry.reason in {AUTOMATIC, MANUAL}\n",
        "",
        (_COUNTS,),
    ),
    Mutation(
        "a backup of which a part is out of reach can be restored here",
        HISTORY,
        "within_reach = bool(links) and all(places_of(link) & set(labels) for link in links)",
        "within_reach = bool(links)",
        (_COUNTS,),
    ),
    Mutation(
        "a copy that was found altered is shown as verified",
        HISTORY,
        "return None if verified and altered and altered >= verified else verified",
        "return verified",
        (_RULES,),
    ),
)
