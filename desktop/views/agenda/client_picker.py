"""Who the appointment is for: search as you type, or enter somebody new without leaving."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLineEdit,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.errors import AppError
from desktop.domain.messages import _, sentence
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Banner, Card, Field, SearchBox, button, label, row
from desktop.services.clients_records import ClientFields, ClientHit
from desktop.views.agenda.floating import FloatingHits

HITS = 5
"""As many as stand over the fields of a booking, with the line for somebody new."""
_NEW = "new"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A client; ``client_id`` is ``None`` where only a name was written."""

    client_id: int | None
    name: str
    allergies: str = ""


class _Line(QLineEdit):
    """A line whose Enter is its own: the dialog's main button doesn't hear of it."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is kept, the rest is typed."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.entered.emit()
        else:
            super().keyPressEvent(event)


class ClientPicker(QWidget):
    """A search line whose hits float under it; once somebody is chosen, their name.

    :ivar picked: somebody was chosen.
    """

    picked = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.chosen: Chosen | None = None
        self._hits_for = ""
        self._found: list[ClientHit] = []
        self._enter_waits = False
        space = current_theme().spacing
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space.s)
        self.search = SearchBox(_("Name, RUT, phone or email"))
        self.hits = FloatingHits(self.search)
        self.name = label("", "heading")
        self.change = button(_("Change"), "link")
        self.person = QWidget()
        self.person.setLayout(row(self.name, self.change, stretch=True))
        self.person.hide()
        self.alert = Banner("", "danger")
        self.fresh = self._new_client_form()
        self.fresh.hide()
        for widget in (self.search, self.person, self.alert, self.fresh):
            layout.addWidget(widget)
        self.setFocusProxy(self.search)
        self.search.textEdited.connect(self._typed)
        self.search.searched.connect(self._look)
        self.search.moved.connect(self._walk)
        self.search.chosen.connect(self._enter)
        self.search.installEventFilter(self)
        self.hits.clicked.connect(self._clicked)
        self.change.clicked.connect(self.clear)
        theme_switch().themeChanged.connect(self._redraw)

    def _new_client_form(self) -> QWidget:
        space = current_theme().spacing
        form = Card(margin=space.m)
        self.full_name, self.phone = _Line(), _Line()
        self.email, self.rut = _Line(), _Line()
        editors = (self.full_name, self.phone, self.email, self.rut)
        names = (_("Full name"), _("Phone"), _("Email"), _("RUT"))
        fields = QGridLayout()
        fields.setHorizontalSpacing(space.s)
        fields.setVerticalSpacing(space.m)
        for at, (name, editor) in enumerate(zip(names, editors, strict=True)):
            fields.addWidget(Field(name, editor), at // 2, at % 2)
            fields.setColumnStretch(at % 2, 1)
            editor.entered.connect(self._create)
        self.save: QPushButton = button(_("Enter client"), "primary")
        self.back: QPushButton = button(_("Back to the search"), "quiet")
        self.save.clicked.connect(self._create)
        self.back.clicked.connect(self.clear)
        self.problem = Banner("", "danger")
        form.body.addLayout(fields)
        form.body.addWidget(self.problem)
        form.body.addLayout(row(self.save, self.back, stretch=True))
        return form

    # Searching ------------------------------------------------------------------------------

    def _typed(self, text: str) -> None:
        if not text.strip():
            self.hits.hide()

    def _look(self, text: str) -> None:
        if not text.strip() or self.chosen is not None:
            return
        clients = self._context.services.clients
        self._context.jobs.read(
            self,
            lambda _progress: clients.search(text, limit=HITS),
            done=lambda hits: self._show_hits(text, hits),
            lane_key="client-search",
        )

    def _show_hits(self, text: str, hits: list[ClientHit]) -> None:
        if self.chosen is not None or self.fresh.isVisible() or not self.search.text().strip():
            return
        self._hits_for, self._found = text, hits
        self._list()
        self.hits.setCurrentRow(0)
        if self._enter_waits:
            self._enter_waits = False
            self._take(self.hits.item(0))
        elif self.window().focusWidget() is self.search:
            self.hits.open()

    def _list(self) -> None:
        self.hits.clear()
        for hit in self._found:
            details = "  ·  ".join(part for part in (hit.rut, hit.phone, hit.email) if part)
            item = QListWidgetItem(f"{hit.full_name}\n{details}" if details else hit.full_name)
            if hit.alerts:
                item.setIcon(current_theme().icon("alert", "danger"))
                item.setToolTip(_("Allergies: {text}").format(text=hit.allergies))
            item.setData(Qt.ItemDataRole.UserRole, hit)
            self.hits.addItem(item)
        words = (
            _("New client “{name}”")
            if self._context.actor.may("clients.edit")
            else _("Use the name “{name}”")
        )
        fresh = QListWidgetItem(
            current_theme().icon("plus", "accent"), words.format(name=self._hits_for.strip())
        )
        fresh.setData(Qt.ItemDataRole.UserRole, _NEW)
        self.hits.addItem(fresh)

    @Slot()
    def _redraw(self) -> None:
        """The icons in the theme's colours."""
        at = self.hits.currentRow()
        if at >= 0:
            self._list()
            self.hits.setCurrentRow(at)

    def _walk(self, steps: int) -> None:
        """Down and Up mark another line; where the lines are not in sight they come back first."""
        if not self.hits.isVisible():
            self._look(self.search.text())
        elif self.hits.count():
            self.hits.setCurrentRow(
                max(0, min(self.hits.count() - 1, self.hits.currentRow() + steps))
            )

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Esc in the search puts the hits away, then it is the dialog's; a click brings them."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.KeyPress:
                event.setAccepted(self.hits.isVisible())
                self.hits.hide()
                return True
        elif event.type() == QEvent.Type.MouseButtonPress and not self.hits.isVisible():
            self._look(self.search.text())
        return False

    def _enter(self) -> None:
        """Enter takes the line that is marked; before the hits are there it waits for them."""
        text = self.search.text()
        if not text.strip():
            return
        if self._hits_for != text or not self.hits.isVisible():
            self._enter_waits = True
            self._look(text)
            return
        self._take(self.hits.currentItem())

    def _clicked(self, index: QModelIndex) -> None:
        self._take(self.hits.item(index.row()))

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        data = item.data(Qt.ItemDataRole.UserRole)
        if isinstance(data, ClientHit):
            self.choose(Chosen(data.id, data.full_name, data.allergies))
        elif self._context.actor.may("clients.edit"):
            self._open_form(self.search.text().strip())
        else:
            self.choose(Chosen(None, self.search.text().strip()))

    # Chosen ---------------------------------------------------------------------------------

    def choose(self, chosen: Chosen) -> None:
        """Take somebody and go on."""
        self.chosen = chosen
        self.name.setText(chosen.name)
        self.person.show()
        for widget in (self.search, self.hits, self.fresh):
            widget.hide()
        text = _("Allergies: {text}").format(text=chosen.allergies) if chosen.allergies else ""
        self.alert.show_text(text)
        self.picked.emit()

    def clear(self) -> None:
        """Back to the search."""
        self.chosen = None
        self._hits_for = ""
        for widget in (self.person, self.fresh, self.hits):
            widget.hide()
        self.alert.show_text("")
        self.search.show()
        self.search.setFocus()
        self.search.selectAll()

    # Somebody new ---------------------------------------------------------------------------

    def _open_form(self, text: str) -> None:
        """What was typed goes where it belongs: a name, a phone, an email or a RUT."""
        for editor in (self.full_name, self.phone, self.email, self.rut):
            editor.clear()
        if "@" in text:
            self.email.setText(text)
        elif sum(letter.isdigit() for letter in text) > len(text) // 2:
            (self.rut if "-" in text else self.phone).setText(text)
        else:
            self.full_name.setText(text)
        self.problem.show_text("")
        for widget in (self.search, self.hits):
            widget.hide()
        self.fresh.show()
        (self.phone if self.full_name.text() else self.full_name).setFocus()

    def _create(self) -> None:
        fields = ClientFields(
            full_name=self.full_name.text(),
            rut=self.rut.text(),
            phone=self.phone.text(),
            email=self.email.text(),
        )
        services, actor = self._context.services, self._context.actor
        self.save.setEnabled(False)
        self._context.jobs.write(
            self,
            lambda _progress: services.clients.create(actor, fields),
            done=lambda client_id: self._created(client_id, fields.full_name.strip()),
            failed=self._not_created,
        )

    def _created(self, client_id: int, name: str) -> None:
        self.save.setEnabled(True)
        self.choose(Chosen(client_id, name))

    def _not_created(self, error: Exception) -> None:
        self.save.setEnabled(True)
        if not isinstance(error, AppError):
            raise error
        self.problem.show_text(sentence(error))

    def sizeHint(self) -> QSize:
        """Room for a line."""
        return QSize(current_theme().px(420), super().sizeHint().height())
