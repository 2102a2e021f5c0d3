"""What can stand in the way of an exchange. Each error has a stable code and parameters.

No error carries a row's values: they may be shown, logged and sent in a report.
"""

from __future__ import annotations

from typing import Any


class SyncError(Exception):
    """Why the engine could not do what it was asked.

    :ivar code: a stable name, such as ``sync.unreachable``.
    :ivar params: what a sentence about it needs.
    """

    code = "sync.failed"

    def __init__(self, **params: Any) -> None:
        super().__init__(self.code)
        self.params = params

    def __str__(self) -> str:
        words = " ".join(f"{key}={value}" for key, value in sorted(self.params.items()))
        return f"{self.code} {words}".rstrip()


class Unreachable(SyncError):
    """The server did not answer, or the connection broke. Worth trying again soon."""

    code = "sync.unreachable"


class Busy(SyncError):
    """The server rolled the exchange back for another one's sake; nothing was done. Try again."""

    code = "sync.busy"


class AnothersTurn(Busy):
    """The server compares with one workstation at a time, and does so with another one just now."""


class ServerError(SyncError):
    """The server failed. ``sqlstate`` says how, where it is known."""

    code = "sync.server_error"


class TimedOut(ServerError):
    """A statement took longer than it may; nothing was done. The server may be quicker later."""


class AccessRefused(SyncError):
    """The server does not let this workstation in.

    ``reason``: ``auth`` (the login was refused), ``unknown_device`` or ``permission``.
    """

    code = "sync.access_refused"


class Revoked(SyncError):
    """An administrator shut this workstation out, for good."""

    code = "sync.revoked"


class WrongServer(SyncError):
    """Somebody answers at the address who does not keep this cache's clinic."""

    code = "sync.wrong_server"


class Untrusted(SyncError):
    """The server could not show that it is the one we expect (TLS)."""

    code = "sync.untrusted"


class ClientTooOld(SyncError):
    """The server asks for a newer program. ``client``, ``server``: schema versions."""

    code = "sync.client_too_old"


class ServerTooOld(SyncError):
    """The server was not brought up to this program yet. ``client``, ``server``: versions."""

    code = "sync.server_too_old"


class Migrating(SyncError):
    """The clinic's data is being upgraded just now. Try again in a moment."""

    code = "sync.migrating"


class GreetingWanted(SyncError):
    """The server was upgraded since this workstation greeted it. Greet, and ask again."""

    code = "sync.greeting_wanted"


class EpochChanged(SyncError):
    """The server was put back from a backup. ``ours``, ``theirs``: epochs."""

    code = "sync.epoch_changed"


class ProtocolError(SyncError):
    """The server's answer is not one that the protocol knows. ``what`` names the part."""

    code = "sync.protocol_error"


class NeverSynced(SyncError):
    """This cache has not had its first sync."""

    code = "sync.never_synced"


class Cancelled(SyncError):
    """A person stopped the first sync; what was loaded is kept."""

    code = "sync.cancelled"


class IncompleteLoad(SyncError):
    """The first sync's rows don't add up. ``table``, ``expected``, ``found`` (counts)."""

    code = "sync.incomplete_load"


class CacheMismatch(SyncError):
    """A first sync that was begun can't be continued, for the server's data is now another's."""

    code = "sync.cache_mismatch"


class MassDeletion(SyncError):
    """The server would take away most of a table; nothing of it was done. A person decides.

    ``table``, ``gone`` (rows to go), ``rows`` (of how many).
    """

    code = "sync.mass_deletion"


def refusal(
    status: str, client: int, server: int = 0, *, ours: str = "", theirs: str = ""
) -> SyncError:
    """The error for an answer that did nothing.

    :param client: this program's schema version. :param server: the server's.
    :param ours: the epoch that this cache knows. :param theirs: the server's.
    """
    if status == "revoked":
        return Revoked()
    if status == "unknown_device":
        return AccessRefused(reason=status)
    if status == "epoch":
        return EpochChanged(ours=ours, theirs=theirs)
    if status == "client_too_old":
        return ClientTooOld(client=client, server=server)
    if status == "server_too_old":
        return ServerTooOld(client=client, server=server)
    if status == "migrating":
        return Migrating()
    return ProtocolError(what="status")
