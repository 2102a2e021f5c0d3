"""WebDAV: Nextcloud, ownCloud, a NAS, a provider's online drive (RFC 4918, quota by RFC 4331).

An archive is sent under a name beside and then moved to its own with ``Overwrite: F``, so that under
it there is nothing or all of it. The protocol cannot go on with an upload that was cut: it begins
again; a download goes on where it was.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import httpx

from desktop.backup.places import naming
from desktop.backup.places.base import ABANDONED, Stored, fresh_token
from desktop.backup.places.http import Answer, Http, checked_address, http_date, server_time
from desktop.backup.places.remote import RemotePlace, Shipment, Taken
from desktop.backup.places.retrying import Retrying
from desktop.domain.errors import EnvironmentTrouble

_ASK = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/>"
    b"<quota-available-bytes/></prop></propfind>"
)
_MULTI_STATUS = 207


class WebDavPlace(RemotePlace):
    """Archives in one collection, which must be there.

    :param address: of the collection. :param user, password: for Basic authentication, sent with
        the first request already; over TLS only.
    :param ca_file: the authority of a clinic's own server.
    """

    def __init__(
        self,
        address: str,
        user: str,
        password: str,
        retrying: Retrying,
        *,
        ca_file: Path | None = None,
    ) -> None:
        super().__init__(checked_address(address), retrying)
        self._http = Http(self.label, httpx.BasicAuth(user, password), ca_file)

    def check(self) -> None:
        """Raise ``place.no_folder`` where the collection is not there, ``place.signed_out``…"""
        found = self._retrying.run(lambda: self._ask_of(f"{self.label}/", 0))
        if not any(each.is_collection for each in _resources(found, self.label)):
            raise EnvironmentTrouble("place.no_folder", place=self.label)

    def free_space(self) -> int | None:
        """What the server says of its quota; ``None`` where it says nothing."""
        found = self._retrying.run(lambda: self._ask_of(f"{self.label}/", 0))
        for each in _resources(found, self.label):
            if each.free is not None:
                return each.free
        return None

    def sweep(self) -> int:
        """Remove what killed uploads left, if it is old by the server's own clock."""
        answer = self._retrying.run(lambda: self._ask_of(f"{self.label}/", 1))
        oldest = server_time(answer) - ABANDONED
        swept = 0
        for each in _resources(answer, self.label):
            modified = each.stored.modified
            if naming.is_part(each.stored.name) and modified is not None and modified < oldest:
                self._retrying.run(partial(self._remove, each.stored.name))
                swept += 1
        return swept

    def close(self) -> None:
        """Give connections back."""
        self._http.close()

    def _find(self, name: str) -> Stored | None:
        answer = self._http.ask(
            "PROPFIND",
            self._url(name),
            fine={_MULTI_STATUS, 404},
            headers={"Depth": "0", "Content-Type": "application/xml"},
            content=_ASK,
        )
        if answer.status == 404:
            return None
        for each in _resources(answer, self.label):
            if each.stored.name == name and not each.is_collection:
                return each.stored
        raise EnvironmentTrouble("place.unexpected", place=self.label, status=answer.status)

    def _send(self, name: str, shipment: Shipment) -> None:
        begun: builtins.list[str] = []

        def upload() -> str:
            # Each try has a name of its own: the server may still be busy with the one that was cut.
            # What that one left goes first where it may, so that it takes no room from this one.
            self._clear(begun)
            begun.append(naming.part_name(name, fresh_token()))
            self._upload(begun[-1], shipment)
            return begun[-1]

        try:
            beside = self._retrying.run(upload, shipment.cancelled)
            self._retrying.run(lambda: self._move(beside, name), shipment.cancelled)
            begun.remove(beside)
        finally:
            self._clear(begun)

    def _clear(self, begun: builtins.list[str]) -> None:
        # All of them each time: what was not there yet may have been finished since.
        for left in begun:
            with contextlib.suppress(Exception):  # it is swept up later
                self._remove(left)

    def _upload(self, beside: str, shipment: Shipment) -> None:
        self._http.ask(
            "PUT",
            self._url(beside),
            fine={200, 201, 204},
            headers={
                "Content-Length": str(shipment.size),
                "Content-Type": "application/octet-stream",
            },
            content=shipment.chunks(),
        )

    def _move(self, beside: str, name: str) -> None:
        answer = self._http.ask(
            "MOVE",
            self._url(beside),
            fine={201, 204, 404, 412},
            headers={"Destination": self._url(name), "Overwrite": "F"},
        )
        if answer.status in {404, 412}:  # 404: moved by the try whose answer was lost
            raise Taken

    def _open(self, name: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        return self._http.body(self._url(name), offset)

    def _remove(self, name: str) -> None:
        self._http.ask("DELETE", self._url(name), fine={200, 202, 204, 404})

    def _list(self) -> builtins.list[Stored]:
        resources = _resources(self._ask_of(f"{self.label}/", 1), self.label)
        return [
            each.stored
            for each in resources
            if not each.is_collection and naming.parse(each.stored.name)
        ]

    def _ask_of(self, url: str, depth: int) -> Answer:
        return self._http.ask(
            "PROPFIND",
            url,
            fine={_MULTI_STATUS},
            headers={"Depth": str(depth), "Content-Type": "application/xml"},
            content=_ASK,
        )

    def _url(self, name: str) -> str:
        return f"{self.label}/{quote(name)}"


class _Resource:
    """One entry of a ``multistatus``."""

    def __init__(self, response: ET.Element) -> None:
        href = (response.findtext("{DAV:}href") or "").rstrip("/")
        props: dict[str, ET.Element] = {}
        for stat in response.iterfind("{DAV:}propstat"):
            if " 200" in (stat.findtext("{DAV:}status") or ""):
                props |= {prop.tag: prop for prop in stat.iterfind("{DAV:}prop/*")}
        kind = props.get("{DAV:}resourcetype")
        self.is_collection = kind is not None and kind.find("{DAV:}collection") is not None
        self.free = _number(props.get("{DAV:}quota-available-bytes"))
        changed = props.get("{DAV:}getlastmodified")
        self.stored = Stored(
            unquote(urlsplit(href).path).rpartition("/")[2],
            _number(props.get("{DAV:}getcontentlength")) or 0,
            http_date(changed.text if changed is not None else None),
        )


def _resources(answer: Answer, label: str) -> builtins.list[_Resource]:
    """What a ``multistatus`` lists. Entities are refused: they could unfold without end."""
    try:
        if b"<!" in answer.body[:4096].replace(b"<!--", b""):
            raise ET.ParseError
        tree = ET.fromstring(answer.body)  # noqa: S314 - no document type, so no entities
        return [_Resource(each) for each in tree.iterfind("{DAV:}response")]
    except (ET.ParseError, ValueError) as error:
        raise EnvironmentTrouble("place.unexpected", place=label, status=answer.status) from error


def _number(element: ET.Element | None) -> int | None:
    text = (element.text or "").strip() if element is not None else ""
    return int(text) if text.isdecimal() else None
