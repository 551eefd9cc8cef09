"""What the browser tests of the Appointment Book share: a server of its own, a known browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from companion.testing import find_chromium
from tests.fakes import warm

HERE = Path(__file__).resolve().parent
AXE = (HERE.parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class CommandHome:
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
def commands(script: str, *arguments: str) -> Iterator[CommandHome]:
    """A process that prints its launch address first, and Chromium."""
    process = warm.start(HERE / script, *arguments)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), "the app did not start; see its error above"
        parts = urlsplit(address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=list(ARGUMENTS)
            )
            known = browser.new_context()
            page = known.new_page()
            page.goto(address)
            expect(page.locator(".nav")).to_be_visible()
            yield CommandHome(browser, f"{parts.scheme}://{parts.netloc}", known)
            browser.close()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
