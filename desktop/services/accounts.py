"""Signing in, with and without a network, and the passwords behind it.

Online the server compares (see ``accounts.sql``); what the workstation sends is the derived key, and
what it keeps afterwards is an argon2id verifier, good for :data:`OFFLINE_DAYS` days without a server.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from desktop.domain import passwords
from desktop.domain.actor import Actor
from desktop.domain.errors import AppError, EnvironmentTrouble, RuleError
from desktop.domain.permissions import GENERAL, permissions_of
from desktop.models import Account, StaffMember
from desktop.services.cache import Cache
from desktop.services.server import translated
from sync import codec
from sync.identifiers import with_parameters

OFFLINE_DAYS = 14
MAX_FAILURES = 5
LOCK = dt.timedelta(minutes=15)
_CLOCK_SLACK = dt.timedelta(hours=1)
_OFFLINE = frozenset(
    {
        *("server.unreachable", "server.lost", "server.busy", "server.full"),
        *("server.certificate", "server.no_database", "server.no_clinic", "device.refused"),
    }
)
"""Troubles of the server that stop nobody from working on the cache. Being shut out is none of them."""

_PREPARE = """
CREATE TABLE IF NOT EXISTS local_account (
    username TEXT PRIMARY KEY, verifier TEXT, profile TEXT, verified_at TEXT,
    failures INTEGER NOT NULL DEFAULT 0, locked_until TEXT) WITHOUT ROWID
"""

Connect = Callable[[], psycopg.Connection]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made, with its staff row.

    :ivar staff_id: an existing staff row without account; ``None`` makes one.
    """

    username: str
    name: str
    role: str
    email: str = ""
    phone: str = ""
    staff_id: int | None = None
    superuser: bool = False

    def asked(self, encoded: str) -> Jsonb:
        """What ``account_create`` expects."""
        return Jsonb(
            {
                "username": normal_username(self.username),
                "name": self.name.strip(),
                "role": self.role,
                "email": self.email.strip(),
                "phone": self.phone.strip(),
                "staff_id": self.staff_id,
                "superuser": self.superuser,
                "password": encoded,
            }
        )


def normal_username(username: str) -> str:
    """As Django compares usernames: NFKC, without blanks around."""
    return unicodedata.normalize("NFKC", username.strip())


@dataclass(frozen=True, slots=True)
class Verified:
    """Somebody whose password the server has found right.

    :ivar profile: what the server said of them. :ivar verifier: for signing in without a server;
        empty until it is :meth:`remembered`.
    """

    username: str
    profile: dict[str, Any]
    at: dt.datetime
    verifier: str = field(default="", repr=False)

    def remembered(self, password: str) -> Verified:
        """The same with the verifier, which takes a quarter of a second to make."""
        return replace(self, verifier=passwords.offline_verifier(password))

    @property
    def actor(self) -> Actor:
        """The person."""
        return _actor(self.profile)


def verify(
    connection: psycopg.Connection, schema: str, username: str, password: str, *, now: dt.datetime
) -> Verified:
    """Ask the server whether this is the person's password; nothing is kept here.

    Raises as :meth:`Accounts.sign_in` where the server can be asked.
    """
    name = normal_username(username)
    derived = _derive(connection, schema, name, password)
    profile = _expect(_ask(connection, schema, "account_verify", name, derived))
    return Verified(name, profile, now)


def _derive(connection: psycopg.Connection, schema: str, name: str, password: str) -> str:
    challenge = _expect(_ask(connection, schema, "account_challenge", name))
    if challenge["algorithm"] != passwords.ALGORITHM:
        raise RuleError("account.algorithm")
    return passwords.derive(password, challenge["salt"], challenge["iterations"])


