"""A workstation whose practice's server goes away, with a browser, a phone and real sockets: while
it runs, and when it is started meanwhile."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.e2e.screen import SLOW, a_browser
from tests.fakes import warm
from tests.fakes.cables import Cable, cable_to
from tests.fakes.free_ports import free_port
from tests.fakes.practice_database import practice_server
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.postgresql]
AWAY = "The practice's database cannot be reached."
PASSWORD = "tram violet anchor"


@dataclass
class Workstation:
    desk: CommandHome
    cable: Cable
    token: str
    port: int = field(default_factory=free_port)
    feed_port: int = field(default_factory=free_port)

    @contextmanager
    def running(self) -> Iterator[str]:
        """The launch address that it prints, whether it waits or not."""
        process: warm.Process = self.desk.start(
            *("serve", "--no-browser", "--port", str(self.port)),
            *("--feed-host", "127.0.0.1", "--feed-port", str(self.feed_port)),
        )
        try:
            yield self._launch(process)
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def _launch(self, process: warm.Process) -> str:
        stream = process.stderr if self.cable.refuses else process.stdout
        assert stream is not None
        while not (found := re.search(r"http://\S+launch=\S+", line := stream.readline())):
            assert line, "the app did not start"
        return found[0]

    def phone(self) -> tuple[int, bytes]:
        address = f"http://127.0.0.1:{self.feed_port}/feeds/{self.token}.ics"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    def go(self, page: Page, path: str) -> None:
        page.goto(f"http://127.0.0.1:{self.port}{path}")


@pytest.fixture
def workstation(tmp_path: Path) -> Iterator[Workstation]:
    """Of a practice with Anna's appointments and a link for her phone."""
    server = practice_server()
    with (
        server.empty_database() as url,
        cable_to(server.server.owner.port or 0) as cable,
        open_desk(tmp_path, CommandHome) as desk,
    ):
        desk.run("import", write_export(tmp_path / "first.csv", 20))
        address = url.set(port=cable.port).render_as_string(hide_password=False)
        desk.run("practice", "create", "--database", address, "--name", "Front desk")
        link = desk.json("feeds", "add", "Anna Example", "--label", "Phone")["url"]
        yield Workstation(desk, cable, link.rpartition("/")[2].removesuffix(".ics"))


def first_administrator(page: Page, launch: str) -> None:
    page.goto(launch)
    page.fill("#name", "Example Practice")
    page.click("button[type=submit]")
    for name, value in (("name", "Robin"), ("new", PASSWORD), ("again", PASSWORD)):
        page.fill(f"#{name}", value)
    page.click("button[type=submit]")
    page.wait_for_url("**/welcome/appointments")


def test_everything_says_so_and_goes_on_by_itself(workstation: Workstation) -> None:
    cable = workstation.cable
    with a_browser() as browser:
        context: BrowserContext = browser.new_context(locale="en-AU")
        with workstation.running() as launch:
            page, book = context.new_page(), context.new_page()
            first_administrator(page, launch)
            workstation.go(page, "/practice/workstations")
            front = page.locator(".lines__line", has_text="Front desk")
            expect(front).to_contain_text("Keeps the calendars", timeout=SLOW)
            workstation.go(page, "/")
            expect(page.locator(".rows")).to_contain_text("Anna Example")
            workstation.go(book, "/book")
            expect(book.get_by_role("button", name="New")).to_be_visible()
            good = workstation.phone()
            assert (good[0], good[1].count(b"BEGIN:VEVENT")) == (200, 20)
            wait_until(
                lambda: bool(list((workstation.desk.home / "feeds").glob("*.feed"))), SLOW / 1000
            )

            cable.refuse(True)
            for open_page in (page, book):
                expect(open_page.locator(".away")).to_contain_text("last known at", timeout=SLOW)
            expect(page.locator(".rows")).to_contain_text("Not known since.", timeout=SLOW)
            assert workstation.phone() == good
            workstation.go(book, "/practitioner/anna-example")
            expect(book.get_by_role("heading", level=1)).to_have_text(AWAY)
            workstation.go(page, "/users")
            page.get_by_role("button", name="Add user").click()
            page.get_by_label("Name", exact=True).fill("Kim")
            page.get_by_role("button", name="Add", exact=True).click()
            expect(page.locator(".toast")).to_contain_text(AWAY, timeout=SLOW)
            signing_in = browser.new_context(storage_state=context.storage_state()).new_page()
            signing_in.context.clear_cookies(name=f"companion-user-{workstation.port}")
            workstation.go(signing_in, "/")
            signing_in.fill("#name", "Robin")
            signing_in.fill("#password", PASSWORD)
            signing_in.click("button[type=submit]")
            expect(signing_in.locator(".away")).to_contain_text(AWAY, timeout=SLOW)
            asked = workstation.desk.start("status")  # no loop runs there, as one does here
            said, trouble = asked.communicate()
            assert asked.returncode == 1
            assert "has been running since" in said
            assert AWAY in trouble

            cable.refuse(False)
            expect(page.locator(".away")).to_have_count(0, timeout=SLOW)
            expect(book.locator(".fold").first).to_be_visible(timeout=SLOW)
        cable.refuse(True)
        with workstation.running() as launch:
            page.goto(launch)
            expect(page.get_by_role("heading", level=1)).to_have_text(AWAY)
            assert workstation.phone() == good
            cable.refuse(False)
            expect(page.locator(".rows")).to_contain_text("Anna Example", timeout=SLOW)
            assert workstation.phone() == good
