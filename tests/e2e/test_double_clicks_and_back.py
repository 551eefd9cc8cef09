"""A real double click acts once, and nothing that was typed goes without a question."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.book_server import KnownBrowser
from tests.e2e.book_window import appointment, go

pytestmark = pytest.mark.browser
DAY = "2026-12-15"


@pytest.fixture
def page(office: KnownBrowser) -> Iterator[Page]:
    window = office.window()
    yield window
    window.context.close()


def dialog(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name)


def test_a_double_click_saves_one_appointment_and_a_menu_opens_one_dialog(page: Page) -> None:
    go(page, DAY)
    page.get_by_role("button", name="New appointment").dblclick()
    page.get_by_label("Client's last name").fill("Twice")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(appointment(page, "Twice")).to_have_count(1)
    appointment(page, "Twice").click(button="right")
    page.get_by_role("menuitem", name="Copy appointment").dblclick()
    expect(dialog(page, "Copy appointment")).to_be_visible()
    page.get_by_label("Copies").fill("2")
    page.get_by_label("Copies").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    go(page, "2026-12-22")
    expect(appointment(page, "Twice")).to_have_count(1)
    go(page, DAY)
    appointment(page, "Twice").dblclick()
    expect(dialog(page, "Appointment")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_esc_a_click_beside_and_back_ask_before_what_was_typed_goes(page: Page) -> None:
    page.goto("/users")
    go(page, DAY)
    ask = dialog(page, "Throw away what you typed?")
    page.locator("body").press("n")
    page.get_by_label("Client's last name").fill("Typed")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Go on typing").click()
    expect(ask).to_have_count(0)
    page.mouse.click(8, 400)
    page.get_by_role("button", name="Go on typing").click()
    expect(ask).to_have_count(0)
    page.go_back()
    expect(ask).to_be_visible()
    page.get_by_role("button", name="Go on typing").click()
    expect(ask).to_have_count(0)
    expect(page.get_by_label("Client's last name")).to_have_value("Typed")
    page.go_back()
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile("/users$"))


def test_back_closes_a_dialog_in_which_nothing_was_typed(page: Page) -> None:
    go(page, DAY)
    page.locator("body").press("n")
    expect(dialog(page, "New appointment")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "/book" in page.url


def test_enter_presses_the_first_button_that_is_seen_and_none_from_a_search(page: Page) -> None:
    go(page, DAY)
    page.locator("body").press("n")
    expect(dialog(page, "New appointment")).to_be_visible()
    page.evaluate(
        """() => {
          const card = document.querySelector(".dialog");
          card.insertAdjacentHTML("afterbegin", `<div hidden>
            <button class="btn--primary">Gone</button></div><input aria-label="Words">
            <input aria-label="Look" type="search">
            <button class="btn--primary">Seen</button>`);
          for (const each of card.querySelectorAll("button.btn--primary"))
            each.addEventListener("click", () => { each.dataset.pressed = 1; });
        }"""
    )
    pressed = page.locator("[data-pressed]")
    page.get_by_label("Look").press("Enter")
    expect(pressed).to_have_count(0)
    page.get_by_label("Words").press("Enter")
    expect(pressed).to_have_text(["Seen"])
