"""Clients: find, read, enter, change, retire.

A client without an email is stored with :func:`desktop.domain.identifiers.placeholder_email`, one
without a phone with the contract's own stand-in; screens never see either.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import identifiers
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.models import Client, StaffMember
from desktop.services import (
    clients_drafts,
    clients_duplicates,
    clients_export,
    clients_reading,
    search,
)
from desktop.services.cache import Cache, executor
from desktop.services.clients_changes import Rules, raw, require_free
from desktop.services.clients_records import (
    FIELDS,
    Change,
    ClientDetails,
    ClientHit,
    Duplicate,
    NewClient,
    Practitioner,
    Results,
    Saved,
    Undo,
)
from desktop.services.clinic import ClinicSettings
from sync import store

TABLE = Client.__tablename__
EXPORT_PAGE = 500


class Clients:
    """The use cases around clients, over one cache.

    :ivar drafts: what was typed and is not saved.
    """

    def __init__(self, cache: Cache, clinic: ClinicSettings) -> None:
        self._cache = cache
        self._clinic = clinic
        self.drafts = clients_drafts.ClientDrafts(cache)

    # Finding ------------------------------------------------------------------------------------

    def search(self, text: str, limit: int = 50) -> list[ClientHit]:
        """The best ``limit`` clients for what was typed; with nothing typed, those seen last."""
        with self._cache.reading() as session:
            ids = search.find(raw(session), search.parse(text), limit=limit)
            return list(clients_reading.hits(session, ids, self._cache.now()))

    def results(self, text: str, limit: int = 50, offset: int = 0) -> Results:
        """A page of the results of :meth:`search`, and how many there are in all."""
        query = search.parse(text)
        with self._cache.reading() as session:
            connection = raw(session)
            ids = search.find(connection, query, limit=limit, offset=offset)
            total = search.count(connection, query)
            return Results(clients_reading.hits(session, ids, self._cache.now()), total)

    def hits(self, ids: list[int]) -> list[ClientHit]:
        """The lines of the clients with these ids, in that order; without those that are gone."""
        with self._cache.reading() as session:
            return list(clients_reading.hits(session, ids, self._cache.now()))

    def export(self, text: str, path: Path, wrote: Callable[[int, int], None]) -> int:
        """Writes every client that matches ``text`` to a CSV file at ``path``; returns how many.

        :param wrote: called with how many of how many are done; may raise to stop.
        Raises ``clients.export_failed`` where the file can't be written.
        """
        query = search.parse(text)
        with self._cache.reading() as session:
            connection = raw(session)
            total = search.count(connection, query)
            ids = search.find(connection, query, limit=total)
            now = self._cache.now()

            def pages() -> Iterator[tuple[ClientHit, ...]]:
                for start in range(0, len(ids), EXPORT_PAGE):
                    yield clients_reading.hits(session, ids[start : start + EXPORT_PAGE], now)

            return clients_export.write(
                path, pages(), self._clinic.zone, lambda count: wrote(count, total)
            )

    # Reading ------------------------------------------------------------------------------------

    def get(self, client_id: int) -> ClientDetails:
        """Everything about a client. Raises ``clients.gone``."""
        with self._cache.reading() as session:
            return self._details(session, _load(session, client_id))

    def practitioners(self) -> list[Practitioner]:
        """Whom a client may be assigned to, by name."""
        with self._cache.reading() as session:
            rows = session.execute(
                sa.select(StaffMember.id, StaffMember.full_name)
                .where(StaffMember.active, StaffMember.role.in_(("dentista", "general")))
                .order_by(StaffMember.full_name, StaffMember.id)
            )
            return [Practitioner(*row) for row in rows]

    def possible_duplicates(
        self, client: NewClient, *, apart_from: int | None = None
    ) -> tuple[Duplicate, ...]:
        """Who may be the person being entered: same RUT, same email, same phone and similar name.

        Fields that are not yet valid are not compared. Accounts of the booking site are included.
        """
        rules = self._rules()
        stored: dict[str, Any] = {}
        for field in ("full_name", "rut", "phone", "email", "birth_date"):
            try:
                stored[field] = rules.stored(field, getattr(client, field))
            except RuleError:
                continue
        with self._cache.reading() as session:
            return clients_duplicates.possible(session, stored, apart_from=apart_from)

    def check(self, field: str, typed: str | int | None) -> None:
        """Raises what is wrong with one field as typed. Looks at no other client; takes no time."""
        self._rules().stored(field, typed)

    def problems(self, client: NewClient) -> dict[str, RuleError]:
        """What is wrong with each field as typed; empty where nothing is. Looks at no other client."""
        rules = self._rules()
        found: dict[str, RuleError] = {}
        for field in FIELDS:
            try:
                rules.stored(field, getattr(client, field))
            except RuleError as error:
                found[field] = error
        return found

    # Writing ------------------------------------------------------------------------------------

    def create(self, actor: Actor, client: NewClient, *, from_draft: bool = False) -> int:
        """Enters a client and returns the id.

        :param from_draft: the draft of the client being entered is done with.
        Raises ``permission.denied``, the error of the first field that is wrong (``field`` says
        which), ``clients.rut_taken`` or ``clients.email_taken`` (``client_id`` says whose).
        """
        actor.require("clients.edit")
        rules = self._rules()
        stored = {field: rules.stored(field, getattr(client, field)) for field in FIELDS}
        with self._cache.writing(actor, "client.create") as session:
            for field, value in stored.items():
                require_free(session, field, value, None)
            client_id = self._cache.new_id(session)
            stored["email"] = stored["email"] or identifiers.placeholder_email(client_id)
            session.add(
                Client(
                    id=client_id,
                    registered_at=self._cache.now(),
                    active=True,
                    account_id=None,
                    **stored,
                )
            )
            if from_draft:
                clients_drafts.forget(session, actor, clients_drafts.NEW, FIELDS)
            return client_id

    def save(self, actor: Actor, client_id: int, changes: Mapping[str, Change]) -> Saved:
        """Changes the named fields of a client.

        :param changes: field → the value the person saw and the one typed, both as in
            :class:`ClientFields`.

        Raises ``permission.denied``, ``clients.gone``, the error of a field, ``clients.rut_taken``,
        ``clients.email_taken``, or ``clients.changed_meanwhile`` (``field``, ``theirs``) where a
        field no longer holds what the person saw. Then nothing at all is changed.
        """
        actor.require("clients.edit")
        rules = self._rules()
        undo: dict[str, Change] = {}
        with self._cache.writing(actor, "client.save") as session:
            client = _load(session, client_id)
            shown = clients_reading.fields_of(client)
            for field, change in changes.items():
                value = rules.stored(field, change.new)
                if field == "email" and value is None:
                    value = identifiers.placeholder_email(client_id)
                if value == getattr(client, field):
                    continue
                theirs = getattr(shown, field)
                if theirs != change.old:
                    raise self._changed_meanwhile(session, field, theirs)
                if not (field == "email" and identifiers.is_placeholder_email(value)):
                    require_free(session, field, value, client_id)
                setattr(client, field, value)
                written = getattr(clients_reading.fields_of(client), field)
                undo[field] = Change(old=written, new=theirs)
        return self._saved(client_id, "client.save", undo)

    def save_or_keep(
        self, actor: Actor, client_id: int, name: str, field: str, change: Change
    ) -> Saved:
        """Changes one field as :meth:`save`; what can't be saved is kept as a draft.

        :param name: of the client, for the draft. Raises as :meth:`save`.
        """
        try:
            saved = self.save(actor, client_id, {field: change})
        except Exception:
            with contextlib.suppress(EnvironmentTrouble):  # the first trouble is the one to tell
                self.drafts.keep(actor, client_id, name, {field: change})
            raise
        self.drafts.forget(actor, client_id, [field])
        return saved

    def deactivate(self, actor: Actor, client_id: int) -> Saved:
        """Retires a client: kept with its whole history, and found last."""
        return self._set_active(actor, client_id, active=False)

    def reactivate(self, actor: Actor, client_id: int) -> Saved:
        """Takes a retired client back."""
        return self._set_active(actor, client_id, active=True)

    def undo_create(self, client_id: int) -> Undo:
        """Takes a creation back. The record is retired: it may already have been sent or booked."""

        def run(actor: Actor) -> Undo | None:
            return self.deactivate(actor, client_id).undo

        return Undo("client.create", run)

    # Within -------------------------------------------------------------------------------------

    def _rules(self) -> Rules:
        return Rules(self._clinic.country, self._today())

    def _today(self) -> dt.date:
        return self._cache.now().astimezone(self._clinic.zone).date()

    def _set_active(self, actor: Actor, client_id: int, *, active: bool) -> Saved:
        actor.require("clients.edit")
        label = "client.reactivate" if active else "client.deactivate"
        with self._cache.writing(actor, label) as session:
            client = _load(session, client_id)
            changed = client.active != active
            client.active = active

        def run(by: Actor) -> Undo | None:
            return self._set_active(by, client_id, active=not active).undo

        return Saved(self.get(client_id), Undo(label, run) if changed else None)

    def _saved(self, client_id: int, label: str, undo: Mapping[str, Change]) -> Saved:
        def run(actor: Actor) -> Undo | None:
            return self.save(actor, client_id, undo).undo

        return Saved(self.get(client_id), Undo(label, run) if undo else None)

    def _changed_meanwhile(self, session: Session, field: str, theirs: Any) -> RuleError:
        words = (
            clients_reading.staff_name(session, theirs) if field == "practitioner_id" else theirs
        )
        return RuleError("clients.changed_meanwhile", field=field, theirs=words, value=theirs)

    def _details(self, session: Session, client: Client) -> ClientDetails:
        born = client.birth_date
        return ClientDetails(
            id=client.id,
            fields=clients_reading.fields_of(client),
            active=client.active,
            registered_at=client.registered_at,
            practitioner=clients_reading.staff_name(session, client.practitioner_id),
            web_account=clients_reading.has_web_account(session, client),
            unsent=client.id in store.pending_rows(executor(session), TABLE),
            age=identifiers.age(born, self._today()) if born else None,
            visits=clients_reading.visits(session, client.id, self._cache.now()),
            balance=clients_reading.balance(session, client.id),
        )


def _load(session: Session, client_id: int) -> Client:
    client = session.get(Client, client_id)
    if client is None:
        raise RuleError("clients.gone")
    return client
