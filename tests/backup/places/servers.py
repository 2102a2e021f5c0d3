"""Real servers of other people's making, each in a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WEBDAV_USER, WEBDAV_PASSWORD = "respaldo", "clave-del-nas"
S3_KEY, S3_SECRET, S3_BUCKET = "AKIATEST", "secreto-de-s3", "respaldos"

_WEBDAV = """
import sys
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp
app = WsgiDAVApp({
    "provider_mapping": {"/": sys.argv[1]},
    "simple_dc": {"user_mapping": {"*": {sys.argv[2]: {"password": sys.argv[3]}}}},
    "http_authenticator": {"accept_basic": True, "accept_digest": False},
    "verbose": 0,
    "logging": {"enable": False},
})
server = wsgi.Server(("127.0.0.1", 0), app)
server.prepare()
print(server.bind_addr[1], flush=True)
server.serve()
"""

_S3 = """
import logging
from werkzeug.serving import make_server
from moto.server import DomainDispatcherApplication, create_backend_app
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass
class Running:
    """A server's process."""

    port: int
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@contextmanager
def webdav(folder: Path) -> Iterator[int]:
    """WsgiDAV over ``folder``; its port."""
    with webdav_process(folder) as running:
        yield running.port


@contextmanager
def webdav_process(folder: Path) -> Iterator[Running]:
    """WsgiDAV over ``folder``, that may be killed."""
    with _process(_WEBDAV, str(folder), WEBDAV_USER, WEBDAV_PASSWORD) as running:
        yield running


@contextmanager
def rclone(folder: Path) -> Iterator[int]:
    """rclone's WebDAV over ``folder``; its port. ``FileNotFoundError`` where it is not installed."""
    command = [
        *("rclone", "serve", "webdav", str(folder), "--addr", "127.0.0.1:0"),
        *("--dir-cache-time", "0s"),  # tests look into the folder, and change it, themselves
        *("--user", WEBDAV_USER, "--pass", WEBDAV_PASSWORD, "--config", os.devnull),
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert running.stderr is not None
    try:
        said = b""
        while not (match := re.search(rb"started on \S+:(\d+)/", said)):
            line = running.stderr.readline()
            assert line, f"the server did not start: {said!r}"
            said += line
        yield int(match[1])
    finally:
        running.kill()
        running.wait()
        running.stderr.close()


@contextmanager
def s3() -> Iterator[int]:
    """Moto's S3, with nothing in it; its port."""
    with _process(_S3) as running:
        yield running.port


@contextmanager
def _process(program: str, *arguments: str) -> Iterator[Running]:
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.strip().isdigit(), "the server did not start"
        port = int(line)
        _wait_for(port)
        yield Running(port, running)
    finally:
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < until, "the server does not listen"
        else:
            return
