"""Resumable uploads: TUS 1.0 as Supabase Storage speaks it (https://tus.io/protocols/resumable-upload).

An upload has an id; ``HEAD`` says how far it is, ``PATCH`` adds a part at that offset. The server
forgets an upload after 24 hours, and answers 409 to whoever ends second under one name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

from desktop.backup.places.remote import Shipment, Taken
from desktop.backup.places.retrying import Passing
from desktop.backup.places.supabase_api import StorageApi
from desktop.backup.places.unfinished import Unfinished
from desktop.domain.errors import EnvironmentTrouble

PART = 6 << 20
"""Bytes of a part, as the guide demands; what is not larger is sent at once."""

_TUS = {"Tus-Resumable": "1.0.0"}
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_=~.-]{1,1000}")


class TusUpload:
    """A resumable upload: where it is, and how to take it further.

    :param metadata: what the server is to know of it. :param is_there: whether the finished file is
        there under its name.
    :ivar furthest: bytes that the server said it has.
    """

    def __init__(
        self,
        api: StorageApi,
        unfinished: Unfinished,
        name: str,
        shipment: Shipment,
        metadata: Mapping[str, str],
        is_there: Callable[[], bool],
    ) -> None:
        self._api = api
        self._unfinished = unfinished
        self._name = name
        self._shipment = shipment
        self._metadata = metadata
        self._is_there = is_there
        self._id = unfinished.recall(name)
        self._offset: int | None = None
        self.furthest = 0

    def step(self) -> None:
        """Send what is missing; raises :class:`Passing`, after which it may be called again."""
        if self._id is None:
            self._create()
        try:
            if self._offset is None:
                self._ask_how_far()
            while self._offset is not None and self._offset < self._shipment.size:
                self._send_part(self._offset)
        except Passing:
            self._offset = None
            raise

    def _create(self) -> None:
        answer = self._api.ask(
            "POST",
            "/upload/resumable",
            fine={201, 409},
            headers={
                **_TUS,
                "Upload-Length": str(self._shipment.size),
                "Upload-Metadata": _encoded(self._metadata),
                "x-upsert": "false",
            },
        )
        if answer.status == 409:
            raise Taken
        # Only the id of the address is used: what is sent goes where a person said.
        id_ = answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not _UPLOAD_ID.fullmatch(id_):
            raise EnvironmentTrouble("place.unexpected", place=self._api.label, status=201)
        self._unfinished.remember(self._name, id_)
        self._id, self._offset = id_, 0

    def _ask_how_far(self) -> None:
        answer = self._api.ask(
            "HEAD", f"/upload/resumable/{self._id}", fine={200, 204, 400, 404, 410}, headers=_TUS
        )
        offset = answer.headers.get("Upload-Offset", "")
        length = answer.headers.get("Upload-Length", str(self._shipment.size))
        gone = answer.status >= 400 or not offset.isdecimal()
        if gone or length != str(self._shipment.size) or int(offset) >= self._shipment.size:
            self._begin_anew()
        self._moved(int(offset))

    def _send_part(self, offset: int) -> None:
        length = min(PART, self._shipment.size - offset)
        answer = self._api.ask(
            "PATCH",
            f"/upload/resumable/{self._id}",
            fine={200, 204, 404, 409, 410},
            headers={
                **_TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(length),
                "x-upsert": "false",
            },
            content=lambda: self._shipment.chunks(offset, length),
        )
        if answer.status in {404, 410}:
            self._begin_anew()
        if answer.status == 409:  # the name is taken, or another offset is right
            self._refuse_taken()
            raise Passing("status 409")
        told = answer.headers.get("Upload-Offset", "")
        if not told.isdecimal() or not offset < int(told) <= self._shipment.size:
            raise Passing("no offset")
        self._moved(int(told))

    def _moved(self, offset: int) -> None:
        self._offset = offset
        self.furthest = max(self.furthest, offset)
        self._shipment.arrived(offset)

    def _begin_anew(self) -> None:
        """The upload is over: it was completed, or the server forgot it."""
        self._unfinished.forget(self._name)
        self._id = self._offset = None
        self._refuse_taken()
        raise Passing("no such upload")

    def _refuse_taken(self) -> None:
        if self._is_there():
            self._unfinished.forget(self._name)
            raise Taken


def _encoded(metadata: Mapping[str, str]) -> str:
    """``Upload-Metadata``: pairs of a key and a value in base64."""
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in metadata.items())
