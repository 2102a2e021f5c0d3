"""S3 and what speaks like it: Amazon, Backblaze, Cloudflare R2, Wasabi, MinIO (botocore).

An object is there whole or not at all. ``If-None-Match: *`` keeps a name from being written twice;
where a server knows no such condition, what lies under the name is looked at before. What is
larger than a part is sent in parts, and an upload that was cut, or whose computer was switched off,
goes on with the parts that are there and are the same.
"""

from __future__ import annotations

import builtins
import datetime as dt
import hashlib
import io
import itertools
import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore import exceptions as trouble
from botocore.config import Config

from desktop.backup.places import naming
from desktop.backup.places.base import ABANDONED, CHUNK, Cancelled, Stored, go_on
from desktop.backup.places.http import PASSES, certificate_refused, checked_address, http_date
from desktop.backup.places.remote import Absent, RemotePlace, Shipment, Taken
from desktop.backup.places.retrying import Passing, Retrying
from desktop.domain.errors import EnvironmentTrouble
from sync.errors import Cancelled as Stopped

PART = 8 << 20
"""Bytes of a part; more where a file would have more than ten thousand of them."""
_MOST_PARTS = 10_000
_MOST_BEGINNINGS = 3

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412"}
_MISSING = {"NoSuchKey", "404", "NotFound"}
_NO_BUCKET = {"NoSuchBucket"}
_SIGNED_OUT = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "AuthorizationHeaderMalformed",
}
_FULL = {"QuotaExceeded", "InsufficientCapacity", "InsufficientStorage", "XMinioStorageFull"}
_TOO_BIG = {"EntityTooLarge", "MaxMessageLengthExceeded"}
_PASSING = {
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "Throttling",
    "OperationAborted",
}
_making = threading.Lock()


