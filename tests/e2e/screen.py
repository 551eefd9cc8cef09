"""A real browser, and an app in a process of its own for it to look at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from companion.testing import find_chromium

HERE = Path(__file__).resolve().parent
AXE = (HERE.parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
SHOTS = os.environ.get("COMPANION_SCREENSHOTS", "")
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
def serving(script: str, folder: Path) -> Iterator[str]:
    """The first line that `script`, one of this folder's, says when its app is up."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), str(folder)],
        env=kept,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
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


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{each['impact']} {each['id']} {each['nodes'][0]['target']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
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
