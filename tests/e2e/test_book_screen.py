"""The Appointment Book in a real browser: drag, resize, menu, keys, touch, two windows, looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.book_server import KnownBrowser
from tests.e2e.book_window import DAY, appointment, column, drag, enter, go, shoot
from tests.e2e.screen import faults, settle

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def window(office: KnownBrowser) -> Iterator[tuple[Page, list[str]]]:
    """One for most of the tests, for a new one reads the whole program anew; and what goes wrong
    in it."""
    window = office.window()
    wrong: list[str] = []
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on(
        "console",
        lambda message: wrong.append(message.text) if message.type == "error" else None,
    )
    yield window, wrong
    window.context.close()


@pytest.fixture
def page(window: tuple[Page, list[str]]) -> Iterator[Page]:
    page, wrong = window
    wrong.clear()
    yield page
    page.emulate_media(media="screen")
    assert wrong == []


def test_dragging_moves_in_time_and_between_practitioners_and_undo_brings_it_back(
    page: Page,
) -> None:
    go(page, DAY)
    made = enter(page, "Dragged")
    expect(made).to_contain_text("09:00–09:30")
    drag(page, made, column(page), 8 * 22, shows="11:00–11:30")
    expect(made).to_contain_text("11:00–11:30")
    expect(made).to_contain_text("with Müller, Jürgen")
    page.reload()
    expect(page.get_by_role("button", name="Undo move")).to_be_enabled()
    page.keyboard.press("Control+z")
    expect(made).to_contain_text("09:00–09:30")
    expect(made).to_contain_text("with Zoë")
    page.get_by_role("button", name="Undo new appointment").click()
    expect(made).to_have_count(0)


def test_a_window_that_is_out_of_step_asks_for_all_of_it_again(page: Page) -> None:
    """After an edit only what differs is sent, to be put into the page of a certain stamp."""
    go(page, "2026-12-18")
    kept = enter(page, "Was there before")
    page.evaluate(
        """() => {
            const frame = document.querySelector(".book__frame");
            const own = getElement(Number(frame.closest("[id^=c]").id.slice(1)));
            own.page = { ...own.page, stamp: -1, events: [] };
        }"""
    )
    made = enter(page, "Came afterwards", "10:00")
    expect(made).to_contain_text("10:00–10:30")
    expect(kept).to_contain_text("09:00–09:30")
    drag(page, kept, 0, 2 * 22)
    expect(kept).to_contain_text("09:30–10:00")


def test_the_lower_edge_changes_the_length(page: Page) -> None:
    go(page, "2026-12-19")
    made = enter(page, "Stretched")
    drag(page, made, 0, 4 * 22, at_end=True, shows="09:00–10:30")
    expect(made).to_contain_text("09:00–10:30")


def test_drawing_over_free_time_begins_an_appointment_there(page: Page) -> None:
    go(page, "2026-12-12")
    heads = page.locator(".ec-col-head")
    box = heads.nth(2).bounding_box()
    body = page.locator(".ec-body").bounding_box()
    assert box is not None
    assert body is not None
    x, y = box["x"] + 40, body["y"] + 12 * 22 + 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 3 * 22, steps=6)
    expect(page.locator(".ec-preview")).to_have_text("New, 10:00–11:00")
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Start time")).to_have_value("10:00")
    expect(dialog.get_by_label("End time")).to_have_value("11:00")
    expect(dialog.get_by_text("Aroha Ngātā")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.mouse.dblclick(x, y + 8 * 22)
    expect(dialog.get_by_label("Start time")).to_have_value("12:00")


def test_everything_goes_by_keyboard_and_the_focus_stays(page: Page) -> None:
    go(page, "2026-12-13")
    made = enter(page, "Keyed")
    made.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    expect(made).to_contain_text("09:30–10:00")
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(made).to_contain_text("09:30–10:15")
    page.keyboard.press("Alt+ArrowRight")
    expect(made).to_contain_text("with Müller, Jürgen")
    expect(made).to_be_focused()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Cancel appointment")).to_be_focused()
    page.keyboard.press("Enter")
    expect(made).to_contain_text("cancelled")
    page.keyboard.press("Control+z")
    expect(made).not_to_contain_text("cancelled")
    settle(page)
    made.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Client's last name")).to_have_value("Keyed")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_menu_of_a_right_click_offers_what_the_vendors_does(page: Page) -> None:
    go(page, "2026-12-14")
    made = enter(page, "Clicked", "07:00")
    made.click(button="right")
    items = [each.inner_text().split("\n")[1] for each in page.get_by_role("menuitem").all()]
    assert items == [
        "Open",
        "Copy appointment",
        "Cancel appointment",
        "What does Google show?",
        "Upload to Google",
        "New appointment",
    ]
    page.get_by_role("menuitem", name="What does Google show?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is written to Google with the next sync.")
    expect(dialog).to_contain_text("In Google")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    body = page.locator(".ec-body").bounding_box()
    assert body is not None
    page.mouse.click(body["x"] + 100, body["y"] + 3 * 22, button="right")
    page.get_by_role("menuitem", name="Upload to Google").click()
    expect(page.locator(".book__status")).to_contain_text("added", timeout=15_000)
    expect(made).to_contain_text("in Google")


def test_a_meeting_of_a_series_moves_alone_and_nothing_is_doubled(page: Page) -> None:
    """The vendor's bug, as a journey: after the sync Google shows it moved, once."""
    go(page, "2026-12-15")
    lunches = page.locator(".ec-event", has_text="Lunch")
    mine = lunches.filter(has_text="with Zoë")
    expect(mine).to_contain_text("12:30–13:00")
    drag(page, mine, 0, -4 * 22)
    page.get_by_role("button", name="Only this one").click()
    expect(mine).to_have_count(1)
    expect(mine).to_contain_text("11:30–12:00")
    expect(mine).to_contain_text("moved from its usual time")
    mine.click(button="right")
    page.get_by_role("menuitem", name="Upload to Google").click()
    expect(mine).to_contain_text("in Google", timeout=15_000)
    expect(page.locator(".book__status")).to_contain_text("1 changed")
    page.keyboard.press("PageDown")
    expect(mine).to_contain_text("12:30–13:00")