def _ask(
    connection: psycopg.Connection, schema: str, function: str, *values: Any
) -> dict[str, Any]:
    statement = sql.SQL("SELECT {}({})").format(
        with_parameters(schema, function),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    with translated():
        rows = connection.execute(statement, values).fetchall()
    answer: dict[str, Any] = rows[0][0]
    return answer


class Accounts:
    """The accounts of the clinic as one workstation sees them."""

    def __init__(self, cache: Cache, connect: Connect | None, schema: str) -> None:
        """
        :param connect: opens a connection as the workstation's role; raises
            ``EnvironmentTrouble('server.unreachable')`` where there is no network. ``None`` for good.
        :param schema: the tenant schema.
        """
        self._cache = cache
        self._connect = connect
        self._schema = schema
        with cache.writing_local() as session:
            session.connection().exec_driver_sql(_PREPARE)

    def sign_in(self, username: str, password: str) -> Actor:
        """The person who has this username and password.

        Asks the server; where that can't be asked, the verifier that the last sign-in left here.
        Raises :class:`RuleError`: ``account.wrong``, ``account.locked`` (``minutes``),
        ``account.inactive``, ``account.not_staff``, ``account.no_verifier``,
        ``account.offline_expired`` (``days``), ``account.algorithm``; and
        :class:`EnvironmentTrouble`: ``device.revoked`` and those of the server.
        """
        name = normal_username(username)
        try:
            connection = self._open()
        except EnvironmentTrouble as error:
            if error.code not in _OFFLINE:
                raise
            return self._sign_in_offline(name, password)
        try:
            with connection:
                verified = self._sign_in_online(connection, name, password)
        except EnvironmentTrouble as error:
            if error.code not in _OFFLINE:
                raise
            return self._sign_in_offline(name, password)
        self.keep(verified.remembered(password))
        return verified.actor

    def keep(self, verified: Verified) -> None:
        """Let somebody whom the server knew, and who is remembered, sign in without it from now on."""
        with self._cache.writing_local() as session:
            session.connection().exec_driver_sql(
                "INSERT OR REPLACE INTO local_account VALUES (?, ?, ?, ?, 0, NULL)",
                (
                    verified.username,
                    verified.verifier,
                    json.dumps(verified.profile),
                    codec.instant_to_text(verified.at),
                ),
            )

    def change_password(self, username: str, old: str, new: str) -> None:
        """Change one's own password; needs the server.

        Raises as :meth:`sign_in`, and ``password.short``, ``password.digits``, ``password.username``.
        """
        name = normal_username(username)
        passwords.check_strength(new, username=name)
        with self._open() as connection:
            derived = _derive(connection, self._schema, name, old)
            answer = self._call(
                connection, "account_change_password", name, derived, passwords.encode(new)
            )
        _expect(answer)
        self._forget(name)

    def set_password(self, actor: Actor, username: str, new: str) -> None:
        """Give somebody else a new password, from an office workstation; opens a lock, too.

        Raises :class:`RuleError`: ``permission.denied``, ``account.forbidden``, ``account.unknown``.
        """
        actor.require("staff.edit")
        name = normal_username(username)
        passwords.check_strength(new, username=name)
        with self._open() as connection:
            answer = self._call(connection, "account_set_password", name, passwords.encode(new))
        _expect(answer, name)
        self._forget(name)

    def create(self, actor: Actor, account: NewAccount, password: str) -> int:
        """Make an account from an office workstation; its staff row arrives with the next sync.

        Returns the staff row's id. Raises :class:`RuleError`: ``permission.denied``,
        ``account.forbidden``, ``account.exists``, ``account.invalid``, ``account.no_staff``.
        """
        actor.require("staff.edit")
        passwords.check_strength(password, username=account.username)
        with self._open() as connection:
            answer = self._call(
                connection, "account_create", account.asked(passwords.encode(password))
            )
        _expect(answer, account.username)
        return int(answer["staff_id"])

    def administrators(self) -> tuple[str, ...]:
        """The names of those whom this workstation knows to be administrators, for who has to ask."""
        with self._cache.reading() as session:
            found = session.scalars(
                sa.select(StaffMember)
                .where(StaffMember.active, StaffMember.needs_system_access)
                .order_by(StaffMember.full_name)
            )
            return tuple(
                one.full_name
                for one in found
                if "admin" in permissions_of(one.role, manages_staff=one.may_manage_staff)
            )

    def _open(self) -> psycopg.Connection:
        if self._connect is None:
            raise EnvironmentTrouble("server.unreachable", host="")
        return self._connect()

    def _call(self, connection: psycopg.Connection, function: str, *values: Any) -> dict[str, Any]:
        return _ask(connection, self._schema, function, *values)

    def _sign_in_online(self, connection: psycopg.Connection, name: str, password: str) -> Verified:
        try:
            return verify(connection, self._schema, name, password, now=self._cache.now())
        except RuleError as error:
            if error.code in {"account.inactive", "account.not_staff"} or (
                error.code == "account.wrong" and self._known_here(name, password)
            ):
                self._forget(name)
            raise

    def _forget(self, name: str) -> None:
        with self._cache.writing_local() as session:
            session.connection().exec_driver_sql(
                "DELETE FROM local_account WHERE username = ?", (name,)
            )

    def _known_here(self, name: str, password: str) -> bool:
        with self._cache.reading() as session:
            row = _local(session, name)
        return row is not None and passwords.matches_offline(password, row.verifier)

    def _sign_in_offline(self, name: str, password: str) -> Actor:
        now = self._cache.now()
        with self._cache.reading() as session:
            row = _local(session, name)
        if row is None:
            raise RuleError("account.no_verifier")
        if row.locked_until and codec.text_to_instant(row.locked_until) > now:
            raise _locked(codec.text_to_instant(row.locked_until) - now)
        verified_at = codec.text_to_instant(row.verified_at)
        if not -_CLOCK_SLACK <= now - verified_at <= dt.timedelta(days=OFFLINE_DAYS):
            raise RuleError("account.offline_expired", days=OFFLINE_DAYS)
        if not passwords.matches_offline(password, row.verifier):
            self._failed(name, 0 if row.locked_until else row.failures, now)
            raise RuleError("account.wrong")
        with self._cache.writing_local() as session:
            session.connection().exec_driver_sql(
                "UPDATE local_account SET failures = 0, locked_until = NULL WHERE username = ?",
                (name,),
            )
        with self._cache.reading() as session:
            return _actor(_current(session, json.loads(row.profile)))

    def _failed(self, name: str, before: int, now: dt.datetime) -> None:
        failures = before + 1
        locked = codec.instant_to_text(now + LOCK) if failures >= MAX_FAILURES else None
        with self._cache.writing_local() as session:
            session.connection().exec_driver_sql(
                "UPDATE local_account SET failures = ?, locked_until = ? WHERE username = ?",
                (failures, locked, name),
            )


def _local(session: Session, name: str) -> sa.Row[Any] | None:
    return (
        session.connection()
        .exec_driver_sql(
            "SELECT verifier, profile, verified_at, failures, locked_until"
            " FROM local_account WHERE username = ?",
            (name,),
        )
        .one_or_none()
    )


def _current(session: Session, profile: dict[str, Any]) -> dict[str, Any]:
    """What the last sign-in online said, and what the server has said of this person since."""
    account = session.scalar(sa.select(Account).where(Account.username == profile["username"]))
    if account is not None and not account.is_active:
        raise RuleError("account.inactive")
    staff = session.get(StaffMember, profile["staff_id"]) if profile["staff_id"] else None
    if staff is None:
        return profile
    if not staff.active:
        raise RuleError("account.inactive")
    return profile | {
        "name": staff.full_name,
        "role": staff.role,
        "manages_appointments": staff.may_manage_appointments,
        "manages_clients": staff.may_manage_clients,
        "manages_staff": staff.may_manage_staff,
        "sees_reports": staff.may_see_reports,
    }


def _actor(profile: dict[str, Any]) -> Actor:
    role = profile["role"] or GENERAL
    return Actor(
        staff_id=profile["staff_id"],
        name=profile["name"],
        username=profile["username"],
        role=role,
        permissions=permissions_of(
            role,
            manages_appointments=profile["manages_appointments"],
            manages_clients=profile["manages_clients"],
            manages_staff=profile["manages_staff"],
            sees_reports=profile["sees_reports"],
            superuser=profile["superuser"],
        ),
    )


def _locked(left: dt.timedelta) -> RuleError:
    return RuleError("account.locked", minutes=math.ceil(left.total_seconds() / 60))


def _expect(answer: dict[str, Any], name: str = "") -> dict[str, Any]:
    """The answer of an account function, or its refusal as an error."""
    status = answer["status"]
    if status in {"ok", "created"}:
        return answer
    refusal: AppError = RuleError(f"account.{status}", username=name)
    if status == "locked":
        refusal = _locked(dt.timedelta(seconds=answer["seconds"]))
    elif status == "revoked":
        refusal = EnvironmentTrouble("device.revoked")
    raise refusal
