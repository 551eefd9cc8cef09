"""Every page by keyboard alone, and with a finger in a narrow window."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.keyboard import pressed_twice, walk
from tests.e2e.screen import NARROW, WIDE, faults, origin_of, serving, settle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PASSWORD = "tram violet anchor"
PAGES = (
    "/",
    "/book",
    "/import",
    "/sources",
    "/practitioner/{person}",
    "/phone",
    "/phone/{person}",
    "/practice",
    "/practice/google",
    "/practice/workstations",
    "/users",
    "/progress",
    "/doctor",
    "/backup",
    "/account",
)
DIALOGS = (
    ("/", "Add practitioner"),
    ("/", "Show the removals that wait"),
    ("/practitioner/{person}#step-8", "Copy settings to others"),
    ("/practitioner/{person}", "Disconnect"),
    ("/practitioner/{person}", "Upload to Google"),
    ("/users", "Add user"),
)
FINGER = 44
SMALL = """() => [...document.querySelectorAll(
    "a[href], button, input, [role=checkbox], [role=radio], [role=switch], [role=tab], summary")]
  .filter((each) => {
    const box = each.getBoundingClientRect();
    if (box.width < 2 || !each.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      return false;
    // A field is pressed anywhere in its frame; a link in a sentence is as high as the sentence.
    if (each.closest(".q-field, .fc, [aria-hidden=true]")) return false;
    if (each.matches("a") && getComputedStyle(each).display === "inline") return false;
    return box.height < FINGER - 0.5 || box.width < FINGER - 0.5;
  })
  .map((each) => `${each.tagName} ${each.className} ${each.textContent.trim()}`.slice(0, 90))
""".replace("FINGER", str(FINGER))
INSIDE = """document.activeElement === document.body
    || document.activeElement.closest("[role=dialog]") !== null"""
"""Between the last and the first stop of a dialog the browser's own bars have their turn."""
SIDEWAYS = """() => [document.documentElement, document.querySelector(".nav"),
    ...document.querySelectorAll(".nav__list")]
  .filter((each) => each && each.scrollWidth > each.clientWidth).map((each) => each.className)"""


@pytest.fixture(scope="module")
def lived_in(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A practice in use; its administrator is signed in."""
    with serving("serve_pages.py", tmp_path_factory.mktemp("home")) as launch:
        context = chromium.new_context(base_url=origin_of(launch), reduced_motion="reduce")
        page = context.new_page()
        page.goto(launch)
        expect(page.locator(".who").first).to_be_visible()
        yield page
        context.close()


@pytest.fixture(scope="module")
def person(lived_in: Page) -> str:
    """Somebody who is connected."""
    lived_in.goto("/")
    link = lived_in.locator(".who__name a").first
    return (link.get_attribute("href") or "").rpartition("/")[2]


@pytest.fixture
def page(lived_in: Page) -> Page:
    lived_in.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    return lived_in


def visit(page: Page, path: str, person: str) -> None:
    page.goto(path.format(person=person))
    expect(page.locator("h1")).to_be_visible()
    settle(page)


@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_everything_and_a_finger_does_in_a_narrow_window(
    page: Page, person: str, path: str
) -> None:
    visit(page, path, person)
    assert walk(page) == []
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    settle(page)
    assert page.evaluate(SIDEWAYS) == []
    assert page.evaluate(SMALL) == []
    assert pressed_twice(page) == []


def test_the_skip_link_leads_past_the_navigation(page: Page, person: str) -> None:
    visit(page, "/", person)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#content') !== null")


def test_more_opens_with_enter_and_closes_with_escape(page: Page, person: str) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    visit(page, "/", person)
    more = page.get_by_role("button", name="More")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Doctor")).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Practice", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Doctor")).to_be_hidden()
    expect(more).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("link", name="Doctor").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Doctor")).to_be_visible()


def test_space_enter_and_the_arrows_work_what_has_the_focus(page: Page, person: str) -> None:
    visit(page, f"/practitioner/{person}#step-8", person)
    notes = page.get_by_role("checkbox", name="Notes")
    was = notes.get_attribute("aria-checked")
    notes.focus()
    page.keyboard.press("Space")
    expect(notes).not_to_have_attribute("aria-checked", was or "")
    keep = page.get_by_role("switch", name="Put back events")
    was = keep.get_attribute("aria-checked")
    keep.focus()
    page.keyboard.press("Space")
    expect(keep).not_to_have_attribute("aria-checked", was or "")
    number = page.get_by_role("radio", name="Client number")
    number.focus()
    page.keyboard.press("Space")
    expect(number).to_have_attribute("aria-checked", "true")
    colour = page.get_by_role("combobox", name="Colour in Google")
    colour.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("option")).to_have_count(0)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    undo.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(undo).to_be_hidden()


def test_a_file_is_chosen_by_keyboard(page: Page, person: str) -> None:
    visit(page, "/import", person)
    choose = page.get_by_role("button", name="Choose a file")
    choose.focus()
    expect(choose).to_be_focused()
    with page.expect_file_chooser():
        page.keyboard.press("Enter", delay=50)  # as long as a finger


@pytest.mark.parametrize(("path", "opener"), DIALOGS, ids=[opener for _, opener in DIALOGS])
def test_a_dialog_keeps_the_focus_and_gives_it_back(
    page: Page, person: str, path: str, opener: str
) -> None:
    visit(page, path, person)
    button = page.get_by_role("button", name=re.compile(f"^{opener}")).first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    settle(page)
    for key in ("Tab",) * 14 + ("Shift+Tab",) * 3:
        page.keyboard.press(key)
        assert page.evaluate(INSIDE), key
    assert faults(page) == []
    assert pressed_twice(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


FOCUSED_BY_ITSELF = """() => {
  const field = document.querySelector("[autofocus]");
  return field === null || field === document.activeElement;
}"""


def test_the_first_start_and_signing_in_need_no_mouse(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving("serve_first_day.py", tmp_path_factory.mktemp("first-day")) as said:
        launch = json.loads(said)["launch"]
        context = chromium.new_context(base_url=origin_of(launch), reduced_motion="reduce")
        page = context.new_page()

        def heading(words: str) -> None:
            expect(page.get_by_role("heading", level=1)).to_have_text(words)

        def walked() -> None:
            page.wait_for_function(FOCUSED_BY_ITSELF)  # or it takes the focus from the walk
            assert walk(page) == [], page.url
            page.reload()

        keys = page.keyboard
        page.goto(launch)
        heading("Welcome to Calendar Companion")
        walked()
        expect(page.get_by_label("Name of the practice")).to_be_focused()
        keys.type("Banksia Allied Health")
        keys.press("Enter")
        heading("Who looks after it?")
        walked()
        expect(page.get_by_role("textbox").first).to_be_focused()
        keys.type("Robin")
        keys.press("Tab")
        for _ in range(2):
            keys.type(PASSWORD)
            keys.press("Tab")
            expect(
                page.get_by_role("button", name="Show").and_(page.locator(":focus"))
            ).to_be_visible()
            keys.press("Tab")
        keys.press("Enter")
        heading("Where do the appointments come from?")
        walked()
        page.goto("/account")
        heading("Password of Robin")
        walked()
        page.goto("/")
        page.get_by_role("button", name="Sign out").focus()
        keys.press("Enter")
        heading("Sign in")
        walked()
        expect(page.get_by_label("Your name")).to_be_focused()
        keys.type("Robin")
        keys.press("Tab")
        keys.type(PASSWORD)
        keys.press("Enter")
        expect(page.get_by_text("No practitioners yet")).to_be_visible()
        settle(page)
        assert walk(page) == []
        context.close()
