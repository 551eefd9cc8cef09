"""The Appointment Book in a browser's window: going to a day, making, finding and dragging."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.screen import SHOTS, still

DAY = "2026-12-10"
"""A Thursday after the sample's moved lunches; each test takes a day of its own."""


def go(page: Page, day: str, view: str = "day") -> None:
    page.goto(f"/book?day={day}&view={view}")
    expect(page.locator(".book__frame")).to_have_attribute("data-shown", re.compile(r"\d+"))


def appointment(page: Page, title: str) -> Locator:
    return page.locator(".ec-event", has_text=title)


def enter(page: Page, name: str, start: str = "") -> Locator:
    """A new client appointment by keyboard."""
    page.locator("body").press("n")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Client's last name").fill(name)
    if start:
        dialog.get_by_label("Start time").fill(start)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    made = appointment(page, name)
    expect(made).to_be_visible()
    return made


def drag(
    page: Page, what: Locator, dx: float, dy: float, *, at_end: bool = False, shows: str = ""
) -> None:
    """`shows`: what its preview says before it is let go."""
    box = what.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    y = box["y"] + (box["height"] - 3 if at_end else 8)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2, steps=4)
    page.mouse.move(x + dx, y + dy, steps=4)
    if shows:
        expect(page.locator(".ec-preview")).to_contain_text(shows)
    page.mouse.up()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        still(page)
        page.screenshot(path=f"{SHOTS}/{name}.png")


def column(page: Page) -> float:
    """Width of one practitioner's column, in pixels."""
    boxes = [each.bounding_box() for each in page.locator(".ec-col-head").all()[:2]]
    assert boxes[0] is not None
    assert boxes[1] is not None
    return boxes[1]["x"] - boxes[0]["x"]
