"""A system that lets a process have 256 files open, as macOS does, and a crowd of idle phones."""

from __future__ import annotations

import http.client
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from companion.adapters.logs import FILE_NAME
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.e2e.test_feed_commands import answers, fetched
from tests.fakes import warm
from tests.fakes.certificates import trusting, write_certificate
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import wait_until

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows counts no sockets among a process's files"
)
PHONES = 300
LIMITED = (
    "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}));"
    "from companion.cli import run; run()"
)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as desk:
        desk.run("import", write_export(tmp_path / "first.csv", 20))
        yield desk


@contextmanager
def serving(commands: CommandHome, hard: int) -> Iterator[tuple[int, int]]:
    """Ports of app and phones; nothing is said on the way."""
    app, phones = free_port(), free_port()
    ports = ("--port", str(app), "--feed-host", "127.0.0.1", "--feed-port", str(phones))
    process = warm.start(
        "-c",
        LIMITED.format(hard=hard),
        *("serve", "--no-browser", *ports),
        env=commands.environment,
        errors=True,
    )
    try:
        wait_until(lambda: answers(phones) and answers(app))
        yield app, phones
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert "Traceback" not in out + err
    log = commands.home / FILE_NAME
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    assert "system resource" not in said, "no connection was turned away by the system"


def page(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("hard", "locked"),
    [(256, False), (256, True), (4_096, False)],
    ids=["for good", "for good, with a certificate", "may be raised"],
)
def test_a_crowd_of_idle_phones_holds_nothing_up(
    commands: CommandHome, tmp_path: Path, hard: int, locked: bool
) -> None:
    trusted = None
    if locked:
        certificate, key = write_certificate(tmp_path)
        names = (f"feed_certificate={certificate}", f"feed_key={key}")
        commands.run("practice", "settings", *names)
        trusted = trusting(certificate)
    with serving(commands, hard) as (app, phones), ExitStack() as crowd:
        url = commands.run("feeds", "add", "Anna Example", "--label", "Phone").strip()
        for _phone in range(PHONES):
            crowd.enter_context(socket.create_connection(("127.0.0.1", phones), timeout=10))
        assert page(app) == 200
        import urllib.request

        print(url)
        urllib.request.urlopen(url, timeout=20, context=trusted)
        assert fetched(url, trusted)[0] == 200
        for _tab in range(PHONES):
            crowd.enter_context(socket.create_connection(("127.0.0.1", app), timeout=10))
        assert page(app) == 200
        import urllib.request

        print(url)
        urllib.request.urlopen(url, timeout=20, context=trusted)
        assert fetched(url, trusted)[0] == 200
        assert commands.json("status")
