"""What the browser tests of the Appointment Book share: a server of its own, a known browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.screen import a_browser, origin_of, serving


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    browser: Browser
    origin: str
    known: BrowserContext
    """A browser that came in by the launch address."""

    def window(self, width: int = 1280, height: int = 900, **options: object) -> Page:
        """A window of its own; the caller closes its context."""
        context = self.browser.new_context(
            base_url=self.origin,
            storage_state=self.known.storage_state(),
            viewport={"width": width, "height": height},
            timezone_id="Australia/Sydney",
            **options,  # type: ignore[arg-type] # Playwright's own options
        )
        return context.new_page()


@contextmanager
def known_browser(script: str, *arguments: str) -> Iterator[KnownBrowser]:
    """A process that prints its launch address first, and Chromium."""
    with serving(script, *arguments) as address, a_browser() as browser:
        known = browser.new_context()
        page = known.new_page()
        page.goto(address)
        expect(page.locator(".nav")).to_be_visible()
        yield KnownBrowser(browser, origin_of(address), known)
