"""Connections to PostgreSQL, and what goes wrong with them, in codes that have a sentence.

Off this computer a connection is made over TLS with the server's certificate verified, or not at
all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo

from desktop.domain.errors import EnvironmentTrouble, RuleError

CONNECT_SECONDS = 10
_ALIVE: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "consultorio",
}
_TLS = {
    "sslmode": "verify-full",
    "channel_binding": "require",
    "require_auth": "scram-sha-256",
}
_SECRET = ("password", "sslpassword")
_CLOSED = ("not permitted to log in", "no se le permite conectarse")
"""What the server says, in English or Spanish, of a role that was shut out: only to its password."""


def is_local(host: str | None) -> bool:
    """Whether ``host`` is this computer: a Unix socket or a loopback address."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parameters(**given: Any) -> dict[str, Any]:
    """The parameters of a connection: what is given, kept alive, and verified TLS off this computer.

    Raises :class:`RuleError` with ``server.tls`` where a remote server is asked for with less, or
    without the CA file that it is verified against.
    """
    hosts = str(given.get("hostaddr") or given.get("host") or "").split(",")
    if all(is_local(host) for host in hosts):
        return _ALIVE | given
    if given.get("sslmode", "verify-full") != "verify-full" or not given.get("sslrootcert"):
        raise RuleError("server.tls", host=hosts[0])
    return _ALIVE | given | _TLS


def parse_dsn(dsn: str) -> dict[str, Any]:
    """The parts of a DSN.

    Raises :class:`RuleError`: ``server.dsn_password`` where it carries a password (it would be seen
    in the list of processes and in the shell's history), ``server.dsn`` where it can't be read.
    """
    try:
        given = conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise RuleError("server.dsn") from error
    if any(given.get(name) for name in _SECRET):
        raise RuleError("server.dsn_password")
    return {name: value for name, value in given.items() if value is not None}


def connect(given: Mapping[str, Any], *, autocommit: bool = True) -> psycopg.Connection:
    """A connection to the server.

    :param given: :func:`parameters` and the password.
    Raises :class:`EnvironmentTrouble`: ``server.unreachable``, ``server.password_needed``,
    ``server.refused`` (``closed``: the password was right, and the role was shut out),
    ``server.certificate``, ``server.no_database``.
    """
    try:
        return psycopg.connect(**given, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise _failed(error, given) from error


def _failed(error: psycopg.OperationalError, given: Mapping[str, Any]) -> EnvironmentTrouble:
    host = str(given.get("host") or given.get("hostaddr") or "localhost")
    user = str(given.get("user") or "")
    text = str(error)
    if error.pgconn is not None and error.pgconn.needs_password:
        return EnvironmentTrouble("server.password_needed", host=host, user=user)
    if "certificate" in text or "channel binding" in text or "SSL" in text:
        return EnvironmentTrouble("server.certificate", host=host)
    if any(words in text for words in _CLOSED):
        return EnvironmentTrouble("server.refused", host=host, user=user, closed=True)
    if 'database "' in text and "FATAL" in text:
        return EnvironmentTrouble("server.no_database", database=str(given.get("dbname") or ""))
    if "FATAL" in text and "starting up" not in text and "shutting down" not in text:
        return EnvironmentTrouble("server.refused", host=host, user=user)
    return EnvironmentTrouble("server.unreachable", host=host)


_TROUBLE = {
    "3F000": "server.no_clinic",
    "42501": "server.not_allowed",
    "53100": "server.full",
    "55P03": "server.busy",
    "57014": "server.busy",
    "40P01": "server.busy",
    "40001": "server.busy",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the server does to a statement into :class:`EnvironmentTrouble`."""
    try:
        yield
    except psycopg.Error as error:
        code = error.sqlstate or ""
        if code in _TROUBLE:
            raise EnvironmentTrouble(_TROUBLE[code]) from error
        if code[:2] in {"08", "57"} or (not code and isinstance(error, psycopg.OperationalError)):
            raise EnvironmentTrouble("server.lost") from error
        raise