def test_two_windows_agree_and_the_later_editor_sees_a_notice(
    office: KnownBrowser, page: Page
) -> None:
    go(page, "2026-12-16")
    other = office.window()
    go(other, "2026-12-16")
    made = enter(page, "Shared", "07:00")
    twin = appointment(other, "Shared")
    expect(twin).to_be_visible(timeout=1500)
    twin.click()
    dialog = other.get_by_role("dialog")
    expect(dialog.get_by_label("Client's last name")).to_have_value("Shared")
    made.focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(made).to_contain_text("07:15–07:45")
    expect(twin).to_contain_text("07:15–07:45", timeout=1500)
    dialog.get_by_label("Client's last name").fill("Too late")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("changed elsewhere meanwhile")
    expect(dialog.get_by_label("Client's last name")).to_have_value("Too late")
    other.context.close()


def test_a_name_is_never_markup(page: Page) -> None:
    go(page, "2026-12-17")
    made = enter(page, "<img src=x onerror=window.hacked=1>", "07:00")
    expect(made).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None
    assert made.locator("img").count() == 0


def test_a_long_press_opens_the_menu(office: KnownBrowser) -> None:
    phone = office.window(1000, 800, has_touch=True)
    go(phone, "2026-12-18")
    target = phone.locator(".ec-event").first
    box = target.bounding_box()
    assert box is not None
    touch = phone.context.new_cdp_session(phone)
    point = {"x": box["x"] + 20, "y": box["y"] + 10}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    phone.wait_for_timeout(700)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(phone.get_by_role("menu")).to_be_visible()
    phone.context.close()


def test_searching_leads_to_the_day_and_focuses_the_appointment(page: Page) -> None:
    go(page, DAY)
    page.get_by_role("button", name="Search").click()
    wanted = page.get_by_label("Client, number, type, title or notes")
    expect(wanted).to_be_focused()
    wanted.fill("conference hobart")
    found = page.get_by_role("button", name="Leave")
    expect(found).to_be_visible()
    wanted.press("ArrowDown")
    expect(found).to_be_focused()
    found.press("ArrowUp")
    expect(wanted).to_be_focused()
    wanted.press("Enter")
    expect(appointment(page, "Leave")).to_be_focused()
    expect(page.locator(".book-event--imported.ec-draggable")).to_have_count(0)


