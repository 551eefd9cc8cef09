"""The pages in a real browser: looks, accessibility, keyboard, two tabs, a real file.

Screenshots go to the folder named by COMPANION_SCREENSHOTS, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.screen import NARROW, SHOTS, WIDE, faults, origin_of, settle

pytestmark = pytest.mark.browser


PAGES = {
    "/": ".activity",
    "/book": ".ec-day, .ec",
    "/import": ".drop",
    "/sources": ".card",
    "/phone": "td",
    "/practice": ".drop",
    "/practice/google": ".drop",
    "/practice/workspace": ".drop",
    "/practice/workstations": ".card",
    "/users": ".lines__line",
    "/progress": "td",
    "/doctor": ".card",
    "/backup": ".drop",
}
"""By address: what has to be seen first."""
EDGE = """() => Math.min(...[...document.querySelectorAll(".page > *, .page__head h1")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().width > 1)
  .map((each) => Math.round(each.getBoundingClientRect().x)))"""
"""Where a page begins at the left."""


@pytest.fixture(scope="module")
def known(chromium: Browser, launch: str) -> Iterator[BrowserContext]:
    """A browser that has been launched once."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(launch)
    expect(page.locator(".who").first).to_be_visible()
    yield context
    context.close()


@pytest.fixture
def page(chromium: Browser, known: BrowserContext, launch: str) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=origin_of(launch),
        storage_state=known.storage_state(),
        viewport={"width": WIDE[0], "height": WIDE[1]},
    )
    yield context.new_page()
    context.close()


def watched(page: Page) -> list[str]:
    """What goes wrong in the page from now on, and every request that leaves this computer."""
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            wrong.append(f"asked {request.url}")
            if urlsplit(request.url).hostname not in {"127.0.0.1", None}
            else None
        ),
    )
    return wrong


def somebody(page: Page) -> str:
    """The page of a practitioner who has appointments."""
    page.goto("/")
    return page.locator(".who__name a", has_text="Zoë").get_attribute("href") or ""


@pytest.mark.parametrize(
    ("size", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"]
)
def test_every_page_is_whole_and_accessible(
    chromium: Browser,
    known: BrowserContext,
    launch: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    context = chromium.new_context(
        base_url=origin_of(launch),
        storage_state=known.storage_state(),
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    wrong = watched(page)
    person = somebody(page)
    edges = {}
    for path, sign in {
        **PAGES,
        f"{person}#step-8": ".shown",
        f"/phone{person[13:]}": ".card",
    }.items():
        page.goto(path)
        expect(page.locator(sign).first).to_be_visible()
        settle(page)
        name = path.partition("#")[0].strip("/").replace("/", "-") or "overview"
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{size[0]}-{theme}.png", full_page=True)
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beyond <= 0, f"{path} is wider than the window"
        assert faults(page) == [], path
        expect(page.locator("h1")).to_have_count(1)
        edges[path] = page.evaluate(EDGE)
    assert len(set(edges.values())) == 1, edges
    assert wrong == []
    context.close()


def test_an_unknown_browser_sees_an_accessible_page(chromium: Browser, launch: str) -> None:
    page = chromium.new_page()
    page.goto(origin_of(launch))
    expect(page.get_by_role("heading")).to_have_text("Please open Calendar Companion itself first")
    assert faults(page) == []
    page.close()


def test_the_launch_address_leaves_no_token_behind(known: BrowserContext, launch: str) -> None:
    assert known.pages[0].url == origin_of(launch) + "/"
    cookies = [each for each in known.cookies() if each["name"].startswith("companion-machine-")]
    assert [(each["httpOnly"], each["sameSite"]) for each in cookies] == [(True, "Strict")]


def test_held_removals_can_be_looked_at(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Show the removals that wait").click()
    expect(page.get_by_role("heading", name="Removals held for")).to_be_visible()
    assert faults(page) == []


def test_an_upload_is_seen_in_two_tabs_survives_its_own_and_can_be_cancelled(page: Page) -> None:
    page.goto("/")
    second = page.context.new_page()
    second.goto("/")
    upload = page.get_by_role("button", name="Upload to Google, Fatima al-Hassan")
    upload.click()
    card = second.locator(".who", has_text="Fatima al-Hassan")
    expect(card.get_by_role("progressbar")).to_be_visible()
    expect(card).to_contain_text("of 300")
    page.close()
    expect(card.get_by_role("progressbar")).to_be_visible()
    second.get_by_role("button", name="Cancel, Fatima al-Hassan").click()
    expect(card).to_contain_text("wait for the next sync")
    second.get_by_role("button", name="Upload to Google, Fatima al-Hassan").click()
    expect(card).to_contain_text("Up to date", timeout=30_000)


def test_a_dropped_file_is_previewed_and_applied(page: Page, tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text(
        "Provider,Begins,Finishes,Patient name,Service,Appt No\n"
        "Zoe O'Brien-Nguyen,30/11/2026 7:00,30/11/2026 7:30,Robin Sample,Physio,1\n"
        "Zoe O'Brien-Nguyen,31/13/2026 7:00,30/11/2026 7:30,Robin Sample,Physio,2\n",
        encoding="utf-8",
    )
    wrong = watched(page)
    page.goto("/import")
    page.locator("input[type=file]").set_input_files(export)
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    page.get_by_role("button", name="Change how columns are read").click()
    expect(page.get_by_role("heading", name="How the columns are read")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Read the file again").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    expect(page.get_by_text("is not a date")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Use these answers").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("The book is up to date with the file.")).to_be_visible()
    assert wrong == []


def test_the_chosen_colours_stay(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    switch = page.get_by_role("button", name="Colours: as this computer")
    switch.click()
    page.get_by_role("button", name="Colours: light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/practice")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body.body--dark")).to_have_count(1)
    page.get_by_role("button", name="Colours: dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_checks_turn_their_buttons_green(page: Page) -> None:
    page.goto(somebody(page))
    for title in ("Test Credentials", "Check Calendar is accessible"):
        page.locator("summary", has_text=title).click()
    page.get_by_role("button", name="Test Credentials").click()
    expect(page.get_by_role("button", name="Test Credentials (Succeeded)")).to_be_visible()
    page.get_by_role("button", name="Check Calendar is accessible").click()
    expect(page.get_by_role("button", name="Calendar Accessible (Succeeded)")).to_be_visible()
    assert faults(page) == []
