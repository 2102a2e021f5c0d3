"""Puts a clinic back to a backup: choose, open, see what would change, agree to it, done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from desktop.domain.errors import AppError
from desktop.domain.locale_format import number
from desktop.domain.messages import _
from desktop.domain.names import fold
from desktop.domain.passwords import MIN_LENGTH
from desktop.qt.context import AppContext
from desktop.qt.flow import flow
from desktop.qt.jobs import Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, Field, button, label
from desktop.services.backups_records import (
    ArchiveItem,
    Database,
    PlanLine,
    Restored,
    RestorePlan,
    Secret,
)
from desktop.views.backups import words
from desktop.views.backups.asking import Credentials, password_line
from desktop.views.backups.steps import Page, Steps

Source = str | Path
"""An archive of the history by its id, or a file."""

SOURCE = Qt.ItemDataRole.UserRole
LISTED_HEIGHT = 220
NO_CLINIC = "server.no_clinic"


class RestoreWizard(Steps):
    """The restore from its first question to its undoing.

    :param archives: what may be chosen, newest first. :param chosen: the one to begin with.
    :param done: called when the clinic was restored and the dialog closed.
    :param undo: asked for at the last page.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        archives: tuple[ArchiveItem, ...],
        *,
        chosen: str = "",
        done: Callable[[], None],
        undo: Callable[[], None],
    ) -> None:
        super().__init__(parent, context, _("Restore a backup"), width=720)
        self._backups = context.services.backups
        self._zone = context.services.clinic.zone
        self._undo = undo
        self._secret, self._database = Secret(), Database("")
        self.planned: RestorePlan | None = None
        self.restored: Restored | None = None
        self.finished.connect(lambda _result: done() if self.restored is not None else None)
        self.choose = self._choose_page(archives, chosen)
        self.open_page = Page(
            _("Open the backup"),
            _("Only administrators can open a backup. Nothing is changed by looking into it."),
        )
        self.credentials = Credentials(context, words=True, database=True)
        self.new = QCheckBox(_("Make the &clinic on this server from the backup"))
        self.new.hide()
        self.open_page.add(self.credentials, self.new)
        self.plan_page = Page(_("What would change"))
        self.agree = self._agree_page()
        self.end = Page("")
        self.set_steps(self.choose, self.open_page, self.plan_page, self.agree)

    def start(self) -> None:
        """Open where the backup is chosen; Enter goes on with the one that is marked."""
        self.open()
        self._show_choice()

    # Choose -------------------------------------------------------------------------------------

    def _choose_page(self, archives: tuple[ArchiveItem, ...], chosen: str) -> Page:
        page = Page(_("Which backup?"))
        self.list = QListWidget()
        self.list.setAccessibleName(_("Backups that can be restored"))
        self.list.setMinimumHeight(current_theme().px(LISTED_HEIGHT))
        self.list.itemActivated.connect(lambda _item: self._ask_who())
        for archive in archives:
            if archive.restorable:
                self._list(self._line(archive), archive.id, archive.id == chosen)
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self.file = button(_("Choose a &file…"), icon="file")
        self.file.clicked.connect(self._ask_file)
        page.add(self.list, flow(self.file))
        return page

    def _line(self, archive: ArchiveItem) -> str:
        parts = [
            words.when(archive.taken_at, self._zone),
            words.reason(archive),
            words.size(archive.size),
        ]
        if archive.drill_ok and archive.drilled_at is not None:
            parts.append(_("tried by restoring"))
        elif archive.verified_at is not None:
            parts.append(_("verified"))
        return "  ·  ".join(parts)

    def _list(self, text: str, source: Source, chosen: bool) -> None:
        made = QListWidgetItem(text)
        made.setData(SOURCE, source)
        self.list.addItem(made)
        if chosen:
            self.list.setCurrentItem(made)

    @Slot()
    def _show_choice(self) -> None:
        self.show_page(self.choose, _("Go on"), self._ask_who, focus=self.list)

    @Slot()
    def _ask_file(self) -> None:
        dialog = QFileDialog(self, _("Backup file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([_("Backups (*.consultorio)"), _("All files (*)")])
        dialog.fileSelected.connect(self.use_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(str)
    def use_file(self, path: str) -> None:
        """Take a file that is not in the history."""
        self._list(Path(path).name, Path(path), chosen=True)
        self.list.setFocus()

    @property
    def source(self) -> Source | None:
        """What is chosen."""
        chosen = self.list.currentItem()
        return None if chosen is None else chosen.data(SOURCE)

    # Open ---------------------------------------------------------------------------------------

    @Slot()
    def _ask_who(self) -> None:
        if self.source is None:
            self.banner.show_text(_("Choose a backup from the list, or a file."), "warning")
            return
        self.show_page(
            self.open_page,
            _("See what would change"),
            self._plan,
            back=self._show_choice,
            focus=self.credentials.own,
        )

    @Slot()
    def _plan(self) -> None:
        source = self.source
        if source is None or not self.credentials.complete():
            return
        backups, actor = self._backups, self.context.actor
        secret, database = self.credentials.secret, self.credentials.database
        self._secret, self._database, new = secret, database, self.new.isChecked()

        def work(progress: Progress) -> RestorePlan:
            found: RestorePlan = backups.plan(
                actor, source, secret, database, new=new, tell=progress.update
            )
            return found

        self.run(
            work,
            self._show_plan,
            failed=self._not_planned,
            title=_("Looking into the backup"),
            text=_("It is read whole, loaded beside the clinic and compared. Nothing is changed."),
        )

    def _not_planned(self, error: Exception) -> None:
        """Where the server has no such clinic it may be made there: with the sheet's words."""
        self.show_error(error)
        if isinstance(error, AppError) and error.code == NO_CLINIC:
            self.new.show()
            self.credentials.by_words.setChecked(True)
            self.new.setFocus()

    # What would change --------------------------------------------------------------------------

    def _show_plan(self, plan: RestorePlan) -> None:
        self.planned = plan
        page = Page(_("What would change"))
        opened = plan.opened
        page.say(
            _("{clinic}, as it was on {when}. Taken by {who}.").format(
                clinic=opened.clinic,
                when=words.when(opened.taken_at, self._zone),
                who=" · ".join(part for part in (opened.who, opened.device_label) if part) or "—",
            )
        )
        for warning in opened.warnings:
            page.add(Banner(warning, "warning"))
        card = Card(margin=current_theme().spacing.m)
        for at, sentence in enumerate(plan.sentences):
            card.body.addWidget(label(sentence, "strong" if not at else "", wrap=True))
        if plan.nothing:
            card.body.addWidget(label(_("The clinic holds just what the backup holds."), "strong"))
        page.add(card)
        lines = tuple(one for one in plan.lines if one.only_here or one.only_there or one.different)
        if lines:
            page.add(_table(lines))
        self._take_place(page)
        self.show_page(
            page, _("Restore…"), self._ask_agreement, back=self._ask_who, focus=self.primary
        )

    def _take_place(self, page: Page) -> None:
        """The page is made anew for each plan; its number stays."""
        before = self.plan_page
        self.plan_page = page
        self.set_steps(self.choose, self.open_page, page, self.agree)
        if before is not self.page:
            self.body.removeWidget(before)
            before.deleteLater()

    # Agree --------------------------------------------------------------------------------------

    def _agree_page(self) -> Page:
        page = Page(_("Restore this clinic?"))
        self.clinic = QLineEdit()
        self.clinic_field = Field(_("Name of the clinic, to be sure"), self.clinic)
        self.password = password_line()
        self.password_field = Field(_("Your password again"), self.password)
        self.promises = Banner("", "info")
        self.first_user = QLineEdit(self.context.actor.username)
        self.first_password = password_line()
        self.first = (
            Field(_("Administrator of the clinic, who can sign in there first"), self.first_user),
            Field(
                _("New password for that person"),
                self.first_password,
                hint=_("{length} characters or more, not digits alone.").format(length=MIN_LENGTH),
            ),
        )
        page.add(self.promises, *self.first, self.clinic_field, self.password_field)
        return page

    @Slot()
    def _ask_agreement(self) -> None:
        plan = self.planned
        if plan is None:
            return
        for field in self.first:
            field.setVisible(self.new.isChecked())
        self.agree.say(
            _("Type “{clinic}” and your password. The whole clinic goes back to {when}.").format(
                clinic=self._named, when=words.when(plan.opened.taken_at, self._zone)
            )
        )
        self.promises.show_text(
            _("The clinic is made on this server as the backup has it. It is all done or nothing.")
            if self.new.isChecked()
            else _(
                "A safety copy is made and verified first. It is all done or nothing; administrators "
                "can sign in as now; workstations keep what they have not sent. For 7 days you can "
                "undo it."
            )
        )
        self.password.clear()
        self.show_page(
            self.agree,
            _("Restore the clinic"),
            self._restore,
            back=self._show_plan_again,
            kind="danger",
            focus=self.clinic,
        )

    @property
    def _named(self) -> str:
        """What the person types to be sure."""
        plan = self.planned
        return "" if plan is None else plan.clinic or plan.opened.clinic

    def _show_plan_again(self) -> None:
        self.show_page(
            self.plan_page,
            _("Restore…"),
            self._ask_agreement,
            back=self._ask_who,
            focus=self.primary,
        )

    @Slot()
    def _restore(self) -> None:
        plan, source = self.planned, self.source
        if plan is None or source is None:
            return
        typed = self.clinic.text().strip()
        fits = fold(typed) == fold(self._named)
        self.clinic_field.set_error("" if fits else _("That is not the clinic's name."))
        given = bool(self.password.text())
        self.password_field.set_error("" if given else _("Write your password."))
        first = (self.first_user.text().strip(), self.first_password.text())
        lacks = self.new.isChecked() and not all(first)
        self.first[1].set_error(_("Write the new password.") if lacks else "")
        if not fits or not given or lacks:
            wanted = self.first_password if lacks else self.password
            (wanted if fits else self.clinic).setFocus()
            return
        backups, actor, database = self._backups, self.context.actor, self._database
        secret = Secret(self.password.text(), self._secret.words)
        clinic, new = self._named, first if self.new.isChecked() else None

        def work(progress: Progress) -> Restored:
            done: Restored = backups.restore(
                actor, source, secret, database, clinic_name=clinic, new=new, tell=progress.update
            )
            return done

        self.run(
            work,
            self._finish,
            title=_("Restoring the clinic"),
            text=_("Everybody can go on working; only the last moment makes them wait."),
        )

    # Done ---------------------------------------------------------------------------------------

    def _finish(self, restored: Restored) -> None:
        self.restored = restored
        self.credentials.clear()
        self.password.clear()
        self.first_password.clear()
        self._secret, self._database = Secret(), Database("")
        self.end.heading.setText(_("The clinic is restored"))
        self.end.say(_("Workstations come into step by themselves."))
        for sentence in restored.sentences:
            self.end.add(label(sentence, wrap=True))
        if restored.safety:
            self.end.add(
                label(_("Safety copy: {name}").format(name=restored.safety), "muted", wrap=True)
            )
        if restored.undo is not None:
            offer = Banner(
                _("What stood here before is kept until {when}.").format(
                    when=words.when(restored.undo.until, self._zone)
                ),
                "info",
            )
            self.undo_button = button(_("&Undo the restore…"), icon="undo")
            self.undo_button.clicked.connect(self._ask_undo)
            offer.buttons.addWidget(self.undo_button)
            self.end.add(offer)
        self.show_page(self.end, _("Close"), self.accept, cancel="")

    @Slot()
    def _ask_undo(self) -> None:
        self.accept()
        self._undo()


def _table(lines: tuple[PlanLine, ...]) -> QWidget:
    """What differs, by kind of record, in figures."""
    held = QWidget()
    held.setAccessibleName(_("Changes by kind of record"))
    grid = QGridLayout(held)
    space = current_theme().spacing
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(space.l)
    grid.setVerticalSpacing(space.xs)
    grid.setColumnStretch(0, 1)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for at, title in enumerate((_("Records"), _("come back"), _("go"), _("change"))):
        head = label(title, "label")
        if at:
            head.setAlignment(right)
        grid.addWidget(head, 0, at)
    for row, line in enumerate(lines, start=1):
        named = line.words[:1].upper() + line.words[1:]
        grid.addWidget(label(named, wrap=True), row, 0)
        for at, figure in enumerate((line.only_there, line.only_here, line.different), start=1):
            shown = label(number(figure) if figure else "—", "" if figure else "muted")
            shown.setAlignment(right)
            grid.addWidget(shown, row, at)
    return held
