"""Defects of the use cases of backups."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

SERVICES = "desktop/services"
BACKUPS = f"{SERVICES}/backups.py"
READING = "desktop/backup/reading.py"
STRUCTURE = "desktop/backup/structure.py"
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
_FULL = ("tests/backup/take/test_full.py",)
_REBUILD = ("tests/backup/screens/test_rebuild.py",)
_RESTORED = ("tests/backup/restore/test_restore.py",)

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
    Mutation(
        "opening an archive asks for no password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, secret.password)\n        steps = Steps(tell)\n        with (\n",
        "        actor.require(RESTORE)\n        steps = Steps(tell)\n        with (\n",
        _RULES,
    ),
    Mutation(
        "a plan asks for no password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, secret.password)\n        steps = Steps(tell)\n        with self._ground(database, new=new)",
        "        actor.require(RESTORE)\n        steps = Steps(tell)\n        with self._ground(database, new=new)",
        _RULES,
    ),
    Mutation(
        "an undo asks for no password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, password)\n        with self._ground(database) as where:\n            return recovering.undo",
        "        actor.require(RESTORE)\n        with self._ground(database) as where:\n            return recovering.undo",
        _RULES,
    ),
    Mutation(
        "a trial asks for no password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, secret.password)\n        desk = self._desk()\n        with self._ground",
        "        actor.require(RESTORE)\n        desk = self._desk()\n        with self._ground",
        _RULES,
    ),
    Mutation(
        "trials are allowed without a password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, secret.password)\n        with self._ground(database) as where:\n            identities",
        "        actor.require(RESTORE)\n        with self._ground(database) as where:\n            identities",
        _RULES,
    ),
    Mutation(
        "an import asks for no password",
        PUTTING_BACK,
        "        self._again(actor, RESTORE, password)\n        with self._ground(database) as where:\n            return foreign.take_in",
        "        actor.require(RESTORE)\n        with self._ground(database) as where:\n            return foreign.take_in",
        _RULES,
    ),
    Mutation(
        "plain SQL asks for no password",
        PUTTING_BACK,
        "        self._again(actor, EXPORT, password)\n        with self._ground",
        "        actor.require(EXPORT)\n        with self._ground",
        _RULES,
    ),
    Mutation(
        "a download asks for no password",
        BACKUPS,
        "        self._again(actor, EXPORT, password)\n        desk = self._desk()",
        "        actor.require(EXPORT)\n        desk = self._desk()",
        _RULES,
    ),
    Mutation(
        "deleting asks for no password",
        BACKUPS,
        "        self._again(actor, DELETE, password)\n        desk = self._desk()",
        "        actor.require(DELETE)\n        desk = self._desk()",
        _RULES,
    ),
    Mutation(
        "keys are made without a password",
        BACKUPS,
        "        self._again(actor, RESTORE, password)\n        with self._database",
        "        actor.require(RESTORE)\n        with self._database",
        _RULES,
    ),
    Mutation(
        "a key is adopted without a password",
        BACKUPS,
        "        self._again(actor, RESTORE, secret.password)\n        with self._database",
        "        actor.require(RESTORE)\n        with self._database",
        _RULES,
    ),
    Mutation(
        "anybody takes a copy of the workstation's data",
        BACKUPS,
        "        actor.require(CREATE)\n        desk = self._desk()\n        with self._station.cache()",
        "        desk = self._desk()\n        with self._station.cache()",
        _RULES,
    ),
    Mutation(
        "anybody tries places out",
        BACKUPS,
        "        actor.require(SETTINGS)\n        self._station.try_out",
        "        self._station.try_out",
        _RULES,
    ),
    Mutation(
        "any place counts where the clinic is not",
        PUTTING_BACK,
        "            if where.tenant is not None and new:\n",
        "            if False:\n",
        _USE + _RULES + _REBUILD,
    ),
    Mutation(
        "a backup without what may not be read passes for whole",
        READING,
        "    if refused:\n",
        "    if False:\n",
        _RIGHTS + _FULL,
    ),
    Mutation(
        "a table that came on the way is not in the backup",
        READING,
        "    if [row[0] for row in tables] != [name for name, _may in names]:",
        "    if False:",
        _FULL + _RIGHTS,
    ),
    Mutation(
        "a backup is taken in the middle of a migration",
        READING,
        "    if not held:\n",
        "    if False:\n",
        _FULL + _RIGHTS,
    ),
    Mutation(
        "a backup is of several moments",
        READING,
        "REPEATABLE READ",
        "READ COMMITTED",
        _FULL + _RIGHTS,
    ),
    Mutation(
        "what no archive can hold is left without a word",
        READING,
        "        odd=tuple(odd),",
        "        odd=(),",
        _FULL,
    ),
    Mutation(
        "the tables have no indexes of their own after a restore",
        STRUCTURE,
        "if one.table in names and (one.table, one.name) not in have",
        "if False",
        _RESTORED,
    ),
    Mutation(
        "the tables have no rules of their own after a restore",
        STRUCTURE,
        "        if one.table in names and (one.table, one.name) not in here:",
        "        if False:",
        _RESTORED + _KEPT,
    ),
    Mutation(
        "nobody hears of a table that no archive can hold",
        TAKING,
        "    if taken.unsaved:\n",
        "    if False:\n",
        _USE,
    ),
    Mutation(
        "whoever opens a backup is not told what is missing",
        OPENING,
        "    unsaved = contents.manifest.unsaved()\n",
        "    unsaved = ()\n",
        _USE,
    ),
)
