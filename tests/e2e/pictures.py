"""The README's pictures, all of them anew:

    python -m tests.e2e.pictures

They show the pages over the sample practice after four weeks of use on a virtual clock, so they are
as true as the pages are; run it after a change of what they show.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.screen import a_browser, origin_of, serving, settle

FOLDER = Path(__file__).resolve().parents[2] / "static" / "pictures"
SIZE, TALL, SHORT = (1280, 800), 1480, 560
DAYS = "27"
COLOURS = 256
"""Of a palette: half of the bytes."""
EXPORT = """Provider,Begins,Finishes,Patient name,Service,Appt No
Zoë O'Brien-Nguyễn,30/11/2026 7:00,30/11/2026 7:30,Robin Sample,Physio,1
Zoë O'Brien-Nguyễn,30/11/2026 8:00,30/11/2026 8:45,Kim Example,Review,2
Fatima al-Hassan,1/12/2026 9:00,1/12/2026 9:30,Ari Invented,Physio,3
Fatima al-Hassan,31/13/2026 7:00,30/11/2026 7:30,Robin Sample,Physio,4
"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        serving("serve_pages.py", home, DAYS) as launch,
        a_browser() as browser,
    ):
        page = browser.new_page(
            viewport={"width": SIZE[0], "height": SIZE[1]},
            locale="en-AU",
            color_scheme="light",
            base_url=origin_of(launch),
        )
        page.goto(launch)
        export = Path(home) / "export.csv"
        export.write_text(EXPORT, encoding="utf-8")
        page.set_viewport_size({"width": SIZE[0], "height": TALL})
        take(page, "overview", lambda: page.goto("/"))
        page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
        take(page, "practitioner", lambda: open_practitioner(page))
        take(page, "book", lambda: page.goto("/book"))
        take(page, "import", lambda: preview(page, export))
        take(page, "phone", lambda: add_device(page))
    with (
        tempfile.TemporaryDirectory() as home,
        serving("serve_workstations.py", home) as launch,
        a_browser() as browser,
    ):
        page = browser.new_page(
            viewport={"width": SIZE[0], "height": SHORT}, locale="en-AU", color_scheme="light"
        )
        page.goto(launch)
        place = f"{origin_of(launch)}/practice/workstations"
        take(page, "workstations", lambda: page.goto(place))


def take(page: Page, name: str, arrive: Callable[[], object]) -> None:
    arrive()
    settle(page)
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # colours fade
    place = FOLDER / f"{name}.png"
    page.screenshot(path=place)
    with Image.open(place) as seen:
        small = seen.convert("RGB").quantize(COLOURS)
    small.save(place, optimize=True)
    print(f"{place.relative_to(FOLDER.parents[1])}: {place.stat().st_size // 1000} kB")


def open_practitioner(page: Page) -> None:
    """Of somebody who is not connected yet."""
    page.goto("/")
    page.locator(".who", has_text="Not connected").first.locator(".who__name a").click()
    expect(page.locator(".fold").first).to_be_visible()


def preview(page: Page, export: Path) -> None:
    page.goto("/import")
    page.locator("input[type=file]").set_input_files(export)
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()


def add_device(page: Page) -> None:
    page.goto("/phone")
    page.locator("table a").nth(1).click()
    page.wait_for_url("**/phone/*")  # the page before has such a button, too
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Whose or which one").fill("Jürgen's phone")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


if __name__ == "__main__":
    main()
