"""How far a long work is, for a person, while the parts that do it count bytes or rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from desktop.domain.messages import N_, _
from desktop.services.backups_records import Tell, silent

WAITING = N_("Waiting for the turn…")
READING = N_("Reading the clinic…")
CHECKING = N_("Reading the backup back…")
KEEPING = N_("Keeping the copies…")
KEEPING_AGAIN = N_("The connection was cut; sending again…")
FETCHING = N_("Fetching the backup…")
OPENING = N_("Opening the backup and checking it…")
COMPARING = N_("Comparing with the clinic…")
SAFETY = N_("Making a safety copy first…")
LOADING = N_("Loading the backup beside the clinic…")
PROVING = N_("Restoring it for a trial…")
WRITING = N_("Writing the file…")
LOOKING = N_("Looking through the file…")
TAKING_IN = N_("Taking the data in…")
SORTING = N_("Sorting the data out…")
REMOVING = N_("Removing…")


@dataclass
class Steps:
    """Hands what the parts count to a person, under the step that is under way.

    A person stops the work by raising from ``tell``. Inside :meth:`watched` that is kept until the
    part asks :meth:`cancelled`, and raised again when the part has put everything back.
    """

    tell: Tell = silent
    step: str = WAITING
    _raised: Exception | None = None
    _done: int = 0
    _total: int | None = None

    def begin(self, step: str) -> None:
        """Another step begins; of how much is not known yet."""
        self.step, self._done, self._total = step, 0, None
        self.tell(0, None, _(step))

    def progress(self, done: int, total: int | None = None) -> None:
        """Of the step under way; raises what the person's side raises."""
        self._done, self._total = done, total
        self.tell(done, total, _(self.step))

    def of(self, total: int | None) -> Callable[[int], None]:
        """For who counts without knowing of how many."""
        return lambda done: self.progress(done, total)

    def counted(self, done: int, total: int | None = None) -> None:
        """Of the step under way, for a part that asks :meth:`cancelled`; raises nothing."""
        self._done, self._total = done, total
        self.cancelled()

    def again(self, step: str) -> Callable[[int, int | None], None]:
        """As :meth:`counted`, for a part that begins again where it was cut off and can't go on.

        While that is so the step is called ``step``, until the part is as far as it was.
        """
        usual, furthest = self.step, 0

        def counted(done: int, total: int | None = None) -> None:
            nonlocal furthest
            self.step = step if done < furthest else usual
            furthest = max(furthest, done)
            self.counted(done, total)

        return counted

    def cancelled(self) -> bool:
        """Whether the person asked to stop."""
        if self._raised is None:
            try:
                self.tell(self._done, self._total, _(self.step))
            except Exception as error:  # noqa: BLE001 - raised again by watched()
                self._raised = error
        return self._raised is not None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around a part that asks :meth:`cancelled`: ends in what the person's side raised."""
        try:
            yield
        except Exception:
            if self._raised is not None:
                raise self._raised from None
            raise
