"""One client: alerts and balance always in sight, the record edited in place, the visits."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.domain.errors import AppError
from desktop.domain.locale_format import date_short, money, number
from desktop.domain.messages import _, ngettext, sentence
from desktop.qt.context import AppContext
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Badge, Banner, Card, ElidedLabel, button, label, set_property
from desktop.services.clients_records import ClientDetails, Practitioner, Saved, Undo
from desktop.views.clients.autosave import Autosave
from desktop.views.clients.form import ClientForm
from desktop.views.clients.visits import VisitsList

TABLES = frozenset(
    {
        "pacientes_cliente",
        "cuentas_perfilcliente",
        "citas_cita",
        "citas_tiposervicio",
        "personal_perfil",
        "finanzas_cargo",
        "finanzas_pago",
        "finanzas_asignacion",
    }
)
"""A change in one of these may change what is shown."""

MANY_MISSED = 2


class DetailsPanel(QWidget):
    """The record of one client.

    :ivar back: the person wants to search again.
    :ivar openClient: the id of another client to show.
    """

    back = Signal()
    openClient = Signal(object)

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._clients = context.services.clients
        self._clinic = context.services.clinic
        self.details: ClientDetails | None = None
        self._wanted: int | None = None
        self._may = context.actor.may("clients.edit")
        self.form = ClientForm()
        self.form.set_read_only(not self._may)
        self.autosave = Autosave(context, self.form)
        self._build()
        self.autosave.changed.connect(self._show_state)
        self.autosave.saved.connect(self._show)
        self.autosave.openOther.connect(self.openClient)
        for keys in (QKeySequence("Esc"),):
            shortcut = QShortcut(keys, self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self._go_back)

    # Building -----------------------------------------------------------------------------------

    def _build(self) -> None:
        space = current_theme().spacing
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(space.m)
        outer.addWidget(self._build_header())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, space.xs, 0)
        inside.setSpacing(space.m)
        record = Card()
        record.body.addWidget(self.form)
        self.read_only = label(
            _("You can read this record. Editing needs the permission to manage clients."), "small"
        )
        self.read_only.setVisible(not self._may)
        record.body.addWidget(self.read_only)
        inside.addWidget(record)
        inside.addWidget(self._build_visits())
        self.footer = label("", "small")
        self.retire = button("", "quiet")
        self.retire.clicked.connect(self._toggle_active)
        foot = QHBoxLayout()
        foot.addWidget(self.footer, 1)
        foot.addWidget(self.retire)
        inside.addLayout(foot)
        inside.addStretch(1)
        scroll.setWidget(body)
        outer.addWidget(scroll, 1)

    def _build_header(self) -> Card:
        space = current_theme().spacing
        header = Card()
        self.name = ElidedLabel("", "title")
        self.book = button(_("&Book a visit"), "primary", icon="agenda")
        self.book.setAutoDefault(True)
        self.book.clicked.connect(self._book)
        top = QHBoxLayout()
        top.setSpacing(space.m)
        top.addWidget(self.name, 1)
        top.addWidget(self.book)
        header.body.addLayout(top)
        self.age = label("", "muted")
        self.inactive = Badge(_("Inactive"), "warning")
        self.web = Badge(_("Web account"), "info")
        self.owed = Badge("", "warning")
        self.missed = Badge("", "warning")
        badges = QHBoxLayout()
        badges.setSpacing(space.s)
        for widget in (self.age, self.owed, self.missed, self.inactive, self.web):
            badges.addWidget(widget)
        badges.addStretch(1)
        self.state = label("", "small")
        self.undo = button(_("Undo"), "link")
        self.undo.clicked.connect(self.autosave.undo)
        badges.addWidget(self.state)
        badges.addWidget(self.undo)
        header.body.addLayout(badges)
        self.alert = Banner("", "danger")
        header.body.addWidget(self.alert)
        self.no_alert = label(_("No known allergies or alerts"), "small")
        header.body.addWidget(self.no_alert)
        self.trouble = Banner("", "warning")
        again = button(_("Try again"))
        again.clicked.connect(self.autosave.flush)
        self.trouble.buttons.addWidget(again)
        header.body.addWidget(self.trouble)
        return header

    def _build_visits(self) -> Card:
        card = Card()
        self.visits_title = label(_("Visits"), "heading")
        self.counted = label("", "muted")
        top = QHBoxLayout()
        top.addWidget(self.visits_title)
        top.addWidget(self.counted, 1)
        card.body.addLayout(top)
        self.visits = VisitsList(self._clinic.zone)
        self.visits.opened.connect(
            lambda visit: self._context.navigate("visit", {"appointment_id": visit})
        )
        self.no_visits = label(
            _("No visits yet. Book the first one with the button above."), "muted"
        )
        card.body.addWidget(self.visits)
        card.body.addWidget(self.no_visits)
        return card

    # Showing ------------------------------------------------------------------------------------

    def open(self, client_id: int) -> None:
        """Show a client; what was typed of the one before is saved or kept."""
        if self.details is not None and self.details.id != client_id:
            self.autosave.flush()
        self._wanted = client_id
        self.reload()

    def reload(self) -> None:
        """Read the client again."""
        if self._wanted is None:
            return
        wanted, revision = self._wanted, self.autosave.revision
        self._context.jobs.read(
            self,
            lambda _progress: (self._clients.get(wanted), self._clients.practitioners()),
            done=partial(self._read, revision),
            failed=self._unreadable,
            lane_key="clients.details",
        )

    def _read(self, revision: int, found: tuple[ClientDetails, list[Practitioner]]) -> None:
        details, practitioners = found
        if details.id != self._wanted:
            return
        if revision != self.autosave.revision:
            self.reload()  # a save went by while this was read: it may be older than what is shown
            return
        assigned = details.fields.practitioner_id
        also = Practitioner(assigned, details.practitioner) if assigned is not None else None
        self.form.set_practitioners(practitioners, also)
        self._show(details)
        self.autosave.show(details)

    def _unreadable(self, error: Exception) -> None:
        if isinstance(error, AppError):
            self._context.notify(sentence(error), "warning")
            self.back.emit()
        else:
            raise error

    def _show(self, details: ClientDetails) -> None:
        self.details = details
        fields = details.fields
        self.name.setText(fields.full_name)
        years = details.age
        self.age.setVisible(years is not None)
        if years is not None:
            self.age.setText(ngettext("{n} year", "{n} years", years).format(n=years))
        self.inactive.setVisible(not details.active)
        self.web.setVisible(details.web_account)
        self._show_balance(details)
        missed = details.visits.missed
        self.missed.show_text(
            _("Missed {n} visits").format(n=number(missed)) if missed >= MANY_MISSED else ""
        )
        self.alert.show_text(fields.allergies)
        self.no_alert.setVisible(not fields.allergies)
        self.visits.show_visits(details.visits)
        total = len(details.visits.upcoming) + details.visits.past_total
        self.visits.setVisible(total > 0)
        self.no_visits.setVisible(total == 0)
        attended = details.visits.attended
        self.counted.setText(
            ngettext("{n} visit attended", "{n} visits attended", attended).format(
                n=number(attended)
            )
            if total
            else ""
        )
        day = details.registered_at.astimezone(self._clinic.zone).date()
        self.footer.setText(_("Client since {date}").format(date=date_short(day)))
        self.retire.setText(_("Mark as inactive") if details.active else _("Mark as active"))
        self.retire.setVisible(self._may)
        self._show_state()

    def _show_balance(self, details: ClientDetails) -> None:
        owed, currency = details.balance.owed, self._clinic.currency
        if owed > 0:
            self.owed.show_text(_("Owes {amount}").format(amount=money(owed, currency)), "warning")
        elif owed < 0:
            amount = money(-owed, currency)
            self.owed.show_text(_("In favour {amount}").format(amount=amount), "success")
        else:
            charged = details.balance.charged != 0
            self.owed.show_text(_("Nothing owed") if charged else "", "neutral")

    def _show_state(self) -> None:
        if self.details is None:
            return
        unsent = self.details.unsent
        words, role = {
            "saved": (_("Saved · to be sent") if unsent else _("Saved"), "small"),
            "saving": (_("Saving…"), "small"),
            "typing": (_("Typing…"), "small"),
            "wrong": (_("Not saved yet"), "error"),
        }[self.autosave.state]
        self.state.setText(words if self._may else "")
        set_property(self.state, "role", role)
        self.undo.setVisible(self.autosave.can_undo)
        trouble = self.autosave.trouble
        self.trouble.show_text(sentence(trouble) if trouble is not None else "")

    # Doing --------------------------------------------------------------------------------------

    def _book(self) -> None:
        if self.details is not None:
            self.autosave.flush()
            self._context.navigate("agenda", {"client_id": self.details.id})

    def _go_back(self) -> None:
        self.autosave.flush()
        self.back.emit()

    def _toggle_active(self) -> None:
        if self.details is None:
            return
        client, actor = self.details.id, self._context.actor
        retiring = self.details.active
        change = self._clients.deactivate if retiring else self._clients.reactivate
        self._context.jobs.write(
            self, lambda _progress: change(actor, client), done=partial(self._toggled, retiring)
        )

    def _toggled(self, retired: bool, saved: Saved) -> None:
        self.autosave.revision += 1
        if self._wanted == saved.client.id:
            self._show(saved.client)
        undo = saved.undo
        if undo is None:
            return
        name = saved.client.fields.full_name
        words = _("{name} is now inactive") if retired else _("{name} is active again")
        self._context.notify(
            words.format(name=name), "success", _("Undo"), partial(self._take_back, undo)
        )

    def _take_back(self, undo: Undo) -> None:
        actor = self._context.actor
        self._context.jobs.write(
            self, lambda _progress: undo.run(actor), done=lambda _again: self.reload()
        )
