"""One HTTP client for places: answers and failures become errors of ours, and no line holds a secret.

Redirects are not followed: what is sent carries a password, and goes where a person said.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json as json_
import ssl
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import httpx

from desktop.backup.places.base import CHUNK
from desktop.backup.places.remote import Absent
from desktop.backup.places.retrying import Passing
from desktop.domain.errors import EnvironmentTrouble, RuleError

TIMEOUT = httpx.Timeout(connect=15.0, read=60.0, write=60.0, pool=15.0)
PASSES = frozenset({408, 423, 425, 429, 500, 502, 503, 504, 544})
"""Answers that may be others soon."""

_ANSWER_MOST = 16 << 20
_PIECE = 256 << 10  # what is lost of a download at a cut, at most
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def checked_address(address: str) -> str:
    """An address that a secret may be sent to, without its last slash.

    Raises :class:`RuleError`: ``place.bad_address`` also where it holds a user or a password (it is
    shown and logged), ``place.plain_http`` where it isn't encrypted and leaves this computer.
    """
    try:
        parts = urlsplit(address.strip())
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise RuleError("place.bad_address", address=_bare(address)) from error
    if parts.scheme not in {"https", "http"} or not host:
        raise RuleError("place.bad_address", address=_bare(address))
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise RuleError("place.bad_address", address=_bare(address))
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise RuleError("place.plain_http", address=_bare(address))
    return parts.geturl().rstrip("/")


def _bare(address: str) -> str:
    """An address as it may be shown: what stands before an ``@`` or after a ``?`` is left out."""
    scheme, _, rest = address.strip().rpartition("://")
    shown = rest.rpartition("@")[2].partition("?")[0].partition("#")[0]
    return (f"{scheme}://{shown}" if scheme else shown)[:200]


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates are believed: the system's and Mozilla's authorities, and a clinic's own.

    Raises ``RuleError('place.bad_setting')`` where ``ca_file`` is no file of certificates.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise RuleError("place.bad_setting", field="ca_file") from error
    return context


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON; ``None`` where it is none."""
        try:
            return json_.loads(self.body)
        except ValueError:
            return None


class Http:
    """A client of one place.

    :param auth: signs every request; ``None`` where requests bring their own headers.
    :param meant: the status that an answer means, where its own is not all it says.
    """

    def __init__(
        self,
        label: str,
        auth: httpx.Auth | None,
        ca_file: Path | None,
        meant: Callable[[Answer], int] = lambda answer: answer.status,
    ) -> None:
        self._label = label
        self._meant = meant
        self._client = httpx.Client(
            auth=auth,
            timeout=TIMEOUT,
            verify=trust(ca_file),
            headers={"User-Agent": "Consultorio", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        fine: Container[int],
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
        json: object = None,
    ) -> Answer:
        """An answer whose status is among ``fine`` (16 MiB at most).

        Raises :class:`Passing` and :class:`EnvironmentTrouble` otherwise.
        """
        with self._talking():
            request = self._client.build_request(
                method, url, headers=headers, content=content, json=json
            )
            response = self._client.send(request, stream=True)
            try:
                answer = self._read_whole(response)
            finally:
                response.close()
        if answer.status not in fine:
            raise self.unexpected(answer)
        return answer

    @contextmanager
    def body(
        self, url: str, offset: int, headers: Mapping[str, str] | None = None
    ) -> Generator[Iterator[bytes]]:
        """What lies at ``url``, from ``offset`` on; raises :class:`Absent`.

        A server that knows no ranges sends everything; what was there already is skipped.
        """
        wanted = {**(headers or {}), "Range": f"bytes={offset}-"} if offset else headers
        with self._talking(), self._client.stream("GET", url, headers=wanted) as response:
            if response.status_code == 416:
                yield iter(())  # nothing lies beyond what was read
                return
            if response.status_code not in {200, 206}:
                refusal = self._read_whole(response)
                if refusal.status == 404:
                    raise Absent
                raise self.unexpected(refusal)
            skip = offset - _first_byte(response)
            yield _from(response.iter_raw(_PIECE), skip)

    def unexpected(self, answer: Answer) -> Exception:
        """What to raise for an answer that was not expected."""
        asked = answer.headers.get("Retry-After", "")
        return self.meaning(answer.status, float(asked) if asked.isdecimal() else 0.0)

    def meaning(self, status: int, after: float = 0.0) -> Exception:
        """What to raise for a status."""
        if status in PASSES:
            return Passing(f"status {status}", after)
        if status in {401, 407}:
            return EnvironmentTrouble("place.signed_out", place=self._label)
        if status == 403:
            return EnvironmentTrouble("place.refused", place=self._label)
        if status in {404, 409, 410}:
            return EnvironmentTrouble("place.no_folder", place=self._label)
        if status == 413:
            return EnvironmentTrouble("place.too_big", place=self._label)
        if status == 507:
            return EnvironmentTrouble("place.full", place=self._label)
        return EnvironmentTrouble("place.unexpected", place=self._label, status=status)

    @contextmanager
    def _talking(self) -> Generator[None]:
        """What breaks while talking is :class:`Passing`, but for a certificate nobody vouches for."""
        try:
            yield
        except httpx.TransportError as error:
            if certificate_refused(error):
                raise EnvironmentTrouble("place.untrusted", place=self._label) from error
            raise Passing(type(error).__name__) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise EnvironmentTrouble("place.unexpected", place=self._label, status="?") from error

    def _read_whole(self, response: httpx.Response) -> Answer:
        """Read an answer that has to fit: a place that never ends talking is none."""
        parts, size = [], 0
        for part in response.iter_raw(CHUNK):
            parts.append(part)
            size += len(part)
            if size > _ANSWER_MOST:
                raise EnvironmentTrouble(
                    "place.unexpected", place=self._label, status=response.status_code
                )
        answer = Answer(response.status_code, response.headers, b"".join(parts))
        return replace(answer, status=self._meant(answer))


def certificate_refused(error: BaseException) -> bool:
    """Whether it came to this because nobody vouches for a certificate."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def server_time(response: Answer) -> dt.datetime:
    """The place's clock as its answer says; this computer's where it doesn't."""
    return http_date(response.headers.get("Date")) or dt.datetime.now(dt.UTC)


def http_date(text: str | None) -> dt.datetime | None:
    """An aware moment of an HTTP date; ``None`` where there is none, or no sense in it."""
    if not text:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


def _first_byte(response: httpx.Response) -> int:
    if response.status_code != 206:
        return 0
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    if unit != "bytes" or not start.isdecimal():
        raise Passing("no range in a partial answer")
    return int(start)


def _from(chunks: Iterator[bytes], skip: int) -> Iterator[bytes]:
    if skip < 0:
        raise Passing("a partial answer that begins too late")
    for chunk in chunks:
        if skip >= len(chunk):
            skip -= len(chunk)
            continue
        yield chunk[skip:]
        skip = 0
