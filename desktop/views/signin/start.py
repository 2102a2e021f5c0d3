"""What is seen before there is anything to sign in to: opening, a passphrase, or what is wrong."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.domain.messages import _, sentence
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Busy, Card, Field, button, label


class StartWindow(QWidget):
    """Opens the workstation, with a passphrase where it needs one.

    :ivar passphraseGiven: what was typed. :ivar tryAgain: open once more.
    :ivar joinWanted: join a clinic again, where this workstation was shut out.
    """

    passphraseGiven = Signal(str)
    tryAgain = Signal()
    joinWanted = Signal()

    def __init__(self, clinic: str, station: str) -> None:
        super().__init__()
        self.setWindowTitle("Consultorio")
        self.setProperty("surface", "canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        theme = current_theme()
        self.resize(theme.px(640), theme.px(480))
        card = Card(margin=theme.spacing.xxl)
        card.setFixedWidth(theme.px(440))
        logo = QLabel()
        logo.setPixmap(theme.icon("logo", "accent").pixmap(QSize(32, 32)))
        card.body.addWidget(logo)
        card.body.addWidget(label(clinic or "Consultorio", "display", wrap=True))
        card.body.addWidget(label(station, "muted", wrap=True))
        self.banner = Banner("", "danger")
        card.body.addWidget(self.banner)
        self.passphrase = QLineEdit()
        self.passphrase.setEchoMode(QLineEdit.EchoMode.Password)
        self.passphrase.returnPressed.connect(self._give)
        self._field = Field(_("&Passphrase of this workstation"), self.passphrase)
        self.open = button(_("Open"), "primary")
        self.open.clicked.connect(self._give)
        self.again = button(_("Try &again"), "primary")
        self.again.clicked.connect(self.tryAgain)
        self.join = button(_("&Join again…"), "primary")
        self.join.clicked.connect(self.joinWanted)
        self.busy = Busy(_("Opening the clinic's data…"))
        for widget in (self._field, self.open, self.again, self.join, self.busy):
            card.body.addWidget(widget)
        centre = QHBoxLayout()
        centre.addStretch(1)
        centre.addWidget(card)
        centre.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addLayout(centre)
        outer.addStretch(1)
        self.show_opening()

    def show_opening(self) -> None:
        """Work is under way."""
        self._show(busy=True)
        self.banner.show_text("")

    def ask_passphrase(self, error: BaseException | None = None) -> None:
        """Ask for the passphrase; ``error`` says why once more."""
        self._show(asking=True)
        self.banner.show_text("" if error is None else sentence(error), "danger")
        self.passphrase.clear()
        self.passphrase.setFocus()

    def show_trouble(self, error: BaseException) -> None:
        """Say what stands in the way, with the chance to try again."""
        self._show(again=True)
        self.banner.show_text(sentence(error), "danger")
        self.again.setFocus()

    def show_end(self, error: BaseException) -> None:
        """Say that this workstation is one no more, with the chance to become one again."""
        self._show(join=True)
        self.banner.show_text(sentence(error), "danger")
        self.join.setFocus()

    def _show(
        self, *, busy: bool = False, asking: bool = False, again: bool = False, join: bool = False
    ) -> None:
        self.busy.setVisible(busy)
        self._field.setVisible(asking)
        self.open.setVisible(asking)
        self.again.setVisible(again)
        self.join.setVisible(join)

    @Slot()
    def _give(self) -> None:
        if self.passphrase.text():
            self.passphraseGiven.emit(self.passphrase.text())
            self.passphrase.clear()
