"""Phone links in a real browser: a device added by keyboard, the code read back, axe, both themes.

Screenshots go to the folder named by COMPANION_SCREENSHOTS, else to pytest's temporary folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.screen import NARROW, SHOTS, WIDE, faults, still

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def state(chromium: Browser, launch: str) -> Any:
    """Of a browser that has been launched once."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(launch)
    expect(page.locator(".who").first).to_be_visible()
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def page(chromium: Browser, state: Any, launch: str) -> Iterator[Page]:
    context = chromium.new_context(
        base_url="/".join(launch.split("/")[:3]),
        storage_state=state,
        viewport={"width": WIDE[0], "height": WIDE[1]},
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        still(page)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def open_first(page: Page) -> None:
    page.goto("/phone")
    page.locator("table a").first.click()
    expect(page.get_by_role("heading", name="Phone links")).to_be_visible()
    expect(page.get_by_text("Work phone").first).to_be_visible()


def test_a_device_is_added_by_keyboard_alone(page: Page) -> None:
    open_first(page)
    page.get_by_role("button", name="Add a device").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("What this link shows")).to_be_visible()
    expect(page.locator(".shown").first).to_be_visible()
    shoot(page, "phone-wizard")
    assert faults(page) == []
    page.get_by_label("Whose or which one").focus()
    page.keyboard.type("Zoë's iPad")
    page.get_by_role("button", name="Make the link").focus()
    page.keyboard.press("Enter")
    address = page.locator(".address").last
    expect(address).to_have_text(
        re.compile(r"^webcal://192\.168\.20\.7:8090/feeds/[\w-]{43}\.ics$")
    )
    expect(page.locator(".device__code svg")).to_be_visible()
    shoot(page, "phone-link")
    assert faults(page) == []
    page.get_by_role("button", name="Copy the link").click()
    page.wait_for_function(
        "async (link) => await navigator.clipboard.readText() === link", arg=address.inner_text()
    )
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Zoë's iPad").first).to_be_visible()
    assert "/feeds/" not in page.title() + page.url


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_both_pages_are_sound_in_every_size_and_theme(
    page: Page, size: tuple[int, int], theme: str
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/phone")
    page.evaluate(f"companionTheme('{theme}')")
    page.goto("/phone")
    expect(page.get_by_text("Who has links")).to_be_visible()
    page.get_by_role("button", name="Check reachability").click()
    expect(page.get_by_text("The listener for phones runs")).to_be_visible()
    page.get_by_text("Address, certificate and proxy").click()
    expect(page.get_by_label("Web address of a proxy or tunnel")).to_be_visible()
    shoot(page, f"phones-{size[0]}-{theme}")
    assert faults(page) == []
    open_first(page)
    shoot(page, f"my-phone-{size[0]}-{theme}")
    assert faults(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing stands out at the side"
