"""The page of the workstations in a real browser, and a server that goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.screen import NARROW, WIDE, faults, origin_of, serving, settle

pytestmark = pytest.mark.browser
AWAY = "The practice's database cannot be reached."


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    with serving("serve_workstations.py", tmp_path) as launch:
        page = chromium.new_page(base_url=origin_of(launch), locale="en-AU")
        page.goto(launch)
        yield page
        page.close()


def test_another_one_keeps_the_calendars_by_keyboard_and_it_is_seen_to_happen(page: Page) -> None:
    page.goto("/practice/workstations")
    front = page.locator(".lines__line", has_text="Front desk")
    expect(front).to_contain_text("Keeps the calendars")
    page.get_by_role("button", name="Make this one keep the calendars: Back office").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Shall Back office keep the calendars?")
    page.get_by_role("button", name="Let it keep them").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Back office is taking over")).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Back office keeps the calendars now.")
    expect(front).not_to_contain_text("Keeps the calendars")
    expect(page.locator(".lines__line", has_text="Back office")).to_contain_text("Keeps them")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_no_faults_in_any_size(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for width, height in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": height})
        page.goto("/practice/workstations")
        settle(page)
        assert not faults(page)
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wider)


def test_a_server_that_goes_away_is_said_and_forgotten_by_itself(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/")
    banner = page.locator(".away")
    expect(page.locator(".rows .who").first).to_be_visible()
    expect(banner).to_have_count(0)
    (tmp_path / "away").touch()
    expect(banner).to_contain_text(AWAY)
    expect(banner).to_contain_text("Trying again by itself.")
    assert not faults(page)
    (tmp_path / "away").unlink()
    expect(banner).to_have_count(0)
    expect(page.locator(".rows .who").first).to_be_visible()


def test_a_page_that_needs_the_server_comes_by_itself_once_it_is_back(
    chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "away").touch()
    with serving("serve_workstations.py", tmp_path) as launch:
        page = chromium.new_page(base_url=origin_of(launch), locale="en-AU")
        page.goto(launch)
        expect(page.get_by_role("heading", level=1)).to_have_text(AWAY)
        assert not faults(page)
        (tmp_path / "away").unlink()
        expect(page.locator(".rows .who").first).to_be_visible()
        page.close()