def test_an_export_file_is_downloaded(page: Page, tmp_path: Path) -> None:
    go(page, DAY)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Export to Google/iCal …").click()
    page.get_by_text("To an .ics file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="OK").click()
    saved = tmp_path / "export.ics"
    download.value.save_as(saved)
    assert saved.read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_view_has_a_finding(office: KnownBrowser, theme: str) -> None:
    window = office.window()
    window.context.add_cookies([{"name": "companion-theme", "value": theme, "url": office.origin}])
    for view in ("day", "week", "workweek", "month", "list"):
        go(window, "2026-11-24", view)
        shoot(window, f"book-{view}-{theme}")
        assert faults(window) == [], view
    window.locator("body").press("n")
    expect(window.get_by_role("dialog")).to_be_visible()
    shoot(window, f"book-new-{theme}")
    assert faults(window) == []
    window.context.close()


def test_a_narrow_window_shows_the_list_and_nothing_runs_over(office: KnownBrowser) -> None:
    phone = office.window(390, 844)
    go(phone, "2026-11-24")
    expect(phone.locator(".ec-list")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults(phone) == []
    phone.context.close()


def test_the_paper_is_plain(page: Page) -> None:
    page.goto("/book/print?day=2026-11-24")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tuesday 24 November 2026")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.locator(".nav")).to_have_count(0)
    assert faults(page) == []


def test_turning_the_page_keeps_the_elements_and_brings_the_other_days_words(page: Page) -> None:
    """A full day is drawn quickly because its elements stay."""
    go(page, "2026-12-23")
    mine = page.locator(".ec-event", has_text="Lunch").filter(has_text="with Zoë")
    key = mine.locator("[data-key]").get_attribute("data-key")
    page.evaluate("window.drawn = [...document.querySelectorAll('.ec-event.book-event')]")
    page.keyboard.press("PageDown")
    expect(mine.locator("[data-key]")).not_to_have_attribute("data-key", key or "")
    kept, wanted = page.evaluate(
        """() => {
            const now = [...document.querySelectorAll('.ec-event.book-event')];
            return [now.filter((each) => drawn.includes(each)).length,
                    Math.min(now.length, drawn.length) / 2];
        }"""
    )
    assert kept >= wanted > 2
    mine.hover()
    expect(mine.locator("[data-key]")).to_have_attribute("title", re.compile("Lunch\n12:30–13:00"))
    drag(page, mine, 0, -4 * 22)
    page.get_by_role("button", name="Only this one").click()
    expect(mine).to_contain_text("11:30–12:00")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("PageUp")
    expect(mine).to_contain_text("12:30–13:00")
    page.keyboard.press("PageDown")
    expect(mine).to_contain_text("11:30–12:00")


@pytest.mark.parametrize("label", ["Practitioners", "Location"])
def test_a_filter_offers_everything_at_the_first_click(page: Page, label: str) -> None:
    go(page, DAY)
    if label == "Location":
        page.get_by_role("button", name="Filters").click()
    page.get_by_label(label).click()
    offered = page.get_by_role("option")
    expect(offered.first).to_be_visible()
    heads = page.locator(".ec-col-head").count()
    if label == "Practitioners":
        expect(offered).to_have_count(heads)
    page.keyboard.press("Escape")


def test_another_day_is_announced_and_no_other_appointment_has_the_focus(page: Page) -> None:
    go(page, "2026-12-22")
    mine = page.locator(".ec-event", has_text="Lunch").filter(has_text="with Zoë")
    mine.focus()
    expect(mine).to_be_focused()
    page.keyboard.press("PageDown")
    expect(page.locator(".book__frame > [role=status]")).to_have_text("Wednesday 23 December 2026")
    expect(page.locator(".ec-event:focus")).to_have_count(0)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
    page.keyboard.press("PageUp")
    expect(page.locator(".book__frame > [role=status]")).to_have_text("Tuesday 22 December 2026")


def test_the_line_of_the_present_time_is_on_today_alone(page: Page) -> None:
    page.clock.set_fixed_time("2026-12-22T01:00:00Z")  # noon in Sydney
    go(page, "2026-12-22")
    expect(page.locator(".ec-now-indicator")).to_have_count(1)
    page.keyboard.press("PageDown")
    expect(page.locator(".ec-now-indicator")).to_have_count(0)
    page.keyboard.press("PageUp")
    expect(page.locator(".ec-now-indicator")).to_have_count(1)
