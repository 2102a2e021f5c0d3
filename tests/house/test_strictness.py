"""The strictness of the suite can fail: each forbidden thing, done in a suite of its own.

One inner run holds all the bad tests, another all the good ones; both load the suite's own
``tests/conftest.py`` and ``pyproject.toml``.
"""

from __future__ import annotations

import ipaddress
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strict_network import is_loopback, is_nowhere, servers

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

HEAD = """\
import asyncio, logging, os, socket, threading, warnings
import psycopg, pytest
from psycopg import pq
from PySide6.QtCore import QObject, QRunnable, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QLabel, QWidget
from tests import conftest

conftest.PATIENCE_SECONDS = 0.2
KEPT = []  # what a leak holds on to
END = threading.Event()


@pytest.fixture(scope="session", autouse=True)
def _end():
    yield
    END.set()
    for kept in KEPT:
        if isinstance(kept, QThread):
            kept.wait()


class Waiting(QRunnable):
    def run(self):
        END.wait(60)


class WaitingThread(QThread):
    def run(self):
        END.wait(60)
"""

# The address is of a net that exists in documentation only (RFC 5737): a hole in the guard would
# send a packet to nobody.
BAD = {
    "warning": ("warnings.warn('old', DeprecationWarning)", "DeprecationWarning: old"),
    "log_line": ("logging.getLogger('desktop.x').warning('oh')", "WARNING desktop.x: oh"),
    "log_line_that_does_not_propagate": (
        """
        logger = logging.getLogger('desktop.quiet')
        logger.propagate = False
        logger.error('oh')""",
        "ERROR desktop.quiet: oh",
    ),
    "announced_log_line_never_came": ("strict.expect('sync', 'gone')", "never came"),
    "socket_connect": (
        "socket.create_connection(('192.0.2.1', 9), timeout=0.1)",
        "tried to reach 192.0.2.1",
    ),
    "socket_connect_v6": (
        "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 9))",
        "tried to reach 2001:db8::1",
    ),
    "socket_connect_ex": (
        "with socket.socket() as s: s.connect_ex(('192.0.2.2', 9))",
        "tried to reach 192.0.2.2",
    ),
    "socket_sendto": (
        "with socket.socket(type=socket.SOCK_DGRAM) as s: s.sendto(b'x', ('192.0.2.3', 9))",
        "tried to reach 192.0.2.3",
    ),
    "getaddrinfo": ("socket.getaddrinfo('db.example', 9)", "tried to reach db.example"),
    "gethostbyname": ("socket.gethostbyname('db.example')", "tried to reach db.example"),
    "name_like_loopback": (
        "socket.create_connection(('127.evil.example', 9))",
        "tried to reach 127.evil.example",
    ),
    "name_like_localhost": (
        "socket.gethostbyname('localhost.example')",
        "tried to reach localhost.example",
    ),
    "swallowed_connect": (
        """
        try: socket.create_connection(('192.0.2.4', 9))
        except BaseException: pass""",
        "tried to reach 192.0.2.4",
    ),
    "psycopg": ("psycopg.connect('host=192.0.2.5')", "tried to reach 192.0.2.5"),
    "psycopg_name": ("psycopg.connect('host=db.example')", "tried to reach db.example"),
    "psycopg_url": (
        "psycopg.connect('postgresql://a@192.0.2.6:9/b')",
        "tried to reach 192.0.2.6",
    ),
    "psycopg_second_host": (
        "psycopg.connect('host=127.0.0.1,192.0.2.7 port=1,1')",
        "tried to reach 192.0.2.7",
    ),
    "psycopg_hostaddr": (
        "psycopg.connect('host=localhost hostaddr=192.0.2.8')",
        "tried to reach 192.0.2.8",
    ),
    "psycopg_async": (
        "asyncio.run(psycopg.AsyncConnection.connect('host=192.0.2.9'))",
        "tried to reach 192.0.2.9",
    ),
    "psycopg_environment": (
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv('PGHOST', '192.0.2.10')
            psycopg.connect('dbname=x')""",
        "tried to reach 192.0.2.10",
    ),
    "psycopg_service": ("psycopg.connect('service=far')", "libpq service"),
    "pq_connect": ("pq.PGconn.connect(b'host=192.0.2.11')", "tried to reach 192.0.2.11"),
    "pq_connect_start": ("pq.PGconn.connect_start(b'host=c.example')", "tried to reach c.example"),
    "thread": (
        "threading.Thread(target=END.wait, args=(60,), name='lost', daemon=True).start()",
        "left the thread 'lost' running",
    ),
    "timer": (
        """
        KEPT.append(QTimer(interval=1000))
        KEPT[-1].start()""",
        "left a timer running",
    ),
    "timer_of_a_kept_owner": (
        """
        KEPT.append(QObject())
        QTimer(KEPT[-1], interval=1000).start()""",
        "left a timer running: QTimer '' of QObject",
    ),
    "qthread": (
        """
        KEPT.append(WaitingThread())
        KEPT[-1].start()""",
        "left a QThread running",
    ),
    "pool_job": ("QThreadPool.globalInstance().start(Waiting())", "global QThreadPool"),
    "window": (
        """
        KEPT.append(QWidget(objectName='lost'))
        KEPT[-1].show()""",
        "left a window open: QWidget 'lost'",
    ),
    "qt_warning": (
        "from PySide6.QtCore import qWarning; qWarning('oh')",
        "Qt messages with level WARNING or above",
    ),
    "keyring_read": (
        "from keyring.backends import SecretService; SecretService.Keyring().get_password('a', 'b')",
        "used the real keyring SecretService.get_password",
    ),
    "keyring_write": (
        "from keyring.backends import chainer; chainer.ChainerBackend().set_password('a', 'b', 'c')",
        "used the real keyring chainer.set_password",
    ),
    "keyring_swallowed": (
        """
        from keyring.backends import kwallet
        try: kwallet.DBusKeyring().delete_password('a', 'b')
        except BaseException: pass""",
        "used the real keyring kwallet.delete_password",
    ),
    # The last, as the logger stays as it is.
    "hushed_logger": (
        "hushed = logging.getLogger('sync.off'); hushed.disabled = True",
        "the logger sync.off hides its warnings",
    ),
}

GOOD = {
    "announced_log_line": """
        strict.expect('desktop.x', 'oh')
        logging.getLogger('desktop.x').warning('oh')""",
    "quiet_log_line": "logging.getLogger('desktop.x').info('fine')",
    "loopback": """
        with socket.create_server(('127.0.0.1', 0)) as server:
            for host in ('127.0.0.1', 'localhost'):
                socket.create_connection((host, server.getsockname()[1])).close()
        with socket.socket(type=socket.SOCK_DGRAM) as s: s.sendto(b'x', ('127.0.0.1', 9))""",
    "unix_socket": """
        with socket.socket(socket.AF_UNIX) as s:
            with pytest.raises(FileNotFoundError): s.connect(str(tmp_path / 's'))""",
    "name_that_cannot_exist": """
        with pytest.raises(socket.gaierror): socket.create_connection(('db.invalid', 9))
        with pytest.raises(psycopg.OperationalError): psycopg.connect('host=db.invalid')""",
    "psycopg_loopback_refused": """
        for host in ('127.0.0.1', '127.0.0.1,localhost', str(tmp_path)):
            with pytest.raises(psycopg.OperationalError): psycopg.connect(host=host, port=1)""",
    "ended_thread": "threading.Thread(target=lambda: None).start()",
    "stopped_timer": """
        KEPT.append(QTimer(interval=1000))
        KEPT[-1].start()
        KEPT[-1].stop()""",
    "timer_only_a_cycle_holds": """
        timer = QTimer(interval=1000)
        timer.me = timer
        timer.start()""",
    "ended_qthread": """
        thread = QThread()
        thread.start()
        thread.quit()
        thread.wait()""",
    "closed_window": """
        window = QWidget()
        QTimer(window, interval=1000).start()
        qtbot.addWidget(window)
        window.show()""",
    "hidden_window": "KEPT.append(QLabel('x'))",
    "memory_keyring": """
        import keyring
        keyring.set_password('a', 'b', 'c')
        assert keyring.get_password('a', 'b') == 'c'""",
}


def suite(bodies: dict[str, str]) -> str:
    tests = []
    for name, body in bodies.items():
        lines = body if body.startswith("\n") else f"\n        {body}"
        indented = lines.replace("\n        ", "\n    ")
        tests.append(f"def test_{name}(qapp, qtbot, strict, request, tmp_path):{indented}\n")
    return "\n\n".join([HEAD, *tests])


def outcomes(pytester: pytest.Pytester, bodies: dict[str, str]) -> dict[str, str]:
    """Runs the tests with the suite's own rules; what each complained of, empty where it passed."""
    path = pytester.makepyfile(test_inner=suite(bodies))
    report = pytester.path / "report.xml"
    ran = pytester.runpytest_subprocess(
        path,
        f"--config-file={ROOT / 'pyproject.toml'}",
        f"--rootdir={pytester.path}",
        f"--junitxml={report}",
        *("-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:xdist"),
        timeout=120,
    )
    assert report.exists(), "\n".join(ran.errlines)
    said: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        troubles = [*case.iter("failure"), *case.iter("error")]
        name = str(case.get("name")).removeprefix("test_")
        said[name] = said.get(name, "") + "".join(str(one.text) for one in troubles)
    return said


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return pytester


def test_what_is_forbidden_fails(inner: pytest.Pytester) -> None:
    said = outcomes(inner, {name: body for name, (body, _) in BAD.items()})
    assert said.keys() == BAD.keys()
    missed = {name: said[name] for name, (_, text) in BAD.items() if text not in said[name]}
    assert not missed


def test_what_is_allowed_passes(inner: pytest.Pytester) -> None:
    said = outcomes(inner, GOOD)
    assert said == dict.fromkeys(GOOD, "")


@given(st.ip_addresses())
def test_an_address_is_loopback_by_its_number(address: ipaddress.IPv4Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    assert is_loopback(str(address)) == (mapped or address).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST."])
def test_this_computer(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["127.evil.example", "localhost.example", "::1.example", "127.0.0.1.invalid", "0.0.0.0", ""],
)
def test_not_this_computer(host: str) -> None:
    assert not is_loopback(host)


def test_only_invalid_is_nowhere() -> None:
    assert is_nowhere("db.invalid")
    assert is_nowhere("DB.INVALID.")
    assert not is_nowhere("invalid")
    assert not is_nowhere("db.invalid.example")


@pytest.mark.parametrize(
    ("given_string", "expected"),
    [
        ("dbname=x", [("", "")]),
        ("host=/run/postgresql", [("/run/postgresql", "")]),
        ("host=a,b", [("a", ""), ("b", "")]),
        ("host=a hostaddr=192.0.2.1,192.0.2.2", [("a", "192.0.2.1"), ("", "192.0.2.2")]),
        ("postgresql://me@a:1,b:2/c", [("a", ""), ("b", "")]),
    ],
)
def test_servers_of_a_connection_string(
    given_string: str, expected: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    monkeypatch.delenv("PGHOSTADDR", raising=False)
    assert servers(given_string) == expected
