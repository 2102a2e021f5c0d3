"""Defects of the use cases of backups."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

SERVICES = "desktop/services"
PUTTING_BACK = f"{SERVICES}/backups_putting_back.py"
DESK = f"{SERVICES}/backups_desk.py"
TAKING = f"{SERVICES}/backups_taking.py"
HISTORY = f"{SERVICES}/backups_history.py"
AUTO = f"{SERVICES}/backups_auto.py"
OPENING = f"{SERVICES}/backups_opening.py"
STAGING = "desktop/backup/staging.py"
SWAP = "desktop/backup/swap.py"
RECOVERING = f"{SERVICES}/backups_recovering.py"
KNOWN = "desktop/backup/history.py"
SQL = "desktop/models/sql/backup.sql"

_RULES = ("tests/backup/services/test_rules.py",)
_USE = ("tests/backup/services/test_use_cases.py",)
_KEPT = ("tests/backup/restore/test_rules.py",)
_REFUSED = ("tests/backup/restore/test_refused.py",)
_CLOCK = ("tests/backup/services/test_by_the_clock.py",)
_RIGHTS = ("tests/backup/take/test_rights.py",)

MUTATIONS = (
    Mutation(
        "a restore believes any password",
        PUTTING_BACK,
        "        if self._sign_in(actor.username, password).username != actor.username:\n"
        '            raise RuleError("account.wrong")\n',
        "",
        _RULES,
    ),
    Mutation(
        "any name restores the clinic",
        PUTTING_BACK,
        "            if new is None and _plain(clinic_name) != _plain(where.clinic):\n",
        "            if False:\n",
        _USE,
    ),
    Mutation(
        "two take backups at once",
        DESK,
        "            if not got:\n",
        "            if False:\n",
        _RULES,
    ),
    Mutation(
        "a backup that no place gave back counts",
        TAKING,
        "    if not copies.verified:\n        raise next(iter(copies.errors.values()))\n",
        "",
        _RULES,
    ),
    Mutation(
        "a failed backup leaves no trace",
        TAKING,
        "            _failed(desk, actor, reason, began, error)\n",
        "            pass\n",
        _RULES,
    ),
    Mutation(
        "the last verified archive is deleted",
        DESK,
        '            raise RuleError("backup.last")\n',
        "            pass\n",
        _RULES,
    ),
    Mutation(
        "a safety copy is deleted in its week",
        DESK,
        '            raise RuleError("backup.safety")\n',
        "            pass\n",
        _RULES,
    ),
    Mutation(
        "an archive that others stand on is deleted",
        DESK,
        '            raise RuleError("backup.needed")\n',
        "            pass\n",
        _USE,
    ),
    Mutation(
        "an archive that was moved away is still a backup",
        DESK,
        "        known = histories.seen(known, there, self.now())\n",
        "",
        _RULES,
    ),
    Mutation(
        "the server never hears what was taken while it was away",
        DESK,
        "                    there.record(entry)\n",
        "                    pass\n",
        _RULES,
    ),
    Mutation(
        "a workstation's own copy quiets the alarm",
        HISTORY,
        "        and entry.source == SERVER\n",
        "",
        _USE,
        ((('        and entry.scope == "clinic"\n'), ""),),
    ),
    Mutation(
        "who takes by the clock does not ask what others took",
        AUTO,
        "        taken, proved = self._backups.last_done()\n",
        "        taken = proved = None\n",
        _CLOCK,
    ),
    Mutation(
        "an automatic backup runs where nobody switched it on",
        AUTO,
        "        if not settings.automatic:\n",
        "        if False:\n",
        _CLOCK,
    ),
    Mutation(
        "anybody may have signed an archive",
        OPENING,
        '    raise ArchiveError("archive.unknown_signer", signer=keys.fingerprint(contents.signer))\n',
        "    return True\n",
        _RULES,
    ),
    Mutation(
        "a rule between rows is held against a state in between",
        STAGING,
        "whole=len(sources) == 1)",
        "whole=True)",
        _KEPT,
    ),
    Mutation(
        "whatever tidies a table up is in the way of the change",
        SWAP,
        "        self._keep_vacuum_out(deadline)\n",
        "",
        _REFUSED,
    ),
    Mutation(
        "what was restored and undone is offered to be undone again",
        RECOVERING,
        " for one in found if not one.undone), None)",
        " for one in found), None)",
        _USE,
    ),
    Mutation(
        "the history says nothing of an undo",
        DESK,
        "                    self.record(replace(entry, undone_at=self.now()))\n",
        "                    pass\n",
        _USE,
    ),
    Mutation(
        "an archive that was found damaged is so for ever",
        KNOWN,
        "    return VERIFIED if verified > max(map(dt.datetime.fromisoformat, altered)) else DAMAGED\n",
        "    return DAMAGED\n",
        _RULES,
    ),
    Mutation(
        "the server forgets that a copy was found damaged",
        SQL,
        "SELECT p.key AS place, f.key AS fact, max(f.value COLLATE",
        "SELECT p.key AS place, f.key AS fact, min(f.value COLLATE",
        _RULES,
    ),
    Mutation(
        "what a restore replaced is dropped before its days are over",
        SQL,
        "AND (said ->> 'until')::timestamptz <= clock_timestamp() THEN",
        "AND true THEN",
        _RIGHTS,
    ),
    Mutation(
        "what another clinic's restore replaced is dropped",
        SQL,
        "                IF said ->> 'live' = {schema_literal}\n                   AND",
        "                IF true\n                   AND",
        _RIGHTS,
    ),
    Mutation(
        "whoever owns a schema may have it dropped",
        SQL,
        "JOIN pg_namespace n ON n.nspowner = live.nspowner\n",
        "JOIN pg_namespace n ON true\n",
        _RIGHTS,
    ),
    Mutation(
        "what restores replaced stays until the next one",
        AUTO,
        "            self._backups.drop_replaced()\n",
        "            pass\n",
        _CLOCK,
    ),
)
