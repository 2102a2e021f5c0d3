"""Talking with a Supabase project: the session of its user, and what its answers mean.

The storage server answers most refusals with status 400 and the real one in the body's
``statusCode``; the sign-in is that of the project's ``/auth/v1``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from desktop.backup.places.http import Answer, Http
from desktop.backup.places.retrying import Passing
from desktop.domain.errors import EnvironmentTrouble

_EARLY_SECONDS = 60.0
_PAST_POLICIES = frozenset({"service_role", "supabase_admin"})


def is_service_key(key: str) -> bool:
    """Whether ``key`` goes past every policy: a secret key, or a token of the role ``service_role``."""
    key = key.strip()
    if key.startswith("sb_secret_"):
        return True
    parts = key.split(".")
    if len(parts) != 3:
        return False
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(payload, dict) and payload.get("role") in _PAST_POLICIES


class StorageApi:
    """The storage of a project, as one user.

    :param label: the place, as errors name it. :param project: its address. :param key: publishable,
        or a service key. :param clock: seconds that only grow.
    """

    def __init__(
        self,
        label: str,
        project: str,
        key: str,
        user: str,
        password: str,
        ca_file: Path | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label = label
        self._project = project
        self._storage = f"{project}/storage/v1"
        self._is_service = is_service_key(key)
        self._key, self._user, self._password = key, user, password
        self._clock = clock
        self._token = ""
        self._token_until = float("-inf")
        self._fresh = False
        self._http = Http(label, None, ca_file, _meant)

    def close(self) -> None:
        """Give connections back, and forget the session."""
        self._token, self._token_until = "", float("-inf")
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        fine: Container[int],
        headers: Mapping[str, str] | None = None,
        content: Callable[[], bytes | Iterator[bytes]] | None = None,
        payload: object = None,
    ) -> Answer:
        """An answer with the status that is meant; signs in again where the session has ended."""
        for again in (True, False):
            signed = self._signed()
            answer = self._http.ask(
                method,
                f"{self._storage}{path}",
                fine=range(600),
                headers={**signed, **(headers or {})},
                content=content() if content else None,
                json=payload,
            )
            if not (again and answer.status in {401, 403} and _session_over(answer)):
                break
            self._token_until = float("-inf")
        self._fresh = False
        if answer.status not in fine:
            raise self._http.unexpected(answer)
        return answer

    @contextmanager
    def body(self, path: str, offset: int) -> Generator[Iterator[bytes]]:
        """What lies under ``path``, from ``offset`` on."""
        headers = {**self._signed(), "Cache-Control": "no-cache"}
        fresh, self._fresh = self._fresh, False
        try:
            with self._http.body(f"{self._storage}{path}", offset, headers) as chunks:
                yield chunks
        except EnvironmentTrouble as error:
            if fresh or error.code not in {"place.signed_out", "place.refused"}:
                raise
            self._token_until = float("-inf")  # it may be the session's end and nothing worse
            raise Passing("the session may have ended") from error

    def _signed(self) -> dict[str, str]:
        if self._is_service:
            return {"apikey": self._key, "Authorization": f"Bearer {self._key}"}
        if self._clock() >= self._token_until:
            self._sign_in()
        return {"apikey": self._key, "Authorization": f"Bearer {self._token}"}

    def _sign_in(self) -> None:
        """A session for the bucket's user; raises ``place.signed_out``."""
        answer = self._http.ask(
            "POST",
            f"{self._project}/auth/v1/token?grant_type=password",
            fine={200, 400, 401, 403, 422},
            headers={"apikey": self._key},
            json={"email": self._user, "password": self._password},
        )
        given = answer.json()
        if answer.status != 200 or not isinstance(given, dict) or "access_token" not in given:
            raise EnvironmentTrouble("place.signed_out", place=self.label)
        self._token, self._fresh = str(given["access_token"]), True
        lasts = float(given.get("expires_in") or 3600)
        self._token_until = self._clock() + max(_EARLY_SECONDS, lasts - _EARLY_SECONDS)


def _meant(answer: Answer) -> int:
    """The status that is meant: the body's ``statusCode`` where the answer's is a general 400."""
    if answer.status != 400:
        return answer.status
    body = answer.json()
    said = str(body.get("statusCode", "")) if isinstance(body, dict) else ""
    return int(said) if re.fullmatch(r"[45]\d\d", said) else answer.status


def _session_over(answer: Answer) -> bool:
    text = answer.body[:2000].lower()
    return answer.status == 401 or b"jwt" in text or b"exp" in text
