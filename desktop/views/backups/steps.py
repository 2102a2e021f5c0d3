"""A dialog of several steps, and work under way in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.jobs import Job, JobView, Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Busy, button, label

T = TypeVar("T")


class Page(QWidget):
    """One step: a heading and its widgets, one under the other in ``body``."""

    def __init__(self, title: str, text: str = "") -> None:
        super().__init__()
        self.title = title
        space = current_theme().spacing
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(space.m)
        self.heading = label(title, "heading", wrap=True)
        self.body.addWidget(self.heading)
        self.text = label(text, "", wrap=True)
        self.text.setVisible(bool(text))
        self.body.addWidget(self.text)

    def say(self, text: str) -> None:
        """Change the sentence under the heading; hidden where there is none."""
        self.text.setText(text)
        self.text.setVisible(bool(text))

    def add(self, *parts: QWidget | QLayout) -> None:
        """Put widgets or layouts at the end."""
        for part in parts:
            if isinstance(part, QWidget):
                self.body.addWidget(part)
            else:
                self.body.addLayout(part)


class RunningPage(Page):
    """Work under way: a bar and what is being done."""

    def __init__(self) -> None:
        super().__init__("")
        self.busy = Busy()
        self.add(self.busy)

    def begin(self, title: str, text: str) -> None:
        """Say what begins."""
        self.heading.setText(title)
        self.say(text)
        self.busy.show_fraction(None, _("Beginning…"))


def show_snapshot(busy: Busy, progress: Progress) -> None:
    """Put what a job tells of itself into a bar."""
    done, total, text = progress.snapshot()
    if progress.cancelled:
        text = _("Stopping…")
    busy.show_fraction(min(1.0, done / total) if total else None, text or _("Working…"))


class Steps(Dialog):
    """Walks through pages; the buttons at the foot belong to the page that is shown.

    While work is under way ``Esc`` and the button at the foot ask it to stop; the dialog closes only
    when nothing is under way.
    """

    def __init__(
        self, parent: QWidget, context: AppContext, title: str, text: str = "", *, width: int = 620
    ) -> None:
        super().__init__(parent, title, text, width=width)
        self.context = context
        self.page: Page | None = None
        self.job: Job[Any] | None = None
        self._next: Callable[[], object] | None = None
        self._steps: tuple[Page, ...] = ()
        self.step = label("", "label")
        self.body.addWidget(self.step)
        self.step.hide()
        self.back = button(_("Back"), "quiet", icon="chevron-left")
        self.footer.insertWidget(0, self.back)
        self.aside = button(_("Go on in the background"), "quiet")
        self.aside.clicked.connect(self._step_aside)
        self.aside.hide()
        self.footer.insertWidget(self.footer.indexOf(self.cancel), self.aside)
        self.running = RunningPage()
        self._before: tuple[Any, ...] | None = None
        self._returning: Callable[[], object] | None = None
        self._put_away = False
        self.finished.connect(self._end)
        self._add(self.running)
        self.back.clicked.connect(self._go_back)
        self.primary.clicked.connect(self._go_on)
        context.jobs.progressChanged.connect(self._show_progress)

    def _add(self, page: Page) -> None:
        self.body.addWidget(page)
        page.hide()

    def set_steps(self, *pages: Page) -> None:
        """The pages that are counted for the person, in order."""
        self._steps = pages
        for page in pages:
            if self.body.indexOf(page) < 0:
                self._add(page)

    def show_page(
        self,
        page: Page,
        action: str,
        on: Callable[[], object],
        *,
        back: Callable[[], object] | None = None,
        kind: str = "primary",
        cancel: str | None = None,
        focus: QWidget | None = None,
    ) -> None:
        """Show a page.

        :param action: words of the main button, which calls ``on``. :param back: where the button
            at the left leads; it is hidden without. :param cancel: words of the other button, none
            with an empty string.
        """
        self._before = (page, action, on, back, kind, cancel, focus)
        self._show(page)
        self._next, self._returning = on, back
        self.back.setVisible(back is not None)
        self.primary.setText(action)
        self.primary.setVisible(True)
        self.primary.setEnabled(True)
        if self.primary.property("kind") != kind:
            self.primary.setProperty("kind", kind)
            self.primary.style().unpolish(self.primary)
            self.primary.style().polish(self.primary)
        self.cancel.setText(_("Cancel") if cancel is None else cancel)
        self.cancel.setVisible(cancel != "")
        self.cancel.setEnabled(True)
        self.clear_error()
        if focus is not None:
            focus.setFocus()
        else:
            self.primary.setFocus()

    def _show(self, page: Page) -> None:
        if self.page is not None:
            self.page.hide()
        self.page = page
        if self.body.indexOf(page) < 0:
            self._add(page)
        if page in self._steps:
            self.step.setText(
                _("Step {n} of {total}").format(
                    n=self._steps.index(page) + 1, total=len(self._steps)
                )
            )
        self.step.setVisible(page in self._steps)
        page.show()

    @Slot()
    def _go_on(self) -> None:
        if self._next is not None and self.job is None:
            self._next()

    @Slot()
    def _go_back(self) -> None:
        if self._returning is not None and self.job is None:
            self._returning()

    @Slot()
    def _end(self, _result: int = 0) -> None:
        """Closed: nothing is left to come forward."""
        self._put_away = False
        parent = self.parentWidget()
        if parent is not None:
            parent.removeEventFilter(self)

    # Work ---------------------------------------------------------------------------------------

    def run(
        self,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        *,
        title: str,
        text: str = "",
        failed: Callable[[Exception], None] | None = None,
        background: bool = True,
    ) -> None:
        """Do ``work`` in the background while a page shows how far it has come.

        What fails or is stopped comes back to the page from which it began, with a sentence. It runs
        beside other work, not in the lane of the edits: a backup takes minutes, bookings don't wait.

        :param background: the person may put the dialog away meanwhile; it comes back where
            something went wrong, and the status bar shows how far it is.
        """

        def ended(result: T) -> None:
            self.job = None
            self.aside.hide()
            done(result)
            self._come_forward()

        def broken(error: Exception) -> None:
            self.job = None
            self._come_back()
            if failed is not None:
                failed(error)
            else:
                self.show_error(error)
            self._come_forward()

        def stopped() -> None:
            self.job = None
            self._come_back()
            self.banner.show_text(_("Stopped. Nothing was changed."), "info")
            self._come_forward()

        self.clear_error()
        self.running.begin(title, text)
        self._show(self.running)
        self.back.hide()
        self.primary.hide()
        self.cancel.setText(_("Stop"))
        self.cancel.setVisible(True)
        self.aside.setVisible(background)
        self.cancel.setFocus()
        self.job = self.context.jobs.read(
            self, work, done=ended, failed=broken, stopped=stopped, title=title
        )
        self.destroyed.connect(self.job.progress.cancel)

    @Slot()
    def _step_aside(self) -> None:
        self._put_away = True
        self.hide()

    def _come_forward(self) -> None:
        """Show again what was put away; over another screen, or over a locked one, only a word."""
        parent = self.parentWidget()
        if not self._put_away or parent is None:
            return
        if parent.isVisible():
            self._put_away = False
            self.show()
        else:
            parent.installEventFilter(self)
            self.context.notify(
                _("{work}: it has ended. See under “Backups”.").format(
                    work=self.running.heading.text()
                ),
                "info",
                _("See"),
                partial(self.context.navigate, "backups"),
            )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The screen is in front again."""
        if event.type() == QEvent.Type.Show and self.job is None:
            watched.removeEventFilter(self)
            self._put_away = False
            self.show()
        return False

    def _come_back(self) -> None:
        self.aside.hide()
        if self._before is not None:
            page, action, on, back, kind, cancel, focus = self._before
            self.show_page(page, action, on, back=back, kind=kind, cancel=cancel, focus=focus)

    @Slot(object)
    def _show_progress(self, _views: tuple[JobView, ...]) -> None:
        if self.job is not None:
            show_snapshot(self.running.busy, self.job.progress)

    def reject(self) -> None:
        """Stop what is under way; close where nothing is."""
        if self.job is None:
            super().reject()
        else:
            self.job.cancel()
            self.cancel.setEnabled(False)
            show_snapshot(self.running.busy, self.job.progress)
