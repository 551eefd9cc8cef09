"""SIGTERM ends the app within seconds, whatever it is doing, and the home is whole afterwards."""

from __future__ import annotations

import http.client
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.e2e.screen import SLOW, a_browser
from tests.fakes import warm
from tests.fakes.free_ports import free_port
from tests.samples.exports import csv_bytes, large_export

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for one process"),
]
PASSWORD = "tram violet anchor"
PASSPHRASE = "quince lattice ember walrus"
ROWS = 100_000
WHOLE = 10_000_000
PATIENCE = 15
"""Seconds; it takes three."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CommandHome]:
    """Anna is connected, her appointments wait to be uploaded, and a folder is watched."""
    with open_desk(tmp_path, CommandHome) as desk:
        desk.run("import", write_export(tmp_path / "first.csv", 20))
        desk.connect()
        (tmp_path / "exports").mkdir()
        desk.run("sources", "add", "large", tmp_path / "exports")
        yield desk


def ready(context: BrowserContext, launch: str) -> tuple[http.client.HTTPConnection, Page]:
    """The first administrator is signed in: a file is on its way in, and a backup only waits to be
    asked for."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(launch))
    page = context.new_page()
    page.goto(launch)
    page.fill("#name", "Example Practice")
    page.click("button[type=submit]")
    page.fill("#name", "Robin")
    page.fill("#new", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")
    page.goto(f"{origin}/backup")
    card = page.get_by_role("region", name="A backup to take along")
    card.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    card.get_by_label("The same once more").fill(PASSPHRASE)
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
    sending = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=10)
    sending.putrequest("POST", "/files/incoming")
    for name, value in {
        "Origin": origin,
        "Cookie": cookies,
        "X-File-Name": "large.csv",
        "Content-Length": str(WHOLE),
    }.items():
        sending.putheader(name, value)
    sending.endheaders()
    sending.send(b"x" * 100_000)
    return sending, page


def until(home: Path, *patterns: str) -> None:
    end = time.monotonic() + 60
    while not all(any(home.glob(each)) for each in patterns):
        assert time.monotonic() < end, patterns
        time.sleep(0.005)


def test_a_signal_ends_it_in_seconds_whatever_is_going_on(
    desk: CommandHome, tmp_path: Path
) -> None:
    ports = ("--port", str(free_port()), "--feed-host", "127.0.0.1", "--feed-port")
    process = desk.start("serve", "--no-browser", *ports, str(free_port()))
    try:
        assert process.stdout is not None
        launch = process.stdout.readline().split()[-1]
        with desk.google.lock:
            desk.google.api.latency = 30
        with a_browser() as browser:
            sending, page = ready(browser.new_context(), launch)
            (tmp_path / "exports" / "large.csv").write_bytes(csv_bytes(large_export(ROWS)))
            children = reading(process)
            page.get_by_role("button", name="Make a backup").click()
            until(desk.home, "drafts/*.db", "backups/*.part", "incoming/*")
            assert all(each.is_running() for each in children), "the file is still being read"
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(PATIENCE) == 0
            print(f"\nended after {time.monotonic() - began:.1f} s")
        sending.close()
        assert not any(each.is_running() for each in children)
    finally:
        process.kill()
        process.communicate()
    status = desk.json("status")
    assert status["app"]["running"] is False
    assert len(status["practitioners"]) == 1


def reading(process: warm.Process) -> list[psutil.Process]:
    """The processes that read a file for it, once there are any."""
    end = time.monotonic() + SLOW / 1000
    while not (found := psutil.Process(process.pid).children()):
        assert time.monotonic() < end, "no file is read"
        time.sleep(0.005)
    return list(found)
