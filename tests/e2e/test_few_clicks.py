"""From `python run.py demo` to a filled calendar: how often one has to press."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.screen import SLOW, Person, a_browser
from tests.fakes import warm
from tests.fakes.free_ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MOST_CLICKS = 4
START = "from companion.cli import run; run()"
"""As run.py goes on, once everything is installed."""


@pytest.fixture
def launch() -> Iterator[str]:
    """The address that the demo prints."""
    ports = ["--port", str(free_port()), "--feed-port", str(free_port())]
    process = warm.start("-c", START, "demo", "--no-browser", *ports)
    assert process.stdout is not None
    try:
        while not (found := re.search(r"http://\S+launch=\S+", process.stdout.readline())):
            assert process.poll() is None, "the demo did not start; see its error above"
        yield found[0]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_the_demo_comes_to_a_filled_calendar_and_its_proof_in_four_clicks(launch: str) -> None:
    with a_browser() as browser:
        page = browser.new_context(locale="en-AU").new_page()
        me = Person(page=page)
        page.goto(launch)
        began = time.monotonic()
        card = page.locator(".who").first
        expect(card).to_be_visible(timeout=SLOW)
        me.press(card.get_by_role("link", name=re.compile("^Connect to Google")))
        me.at_google()
        expect(page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible(
            timeout=SLOW
        )
        me.press(me.button(re.compile("^Upload to Google")))
        dialog = page.get_by_role("dialog")
        me.press(dialog.get_by_role("button", name="Upload", exact=True))
        proof = page.get_by_text(re.compile(r"Book .* = Google [1-9]\d*"))
        expect(proof).to_be_visible(timeout=4 * SLOW)
        print(f"{me.clicks} clicks, {time.monotonic() - began:.0f} s: {proof.inner_text()}")
        assert me.clicks <= MOST_CLICKS
