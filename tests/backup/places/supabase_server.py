"""Supabase Storage's contract, replayed: as the storage server's own sources and guides have it.

Sources, read on 2026-11-21:
- github.com/supabase/storage, src/http/routes/object/{createObject,getObject,listObjects,
  deleteObjects}.ts and src/http/error-handler.ts: an error is answered with status 400 (500 for a
  500) and ``{"statusCode": "<the real one>", "error", "message"}``; a duplicate is 409 ``Duplicate``,
  an unknown object 404 ``not_found``, a policy's refusal 403 ``Unauthorized``.
- the same, src/test/object.test.ts, for the bodies; src/http/routes/tus/{index,lifecycle}.ts for TUS:
  ``POST /upload/resumable`` answers 201 with ``Location`` (an id in base64url), ``HEAD`` needs no
  sign-in and answers ``Upload-Offset`` and ``Upload-Length``, ``PATCH`` 204 with ``Upload-Offset``; a
  wrong offset is 409, a name that is taken by then 409 ``The resource already exists``; bodies of
  TUS errors are plain text with the real status.
- supabase.com/docs/guides/storage/uploads/resumable-uploads: parts of 6 MB exactly but for the last;
  an upload's address is forgotten after 24 hours.
- the sign-in: ``POST /auth/v1/token?grant_type=password`` → ``access_token``, ``expires_in``.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

BUCKET, USER, PASSWORD = "respaldos", "respaldos@clinica.example", "clave-de-supabase"
PART = 6 << 20


def jwt(role: str) -> str:
    """A token as Supabase makes its keys; the signature is nobody's."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"iss": "supabase", "ref": "abc", "role": role}]
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*coded, "c2lnbmF0dXJl"])


ANON, SERVICE = jwt("anon"), jwt("service_role")


@dataclass
class Object:
    content: bytes
    updated: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dataclass
class Upload:
    key: str
    length: int
    content: bytearray = field(default_factory=bytearray)


