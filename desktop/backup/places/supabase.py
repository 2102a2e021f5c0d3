"""Supabase Storage: standard uploads up to 6 MiB, resumable ones (TUS) above.

The contract is that of the storage server's routes (``/object``, ``/object/list``,
``/object/authenticated``, ``/upload/resumable``) and of the guides "Standard uploads" and "Resumable
uploads"; no request carries ``x-upsert: true``.

A workstation signs in as a user that the bucket's policies let in; the project's service key goes
past every policy and is refused unless it was allowed on purpose.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

from desktop.backup.places import naming
from desktop.backup.places.base import Stored
from desktop.backup.places.http import checked_address
from desktop.backup.places.remote import RemotePlace, Shipment, Taken
from desktop.backup.places.retrying import Retrying
from desktop.backup.places.supabase_api import StorageApi, is_service_key
from desktop.backup.places.tus import PART, TusUpload
from desktop.backup.places.unfinished import Unfinished
from desktop.domain.errors import EnvironmentTrouble, RuleError

_PAGE = 1000


class SupabasePlace(RemotePlace):
    """Archives in one folder of a bucket, which must be there and private.

    :param address: of the project, ``https://abc.supabase.co``. :param key: the publishable
        (``anon``) key. :param user, password: of the user that may reach the bucket; both are
        ignored where the key is a service key.
    :param allow_service_key: takes a service key, which on a workstation it should never.
    :param unfinished: remembers uploads that were cut, so that the next start goes on with them.
    Raises ``RuleError('place.service_key')``.
    """

    def __init__(
        self,
        address: str,
        bucket: str,
        prefix: str,
        key: str,
        user: str,
        password: str,
        retrying: Retrying,
        *,
        ca_file: Path | None = None,
        allow_service_key: bool = False,
        unfinished: Unfinished | None = None,
    ) -> None:
        if is_service_key(key) and not allow_service_key:
            raise RuleError("place.service_key")
        project = checked_address(address)
        super().__init__("/".join(filter(None, (project, bucket, prefix))), retrying)
        self._bucket = bucket
        self._prefix = prefix
        self._unfinished = unfinished or Unfinished(None)
        self._api = StorageApi(self.label, project, key, user, password, ca_file)

    def check(self) -> None:
        """Raise ``place.no_folder`` where there is no such bucket, ``place.signed_out``…"""
        self._retrying.run(lambda: self._page("", 0, 1))

    def sweep(self) -> int:
        """The server forgets uploads that were begun and not ended by itself, after 24 hours."""
        return 0

    def close(self) -> None:
        """Give connections back, and forget the session."""
        self._api.close()

    def _find(self, name: str) -> Stored | None:
        for each in self._page(name, 0, _PAGE):
            if each.name == name:
                return each
        return None

    def _send(self, name: str, shipment: Shipment) -> None:
        if shipment.size <= PART:
            self._retrying.run(lambda: self._send_whole(name, shipment), shipment.cancelled)
            return
        upload = TusUpload(
            self._api,
            self._unfinished,
            name,
            shipment,
            {
                "bucketName": self._bucket,
                "objectName": self._object(name),
                "contentType": "application/octet-stream",
                "cacheControl": "3600",
            },
            lambda: self._find(name) is not None,
        )
        self._retrying.run(upload.step, shipment.cancelled, gained=lambda: upload.furthest)
        self._unfinished.forget(name)

    def _send_whole(self, name: str, shipment: Shipment) -> None:
        answer = self._api.ask(
            "POST",
            f"/object/{self._path(name)}",
            fine={200, 409},
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Length": str(shipment.size),
                "x-upsert": "false",
            },
            content=shipment.chunks,
        )
        if answer.status == 409:
            raise Taken

    def _open(self, name: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        return self._api.body(f"/object/authenticated/{self._path(name)}", offset)

    def _remove(self, name: str) -> None:
        answer = self._api.ask(
            "DELETE",
            f"/object/{quote(self._bucket)}",
            fine={200, 404},
            payload={"prefixes": [self._object(name)]},
        )
        if answer.status == 200 and answer.json() == [] and self._find(name) is not None:
            raise EnvironmentTrouble("place.refused", place=self.label)  # by a policy, silently

    def _list(self) -> builtins.list[Stored]:
        found: builtins.list[Stored] = []
        while True:
            page = self._page("", len(found), _PAGE)
            found += page
            if len(page) < _PAGE:
                return [each for each in found if naming.parse(each.name)]

    def _page(self, search: str, offset: int, limit: int) -> builtins.list[Stored]:
        answer = self._api.ask(
            "POST",
            f"/object/list/{quote(self._bucket)}",
            fine={200},
            payload={
                "prefix": self._prefix,
                "search": search,
                "limit": limit,
                "offset": offset,
                "sortBy": {"column": "name", "order": "asc"},
            },
        )
        try:
            return [_stored(each) for each in answer.json()]  # type: ignore[attr-defined]
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise EnvironmentTrouble(
                "place.unexpected", place=self.label, status=answer.status
            ) from error

    def _object(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _path(self, name: str) -> str:
        return quote(f"{self._bucket}/{self._object(name)}")


def _stored(entry: dict[str, object]) -> Stored:
    metadata = entry.get("metadata") or {}
    size = metadata.get("size", 0) if isinstance(metadata, dict) else 0
    modified = None
    with contextlib.suppress(ValueError):
        modified = dt.datetime.fromisoformat(str(entry.get("updated_at") or ""))
    return Stored(str(entry["name"]), int(size), modified)
