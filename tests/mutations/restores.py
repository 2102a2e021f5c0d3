"""Defects of restoring a clinic, of planning and trying it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

PEOPLE = "desktop/backup/administrators.py"
RESTORE = "desktop/backup/restore.py"
PLAN = "desktop/backup/restore_plan.py"
DRILLED = "desktop/backup/drill.py"
ASKED = "desktop/backup/invariants.py"
FOLLOW = "desktop/backup/following.py"

_FOLLOWING = "tests/backup/restore/test_following.py"
_RESTORED = "tests/backup/restore/test_restore.py"
_REFUSED = "tests/backup/restore/test_refused.py"
_DRILL = "tests/backup/restore/test_drill.py"
_STATIONS = "tests/backup/restore/test_stations.py"
_TAKEN = "tests/backup/restore/test_taken.py"

MUTATIONS = (
    Mutation(
        "a restore lets in who was shut out",
        PEOPLE,
        "AND NOT (l.is_active AND coalesce(p.activo, true)) AND %s RETURNING",
        "AND NOT (l.is_active AND coalesce(p.activo, true)) AND NOT %s RETURNING",
        (_FOLLOWING,),
    ),
    Mutation(
        "a restore lets in who left the staff",
        PEOPLE,
        "AND NOT (l.is_active AND coalesce(p.activo, true)) AND %s",
        "AND NOT l.is_active AND %s",
        (_FOLLOWING,),
    ),
    Mutation(
        "administrators get the passwords of before",
        PEOPLE,
        "SET password = l.password, is_active",
        "SET is_active",
        (_FOLLOWING,),
    ),
    Mutation(
        "administrators are who they were before",
        PEOPLE,
        "is_active = true, is_superuser = l.is_superuser,",
        "is_active = true, is_superuser = s.is_superuser,",
        (_FOLLOWING,),
    ),
    Mutation(
        "administrators have the rights of before",
        PEOPLE,
        '    "puede_gestionar_personal",\n',
        "",
        (_FOLLOWING,),
    ),
    Mutation(
        "an account is taken for the one of its number",
        PEOPLE,
        "WHERE l.id = %s AND s.username = l.username",
        "WHERE l.id = %s AND s.id = l.id",
        (_FOLLOWING,),
    ),
    Mutation(
        "an administrator whom the archive does not know gets no staff row",
        PEOPLE,
        "        if updated.rowcount == 0:\n",
        "        if updated.rowcount == -1:\n",
        (_FOLLOWING,),
    ),
    Mutation(
        "an administrator who is brought gets a number that somebody had",
        PEOPLE,
        " pg_sequence_last_value(pg_get_serial_sequence(%(live)s, 'id')::regclass))",
        " 0)",
        (_FOLLOWING,),
    ),
    Mutation(
        "passwords are kept by number",
        PEOPLE,
        "SET password = l.password FROM {} l WHERE l.username = s.username",
        "SET password = l.password FROM {} l WHERE l.id = s.id",
        (_FOLLOWING,),
    ),
    Mutation(
        "anybody may be given a password in a clinic made anew",
        PEOPLE,
        "if username not in found:",
        "if False:",
        (_FOLLOWING,),
    ),
    Mutation(
        "who comes back is named to nobody",
        PEOPLE,
        "WHERE s.is_active AND p.activo AND NOT EXISTS",
        "WHERE false AND NOT EXISTS",
        (_FOLLOWING,),
    ),
    Mutation(
        "another clinic's archive is restored",
        RESTORE,
        "if tenant_uuid(connection, schema) != manifest.tenant:",
        "if False:",
        (_REFUSED,),
    ),
    Mutation(
        "a workstation's part takes the clinic's place",
        RESTORE,
        'manifest.extra.get("scope", "clinic") != "clinic"',
        "False",
        (_REFUSED,),
    ),
    Mutation(
        "a clinic is made anew beside itself",
        RESTORE,
        "if tenant_uuid(connection, other) == manifest.tenant:",
        "if False:",
        (_REFUSED,),
    ),
    Mutation(
        "a clinic that waits for a migration is restored",
        RESTORE,
        "if version != tenancy.head():",
        "if False:",
        (_REFUSED,),
    ),
    Mutation(
        "a restore makes do without a safety copy",
        RESTORE,
        "elif safety is None:",
        "elif False:",
        (_REFUSED,),
    ),
    Mutation("two restore one clinic at once", RESTORE, "if not free:", "if False:", (_REFUSED,)),
    Mutation(
        "ids that the archive's clinic had given are given again",
        RESTORE,
        "sequences.update(source.contents.manifest.sequences)",
        "pass",
        (
            _STATIONS,
            _TAKEN,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "a clinic made anew has nobody who can sign in",
        RESTORE,
        "if not administrators.with_password(connection, schema):",
        "if False:",
        (_FOLLOWING,),
    ),
    Mutation(
        "an archive without passwords takes them away",
        RESTORE,
        "if staged.without_passwords and not fresh:",
        "if False:",
        (_FOLLOWING,),
    ),
    Mutation(
        "an undo takes the oldest",
        RESTORE,
        "before = found[0]",
        "before = found[-1]",
        (
            _STATIONS,
            _REFUSED,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "an undo goes behind an upgrade",
        RESTORE,
        "if before.revision != version or any(",
        "if False and any(",
        (_REFUSED,),
    ),
    Mutation(
        "keys of other programs' rows are never looked through",
        RESTORE,
        "        following.validate()\n",
        "        pass\n",
        (_FOLLOWING,),
    ),
    Mutation(
        "a plan says of what comes that it goes",
        PLAN,
        "count(*) FILTER (WHERE l.id IS NULL),",
        "count(*) FILTER (WHERE s.id IS NULL),",
        (_DRILL,),
    ),
    Mutation(
        "a plan's days are those of Greenwich",
        PLAN,
        "AT TIME ZONE %(zone)s",
        "AT TIME ZONE 'UTC'",
        (_DRILL,),
    ),
    Mutation(
        "a plan takes hours on offer for appointments",
        PLAN,
        "CASE WHEN l.estado <> %(free)s THEN",
        "CASE WHEN %(free)s <> '' THEN",
        (_DRILL,),
    ),
    Mutation(
        "a plan stays",
        PLAN,
        "            raise _Done\n    except _Done:\n",
        "            return found[0]\n    except _Done:\n",
        (_DRILL,),
    ),
    Mutation(
        "a plan warns of newer work that is none",
        PLAN,
        "newest if newest is not None and newest > created else None",
        "newest",
        (_DRILL,),
    ),
    Mutation(
        "a plan says nothing of newer work",
        PLAN,
        "newest if newest is not None and newest > created else None",
        "None",
        (_DRILL,),
    ),
    Mutation(
        "a trial restore compares nothing", DRILLED, "compare=True,", "compare=False,", (_DRILL,)
    ),
    Mutation(
        "a trial's report may be anybody's",
        DRILLED,
        "    if not holds:",
        "    if False:",
        (_DRILL,),
    ),
    Mutation(
        "a trial that found something is good",
        DRILLED,
        "bool(self.answers) and all(one.holds for one in self.answers)",
        "bool(self.answers)",
        (_DRILL,),
    ),
    Mutation(
        "a trial that asked nothing is good",
        DRILLED,
        "bool(self.answers) and all(",
        "all(",
        (_DRILL,),
    ),
    Mutation(
        "a trial stays",
        DRILLED,
        "with connection.transaction(force_rollback=True):",
        "with connection.transaction():",
        (_DRILL,),
    ),
    Mutation(
        "visits that touch are taken for overlaps",
        ASKED,
        "WHERE v.fecha_hora < v.busy_until",
        "WHERE v.fecha_hora <= v.busy_until",
        (_DRILL,),
    ),
    Mutation(
        "nobody asks for ids that are there twice",
        ASKED,
        " + count(*) - count(DISTINCT id)",
        "",
        (_DRILL,),
    ),
    Mutation(
        "nobody asks for ids that no program gave",
        ASKED,
        "id < 1 OR id >> 39 > 16383",
        "id < 1",
        (_DRILL,),
    ),
    Mutation(
        "a reversed charge is wrong",
        ASKED,
        "ELSE descuento - cantidad * precio_unitario END",
        "ELSE cantidad * precio_unitario - descuento END",
        (_DRILL,),
    ),
    Mutation(
        "other programs' rows point at nothing",
        FOLLOW,
        "            if gone and self._children(key, gone):\n                raise RuleError",
        "            if False:\n                raise RuleError",
        (
            _REFUSED,
            _FOLLOWING,
            _DRILL,
        ),
    ),
    Mutation(
        "rights that were taken back are there again",
        FOLLOW,
        "[*self._revoked(), *self._granted()]",
        "[*self._granted()]",
        (_FOLLOWING,),
    ),
    Mutation(
        "rights are gone after a restore",
        FOLLOW,
        "[*self._revoked(), *self._granted()]",
        "[*self._revoked()]",
        (
            _RESTORED,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "whoever may pass a right on may not after a restore",
        FOLLOW,
        '(" WITH GRANT OPTION" if grantable else "")',
        '""',
        (
            _RESTORED,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "triggers stay behind",
        FOLLOW,
        "        catalog.put_all(self._connection, self._triggers())\n",
        "",
        (_FOLLOWING,),
    ),
    Mutation(
        "a trigger that is off is on after a restore",
        FOLLOW,
        '            if state != "O":',
        '            if state == "?":',
        (
            _RESTORED,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "the tables belong to who restored",
        FOLLOW,
        "if live[name] != staged[name]",
        "if False",
        (
            _RESTORED,
            _FOLLOWING,
        ),
    ),
    Mutation(
        "views lose their options",
        FOLLOW,
        "_text(view.name), _text(view.options), _text(view.definition)",
        '_text(view.name), _text(""), _text(view.definition)',
        (_FOLLOWING,),
    ),
)
