"""Nothing of this process leaves the computer while tests run.

Python's own sockets are watched by an audit hook, which no early import and no C caller of
``connect``, ``connect_ex``, ``sendto`` or ``getaddrinfo`` slips past. libpq opens its sockets
itself, so psycopg is watched where it hands a connection string to libpq. Processes that tests
start are on their own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import conninfo, generators, pq

from tests.support.offences import Offences

_SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKING_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this computer's own address or ``localhost``; other names never are."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_nowhere(host: str) -> bool:
    """Whether no such name can exist (RFC 6761), so that a test may ask for it."""
    return host.lower().rstrip(".").endswith(".invalid")


def servers(connection_string: str) -> list[tuple[str, str]]:
    """The ``(host, hostaddr)`` pairs libpq would try; both are empty for its own unix socket."""
    given = conninfo.conninfo_to_dict(connection_string)
    hosts = str(given.get("host") or os.environ.get("PGHOST", "")).split(",")
    addresses = str(given.get("hostaddr") or os.environ.get("PGHOSTADDR", "")).split(",")
    count = max(len(hosts), len(addresses))
    hosts += [""] * (count - len(hosts))
    addresses += [""] * (count - len(addresses))
    return list(zip(hosts, addresses, strict=True))


class NetworkGuard:
    """Lets connections through to this computer and to ``allowed`` hosts; refuses the others.

    :ivar offences: what was refused, also where the caller swallowed the error.
    """

    def __init__(self, offences: Offences, allowed: frozenset[str] = frozenset()) -> None:
        self.offences = offences
        self.allowed = allowed

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python is about to do ``event``; what is raised here stops it."""
        if event in _SENDING:
            connection, address = arguments[:2]
            internet = connection.family in {socket.AF_INET, socket.AF_INET6}
            if internet and address is not None:
                self._judge(_text(address[0]))
        elif event in _LOOKING_UP:
            host = _text(arguments[0])
            if is_nowhere(host):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            if host:
                self._judge(host)

    def judge_conninfo(self, connection_string: str) -> None:
        """libpq is about to connect."""
        if conninfo.conninfo_to_dict(connection_string).get("service") or os.environ.get(
            "PGSERVICE"
        ):
            self.offences.refuse("a test tried to reach a server named by a libpq service")
        for host, address in servers(connection_string):
            if host in self.allowed and host:
                continue
            if address:
                self._judge(address)
            elif host and not host.startswith(("/", "@")):
                self._judge(host)

    def _judge(self, host: str) -> None:
        if host in self.allowed or is_loopback(host):
            return
        self.offences.refuse(f"a test tried to reach {host}")


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


_guards: list[NetworkGuard] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and _guards:
        _guards[-1].audit(event, arguments)


_hooked = False


@contextmanager
def loopback_only(offences: Offences, own_server: str | None = None) -> Iterator[None]:
    """Connections may go to this computer alone, and to the hosts of the DSN ``own_server``."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)  # for good: Python takes none back
        _hooked = True
    guard = NetworkGuard(offences, _hosts_of(own_server))
    connect, plain = generators.connect, pq.PGconn

    def guarded(connection_string: str) -> Any:
        guard.judge_conninfo(connection_string)
        return connect(connection_string)

    class Guarded(plain):  # type: ignore[misc, valid-type]
        @classmethod
        def connect(cls, connection_string: bytes) -> Any:
            guard.judge_conninfo(connection_string.decode())
            return plain.connect(connection_string)

        @classmethod
        def connect_start(cls, connection_string: bytes) -> Any:
            guard.judge_conninfo(connection_string.decode())
            return plain.connect_start(connection_string)

        @classmethod
        def ping(cls, connection_string: bytes) -> Any:
            guard.judge_conninfo(connection_string.decode())
            return plain.ping(connection_string)

    generators.connect = guarded  # type: ignore[assignment]
    pq.PGconn = Guarded  # type: ignore[misc, assignment]
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.remove(guard)
        pq.PGconn = plain  # type: ignore[misc]
        generators.connect = connect


def _hosts_of(dsn: str | None) -> frozenset[str]:
    """Hosts and addresses of a DSN, and the addresses its names have."""
    if not dsn:
        return frozenset()
    found = {name for pair in servers(dsn) for name in pair if name and not name.startswith("/")}
    for attempt in conninfo.conninfo_attempts(conninfo.conninfo_to_dict(dsn)):
        found |= {str(attempt[key]) for key in ("host", "hostaddr") if attempt.get(key)}
    return frozenset(found)
