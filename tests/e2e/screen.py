"""A real browser, and an app in a process of its own for it to look at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from companion.testing import find_chromium
from tests.fakes import warm

HERE = Path(__file__).resolve().parent
AXE = (HERE.parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
SHOTS = os.environ.get("COMPANION_SCREENSHOTS", "")
SLOW = 60_000
"""Milliseconds that a busy machine may take."""
WIDE, NARROW = (1280, 900), (390, 844)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def serving(script: str, *arguments: str | Path) -> Iterator[str]:
    """The first line that `script`, one of this folder's, says when its app is up."""
    process = warm.start(HERE / script, *arguments)
    assert process.stdout is not None
    try:
        said = process.stdout.readline().strip()
        assert said, "the app did not start; see its error above"
        yield said
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def origin_of(launch: str) -> str:
    parts = urlsplit(launch)
    return f"{parts.scheme}://{parts.netloc}"


def still(page: Page) -> None:
    """Until nothing that can be seen fades or grows any more: what is folded away stands still
    half-way."""
    page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          const moving = () => document.getAnimations().filter((each) =>
            each.playState === "running" && each.effect.getComputedTiming().endTime < Infinity &&
            each.effect.target && each.effect.target.checkVisibility());
          do {
            await Promise.allSettled(moving().map((each) => each.finished));
            await frame();
            await frame();
          } while (moving().length);
        }"""
    )


def faults(page: Page) -> list[str]:
    """What axe finds, apart from what is minor, once the page is still: half-way colours have no
    contrast."""
    still(page)
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    found = page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(result => result.violations)"
    )
    return [
        f"{each['impact']} {each['id']} {each['nodes'][0]['target']}"
        for each in found
        if each["impact"] != "minor"
    ]


def settle(page: Page) -> None:
    """Until nothing has appeared or moved for a moment."""
    page.evaluate(
        """async () => {
          const size = () => document.querySelectorAll("*").length + ":" +
            document.documentElement.scrollHeight;
          let last = "", same = 0;
          while (same < 3) {
            await new Promise((done) => setTimeout(done, 100));
            same = size() === last ? same + 1 : 0;
            last = size();
          }
        }"""
    )


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody at the screen; counts what they press."""

    page: Page
    clicks: int = 0

    def press(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def link(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("link", name=name)

    def at_google(self, account: str = "", *, untick: bool = False, cancel: bool = False) -> None:
        """Google's own page: which account, which permission, yes or no."""
        expect(self.button("Allow")).to_be_visible(timeout=SLOW)
        if account:
            self.press(self.page.locator(f"input[name=account][value='{account}']"))
        if untick:
            for box in self.page.locator("input[name=scope]").all():
                if "calendar" in (box.get_attribute("value") or ""):
                    self.press(box)
        self.press(self.button("Cancel" if cancel else "Allow"))

    def look(self, name: str) -> None:
        """Accessible, no wider than the window; a picture in every size and colour."""
        page = self.page
        expect(page.locator(".q-notification")).to_have_count(0, timeout=10_000)
        for width, height in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                if SHOTS:
                    still(page)
                    path = Path(SHOTS) / f"setup-{name}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                assert faults(page) == [], f"{name} {width} {scheme}"
            beyond = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert beyond <= 0, f"{name} is wider than {width}"
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.emulate_media(color_scheme="light")


def accounts(me: Person) -> list[str]:
    """The e-mail addresses on Google's consent page."""
    boxes = me.page.locator("input[name=account]")
    expect(boxes.first).to_be_visible(timeout=SLOW)
    return [each.get_attribute("value") or "" for each in boxes.all()]