class StorageServer:
    """What lies in the bucket, and switches for what can go wrong.

    :ivar most: the project's size limit. :ivar may_delete: the policies let the user delete.
    :ivar requests: methods and paths, in order. :ivar tokens: sessions that hold.
    :ivar upload_parts: sizes of the parts that came. :ivar flaws: statuses to answer first.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, Upload] = {}
        self.tokens: set[str] = set()
        self.requests: list[str] = []
        self.parts: list[int] = []
        self.flaws: list[tuple[int, dict[str, str]]] = []
        self.most = 50 << 20
        self.may_delete = True
        self.before_finish: Any = None
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"world": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, key: str, content: bytes) -> None:
        self.objects[key] = Object(content)


class _Handler(BaseHTTPRequestHandler):
    world: StorageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self._serve("POST")

    def do_GET(self) -> None:
        self._serve("GET")

    def do_HEAD(self) -> None:
        self._serve("HEAD")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.world.requests.append(f"{method} {path}")
        if self.world.flaws:
            status, headers = self.world.flaws.pop(0)
            self.close_connection = True
            self._answer(status, b"", headers)
            return
        if path == "/auth/v1/token" and parts.query == "grant_type=password":
            self._sign_in()
        elif not path.startswith("/storage/v1/"):
            self._answer(404, b"")
        elif method == "HEAD" and path.startswith("/storage/v1/upload/resumable/"):
            self._how_far(path.rpartition("/")[2])
        elif not self._signed():
            self.close_connection = True
            self._refuse("403", "Unauthorized", '"exp" claim timestamp check failed')
        else:
            self._routed(method, path.removeprefix("/storage/v1"))

    def _routed(self, method: str, path: str) -> None:
        if method == "POST" and path == "/upload/resumable":
            self._create()
        elif method == "PATCH" and path.startswith("/upload/resumable/"):
            self._add(path.rpartition("/")[2])
        elif method == "POST" and (match := re.fullmatch(r"/object/list/([^/]+)", path)):
            self._list(match[1])
        elif method == "GET" and (
            match := re.fullmatch(r"/object/authenticated/([^/]+)/(.+)", path)
        ):
            self._get(match[1], match[2])
        elif method == "DELETE" and (match := re.fullmatch(r"/object/([^/]+)", path)):
            self._delete(match[1])
        elif method == "POST" and (match := re.fullmatch(r"/object/([^/]+)/(.+)", path)):
            self._upload(match[1], match[2])
        else:
            self._answer(404, b"")

    def _signed(self) -> bool:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token == SERVICE == self.headers.get("apikey"):
            return True
        return self.headers.get("apikey") == ANON and token in self.world.tokens

    def _sign_in(self) -> None:
        given = json.loads(self._body())
        if (given.get("email"), given.get("password")) != (USER, PASSWORD):
            self._json(400, {"code": 400, "error_code": "invalid_credentials"})
            return
        token = secrets.token_urlsafe(24)
        self.world.tokens.add(token)
        self._json(200, {"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _upload(self, bucket: str, key: str) -> None:
        content = self._body()
        if content is None:
            return
        if bucket != BUCKET:
            self._refuse("404", "Bucket not found", "Bucket not found")
        elif len(content) > self.world.most:
            self._refuse("413", "Payload too large", "The object exceeded the maximum allowed size")
        elif not self._store(key, content):
            self._refuse("409", "Duplicate", "The resource already exists")
        else:
            self._json(200, {"Id": secrets.token_hex(8), "Key": f"{bucket}/{key}"})

    def _store(self, key: str, content: bytes) -> bool:
        with self.world.lock:
            if key in self.world.objects and self.headers.get("x-upsert") != "true":
                return False
            self.world.objects[key] = Object(content)
            return True

    def _list(self, bucket: str) -> None:
        asked = json.loads(self._body())
        if bucket != BUCKET:
            self._refuse("404", "Bucket not found", "Bucket not found")
            return
        prefix = f"{asked['prefix']}/" if asked["prefix"] else ""
        found = [
            {
                "name": key.removeprefix(prefix),
                "id": "2eb16359-ecd4-4070-8eb1-8408baa42493",
                "updated_at": each.updated.isoformat().replace("+00:00", "Z"),
                "metadata": {"size": len(each.content), "mimetype": "application/octet-stream"},
            }
            for key, each in sorted(self.world.objects.items())
            if key.startswith(prefix + asked.get("search", ""))
            and "/" not in key.removeprefix(prefix)
        ]
        offset = asked.get("offset", 0)
        self._json(200, found[offset : offset + asked.get("limit", 100)])

    def _get(self, bucket: str, key: str) -> None:
        found = self.world.objects.get(key) if bucket == BUCKET else None
        if found is None:
            self._refuse("404", "not_found", "Object not found")
            return
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if match is None:
            self._answer(200, found.content)
            return
        start, size = int(match[1]), len(found.content)
        if start >= size:
            self._answer(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        told = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        self._answer(206, found.content[start:], told)

    def _delete(self, bucket: str) -> None:
        world = self.world
        gone = [
            {"name": key, "bucket_id": bucket}
            for key in json.loads(self._body())["prefixes"]
            if bucket == BUCKET and world.may_delete and world.objects.pop(key, None)
        ]
        self._json(200, gone)

    def _create(self) -> None:
        told = dict(
            pair.split(" ", 1) for pair in (self.headers.get("Upload-Metadata") or "").split(",")
        )
        told = {key: base64.b64decode(value).decode() for key, value in told.items()}
        length = int(self.headers["Upload-Length"])
        if self.headers.get("Tus-Resumable") != "1.0.0":
            self._answer(412, b"Tus-Resumable Required\n")
        elif told.get("bucketName") != BUCKET:
            self._answer(404, b"Bucket not found")
        elif length > self.world.most:
            self._answer(413, b"Maximum size exceeded\n")
        else:
            name = f"{BUCKET}/{told['objectName']}/{secrets.token_hex(8)}"
            id_ = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
            self.world.uploads[id_] = Upload(told["objectName"], length)
            where = f"https://elsewhere.example/storage/v1/upload/resumable/{id_}"
            self._answer(201, b"", {"Location": where, "Tus-Resumable": "1.0.0"})

    def _how_far(self, id_: str) -> None:
        upload = self.world.uploads.get(id_)
        if upload is None:
            self._answer(404, b"")
            return
        told = {"Upload-Offset": str(len(upload.content)), "Upload-Length": str(upload.length)}
        self._answer(200, b"", {**told, "Cache-Control": "no-store", "Tus-Resumable": "1.0.0"})

    def _add(self, id_: str) -> None:
        upload = self.world.uploads.get(id_)
        if upload is None:
            self._answer(404, b"The file for this url was not found\n")
            return
        if int(self.headers["Upload-Offset"]) != len(upload.content):
            self.close_connection = True
            self._answer(409, b"Upload-Offset conflict\n")
            return
        length = int(self.headers["Content-Length"])
        if length != PART and len(upload.content) + length != upload.length:
            self.close_connection = True
            self._answer(400, b"a part of another size than 6 MB")
            return
        content = self._body()
        if content is None:
            return  # cut in the middle: a store of S3 parts keeps whole parts only
        self.world.parts.append(length)
        upload.content += content
        if len(upload.content) == upload.length:
            if self.world.before_finish is not None:
                self.world.before_finish()
            if not self._store(upload.key, bytes(upload.content)):
                self._answer(409, b"The resource already exists")
                return
        self._answer(
            204, b"", {"Upload-Offset": str(len(upload.content)), "Tus-Resumable": "1.0.0"}
        )

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        if len(content) < length:
            self.close_connection = True
            return None
        return content

    def _refuse(self, status: str, error: str, message: str) -> None:
        self._json(400, {"statusCode": status, "error": error, "message": message})

    def _json(self, status: int, payload: object) -> None:
        self._answer(status, json.dumps(payload).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
