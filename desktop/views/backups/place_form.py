"""Describes one place of backups: what kind, where, and who may write there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.backup.places.settings import PlaceKind, PlaceSettings
from desktop.domain.messages import N_, _
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Field, button, label
from desktop.views.backups import words
from desktop.views.backups.asking import password_line


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the form. :ivar key: ``secret``, or as :class:`PlaceSettings` names it."""

    key: str
    name: str
    hint: str = ""
    wanted: bool = True


_PREFIX = Asked("prefix", N_("Folder in the bucket"), N_("May stay empty."), wanted=False)
FORMS = {
    "folder": (
        Asked(
            "address",
            N_("Folder"),
            N_("On another drive than this computer's own, or on a network drive."),
        ),
    ),
    "webdav": (
        Asked("address", N_("Address"), N_("https://… of the folder, as Nextcloud shows it.")),
        Asked("user", N_("User")),
        Asked("secret", N_("Password")),
    ),
    "s3": (
        Asked("address", N_("Address"), N_("https://… of the storage.")),
        Asked("bucket", N_("Bucket")),
        _PREFIX,
        Asked("region", N_("Region"), N_("May stay empty."), wanted=False),
        Asked("user", N_("Access key")),
        Asked("secret", N_("Secret key")),
    ),
    "supabase": (
        Asked("address", N_("Address of the project"), N_("https://….supabase.co")),
        Asked("bucket", N_("Bucket"), N_("It must exist and be private.")),
        _PREFIX,
        Asked(
            "public_key",
            N_("Publishable key"),
            N_("The one called “anon”. Never the service key: it opens the whole project."),
        ),
        Asked("user", N_("User"), N_("A user of the project that may write to the bucket.")),
        Asked("secret", N_("Password")),
    ),
}
"""What is asked for each kind, in order."""


class PlaceForm(QWidget):
    """Fill in, then :meth:`complete` and :attr:`draft`. A secret that is kept is not shown again."""

    def __init__(self, draft: PlaceSettings | None = None) -> None:
        super().__init__()
        self._id = draft.id if draft is not None and draft.id else uuid.uuid4().hex
        self._known = draft is not None
        space = current_theme().spacing
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(space.m)
        self.kind = QComboBox()
        for key, name in words.PLACES.items():
            self.kind.addItem(_(name), key)
        self.kind.currentIndexChanged.connect(self._build)
        body.addWidget(Field(_("&Kind"), self.kind))
        self._rest = QVBoxLayout()
        self._rest.setSpacing(space.m)
        body.addLayout(self._rest)
        self.label = QLineEdit("" if draft is None else draft.label)
        self.label.setMaxLength(60)
        body.addWidget(
            Field(_("Name in this program"), self.label, hint=_("As it is called in the list."))
        )
        self.editors: dict[str, QLineEdit] = {}
        self.fields: dict[str, Field] = {}
        self._held: QWidget | None = None
        if draft is not None:
            self.kind.setCurrentIndex(max(0, self.kind.findData(draft.kind)))
        self._build()
        if draft is not None:
            for key, editor in self.editors.items():
                editor.setText(getattr(draft, key, ""))

    @property
    def first(self) -> QWidget:
        """Where the cursor goes."""
        return self.editors["address"]

    @Slot()
    def _build(self) -> None:
        kept = {key: editor.text() for key, editor in self.editors.items()}
        if self._held is not None:
            self._rest.removeWidget(self._held)
            self._held.hide()
            self._held.deleteLater()
        self._held = QWidget()
        lines = QVBoxLayout(self._held)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(current_theme().spacing.m)
        self.editors, self.fields = {}, {}
        kind = str(self.kind.currentData())
        for asked in FORMS[kind]:
            editor = password_line() if asked.key == "secret" else QLineEdit()
            editor.setText(kept.get(asked.key, ""))
            hint = _(asked.hint) if asked.hint else ""
            if asked.key == "secret":
                hint = (
                    _(
                        "Kept by this computer's keyring. Leave it empty to keep the one that is there."
                    )
                    if self._known
                    else _("Kept by this computer's keyring, and nowhere else.")
                )
            shown: QWidget = editor
            if kind == "folder":
                shown = self._with_chooser(editor)
            field = Field(_(asked.name), shown, hint=hint)
            field.name.setBuddy(editor)
            editor.setAccessibleName(_(asked.name))
            self.editors[asked.key], self.fields[asked.key] = editor, field
            lines.addWidget(field)
        self._rest.addWidget(self._held)

    def _with_chooser(self, editor: QLineEdit) -> QWidget:
        held = QWidget()
        beside = QHBoxLayout(held)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(current_theme().spacing.s)
        beside.addWidget(editor, 1)
        choose = button(_("Choose…"), icon="folder")
        choose.clicked.connect(self._choose)
        beside.addWidget(choose)
        return held

    @Slot()
    def _choose(self) -> None:
        dialog = QFileDialog(self, _("Folder for backups"), self.editors["address"].text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(str)
    def _chosen(self, path: str) -> None:
        self.editors["address"].setText(path)

    def complete(self) -> bool:
        """Whether all that is needed was filled in; what is missing is said, and has the cursor."""
        missing = None
        for asked in FORMS[str(self.kind.currentData())]:
            needed = asked.wanted and not (asked.key == "secret" and self._known)
            lacks = needed and not self.editors[asked.key].text().strip()
            self.fields[asked.key].set_error(_("This is needed.") if lacks else "")
            if lacks and missing is None:
                missing = self.editors[asked.key]
        if missing is not None:
            missing.setFocus()
        return missing is None

    @property
    def draft(self) -> PlaceSettings:
        """What was described, without its secret."""
        given = {key: editor.text().strip() for key, editor in self.editors.items()}
        kind, address = str(self.kind.currentData()), given["address"]
        return PlaceSettings(
            id=self._id,
            kind=PlaceKind(kind),
            address=address,
            label=self.label.text().strip() or f"{_(words.PLACES[kind])}: {_short(address)}",
            bucket=given.get("bucket", ""),
            prefix=given.get("prefix", ""),
            region=given.get("region", ""),
            user=given.get("user", ""),
            public_key=given.get("public_key", ""),
        )

    @property
    def secret(self) -> str | None:
        """The password as typed; ``None`` where the one that is kept stays, or none is needed."""
        return (self.editors["secret"].text() or None) if "secret" in self.editors else None


def _short(address: str) -> str:
    """The end of a path, or the host of an address."""
    bare = address.removeprefix("https://").rstrip("/")
    if "://" in address:
        return bare.split("/")[0]
    return bare.replace("\\", "/").split("/")[-1] or address


def described(draft: PlaceSettings) -> QWidget:
    """A place in two lines: its name, and where it is."""
    held = QWidget()
    lines = QVBoxLayout(held)
    lines.setContentsMargins(0, 0, 0, 0)
    lines.setSpacing(0)
    lines.addWidget(label(draft.label or draft.address, "strong", wrap=True))
    lines.addWidget(label(f"{_(words.PLACES[draft.kind])} · {draft.address}", "small", wrap=True))
    return held
