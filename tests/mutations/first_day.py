"""What a first load that shows today's agenda must not do."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

DAY = "desktop/services/first_day.py"
JOINING = "desktop/services/joining.py"
DOOR = "desktop/views/join/door.py"
WIZARD = "desktop/views/join/wizard.py"

_SCREEN = "tests/shell/test_first_day.py"
_RESUMING = "tests/admin/test_resuming.py"
_JOINING = "tests/admin/test_joining.py"

MUTATIONS = (
    Mutation(
        "first day: the day on which the load began passes for today",
        DAY,
        "        if date != local_date(clock(), settings.zone):",
        "        if date is None:",
        (_SCREEN,),
    ),
    Mutation(
        "first day: who may not see the agenda sees it",
        DAY,
        "        actor.require(VIEW)\n",
        "",
        (_RESUMING,),
    ),
    Mutation(
        "first day: another clinic's is handed out",
        JOINING,
        "    def first() -> None:\n        _check_tenant(connection, description)\n",
        "    def first() -> None:\n",
        (_JOINING,),
    ),
    Mutation(
        "first day: a load whose server was put back never ends",
        JOINING,
        "        if error.code != CacheMismatch.code:\n            raise",
        "        raise",
        (_RESUMING,),
    ),
    Mutation(
        "first day: who was locked out goes on into the program",
        DOOR,
        "        self._accounts.verified = self._accounts.password = None",
        "        self._accounts.password = None",
        (_SCREEN,),
    ),
    Mutation(
        "first day: a load that ends does not wait for who is being let in",
        WIZARD,
        "        if self._loaded and not self.door.waiting:",
        "        if self._loaded:",
        (_SCREEN,),
    ),
)
