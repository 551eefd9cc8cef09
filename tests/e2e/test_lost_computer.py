"""The scenario of a lost computer, in a browser: on a new one, without a backup, the practitioner
signs in, the earlier calendar is offered and taken over, and nothing is there twice. The old one
turns up again, and says so."""

from __future__ import annotations

import json
import re
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.screen import SLOW, Person, origin_of, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PROOF = re.compile(r"Book .* = Google \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    launch: str
    google: str
    practitioner: str
    name: str
    email: str
    events: int = 0

    def asked(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.google}/_control/{path}", timeout=10) as answer:
            return json.load(answer)

    def calendars(self) -> list[str]:
        """Of the practitioner, beside the main one."""
        found = self.asked("state")["calendars"]
        return [each["id"] for each in found if each["owner"] == self.email != each["id"]]

    def calls(self) -> Counter[str]:
        """How often each method was called, of both computers."""
        return Counter(self.asked("counts")["methods"])

    def starts(self) -> Counter[str]:
        (events,) = self.asked(f"events?calendar={self.calendars()[0]}").values()
        return Counter(json.dumps([each["start"], each["summary"]]) for each in events)


@pytest.fixture(scope="module")
def computers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Computer, Computer]]:
    folder: Path = tmp_path_factory.mktemp("computers")
    with (
        serving("serve_computer.py", folder) as old,
        serving("serve_computer.py", folder) as new,
    ):
        yield Computer(**json.loads(old)), Computer(**json.loads(new))


def at(chromium: Browser, computer: Computer) -> Person:
    context = chromium.new_context(base_url=origin_of(computer.launch), locale="en-AU")
    context.set_default_timeout(SLOW)
    page: Page = context.new_page()
    page.goto(computer.launch)
    return Person(page=page)


def test_a_lost_computer_is_replaced_and_the_old_one_gives_way(
    chromium: Browser, computers: tuple[Computer, Computer]
) -> None:
    old, new = computers
    assert old.events > 20
    there = old.starts()
    assert there.total() == old.calls()["events.insert"] == old.events
    me = at(chromium, new)
    page = me.page

    me.press(me.link(f"Connect to Google, {new.name}"))
    me.at_google()
    expect(page.get_by_text("Another installation of Calendar Companion")).to_be_visible()
    expect(page.get_by_text(f"holds {old.events} events, last written on")).to_be_visible()
    assert page.url.endswith("#calendar")
    me.look("take-over")
    take = me.button("Take it over")
    take.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(PROOF)).to_be_visible(timeout=SLOW * 2)
    assert len(old.calendars()) == 1
    # The check after connecting writes one event of its own, and takes it away; a pass that sees
    # it meanwhile may do the latter too.
    until(page, lambda: old.starts() == there)
    written = old.calls()
    assert written["events.insert"] <= old.events + 1, "equal events are adopted without a write"
    assert not written["events.patch"], "equal events are adopted without a write"

    page.goto(f"/practitioner/{new.practitioner}#step-8")
    page.get_by_role("checkbox", name="Location").click()
    me.press(page.get_by_role("button", name="Apply", exact=True))
    expect(page.get_by_text("Not saved yet")).to_be_hidden()
    until(page, lambda: old.calls()["events.patch"] > 0)

    you = at(chromium, old)
    card = you.page.locator(".who").filter(has_text=old.name)
    expect(card).to_be_visible()
    you.page.goto(f"/practitioner/{old.practitioner}")
    you.press(you.page.get_by_role("button", name=re.compile("^Upload to Google")))
    you.press(you.button(re.compile("^(Upload|Compare with Google)$")))
    expect(you.page.get_by_text("Another computer writes to this Google calendar")).to_be_visible()
    you.page.goto("/")
    expect(card.get_by_text("Another computer", exact=True)).to_be_visible()
    you.look("another-computer")
    decide = you.button(f"Decide which computer, {old.name}")
    you.press(decide)
    expect(you.page.get_by_role("dialog")).to_be_visible()
    you.page.keyboard.press("Escape")
    expect(you.page.get_by_role("dialog")).to_be_hidden()
    you.press(decide)
    you.look("which-computer")
    you.press(you.button("Leave it to the other computer"))
    expect(card.get_by_text("Off", exact=True)).to_be_visible()
    assert max(old.starts().values()) == 1


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail("it took a minute")