class S3Place(RemotePlace):
    """Archives under one prefix of a bucket, which must be there.

    :param address: the endpoint, ``https://s3.eu-west-1.amazonaws.com`` for example.
    :param prefix: a folder's name, without slashes at its ends; may be empty.
    """

    def __init__(
        self,
        address: str,
        bucket: str,
        prefix: str,
        region: str,
        key_id: str,
        secret: str,
        retrying: Retrying,
        *,
        ca_file: Path | None = None,
    ) -> None:
        endpoint = checked_address(address)
        super().__init__("/".join(filter(None, (endpoint, bucket, prefix))), retrying)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _client(endpoint, region or "us-east-1", key_id, secret, ca_file)
        self._conditions = True

    def check(self) -> None:
        """Raise ``place.no_folder`` where the bucket is not there, ``place.signed_out``…"""
        self._retrying.run(
            lambda: self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1, bucketwide=True)
        )

    def sweep(self) -> int:
        """Give up uploads in parts that nobody added to for long, by the server's own clock."""

        def begun() -> tuple[builtins.list[tuple[str, str]], dt.datetime | None]:
            answer = self._call("list_multipart_uploads", Prefix=self._prefix, bucketwide=True)
            return (
                [(each["Key"], each["UploadId"]) for each in answer.get("Uploads", [])],
                _server_time(answer),
            )

        uploads, now = self._retrying.run(begun)
        swept = 0
        for key, upload in uploads:
            if now is not None and naming.parse(key.removeprefix(self._prefix)):
                step = partial(self._give_up_if_older, key, upload, now - ABANDONED)
                swept += self._retrying.run(step)
        return swept

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _find(self, name: str) -> Stored | None:
        try:
            found = self._call("head_object", Key=self._key(name))
        except Absent:
            return None
        return Stored(name, int(found["ContentLength"]), found["LastModified"])

    def _send(self, name: str, shipment: Shipment) -> None:
        if shipment.size <= PART:
            self._retrying.run(lambda: self._send_whole(name, shipment), shipment.cancelled)
        else:
            self._send_in_parts(name, shipment)

    def _send_whole(self, name: str, shipment: Shipment) -> None:
        body = _Body(b"".join(shipment.chunks()), shipment.cancelled)
        self._write_once("put_object", Key=self._key(name), Body=body)

    def _send_in_parts(self, name: str, shipment: Shipment) -> None:
        for _ in range(_MOST_BEGINNINGS):
            try:
                self._send_parts(name, shipment)
            except _Gone:  # completed by the try whose answer was lost, or given up by somebody
                if self._retrying.run(lambda: self._find(name), shipment.cancelled) is not None:
                    raise Taken from None
            else:
                return
        raise EnvironmentTrouble("place.unreachable", place=self.label)

    def _send_parts(self, name: str, shipment: Shipment) -> None:
        key, cancelled = self._key(name), shipment.cancelled
        upload = self._retrying.run(lambda: self._begun(key), cancelled)
        size = max(PART, -(-shipment.size // _MOST_PARTS))
        try:
            there = self._retrying.run(lambda: self._parts(key, upload), cancelled)
            parts = []
            for number, start in enumerate(range(0, shipment.size, size), 1):
                content = b"".join(shipment.chunks(start, min(size, shipment.size - start)))
                if there.get(number) != _tag(content):
                    step = self._sending(key, upload, number, content, cancelled)
                    there[number] = self._retrying.run(step, cancelled)
                parts.append({"PartNumber": number, "ETag": there[number]})
                shipment.arrived(start + len(content))
            self._retrying.run(self._completing(key, upload, parts), cancelled)
        except Stopped:
            with suppress(Exception):  # it is swept up later
                self._give_up(key, upload)
            raise

    def _begun(self, key: str) -> str:
        """The upload of this very archive that was begun last, or a new one."""
        answer = self._call("list_multipart_uploads", Prefix=key, bucketwide=True)
        begun = [each for each in answer.get("Uploads", []) if each["Key"] == key]
        if begun:
            return str(max(begun, key=lambda each: each["Initiated"])["UploadId"])
        return str(self._call("create_multipart_upload", Key=key)["UploadId"])

    def _parts(self, key: str, upload: str) -> dict[int, str]:
        found: dict[int, str] = {}
        for part in self._every_part(key, upload):
            found[part["PartNumber"]] = part["ETag"].strip('"')
        return found

    def _every_part(self, key: str, upload: str) -> Iterator[dict[str, Any]]:
        after = 0
        while True:
            answer = self._call("list_parts", Key=key, UploadId=upload, PartNumberMarker=after)
            yield from answer.get("Parts", [])
            if not answer.get("IsTruncated"):
                return
            after = int(answer["NextPartNumberMarker"])

    def _give_up_if_older(self, key: str, upload: str, than: dt.datetime) -> bool:
        last = self._last_touched(key, upload)
        if last is None or last >= than:
            return False
        self._give_up(key, upload)
        return True

    def _last_touched(self, key: str, upload: str) -> dt.datetime | None:
        """When an upload was begun or added to; ``None`` where it is over."""
        answer = self._call("list_multipart_uploads", Prefix=key, bucketwide=True)
        moments = [e["Initiated"] for e in answer.get("Uploads", []) if e["UploadId"] == upload]
        with suppress(_Gone):
            moments += [part["LastModified"] for part in self._every_part(key, upload)]
        return max(moments, default=None)

    # Before a step is repeated, the server is asked what it has: the part may have come before the cut,
    # and not every server says of a part that it has forgotten the upload meanwhile.

    def _sending(
        self, key: str, upload: str, number: int, content: bytes, cancelled: Cancelled
    ) -> Callable[[], str]:
        tries = itertools.count()

        def step() -> str:
            tag = self._parts(key, upload).get(number) if next(tries) else None
            if tag is not None and tag == _tag(content):
                return tag
            answer = self._call(
                "upload_part",
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=_Body(content, cancelled),
            )
            return str(answer["ETag"]).strip('"')

        return step

    def _completing(
        self, key: str, upload: str, parts: builtins.list[dict[str, Any]]
    ) -> Callable[[], None]:
        tries = itertools.count()

        def step() -> None:
            if next(tries):
                self._parts(key, upload)
            self._write_once(
                "complete_multipart_upload",
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
            )

        return step

    def _give_up(self, key: str, upload: str) -> None:
        with suppress(Absent, _Gone):
            self._call("abort_multipart_upload", Key=key, UploadId=upload)

    def _write_once(self, operation: str, **given: Any) -> None:
        """Write under a name that is free; raises :class:`Taken`."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if self._conditions else {}
        try:
            self._call(operation, **given, **condition)
        except _NoConditions:
            self._conditions = False  # it was looked at before: nothing lay under this name
            raise Passing("no conditional writes") from None

    def _open(self, name: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        return closing(self._chunks(name, offset))

    def _chunks(self, name: str, offset: int) -> Generator[bytes]:
        wanted: dict[str, Any] = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            body = self._call("get_object", Key=self._key(name), **wanted)["Body"]
        except _Beyond:
            return
        with closing(body), self._talking():
            while chunk := body.read(CHUNK):
                yield chunk

    def _remove(self, name: str) -> None:
        with suppress(Absent):
            self._call("delete_object", Key=self._key(name))

    def _list(self) -> builtins.list[Stored]:
        found: builtins.list[Stored] = []
        token: dict[str, Any] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=self._prefix, bucketwide=True, **token)
            for each in answer.get("Contents", []):
                name = each["Key"].removeprefix(self._prefix)
                if naming.parse(name):
                    found.append(Stored(name, int(each["Size"]), each["LastModified"]))
            if not answer.get("IsTruncated"):
                return found
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _call(self, operation: str, *, bucketwide: bool = False, **given: Any) -> dict[str, Any]:
        with self._talking(bucketwide=bucketwide):
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._bucket, **given)
            return answer

    @contextmanager
    def _talking(self, *, bucketwide: bool = False) -> Iterator[None]:
        """The library's errors in words of ours."""
        try:
            yield
        except trouble.ClientError as error:
            raise self._meaning(error, bucketwide=bucketwide) from error
        except trouble.HTTPClientError as error:
            inner = error.kwargs.get("error")
            if isinstance(inner, Stopped):
                raise inner from None
            raise Passing(type(error).__name__) from error
        except (
            trouble.ConnectionError,
            trouble.ResponseStreamingError,
            trouble.IncompleteReadError,
        ) as error:
            if certificate_refused(error):
                raise EnvironmentTrouble("place.untrusted", place=self.label) from error
            raise Passing(type(error).__name__) from error
        except trouble.BotoCoreError as error:
            raise EnvironmentTrouble(
                "place.unexpected", place=self.label, status=type(error).__name__
            ) from error

    def _meaning(self, error: trouble.ClientError, *, bucketwide: bool) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _TAKEN or status == 412:
            return Taken()
        if code == "NoSuchUpload":
            return _Gone()
        if code in _NO_BUCKET or (bucketwide and status == 404):
            return EnvironmentTrouble("place.no_folder", place=self.label)
        if code in _MISSING or status == 404:
            return Absent()
        if status == 416 or code == "InvalidRange":
            return _Beyond()
        if code in _PASSING or status in PASSES:
            return Passing(code or str(status))
        if code in {"NotImplemented", "InvalidArgument"} and status in {400, 501}:
            return _NoConditions()
        if code == "RequestTimeTooSkewed":
            return EnvironmentTrouble("place.clock", place=self.label)
        if code in _SIGNED_OUT or status == 401:
            return EnvironmentTrouble("place.signed_out", place=self.label)
        if code in _FULL or status == 507:
            return EnvironmentTrouble("place.full", place=self.label)
        if code in _TOO_BIG or status == 413:
            return EnvironmentTrouble("place.too_big", place=self.label)
        if status == 403:
            return EnvironmentTrouble("place.refused", place=self.label)
        return EnvironmentTrouble("place.unexpected", place=self.label, status=status)


class _Gone(Exception):
    """There is no such upload."""


class _Beyond(Exception):
    """Nothing lies beyond what was read."""


class _NoConditions(Exception):
    """The server knows no conditional writes."""


class _Body(io.BytesIO):
    """Bytes on their way out; a person may cancel between two of the library's reads."""

    def __init__(self, content: bytes, cancelled: Cancelled) -> None:
        super().__init__(content)
        self._cancelled = cancelled

    def read(self, size: int | None = -1, /) -> bytes:
        go_on(self._cancelled)
        return super().read(size)


def _tag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _server_time(answer: dict[str, Any]) -> dt.datetime | None:
    return http_date(answer["ResponseMetadata"]["HTTPHeaders"].get("date"))


def _client(endpoint: str, region: str, key_id: str, secret: str, ca_file: Path | None) -> Any:
    """A client that looks at nothing of this computer's own settings for Amazon's programs."""
    with _making:  # a session is not thread-safe
        return _session().create_client(
            "s3",
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            verify=str(ca_file) if ca_file else None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "auto" if "amazonaws.com" in endpoint else "path"},
                connect_timeout=15,
                read_timeout=60,
                retries={"total_max_attempts": 1, "mode": "standard"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                user_agent="Consultorio",
            ),
        )


@cache
def _session() -> Any:
    """One for the process: it reads the service's description, which takes a moment."""
    nowhere: dict[str, tuple[object, ...]] = dict.fromkeys(
        ("profile", "ca_bundle", "region"), (None, None, None, None)
    )
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return botocore.session.Session(session_vars={**nowhere, **files})
